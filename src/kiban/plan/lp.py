"""Hand a plan programme to the block layer, scaled, and bring the answer back in real units."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.plan.program import Program
from kiban.solve import Basis, Model, SolveOptions, require_optimal
from kiban.solve import Solution as Found

Array = NDArray[np.float64]

TINY = 1e-9
"""Scaled values under this are zero: noise of the solver, not decisions."""
MODULE_GAP_FRAC = 1e-4
"""Gap at which branch and bound may stop."""
PRIMAL_SIMPLEX = 4
"""HiGHS's number for it."""
MODULE_LIMIT_S = 120.0
"""Seconds after which it stops with the gap it has."""


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
    module_gap_frac: float
    """Gap that branch and bound left on whole modules; 0 without them."""


class Solver:
    """One programme in the solver.

    Every ``solve`` is the simplex method; a later one starts from the vertex of the one before, so that baselines and
    what-if steps cost a fraction of the plan. Whole modules are chosen by branch and bound first and then held, so that
    the last run is always linear and has prices.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.column_unit = np.concatenate([b.scale for b in program.rows.column_blocks])
        self.row_unit = np.concatenate([b.scale for b in program.rows.row_blocks])
        self.integer = np.concatenate([b.integer for b in program.rows.column_blocks])
        self.model = self._model(whole=False)

    def basis(self) -> Basis | None:
        """The vertex of the last solve, from which a programme of the same shape may start."""
        return self.model.basis

    def start_from(self, basis: Basis | None) -> None:
        """Let the next solve start from the vertex of a programme with as many columns and rows; None starts afresh."""
        self.model.start_from(basis)

    def solve(
        self, upper: Array, row_upper: Array | None = None, lower: Array | None = None, primal: bool = False
    ) -> Solution:
        """Solve with these upper bounds of the columns, of the rows and lower ones (else zero) if given, in real units.

        primal: walk from feasible vertex to feasible vertex, which is shorter if only prices differ from the start's.
        Errors: Infeasible if the limits contradict each other, SolverError if the solver stops early.
        """
        above = self.program.row_upper if row_upper is None else row_upper
        high, rows_high = upper / self.column_unit, above / self.row_unit
        low, gap = np.zeros(len(high)) if lower is None else lower / self.column_unit, 0.0
        if self.integer.any():
            whole, gap = self._modules(low, high, rows_high)
            low[self.integer], high[self.integer] = whole, whole
        self.model.set_column_bounds(np.arange(self.model.n_columns), lower=low, upper=high)
        self.model.set_row_bounds(np.arange(self.model.n_rows), upper=rows_high)
        found = require_optimal(self.model, self._run(primal))
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
            module_gap_frac=gap,
        )

    def _run(self, primal: bool) -> Found:
        """Solve from the last vertex; where rounding stops the simplex method on its way, from the inside afresh."""
        strategy = {"simplex_strategy": PRIMAL_SIMPLEX} if primal else {}
        found = self.model.solve(SolveOptions(solver="simplex", threads=1, extra=strategy))
        return self.model.solve(SolveOptions(solver="ipm", threads=1)) if found.status == "unknown" else found

    def value_usd(self, solution: Solution) -> float:
        """Expected net present value of a solution."""
        return float(self.program.gain @ solution.x + self.program.constant)

    def _modules(self, low: Array, high: Array, rows_high: Array) -> tuple[Array, float]:
        """Whole modules by branch and bound: their numbers and the relative gap that is left."""
        model = self._model(whole=True)
        model.set_column_bounds(np.arange(model.n_columns), lower=low, upper=high)
        model.set_row_bounds(np.arange(model.n_rows), upper=rows_high)
        found = model.solve(SolveOptions(threads=1, mip_gap_frac=MODULE_GAP_FRAC, time_limit_s=MODULE_LIMIT_S))
        if found.columns is None or found.status not in ("optimal", "time_limit"):
            require_optimal(model, found)
        return np.round(np.asarray(found.columns)[self.integer]), float(found.residuals.gap_frac)

    def _model(self, whole: bool) -> Model:
        model, rows = Model("plan", maximise=True), self.program.rows
        gain = self.program.gain * self.column_unit / self.program.usd_unit
        for block in rows.column_blocks:
            part = slice(block.start, block.start + len(block.scale))
            model.add_columns(
                block.name,
                len(block.scale),
                upper=block.upper / block.scale,
                cost=gain[part],
                integer=block.integer if whole else False,
                sentence=block.sentence,
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
