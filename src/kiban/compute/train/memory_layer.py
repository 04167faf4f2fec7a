"""Weights and kept bytes of one layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.compute import feedforward, mixers
from kiban.compute.arithmetic import ModelSpec
from kiban.compute.train.layouts import Layouts
from kiban.compute.train.memory_facts import ACTIVATION_BYTES, MemoryFacts

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Kind:
    """A kind of layer: how much of a dense unit and of an expert unit it has."""

    dense: float
    experts: float


@dataclass(frozen=True)
class LayerValues:
    """Bytes per token of one layer."""

    hidden: float
    """The input of the layer."""
    replicated: float
    """What every rank of a tensor group holds unless the sequence is cut: norms, their outputs, masks."""
    cut: float
    """What is cut by heads, by width or by tokens over the tensor group."""
    scores_per_pair: float
    """Bytes per pair of tokens of attention scores that are written to memory."""
    dispatch: float
    """Buffers in which an expert layer sends and receives tokens; one layer at a time."""


def kinds(model: ModelSpec) -> tuple[Kind, Kind, bool]:
    """The kind of the first layers, that of the rest, and whether the first are only dense.

    Models of one kind, and those whose kinds alternate (Llama 4 Maverick, hybrids), have one mean kind.
    """
    mean = Kind(model.dense_layers / model.layers, model.moe_layers / model.layers)
    if not model.is_moe or model.single_blocks or model.moe_layer_step > 1 or model.dense_beside_experts:
        return mean, mean, False
    return Kind(1.0, 0.0), Kind(0.0, 1.0), True


def layer_weights(model: ModelSpec, kind: Kind, layouts: Layouts) -> tuple[Array, Array]:
    """Weights per accelerator of one layer: those that all data ranks share, and routed experts, (n,) each.

    Mixers are the mean over layers. Keys and values are repeated where the tensor group is larger than their heads;
    the down-projections of latent attention are not cut. Norms are left out (below 0.1 %).
    """
    t = layouts.tensor
    mixer = mixers.mixer_weights(model) / model.layers
    whole = pairs = 0.0
    share = model.attention_layers / model.layers
    if model.mla_kv_rank:
        whole = share * model.hidden * (model.mla_q_rank + model.mla_kv_rank + model.mla_rope_dim)
    else:
        pairs = share * 2.0 * model.hidden * model.head_dim * model.kv_heads
    common = whole + (mixer - whole - pairs) / t + pairs / np.minimum(t, max(model.kv_heads, 1))
    units = kind.dense * feedforward.dense_weights(model) + kind.experts * feedforward.shared_weights(model)
    common = common + units / t + kind.experts * feedforward.router_weights(model)
    routed = kind.experts * model.experts * feedforward.expert_weights(model) / layouts.expert
    return common, routed


def layer_values(model: ModelSpec, facts: MemoryFacts, kind: Kind) -> LayerValues:
    """Count what is kept.

    Equation: for plain attention and a unit of two matrices of width 4 h, with dropout and 16-bit values, this is
    s b h (10 + 24/t + 5 a s/(h t)) (Korthikanti et al. 2022, eq. 2): norms 4, inputs of the first products 4, masks
    2; queries, keys, values and their mix 8 of 24, the unit 16. Grouped queries keep fewer keys and values, a
    gated unit keeps both halves and their product, latent attention keeps its latent vectors whole, a recurrent mixer
    its projections and its output. Each visit of a token to an expert is an input, a unit and an output, cut over the
    tensor group as that group's tokens are.
    """
    h, act, inp = float(model.hidden), ACTIVATION_BYTES, facts.input_bytes
    replicated = 2 * act * h + 2 * inp * h + (2 * h if facts.dropout else 0.0)
    latent, cut = _mixer(model, facts)
    if kind.experts:
        matrices = model.moe_ffn_matrices or model.ffn_matrices
        width = float(model.moe_latent or model.hidden)
        visit = inp * width + _unit(matrices, model.moe_ffn, facts) + act * width
        cut += kind.experts * (model.experts_active * visit + _unit(matrices, model.shared_width, facts))
    cut += kind.dense * _unit(model.ffn_matrices, model.ffn, facts)
    share = model.attention_layers / model.layers
    scores = 0.0 if facts.fused_attention else share * model.heads * (2 * act + (1.0 if facts.dropout else 0.0))
    dispatch = 2 * act * (model.moe_latent or model.hidden) * model.experts_active if kind.experts else 0.0
    return LayerValues(act * h, replicated + latent, cut, scores, dispatch)


def _mixer(model: ModelSpec, facts: MemoryFacts) -> tuple[float, float]:
    """Bytes per token of a mixer, mean over layers: what is not cut over the tensor group beside norms, and what is."""
    act, inp = ACTIVATION_BYTES, facts.input_bytes
    latent = 0.0
    if model.mla_kv_rank:
        key = model.mla_nope_dim + model.mla_rope_dim
        latent = (model.mla_q_rank + model.mla_kv_rank + model.mla_rope_dim) * (act + inp)
        mixed = float(model.heads * model.mla_v_dim)
        attention = act * (2.0 * model.heads * key + mixed) + inp * mixed
    else:
        mixed = float(model.heads * model.head_dim)
        gate = mixed if model.attention_gate else 0.0
        attention = act * (mixed + gate + 2.0 * model.kv_heads * model.head_dim) + inp * mixed
    if facts.fused_attention and inp < act:
        # A fused kernel reads its own 16-bit output again; the product after it keeps a narrower copy.
        attention += act * mixed
    linear_value = model.linear_value_heads * model.linear_value_dim
    linear = act * (2.0 * model.linear_key_heads * model.linear_key_dim + 2.0 * linear_value) + inp * linear_value
    inner = model.mamba_heads * model.mamba_head_dim
    mamba = act * 2.0 * (inner + model.mamba_groups * model.mamba_state) + inp * inner
    share = model.attention_layers / model.layers
    cut = share * attention + (model.linear_layers * linear + model.mamba_layers * mamba) / model.layers
    return share * latent, cut


def _unit(matrices: int, width: float, facts: MemoryFacts) -> float:
    """A feed-forward unit: what goes into the nonlinearity, and its result."""
    return width * (ACTIVATION_BYTES * (matrices - 1) + facts.input_bytes)
