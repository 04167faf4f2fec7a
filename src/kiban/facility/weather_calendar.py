"""The 365-day calendar of a weather year, and daily series that keep their months' means."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.signal import lfilter

Array = NDArray[np.float64]

DAYS = 365
HOURS = DAYS * 24
MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
MONTH_OF_DAY = np.repeat(np.arange(12), MONTH_DAYS)
MONTH_START = np.concatenate([[0], np.cumsum(MONTH_DAYS)[:-1]])


def monthly_mean(values: Array) -> Array:
    """Give the mean of each month of a daily (365,) or hourly (8760,) series; result (12,)."""
    per_day = values.reshape(DAYS, -1).mean(axis=1)
    return np.add.reduceat(per_day, MONTH_START) / MONTH_DAYS


def monthly_std(daily: Array) -> Array:
    """Give the sample standard deviation (n - 1) of the days of each month of a daily (365,) series; result (12,)."""
    off = daily - monthly_mean(daily)[MONTH_OF_DAY]
    return np.asarray(np.sqrt(np.add.reduceat(off**2, MONTH_START) / (MONTH_DAYS - 1)))


def season(month: Array) -> Array:
    """Give a smooth daily curve (365,) whose monthly means are the twelve given ones."""
    return np.asarray(_season_matrix() @ month)


@lru_cache(maxsize=1)
def _season_matrix() -> Array:
    """Give the (365, 12) matrix from monthly means to a periodic cubic through month middles with those means."""
    middle = MONTH_START + MONTH_DAYS / 2.0
    knots = np.append(middle, middle[0] + DAYS)
    day = np.arange(DAYS) + 0.5
    day = np.where(day < middle[0], day + DAYS, day)
    basis = np.eye(12)
    curve = CubicSpline(knots, np.vstack([basis, basis[:1]]), bc_type="periodic")(day)
    means = np.add.reduceat(curve, MONTH_START, axis=0) / MONTH_DAYS[:, None]
    return np.asarray(curve @ np.linalg.inv(means))


def ar1(noise: Array, autocorrelation: float) -> Array:
    """Give a stationary AR(1) series of unit variance from unit normal noise."""
    scaled = noise * np.sqrt(1.0 - autocorrelation**2)
    scaled[0] = noise[0]
    return np.asarray(lfilter([1.0], [1.0, -autocorrelation], scaled))


def scores(daily: Array) -> Array:
    """Move and scale a daily series (365,) to mean zero and sample standard deviation one inside each month."""
    off = daily - monthly_mean(daily)[MONTH_OF_DAY]
    return np.asarray(off / monthly_std(off)[MONTH_OF_DAY])


def between_days(daily: Array) -> Array:
    """Give (365, 24): daily values joined linearly from noon to noon, then moved so each day keeps its mean."""
    place = np.arange(HOURS).reshape(DAYS, 24) / 24.0 + 0.5 / 24.0
    around = np.concatenate([daily[-1:], daily, daily[:1]])
    joined = np.interp(place, np.arange(-1, DAYS + 1) + 0.5, around)
    return np.asarray(joined + (daily - joined.mean(axis=1))[:, None])
