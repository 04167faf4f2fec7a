"""Memory per accelerator in training, for many layouts at once.

Origin: Korthikanti et al. 2022 (arXiv:2205.05198), sections 4 and 5, written for any attention and for experts;
weights and optimizer as in Rajbhandari et al. 2020 (arXiv:1910.02054), section 3. Three stages of the pipeline are
weighed, the first, the second and the last, and the heaviest counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.compute.arithmetic import ModelSpec
from kiban.compute.train.layouts import FULL, NO_RECOMPUTE, Job, Layouts
from kiban.compute.train.memory_facts import MemoryFacts
from kiban.compute.train.memory_layer import Kind, LayerValues, kinds, layer_values, layer_weights

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

LOGIT_BYTES = 6.0
"""Logits in 16 bit and their softmax in 32 bit."""
ZERO, FSDP = 1, 3
"""Values of ``Layouts.shard``: from the first on the optimizer is spread, from the second on everything."""


@dataclass(frozen=True)
class Memory:
    """Bytes per accelerator of the heaviest pipeline stage, (n,) each."""

    weights: Array
    gradients: Array
    optimizer: Array
    activations: Array
    logits: Array
    workspace: Array

    @property
    def total(self) -> Array:
        """Everything, (n,)."""
        return self.weights + self.gradients + self.optimizer + self.activations + self.logits + self.workspace


@dataclass(frozen=True)
class _Layer:
    """One kind of layer, (n,) each."""

    common: Array
    """Weights per accelerator that all data ranks share."""
    routed: Array
    """Weights per accelerator of routed experts."""
    kept_bytes: Array
    """Kept of one micro-batch until its backward pass."""
    working_bytes: Array
    """On top while the layer is computed again or exchanges tokens."""


def training_memory(model: ModelSpec, job: Job, layouts: Layouts, facts: MemoryFacts) -> Memory:
    """Weigh every layout.

    Args: model; job; layouts (n,); facts of the job's precision. Result: bytes of the heaviest stage. Validity:
    one-forward-one-backward schedules, plain or interleaved; layers are spread evenly over stages, a rest counts as a
    whole layer; experts are spread evenly over the ``expert`` ranks, which lie within the tensor x context x data
    group, and are not cut further.
    """
    p = layouts.pipeline
    per_stage = np.ceil(model.layers / p)
    first, rest, leading = kinds(model)
    dense = _layer(model, first, job, layouts, facts)
    routed = dense if first == rest else _layer(model, rest, job, layouts, facts)
    dense_count = model.first_dense_layers if leading else 0
    cuts = _cuts(layouts)
    tables = model.vocab * (model.hidden / layouts.tensor)
    logits = _logits(model, job, layouts)
    best: list[Array] = []
    for index, has_input, has_output in ((0, 1.0, p == 1), (1, p == 1, p <= 2), (p - 1, p == 1, 1.0)):
        stage = np.minimum(index, p - 1)
        plain = np.clip(dense_count - stage * per_stage, 0, per_stage)
        held = _held(dense, routed, plain / per_stage, stage, per_stage, layouts, job)
        table_count = np.maximum(has_input, has_output) if model.tied_embeddings else np.add(has_input, has_output)
        common = plain * dense.common + (per_stage - plain) * routed.common + table_count * tables
        experts = plain * dense.routed + (per_stage - plain) * routed.routed
        parts = _state(common, experts, 2.0 * (routed.common + routed.routed), cuts, facts)
        parts += [held * (1.0 + facts.fragmented_frac), logits * has_output]
        best = _heavier(best, parts) if best else parts
    weights, gradients, optimizer, activations, head = best
    workspace = np.full(len(layouts), facts.workspace_bytes)
    return Memory(weights, gradients, optimizer, activations, head, workspace)


def chunks_in_flight(pipeline: Ints, interleave: Ints, stage: Ints) -> Ints:
    """Chunks of layers whose activations a stage holds at its fullest, before the number of micro-batches caps it.

    Equation: p - i for one chunk per stage; 2 (p - i - 1) + (v - 1) p + 1 for v of them (Narayanan et al. 2021,
    arXiv:2104.04473, section 2.2; on stage 0 it is v p times the 1 + (p - 1)/(p v) of Korthikanti et al. 2022).
    """
    interleaved = 2 * (pipeline - stage - 1) + (interleave - 1) * pipeline + 1
    return np.where(interleave > 1, interleaved, pipeline - stage)


def _held(
    dense: _Layer, routed: _Layer, plain_frac: Array, stage: Ints, per_stage: Ints, layouts: Layouts, job: Job
) -> Array:
    """Bytes of activations of a stage at its fullest."""
    v = layouts.interleave
    most = np.maximum(layouts.micro_batches(job), 1) * v
    chunks = np.minimum(chunks_in_flight(layouts.pipeline, v, stage), most)
    kept = plain_frac * dense.kept_bytes + (1.0 - plain_frac) * routed.kept_bytes
    working = np.where(plain_frac < 1.0, routed.working_bytes, dense.working_bytes)
    return kept * (chunks * per_stage / v) + working


def _heavier(one: list[Array], other: list[Array]) -> list[Array]:
    pick = sum(other) > sum(one)
    return [np.where(pick, b, a) for a, b in zip(one, other, strict=True)]


def _layer(model: ModelSpec, kind: Kind, job: Job, layouts: Layouts, facts: MemoryFacts) -> _Layer:
    weights = layer_weights(model, kind, layouts)
    return _Layer(*weights, *_activations(layer_values(model, facts, kind), job, layouts, facts))


def _activations(values: LayerValues, job: Job, layouts: Layouts, facts: MemoryFacts) -> tuple[Array, Array]:
    """Bytes that a layer keeps of one micro-batch, and bytes at work on top, (n,) each."""
    t, how = layouts.tensor, layouts.recompute
    tok = layouts.micro_batch * (job.sequence_tok / layouts.context)
    along = np.where(layouts.sequence_parallel == 1, t, 1)
    whole = values.replicated / along + values.cut / t
    scores = values.scores_per_pair * (job.sequence_tok / t)
    kept = np.where(how == FULL, values.hidden / along, whole + np.where(how == NO_RECOMPUTE, scores, 0.0))
    again = np.where(how == FULL, whole + scores, np.where(how == NO_RECOMPUTE, 0.0, scores))
    return tok * kept, tok * facts.layers_at_work * (again + values.dispatch / t)


def _cuts(layouts: Layouts) -> tuple[Array, Array, Array, Array]:
    """Ranks over which optimizer and weights are spread, for shared weights and for routed experts."""
    ranks = layouts.context * layouts.data
    twins = np.maximum(layouts.tensor * ranks / layouts.expert, 1.0)
    zero, fsdp = layouts.shard >= ZERO, layouts.shard >= FSDP
    return np.where(zero, ranks, 1), np.where(zero, twins, 1.0), np.where(fsdp, ranks, 1), np.where(fsdp, twins, 1.0)


def _state(
    common: Array, experts: Array, two_layers: Array, cuts: tuple[Array, ...], facts: MemoryFacts
) -> list[Array]:
    """Bytes of weights, gradients and optimizer.

    Of weights that are spread, two layers are whole at a time: the one at work and the one on its way.
    """
    zero, zero_twins, fsdp, fsdp_twins = cuts
    resident = common / fsdp + experts / fsdp_twins
    gathered = np.where(fsdp > 1, two_layers, 0.0)
    return [
        facts.weight_bytes * (resident + gathered),
        facts.gradient_bytes * resident,
        facts.optimizer_bytes * (common / zero + experts / zero_twins),
    ]


def _logits(model: ModelSpec, job: Job, layouts: Layouts) -> Array:
    """Bytes of the logits of one micro-batch, (n,)."""
    tok = layouts.micro_batch * (job.sequence_tok / layouts.context)
    return LOGIT_BYTES * tok * (model.vocab / layouts.tensor)
