"""Failures drawn at random: checks the closed form of goodput and carries laws that have none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma

from kiban.compute.checkpoints import CheckpointCost
from kiban.compute.goodput import SECONDS_PER_YEAR

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Array]
"""Draws so many gaps between failures, in seconds."""
_BLOCK = 1 << 18
_BURN_IN = 8
"""Mean lives of a node that pass before failures count, so that not all nodes are new at once."""


@dataclass(frozen=True)
class SimulatedGoodput:
    """Mean share of useful time, its standard error, and how many durable intervals and failures stand behind it."""

    useful_frac: float
    standard_error: float
    segments: float
    failures: int


def exponential(mean_s: float) -> Draw:
    """Gaps without memory: the law of the closed form."""
    return lambda rng, n: rng.exponential(mean_s, n)


def weibull(mean_s: float, shape: float) -> Draw:
    """Weibull gaps; a shape below 1 clusters failures, above 1 spreads them."""
    scale = mean_s / float(gamma(1 + 1 / shape))
    return lambda rng, n: scale * rng.weibull(shape, n)


def gamma_gaps(mean_s: float, shape: float) -> Draw:
    """Gamma gaps; shape as for Weibull."""
    return lambda rng, n: rng.gamma(shape, mean_s / shape, n)


def durable_intervals(gap_s: Array, interval_s: float, checkpoint: CheckpointCost, restart_s: float) -> Array:
    """Intervals that become durable in each gap between failures.

    Arguments: gap_s, any shape, from one failure to the next; work between checkpoints; cost of a checkpoint;
    restart_s in full. Result: whole numbers, same shape. A failure within the restart leaves none; one while a
    checkpoint is written or still on its way to storage loses that checkpoint.
    """
    ready = gap_s - (restart_s + checkpoint.durable_lag_s)
    ready /= interval_s + checkpoint.save_s
    np.floor(ready, out=ready)
    return np.maximum(ready, 0.0, out=ready)


def simulate(
    rng: np.random.Generator,
    draw: Draw,
    failures: int,
    interval_s: float,
    checkpoint: CheckpointCost,
    restart_s: float,
) -> SimulatedGoodput:
    """Run one job through so many failures.

    Arguments: rng; law of the gaps between failures of the whole job; number of failures; times as in
    ``durable_intervals``. Result: goodput as total work over total time, with the standard error of that ratio
    (delta method), which needs independent gaps.
    """
    sums = np.zeros(5)
    for start in range(0, failures, _BLOCK):
        gap = draw(rng, min(_BLOCK, failures - start))
        done = durable_intervals(gap, interval_s, checkpoint, restart_s)
        sums += (gap.sum(), done.sum(), gap @ gap, done @ done, gap @ done)
    return _ratio(sums, failures, interval_s)


def simulate_nodes(
    rng: np.random.Generator,
    draw_node: Draw,
    mean_node_s: float,
    nodes: int,
    horizon_s: float,
    interval_s: float,
    checkpoint: CheckpointCost,
    restart_s: float,
) -> SimulatedGoodput:
    """Run one job on nodes of which each has its own clock of failures.

    Arguments: draw_node, law of the gaps of one node; mean_node_s, its mean; number of nodes; span of time that counts,
    after a burn-in of eight mean lives; the rest as in ``simulate``. A mended node counts as new. The gaps of the job
    are those of all nodes laid over one another, nearly without memory for many nodes (Palm-Khintchine).
    """
    start = _BURN_IN * mean_node_s
    end = start + horizon_s
    lives = int(end / mean_node_s * 1.2 + 10 * np.sqrt(end / mean_node_s) + 20)
    times: list[Array] = []
    for first in range(0, nodes, max(1, _BLOCK // lives)):
        count = min(max(1, _BLOCK // lives), nodes - first)
        when = np.cumsum(draw_node(rng, count * lives).reshape(count, lives), axis=1)
        while (when[:, -1] < end).any():
            more = np.cumsum(draw_node(rng, count * lives).reshape(count, lives), axis=1)
            when = np.concatenate([when, when[:, -1:] + more], axis=1)
        times.append(when[(when >= start) & (when < end)])
    gap = np.diff(np.sort(np.concatenate(times)))
    done = durable_intervals(gap, interval_s, checkpoint, restart_s)
    sums = np.array([gap.sum(), done.sum(), gap @ gap, done @ done, gap @ done])
    return _ratio(sums, len(gap), interval_s)


def goodput_years(
    rng: np.random.Generator,
    failures_per_s: float,
    interval_s: float,
    checkpoint: CheckpointCost,
    restart_s: float,
    replications: int,
    years: float = 1.0,
) -> Array:
    """Goodput of each of many years of a job with failures without memory.

    Arguments: rng; failure rate of the job; times as in ``simulate``; number of replications; years each lasts.
    Result: (replications,), for percentiles of a year. A year has a Poisson number of failures at uniform times.
    """
    horizon = years * SECONDS_PER_YEAR
    counts = rng.poisson(failures_per_s * horizon, replications)
    out = np.empty(replications)
    for i, count in enumerate(counts):
        # Uniform order statistics by exponential spacings: no sort.
        spacing = rng.exponential(1.0, count + 1)
        gap = spacing * (horizon / spacing.sum())
        done = durable_intervals(gap, interval_s, checkpoint, restart_s).sum()
        out[i] = interval_s * done / horizon
    return out


def _ratio(sums: Array, n: int, interval_s: float) -> SimulatedGoodput:
    """Ratio of means and its error from sums of x, y, x2, y2, xy over n gaps."""
    x, y, xx, yy, xy = sums / n
    ratio = y / x
    spread = max((yy - 2 * ratio * xy + ratio * ratio * xx), 0.0)
    error = float(np.sqrt(spread / n)) / x
    return SimulatedGoodput(float(interval_s * ratio), interval_s * error, float(sums[1]), n)
