"""A solution of the programme as decisions and money by rung."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.plan.balances import committed_mw
from kiban.plan.case import PlanCase
from kiban.plan.ledger import COST_LINES
from kiban.plan.lp import Solution
from kiban.plan.program import Program
from kiban.results import PlanOutcome

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

_SILICON = COST_LINES.index("silicon_capex")


def hall_live_mw(case: PlanCase, start_mw: Array) -> Array:
    """(N, H) IT MW in service by hall: starts within their term, and what was signed before."""
    live = committed_mw(case).T[case.quarter].copy()
    for hall in range(live.shape[1]):
        node, source, _ = case.window(int(case.halls.lead_quarters[hall]), int(case.halls.term_quarters[hall]))
        np.add.at(live[:, hall], node, start_mw[source, hall])
    return live


def expected_ahead(case: PlanCase, values: Array, quarters: int) -> Array:
    """(N, H) what a node expects of values some quarters later; its own values where that is beyond the horizon."""
    node, source, _ = case.window(quarters, 1)
    total, weight = np.zeros_like(values), np.zeros(case.n_nodes)
    np.add.at(total, source, case.probability[node, None] * values[node])
    np.add.at(weight, source, case.probability[node])
    inside = weight > 0
    out = values.copy()
    out[inside] = total[inside] / weight[inside, None]
    return out


def shares(values: Array, group: IntArray, count: int) -> Array:
    """(N, H) share of each column in the total of its group; equal where the group has none. Sums to 1 by group."""
    out = np.zeros_like(values)
    for one in range(count):
        mine = np.flatnonzero(group == one)
        total = values[:, mine].sum(axis=1, keepdims=True)
        even = np.full((len(values), len(mine)), 1 / max(len(mine), 1))
        out[:, mine] = np.divide(values[:, mine], total, out=even, where=total > 0)
    return out


@dataclass(frozen=True)
class Places:
    """Where things that are decided by area or by site stand, as shares of halls; (N, H) each."""

    of_site: Array
    """Share in the IT MW of the site."""
    of_area: Array
    """Share in the IT MW of the area."""
    arrival: dict[int, Array]
    """By lead time: share in the IT MW of the area that the node expects at delivery."""
    training: Array
    """Share in the power that training draws in the area."""
    serving: Array


def _places(program: Program, x: Array, hall_live: Array) -> Places:
    case, columns = program.case, program.columns
    site, area = case.halls.site, case.hall_area
    of_site = shares(hall_live, site, case.n_sites)

    def drawn(draw: IntArray) -> Array:
        return shares(x[draw][:, site] * of_site, area, case.n_areas)

    leads = {int(q) for q in case.chips.lead_quarters}
    return Places(
        of_site,
        shares(hall_live, area, case.n_areas),
        {q: shares(expected_ahead(case, hall_live, q), area, case.n_areas) for q in leads},
        drawn(columns.train_draw),
        drawn(columns.infer_draw),
    )


def _spread(case: PlanCase, values: Array, share: Array | dict[int, Array]) -> Array:
    """(N, P) pool values to (N, K, G): each pool over the halls of its area, by shares or shares by lead time."""
    out = np.zeros((case.n_nodes, case.rung_count, len(case.chips.names)))
    for pool, (area, chip) in enumerate(zip(case.pools.area, case.pools.chip, strict=True)):
        mine = np.flatnonzero(case.hall_area == area)
        by_hall = share[int(case.chips.lead_quarters[chip])] if isinstance(share, dict) else share
        out[:, case.halls.rung[mine], chip] += values[:, pool, None] * by_hall[:, mine]
    return out


def _room(case: PlanCase, hall_live: Array, at_work: Array) -> Array:
    """(N, H) IT MW that accelerators at work (N, K, G) leave in each hall."""
    return np.clip(hall_live - at_work[:, case.halls.rung] @ case.chips.it_kw / 1e3, 0.0, None)


def _rented(case: PlanCase, values: Array) -> Array:
    out = np.zeros((case.n_nodes, case.rung_count, len(case.chips.names)))
    out[:, case.rents.rung, case.rents.chip] = values
    return out


def _costs(program: Program, x: Array, places: Places, live: Array, let: Array) -> Array:
    """(N, K, C) cost by rung; purchases follow the halls they will stand in, running costs the silicon in service."""
    case, ledger = program.case, program.ledger
    flat = ledger.cost.matrix(len(x)) @ x
    by_owner = (flat.reshape(case.n_nodes, -1) + ledger.cost.fixed).reshape(case.n_nodes, ledger.n_owners, -1)
    out = by_owner[:, : case.rung_count].copy()
    for pool, (area, chip) in enumerate(zip(case.pools.area, case.pools.chip, strict=True)):
        mine = np.flatnonzero(case.hall_area == area)
        rung = case.halls.rung[mine]
        standing = shares(live[:, rung, chip], np.zeros(len(mine), dtype=np.int64), 1)
        share = np.repeat(standing[:, :, None], len(COST_LINES), axis=2)
        share[:, :, _SILICON] = places.arrival[int(case.chips.lead_quarters[chip])][:, mine]
        out[:, rung] += by_owner[:, case.rung_count + pool, None, :] * share
    for site in range(case.n_sites):
        mine = np.flatnonzero(case.halls.site == site)
        bill = by_owner[:, ledger.site_owner(site), None, :]
        out[:, case.halls.rung[mine]] += bill * places.of_site[:, mine, None]
    tenants = shares(let, case.hall_area, case.n_areas)
    for area in range(case.n_areas):
        mine = np.flatnonzero(case.hall_area == area)
        bill = by_owner[:, ledger.area_owner(area), None, :]
        out[:, case.halls.rung[mine]] += bill * tenants[:, mine, None]
    return out


def _by_region(served: Array, wanted: Array) -> Array:
    total = wanted.sum(axis=1, keepdims=True)
    return np.divide(wanted, total, out=np.zeros_like(wanted), where=total > 0) * served[:, None]


def read_outcome(name: str, program: Program, solution: Solution) -> PlanOutcome:
    """Turn a solution into a filled outcome.

    Own silicon is decided by area. It is shown by hall: at work where its power is drawn, idle where those at work
    leave room, orders in proportion to the IT MW expected at delivery. This changes no total.
    """
    case, columns, x = program.case, program.columns, solution.x
    hall = case.halls.rung
    shape = (case.n_nodes, case.rung_count)
    start, live = np.zeros(shape), np.zeros(shape)
    start[:, hall] = x[columns.hall_start]
    hall_live = hall_live_mw(case, x[columns.hall_start])
    live[:, hall] = hall_live
    sublet = np.zeros(shape)
    places = _places(program, x, hall_live)
    training = _spread(case, x[columns.train], places.training)
    serving = _spread(case, x[columns.infer], places.serving)
    idle = np.clip(x[columns.live] - x[columns.train] - x[columns.infer], 0.0, None)
    room = _room(case, hall_live, training + serving)
    let = x[columns.sublet][:, case.hall_area] * shares(room, case.hall_area, case.n_areas)
    sublet[:, hall] = let
    spare = shares(np.clip(room - let, 0.0, None), case.hall_area, case.n_areas)
    silicon = training + serving + _spread(case, idle, spare)
    rent_infer = x[columns.rent_infer].copy()
    if columns.rent_resident.size:
        rent_infer[:, case.rents.is_cloud] += x[columns.rent_resident]
    market = case.market
    wanted = market.free_tok + market.resident_tok
    tok = _by_region(x[columns.free], market.free_tok) + _by_region(x[columns.resident], market.resident_tok)
    costs = _costs(program, x, places, silicon, let)
    value = program.ledger.value.matrix(len(x)) @ x
    upfront = program.ledger.upfront.matrix(len(x)) @ x + program.ledger.upfront.fixed[:, 0]
    return PlanOutcome(
        name=name,
        status=solution.status,
        expected_npv_usd=float(program.gain @ x + program.constant),
        node_hall_start_it_mw=start,
        node_hall_live_it_mw=live,
        node_silicon_buy=_spread(case, x[columns.buy], places.arrival),
        node_hall_sublet_it_mw=sublet,
        node_silicon_live=silicon,
        node_silicon_sold=_spread(case, x[columns.sold], places.of_area),
        node_rent_sign=_rented(case, x[columns.sign]),
        node_rent_live=_rented(case, x[columns.rented]),
        node_training_accelerators=training + _rented(case, x[columns.rent_train]),
        node_inference_accelerators=serving + _rented(case, rent_infer),
        node_training_served_flop=x[columns.trained],
        node_training_unserved_flop=np.clip(market.training_flop - x[columns.trained], 0, None),
        node_inference_served_tok=tok,
        node_inference_unserved_tok=np.clip(wanted - tok, 0, None),
        cost_lines=COST_LINES,
        node_rung_cost_usd=costs,
        node_value_usd=np.asarray(value),
        node_upfront_usd=np.asarray(upfront),
        shadow_price_sentences=(),
        solve_s=solution.seconds,
        residual=solution.residual,
    )
