"""What the finance room hands over: statements, metrics, unit costs, and the Epoch-style cost sheet."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kiban.results.trace import Trace

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Irr:
    """An internal rate of return with its status; never averaged."""

    status: str
    """``unique``, ``several`` or ``none``."""
    roots_frac_per_year: tuple[float, ...]
    """Every real root above -99 % and below 1000 % a year."""


@dataclass(frozen=True)
class Statements:
    """Nominal cash flows of one plan in one history, by quarter (T,); T+1 where a terminal column is added."""

    plan: str
    leaf: str
    lines: tuple[str, ...]
    """Names of the lines in the order of the statement; a line ends in ``_nominal_usd``."""
    values: Array
    """(lines, T) cash in positive, cash out negative; in a balance sheet assets and liabilities are both positive."""


@dataclass(frozen=True)
class PlanMetrics:
    """Headline metrics of one plan; arrays over the L leaves of the tree."""

    plan: str
    leaf_npv_usd: Array
    """(L,) real, after tax, at the scenario's discount rate, unlevered; work valued at the market's rent."""
    expected_npv_usd: float
    leaf_equity_irr: tuple[Irr, ...]
    leaf_project_irr: tuple[Irr, ...]
    leaf_moic: Array
    leaf_min_dscr: Array
    leaf_llcr: Array
    leaf_first_breach_quarter: tuple[str, ...]
    """First quarter with DSCR under the covenant, empty if none."""
    leaf_debt_unpaid_frac: Array
    """(L,) share of the debt that cash flow cannot repay."""
    leaf_payback_years: Array
    """(L,) NaN if never."""
    debt_usd: float
    """Debt at close of the base history."""
    gearing_frac: float
    break_even_rent_factor: float
    """Multiple of the market's rent at which the expected NPV is zero."""
    break_even_utilisation_frac: float
    leaf_plcr: Array = field(default_factory=lambda: np.zeros(0))
    """(L,) project life cover when repayment starts: cash to the horizon over service; NaN without debt."""
    leaf_guarantor_unpaid_frac: Array = field(default_factory=lambda: np.zeros(0))
    """(L,) what the guarantor paid and is not paid back by the end, against all debt drawn, both at that date."""
    leaf_project_mirr_frac: Array = field(default_factory=lambda: np.zeros(0))
    """(L,) modified return a year, nominal: money in at the debt rate, money out reinvested at the discount rate."""
    leaf_equity_mirr_frac: Array = field(default_factory=lambda: np.zeros(0))
    """(L,) the same of the owners' cash; NaN if one sign is missing."""
    leaf_lcoc_usd_per_gpu_h: Array = field(default_factory=lambda: np.zeros(0))
    """(L,) levelised cost of compute: present value of cost over that of accelerator-hours in service; NaN if none."""
    lcoc_usd_per_gpu_h: float = float("nan")
    """Expected cost over expected hours."""
    lcoc_usd_per_effective_flop: float = float("nan")
    """Expected cost over FLOP that hours at work do in training, failures taken off."""


@dataclass(frozen=True)
class LossGivenDefault:
    """What lenders lose if they stop the plan in the first quarter they are not paid; nominal USD, L histories."""

    layers: tuple[str, ...]
    """In the order in which they pay."""
    leaf_default_quarter: tuple[str, ...]
    """First quarter with service that neither cash nor the guarantor paid; empty if none."""
    leaf_exposure_nominal_usd: Array
    """(L,) debt outstanding then; 0 without default."""
    leaf_layer_recovered_nominal_usd: Array
    """(L, layers) what the sale of each layer pays of it."""
    leaf_guarantor_nominal_usd: Array
    """(L,) what the guarantor still pays of the rest."""
    leaf_lender_loss_nominal_usd: Array
    """(L,) exposure less recovery and guarantee."""
    expected_lgd_frac: float
    """Expected loss over expected exposure, over histories with default; NaN without default."""
    default_chance_frac: float


@dataclass(frozen=True)
class DownsideCase:
    """The debt as sized, under one blow."""

    name: str
    sentence: str
    min_dscr: float
    """Base history; NaN without debt."""
    llcr: float
    first_breach_quarter: str
    """Empty if none."""
    unpaid_frac: float
    """Base history: what is still owed at the end of the horizon."""
    expected_unpaid_frac: float
    expected_npv_usd: float
    """Unlevered, after tax, real."""


@dataclass(frozen=True)
class UnitCost:
    """Levelised cost of one rung and accelerator, by part; annuity convention unless named."""

    rung: str
    accelerator: str
    parts: tuple[str, ...]
    """silicon, network, sales_tax, shell, power, operation, silicon_tax_and_insurance, support, rent, operator_markup,
    failures, cost_of_capital; what a row does not have is 0."""
    usd_per_gpu_h: Array
    """(parts,) cost per accelerator-hour in service."""
    usd_per_goodput_gpu_h: Array
    """(parts,) per useful accelerator-hour at the scenario's utilisation and goodput."""
    usd_per_mtok: Array
    """(parts,) per million tokens in the scenario's mix."""
    straight_line_usd_per_gpu_h: float
    """The same total by straight-line depreciation without cost of capital."""


@dataclass(frozen=True)
class CostSheet:
    """A 1 GW cost sheet from its lines: capex by line, opex by line, annualised total."""

    capex_lines: tuple[str, ...]
    capex_usd: Array
    capex_life_years: Array
    opex_lines: tuple[str, ...]
    opex_usd_per_year: Array
    rate_frac_per_year: float
    annual_capex_usd_per_year: float
    annual_total_usd_per_year: float


@dataclass(frozen=True)
class Finance:
    """Money of the chosen plan and every baseline."""

    metrics: tuple[PlanMetrics, ...]
    """Chosen plan first."""
    statements: tuple[Statements, ...]
    """Chosen plan, one per leaf, base history first."""
    base_leaf: int
    """Index of the leaf on which debt is sized."""
    sources: tuple[tuple[str, float], ...]
    """Name and nominal USD; sums to uses."""
    uses: tuple[tuple[str, float], ...]
    unit_costs: tuple[UnitCost, ...]
    leaf_quarterly_dscr: Array
    """(L, T) of the chosen plan; NaN where no debt service is due."""
    covenant_dscr: float
    usd_per_gpu_h: float
    """Chosen plan: present value of cost over present value of accelerator-hours in service."""
    usd_per_goodput_gpu_h: float
    usd_per_mtok: float
    """Cost of serving over tokens served at today's software (gains of later software taken out)."""
    sponsor: tuple[Statements, ...] = ()
    """What owners put in and take out, one per leaf, in the order of ``statements``."""
    lender: tuple[Statements, ...] = ()
    """Draws, interest, repayment, guarantee and balance of all debt, likewise."""
    income: tuple[Statements, ...] = ()
    """Book income by quarter, likewise."""
    balance: tuple[Statements, ...] = ()
    """Balance sheet at the end of each quarter, likewise."""
    book_life_years: tuple[float, float] = (0.0, 0.0)
    """Straight-line lives of halls and of silicon."""
    loss_given_default: LossGivenDefault | None = None
    downside: tuple[DownsideCase, ...] = ()
    residuals: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    traces: tuple[Trace, ...] = ()
