"""One engine that could be built, its policy and its steady state."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kiban.compute.serve.iteration import IterationCost
from kiban.compute.serve.load import Load
from kiban.compute.serve.simulate import Policy
from kiban.compute.serve.steady import Steady, steady

Array = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Option:
    """One engine that could be built: a layout on a chip."""

    name: str
    cost: IterationCost
    transfer_s_per_tok: float = 0.0
    """Seconds to send the cache of one prompt token over all network ports of the engine (disaggregated only)."""
    replicas: int = 1
    """Attention replicas; each has the seats and the token budget of the policy."""
    lone_factor: float = 1.0
    """Seconds of a prompt alone over those beside others: replicas other than its own cannot help it."""
    reply_s: float = 0.0
    """Seconds before the first token that keep no accelerator busy: request handling, starting a prompt's kernels."""


def policy_of(option: Option, policy: Policy) -> Policy:
    """The policy of a whole engine from that of one attention replica."""
    return replace(
        policy, max_running=policy.max_running * option.replicas, budget_tok=policy.budget_tok * option.replicas
    )


def engine_state(
    option: Option, load: Load, rate: Array | float, policy: Policy, caps: Counts | None = None,
    arrival_scv: Array | float | None = None,
) -> Steady:  # fmt: skip
    """Steady state of an engine, with its reply time and what a prompt loses on its lone replica, (points,).

    Args: as in ``steady``; policy of the whole engine. The busier the prompts, the more replicas work at once.
    """
    s = steady(option.cost, load, rate, policy, caps, arrival_scv)
    if policy.mode == "decode":
        return s
    work = float((load.computed_tok * option.cost.prefill_tok_s + load.pairs * option.cost.prefill_pair_s).mean())
    more = option.reply_s + work * (option.lone_factor - 1) * (1 - s.prefill_frac)
    return replace(s, ttft_s=s.ttft_s + more, ttft_quantile_s=s.ttft_quantile_s + more[:, None])
