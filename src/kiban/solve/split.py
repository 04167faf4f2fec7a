"""A large programme cut into one shared part and pieces that meet only there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from kiban.solve.blocks import Array, Ints
from kiban.solve.data import Problem
from kiban.solve.errors import ModelDataError

SHARED = -1
"""Label of columns and rows of the shared part."""


@dataclass(frozen=True, eq=False)
class Piece:
    """Maximise cost @ y subject to row_lower - link @ x <= own @ y <= row_upper - link @ x and lower <= y <= upper.

    columns: numbers of y in the whole programme; linked: numbers of x, the shared columns that the rows of the piece
    see, counted inside the shared part; own (rows, columns), link (rows, linked).
    """

    columns: Ints
    cost: Array
    lower: Array
    upper: Array
    row_lower: Array
    row_upper: Array
    own: sparse.csr_array
    linked: Ints
    link: sparse.csr_array

    @property
    def most(self) -> float:
        """What the piece can be worth at most when its bounds alone hold it; infinite if they do not."""
        gaining, losing = self.cost > 0, self.cost < 0
        best = self.cost[gaining] @ self.upper[gaining] + self.cost[losing] @ self.lower[losing]
        return float(best)


@dataclass(frozen=True, eq=False)
class Split:
    """The shared part (its columns, rows and limits) and the pieces; costs are signed so that more is better."""

    columns: Ints
    cost: Array
    lower: Array
    upper: Array
    row_lower: Array
    row_upper: Array
    matrix: sparse.csr_array
    pieces: tuple[Piece, ...]
    sign: float
    """1 if the programme was to be maximised, -1 if minimised."""


def split(problem: Problem, column_part: ArrayLike, row_part: ArrayLike) -> Split:
    """Cut a programme by labels.

    Args: problem without integers; column_part (columns,), row_part (rows,): SHARED or the number of a piece, 0, 1, ...
    Raises ModelDataError for integer columns, for a row that sees columns of a part other than its own and the shared
    one, and where nothing is left to cut off.
    """
    column_part, row_part = np.asarray(column_part), np.asarray(row_part)
    if problem.integer.any():
        raise ModelDataError("a programme with integer columns has no duals to cut it by")
    matrix = problem.matrix.tocsr()
    entry_row, entry_column = matrix.tocoo().coords
    seen = column_part[entry_column]
    stray = (seen != SHARED) & (seen != row_part[entry_row])
    if stray.any():
        row, column = int(entry_row[stray][0]), int(entry_column[stray][0])
        raise ModelDataError(
            f"row {row} belongs to part {row_part[row]} but sees column {column} of part {column_part[column]}"
        )
    sign = 1.0 if problem.maximise else -1.0
    shared, rows = np.flatnonzero(column_part == SHARED), np.flatnonzero(row_part == SHARED)
    count = int(max(column_part.max(initial=SHARED), row_part.max(initial=SHARED))) + 1
    if not count:
        raise ModelDataError("every column and row is shared, so there is no piece to cut off")
    return Split(
        columns=shared,
        cost=sign * problem.cost[shared],
        lower=problem.lower[shared],
        upper=problem.upper[shared],
        row_lower=problem.row_lower[rows],
        row_upper=problem.row_upper[rows],
        matrix=matrix[rows][:, shared],
        pieces=tuple(
            _piece(problem, matrix, sign, shared, np.flatnonzero(column_part == k), np.flatnonzero(row_part == k))
            for k in range(count)
        ),
        sign=sign,
    )


def _piece(problem: Problem, matrix: sparse.csr_array, sign: float, shared: Ints, columns: Ints, rows: Ints) -> Piece:
    mine = matrix[rows]
    link = mine[:, shared]
    linked = np.unique(link.indices).astype(np.int64)
    return Piece(
        columns=columns,
        cost=sign * problem.cost[columns],
        lower=problem.lower[columns],
        upper=problem.upper[columns],
        row_lower=problem.row_lower[rows],
        row_upper=problem.row_upper[rows],
        own=mine[:, columns],
        linked=linked,
        link=link[:, linked],
    )
