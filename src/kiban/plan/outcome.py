"""A solution of the programme as decisions and money by rung."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.plan.case import PlanCase
from kiban.plan.ledger import COST_LINES
from kiban.plan.lp import Solution
from kiban.plan.program import Program, committed_mw
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


def hall_shares(case: PlanCase, live_mw: Array) -> Array:
    """(N, H) share of each hall in its site's IT MW; equal where the site has none. Sums to 1 by site."""
    share = np.zeros_like(live_mw)
    for site in range(case.n_sites):
        mine = np.flatnonzero(case.halls.site == site)
        total = live_mw[:, mine].sum(axis=1, keepdims=True)
        even = np.full((case.n_nodes, len(mine)), 1 / max(len(mine), 1))
        share[:, mine] = np.divide(live_mw[:, mine], total, out=even, where=total > 0)
    return share


def _spread(case: PlanCase, values: Array, shares: dict[int, Array] | Array) -> Array:
    """(N, P) pool values to (N, K, G): each pool over the halls of its site, by shares or shares by lead time."""
    out = np.zeros((case.n_nodes, case.rung_count, len(case.chips.names)))
    for pool, (site, chip) in enumerate(zip(case.pools.site, case.pools.chip, strict=True)):
        mine = np.flatnonzero(case.halls.site == site)
        share = shares[int(case.chips.lead_quarters[chip])] if isinstance(shares, dict) else shares
        out[:, case.halls.rung[mine], chip] += values[:, pool, None] * share[:, mine]
    return out


def _rented(case: PlanCase, values: Array) -> Array:
    out = np.zeros((case.n_nodes, case.rung_count, len(case.chips.names)))
    out[:, case.rents.rung, case.rents.chip] = values
    return out


def _costs(program: Program, x: Array, now: Array, arrival: dict[int, Array]) -> Array:
    """(N, K, C) cost by rung; costs of a pool follow its silicon, its purchase the halls it will stand in."""
    case, ledger = program.case, program.ledger
    flat = ledger.cost.matrix(len(x)) @ x
    by_owner = (flat.reshape(case.n_nodes, -1) + ledger.cost.fixed).reshape(case.n_nodes, ledger.n_owners, -1)
    out = by_owner[:, : case.rung_count].copy()
    for pool, (site, chip) in enumerate(zip(case.pools.site, case.pools.chip, strict=True)):
        mine = np.flatnonzero(case.halls.site == site)
        rung = case.halls.rung[mine]
        share = np.repeat(now[:, mine, None], len(COST_LINES), axis=2)
        share[:, :, _SILICON] = arrival[int(case.chips.lead_quarters[chip])][:, mine]
        out[:, rung] += by_owner[:, case.rung_count + pool, None, :] * share
    return out


def _by_region(served: Array, wanted: Array) -> Array:
    total = wanted.sum(axis=1, keepdims=True)
    return np.divide(wanted, total, out=np.zeros_like(wanted), where=total > 0) * served[:, None]


def read_outcome(name: str, program: Program, solution: Solution) -> PlanOutcome:
    """Turn a solution into a filled outcome.

    Own silicon is decided by site; it is shown by hall in proportion to the IT MW in service (orders: in
    proportion to the IT MW expected at delivery), which changes no total.
    """
    case, columns, x = program.case, program.columns, solution.x
    hall = case.halls.rung
    shape = (case.n_nodes, case.rung_count)
    start, live = np.zeros(shape), np.zeros(shape)
    start[:, hall] = x[columns.hall_start]
    hall_live = hall_live_mw(case, x[columns.hall_start])
    live[:, hall] = hall_live
    now = hall_shares(case, hall_live)
    leads = {int(q) for q in case.chips.lead_quarters}
    arrival = {q: hall_shares(case, expected_ahead(case, hall_live, q)) for q in leads}
    rent_infer = x[columns.rent_infer].copy()
    if columns.rent_resident.size:
        rent_infer[:, case.rents.is_cloud] += x[columns.rent_resident]
    market = case.market
    wanted = market.free_tok + market.resident_tok
    tok = _by_region(x[columns.free], market.free_tok) + _by_region(x[columns.resident], market.resident_tok)
    costs = _costs(program, x, now, arrival)
    value = program.ledger.value.matrix(len(x)) @ x
    upfront = program.ledger.upfront.matrix(len(x)) @ x + program.ledger.upfront.fixed[:, 0]
    return PlanOutcome(
        name=name,
        status=solution.status,
        expected_npv_usd=float(program.gain @ x + program.constant),
        node_hall_start_it_mw=start,
        node_hall_live_it_mw=live,
        node_silicon_buy=_spread(case, x[columns.buy], arrival),
        node_silicon_live=_spread(case, x[columns.live], now),
        node_rent_sign=_rented(case, x[columns.sign]),
        node_rent_live=_rented(case, x[columns.rented]),
        node_training_accelerators=_spread(case, x[columns.train], now) + _rented(case, x[columns.rent_train]),
        node_inference_accelerators=_spread(case, x[columns.infer], now) + _rented(case, rent_infer),
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
