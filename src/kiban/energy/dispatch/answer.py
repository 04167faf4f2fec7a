"""What a dispatch says: sizes, flows, prices, worth of the connection, carbon-free score and cost by item."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.energy.dispatch.parts import Case, Clean
from kiban.energy.dispatch.rules import RuleRows
from kiban.energy.tariff import bill
from kiban.energy.tariff_rows import KW_PER_MW, constant_usd, first_tier_usd_per_kwh
from kiban.solve import Block, Solution

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Answer:
    """Least-cost supply of a case; N steps, Q quarters, Y years."""

    cost_usd_per_year: float
    """Of the weighted mean year; by item in ``cost_items_usd_per_year``, which adds up to it."""
    cost_items_usd_per_year: dict[str, float]
    size_mw: dict[str, float]
    """By name of source, plant and battery."""
    battery_mwh: float
    flow_mw: dict[str, Array]
    """(N,) by name: purchase, inflow, outflow, sold, curtailed, charge, discharge, cut, unserved, each source and
    plant."""
    thrown_mw: dict[str, Array]
    """(N,) output that is not used, by name of source; adds up to the flow curtailed. The least clean goes first."""
    state_mwh: Array
    price_usd_per_mwh: Array
    """(N,) what another MWh of load costs: dual of the site's balance."""
    clean_premium_usd_per_mwh: Array
    """(N,) what a MWh costs above grid energy because it has to be clean: (1 - c) x dual of the hourly rule, or the
    dual of the annual or monthly rule."""
    connection_usd_per_mw: Array
    """(Q,) what another MW of connection is worth in each quarter, in money of that quarter's year."""
    connection_usd_per_mw_year: float
    """The same over the mean year."""
    unclean_mw: Array
    """(N,) what is used and not clean in its hour."""
    clean_frac: float
    """24/7 score: share of the load that is clean in its hour, the grid's clean share included."""
    contracted_frac: float
    """Clean energy of contracts and own sources, used or sold, over the load; may pass 1."""
    rule: Clean
    seconds: float
    warm: bool
    iterations: int
    balance_residual_mw: float

    def mean_usd_per_mwh(self, case: Case) -> float:
        """Cost per MWh of load."""
        energy = float(case.axis.cost_weight_h @ case.load_mw)
        return self.cost_usd_per_year / energy


def read_answer(
    case: Case, names: dict[str, Block], rules: RuleRows, rule: Clean, solution: Solution, warm: bool, seconds: float
) -> Answer:
    """Turn a solution into an answer; warm, whether there was a basis before; seconds, all that finding it took."""
    size = {k: float(solution.value(names[f"{k}_mw"])[0]) for k in _sized(case)}
    flow, thrown = _flows_of(case, names, size, solution)
    battery = case.battery
    mwh = 0.0
    if battery is not None:
        mwh = size["battery"] * battery.hours if battery.hours else float(solution.value("battery_mwh")[0])
    unclean = _unclean(case, flow, thrown)
    by_quarter, by_year = _connection(case, names, solution)
    items = _items(case, names, size, mwh, flow, solution)
    return Answer(
        cost_usd_per_year=solution.objective + items.get("tariff fixed", 0.0),
        cost_items_usd_per_year=items,
        size_mw=size,
        battery_mwh=mwh,
        flow_mw=flow,
        thrown_mw=thrown,
        state_mwh=solution.value("state") if battery is not None else np.zeros(case.axis.count),
        price_usd_per_mwh=solution.dual("site") / case.axis.cost_weight_h,
        clean_premium_usd_per_mwh=_premium(case, rules, solution),
        connection_usd_per_mw=by_quarter,
        connection_usd_per_mw_year=by_year,
        unclean_mw=unclean,
        clean_frac=_score(case, flow, unclean),
        contracted_frac=_contracted(case, flow, thrown),
        rule=rule,
        seconds=seconds,
        warm=warm,
        iterations=solution.iterations,
        balance_residual_mw=float(np.abs(_imbalance(case, flow)).max()),
    )


def _sized(case: Case) -> list[str]:
    found = [s.name for s in case.sources] + [p.name for p in case.plants]
    return found + (["battery"] if case.battery is not None else [])


