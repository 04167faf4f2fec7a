"""How long a fleet trains a number of tokens, interruptions included."""

from __future__ import annotations

from dataclasses import dataclass

from kiban.compute.train.layouts import Job


@dataclass(frozen=True)
class Campaign:
    """One training run from first to last token."""

    steps: float
    busy_s: float
    """Time of the steps alone."""
    calendar_s: float
    """With checkpoints, lost work, restarts and waiting."""
    accelerator_h: float
    """Calendar time of all accelerators of the job."""


def train_tokens(
    tokens_tok: float, job: Job, step_s: float, goodput_frac: float, production_frac: float = 1.0
) -> Campaign:
    """Time to train ``tokens_tok`` tokens.

    Arguments: tokens; job (accelerators, batch, sequence); seconds of one step; share of calendar time that is useful
    work (``compute.goodput.job_goodput_frac``); speed in production against the benchmark's, for unbalanced experts,
    data loading and evaluation.
    Result: steps, busy and calendar time, accelerator-hours. Errors: ValueError names what is not above 0, or above 1.
    Equation: steps = tokens / (batch x sequence); calendar = steps x step / (goodput x production share).
    """
    shares = {"goodput_frac": goodput_frac, "production_frac": production_frac}
    faults = [
        f"{name} is {value:g}; allowed: above 0, at most 1" for name, value in shares.items() if not 0 < value <= 1
    ]
    faults += [
        f"{name} is {value:g}; allowed: above 0"
        for name, value in (("tokens_tok", tokens_tok), ("step_s", step_s))
        if not value > 0
    ]
    if faults:
        raise ValueError("; ".join(faults))
    steps = tokens_tok / (job.global_batch * job.sequence_tok)
    busy = steps * step_s
    calendar = busy / (goodput_frac * production_frac)
    return Campaign(steps, busy, calendar, calendar * job.accelerators / 3600.0)
