"""The rival of `price_fit`: a price that only decays, and scores that compare two predictive laws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class DecayFit:
    """Straight line through log prices by least squares."""

    times_years: Array
    level: float
    """Log price at the mean of the dates."""
    trend_per_year: float
    residual_std: float

    def centre(self, times_years: ArrayLike) -> Array:
        """Log price on the line."""
        return self.level + self.trend_per_year * (np.asarray(times_years) - self.times_years.mean())

    def spread(self, times_years: ArrayLike) -> Array:
        """Scale of the Student law of a new log price: s sqrt(1 + 1/n + (t - mean)^2 / Sxx)."""
        seen = self.times_years
        lever = (np.asarray(times_years) - seen.mean()) ** 2 / ((seen - seen.mean()) ** 2).sum()
        return self.residual_std * np.sqrt(1.0 + 1.0 / len(seen) + lever)

    def quantile(self, times_years: ArrayLike, levels: ArrayLike, with_parameters: bool = True) -> Array:
        """Log prices (levels, m): Student band with the line's own uncertainty, or the residual's Gaussian alone."""
        from scipy.special import ndtri, stdtrit

        p = np.atleast_1d(np.asarray(levels, dtype=np.float64))[:, None]
        centre = np.atleast_1d(self.centre(times_years))
        if not with_parameters:
            return np.asarray(centre + ndtri(p) * self.residual_std)
        return np.asarray(centre + stdtrit(len(self.times_years) - 2, p) * self.spread(np.atleast_1d(times_years)))

    def log_score(self, times_years: ArrayLike, log_price: ArrayLike) -> float:
        """Log density of new log prices together: multivariate Student with n - 2 degrees of freedom.

        Source: Gelman et al., "Bayesian Data Analysis", 3rd ed., section 14.2, flat prior on line and log scale.
        """
        from scipy.special import gammaln

        t, seen = np.atleast_1d(np.asarray(times_years, dtype=np.float64)), self.times_years
        away = np.outer(t - seen.mean(), t - seen.mean()) / ((seen - seen.mean()) ** 2).sum()
        shape = self.residual_std**2 * (np.eye(len(t)) + 1.0 / len(seen) + away)
        white = np.linalg.solve(np.linalg.cholesky(shape), np.asarray(log_price) - self.centre(t))
        nu, m = len(seen) - 2, len(t)
        log_det = np.log(np.diag(np.linalg.cholesky(shape))).sum()
        head = gammaln(0.5 * (nu + m)) - gammaln(0.5 * nu) - 0.5 * m * np.log(nu * np.pi) - log_det
        return float(head - 0.5 * (nu + m) * np.log1p(white @ white / nu))


def fit_decay(times_years: ArrayLike, price: ArrayLike) -> DecayFit:
    """Line through log prices by least squares; needs three dates that are not all the same."""
    t, y = np.asarray(times_years, dtype=np.float64), np.log(np.asarray(price, dtype=np.float64))
    if len(t) < 3 or np.ptp(t) == 0.0:
        raise ValueError(f"a decay needs at least three prices at different dates, got {len(t)}")
    away = t - t.mean()
    trend = float(away @ y / (away @ away))
    rest = y - y.mean() - trend * away
    return DecayFit(t, float(y.mean()), trend, float(np.sqrt(rest @ rest / (len(t) - 2))))


def crps(quantiles: Array, levels: ArrayLike, value: ArrayLike) -> Array:
    """Continuous ranked probability score (m,) of forecasts given as quantiles (levels, m); lower is better.

    Twice the mean pinball loss over evenly spaced levels. Source: Gneiting and Raftery, "Strictly proper scoring
    rules, prediction, and estimation", JASA 102, 2007, section 4.2 (with the quantile form of Laio and Tamea, 2007).
    """
    p = np.asarray(levels, dtype=np.float64)[:, None]
    gap = np.asarray(value, dtype=np.float64) - quantiles
    return np.asarray(2.0 * np.where(gap >= 0.0, p * gap, (p - 1.0) * gap).mean(axis=0))


def interval_score(low: Array, high: Array, value: ArrayLike, coverage: float = 0.9) -> Array:
    """Width of a central band plus 2/(1 - coverage) times the miss outside it; lower is better.

    Source: Gneiting and Raftery 2007, eq. 43.
    """
    x = np.asarray(value, dtype=np.float64)
    miss = np.maximum(low - x, 0.0) + np.maximum(x - high, 0.0)
    return np.asarray(high - low + 2.0 / (1.0 - coverage) * miss)
