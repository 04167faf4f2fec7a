"""The facility room: inputs, model, result."""

from __future__ import annotations

import zlib

import numpy as np

from kiban.catalog import Catalog
from kiban.facility import construction
from kiban.facility import inputs as rows
from kiban.facility.cooling import LIQUID_KINDS
from kiban.facility.model import SiteYear
from kiban.facility.plant import Outdoors
from kiban.facility.site_costs import SiteCosts, site_costs
from kiban.facility.site_hall import hall_warnings, run_hall
from kiban.facility.traces import site_traces
from kiban.facility.weather import WeatherYear, synthetic_year
from kiban.facility.weather_calendar import HOURS, monthly_mean
from kiban.facility.weather_statistics import Normals
from kiban.results import Fleet, Hall, Site
from kiban.scenario import Scenario

WEATHER_LABEL = "synthetic"
MEAN_LOAD_KEY = "facility.mean_it_load_frac"


def run_facility(scenario: Scenario, catalog: Catalog, fleet: Fleet, seed: int) -> Site:
    """Return hourly overhead, construction cost, build time and staff of every site of the scenario.

    Arguments: scenario, catalogue, fleet (not read: heat goes by the plant's liquid share), seed of the weather.
    Result: Site with S = number of sites, arrays in scenario order. Errors: ValueError for a place without normals.
    The draw of a place depends on seed and place only, so one weather serves all sites there and order does not matter.
    """
    base = rows.base_parameters(catalog)
    shape, load = rows.weather_shape(catalog), catalog.value(MEAN_LOAD_KEY)
    years: list[WeatherYear] = []
    overheads: list[SiteYear] = []
    halls: list[Hall] = []
    costs: list[SiteCosts] = []
    warnings: list[str] = []
    weather_gap = 0.0
    for part in scenario.sites:
        normals, notes = rows.site_normals(catalog, part.weather)
        year = synthetic_year(normals, shape, np.random.default_rng([seed, zlib.crc32(part.weather.encode())]))
        outdoors = Outdoors.from_dew_point(year.hourly_dry_bulb_degc, year.hourly_dew_point_degc, year.pressure_pa)
        design = rows.design_air_degc(catalog, part.weather)
        years.append(year)
        costs.append(site_costs(catalog, part, scenario.horizon.price_year, part.cooling in LIQUID_KINDS))
        overhead, hall = run_hall(catalog, part, outdoors, base, load, design, costs[-1])
        overheads.append(overhead)
        halls.append(hall)
        warnings += [*notes, *_site_warnings(catalog, part.name, part.state, costs[-1], design is None)]
        weather_gap = max(weather_gap, _mean_gap(normals, year))
    return Site(
        sites=tuple(part.name for part in scenario.sites),
        hourly_dry_bulb_degc=_stack([y.hourly_dry_bulb_degc for y in years]),
        hourly_wet_bulb_degc=_stack([y.hourly_wet_bulb_degc for y in years]),
        hourly_wind_speed_m_per_s=_stack([y.hourly_wind_speed_m_per_s for y in years]),
        hourly_ghi_w_per_m2=_stack([y.hourly_ghi_w_per_m2 for y in years]),
        hourly_pue=_stack([o.hourly_pue for o in overheads]),
        hourly_wue_l_per_kwh=_stack([o.hourly_wue_l_per_kwh for o in overheads]),
        site_annual_pue=np.array([o.annual_pue for o in overheads]),
        site_annual_wue_l_per_kwh=np.array([o.annual_wue_l_per_kwh for o in overheads]),
        site_peak_pue=np.array([o.peak_pue for o in overheads]),
        construction_lines=construction.LINES,
        site_construction_usd_per_kw=_stack([c.lines_usd_per_kw for c in costs], len(construction.LINES)),
        site_build_months=_stack([c.build_months for c in costs], 3),
        site_operations_fte_per_mw=np.array([c.operations_fte_per_mw for c in costs]),
        site_wage_usd_per_year=np.array([c.wage_usd_per_year for c in costs]),
        site_construction_job_years_per_mw=np.array([c.construction_job_years_per_mw for c in costs]),
        site_maintenance_usd_per_kw_year=np.array([c.maintenance_usd_per_kw_year for c in costs]),
        weather_label=WEATHER_LABEL,
        halls=tuple(halls),
        residuals={
            "facility.overhead_balance": max((o.balance_residual for o in overheads), default=0.0),
            "facility.monthly_means": weather_gap,
        },
        warnings=tuple(dict.fromkeys([*warnings, *hall_warnings(catalog, scenario.sites)])),
        traces=tuple(
            trace
            for part, overhead, cost, hall in zip(scenario.sites, overheads, costs, halls, strict=True)
            for trace in site_traces(part, overhead, cost, hall)
        ),
    )


def _stack(arrays: list[np.ndarray], width: int = HOURS) -> np.ndarray:
    return np.stack(arrays) if arrays else np.zeros((0, width))


def _mean_gap(normals: Normals, year: WeatherYear) -> float:
    """Give the largest gap of a monthly mean, over 1 K or relative (wind, irradiance)."""
    pairs = (
        (year.hourly_dry_bulb_degc, normals.dry_bulb_mean_degc, 1.0),
        (year.hourly_wind_speed_m_per_s, normals.wind_speed_m_per_s, normals.wind_speed_m_per_s),
        (
            year.hourly_ghi_w_per_m2,
            normals.ghi_kwh_per_m2_day * 1000 / 24,
            normals.ghi_kwh_per_m2_day * 1000 / 24,
        ),
    )
    return float(max(np.abs((monthly_mean(got) - want) / scale).max() for got, want, scale in pairs))


def _site_warnings(catalog: Catalog, name: str, state: str, cost: SiteCosts, no_design: bool) -> list[str]:
    found = []
    if catalog.row(cost.regional_key).confidence == "assumed":
        found.append(f"assumed: construction cost of state '{state}' rests on {cost.regional_key}")
    elif cost.regional_key.endswith(".us"):
        found.append(f"assumed: construction in '{state}' costs the US mean; no factor for that state")
    if cost.wage_states != (state,):
        found.append(f"assumed: wages in '{state}' are the mean of {', '.join(cost.wage_states)}; no wage rows there")
    if no_design:
        found.append(f"peak PUE of site '{name}' rests on synthetic weather; no design temperature in the catalogue")
    return found
