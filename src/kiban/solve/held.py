"""A programme whose few large columns stand at values and whose few large rows have prices: what is left is quick.

Sizes and yearly sums hang thousands of hours together; with them out of the way the hours meet only through storage,
and an iteration of the dual simplex costs a fiftieth. ``settle`` looks for the values and prices that belong together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from kiban.solve.blocks import Array, Ints
from kiban.solve.data import Problem
from kiban.solve.handle import Handle, SolveOptions

Flags = NDArray[np.bool_]

# A presolve that sees held sizes at zero leaves a basis from which the next look has to turn every hour.
_SIMPLEX = SolveOptions(solver="simplex", extra={"presolve": "off"})
_MOST_ROOMS = 8
_WIDER = 30.0
"""How much a room that is too narrow grows, and how often."""
_LEAST_RAY = 1e-9
"""Weights of a ray below this share of its largest count as rounding."""
_NUDGE = 1e-9
"""Share of the largest cost that moves a column off a value where it would neither rise nor fall."""

_BASIC = highspy.HighsBasisStatus.kBasic
_LOWER = highspy.HighsBasisStatus.kLower
_UPPER = highspy.HighsBasisStatus.kUpper


@dataclass(frozen=True)
class Look:
    """The best that is left to do at some values and prices.

    worth: costs plus prices x activity; own: costs alone; slopes (k,): change of worth with each held column;
    activity (r,): of the priced rows.
    """

    worth: float
    own: float
    slopes: Array
    activity: Array


@dataclass(frozen=True)
class Fence:
    """No values with weights @ values > limit leave anything feasible; weights: (k,)."""

    weights: Array
    limit: float


class Held:
    """A minimising linear programme with k columns held and r rows (upper limits) priced."""

    def __init__(self, problem: Problem, columns: Ints, rows: Ints) -> None:
        """Take the programme; columns (k,), rows (r,) are numbers in it, and every one of the rows has an upper limit.

        Each held column gets two more, one that adds to it and one that takes from it, both closed until ``free``:
        the solver can leave a value that is no bound only through them.
        """
        self._problem, self._columns, self._rows = problem, columns, rows
        self._n, self._k = problem.cost.size, columns.size
        mine = problem.matrix[:, columns]
        wider = sparse.csc_array(sparse.hstack([problem.matrix, mine, -mine]))
        by_row = sparse.csr_array(wider[rows])
        self._priced = np.unique(by_row.indices)
        self._weights = by_row[:, self._priced]
        none = np.zeros(2 * self._k)
        row_lower, row_upper = problem.row_lower.copy(), problem.row_upper.copy()
        row_lower[rows], row_upper[rows] = -np.inf, np.inf
        self._cost = np.concatenate([problem.cost, problem.cost[columns], -problem.cost[columns]])
        self._values = np.clip(0.0, problem.lower[columns], problem.upper[columns])
        self._handle = Handle(
            replace(
                problem,
                cost=self._cost,
                lower=np.concatenate([problem.lower, none]),
                upper=np.concatenate([problem.upper, none]),
                integer=np.zeros(self._cost.size, dtype=np.bool_),
                row_lower=row_lower,
                row_upper=row_upper,
                matrix=wider,
            )
        )

    @property
    def limits(self) -> Array:
        """Limits of the priced rows, (r,)."""
        return self._problem.row_upper[self._rows]

    @property
    def bounds(self) -> tuple[Array, Array]:
        """Lowest and highest values of the held columns, each (k,)."""
        return self._problem.lower[self._columns], self._problem.upper[self._columns]

    @property
    def cost(self) -> Array:
        """Costs of the held columns, (k,)."""
        return self._problem.cost[self._columns]

    def at(self, values: Array, prices: Array) -> Look | Fence | None:
        """Solve what is left; values: (k,); prices: (r,), not negative.

        Result: a Look; a Fence where nothing is feasible; None where the solver cannot say why, or is stopped.
        """
        self._values, self._prices = values, prices
        self._handle.change_cost(self._priced, self._cost[self._priced] + self._weights.T @ prices)
        self._handle.change_column_bounds(self._columns, values, values)
        glance = self._handle.glance(_SIMPLEX, self._columns, self._rows)
        if glance.status == "optimal":
            own = glance.objective - float(prices @ glance.activities)
            return Look(glance.objective, own, glance.column_duals, glance.activities)
        return self._fence() if glance.status == "infeasible" else None

    def free(self, room: Array, most_iterations: int) -> Any:
        """Let the columns move from where they stand and put the rows back; result: a basis of the programme.

        room (k,): how far a column is likely to move. The moves begin inside it, so that the dual simplex, which puts
        a column that wants to move at the end of its room, has little to repair; a room that proves narrow is widened.
        Rows with a price are met exactly, the price staying in the costs: the same optimum where they bind, and far
        fewer iterations than finding the price again. Nothing is optimal for certain before the programme itself is
        solved from the basis.
        """
        low, high = self.bounds
        full = np.maximum(np.concatenate([high - self._values, self._values - low]), 0.0)
        room = np.minimum(full, np.concatenate([room, room]))
        options = SolveOptions(solver="simplex", extra={"simplex_iteration_limit": most_iterations})
        limits, least = self.limits, self._problem.row_lower[self._rows]
        self._handle.change_row_bounds(self._rows, np.where(self._prices > 0, limits, least), limits)
        moves = np.arange(self._n, self._n + 2 * self._k)
        for _ in range(_MOST_ROOMS):
            self._handle.change_column_bounds(moves, np.zeros(moves.size), room)
            status = self._handle.glance(options, self._columns, self._rows).status
            if status == "infeasible":
                narrow = room < full
                if not narrow.any():
                    # Some row cannot be met exactly: then its price was none.
                    self._handle.change_row_bounds(self._rows, least, limits)
                    self._handle.change_cost(self._priced, self._cost[self._priced])
            elif status == "optimal":
                more, less = self._handle.values[moves].reshape(2, -1)
                narrow = (room < full) & (np.concatenate([more - less, less - more]) >= room * (1 - 1e-9))
                if not narrow.any():
                    break
            else:
                break
            room = np.where(narrow, np.minimum(full, _WIDER * room), room)
        return self._basis(options)

    def _basis(self, options: SolveOptions) -> Any:
        """The basis without the moves: a column whose move is basic is basic itself."""
        n, k = self._n, self._k
        basic = self._basic_moves()
        still = ~basic & ~self._at_bound()
        if still.any():
            taken = (n + k + np.flatnonzero(still)).astype(np.int64)
            nudge = _NUDGE * np.abs(self._cost).max()
            self._handle.change_cost(taken, self._cost[taken] - nudge)
            self._handle.glance(options, self._columns, self._rows)
            basic = self._basic_moves()
        low, _ = self.bounds
        basis = self._handle.basis
        columns = list(basis.col_status)[:n]
        values = self._moved()
        for j, column in enumerate(self._columns):
            bound = _LOWER if values[j] - low[j] <= 1e-7 * (1 + abs(low[j])) else _UPPER
            columns[column] = _BASIC if basic[j] else bound
        found = highspy.HighsBasis()
        found.col_status, found.row_status, found.valid = columns, basis.row_status, True
        return found

    def _basic_moves(self) -> Flags:
        status = self._handle.basis.col_status[self._n :]
        basic = np.array([s == _BASIC for s in status])
        return np.asarray(basic[: self._k] | basic[self._k :])

    def _moved(self) -> Array:
        moves = self._handle.values[self._n :]
        return np.asarray(self._values + moves[: self._k] - moves[self._k :])

    def _at_bound(self) -> Flags:
        low, high = self.bounds
        values = self._moved()
        near = 1e-7 * (1 + np.abs(values))
        return np.asarray((values - low <= near) | (high - values <= near))

    def _fence(self) -> Fence | None:
        """What a proof of infeasibility says of the held columns.

        With w the weights of the proof and d = w A: every feasible point has w A x <= sum of w x limits on their far
        side, and what the other columns add to w A x is at least d x bounds on their near side (Farkas).
        """
        ray = self._handle.dual_ray()
        if ray is None:
            return None
        ray = np.where(np.abs(ray) < _LEAST_RAY * np.abs(ray).max(), 0.0, ray)
        problem = self._problem
        for weights in (ray, -ray):
            pull = problem.matrix.T @ weights
            pull[np.abs(pull) < _LEAST_RAY * np.abs(pull).max()] = 0.0
            mine = pull[self._columns]
            pull[self._columns] = 0.0
            most = _most(weights, problem.row_lower, problem.row_upper)
            limit = most + _most(-pull, problem.lower, problem.upper)
            if np.isfinite(limit) and mine @ self._values > limit:
                return Fence(mine, limit)
        return None


def _most(weights: Array, low: Array, high: Array) -> float:
    """Largest sum of weights x values between low and high."""
    up, down = weights > 0, weights < 0
    return float(weights[up] @ high[up] + weights[down] @ low[down])
