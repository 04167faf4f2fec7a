"""Open-loop steady state of a serving engine: batch, time per token, queueing time to first token, largest rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.compute.serve.iteration import IterationCost
from kiban.compute.serve.load import Load
from kiban.compute.serve.simulate import Policy

Array = NDArray[np.float64]

QUANTILES = (0.5, 0.9, 0.99)


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


@dataclass(frozen=True)
class _Decoding:
    """Law of the batch; arrays (points,)."""

    batch: Array
    step_s: Array
    """Seconds of a step without prompts, as an arrival meets it (0 where nothing decodes)."""
    queued: Array
    """Mean number waiting for a seat."""
    crowded: Array
    """Chance that all seats are taken."""


@dataclass(frozen=True)
class _Prompts:
    """The queue for prompt tokens; arrays (points,) or (points, groups)."""

    first_s: Array
    """Mean seconds to the first token once seats are free."""
    wait_s: Array
    busy: Array
    """Chance to find prompts ahead."""
    service_s: Array
    """Mean seconds of a prompt with the decoding beside it."""
    iterations: Array
    """Mean iterations of a prompt."""
    own_s: Array
    """Seconds after the wait by group of prompts, (points, groups)."""
    rest_s: Array
    """Mean rest of the iteration without prompts that an arrival meets."""


@dataclass(frozen=True)
class _Steps:
    """Decode step without prompts by batch: seconds, and logs of the products of seconds over batch."""

    step_s: Array
    log_product: Array
    best_s: Array
    """Least seconds per token and request of any batch up to this one."""


def steady(
    cost: IterationCost,
    load: Load,
    rate_per_s: Array | float,
    policy: Policy = Policy(),  # noqa: B008 - frozen
    max_running: Array | None = None,
    arrival_scv: Array | float | None = None,
) -> Steady:
    """Steady state at arrival rates.

    Args: cost of an iteration; load; requests per second of one engine, (points,); policy; max_running, (points,),
    in place of the policy's; arrival_scv, (points,), in place of the load's.
    Result: times, batch and shares. Model:

    * Time on prompts is lambda E[W], W = tokens x seconds + pairs x seconds, because costs add up. Decoding is a processor
      sharing queue whose step takes s(b) / (1 - lambda E[W]) with b requests, so the batch has the law
      p(b) ~ product over i <= b of lambda m s(i) / (i (1 - lambda E[W])), m decode steps per request, whatever
      the law of m (insensitivity: Cohen 1979, The multiple phase service network with generalized processor sharing,
      Acta Informatica 12; Kelly 1979, Reversibility and Stochastic Networks, section 3.3). TPOT = E[b] / (lambda m) x steps per token.
    * Beyond the last seat requests wait with the geometric tail of that law (as Erlang C), stretched by
      (arrival scv + service scv) / 2 (Allen-Cunneen).
    * Prompts queue first come, first served for iterations that decoding stretches: service S = W + (iterations) s(b).
      Wait = rho / (1 - rho) (arrival scv + scv of S) / 2 E[S] (Pollaczek-Khinchine for Poisson arrivals, Kingman
      otherwise), plus the rest of the decode-only iteration that an arrival meets (server vacations, Fuhrmann and
      Cooper 1985), plus the own service.
    * Quantiles: the waits are exponential behind an atom at zero, mixed over groups of own service.

    Validity: stationary arrivals; docs/compute_simulation.md has the error against the simulator.
    """
    if policy.mode == "prefill":
        load = load.first_only
    rate = np.atleast_1d(np.asarray(rate_per_s, dtype=np.float64))
    seats = seats_of(cost, load, policy, max_running, rate)
    scv = np.broadcast_to(np.asarray(load.arrival_scv if arrival_scv is None else arrival_scv, np.float64), rate.shape)
    steps = _steps(cost, load, policy)
    work = _prompt_s(cost, load, policy)
    most = max_rate(cost, load, policy, seats)
    stable = rate < most
    # Points without a steady state are computed at a tame rate, then told apart at the end.
    safe, held = np.where(stable, rate, np.maximum(0.5 * most, 1e-9)), np.maximum(seats, 1.0)
    prefill = safe * work[0]
    stretch, tpot = 1 / (1 - prefill), np.full_like(safe, np.nan)
    uneven = np.where(seats >= cache_seats(cost, load), load.reserved_scv, 0.0)
    for _ in range(2):
        decoding = _batch(steps, load, safe * stretch, held, work, scv, uneven)
        prompts = _prompts(cost, load, policy, safe, decoding, scv)
        stretch, tpot = _stretch(load, safe, prefill, decoding, prompts)
    seat_wait = decoding.queued / safe * (1 + load.steps_scv) / 2
    quantile = _quantiles(load, prompts, decoding, seat_wait)
    ttft = prompts.first_s + seat_wait
    if policy.mode == "decode":
        tpot = tpot + ttft * load.per_gap
    decode = _decode_frac(steps, load, safe, prefill, decoding.batch)
    inf = np.inf
    return Steady(
        rate, most, np.where(stable, ttft, inf), np.where(stable[:, None], quantile, inf), np.where(stable, tpot, inf),
        np.where(stable, decoding.batch, seats), np.where(stable, prefill, most * work[0]),
        np.where(stable, decode, 1 - most * work[0]), seats,
    )  # fmt: skip


def seats_of(cost: IterationCost, load: Load, policy: Policy, max_running: Array | None, like: Array) -> Array:
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
    steps, m = _steps(cost, load, policy), load.mean_steps
    work = _prompt_s(cost, load, policy)[0]
    if m == 0:
        return np.where(seats >= 1, 1.0 / max(work, 1e-300), 0.0)
    reach = seats
    if policy.mode == "aggregated" and policy.order == "chunked":
        reach = np.minimum(seats, np.maximum(m * policy.budget_tok / (float(load.computed_tok.mean()) + m), 1.0))
    best = np.interp(reach, np.arange(len(steps.best_s)), steps.best_s)
    return np.where(seats >= 1, 1.0 / (work + m * best), 0.0)


def _steps(cost: IterationCost, load: Load, policy: Policy) -> _Steps:
    count = np.arange(len(cost.decode_s))
    step = np.maximum(cost.decode_s + count * load.context_tok * cost.context_s, cost.floor_s)
    step[0] = 0.0
    per = np.maximum(step[1:], 1e-300) / count[1:]
    log_product = np.concatenate([[0.0], np.cumsum(np.log(per))])
    best = np.concatenate([[np.inf], np.minimum.accumulate(per)])
    best[0] = best[1]
    return _Steps(step, log_product, best)


def _prompt_s(cost: IterationCost, load: Load, policy: Policy) -> tuple[float, float]:
    """Mean and mean square of the seconds on the prompt of a request, E[W] and E[W^2]."""
    if policy.mode == "decode":
        return 0.0, 0.0
    work = load.computed_tok * cost.prefill_tok_s + load.pairs * cost.prefill_pair_s
    if policy.mode == "prefill":
        # An iteration lasts the floor at least; prompts shorter than the budget share it.
        work = np.maximum(work, cost.floor_s * np.minimum(load.computed_tok / policy.budget_tok, 1.0))
    return float(work.mean()), float((work**2).mean())


def _batch(
    steps: _Steps, load: Load, rate: Array, seats: Array, work: tuple[float, float], scv: Array, uneven: Array
) -> _Decoding:
    """Product law of the batch up to the last seat, geometric beyond it."""
    m = load.mean_steps
    if m == 0:
        zero = np.zeros_like(rate)
        return _Decoding(zero, zero, zero, zero)
    widest = int(seats.max())
    count = np.arange(widest + 1)
    log_p = steps.log_product[: widest + 1] + count * np.log(rate * m)[:, None]
    log_p[count > seats[:, None]] = -np.inf
    p = np.exp(log_p - log_p.max(axis=1, keepdims=True))
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
        return (p @ count + beyond * seats) / total, (p @ met_s + beyond * full_s) / total, (full + beyond) / total, tail

    batch, met, _, _ = law(np.ones_like(rate))
    _, _, crowded, tail = law(_spread(steps, load, work, batch, scv, last, uneven))
    return _Decoding(batch, met, crowded * tail / (1 - tail), crowded)


def _spread(
    steps: _Steps, load: Load, work: tuple[float, float], batch: Array, scv: Array, last: NDArray[np.int64], uneven: Array
) -> Array:
    """How much wider the batch varies than its product law, as a ratio of variances, (points,).

    Adds the burstiness of arrivals (peakedness of an infinite-server queue, (scv + 1) / 2 for exponential service;
    Eckberg 1983), the unequal reservations of cache, and prompts that take time from decoding: per request they bring the noise
    E[W^2] + 2 E[W] d beside 2 d^2 of decoding itself, d the engine time of an answer, as far as a step grows with its batch.
    ``uneven`` is the squared coefficient of variation of the reservations where the cache is what limits, (points,).
    """
    at = np.maximum(batch, 1.0)
    step = np.interp(at, np.arange(len(steps.step_s)), steps.step_s)
    answer = load.mean_steps * step / at
    grows = np.clip(1 - steps.step_s[1] / steps.step_s[last], 0.0, 1.0)
    prompts = (work[1] + 2 * work[0] * answer) / (2 * answer**2) * grows
    many = np.minimum(batch / 10, 1.0)
    return np.maximum(1 + many * (prompts + uneven + (scv - 1) / 2), 0.3)


def _decode_frac(steps: _Steps, load: Load, rate: Array, prefill: Array, batch: Array) -> Array:
    """Share of time on decoding: steps per second times their length, at most what prompts leave."""
    if load.mean_steps == 0:
        return np.zeros_like(rate)
    at = np.maximum(batch / (1 - np.exp(-batch)), 1.0)
    per_tok = np.interp(at, np.arange(len(steps.step_s)), steps.step_s) / at
    return np.minimum(rate * load.mean_steps * per_tok, 1 - prefill)


def _prompts(
    cost: IterationCost, load: Load, policy: Policy, rate: Array, decoding: _Decoding, scv: Array
) -> _Prompts:
    """The queue of prompts, and what stands between an arrival and its first token."""
    step_s, zero = decoding.step_s, np.zeros_like(rate)
    if policy.mode == "decode":
        half = step_s / 2
        return _Prompts(half, zero, zero, zero, zero, np.zeros((len(rate), 1)), half)
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
    behind = (rate * (work @ share) * (rest + wait))[:, None]
    own = own + np.minimum(behind, (alone - parts) * chunk * tok_s[:, None])
    return _Prompts(rest + wait + own @ share, wait, rho, mean, iterations @ share, own, rest)


def _stretch(
    load: Load, rate: Array, prefill: Array, decoding: _Decoding, prompts: _Prompts
) -> tuple[Array, Array]:
    """How much prompts stretch decoding, and the mean time per token, (points,).

    Prompts come in busy spells: a step lasts S / u in a spell (service over iterations of a prompt) and s outside. In the
    clock of steps, spells end at rate (1 - rho) / S x S / u and begin at rate lambda s; a request begins in a spell with
    chance rho (what a departure leaves behind), so x steps last x s / (1 - lambda E[W]) plus a transient of that
    two-state chain. Long answers feel the mean rate, short ones live inside one spell.
    """
    if load.mean_steps == 0:
        return np.ones_like(rate), np.full_like(rate, np.nan)
    met = np.maximum(decoding.step_s / np.maximum(-np.expm1(-decoding.batch), 1e-9), 1e-12)
    level = decoding.batch / (rate * load.mean_steps)
    share, steps = load.step_groups
    plain = 1 / (1 - prefill)
    rho = prompts.busy
    inside = np.maximum(prompts.service_s / np.maximum(prompts.iterations, 1e-6), met)
    ends, begins = (1 - rho) / np.maximum(prompts.iterations, 1e-6), rate * met
    clock = np.maximum(ends + begins, 1e-12)
    extra = np.maximum(rho - begins / clock, 0.0) * (inside - met) / clock / met
    rise = -np.expm1(-clock[:, None] * steps)
    stretch = plain + extra * (rise @ share) / (steps @ share)
    mean = plain + extra * ((rise / steps) @ share)
    return stretch, level * mean / stretch * load.steps_per_gap


def _quantiles(load: Load, prompts: _Prompts, decoding: _Decoding, seat_wait: Array) -> Array:
    """P50, P90, P99 of rest + own service + wait, (points, 3).

    The wait is 0, or exponential for prompts ahead, or exponential (and longer) for a seat. The rest of an iteration is uniform: two points stand for it.
    """
    share = load.prompt_groups[0] if prompts.own_s.shape[1] > 1 else np.ones(1)
    own = np.concatenate([prompts.own_s + (f * prompts.rest_s)[:, None] for f in (0.5, 1.5)], axis=1)
    weight = np.concatenate([share, share]) / 2
    crowded, busy = np.clip(decoding.crowded, 1e-12, 1.0), np.clip((1 - decoding.crowded) * prompts.busy, 1e-12, 1.0)
    seat_rate = crowded / np.maximum(seat_wait, 1e-12)
    prompt_rate = np.maximum(prompts.busy, 1e-12) / np.maximum(prompts.wait_s, 1e-12)
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
