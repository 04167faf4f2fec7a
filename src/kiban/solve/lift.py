"""Start a model of many steps from the solution of the same model with fewer, longer steps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kiban.solve.blocks import Block, Kind
from kiban.solve.errors import SolverError
from kiban.solve.handle import BASIC, AT_LOWER
from kiban.solve.model import Model


def start_from_coarser(fine: Model, coarse: Model, factor: int) -> None:
    """Let the next simplex run of a model begin where a coarser one ended.

    Arguments: the model to start; a solved model with blocks of the same names; steps of the first per step of the second.
    A block that is ``factor`` times as long takes each status that often, one of the same length takes it once; any other
    starts with its rows slack and its columns at their lower bound. The solver repairs what does not add up to a basis.
    Errors: SolverError if the coarse model left no basis.
    """
    basis = coarse.basis
    if basis is None:
        raise SolverError(f"model '{coarse.name}' left no basis to start from")
    columns = _stretched(fine.blocks("columns"), coarse.blocks("columns"), basis.held.col_status, factor, "columns")
    rows = _stretched(fine.blocks("rows"), coarse.blocks("rows"), basis.held.row_status, factor, "rows")
    fine.start_near(columns, rows)


def _stretched(
    fine: Sequence[Block], coarse: Sequence[Block], status: Sequence[object], factor: int, kind: Kind
) -> list[object]:
    held = np.array(status, dtype=object)
    by_name = {b.name: held[b.start : b.stop] for b in coarse}
    found: list[object] = []
    for block in fine:
        mine = by_name.get(block.name, held[:0])
        if mine.size == block.size:
            found.extend(mine)
        elif mine.size * factor == block.size:
            found.extend(np.repeat(mine, factor))
        else:
            found.extend([BASIC if kind == "rows" else AT_LOWER] * block.size)
    return found
