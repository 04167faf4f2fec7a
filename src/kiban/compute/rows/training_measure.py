"""What a training row measures, as seconds of one step, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from kiban.catalog import Catalog
from kiban.compute.arithmetic import ModelSpec
from kiban.compute.reported_flop import megatron_flop_per_tok
from kiban.compute.rows.training_request import Request
from kiban.compute.train.layouts import FULL

Row = Mapping[str, str]

LORA_FLOP = 4.0
"""Per frozen weight and token: no gradients of their own, forward and one of two backward products remain.

Megatron-Bridge's pairs of rates leave attention out of this count (within 0.4 %)."""


def counted_flop_per_tok(request: Request, row: Row) -> float:
    """Model FLOP per token as the row's source counts them."""
    model, sequence = request.model, float(request.job.sequence_tok)
    if request.lora:
        return LORA_FLOP * model.matrix_params_active
    if request.framework == "megatron":
        return megatron_flop_per_tok(model, sequence, request.mtp, release_of(request.year))
    flop = model.training_flop_per_tok(sequence)
    if request.framework == "papers" and model.position_table_tok:
        flop += 6.0 * model.layers * model.heads * model.head_dim * sequence
    return flop


def release_of(year: float) -> float:
    """Release of NeMo as year.month (25.11) from the year of its software (2025.9), to the month."""
    whole = int(year)
    return whole - 2000 + (min(int((year - whole) * 12 + 1e-6), 11) + 1) / 100


def hardware_flop_per_tok(request: Request, row: Row) -> float:
    """FLOP per token that the chip computes, recomputation included."""
    flop = counted_flop_per_tok(request, row)
    how = int(request.layouts.recompute[0])
    if how == FULL:
        head = 6.0 * request.model.vocab * request.model.hidden
        return (flop - head) * 4.0 / 3.0 + head
    if "selective" in row["config"]:
        return (
            flop
            + 2.0 * request.model.layers * request.model.heads * request.model.head_dim * 2 * request.job.sequence_tok
        )
    return flop


def samples_to_target(catalog: Catalog, model: ModelSpec, batch: int) -> tuple[float, float] | None:
    """Samples that a benchmark run needs, and the spread of its logarithm; None where no run is published.

    Reference convergence points by batch, straight lines between them in the logarithms of both, and the outermost two
    carried on beyond them.
    """
    start = f"mlperf.{model.name}.batch_"
    points = []
    for key in catalog.keys(start):
        value = catalog.value(key)
        points.append((float(key[len(start) :].split(".")[0]), value))
    if not points:
        return None
    x, y = np.log(sorted(points)).T
    at = np.log(batch)
    place = int(np.clip(np.searchsorted(x, at), 1, len(x) - 1))
    slope = (y[place] - y[place - 1]) / (x[place] - x[place - 1])
    if at < x[0]:
        return float(np.exp(y[0])), 0.05
    return float(np.exp(y[place - 1] + slope * (at - x[place - 1]))), 0.05


RATE = ("throughput_per_gpu", "throughput")
FLOPS = ("model_flops_per_gpu", "achieved_flops_per_gpu", "achieved_flops_per_gpu_best", "aggregate_flops")
SHARES = ("MFU", "HFU", "peak_fraction")
TIMES = ("iteration_time", "step_time")


def value_of(row: Row, request: Request, catalog: Catalog, step_s: float) -> float | str:
    """The row's metric, in its unit, for a step of so many seconds; a sentence where something is missing."""
    metric, unit = row["metric"], row["unit"].lower()
    tokens = request.job.global_batch * request.job.sequence_tok
    if metric in RATE:
        counted = request.job.global_batch if re.match(r"samples|sequences", unit) else tokens
        each = metric == "throughput_per_gpu" or re.search(r"/\s*(gpu|chip|accelerator)\b", unit)
        return counted / step_s / (request.job.accelerators if each else 1)
    if metric in TIMES:
        return step_s / _seconds(unit, 1.0)
    rate = tokens / step_s / request.job.accelerators
    whole = "incl. recompute" in unit or metric == "HFU" or "hardware flop" in unit or metric == "aggregate_flops"
    flop = (
        hardware_flop_per_tok(request, row)
        if whole or metric == "peak_fraction"
        else counted_flop_per_tok(request, row)
    )
    if metric == "aggregate_flops":
        return rate * flop * request.job.accelerators / _prefix(unit)
    if metric in FLOPS:
        return rate * flop / _prefix(unit)
    if metric in SHARES:
        stated = re.search(r"of ([0-9.]+)", unit)
        peak = float(stated.group(1)) * 1e12 if stated else request.chip.peak("bf16")[0]
        if not peak > 0:
            return f"the unit '{row['unit']}' names a peak of 0"
        return (100.0 if "%" in unit else 1.0) * rate * flop / peak
    if metric == "time_to_train":
        samples = samples_to_target(catalog, request.model, request.job.global_batch)
        if samples is None:
            return f"no published convergence points for {request.model.name}: the row needs its tokens"
        return samples[0] / request.job.global_batch * step_s / _seconds(unit, 60.0)
    if metric == "gpu_hours":
        trained = trained_tok(row)
        return "the row names no number of tokens" if trained is None else trained / rate / 3600.0
    known = ", ".join((*RATE, *FLOPS, *SHARES, *TIMES, "time_to_train", "gpu_hours"))
    return f"metric '{metric}' of training is not known; known: {known}"


def trained_tok(row: Row) -> float | None:
    """Tokens of a whole run, as in ``366B tokens`` or ``tokens=14.8T``; the last number where several stand."""
    text = row["config"]
    found = re.findall(r"([0-9.]+)\s*([BT]) ?tokens", text)
    if not found and "tokens=" in text:
        found = re.findall(r"([0-9.]+)([BT])\b(?!:)", text.split("tokens=", maxsplit=1)[1])
    return float(found[-1][0]) * {"B": 1e9, "T": 1e12}[found[-1][1]] if found else None


def step_s_of(row: Row, request: Request, catalog: Catalog) -> float | None:
    """Seconds of the measured step, or None where the row does not tell; all metrics are powers of the step."""
    try:
        value = float(row["value"])
    except ValueError:
        return None
    if request.open_count and row["metric"] in TIMES:
        return None
    at_one = value_of(row, request, catalog, 1.0)
    if isinstance(at_one, str) or value <= 0:
        return None
    grows = row["metric"] in (*TIMES, "time_to_train", "gpu_hours")
    return value / at_one if grows else at_one / value


def _prefix(unit: str) -> float:
    """FLOP/s of a unit such as ``TFLOP/s/GPU``; tera where none is said."""
    found = re.match(r"([gtpe]?)flop", unit)
    return {"g": 1e9, "t": 1e12, "p": 1e15, "e": 1e18, "": 1.0}[found.group(1)] if found else 1e12


def _seconds(unit: str, otherwise: float) -> float:
    """Seconds of a unit of time."""
    found = re.match(r"(ms|milli|s\b|sec|min|h\b|hour|day)", unit)
    known = {"ms": 1e-3, "milli": 1e-3, "s": 1.0, "sec": 1.0, "min": 60.0, "h": 3600.0, "hour": 3600.0, "day": 86400.0}
    return known[found.group(1)] if found else otherwise
