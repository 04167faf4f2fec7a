"""What a solve gives back: status, values, duals by block name, and how exactly they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from kiban.solve.blocks import Array, Block
from kiban.solve.data import Problem
from kiban.solve.errors import SolverError

Status = Literal[
    "optimal",
    "infeasible",
    "unbounded",
    "time_limit",
    "iteration_limit",
    "interrupted",
    "memory_limit",
    "unknown",
]


@dataclass(frozen=True)
class Residuals:
    """How far a solution is from the conditions of optimality, computed from the model's own arrays.

    primal_frac: largest violation of a limit, divided by 1 + the size of that limit.
    dual_frac: largest reduced cost or dual with the wrong sign, divided by 1 + the largest cost (NaN without duals).
    gap_frac: distance between the objective and its bound, divided by 1 + the size of the objective.
    """

    primal_frac: float
    dual_frac: float
    gap_frac: float


NO_RESIDUALS = Residuals(np.nan, np.nan, np.nan)


@dataclass(frozen=True, eq=False)
class Solution:
    """Result of one solve.

    status: what the solver proved or why it stopped.
    objective: in the unit of the costs; NaN where there is no feasible point.
    seconds: wall time of this run; iterations: of simplex, interior point and crossover together.
    warm: whether the run started from the basis of an earlier one.
    """

    status: Status
    objective: float
    residuals: Residuals
    seconds: float
    iterations: int
    warm: bool
    blocks: Mapping[str, Block]
    columns: Array | None
    activities: Array | None
    row_duals: Array | None
    column_duals: Array | None

    @property
    def gap_frac(self) -> float:
        """Relative distance between objective and bound: at most the asked gap for a MILP, about 0 for an LP."""
        return self.residuals.gap_frac

    @property
    def has_values(self) -> bool:
        """Whether there is a feasible point to read."""
        return self.columns is not None

    @property
    def has_duals(self) -> bool:
        """Whether there are duals to read: never for a model with integer columns."""
        return self.row_duals is not None

    def value(self, block: str | Block) -> Array:
        """Return the values of a column block in the block's shape."""
        return self._read(self.columns, block, "columns", "values")

    def activity(self, block: str | Block) -> Array:
        """Return what the left-hand sides of a row block come to, in the block's shape."""
        return self._read(self.activities, block, "rows", "values")

    def dual(self, block: str | Block) -> Array:
        """Return the change of the objective per unit of right-hand side of a row block, in the block's shape.

        The sign is that of the objective as written: with costs to minimise, an `at least` row has a dual >= 0 and an
        `at most` row a dual <= 0; with a value to maximise, the other way round.
        """
        return self._read(self.row_duals, block, "rows", "duals")

    def reduced_cost(self, block: str | Block) -> Array:
        """Return the change of the objective per unit of the bound that holds a column, in the block's shape."""
        return self._read(self.column_duals, block, "columns", "duals")

    def _read(self, numbers: Array | None, block: str | Block, kind: str, what: str) -> Array:
        name = block if isinstance(block, str) else block.name
        found = self.blocks.get(name)
        if found is None or found.kind != kind:
            known = ", ".join(sorted(b.name for b in self.blocks.values() if b.kind == kind))
            raise SolverError(f"there is no block of {kind} named '{name}'; there are: {known}")
        if numbers is None:
            raise SolverError(f"a solution with status '{self.status}' has no {what} for '{name}'")
        return numbers[found.start : found.stop].reshape(found.shape)


def measure(problem: Problem, x: Array, y: Array | None) -> Residuals:
    """Compute the residuals of a point and its duals for a continuous problem.

    x: (columns,); y: (rows,) duals in the sign of the objective as written, or None.
    With reduced costs z = cost - A'y (all signs turned when maximising), a positive z or y leans on a lower limit and
    a negative one on an upper limit; the dual objective is the sum of each times the limit it leans on (LP duality,
    e.g. Bertsimas and Tsitsiklis, Introduction to Linear Optimization, chapter 4).
    """
    primal = max(
        _violation(x, problem.lower, problem.upper),
        _violation(problem.matrix @ x, problem.row_lower, problem.row_upper),
    )
    if y is None:
        return Residuals(primal, np.nan, np.nan)
    sign = -1.0 if problem.maximise else 1.0
    z = sign * (problem.cost - problem.matrix.T @ y)
    wrong_z, bound_z = _lean(z, problem.lower, problem.upper)
    wrong_y, bound_y = _lean(sign * y, problem.row_lower, problem.row_upper)
    objective = sign * float(problem.cost @ x)
    scale = 1.0 + float(np.abs(problem.cost).max(initial=0.0))
    gap = abs(objective - bound_z - bound_y) / (1.0 + abs(objective))
    return Residuals(primal, max(wrong_z, wrong_y) / scale, gap)


def _violation(values: Array, lower: Array, upper: Array) -> float:
    limit = np.where(values < lower, lower, np.where(values > upper, upper, values))
    return float((np.abs(values - limit) / (1.0 + np.abs(limit))).max(initial=0.0))


def _lean(duals: Array, lower: Array, upper: Array) -> tuple[float, float]:
    limit = np.where(duals > 0.0, lower, upper)
    held = np.isfinite(limit)
    wrong = float(np.abs(duals[~held]).max(initial=0.0))
    return wrong, float(duals[held] @ limit[held])