def _flows_of(
    case: Case, names: dict[str, Block], size: dict[str, float], solution: Solution
) -> tuple[dict[str, Array], dict[str, Array]]:
    flow: dict[str, Array] = {
        k: np.maximum(solution.value(names[k]), 0.0)
        for k in ("purchase", "inflow", "outflow", "sold", "charge", "discharge", "cut", "unserved")
        if k in names
    }
    flow |= {p.name: np.maximum(solution.value(f"{p.name}_run"), 0.0) for p in case.plants}
    flow |= {s.name: size[s.name] * s.profile_frac for s in case.sources}
    thrown = _spill(case, flow)
    virtual = [s for s in case.sources if s.at == "virtual"]
    if virtual:
        # The programme has no reason to fill its own columns of matches unless the rule counts hours.
        made = sum((s.clean_frac * flow[s.name] for s in virtual), np.zeros(case.axis.count))
        flow["matched"] = np.minimum(made, _bought(flow))
    return flow, thrown


def _bought(flow: dict[str, Array]) -> Array:
    """What is bought and not sold again in the same hour, (N,)."""
    zero = np.zeros(1)
    return np.asarray(np.maximum(flow.get("purchase", zero) - flow.get("sold", zero), 0.0), dtype=np.float64)


def _spill(case: Case, flow: dict[str, Array]) -> dict[str, Array]:
    """Name what the balances leave over: output of sources that is not used; a purchase at no price is not made."""
    zero = np.zeros(case.axis.count)
    site = _site_sum(case, flow) - case.load_mw
    own = sum((flow[s.name] for s in case.sources if s.at == "site"), zero)
    thrown = _least_clean_first(case, flow, "site", np.clip(site, 0.0, own))
    if case.grid is not None and any(s.at == "grid" for s in case.sources):
        flow["inflow"] = np.maximum(flow["inflow"] - np.maximum(site - own, 0.0), 0.0)
        contracted = sum((flow[s.name] for s in case.sources if s.at == "grid"), zero)
        market = flow["purchase"] + contracted + flow.get("outflow", zero) - flow.get("sold", zero) - flow["inflow"]
        flow["purchase"] = np.maximum(flow["purchase"] - np.maximum(market - contracted, 0.0), 0.0)
        thrown |= _least_clean_first(case, flow, "grid", np.clip(market, 0.0, contracted))
    elif case.grid is not None:
        flow["inflow"] = flow["purchase"] = np.maximum(flow["inflow"] - np.maximum(site - own, 0.0), 0.0)
    flow["curtailed"] = np.asarray(sum(thrown.values(), zero))
    return thrown


def _least_clean_first(case: Case, flow: dict[str, Array], at: str, spilled: Array) -> dict[str, Array]:
    """Share out what a balance leaves over among the sources of a place."""
    thrown = {}
    for s in sorted((s for s in case.sources if s.at == at), key=lambda s: s.clean_frac):
        thrown[s.name] = np.minimum(spilled, flow[s.name])
        spilled = spilled - thrown[s.name]
    return thrown


def _site_sum(case: Case, flow: dict[str, Array]) -> Array:
    zero = np.zeros(case.axis.count)
    total = sum((flow[s.name] for s in case.sources if s.at == "site"), zero)
    total = total + sum((flow[p.name] for p in case.plants), zero)
    for name, sign in (("inflow", 1), ("outflow", -1), ("discharge", 1), ("charge", -1), ("cut", 1), ("unserved", 1)):
        total = total + sign * flow.get(name, zero)
    return np.asarray(total, dtype=np.float64)


def _imbalance(case: Case, flow: dict[str, Array]) -> Array:
    """What all flows leave over beside the load, (N,): zero but for rounding."""
    zero = np.zeros(case.axis.count)
    made = sum((flow[s.name] for s in case.sources if s.at != "virtual"), zero)
    made = made + sum((flow[p.name] for p in case.plants), zero)
    signs = (("purchase", 1), ("sold", -1), ("curtailed", -1), ("discharge", 1), ("charge", -1), ("cut", 1))
    total = made + sum((s * flow.get(k, zero) for k, s in (*signs, ("unserved", 1))), zero)
    return np.asarray(total - case.load_mw, dtype=np.float64)


def _connection(case: Case, names: dict[str, Block], solution: Solution) -> tuple[Array, float]:
    axis = case.axis
    quarters = int(axis.quarter.max()) + 1
    if case.grid is None:
        return np.zeros(quarters), 0.0
    worth = np.maximum(-solution.reduced_cost(names["inflow"]), 0.0)
    if case.grid.down is not None:
        worth[case.grid.down] = 0.0
    by_quarter = np.bincount(axis.quarter, worth / axis.year_weight[axis.year], quarters)
    return np.asarray(by_quarter, dtype=np.float64), float(worth.sum())


