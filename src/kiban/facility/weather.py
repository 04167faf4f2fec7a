"""A seeded hourly year of weather from monthly normals.

Local standard time, hour beginning, 365 days. Every monthly mean is met exactly (dry bulb, dew point, wind,
irradiance), the mean daily maximum and minimum closely; the sequence of days is a draw, marked "synthetic".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.signal import lfilter
from scipy.special import ndtr

from kiban.facility import psychrometrics as air

Array = NDArray[np.float64]

DAYS = 365
HOURS = DAYS * 24
MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
MONTH_OF_DAY = np.repeat(np.arange(12), MONTH_DAYS)
MONTH_START = np.concatenate([[0], np.cumsum(MONTH_DAYS)[:-1]])
_FIXED_POINT_STEPS = 4


@dataclass(frozen=True)
class Normals:
    """Monthly normals (each (12,)) and the place of one site."""

    dry_bulb_mean_degc: Array
    dry_bulb_daily_max_degc: Array
    dry_bulb_daily_min_degc: Array
    dry_bulb_daily_mean_std_k: Array
    dew_point_mean_degc: Array
    wind_speed_m_per_s: Array
    ghi_kwh_per_m2_day: Array
    lat_deg: float
    lon_deg: float
    pressure_pa: float


@dataclass(frozen=True)
class WeatherShape:
    """Numbers of day-to-day and hour-to-hour variation, measured on typical years (rows ``weather.*``)."""

    dry_bulb_day_autocorrelation: float
    dew_point_slope: float
    dew_point_residual_std_k: float
    dew_point_residual_warm_std_k: float
    dew_point_day_autocorrelation: float
    warm_start_degc: float
    warm_end_degc: float
    daily_range_variation: float
    daily_range_warm_variation: float
    daily_range_clearness_correlation: float
    clearness_day_autocorrelation: float
    clearness_spread: float
    wind_weibull_shape: float
    wind_hour_autocorrelation: float
    wind_diurnal_amplitude_frac: float
    warmest_hour_h: float
    dry_bulb_hourly_std_frac: float
    dry_bulb_hour_autocorrelation: float


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
    Model: season (periodic cubic through month middles) + AR(1) daily anomaly + diurnal curve; dew point constant
    within the day = season + slope * anomaly + AR(1), both fading in hot months; daily clearness AR(1) under a
    clear sky; Weibull wind by Gaussian copula. After Richardson (1981, Water Resources Research 17:182) and the
    generators in TRNSYS/Meteonorm manuals. Valid where days are seasons apart in temperature, not for storms.
    """
    _refuse_gaps(normals)
    clear = _ar1(rng.standard_normal(DAYS), shape.clearness_day_autocorrelation)
    dry = _hourly_dry_bulb(normals, shape, clear, rng)
    dew = _daily_dew_point(normals, shape, dry, rng)
    return WeatherYear(
        hourly_dry_bulb_degc=dry,
        hourly_dew_point_degc=dew,
        hourly_wet_bulb_degc=air.wet_bulb_degc(
            dry, air.humidity_ratio_of_dew_point(dew, normals.pressure_pa), normals.pressure_pa
        ),
        hourly_wind_speed_m_per_s=_hourly_wind(normals, shape, rng),
        hourly_ghi_w_per_m2=_hourly_ghi(normals, shape, clear),
        pressure_pa=normals.pressure_pa,
    )


def monthly_mean(values: Array) -> Array:
    """Give the mean of each month of a daily (365,) or hourly (8760,) series; result (12,)."""
    per_day = values.reshape(DAYS, -1).mean(axis=1)
    return np.add.reduceat(per_day, MONTH_START) / MONTH_DAYS


def _refuse_gaps(normals: Normals) -> None:
    gaps = [name for name, value in vars(normals).items() if not np.all(np.isfinite(value))]
    if gaps:
        raise ValueError(f"weather normals without a value: {', '.join(gaps)}")


@lru_cache(maxsize=1)
def _season_matrix() -> Array:
    """Give the (365, 12) matrix from monthly means to a smooth daily curve whose monthly means are those means."""
    middle = MONTH_START + MONTH_DAYS / 2.0
    knots = np.append(middle, middle[0] + DAYS)
    day = np.arange(DAYS) + 0.5
    day = np.where(day < middle[0], day + DAYS, day)
    basis = np.eye(12)
    curve = CubicSpline(knots, np.vstack([basis, basis[:1]]), bc_type="periodic")(day)
    means = np.add.reduceat(curve, MONTH_START, axis=0) / MONTH_DAYS[:, None]
    return np.asarray(curve @ np.linalg.inv(means))


