"""What a batch of projects is given: N projects on one grid of construction and operating periods."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Values = float | Array
"""A number for all projects, (N,) one a project, or (T, N) and (T, 1) by operating period where the field says so."""

T = TypeVar("T")


@dataclass(frozen=True)
class Grid:
    """Points in time: C of construction, 0 .. C-1, then T of operation; the first is the date of every value."""

    operating_periods: int
    construction_periods: int = 1
    periods_per_year: int = 4

    @property
    def points(self) -> int:
        """Construction and operation."""
        return self.construction_periods + self.operating_periods


@dataclass(frozen=True)
class Sales:
    """Output and its price; money nominal, escalation starts after the first operating year or period."""

    output_per_year: Values
    """Units sold in a year before degradation; also (T, N), the rate of each period."""
    price_nominal_usd_per_unit: Values
    """In the first operating period; also (T, N), then usually without escalation."""
    price_escalation_frac_per_year: Values = 0.0
    degradation_frac_per_year: Values = 0.0
    residual_frac: Values = 0.0
    """Sale of the plant in the last period over its cost, nominal."""
    residual_is_revenue: bool = False
    """True: taxed in full and counted as cash for debt (SAM). False: only the gain over the tax basis is taxed, what
    is left of the basis is written off, and lenders do not count it."""
    steps_once_a_year: bool = False
    """True: prices, costs and output change at each anniversary. False: smoothly with every period."""


@dataclass(frozen=True)
class Costs:
    """Running cost, nominal; each escalates from the first operating period."""

    fixed_nominal_usd_per_year: Values = 0.0
    """Also (T, N)."""
    fixed_escalation_frac_per_year: Values = 0.0
    variable_nominal_usd_per_unit: Values = 0.0
    variable_escalation_frac_per_year: Values = 0.0
    insurance_frac_per_year: Values = 0.0
    """Of the cost of the plant."""
    insurance_escalation_frac_per_year: Values = 0.0
    property_tax_frac_per_year: Values = 0.0
    """Of the assessed value."""
    assessed_frac: Values = 1.0
    assessed_decline_frac_per_year: Values = 0.0
    """Fall of the assessed value a year in shares of the first, in whole steps a year; never below zero."""


@dataclass(frozen=True)
class Build:
    """What is built and when it is paid."""

    cost_nominal_usd: Values
    """Before sales tax."""
    sales_tax_frac: Values = 0.0
    """Of the cost; part of the plant's cost everywhere below."""
    draw_frac: Array = field(default_factory=lambda: np.ones(1))
    """(C,) or (C, N) shares of the cost by construction period, sum 1."""
    construction_financing_nominal_usd: Values = 0.0
    """A lump for interest during building, drawn with the cost and in the tax basis (SAM); none if the loan's own
    interest is capitalised instead."""
    other_financing_nominal_usd: Values = 0.0
    """Developer's and legal cost at the first point, in the tax basis."""


@dataclass(frozen=True)
class Debt:
    """One loan; rates effective a year and nominal."""

    kind: str = "none"
    """``none``, ``level`` (annuity), ``level_principal`` or ``sculpted`` (service = cash / coverage)."""
    rate_frac_per_year: Values = 0.0
    construction_rate_frac_per_year: Values | None = None
    """Interest while building, capitalised; None: the loan's rate."""
    tenor_periods: Values = 0
    """Operating periods until the last payment; whole, at most T."""
    moratorium_periods: int = 0
    """Operating periods with interest only, for level loans."""
    gearing_frac: Values = 1.0
    """Level loans: debt over uses. Sculpted: its upper bound."""
    dscr: Values = 1.3
    fee_frac: Values = 0.0
    """Of the loan, paid at the first point; neither in the basis nor deducted (SAM)."""
    closing_nominal_usd: Values = 0.0
    gearing_on: str = "uses"
    """``uses``: all uses, fee, capitalised interest and reserves included, solved exactly. ``sam``: as SAM does, see
    ``gearing_bound``."""
    sized_on: str = "pre_tax"
    """Cash that sizes and covers: ``pre_tax`` (SAM) or ``after_unlevered_tax`` (the interest shield stays outside)."""
    negative_cash_lends: bool = False
    """True: negative cash enters the sculpting as it is (SAM). False: it counts as zero."""


@dataclass(frozen=True)
class Tax:
    """Income taxes of the owner; fractions."""

    federal_frac: Values = 0.0
    state_frac: Values = 0.0
    """Deductible federally."""
    schedules: Array = field(default_factory=lambda: np.zeros((1, 1)))
    """(K, years) write-off by class and tax year, for example the tables of IRS Publication 946."""
    class_frac: Array = field(default_factory=lambda: np.zeros(1))
    """(K,) or (K, N) share of the basis in each class; the rest is land."""
    bonus_frac: Array = field(default_factory=lambda: np.zeros(1))
    """(K,) or (K, N) share written off in the first operating period (IRC 168(k))."""
    state_bonus_frac: Array | None = None
    """None: as the federal one."""
    losses_refunded: bool = False
    """True: negative tax is cash at once, the owner has other income (SAM). False: losses are carried forward."""
    loss_use_cap_frac: float = 0.8
    """Share of income that carried losses may offset (IRC 172)."""
    interest_cap_frac: float = np.inf
    """Interest deductible over EBITDA, plus interest income (IRC 163(j): 0.30); the rest waits. Infinite: no cap."""


