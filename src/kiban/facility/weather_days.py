"""One draw of 365 days: daily dry bulb, dew point, clearness and temperature range that meet each month's statistics.

Only the order of days is left to chance. Inside each month the ranks of a seeded Gaussian series pick from the
quantiles of the month's distribution, so that mean, spread and skew of every month are those that were asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from kiban.facility.weather_calendar import (
    DAYS,
    MONTH_DAYS,
    MONTH_OF_DAY,
    MONTH_START,
    ar1,
    scores,
    season,
)
from kiban.facility.weather_statistics import DailyStatistics, Normals, WeatherShape

Array = NDArray[np.float64]

_BENDS = np.linspace(-1.2, 1.2, 97)
_MOST_DRIFT = 0.9
_LEAST_STD_K = 0.05
_MOST_STRETCH = 1.2


@dataclass(frozen=True)
class Days:
    """Daily series of one year, each (365,)."""

    dry_bulb_degc: Array
    dew_point_off_k: Array
    """Off its month's mean."""
    dew_point_stretch: Array
    """How much wider than usual the dew point moves within the day: humid days are bounded, dry days are not."""
    clearness: Array
    """Unit normal scores."""
    range_score: Array
    """Scores of the daily temperature range, mean zero and deviation one in each month."""


def draw_days(normals: Normals, statistics: DailyStatistics, shape: WeatherShape, rng: np.random.Generator) -> Days:
    """Draw the days of one year.

    Arguments: normals, statistics of daily means, shape, generator. Result: days. Dry bulb, dew point and clearness
    are Gaussian AR(1) series on the season's drift, joined by their measured correlations; the rank of a day in its
    month becomes its value by ``_quantiles``, so mean, deviation and skew of each month are met exactly. After the
    rank method of Iman and Conover (1982, Communications in Statistics B 11:311).
    """
    bend = shape.daily_tail_bend
    mean, std = normals.dry_bulb_mean_degc, normals.dry_bulb_daily_mean_std_k
    first = _with_drift(mean, std, ar1(rng.standard_normal(DAYS), shape.dry_bulb_day_autocorrelation))
    dry, dry_order = _ranked(first, _quantiles(statistics.dry_bulb_skew, bend)), _ranked(first, _normal_scores())
    dew_mean, dew_std = normals.dew_point_mean_degc, statistics.dew_point_std_k
    other = _with_drift(dew_mean, dew_std, ar1(rng.standard_normal(DAYS), shape.dew_point_day_autocorrelation))
    shared = _monthly_sum(other * dry_order) / (MONTH_DAYS - 1)
    own = scores(other - shared[MONTH_OF_DAY] * dry_order)
    tie = statistics.dew_point_dry_bulb_correlation[MONTH_OF_DAY]
    dew = _ranked(tie * dry_order + np.sqrt(1.0 - tie**2) * own, _quantiles(statistics.dew_point_skew, bend))
    skewness = _skewness(statistics.dew_point_skew, bend)[MONTH_OF_DAY]
    sky = ar1(rng.standard_normal(DAYS), shape.clearness_day_autocorrelation)
    clear = _mixed((dry_order, own), (shape.clearness_dry_bulb_correlation, shape.clearness_dew_point_correlation), sky)
    return Days(
        dry_bulb_degc=(mean[MONTH_OF_DAY] + std[MONTH_OF_DAY] * dry),
        dew_point_off_k=dew_std[MONTH_OF_DAY] * dew,
        dew_point_stretch=np.exp(np.clip(-skewness * dew, -_MOST_STRETCH, _MOST_STRETCH)),
        clearness=clear,
        range_score=scores(_range(shape, dry_order, own, clear, rng)),
    )


