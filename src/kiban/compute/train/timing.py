"""Seconds of one training step by part, for many layouts at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.compute.arithmetic import ModelSpec
from kiban.compute.hardware import Accelerator
from kiban.compute.train.layouts import FULL, SELECTIVE, Job, Layouts
from kiban.compute.train.memory import FSDP
from kiban.compute.training import TrainingCoefficients, attention_flop, load_training

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
StepParts = Callable[[Layouts], dict[str, Array]]
"""Seconds of one step by part, (n,) each; the step is their sum."""

VALUE_BYTES = 2.0
UPDATE_BYTES = 30.0
"""Traffic of one weight's update: gradient 4, master and moments 12 in and 12 out, weight 2."""


@dataclass(frozen=True)
class LinkFacts:
    """How much of a link's rate a collective gets, and how much data traffic hides behind the backward pass."""

    link_frac: float
    hidden_frac: float
    uncut_frac: float
    """Share of elementwise traffic that a tensor group repeats without sequence parallelism."""


def load_link_facts(catalog: Catalog) -> LinkFacts:
    """Read ``compute.step.*``."""
    return LinkFacts(**{f.name: catalog.value(f"compute.step.{f.name}") for f in fields(LinkFacts)})


def step_parts(catalog: Catalog, model: ModelSpec, chip: Accelerator, job: Job) -> StepParts:
    """Give the function that times layouts.

    Per accelerator and step: matrix FLOP over peak x efficiency; attention FLOP over the 16-bit peak; elementwise
    traffic over memory bandwidth, its uncut share t times without sequence parallelism; the forward pass again with full
    recomputation, that of attention with selective; tensor collectives of 2 (t - 1)/t hidden values, four per layer and
    six with full recomputation (Narayanan et al. 2021, arXiv:2104.04473, section 3.2); tokens to experts outside the
    domain; stage-to-stage values cut over the tensor group (the same, section 4.1); a fixed time per layer and
    micro-batch; all of that once more (p - 1)/(m v) times as the bubble; then gradients and weights over the data
    ranks, and the update. Layers that do not divide count as the fullest stage. Coefficients: ``compute.training.*``
    (fitted), ``compute.step.*``. Validity as theirs.
    """
    c, links = load_training(catalog), load_link_facts(catalog)
    peak, _ = chip.peak(job.precision)
    tok = job.global_batch * (job.sequence_tok / job.accelerators)
    attention = attention_flop(model, job.sequence_tok)
    matrix = model.training_flop_per_tok(job.sequence_tok) - attention
    own = f"compute.step.{chip.family}.gemm_efficiency_frac"
    reached = catalog.value(own) if catalog.has(own) else c.gemm_efficiency_frac
    matrix_s = tok * matrix / (peak * reached)
    attention_s = tok * attention / (chip.peak("bf16")[0] * c.attention_efficiency_frac)
    traffic_s = tok * _traffic_bytes(model, c) / chip.memory_bytes_per_s

    def parts(cut: Layouts) -> dict[str, Array]:
        p, v = cut.pipeline, cut.interleave
        slots = np.ceil(model.layers / (p * v)) * (p * v) / model.layers
        full = cut.recompute == FULL
        again = np.where(full, 4.0 / 3.0, 1.0) * slots
        scores = np.where(full | (cut.recompute == SELECTIVE), 4.0 / 3.0, 1.0) * slots
        repeated = np.where(cut.sequence_parallel == 1, 1.0, 1.0 + links.uncut_frac * (cut.tensor - 1.0))
        m = cut.micro_batches(job)
        work = {
            "matrix work": matrix_s * again,
            "attention": attention_s * scores,
            "memory traffic": traffic_s * again * repeated,
            "tensor traffic": slots * _tensor_s(model, chip, tok, cut, links),
            "expert traffic": slots * _expert_s(model, chip, tok, cut, c),
            "stage traffic": _stage_s(model, chip, tok, cut, links),
            "fixed per layer": m * slots / p * (model.layers * c.layer_s + model.moe_layers * c.moe_layer_s),
        }
        busy = np.asarray(sum(work.values()))
        return work | {"bubble": busy * (p - 1) / (m * v)} | _ending(model, chip, cut, m, busy, links)

    return parts


def _traffic_bytes(model: ModelSpec, c: TrainingCoefficients) -> float:
    visits = model.experts_active + model.experts_shared if model.is_moe else 0
    return model.hidden * (model.layers * c.activation_bytes + model.moe_layers * visits * c.moe_bytes)


def _speed(chip: Accelerator, ranks: Ints, links: LinkFacts) -> Array:
    """Bytes per second and accelerator among so many ranks: the scale-up domain's if they lie within it."""
    inside = ranks <= chip.scale_up_accelerators
    return np.where(inside, chip.scale_up_bytes_per_s, chip.scale_out_bytes_per_s) * links.link_frac


def _tensor_s(model: ModelSpec, chip: Accelerator, tok: float, cut: Layouts, links: LinkFacts) -> Array:
    count = np.where(cut.recompute == FULL, 6.0, 4.0) * model.layers
    # One rank carries t times its share of the tokens through each collective.
    values = tok * model.hidden * 2.0 * (cut.tensor - 1.0)
    return np.asarray(count * values * VALUE_BYTES / _speed(chip, cut.tensor, links))


def _expert_s(model: ModelSpec, chip: Accelerator, tok: float, cut: Layouts, c: TrainingCoefficients) -> Array:
    if not model.is_moe:
        return np.zeros(len(cut))
    visits = model.experts_active + model.experts_shared
    away = np.maximum(0.0, 1.0 - chip.scale_up_accelerators / cut.expert)
    moved = tok * model.moe_layers * model.hidden * visits * VALUE_BYTES * c.dispatch_multiple
    return np.asarray(moved * away / chip.scale_out_bytes_per_s)


def _stage_s(model: ModelSpec, chip: Accelerator, tok: float, cut: Layouts, links: LinkFacts) -> Array:
    ranks = cut.tensor * cut.context * cut.pipeline
    moved = 2.0 * tok * cut.pipeline * cut.interleave * model.hidden * VALUE_BYTES
    return np.where(cut.pipeline > 1, moved / _speed(chip, ranks, links), 0.0)


def _ending(
    model: ModelSpec, chip: Accelerator, cut: Layouts, m: Ints, busy: Array, links: LinkFacts
) -> dict[str, Array]:
    """Gradients and weights over the data ranks, and the update.

    Without FSDP gradients of 4 bytes are reduced and weights of 2 gathered once a step; with it weights are gathered
    twice per micro-batch and only what the work does not hide counts.
    """
    routed = model.moe_layers * model.experts * model.expert_params
    ranks = cut.data * cut.context
    own = (model.params_total - routed) / (cut.tensor * cut.pipeline)
    own = own + routed / (cut.expert * cut.pipeline)
    speed = _speed(chip, cut.tensor * ranks, links)
    fsdp = cut.shard == FSDP
    carried = own * (1.0 - 1.0 / ranks) / speed
    shown = np.where(
        fsdp,
        np.maximum(carried * VALUE_BYTES * 2.0 * m + carried * 4.0 - links.hidden_frac * busy, 0.0),
        carried * 6.0 * (1.0 - links.hidden_frac),
    )
    updated = own * UPDATE_BYTES / np.where(cut.shard > 0, ranks, 1) / chip.memory_bytes_per_s
    return {"data traffic": shown, "update": updated}
