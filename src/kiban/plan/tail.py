"""The plan of somebody who minds the bad futures: the same programme with the tail, or the regret, in its objective.

Two aims need the value of each history, v_l(x), as rows:

* mean and tail, (1 - w) E[v] + w CVaR[v], with CVaR = max over e of e - sum_l p_l s_l / (1 - level), s_l >= e - v_l
  and s_l >= 0 (Rockafellar and Uryasev 2000);
* least largest regret, min over x of max_l (best_l - v_l(x)) (Savage, The theory of statistical decision, 1951).

Both are one row per history, ``e - s_l - v_l(x) <= -best_l``: the tail without a best, the regret (it is -e) without
shortfalls. So one programme answers all of them, and each solve starts from the one before; from the mean to the tail
it goes in steps, because a short way for the simplex method takes a fraction of the whole.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kiban.plan.leaf_money import LeafMoney, leaf_money
from kiban.plan.lp import Solution, Solver
from kiban.plan.program import Program
from kiban.plan.rows import Rows
from kiban.uncertainty import cvar

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

MOST_WEIGHT = 0.999
"""Weight of the most cautious plan: under 1, so that no other plan has more of both."""
STEPS = (0.25, 0.5, 0.75, MOST_WEIGHT)
SLACK_FRAC = 1e-9
"""Room left to the largest regret, in units of the programme, when the mean is maximised under it."""
EXACT_FRAC = 1e-9
"""A regret this near to the least, in units of the programme, is the least."""


@dataclass(frozen=True)
class TailProgram:
    """A programme with the value of each history in its rows."""

    program: Program
    """The extended programme; its first columns are those of the base."""
    base: Program
    level_frac: float
    """Share of futures that do not belong to the tail."""
    money: LeafMoney
    above: IntArray
    """(1,) the level e where it is positive."""
    below: IntArray
    """(1,) less the level e where it is negative."""
    short: IntArray
    """(L,) what a history falls short of the level."""
    row: IntArray
    """(L,)."""


@dataclass(frozen=True)
class TailPoint:
    """One plan with its value over the futures."""

    solution: Solution
    """In the columns of the base programme."""
    leaf_npv_usd: Array
    expected_npv_usd: float
    cvar_npv_usd: float
    largest_regret_usd: float = float("nan")


def with_tail(program: Program, level_frac: float) -> TailProgram:
    """Extend a programme by the level and the shortfalls; the base is left as it is.

    Args: program; level_frac in [0, 1), the share of futures that do not belong to the tail. It sets the scale of the
    shortfalls, so that their cost stays near one however thin the tail is.
    """
    _check_level(level_frac)
    case, money = program.case, leaf_money(program)
    rows, unit, count = _copy(program.rows), program.usd_unit, len(case.leaves)
    above = rows.new_columns("tail_level", "level under which a history counts as bad", (1,), unit)
    below = rows.new_columns("tail_level_below_zero", "the same, below zero", (1,), unit)
    short = rows.new_columns("tail_short", "what a history falls short of the level", (count,), unit * (1 - level_frac))
    row = rows.new_rows(
        "tail", "a history that is worth less than the level falls short", (count,), unit, -np.inf, money.fixed_usd
    )
    rows.put(row, above, 1.0)
    rows.put(row, below, -1.0)
    rows.put(row, short, -1.0)
    worth = money.matrix.tocoo()
    rows.put(row[worth.row], worth.col, -worth.data)
    extra = rows.columns - program.rows.columns
    upper = np.concatenate([b.upper for b in rows.column_blocks])
    upper[: -extra or None] = program.upper
    row_upper = np.concatenate([program.row_upper, money.fixed_usd])
    gain = np.concatenate([program.gain, np.zeros(extra)])
    longer = replace(program, rows=rows, gain=gain, upper=upper, row_upper=row_upper)
    return TailProgram(longer, program, level_frac, money, above, below, short, row)


def base_solution(tail: TailProgram, solution: Solution) -> Solution:
    """A solution of the extended programme in the columns and rows of the base."""
    columns, rows = tail.base.rows.columns, tail.base.rows.count
    return replace(
        solution,
        x=solution.x[:columns],
        row_usd=solution.row_usd[:rows],
        column_usd=solution.column_usd[:columns],
    )


def with_weight(tail: TailProgram, weight_frac: float) -> TailProgram:
    """The same extended programme with (1 - w) E[NPV] + w CVaR[NPV] as its objective.

    Its value is then what the plan is worth to somebody who minds the tail so much, in USD.
    """
    case = tail.base.case
    gain = np.zeros(len(tail.program.gain))
    gain[: tail.base.rows.columns] = tail.base.gain * (1 - weight_frac)
    gain[tail.above], gain[tail.below] = weight_frac, -weight_frac
    gain[tail.short] = -weight_frac * case.probability[case.leaves] / (1 - tail.level_frac)
    program = replace(tail.program, gain=gain, constant=tail.base.constant * (1 - weight_frac))
    return replace(tail, program=program)


class TailSolver:
    """Asks one extended programme with different weights, warm from one to the next.

    Arguments: tail; solver, holding ``tail.program``, perhaps solved before.
    """

    def __init__(self, tail: TailProgram, solver: Solver) -> None:
        self.tail, self.solver = tail, solver
        case = tail.base.case
        self.probability = case.probability[case.leaves]

    def solve(self, weight_frac: float, upper: Array | None = None) -> TailPoint:
        """Maximise (1 - w) E[NPV] + w CVaR[NPV].

        Args: weight_frac, w in [0, 1]; at 1 the mean of what lies above the tail is left to chance, so a weight just
        under 1 gives the better plan. upper: bounds of the columns of the base, where they differ from its own.
        """
        if not 0 <= weight_frac <= 1:
            raise ValueError(f"weight_frac is {weight_frac:g}; it must lie between 0 and 1")
        self.aim(weight_frac)
        return self._point(self.solver.solve(self._upper(upper)))

    def least_regret(self, best_leaf_usd: Array) -> TailPoint:
        """Minimise the largest regret against the best value of each history, then maximise the mean under it.

        Args: best_leaf_usd (L,), no less than what a plan can reach there, such as the wait-and-see values.
        """
        tail = self.tail
        upper = self._upper(None)
        upper[np.concatenate([tail.above, tail.short])] = 0.0
        row_upper = tail.program.row_upper.copy()
        row_upper[tail.row] = tail.money.fixed_usd - best_leaf_usd
        for weight in (*STEPS, 1.0):
            self.aim(weight)
            found = self.solver.solve(upper, row_upper)
            if weight == MOST_WEIGHT:
                point = self._point(found)
        least, unit = float(found.x[tail.below[0]]), tail.program.usd_unit
        if (best_leaf_usd - point.leaf_npv_usd).max() > least + EXACT_FRAC * unit:
            upper[tail.below] = least + SLACK_FRAC * unit
            self.aim(0.0)
            point = self._point(self.solver.solve(upper, row_upper))
        return replace(point, largest_regret_usd=least)

    def aim(self, weight_frac: float) -> None:
        """Give the solver the objective (1 - w) E[NPV] + w CVaR[NPV], for further questions of any kind."""
        program = with_weight(self.tail, weight_frac).program
        self.solver.program = program
        scaled = program.gain * self.solver.column_unit / program.usd_unit
        self.solver.model.set_cost(np.arange(len(scaled)), scaled)

    def _upper(self, base: Array | None) -> Array:
        upper = self.tail.program.upper.copy()
        if base is not None:
            upper[: len(base)] = base
        return upper

    def _point(self, solution: Solution) -> TailPoint:
        own, base = base_solution(self.tail, solution), self.tail.base
        values = self.tail.money.of(own.x)
        mean = float(base.gain @ own.x + base.constant)
        return TailPoint(own, values, mean, cvar(values, self.tail.level_frac, self.probability))


def _check_level(level_frac: float) -> None:
    if not 0 <= level_frac < 1:
        raise ValueError(f"level_frac is {level_frac:g}; it must be at least 0 and under 1")


def frontier_weights(points: int) -> Array:
    """Weights of the tail from 0 to just under 1, so that every point is efficient."""
    weights = np.linspace(0.0, 1.0, points)
    return np.minimum(weights, MOST_WEIGHT)


def _copy(rows: Rows) -> Rows:
    """The same columns and rows in new lists."""
    new = copy.copy(rows)
    for name in ("column_blocks", "row_blocks", "entries"):
        setattr(new, name, list(getattr(rows, name)))
    new.names = dict(rows.names)
    return new
