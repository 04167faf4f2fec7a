"""What the right to start halls late, and in pieces, is worth: the plan solved again with starts closed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.plan.lp import Solver, starting_here

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

LEAST_FRAC = 1e-5
"""Worth under this share of the plan's value counts as nothing."""
LEAST_START_FRAC = 1e-9
"""A start under this share of the unit of MW is noise."""
MOST_SOLVES = 60
"""Programmes that the search for the best single quarters may solve."""


@dataclass(frozen=True)
class HallOption:
    """How long the right to start a hall rung is worth something."""

    hall: int
    worth_usd: float
    """What the plan loses if the rung may never be started."""
    last_quarter: int
    """Last quarter in which a start still adds value; -1 if none does."""


@dataclass(frozen=True)
class BlockPlan:
    """The best plan found in which each hall begins in one quarter."""

    value_usd: float
    """A lower bound of the best, because the search is not exhaustive."""
    quarters: IntArray
    """(H,) the quarter of each hall."""
    solves: int


def option_expiry(solver: Solver, x: Array, base_usd: float) -> tuple[HallOption, ...]:
    """For each hall rung, what the right to start it is worth and when it ends.

    Args: solver of the plan; x, the plan; base_usd, its value. The loss from closing the starts of a rung from
    quarter q on never rises with q and is zero after the last start of the plan, so bisection finds the last quarter
    from which closing costs more than 1e-5 of the plan's value. A rung that the plan never starts costs no solve.
    """
    case, starts = solver.program.case, solver.program.columns.hall_start
    least = LEAST_FRAC * max(abs(base_usd), 1.0)

    def loss(hall: int, quarter: int) -> float:
        upper = solver.program.upper.copy()
        upper[starts[case.quarter >= quarter, hall]] = 0.0
        with starting_here(solver):
            return base_usd - solver.value_usd(solver.solve(upper))

    def option(hall: int) -> HallOption:
        used = case.quarter[_started(solver, x, hall)]
        worth = loss(hall, 0) if len(used) else 0.0
        if worth <= least:
            return HallOption(hall, max(worth, 0.0), -1)
        low, high = 0, int(used.max()) + 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if loss(hall, middle) > least else (low, middle)
        return HallOption(hall, worth, low)

    return tuple(option(hall) for hall in range(starts.shape[1]))


def _started(solver: Solver, x: Array, hall: int) -> IntArray:
    """Nodes at which a plan starts a hall."""
    columns = solver.program.columns.hall_start[:, hall]
    return np.flatnonzero(x[columns] > LEAST_START_FRAC * solver.column_unit[columns])


def block_plan(solver: Solver, x: Array, most_solves: int = MOST_SOLVES) -> BlockPlan:
    """The best plan in which each hall begins in one quarter, the same in every future.

    Args: solver of the plan; x, the plan; most_solves. How much is started may differ by future; that halls of one
    rung may follow each other, or begin in one future only when another has gone by, is what is given up. Candidates
    are the quarters in which the plan starts anything. The search begins at the quarter of each hall's largest
    expected start and moves one hall at a time, as long as that gains (coordinate ascent), so the value is a lower
    bound and the plan's value above it an upper bound of what building in pieces is worth.
    """
    case, starts = solver.program.case, solver.program.columns.hall_start
    expected = np.zeros((starts.shape[1], case.n_quarters))
    np.add.at(expected.T, case.quarter, case.probability[:, None] * x[starts])
    candidates = np.flatnonzero(expected.sum(axis=0) > 0)
    best = np.where(expected.any(axis=1), expected.argmax(axis=1), case.halls.open.argmax(axis=1))
    order = np.argsort(-expected.sum(axis=1), kind="stable")

    def worth(quarters: IntArray) -> float:
        upper = solver.program.upper.copy()
        upper[starts[case.quarter[:, None] != quarters]] = 0.0
        return solver.value_usd(solver.solve(upper))

    value, solves, moved = worth(best), 1, True
    while moved:
        moved = False
        for hall in order:
            for quarter in candidates[case.halls.open[hall, candidates]]:
                if quarter == best[hall]:
                    continue
                if solves >= most_solves:
                    return BlockPlan(value, best, solves)
                other = best.copy()
                other[hall] = quarter
                found, solves = worth(other), solves + 1
                if found > value + LEAST_FRAC * max(abs(value), 1.0):
                    value, best, moved = found, other, True
    return BlockPlan(value, best, solves)
