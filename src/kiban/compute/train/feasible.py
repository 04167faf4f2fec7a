"""Why a job has no layout, in words, with the nearest job that has one."""

from __future__ import annotations

from dataclasses import replace

from kiban.compute.arithmetic import ModelSpec
from kiban.compute.train.layouts import Job
from kiban.compute.train.memory_facts import MemoryFacts
from kiban.compute.train.search import Found, lightest_bytes
from kiban.compute.train.space import Limits, training_space

MOST_ACCELERATORS = 1 << 22
NEAR = 64
"""Batches tried on each side of the one asked for."""
FEWER = 1000
"""Counts tried below the one asked for."""


def why_nothing_fits(
    model: ModelSpec, job: Job, chip_name: str, memory_bytes: float, facts: MemoryFacts, limits: Limits, found: Found
) -> str:
    """Name the limit that binds and the nearest feasible job.

    Args as in ``search``, and what it found. Result: one or two sentences.
    """
    if not found.considered:
        return _divisibility(model, job, limits, found)
    cut = found.lightest.layouts
    need = found.lightest.memory_bytes[0]
    smallest = smallest_accelerators(model, job, memory_bytes, facts, limits)
    more = (
        f"; {smallest[0]:,} accelerators hold it with a batch of {smallest[1]:,}"
        if smallest
        else "; no number of accelerators holds it: the model's layers or the sequence are too large for one"
    )
    return (
        f"memory binds: the lightest of {found.considered:,} layouts of {model.name} on {job.accelerators:,} "
        f"{chip_name} (tensor {cut.tensor[0]}, pipeline {cut.pipeline[0]}, context {cut.context[0]}, expert "
        f"{cut.expert[0]}, micro-batch {cut.micro_batch[0]}) needs {need / 1e9:,.1f} GB, the accelerator has "
        f"{memory_bytes / 1e9:,.1f} GB{more}"
    )


def smallest_accelerators(
    model: ModelSpec, job: Job, memory_bytes: float, facts: MemoryFacts, limits: Limits
) -> tuple[int, int] | None:
    """Fewest accelerators that hold the job, and its batch; None if none up to four million do.

    Counts are tried in steps of an eighth of the power of two below, so the answer is within 12.5 % of the least; the
    batch grows to the next multiple of the count where no layout divides it.
    """
    scale = 1
    while scale <= MOST_ACCELERATORS:
        for eighths in range(8, 16):
            count = scale * eighths // 8
            if count <= job.accelerators or (scale < 8 and eighths > 8):
                continue
            for batch in dict.fromkeys((job.global_batch, -(-job.global_batch // count) * count)):
                larger = replace(job, accelerators=count, global_batch=batch)
                if lightest_bytes(model, larger, facts, limits) <= memory_bytes:
                    return count, batch
        scale *= 2
    return None


def _divisibility(model: ModelSpec, job: Job, limits: Limits, found: Found) -> str:
    """Which division leaves no layout, and the nearest batch and count with one."""
    count = _fewer(model, job, limits)
    fewer = f"{count:,} accelerators have a layout" if count else "no count a little below has a layout"
    batch = _other_batch(model, job, limits)
    if batch:
        return (
            f"no layout divides the batch: {job.global_batch:,} sequences over {job.accelerators:,} accelerators; "
            f"the nearest batch with a layout is {batch:,}; with this batch {fewer}"
        )
    binding = max(
        (reason for reason in found.rejected if reason != "memory"), key=lambda reason: found.rejected[reason]
    )
    return (
        f"no layout divides the job ({binding}): {job.accelerators:,} accelerators, {model.heads} heads, "
        f"{model.layers} layers, {job.global_batch:,} sequences; {fewer}"
    )


def _other_batch(model: ModelSpec, job: Job, limits: Limits) -> int | None:
    """The nearest batch that has a layout, or the next multiple of the count."""
    near = [job.global_batch + step * sign for step in range(1, NEAR + 1) for sign in (1, -1)]
    up = -(-job.global_batch // job.accelerators) * job.accelerators
    tries = (batch for batch in (*near, up) if batch > 0)
    return next((b for b in tries if len(training_space(model, replace(job, global_batch=b), limits))), None)


def _fewer(model: ModelSpec, job: Job, limits: Limits) -> int | None:
    """The largest count a little below that has a layout."""
    tries = range(job.accelerators - 1, max(job.accelerators - 1 - FEWER, 0), -1)
    return next((n for n in tries if len(training_space(model, replace(job, accelerators=n), limits))), None)
