"""A synthetic year of market prices: means by month and hour, a floor, spikes above it, and the cap of the market."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from kiban.energy.profiles import HOURLY_MONTH, MONTHS_PER_YEAR, expand, month_means
from kiban.units import HOURS_PER_YEAR

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

HOURS_PER_DAY = 24
# The floor of a month stays below its cheapest mean hour, so that something is left to vary.
_FLOOR_BELOW_HOUR = 0.98
_MOST_SLOW_FRAC = 0.95


@dataclass(frozen=True)
class Memory:
    """How long prices stay away from their mean."""

    hour_correlation: float
    """Of the residual of one hour with the next, 0..1."""
    day_correlation: float
    """Of the residual of one hour with that of the next day, 0..1."""
    slow_h: float
    """Time over which the slow part fades: spells of weather and of outages."""


def floor_of(month_hour_price: Array, month_p05: Array, floor_over_p05: float) -> Array:
    """What prices of a month hardly ever fall below, (12,): fuel of the cheapest plant that runs all the time.

    Arguments: (12, 24) mean prices; (12,) 5th percentiles; ratio of floor to percentile. Result: never above the
    cheapest mean hour.
    """
    return np.asarray(np.minimum(floor_over_p05 * month_p05, _FLOOR_BELOW_HOUR * month_hour_price.min(axis=1)))


def tame_scarcity(month_hour_price: Array, outlier_factor: float, month_floor: Array) -> tuple[Array, IntArray]:
    """Scale months of scarcity down to the dearest ordinary month.

    Arguments: (12, 24) mean prices; factor over the median monthly mean from which a month counts as abnormal; (12,)
    floors. Result: the scaled table and the indices (0 = January) of the months that were scaled.
    Equation: m > f median(m) becomes b + (m - b) s with s so that its mean is max{m' ordinary}: scarcity lifts the dear
    hours, so it is taken out of these; the hours keep their proportions above the floor b.
    Origin: ERCOT August 2023 (261 USD/MWh against a median month of 30) is not a base case.
    """
    means = month_hour_price.mean(axis=1)
    odd = means > outlier_factor * np.median(means)
    scale = np.ones(MONTHS_PER_YEAR)
    if odd.any() and not odd.all():
        scale[odd] = (means[~odd].max() - month_floor[odd]) / (means[odd] - month_floor[odd])
    tamed = month_floor[:, None] + (month_hour_price - month_floor[:, None]) * scale[:, None]
    return np.where(odd[:, None], tamed, month_hour_price), np.flatnonzero(odd)


def spread_of(month_hour_price: Array, month_std: Array, month_floor: Array, memory: Memory) -> Array:
    """Deviation of the logarithm above the floor, (12,), that gives each month its standard deviation.

    Equation: s^2 = ln(1 + (std^2 - var of the mean day) / ((1 - r) mean (m - b)^2)); r is the share of the residual's
    variance that a month's mean carries and that holding the mean takes away, 1/n^2 sum over hours i, j of rho(i - j).
    """
    residual = np.maximum(month_std**2 - month_hour_price.var(axis=1), 0.0)
    above = ((month_hour_price - month_floor[:, None]) ** 2).mean(axis=1) * (1 - _mean_share(memory))
    return np.asarray(np.sqrt(np.log1p(np.divide(residual, above, out=np.zeros(MONTHS_PER_YEAR), where=above > 0))))


def _mean_share(memory: Memory) -> float:
    slow, kept, fast = _speeds(memory.hour_correlation, memory.day_correlation, memory.slow_h)
    n = HOURS_PER_YEAR / MONTHS_PER_YEAR
    apart = np.arange(1, int(n))
    correlation = slow * kept**apart + (1 - slow) * fast**apart
    return float((n + 2 * ((n - apart) * correlation).sum()) / n**2)


def price_year(
    month_hour_price: Array, month_floor: Array, month_spread: Array, memory: Memory, random: np.random.Generator
) -> Array:
    """Hourly price that spikes above a floor around month-by-hour means.

    Arguments: (12, 24) mean prices; (12,) floors and deviations of the logarithm; memory; random generator. Result:
    (8760,) prices whose monthly means are exact.
    Equation: p_t = b + (m(month, hour) - b) exp(s z_t - s^2/2), the part above b scaled by month to its mean; z_t is a
    slow and a fast AR(1), weighted so that z has the two autocorrelations. Those of prices rho are turned into those
    of logarithms by ln(1 + rho (e^(s^2) - 1)) / s^2, s^2 the mean of the months. Origin: shifted lognormal AR(1)
    residual of spot prices (Lucia and Schwartz 2002, in its two-factor form). Validity: no prices below the floor, so
    none below zero; the residual is independent of the wind.
    """
    z = _two_speeds(month_spread, memory, random)
    sigma = month_spread[HOURLY_MONTH]
    above = expand(month_hour_price - month_floor[:, None])
    spiked = above * np.exp(sigma * z - sigma**2 / 2)
    wanted, got = month_means(above), month_means(spiked)
    scale = np.divide(wanted, got, out=np.ones(MONTHS_PER_YEAR), where=got > 0)
    return np.asarray(month_floor[HOURLY_MONTH] + spiked * scale[HOURLY_MONTH], dtype=np.float64)


def _two_speeds(month_spread: Array, memory: Memory, random: np.random.Generator) -> Array:
    mean = float((month_spread**2).mean())
    hour, day = (
        float(np.log1p(r * np.expm1(mean)) / mean) if mean > 0 else r
        for r in (memory.hour_correlation, memory.day_correlation)
    )
    slow, kept, fast = _speeds(hour, day, memory.slow_h)
    return np.asarray(np.sqrt(slow) * _ar1(kept, random) + np.sqrt(1 - slow) * _ar1(fast, random), dtype=np.float64)


def _speeds(hour: float, day: float, slow_h: float) -> tuple[float, float, float]:
    """Weight of the slow part, and what an hour leaves of the slow and of the fast, from two autocorrelations."""
    kept = float(np.exp(-1 / slow_h))
    slow = min(day / kept**HOURS_PER_DAY, _MOST_SLOW_FRAC)
    return slow, kept, float(np.clip((hour - slow * kept) / (1 - slow), 0.0, 1.0))


def _ar1(correlation: float, random: np.random.Generator) -> Array:
    shock = random.standard_normal(HOURS_PER_YEAR)
    shock[1:] *= np.sqrt(1 - correlation**2)
    return np.asarray(lfilter([1.0], [1.0, -correlation], shock), dtype=np.float64)


def under_cap(hourly_price: Array, cap: float) -> Array:
    """The same year with no hour above the cap of its market and the means of all months as they were.

    Arguments: (8760,) prices, none below zero; cap in the same money. Result: min(cap, k p) with k per month so that
    its mean stays. Errors: ValueError where a month's mean is above the cap.
    """
    wanted = month_means(hourly_price)
    if (wanted > cap).any():
        raise ValueError(f"a month's mean price of {wanted.max():g} is above the cap of {cap:g}")
    capped = hourly_price.copy()
    for month in range(MONTHS_PER_YEAR):
        prices = hourly_price[month == HOURLY_MONTH]
        full = prices > cap
        # Each turn can only bring more hours to the cap, so this ends.
        while full.any():
            rest = float(prices[~full].sum())
            scale = (wanted[month] * prices.size - cap * int(full.sum())) / rest if rest > 0 else 1.0
            more = full | (scale * prices > cap)
            if (more == full).all():
                capped[month == HOURLY_MONTH] = np.where(full, cap, scale * prices)
                break
            full = more
    return capped
