"""The fewest accelerators that bear a serving load within its limits, aggregated or with prefill and decode apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kiban.compute.errors import ComputeError
from kiban.compute.serve.engines import Option, engine_state, policy_of
from kiban.compute.serve.iteration import IterationCost
from kiban.compute.serve.load import Load
from kiban.compute.serve.simulate import Policy
from kiban.compute.serve.steady import Steady, cache_seats, steady

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

_ALONE_FRAC = 1e-6
"""Share of the largest rate at which a request meets nobody."""
_CAP_STEP = 1.6
_CAPS = 6
_MOST_ENGINES = 2**40


@dataclass(frozen=True)
class Need:
    """What is asked of all engines together."""

    load: Load
    rate_per_s: float
    ttft_limit_s: float
    tpot_limit_s: float
    ttft_measure: str = "mean"
    """``mean`` or ``p90``."""
    most_load_frac: float = 0.9
    """Share of the largest rate that an engine may be asked for: headroom, and where the queue estimate holds."""


@dataclass(frozen=True)
class Pool:
    """Equal engines that share their arrivals in turn."""

    role: str
    """``aggregated``, ``prefill`` or ``decode``."""
    option: Option
    engines: int
    policy: Policy
    state: Steady
    """One engine at its share of the load, one point."""

    @property
    def accelerators(self) -> int:
        """Accelerators of the pool."""
        return self.engines * self.option.cost.accelerators


@dataclass(frozen=True)
class ServingPlan:
    """A set of pools that bears the load."""

    pools: tuple[Pool, ...]
    need: Need
    ttft_s: float
    ttft_quantile_s: Array
    """P50, P90, P99, (3,)."""
    tpot_s: float
    transfer_s: float
    """Seconds to move the cache of a mean prompt between pools; 0 if aggregated."""

    @property
    def disaggregated(self) -> bool:
        """True if prefill and decode have pools of their own."""
        return len(self.pools) > 1

    @property
    def accelerators(self) -> int:
        """Accelerators of all pools."""
        return sum(p.accelerators for p in self.pools)

    @property
    def output_tok_per_s_per_accelerator(self) -> float:
        """Generated tokens per second and accelerator at the load."""
        return self.need.rate_per_s * float(self.need.load.output_tok.mean()) / self.accelerators


class InfeasibleError(ComputeError):
    """No layout meets the limits; the message says which limit binds and the nearest feasible value."""

    def __init__(self, binds: str, message: str) -> None:
        super().__init__(message)
        self.binds = binds
        """``memory``, ``cache``, ``ttft``, ``tpot`` or ``both``."""


def plan_serving(
    options: Sequence[Option], need: Need, policy: Policy = Policy(), disaggregated: bool | None = False,  # noqa: B008
) -> ServingPlan:  # fmt: skip
    """Choose layout, batch cap and number of engines with the fewest accelerators.

    Args: options; need; policy (mode is set here); disaggregated True, False, or None for the better of both.
    Result: the plan with the fewest accelerators; among equals the lowest time per token.
    Raises InfeasibleError. Engines of a pool take arrivals in turn, so each sees 1 / engines of their burstiness.
    """
    plans, failures = [], []
    for apart in (False, True) if disaggregated is None else (disaggregated,):
        try:
            plans.append(_apart(options, need, policy) if apart else _together(options, need, policy))
        except InfeasibleError as error:
            failures.append(error)
    if not plans:
        raise failures[0]
    return min(plans, key=lambda p: (p.accelerators, p.tpot_s))


def _together(options: Sequence[Option], need: Need, policy: Policy) -> ServingPlan:
    pool = _fewest(options, need, replace(policy, mode="aggregated"), need.ttft_limit_s, need.tpot_limit_s, 0.0)
    s = pool.state
    return ServingPlan((pool,), need, float(s.ttft_s[0]), s.ttft_quantile_s[0], float(s.tpot_s[0]), 0.0)


def _apart(options: Sequence[Option], need: Need, policy: Policy) -> ServingPlan:
    """Rate matching: each pool takes the fewest accelerators for the whole rate; the cache travels between them."""
    first = _fewest(options, need, replace(policy, mode="prefill"), need.ttft_limit_s, np.inf, 0.0)
    send = first.option.transfer_s_per_tok
    second = _fewest(options, need, replace(policy, mode="decode"), np.inf, need.tpot_limit_s, send)
    transfer = max(send, second.option.transfer_s_per_tok) * float(need.load.prompt_tok.mean())
    tpot = float(second.state.tpot_s[0]) + transfer * need.load.per_gap
    s = first.state
    return ServingPlan((first, second), need, float(s.ttft_s[0]), s.ttft_quantile_s[0], tpot, transfer)


def _fewest(
    options: Sequence[Option], need: Need, policy: Policy, ttft_limit_s: float, tpot_limit_s: float, send: float
) -> Pool:
    """The pool of fewest accelerators over options and batch caps; raises InfeasibleError.

    Options come in the order of what their largest rates would take, so the search ends where no later one can win.
    """
    asked = [_ask(o, need, policy_of(o, policy), (ttft_limit_s, tpot_limit_s), send) for o in options]
    best: Pool | None = None
    for one in sorted((a for a in asked if a is not None), key=lambda a: a.least_accelerators):
        if best is not None and one.least_accelerators > best.accelerators:
            break
        engines = _engines(one, need)
        i = np.lexsort((-one.caps, engines))[0]
        if engines[i] < _MOST_ENGINES:
            pool = _pool(one.option, need, one.policy, int(one.caps[i]), int(engines[i]))
            if best is None or _rank(pool) < _rank(best):
                best = pool
    if best is None:
        raise _why(options, need, policy, ttft_limit_s, tpot_limit_s, send)
    return best


@dataclass(frozen=True)
class _Asked:
    """An option with the batch caps at which a lone request keeps the limits, and what bounds them from below."""

    option: Option
    policy: Policy
    caps: Counts
    limits: tuple[float, float]
    send: float
    least: Counts
    """Engines below which the load exceeds what they may be asked for."""

    @property
    def least_accelerators(self) -> int:
        """Bound of all caps."""
        return int(self.least.min()) * self.option.cost.accelerators


def _ask(option: Option, need: Need, policy: Policy, limits: tuple[float, float], send: float) -> _Asked | None:
    """Bounds of an option; None if it seats no request or no cap keeps the limits."""
    caps = batch_caps(option.cost, need.load, policy)
    if not len(caps):
        return None
    many = np.full(len(caps), _MOST_ENGINES)
    alone, s, _ = _within(option, need, policy, caps, need.rate_per_s / many, many, limits, send)
    if not alone.any():
        return None
    caps, most = caps[alone], s.max_rate_per_s[alone]
    least = np.maximum(np.ceil(need.rate_per_s / (need.most_load_frac * most)), 1).astype(np.int64)
    return _Asked(option, policy, caps, limits, send, least)


def _rank(pool: Pool) -> tuple[int, float, float]:
    s = pool.state
    return pool.accelerators, float(np.nan_to_num(s.tpot_s[0])), float(s.ttft_s[0])


def _pool(option: Option, need: Need, policy: Policy, cap: int, engines: int) -> Pool:
    chosen = replace(policy, max_running=cap)
    state = engine_state(option, need.load, need.rate_per_s / engines, chosen, None, need.load.shared_by(engines))
    return Pool(policy.mode, option, engines, chosen, state)


def batch_caps(cost: IterationCost, load: Load, policy: Policy) -> Counts:
    """Batch caps worth a look: the largest that seats and cache allow, and smaller ones in geometric steps."""
    most = min(policy.max_running, len(cost.decode_s) - 1)
    if policy.mode != "prefill":
        most = min(most, int(cache_seats(cost, load)))
    elif cost.kv_capacity_tok < load.prompt_tok.mean():
        most = 0
    if most < 1:
        return np.zeros(0, dtype=np.int64)
    count = _CAPS if policy.mode != "prefill" else 1
    return np.unique(np.maximum(most / _CAP_STEP ** np.arange(count), 1).astype(np.int64))


def _within(
    option: Option, need: Need, policy: Policy, caps: Counts, rate: Array, engines: Counts, limits: tuple[float, float],
    send: float,
) -> tuple[NDArray[np.bool_], Steady, Array]:  # fmt: skip
    """Which points meet the limits, their state, and their time per token with the cache's journey."""
    s = engine_state(option, need.load, rate, policy, caps, need.load.shared_by(engines))
    ttft = s.ttft_quantile_s[:, 1] if need.ttft_measure == "p90" else s.ttft_s
    tpot = np.nan_to_num(s.tpot_s)
    moved = need.load.prompt_tok.mean() * max(send, option.transfer_s_per_tok) if policy.mode != "aggregated" else 0.0
    if policy.mode == "decode":
        tpot = tpot + moved * need.load.per_gap
    ok = (
        (rate <= need.most_load_frac * s.max_rate_per_s)
        & (ttft <= limits[0])
        & (tpot <= limits[1])
        & (rate * moved < 1)
    )
    return ok, s, tpot