def _season(month: Array) -> Array:
    return np.asarray(_season_matrix() @ month)


def _ar1(noise: Array, autocorrelation: float) -> Array:
    """Give a stationary AR(1) series of unit variance from unit normal noise."""
    scaled = noise * np.sqrt(1.0 - autocorrelation**2)
    scaled[0] = noise[0]
    return np.asarray(lfilter([1.0], [1.0, -autocorrelation], scaled))


def _centred(values: Array) -> Array:
    """Take a smooth curve off a daily series so that every month's mean is zero."""
    return values - _season(monthly_mean(values))


def _scaled_to_month_std(season: Array, anomaly: Array, std: Array) -> Array:
    """Scale a daily anomaly until the standard deviation of season + anomaly inside each month meets its normal."""
    for _ in range(_FIXED_POINT_STEPS):
        total = season + anomaly
        spread = np.sqrt(np.maximum(monthly_mean(total**2) - monthly_mean(total) ** 2, 1e-12))
        anomaly = _centred(anomaly * np.clip(std / spread, 0.2, 5.0)[MONTH_OF_DAY])
    return anomaly


def _hourly_dry_bulb(normals: Normals, shape: WeatherShape, clear: Array, rng: np.random.Generator) -> Array:
    season = _season(normals.dry_bulb_mean_degc)
    anomaly = _centred(_ar1(rng.standard_normal(DAYS), shape.dry_bulb_day_autocorrelation))
    daily = season + _scaled_to_month_std(season, anomaly, normals.dry_bulb_daily_mean_std_k)
    wanted_range = normals.dry_bulb_daily_max_degc - normals.dry_bulb_daily_min_degc
    rise = (normals.dry_bulb_mean_degc - normals.dry_bulb_daily_min_degc) / np.maximum(wanted_range, 1e-6)
    curve = _diurnal(normals, np.clip(rise, 0.25, 0.75), shape.warmest_hour_h)[MONTH_OF_DAY]
    mixed = shape.daily_range_clearness_correlation * clear + np.sqrt(
        1.0 - shape.daily_range_clearness_correlation**2
    ) * rng.standard_normal(DAYS)
    warm = _warmth(normals, shape)
    variation = shape.daily_range_variation * (1.0 - warm) + shape.daily_range_warm_variation * warm
    swing = np.clip(1.0 + variation * mixed, 0.25, None)
    # Clouds and gusts reach the day's extremes too, so the curve under them is flatter than the normal range.
    gusts = _ar1(rng.standard_normal(HOURS), shape.dry_bulb_hour_autocorrelation).reshape(DAYS, 24)
    curve = curve + shape.dry_bulb_hourly_std_frac * (gusts - gusts.mean(axis=1, keepdims=True))
    drift = _between_days(daily)
    amplitude = wanted_range
    for _ in range(_FIXED_POINT_STEPS):
        hourly = drift + (amplitude[MONTH_OF_DAY] * swing)[:, None] * curve
        got = monthly_mean(hourly.max(axis=1) - hourly.min(axis=1))
        amplitude = amplitude * np.clip(wanted_range / np.maximum(got, 1e-6), 0.5, 2.0)
    hourly = drift + (amplitude[MONTH_OF_DAY] * swing)[:, None] * curve
    hourly = hourly + _season(normals.dry_bulb_mean_degc - monthly_mean(hourly))[:, None]
    return np.asarray(hourly.reshape(HOURS))


def _warmth(normals: Normals, shape: WeatherShape) -> Array:
    """Give (365,) from 0 in mild to 1 in the hottest months, where days are alike and no fronts pass."""
    span = shape.warm_end_degc - shape.warm_start_degc
    return np.clip((normals.dry_bulb_mean_degc - shape.warm_start_degc) / span, 0.0, 1.0)[MONTH_OF_DAY]


def _diurnal(normals: Normals, rise: Array, warmest_hour_h: float) -> Array:
    """Give (12, 24) curves of mean zero and range one with the minimum at sunrise and the maximum at a set hour.

    A half cosine up from sunrise, a half cosine down to the next sunrise, raised to the power that makes the mean
    lie at ``rise`` between minimum and maximum (``rise`` from the normals).
    """
    hour = np.arange(24) + 0.5
    declination, _ = _sun(MONTH_START + 15.0)
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


