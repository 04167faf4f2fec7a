"""What one accelerator of a large training job does: the fastest layout of a job of like size and batch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kiban.catalog import Catalog
from kiban.compute.arithmetic import ModelSpec
from kiban.compute.hardware import Accelerator
from kiban.compute.model import Z90, Rate, with_interval
from kiban.compute.train.job import build_setting, search_job
from kiban.compute.train.layouts import Job
from kiban.compute.train.pareto import take
from kiban.compute.train.wording import layout_words


@dataclass(frozen=True)
class TrainedAtScale:
    """Rates per accelerator."""

    flop_per_s: Rate
    """Model FLOP per second in production."""
    benchmark_mfu_frac: float
    """Of the dense peak at the job's precision."""
    layout: str
    situation: str
    """What was measured of model and chip, see ``Fitted.situation``."""
    step_s: float
    """Of a benchmark."""
    pause_frac: float
    """Share of the step in which all machines wait together, see ``StepTime.pause_s``."""


def even_job(accelerators: float, batch_tok: float, sequence_tok: int, precision: str) -> Job:
    """A job that cuts well, with as many tokens per accelerator as asked.

    Args: accelerators and tokens per step as asked. Result: the largest power of two of accelerators, and a batch of
    few odd factors (within a sixteenth of the ratio), at least one sequence.
    """
    count = 2 ** int(math.log2(max(accelerators, 1.0)))
    sequences = batch_tok / sequence_tok * count / max(accelerators, 1.0)
    grain = 2 ** max(int(math.log2(max(sequences, 1.0))) - 3, 0)
    return Job(count, max(round(sequences / grain), 1) * grain, sequence_tok, precision)


def train_at_scale(catalog: Catalog, model: ModelSpec, chip: Accelerator, job: Job) -> TrainedAtScale:
    """Search the layouts of a job and rate the fastest.

    Result: production rate = benchmark x ``compute.training.production_frac``, P10 and P90 by the held-out error of the
    fit and the spread of that share. Raises ComputeError with the limit that binds.
    """
    setting = build_setting(catalog, model, chip, job)
    best = search_job(setting, 1).best
    cut = take(best.layouts, np.array([0]))
    tok_per_s = float(setting.rate(best.step_s[:1])[0])
    flop = model.training_flop_per_tok(job.sequence_tok)
    rate = with_interval(
        tok_per_s * flop, catalog.range("compute.training.production_frac"), setting.timing.half80_log / Z90
    )
    return TrainedAtScale(
        rate, float(setting.mfu(best.step_s[:1])[0]), layout_words(cut, 0), setting.timing.situation,
        float(best.step_s[0]), float(setting.timing.pause_frac(cut)[0]),
    )  # fmt: skip
