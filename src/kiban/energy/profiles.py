"""Hourly shapes of a typical year: calendar, means by month and hour, wind and solar that follow the weather."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kiban.units import HOURS_PER_YEAR

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

HOURS_PER_DAY = 24
MONTHS_PER_YEAR = 12
# Days of the months of a non-leap year.
MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
HOURLY_MONTH: IntArray = np.repeat(np.arange(MONTHS_PER_YEAR), MONTH_DAYS * HOURS_PER_DAY)
HOURLY_CLOCK: IntArray = np.tile(np.arange(HOURS_PER_DAY), int(MONTH_DAYS.sum()))
_CELL: IntArray = HOURLY_MONTH * HOURS_PER_DAY + HOURLY_CLOCK
_CELLS = MONTHS_PER_YEAR * HOURS_PER_DAY
_CELL_COUNT = np.bincount(_CELL, minlength=_CELLS)
_WIND_SHAPE_EXPONENT = 3.0
_BISECTIONS = 60
_MIDDAY_FRAC = 0.9


def expand(month_hour: Array) -> Array:
    """Repeat a (12, 24) table of month-by-hour means over the 8760 hours of a non-leap year."""
    return np.asarray(month_hour[HOURLY_MONTH, HOURLY_CLOCK], dtype=np.float64)


def month_means(hourly: Array) -> Array:
    """Mean of each month, (12,), of an hourly series (8760,)."""
    total = np.bincount(HOURLY_MONTH, weights=hourly, minlength=MONTHS_PER_YEAR)
    return np.asarray(total / (MONTH_DAYS * HOURS_PER_DAY), dtype=np.float64)


def cell_means(hourly: Array) -> Array:
    """Mean of each month and hour of day, (12, 24), of an hourly series (8760,)."""
    total = np.bincount(_CELL, weights=hourly, minlength=_CELLS)
    return np.asarray((total / _CELL_COUNT).reshape(MONTHS_PER_YEAR, HOURS_PER_DAY), dtype=np.float64)


def wind_curve(cut_in_over_rated: float) -> Callable[[Array], Array]:
    """Output of a turbine over its rating, as a function of wind speed over rated speed.

    Equation: ((v^3 - c^3) / (1 - c^3)) between cut-in c and rated speed 1, clipped to 0..1. Origin: textbook cubic
    curve (Burton et al., Wind Energy Handbook, ch. 3). Validity: no cut-out: storms are inside the mean that is met.
    """
    floor = cut_in_over_rated**_WIND_SHAPE_EXPONENT

    def curve(speed: Array) -> Array:
        return np.clip((np.minimum(speed, 1.0) ** _WIND_SHAPE_EXPONENT - floor) / (1 - floor), 0.0, 1.0)

    return curve


def solar_curve(relative_irradiance: Array) -> Array:
    """Output of a solar park over its AC rating: proportional to irradiance, clipped by the inverter at 1."""
    return np.clip(relative_irradiance, 0.0, 1.0)


def follow_sun(hourly_irradiance: Array, month_hour_target: Array) -> Array:
    """Capacity factors of solar that keep the means of every month and hour, no hour above the midday of its own day.

    Arguments: (8760,) irradiance; (12, 24) target means. Result: (8760,) factors, 0..1. In a month whose sunset moves,
    an hour near it has sun on some days only; without the bound those days would carry the mean of all, above noon.
    Midday is every hour whose mean is at least ``_MIDDAY_FRAC`` of the month's highest.
    """
    free = follow_weather(hourly_irradiance, month_hour_target, solar_curve)
    midday = month_hour_target >= _MIDDAY_FRAC * month_hour_target.max(axis=1, keepdims=True)
    highest = np.where(expand(midday.astype(float)) > 0, free, 0.0).reshape(-1, HOURS_PER_DAY).max(axis=1)
    return follow_weather(hourly_irradiance, month_hour_target, solar_curve, np.repeat(highest, HOURS_PER_DAY))


def follow_weather(
    hourly_driver: Array, month_hour_target: Array, curve: Callable[[Array], Array], most: Array | float = 1.0
) -> Array:
    """Hourly capacity factors that vary with the weather and keep the means of every month and hour of day.

    Arguments: (8760,) driver (wind speed or irradiance, any unit); (12, 24) target means, 0..1; rising curve from
    scaled driver to 0..1; largest factor, (8760,) or one. Result: (8760,) capacity factors, 0..1.
    Equation: x_t = min(curve(k_c d_t / mean(d)), most) with k_c found by bisection in each cell c of month and hour so
    that the mean of x over the cell is the target. A cell that cannot reach its target takes it throughout.
    """
    mean = float(hourly_driver.mean())

    def output(scale: Array) -> Array:
        return np.minimum(curve(scale[_CELL] * driver), most)

    driver = np.maximum(hourly_driver, 0.0) / mean if mean > 0 else np.zeros(HOURS_PER_YEAR)
    target = month_hour_target.reshape(-1)
    low, high = np.zeros(_CELLS), np.full(_CELLS, 1e3)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        reached = cell_means(output(middle)).reshape(-1) >= target
        high, low = np.where(reached, middle, high), np.where(reached, low, middle)
    values = output(high)
    got = cell_means(values).reshape(-1)
    reachable = np.abs(got - target) <= 1e-6
    return np.asarray(np.where(reachable[_CELL], values, target[_CELL]), dtype=np.float64)
