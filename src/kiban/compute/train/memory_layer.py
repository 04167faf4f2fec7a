"""Bytes that one layer keeps per token for its backward pass."""

from __future__ import annotations

from dataclasses import dataclass

from kiban.compute.arithmetic import ModelSpec
from kiban.compute.train.memory_facts import ACTIVATION_BYTES, MemoryFacts


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


def layer_values(model: ModelSpec, facts: MemoryFacts, has_experts: bool) -> LayerValues:
    """Count what is kept.

    Equation: for plain attention and a unit of two matrices of width 4 h, with dropout and 16-bit values, this is
    s b h (10 + 24/t + 5 a s/(h t)) (Korthikanti et al. 2022, eq. 2): norms 4, inputs of the first products 4, masks
    2; queries, keys, values and their mix 8 of 24, the unit 16. Grouped queries keep fewer keys and values, a
    gated unit keeps both halves and their product, latent attention keeps its latent vectors whole. Each visit of a
    token to an expert is an input, a unit and an output, cut over the tensor group as that group's tokens are.
    """
    h, act, inp = float(model.hidden), ACTIVATION_BYTES, facts.input_bytes
    replicated = 2 * act * h + 2 * inp * h + (2 * h if facts.dropout else 0.0)
    if model.mla_kv_rank:
        key = model.mla_nope_dim + model.mla_rope_dim
        latent = model.mla_q_rank + model.mla_kv_rank + model.mla_rope_dim
        replicated += latent * (act + inp)
        mixed = float(model.heads * model.mla_v_dim)
        cut = act * (2.0 * model.heads * key + mixed)
    else:
        mixed = float(model.heads * model.head_dim)
        cut = act * (mixed + 2.0 * model.kv_heads * model.head_dim)
    cut += inp * mixed
    if facts.fused_attention and inp < act:
        # A fused kernel reads its own 16-bit output again; the product after it keeps a narrower copy.
        cut += act * mixed
    if has_experts:
        cut += model.experts_active * (inp * h + _unit(model, model.moe_ffn, facts) + act * h)
        cut += _unit(model, model.moe_ffn * model.experts_shared, facts)
    else:
        cut += _unit(model, model.ffn, facts)
    return LayerValues(
        hidden=act * h,
        replicated=replicated,
        cut=cut,
        scores_per_pair=0.0 if facts.fused_attention else model.heads * (2 * act + (1.0 if facts.dropout else 0.0)),
        dispatch=2 * act * h * model.experts_active if has_experts else 0.0,
    )


def _unit(model: ModelSpec, width: float, facts: MemoryFacts) -> float:
    """A feed-forward unit: what goes into the nonlinearity, and its result."""
    return width * (ACTIVATION_BYTES * (model.ffn_matrices - 1) + facts.input_bytes)
