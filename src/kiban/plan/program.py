"""The plan as a linear programme on the tree: which decisions exist, and what binds them.

One set of columns per node, so no decision can know a future that its node does not know. Everything is in real
units (MW, accelerators, FLOP, tokens, USD); each block carries the unit by which it is scaled for the solver.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kiban.plan.case import PlanCase
from kiban.plan.columns import PlanColumns
from kiban.plan.ledger import Ledger
from kiban.plan.money import write_ledger
from kiban.plan.rows import Rows

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Program:
    """One linear programme in real units: maximise ``gain @ x + constant``."""

    case: PlanCase
    columns: PlanColumns
    ledger: Ledger
    gain: Array
    constant: float
    usd_unit: float
    rows: Rows
    upper: Array
    """Upper bounds of the columns."""
    row_upper: Array


def build_program(case: PlanCase) -> Program:
    """Build the programme of a case."""
    rows = Rows()
    units = _units(case)
    columns = _columns(case, rows, units)
    ledger = write_ledger(case, columns)
    _halls(case, rows, columns, units)
    _silicon(case, rows, columns, units)
    _draw(case, rows, columns, units)
    _rents(case, rows, columns, units)
    _service(case, rows, columns, units)
    _limits(case, rows, columns, units)
    _budget(case, rows, columns, ledger, units)
    upper = np.concatenate([b.upper for b in rows.column_blocks])
    row_upper = np.concatenate([b.upper for b in rows.row_blocks])
    gain, constant = ledger.objective(case.probability * case.discount, rows.columns)
    return Program(case, columns, ledger, gain, constant, units["usd"], rows, upper, row_upper)


def _units(case: PlanCase) -> dict[str, float]:
    """Scales near the size of each quantity, so that the scaled programme has numbers near one.

    Never below one natural unit: a demand of next to nothing would make every price beside it infinite.
    """
    limits, market = case.limits, case.market

    def scale(*values: ArrayLike) -> float:
        finite = [float(x) for v in values for x in np.ravel(np.asarray(v, float)) if np.isfinite(x)]
        return max([*finite, 1.0])

    mw = scale(limits.site_max_it_mw)
    chips = scale(mw * 1e3 / case.chips.it_kw.min() if len(case.chips.it_kw) else 1.0)
    worth = market.training_flop * market.training_usd_per_flop
    worth = worth + (market.free_tok + market.resident_tok).sum(axis=1) * market.usd_per_tok
    return {
        "mw": mw,
        "chips": min(chips, limits.accelerators_per_quarter),
        "flop": scale(market.training_flop),
        "tok": scale(market.free_tok.sum(axis=1), market.resident_tok.sum(axis=1)),
        "usd": min(scale(worth), scale(limits.budget_usd)),
    }


def _columns(case: PlanCase, rows: Rows, units: dict[str, float]) -> PlanColumns:
    n, pools, rents, market = case.n_nodes, len(case.pools.chip), len(case.rents.chip), case.market
    clouds = int(case.rents.is_cloud.sum()) if market.resident_tok.any() else 0
    mw, chips, quarter = units["mw"], units["chips"], case.quarter

    def when(open_: NDArray[np.bool_]) -> Array:
        return np.where(open_.T[quarter], np.inf, 0.0)

    def hall(name: str, sentence: str, count: int, upper: ArrayLike) -> IntArray:
        return rows.new_columns(name, sentence, (n, count), mw, upper)

    def silicon(name: str, sentence: str, count: int, upper: ArrayLike = np.inf) -> IntArray:
        return rows.new_columns(name, sentence, (n, count), chips, upper)

    def node(name: str, sentence: str, scale: float, upper: ArrayLike) -> IntArray:
        return rows.new_columns(name, sentence, (n,), scale, upper)

    resident = market.resident_tok.sum(axis=1) if clouds else 0.0
    return PlanColumns(
        hall_start=hall("hall_start", "IT MW signed or started", len(case.halls.rung), when(case.halls.open)),
        site_live=hall("site_live", "IT MW in service", case.n_sites, case.limits.site_max_it_mw.T[quarter]),
        buy=silicon("buy", "own accelerators ordered", pools, when(case.pools.open)),
        stock=silicon("stock", "own accelerators within their life", pools),
        live=silicon("live", "own accelerators in service", pools),
        train=silicon("own_train", "own accelerators in training", pools),
        infer=silicon("own_infer", "own accelerators in serving", pools),
        train_draw=hall("train_draw", "IT MW drawn by training", case.n_sites, np.inf),
        infer_draw=hall("infer_draw", "IT MW drawn by serving", case.n_sites, np.inf),
        sign=silicon("sign", "rented accelerators signed", rents, when(case.rents.open)),
        rented=silicon("under_contract", "rented accelerators under contract", rents),
        rent_train=silicon("rent_train", "rented accelerators in training", rents),
        rent_infer=silicon("rent_infer", "rented accelerators in serving", rents),
        rent_resident=silicon("rent_resident", "cloud accelerators that serve inside a region", clouds),
        trained=node("trained", "useful training FLOP served", units["flop"], market.training_flop),
        free=node("served", "tokens served anywhere", units["tok"], market.free_tok.sum(axis=1)),
        resident=node("served_inside", "tokens served inside their region", units["tok"], resident),
        upfront=node("upfront", "money spent up front so far", units["usd"], case.limits.budget_usd),
    )


def _carry(case: PlanCase, rows: Rows, row: IntArray, stock: IntArray) -> None:
    """stock[n] - stock[parent] on rows of shape (N,)."""
    child = np.flatnonzero(case.parent >= 0)
    rows.put(row, stock, 1.0)
    rows.put(row[child], stock[case.parent[child]], -1.0)


def _enter(case: PlanCase, rows: Rows, row: IntArray, inflow: IntArray, lead_quarters: int, term_quarters: int) -> None:
    """-inflow[lead ago] + inflow[lead + term ago] on rows of shape (N,)."""
    for back, sign in ((lead_quarters, -1.0), (lead_quarters + term_quarters, 1.0)):
        node, source, _ = case.window(back, 1)
        rows.put(row[node], inflow[source], sign)


def committed_mw(case: PlanCase) -> Array:
    """(H, T) signed IT MW in service by hall and quarter."""
    live = np.zeros((len(case.halls.rung), case.n_quarters))
    for signed in case.committed_halls:
        first = max(signed.quarter, 0)
        last = max(signed.quarter + int(case.halls.term_quarters[signed.hall]), 0)
        live[signed.hall, first:last] += signed.it_mw
    return live


def committed_accelerators(case: PlanCase) -> Array:
    """(P, T) ordered accelerators within their life by pool and quarter."""
    live = np.zeros((len(case.pools.chip), case.n_quarters))
    for ordered in case.committed_silicon:
        life = int(case.chips.life_quarters[case.pools.chip[ordered.pool]])
        live[ordered.pool, max(ordered.quarter, 0) : max(ordered.quarter + life, 0)] += ordered.accelerators
    return live


def _halls(case: PlanCase, rows: Rows, columns: PlanColumns, units: dict[str, float]) -> None:
    signed = np.diff(committed_mw(case), axis=1, prepend=0.0)
    for site in range(case.n_sites):
        mine = np.flatnonzero(case.halls.site == site)
        change = signed[mine].sum(axis=0)[case.quarter]
        row = rows.new_rows(
            f"hall_{site}",
            "halls in service are those started a lead time ago and not ended",
            (case.n_nodes,),
            units["mw"],
            change,
            change,
        )
        _carry(case, rows, row, columns.site_live[:, site])
        for hall in mine:
            lead, term = int(case.halls.lead_quarters[hall]), int(case.halls.term_quarters[hall])
            _enter(case, rows, row, columns.hall_start[:, hall], lead, term)


def _silicon(case: PlanCase, rows: Rows, columns: PlanColumns, units: dict[str, float]) -> None:
    pools, chips, n = case.pools, case.chips, case.n_nodes
    shape, unit = (n, len(pools.chip)), units["chips"]
    if not shape[1]:
        return
    ordered = committed_accelerators(case)
    change = np.diff(ordered, axis=1, prepend=0.0).T[case.quarter]
    stock = rows.new_rows(
        "alive",
        "accelerators within life are those ordered a lead time ago and not aged out",
        shape,
        unit,
        change,
        change,
    )
    within = rows.new_rows(
        "within_life",
        "accelerators in service are within their life",
        shape,
        unit,
        -np.inf,
        0.0,
    )
    arrive = rows.new_rows(
        "no_return",
        "retired accelerators do not come back",
        shape,
        unit,
        -np.inf,
        np.clip(change, 0, None),
    )
    work = rows.new_rows("work", "accelerators at work are in service", shape, unit, -np.inf, 0.0)
    child = np.flatnonzero(case.parent >= 0)
    for pool, chip in enumerate(pools.chip):
        lead, life = int(chips.lead_quarters[chip]), int(chips.life_quarters[chip])
        _carry(case, rows, stock[:, pool], columns.stock[:, pool])
        _enter(case, rows, stock[:, pool], columns.buy[:, pool], lead, life)
        node, source, _ = case.window(lead, 1)
        rows.put(arrive[node, pool], columns.buy[source, pool], -1.0)
    rows.put(within, columns.live, 1.0)
    rows.put(within, columns.stock, -1.0)
    rows.put(arrive, columns.live, 1.0)
    rows.put(arrive[child], columns.live[case.parent[child]], -1.0)
    rows.put(work, columns.train, 1.0)
    rows.put(work, columns.infer, 1.0)
    rows.put(work, columns.live, -1.0)
    power = rows.new_rows(
        "power",
        "accelerators in service fit the power of the halls of their area",
        (n, case.n_areas),
        units["mw"],
        -np.inf,
        0.0,
    )
    rows.put(power[:, case.site_area], columns.site_live, -1.0)
    rows.put(power[:, pools.area], columns.live, chips.it_kw[pools.chip] / 1e3)


def _draw(case: PlanCase, rows: Rows, columns: PlanColumns, units: dict[str, float]) -> None:
    """Where the accelerators at work stand, in MW drawn by use: this decides what their electricity costs."""
    pools, chips, n = case.pools, case.chips, case.n_nodes
    if not len(pools.chip):
        return
    kw = chips.it_kw[pools.chip] / 1e3
    uses = (
        ("training", columns.train, columns.train_draw, chips.training_power_frac),
        ("serving", columns.infer, columns.infer_draw, chips.inference_power_frac),
    )
    fit = rows.new_rows(
        "site_work", "accelerators at work fit the halls of their site", (n, case.n_sites), units["mw"], -np.inf, 0.0
    )
    rows.put(fit, columns.site_live, -1.0)
    for use, at_work, draw, power_frac in uses:
        row = rows.new_rows(
            f"draw_{use}", f"power of {use} is drawn at a site of its area", (n, case.n_areas), units["mw"], 0.0, 0.0
        )
        rows.put(row[:, pools.area], at_work, kw * power_frac[pools.chip])
        rows.put(row[:, case.site_area], draw, -1.0)
        rows.put(fit, draw, 1 / power_frac.max())


def _rents(case: PlanCase, rows: Rows, columns: PlanColumns, units: dict[str, float]) -> None:
    rents, shape = case.rents, (case.n_nodes, len(case.rents.chip))
    if not shape[1]:
        return
    flow = rows.new_rows(
        "rented",
        "rented accelerators are those signed a lead time ago and not ended",
        shape,
        units["chips"],
        0.0,
        0.0,
    )
    work = rows.new_rows(
        "rent_work",
        "rented accelerators at work are under contract",
        shape,
        units["chips"],
        -np.inf,
        0.0,
    )
    for rent in range(shape[1]):
        lead, term = int(rents.lead_quarters[rent]), int(rents.term_quarters[rent])
        _carry(case, rows, flow[:, rent], columns.rented[:, rent])
        _enter(case, rows, flow[:, rent], columns.sign[:, rent], lead, term)
    rows.put(work, columns.rent_train, 1.0)
    rows.put(work, columns.rent_infer, 1.0)
    rows.put(work, columns.rented, -1.0)
    if columns.rent_resident.size:
        rows.put(work[:, rents.is_cloud], columns.rent_resident, 1.0)


def inference_tok_per_quarter(case: PlanCase) -> Array:
    """(N, G) mean tokens that one accelerator serves in the quarter when the fleet is sized for the peak hour."""
    market = case.market
    gain = market.serving_gain_factor / market.peak_to_mean_factor
    return np.asarray(gain[:, None] * case.chips.inference_tok_per_quarter)


def _service(case: PlanCase, rows: Rows, columns: PlanColumns, units: dict[str, float]) -> None:
    own, rent, clouds = case.pools.chip, case.rents.chip, case.rents.chip[case.rents.is_cloud]
    tok, flop = inference_tok_per_quarter(case), case.chips.training_flop_per_quarter
    train = rows.new_rows(
        "train",
        "training served fits the accelerators in training",
        (case.n_nodes, 1),
        units["flop"],
        -np.inf,
        0.0,
    )
    rows.put(train[:, 0], columns.trained, 1.0)
    rows.put(train, columns.train, -flop[own])
    rows.put(train, columns.rent_train, -flop[rent])
    free = rows.new_rows(
        "free",
        "tokens served fit the accelerators in serving",
        (case.n_nodes, 1),
        units["tok"],
        -np.inf,
        0.0,
    )
    rows.put(free[:, 0], columns.free, 1.0)
    rows.put(free, columns.infer, -tok[:, own])
    rows.put(free, columns.rent_infer, -tok[:, rent])
    if columns.rent_resident.size:
        resident = rows.new_rows(
            "resident",
            "tokens served inside a region fit the cloud there",
            (case.n_nodes, 1),
            units["tok"],
            -np.inf,
            0.0,
        )
        rows.put(resident[:, 0], columns.resident, 1.0)
        rows.put(resident, columns.rent_resident, -tok[:, clouds])


def _limits(case: PlanCase, rows: Rows, columns: PlanColumns, units: dict[str, float]) -> None:
    limits, n = case.limits, case.n_nodes
    chips = rows.new_rows(
        "chips",
        "orders keep to the allocation of suppliers",
        (n, 1),
        units["chips"],
        -np.inf,
        limits.accelerators_per_quarter,
    )
    rows.put(chips, columns.buy, 1.0)
    added = rows.new_rows(
        "rented_added",
        "rented accelerators grow no faster than the market gives",
        (n, 1),
        units["chips"],
        -np.inf,
        limits.rented_accelerators_per_quarter,
    )
    child = np.flatnonzero(case.parent >= 0)
    rows.put(added, columns.rented, 1.0)
    rows.put(added[child], columns.rented[case.parent[child]], -1.0)
    for state in sorted(set(limits.site_state)):
        mine = [h for h, site in enumerate(case.halls.site) if limits.site_state[site] == state]
        row = rows.new_rows(
            f"construction_{state}",
            "starts in a state keep to what can be built",
            (n, 1),
            units["mw"],
            -np.inf,
            limits.construction_it_mw_per_quarter,
        )
        rows.put(row, columns.hall_start[:, mine], 1.0)


def _budget(case: PlanCase, rows: Rows, columns: PlanColumns, ledger: Ledger, units: dict[str, float]) -> None:
    fixed = ledger.upfront.fixed[:, 0]
    row = rows.new_rows(
        "budget",
        "money up front adds up along each history",
        (case.n_nodes,),
        units["usd"],
        fixed,
        fixed,
    )
    child = np.flatnonzero(case.parent >= 0)
    rows.put(row, columns.upfront, 1.0)
    rows.put(row[child], columns.upfront[case.parent[child]], -1.0)
    spend = ledger.upfront.matrix(rows.columns).tocoo()
    rows.put(row[spend.row], spend.col, -spend.data)
