"""Scenario, catalogue and weather to the arguments of the energy model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.energy import profiles
from kiban.energy.carbon import average_of, clean_share_of, marginal_of
from kiban.energy.grids import GridNames, names_of
from kiban.energy.lp import Costs
from kiban.energy.market import market_of
from kiban.energy.plant import BATTERY, GAS_PLANT, Plant, contract_of, plant_of
from kiban.energy.reader import Reader
from kiban.results import Site
from kiban.scenario import Scenario
from kiban.scenario.schema import SitePart

Array = NDArray[np.float64]

KW_PER_MW = 1000.0


@dataclass(frozen=True)
class SiteInputs:
    """Arguments of the energy model for one site, per critical IT MW."""

    name: str
    hourly_load_mw: Array
    hourly_price_usd_per_mwh: Array
    hourly_wind_frac: Array
    hourly_solar_frac: Array
    hourly_average_kg_co2_per_mwh: Array
    hourly_marginal_kg_co2_per_mwh: Array
    hourly_grid_clean_frac: Array
    costs: Costs
    plant: Plant
    carbon_price_usd_per_t: float
    sale_frac: float
    grid_water_l_per_kwh: float
    price_keys: tuple[str, ...]
    plant_keys: tuple[str, ...]
    carbon_keys: tuple[str, ...]


def build_inputs(
    scenario: Scenario, catalog: Catalog, site: Site, seed: int
) -> tuple[tuple[SiteInputs, ...], tuple[str, ...]]:
    """Collect the arguments of every site of the scenario, and the warnings that go with them.

    Arguments: scenario, catalogue, results of the facility room, seed of the price residual.
    Errors: ValueError where a site is not in ``site`` or its grid has no price; CatalogKeyError for missing rows.
    """
    reader = Reader(scenario, catalog)
    warnings: list[str] = []
    found = tuple(_site_inputs(scenario, reader, site, part, seed, warnings) for part in scenario.sites)
    if scenario.energy.supply != "grid":
        warnings += [text for one in found for text in _too_good(one)]
    closed = _closed_rows(scenario)
    assumed = [text for key, text in reader.assumed.items() if not key.startswith(closed)]
    return found, tuple(dict.fromkeys([*warnings, *assumed]))


def _too_good(inputs: SiteInputs) -> list[str]:
    """Warnings where the base year's price pays a contract back by itself: a bet on prices, not a supply."""
    found = []
    for kind, output, strike in (
        ("wind", inputs.hourly_wind_frac, inputs.costs.wind_usd_per_mwh),
        ("solar", inputs.hourly_solar_frac, inputs.costs.solar_usd_per_mwh),
    ):
        worth = float(inputs.hourly_price_usd_per_mwh @ output) / float(output.sum())
        if worth > strike:
            found.append(
                f"energy: {inputs.name} {kind} contract costs {strike:.0f} USD/MWh and its output is worth {worth:.0f}"
                " at the price pattern of the base year; more such plant would lower that price"
            )
    return found


def _closed_rows(scenario: Scenario) -> tuple[str, ...]:
    """Starts of the keys of what the scenario leaves closed: their rows carry no weight."""
    gas = (f"{GAS_PLANT}.", "fuel.")
    match scenario.energy.supply:
        case "grid":
            return ("ppa.", "tech.", "energy.excess", "energy.contracted", *gas)
        case "ppa":
            return gas
        case _:
            return ("-",)