def _with_drift(mean: Array, std: Array, noise: Array) -> Array:
    """Give scores (365,) of days that drift with the season and vary with the noise, to order the days of a month.

    Arguments: monthly means and standard deviations of days (12,), unit noise (365,). The season's drift takes its
    part of the month's variance, at most nine tenths, and the noise the rest.
    """
    drift = (season(mean) - mean[MONTH_OF_DAY]) / np.maximum(std, _LEAST_STD_K)[MONTH_OF_DAY]
    taken = _monthly_sum(drift**2) / (MONTH_DAYS - 1)
    drift = drift * np.minimum(1.0, np.sqrt(_MOST_DRIFT / np.maximum(taken, 1e-12)))[MONTH_OF_DAY]
    left = np.sqrt(1.0 - np.minimum(taken, _MOST_DRIFT))[MONTH_OF_DAY]
    return scores(drift + left * noise)


def _monthly_sum(daily: Array) -> Array:
    return np.add.reduceat(daily, MONTH_START)


def _mixed(drivers: tuple[Array, ...], correlations: tuple[float, ...], noise: Array) -> Array:
    """Give a series with given correlations to drivers that are independent of each other and of the noise."""
    left = 1.0 - sum(c**2 for c in correlations)
    return np.asarray(sum(c * d for c, d in zip(correlations, drivers, strict=True)) + np.sqrt(max(left, 0.0)) * noise)


def _range(shape: WeatherShape, dry: Array, own: Array, clear: Array, rng: np.random.Generator) -> Array:
    """Give the day's range as a regression on temperature, dew point and clearness plus noise."""
    a, b = shape.clearness_dry_bulb_correlation, shape.clearness_dew_point_correlation
    wanted = np.array(
        [
            shape.daily_range_dry_bulb_correlation,
            shape.daily_range_dew_point_correlation,
            shape.daily_range_clearness_correlation,
        ]
    )
    weight = np.linalg.solve(np.array([[1.0, 0.0, a], [0.0, 1.0, b], [a, b, 1.0]]), wanted)
    left = np.sqrt(max(1.0 - float(weight @ wanted), 0.0))
    return np.asarray(weight[0] * dry + weight[1] * own + weight[2] * clear + left * rng.standard_normal(DAYS))


@lru_cache(maxsize=1)
def _normal_scores() -> Array:
    """Give (365,) expected normal scores of the days of each month in rising order (Blom 1958)."""
    place = np.concatenate([(np.arange(1, n + 1) - 0.375) / (n + 0.25) for n in MONTH_DAYS])
    return scores(np.asarray(ndtri(place)))


def _ranked(daily: Array, rising: Array) -> Array:
    """Give each day of a series (365,) the value of its rank inside its month, from (365,) values that rise there."""
    values = np.empty(DAYS)
    values[np.lexsort((daily, MONTH_OF_DAY))] = rising
    return values


def _bent(z: Array, skewness: Array | float, bend: float) -> Array:
    """Turn normal scores into a distribution bounded above (skewness > 0) or below, with tails lighter by ``bend``."""
    t = np.tanh(bend * z) / bend if bend > 0.0 else z
    safe = np.where(np.abs(skewness) < 1e-6, 1e-6, skewness)
    return np.asarray(-np.expm1(-safe * t) / safe)


@lru_cache(maxsize=8)
def _skew_table(bend: float) -> Array:
    """Give the sample skew of a 30-day month for each of ``_BENDS``, times -1 so that it rises."""
    z = ndtri((np.arange(1, 31) - 0.375) / 30.25)
    values = _bent(z[None, :], _BENDS[:, None], bend)
    off = values - values.mean(axis=1, keepdims=True)
    return np.asarray(-(off**3).mean(axis=1) / (off**2).mean(axis=1) ** 1.5)


def _skewness(skew: Array, bend: float) -> Array:
    """Give the parameter (12,) of ``_bent`` that has a sample skew (12,), at most about 1.6 either way."""
    return np.interp(-skew, _skew_table(bend), _BENDS)


def _quantiles(skew: Array, bend: float) -> Array:
    """Give (365,) values of mean zero and deviation one that rise inside each month, with that month's skew (12,)."""
    return scores(_bent(_normal_scores(), _skewness(skew, bend)[MONTH_OF_DAY], bend))
