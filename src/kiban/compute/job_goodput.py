"""Where the time of one large job goes: useful work, checkpoints, lost work, restarts, spares, slow nodes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from kiban.compute.checkpoints import CheckpointCost
from kiban.compute.goodput import SECONDS_PER_YEAR, best_interval_s
from kiban.compute.recovery import Recovery
from kiban.compute.spares import waiting_frac


@dataclass(frozen=True)
class SparePool:
    """Spare nodes of one job. ``nodes`` are what it needs."""

    nodes: int
    spares: int
    repair_s: float
    powered: bool = True


@dataclass(frozen=True)
class GoodputBreakdown:
    """Shares of calendar time; they sum to 1."""

    useful_frac: float
    checkpoint_frac: float
    lost_work_frac: float
    restart_frac: float
    waiting_frac: float
    slow_frac: float
    interval_s: float
    """Work between checkpoints."""
    failures_per_day: float
    """While the job runs or restarts."""

    @property
    def total_frac(self) -> float:
        """Sum of the shares, 1 but for rounding."""
        return (
            self.useful_frac
            + self.checkpoint_frac
            + self.lost_work_frac
            + self.restart_frac
            + self.waiting_frac
            + self.slow_frac
        )


def job_goodput(
    failures_per_s: float,
    checkpoint: CheckpointCost,
    recovery: Recovery,
    pool: SparePool | None = None,
    slow_loss_frac: float = 0.0,
    interval_s: float | None = None,
) -> GoodputBreakdown:
    """Split the time of a job.

    Arguments: failures_per_s of the whole job; cost of a checkpoint; how the job recovers (the checkpoint's load time
    comes on top); pool of spares, None for one that never runs dry; share of speed lost to slow nodes; interval
    between checkpoints, None for the best one, which is never shorter than the write that it must wait for.
    Raises ValueError if a write takes longer than the given interval and its stop.

    Equations: per durable interval tau the job runs U = exp(L w)/L (exp(L c) - 1) seconds with c = tau + s, fails L U
    times and restarts for (exp(L R) - 1)/L each time, failures within restarts included; lost work is U - c. Waiting
    for spares and slow nodes thin all that out. Source: ``goodput.expected_segment_s``, taken apart here.
    """
    tau = _interval_s(failures_per_s, checkpoint, interval_s)
    span = tau + checkpoint.save_s
    restart_s = recovery.mean_restart_s(checkpoint.load_s)
    rate = failures_per_s
    if rate * span < 1e-12:
        running, restarts = span, 0.0
    else:
        running = math.exp(rate * checkpoint.durable_lag_s) * math.expm1(rate * span) / rate
        restarts = running * math.expm1(rate * restart_s)
    wait = 0.0
    if pool is not None:
        removals = rate * recovery.removal_frac / pool.nodes
        wait = waiting_frac(pool.nodes, pool.spares, removals, pool.repair_s, pool.powered)
    share = (1 - wait) / (running + restarts)
    useful = tau * share
    return GoodputBreakdown(
        useful_frac=useful * (1 - slow_loss_frac),
        checkpoint_frac=checkpoint.save_s * share,
        lost_work_frac=(running - span) * share,
        restart_frac=restarts * share,
        waiting_frac=wait,
        slow_frac=useful * slow_loss_frac,
        interval_s=tau,
        failures_per_day=rate * 86400,
    )


def failures_per_s(accelerators: float, interrupts_per_accelerator_year: float) -> float:
    """Failure rate of a job whose accelerators fail independently."""
    return accelerators * interrupts_per_accelerator_year / SECONDS_PER_YEAR


def mean_time_to_failure_h(nodes: float, failures_per_1000_node_days: float) -> float:
    """Mean time between failures of a job on ``nodes`` nodes, in hours: 24 / (N r); independent nodes in series.

    The law of Meta's projection (Kokolis et al., HPCA 2025, arXiv:2410.21680).
    """
    return 24.0 / (nodes * failures_per_1000_node_days / 1e3)


def _interval_s(rate: float, checkpoint: CheckpointCost, given: float | None) -> float:
    shortest = checkpoint.durable_lag_s - checkpoint.save_s
    if given is None:
        best = best_interval_s(checkpoint.save_s, rate)
        # A job that never fails needs no checkpoint; a year stands for that.
        return max(min(best, SECONDS_PER_YEAR), shortest)
    if given < shortest:
        raise ValueError(f"interval_s is {given:g}; writing a checkpoint takes {shortest:g} s beyond its stop")
    return given
