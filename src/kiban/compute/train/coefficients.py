"""The coefficients of the step-time model: few, physical, fitted; read from the catalogue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Value = float | NDArray[np.float64]


@dataclass(frozen=True)
class Coefficients:
    """What the model multiplies its work with; a number, or one per layout."""

    bf16_frac: Value
    """Share of dense peak that matrix products reach at full size."""
    fp8_frac: Value
    fp4_frac: Value
    attention_frac: Value
    """Share of the 16-bit peak in scores and values; causal work counted half."""
    expert_frac: Value
    """Speed of grouped expert products against plain ones."""
    activation_passes: Value
    """Times each 16-bit activation goes to or from memory, forward and backward."""
    permute_passes: Value
    """The same for the copy of a token that an expert gets."""
    tensor_exposed_frac: Value
    """Share of tensor- and context-parallel traffic that no computation hides."""
    expert_up_exposed_frac: Value
    expert_out_exposed_frac: Value
    data_exposed_frac: Value
    layer_launch_s: Value
    """Fixed time per layer and micro-batch, forward and backward."""
    moe_launch_s: Value
    """The same on top in layers with experts."""
    scale: Value = 1.0
    """Of the whole step: what chip, model, precision and age of the software leave unexplained."""
    imbalance: Value = 1.0
    """Load of the busiest expert rank against the mean; 1 where routing is balanced by force, as in benchmarks."""


FITTED = (
    "bf16_frac", "fp8_frac", "fp4_frac", "attention_frac", "expert_frac", "activation_passes", "permute_passes",
    "tensor_exposed_frac", "expert_up_exposed_frac", "expert_out_exposed_frac", "data_exposed_frac",
    "layer_launch_s", "moe_launch_s",
)  # fmt: skip
"""Coefficients that the fit finds, in this order."""
