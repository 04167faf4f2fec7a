"""Fit of a price that follows a trend times mean-reverting scarcity, and of a plain decay beside it.

The process is that of `paths.trend_times_scarcity`: log price = level + trend * t + X(t) + noise, X an
Ornstein-Uhlenbeck process around 0 in its steady state, dates at any spacing. Few prices are published, so
no parameter is a point: level and trend are Gaussian and leave the likelihood in closed form, reversion and
volatility stay on a grid with their posterior weights, and a prediction is the mixture over that grid.
Sources: Schwartz, "The stochastic behavior of commodity prices", J. Finance 52(3), 1997, model 1; Rasmussen
and Williams, "Gaussian Processes for Machine Learning", 2006, sections 2.2, 2.7 (linear parameters) and 4.2.1
(the exponential covariance is the Ornstein-Uhlenbeck process).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

LEVEL_STD = 2.0
"""Prior spread of the log level: a factor of 7 either way, so the data decide."""

SMALLEST_VARIANCE = 1e-12
"""Of a log price: a millionth of the price."""


@dataclass(frozen=True)
class PricePrior:
    """What is held about a price before its history is read.

    Trend of the log price per year: Gaussian. Half-life of scarcity and its volatility: uniform in their logs
    between two bounds.
    """

    trend_per_year: float
    trend_std_per_year: float
    half_life_years: tuple[float, float]
    vol_per_sqrt_year: tuple[float, float]

    def __post_init__(self) -> None:
        for name, (low, high) in (("half_life_years", self.half_life_years), ("vol", self.vol_per_sqrt_year)):
            if not 0.0 < low < high:
                raise ValueError(f"{name}: need 0 < low < high, got {low} and {high}")
        if self.trend_std_per_year < 0.0:
            raise ValueError(f"trend_std_per_year must be >= 0, got {self.trend_std_per_year}")


@dataclass(frozen=True)
class LogMixture:
    """Predictive law of log prices at m dates: Gaussian vectors, mixed with weights."""

    weight: Array
    """(g,)"""
    mean: Array
    """(g, m)"""
    covariance: Array
    """(g, m, m)"""

    @property
    def std(self) -> Array:
        """Standard deviation of each part at each date, (g, m)."""
        # At a date already seen without noise the variance is 0 but for rounding, which may fall below.
        return np.sqrt(np.maximum(np.diagonal(self.covariance, axis1=1, axis2=2), SMALLEST_VARIANCE))

    def cdf(self, log_price: ArrayLike) -> Array:
        """Probability of a log price at or below, one value per date."""
        from scipy.special import ndtr

        return np.asarray(self.weight @ ndtr((np.asarray(log_price) - self.mean) / self.std))

    def quantile(self, levels: ArrayLike) -> Array:
        """Log prices (levels, m) at given probabilities, by bisection of the mixture's distribution."""
        p = np.atleast_1d(np.asarray(levels, dtype=np.float64))[:, None]
        reach = 12.0 * self.std.max(axis=0)
        low = np.broadcast_to(self.mean.min(axis=0) - reach, (len(p), self.mean.shape[1])).copy()
        high = np.broadcast_to(self.mean.max(axis=0) + reach, low.shape).copy()
        for _ in range(60):
            middle = 0.5 * (low + high)
            below = np.stack([self.cdf(row) for row in middle]) < p
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return 0.5 * (low + high)

    def log_score(self, log_price: ArrayLike) -> float:
        """Log density of all m log prices together: the higher, the better foreseen."""
        gap = np.asarray(log_price, dtype=np.float64) - self.mean
        return _log_sum(np.log(self.weight) + _log_gauss(self.covariance, gap))


