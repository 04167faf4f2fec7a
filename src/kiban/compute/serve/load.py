"""The requests that a serving engine must bear: lengths as equally likely samples, their moments, their burstiness."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from kiban.compute.errors import ComputeError
from kiban.compute.serve.trace import Trace

Array = NDArray[np.float64]

_EDGES = np.array([0.0, 0.15, 0.3, 0.45, 0.6, 0.7, 0.8, 0.88, 0.94, 0.97, 0.985, 0.995, 1.0])
"""Shares of the requests, sorted by length, at which they are cut into groups; fine where percentiles look."""


@dataclass(frozen=True)
class Load:
    """Equally likely requests (samples,), with what decoding by steps makes of them."""

    prompt_tok: Array
    output_tok: Array
    cached_tok: Array
    arrival_scv: float = 1.0
    """Squared coefficient of variation of the gaps between arrivals (1: Poisson), or index of dispersion of counts."""
    accepted_tok: float = 1.0
    """Tokens that one decode step yields."""

    @cached_property
    def first_only(self) -> Load:
        """The same prompts, each with its first token alone, as a prefill pool sees them."""
        return replace(self, output_tok=np.ones_like(self.output_tok))

    @cached_property
    def computed_tok(self) -> Array:
        """Prompt tokens that are computed; the last one always is."""
        return np.maximum(self.prompt_tok - self.cached_tok, 1.0)

    @cached_property
    def pairs(self) -> Array:
        """Pairs (computed token, earlier token) of each prompt."""
        n = self.computed_tok
        return n * (self.prompt_tok - n) + n * (n - 1) / 2

    @cached_property
    def steps(self) -> Array:
        """Decode steps after the first token."""
        return np.ceil((self.output_tok - 1) / self.accepted_tok)

    @cached_property
    def mean_steps(self) -> float:
        """Mean decode steps of a request."""
        return float(self.steps.mean())

    @cached_property
    def context_tok(self) -> float:
        """Cached tokens of a decoding request, mean over steps."""
        if self.mean_steps == 0:
            return 0.0
        mid = self.prompt_tok + self.accepted_tok * (self.steps - 1) / 2
        return float((self.steps * mid).mean()) / self.mean_steps

    @cached_property
    def reserved_tok(self) -> float:
        """Cache reserved for a seated request, mean over the time of its seat."""
        weight = self.steps + 1.0
        return float((weight * (self.prompt_tok + self.output_tok)).mean() / weight.mean())

    @cached_property
    def per_gap(self) -> float:
        """Mean of 1 / (output tokens - 1) over requests with more than one token."""
        more = self.output_tok > 1
        return float((1.0 / (self.output_tok[more] - 1)).mean()) if more.any() else 0.0

    @cached_property
    def reserved_scv(self) -> float:
        """Squared coefficient of variation of the cache reserved for a request."""
        size = self.prompt_tok + self.output_tok
        return float(size.var()) / float(size.mean()) ** 2

    @cached_property
    def reserved_spare_tok(self) -> float:
        """Cache left idle by a queue whose head does not fit: half of a mean reservation weighted by itself."""
        size = self.prompt_tok + self.output_tok
        return float((size**2).mean() / size.mean()) / 2

    @cached_property
    def steps_per_gap(self) -> float:
        """Decode steps per further token, mean over requests with any: 1 without speculative decoding."""
        more = self.output_tok > 1
        return float((self.steps[more] / (self.output_tok[more] - 1)).mean()) if more.any() else 1.0

    @cached_property
    def steps_scv(self) -> float:
        """Squared coefficient of variation of the decode steps."""
        return float(self.steps.var()) / self.mean_steps**2 if self.mean_steps else 0.0

    @cached_property
    def prompt_groups(self) -> tuple[Array, Array, Array]:
        """Share of requests, mean computed tokens and mean pairs of groups of like prompts, each (groups,)."""
        order = np.lexsort((self.pairs, self.computed_tok))
        share, (tokens, pairs) = _grouped(order, self.computed_tok, self.pairs)
        return share, tokens, pairs

    @cached_property
    def step_groups(self) -> tuple[Array, Array]:
        """Share and mean decode steps of groups of requests with any, each (groups,)."""
        more = self.steps[self.steps > 0]
        share, (steps,) = _grouped(np.argsort(more, kind="stable"), more)
        return share, steps

    def shared_by(self, engines: int | Array | NDArray[np.int64]) -> Array:
        """Burstiness that one of several engines sees when arrivals go round: a sum of gaps, as if independent."""
        return np.asarray(self.arrival_scv / np.asarray(engines, dtype=np.float64))


def _grouped(order: NDArray[np.int64], *values: Array) -> tuple[Array, list[Array]]:
    """Cut sorted values into at most as many groups as there are edges; shares and means of each."""
    n = len(order)
    cuts = np.unique(np.round(_EDGES * n).astype(int)) if n > 1 else np.array([0, n])
    size = np.diff(cuts)
    return size / n, [np.add.reduceat(v[order], cuts[:-1]) / size for v in values]


def load_of(trace: Trace, accepted_tok: float = 1.0, arrival_scv: float | None = None) -> Load:
    """Take the lengths of a trace, and its gaps unless a burstiness is given."""
    return Load(
        trace.prompt_tok.astype(np.float64),
        trace.output_tok.astype(np.float64),
        trace.cached_tok.astype(np.float64),
        trace.arrival_scv if arrival_scv is None else arrival_scv,
        accepted_tok,
    )


def spread_load(
    prompt_tok: float, output_tok: float, prompt_cv: float = 0.0, output_cv: float = 0.0, cache_hit_frac: float = 0.0,
    arrival_scv: float = 1.0, accepted_tok: float = 1.0, samples: int = 127,
) -> Load:  # fmt: skip
    """Lengths with given means and coefficients of variation, log-normal and independent of each other.

    Args: mean tokens; coefficients of variation (0: all alike); share of each prompt found in the prefix cache;
    burstiness; tokens per decode step; samples, a prime, so that a golden-section stride pairs the two evenly.
    Result: the load; means are met to rounding. Raises ComputeError with all faults.
    """
    faults = [
        f"{name} is {value:g}, allowed is {rule}"
        for name, value, ok, rule in (
            ("prompt_tok", prompt_tok, prompt_tok >= 1, "1 or more"),
            ("output_tok", output_tok, output_tok >= 1, "1 or more"),
            ("prompt_cv", prompt_cv, 0 <= prompt_cv <= 5, "0 to 5"),
            ("output_cv", output_cv, 0 <= output_cv <= 5, "0 to 5"),
            ("cache_hit_frac", cache_hit_frac, 0 <= cache_hit_frac <= 1, "0 to 1"),
            ("arrival_scv", arrival_scv, arrival_scv >= 0, "0 or more"),
        )
        if not ok
    ]
    if faults:
        raise ComputeError("; ".join(faults))
    if prompt_cv == 0 and output_cv == 0:
        samples = 1
    stride = max(1, round(samples * 0.381966))
    rank = np.arange(samples)
    prompt = _log_normal(prompt_tok, prompt_cv, rank, samples)
    output = _log_normal(output_tok, output_cv, rank * stride % samples, samples)
    return Load(prompt, output, prompt * cache_hit_frac, arrival_scv, accepted_tok)


def _log_normal(mean: float, cv: float, rank: NDArray[np.int64], samples: int) -> Array:
    """Log-normal mid-quantiles in the order of ``rank``, at least 1, scaled to the mean."""
    sigma = float(np.sqrt(np.log1p(cv**2)))
    normal = NormalDist()
    z = np.array([normal.inv_cdf((k + 0.5) / samples) for k in rank])
    values = np.exp(sigma * z)
    return np.asarray(np.maximum(values * mean / values.mean(), 1.0))


def accepted_tok(accept_frac: float, draft_tok: int) -> float:
    """Tokens per step of speculative decoding: (1 - a^(k+1)) / (1 - a).

    Args: chance a that a drafted token is accepted, 0..1, independent; drafted tokens k per step.
    Source: Leviathan et al. 2023 (arXiv:2211.17192), equation 1.
    """
    if not 0 <= accept_frac <= 1 or draft_tok < 0:
        raise ComputeError(f"acceptance is {accept_frac:g} (allowed 0 to 1), draft tokens {draft_tok} (0 or more)")
    return float(draft_tok + 1) if accept_frac == 1 else (1 - accept_frac ** (draft_tok + 1)) / (1 - accept_frac)
