"""Every way to cut a job: the layouts that divisibility and the scale-up domain allow, in chunks of bounded size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.compute.arithmetic import ModelSpec
from kiban.compute.train.layouts import FULL, NO_RECOMPUTE, SELECTIVE, Job, Layouts
from kiban.compute.train.memory import FSDP

Ints = NDArray[np.int64]

CHUNK = 1 << 15
"""Layouts per chunk: its columns stay in a core's cache."""
LEAST_CONTEXT_TOK = 256
"""Fewest tokens of a sequence that a context rank is left with."""


@dataclass(frozen=True)
class Limits:
    """What a search may use."""

    tensor_max: int
    """Largest tensor group, the scale-up domain as a rule."""
    recompute: tuple[int, ...] = (NO_RECOMPUTE, SELECTIVE, FULL)
    context_max: int = 1 << 20
    shards: tuple[int, ...] = (0, 1, 3)
    uneven_frac: float = 0.1
    """Most idle slots that rounding layers up to whole chunks may leave; 0 asks for equal stages."""


@dataclass(frozen=True)
class Space:
    """Layouts as the product of meshes (each a row) and switches (each a column)."""

    meshes: dict[str, Ints]
    """tensor, pipeline, context, data, interleave, expert, micro_batch; (k,) each."""
    switches: dict[str, Ints]
    """recompute, sequence_parallel, shard; (q,) each."""
    allowed: NDArray[np.bool_]
    """Which switches go with which mesh, (k, q)."""
    rejected: dict[str, int]
    """Cuts left out, by reason; one cut stands for all finer choices below it."""

    def __len__(self) -> int:
        return int(self.allowed.sum())

    def chunks(self, size: int = CHUNK) -> Iterator[Layouts]:
        """Give the layouts in order, at most about ``size`` at a time."""
        step = max(1, size // self.allowed.shape[1])
        for start in range(0, len(self.allowed), step):
            row, column = np.nonzero(self.allowed[start : start + step])
            row += start
            yield Layouts(
                **{name: values[row] for name, values in self.meshes.items()},
                **{name: values[column] for name, values in self.switches.items()},
            )


def training_space(model: ModelSpec, job: Job, limits: Limits) -> Space:
    """Enumerate.

    Args: model; job; limits. Result: all of tensor x pipeline (interleaved) x context x data x expert x micro-batch x
    recompute x sequence parallel x sharding such that: the tensor size divides the heads and keeps to the limit; data =
    accelerators / (tensor x pipeline x context), and data x micro-batch divide the batch; chunks of layers are equal
    up to ``uneven_frac``; more than one chunk per stage needs a pipeline and micro-batches in multiples of it
    (Narayanan et al. 2021, section 2.2); two zigzag parts of at least 128 tokens per context rank; the expert size
    divides the experts and the tensor x context x data group. Sequence parallelism needs a tensor group, experts with a
    tensor group need sequence parallelism, weights are spread (FSDP) only without a pipeline. No Python loop runs over
    layouts.
    """
    rejected: dict[str, int] = {}
    cuts = _divisors(job.accelerators)
    table = {"tensor": cuts[(cuts <= limits.tensor_max) & (model.heads % cuts == 0)]}
    rejected["heads or scale-up domain"] = len(cuts) - len(table["tensor"])
    table = _join(table, "pipeline", cuts[cuts <= model.layers])
    table = _join(table, "context", cuts[cuts <= limits.context_max])
    table = _keep(table, job.accelerators % _group(table) == 0, rejected, "accelerators")
    table["data"] = job.accelerators // _group(table)
    context = table["context"]
    whole = (context == 1) | (
        (job.sequence_tok % (2 * context) == 0) & (job.sequence_tok // context >= LEAST_CONTEXT_TOK)
    )
    table = _keep(table, whole, rejected, "sequence")
    table = _keep(table, job.global_batch % table["data"] == 0, rejected, "batch")
    table = _interleave(model, table, limits, rejected)
    if model.is_moe:
        table = _join(table, "expert", _divisors(model.experts))
        group = table["tensor"] * table["context"] * table["data"]
        table = _keep(table, group % table["expert"] == 0, rejected, "experts")
    else:
        table["expert"] = np.ones_like(table["tensor"])
    table = _join(table, "micro_batch", _divisors(job.global_batch))
    fits = (job.global_batch // table["data"]) % table["micro_batch"] == 0
    table = _keep(table, fits, rejected, "micro-batch")
    micro_batches = job.global_batch // (table["data"] * table["micro_batch"])
    even = (table["interleave"] == 1) | (micro_batches % table["pipeline"] == 0)
    table = _keep(table, even, rejected, "interleaving needs micro-batches in multiples of the pipeline")
    return _with_switches(model, table, limits, rejected)


def _with_switches(model: ModelSpec, table: dict[str, Ints], limits: Limits, rejected: dict[str, int]) -> Space:
    grid = np.meshgrid(np.array(limits.recompute), np.array([0, 1]), np.array(limits.shards), indexing="ij")
    recompute, along, shard = (g.ravel() for g in grid)
    t, ranks = table["tensor"][:, None], (table["data"] * table["context"])[:, None]
    allowed = (along == 0) | (t > 1)
    if model.is_moe:
        allowed &= (along == 1) | (t == 1)
    allowed &= (shard == 0) | (ranks > 1)
    allowed &= (shard < FSDP) | (table["pipeline"][:, None] == 1)
    rejected["switches that do not go together"] = int((~allowed).sum())
    return Space(table, {"recompute": recompute, "sequence_parallel": along, "shard": shard}, allowed, rejected)


def _interleave(model: ModelSpec, table: dict[str, Ints], limits: Limits, rejected: dict[str, int]) -> dict[str, Ints]:
    """Chunks per stage, such that rounding up leaves few idle slots and no chunk is empty."""
    table = _join(table, "interleave", np.arange(1, model.layers + 1))
    p, v = table["pipeline"], table["interleave"]
    chunks = p * v
    per_chunk = -(-model.layers // chunks)
    fits = (chunks <= model.layers * (1.0 + limits.uneven_frac)) & ((p > 1) | (v == 1))
    table = {name: values[fits] for name, values in table.items()}
    uneven = (per_chunk * chunks)[fits] > model.layers * (1.0 + limits.uneven_frac)
    return _keep(table, ~uneven, rejected, "layers")


def _group(table: dict[str, Ints]) -> Ints:
    return table["tensor"] * table["pipeline"] * table["context"]


def _join(table: dict[str, Ints], name: str, values: Ints) -> dict[str, Ints]:
    """Every row with every value."""
    rows = len(next(iter(table.values())))
    out = {key: np.repeat(column, len(values)) for key, column in table.items()}
    out[name] = np.tile(values, rows)
    return out


def _keep(table: dict[str, Ints], mask: NDArray[np.bool_], rejected: dict[str, int], reason: str) -> dict[str, Ints]:
    rejected[reason] = int((~mask).sum())
    return {name: values[mask] for name, values in table.items()}


def _divisors(number: int) -> Ints:
    low = np.arange(1, math.isqrt(number) + 1)
    low = low[number % low == 0]
    return np.unique(np.concatenate([low, number // low]))
