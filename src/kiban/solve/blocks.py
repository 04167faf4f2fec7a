"""Named blocks of columns or rows: where they lie in the model, and what they say to people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kiban.solve.errors import ModelDataError

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Kind = Literal["columns", "rows"]
Labels = Sequence[Sequence[str] | None]


@dataclass(frozen=True)
class Card:
    """One block in words, for documents and reports."""

    name: str
    kind: Kind
    unit: str
    sentence: str
    formula: str
    shape: tuple[int, ...]
    size: int
    relaxable: bool


@dataclass(frozen=True, eq=False)
class Block:
    """A named array of columns or rows of a model.

    index (shape): column or row numbers in the model, in C order without holes.
    relaxable: whether an explanation of infeasibility may move the limits of this block.
    weight: how dear it is to move them, relative to other blocks.
    labels: names along each axis (None where the axis has none), used in messages.
    """

    name: str
    kind: Kind
    shape: tuple[int, ...]
    index: Ints
    unit: str
    sentence: str
    formula: str
    relaxable: bool
    weight: float
    labels: tuple[tuple[str, ...] | None, ...]
    start: int

    @property
    def size(self) -> int:
        """Number of columns or rows in the block."""
        return int(self.index.size)

    @property
    def stop(self) -> int:
        """One past the last column or row of the block."""
        return self.start + self.size

    def __getitem__(self, key: Any) -> Ints:
        """Return the model's column or row numbers of a part of the block, sliced as numpy slices."""
        return np.asarray(self.index[key])

    def position(self, number: int) -> tuple[int, ...]:
        """Turn a model-wide column or row number into the index inside this block."""
        return tuple(int(i) for i in np.unravel_index(number - self.start, self.shape)) if self.shape else ()

    def place(self, index: tuple[int, ...]) -> str:
        """Write an index as people read it, `name[3, west]`, with labels where the block has them."""
        if not index:
            return self.name
        names = (str(i) if labels is None else labels[i] for i, labels in zip(index, self.labels, strict=True))
        return f"{self.name}[{', '.join(names)}]"

    def card(self) -> Card:
        """Return what the block says about itself."""
        return Card(self.name, self.kind, self.unit, self.sentence, self.formula, self.shape, self.size, self.relaxable)


def make_block(
    name: str,
    kind: Kind,
    shape: int | tuple[int, ...],
    start: int,
    *,
    unit: str,
    sentence: str,
    formula: str,
    relaxable: bool,
    weight: float,
    labels: Labels | None,
) -> Block:
    """Build a block that starts at a given number; raises ModelDataError for a bad shape, weight or label list."""
    dims = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if any(n < 0 for n in dims):
        raise ModelDataError(f"block '{name}': shape {dims} has a negative length")
    dims = tuple(int(n) for n in dims)
    if not (np.isfinite(weight) and weight > 0.0):
        raise ModelDataError(f"block '{name}': weight must be a positive number, not {weight}")
    names = (
        tuple(None if axis is None else tuple(axis) for axis in labels) if labels is not None else (None,) * len(dims)
    )
    lengths = tuple(n if axis is None else len(axis) for axis, n in zip(names, dims, strict=False))
    if len(names) != len(dims) or lengths != dims:
        raise ModelDataError(f"block '{name}': labels need one list (or None) per axis of shape {dims}")
    index = np.arange(start, start + prod(dims), dtype=np.int64).reshape(dims)
    index.flags.writeable = False
    return Block(name, kind, dims, index, unit, sentence, formula, relaxable, weight, names, start)


def owner(blocks: Sequence[Block], number: int) -> Block:
    """Return the block that holds a column or row number (blocks in model order, all of one kind)."""
    starts = np.array([block.start for block in blocks])
    # Empty blocks share their start with the next one; the last block that starts here is the one with content.
    return blocks[int(np.searchsorted(starts, number, side="right")) - 1]
