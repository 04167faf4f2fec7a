"""The sun over a place: clear sky, and hourly irradiance that meets monthly sums."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from kiban.facility.weather_calendar import DAYS, HOURS, MONTH_OF_DAY, monthly_mean

Array = NDArray[np.float64]


def sun(day: Array) -> tuple[Array, Array]:
    """Give declination (rad) and equation of time (h), Spencer (1971), within 0.01 rad and 0.01 h."""
    angle = 2.0 * np.pi * day / DAYS
    declination = (
        0.006918
        - 0.399912 * np.cos(angle)
        + 0.070257 * np.sin(angle)
        - 0.006758 * np.cos(2 * angle)
        + 0.000907 * np.sin(2 * angle)
    )
    equation = 3.8197 * (
        0.000075
        + 0.001868 * np.cos(angle)
        - 0.032077 * np.sin(angle)
        - 0.014615 * np.cos(2 * angle)
        - 0.04089 * np.sin(2 * angle)
    )
    return declination, equation


def clear_sky_w_per_m2(lat_deg: float, lon_deg: float) -> Array:
    """Give clear-sky global horizontal irradiance of a place, (365, 24), at the middle of each local standard hour.

    GHI = 1098 cos z exp(-0.057 / cos z), Haurwitz (1945), within about 5 % at low and middle altitude.
    """
    declination, equation = sun(np.arange(DAYS, dtype=np.float64) + 0.5)
    offset = lon_deg / 15.0 - np.round(lon_deg / 15.0)
    hour_angle = np.radians(15.0 * (np.arange(24)[None, :] + 0.5 + offset + equation[:, None] - 12.0))
    lat = np.radians(lat_deg)
    cosine = np.sin(lat) * np.sin(declination)[:, None] + np.cos(lat) * np.cos(declination)[:, None] * np.cos(
        hour_angle
    )
    safe = np.maximum(cosine, 1e-3)
    return np.where(cosine > 1e-3, 1098.0 * safe * np.exp(-0.057 / safe), 0.0)


def hourly_ghi(
    lat_deg: float, lon_deg: float, ghi_kwh_per_m2_day: Array, clearness_score: Array, spread: float
) -> Array:
    """Give (8760,) irradiance: clear sky times a daily clearness u^g that meets each monthly sum.

    Arguments: place (deg), monthly normals (kWh/m2 a day, (12,)), daily unit normal scores of clearness (365,), how
    far the dullest day lies below the clearest. Where a month is clearer than the clear-sky model, a factor above 1.
    """
    sky = clear_sky_w_per_m2(lat_deg, lon_deg)
    wanted = ghi_kwh_per_m2_day * 1000.0
    days = sky.sum(axis=1)
    rank = 1.0 - spread * (1.0 - ndtr(clearness_score))
    low, high = np.full(12, -8.0), np.full(12, 4.0)
    for _ in range(40):
        middle = 0.5 * (low + high)
        bright = monthly_mean(days * rank ** np.exp(middle)[MONTH_OF_DAY]) > wanted
        low, high = np.where(bright, middle, low), np.where(bright, high, middle)
    clearness = rank ** np.exp(0.5 * (low + high))[MONTH_OF_DAY]
    hourly = sky * clearness[:, None]
    ratio = wanted / np.maximum(monthly_mean(hourly.sum(axis=1)), 1e-9)
    return np.asarray((hourly * ratio[MONTH_OF_DAY][:, None]).reshape(HOURS))
