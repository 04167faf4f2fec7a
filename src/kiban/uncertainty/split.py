"""Distributions whose median, P5 and P95 are all given: normal, lognormal and logit-normal in two halves."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kiban.uncertainty.probability import Array, checked_probabilities

Z95 = 1.6448536269514722  # standard normal quantile at 0.95, to double precision


@dataclass(frozen=True)
class SplitNormal:
    """Two half-normals of mass 1/2 each that meet at the median; P5 and P95 are exact.

    x = median + s z with z standard normal, s = (median - p5)/z95 for z < 0 and (p95 - median)/z95 for z >
    0. Mean: median + (s_high - s_low)/sqrt(2 pi). Quantiles are continuous; the density steps at the median
    unless both sides are equal, when this is the ordinary normal. (The Fechner two-piece normal keeps the
    density continuous and gives up the median instead.) One side may have no width; its half of the mass
    then sits on the median.
    """

    p5: float
    median: float
    p95: float

    def __post_init__(self) -> None:
        """Refuse quantiles out of order."""
        if not self.p5 <= self.median <= self.p95:
            raise ValueError(f"need p5 <= median <= p95, got {self.p5}, {self.median}, {self.p95}")

    @property
    def scales(self) -> tuple[float, float]:
        """Standard deviations of the lower and the upper parent normal."""
        return (self.median - self.p5) / Z95, (self.p95 - self.median) / Z95

    def ppf(self, u: ArrayLike) -> Array:
        """Quantile at u; minus or plus infinity at exactly 0 or 1 where that side has a width."""
        from scipy.special import ndtri

        z = ndtri(checked_probabilities(u))
        below, above = self.scales
        # A side without width would give 0 * inf at u = 0 or 1.
        lower = self.median + below * np.minimum(z, 0.0) if below else np.full_like(z, self.median)
        upper = self.median + above * np.maximum(z, 0.0) if above else np.full_like(z, self.median)
        return np.where(z < 0.0, lower, upper)

    def cdf(self, x: ArrayLike) -> Array:
        """Probability of a value at or below x."""
        from scipy.special import ndtr

        gap = np.asarray(x, dtype=np.float64) - self.median
        below, above = self.scales
        lower = ndtr(gap / below) if below else np.zeros_like(gap)
        upper = ndtr(gap / above) if above else np.ones_like(gap)
        return np.where(gap < 0.0, lower, upper)

    def mean(self) -> float:
        """Median plus (s_high - s_low)/sqrt(2 pi)."""
        below, above = self.scales
        return self.median + (above - below) / math.sqrt(2.0 * math.pi)


@dataclass(frozen=True)
class SplitLognormal:
    """Exponential of a `SplitNormal` of the logs: median, P5 and P95 are exact, all values positive.

    Mean, from E[exp(s z); z > 0] = exp(s^2/2) Phi(s) for standard normal z:
    median * (exp(s_low^2/2) Phi(-s_low) + exp(s_high^2/2) Phi(s_high)). With equal log distances this is the
    ordinary lognormal with mean median * exp(s^2/2).
    """

    p5: float
    median: float
    p95: float

    def __post_init__(self) -> None:
        """Refuse quantiles that are not positive or out of order."""
        if not 0.0 < self.p5 <= self.median <= self.p95:
            raise ValueError(f"need 0 < p5 <= median <= p95, got {self.p5}, {self.median}, {self.p95}")

    @property
    def log_normal(self) -> SplitNormal:
        """Distribution of the natural logarithm."""
        return SplitNormal(math.log(self.p5), math.log(self.median), math.log(self.p95))

    def ppf(self, u: ArrayLike) -> Array:
        """Quantile at u."""
        return np.exp(self.log_normal.ppf(u))

    def cdf(self, x: ArrayLike) -> Array:
        """Probability of a value at or below x; 0 for x <= 0."""
        array = np.asarray(x, dtype=np.float64)
        positive = array > 0.0
        return np.where(positive, self.log_normal.cdf(np.log(np.where(positive, array, 1.0))), 0.0)

    def mean(self) -> float:
        """Closed form of the class docstring."""
        from scipy.special import ndtr

        below, above = self.log_normal.scales
        halves = math.exp(below**2 / 2) * ndtr(-below) + math.exp(above**2 / 2) * ndtr(above)
        return float(self.median * halves)


@dataclass(frozen=True)
class SplitLogitNormal:
    """Logistic function of a `SplitNormal` of the logits: a fraction in (0, 1) with exact median, P5 and P95.

    The mean has no closed form; it is the integral of ppf, by 128-point Gauss-Legendre in z on each side out
    to z = 10, where the normal density is below 1e-22.
    """

    p5: float
    median: float
    p95: float

    def __post_init__(self) -> None:
        """Refuse quantiles outside the open unit interval or out of order."""
        if not 0.0 < self.p5 <= self.median <= self.p95 < 1.0:
            raise ValueError(f"need 0 < p5 <= median <= p95 < 1, got {self.p5}, {self.median}, {self.p95}")

    @property
    def logit_normal(self) -> SplitNormal:
        """Distribution of the logit log(x/(1-x))."""
        p5, median, p95 = (math.log(x / (1.0 - x)) for x in (self.p5, self.median, self.p95))
        return SplitNormal(p5, median, p95)

    def ppf(self, u: ArrayLike) -> Array:
        """Quantile at u."""
        from scipy.special import expit

        return np.asarray(expit(self.logit_normal.ppf(u)))

    def cdf(self, x: ArrayLike) -> Array:
        """Probability of a value at or below x; 0 for x <= 0 and 1 for x >= 1."""
        array = np.asarray(x, dtype=np.float64)
        inside = (array > 0.0) & (array < 1.0)
        safe = np.where(inside, array, 0.5)
        return np.where(inside, self.logit_normal.cdf(np.log(safe / (1.0 - safe))), (array >= 1.0) * 1.0)

    def mean(self) -> float:
        """Integral of the quantile function over probabilities."""
        from scipy.special import expit

        points, weights = np.polynomial.legendre.leggauss(128)
        z, weight = 5.0 * (points + 1.0), 5.0 * weights
        density = weight * np.exp(-0.5 * z**2) / math.sqrt(2.0 * math.pi)
        centre, (below, above) = self.logit_normal.median, self.logit_normal.scales
        return float(density @ (expit(centre - below * z) + expit(centre + above * z)))
