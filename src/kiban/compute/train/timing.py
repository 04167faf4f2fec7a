"""The fitted time model bound to one job, as the search and the doors use it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.compute.arithmetic import ModelSpec
from kiban.compute.hardware import Accelerator
from kiban.compute.train.fitted import Fitted, coefficients_for, load_fitted, usual_effects
from kiban.compute.train.layouts import Job, Layouts
from kiban.compute.train.step import StepTime, step_time

Array = NDArray[np.float64]

PARTS = {
    "compute": "compute_s",
    "memory traffic": "memory_s",
    "exposed network": "network_s",
    "launch": "launch_s",
    "pipeline bubble": "bubble_s",
}
"""Words for the causes of ``StepTime``."""


@dataclass(frozen=True)
class Timing:
    """How to time layouts of one job, and how far such times miss."""

    step: Callable[[Layouts], StepTime]
    half80_log: float
    """Half width of the 80 % interval of the logarithm of the rate."""
    situation: str
    """What was measured of model and chip, see ``Fitted.situation``."""

    def total_s(self, cut: Layouts) -> Array:
        """Seconds of one step, (n,)."""
        return self.step(cut).total_s

    def parts_s(self, cut: Layouts) -> dict[str, Array]:
        """Seconds of one step by cause, (n,) each."""
        step = self.step(cut)
        return {word: np.asarray(getattr(step, name)) for word, name in PARTS.items()}

    def pause_frac(self, cut: Layouts) -> Array:
        """Share of a step in which all machines wait together, (n,)."""
        step = self.step(cut)
        return np.asarray(step.pause_s / step.total_s)

    def interval(self, value: float) -> tuple[float, float, float]:
        """P10, P50, P90 of a rate."""
        return value * math.exp(-self.half80_log), value, value * math.exp(self.half80_log)


def bind_timing(
    catalog: Catalog, model: ModelSpec, chip: Accelerator, job: Job, strengths: dict[str, float] | None = None
) -> Timing:
    """Bind the fit to a job.

    Args: catalogue; model; chip; job; effects of the run (default: the newest usual program of the chip, at the
    precision that the chip really has). Errors: CatalogKeyError where the fit lacks a row.
    """
    fitted: Fitted = load_fitted(catalog)
    runs_at = chip.peak(job.precision)[1]
    c = coefficients_for(fitted, strengths or usual_effects(model, chip, runs_at))
    kind = _kind(fitted, model, chip)
    situation = fitted.situation(kind, model.name, chip.name, chip.family)
    return Timing(lambda cut: step_time(model, chip, job, cut, c), fitted.half80_log[f"{kind}_{situation}"], situation)


def _kind(fitted: Fitted, model: ModelSpec, chip: Accelerator) -> str:
    """Whose misses count: runs of experts, by Megatron-Bridge, or by others where only they measured the chip."""
    if model.is_moe:
        return "moe"
    runs = [pair.split(" ") for pair in fitted.pairs]
    on_chip = {run[0] for run in runs if run[-1] == chip.name}
    return "other" if chip.family == "tpu" or (on_chip and not on_chip & {"moe", "dense"}) else "dense"
