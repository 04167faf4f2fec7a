"""Cash flows of plans along the histories of the tree: statements, value after tax, loan and returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.finance import debt, service, tax
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
    sold_new: Array | None = None
    """What silicon that is sold would cost new in that quarter; None if none is sold."""

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


def interest_shield(flows: NominalFlows, interest: Array, rules: Rules) -> Array:
    """Tax that deductible interest saves in each quarter, (L, T) nominal USD, never negative.

    Interest is deductible up to the cap of IRC 163(j), the rest waits. Args: interest (L, T) or (T,), without what is
    capitalised while halls are built.
    """
    levered, _ = tax.income_tax(
        flows.taxed_revenue, flows.deducted, flows.write_off, np.broadcast_to(interest, flows.revenue.shape), rules.tax
    )
    return np.asarray(flows.tax - levered)


def present_value_usd(nominal_usd: Array, index: Array, discount_frac_per_year: float) -> Array:
    """Real present value (L,) of nominal cash (L, T): deflate, then discount at the real rate from the start."""
    factor = (1 + discount_frac_per_year) ** (-np.arange(nominal_usd.shape[1]) / 4)
    return np.asarray((nominal_usd / index) @ factor)


def real_npv(flows: NominalFlows, discount_frac_per_year: float) -> Array:
    """Present value of free cash after tax in real USD, (L,)."""
    return present_value_usd(flows.unlevered, flows.index, discount_frac_per_year)


@dataclass(frozen=True)
class Lending:
    """All that is agreed with lenders: the loan, the tranche on silicon if there is one, and the rules."""

    terms: debt.Terms
    rules: service.Rules
    chips: debt.ChipTerms | None = None


@dataclass(frozen=True)
class Levered:
    """A plan with its debt, (L, ...)."""

    equity: Array
    """Cash of the owners: free cash, draws, fees, service, the tax that interest saves, and what is locked up."""
    served: service.Served
    loan: debt.Loan
    chips: debt.ChipLoan | None
    tranches: tuple[service.Tranche, ...]
    draw: Array
    """(L, T) of all tranches."""
    fee: Array
    """(L, T) paid in cash."""
    shield: Array
    """(L, T) income tax saved by interest."""
    start_quarter: int
    """Quarter in which repayment starts."""
    principal: float
    """The loan when repayment starts, and all draws on silicon of the base history."""
    gearing_frac: float
    """Draws and capitalised interest against all uses of the drawing quarters, base history."""
    sources: tuple[tuple[str, float], ...]
    uses: tuple[tuple[str, float], ...]


def lever(flows: NominalFlows, real: RealFlows, base: int, lending: Lending, rules: Rules) -> Levered:
    """Size the debt on the base history and carry it through every history.

    Every history draws the same loan: its window lies before most branchings, and the lender funds the base plan. The
    tranche on silicon is drawn with each history's own purchases; then the loan funds construction and deposits only,
    and its cash is what the tranche leaves at the target coverage. Debt is sized and coverage is tested on cash after
    unlevered tax: tax after interest would make coverage depend on the debt that it sizes, and the interest shield is
    never negative, so coverage with it is higher. The owners get the shield, as their tax return shows it.
    """
    cash, terms = flows.for_service, lending.terms
    silicon = real.silicon * flows.index
    chips = None if lending.chips is None else debt.size_chips(silicon, cash[base], base, lending.chips)
    spend, able = flows.upfront[base], cash[base]
    if chips is not None:
        spend, able = spend - silicon[base], able - terms.target_dscr * chips.service[base]
    loan = debt.size_loan(spend, able, terms)
    tranches, draw, fee, start = _tranches(loan, chips, lending, cash.shape, base)
    other = flows.unlevered - cash + draw - fee
    served = service.serve(tranches, cash, other, start, lending.rules, base)
    shield = interest_shield(flows, served.interest - loan.interest_in_building, rules)
    locked = np.diff(served.reserve, axis=1, prepend=0.0)
    equity = flows.unlevered + draw - fee - served.paid - served.reimbursed + shield - locked
    sources, uses = _funds(flows, real, base, lending, loan, chips)
    principal = loan.principal + (0.0 if chips is None else float(chips.draw[base].sum()))
    drawn = sum(v for name, v in sources if name != "equity")
    gearing = drawn / sum(v for _, v in uses) if drawn > 0 else 0.0
    return Levered(equity, served, loan, chips, tranches, draw, fee, shield, start, principal, gearing, sources, uses)


def _tranches(
    loan: debt.Loan, chips: debt.ChipLoan | None, lending: Lending, shape: tuple[int, ...], base: int
) -> tuple[tuple[service.Tranche, ...], Array, Array, int]:
    whole = [np.broadcast_to(x, shape) for x in (loan.draw, loan.service)]
    out = [service.Tranche(whole[0], whole[1], lending.terms.rate_per_quarter_frac)]
    fee = np.zeros(shape)
    fee[:, 0] = loan.fee
    start = min(lending.terms.window_quarters, shape[1])
    if chips is not None and lending.chips is not None:
        out.append(service.Tranche(chips.draw, chips.service, lending.chips.rate_per_quarter_frac))
        fee = fee + chips.fee
        if loan.principal <= 0 and chips.service[base].any():
            start = int(np.argmax(chips.service[base] > 0))
    return tuple(out), np.sum([t.draw for t in out], axis=0), fee, start


def _funds(
    flows: NominalFlows, real: RealFlows, base: int, lending: Lending, loan: debt.Loan, chips: debt.ChipLoan | None
) -> tuple[tuple[tuple[str, float], ...], tuple[tuple[str, float], ...]]:
    """Sources and uses of the quarters in which debt may be drawn, nominal USD of the base history."""
    time = np.arange(len(flows.index))
    drawing = time < lending.terms.window_quarters
    names = ("construction", "silicon", "deposits")
    lines = {n: getattr(real, n)[base] * flows.index for n in names}
    spent = drawing & (np.sum(list(lines.values()), axis=0) > 0)
    on_chips = spent
    if chips is not None:
        spent = drawing & (lines["construction"] + lines["deposits"] > 0)
        on_chips = drawing | (chips.draw[base] > 0)
    used = {
        "construction": float((lines["construction"] * spent).sum()),
        "accelerators and network": float((lines["silicon"] * on_chips).sum()),
        "deposits and prepayments": float((lines["deposits"] * spent).sum()),
    }
    interest = float(loan.interest_in_building.sum())
    chip_fee = 0.0 if chips is None else float(chips.fee[base].sum())
    uses = (*used.items(), ("interest during building", interest), ("fees", loan.fee + chip_fee))
    drawn, on_silicon = float(loan.draw.sum()), 0.0 if chips is None else float(chips.draw[base].sum())
    sources = [("debt drawn", drawn), ("debt for capitalised interest", loan.principal - drawn)]
    if chips is not None:
        sources.append(("debt drawn on accelerators", on_silicon))
    spend = flows.upfront[base]
    if chips is None:
        paid = float(np.maximum(spend[drawing], 0.0).sum())
    else:
        rest = spend - lines["silicon"]
        paid = float(np.maximum(rest[drawing], 0.0).sum() + lines["silicon"][on_chips].sum())
    sources.append(("equity", paid - drawn - on_silicon + loan.fee + chip_fee))
    return tuple(sources), uses


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
