"""The law of the batch of a serving engine: decoding as one processor that its requests share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.compute.serve.iteration import IterationCost
from kiban.compute.serve.load import Load

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Steps:
    """Decode step without prompts by batch: seconds, and logs of the products of seconds over batch."""

    step_s: Array
    log_product: Array
    best_s: Array
    """Least seconds per token and request of any batch up to this one."""


@dataclass(frozen=True)
class Decoding:
    """Law of the batch; arrays (points,)."""

    batch: Array
    step_s: Array
    """Seconds of a step without prompts, as an arrival meets it (0 where nothing decodes)."""
    queued: Array
    """Mean number waiting for a seat."""
    crowded: Array
    """Chance that all seats are taken."""


def decode_steps(cost: IterationCost, load: Load) -> Steps:
    count = np.arange(len(cost.decode_s))
    step = np.maximum(cost.decode_s + count * load.context_tok * cost.context_s, cost.floor_s)
    step[0] = 0.0
    per = np.maximum(step[1:], 1e-300) / count[1:]
    log_product = np.concatenate([[0.0], np.cumsum(np.log(per))])
    best = np.concatenate([[np.inf], np.minimum.accumulate(per)])
    best[0] = best[1]
    return Steps(step, log_product, best)


def batch_law(
    steps: Steps, load: Load, rate: Array, seats: Array, work: tuple[float, float], scv: Array, uneven: Array
) -> Decoding:
    """Product law of the batch up to the last seat, geometric beyond it."""
    m = load.mean_steps
    if m == 0:
        zero = np.zeros_like(rate)
        return Decoding(zero, zero, zero, zero)
    widest = int(seats.max())
    count = np.arange(widest + 1)
    log_p = steps.log_product[: widest + 1] + count * np.log(rate * m)[:, None]
    log_p[count > seats[:, None]] = -np.inf
    last = seats.astype(np.int64)
    full_s = steps.step_s[last]
    ratio = np.minimum(rate * m * full_s / seats, 1 - 1e-9)
    met_s = steps.step_s[: widest + 1]

    def law(spread: Array) -> tuple[Array, Array, Array, Array]:
        p = np.exp((log_p - log_p.max(axis=1, keepdims=True)) / spread[:, None])
        full = np.take_along_axis(p, last[:, None], axis=1)[:, 0]
        tail = ratio ** (1 / spread)
        beyond = full * tail / (1 - tail)
        total = p.sum(axis=1) + beyond
        return (
            (p @ count + beyond * seats) / total,
            (p @ met_s + beyond * full_s) / total,
            (full + beyond) / total,
            tail,
        )

    batch, met, _, _ = law(np.ones_like(rate))
    _, _, crowded, tail = law(_spread(steps, load, work, batch, scv, last, uneven))
    return Decoding(batch, met, crowded * tail / (1 - tail), crowded)


def _spread(
    steps: Steps,
    load: Load,
    work: tuple[float, float],
    batch: Array,
    scv: Array,
    last: NDArray[np.int64],
    uneven: Array,
) -> Array:
    """How much wider the batch varies than its product law, as a ratio of variances, (points,).

    Adds the burstiness of arrivals (peakedness of an infinite-server queue, (scv + 1) / 2 for exponential service;
    Eckberg 1983), the unequal reservations of cache, and prompts that take time from decoding: per request they bring
    the noise E[W^2] + 2 E[W] d beside 2 d^2 of decoding itself, d the engine time of an answer, as far as a step
    grows with its batch. ``uneven`` is the squared coefficient of variation of the reservations where the cache is
    what limits, (points,).
    """
    at = np.maximum(batch, 1.0)
    step = np.interp(at, np.arange(len(steps.step_s)), steps.step_s)
    answer = load.mean_steps * step / at
    grows = np.clip(1 - steps.step_s[1] / steps.step_s[last], 0.0, 1.0)
    prompts = (work[1] + 2 * work[0] * answer) / (2 * answer**2) * grows
    many = np.minimum(batch / 10, 1.0)
    return np.maximum(1 + many * (prompts + uneven + (scv - 1) / 2), 0.3)


def decode_frac(steps: Steps, load: Load, rate: Array, prefill: Array, batch: Array) -> Array:
    """Share of time on decoding: steps per second times their length, at most what prompts leave."""
    if load.mean_steps == 0:
        return np.zeros_like(rate)
    at = np.maximum(batch / np.maximum(-np.expm1(-batch), 1e-300), 1.0)
    per_tok = np.interp(at, np.arange(len(steps.step_s)), steps.step_s) / at
    return np.minimum(rate * load.mean_steps * per_tok, 1 - prefill)
