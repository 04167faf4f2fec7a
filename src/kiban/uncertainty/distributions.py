"""Distributions that a sourced (low, value, high) triple turns into.

Every distribution is frozen and offers `ppf(u)`, `cdf(x)` and `mean()`; sampling is `ppf` of uniforms from
`sampling`, so one set of uniforms drives every input. What low and high mean depends on the kind:

* P5 and P95, with value as the median: "lognormal", "normal", "fraction" (split forms, all three exact);
* P5 and P95 only: "beta" (value is checked to lie between, the median is the fit's own);
* hard bounds, with value as the mode: "triangular", "pert" (and "uniform", where value only sits between).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike

from kiban.uncertainty.bounded import Constant, Discrete, ScaledBeta, Triangular, Uniform
from kiban.uncertainty.probability import Array
from kiban.uncertainty.split import Z95, SplitLogitNormal, SplitLognormal, SplitNormal

Kind = Literal["auto", "lognormal", "normal", "fraction", "beta", "triangular", "pert", "uniform"]


class Distribution(Protocol):
    """One uncertain quantity: its quantiles, its distribution function and its mean."""

    def ppf(self, u: ArrayLike) -> Array:
        """Quantile at each probability u in (0, 1); the shape of u is kept."""
        ...

    def cdf(self, x: ArrayLike) -> Array:
        """Probability of a value at or below each x; the shape of x is kept."""
        ...

    def mean(self) -> float:
        """Expected value."""
        ...


def _refuse(problem: str, remedy: str) -> ValueError:
    return ValueError(f"{problem}: {remedy}")


def pert(low: float, mode: float, high: float) -> ScaledBeta:
    """Beta-PERT distribution between hard bounds; mean (low + 4 mode + high)/6.

    Shapes a = 1 + 4 (mode - low)/(high - low), b = 1 + 4 (high - mode)/(high - low). Source: Malcolm,
    Roseboom, Clark and Fazar, "Application of a technique for research and development program evaluation",
    Operations Research 7(5), 1959; shapes as in Vose, "Risk Analysis", 3rd ed., 2008.
    """
    if not (low <= mode <= high and low < high):
        raise ValueError(f"need low <= mode <= high and low < high, got {low}, {mode}, {high}")
    width = high - low
    return ScaledBeta(1.0 + 4.0 * (mode - low) / width, 1.0 + 4.0 * (high - mode) / width, low, high)


def beta_from_quantiles(p5: float, p95: float) -> ScaledBeta:
    """Beta distribution on (0, 1) with the given P5 and P95, solved to 1e-9 in both.

    Two shapes meet two quantiles; the solve runs in the logs of the shapes, from the moments of a normal
    with the same quantiles. Raises ValueError when the pair cannot be met (for example P5 next to 0 with
    P95 next to 1).
    """
    from scipy.optimize import root
    from scipy.special import betaincinv

    if not 0.0 < p5 < p95 < 1.0:
        raise ValueError(f"need 0 < p5 < p95 < 1, got {p5}, {p95}")
    centre, spread = 0.5 * (p5 + p95), (p95 - p5) / (2.0 * Z95)
    concentration = max(centre * (1.0 - centre) / spread**2 - 1.0, 0.5)
    start = np.log([centre * concentration, (1.0 - centre) * concentration])

    def miss(log_shapes: Array) -> Array:
        shapes = np.exp(np.clip(log_shapes, -12.0, 20.0))
        found = betaincinv(shapes[0], shapes[1], np.array([0.05, 0.95]))
        return np.asarray((found - np.array([p5, p95])) / (p95 - p5))

    solution = root(miss, start, method="hybr", tol=1e-13)
    if np.abs(miss(solution.x)).max() * (p95 - p5) > 1e-9:
        raise _refuse(f"no beta distribution found with P5 {p5} and P95 {p95}", 'use kind="fraction"')
    a, b = np.exp(solution.x)
    return ScaledBeta(float(a), float(b))


def discrete(outcomes: Sequence[tuple[float, float]]) -> Discrete:
    """Discrete distribution from (value, probability) pairs in any order."""
    ordered = sorted(outcomes)
    return Discrete(tuple(float(v) for v, _ in ordered), tuple(float(p) for _, p in ordered))


def from_range(low: float, value: float, high: float, kind: Kind = "auto") -> Distribution:
    """Distribution of a sourced (low, value, high) triple.

    Args: low, value, high in the unit of the quantity; kind as in the module docstring. "auto" is "lognormal"
    where low > 0 and "normal" elsewhere. "fraction" is the split logit-normal; where low is 0 or high is 1,
    which no unbounded logit can have as a quantile, it is the PERT between low and high.
    Result: a `Constant` when low == high. Raises ValueError when the triple is out of order, not finite, or
    does not fit the kind.
    """
    if not all(math.isfinite(x) for x in (low, value, high)):
        raise _refuse(f"range ({low}, {value}, {high}) is not finite", "give three numbers")
    if not low <= value <= high:
        raise _refuse(f"range ({low}, {value}, {high}) is out of order", "need low <= value <= high")
    if kind in ("fraction", "beta") and not 0.0 <= low <= high <= 1.0:
        raise _refuse(f"range ({low}, {value}, {high}) is no fraction", "give 0..1, not percent")
    if low == high:
        return Constant(float(value))
    if kind == "auto":
        kind = "lognormal" if low > 0.0 else "normal"
    if kind == "lognormal":
        if low <= 0.0:
            raise _refuse(f"a lognormal needs low > 0, got {low}", 'use kind="normal" or kind="pert"')
        return SplitLognormal(low, value, high)
    if kind == "normal":
        return SplitNormal(low, value, high)
    if kind == "fraction":
        bounded = low == 0.0 or high == 1.0
        return pert(low, value, high) if bounded else SplitLogitNormal(low, value, high)
    if kind == "beta":
        return beta_from_quantiles(low, high)
    if kind == "triangular":
        return Triangular(low, value, high)
    if kind == "pert":
        return pert(low, value, high)
    if kind == "uniform":
        return Uniform(low, high)
    known = "auto, lognormal, normal, fraction, beta, triangular, pert, uniform"
    raise _refuse(f"unknown kind {kind!r}", f"use one of {known}")
