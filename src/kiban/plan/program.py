"""The plan as a linear programme on the tree: which decisions exist, and what binds them.

One set of columns per node, so no decision can know a future that its node does not know. Everything is in real
units (MW, accelerators, FLOP, tokens, USD); each block carries the unit by which it is scaled for the solver.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kiban.plan.balances import add_draw, add_halls, add_rents, add_service, add_silicon
from kiban.plan.case import PlanCase
from kiban.plan.columns import PlanColumns
from kiban.plan.ledger import Ledger
from kiban.plan.limits import add_budget, add_limits
from kiban.plan.money import sale_age, write_ledger
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
    add_halls(case, rows, columns, units)
    add_silicon(case, rows, columns, units)
    add_draw(case, rows, columns, units)
    add_rents(case, rows, columns, units)
    add_service(case, rows, columns, units)
    add_limits(case, rows, columns, units)
    add_budget(case, rows, columns, ledger, units)
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

    def starts() -> IntArray:
        whole = (case.halls.module_it_mw > 0) & (quarter < case.halls.module_quarters)[:, None]
        unit = np.where(whole, case.halls.module_it_mw, mw)
        shape, upper = whole.shape, when(case.halls.open)
        return rows.new_columns("hall_start", "IT MW signed or started", shape, unit, upper, whole)

    def silicon(name: str, sentence: str, count: int, upper: ArrayLike = np.inf) -> IntArray:
        return rows.new_columns(name, sentence, (n, count), chips, upper)

    def node(name: str, sentence: str, scale: float, upper: ArrayLike) -> IntArray:
        return rows.new_columns(name, sentence, (n,), scale, upper)

    resident = market.resident_tok.sum(axis=1) if clouds else 0.0
    return PlanColumns(
        hall_start=starts(),
        site_live=hall("site_live", "IT MW in service", case.n_sites, case.limits.site_max_it_mw.T[quarter]),
        buy=silicon("buy", "own accelerators ordered", pools, when(case.pools.open)),
        stock=silicon("stock", "own accelerators within their life", pools),
        live=silicon("live", "own accelerators in service", pools),
        sold=silicon("sold", "own accelerators sold", pools, np.where(sale_age(case) >= 0, np.inf, 0.0)),
        sublet=hall(
            "sublet",
            "IT MW of halls let to others",
            case.n_areas,
            _sublet_limit(case),
        ),
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
        upfront=node("upfront", "money spent up front so far", units["usd"], case.limits.budget_usd[quarter]),
    )


def _sublet_limit(case: PlanCase) -> Array:
    """(N, A) a tenant needs as long as own silicon to move in, and some areas have no price for it."""
    ready = case.quarter >= case.chips.lead_quarters.max(initial=0)
    return np.where(ready[:, None] & np.isfinite(case.area_sublet_usd_per_mw_quarter), np.inf, 0.0)
