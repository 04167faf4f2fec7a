"""Years that are not the typical one: normals moved by what months stray from year to year."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kiban.facility.weather_calendar import ar1
from kiban.facility.weather_statistics import Normals, WeatherShape, daily_statistics_by_rule

Array = NDArray[np.float64]
MONTHS = 12


@dataclass(frozen=True)
class YearSpread:
    """How far months stray from their normals (rows ``weather.year_*``)."""

    dry_bulb_std_frac: float
    """Standard deviation of a month's mean over that of its daily means."""
    dew_point_std_frac: float
    correlation: float
    """Of the two anomalies of a month."""
    month_persistence: float
    """Correlation of a month's anomaly with the next one's."""


def other_years(
    normals: Normals, shape: WeatherShape, spread: YearSpread, count: int, rng: np.random.Generator
) -> tuple[Normals, ...]:
    """Draw normals of single years, without a trend.

    Arguments: normals, shape, spread, number of years, generator. Result: ``count`` normals; dry bulb (mean, daily
    maximum and minimum) and dew point moved by month, all else as given.
    Model: anomaly of month m = std frac x standard deviation of daily means x AR(1) normal score; the mean of n days
    with autocorrelation r has sqrt((1 + r) / (1 - r) / n) of their deviation, 0.4 at 0.65. Measured on 16 places in
    2020-2024 (``weather_years.csv``): the fraction hardly differs from Singapore to Toronto. Validity: years a decade
    or two from the normals' period; extremes of single days move with their month only.
    """
    daily = normals.daily or daily_statistics_by_rule(normals, shape)
    found = []
    for _ in range(count):
        warm = ar1(rng.standard_normal(MONTHS), spread.month_persistence)
        other = ar1(rng.standard_normal(MONTHS), spread.month_persistence)
        moist = spread.correlation * warm + np.sqrt(1.0 - spread.correlation**2) * other
        warmer = spread.dry_bulb_std_frac * normals.dry_bulb_daily_mean_std_k * warm
        moister = spread.dew_point_std_frac * daily.dew_point_std_k * moist
        found.append(
            replace(
                normals,
                dry_bulb_mean_degc=normals.dry_bulb_mean_degc + warmer,
                dry_bulb_daily_max_degc=normals.dry_bulb_daily_max_degc + warmer,
                dry_bulb_daily_min_degc=normals.dry_bulb_daily_min_degc + warmer,
                dew_point_mean_degc=normals.dew_point_mean_degc + moister,
            )
        )
    return tuple(found)
