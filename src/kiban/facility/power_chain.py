"""Losses of the electrical path from the utility to the racks, by load."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

UPS_KNOTS_FRAC = (0.25, 0.5, 0.75, 1.0)
_LEAST_LOAD_FRAC = 0.02


@dataclass(frozen=True)
class PowerChain:
    """Parameters of the path; each a number or an array that broadcasts against hours, e.g. (P, 1)."""

    ups_efficiency_load_025_frac: Array
    ups_efficiency_load_050_frac: Array
    ups_efficiency_load_075_frac: Array
    ups_efficiency_load_100_frac: Array
    ups_design_load_frac: Array
    distribution_loss_frac: Array
    """Of cables and busways at full IT load."""
    lighting_to_it_frac: Array
    transformer_no_load_loss_frac: Array
    transformer_load_loss_frac: Array
    transformer_design_load_frac: Array
    large_transformer_efficiency_frac: Array
    distribution_square_frac: Array | float = 0.0
    """Share of the distribution loss that goes with the square of current; the rest stays a share of power."""


def ups_efficiency_frac(chain: PowerChain, it_load_frac: Array | float) -> Array:
    """Give the efficiency of the UPS at an IT load.

    Arguments: chain, IT load over critical capacity (broadcast). Result: efficiency. Straight lines between data
    sheet points at 25, 50, 75 and 100 % of module load; below 25 % the loss in kW stays that of 25 %.
    Valid from 2 to 100 % of module load.
    """
    module = np.clip(chain.ups_design_load_frac * np.asarray(it_load_frac, dtype=float), _LEAST_LOAD_FRAC, 1.0)
    place = np.clip((module - UPS_KNOTS_FRAC[0]) / 0.25, 0.0, 3.0)
    points = (
        chain.ups_efficiency_load_025_frac,
        chain.ups_efficiency_load_050_frac,
        chain.ups_efficiency_load_075_frac,
        chain.ups_efficiency_load_100_frac,
    )
    loss = sum((1.0 - np.asarray(point)) * np.maximum(0.0, 1.0 - np.abs(place - i)) for i, point in enumerate(points))
    return np.asarray(1.0 - loss * np.maximum(1.0, UPS_KNOTS_FRAC[0] / module))


def indoor_loss_frac(chain: PowerChain, it_load_frac: Array | float) -> Array:
    """Give UPS, distribution and lighting power per unit of IT power: 1 / (eta_ups (1 - l)) - 1 + lights.

    Arguments: chain, IT load (broadcast). Result: fraction of IT power, all of it heat inside the building.
    """
    load = np.maximum(np.asarray(it_load_frac, dtype=float), _LEAST_LOAD_FRAC)
    square = np.asarray(chain.distribution_square_frac)
    distribution = np.asarray(chain.distribution_loss_frac) * (1.0 - square + square * load)
    path = ups_efficiency_frac(chain, load) * (1.0 - distribution)
    # Lights burn at any load: their share of IT power rises as load falls.
    return np.asarray(1.0 / path - 1.0 + np.asarray(chain.lighting_to_it_frac) / load)


def outdoor_loss_frac(chain: PowerChain, below_transformer_frac: Array, it_load_frac: Array | float) -> Array:
    """Give transformer losses per unit of IT power.

    Arguments: chain, power drawn below the unit substation per unit of IT power, IT load (broadcast).
    Result: fraction of IT power. Loss of a transformer = P0 + Pk x^2 of rating at load x (IEC 60076-1);
    the high-voltage transformer has one efficiency.
    """
    load = np.clip(
        np.asarray(chain.transformer_design_load_frac) * np.asarray(it_load_frac, dtype=float),
        _LEAST_LOAD_FRAC,
        1.0,
    )
    unit = np.asarray(chain.transformer_no_load_loss_frac) / load + np.asarray(chain.transformer_load_loss_frac) * load
    below = np.asarray(below_transformer_frac)
    return np.asarray(below * (1.0 + unit) / np.asarray(chain.large_transformer_efficiency_frac) - below)
