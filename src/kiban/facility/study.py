"""The ten plants of a published study with its parameter ranges, to compare kiban's models with its percentiles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.facility.cooling import hourly_overhead
from kiban.facility.inputs import base_parameters, parameter_count, parameter_sample
from kiban.facility.plant import RATING_CHILLED_WATER_DEGC, RATING_OUTDOOR_AIR_DEGC, Outdoors, Plant
from kiban.facility.power_chain import PowerChain
from kiban.facility.psychrometrics import KELVIN

Array = NDArray[np.float64]

CASES = {
    "large_airside": "air_economizer_adiabatic",
    "large_waterside": "water_chiller_economizer",
    "midsize_water_airside": "air_economizer_water_chiller",
    "midsize_water_waterside": "water_chiller_economizer",
    "midsize_water": "water_chiller",
    "midsize_air_airside": "air_economizer_air_chiller",
    "midsize_air": "air_chiller",
    "small_water": "water_chiller",
    "small_air": "air_chiller",
    "small_direct_expansion": "direct_expansion",
}
# The names of the ten plants in the study's tables.
NAMES = {
    "Large-scale: Airside economizer& adiabatic cooling": "large_airside",
    "Large-scale: Water-cooled chiller (waterside economizer)": "large_waterside",
    "Midsize: Water-cooled chiller (airside economizer)": "midsize_water_airside",
    "Midsize: Water-cooled chiller (waterside economizer)": "midsize_water_waterside",
    "Midsize: Water-cooled chiller": "midsize_water",
    "Midsize: Air-cooled chiller (airside economizer)": "midsize_air_airside",
    "Midsize: Air-cooled chiller": "midsize_air",
    "Small: Water-cooled chiller": "small_water",
    "Small: Air-cooled chiller": "small_air",
    "Small: Direct expansion system": "small_direct_expansion",
}
# What its program does where kiban has a choice: all tower heat leaves as vapour, fans heat nothing, chillers make
# water of their rating point, humidifiers put back what coils condense, louvres close on air too humid or above the
# upper set-point, and hours behind closed louvres run on chillers.
_ASSUMED = {
    "tower_sensible_weight_frac": 0.0,
    "recirculation_reach_frac": 0.0,
    "trim_coil_frac": 0.0,
    "adiabatic_effectiveness_frac": 0.0,
    "fan_heat_frac": 0.0,
    "chilled_water_reset_frac": 0.0,
    "rehumidified_frac": 1.0,
    "media_bleed_frac": 0.0,
    "economizer_fan_pressure_pa": 0.0,
    "tower_fan_frac_of_heat": 0.0,
}
# Its midsize halls have no humidifier in the outdoor air and close on air too dry, and on cold air too humid as it is.
_PLAIN_ECONOMIZER = {"dry_air_closes_frac": 1.0, "cold_mixing_reach_frac": 0.0}
# Halls that exist were also built to older limits of dryness, run louvres in every way and chillers at any water
# between their rating point and what the coils want, which the study leaves out.
_EXISTING = {
    "supply_dew_point_lower_degc": "plant.supply_air_dew_point_lower_degc.existing_halls",
    "recirculation_reach_frac": "plant.recirculation_reach_frac.existing_halls",
    "chilled_water_reset_frac": "plant.chilled_water_reset_frac.existing_halls",
}
_CONSTANT_BELOW_DEGC = 15.0
# No factor in common with 24: every hour of the day is met in turn, and a year is 1,752 hours.
_STEP_H = 5
_UPS = tuple(f"ups_efficiency_load_{load}_frac" for load in ("025", "050", "075", "100"))


def study_columns(catalog: Catalog) -> int:
    """Give the columns that ``study_sample`` needs of its uniform numbers."""
    return parameter_count() + max(len(_ranges(catalog, case)) for case in CASES) + len(_EXISTING)


def _ranges(catalog: Catalog, case: str) -> dict[str, tuple[float, float]]:
    prefix = f"study.{case}."
    found = {}
    for key in catalog:
        if key.startswith(prefix):
            low, _, high = catalog.range(key)
            found[key.removeprefix(prefix)] = (low, high)
    return found


def study_sample(catalog: Catalog, case: str, u: Array, as_published: bool = True) -> tuple[Plant, PowerChain]:
    """Give a sample of parameter sets of one of the study's plants.

    Arguments: catalogue, case (a name of ``CASES``), uniform numbers (P, n) with n at least ``study_columns``, whether
    the study's own choices of control, chillers and losses replace kiban's (without them the sample is a band for
    halls that exist). Result: plant and chain with fields (P, 1): the study's range where it states one, else kiban's.
    Errors: ValueError for an unknown case or too few columns. Source: Lei & Masanet (2022), Resources, Conservation
    and Recycling 182, 106323: ranges of its inputs, choices of its program.
    """
    if case not in CASES:
        raise ValueError(f"no case '{case}' in the study; known: {', '.join(CASES)}")
    ranges = _ranges(catalog, case)
    if u.ndim != 2 or u.shape[1] < parameter_count() + len(ranges):
        raise ValueError(f"u needs {parameter_count() + len(ranges)} columns, found shape {u.shape}")
    if as_published:
        ranges = _within_classes(catalog, ranges)
    else:
        ranges |= {name: catalog.range(key)[::2] for name, key in _EXISTING.items()}
    # The study samples what it lists; what it leaves out stands still there, while halls that exist differ in it too.
    plant, chain = parameter_sample(catalog, u) if not as_published else base_parameters(catalog)
    own = u[:, parameter_count() :]
    drawn = {name: (low + (high - low) * own[:, i])[:, None] for i, (name, (low, high)) in enumerate(ranges.items())}
    nothing = np.zeros((len(u), 1))
    ups = drawn.pop("ups_efficiency_frac")
    if as_published:
        drawn["distribution_loss_frac"] = _beside(ups, drawn["distribution_loss_frac"])
    # The study's deviation of COP is its whole spread; kiban's row of air-cooled machines mixes rating points.
    plant = replace(plant, air_chiller_cop=nothing + catalog.value("cooling.air_cooled_chiller.cop"))
    chosen = {name: nothing + value for name, value in _choices(catalog, case, plant).items()} if as_published else {}
    plant = replace(plant, **chosen | {name: value for name, value in drawn.items() if hasattr(plant, name)})
    chain = replace(
        chain,
        **dict.fromkeys(_UPS, ups) | {name: value for name, value in drawn.items() if hasattr(chain, name)},
        transformer_no_load_loss_frac=nothing,
        transformer_load_loss_frac=nothing,
        large_transformer_efficiency_frac=nothing + 1.0,
    )
    return plant, chain


def _within_classes(catalog: Catalog, ranges: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """Keep the upper limit of humidity inside what the widest class of servers allows.

    The study samples one plant up to 95 %, where its water hangs on the few hours that are wetter still.
    """
    name = "supply_humidity_upper_frac"
    most = catalog.value("cooling.air_class_a4.allowable_max_relative_humidity_frac")
    if name not in ranges:
        return ranges
    low, high = ranges[name]
    return ranges | {name: (low, min(high, most))}


def _beside(ups_frac: Array, loss_frac: Array) -> Array:
    """Give the loss behind the UPS that adds what the study adds: 1 / eta + 1 / (1 - l) - 1, both on IT power alone."""
    return np.asarray(1.0 - 1.0 / (ups_frac * (1.0 / ups_frac + 1.0 / (1.0 - loss_frac) - 1.0)))


def _choices(catalog: Catalog, case: str, plant: Plant) -> dict[str, Array | float]:
    """Give the fields of the plant that the study's program decides: control, chillers, humidifiers."""
    curve = "study.chiller_curve."
    fields = ("water_chiller_cop", "chiller_fixed_loss_frac", "chiller_lift_min_k")
    chosen: dict[str, Array | float] = {**_ASSUMED, **{name: catalog.value(curve + name) for name in fields}}
    if case.endswith("airside") and not case.startswith("large"):
        chosen |= _PLAIN_ECONOMIZER
    if CASES[case] == "direct_expansion":
        chosen |= _direct_expansion(plant, catalog.value(curve + "direct_expansion_cop"))
    return chosen


