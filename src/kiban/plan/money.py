"""Every dollar of a plan as a linear function of its decisions: what is paid when, by rung and line.

Prices of rented accelerators and of silicon are those of the node of signature. Halls pay a rent that was fixed at
signature and escalates; rented accelerators pay a flat nominal rent, which falls in real money; energy follows the
node in which it is used. Flows are at the start of the quarter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.plan.case import PlanCase
from kiban.plan.columns import PlanColumns
from kiban.plan.ledger import Ledger
from kiban.units.calendar import HOURS_PER_QUARTER

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

LEAST_SALE_FRAC = 0.01
"""A sale that gains less than this share of the price is left out."""


def write_ledger(case: PlanCase, columns: PlanColumns) -> Ledger:
    """Write all money of a plan into one ledger."""
    ledger = Ledger(case.n_nodes, case.rung_count, len(case.pools.chip), case.n_sites, case.n_areas)
    for hall in range(len(case.halls.rung)):
        _owned_hall(case, columns, ledger, hall)
        _hall_rent(case, columns, ledger, hall)
    _committed_halls(case, ledger)
    _silicon(case, columns, ledger)
    _energy(case, columns, ledger)
    _sublet(case, columns, ledger)
    _sales(case, columns, ledger)
    _committed_silicon(case, ledger)
    _rented(case, columns, ledger)
    _value(case, columns, ledger)
    return ledger


def remaining_rent(
    years_per_quarter_rate: float, escalation_per_year: float, served_quarters: int, term_quarters: int
) -> float:
    """Present value, at the last quarter of the horizon, of the rent still due after it, per unit of first-year rent.

    Args: discount rate per year (frac); escalation_per_year, real multiple; served_quarters, quarters of the term
    inside the horizon; term_quarters. Result: quarters of first-year rent. Equation: sum over quarter j of the
    term, served <= j < term, of escalation**(j/4) * (1 + r)**(-(j - served + 1)/4).
    """
    j = np.arange(served_quarters, max(term_quarters, served_quarters))
    growth = escalation_per_year ** (j / 4)
    return float(np.sum(growth * (1 + years_per_quarter_rate) ** (-(j - served_quarters + 1) / 4)))


def _at_leaves(case: PlanCase, lead_quarters: int) -> tuple[IntArray, IntArray, IntArray]:
    """(leaf, ancestor, quarters in service at the end of the horizon) for starts that go live inside it."""
    back = np.arange(lead_quarters, case.n_quarters)
    sources = case.ancestor[case.leaves][:, lead_quarters:]
    leaf = np.repeat(case.leaves, len(back))
    return leaf, sources.ravel(), np.tile(back - lead_quarters + 1, len(case.leaves))


def _owned_hall(case: PlanCase, columns: PlanColumns, ledger: Ledger, hall: int) -> None:
    halls = case.halls
    capex = halls.capex_usd_per_mw[hall]
    if capex <= 0:
        return
    lead, life, rung = int(halls.lead_quarters[hall]), int(halls.term_quarters[hall]), int(halls.rung[hall])
    spread = max(lead, 1)
    node, source, _ = case.window(0, spread)
    column = columns.hall_start[source, hall]
    ledger.charge("hall_capex", rung, node, column, capex / spread)
    ledger.upfront.add(node, 0, column, capex / spread)
    leaf, source, served = _at_leaves(case, lead)
    left = np.clip(1 - served / life, 0, None) * halls.recoverable_usd_per_mw[hall]
    ledger.charge("residual_value", rung, leaf, columns.hall_start[source, hall], -left)


def _hall_rent(case: PlanCase, columns: PlanColumns, ledger: Ledger, hall: int) -> None:
    halls = case.halls
    lead, term, rung = int(halls.lead_quarters[hall]), int(halls.term_quarters[hall]), int(halls.rung[hall])
    growth = halls.escalation_per_year[hall]
    rent, deposit = halls.rent_usd_per_mw_quarter[hall], halls.deposit_usd_per_mw[hall]
    node, source, step = case.window(lead, term)
    column = columns.hall_start[source, hall]
    ledger.charge("operation", rung, node, column, halls.operation_usd_per_mw_quarter[hall])
    if rent <= 0:
        return
    ledger.charge("hall_rent", rung, node, column, rent * growth ** (step / 4))
    leaf, source, served = _at_leaves(case, lead)
    rest = np.array([remaining_rent(case.discount_frac_per_year, growth, s, term) for s in range(case.n_quarters + 1)])
    due = rent * rest[served] * (1 - case.hall_relet_frac)
    ledger.charge("exit_obligation", rung, leaf, columns.hall_start[source, hall], due)
    if deposit > 0:
        _deposit(case, columns, ledger, hall)


def _deposit(case: PlanCase, columns: PlanColumns, ledger: Ledger, hall: int) -> None:
    """Paid at signature; returned in nominal money when the term ends, or its present value at the horizon."""
    halls = case.halls
    lead, term, rung = int(halls.lead_quarters[hall]), int(halls.term_quarters[hall]), int(halls.rung[hall])
    deposit = halls.deposit_usd_per_mw[hall]
    every = np.arange(case.n_nodes)
    ledger.charge("deposits", rung, every, columns.hall_start[:, hall], deposit)
    ledger.upfront.add(every, 0, columns.hall_start[:, hall], deposit)
    returned = deposit * (1 + case.inflation_frac_per_year) ** (-(lead + term) / 4)
    node, source, _ = case.window(lead + term, 1)
    ledger.charge("deposits", rung, node, columns.hall_start[source, hall], -returned)
    leaf, source, served = _at_leaves(case, lead)
    still = served <= term
    wait = (1 + case.discount_frac_per_year) ** (-(term - served + 1) / 4)
    ledger.charge("deposits", rung, leaf[still], columns.hall_start[source[still], hall], -(returned * wait)[still])


def _committed_halls(case: PlanCase, ledger: Ledger) -> None:
    halls = case.halls
    for signed in case.committed_halls:
        hall, rung = signed.hall, int(halls.rung[signed.hall])
        term, growth = int(halls.term_quarters[hall]), float(halls.escalation_per_year[hall])
        age = case.quarter - signed.quarter
        running = (age >= 0) & (age < term)
        node = np.flatnonzero(running)
        rent = halls.rent_usd_per_mw_quarter[hall] * signed.it_mw
        ledger.charge_fixed("hall_rent", rung, node, rent * growth ** (age[running] / 4))
        operation = halls.operation_usd_per_mw_quarter[hall] * signed.it_mw
        ledger.charge_fixed("operation", rung, node, operation)
        served = case.n_quarters - signed.quarter
        if rent > 0:
            rest = remaining_rent(case.discount_frac_per_year, growth, served, term)
            ledger.charge_fixed("exit_obligation", rung, case.leaves, rent * rest * (1 - case.hall_relet_frac))
        if halls.is_owned[hall]:
            left = max(0.0, 1 - served / term) * halls.recoverable_usd_per_mw[hall] * signed.it_mw
            ledger.charge_fixed("residual_value", rung, case.leaves, -left)


def resale(case: PlanCase, age_quarters: IntArray, life_quarters: int) -> Array:
    """Resale value against price at an age: the curve by year, straight between years, 0 from the end of life."""
    curve = case.resale_frac_by_year
    value = np.interp(age_quarters / 4, np.arange(len(curve)), curve)
    return np.where(age_quarters < life_quarters, value, 0.0)


def _silicon(case: PlanCase, columns: PlanColumns, ledger: Ledger) -> None:
    pools, chips, market = case.pools, case.chips, case.market
    every = np.arange(case.n_nodes)
    for pool in range(len(pools.chip)):
        owner, chip = case.rung_count + pool, int(pools.chip[pool])
        price = pools.price_usd[pool] * market.gpu_price_factor
        ledger.charge("silicon_capex", owner, every, columns.buy[:, pool], price)
        ledger.upfront.add(every, 0, columns.buy[:, pool], price)
        ledger.charge("operation", owner, every, columns.live[:, pool], pools.operation_usd_per_quarter[pool])
        leaf, source, age = _at_leaves(case, int(chips.lead_quarters[chip]))
        worth = pools.resale_usd[pool] * resale(case, age, int(chips.life_quarters[chip]))
        worth = worth * market.gpu_price_factor[leaf]
        ledger.charge("residual_value", owner, leaf, columns.buy[source, pool], -worth)


def _energy(case: PlanCase, columns: PlanColumns, ledger: Ledger) -> None:
    every = np.arange(case.n_nodes)
    for site, usd_per_mwh in enumerate(case.site_energy_usd_per_it_mwh):
        owner = ledger.site_owner(site)
        usd = usd_per_mwh * case.market.power_price_factor * HOURS_PER_QUARTER
        for draw in (columns.train_draw, columns.infer_draw):
            ledger.charge("energy", owner, every, draw[:, site], usd)


def _sublet(case: PlanCase, columns: PlanColumns, ledger: Ledger) -> None:
    """Others pay by the quarter what halls of the area are re-let for; a slack market lowers it, a tight one not."""
    every, level = np.arange(case.n_nodes), np.minimum(case.market.rent_factor, 1.0)
    for area, usd in enumerate(case.area_sublet_usd_per_mw_quarter):
        if np.isfinite(usd):
            ledger.charge("hall_rent", ledger.area_owner(area), every, columns.sublet[:, area], -usd * level)


def sale_age(case: PlanCase) -> IntArray:
    """Age in quarters at which a sale of each pool's accelerators is counted, (N, P); -1 where none is allowed.

    Vintages of a pool are not told apart. Of those that can be delivered by the node, in its quarter too, the one is
    taken whose sale gains least: price now, less the expected present value of the resale at the horizon that the
    ledger counts for every accelerator when it is ordered. So a sale is never worth more than that of any vintage; with
    one vintage the value is exact. Where even the least gain is not positive there is no sale.
    """
    if case.fixed_sale_age is not None:
        return case.fixed_sale_age
    pools, market, quarter = case.pools, case.market, case.quarter
    ahead = np.zeros(case.n_nodes)
    at_leaf = case.discount[case.leaves] * case.probability[case.leaves] * market.gpu_price_factor[case.leaves]
    np.add.at(ahead, case.ancestor[case.leaves].ravel(), np.repeat(at_leaf, case.n_quarters))
    ahead = ahead / np.maximum(case.discount * case.probability, np.finfo(float).tiny)
    out = np.full((case.n_nodes, len(pools.chip)), -1, dtype=np.int64)
    for pool, chip in enumerate(pools.chip):
        life, lead = int(case.chips.life_quarters[chip]), int(case.chips.lead_quarters[chip])
        before = [c.quarter for c in case.committed_silicon if c.pool == pool]
        delivered = np.unique([*(np.flatnonzero(pools.open[pool]) + lead), *before]).astype(np.int64)
        if not len(delivered):
            continue
        age = quarter[:, None] - delivered
        gain = resale(case, age, life) * market.gpu_price_factor[:, None]
        gain -= resale(case, case.n_quarters - delivered, life) * ahead[:, None]
        gain = np.where((age >= 0) & (age < life), gain, np.inf)
        least = np.argmin(gain, axis=1)
        worth = np.take_along_axis(gain, least[:, None], axis=1)[:, 0]
        good = np.isfinite(worth) & (worth > LEAST_SALE_FRAC)
        out[good, pool] = age[np.flatnonzero(good), least[good]]
    return out


def _sales(case: PlanCase, columns: PlanColumns, ledger: Ledger) -> None:
    every, age = np.arange(case.n_nodes), sale_age(case)
    leaf, source, _ = _at_leaves(case, 0)
    for pool, chip in enumerate(case.pools.chip):
        owner, life, usd = case.rung_count + pool, int(case.chips.life_quarters[chip]), case.pools.resale_usd[pool]
        sells = age[:, pool] >= 0
        now = np.where(sells, usd * resale(case, age[:, pool], life) * case.market.gpu_price_factor, 0.0)
        ledger.charge("residual_value", owner, every, columns.sold[:, pool], -now)
        at_end = case.n_quarters - case.quarter + age[:, pool]
        counted = np.where(sells, usd * resale(case, at_end, life), 0.0)
        back = counted[source] * case.market.gpu_price_factor[leaf]
        late = back > 0
        ledger.charge("residual_value", owner, leaf[late], columns.sold[source[late], pool], back[late])


def _committed_silicon(case: PlanCase, ledger: Ledger) -> None:
    pools, market = case.pools, case.market
    for ordered in case.committed_silicon:
        owner = case.rung_count + ordered.pool
        node = np.flatnonzero(case.quarter == max(ordered.quarter, 0))
        usd = pools.price_usd[ordered.pool] * ordered.accelerators
        if ordered.quarter >= 0:
            ledger.charge_fixed("silicon_capex", owner, node, usd)
            ledger.upfront.fixed[node, 0] += usd
        age = np.array([case.n_quarters - ordered.quarter])
        life = int(case.chips.life_quarters[pools.chip[ordered.pool]])
        worth = pools.resale_usd[ordered.pool] * ordered.accelerators * resale(case, age, life)
        ledger.charge_fixed("residual_value", owner, case.leaves, -worth * market.gpu_price_factor[case.leaves])


def _rented(case: PlanCase, columns: PlanColumns, ledger: Ledger) -> None:
    rents, market = case.rents, case.market
    every = np.arange(case.n_nodes)
    cloud = np.cumsum(rents.is_cloud) - 1
    growth = 1 / (1 + case.inflation_frac_per_year)
    for rent in range(len(rents.chip)):
        lead, term = int(rents.lead_quarters[rent]), int(rents.term_quarters[rent])
        rung, take = int(rents.rung[rent]), rents.take_or_pay_frac[rent]
        price = rents.price_usd_per_quarter[rent] * market.rent_factor
        node, source, step = case.window(lead, term)
        column = columns.sign[source, rent]
        flat = growth ** (step / 4)
        ledger.charge("accelerator_rent", rung, node, column, price[source] * take * flat)
        if take < 1:
            used = [columns.rent_train[:, rent], columns.rent_infer[:, rent]]
            if rents.is_cloud[rent] and columns.rent_resident.size:
                used.append(columns.rent_resident[:, cloud[rent]])
            for column in used:
                ledger.charge("accelerator_rent", rung, every, column, price * (1 - take))
        prepaid = rents.prepaid_frac[rent] * take
        if prepaid > 0:
            total = price * prepaid * term
            ledger.charge("deposits", rung, every, columns.sign[:, rent], total)
            ledger.upfront.add(every, 0, columns.sign[:, rent], total)
            ledger.charge("deposits", rung, node, columns.sign[source, rent], -price[source] * prepaid * flat)
        leaf, source, served = _at_leaves(case, lead)
        rest = np.array(
            [remaining_rent(case.discount_frac_per_year, growth, s, term) for s in range(case.n_quarters + 1)]
        )
        due = price[source] * rest[served] * (take - prepaid - rents.relet_frac[rent] * take)
        late = rest[served] > 0
        ledger.charge("exit_obligation", rung, leaf[late], columns.sign[source[late], rent], due[late])


def _value(case: PlanCase, columns: PlanColumns, ledger: Ledger) -> None:
    market, every = case.market, np.arange(case.n_nodes)
    ledger.value.add(every, 0, columns.trained, market.training_usd_per_flop)
    ledger.value.add(every, 0, columns.free, market.usd_per_tok)
    ledger.value.add(every, 0, columns.resident, market.usd_per_tok)
