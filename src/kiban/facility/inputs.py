"""Scenario and catalogue to the arguments of the facility model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.facility import psychrometrics as air
from kiban.facility.plant import Plant
from kiban.facility.power_chain import PowerChain
from kiban.facility.weather_calendar import monthly_mean
from kiban.facility.weather_statistics import DailyStatistics, Normals, WeatherShape
from kiban.facility.weather_sun import clear_sky_w_per_m2
from kiban.facility.weather_years import YearSpread

Array = NDArray[np.float64]

PLANT_KEYS = {
    "supply_air_degc": "plant.supply_air_upper_degc.large",
    "supply_air_lower_degc": "plant.supply_air_lower_degc.large",
    "supply_humidity_upper_frac": "plant.supply_air_humidity_upper_frac.large",
    "supply_humidity_lower_frac": "plant.supply_air_humidity_lower_frac.large",
    "recirculation_reach_frac": "plant.recirculation_reach_frac",
    "trim_coil_frac": "plant.trim_coil_frac",
    "supply_dew_point_upper_degc": "plant.supply_air_dew_point_upper_degc.large",
    "supply_dew_point_lower_degc": "plant.supply_air_dew_point_lower_degc.large",
    "air_delta_t_k": "plant.crah_air_delta_t_k.large",
    "fan_pressure_pa": "plant.crah_fan_pressure_pa.large_coils",
    "outdoor_air_fan_pressure_pa": "plant.crah_fan_pressure_pa.large",
    "economizer_fan_pressure_pa": "plant.economizer_fan_pressure_pa",
    "fan_efficiency_frac": "plant.crah_fan_efficiency_frac.large",
    "coil_effectiveness_frac": "plant.crah_coil_effectiveness_frac",
    "sensible_heat_ratio": "plant.sensible_heat_ratio",
    "facility_water_delta_t_k": "plant.facility_water_delta_t_k",
    "tower_water_delta_t_k": "plant.cooling_tower_water_delta_t_k",
    "tower_approach_k": "plant.cooling_tower_approach_k",
    "tower_fan_frac_of_heat": "cooling.cooling_tower.fan_power_frac_of_heat",
    "tower_sensible_weight_frac": "plant.tower_sensible_weight_frac",
    "exchanger_approach_k": "plant.economizer_heat_exchanger_approach_k",
    "pump_pressure_pa": "plant.pump_pressure_pa",
    "pump_efficiency_frac": "plant.pump_efficiency_frac",
    "water_chiller_cop": "cooling.water_cooled_chiller.cop",
    "air_chiller_cop": "cooling.air_cooled_chiller.cop",
    "chiller_cop_deviation_frac": "plant.chiller_cop_deviation_frac.large",
    "chiller_part_load_frac": "plant.chiller_part_load_factor.large",
    "chiller_fixed_loss_frac": "plant.chiller_fixed_loss_frac",
    "chiller_lift_min_k": "plant.chiller_lift_min_k",
    "chiller_evaporator_approach_k": "plant.chiller_evaporator_approach_k",
    "water_condenser_rise_k": "plant.water_condenser_rise_k",
    "air_condenser_rise_k": "plant.air_condenser_rise_k",
    "dry_cooler_approach_k": "cooling.dry_cooler.approach_k",
    "dry_cooler_fan_frac_of_heat": "cooling.dry_cooler.fan_power_frac_of_heat",
    "adiabatic_effectiveness_frac": "plant.adiabatic_effectiveness_frac",
    "cycles_of_concentration": "plant.cycles_of_concentration.large",
    "windage_frac_of_flow": "plant.tower_windage_frac_of_flow",
    "variable_flow_exponent": "plant.variable_flow_exponent",
    "technology_water_degc": "cooling.gb200_class.technology_water_supply_degc",
    "cdu_approach_k": "cooling.cdu_liquid_to_liquid.approach_k",
    "cdu_pump_frac_of_heat": "cooling.cdu.pump_power_frac_of_heat",
    "liquid_share_frac": "cooling.gb200_nvl72.liquid_heat_share_frac",
    "residual_supply_air_degc": "cooling.direct_to_chip.supply_air_residual_degc",
    "hybrid_liquid_share_frac": "cooling.hybrid.liquid_rack_share_frac",
    "immersion_heat_share_frac": "cooling.immersion.liquid_heat_share_frac",
    "bath_degc": "cooling.immersion_single_phase.bath_supply_degc",
    "bath_approach_k": "cooling.immersion_single_phase.exchanger_approach_k",
    "bath_pump_frac_of_heat": "cooling.immersion_single_phase.pump_power_frac_of_heat",
    "boiling_degc": "cooling.immersion_two_phase.boiling_degc",
    "boiling_approach_k": "cooling.immersion_two_phase.condenser_approach_k",
    "direct_expansion_coil_degc": "cooling.direct_expansion.coil_degc",
}

CHAIN_KEYS = {
    "ups_efficiency_load_025_frac": "electrical.ups_double_conversion.efficiency_frac.load_025",
    "ups_efficiency_load_050_frac": "electrical.ups_double_conversion.efficiency_frac.load_050",
    "ups_efficiency_load_075_frac": "electrical.ups_double_conversion.efficiency_frac.load_075",
    "ups_efficiency_load_100_frac": "electrical.ups_double_conversion.efficiency_frac.load_100",
    "ups_design_load_frac": "electrical.ups_design_load_frac",
    "distribution_loss_frac": "plant.distribution_loss_frac.large",
    "lighting_to_it_frac": "plant.lighting_to_it_frac.large",
    "transformer_no_load_loss_frac": "electrical.unit_substation_transformer.no_load_loss_frac",
    "transformer_load_loss_frac": "electrical.unit_substation_transformer.load_loss_frac",
    "transformer_design_load_frac": "electrical.transformer_design_load_frac",
    "large_transformer_efficiency_frac": "electrical.large_power_transformer.efficiency_frac",
}
_AIR_INLET_LIMIT_KEY = "cooling.dgx_h100.air_inlet_max_degc"
_FALLBACKS = {
    "dry_bulb_daily_mean_std_k": "weather.fallback_daily_mean_std_k",
    "wind_speed_10m_m_per_s": "weather.fallback_wind_speed_10m_m_per_s",
}


def base_parameters(catalog: Catalog) -> tuple[Plant, PowerChain]:
    """Give plant and power chain at catalogue values; supply air at most the inlet limit of a server."""
    values = {field: catalog.value(key) for field, key in PLANT_KEYS.items()}
    values["supply_air_degc"] = min(values["supply_air_degc"], catalog.value(_AIR_INLET_LIMIT_KEY))
    plant = Plant(**{field: np.asarray(value) for field, value in values.items()})
    chain = PowerChain(**{field: np.asarray(catalog.value(key)) for field, key in CHAIN_KEYS.items()})
    return plant, chain


def parameter_sample(catalog: Catalog, u: Array) -> tuple[Plant, PowerChain]:
    """Give a sample of parameter sets, each parameter uniform between the low and high of its row.

    Arguments: catalogue; u, (P, n) in 0..1 with n at least ``parameter_count()``: one column per parameter in the
    order of PLANT_KEYS then CHAIN_KEYS. Result: plant and chain whose fields have shape (P, 1), so that one call
    of the model gives (P, hours). Errors: ValueError where u has too few columns.
    The four UPS points move together (one machine is better or worse at every load).
    """
    if u.ndim != 2 or u.shape[1] < parameter_count():
        raise ValueError(f"u needs shape (P, {parameter_count()} or more), found {u.shape}")
    columns = dict(zip([*PLANT_KEYS, *CHAIN_KEYS], u.T, strict=False))
    first_ups = columns["ups_efficiency_load_025_frac"]
    columns |= {name: first_ups for name in CHAIN_KEYS if name.startswith("ups_efficiency")}

    def spread(keys: dict[str, str]) -> dict[str, Array]:
        sampled = {}
        for field, key in keys.items():
            low, _, high = catalog.range(key)
            sampled[field] = (low + (high - low) * columns[field])[:, None]
        return sampled

    return Plant(**spread(PLANT_KEYS)), PowerChain(**spread(CHAIN_KEYS))


def parameter_count() -> int:
    """Give the number of parameters that ``parameter_sample`` draws."""
    return len(PLANT_KEYS) + len(CHAIN_KEYS)


def weather_shape(catalog: Catalog) -> WeatherShape:
    """Give the day-to-day variation of the weather generator from the ``weather.*`` rows."""
    return WeatherShape(**{name: catalog.value(f"weather.{name}") for name in WeatherShape.__dataclass_fields__})


def year_spread(catalog: Catalog) -> YearSpread:
    """Give how months stray from year to year, from the ``weather.year_*`` rows."""
    return YearSpread(**{name: catalog.value(f"weather.year_{name}") for name in YearSpread.__dataclass_fields__})


def site_normals(catalog: Catalog, weather: str) -> tuple[Normals, tuple[str, ...]]:
    """Read the normals of a catalogue site.

    Arguments: catalogue, catalogue name of the place. Result: normals and warnings on what was filled in.
    Errors: ValueError that names the site, and the column where a needed one is blank. Dry bulb (mean, daily maximum
    and minimum) is always needed; dew point falls back on relative humidity, spread, wind and irradiance on
    ``weather.fallback_*`` rows, pressure on the standard atmosphere at the site's elevation, statistics of daily means
    on the rules of ``weather.dew_point_*``.
    """
    table = catalog.table("weather_normals")
    mask = table.where(site=weather)
    if mask.sum() != 12:
        known = ", ".join(sorted(set(table.texts("site"))))
        raise ValueError(f"no monthly weather normals for site '{weather}'; known: {known}")
    order = np.argsort(table.numbers("month")[mask])
    month = {name: table.numbers(name)[mask][order] for name in _COLUMNS}
    for name in _NEEDED:
        _refuse(weather, name, month[name])
    lat, lon = catalog.value(f"site.{weather}.lat_deg"), catalog.value(f"site.{weather}.lon_deg")
    filled = [name for name in (*_FALLBACKS, "ghi_kwh_per_m2_day") if not np.all(np.isfinite(month[name]))]
    for name, key in _FALLBACKS.items():
        month[name] = np.where(np.isfinite(month[name]), month[name], catalog.value(key))
    if "ghi_kwh_per_m2_day" in filled:
        clear = monthly_mean(clear_sky_w_per_m2(lat, lon)) * 24 / 1000
        gap = clear * catalog.value("weather.fallback_clear_sky_share_frac")
        month["ghi_kwh_per_m2_day"] = np.where(
            np.isfinite(month["ghi_kwh_per_m2_day"]), month["ghi_kwh_per_m2_day"], gap
        )
    pressure_key = f"site.{weather}.annual_mean_pressure_pa"
    if catalog.has(pressure_key):
        pressure = catalog.value(pressure_key)
    else:
        pressure = air.standard_pressure_pa(catalog.value(f"site.{weather}.elevation_m"))
        filled.append("annual_mean_pressure_pa")
    daily = _daily_statistics(catalog, weather)
    if daily is None:
        filled.append("dew_point_daily_mean_std_k")
    normals = Normals(
        dry_bulb_mean_degc=month["dry_bulb_mean_degc"],
        dry_bulb_daily_max_degc=month["dry_bulb_daily_max_degc"],
        dry_bulb_daily_min_degc=month["dry_bulb_daily_min_degc"],
        dry_bulb_daily_mean_std_k=month["dry_bulb_daily_mean_std_k"],
        dew_point_mean_degc=_dew_point(weather, month),
        wind_speed_m_per_s=month["wind_speed_10m_m_per_s"],
        ghi_kwh_per_m2_day=month["ghi_kwh_per_m2_day"],
        lat_deg=lat,
        lon_deg=lon,
        pressure_pa=pressure,
        daily=daily,
    )
    note = (f"assumed: weather of '{weather}' has no {', '.join(filled)}; filled from fallback rows",) if filled else ()
    return normals, note


_NEEDED = ("dry_bulb_mean_degc", "dry_bulb_daily_max_degc", "dry_bulb_daily_min_degc")
_COLUMNS = (*_NEEDED, *_FALLBACKS, "ghi_kwh_per_m2_day", "dew_point_mean_degc", "relative_humidity_mean_frac")


def _daily_statistics(catalog: Catalog, weather: str) -> DailyStatistics | None:
    table = catalog.table("weather_daily_statistics")
    mask = table.where(site=weather)
    if mask.sum() != 12:
        return None
    order = np.argsort(table.numbers("month")[mask])
    return DailyStatistics(
        dew_point_std_k=table.numbers("dew_point_daily_mean_std_k")[mask][order],
        dew_point_skew=table.numbers("dew_point_daily_mean_skew")[mask][order],
        dry_bulb_skew=table.numbers("dry_bulb_daily_mean_skew")[mask][order],
        dew_point_dry_bulb_correlation=table.numbers("dew_point_dry_bulb_correlation")[mask][order],
    )


def _refuse(weather: str, column: str, values: Array) -> None:
    missing = [str(int(m) + 1) for m in np.flatnonzero(~np.isfinite(values))]
    if missing:
        raise ValueError(f"weather_normals: site '{weather}' has no {column} in month {', '.join(missing)}")


def _dew_point(weather: str, month: dict[str, Array]) -> Array:
    dew = month["dew_point_mean_degc"]
    gap = ~np.isfinite(dew)
    if np.any(gap):
        humidity = month["relative_humidity_mean_frac"]
        _refuse(weather, "dew_point_mean_degc (or relative_humidity_mean_frac)", np.where(gap, humidity, 0.0))
        saturated = air.saturation_pressure_pa(month["dry_bulb_mean_degc"])
        dew = np.where(gap, air.dew_point_degc(np.where(gap, humidity, 0.5) * saturated), dew)
    return dew


def design_air_degc(catalog: Catalog, weather: str) -> tuple[float, float] | None:
    """Give dry and wet bulb of the design hour: ASHRAE 0.4 % values where known, else typical-year extremes, else None.

    The two seldom coincide, so the pair is on the safe side. ``typical_year`` values understate true extremes.
    """
    for dry, wet in (
        ("design_dry_bulb_0p4_degc", "design_wet_bulb_0p4_degc"),
        ("typical_year_dry_bulb_max_degc", "typical_year_wet_bulb_0p4_degc"),
    ):
        if catalog.has(f"site.{weather}.{dry}") and catalog.has(f"site.{weather}.{wet}"):
            return catalog.value(f"site.{weather}.{dry}"), catalog.value(f"site.{weather}.{wet}")
    return None
