"""Cases of the facility room."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from kiban.catalog import Catalog
from kiban.facility import inputs as rows
from kiban.facility import psychrometrics as air
from kiban.facility.cooling import hourly_overhead
from kiban.facility.plant import Outdoors
from kiban.facility.power_chain import PowerChain
from kiban.facility.weather import synthetic_year
from kiban.uncertainty import sobol

Inputs = dict[str, Any]
SAMPLE = 256


@lru_cache(maxsize=64)
def _sampled(catalog: Catalog, place: str, cooling: str, seed: int, study_chain: bool) -> np.ndarray:
    normals, _ = rows.site_normals(catalog, place)
    year = synthetic_year(normals, rows.weather_shape(catalog), np.random.default_rng(seed))
    # Every sixth hour keeps the day's shape at a sixth of the work; the annual mean moves by less than 0.001.
    pick = slice(0, None, 6)
    outdoors = Outdoors.from_dew_point(
        year.hourly_dry_bulb_degc[pick], year.hourly_dew_point_degc[pick], year.pressure_pa
    )
    u = sobol(SAMPLE, rows.parameter_count() + 1, seed)
    plant, chain = rows.parameter_sample(catalog, u[:, :-1])
    load = catalog.value("facility.mean_it_load_frac")
    if study_chain:
        chain, load = _study_chain(catalog, chain, u[:, -1:]), 1.0
    overhead = hourly_overhead(cooling, outdoors, plant, chain, load)
    return np.stack([overhead.hourly_pue.mean(axis=-1), overhead.hourly_wue_l_per_kwh.mean(axis=-1)])


def _study_chain(catalog: Catalog, chain: PowerChain, u: np.ndarray) -> PowerChain:
    """Power chain of the published study: one UPS efficiency in its range, no transformers."""
    low, _, high = catalog.range("plant.ups_efficiency_frac.large")
    efficiency, none = low + (high - low) * u, np.zeros_like(u)
    loads = {f"ups_efficiency_load_{at}_frac": efficiency for at in ("025", "050", "075", "100")}
    return replace(
        chain,
        **loads,
        transformer_no_load_loss_frac=none,
        transformer_load_loss_frac=none,
        large_transformer_efficiency_frac=none + 1,
    )


def _quantile(inputs: Inputs, catalog: Catalog, row: int) -> float:
    values = _sampled(catalog, inputs["place"], inputs["cooling"], inputs["seed"], inputs.get("study_chain", False))
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