def _site_inputs(
    scenario: Scenario, reader: Reader, site: Site, part: SitePart, seed: int, warnings: list[str]
) -> SiteInputs:
    if part.name not in site.sites:
        raise ValueError(f"site {part.name} is not among the sites of the facility room: {', '.join(site.sites)}")
    row = site.sites.index(part.name)
    names = names_of(part.grid)
    market = market_of(reader, part, names, seed, warnings)
    average, average_key = average_of(reader, part, names, warnings)
    marginal, marginal_key = marginal_of(reader, part, names, warnings)
    wind_key, wind_usd_per_mwh = contract_of(reader, names, "wind")
    solar_key, solar_usd_per_mwh = contract_of(reader, names, "solar")
    plant = plant_of(scenario, reader, names)
    water_key = f"grid.{names.carbon}.water_consumption_l_per_kwh"
    onsite = scenario.energy.supply == "onsite"
    gas_keys = (f"{GAS_PLANT}.overnight_usd_per_kw", "fuel.natural_gas.usd_per_mmbtu") if onsite else ()
    return SiteInputs(
        name=part.name,
        hourly_load_mw=load_of(reader, site.hourly_pue[row]),
        hourly_price_usd_per_mwh=market.hourly_usd_per_mwh,
        hourly_wind_frac=wind_of(reader, site.hourly_wind_speed_m_per_s[row], names),
        hourly_solar_frac=solar_of(reader, site.hourly_ghi_w_per_m2[row], names),
        hourly_average_kg_co2_per_mwh=average,
        hourly_marginal_kg_co2_per_mwh=marginal,
        hourly_grid_clean_frac=clean_share_of(reader, part, names, warnings),
        costs=Costs(
            grid_adder_usd_per_mwh=market.adder_usd_per_mwh,
            demand_usd_per_mw_year=market.demand_usd_per_kw_year * KW_PER_MW,
            import_limit_mw=float(site.site_peak_pue[row]) * reader.value("energy.interconnection_mw_per_peak_mw"),
            wind_usd_per_mwh=wind_usd_per_mwh,
            solar_usd_per_mwh=solar_usd_per_mwh,
            battery_usd_per_mw_year=plant.battery_usd_per_kw_year * KW_PER_MW,
            battery_usd_per_mwh_year=plant.battery_usd_per_kwh_year * KW_PER_MW,
            battery_one_way_frac=float(np.sqrt(1 - reader.value("finance.eia_aeo2026.battery_storage_loss_frac"))),
            gas_usd_per_mw_year=plant.gas_usd_per_kw_year * KW_PER_MW,
            gas_usd_per_mwh=plant.gas_usd_per_mwh,
            contracted_max_frac=1 + reader.value("energy.contracted_excess_max_frac"),
            onsite_gas=onsite,
        ),
        plant=plant,
        carbon_price_usd_per_t=scenario.energy.carbon_price_usd_per_t,
        sale_frac=1 - reader.value("energy.excess_sale_haircut_frac"),
        grid_water_l_per_kwh=reader.value(
            water_key if reader.has(water_key) else "facility.us_average.indirect_water_l_per_kwh"
        ),
        price_keys=market.keys,
        plant_keys=(wind_key, solar_key, f"{BATTERY}.overnight_usd_per_kw", *gas_keys),
        carbon_keys=(average_key, marginal_key),
    )


def load_of(reader: Reader, hourly_pue: Array) -> Array:
    """Facility load per critical IT MW, (8760,): load factor x a faint day shape of mean 1 x PUE."""
    swing = reader.value("energy.it_load_day_swing_frac")
    peak_hour = reader.value("energy.it_load_peak_hour_h")
    day = 1 + swing * np.cos(2 * np.pi * (profiles.HOURLY_CLOCK - peak_hour) / profiles.HOURS_PER_DAY)
    return np.asarray(reader.value("energy.it_load_factor_frac") * day * hourly_pue, dtype=np.float64)


def wind_of(reader: Reader, hourly_speed_m_per_s: Array, names: GridNames) -> Array:
    """Capacity factor of contracted wind, (8760,): fleet means by month and hour, varied with the site's wind."""
    target = reader.month_hour("fleet_profile", "capacity_factor_frac", grid=names.wind, technology="wind")
    curve = profiles.wind_curve(
        reader.value("tech.wind_onshore.cut_in_m_per_s") / reader.value("tech.wind_onshore.rated_m_per_s")
    )
    return profiles.follow_weather(hourly_speed_m_per_s, target, curve)


def solar_of(reader: Reader, hourly_ghi_w_per_m2: Array, names: GridNames) -> Array:
    """Capacity factor of contracted solar, (8760,), varied with the site's irradiance.

    In ERCOT fleet means by month and hour. Elsewhere the site's own mean irradiance by month and hour, scaled so that
    the annual factor is that of the ERCOT fleet times the site's irradiation over that near Abilene.
    """
    if names.carbon == "ercot":
        target = reader.month_hour("fleet_profile", "capacity_factor_frac", grid="ercot", technology="solar")
    else:
        daily_kwh = reader.by_month("resource_month", "ghi_kwh_per_m2_day", site="abilene_tx")
        reference_w = float(daily_kwh @ profiles.MONTH_DAYS) / hourly_ghi_w_per_m2.size * KW_PER_MW
        factor = reader.value("fleet.ercot.solar_capacity_factor_frac.annual")
        target = np.minimum(profiles.cell_means(hourly_ghi_w_per_m2) * factor / reference_w, 1.0)
    return profiles.follow_sun(hourly_ghi_w_per_m2, target)
