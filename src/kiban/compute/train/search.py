"""Exhaustive search over training layouts: the fastest that fit, the Pareto set, and why the others fall."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.compute.arithmetic import ModelSpec
from kiban.compute.train.layouts import Job, Layouts
from kiban.compute.train.memory import training_memory
from kiban.compute.train.memory_facts import MemoryFacts
from kiban.compute.train.pareto import Rated, merge_best, merge_front, take
from kiban.compute.train.space import Limits, Space, training_space

Array = NDArray[np.float64]
SAMPLE = 4000
StepTime = Callable[[Layouts], Array]
"""Seconds of one step of each layout, (n,)."""


@dataclass(frozen=True)
class Found:
    """What a search found; empty ``best`` where nothing fits."""

    best: Rated
    """The fastest, fastest first."""
    pareto: Rated
    """No layout is both faster and lighter than one of these; fastest first."""
    lightest: Rated
    """The layout that needs least memory, whether it fits or not: one, or none in an empty space; not timed."""
    sample: Rated
    """Layouts that fit, drawn evenly: every so many-th of the space."""
    considered: int
    """Layouts that divisibility allows."""
    fitting: int
    rejected: dict[str, int]
    """Cuts that divisibility leaves out, and layouts that memory does, by reason."""


def search(
    model: ModelSpec,
    job: Job,
    memory_bytes: float,
    facts: MemoryFacts,
    limits: Limits,
    step_time: StepTime,
    best_count: int = 10,
) -> Found:
    """Time and weigh every layout.

    Args: model; job; memory of one accelerator; facts of the job's precision; limits; step_time; how many of the
    fastest to keep. Result: exact over the space of ``training_space``: nothing is pruned but layouts that do not fit.
    Memory used is bounded by the table of meshes and one chunk.
    """
    space = training_space(model, job, limits)
    best = pareto = sample = lightest = _none()
    fitting = passed = 0
    every = max(1, len(space) // SAMPLE)
    for chunk in space.chunks():
        used = training_memory(model, job, chunk, facts).total
        least = int(used.argmin())
        if not len(lightest) or used[least] < lightest.memory_bytes[0]:
            lightest = Rated(take(chunk, np.array([least])), np.array([np.nan]), used[[least]])
        drawn = (np.arange(passed, passed + len(used)) % every) == 0
        passed += len(used)
        fits = used <= memory_bytes
        count = int(fits.sum())
        if not count:
            continue
        if count < len(used):
            where = np.flatnonzero(fits)
            chunk, used, drawn = take(chunk, where), used[where], drawn[where]
        fitting += count
        rated = Rated(chunk, step_time(chunk), used)
        best = merge_best(best, rated, best_count)
        pareto = merge_front(pareto, rated)
        sample = sample.join(rated.take(np.flatnonzero(drawn)))
    rejected = {**space.rejected, "memory": len(space) - fitting}
    return Found(best, pareto, lightest, sample, len(space), fitting, rejected)


def lightest_bytes(model: ModelSpec, job: Job, facts: MemoryFacts, limits: Limits) -> float:
    """Least memory per accelerator over the space of a job; infinite where the space is empty."""
    space: Space = training_space(model, job, limits)
    return min(
        (float(training_memory(model, job, chunk, facts).total.min()) for chunk in space.chunks() if len(chunk)),
        default=float("inf"),
    )


def _none() -> Rated:
    empty = np.zeros(0, dtype=np.int64)
    return Rated(Layouts(*[empty] * 10), np.zeros(0), np.zeros(0))
