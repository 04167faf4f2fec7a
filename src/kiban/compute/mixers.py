"""Weights, FLOP and cache of attention and recurrent mixers, per layer."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from kiban.compute.architecture import Architecture

Number = TypeVar("Number", float, NDArray[np.float64])

INDEX_KEY_BYTES = 1.0
"""The indexer's keys are kept in 8 bits at any cache precision, with a 4-byte scale per ``INDEX_SCALE_DIM`` values."""
INDEX_SCALE_DIM = 128
STATE_BYTES = 4.0
"""Recurrent states are kept in 32 bits (``mamba_ssm_dtype`` of Qwen3.5, ``mamba_ssm_cache_dtype`` of Nemotron 3)."""
CONV_BYTES = 2.0
SCAN_FLOP = 7.0
"""FLOP per state value and token: decay 1, update 2, delta correction or input scale 2, readout 2."""


def attention_weights(a: Architecture) -> float:
    """Weights in the matrices of one full-attention layer (latent attention where the model has it)."""
    if a.mla_kv_rank:
        query_dim = a.heads * (a.mla_nope_dim + a.mla_rope_dim)
        query = a.hidden * a.mla_q_rank + a.mla_q_rank * query_dim if a.mla_q_rank else a.hidden * query_dim
        down = a.hidden * (a.mla_kv_rank + a.mla_rope_dim)
        up = a.mla_kv_rank * a.heads * (a.mla_nope_dim + a.mla_v_dim)
        return float(query + down + up + a.heads * a.mla_v_dim * a.hidden)
    return _grouped(a, a.global_head_dim or a.head_dim, a.global_kv_heads or a.kv_heads, a.global_values_are_keys)


def local_weights(a: Architecture) -> float:
    """Weights in the matrices of one sliding or chunked layer."""
    return attention_weights(a) if a.mla_kv_rank else _grouped(a, a.head_dim, a.kv_heads, False)


def _grouped(a: Architecture, head_dim: int, kv_heads: int, values_are_keys: bool) -> float:
    query = a.heads * head_dim * (2 + a.attention_gate + a.relative_positions)
    return float(a.hidden * (query + kv_heads * head_dim * (1 if values_are_keys else 2)))


def indexer_weights(a: Architecture) -> float:
    """Weights of one indexer: queries from the latent query, one key, one weight per head.

    Source: DeepSeek-V3.2-Exp inference code (class Indexer: wq_b, wk, weights_proj).
    """
    return float(a.index_heads * a.index_head_dim * a.mla_q_rank + a.hidden * (a.index_head_dim + a.index_heads))


def linear_weights(a: Architecture) -> float:
    """Weights in the matrices of one gated-delta layer: query, key, value, gate, two scalars per head, output.

    Source: Qwen3-Next model code (in_proj_qkvz, in_proj_ba, out_proj).
    """
    key, value = a.linear_key_heads * a.linear_key_dim, a.linear_value_heads * a.linear_value_dim
    return float(a.hidden * (2 * key + 2 * value + 2 * a.linear_value_heads) + value * a.hidden)


def mamba_weights(a: Architecture) -> float:
    """Weights in the matrices of one Mamba-2 layer: gate, input, B, C, time steps; output.

    Source: Dao & Gu 2024 (arXiv:2405.21060), as in the Nemotron-H model code (in_proj, out_proj).
    """
    inner = a.mamba_heads * a.mamba_head_dim
    return float(a.hidden * (2 * inner + 2 * a.mamba_groups * a.mamba_state + a.mamba_heads) + inner * a.hidden)


def mixer_weights(a: Architecture) -> float:
    """Weights in the matrices of all mixers of the model."""
    local = a.sliding_layers + a.chunked_layers
    return (
        a.full_layers * attention_weights(a)
        + local * local_weights(a)
        + a.indexers * indexer_weights(a)
        + a.linear_layers * linear_weights(a)
        + a.mamba_layers * mamba_weights(a)
    )


def mixer_vectors(a: Architecture) -> float:
    """Weights of all mixers that are no matrices: biases, norms inside, convolutions, sinks, decay rates."""
    head_dims = 2 * a.head_dim if a.qk_norm else 0
    attention = (a.heads + 2 * a.kv_heads) * a.head_dim * a.qkv_bias + a.hidden * a.output_bias + head_dims
    attention += a.heads * a.attention_sinks + (a.mla_q_rank + a.mla_kv_rank if a.mla_kv_rank else 0)
    linear = _linear_conv(a) * a.linear_conv_kernel + 2 * a.linear_value_heads + a.linear_value_dim
    inner = a.mamba_heads * a.mamba_head_dim
    mamba = _mamba_conv(a) * (a.mamba_conv_kernel + 1) + 3 * a.mamba_heads + inner
    index = 2 * a.index_head_dim
    return float(
        a.attention_layers * attention + a.linear_layers * linear + a.mamba_layers * mamba + a.indexers * index
    )


def _linear_conv(a: Architecture) -> int:
    return 2 * a.linear_key_heads * a.linear_key_dim + a.linear_value_heads * a.linear_value_dim


