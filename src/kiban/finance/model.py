"""Cash flows of plans along the histories of the tree: statements, value after tax, loan and returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.finance import debt, tax
from kiban.finance.irr import irr_batch
from kiban.results import Irr

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RealFlows:
    """Real cash of one plan, (L, T) each, costs positive; residual value positive in the last quarters."""

    value: Array
    construction: Array
    silicon: Array
    hall_rent: Array
    accelerator_rent: Array
    energy: Array
    operation: Array
    deposits: Array
    exit_obligation: Array
    residual_value: Array

    @property
    def upfront(self) -> Array:
        """Spending that debt and equity fund."""
        return self.construction + self.silicon + self.deposits

    @property
    def running(self) -> Array:
        """Costs that are deducted when paid."""
        return self.hall_rent + self.accelerator_rent + self.energy + self.operation + self.exit_obligation


@dataclass(frozen=True)
class Rules:
    """What turns real into nominal and gross into net."""

    tax: tax.TaxRules
    inflation_frac_per_year: float
    discount_frac_per_year: float
    building_frac: float
    """Share of construction with a building's tax life."""
    land_frac: float
    """Share of construction that is not depreciated."""


@dataclass(frozen=True)
class NominalFlows:
    """Nominal cash of one plan without debt, (L, T) each."""

    index: Array
    """(T,) price level, 1 at the start."""
    revenue: Array
    running: Array
    upfront: Array
    residual: Array
    write_off: Array
    taxed_revenue: Array
    """Revenue and, in the last quarter, the gain of the residual value over the tax basis."""
    deducted: Array
    """Running cost and, in the last quarter, the loss of the residual value under the tax basis."""
    tax: Array
    tax_basis_residual: float
    """Relative gap of write-offs, basis left by vintage, land and spending; an over-written basis counts too."""

    @property
    def unlevered(self) -> Array:
        """Free cash after tax before debt."""
        return self.revenue - self.running - self.upfront + self.residual - self.tax

    @property
    def for_service(self) -> Array:
        """Cash available for debt service: operations after tax, without what is invested."""
        return self.revenue - self.running - self.tax


def nominal(flows: RealFlows, rules: Rules, scale: float = 1.0) -> NominalFlows:
    """Inflate real flows and tax them without debt.

    Args: flows; rules; scale, multiplier on the value (for break-evens). Deposits are not deducted, they come back;
    what is left of the tax basis at the end is written off against the residual value.
    """
    quarters = flows.value.shape[1]
    index = (1 + rules.inflation_frac_per_year) ** (np.arange(quarters) / 4)
    revenue = flows.value * index * scale
    running = flows.running * index
    construction, silicon = flows.construction * index, flows.silicon * index
    assets = (
        (silicon, tax.spread_years(rules.tax.short_life, rules.tax.bonus_frac, quarters)),
        (
            construction * (1 - rules.building_frac - rules.land_frac),
            tax.spread_years(rules.tax.long_life, rules.tax.bonus_frac, quarters),
        ),
        (construction * rules.building_frac, np.full(quarters, 0.25 / rules.tax.building_life_years)),
    )
    write_off = np.sum([tax.depreciation(spend, schedule) for spend, schedule in assets], axis=0)
    left = np.sum([spend for spend, _ in assets], axis=0).sum(axis=1) - write_off.sum(axis=1)
    by_vintage = np.sum([tax.basis_left(spend, schedule) for spend, schedule in assets], axis=0)
    land = (construction * rules.land_frac).sum(axis=1)
    residual = flows.residual_value * index
    gain = np.zeros_like(residual)
    gain[:, -1] = residual.sum(axis=1) - left - land
    taxed, deducted = revenue + np.maximum(gain, 0), running + np.maximum(-gain, 0)
    taxes, _ = tax.income_tax(taxed, deducted, write_off, np.zeros_like(revenue), rules.tax)
    whole = (silicon + construction).sum(axis=1)
    gap = np.abs(write_off.sum(axis=1) + by_vintage + land - whole) + np.maximum(-by_vintage, 0)
    open_frac = float(gap.max() / max(float(np.abs(whole).max()), 1.0))
    return NominalFlows(
        index, revenue, running, flows.upfront * index, residual, write_off, taxed, deducted, taxes, open_frac
    )


