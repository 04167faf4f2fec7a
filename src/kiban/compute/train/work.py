"""What one training step asks of one accelerator, in seconds at full rate, for many layouts at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.compute import feedforward
from kiban.compute.arithmetic import ModelSpec
from kiban.compute.hardware import Accelerator
from kiban.compute.train.collectives import Network, exchange_s, gather_s
from kiban.compute.train.layouts import FULL, NO_RECOMPUTE, Job, Layouts
from kiban.compute.train.pipeline import bubble, stretch

Array = NDArray[np.float64]

VALUE_BYTES = 2.0
"""Activations, and gradients on the wire, are 16 bit."""
UPDATE_BYTES = 34.0
"""Memory traffic of one update per parameter: gradient, master weight and two moments read, the last three written in
32 bit, the weight written in 16 (7 x 4 + 2), and the norm's pass over the gradient (4)."""
GRADIENT_BYTES = 8.0
"""Reading and writing a 32-bit gradient sum, per micro-batch."""
FSDP = 3
BF16, FP8, FP4 = 0, 1, 2
PRECISIONS = {"bf16": BF16, "fp8": FP8, "fp4": FP4}


@dataclass(frozen=True)
class Work:
    """Seconds per step of each layout at full peak or rate, (n,) or numbers."""

    precision: int | NDArray[np.int64]
    """0 bf16, 1 fp8, 2 fp4: what ``matrix_s`` and ``expert_s`` run at."""
    matrix_s: Array
    """Products of attention projections, dense units, shared experts, routers."""
    expert_s: Array
    """Products of routed experts."""
    head_s: Array
    """Output table, at 16 bit."""
    attention_s: Array
    activation_s: Array
    """One pass of all 16-bit activations through memory."""
    permute_s: Array
    """One pass of the experts' copies of all tokens."""
    weight_s: Array
    """Weights read and gradients summed, each micro-batch."""
    tensor_s: Array
    context_s: Array
    expert_up_s: Array
    expert_out_s: Array
    stage_s: Array
    """Activations sent between pipeline stages."""
    gather_s: Array
    """Weights gathered and gradients scattered for each micro-batch (FSDP)."""
    layers: Array
    """Layers x micro-batches."""
    moe_layers: Array
    bubble: Array
    reduce_s: Array
    """Once per step: gradients summed and weights gathered over data ranks."""
    update_s: Array
    """Once per step: the optimizer's traffic through memory."""


