"""Hourly PUE and WUE of thirteen kinds of cooling plant.

All power is per unit of IT power, all water per kWh of IT. Arrays broadcast: hours on the last axis, sites or
parameter samples before it, so a whole sample of parameter sets is one call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from kiban.facility.cooling_air import air_backup, air_economizer, tower_backup
from kiban.facility.cooling_liquid import direct_to_chip, hybrid, immersion
from kiban.facility.cooling_loops import coil_water_degc, dry_loop, fans_only, hall_air, humidifiers, tower_loop
from kiban.facility.plant import Outdoors, Overhead, Plant
from kiban.facility.power_chain import PowerChain, indoor_loss_frac, outdoor_loss_frac

Array = NDArray[np.float64]

LIQUID_KINDS = frozenset(
    {"liquid_dry_cooler", "liquid_tower", "hybrid_liquid_air", "immersion_single_phase", "immersion_two_phase"}
)


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


def _on_towers(outdoors: Outdoors, plant: Plant, indoor: Array, it_load_frac: Array | float, free: bool) -> Overhead:
    """Hall air over coils; water from chillers on towers, with or without a waterside economizer."""
    fans, heat = hall_air(plant, 1.0 + indoor, it_load_frac)
    loop = tower_loop(outdoors, plant, coil_water_degc(plant), heat, it_load_frac, free)
    return fans_only(outdoors, fans) + humidifiers(outdoors, plant, heat) + loop


def _on_air(outdoors: Outdoors, plant: Plant, indoor: Array, it_load_frac: Array | float, free: bool) -> Overhead:
    """Hall air over coils; water from air-cooled chillers, with or without dry free-cooling coils."""
    fans, heat = hall_air(plant, 1.0 + indoor, it_load_frac)
    loop = dry_loop(outdoors, plant, coil_water_degc(plant), heat, it_load_frac, adiabatic=False, free=free)
    return fans_only(outdoors, fans) + humidifiers(outdoors, plant, heat) + loop


def _direct_expansion(outdoors: Outdoors, plant: Plant, indoor: Array, it_load_frac: Array | float) -> Overhead:
    """Refrigerant coils in the hall with outdoor condensers: an air-cooled machine without a water loop.

    The coil stays cold whatever the supply set-point, so no part of a warm set-point comes back as efficiency.
    """
    fans, heat = hall_air(plant, 1.0 + indoor, it_load_frac)
    coil = plant.direct_expansion_coil_degc + np.zeros_like(outdoors.hourly_dry_bulb_degc)
    loop = dry_loop(outdoors, plant, coil, heat, it_load_frac, adiabatic=False, free=False)
    own = fans_only(outdoors, fans) + humidifiers(outdoors, plant, heat)
    return own + replace(loop, pumps_frac=np.zeros_like(loop.pumps_frac))


_Model = Callable[[Outdoors, Plant, Array, Array | float], Overhead]
_KINDS: dict[str, _Model] = {
    "air_economizer_adiabatic": partial(air_economizer, wetting=True, backup=tower_backup),
    "air_economizer_water_chiller": partial(air_economizer, wetting=False, backup=tower_backup),
    "air_economizer_air_chiller": partial(air_economizer, wetting=False, backup=air_backup),
    "water_chiller_economizer": partial(_on_towers, free=True),
    "water_chiller": partial(_on_towers, free=False),
    "air_chiller_economizer": partial(_on_air, free=True),
    "air_chiller": partial(_on_air, free=False),
    "direct_expansion": _direct_expansion,
    "liquid_dry_cooler": partial(direct_to_chip, tower=False),
    "liquid_tower": partial(direct_to_chip, tower=True),
    "hybrid_liquid_air": hybrid,
    "immersion_single_phase": partial(immersion, boiling=False),
    "immersion_two_phase": partial(immersion, boiling=True),
}
KINDS = tuple(_KINDS)
