"""Columns and rows of a programme in real units, before they are scaled for the solver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Part:
    """One block of columns or rows in real units, flat; ``scale`` is the unit in which the solver sees it."""

    name: str
    sentence: str
    start: int
    lower: Array
    upper: Array
    scale: Array
    integer: BoolArray
    """Whole multiples of the scale only."""


class Rows:
    """Collects columns and rows of one linear programme as arrays in real units."""

    def __init__(self) -> None:
        self.columns = 0
        self.count = 0
        self.column_blocks: list[Part] = []
        self.row_blocks: list[Part] = []
        self.names: dict[str, IntArray] = {}
        self.entries: list[tuple[IntArray, IntArray, Array]] = []

    def new_columns(
        self,
        name: str,
        sentence: str,
        shape: tuple[int, ...],
        scale: ArrayLike,
        upper: ArrayLike = np.inf,
        integer: ArrayLike = False,
    ) -> IntArray:
        """Add a block of columns >= 0; returns their numbers in the given shape."""
        part = _part(name, sentence, self.columns, shape, scale, 0.0, upper, integer)
        self.column_blocks.append(part)
        self.columns += len(part.scale)
        return np.arange(part.start, self.columns).reshape(shape)

    def new_rows(
        self, name: str, sentence: str, shape: tuple[int, ...], scale: float, lower: ArrayLike, upper: ArrayLike
    ) -> IntArray:
        """Add a block of rows; returns their numbers in the given shape."""
        part = _part(name, sentence, self.count, shape, scale, lower, upper)
        self.row_blocks.append(part)
        self.count += len(part.scale)
        self.names[name] = np.arange(part.start, self.count).reshape(shape)
        return self.names[name]

    def put(self, row: ArrayLike, column: ArrayLike, value: ArrayLike) -> None:
        """Add coefficients; arguments broadcast."""
        r, c, v = np.broadcast_arrays(row, column, np.asarray(value, float))
        self.entries.append((np.asarray(r).ravel(), np.asarray(c).ravel(), v.ravel()))

    def sorted_entries(self) -> tuple[IntArray, IntArray, Array]:
        """(rows, columns, coefficients) of all entries by ascending row."""
        row, column, value = (np.concatenate(parts) for parts in zip(*self.entries, strict=True))
        order = np.argsort(row, kind="stable")
        return row[order], column[order], value[order]


def _part(
    name: str,
    sentence: str,
    start: int,
    shape: tuple[int, ...],
    scale: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    integer: ArrayLike = False,
) -> Part:
    unit, low, high = (np.broadcast_to(np.asarray(v, float), shape).ravel() for v in (scale, lower, upper))
    return Part(name, sentence, start, low, high, unit.copy(), np.broadcast_to(integer, shape).ravel())