def step_work(
    model: ModelSpec, chip: Accelerator, job: Job, layouts: Layouts, mtp: bool = False, lora: bool = False
) -> Work:
    """Count the work of one step.

    Arguments: model; chip; job; layouts (n,); whether the model's layers that predict further tokens are trained too;
    whether only low-rank additions are trained, so that weights need no gradients.
    Result: seconds at full rate. Ranks lie in the order tensor, context, data, pipeline; experts are spread over
    neighbouring ranks of the first three. Equations: FLOP of ``ModelSpec.training_flop_per_tok``, forward work once
    more where recomputed (Korthikanti et al. 2022, arXiv:2205.05198); tensor parallelism moves 8 hidden vectors per
    token and layer, with or without sequence parallelism (section 4.2.2 there).
    """
    t, p, c = (x.astype(float) for x in (layouts.tensor, layouts.pipeline, layouts.context))
    v, d = layouts.interleave.astype(float), layouts.data.astype(float)
    tok = layouts.micro_batch * job.sequence_tok / c
    m = np.maximum(job.global_batch / (d * layouts.micro_batch), 1.0)
    full = layouts.recompute == FULL
    again = np.where(full, 4.0 / 3.0, 1.0)
    trained = 0.0 if lora else 1.0
    uneven = stretch(model.layers, p, v)
    rank_tok = tok * m / (t * p)
    spread = rank_tok * uneven
    flop = _flop_per_tok(model, job.sequence_tok, mtp)
    peak, ran_at = chip.peak(job.precision)
    peak16 = chip.peak("bf16")[0]
    local, local_experts = _local_params(model, layouts, t, p)
    rate = chip.memory_bytes_per_s
    stream = rate * chip.software.stream_frac
    network = Network(
        chip.scale_up_bytes_per_s, chip.scale_up_accelerators, chip.scale_out_bytes_per_s,
        chip.software.hop_up_s, chip.software.hop_out_s,
    )  # fmt: skip
    along = np.where(layouts.sequence_parallel == 1, 1.0, (2.0 + t) / 3.0)
    passes = m * uneven / p
    up, out = _expert_traffic(model, network, tok, t, layouts, passes)
    tensor, context, stage = _cut_traffic(model, network, tok, m, uneven, t, p, c, d, v)
    reduce, gather = _data_traffic(network, local, local_experts, t, c * d, layouts, m)
    return Work(
        precision=PRECISIONS[ran_at],
        matrix_s=spread * again * (flop.matrix * (2.0 + trained) / 3.0 / peak),
        expert_s=spread * again * (flop.expert / peak),
        head_s=rank_tok * (flop.head * (2.0 + trained) / 3.0 / peak16),
        attention_s=spread * np.where(layouts.recompute == NO_RECOMPUTE, 1.0, 4.0 / 3.0) * (flop.attention / peak16),
        activation_s=spread * again * along * (activation_values(model) * VALUE_BYTES / rate),
        permute_s=spread
        * again
        * (model.moe_layers * model.experts_active * _expert_width(model) * VALUE_BYTES / rate),
        weight_s=m * (local + local_experts) * ((2.0 * VALUE_BYTES + GRADIENT_BYTES * trained) / stream),
        tensor_s=tensor * again,
        context_s=context,
        expert_up_s=up * again,
        expert_out_s=out * again,
        stage_s=stage,
        gather_s=gather,
        layers=(model.mixer_layers + _mtp(model, mtp)) * passes * again,
        moe_layers=(model.moe_layers + _mtp(model, mtp) * model.is_moe) * passes * again,
        bubble=bubble(p, m, v),
        reduce_s=reduce * trained,
        update_s=_updated(local, local_experts, t, c * d, layouts) * (UPDATE_BYTES * trained / stream),
    )


@dataclass(frozen=True)
class _Flop:
    """Training FLOP per token, forward and backward."""

    matrix: float
    expert: float
    head: float
    attention: float


def _mtp(model: ModelSpec, mtp: bool) -> int:
    return model.mtp_layers if mtp else 0


def _flop_per_tok(model: ModelSpec, sequence_tok: int, mtp: bool) -> _Flop:
    extra = _mtp(model, mtp)
    expert = model.active_expert_params
    matrix = model.matrix_params_active - model.vocab * model.hidden - expert
    context = model.training_flop_per_tok(float(sequence_tok)) - 6.0 * model.matrix_params_active
    if extra:
        one = model.experts_active * model.expert_params if model.is_moe else 0.0
        matrix += mtp_active_params(model) - extra * one
        expert += extra * one
        context *= 1.0 + extra / max(model.mixer_layers, 1)
    return _Flop(6.0 * matrix, 6.0 * expert, 6.0 * model.vocab * model.hidden * (1 + extra), context)


def mtp_active_params(model: ModelSpec) -> float:
    """Weights that a token meets in the layers that predict further tokens, the output table apart."""
    unit = feedforward.dense_weights(model)
    if model.is_moe:
        unit = model.experts_active * model.expert_params + feedforward.shared_weights(model)
        unit += feedforward.router_weights(model)
    return model.mtp_layers * (model.attention_params + unit + 2.0 * model.hidden**2)


def _expert_width(model: ModelSpec) -> int:
    return model.moe_latent or model.hidden