def _direct_expansion(plant: Plant, cop: float) -> dict[str, Array | float]:
    """Give machines of one COP up to 15 degC outdoors, falling with Carnot above; humidifiers that boil.

    The study's curve above 15 degC is not published. kiban's rating point is 35 degC and 6.7 degC water.
    """
    evaporating = plant.direct_expansion_coil_degc - plant.chiller_evaporator_approach_k
    lift_k = _CONSTANT_BELOW_DEGC + plant.air_condenser_rise_k - evaporating
    rated = RATING_CHILLED_WATER_DEGC - plant.chiller_evaporator_approach_k
    rated_lift_k = RATING_OUTDOOR_AIR_DEGC + plant.air_condenser_rise_k - rated
    here, there = (evaporating + KELVIN) / lift_k, (rated + KELVIN) / rated_lift_k
    return {
        "air_chiller_cop": cop * there / here,
        "chiller_lift_min_k": lift_k,
        "chilled_water_reset_frac": 1.0,
        "chiller_fixed_loss_frac": 0.0,
        "boiled_frac": 1.0,
    }


def study_annual(catalog: Catalog, case: str, outdoors: Outdoors, u: Array) -> tuple[Array, Array]:
    """Give annual PUE and WUE (each (P,)) of a sample of one of the study's plants at full load in an hourly year."""
    plant, chain = study_sample(catalog, case, u)
    found = hourly_overhead(CASES[case], outdoors, plant, chain, 1.0)
    return found.hourly_pue.mean(axis=-1), found.hourly_wue_l_per_kwh.mean(axis=-1)


def thinned(outdoors: Outdoors) -> Outdoors:
    """Give every fifth hour of a year: annual PUE moves by less than 0.001 and WUE by less than 2 %."""
    every = slice(None, None, _STEP_H)
    return Outdoors(
        outdoors.hourly_dry_bulb_degc[every],
        outdoors.hourly_wet_bulb_degc[every],
        outdoors.hourly_humidity_ratio[every],
        outdoors.pressure_pa[every] if outdoors.pressure_pa.ndim else outdoors.pressure_pa,
    )


def band(values: Array, level_frac: float, draws: int) -> tuple[float, float, float]:
    """Give a percentile of a sample and where it falls, P10 to P90, when only few parameter sets are drawn.

    Arguments: values (P,), level of the percentile (0..1), draws of the smaller sample. Result: P10, the percentile of
    all values, P90. Equation: the k-th of n uniform draws is Beta(k, n + 1 - k), with k = 1 + (n - 1) level.
    """
    from scipy.stats import beta

    rank = 1.0 + (draws - 1) * level_frac
    low, high = beta.ppf([0.1, 0.9], rank, draws + 1 - rank)
    least, found, most = np.quantile(values, [low, level_frac, high])
    return float(min(least, found)), float(found), float(max(most, found))
