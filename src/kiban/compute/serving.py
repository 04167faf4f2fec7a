"""Serving: prefill and decode rates of the smallest groups that fit, within latency limits; steady state."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.compute.arithmetic import ModelSpec
from kiban.compute.errors import ComputeError
from kiban.compute.hardware import Accelerator

Array = NDArray[np.float64]

_BATCHES = np.unique(np.round(np.geomspace(1, 16384, 120)))
_GROUPS = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class ServingCoefficients:
    """Coefficients of the step time, from ``compute.serving.*`` rows."""

    prefill_efficiency_frac: float
    decode_efficiency_frac: float
    bandwidth_efficiency_frac: float
    prefill_moe_bytes: float
    decode_moe_bytes: float
    """Memory traffic per token, expert layer, hidden value and visited expert: permutation and gathering. A decode step
    spreads its few tokens over all experts and moves more for each than a prefill does."""
    dispatch_multiple: float
    layer_s: float
    memory_use_frac: float


@dataclass(frozen=True)
class Work:
    """Mean request and its limits."""

    prompt_tok: float
    output_tok: float
    prefix_cache_frac: float
    ttft_limit_s: float
    tpot_limit_s: float
    precision: str


@dataclass(frozen=True)
class Served:
    """Steady state of the best group; rates per accelerator."""

    group_accelerators: int
    batch: float
    prefill_tok_per_s: float
    """Prompt tokens that are computed (not found in cache) per second if it did nothing else."""
    decode_tok_per_s: float
    ttft_s: float
    tpot_s: float
    blended_tok_per_s: float
    """Prompt (cached or not) and answer tokens per second in the mix."""
    prefill_time_frac: float


def load_serving(catalog: Catalog) -> ServingCoefficients:
    """Read the coefficients from the rows ``compute.serving.<field>``."""
    return ServingCoefficients(
        **{f.name: catalog.value(f"compute.serving.{f.name}") for f in fields(ServingCoefficients)}
    )


def decode_step_s(
    model: ModelSpec, chip: Accelerator, precision: str, group: int, batch: Array, context_tok: float,
    c: ServingCoefficients,
) -> Array:  # fmt: skip
    """Seconds of one decode step of a batch on a group, (len(batch),).

    Sum of weights and caches read over the group's bandwidth, matrix work over its peak, expert dispatch over the
    scale-up links and a fixed time per layer (kernels, collectives, scheduler). Origin: roofline of Pope et al. 2022
    (arXiv:2211.05102) sec. 2, with the parts added instead of the largest taken. Validity: batches 1 to 16k.
    """
    peak, at = chip.peak(precision)
    reads = np.array([model.weights_read_bytes(at, b) for b in batch])
    reads = reads + batch * context_tok * kv_bytes(model, precision)
    routed = batch * _routed_values(model)
    reads = reads + routed * c.decode_moe_bytes
    return np.asarray(
        reads / (group * chip.memory_bytes_per_s * c.bandwidth_efficiency_frac)
        + batch * model.decode_flop_per_tok(context_tok) / (group * peak * c.decode_efficiency_frac)
        + c.dispatch_multiple * routed * 2 * (group > 1) / (group * chip.scale_up_bytes_per_s)
        + c.layer_s * model.layers
    )


def _routed_values(model: ModelSpec) -> float:
    """Hidden values that one token sends to experts over all layers."""
    visits = model.experts_active + model.experts_shared if model.is_moe else 0
    return float(model.moe_layers * model.hidden * visits)


def kv_bytes(model: ModelSpec, precision: str) -> float:
    """Cache bytes per token: 8 bit where weights are 8 bit or fewer."""
    return model.kv_bytes_per_tok("bf16" if precision == "bf16" else "fp8")


def serve(model: ModelSpec, chip: Accelerator, work: Work, c: ServingCoefficients) -> Served:
    """Best steady state over groups and batches within memory and limits.

    A group of accelerators is prefill or decode at any time; time is shared so that both keep pace, so the blended
    rate per accelerator is (prompt + output) / (computed prompt / prefill rate + output / decode rate).
    Raises ComputeError naming the limit that binds and the nearest feasible value.
    """
    context = work.prompt_tok + work.output_tok / 2
    fitting = [g for g in _GROUPS if g <= max(chip.scale_up_accelerators, 1) and _room(model, chip, work, g, c) > 0]
    if not fitting:
        need = model.weight_bytes(chip.peak(work.precision)[1]) / (chip.memory_bytes * c.memory_use_frac)
        raise ComputeError(
            f"{model.name} at {work.precision} needs {need:,.1f} {chip.name} of memory for its weights, "
            f"the scale-up domain has {chip.scale_up_accelerators}; choose a lower precision or a larger domain"
        )
    best: Served | None = None
    fastest_tpot, fastest_ttft = np.inf, np.inf
    for group in fitting:
        prefill_rate, ttft = _prefill(model, chip, work, group, c)
        batches = _BATCHES[_BATCHES * context * kv_bytes(model, work.precision) <= _room(model, chip, work, group, c)]
        if not len(batches):
            continue
        step = decode_step_s(model, chip, work.precision, group, batches, context, c)
        fastest_tpot, fastest_ttft = min(fastest_tpot, float(step.min())), min(fastest_ttft, ttft)
        allowed = (step <= work.tpot_limit_s) & (ttft <= work.ttft_limit_s)
        if not allowed.any():
            continue
        rate = np.where(allowed, batches / step / group, 0.0)
        i = int(np.argmax(rate))
        computed = work.prompt_tok * (1 - work.prefix_cache_frac)
        prefill_s, decode_s = computed / prefill_rate, work.output_tok / rate[i]
        blended = (work.prompt_tok + work.output_tok) / (prefill_s + decode_s)
        if best is None or blended > best.blended_tok_per_s:
            share = prefill_s / (prefill_s + decode_s)
            best = Served(
                group, float(batches[i]), prefill_rate, float(rate[i]), ttft, float(step[i]), float(blended), share
            )
    if best is None:
        raise ComputeError(
            f"{model.name} on {chip.name}: limits TTFT {work.ttft_limit_s:g} s and TPOT {work.tpot_limit_s:g} s cannot "
            f"be met; the fastest are TTFT {fastest_ttft:.3g} s and TPOT {fastest_tpot:.3g} s"
        )
    return best


def _room(model: ModelSpec, chip: Accelerator, work: Work, group: int, c: ServingCoefficients) -> float:
    weights = model.weight_bytes(chip.peak(work.precision)[1])
    return group * chip.memory_bytes * c.memory_use_frac - weights


def _prefill(
    model: ModelSpec, chip: Accelerator, work: Work, group: int, c: ServingCoefficients
) -> tuple[float, float]:
    """Computed prompt tokens per second and accelerator, and seconds to the first token of a lone request."""
    peak, _ = chip.peak(work.precision)
    computed = max(work.prompt_tok * (1 - work.prefix_cache_frac), 1.0)
    # A computed token also attends to the cached part of its prompt.
    flop = model.forward_flop_per_tok(work.prompt_tok * (1 + work.prefix_cache_frac) / 2)
    routed = _routed_values(model)
    per_tok = (
        flop / (peak * c.prefill_efficiency_frac)
        + routed * c.prefill_moe_bytes / (chip.memory_bytes_per_s * c.bandwidth_efficiency_frac)
        + c.dispatch_multiple * routed * 2 * (group > 1) / chip.scale_up_bytes_per_s
    )
    return 1.0 / per_tok, computed * per_tok / group + c.layer_s * model.layers
