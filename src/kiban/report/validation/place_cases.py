"""Cases of the facility room."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from kiban.catalog import Catalog
from kiban.facility import inputs as rows
from kiban.facility import psychrometrics as air
from kiban.facility import study
from kiban.facility.cooling import LIQUID_KINDS, hourly_overhead
from kiban.facility.plant import Outdoors
from kiban.facility.weather import synthetic_year
from kiban.uncertainty import sobol

Inputs = dict[str, Any]
SAMPLE = 256


@lru_cache(maxsize=64)
def _sampled(catalog: Catalog, place: str, cooling: str, seed: int, study_case: str) -> np.ndarray:
    normals, _ = rows.site_normals(catalog, place)
    year = synthetic_year(normals, rows.weather_shape(catalog), np.random.default_rng(seed))
    # Every sixth hour keeps the day's shape at a sixth of the work; the annual mean moves by less than 0.001.
    pick = slice(0, None, 6)
    outdoors = Outdoors.from_dew_point(
        year.hourly_dry_bulb_degc[pick], year.hourly_dew_point_degc[pick], year.pressure_pa
    )
    if study_case:
        u = sobol(SAMPLE, study.study_columns(catalog), seed)
        # The study has no liquid plants; theirs of 2025 are met with kiban's own towers.
        plant, chain = study.study_sample(catalog, study_case, u, as_published=cooling not in LIQUID_KINDS)
        load = 1.0
    else:
        plant, chain = rows.parameter_sample(catalog, sobol(SAMPLE, rows.parameter_count(), seed))
        load = catalog.value("facility.mean_it_load_frac")
    overhead = hourly_overhead(cooling, outdoors, plant, chain, load)
    return np.stack([overhead.hourly_pue.mean(axis=-1), overhead.hourly_wue_l_per_kwh.mean(axis=-1)])


def _study_case(inputs: Inputs) -> str:
    """Name the study's plant of a row: as the row says, else the large plant nearest to its cooling, else none."""
    large = "large_airside" if inputs["cooling"].startswith("air_economizer") else "large_waterside"
    return str(inputs.get("study_case", large if inputs.get("study_chain", False) else ""))


def _quantile(inputs: Inputs, catalog: Catalog, row: int) -> float:
    values = _sampled(catalog, inputs["place"], inputs["cooling"], inputs["seed"], _study_case(inputs))
    return float(np.quantile(values[row], inputs["quantile"]))


def annual_pue(inputs: Inputs, catalog: Catalog) -> float:
    """Quantile of annual PUE over the ranges of the plant's parameters, synthetic weather of a place."""
    return _quantile(inputs, catalog, 0)


def annual_wue_l_per_kwh(inputs: Inputs, catalog: Catalog) -> float:
    """Quantile of annual WUE over the ranges of the plant's parameters, synthetic weather of a place."""
    return _quantile(inputs, catalog, 1)


def saturation_pressure_pa(inputs: Inputs, catalog: Catalog) -> float:
    """Saturation pressure of water vapour."""
    return float(air.saturation_pressure_pa(inputs["temperature_degc"]))


def saturated_humidity_ratio(inputs: Inputs, catalog: Catalog) -> float:
    """Humidity ratio of saturated air."""
    return float(air.humidity_ratio_of_dew_point(inputs["temperature_degc"], inputs["pressure_pa"]))


def wet_bulb_degc(inputs: Inputs, catalog: Catalog) -> float:
    """Thermodynamic wet bulb."""
    return float(air.wet_bulb_degc(inputs["dry_bulb_degc"], inputs["humidity_ratio"], inputs["pressure_pa"]))


def standard_pressure_pa(inputs: Inputs, catalog: Catalog) -> float:
    """Pressure of the standard atmosphere at an elevation."""
    return air.standard_pressure_pa(inputs["elevation_m"])


CASES = {
    "annual_pue": annual_pue,
    "annual_wue_l_per_kwh": annual_wue_l_per_kwh,
    "saturation_pressure_pa": saturation_pressure_pa,
    "saturated_humidity_ratio": saturated_humidity_ratio,
    "wet_bulb_degc": wet_bulb_degc,
    "standard_pressure_pa": standard_pressure_pa,
}
