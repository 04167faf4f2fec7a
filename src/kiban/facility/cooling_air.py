"""Halls cooled by outdoor air: set-point window, wetting, and chillers for what is left or too humid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kiban.facility import plant as parts
from kiban.facility import psychrometrics as air
from kiban.facility.cooling_loops import coil_water_degc, dry_loop, hall_air, humidifiers, tower_loop
from kiban.facility.plant import Outdoors, Overhead, Plant

Array = NDArray[np.float64]
Backup = Callable[[Outdoors, Plant, Array, Array, Array | float], Overhead]


@dataclass(frozen=True)
class AirState:
    """What the outdoor air of each hour needs before it may enter the hall."""

    wetted_k: Array
    """Adiabatic cooling (K)."""
    humidified_ratio: Array
    """Moisture added to dry air (kg/kg of outdoor air)."""
    outdoor_share_frac: Array
    """Share of outdoor air in the supply; the rest is return air."""
    mechanical_frac: Array
    """Share of the heat left to chillers."""


def outdoor_air_state(outdoors: Outdoors, plant: Plant, wetting: bool) -> AirState:
    """Put outdoor air into the window of the supply air: dry bulb, dew point and relative humidity.

    Arguments: outdoor air, plant, whether the air may be wetted to cool it. Result: the state. Control: supply follows
    outdoor air between the lower and the upper set-point; colder air is mixed with return air, warmer air is wetted up
    to its effectiveness and the humidity limits, then helped by chillers. Air above the humidity limit at its supply
    temperature may be warmed with return air by ``recirculation_reach_frac`` of the way to the upper set-point; if
    that is not enough the hall closes its louvres. Air below the lower limit is humidified. After the set-point
    windows of ASHRAE TC 9.9 thermal guidelines; set-point ranges of Lei & Masanet (2022).
    """
    dry, ratio = outdoors.hourly_dry_bulb_degc, outdoors.hourly_humidity_ratio
    upper = plant.supply_air_degc
    supply = np.clip(dry, np.minimum(plant.supply_air_lower_degc, upper), upper)
    reach_frac = np.where(
        dry < plant.supply_air_lower_degc, plant.cold_mixing_reach_frac, plant.recirculation_reach_frac
    )
    warmed = supply + reach_frac * (upper - supply)
    too_humid = ratio > _most(plant, warmed, outdoors)
    room_k = np.maximum(_most(plant, upper, outdoors) - ratio, 0.0) * parts.LATENT_HEAT_J_PER_KG / air.AIR_CP_J_PER_KG_K
    reach = plant.adiabatic_effectiveness_frac * np.maximum(dry - outdoors.hourly_wet_bulb_degc, 0.0)
    # The fan stands before the hall: its heat comes on top of the outdoor air.
    above = dry + plant.fan_heat_frac * parts.fan_frac_of_heat(plant) * plant.air_delta_t_k - upper
    wetted = np.minimum(np.maximum(above, 0.0), np.minimum(reach, room_k)) if wetting else np.zeros_like(above)
    mechanical = np.clip((above - wetted) / plant.air_delta_t_k, 0.0, 1.0)
    # Without a trim coil in the outdoor stream the hall turns to return air and chillers alone.
    mechanical = np.where(mechanical > 0.0, 1.0 - plant.trim_coil_frac * (1.0 - mechanical), 0.0)
    mechanical = np.where(too_humid, 1.0, mechanical)
    lacking = np.maximum(_least(plant, supply, outdoors) - ratio, 0.0)
    mechanical = np.where(lacking > 0.0, np.maximum(mechanical, plant.dry_air_closes_frac), mechanical)
    wetted = np.where(mechanical < 1.0, wetted, 0.0)
    wet_already = wetted * air.AIR_CP_J_PER_KG_K / parts.LATENT_HEAT_J_PER_KG
    added = np.where(mechanical < 1.0, np.maximum(lacking - wet_already, 0.0), 0.0)
    # Moisture that evaporates into the outdoor air cools it, so less of it is needed beside the return air.
    cold = dry - added * parts.LATENT_HEAT_J_PER_KG / air.AIR_CP_J_PER_KG_K
    mixed = np.maximum(np.minimum(plant.supply_air_lower_degc, upper), cold)
    share = np.clip(plant.air_delta_t_k / np.maximum(mixed + plant.air_delta_t_k - cold, 1e-3), 0.0, 1.0)
    return AirState(wetted, added, share, mechanical)


def _most(plant: Plant, supply_degc: Array, outdoors: Outdoors) -> Array:
    limit = plant.supply_humidity_upper_frac * air.saturation_pressure_pa(supply_degc)
    dew = air.saturation_pressure_pa(plant.supply_dew_point_upper_degc)
    return air.humidity_ratio(np.minimum(limit, dew), outdoors.pressure_pa)


def _least(plant: Plant, supply_degc: Array, outdoors: Outdoors) -> Array:
    limit = plant.supply_humidity_lower_frac * air.saturation_pressure_pa(supply_degc)
    dew = air.saturation_pressure_pa(plant.supply_dew_point_lower_degc)
    return air.humidity_ratio(np.maximum(limit, dew), outdoors.pressure_pa)


def air_economizer(
    outdoors: Outdoors, plant: Plant, indoor: Array, it_load_frac: Array | float, wetting: bool, backup: Backup
) -> Overhead:
    """Give the overhead of a hall on outdoor air.

    Arguments: outdoor air, plant, losses inside the building per unit of IT, IT load, whether air is wetted, the loop
    that carries what is left. Result: overhead. Water = air flow x moisture added, with blowdown of the wetted media.
    Valid for air -30 to 48 degC.
    """
    plant = replace(plant, fan_pressure_pa=plant.outdoor_air_fan_pressure_pa + plant.economizer_fan_pressure_pa)
    fans, coil_heat = hall_air(plant, 1.0 + indoor, it_load_frac)
    state = outdoor_air_state(outdoors, plant, wetting)
    flow_kg_per_kwh = (1.0 + indoor) * 1000.0 * parts.KJ_PER_KWH / (plant.air_delta_t_k * air.AIR_CP_J_PER_KG_K)
    moisture = state.wetted_k * air.AIR_CP_J_PER_KG_K / parts.LATENT_HEAT_J_PER_KG
    evaporation = flow_kg_per_kwh * (moisture + state.outdoor_share_frac * state.humidified_ratio)
    nothing = np.zeros_like(evaporation)
    cycles = np.maximum(plant.cycles_of_concentration, 1.01)
    own = Overhead(fans + nothing, nothing, nothing, evaporation, plant.media_bleed_frac * evaporation / (cycles - 1.0))
    left = coil_heat * state.mechanical_frac
    own = own + humidifiers(outdoors, plant, left)
    return own + backup(outdoors, plant, coil_water_degc(plant), left, it_load_frac)


def tower_backup(outdoors: Outdoors, plant: Plant, supply: Array, heat: Array, it_load_frac: Array | float) -> Overhead:
    """Chiller and tower without economizer."""
    return tower_loop(outdoors, plant, supply, heat, it_load_frac, free=False)


def air_backup(outdoors: Outdoors, plant: Plant, supply: Array, heat: Array, it_load_frac: Array | float) -> Overhead:
    """Air-cooled chiller without free-cooling coils."""
    return dry_loop(outdoors, plant, supply, heat, it_load_frac, adiabatic=False, free=False)
