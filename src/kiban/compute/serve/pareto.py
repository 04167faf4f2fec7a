"""Tokens per second of a user against those of an accelerator: the set that nothing beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kiban.compute.serve.engines import Option, engine_state, policy_of
from kiban.compute.serve.planner import Need, batch_caps
from kiban.compute.serve.simulate import Policy
from kiban.compute.serve.steady import steady

Array = NDArray[np.float64]

_LOADS = np.array([0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9])
"""Shares of the largest rate; above 0.9 the queue estimate is worst (docs/compute_simulation.md)."""


@dataclass(frozen=True)
class ParetoPoint:
    """One way to serve in steady state, in the limit of many engines."""

    layout: str
    """Layout, or ``prefill layout + decode layout``."""
    tok_per_s_per_user: float
    """1 / time per token."""
    tok_per_s_per_accelerator: float
    """Generated tokens."""
    ttft_s: float
    batch: float
    best: bool
    """On the Pareto set."""


def pareto(
    options: Sequence[Option], need: Need, policy: Policy = Policy(), disaggregated: bool = False  # noqa: B008
) -> list[ParetoPoint]:  # fmt: skip
    """Points of all options, batch caps and loads that meet the TTFT limit, best ones marked.

    Args: options; need (rate and TPOT limit are not used); policy; disaggregated, pools apart.
    Result: points, fastest user first. Empty if no point meets the TTFT limit.
    """
    mode = "decode" if disaggregated else "aggregated"
    ahead = _cheapest_prefill(options, need, policy) if disaggregated else ("", 0.0, np.nan)
    if ahead is None:
        return []
    found: list[tuple[str, float, float, float, float]] = []
    output = float(need.load.output_tok.mean())
    for option in options:
        chosen = policy_of(option, replace(policy, mode=mode))
        caps = batch_caps(option.cost, need.load, chosen)
        if not len(caps):
            continue
        cap, share = (a.ravel() for a in np.meshgrid(caps, _LOADS))
        most = steady(option.cost, need.load, np.full(len(cap), 1e-9), chosen, cap).max_rate_per_s
        s = engine_state(option, need.load, most * share, chosen, cap)
        ttft = np.full_like(s.ttft_s, ahead[2]) if disaggregated else _ttft(s.ttft_s, s.ttft_quantile_s, need)
        per_request = option.cost.accelerators / s.rate_per_s + ahead[1]
        tpot = s.tpot_s + (
            option.transfer_s_per_tok * need.load.prompt_tok.mean() * need.load.per_gap if disaggregated else 0
        )
        name = f"{ahead[0]} + {option.name}" if disaggregated else option.name
        for k in np.flatnonzero((ttft <= need.ttft_limit_s) & (tpot > 0)):
            found.append((name, 1 / tpot[k], output / per_request[k], ttft[k], s.batch[k]))
    return _marked(found)


def _ttft(mean: Array, quantile: Array, need: Need) -> Array:
    return quantile[:, 1] if need.ttft_measure == "p90" else mean


def _cheapest_prefill(options: Sequence[Option], need: Need, policy: Policy) -> tuple[str, float, float] | None:
    """Name, accelerator-seconds per request and TTFT of the prefill pool that costs least within the limit."""
    best: tuple[str, float, float] | None = None
    for option in options:
        chosen = policy_of(option, replace(policy, mode="prefill"))
        if not len(batch_caps(option.cost, need.load, chosen)):
            continue
        most = steady(option.cost, need.load, 1e-9, chosen).max_rate_per_s[0]
        s = engine_state(option, need.load, most * _LOADS, chosen)
        ttft = _ttft(s.ttft_s, s.ttft_quantile_s, need)
        for k in np.flatnonzero(ttft <= need.ttft_limit_s):
            cost = option.cost.accelerators / s.rate_per_s[k]
            if best is None or cost < best[1]:
                best = (option.name, float(cost), float(ttft[k]))
    return best


def _marked(found: list[tuple[str, float, float, float, float]]) -> list[ParetoPoint]:
    """Sort by speed of a user and mark the points that no other beats in both."""
    points, most = [], 0.0
    for name, user, accelerator, ttft, batch in sorted(found, key=lambda f: (-f[1], -f[2])):
        points.append(
            ParetoPoint(name, float(user), float(accelerator), float(ttft), float(batch), bool(accelerator > most))
        )
        most = max(most, accelerator)
    return points