def _mamba_conv(a: Architecture) -> int:
    return a.mamba_heads * a.mamba_head_dim + 2 * a.mamba_groups * a.mamba_state


def context_flop(
    a: Architecture, full_tok: Number, sliding_tok: Number, chunk_tok: Number, chosen_tok: Number
) -> Number:
    """FLOP of one token against earlier ones, over all layers.

    Arguments: earlier tokens that it attends to in full, sliding and chunked layers, and, where an indexer chooses,
    how many it chose (the indexer itself scores all of ``full_tok``).
    Equation: 2 heads (key dim + value dim) per attended token and layer; indexer 2 heads x dim per earlier token.
    """
    local = 2.0 * a.heads * 2 * a.head_dim
    full = 2.0 * a.heads * attended_dims(a)
    scored = 2.0 * a.index_heads * a.index_head_dim * a.indexers
    return (
        a.full_layers * full * (chosen_tok if a.index_topk_tok else full_tok)
        + scored * full_tok
        + local * (a.sliding_layers * sliding_tok + a.chunked_layers * chunk_tok)
    )


def attended_dims(a: Architecture) -> int:
    """Key and value dimension of a head in full layers."""
    if a.mla_kv_rank:
        return a.mla_nope_dim + a.mla_rope_dim + a.mla_v_dim
    return 2 * (a.global_head_dim or a.head_dim)


def state_flop(a: Architecture) -> float:
    """FLOP of one token in the states of linear and Mamba-2 layers, convolutions included.

    Equation: 7 per state value; the count that Megatron-LM uses for Mamba-2, and 7 operations of the gated delta rule
    S = a S (1 - b k k') + b v k', o = S q (Yang et al. 2024, arXiv:2412.06464).
    """
    linear = SCAN_FLOP * linear_state(a) + 2.0 * _linear_conv(a) * a.linear_conv_kernel
    mamba = SCAN_FLOP * mamba_state(a) + 2.0 * _mamba_conv(a) * a.mamba_conv_kernel
    return a.linear_layers * linear + a.mamba_layers * mamba


def linear_state(a: Architecture) -> int:
    """Values in the state of one gated-delta layer."""
    return a.linear_value_heads * a.linear_key_dim * a.linear_value_dim


def mamba_state(a: Architecture) -> int:
    """Values in the state of one Mamba-2 layer."""
    return a.mamba_heads * a.mamba_head_dim * a.mamba_state


def state_bytes(a: Architecture) -> float:
    """Bytes of all recurrent states of one sequence: 32-bit states and 16-bit tails of the convolutions."""
    linear = linear_state(a) * STATE_BYTES + _linear_conv(a) * (a.linear_conv_kernel - 1) * CONV_BYTES
    mamba = mamba_state(a) * STATE_BYTES + _mamba_conv(a) * (a.mamba_conv_kernel - 1) * CONV_BYTES
    return a.linear_layers * linear + a.mamba_layers * mamba


def full_cache_values(a: Architecture) -> float:
    """Cached values of one token in one full layer."""
    if a.mla_kv_rank:
        return float(a.mla_kv_rank + a.mla_rope_dim)
    per_head = (a.global_head_dim or a.head_dim) * (1 if a.global_values_are_keys else 2)
    return float((a.global_kv_heads or a.kv_heads) * per_head)


def local_cache_values(a: Architecture) -> float:
    """Cached values of one token in one sliding or chunked layer."""
    return full_cache_values(a) if a.mla_kv_rank else float(2 * a.kv_heads * a.head_dim)


def index_bytes(a: Architecture) -> float:
    """Bytes of the indexers' keys of one token over all layers."""
    return a.indexers * a.index_head_dim * (INDEX_KEY_BYTES + 4.0 / INDEX_SCALE_DIM)


def within(context_tok: Number, window_tok: int) -> Number:
    """Earlier tokens inside a window; all of them where there is none."""
    return np.minimum(context_tok, window_tok) if window_tok else context_tok


def mean_within(sequence_tok: Number, window_tok: int) -> Number:
    """Earlier tokens inside a window, averaged over the positions of a sequence.

    Equation: S/2 up to the window w, then w - w^2 / (2 S).
    """
    if not window_tok:
        return sequence_tok / 2
    inside = np.minimum(sequence_tok, window_tok)
    return inside - inside * inside / (2 * np.maximum(sequence_tok, 1e-300))


def in_chunk(context_tok: Number, chunk_tok: int) -> Number:
    """Earlier tokens of the same chunk: all of them in the first chunk, half a chunk on average after it."""
    if not chunk_tok:
        return context_tok
    return np.where(np.asarray(context_tok) <= chunk_tok, context_tok, chunk_tok / 2)[()]  # type: ignore[return-value]


def mean_in_chunk(sequence_tok: Number, chunk_tok: int) -> Number:
    """Earlier tokens of the same chunk, averaged over the positions of a sequence of whole and broken chunks."""
    if not chunk_tok:
        return sequence_tok / 2
    whole = np.floor(sequence_tok / chunk_tok)
    rest = sequence_tok - whole * chunk_tok
    return (whole * chunk_tok**2 + rest**2) / (2 * np.maximum(sequence_tok, 1e-300))
