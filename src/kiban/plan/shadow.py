"""What one more unit of each binding limit is worth, in words.

A dual of a degenerate vertex is only an upper bound of the gain (the value is concave in every limit), so duals pick
the limits worth asking about and a warm re-solve with a small step gives the answer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.plan.actions import usd_words
from kiban.plan.inputs import PlanInputs
from kiban.plan.lp import Solution, Solver

Array = NDArray[np.float64]

STEP = 0.02
"""Share by which a limit is raised."""
LEAST_FRAC = 1e-5
"""Gains under this share of the plan's value are not worth a sentence."""


def shadow_sentences(inputs: PlanInputs, solver: Solver, solution: Solution) -> tuple[str, ...]:
    """Return one sentence for each limit that holds the plan back.

    Each limit is raised by 2 % in all quarters together and the programme is solved again; "one quarter earlier"
    opens the starts of a site one quarter before its grid or permit allows.
    """
    case, program = inputs.case, solver.program
    columns, names = program.columns, program.rows.names
    base = solver.value_usd(solution)
    least = LEAST_FRAC * max(abs(base), 1.0)
    out = []

    def gain(upper: Array, above: Array | None = None) -> float:
        return solver.value_usd(solver.solve(upper, above)) - base

    def raised(numbers: NDArray[np.int64], step: float) -> Array:
        upper = program.upper.copy()
        upper[numbers] += step
        return upper

    def matters(worth: Array, step: float) -> bool:
        return float(np.clip(worth, 0, None).sum()) * step > least

    step = float(case.limits.budget_usd[-1]) * STEP
    if matters(solution.column_usd[columns.upfront], step):
        worth = gain(raised(columns.upfront, step)) / step
        if worth * step > least:
            out.append(f"One more dollar of budget is worth {worth:.2f} USD.")
    for site in range(case.n_sites):
        live, step = columns.site_live[:, site], float(case.limits.site_max_it_mw[site].max()) * STEP
        if _opens(inputs, site) and matters(solution.column_usd[live], step):
            worth = gain(raised(live, step)) / step
            if worth * step > least:
                out.append(f"One more MW of land and grid at {_name(inputs, site)} is worth {usd_words(worth)}.")
    for key, limit, words in _flows(inputs):
        step = limit * STEP
        if matters(solution.row_usd[names[key]], step):
            above = program.row_upper.copy()
            above[names[key]] += step
            worth = gain(program.upper, above) / step
            if worth * step > least:
                out.append(f"One more {words}, in every quarter, is worth {usd_words(worth)}.")
    for site in range(case.n_sites):
        start = _one_quarter_before(inputs, site)
        if start is not None:
            worth = gain(raised(columns.hall_start[start], np.inf))
            if worth > least:
                out.append(f"Power one quarter earlier at {_name(inputs, site)} is worth {usd_words(worth)}.")
    return tuple(out)


def _flows(inputs: PlanInputs) -> list[tuple[str, float, str]]:
    limits = inputs.case.limits
    states = sorted(set(limits.site_state))
    return [
        ("chips", limits.accelerators_per_quarter, "accelerator a quarter from suppliers"),
        ("rented_added", limits.rented_accelerators_per_quarter, "rented accelerator a quarter"),
        *(
            (f"construction_{state}", limits.construction_it_mw_per_quarter, f"MW a quarter of construction in {state}")
            for state in states
        ),
    ]


def _opens(inputs: PlanInputs, site: int) -> bool:
    halls = inputs.case.halls
    return bool(halls.open[halls.site == site].any())


def _one_quarter_before(inputs: PlanInputs, site: int) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """(nodes, halls) of the starts in the quarter before the first allowed one; None if all may start at once."""
    case = inputs.case
    nodes: list[int] = []
    halls: list[int] = []
    for hall in np.flatnonzero(case.halls.site == site):
        first = int(np.argmax(case.halls.open[hall]))
        for node in np.flatnonzero(case.quarter == first - 1) if case.halls.open[hall].any() else ():
            nodes.append(int(node))
            halls.append(int(hall))
    return (np.array(nodes), np.array(halls)) if nodes else None


def _name(inputs: PlanInputs, site: int) -> str:
    return inputs.rungs[int(inputs.case.halls.rung[inputs.case.halls.site == site][0])].site
