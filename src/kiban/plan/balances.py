"""What flows through the plan: halls, own and rented accelerators, work. Rows of the programme on the tree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.plan.case import PlanCase
from kiban.plan.columns import PlanColumns
from kiban.plan.rows import Rows

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


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


def add_halls(case: PlanCase, rows: Rows, columns: PlanColumns, units: dict[str, float]) -> None:
    """Halls in service by site."""
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


def add_silicon(case: PlanCase, rows: Rows, columns: PlanColumns, units: dict[str, float]) -> None:
    """Own accelerators: ordered, within life, in service, at work, and the power they need."""
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
        "accelerators that are retired or sold do not come back",
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
    rows.put(arrive, columns.sold, 1.0)
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
    rows.put(power, columns.sublet, 1.0)
    rows.put(power[:, pools.area], columns.live, chips.it_kw[pools.chip] / 1e3)


def add_draw(case: PlanCase, rows: Rows, columns: PlanColumns, units: dict[str, float]) -> None:
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
        "site_work",
        "accelerators at work fit the halls of their site",
        (n, case.n_sites),
        units["mw"],
        -np.inf,
        0.0,
    )
    rows.put(fit, columns.site_live, -1.0)
    for use, at_work, draw, power_frac in uses:
        row = rows.new_rows(
            f"draw_{use}", f"power of {use} is drawn at a site of its area", (n, case.n_areas), units["mw"], 0.0, 0.0
        )
        rows.put(row[:, pools.area], at_work, kw * power_frac[pools.chip])
        rows.put(row[:, case.site_area], draw, -1.0)
        rows.put(fit, draw, 1 / power_frac.max())


def add_rents(case: PlanCase, rows: Rows, columns: PlanColumns, units: dict[str, float]) -> None:
    """Rented accelerators under contract and at work."""
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


def add_service(case: PlanCase, rows: Rows, columns: PlanColumns, units: dict[str, float]) -> None:
    """Served training and tokens against the accelerators at work."""
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
