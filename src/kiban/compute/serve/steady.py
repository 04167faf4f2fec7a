"""Open-loop steady state of a serving engine: batch, time per token, queueing time to first token, largest rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.compute.serve.decoding import batch_law, decode_frac, decode_steps
from kiban.compute.serve.iteration import IterationCost
from kiban.compute.serve.load import Load
from kiban.compute.serve.prompts import first_token_quantiles, prompt_moments_s, prompt_queue, stretched
from kiban.compute.serve.simulate import Policy

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Steady:
    """One engine at some arrival rates; arrays (points,). Beyond the largest rate times are infinite."""

    rate_per_s: Array
    max_rate_per_s: Array
    """Largest sustainable rate of requests."""
    ttft_s: Array
    """Mean; in mode ``decode`` the mean wait for a seat."""
    ttft_quantile_s: Array
    """(points, 3): P50, P90, P99."""
    tpot_s: Array
    """Mean over requests of the gap between further tokens; NaN where requests have one token."""
    batch: Array
    """Mean number of decoding requests."""
    prefill_frac: Array
    """Share of time on prompt tokens."""
    decode_frac: Array
    """Share of time on decoding alone; the rest is idle."""
    seats: Array
    """Requests that decode at most: the smallest of policy, cost table and cache."""


def steady(
    cost: IterationCost,
    load: Load,
    rate_per_s: Array | float,
    policy: Policy = Policy(),  # noqa: B008 - frozen
    max_running: Array | NDArray[np.int64] | None = None,
    arrival_scv: Array | float | None = None,
) -> Steady:
    """Steady state at arrival rates.

    Args: cost of an iteration; load; requests per second of one engine, (points,); policy; max_running, (points,),
    in place of the policy's; arrival_scv, (points,), in place of the load's.
    Result: times, batch and shares. Model:

    * Time on prompts is lambda E[W], W = tokens x seconds + pairs x seconds, because costs add up. Decoding is a
      processor sharing queue whose step takes s(b) / (1 - lambda E[W]) with b requests, so the batch has the law
      p(b) ~ product over i <= b of lambda m s(i) / (i (1 - lambda E[W])), m decode steps per request, whatever the
      law of m (insensitivity: Cohen 1979, The multiple phase service network with generalized processor sharing, Acta
      Informatica 12; Kelly 1979, Reversibility and Stochastic Networks, symmetric queues). TPOT = E[b] / (lambda m) x
      steps per token, plus what short answers feel of busy spells of prompts (``stretched``).
    * Beyond the last seat requests wait with the geometric tail of that law (as Erlang C), widened for the burstiness
      of arrivals, the noise of prompts and unequal caches, and multiplied by (1 + scv of steps) / 2 (Allen-Cunneen).
    * Prompts queue first come, first served for iterations that decoding stretches: service S = W + (iterations) s(b).
      Wait = rho / (1 - rho) (arrival scv + scv of S) / 2 E[S] (Pollaczek-Khinchine for Poisson arrivals, Kingman
      otherwise), plus the rest of the decode-only iteration that an arrival meets (server vacations, Fuhrmann and
      Cooper 1985), plus the own service, plus prompts that come behind and share the last iteration.
    * Quantiles: the waits are exponential behind an atom at zero, mixed over groups of own service.

    Validity: stationary arrivals; docs/compute_simulation.md has the error against the simulator.
    """
    if policy.mode == "prefill":
        load = load.first_only
    rate = np.atleast_1d(np.asarray(rate_per_s, dtype=np.float64))
    seats = seats_of(cost, load, policy, max_running, rate)
    scv = np.broadcast_to(np.asarray(load.arrival_scv if arrival_scv is None else arrival_scv, np.float64), rate.shape)
    steps = decode_steps(cost, load)
    work = prompt_moments_s(cost, load, policy)
    most = max_rate(cost, load, policy, seats)
    stable = rate < most
    # Points without a steady state are computed at a tame rate, then told apart at the end.
    safe, held = np.where(stable, rate, np.maximum(0.5 * most, 1e-9)), np.maximum(seats, 1.0)
    prefill = safe * work[0]
    stretch, tpot = 1 / (1 - prefill), np.full_like(safe, np.nan)
    uneven = np.where(seats >= cache_seats(cost, load), load.reserved_scv, 0.0)
    for _ in range(2):
        decoding = batch_law(steps, load, safe * stretch, held, work, scv, uneven)
        prompts = prompt_queue(cost, load, policy, safe, decoding, scv)
        stretch, tpot = stretched(load, safe, prefill, decoding, prompts)
    seat_wait = decoding.queued / safe * (1 + load.steps_scv) / 2
    quantile = first_token_quantiles(load, prompts, decoding, seat_wait)
    ttft = prompts.first_s + seat_wait
    if policy.mode == "decode":
        tpot = tpot + ttft * load.per_gap
    decode = decode_frac(steps, load, safe, prefill, decoding.batch)
    inf = np.inf
    return Steady(
        rate, most, np.where(stable, ttft, inf), np.where(stable[:, None], quantile, inf), np.where(stable, tpot, inf),
        np.where(stable, decoding.batch, seats), np.where(stable, prefill, most * work[0]),
        np.where(stable, decode, 1 - most * work[0]), seats,
    )  # fmt: skip


def seats_of(
    cost: IterationCost, load: Load, policy: Policy, max_running: Array | NDArray[np.int64] | None, like: Array
) -> Array:
    """Requests that decode at once at most, (points,): policy, cost table, cache, and prompts that share the budget."""
    asked = np.broadcast_to(np.asarray(policy.max_running if max_running is None else max_running), like.shape)
    seats = np.minimum(asked, len(cost.decode_s) - 1)
    return np.asarray(np.maximum(np.minimum(seats, cache_seats(cost, load)), 0), dtype=np.float64)


def cache_seats(cost: IterationCost, load: Load) -> float:
    """Requests whose reservations fill the cache, less what a queue's head that does not fit leaves idle."""
    return float(np.floor((cost.kv_capacity_tok - load.reserved_spare_tok) / load.reserved_tok))


def max_rate(cost: IterationCost, load: Load, policy: Policy, seats: Array) -> Array:
    """Largest sustainable requests per second: 1 / (E[W] + m least step seconds per request), (points,).

    With chunks, an iteration has a budget for prompts, so no more than m budget / (n + m) requests decode while all
    iterations are full; a batch above that is never reached.
    """
    steps, m = decode_steps(cost, load), load.mean_steps
    work = prompt_moments_s(cost, load, policy)[0]
    if m == 0:
        return np.where(seats >= 1, 1.0 / max(work, 1e-300), 0.0)
    reach = seats
    if policy.mode == "aggregated" and policy.order == "chunked":
        reach = np.minimum(seats, np.maximum(m * policy.budget_tok / (float(load.computed_tok.mean()) + m), 1.0))
    best = np.interp(reach, np.arange(len(steps.best_s)), steps.best_s)
    return np.where(seats >= 1, 1.0 / (work + m * best), 0.0)
