"""Ways to carry power to the racks: UPS mode, redundancy, busway, rack conversion or 800 V direct current."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.facility.power_chain import PowerChain

Array = NDArray[np.float64]

UPS_MODES = ("double_conversion", "eco", "dc_800v")
FULL_MODULE_FRAC = 0.9
_POINTS = ("025", "050", "075", "100")


@dataclass(frozen=True)
class PowerPath:
    """A chain to the rack input, and what the rack itself loses before the boards."""

    chain: PowerChain
    rack_efficiency_frac: float
    """Power at the boards over power at the rack input (power shelf, or step-down from 800 V)."""
    ups_mode: str
    redundancy: str
    module_load_frac: float
    """Load of one UPS module and one transformer at full IT load."""


def module_load_frac(redundancy: str, units: int) -> float:
    """Give the load of each unit at full IT load.

    Arguments: redundancy, number of units that are needed for the load. Result: share of a unit's rating.
    N units carry it at 0.9; one spare: 0.9 n / (n + 1); four for three: 0.9 x 3 / 4; two full sets: 0.45.
    Errors: KeyError for an unknown redundancy.
    """
    shares = {"n": 1.0, "n_plus_1": units / (units + 1.0), "distributed_4_3": 0.75, "two_n": 0.5}
    return FULL_MODULE_FRAC * shares[redundancy]


def power_path(catalog: Catalog, base: PowerChain, ups_mode: str, redundancy: str, units: int = 4) -> PowerPath:
    """Give the power path of a hall.

    Arguments: catalogue, chain at catalogue values, UPS mode, redundancy, units needed. Result: the path.
    ``double_conversion`` keeps the four points of the UPS; ``eco`` passes the grid through and keeps a fixed loss of
    its charger and controls; ``dc_800v`` rectifies once to 800 V, stores in the rack and steps down there, so neither
    UPS nor power shelf stands in the path. Busways and cables lose with the square of current: their share of IT power
    grows with load. Valid from 2 to 100 % of module load. Errors: KeyError for an unknown mode or redundancy.
    """
    load = module_load_frac(redundancy, units)
    points = {f"ups_efficiency_load_{p}_frac": getattr(base, f"ups_efficiency_load_{p}_frac") for p in _POINTS}
    rack = catalog.value("electrical.rack_power_shelf.efficiency_peak_frac")
    distribution = base.distribution_loss_frac
    if ups_mode == "eco":
        points = _points(
            catalog.value("electrical.ups_eco_mode.efficiency_frac"),
            catalog.value("electrical.ups_eco_mode.fixed_loss_frac"),
        )
    elif ups_mode == "dc_800v":
        points = _points(
            catalog.value("electrical.dc800v.rectifier_efficiency_frac"),
            catalog.value("electrical.dc800v.rectifier_fixed_loss_frac"),
        )
        rack = catalog.value("electrical.dc800v.rack_step_down_efficiency_frac")
        distribution = np.asarray(catalog.value("electrical.dc800v.busway_loss_frac"))
    elif ups_mode != "double_conversion":
        raise KeyError(ups_mode)
    chain = replace(
        base,
        **points,
        ups_design_load_frac=np.asarray(load),
        transformer_design_load_frac=np.asarray(load),
        distribution_loss_frac=np.asarray(distribution),
        distribution_square_frac=np.asarray(1.0),
    )
    return PowerPath(chain, rack, ups_mode, redundancy, load)


def _points(full_efficiency_frac: float, fixed_loss_frac: float) -> dict[str, Array]:
    """Give four points of a machine: loss at full load 1/eta - 1, of which ``fixed`` (of rating) stays at any load."""
    full = 1.0 / full_efficiency_frac - 1.0
    found = {}
    for point, load in zip(_POINTS, (0.25, 0.5, 0.75, 1.0), strict=True):
        loss = fixed_loss_frac / load + (full - fixed_loss_frac) * load
        found[f"ups_efficiency_load_{point}_frac"] = np.asarray(1.0 / (1.0 + loss))
    return found