@dataclass(frozen=True)
class PriceFit:
    """Posterior of the process given dated prices."""

    times_years: Array
    log_price: Array
    noise_std: Array
    prior: PricePrior
    mean_reversion_per_year: Array
    """Grid (g,)."""
    vol_per_sqrt_year: Array
    """Grid (g,)."""
    weight: Array
    """Posterior weights (g,), summing to 1."""
    log_evidence: float

    def predict(self, times_years: ArrayLike, noise_std: ArrayLike = 0.0) -> LogMixture:
        """Law of the log prices at given dates (m,); noise_std (m,) or one value is that of the observer there.

        Gaussian conditioning part by part: mean K* K^-1 r and covariance K** - K* K^-1 K*', with the prior of
        level and trend inside K. Source: Rasmussen and Williams, eqs 2.23 and 2.24.
        """
        at = np.atleast_1d(np.asarray(times_years, dtype=np.float64))
        seen, origin = self.times_years, self.times_years.mean()
        k, s = self.mean_reversion_per_year, self.vol_per_sqrt_year
        own = _covariance(seen, seen, k, s, self.prior, origin) + np.diag(self.noise_std**2)
        cross = _covariance(at, seen, k, s, self.prior, origin)
        there = _covariance(at, at, k, s, self.prior, origin)
        gap = self.log_price - _mean(seen, self.prior, origin, self.log_price)
        gain = np.linalg.solve(own, np.swapaxes(cross, 1, 2))
        mean = _mean(at, self.prior, origin, self.log_price) + np.einsum("gnm,n->gm", gain, gap)
        extra = np.broadcast_to(np.asarray(noise_std, dtype=np.float64) ** 2, at.shape)
        return LogMixture(self.weight, mean, there - cross @ gain + np.diag(extra))

    def steady(self, time_years: float) -> LogMixture:
        """Law of the log price at a date had scarcity there forgotten its past: the line plus a fresh steady X.

        What the price returns to and how far it strays, trend of later years left out. Equation: as `predict`, with the
        covariance of the line alone between the date and the history.
        """
        at, seen, origin = np.array([time_years]), self.times_years, self.times_years.mean()
        k, s = self.mean_reversion_per_year, self.vol_per_sqrt_year
        own = _covariance(seen, seen, k, s, self.prior, origin) + np.diag(self.noise_std**2)
        cross = np.broadcast_to(_line(at, seen, self.prior, origin), (len(k), 1, len(seen)))
        gain = np.linalg.solve(own, np.swapaxes(cross, 1, 2))
        gap = self.log_price - _mean(seen, self.prior, origin, self.log_price)
        mean = _mean(at, self.prior, origin, self.log_price) + np.einsum("gnm,n->gm", gain, gap)
        fresh = (s**2 / (2.0 * k))[:, None, None] + _line(at, at, self.prior, origin)
        return LogMixture(self.weight, mean, fresh - cross @ gain)

    def marginal(self, name: str, levels: ArrayLike = (0.05, 0.5, 0.95)) -> Array:
        """Posterior quantiles of "half_life_years", "mean_reversion_per_year", "vol_per_sqrt_year" or "std"."""
        k, s = self.mean_reversion_per_year, self.vol_per_sqrt_year
        values = {
            "half_life_years": np.log(2.0) / k,
            "mean_reversion_per_year": k,
            "vol_per_sqrt_year": s,
            "std": s / np.sqrt(2.0 * k),
        }
        if name not in values:
            raise ValueError(f"no parameter {name!r}: use one of {', '.join(values)}")
        order = np.argsort(values[name])
        share = np.cumsum(self.weight[order]) - 0.5 * self.weight[order]
        return np.interp(np.asarray(levels, dtype=np.float64), share, values[name][order])

    def trend(self) -> tuple[float, float]:
        """Posterior mean and standard deviation of the trend of the log price per year."""
        span = np.array([self.times_years.mean(), self.times_years.mean() + 1.0])
        design = np.column_stack([np.ones_like(self.times_years), self.times_years - span[0]])
        k, s = self.mean_reversion_per_year, self.vol_per_sqrt_year
        noise = _scarcity(self.times_years, self.times_years, k, s) + np.diag(self.noise_std**2)
        white = np.linalg.solve(noise, np.broadcast_to(design, (len(k), *design.shape)))
        held = np.diag([LEVEL_STD**-2, max(self.prior.trend_std_per_year, 1e-9) ** -2])
        precision = np.einsum("gnp,nq->gpq", white, design) + held
        centre = np.array([self.log_price.mean(), self.prior.trend_per_year])
        right = np.einsum("gnp,n->gp", white, self.log_price) + held @ centre
        both = np.linalg.inv(precision)
        mean = np.einsum("gpq,gq->gp", both, right)[:, 1]
        centre_trend = float(self.weight @ mean)
        spread = float(self.weight @ (both[:, 1, 1] + (mean - centre_trend) ** 2))
        return centre_trend, float(np.sqrt(spread))