def interest_shield(flows: NominalFlows, loan: debt.Loan, rules: Rules) -> Array:
    """Tax that interest on the scheduled balance would save in each quarter, (L, T) nominal USD.

    Interest of the building window is capitalised and left out; the rest is deductible up to the cap of IRC 163(j) and
    waits beyond it. This stays outside coverage and equity flows (see ``lever``); it is reported beside them.
    """
    interest = np.broadcast_to(loan.interest - loan.interest_in_building, flows.revenue.shape)
    levered, _ = tax.income_tax(flows.taxed_revenue, flows.deducted, flows.write_off, interest, rules.tax)
    return np.asarray(flows.tax - levered)


def present_value_usd(nominal_usd: Array, index: Array, discount_frac_per_year: float) -> Array:
    """Real present value (L,) of nominal cash (L, T): deflate, then discount at the real rate from the start."""
    factor = (1 + discount_frac_per_year) ** (-np.arange(nominal_usd.shape[1]) / 4)
    return np.asarray((nominal_usd / index) @ factor)


def real_npv(flows: NominalFlows, discount_frac_per_year: float) -> Array:
    """Present value of free cash after tax in real USD, (L,)."""
    return present_value_usd(flows.unlevered, flows.index, discount_frac_per_year)


@dataclass(frozen=True)
class Levered:
    """A plan with its loan, (L, ...)."""

    equity: Array
    served: debt.Served
    loan: debt.Loan
    sources: tuple[tuple[str, float], ...]
    uses: tuple[tuple[str, float], ...]


def lever(flows: NominalFlows, real: RealFlows, base: int, terms: debt.Terms, covenant: float) -> Levered:
    """Size the loan on the base history and carry it through every history.

    Every history draws the same loan: its window lies before most branchings, and the lender funds the base plan.
    Debt is sized and coverage is tested on cash after unlevered tax, so the interest shield stays with the owners as
    a reserve; it is left out of the equity flows too.
    """
    loan = debt.size_loan(flows.upfront[base], flows.for_service[base], terms)
    cash = flows.for_service
    served = debt.serve_loan(loan, cash, terms, covenant)
    window = np.arange(cash.shape[1]) < terms.window_quarters
    equity = flows.unlevered + loan.draw - served.paid
    equity[:, 0] -= loan.fee
    spend = np.where(window, np.maximum(flows.upfront[base], 0), 0)
    by_line = {
        "construction": real.construction[base] * flows.index,
        "accelerators and network": real.silicon[base] * flows.index,
        "deposits and prepayments": real.deposits[base] * flows.index,
    }
    positive = np.maximum(flows.upfront[base], 0) > 0
    uses = [(name, float((line * window * positive).sum())) for name, line in by_line.items()]
    interest = float(loan.interest_in_building.sum())
    uses += [("interest during building", interest), ("fees", loan.fee)]
    drawn = float(loan.draw.sum())
    sources = [
        ("debt drawn", drawn),
        ("debt for capitalised interest", interest),
        ("equity", float(spend.sum()) - drawn + loan.fee),
    ]
    return Levered(equity, served, loan, tuple(sources), tuple(uses))


def multiple_on_invested(flows: Array) -> Array:
    """Distributions over contributions, (L,); infinite if nothing is contributed."""
    out = np.maximum(flows, 0).sum(axis=1)
    paid = np.maximum(-flows, 0).sum(axis=1)
    return np.asarray(np.divide(out, paid, out=np.full(len(out), np.inf), where=paid > 0))


def payback_years(flows: Array) -> Array:
    """Years until cumulative cash stays at or above zero, (L,); NaN if never, 0 if never below."""
    total = np.cumsum(flows, axis=1)
    below = total < 0
    last = np.where(below.any(axis=1), flows.shape[1] - 1 - np.argmax(below[:, ::-1], axis=1), -1)
    never = last == flows.shape[1] - 1
    return np.where(never, np.nan, (last + 1) / 4.0)


def break_even_scale(real: RealFlows, rules: Rules, probability: Array) -> float:
    """Multiple of the value of served work at which the expected present value after tax is zero.

    The value is linear in the multiple before tax and rises with it after tax, so bisection between 0 and 8 is safe;
    infinite if 8 is not enough, 0 if the plan needs no revenue.
    """

    def worth(scale: float) -> float:
        return float(probability @ real_npv(nominal(real, rules, scale), rules.discount_frac_per_year))

    low, high = 0.0, 8.0
    if worth(high) < 0:
        return float("inf")
    if worth(low) >= 0:
        return 0.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if worth(middle) < 0 else (low, middle)
    return (low + high) / 2


def irrs(flows: Array) -> tuple[Irr, ...]:
    """Returns of quarterly nominal flows by history."""
    return irr_batch(flows)
