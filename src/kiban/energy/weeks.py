"""Representative weeks: twelve weeks that stand for the year, and the way back to 8760 hours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.energy.profiles import HOURLY_MONTH, MONTHS_PER_YEAR
from kiban.units import HOURS_PER_YEAR

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

HOURS_PER_WEEK = 168
_WEEKS = HOURS_PER_YEAR // HOURS_PER_WEEK
# One scaling is exact without an upper bound; the others return what the bound cut off.
_SCALINGS = 8
_QUANTILES = np.linspace(0.02, 0.98, 25)


@dataclass(frozen=True)
class Periods:
    """Time steps of a model that stand for a year; K steps."""

    step_hour: IntArray
    """(K,) hour of the year that the step was taken from."""
    step_weight: Array
    """(K,) hours of the year that the step stands for; sums to 8760."""
    step_month: IntArray
    """(K,) month, 0 = January."""
    step_previous: IntArray
    """(K,) step before; the first step of a period follows its last, so that storage ends where it began."""
    hour_step: IntArray
    """(8760,) step that stands for an hour of the year."""

    @property
    def count(self) -> int:
        """Number of steps."""
        return int(self.step_hour.size)

    def spread(self, step_values: Array) -> Array:
        """Take values of the steps, (..., K), back to the hours of the year, (..., 8760)."""
        return np.asarray(step_values[..., self.hour_step], dtype=np.float64)

    def take(self, hourly: Array, most: float = np.inf) -> Array:
        """Values at the steps, (K,), each month scaled so that its mean is that of the hours it stands for.

        Arguments: (8760,) series without negative values; largest value allowed (1 for capacity factors).
        Result: (K,). A month that is zero at the steps stays zero.
        """
        real = _mean(self.step_month[self.hour_step], hourly)
        values = hourly[self.step_hour]
        for _ in range(_SCALINGS):
            taken = _mean(self.step_month, values)
            scale = np.divide(real, taken, out=np.ones(MONTHS_PER_YEAR), where=taken > 0)
            values = np.minimum(values * scale[self.step_month], most)
        return np.asarray(values, dtype=np.float64)


def whole_year() -> Periods:
    """All 8760 hours as one period."""
    hours = np.arange(HOURS_PER_YEAR)
    return Periods(hours, np.ones(HOURS_PER_YEAR), HOURLY_MONTH, np.roll(hours, 1), hours)


def typical_weeks(series: list[Array]) -> Periods:
    """One week per month: the one whose duration curves come nearest to those of the month.

    Arguments: (8760,) series that matter (price, wind, solar, load). Result: 12 periods of 168 steps.
    Method: the year is cut into 52 weeks, each belongs to the month of its middle hour; the distance of a week is the
    sum over series of mean |difference of 25 quantiles| over the standard deviation of the year. Weeks of a month
    weigh alike; the last day of the year repeats a day of December's week. Origin: typical periods by duration curve
    (Poncelet et al. 2017, one period per month). Validity: keeps days and weeks, loses the year's rarest lulls.
    """
    week_month = HOURLY_MONTH[np.arange(_WEEKS) * HOURS_PER_WEEK + HOURS_PER_WEEK // 2]
    hours = _WEEKS * HOURS_PER_WEEK
    distance = np.zeros(_WEEKS)
    for values in series:
        weeks = values[:hours].reshape(_WEEKS, HOURS_PER_WEEK)
        spread = float(values.std()) or 1.0
        week_curve = np.quantile(weeks, _QUANTILES, axis=1).T
        for month in range(MONTHS_PER_YEAR):
            member = week_month == month
            whole = np.quantile(weeks[member], _QUANTILES)
            distance[member] += np.abs(week_curve[member] - whole).mean(axis=1) / spread
    chosen = np.array(
        [np.flatnonzero(week_month == m)[np.argmin(distance[week_month == m])] for m in range(MONTHS_PER_YEAR)]
    )
    step_hour = (chosen[:, None] * HOURS_PER_WEEK + np.arange(HOURS_PER_WEEK)).reshape(-1)
    weeks_of_month = np.bincount(week_month, minlength=MONTHS_PER_YEAR)
    weight = np.repeat(weeks_of_month * (HOURS_PER_YEAR / hours), HOURS_PER_WEEK)
    steps = np.arange(step_hour.size)
    first = steps % HOURS_PER_WEEK == 0
    hour = np.arange(HOURS_PER_YEAR)
    month_of_hour = week_month[np.minimum(hour // HOURS_PER_WEEK, _WEEKS - 1)]
    return Periods(
        step_hour=step_hour,
        step_weight=weight,
        step_month=np.repeat(np.arange(MONTHS_PER_YEAR), HOURS_PER_WEEK),
        step_previous=np.where(first, steps + HOURS_PER_WEEK - 1, steps - 1),
        hour_step=month_of_hour * HOURS_PER_WEEK + hour % HOURS_PER_WEEK,
    )


def _mean(month: IntArray, values: Array) -> Array:
    total = np.bincount(month, weights=values, minlength=MONTHS_PER_YEAR)
    return np.asarray(total / np.bincount(month, minlength=MONTHS_PER_YEAR), dtype=np.float64)
