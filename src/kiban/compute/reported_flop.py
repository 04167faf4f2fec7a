"""FLOP per token as the training program behind published TFLOP/s counts them, not always what a model does."""

from __future__ import annotations

from dataclasses import replace

from kiban.compute import feedforward, mixers
from kiban.compute.arithmetic import ModelSpec

FIXED_RELEASE = 26.06
"""From this release on (year.month of NeMo) gated units other than SwiGLU and windows are counted as they are."""


def mtp_flop_per_tok(model: ModelSpec, sequence_tok: float) -> float:
    """Training FLOP per token of the layers that predict further tokens, each with its pass through the output table.

    Arguments: model, tokens per sequence. Equation: 3 x 2 x (attention + active unit + 2 hidden^2 + vocab hidden), and
    causal attention. Source: DeepSeek-V3 (arXiv:2412.19437), section 2.2.
    """
    unit = feedforward.dense_weights(model)
    if model.is_moe:
        routed = model.experts_active * model.expert_params
        unit = routed + feedforward.shared_weights(model) + feedforward.router_weights(model)
    weights = model.attention_params + unit + 2.0 * model.hidden**2 + model.vocab * model.hidden
    attention = 2.0 * model.heads * mixers.attended_dims(model) * sequence_tok / 2
    return (model.mtp_passes or model.mtp_layers) * 3.0 * (2.0 * weights + attention)


def megatron_flop_per_tok(model: ModelSpec, sequence_tok: float, mtp: bool, release: float | None = None) -> float:
    """Training FLOP per token that Megatron Bridge divides by time for its TFLOP/s.

    Arguments: model; tokens per sequence; whether the layers that predict further tokens are trained; release of
    NeMo as year.month (25.11), the latest where None. Result: FLOP per token.
    Differences from ``training_flop_per_tok``: Mamba-2 layers count an inner width of 2 hidden whatever they have (read
    in ``mamba_layer_flops``); before ``FIXED_RELEASE`` gpt-oss counts two of its three matrices and full attention in
    all layers (inferred: the published ratios of TFLOP/s to tokens/s then agree within 1 %).
    """
    counted = model
    if model.mamba_layers:
        counted = replace(counted, mamba_heads=2 * model.hidden // model.mamba_head_dim)
    if model.attention_sinks and release is not None and release < FIXED_RELEASE:
        counted = replace(counted, ffn_matrices=2, sliding_layers=0)
    more = mtp_flop_per_tok(model, sequence_tok) if mtp else 0.0
    return counted.training_flop_per_tok(sequence_tok) + more
