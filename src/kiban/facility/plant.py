"""Parts of a cooling plant as formulas: fans, pumps, chillers, towers, dry coolers, water."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from kiban.facility import psychrometrics as air

Array = NDArray[np.float64]

AIR_DENSITY_KG_PER_M3 = 1.2
WATER_DENSITY_KG_PER_M3 = 998.0
KJ_PER_KWH = 3600.0
LATENT_HEAT_J_PER_KG = 2.43e6
# AHRI 550/590 rating points that the catalogue's coefficients of performance belong to.
RATING_CHILLED_WATER_DEGC = 6.7
RATING_CONDENSER_WATER_DEGC = 29.4
RATING_OUTDOOR_AIR_DEGC = 35.0


@dataclass(frozen=True)
class Plant:
    """Parameters of a plant; each a number or an array that broadcasts against hours, e.g. (P, 1)."""

    supply_air_degc: Array
    supply_air_lower_degc: Array
    supply_humidity_upper_frac: Array
    supply_humidity_lower_frac: Array
    recirculation_reach_frac: Array
    trim_coil_frac: Array
    supply_dew_point_upper_degc: Array
    supply_dew_point_lower_degc: Array
    air_delta_t_k: Array
    fan_pressure_pa: Array
    outdoor_air_fan_pressure_pa: Array
    economizer_fan_pressure_pa: Array
    fan_efficiency_frac: Array
    coil_effectiveness_frac: Array
    sensible_heat_ratio: Array
    facility_water_delta_t_k: Array
    tower_water_delta_t_k: Array
    tower_approach_k: Array
    tower_fan_frac_of_heat: Array
    tower_sensible_weight_frac: Array
    exchanger_approach_k: Array
    pump_pressure_pa: Array
    pump_efficiency_frac: Array
    water_chiller_cop: Array
    air_chiller_cop: Array
    chiller_cop_deviation_frac: Array
    chiller_part_load_frac: Array
    chiller_fixed_loss_frac: Array
    chiller_lift_min_k: Array
    chiller_evaporator_approach_k: Array
    water_condenser_rise_k: Array
    air_condenser_rise_k: Array
    dry_cooler_approach_k: Array
    dry_cooler_fan_frac_of_heat: Array
    adiabatic_effectiveness_frac: Array
    cycles_of_concentration: Array
    windage_frac_of_flow: Array
    variable_flow_exponent: Array
    technology_water_degc: Array
    cdu_approach_k: Array
    cdu_pump_frac_of_heat: Array
    liquid_share_frac: Array
    residual_supply_air_degc: Array
    hybrid_liquid_share_frac: Array
    immersion_heat_share_frac: Array
    bath_degc: Array
    bath_approach_k: Array
    bath_pump_frac_of_heat: Array
    boiling_degc: Array
    boiling_approach_k: Array
    direct_expansion_coil_degc: Array
    fan_heat_frac: Array | float = 1.0
    """Share of fan power that ends as heat in the air of the hall."""
    chilled_water_reset_frac: Array | float = 1.0
    """1: a chiller makes water just as cold as its loop wants; 0: water of its rating point, mixed warmer."""
    rehumidified_frac: Array | float = 0.0
    """Share of the moisture that cold coils take from the hall which humidifiers put back."""
    boiled_frac: Array | float = 0.0
    """Share of that moisture put back by boiling, which takes its latent heat as electricity."""
    dry_air_closes_frac: Array | float = 0.0
    """1: a hall without humidifiers closes its louvres on air below the lower limit; 0: it humidifies."""
    cold_mixing_reach_frac: Array | float = 1.0
    """How far cold, humid air may be warmed with return air, as a share of the way to the upper set-point."""
    media_bleed_frac: Array | float = 1.0
    """Blowdown of wetted media and humidifiers over that of a tower: 1 for media, 0 for nozzles on pure water."""
    tower_pump_pressure_pa: Array | float | None = None
    """Head of the tower loop; that of the facility loop where none is given."""


@dataclass(frozen=True)
class Outdoors:
    """Hourly outdoor air, arrays that broadcast together (last axis hours)."""

    hourly_dry_bulb_degc: Array
    hourly_wet_bulb_degc: Array
    hourly_humidity_ratio: Array
    pressure_pa: Array

    @classmethod
    def from_dew_point(cls, dry_bulb_degc: Array, dew_point_degc: Array, pressure_pa: Array | float) -> Outdoors:
        """Make the state of the air from dry bulb, dew point (degC) and pressure (Pa)."""
        ratio = air.humidity_ratio_of_dew_point(dew_point_degc, pressure_pa)
        wet = air.wet_bulb_degc(dry_bulb_degc, ratio, pressure_pa)
        return cls(np.asarray(dry_bulb_degc), wet, ratio, np.asarray(pressure_pa, dtype=float))


@dataclass(frozen=True)
class Overhead:
    """Power (per unit of IT power) and water (L per kWh of IT) of a cooling loop, hour by hour."""

    fans_frac: Array
    pumps_frac: Array
    chillers_frac: Array
    evaporation_l_per_kwh: Array
    blowdown_and_drift_l_per_kwh: Array

    def __add__(self, other: Overhead) -> Overhead:
        return Overhead(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def power_frac(self) -> Array:
        """Electrical power of the loop per unit of IT power."""
        return np.asarray(self.fans_frac + self.pumps_frac + self.chillers_frac)

    @property
    def water_l_per_kwh(self) -> Array:
        """Make-up water per kWh of IT."""
        return np.asarray(self.evaporation_l_per_kwh + self.blowdown_and_drift_l_per_kwh)


def fan_frac_of_heat(plant: Plant) -> Array:
    """Give fan power per unit of heat moved by air: dp / (rho cp dT eta); valid near sea-level density."""
    moved = AIR_DENSITY_KG_PER_M3 * air.AIR_CP_J_PER_KG_K * plant.air_delta_t_k * plant.fan_efficiency_frac
    return np.asarray(plant.fan_pressure_pa / moved)


def pump_frac_of_heat(plant: Plant, water_delta_t_k: Array, pressure_pa: Array | float | None = None) -> Array:
    """Give pump power per unit of heat moved by water: dp / (rho cp dT eta); dp of the facility loop if not given."""
    moved = WATER_DENSITY_KG_PER_M3 * air.WATER_CP_J_PER_KG_K * water_delta_t_k * plant.pump_efficiency_frac
    return np.asarray((plant.pump_pressure_pa if pressure_pa is None else pressure_pa) / moved)


def _carnot(chilled_degc: Array, condensing_degc: Array, plant: Plant) -> Array:
    wanted = np.asarray(chilled_degc)
    # A machine that cannot follow the loop makes water of its rating point and lets the loop mix it.
    made = np.minimum(wanted, RATING_CHILLED_WATER_DEGC)
    made = made + plant.chilled_water_reset_frac * (wanted - made)
    evaporating = made - plant.chiller_evaporator_approach_k
    lift = np.maximum(condensing_degc - evaporating, plant.chiller_lift_min_k)
    return np.asarray((evaporating + air.KELVIN) / lift)


def _at_part_load(cop: Array, plant: Plant, it_load_frac: Array | float) -> Array:
    """Correct for fixed losses, power = P (a + (1 - a) x), with 1 at full load."""
    load = np.clip(plant.chiller_part_load_frac * np.asarray(it_load_frac), 0.05, 1.0)
    fixed = plant.chiller_fixed_loss_frac
    return np.asarray(cop * (1.0 + plant.chiller_cop_deviation_frac) * load / (fixed + (1.0 - fixed) * load))


def water_chiller_cop(plant: Plant, chilled_degc: Array, condenser_degc: Array, it_load_frac: Array | float) -> Array:
    """Give the COP of a water-cooled chiller as a fixed share of Carnot, set by the rating point.

    Arguments: plant, leaving chilled water and entering condenser water (degC), IT load; broadcast. Result: COP.
    Valid for chilled water 5 to 30 degC and condenser water 10 to 40 degC; the least lift bounds it from above.
    Comfort-cooling curves are not valid at data-centre set-points (EnergyPlus issue 6678), hence the Carnot form.
    """
    rated = _carnot(
        np.asarray(RATING_CHILLED_WATER_DEGC),
        RATING_CONDENSER_WATER_DEGC + plant.water_condenser_rise_k,
        plant,
    )
    now = _carnot(chilled_degc, condenser_degc + plant.water_condenser_rise_k, plant)
    return _at_part_load(plant.water_chiller_cop * now / rated, plant, it_load_frac)


def air_chiller_cop(plant: Plant, chilled_degc: Array, outdoor_degc: Array, it_load_frac: Array | float) -> Array:
    """Give the COP of an air-cooled chiller, condenser fans included, as a fixed share of Carnot.

    Arguments: plant, leaving chilled water and outdoor air (degC), IT load; broadcast. Result: COP.
    Valid for chilled water 5 to 40 degC and air -10 to 48 degC.
    """
    rated = _carnot(np.asarray(RATING_CHILLED_WATER_DEGC), RATING_OUTDOOR_AIR_DEGC + plant.air_condenser_rise_k, plant)
    now = _carnot(chilled_degc, outdoor_degc + plant.air_condenser_rise_k, plant)
    return _at_part_load(plant.air_chiller_cop * now / rated, plant, it_load_frac)


def free_share(cold_degc: Array, supply_degc: Array, delta_t_k: Array) -> Array:
    """Give the share of a water loop's heat that free cooling removes: (T_return - T_cold) / dT within 0..1.

    An integrated economizer (ASHRAE 90.1, 6.5.1): the chiller lifts only what the free-cooled water is too warm by.
    """
    return np.clip((supply_degc + delta_t_k - cold_degc) / delta_t_k, 0.0, 1.0)


def slowed_fan(approach_k: Array, available_k: Array) -> Array:
    """Give fan power over design where a colder sink allows slower fans: (approach / available)^3, at most 1."""
    return np.clip(approach_k / np.maximum(available_k, approach_k), 0.0, 1.0) ** 3


def tower_evaporation_l_per_kwh_heat(
    outdoors: Outdoors, water_degc: Array, sensible_weight_frac: Array | float = 1.0
) -> Array:
    """Give litres evaporated per kWh of heat rejected by a tower.

    Air leaves saturated at the mean water temperature (Merkel); evaporation is its moisture gain over its enthalpy
    gain. 1.48 L/kWh is the all-latent value; hot dry air can exceed it, cold air brings it to about 0.8.
    Arguments: outdoor air, mean water temperature (degC), weight of that balance against the all-latent value (1 is
    the balance, 0 is all heat as vapour, as published studies assume), broadcast. Result: L/kWh heat, 0 to 1.8.
    """
    water = np.maximum(water_degc, outdoors.hourly_wet_bulb_degc + 1.0)
    leaving = air.humidity_ratio_of_dew_point(water, outdoors.pressure_pa)
    gain = air.enthalpy_j_per_kg(water, leaving) - air.enthalpy_j_per_kg(
        outdoors.hourly_dry_bulb_degc, outdoors.hourly_humidity_ratio
    )
    moisture = np.maximum(leaving - outdoors.hourly_humidity_ratio, 0.0)
    balance = np.clip(moisture / np.maximum(gain, 1.0) * 1000.0 * KJ_PER_KWH, 0.0, 1.8)
    all_latent = 1000.0 * KJ_PER_KWH / LATENT_HEAT_J_PER_KG
    return np.asarray(all_latent + sensible_weight_frac * (balance - all_latent))


def blowdown_and_drift_l_per_kwh(plant: Plant, evaporation_l_per_kwh: Array, flow_l_per_kwh: Array) -> Array:
    """Give water that leaves as liquid: the larger of E / (C - 1) and drift, since drift also carries salts away."""
    cycles = np.maximum(plant.cycles_of_concentration, 1.01)
    return np.maximum(evaporation_l_per_kwh / (cycles - 1.0), plant.windage_frac_of_flow * flow_l_per_kwh)


def circulation_l_per_kwh(delta_t_k: Array) -> Array:
    """Give litres that circulate per kWh of heat at a temperature difference (K)."""
    return np.asarray(KJ_PER_KWH * 1000.0 / (air.WATER_CP_J_PER_KG_K * delta_t_k))
