"""Moist air, vectorised: saturation, humidity ratio, dew point, wet bulb, enthalpy.

All equations: ASHRAE Handbook, Fundamentals (SI), 2017, chapter 1. Valid for -100 to 200 degC and 50 to 120 kPa
(saturation fits), used here between -50 and 60 degC. Judge: PsychroLib (tests/oracle).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

KELVIN = 273.15
TRIPLE_POINT_DEGC = 0.01
MOLAR_MASS_RATIO = 0.621945
LATENT_HEAT_0DEGC_J_PER_KG = 2.501e6
AIR_CP_J_PER_KG_K = 1006.0
VAPOUR_CP_J_PER_KG_K = 1860.0
WATER_CP_J_PER_KG_K = 4186.0

_ICE = (-5.6745359e3, 6.3925247, -9.677843e-3, 6.2215701e-7, 2.0747825e-9, -9.484024e-13, 4.1635019)
_LIQUID = (-5.8002206e3, 1.3914993, -4.8640239e-2, 4.1764768e-5, -1.4452093e-8, 0.0, 6.5459673)
_NEWTON_STEPS = 5
_DEW_STEPS = 6


def _log_saturation(kelvin: Array, c: tuple[float, ...]) -> tuple[Array, Array]:
    """Give ln(p_ws) and its derivative per kelvin, equations 5 (ice) and 6 (liquid)."""
    log_p = c[0] / kelvin + c[1] + kelvin * (c[2] + kelvin * (c[3] + kelvin * (c[4] + kelvin * c[5])))
    slope = -c[0] / kelvin**2 + c[2] + kelvin * (2 * c[3] + kelvin * (3 * c[4] + 4 * kelvin * c[5]))
    return log_p + c[6] * np.log(kelvin), slope + c[6] / kelvin


def _log_saturation_both(temperature_degc: Array) -> tuple[Array, Array]:
    kelvin = temperature_degc + KELVIN
    log_p, slope = _log_saturation(kelvin, _LIQUID)
    ice = temperature_degc <= TRIPLE_POINT_DEGC
    if np.any(ice):
        log_ice, slope_ice = _log_saturation(np.minimum(kelvin, KELVIN + 1.0), _ICE)
        log_p, slope = np.where(ice, log_ice, log_p), np.where(ice, slope_ice, slope)
    return log_p, slope


def saturation_pressure_pa(temperature_degc: Array | float) -> Array:
    """Give the saturation pressure of water vapour over ice or liquid.

    Arguments: temperature (degC, any shape). Result: pressure (Pa), same shape. Source: equations 5 and 6.
    """
    return np.exp(_log_saturation_both(np.asarray(temperature_degc, dtype=float))[0])


def humidity_ratio(vapour_pressure_pa: Array | float, pressure_pa: Array | float) -> Array:
    """Give kg of vapour per kg of dry air: w = 0.621945 p_w / (p - p_w), equation 20.

    Arguments: vapour pressure and air pressure (Pa, broadcast). Result: humidity ratio.
    """
    vapour = np.asarray(vapour_pressure_pa, dtype=float)
    return np.asarray(MOLAR_MASS_RATIO * vapour / (np.asarray(pressure_pa, dtype=float) - vapour))


def humidity_ratio_of_dew_point(dew_point_degc: Array | float, pressure_pa: Array | float) -> Array:
    """Give the humidity ratio of air with a dew point (degC) at a pressure (Pa), equations 20 and 37."""
    return humidity_ratio(saturation_pressure_pa(dew_point_degc), pressure_pa)


def relative_humidity_frac(dry_bulb_degc: Array | float, dew_point_degc: Array | float) -> Array:
    """Give relative humidity p_ws(t_d) / p_ws(t), equation 22; arguments in degC, broadcast."""
    return saturation_pressure_pa(dew_point_degc) / saturation_pressure_pa(dry_bulb_degc)


def dew_point_degc(vapour_pressure_pa: Array | float) -> Array:
    """Give the temperature at which a vapour pressure saturates.

    Arguments: vapour pressure (Pa, any shape, > 0). Result: degC. Newton on ln p_ws from the Magnus inverse,
    so it is the exact inverse of ``saturation_pressure_pa`` (below 1e-6 K).
    """
    target = np.log(np.asarray(vapour_pressure_pa, dtype=float))
    x = target - np.log(611.2)
    found = 243.12 * x / (17.62 - x)
    for _ in range(_DEW_STEPS):
        log_p, slope = _log_saturation_both(found)
        found = found - (log_p - target) / slope
    return np.asarray(found)


def wet_bulb_degc(dry_bulb_degc: Array | float, ratio: Array | float, pressure_pa: Array | float) -> Array:
    """Give the thermodynamic wet-bulb temperature.

    Arguments: dry bulb (degC), humidity ratio, pressure (Pa), broadcast. Result: degC, never above dry bulb.
    Solves equation 33 (wet bulb above freezing) or 35 (iced bulb) by Newton. Between the two branches lies a band
    of about 0.2 K at 0 degC with two roots; the liquid one is taken where it exists.
    """
    dry, w, pressure = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (dry_bulb_degc, ratio, pressure_pa)))
    at_freezing = humidity_ratio(saturation_pressure_pa(0.0), pressure)
    liquid = (2501.0 * at_freezing - 1.006 * dry) / (2501.0 + 1.86 * dry) <= w
    # One fused set of coefficients: latent heat and its slope, and the heat of the wetting water, per branch.
    heat, heat_slope, wetting = (
        np.where(liquid, 2501.0, 2830.0),
        np.where(liquid, 2.326, 0.24),
        np.where(liquid, 4.186, 2.1),
    )
    vapour = np.maximum(w * pressure / (MOLAR_MASS_RATIO + w), 1e-3)
    humidity = np.clip(vapour / saturation_pressure_pa(dry), 0.0, 1.0)
    wet = dry - (1.0 - humidity) * np.clip(0.42 * dry + 5.5, 1.5, 22.0)
    left = w * (heat + 1.86 * dry) + 1.006 * dry
    for _ in range(_NEWTON_STEPS):
        log_p, slope = _log_saturation_branch(wet, liquid)
        saturated = np.exp(log_p)
        w_star = MOLAR_MASS_RATIO * saturated / (pressure - saturated)
        latent = heat - heat_slope * wet
        value = latent * w_star + (1.006 + wetting * w) * wet - left
        gradient = (
            latent * w_star * slope * pressure / (pressure - saturated) - heat_slope * w_star + 1.006 + wetting * w
        )
        wet = np.minimum(wet - value / gradient, dry)
    return np.asarray(wet)


def _log_saturation_branch(temperature_degc: Array, liquid: NDArray[np.bool_]) -> tuple[Array, Array]:
    kelvin = temperature_degc + KELVIN
    if np.all(liquid):
        return _log_saturation(kelvin, _LIQUID)
    return _log_saturation_both(temperature_degc)


def enthalpy_j_per_kg(dry_bulb_degc: Array | float, ratio: Array | float) -> Array:
    """Give the enthalpy of moist air per kg of dry air, equation 30; arguments in degC and kg/kg, broadcast."""
    dry, w = np.asarray(dry_bulb_degc, dtype=float), np.asarray(ratio, dtype=float)
    return np.asarray(AIR_CP_J_PER_KG_K * dry + w * (LATENT_HEAT_0DEGC_J_PER_KG + VAPOUR_CP_J_PER_KG_K * dry))


def standard_pressure_pa(elevation_m: float) -> float:
    """Give the pressure of the standard atmosphere at an elevation (m), equation 3, -5,000 to 11,000 m."""
    return float(101325.0 * (1.0 - 2.25577e-5 * elevation_m) ** 5.2559)
