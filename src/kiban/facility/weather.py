"""A seeded hourly year of weather from monthly normals.

Local standard time, hour beginning, 365 days. Every monthly mean is met (dry bulb, wind, irradiance exactly, dew
point within 0.0001 K), spread and skew of daily means by construction, the mean daily maximum and minimum closely; the
sequence of days is a draw, marked "synthetic".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from kiban.facility import psychrometrics as air
from kiban.facility.weather_calendar import (
    DAYS,
    HOURS,
    MONTH_OF_DAY,
    MONTH_START,
    ar1,
    between_days,
    monthly_mean,
    monthly_std,
    season,
)
from kiban.facility.weather_days import Days, draw_days
from kiban.facility.weather_statistics import Normals, WeatherShape, daily_statistics_by_rule, refuse_gaps
from kiban.facility.weather_sun import hourly_ghi, sun

Array = NDArray[np.float64]

_RANGE_STEPS = 4
_SPREAD_STEPS = 4
_MEAN_STEPS = 2
_LOWEST_DEW_POINT_DEGC = -60.0


@dataclass(frozen=True)
class WeatherYear:
    """One hourly year, each array (8760,), and the air pressure of the place."""

    hourly_dry_bulb_degc: Array
    hourly_dew_point_degc: Array
    hourly_wet_bulb_degc: Array
    hourly_wind_speed_m_per_s: Array
    hourly_ghi_w_per_m2: Array
    pressure_pa: float


def synthetic_year(normals: Normals, shape: WeatherShape, rng: np.random.Generator) -> WeatherYear:
    """Draw one hourly year that meets the monthly normals.

    Arguments: normals, shape, generator. Result: the year. Errors: ValueError where a normal is not finite.
    Model: daily means (``draw_days``: season's drift and AR(1) order the days, values come from the month's mean,
    spread and skew) + diurnal curve and hourly noise for dry bulb, hourly noise for dew point,
    which stays below dry bulb; clear sky x daily clearness; Weibull wind by Gaussian copula. After Richardson (1981,
    Water Resources Research 17:182). Valid where days are seasons apart in temperature, not for storms.
    """
    refuse_gaps(normals)
    statistics = normals.daily or daily_statistics_by_rule(normals, shape)
    days = draw_days(normals, statistics, shape, rng)
    dry = _hourly_dry_bulb(normals, shape, days, rng)
    dew = _hourly_dew_point(normals, statistics.dew_point_std_k, shape, days, dry, rng)
    dry, dew = dry.reshape(HOURS), dew.reshape(HOURS)
    return WeatherYear(
        hourly_dry_bulb_degc=dry,
        hourly_dew_point_degc=dew,
        hourly_wet_bulb_degc=air.wet_bulb_degc(
            dry, air.humidity_ratio_of_dew_point(dew, normals.pressure_pa), normals.pressure_pa
        ),
        hourly_wind_speed_m_per_s=_hourly_wind(normals, shape, rng),
        hourly_ghi_w_per_m2=hourly_ghi(
            normals.lat_deg, normals.lon_deg, normals.ghi_kwh_per_m2_day, days.clearness, shape.clearness_spread
        ),
        pressure_pa=normals.pressure_pa,
    )


def _hourly_dry_bulb(normals: Normals, shape: WeatherShape, days: Days, rng: np.random.Generator) -> Array:
    """Give (365, 24): daily means joined from noon to noon, and a diurnal curve whose range varies by day."""
    wanted_range = normals.dry_bulb_daily_max_degc - normals.dry_bulb_daily_min_degc
    rise = (normals.dry_bulb_mean_degc - normals.dry_bulb_daily_min_degc) / np.maximum(wanted_range, 1e-6)
    curve = _diurnal(normals, np.clip(rise, 0.25, 0.75), shape.warmest_hour_h)[MONTH_OF_DAY]
    warm = _warmth(normals, shape)
    variation = shape.daily_range_variation * (1.0 - warm) + shape.daily_range_warm_variation * warm
    swing = np.clip(1.0 + variation * days.range_score, 0.25, None)
    # Clouds and gusts reach the day's extremes too, so the curve under them is flatter than the normal range.
    gusts = ar1(rng.standard_normal(HOURS), shape.dry_bulb_hour_autocorrelation).reshape(DAYS, 24)
    curve = curve + shape.dry_bulb_hourly_std_frac * (gusts - gusts.mean(axis=1, keepdims=True))
    drift = between_days(days.dry_bulb_degc)
    amplitude = wanted_range
    for _ in range(_RANGE_STEPS):
        hourly = drift + (amplitude[MONTH_OF_DAY] * swing)[:, None] * curve
        got = monthly_mean(hourly.max(axis=1) - hourly.min(axis=1))
        amplitude = amplitude * np.clip(wanted_range / np.maximum(got, 1e-6), 0.5, 2.0)
    hourly = drift + (amplitude[MONTH_OF_DAY] * swing)[:, None] * curve
    return np.asarray(hourly + season(normals.dry_bulb_mean_degc - monthly_mean(hourly))[:, None])


def _warmth(normals: Normals, shape: WeatherShape) -> Array:
    """Give (365,) from 0 in cool to 1 in the hottest months, where days are alike."""
    span = shape.daily_range_warm_end_degc - shape.daily_range_warm_start_degc
    return np.clip((normals.dry_bulb_mean_degc - shape.daily_range_warm_start_degc) / span, 0.0, 1.0)[MONTH_OF_DAY]


def _diurnal(normals: Normals, rise: Array, warmest_hour_h: float) -> Array:
    """Give (12, 24) curves of mean zero and range one with the minimum at sunrise and the maximum at a set hour.

    A half cosine up from sunrise, a half cosine down to the next sunrise, raised to the power that makes the mean
    lie at ``rise`` between minimum and maximum (``rise`` from the normals).
    """
    hour = np.arange(24) + 0.5
    declination, _ = sun(MONTH_START + 15.0)
    cosine = -np.tan(np.radians(normals.lat_deg)) * np.tan(declination)
    sunrise = 12.0 - np.degrees(np.arccos(np.clip(cosine, -0.95, 0.95))) / 15.0
    up = ((hour[None, :] - sunrise[:, None]) % 24) / (warmest_hour_h - sunrise)[:, None]
    down = ((hour[None, :] - warmest_hour_h) % 24) / (24.0 - warmest_hour_h + sunrise)[:, None]
    base = np.where(
        up < 1.0,
        0.5 - 0.5 * np.cos(np.pi * np.minimum(up, 1.0)),
        0.5 + 0.5 * np.cos(np.pi * np.minimum(down, 1.0)),
    )
    base = np.clip(base, 1e-6, 1.0)
    low, high = np.full(12, np.log(0.1)), np.full(12, np.log(10.0))
    for _ in range(30):
        middle = 0.5 * (low + high)
        above = (base ** np.exp(middle)[:, None]).mean(axis=1) > rise
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    curve = base ** np.exp(0.5 * (low + high))[:, None]
    return np.asarray(curve - curve.mean(axis=1, keepdims=True))


def _hourly_dew_point(
    normals: Normals, std_k: Array, shape: WeatherShape, days: Days, dry: Array, rng: np.random.Generator
) -> Array:
    """Give (365, 24) dew points below dry bulb that meet each month's mean, and its spread of days as far as they can.

    Daily values joined from noon to noon plus AR(1) noise within the day, wider on dry days; its deviation joins a
    floor and a share of the month's spread. The room d below dry bulb, or below air over a warm sea where that is
    colder, is softened to s ln(1 + exp(d / s)): nights come near saturation and seldom reach it. Shift (Newton) and
    scale of each month then find mean and spread.
    """
    wanted = normals.dew_point_mean_degc
    base, off = between_days(wanted[MONTH_OF_DAY]), between_days(days.dew_point_off_k)
    noise = ar1(rng.standard_normal(HOURS), shape.dew_point_hour_autocorrelation).reshape(DAYS, 24)
    noise = (noise - noise.mean(axis=1, keepdims=True)) * days.dew_point_stretch[:, None]
    noise_std = np.hypot(shape.dew_point_hourly_floor_k, shape.dew_point_hourly_share * std_k)
    base = base + noise * (noise_std / np.sqrt(monthly_mean(noise**2)))[MONTH_OF_DAY][:, None]
    most = np.minimum(dry, np.maximum(shape.dew_point_ceiling_degc, wanted + 2.0 * std_k)[MONTH_OF_DAY][:, None])
    shift, scale = np.zeros(DAYS), np.ones(12)
    for step in range(_SPREAD_STEPS + _MEAN_STEPS):
        dew, slope = _below(base + scale[MONTH_OF_DAY][:, None] * off + shift[:, None], most, shape)
        daily = dew.mean(axis=1)
        shift = shift + season(np.clip((wanted - monthly_mean(daily)) / np.maximum(slope, 0.05), -5.0, 5.0))
        if step < _SPREAD_STEPS:
            scale = np.clip(scale * np.clip(std_k / np.maximum(monthly_std(daily), 1e-6), 0.7, 1.4), 0.3, 3.0)
    return _below(base + scale[MONTH_OF_DAY][:, None] * off + shift[:, None], most, shape)[0]


def _below(dew: Array, most: Array, shape: WeatherShape) -> tuple[Array, Array]:
    """Give dew points (365, 24) softened below the most they can be, and the monthly mean (12,) of their slope."""
    ratio = (most - dew) / shape.saturation_softness_k
    tail = np.exp(-np.abs(ratio))
    depression = shape.saturation_softness_k * (np.maximum(ratio, 0.0) + np.log1p(tail))
    slope = np.where(ratio > 0.0, 1.0, tail) / (1.0 + tail)
    return np.maximum(most - depression, np.minimum(most, _LOWEST_DEW_POINT_DEGC)), monthly_mean(slope)


def _hourly_wind(normals: Normals, shape: WeatherShape, rng: np.random.Generator) -> Array:
    """Give (8760,) wind at 10 m: Weibull by Gaussian copula, diurnal swing, monthly means met."""
    uniform = np.clip(ndtr(ar1(rng.standard_normal(HOURS), shape.wind_hour_autocorrelation)), 1e-9, 1 - 1e-9)
    speed = (-np.log1p(-uniform)) ** (1.0 / shape.wind_weibull_shape)
    swing = 1.0 + shape.wind_diurnal_amplitude_frac * np.cos(
        2 * np.pi * (np.arange(24) + 0.5 - shape.warmest_hour_h) / 24
    )
    hourly = speed.reshape(DAYS, 24) * swing
    factor = normals.wind_speed_m_per_s / monthly_mean(hourly)
    return np.asarray((hourly * factor[MONTH_OF_DAY][:, None]).reshape(HOURS))