@dataclass(frozen=True)
class Credits:
    """Federal tax credits, taken as cash in the period that earns them (sold or used elsewhere)."""

    investment_frac: Values = 0.0
    """Of the basis that qualifies, in the first operating period (IRC 48)."""
    investment_class: Array | None = None
    """(K,) 1 where a class qualifies; None: every class."""
    basis_reduction_frac: float = 0.5
    """Share of the credit taken off the basis of the qualifying classes (IRC 50(c)(3))."""
    production_nominal_usd_per_unit: Values = 0.0
    """Also (T, 1), for example where the law rounds each year."""
    production_escalation_frac_per_year: Values = 0.0
    production_years: float = 10.0


@dataclass(frozen=True)
class Reserves:
    """Cash held back, each for the next period's flow, funded at the last point of construction."""

    service_months: Values = 0.0
    """Debt service."""
    working_months: Values = 0.0
    """Running cost; lenders do not take its changes off cash (SAM)."""
    receivable_months: Values = 0.0
    """Revenue; its funding, not its release, comes off cash for debt (SAM)."""
    interest_frac_per_year: Values = 0.0


@dataclass(frozen=True)
class Replacement:
    """Equipment that is replaced by its like inside the horizon, paid by the owners."""

    every_periods: int
    """Operating periods between replacements; the first falls in this period, counted from 1."""
    cost_nominal_usd: Values
    """At prices of the first operating period."""
    escalation_frac_per_year: Values = 0.0
    tax_class: int = 0
    """Row of ``Tax.schedules`` by which it is written off."""
    bonus_frac: float = 0.0
    saved_ahead: bool = False
    """True: saved in equal parts over the periods before, which lowers cash for debt by those parts (SAM). False: paid
    when due."""


@dataclass(frozen=True)
class Projects:
    """N projects; every field may be one for all or one a project."""

    grid: Grid
    sales: Sales
    costs: Costs
    build: Build
    discount_frac_per_year: Values
    """Nominal; from a real one by ``nominal_rate``."""
    debt: Debt = Debt()
    tax: Tax = field(default_factory=Tax)
    credits: Credits = Credits()
    reserves: Reserves = Reserves()
    inflation_frac_per_year: Values = 0.0
    """Only for the levelised cost in real money."""
    replacements: tuple[Replacement, ...] = ()

    @property
    def count(self) -> int:
        """N, the last axis of any array that is not common to all."""
        sizes = {v.shape[-1] for name, v in arrays_of(self) if v.ndim >= 1 and not _common(name, v)} - {1}
        return 0 if 0 in sizes else max(sizes, default=1)


COMMON = ("tax.schedules", "build.draw_frac", "tax.class_frac", "tax.bonus_frac", "tax.state_bonus_frac")
"""Fields whose arrays of one axis run over construction periods or tax classes, not over projects."""


def nominal_rate(real_frac_per_year: Values, inflation_frac_per_year: Values) -> Values:
    """Nominal rate (1 + r)(1 + i) - 1."""
    return (1 + real_frac_per_year) * (1 + inflation_frac_per_year) - 1


def take(item: T, start: int, stop: int, count: int, path: str = "") -> T:
    """Projects start .. stop - 1 of a batch: every array over projects is cut, what is common stays."""
    changes: dict[str, object] = {}
    for f in fields(item):  # type: ignore[arg-type]
        value, name = getattr(item, f.name), path + f.name
        if is_dataclass(value):
            changes[f.name] = take(value, start, stop, count, f.name + ".")
        elif isinstance(value, tuple):
            changes[f.name] = tuple(take(one, start, stop, count, f.name + ".") for one in value)
        elif isinstance(value, np.ndarray) and value.ndim and not _common(name, value) and value.shape[-1] == count > 1:
            changes[f.name] = value[..., start:stop]
    return replace(item, **changes) if changes else item  # type: ignore[type-var]


def _common(name: str, value: Array) -> bool:
    return name in ("tax.schedules", "credits.investment_class") or (name in COMMON and value.ndim == 1)


def arrays_of(item: object, path: str = "") -> list[tuple[str, Array]]:
    """Every number and array of a batch with the path of its field."""
    out: list[tuple[str, Array]] = []
    for f in fields(item):  # type: ignore[arg-type]
        value = getattr(item, f.name)
        if is_dataclass(value):
            out += arrays_of(value, f.name + ".")
        elif isinstance(value, tuple):
            out += [pair for one in value for pair in arrays_of(one, f.name + ".")]
        elif isinstance(value, np.ndarray):
            out.append((path + f.name, value))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            out.append((path + f.name, np.asarray(value, dtype=np.float64)))
    return out
