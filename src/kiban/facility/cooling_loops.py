"""Loops of a cooling plant: hall air, water on towers with chillers, water on dry coolers with chillers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.facility import plant as parts
from kiban.facility.plant import Outdoors, Overhead, Plant

Array = NDArray[np.float64]


def flow_factor(plant: Plant, it_load_frac: Array | float) -> Array:
    return np.asarray(np.maximum(np.asarray(it_load_frac, dtype=float), 0.05) ** plant.variable_flow_exponent)


def coil_water_degc(plant: Plant) -> Array:
    """Give the water a coil needs: T_return - dT / effectiveness."""
    return plant.supply_air_degc + plant.air_delta_t_k * (1.0 - 1.0 / plant.coil_effectiveness_frac)


def hall_air(plant: Plant, heat_frac: Array, it_load_frac: Array | float) -> tuple[Array, Array]:
    """Give fan power and coil heat (fan heat and latent share on top) of an air loop that carries ``heat_frac``."""
    per_heat = parts.fan_frac_of_heat(plant) * flow_factor(plant, it_load_frac)
    # Supply and return are the hall's and the fan stands before supply: its heat loads the coil, not the flow.
    fans = heat_frac * per_heat
    return np.asarray(fans), np.asarray((heat_frac + plant.fan_heat_frac * fans) / plant.sensible_heat_ratio)


def humidifiers(outdoors: Outdoors, plant: Plant, coil_heat_frac: Array) -> Overhead:
    """Give the water and power of humidifiers that put back what cold coils condense from a closed hall.

    Arguments: outdoor air (its shape), plant, heat on the coils with its latent part, per unit of IT. Result: overhead,
    power among the pumps. Equation: water = Q (1 - SHR) / latent heat; boiling takes that heat as electricity.
    """
    latent = plant.rehumidified_frac * coil_heat_frac * (1.0 - plant.sensible_heat_ratio)
    nothing = np.zeros_like(outdoors.hourly_dry_bulb_degc)
    water = latent * (1000.0 * parts.KJ_PER_KWH / parts.LATENT_HEAT_J_PER_KG)
    return Overhead(nothing, plant.boiled_frac * latent + nothing, nothing, water + nothing, nothing)


def tower_loop(
    outdoors: Outdoors,
    plant: Plant,
    supply_degc: Array,
    heat_frac: Array,
    it_load_frac: Array | float,
    free: bool = True,
) -> Overhead:
    """Give the overhead of a water loop on a cooling tower with a water-cooled chiller.

    Arguments: outdoor air, plant, water wanted (degC), heat per unit of IT, IT load, whether a heat exchanger
    lets the tower cool the loop directly. Result: overhead. Valid for wet bulb -20 to 32 degC.
    """
    wet = outdoors.hourly_wet_bulb_degc
    basin = wet + plant.tower_approach_k
    share = (
        parts.free_share(basin + plant.exchanger_approach_k, supply_degc, plant.facility_water_delta_t_k)
        if free
        else np.zeros_like(wet)
    )
    cop = parts.water_chiller_cop(plant, supply_degc, basin, it_load_frac)
    chiller = heat_frac * (1.0 - share) / cop
    rejected = heat_frac + chiller
    slack = supply_degc - plant.exchanger_approach_k - wet if free else plant.tower_approach_k
    flow = flow_factor(plant, it_load_frac)
    fans = plant.tower_fan_frac_of_heat * rejected * parts.slowed_fan(plant.tower_approach_k, slack) * flow
    pumps = flow * (
        heat_frac * parts.pump_frac_of_heat(plant, plant.facility_water_delta_t_k)
        + rejected * parts.pump_frac_of_heat(plant, plant.tower_water_delta_t_k, plant.tower_pump_pressure_pa)
    )
    mean_water = np.maximum(basin, supply_degc - plant.exchanger_approach_k) if free else basin
    evaporation = rejected * parts.tower_evaporation_l_per_kwh_heat(
        outdoors, mean_water + plant.tower_water_delta_t_k / 2, plant.tower_sensible_weight_frac
    )
    circulation = rejected * parts.circulation_l_per_kwh(plant.tower_water_delta_t_k)
    return Overhead(
        fans, pumps, chiller, evaporation, parts.blowdown_and_drift_l_per_kwh(plant, evaporation, circulation)
    )


def dry_loop(
    outdoors: Outdoors,
    plant: Plant,
    supply_degc: Array,
    heat_frac: Array,
    it_load_frac: Array | float,
    adiabatic: bool,
    free: bool = True,
) -> Overhead:
    """Give the overhead of a water loop on dry coolers with an air-cooled chiller, with or without wetted pads.

    Arguments: as ``tower_loop``; ``adiabatic`` wets the inlet air just as far as the loop needs,
    ``free`` says whether there are free-cooling coils at all. Result: overhead.
    The cooler is a balanced counterflow: air rises as far as water falls. Valid for air -20 to 48 degC.
    """
    dry = outdoors.hourly_dry_bulb_degc
    needed = np.maximum(dry - (supply_degc - plant.dry_cooler_approach_k), 0.0) if adiabatic else np.zeros_like(dry)
    reach = plant.adiabatic_effectiveness_frac * np.maximum(dry - outdoors.hourly_wet_bulb_degc, 0.0)
    wetted_k = np.minimum(needed, reach)
    inlet = dry - wetted_k
    share = parts.free_share(inlet + plant.dry_cooler_approach_k, supply_degc, plant.facility_water_delta_t_k)
    flow = flow_factor(plant, it_load_frac)
    # A cooler that carries part of the heat still moves its full air, so it runs only where that saves power.
    speed = parts.slowed_fan(plant.dry_cooler_approach_k, supply_degc - inlet)
    fans = plant.dry_cooler_fan_frac_of_heat * heat_frac * speed * flow
    all_mechanical = heat_frac / parts.air_chiller_cop(plant, supply_degc, dry, it_load_frac)
    worth = (share * all_mechanical > fans) & free
    share, fans = np.where(worth, share, 0.0), np.where(worth, fans, 0.0)
    wetted_k, chiller = np.where(worth, wetted_k, 0.0), all_mechanical * (1.0 - share)
    pumps = flow * heat_frac * parts.pump_frac_of_heat(plant, plant.facility_water_delta_t_k)
    evaporation = (
        heat_frac * wetted_k / plant.facility_water_delta_t_k * (1000.0 * parts.KJ_PER_KWH / parts.LATENT_HEAT_J_PER_KG)
    )
    cycles = np.maximum(plant.cycles_of_concentration, 1.01)
    return Overhead(fans, pumps * np.ones_like(dry), chiller, evaporation, evaporation / (cycles - 1.0))


def fans_only(outdoors: Outdoors, fans: Array) -> Overhead:
    """Give the overhead of hall fans alone, hour by hour."""
    nothing = np.zeros_like(outdoors.hourly_dry_bulb_degc)
    return Overhead(fans + nothing, nothing, nothing, nothing, nothing)
