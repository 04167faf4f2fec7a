"""A serving plan played through the simulator on a trace, engine by engine, cache journey included."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kiban.compute.serve.planner import Pool, ServingPlan
from kiban.compute.serve.simulate import Simulated, simulate
from kiban.compute.serve.trace import Trace

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Replayed:
    """What requests saw, arrays (requests,), and how busy the pools were."""

    ttft_s: Array
    tpot_s: Array
    e2e_s: Array
    busy_frac: tuple[float, ...]
    """By pool, mean over its engines."""
    kv_peak_tok: tuple[float, ...]
    """By pool, the fullest engine."""
    refused: int

    def ttft_measure_s(self, measure: str) -> float:
        """Mean or P90 time to first token of the requests that were served."""
        return float(np.nanquantile(self.ttft_s, 0.9) if measure == "p90" else np.nanmean(self.ttft_s))

    def meets(self, plan: ServingPlan) -> bool:
        """Whether the limits of the plan's need were kept and nobody was refused."""
        tpot = float(np.nanmean(self.tpot_s)) if np.isfinite(self.tpot_s).any() else 0.0
        need = plan.need
        return (
            not self.refused
            and self.ttft_measure_s(need.ttft_measure) <= need.ttft_limit_s
            and tpot <= need.tpot_limit_s
        )


def replay(plan: ServingPlan, trace: Trace) -> Replayed:
    """Play a trace through the plan's pools; arrivals go round the engines of a pool.

    A request of a disaggregated plan joins the decode pool when its first token is there and its cache has travelled,
    transfer seconds per token x prompt (network ports are not queued for).
    """
    first = _pool(plan.pools[0], trace)
    if not plan.disaggregated:
        return Replayed(first.ttft_s, first.tpot_s, first.e2e_s, (first.busy,), (first.peak,), first.refused)
    send = max(p.option.transfer_s_per_tok for p in plan.pools)
    token_at = trace.arrival_s + first.ttft_s
    goes_on = np.isfinite(token_at) & (trace.output_tok > 1)
    ready = token_at[goes_on] + send * trace.prompt_tok[goes_on]
    rest = Trace(ready, trace.prompt_tok[goes_on], trace.output_tok[goes_on])
    second = _pool(plan.pools[1], rest)
    e2e, tpot = first.ttft_s.copy(), np.full(len(trace), np.nan)
    e2e[goes_on] = ready + second.e2e_s - trace.arrival_s[goes_on]
    tpot[goes_on] = (ready + second.e2e_s - token_at[goes_on]) / (rest.output_tok - 1)
    busy, peak = (first.busy, second.busy), (first.peak, second.peak)
    return Replayed(first.ttft_s, tpot, e2e, busy, peak, first.refused + second.refused)


@dataclass(frozen=True)
class _PoolRun:
    ttft_s: Array
    tpot_s: Array
    e2e_s: Array
    busy: float
    peak: float
    refused: int


def _pool(pool: Pool, trace: Trace) -> _PoolRun:
    order = np.argsort(trace.arrival_s, kind="stable")
    ttft, tpot, e2e = (np.full(len(trace), np.nan) for _ in range(3))
    span = float(np.ptp(trace.arrival_s))
    busy, peak, refused = 0.0, 0.0, 0
    for engine in range(min(pool.engines, len(trace))):
        mine = order[engine :: pool.engines]
        got: Simulated = simulate(pool.option.cost, trace.part(mine), pool.policy)
        reply = pool.option.reply_s if pool.role != "decode" else 0.0
        ttft[mine], tpot[mine], e2e[mine] = got.ttft_s + reply, got.tpot_s, got.e2e_s + reply
        busy += got.busy_frac * got.makespan_s / max(span, got.makespan_s, 1e-12)
        peak, refused = max(peak, got.kv_peak_tok), refused + got.refused
    return _PoolRun(ttft, tpot, e2e, busy / pool.engines, peak, refused)


def enough_on(plan: ServingPlan, trace: Trace, most_factor: int = 64) -> tuple[ServingPlan, Replayed] | None:
    """Keep the plan's layouts and find how many engines the trace itself asks for, by simulation.

    Args: plan; trace at the plan's rate; most_factor, how many times the plan's engines are tried at most.
    Result: the plan with the fewest engines (pools grow together) that keeps the limits on this trace, and its
    replay; None if none does. Bursts that the steady state does not know show here.
    """

    def sized(factor: float) -> ServingPlan:
        pools = tuple(replace(p, engines=max(1, round(p.engines * factor))) for p in plan.pools)
        return replace(plan, pools=pools)

    least = max(p.engines for p in plan.pools)
    low, high = 0, least
    while not replay(sized(high / least), trace).meets(plan):
        low, high = high, high * 2
        if high > most_factor * least:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if replay(sized(middle / least), trace).meets(plan) else (middle, high)
    found = sized(high / least)
    return found, replay(found, trace)
