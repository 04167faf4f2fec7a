"""Weights of dense units and experts, and which of them a token or a batch meets."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from kiban.compute.architecture import Architecture

Number = TypeVar("Number", float, NDArray[np.float64])


def expert_weights(a: Architecture) -> float:
    """Weights of one routed expert, its biases included."""
    width = a.moe_latent or a.hidden
    matrices = a.moe_ffn_matrices or a.ffn_matrices
    return float(matrices * width * a.moe_ffn + _biases(a, matrices, a.moe_ffn, width))


def shared_weights(a: Architecture) -> float:
    """Weights of the shared experts of one layer, with their gate."""
    gate = a.hidden if a.shared_gate and a.experts_shared else 0
    return float((a.moe_ffn_matrices or a.ffn_matrices) * a.hidden * a.shared_width + gate)


def dense_weights(a: Architecture) -> float:
    """Weights of one dense unit, its biases included."""
    return float(a.ffn_matrices * a.hidden * a.ffn + _biases(a, a.ffn_matrices, a.ffn, a.hidden))


def router_weights(a: Architecture) -> float:
    """Weights of one router, and of the projections to and from the latent width of the experts."""
    return float(a.hidden * a.experts + 2 * a.hidden * a.moe_latent)


def _biases(a: Architecture, matrices: int, ffn: int, width: int) -> int:
    return ((matrices - 1) * ffn + width) if a.ffn_bias else 0


def feedforward_weights(a: Architecture) -> float:
    """Weights of all feed-forward units of the model."""
    layer = a.experts * expert_weights(a) + shared_weights(a) + router_weights(a)
    return a.dense_layers * dense_weights(a) + a.moe_layers * layer


def expert_visits(a: Architecture, batch: Number) -> Number:
    """Distinct routed experts of a layer that a batch of tokens meets.

    Equation: expected distinct experts = E (1 - (1 - k/E)^batch), uniform routing, at least one token.
    """
    if not a.is_moe:
        return batch * 0.0
    tokens = np.maximum(batch, 1.0)
    return a.experts * (1.0 - (1.0 - a.experts_active / a.experts) ** tokens)
