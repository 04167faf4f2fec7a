"""The layout taken where none is named: smallest cuts whose weights, optimizer and gradients fit."""

from __future__ import annotations

import numpy as np

from kiban.compute.arithmetic import ModelSpec
from kiban.compute.hardware import Accelerator
from kiban.compute.train.layouts import NO_RECOMPUTE, Job, Layouts

STATE_BYTES = 6.0
"""Weights in 16 and gradients in 32 bit; the optimizer is spread over data ranks."""
FROZEN_BYTES = 1.5
"""Frozen weights of low-rank tuning, in 8 bit with room for a copy."""
ROOM_FRAC = 0.6
"""Of memory, for weights and gradients; the rest holds activations and the optimizer's share."""


def one_layout(
    tensor: int, pipeline: int, context: int, expert: int, data: int, micro_batch: int, interleave: int,
    recompute: int, sequence_parallel: bool, shard: int,
) -> Layouts:  # fmt: skip
    """Layouts of one entry."""
    columns = (
        tensor,
        pipeline,
        context,
        expert,
        data,
        micro_batch,
        interleave,
        recompute,
        int(sequence_parallel),
        shard,
    )
    return Layouts(*(np.array([x], dtype=np.int64) for x in columns))


def default_layout(model: ModelSpec, chip: Accelerator, job: Job, lora: bool = False) -> Layouts:
    """A plain layout, by tensor inside the domain and then by pipeline; TPUs spread weights and take the batch at once.

    Arguments: model; chip; job; whether only low-rank additions are trained. Where the batch is smaller than the data
    ranks, the sequence is cut as well. The search finds better ones; this one stands in for what a row leaves open.
    """
    if chip.family == "tpu":
        context = max(1, -(-job.accelerators // job.global_batch))
        data = max(job.accelerators // context, 1)
        micro = max(job.global_batch // data, 1)
        return one_layout(1, 1, context, 1, data, micro, 1, NO_RECOMPUTE, True, 3)
    need = model.params_total * (FROZEN_BYTES if lora else STATE_BYTES) / (ROOM_FRAC * chip.memory_bytes)
    expert = 1
    if model.is_moe:
        expert = min(model.experts, chip.scale_up_accelerators, job.accelerators)
        expert = int(2 ** np.floor(np.log2(expert)))
        need /= expert
    cut = int(2 ** max(0, np.ceil(np.log2(max(need, 1.0)))))
    tensor = 1 if model.is_moe else min(cut, 8, job.accelerators)
    pipeline = max(1, min(-(-cut // tensor), job.accelerators // tensor, model.layers))
    data = max(job.accelerators // (tensor * pipeline), 1)
    context = max(1, -(-data // job.global_batch))
    chunks = max(1, model.layers // (pipeline * 2)) if pipeline > 1 else 1
    return one_layout(tensor, pipeline, context, expert, max(data // context, 1), 1, chunks, NO_RECOMPUTE, True, 1)
