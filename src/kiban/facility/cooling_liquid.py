"""Halls cooled by liquid: direct to chip, half liquid and half air, immersion in one phase and in two."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kiban.facility.cooling_loops import coil_water_degc, dry_loop, fans_only, flow_factor, hall_air, tower_loop
from kiban.facility.plant import Outdoors, Overhead, Plant

Array = NDArray[np.float64]


def _warm_and_residual(
    outdoors: Outdoors,
    plant: Plant,
    indoor: Array,
    it_load_frac: Array | float,
    share: Array,
    warm_degc: Array,
    pump_frac: Array,
    towers: tuple[bool, bool],
) -> Overhead:
    """Warm water takes ``share`` of the heat, coils the rest and the losses of the building.

    Arguments: outdoor air, plant, indoor losses, IT load, liquid share, warm water wanted (degC), pumps of the liquid
    per unit of heat, whether the warm and the coil loop stand on towers. Result: overhead.
    """
    pumps = share * pump_frac * flow_factor(plant, it_load_frac)
    hall = replace(plant, supply_air_degc=plant.residual_supply_air_degc)
    fans, air_heat = hall_air(hall, 1.0 - share + indoor, it_load_frac)
    own = replace(fans_only(outdoors, fans), pumps_frac=pumps * np.ones_like(outdoors.hourly_dry_bulb_degc))

    def loop(tower: bool, supply_degc: Array, heat: Array) -> Overhead:
        if tower:
            return tower_loop(outdoors, plant, supply_degc, heat, it_load_frac)
        return dry_loop(outdoors, plant, supply_degc, heat, it_load_frac, adiabatic=True)

    return own + loop(towers[0], warm_degc, share + pumps) + loop(towers[1], coil_water_degc(hall), air_heat)


def direct_to_chip(
    outdoors: Outdoors, plant: Plant, indoor: Array, it_load_frac: Array | float, tower: bool
) -> Overhead:
    """Warm water to cold plates for the liquid share, on dry coolers with wetted pads or on towers, trim chillers."""
    warm = plant.technology_water_degc - plant.cdu_approach_k
    share, pumps = plant.liquid_share_frac, plant.cdu_pump_frac_of_heat
    return _warm_and_residual(outdoors, plant, indoor, it_load_frac, share, warm, pumps, (tower, tower))


def hybrid(outdoors: Outdoors, plant: Plant, indoor: Array, it_load_frac: Array | float) -> Overhead:
    """A hall with liquid and air-cooled racks: warm water on dry coolers, coils on chillers, towers and economizer."""
    warm = plant.technology_water_degc - plant.cdu_approach_k
    share = plant.hybrid_liquid_share_frac * plant.liquid_share_frac
    return _warm_and_residual(
        outdoors, plant, indoor, it_load_frac, share, warm, plant.cdu_pump_frac_of_heat, (False, True)
    )


def immersion(outdoors: Outdoors, plant: Plant, indoor: Array, it_load_frac: Array | float, boiling: bool) -> Overhead:
    """Tanks of dielectric liquid on dry coolers.

    One phase: pumps move the bath through an exchanger, the bath leaves ``bath_approach_k`` above the facility water.
    Two phases: vapour at the boiling point condenses on a coil ``boiling_approach_k`` colder; no pumps of its own.
    Servers without fans draw less; PUE is over the IT power that is left, so the gain is not in it.
    """
    if boiling:
        warm, pumps = plant.boiling_degc - plant.boiling_approach_k, np.zeros_like(plant.boiling_degc)
    else:
        warm, pumps = plant.bath_degc - plant.bath_approach_k, plant.bath_pump_frac_of_heat
    share = plant.immersion_heat_share_frac
    return _warm_and_residual(outdoors, plant, indoor, it_load_frac, share, warm, pumps, (False, False))
