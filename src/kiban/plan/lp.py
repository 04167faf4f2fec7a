"""Hand a plan programme to the block layer, scaled, and bring the answer back in real units."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.plan.program import Program
from kiban.solve import Model, SolveOptions, require_optimal
from kiban.solve import Solution as Found

Array = NDArray[np.float64]

TINY = 1e-9
"""Scaled values under this are zero: noise of the solver, not decisions."""


@dataclass(frozen=True)
class Solution:
    """An optimal point in real units."""

    status: str
    x: Array
    row_usd: Array
    """What one more unit of each row's right side is worth, USD per unit of the row."""
    column_usd: Array
    """What one more unit of each column is worth at its bound, USD per unit of the column."""
    seconds: float
    residual: float
    gap_frac: float


class Solver:
    """One programme in the solver.

    The first ``solve`` is an interior point method with crossover to a vertex; every later one is the simplex method
    from the vertex of the one before, so that baselines and what-if steps cost a fraction of the plan.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.column_unit = np.concatenate([b.scale for b in program.rows.column_blocks])
        self.row_unit = np.concatenate([b.scale for b in program.rows.row_blocks])
        self.model = self._model()

    def solve(self, upper: Array, row_upper: Array | None = None) -> Solution:
        """Solve with these upper bounds of the columns, and of the rows if given, in real units.

        Errors: Infeasible if the limits contradict each other, SolverError if the solver stops early.
        """
        above = self.program.row_upper if row_upper is None else row_upper
        self.model.set_column_bounds(np.arange(self.model.n_columns), upper=upper / self.column_unit)
        self.model.set_row_bounds(np.arange(self.model.n_rows), upper=above / self.row_unit)
        found = require_optimal(self.model, self._run())
        scaled, usd = np.array(found.columns), self.program.usd_unit
        scaled[np.abs(scaled) < TINY] = 0.0
        return Solution(
            status=found.status,
            x=scaled * self.column_unit,
            row_usd=np.asarray(found.row_duals) * usd / self.row_unit,
            column_usd=np.asarray(found.column_duals) * usd / self.column_unit,
            seconds=found.seconds,
            residual=found.residuals.primal_frac,
            gap_frac=found.residuals.gap_frac,
        )

    def _run(self) -> Found:
        """Solve from the last vertex; where rounding stops the simplex method on its way, from the inside afresh."""
        afresh = SolveOptions(solver="ipm", threads=1)
        if not self.model.warm:
            return self.model.solve(afresh)
        found = self.model.solve(SolveOptions(solver="simplex", threads=1))
        return self.model.solve(afresh) if found.status == "unknown" else found

    def value_usd(self, solution: Solution) -> float:
        """Expected net present value of a solution."""
        return float(self.program.gain @ solution.x + self.program.constant)

    def _model(self) -> Model:
        model, rows = Model("plan", maximise=True), self.program.rows
        gain = self.program.gain * self.column_unit / self.program.usd_unit
        for block in rows.column_blocks:
            part = slice(block.start, block.start + len(block.scale))
            model.add_columns(
                block.name, len(block.scale), upper=block.upper / block.scale, cost=gain[part], sentence=block.sentence
            )
        row, column, value = rows.sorted_entries()
        value = value * self.column_unit[column] / self.row_unit[row]
        for block in rows.row_blocks:
            stop = block.start + len(block.scale)
            first, last = np.searchsorted(row, [block.start, stop])
            model.add_rows(
                block.name,
                len(block.scale),
                lower=block.lower / block.scale,
                upper=block.upper / block.scale,
                terms=[(row[first:last] - block.start, column[first:last], value[first:last])],
                sentence=block.sentence,
            )
        return model


@contextmanager
def starting_here(solver: Solver) -> Iterator[None]:
    """Let the next solve after the block begin where the last one before it ended."""
    basis = solver.model.basis
    try:
        yield
    finally:
        if basis is not None:
            solver.model.start_from(basis)