def _premium(case: Case, rules: RuleRows, solution: Solution) -> Array:
    axis = case.axis
    share = np.zeros(axis.count) if case.grid is None else np.broadcast_to(case.grid.clean_frac, axis.count)
    dual = {k: -solution.dual(b) for k, b in (("a", rules.annual), ("m", rules.monthly), ("h", rules.hourly))}
    premium = np.maximum(dual["a"], 0.0)[axis.year] + dual["m"][axis.month] + dual["h"][axis.year] * (1 - share)
    return np.asarray(premium / axis.year_weight[axis.year], dtype=np.float64)


def _unclean(case: Case, flow: dict[str, Array], thrown: dict[str, Array]) -> Array:
    zero = np.zeros(case.axis.count)
    share = zero if case.grid is None else np.broadcast_to(case.grid.clean_frac, zero.shape)
    unclean = (_bought(flow) - flow.get("matched", zero)) * (1 - share)
    unclean = unclean + sum((flow[p.name] for p in case.plants), zero)
    for s in case.sources:
        if s.partly_unclean:
            unclean = unclean + (1 - s.clean_frac) * (flow[s.name] - thrown[s.name])
    return np.asarray(unclean + zero, dtype=np.float64)


def _score(case: Case, flow: dict[str, Array], unclean: Array) -> float:
    """Share of the load that is clean in its hour.

    Equation: 1 - sum w ((1 - c) (purchase - sold - matched)+ + plants + unclean contracts) / sum w load served; without
    a battery it is (sum w min(clean, load) + c (load - clean)+) / sum w load, so that a surplus counts for nothing.
    Origin: Google, 24/7 Carbon-Free Energy: Methodologies and Metrics (2021). Own plant and unclean sources count as
    not clean; what is bought to charge counts in the hour it is bought.
    """
    w, zero = case.axis.weight_h, np.zeros(case.axis.count)
    served = case.load_mw - flow.get("cut", zero) - flow.get("unserved", zero)
    total = float(w @ served)
    return float(np.clip(1 - float(w @ unclean) / total, 0.0, 1.0)) if total > 0 else 1.0


def _contracted(case: Case, flow: dict[str, Array], thrown: dict[str, Array]) -> float:
    w, zero = case.axis.weight_h, np.zeros(case.axis.count)
    made = sum((s.clean_frac * (flow[s.name] - thrown.get(s.name, zero)) for s in case.sources), zero)
    return float(w @ made) / float(w @ case.load_mw)


def _items(
    case: Case, names: dict[str, Block], size: dict[str, float], mwh: float, flow: dict[str, Array], solution: Solution
) -> dict[str, float]:
    w, grid = case.axis.cost_weight_h, case.grid
    items: dict[str, float] = {}
    if grid is not None:
        items["purchases"] = float(w @ (grid.price_usd_per_mwh * flow["purchase"]))
        items["delivery"] = float(w @ flow["inflow"]) * grid.adder_usd_per_mwh
        if grid.sale_usd_per_mwh is not None and "sold" in flow:
            items["sales"] = -float(w @ (grid.sale_usd_per_mwh * flow["sold"]))
        for charge in grid.charges:
            peak = names[f"{charge.name}_peak"]
            paid = charge.usd_per_mw * case.axis.charge_weight(charge.each) * solution.value(peak)
            items[charge.name] = float(paid.sum())
        if grid.tariff is not None:
            paid_usd = bill(grid.tariff, KW_PER_MW * flow["inflow"])
            items["tariff tiers"] = paid_usd.energy_usd - float(
                KW_PER_MW * flow["inflow"] @ first_tier_usd_per_kwh(grid.tariff) * grid.tariff.step_h
            )
            items["tariff fixed"] = constant_usd(grid.tariff)
            items["tariff demand"] = paid_usd.demand_usd + paid_usd.coincident_usd
    for s in case.sources:
        made = float(w @ flow[s.name])
        items[s.name] = size[s.name] * s.usd_per_mw_year + made * s.usd_per_mwh
        if s.at == "virtual" and grid is not None:
            items[s.name] -= float(w @ (grid.market_usd_per_mwh * flow[s.name]))
    for p in case.plants:
        items[f"{p.name} plant"] = size[p.name] * p.usd_per_mw_year
        items[f"{p.name} fuel"] = float(w @ (np.asarray(p.usd_per_mwh) * flow[p.name]))
    b = case.battery
    if b is not None:
        items["battery"] = size["battery"] * b.usd_per_mw_year + mwh * b.usd_per_mwh_year
        items["battery wear"] = float(w @ flow["discharge"]) * b.wear_usd_per_mwh
    if case.flexible is not None:
        items["cuts"] = float(w @ flow["cut"]) * case.flexible.usd_per_mwh
    if case.unserved_usd_per_mwh is not None:
        items["lost load"] = float(w @ flow["unserved"]) * case.unserved_usd_per_mwh
    return items