def _engines(one: _Asked, need: Need) -> Counts:
    """Fewest engines by batch cap, by bisection, (caps,); ``_MOST_ENGINES`` if none will do.

    Whole numbers up to a thousand engines, within a thousandth beyond.
    """

    def fine(engines: Counts) -> NDArray[np.bool_]:
        rate = need.rate_per_s / engines
        return _within(one.option, need, one.policy, one.caps, rate, engines, one.limits, one.send)[0]

    # ``low`` never does; ``high`` does, or is past all reason.
    low, high = one.least - 1, one.least.copy()
    step = np.ones_like(high)
    while True:
        short = ~fine(high)
        if not short.any():
            break
        step = np.where(short, np.maximum(step * 4, high // 8), step)
        low, high = np.where(short, high, low), np.where(short, np.minimum(high + step, _MOST_ENGINES), high)
    while (high - low > np.maximum(high // 1024, 1)).any():
        middle = np.maximum((low + high) // 2, 1)
        good = fine(middle)
        low, high = np.where(good, low, middle), np.where(good, middle, high)
    return high


def _why(
    options: Sequence[Option], need: Need, policy: Policy, ttft_limit_s: float, tpot_limit_s: float, send: float
) -> InfeasibleError:
    """Say which limit binds, from what each option gives a lone request, and the nearest that can be had."""
    fitting = [(o, caps) for o in options if len(caps := batch_caps(o.cost, need.load, policy_of(o, policy)))]
    if not fitting:
        most = max((o.cost.kv_capacity_tok for o in options), default=0.0)
        if most <= 0:
            return InfeasibleError("memory", "the weights fit no layout; choose a lower precision or a larger domain")
        return InfeasibleError(
            "cache",
            f"the cache holds {most:,.0f} tokens in the largest layout, a request needs {need.load.reserved_tok:,.0f}; "
            "choose shorter requests, a lower precision or a larger domain",
        )
    floors = []
    for option, caps in fitting:
        whole, one = policy_of(option, policy), np.ones(1, dtype=np.int64)
        most_rate = steady(option.cost, need.load, 1e-9, whole, caps[-1:]).max_rate_per_s
        _, s, tpot = _within(option, need, whole, caps[-1:], most_rate * _ALONE_FRAC, one, (np.inf, np.inf), send)
        ttft = s.ttft_quantile_s[0, 1] if need.ttft_measure == "p90" else s.ttft_s[0]
        floors.append((float(ttft), float(tpot[0]), option.name))
    first = min(floors)
    token = min((f[1], f[0], f[2]) for f in floors)
    if first[0] > ttft_limit_s:
        return InfeasibleError(
            "ttft",
            f"a lone request takes {first[0]:.3g} s to its first token at least ({first[2]}), the limit is "
            f"{ttft_limit_s:g} s; nearest feasible: TTFT {_up(first[0])} s",
        )
    if token[0] > tpot_limit_s:
        return InfeasibleError(
            "tpot",
            f"a lone request takes {token[0]:.3g} s per token at least ({token[2]}), the limit is {tpot_limit_s:g} s; "
            f"nearest feasible: TPOT {_up(token[0])} s",
        )
    near = min(floors, key=lambda f: max(f[0] / ttft_limit_s, f[1] / tpot_limit_s))
    return InfeasibleError(
        "both",
        f"each limit alone can be met, no layout meets TTFT {ttft_limit_s:g} s and TPOT {tpot_limit_s:g} s together; "
        f"nearest feasible: TTFT {_up(near[0])} s with TPOT {_up(near[1])} s ({near[2]})",
    )


def _up(seconds: float) -> str:
    """Three digits, rounded up by a hundredth so that the stated value can indeed be met."""
    return f"{seconds * 1.01:.3g}"
