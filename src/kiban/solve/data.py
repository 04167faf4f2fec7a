"""Checks of the numbers that go into a model, and the assembled problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from kiban.solve.blocks import Array, Block, Ints
from kiban.solve.errors import ModelDataError

INFINITE = 1e20
"""A bound of this size or more means no bound (the solver's own convention)."""
SMALLEST = 1e-9
"""Coefficients up to this size are left out, as the solver itself would do (HiGHS option small_matrix_value)."""
LARGEST = 1e15
"""Coefficients of this size or more are refused (HiGHS option large_matrix_value)."""

Term = tuple[ArrayLike | None, Block | ArrayLike, ArrayLike]


@dataclass(frozen=True, eq=False)
class Problem:
    """Optimise cost @ x subject to row_lower <= matrix @ x <= row_upper and lower <= x <= upper.

    cost, lower, upper, integer: (columns,); row_lower, row_upper: (rows,); matrix: (rows, columns), by columns.
    """

    cost: Array
    lower: Array
    upper: Array
    integer: NDArray[np.bool_]
    row_lower: Array
    row_upper: Array
    matrix: sparse.csc_array
    maximise: bool


class Column:
    """A vector that grows block by block and is joined only when somebody reads it."""

    def __init__(self, dtype: type[np.generic]) -> None:
        """Start empty."""
        self._parts: list[NDArray[Any]] = [np.empty(0, dtype)]

    def append(self, part: NDArray[Any]) -> None:
        """Add the values of one more block."""
        self._parts.append(part)

    @property
    def values(self) -> NDArray[Any]:
        """The joined vector itself, not a copy: writing into it changes the model."""
        if len(self._parts) > 1:
            self._parts = [np.concatenate(self._parts)]
        return self._parts[0]


def spread(what: str, values: ArrayLike, shape: tuple[int, ...], where: str) -> Array:
    """Broadcast numbers to a shape as a fresh float array; NaN or a shape that does not fit raises ModelDataError."""
    given = np.asarray(values, dtype=np.float64)
    refuse(np.isnan(given), what, "is NaN", where, given)
    try:
        return np.array(np.broadcast_to(given, shape))
    except ValueError:
        raise ModelDataError(f"{where}: {what} has shape {given.shape}, which does not fit {shape}") from None


def bounds(lower: ArrayLike, upper: ArrayLike, shape: tuple[int, ...], where: str) -> tuple[Array, Array]:
    """Broadcast and check a pair of bounds; +-1e20 and beyond become infinite, a lower above its upper is refused."""
    low = spread("lower", lower, shape, where)
    high = spread("upper", upper, shape, where)
    low[low <= -INFINITE] = -np.inf
    high[high >= INFINITE] = np.inf
    refuse(low >= INFINITE, "lower", "is plus infinity", where, low)
    refuse(high <= -INFINITE, "upper", "is minus infinity", where, high)
    crossed = low > high
    if crossed.any():
        at = tuple(int(i) for i in np.argwhere(crossed)[0])
        raise ModelDataError(f"{where}: lower {low[at]:,.9g} is above upper {high[at]:,.9g} at index {list(at)}")
    return low, high


def costs(cost: ArrayLike, shape: tuple[int, ...], where: str) -> Array:
    """Broadcast and check costs, which must be finite."""
    given = spread("cost", cost, shape, where)
    refuse(np.abs(given) >= INFINITE, "cost", "is infinite", where, given)
    return given


def refuse(bad: NDArray[np.bool_], what: str, fault: str, where: str, values: NDArray[Any]) -> None:
    """Raise ModelDataError that names the first bad place, if there is one."""
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        count = int(np.count_nonzero(bad))
        more = f" (and {count - 1} more)" if count > 1 else ""
        raise ModelDataError(f"{where}: {what} {fault} at index {list(at)}{more}; value {values[at]}")


def entries(terms: Sequence[Term], block: Block, n_columns: int) -> tuple[NDArray[np.int32], NDArray[np.int32], Array]:
    """Turn the terms of a row block into matrix entries.

    terms: (rows, columns, coefficients), broadcast against each other; rows count from 0 inside the block in C order,
        None stands for every row of the block in its own shape.
    block: the rows; n_columns: columns that exist so far.
    Returns row numbers and column numbers of the model and coefficients, each (entries,), duplicates kept.
    """
    where = f"rows '{block.name}'"
    every = block.index - block.start
    rows, cols, coefs = [], [], []
    for number, (row, col, coef) in enumerate(terms):
        what = f"{where}, term {number}"
        r = every if row is None else whole("rows", row, block.size, what)
        c = whole("columns", columns_of(col, what), n_columns, what)
        v = np.asarray(coef, dtype=np.float64)
        refuse(~(np.abs(v) < LARGEST), "coefficient", f"is NaN or not below {LARGEST:g}", what, v)
        try:
            shape = np.broadcast_shapes(r.shape, c.shape, v.shape)
        except ValueError:
            raise ModelDataError(
                f"{what}: rows {r.shape}, columns {c.shape} and coefficients {v.shape} do not broadcast together"
            ) from None
        rows.append(np.broadcast_to((r + block.start).astype(np.int32), shape).ravel())
        cols.append(np.broadcast_to(c.astype(np.int32), shape).ravel())
        coefs.append(np.broadcast_to(v, shape).ravel())
    if not rows:
        return np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0)
    return np.concatenate(rows), np.concatenate(cols), np.concatenate(coefs)


def columns_of(columns: Block | ArrayLike, where: str) -> ArrayLike:
    """Return column numbers, from a block or as given."""
    if not isinstance(columns, Block):
        return columns
    if columns.kind != "columns":
        raise ModelDataError(f"{where}: '{columns.name}' is a block of rows, not of columns")
    return columns.index


def whole(what: str, numbers: ArrayLike, limit: int, where: str) -> Ints:
    """Check that row or column numbers are integers from 0 to below a limit."""
    given = np.asarray(numbers)
    if given.size == 0:
        return given.astype(np.int64)
    if not np.issubdtype(given.dtype, np.integer):
        raise ModelDataError(f"{where}: {what} must be integers, not {given.dtype}")
    if given.min() < 0 or given.max() >= limit:
        refuse((given < 0) | (given >= limit), what, f"is outside 0..{limit - 1}", where, given)
    return given


def assemble(
    rows: NDArray[np.int32], cols: NDArray[np.int32], coefs: Array, shape: tuple[int, int]
) -> sparse.csc_array:
    """Sort entries by column, add duplicates up and leave out what is as good as zero."""
    matrix = sparse.coo_array((coefs, (rows, cols)), shape=shape).tocsc()
    matrix.sum_duplicates()
    small = np.abs(matrix.data) <= SMALLEST
    if small.any():
        matrix.data[small] = 0.0
        matrix.eliminate_zeros()
    return matrix
