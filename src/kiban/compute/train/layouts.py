"""Training layouts as columns: how jobs are cut, many at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

NO_RECOMPUTE, SELECTIVE, FULL = 0, 1, 2
"""Activations kept; attention recomputed (Korthikanti et al. 2022); whole layers recomputed."""


@dataclass(frozen=True)
class Job:
    """What all layouts of one search share."""

    accelerators: int
    global_batch: int
    """Sequences per step."""
    sequence_tok: int
    precision: str
    """``bf16``, ``fp8`` or ``fp4``: of matrix work; master weights and moments stay as the recipe says."""


@dataclass(frozen=True)
class Layouts:
    """One entry per layout in each column, (n,)."""

    tensor: Ints
    pipeline: Ints
    context: Ints
    expert: Ints
    data: Ints
    """accelerators / (tensor x pipeline x context)."""
    micro_batch: Ints
    interleave: Ints
    """Virtual pipeline stages per accelerator."""
    recompute: Ints
    sequence_parallel: Ints
    """1 where norms and dropout are cut along the sequence within the tensor group."""
    shard: Ints
    """0 optimizer on every rank, 1 optimizer spread over data-parallel ranks (ZeRO-1), 3 weights too (FSDP)."""

    def __len__(self) -> int:
        return len(self.tensor)

    def micro_batches(self, job: Job) -> Ints:
        """Micro-batches per step and pipeline."""
        return job.global_batch // (self.data * self.micro_batch)
