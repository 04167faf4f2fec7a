"""A linear or mixed-integer model made of named blocks of columns and rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from kiban.solve import data
from kiban.solve.blocks import Array, Block, Card, Ints, Kind, Labels, make_block
from kiban.solve.data import Column, Problem, Term
from kiban.solve.errors import ModelDataError, SolverError
from kiban.solve.handle import Handle, Run, SolveOptions
from kiban.solve.solution import NO_RESIDUALS, Residuals, Solution


@dataclass(frozen=True, eq=False)
class Basis:
    """A vertex of a model, in the form of the solver."""

    n_columns: int
    n_rows: int
    held: Any


class Model:
    """Columns and rows added block by block as arrays, solved on one HiGHS object that is kept between solves.

    Changing costs, bounds and limits and adding rows keep the object, so the next simplex run starts from the last
    basis. Adding columns drops it, and the next solve starts afresh.
    """

    def __init__(self, name: str, maximise: bool = False) -> None:
        """Start an empty model; costs are minimised unless `maximise`."""
        self.name = name
        self.maximise = maximise
        self._blocks: dict[str, Block] = {}
        self._cost, self._lower, self._upper = Column(np.float64), Column(np.float64), Column(np.float64)
        self._row_lower, self._row_upper = Column(np.float64), Column(np.float64)
        self._integer = Column(np.bool_)
        self._entry_rows, self._entry_columns = Column(np.int32), Column(np.int32)
        self._entry_coefs = Column(np.float64)
        self._n = {"columns": 0, "rows": 0}
        self._matrix: sparse.csc_array | None = None
        self._handle: Handle | None = None

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return self._n["columns"]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self._n["rows"]

    @property
    def warm(self) -> bool:
        """Whether the next simplex run can start from the last basis."""
        return self._handle is not None and self._handle.has_basis

    def add_columns(
        self,
        name: str,
        shape: int | tuple[int, ...],
        *,
        lower: ArrayLike = 0.0,
        upper: ArrayLike = np.inf,
        cost: ArrayLike = 0.0,
        integer: ArrayLike = False,
        unit: str = "",
        sentence: str = "",
        formula: str = "",
        relaxable: bool = False,
        weight: float = 1.0,
        labels: Labels | None = None,
    ) -> Block:
        """Add a block of columns (decision variables).

        lower, upper, cost, integer: broadcast to shape; bounds of 1e20 and more mean none.
        relaxable: an explanation of infeasibility may move these bounds, at `weight` relative to other blocks.
        labels: names along each axis, or None for an axis without.
        Raises ModelDataError for NaN, crossed bounds, shapes that do not fit, or a name in use.
        """
        block = self._block(name, "columns", shape, unit, sentence, formula, relaxable, weight, labels)
        where = f"columns '{name}'"
        low, high = data.bounds(lower, upper, block.shape, where)
        price = data.costs(cost, block.shape, where)
        whole = data.spread("integer", integer, block.shape, where) != 0.0
        for column, part in (
            (self._lower, low),
            (self._upper, high),
            (self._cost, price),
            (self._integer, whole),
        ):
            column.append(part.ravel())
        return self._enter(block)

    def add_rows(
        self,
        name: str,
        shape: int | tuple[int, ...],
        *,
        lower: ArrayLike = -np.inf,
        upper: ArrayLike = np.inf,
        terms: Sequence[Term] = (),
        unit: str = "",
        sentence: str = "",
        formula: str = "",
        relaxable: bool = False,
        weight: float = 1.0,
        labels: Labels | None = None,
    ) -> Block:
        """Add a block of rows (constraints) lower <= sum of terms <= upper; equal limits make an equation.

        lower, upper: broadcast to shape.
        terms: (rows, columns, coefficients) arrays that broadcast against each other. Rows count from 0 inside the
            block in C order, None means every row in the block's shape. Columns are a Block or column numbers
            (`block[..., 3]`). The same row and column may occur many times: coefficients add up.
        relaxable, weight, labels: as for columns.
        Raises ModelDataError for NaN, numbers out of range, crossed limits, shapes that do not fit, or a name in use.
        """
        block = self._block(name, "rows", shape, unit, sentence, formula, relaxable, weight, labels)
        low, high = data.bounds(lower, upper, block.shape, f"rows '{name}'")
        rows, columns, coefs = data.entries(terms, block, self.n_columns)
        self._row_lower.append(low.ravel())
        self._row_upper.append(high.ravel())
        self._entry_rows.append(rows)
        self._entry_columns.append(columns)
        self._entry_coefs.append(coefs)
        if self._handle is not None:
            part = data.assemble(rows - block.start, columns, coefs, (block.size, self.n_columns))
            self._handle.add_rows(low.ravel(), high.ravel(), part)
        return self._enter(block)

    def set_cost(self, columns: Block | ArrayLike, cost: ArrayLike) -> None:
        """Change costs in place; columns: a block or column numbers, cost: broadcast to their shape."""
        ids, where = self._ids(columns, "columns")
        self._cost.values[ids] = data.costs(cost, ids.shape, where)
        if self._handle is not None:
            ids = np.unique(ids)
            self._handle.change_cost(ids, self._cost.values[ids])

    def set_column_bounds(
        self, columns: Block | ArrayLike, lower: ArrayLike | None = None, upper: ArrayLike | None = None
    ) -> None:
        """Change bounds in place; columns: a block or column numbers; None leaves that side as it is."""
        ids = self._set_bounds(columns, "columns", lower, upper, self._lower.values, self._upper.values)
        if self._handle is not None:
            self._handle.change_column_bounds(ids, self._lower.values[ids], self._upper.values[ids])

    def set_row_bounds(
        self, rows: Block | ArrayLike, lower: ArrayLike | None = None, upper: ArrayLike | None = None
    ) -> None:
        """Change limits in place; rows: a block or row numbers (`block[..., 3]`); None leaves that side as it is."""
        ids = self._set_bounds(rows, "rows", lower, upper, self._row_lower.values, self._row_upper.values)
        if self._handle is not None:
            self._handle.change_row_bounds(ids, self._row_lower.values[ids], self._row_upper.values[ids])

    @property
    def basis(self) -> Basis | None:
        """Where the last solve ended, to start from again with ``start_from``; None if it left no basis."""
        found = None if self._handle is None else self._handle.basis
        return None if found is None else Basis(self.n_columns, self.n_rows, found)

    def start_from(self, basis: Basis | None) -> None:
        """Let the next simplex run begin at a basis of this model or of one with as many columns and rows.

        None starts afresh. Raises SolverError if the numbers of columns or rows differ.
        """
        if basis is None:
            self._handle = None
            return
        if (basis.n_columns, basis.n_rows) != (self.n_columns, self.n_rows):
            raise SolverError(f"the basis does not belong to model '{self.name}' as it stands")
        if self._handle is None:
            self._handle = Handle(self.problem())
        self._handle.start_from(basis.held)

    def solve(self, options: SolveOptions | None = None) -> Solution:
        """Solve and return what was found; an infeasible or unbounded model is a status, not an error.

        Raises SolverOptionError when HiGHS refuses an option, SolverError when it breaks down.
        """
        problem = self.problem()
        if self.n_columns == 0:
            run = _without_columns(problem)
        else:
            if self._handle is None:
                self._handle = Handle(problem)
            run = self._handle.run(problem, options or SolveOptions())
        return Solution(
            run.status,
            run.objective,
            run.residuals,
            run.seconds,
            run.iterations,
            run.warm,
            dict(self._blocks),
            run.columns,
            run.activities,
            run.row_duals,
            run.column_duals,
        )

    def problem(self) -> Problem:
        """Return the assembled arrays; they are the model's own, so read them only."""
        if self._matrix is None:
            shape = (self.n_rows, self.n_columns)
            parts = (self._entry_rows.values, self._entry_columns.values, self._entry_coefs.values)
            self._matrix = data.assemble(*parts, shape)
        return Problem(
            self._cost.values,
            self._lower.values,
            self._upper.values,
            self._integer.values,
            self._row_lower.values,
            self._row_upper.values,
            self._matrix,
            self.maximise,
        )

    def blocks(self, kind: Kind) -> list[Block]:
        """Return the blocks of columns or of rows in model order."""
        return [block for block in self._blocks.values() if block.kind == kind]

    def cards(self) -> list[Card]:
        """Return name, unit, sentence, formula and size of every block, in the order they were added."""
        return [block.card() for block in self._blocks.values()]

    def _block(
        self,
        name: str,
        kind: Kind,
        shape: int | tuple[int, ...],
        unit: str,
        sentence: str,
        formula: str,
        relaxable: bool,
        weight: float,
        labels: Labels | None,
    ) -> Block:
        if name in self._blocks:
            raise ModelDataError(f"block '{name}' is already in model '{self.name}'")
        return make_block(
            name,
            kind,
            shape,
            self._n[kind],
            unit=unit,
            sentence=sentence,
            formula=formula,
            relaxable=relaxable,
            weight=weight,
            labels=labels,
        )

    def _enter(self, block: Block) -> Block:
        self._blocks[block.name] = block
        self._n[block.kind] += block.size
        self._matrix = None
        if block.kind == "columns":
            self._handle = None
        return block

    def _ids(self, given: Block | ArrayLike, kind: Kind) -> tuple[Ints, str]:
        if not isinstance(given, Block):
            return data.whole(kind, given, self._n[kind], f"{kind} by number"), f"{kind} by number"
        if self._blocks.get(given.name) is not given or given.kind != kind:
            raise ModelDataError(f"'{given.name}' is not a block of {kind} of model '{self.name}'")
        return given.index, f"{kind} '{given.name}'"

    def _set_bounds(
        self,
        given: Block | ArrayLike,
        kind: Kind,
        lower: ArrayLike | None,
        upper: ArrayLike | None,
        old_lower: Array,
        old_upper: Array,
    ) -> Ints:
        ids, where = self._ids(given, kind)
        low, high = data.bounds(
            old_lower[ids] if lower is None else lower, old_upper[ids] if upper is None else upper, ids.shape, where
        )
        old_lower[ids] = low
        old_upper[ids] = high
        return np.unique(ids)


def _without_columns(problem: Problem) -> Run:
    # HiGHS calls such a model empty and does not look at its rows.
    n = problem.row_lower.size
    none: Array = np.empty(0)
    if ((problem.row_lower > 0.0) | (problem.row_upper < 0.0)).any():
        return Run("infeasible", np.nan, NO_RESIDUALS, 0.0, 0, False, None, None, None, None)
    return Run("optimal", 0.0, Residuals(0.0, 0.0, 0.0), 0.0, 0, False, none, np.zeros(n), np.zeros(n), none)
