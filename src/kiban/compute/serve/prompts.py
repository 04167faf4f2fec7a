"""The queue of prompts of a serving engine, how it stretches decoding, and quantiles of the time to first token."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.compute.serve.decoding import Decoding
from kiban.compute.serve.iteration import IterationCost
from kiban.compute.serve.load import Load
from kiban.compute.serve.simulate import Policy

Array = NDArray[np.float64]

QUANTILES = (0.5, 0.9, 0.99)


@dataclass(frozen=True)
class Prompts:
    """The queue for prompt tokens; arrays (points,) or (points, groups)."""

    first_s: Array
    """Mean seconds to the first token once seats are free."""
    wait_s: Array
    busy: Array
    """Share of time with prompts."""
    burst: Array
    """Requests that come at once, so that gaps of batches at Poisson times have the scv: (scv + 1) / 2, at least 1."""
    found: Array
    """Chance to find prompts ahead: all but the first of a burst do."""
    service_s: Array
    """Mean seconds of a prompt with the decoding beside it."""
    iterations: Array
    """Mean iterations of a prompt in which others decode; 0 where decoding pauses for prompts."""
    own_s: Array
    """Seconds after the wait by group of prompts, (points, groups)."""
    rest_s: Array
    """Mean rest of the iteration without prompts that an arrival meets."""


def prompt_moments_s(cost: IterationCost, load: Load, policy: Policy) -> tuple[float, float]:
    """Mean and mean square of the seconds on the prompt of a request, E[W] and E[W^2]."""
    if policy.mode == "decode":
        return 0.0, 0.0
    work = load.computed_tok * cost.prefill_tok_s + load.pairs * cost.prefill_pair_s
    if policy.mode == "prefill":
        # An iteration lasts the floor at least; prompts shorter than the budget share it.
        work = np.maximum(work, cost.floor_s * np.minimum(load.computed_tok / policy.budget_tok, 1.0))
    return float(work.mean()), float((work**2).mean())


def prompt_queue(
    cost: IterationCost, load: Load, policy: Policy, rate: Array, decoding: Decoding, scv: Array
) -> Prompts:
    """The queue of prompts, and what stands between an arrival and its first token."""
    step_s, zero = decoding.step_s, np.zeros_like(rate)
    if policy.mode == "decode":
        half = step_s / 2
        return Prompts(half, zero, zero, zero + 1, zero, zero, zero, np.zeros((len(rate), 1)), half)
    share, tokens, pairs = load.prompt_groups
    rides = policy.order == "chunked" and policy.mode == "aggregated"
    beside = (step_s if rides else zero)[:, None]
    chunk = np.maximum(policy.budget_tok - (decoding.batch if rides else zero), 1.0)[:, None]
    work = (tokens * cost.prefill_tok_s + pairs * cost.prefill_pair_s)[None, :]
    parts = tokens / chunk
    alone = np.ceil(parts)
    own = np.maximum(work + alone * beside, alone * cost.floor_s)
    rho, service, iterations = zero, own, alone
    # Waiting prompts share iterations: the busier the queue, the nearer to the fractional count.
    for _ in range(3):
        free = 1 - rho[:, None]
        iterations = free * alone + (1 - free) * parts
        service = free * own + (1 - free) * (work + parts * beside)
        rho = np.minimum(rate * (service @ share), 0.999)
    mean = service @ share
    cs2 = ((service**2) @ share) / mean**2 - 1
    wait = rho / (1 - rho) * (scv + cs2) / 2 * mean
    rest = (1 - rho) * step_s / 2
    # The last iteration also carries prompts that came behind, as far as its budget goes.
    tok_s = (work @ share) / (tokens @ share)
    behind = (rate * (work @ share) * (rest + wait / (1 + rho)))[:, None]
    own = own + np.minimum(behind, (alone - parts) * chunk * tok_s[:, None])
    burst = np.maximum((scv + 1) / 2, 1.0)
    return Prompts(
        rest + wait + own @ share, wait, rho, burst, 1 - (1 - rho) / burst, mean, rides * (iterations @ share),
        own, rest,
    )  # fmt: skip


def stretched(load: Load, rate: Array, prefill: Array, decoding: Decoding, prompts: Prompts) -> tuple[Array, Array]:
    """How much prompts stretch decoding, and the mean time per token, (points,).

    Prompts come in busy spells: a step lasts S / u in a spell (service over iterations of a prompt) and s outside.
    With bursts of k requests, spells in the clock of steps end at rate (1 - rho) / (u k) and begin at rate
    lambda s / k; a request begins in a spell with chance 1 - (1 - rho) / k (what a departure leaves behind), so x
    steps last x s / (1 - lambda E[W]) plus a transient of that two-state chain. Long answers feel the mean rate,
    short ones live inside one spell.
    """
    if load.mean_steps == 0:
        return np.ones_like(rate), np.full_like(rate, np.nan)
    met = np.maximum(decoding.step_s / np.maximum(-np.expm1(-decoding.batch), 1e-9), 1e-12)
    level = decoding.batch / (rate * load.mean_steps)
    share, steps = load.step_groups
    plain = 1 / (1 - prefill)
    inside = np.maximum(prompts.service_s / np.maximum(prompts.iterations, 1e-6), met)
    ends = (1 - prompts.busy) / np.maximum(prompts.iterations, 1e-6) / prompts.burst
    begins = rate * met / prompts.burst
    clock = np.maximum(ends + begins, 1e-12)
    extra = np.maximum(prompts.found - begins / clock, 0.0) * (inside - met) / clock / met
    rise = -np.expm1(-clock[:, None] * steps)
    stretch = plain + extra * (rise @ share) / (steps @ share)
    mean = plain + extra * ((rise / steps) @ share)
    return stretch, level * mean / stretch * load.steps_per_gap


def first_token_quantiles(load: Load, prompts: Prompts, decoding: Decoding, seat_wait: Array) -> Array:
    """P50, P90, P99 of rest + own service + wait, (points, 3).

    The wait is 0, or exponential for prompts ahead, or exponential (and longer) for a seat. The rest of an iteration
    is uniform: two points stand for it.
    """
    share = load.prompt_groups[0] if prompts.own_s.shape[1] > 1 else np.ones(1)
    own = np.concatenate([prompts.own_s + (f * prompts.rest_s)[:, None] for f in (0.5, 1.5)], axis=1)
    weight = np.concatenate([share, share]) / 2
    crowded, busy = np.clip(decoding.crowded, 1e-12, 1.0), np.clip((1 - decoding.crowded) * prompts.found, 1e-12, 1.0)
    seat_rate = crowded / np.maximum(seat_wait, 1e-12)
    prompt_rate = np.maximum(prompts.found, 1e-12) / np.maximum(prompts.wait_s, 1e-12)
    tails = 1 - np.array(QUANTILES)
    low = np.repeat(own.min(axis=1)[:, None], len(QUANTILES), axis=1)
    longest = np.maximum(np.log(2 * crowded[:, None] / tails) / seat_rate[:, None], 0.0)
    longest = np.maximum(longest, np.log(2 * busy[:, None] / tails) / prompt_rate[:, None])
    high = own.max(axis=1)[:, None] + longest
    shape = (slice(None), None, None)
    for _ in range(20):
        mid = (low + high) / 2
        over = mid[:, :, None] - own[:, None, :]
        late = np.maximum(over, 0.0)
        above = crowded[shape] * np.exp(-seat_rate[shape] * late) + busy[shape] * np.exp(-prompt_rate[shape] * late)
        higher = np.where(over < 0, 1.0, above) @ weight > tails
        low, high = np.where(higher, mid, low), np.where(higher, high, mid)
    return np.asarray(np.maximum.accumulate((low + high) / 2, axis=1))
