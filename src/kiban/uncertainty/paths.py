"""Stochastic processes on quarters, from uniforms.

Paths are arrays (n, T): futures first, quarters last. Column q is the value q/4 years after the start;
column 0 is the start itself and certain, so a Gaussian process over T quarters takes at most T - 1
uniforms.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kiban.uncertainty.sampling import inside

Array = NDArray[np.float64]
Construction = Literal["sequential", "bridge", "principal"]

QUARTER_YEARS = 0.25


def quarter_times_years(quarters: int) -> Array:
    """Time of each quarter after the start, years, shape (quarters,): 0, 0.25, 0.5, ..."""
    if quarters < 1:
        raise ValueError(f"need at least one quarter, got {quarters}")
    return QUARTER_YEARS * np.arange(quarters, dtype=np.float64)


def bridge_order(steps: int) -> NDArray[np.int64]:
    """Order in which a Brownian bridge fixes `steps` times: the last, then midpoints, breadth first."""
    order, gaps = [steps - 1], [(-1, steps - 1)]
    while gaps:
        left, right = gaps.pop(0)
        if right - left > 1:
            middle = (left + right) // 2
            order.append(middle)
            gaps += [(left, middle), (middle, right)]
    return np.array(order if steps else [], dtype=np.int64)


def gaussian_factor(covariance: Array, construction: Construction = "sequential") -> Array:
    """Matrix F (T, T) with F F' = covariance, whose leading columns matter in the stated order.

    "sequential" (Cholesky): column k moves times k and later. "bridge": Cholesky in bridge order, for a
    Gaussian Markov process the Brownian bridge: column 0 fixes the last time, column 1 the middle, and so
    on. "principal": eigenvectors, largest variance first, the best split for any number of columns. Source:
    Glasserman, "Monte Carlo Methods in Financial Engineering", 2003, sections 3.1 and 5.5.
    """
    size = len(covariance)
    if size == 0 or not covariance.any():
        return np.zeros((size, size))
    if construction == "sequential":
        return np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)
    if construction == "bridge":
        order = bridge_order(size)
        factor = np.empty_like(covariance)
        factor[order] = np.linalg.cholesky(covariance[np.ix_(order, order)])
        return factor
    if construction == "principal":
        values, vectors = np.linalg.eigh(covariance)
        # An eigenvector's sign is arbitrary; a positive sum keeps results the same between LAPACK builds.
        signs = np.where(vectors.sum(axis=0) < 0.0, -1.0, 1.0)
        return np.asarray((vectors * signs * np.sqrt(np.maximum(values, 0.0)))[:, ::-1])
    raise ValueError(f"unknown construction {construction!r}: use sequential, bridge or principal")


def gaussian_paths(u: Array, covariance: Array, construction: Construction = "sequential") -> Array:
    """Zero-mean Gaussian paths (n, T) with the given covariance (T, T), from uniforms u (n, d), d <= T.

    With d == T the covariance is exact. With d < T (bridge or principal only) the leading d columns of the
    factor are used and each time is rescaled to its exact variance: the distribution at every single time
    stays exact, correlation between times is overstated (paths are too smooth). Where that matters, widen u
    with `sampling.pad_columns`. Raises ValueError for d > T, or d < T with "sequential".
    """
    from scipy.special import ndtri

    columns, size = u.shape[1], len(covariance)
    if columns > size:
        raise ValueError(f"{columns} uniforms for {size} random times: give at most {size} columns")
    factor = gaussian_factor(covariance, construction)
    if columns < size:
        if construction == "sequential" or columns == 0:
            raise ValueError(f"{columns} uniforms for {size} times: use the bridge or principal construction")
        factor = factor[:, :columns]
        kept = np.sqrt((factor**2).sum(axis=1))
        target = np.sqrt(np.diag(covariance))
        factor = factor * np.divide(target, kept, out=np.zeros_like(kept), where=kept > 0.0)[:, None]
    return np.asarray(ndtri(inside(u)) @ factor.T)


def ar1_covariance(phi: float, innovation_std: float, steps: int) -> Array:
    """Covariance (steps, steps) of X_1..X_steps of X_t = phi X_{t-1} + innovation_std Z_t with X_0 known.

    Cov(X_s, X_t) = innovation_std^2 * sum over j = 1..min(s, t) of phi^(s-j) phi^(t-j).
    """
    lag = np.subtract.outer(np.arange(steps), np.arange(steps))
    response = innovation_std * np.where(lag >= 0, float(phi) ** np.maximum(lag, 0), 0.0)
    return np.asarray(response @ response.T)


def ar1_paths(
    u: Array,
    phi: float,
    innovation_std: float,
    start: float,
    quarters: int,
    construction: Construction = "sequential",
) -> Array:
    """Paths (n, quarters) of X_t = phi X_{t-1} + innovation_std Z_t, from u (n, d), d <= quarters - 1.

    Moments at quarter t: mean start * phi^t; variance innovation_std^2 (1 - phi^(2t))/(1 - phi^2), or
    innovation_std^2 t where |phi| = 1. Needs |phi| <= 1 and innovation_std >= 0.
    """
    if abs(phi) > 1.0 or innovation_std < 0.0 or quarters < 1:
        raise ValueError(f"need |phi| <= 1, innovation_std >= 0, quarters >= 1: {phi}, {innovation_std}, {quarters}")
    noise = np.zeros((len(u), quarters))
    if quarters > 1 and innovation_std > 0.0:
        covariance = ar1_covariance(phi, innovation_std, quarters - 1)
        noise[:, 1:] = gaussian_paths(u, covariance, construction)
    return start * float(phi) ** np.arange(quarters) + noise


def ou_step(
    mean_reversion_per_year: float, vol_per_sqrt_year: float, step_years: float = QUARTER_YEARS
) -> tuple[float, float]:
    """AR(1) coefficient and innovation standard deviation of an Ornstein-Uhlenbeck process over one step.

    dX = -k X dt + s dW gives phi = exp(-k dt) and std = s sqrt((1 - exp(-2 k dt))/(2 k)), with limit s
    sqrt(dt) at k = 0. Exact for any step, unlike Euler. Source: Uhlenbeck and Ornstein, Phys. Rev. 36,
    1930; Gillespie, Phys. Rev. E 54, 1996.
    """
    k, s = mean_reversion_per_year, vol_per_sqrt_year
    if k < 0.0 or s < 0.0:
        raise ValueError(f"mean reversion and volatility must be >= 0, got {k} and {s}")
    spread_years = step_years if k == 0.0 else -np.expm1(-2.0 * k * step_years) / (2.0 * k)
    return float(np.exp(-k * step_years)), float(s * np.sqrt(spread_years))


def ou_moments(
    mean_reversion_per_year: float, vol_per_sqrt_year: float, start: float, times_years: ArrayLike
) -> tuple[Array, Array]:
    """Mean and variance of an Ornstein-Uhlenbeck process around 0 at given times (any shape).

    Mean start exp(-k t); variance s^2 (1 - exp(-2 k t))/(2 k), or s^2 t at k = 0.
    """
    t, k = np.asarray(times_years, dtype=np.float64), mean_reversion_per_year
    spread_years = t if k == 0.0 else -np.expm1(-2.0 * k * t) / (2.0 * k)
    return start * np.exp(-k * t), vol_per_sqrt_year**2 * spread_years


def ou_paths(
    u: Array,
    mean_reversion_per_year: float,
    vol_per_sqrt_year: float,
    start: float,
    quarters: int,
    construction: Construction = "sequential",
) -> Array:
    """Ornstein-Uhlenbeck paths (n, quarters) around 0, exact at each quarter; moments in `ou_moments`."""
    phi, step_std = ou_step(mean_reversion_per_year, vol_per_sqrt_year)
    return ar1_paths(u, phi, step_std, start, quarters, construction)


def trend_times_scarcity(
    u: Array,
    trend_frac_per_year: float,
    mean_reversion_per_year: float,
    vol_per_sqrt_year: float,
    start_log_scarcity: float,
    quarters: int,
    construction: Construction = "sequential",
) -> Array:
    """Multiplier paths (n, quarters): a steady trend times mean-reverting scarcity.

    M_t = (1 + trend)^t exp(X_t), t in years, X an Ornstein-Uhlenbeck process around 0 from
    start_log_scarcity; the first value is exp(start_log_scarcity). Args: u (n, d) with d <= quarters - 1;
    trend -0.3 means 30 % lower each year. The median follows (1 + trend)^t exp(E X_t); mean and variance in
    `trend_times_scarcity_moments`. Source: one-factor model 1 of Schwartz, "The stochastic behavior of
    commodity prices", J. Finance 52(3), 1997, with a deterministic trend. Valid for multipliers that stay
    positive; jumps need `regime_paths` beside it.
    """
    if trend_frac_per_year <= -1.0:
        raise ValueError(f"a trend of {trend_frac_per_year} a year leaves nothing: need more than -1")
    log_scarcity = ou_paths(u, mean_reversion_per_year, vol_per_sqrt_year, start_log_scarcity, quarters, construction)
    return np.exp(np.log1p(trend_frac_per_year) * quarter_times_years(quarters) + log_scarcity)


def trend_times_scarcity_moments(
    trend_frac_per_year: float,
    mean_reversion_per_year: float,
    vol_per_sqrt_year: float,
    start_log_scarcity: float,
    quarters: int,
) -> tuple[Array, Array]:
    """Exact mean and variance (quarters,) of `trend_times_scarcity`.

    With m, v the moments of X_t: mean (1 + trend)^t exp(m + v/2), variance mean^2 (exp(v) - 1).
    """
    times_years = quarter_times_years(quarters)
    m, v = ou_moments(mean_reversion_per_year, vol_per_sqrt_year, start_log_scarcity, times_years)
    mean = np.exp(np.log1p(trend_frac_per_year) * times_years + m + 0.5 * v)
    return mean, mean**2 * np.expm1(v)
