"""Training: time of one token on one accelerator as a sum of what the token needs; no search."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from kiban.catalog import Catalog
from kiban.compute.arithmetic import ModelSpec
from kiban.compute.errors import ComputeError
from kiban.compute.hardware import Accelerator

STATE_BYTES_PER_PARAM = 16.0
"""Weights and gradients in 16 bit, master weights and two moments in 32 bit (Rajbhandari et al. 2020, sec. 3.1)."""


@dataclass(frozen=True)
class TrainingCoefficients:
    """Fitted coefficients of the time model, from ``compute.training.*`` rows."""

    gemm_efficiency_frac: float
    attention_efficiency_frac: float
    activation_bytes: float
    """Memory traffic per token, layer and hidden value, forward and backward."""
    moe_bytes: float
    """The same for each expert a token visits: permutation and gathering."""
    dispatch_multiple: float
    """Expert traffic that leaves the scale-up domain, against one pass of 16-bit activations."""
    layer_s: float
    """Fixed time per layer and micro-batch, forward and backward."""
    moe_layer_s: float


@dataclass(frozen=True)
class Layout:
    """How a job is cut: tensor, pipeline, context and expert parallel sizes, micro-batch, interleave."""

    tensor: int = 1
    pipeline: int = 1
    context: int = 1
    expert: int = 1
    micro_batch: int = 1
    micro_batches: int = 64
    interleave: int = 1


def load_training(catalog: Catalog) -> TrainingCoefficients:
    """Read the coefficients from the rows ``compute.training.<field>``."""
    return TrainingCoefficients(
        **{f.name: catalog.value(f"compute.training.{f.name}") for f in fields(TrainingCoefficients)}
    )


def token_s(
    model: ModelSpec, chip: Accelerator, precision: str, sequence_tok: int, layout: Layout, c: TrainingCoefficients
) -> float:
    """Seconds of one accelerator per trained token.

    Sum of matrix FLOP over peak x efficiency, attention FLOP at 16 bit, activation traffic over memory bandwidth,
    expert traffic that leaves the scale-up domain over the network, and a fixed time per layer, all stretched by the
    pipeline bubble 1 + (p - 1)/(m v) (Narayanan et al. 2021, sec. 2.2). Validity: synchronous training of dense and
    expert models on A100 to GB300 and TPU v5p/v6e, sequences of 2k to 16k; held-out error in ``docs/compute.md``.
    """
    peak, _ = chip.peak(precision)
    attention = attention_flop(model, sequence_tok)
    matrix = model.training_flop_per_tok(sequence_tok) - attention
    visits = model.experts_active + model.experts_shared if model.is_moe else 0
    width = model.hidden
    away = max(0.0, 1.0 - chip.scale_up_accelerators / max(layout.expert, 1))
    share = layout.tensor * layout.context / (layout.micro_batch * sequence_tok)
    seconds = (
        matrix / (peak * c.gemm_efficiency_frac)
        + attention / (chip.peak("bf16")[0] * c.attention_efficiency_frac)
        + model.layers * width * c.activation_bytes / chip.memory_bytes_per_s
        + model.moe_layers * width * visits * c.moe_bytes / chip.memory_bytes_per_s
        + model.moe_layers * width * visits * 2 * away * c.dispatch_multiple / chip.scale_out_bytes_per_s
        + (model.layers * c.layer_s + model.moe_layers * c.moe_layer_s) * share
    )
    return seconds * bubble(layout)


def attention_flop(model: ModelSpec, sequence_tok: int) -> float:
    """Training FLOP per token of scores and values alone."""
    weights_only = model.training_flop_per_tok(0)
    return model.training_flop_per_tok(sequence_tok) - weights_only


def bubble(layout: Layout) -> float:
    """Stretch of a step by filling and draining the pipeline."""
    return 1.0 + (layout.pipeline - 1) / (layout.micro_batches * layout.interleave)


def default_layout(model: ModelSpec, chip: Accelerator, accelerators: int) -> Layout:
    """A layout that fits: experts over one domain where there is one, then pipeline stages until the state fits.

    Optimizer state is spread over data-parallel ranks. Raises ComputeError if the job has too few accelerators.
    """
    room = 0.6 * chip.memory_bytes
    whole = model.params_total * STATE_BYTES_PER_PARAM / room
    if whole > accelerators:
        raise ComputeError(
            f"{model.name} needs {whole:,.0f} {chip.name} to hold weights, gradients and optimizer, "
            f"the job has {accelerators:,}; use at least {math.ceil(whole):,}"
        )
    domain = min(chip.scale_up_accelerators, 64)
    expert = min(model.experts, domain, accelerators) if model.is_moe else 1
    tensor = 1 if model.is_moe else min(_power_of_two(model.params_total / 40e9), 8, domain)
    resident = model.params_total * 2 * 2 / room
    pipeline = min(_power_of_two(resident / max(expert, tensor)), model.layers, max(accelerators // tensor, 1))
    return Layout(tensor=tensor, pipeline=pipeline, expert=max(expert, 1), micro_batches=8 * pipeline, interleave=2)


def _power_of_two(value: float) -> int:
    return 1 << max(0, math.ceil(math.log2(max(value, 1.0))))
