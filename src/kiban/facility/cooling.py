"""Hourly PUE and WUE of five kinds of cooling plant.

All power is per unit of IT power, all water per kWh of IT. Arrays broadcast: hours on the last axis, sites or
parameter samples before it, so a whole sample of parameter sets is one call.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kiban.facility import plant as parts
from kiban.facility import psychrometrics as air
from kiban.facility.plant import Outdoors, Overhead, Plant
from kiban.facility.power_chain import PowerChain, indoor_loss_frac, outdoor_loss_frac

Array = NDArray[np.float64]

LATENT_HEAT_J_PER_KG = 2.43e6
LIQUID_KINDS = frozenset({"liquid_dry_cooler", "liquid_tower"})


@dataclass(frozen=True)
class HourlyOverhead:
    """Facility power over IT power and site water per kWh of IT, with the parts that add up to them."""

    hourly_pue: Array
    hourly_wue_l_per_kwh: Array
    cooling: Overhead
    indoor_electrical_frac: Array
    outdoor_electrical_frac: Array

    @property
    def balance_residual(self) -> float:
        """Largest relative gap between PUE and the sum of its parts, and between WUE and its parts."""
        power = 1.0 + self.cooling.power_frac + self.indoor_electrical_frac + self.outdoor_electrical_frac
        water = self.cooling.evaporation_l_per_kwh + self.cooling.blowdown_and_drift_l_per_kwh
        return float(max(np.abs(power / self.hourly_pue - 1.0).max(), np.abs(water - self.hourly_wue_l_per_kwh).max()))


def hourly_overhead(
    kind: str, outdoors: Outdoors, plant: Plant, chain: PowerChain, it_load_frac: Array | float
) -> HourlyOverhead:
    """Give hourly PUE and WUE.

    Arguments: kind of cooling (scenario CoolingKind), outdoor air, plant and power chain parameters, IT load over
    critical capacity (0..1; number or array); all broadcast. Result: hourly overhead.
    Errors: KeyError for an unknown kind. Equation: PUE = 1 + indoor losses + cooling + transformer losses.
    """
    indoor = indoor_loss_frac(chain, it_load_frac)
    cooling = _KINDS[kind](outdoors, plant, indoor, it_load_frac)
    below = 1.0 + indoor + cooling.power_frac
    outdoor = outdoor_loss_frac(chain, below, it_load_frac)
    shape = np.broadcast_shapes(below.shape, outdoor.shape, outdoors.hourly_dry_bulb_degc.shape)
    return HourlyOverhead(
        np.broadcast_to(below + outdoor, shape),
        np.broadcast_to(cooling.water_l_per_kwh, shape),
        cooling,
        indoor,
        outdoor,
    )


def _flow_factor(plant: Plant, it_load_frac: Array | float) -> Array:
    return np.asarray(np.maximum(np.asarray(it_load_frac, dtype=float), 0.05) ** plant.variable_flow_exponent)


def _coil_water_degc(plant: Plant) -> Array:
    """Give the water a coil needs: T_return - dT / effectiveness."""
    return plant.supply_air_degc + plant.air_delta_t_k * (1.0 - 1.0 / plant.coil_effectiveness_frac)


def _hall_air(plant: Plant, heat_frac: Array, it_load_frac: Array | float) -> tuple[Array, Array]:
    """Give fan power and coil heat (fan heat and latent share on top) of an air loop that carries ``heat_frac``."""
    per_heat = parts.fan_frac_of_heat(plant) * _flow_factor(plant, it_load_frac)
    fans = heat_frac * per_heat / (1.0 - np.minimum(per_heat, 0.5))
    return np.asarray(fans), np.asarray((heat_frac + fans) / plant.sensible_heat_ratio)


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
    flow = _flow_factor(plant, it_load_frac)
    fans = plant.tower_fan_frac_of_heat * rejected * parts.slowed_fan(plant.tower_approach_k, slack) * flow
    pumps = flow * (
        heat_frac * parts.pump_frac_of_heat(plant, plant.facility_water_delta_t_k)
        + rejected * parts.pump_frac_of_heat(plant, plant.tower_water_delta_t_k)
    )
    mean_water = np.maximum(basin, supply_degc - plant.exchanger_approach_k) if free else basin
    evaporation = rejected * parts.tower_evaporation_l_per_kwh_heat(
        outdoors, mean_water + plant.tower_water_delta_t_k / 2
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
) -> Overhead:
    """Give the overhead of a water loop on dry coolers with an air-cooled chiller, with or without wetted pads.

    Arguments: as ``tower_loop``; ``adiabatic`` wets the inlet air just as far as the loop needs. Result: overhead.
    The cooler is a balanced counterflow: air rises as far as water falls. Valid for air -20 to 48 degC.
    """
    dry = outdoors.hourly_dry_bulb_degc
    needed = np.maximum(dry - (supply_degc - plant.dry_cooler_approach_k), 0.0) if adiabatic else np.zeros_like(dry)
    reach = plant.adiabatic_effectiveness_frac * np.maximum(dry - outdoors.hourly_wet_bulb_degc, 0.0)
    wetted_k = np.minimum(needed, reach)
    inlet = dry - wetted_k
    share = parts.free_share(inlet + plant.dry_cooler_approach_k, supply_degc, plant.facility_water_delta_t_k)
    flow = _flow_factor(plant, it_load_frac)
    # A cooler that carries part of the heat still moves its full air, so it runs only where that saves power.
    speed = parts.slowed_fan(plant.dry_cooler_approach_k, supply_degc - inlet)
    fans = plant.dry_cooler_fan_frac_of_heat * heat_frac * speed * flow
    all_mechanical = heat_frac / parts.air_chiller_cop(plant, supply_degc, dry, it_load_frac)
    worth = share * all_mechanical > fans
    share, fans = np.where(worth, share, 0.0), np.where(worth, fans, 0.0)
    wetted_k, chiller = np.where(worth, wetted_k, 0.0), all_mechanical * (1.0 - share)
    pumps = flow * heat_frac * parts.pump_frac_of_heat(plant, plant.facility_water_delta_t_k)
    evaporation = (
        heat_frac * wetted_k / plant.facility_water_delta_t_k * (1000.0 * parts.KJ_PER_KWH / LATENT_HEAT_J_PER_KG)
    )
    cycles = np.maximum(plant.cycles_of_concentration, 1.01)
    return Overhead(fans, pumps * np.ones_like(dry), chiller, evaporation, evaporation / (cycles - 1.0))


def _air_economizer_adiabatic(outdoors: Outdoors, plant: Plant, indoor: Array, it_load_frac: Array | float) -> Overhead:
    """Outdoor air straight to the hall, wetted when warm; chiller and tower for what is left, or all when too humid."""
    dry, ratio = outdoors.hourly_dry_bulb_degc, outdoors.hourly_humidity_ratio
    plant = replace(plant, fan_pressure_pa=plant.fan_pressure_pa + plant.economizer_fan_pressure_pa)
    fans, coil_heat = _hall_air(plant, 1.0 + indoor, it_load_frac)
    most = air.humidity_ratio_of_dew_point(plant.supply_dew_point_upper_degc, outdoors.pressure_pa)
    least = air.humidity_ratio_of_dew_point(plant.supply_dew_point_lower_degc, outdoors.pressure_pa)
    moist_room_k = np.maximum(most - ratio, 0.0) * LATENT_HEAT_J_PER_KG / air.AIR_CP_J_PER_KG_K
    reach = plant.adiabatic_effectiveness_frac * np.maximum(dry - outdoors.hourly_wet_bulb_degc, 0.0)
    wetted_k = np.minimum(np.maximum(dry - plant.supply_air_degc, 0.0), np.minimum(reach, moist_room_k))
    mechanical = np.clip((dry - wetted_k - plant.supply_air_degc) / plant.air_delta_t_k, 0.0, 1.0)
    mechanical = np.where(ratio > most, 1.0, mechanical)
    wetted_k = np.where(mechanical < 1.0, wetted_k, 0.0)
    outdoor_share = np.clip(
        plant.air_delta_t_k / np.maximum(plant.supply_air_degc + plant.air_delta_t_k - dry, 1e-3), 0.0, 1.0
    )
    per_k = (1.0 + indoor + fans) / plant.air_delta_t_k * 1000.0 * parts.KJ_PER_KWH
    added = wetted_k / LATENT_HEAT_J_PER_KG + outdoor_share * np.maximum(least - ratio, 0.0) / air.AIR_CP_J_PER_KG_K
    evaporation = per_k * added
    cycles = np.maximum(plant.cycles_of_concentration, 1.01)
    own = Overhead(
        fans * np.ones_like(dry),
        np.zeros_like(dry),
        np.zeros_like(dry),
        evaporation,
        evaporation / (cycles - 1),
    )
    backup = tower_loop(outdoors, plant, _coil_water_degc(plant), coil_heat * mechanical, it_load_frac, free=False)
    return own + backup


def _water_chiller_economizer(outdoors: Outdoors, plant: Plant, indoor: Array, it_load_frac: Array | float) -> Overhead:
    """Hall air over coils; water from chillers on towers with a waterside economizer."""
    fans, heat = _hall_air(plant, 1.0 + indoor, it_load_frac)
    return _fans_only(outdoors, fans) + tower_loop(outdoors, plant, _coil_water_degc(plant), heat, it_load_frac)


def _air_chiller_economizer(outdoors: Outdoors, plant: Plant, indoor: Array, it_load_frac: Array | float) -> Overhead:
    """Hall air over coils; water from air-cooled chillers with dry free-cooling coils."""
    fans, heat = _hall_air(plant, 1.0 + indoor, it_load_frac)
    return _fans_only(outdoors, fans) + dry_loop(
        outdoors, plant, _coil_water_degc(plant), heat, it_load_frac, adiabatic=False
    )


def _liquid(outdoors: Outdoors, plant: Plant, indoor: Array, it_load_frac: Array | float, tower: bool) -> Overhead:
    """Warm water to the chips for the liquid share; coils for the rest and for the losses of the building."""
    share = plant.liquid_share_frac
    flow = _flow_factor(plant, it_load_frac)
    cdu = share * plant.cdu_pump_frac_of_heat * flow
    warm = plant.technology_water_degc - plant.cdu_approach_k
    hall = replace(plant, supply_air_degc=plant.residual_supply_air_degc)
    fans, air_heat = _hall_air(hall, 1.0 - share + indoor, it_load_frac)
    chilled = _coil_water_degc(hall)
    if tower:
        loops = tower_loop(outdoors, plant, warm, share + cdu, it_load_frac) + tower_loop(
            outdoors, plant, chilled, air_heat, it_load_frac
        )
    else:
        loops = dry_loop(outdoors, plant, warm, share + cdu, it_load_frac, adiabatic=True) + dry_loop(
            outdoors, plant, chilled, air_heat, it_load_frac, adiabatic=True
        )
    pumps = replace(_fans_only(outdoors, fans), pumps_frac=cdu * np.ones_like(outdoors.hourly_dry_bulb_degc))
    return pumps + loops


def _liquid_dry_cooler(outdoors: Outdoors, plant: Plant, indoor: Array, it_load_frac: Array | float) -> Overhead:
    return _liquid(outdoors, plant, indoor, it_load_frac, tower=False)


def _liquid_tower(outdoors: Outdoors, plant: Plant, indoor: Array, it_load_frac: Array | float) -> Overhead:
    return _liquid(outdoors, plant, indoor, it_load_frac, tower=True)


def _fans_only(outdoors: Outdoors, fans: Array) -> Overhead:
    nothing = np.zeros_like(outdoors.hourly_dry_bulb_degc)
    return Overhead(fans + nothing, nothing, nothing, nothing, nothing)


_KINDS = {
    "air_economizer_adiabatic": _air_economizer_adiabatic,
    "water_chiller_economizer": _water_chiller_economizer,
    "air_chiller_economizer": _air_chiller_economizer,
    "liquid_dry_cooler": _liquid_dry_cooler,
    "liquid_tower": _liquid_tower,
}