def fit_price(
    times_years: ArrayLike, price: ArrayLike, noise_std: ArrayLike, prior: PricePrior, grid: int = 24
) -> PriceFit:
    """Posterior of trend times scarcity from dated prices.

    Args: times_years (n,) calendar years; price (n,) > 0; noise_std (n,) or one value, spread of a published
    log price around the market's; prior; grid points per parameter. Raises ValueError for prices that are not
    positive, no price, or a noise below 0.
    """
    t, p = np.asarray(times_years, dtype=np.float64), np.asarray(price, dtype=np.float64)
    noise = np.broadcast_to(np.asarray(noise_std, dtype=np.float64), t.shape).copy()
    if t.shape != p.shape or t.size == 0 or np.any(p <= 0.0) or np.any(noise < 0.0):
        raise ValueError("need as many positive prices as dates, at least one, and noise_std >= 0")
    k, s = _grid(prior, grid)
    origin = float(t.mean())
    covariance = _covariance(t, t, k, s, prior, origin) + np.diag(noise**2)
    log_price = np.log(p)
    gap = log_price - _mean(t, prior, origin, log_price)
    score = _log_gauss(covariance, np.broadcast_to(gap, (len(k), len(t))))
    evidence = _log_sum(score - np.log(len(k)))
    weight = np.exp(score - score.max())
    return PriceFit(t, log_price, noise, prior, k, s, weight / weight.sum(), evidence)


def _grid(prior: PricePrior, points: int) -> tuple[Array, Array]:
    half_life = np.geomspace(*prior.half_life_years, points)
    vol = np.geomspace(*prior.vol_per_sqrt_year, points)
    k, s = np.meshgrid(np.log(2.0) / half_life, vol, indexing="ij")
    return k.ravel(), s.ravel()


def _scarcity(a: Array, b: Array, k: Array, s: Array) -> Array:
    """Covariance (g, a, b) of a steady Ornstein-Uhlenbeck process: s^2/(2k) exp(-k |lag|)."""
    lag = np.abs(np.subtract.outer(a, b))
    return (s**2 / (2.0 * k))[:, None, None] * np.exp(-k[:, None, None] * lag)


def _covariance(a: Array, b: Array, k: Array, s: Array, prior: PricePrior, origin: float) -> Array:
    return _scarcity(a, b, k, s) + _line(a, b, prior, origin)


def _line(a: Array, b: Array, prior: PricePrior, origin: float) -> Array:
    """Prior covariance (a, b) of level plus trend."""
    return LEVEL_STD**2 + prior.trend_std_per_year**2 * np.outer(a - origin, b - origin)


def _mean(t: Array, prior: PricePrior, origin: float, log_price: Array) -> Array:
    return log_price.mean() + prior.trend_per_year * (t - origin)


def _log_gauss(covariance: Array, gap: Array) -> Array:
    """Log density of zero-mean Gaussian vectors, (g,), from covariances (g, m, m) and gaps (g, m)."""
    factor = np.linalg.cholesky(covariance)
    white = np.linalg.solve(factor, gap[..., None])[..., 0]
    half_log_det = np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
    return np.asarray(-0.5 * (white**2).sum(axis=1) - half_log_det - 0.5 * gap.shape[1] * np.log(2.0 * np.pi))


def _log_sum(values: Array) -> float:
    top = values.max()
    return float(top + np.log(np.exp(values - top).sum()))
