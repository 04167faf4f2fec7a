"""What a plan may not exceed: allocation, market, suppliers, construction and money. Rows of the programme."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.plan.case import PlanCase
from kiban.plan.columns import PlanColumns
from kiban.plan.ledger import Ledger
from kiban.plan.rows import Rows

Array = NDArray[np.float64]


def add_limits(case: PlanCase, rows: Rows, columns: PlanColumns, units: dict[str, float]) -> None:
    """Allocation of suppliers, market of rented accelerators, suppliers' shares and construction."""
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
    _suppliers(case, rows, columns, units)
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


def _suppliers(case: PlanCase, rows: Rows, columns: PlanColumns, units: dict[str, float]) -> None:
    limits, kw = case.limits, case.chips.it_kw
    suppliers = np.unique(limits.supplier)
    if limits.supplier_max_frac >= 1 or len(suppliers) < 2:
        return
    row = rows.new_rows(
        "supplier",
        "no supplier holds too much of the fleet",
        (case.n_nodes, len(suppliers)),
        units["chips"],
        -np.inf,
        0.0,
    )
    for at, supplier in enumerate(suppliers):
        for chip, column in ((case.pools.chip, columns.live), (case.rents.chip, columns.rented)):
            share = (limits.supplier[chip] == supplier) - limits.supplier_max_frac
            rows.put(row[:, [at]], column, share * kw[chip])


def add_budget(case: PlanCase, rows: Rows, columns: PlanColumns, ledger: Ledger, units: dict[str, float]) -> None:
    """Money up front along each history."""
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
