"""Distributions with hard bounds, or with a few values only."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kiban.uncertainty.probability import Array, checked_probabilities


@dataclass(frozen=True)
class Constant:
    """A quantity known exactly (low == high)."""

    value: float

    def ppf(self, u: ArrayLike) -> Array:
        """The value, in the shape of u."""
        return np.full_like(checked_probabilities(u), self.value)

    def cdf(self, x: ArrayLike) -> Array:
        """0 below the value, 1 from it on."""
        return (np.asarray(x, dtype=np.float64) >= self.value).astype(np.float64)

    def mean(self) -> float:
        """The value."""
        return self.value


@dataclass(frozen=True)
class ScaledBeta:
    """Beta distribution with shapes a, b on [low, high]; mean low + (high - low) a/(a + b)."""

    a: float
    b: float
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        """Refuse shapes that are not positive and an empty interval."""
        if not (self.a > 0.0 and self.b > 0.0 and self.low < self.high):
            raise ValueError(f"need a, b > 0 and low < high, got {self}")

    def ppf(self, u: ArrayLike) -> Array:
        """Quantile at u, by the inverse regularised incomplete beta function."""
        from scipy.special import betaincinv

        return self.low + (self.high - self.low) * np.asarray(betaincinv(self.a, self.b, checked_probabilities(u)))

    def cdf(self, x: ArrayLike) -> Array:
        """Probability of a value at or below x."""
        from scipy.special import betainc

        unit = (np.asarray(x, dtype=np.float64) - self.low) / (self.high - self.low)
        return np.asarray(betainc(self.a, self.b, np.clip(unit, 0.0, 1.0)))

    def mean(self) -> float:
        """Closed form of the class docstring."""
        return self.low + (self.high - self.low) * self.a / (self.a + self.b)


@dataclass(frozen=True)
class Triangular:
    """Triangular distribution between hard bounds; mean (low + mode + high)/3."""

    low: float
    mode: float
    high: float

    def __post_init__(self) -> None:
        """Refuse a mode outside the bounds and an empty interval."""
        if not (self.low <= self.mode <= self.high and self.low < self.high):
            raise ValueError(f"need low <= mode <= high and low < high, got {self}")

    def ppf(self, u: ArrayLike) -> Array:
        """Quantile at u."""
        u = checked_probabilities(u)
        width, rise, fall = self.high - self.low, self.mode - self.low, self.high - self.mode
        left = self.low + np.sqrt(u * width * rise)
        right = self.high - np.sqrt((1.0 - u) * width * fall)
        return np.where(u * width < rise, left, right)

    def cdf(self, x: ArrayLike) -> Array:
        """Probability of a value at or below x."""
        x = np.clip(np.asarray(x, dtype=np.float64), self.low, self.high)
        width, rise, fall = self.high - self.low, self.mode - self.low, self.high - self.mode
        left = (x - self.low) ** 2 / (width * (rise or 1.0))
        right = 1.0 - (self.high - x) ** 2 / (width * (fall or 1.0))
        return np.where(x < self.mode, left, right)

    def mean(self) -> float:
        """Closed form of the class docstring."""
        return (self.low + self.mode + self.high) / 3.0


@dataclass(frozen=True)
class Uniform:
    """Every value between two bounds equally likely; mean (low + high)/2."""

    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse an empty interval."""
        if not self.low < self.high:
            raise ValueError(f"need low < high, got {self}")

    def ppf(self, u: ArrayLike) -> Array:
        """Quantile at u."""
        return self.low + (self.high - self.low) * checked_probabilities(u)

    def cdf(self, x: ArrayLike) -> Array:
        """Probability of a value at or below x."""
        x = np.asarray(x, dtype=np.float64)
        return np.clip((x - self.low) / (self.high - self.low), 0.0, 1.0)

    def mean(self) -> float:
        """Closed form of the class docstring."""
        return 0.5 * (self.low + self.high)


@dataclass(frozen=True)
class Discrete:
    """A few values, strictly increasing, each with its probability (sum 1 within 1e-9)."""

    values: tuple[float, ...]
    probabilities: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse lengths that differ, values out of order and probabilities that do not sum to 1."""
        if len(self.values) != len(self.probabilities) or not self.values:
            raise ValueError("need as many probabilities as values, and at least one")
        if any(b <= a for a, b in zip(self.values, self.values[1:], strict=False)):
            raise ValueError(f"values must increase strictly, got {self.values}")
        if min(self.probabilities) < 0.0 or abs(math.fsum(self.probabilities) - 1.0) > 1e-9:
            raise ValueError(f"probabilities must be >= 0 and sum to 1, got {self.probabilities}")

    @property
    def _cumulative(self) -> Array:
        total = np.cumsum(self.probabilities)
        # Rounding must not leave a gap below 1, nor a value of probability 0 behind the last real one.
        return np.where(total >= 1.0 - 1e-9, 1.0, total)

    def ppf(self, u: ArrayLike) -> Array:
        """Smallest value whose cumulative probability reaches u."""
        return np.asarray(self.values)[np.searchsorted(self._cumulative, checked_probabilities(u), side="left")]

    def cdf(self, x: ArrayLike) -> Array:
        """Probability of a value at or below x."""
        steps = np.concatenate([[0.0], self._cumulative])
        return np.asarray(steps[np.searchsorted(self.values, np.asarray(x, dtype=np.float64), side="right")])

    def mean(self) -> float:
        """Probability-weighted sum of the values."""
        return math.fsum(v * p for v, p in zip(self.values, self.probabilities, strict=True))