def activation_values(model: ModelSpec) -> float:
    """Values that one token writes once over all layers: residual and norms (4 hidden), what mixers and units make."""
    heads = model.heads * model.head_dim
    if model.mla_kv_rank:
        key = model.mla_nope_dim + model.mla_rope_dim
        attention = model.heads * (2 * key + 2 * model.mla_v_dim) + model.mla_q_rank + model.mla_kv_rank
    else:
        attention = 2 * heads + 2 * model.kv_heads * model.head_dim
    inner = model.mamba_heads * model.mamba_head_dim
    mamba = 4 * inner + 2 * model.mamba_groups * model.mamba_state
    linear = 2 * model.linear_key_heads * model.linear_key_dim + 4 * model.linear_value_heads * model.linear_value_dim
    routed = model.ffn_matrices * (model.experts_active * model.moe_ffn + model.shared_width)
    return float(
        2 * model.hidden * (model.mixer_layers + model.dense_layers + model.moe_layers)
        + model.attention_layers * attention
        + model.mamba_layers * mamba
        + model.linear_layers * linear
        + model.dense_layers * model.ffn_matrices * model.ffn
        + model.moe_layers * routed
    )


def _local_params(model: ModelSpec, layouts: Layouts, t: Array, p: Array) -> tuple[Array, Array]:
    """Weights per accelerator: shared ones cut by tensor and pipeline, routed experts by expert and pipeline."""
    shared = (model.params_total - model.routed_expert_params) / (t * p)
    return shared, model.routed_expert_params / (p * layouts.expert)


def _expert_traffic(
    model: ModelSpec, network: Network, tok: Array, t: Array, layouts: Layouts, passes: Array
) -> tuple[Array, Array]:
    """Four exchanges per layer with experts: dispatch and combine, forward and backward."""
    if not model.is_moe:
        return np.zeros_like(tok), np.zeros_like(tok)
    one = (tok / t) * (_expert_width(model) * VALUE_BYTES)
    e = layouts.expert.astype(float)
    up, out = exchange_s(network, one, model.experts_active, np.ones_like(tok), e)
    count = passes * (4.0 * model.moe_layers)
    return up * count, out * count


def _cut_traffic(
    model: ModelSpec, network: Network, tok: Array, m: Array, uneven: Array,
    t: Array, p: Array, c: Array, d: Array, v: Array,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Tensor, context and pipeline traffic of a step."""
    passes = m * uneven / p
    hidden = tok * (model.hidden * VALUE_BYTES)
    blocks = 4.0 * (model.mixer_layers + model.dense_layers * (not model.single_blocks))
    if model.is_moe and not model.single_blocks:
        blocks = 4.0 * model.mixer_layers + 4.0 * (model.dense_layers + (model.shared_width > 0) * model.moe_layers)
    tensor = gather_s(network, hidden, np.ones_like(t), t) * passes * blocks
    kv = tok * c * (2 * model.kv_heads * model.head_dim * VALUE_BYTES) / t
    if model.mla_kv_rank:
        kv = tok * c * float(model.heads * (model.mla_nope_dim + model.mla_v_dim) * VALUE_BYTES) / t
    context = gather_s(network, kv, t, c) * passes * (3.0 * model.attention_layers)
    stride = t * c * d
    between = np.where(stride * p <= network.domain, network.up_bytes_per_s, network.out_bytes_per_s)
    stage = np.where(p > 1, 2.0 * m * v * hidden / t / between, 0.0)
    return tensor, context, stage


def _data_traffic(
    network: Network, local: Array, experts: Array, t: Array, ranks: Array, layouts: Layouts, m: Array
) -> tuple[Array, Array]:
    """Seconds per step of gradients and weights over data ranks: once a step, and for each micro-batch with FSDP."""
    twins = np.maximum(t * ranks / layouts.expert, 1.0)
    dense = gather_s(network, local * VALUE_BYTES, t, ranks)
    routed = gather_s(network, experts * VALUE_BYTES, layouts.expert.astype(float), twins)
    one = dense + np.where(experts > 0, routed, 0.0)
    fsdp = layouts.shard >= FSDP
    return np.where(fsdp, 0.0, 2.0 * one), np.where(fsdp, (2.0 * m + 1.0) * one, 0.0)


def _updated(local: Array, experts: Array, t: Array, ranks: Array, layouts: Layouts) -> Array:
    """Weights that one accelerator updates."""
    twins = np.maximum(t * ranks / layouts.expert, 1.0)
    shard = layouts.shard >= 1
    return np.where(shard, local / ranks + experts / twins, local + experts)