def _between_days(daily: Array) -> Array:
    """Give (365, 24): daily values joined linearly from noon to noon, then moved so each day keeps its mean."""
    place = np.arange(HOURS).reshape(DAYS, 24) / 24.0 + 0.5 / 24.0
    around = np.concatenate([daily[-1:], daily, daily[:1]])
    joined = np.interp(place, np.arange(-1, DAYS + 1) + 0.5, around)
    return np.asarray(joined + (daily - joined.mean(axis=1))[:, None])


def _daily_dew_point(normals: Normals, shape: WeatherShape, dry: Array, rng: np.random.Generator) -> Array:
    mean = normals.dry_bulb_mean_degc
    warm = _warmth(normals, shape)
    own_std = shape.dew_point_residual_std_k * (1.0 - warm) + shape.dew_point_residual_warm_std_k * warm
    own = _ar1(rng.standard_normal(DAYS), shape.dew_point_day_autocorrelation) * own_std
    day = dry.reshape(DAYS, 24)
    anomaly = day.mean(axis=1) - _season(mean)
    daily = _season(normals.dew_point_mean_degc) + _centred(shape.dew_point_slope * (1.0 - warm) * anomaly + own)
    for _ in range(2 * _FIXED_POINT_STEPS):
        hourly = np.minimum(daily[:, None], day)
        daily = daily + _season(normals.dew_point_mean_degc - monthly_mean(hourly))
    return np.asarray(np.minimum(daily[:, None], day).reshape(HOURS))


def _sun(day: Array) -> tuple[Array, Array]:
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
    declination, equation = _sun(np.arange(DAYS, dtype=np.float64) + 0.5)
    offset = lon_deg / 15.0 - np.round(lon_deg / 15.0)
    hour_angle = np.radians(15.0 * (np.arange(24)[None, :] + 0.5 + offset + equation[:, None] - 12.0))
    lat = np.radians(lat_deg)
    cosine = np.sin(lat) * np.sin(declination)[:, None] + np.cos(lat) * np.cos(declination)[:, None] * np.cos(
        hour_angle
    )
    safe = np.maximum(cosine, 1e-3)
    return np.where(cosine > 1e-3, 1098.0 * safe * np.exp(-0.057 / safe), 0.0)


def _hourly_ghi(normals: Normals, shape: WeatherShape, clear: Array) -> Array:
    """Give (8760,) irradiance: clear sky times a daily clearness u^g, with g (and, if the month is clearer than the
    clear-sky model, a factor above 1) so that each monthly sum is met."""
    sky = clear_sky_w_per_m2(normals.lat_deg, normals.lon_deg)
    wanted = normals.ghi_kwh_per_m2_day * 1000.0
    days = sky.sum(axis=1)
    rank = 1.0 - shape.clearness_spread * (1.0 - ndtr(clear))
    low, high = np.full(12, -8.0), np.full(12, 4.0)
    for _ in range(40):
        middle = 0.5 * (low + high)
        bright = monthly_mean(days * rank ** np.exp(middle)[MONTH_OF_DAY]) > wanted
        low, high = np.where(bright, middle, low), np.where(bright, high, middle)
    clearness = rank ** np.exp(0.5 * (low + high))[MONTH_OF_DAY]
    hourly = sky * clearness[:, None]
    ratio = wanted / np.maximum(monthly_mean(hourly.sum(axis=1)), 1e-9)
    return np.asarray((hourly * ratio[MONTH_OF_DAY][:, None]).reshape(HOURS))


def _hourly_wind(normals: Normals, shape: WeatherShape, rng: np.random.Generator) -> Array:
    """Give (8760,) wind at 10 m: Weibull by Gaussian copula, diurnal swing, monthly means met."""
    uniform = np.clip(ndtr(_ar1(rng.standard_normal(HOURS), shape.wind_hour_autocorrelation)), 1e-9, 1 - 1e-9)
    speed = (-np.log1p(-uniform)) ** (1.0 / shape.wind_weibull_shape)
    swing = 1.0 + shape.wind_diurnal_amplitude_frac * np.cos(
        2 * np.pi * (np.arange(24) + 0.5 - shape.warmest_hour_h) / 24
    )
    hourly = speed.reshape(DAYS, 24) * swing
    factor = normals.wind_speed_m_per_s / monthly_mean(hourly)
    return np.asarray((hourly * factor[MONTH_OF_DAY][:, None]).reshape(HOURS))
