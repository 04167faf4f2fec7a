"""The time axis of a dispatch: steps, what each stands for, and the step before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.energy.profiles import HOURLY_CLOCK, HOURLY_MONTH, MONTHS_PER_YEAR
from kiban.energy.weeks import Periods
from kiban.units import HOURS_PER_YEAR, QUARTERS_PER_YEAR

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Axis:
    """N steps that stand for Y years."""

    weight_h: Array
    """(N,) hours of the years that a step stands for; each year's weights sum to 8760 (or to the part covered)."""
    step_h: float
    """Length of a step."""
    year: IntArray
    """(N,) year, 0 = first."""
    month: IntArray
    """(N,) month counted through all years, 0 = first January."""
    clock: IntArray
    """(N,) hour of the day, 0..23."""
    previous: IntArray
    """(N,) step before; storage ends where it began, so the first step follows the last of its period."""
    year_weight: Array
    """(Y,) weight of a year in the cost; sums to 1. Equal weights give the mean year."""

    @property
    def count(self) -> int:
        """Number of steps."""
        return int(self.weight_h.size)

    @property
    def years(self) -> int:
        """Number of years."""
        return int(self.year_weight.size)

    @property
    def quarter(self) -> IntArray:
        """(N,) quarter counted through all years."""
        return np.asarray(self.month // (MONTHS_PER_YEAR // QUARTERS_PER_YEAR), dtype=np.int64)

    def charge_weight(self, each: str) -> Array:
        """Weight of a month's or year's charge in the cost of the mean year, (12 Y,) or (Y,).

        A part of a year stands for all of it: the months it has stand for twelve.
        """
        if each == "year":
            return self.year_weight
        months = np.unique(self.month)
        share = MONTHS_PER_YEAR * self.years / months.size
        return np.asarray(np.repeat(self.year_weight, MONTHS_PER_YEAR)[: int(months[-1]) + 1] * share)

    @property
    def cost_weight_h(self) -> Array:
        """(N,) weight of a step in the cost of the mean year."""
        return np.asarray(self.weight_h * self.year_weight[self.year], dtype=np.float64)


def hourly_axis(hours: int = HOURS_PER_YEAR, year_weight: Array | None = None) -> Axis:
    """Every hour of one or several non-leap years from 1 January, one cyclic period for storage.

    Arguments: number of hours, a part of a year or whole years; (Y,) weights of the years, made to sum to 1.
    A part of a year is weighted so that it stands for all of it. Errors: ValueError for a broken last year of several.
    """
    years = -(-hours // HOURS_PER_YEAR)
    if hours < 1 or (years > 1 and hours % HOURS_PER_YEAR):
        raise ValueError(f"{hours} hours are neither a part of a year nor whole years of {HOURS_PER_YEAR}")
    hour = np.arange(hours)
    year, of_year = np.divmod(hour, HOURS_PER_YEAR)
    weight = np.full(hours, HOURS_PER_YEAR / hours if years == 1 else 1.0)
    given = np.ones(years) if year_weight is None else np.asarray(year_weight, dtype=np.float64)
    if given.shape != (years,) or not (given > 0).all():
        raise ValueError(f"{years} years need as many positive weights")
    return Axis(
        weight_h=weight,
        step_h=1.0,
        year=year,
        month=year * MONTHS_PER_YEAR + HOURLY_MONTH[of_year],
        clock=HOURLY_CLOCK[of_year],
        previous=np.roll(hour, 1),
        year_weight=given / given.sum(),
    )


def weekly_axis(periods: Periods) -> Axis:
    """Representative weeks as an axis: each week its own cyclic period."""
    return Axis(
        weight_h=periods.step_weight,
        step_h=1.0,
        year=np.zeros(periods.count, dtype=np.int64),
        month=periods.step_month,
        clock=HOURLY_CLOCK[periods.step_hour],
        previous=periods.step_previous,
        year_weight=np.ones(1),
    )
