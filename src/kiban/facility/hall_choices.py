"""What a user chose about a hall, laid over the catalogue's plant and power chain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kiban.catalog import Catalog
from kiban.facility.plant import Plant
from kiban.facility.power_chain import PowerChain
from kiban.facility.power_paths import PowerPath, power_path
from kiban.scenario.hall_part import PowerPathPart

RACK_SHELF_KEY = "electrical.rack_power_shelf.efficiency_peak_frac"
PATH_KEYS = {
    "double_conversion": (RACK_SHELF_KEY,),
    "eco": ("electrical.ups_eco_mode.efficiency_frac", "electrical.ups_eco_mode.fixed_loss_frac", RACK_SHELF_KEY),
    "dc_800v": (
        "electrical.dc800v.rectifier_efficiency_frac",
        "electrical.dc800v.rectifier_fixed_loss_frac",
        "electrical.dc800v.rack_step_down_efficiency_frac",
        "electrical.dc800v.busway_loss_frac",
    ),
}
"""Rows of the catalogue that a path rests on beside those of the chain."""


def class_keys(air_class: str | None, allowable: bool, water_class: str | None) -> dict[str, str]:
    """Give the catalogue keys of the ASHRAE classes that were chosen: by ``air`` and ``water``, both may be missing."""
    found = {}
    if air_class:
        found["air"] = f"cooling.air_class_{air_class}.{'allowable' if allowable else 'recommended'}_max_degc"
    if water_class:
        found["water"] = f"cooling.class_{water_class}.facility_water_max_degc"
    return found


def with_classes(
    catalog: Catalog, plant: Plant, air_class: str | None, allowable: bool, water_class: str | None
) -> Plant:
    """Lay ASHRAE classes over a plant.

    Arguments: catalogue, plant, air class or None, whether its allowable maximum is used, water class or None.
    Result: plant whose supply air, in the hall and beside liquid-cooled racks, goes up to the class's maximum, and
    whose cold plates get facility water of the class's maximum plus the approach of the CDU. Without classes the plant
    itself. Source: ASHRAE TC 9.9 thermal and liquid-cooling guidelines. Fans inside servers turn faster on air above
    about 27 degC; that counts as IT power and is not in the result.
    """
    keys = class_keys(air_class, allowable, water_class)
    chosen = {}
    if "air" in keys:
        chosen["supply_air_degc"] = chosen["residual_supply_air_degc"] = np.asarray(catalog.value(keys["air"]))
    if "water" in keys:
        chosen["technology_water_degc"] = np.asarray(catalog.value(keys["water"]) + plant.cdu_approach_k)
    return replace(plant, **chosen)


def chosen_path(catalog: Catalog, base: PowerChain, part: PowerPathPart | None) -> PowerPath | None:
    """Give the power path that was asked for, or None where the catalogue's mean chain stands."""
    return None if part is None else power_path(catalog, base, part.ups, part.redundancy, part.units)
