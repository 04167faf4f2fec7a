"""What the energy room hands over: hourly supply of one reference megawatt of IT load per site."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kiban.results.trace import Trace

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SupplyCase:
    """One way to supply a site: least-cost hourly dispatch and capacities per critical IT MW."""

    name: str
    """``grid``, ``plan`` (the scenario's choice), ``annual``, ``hourly`` (24/7) or ``island``."""
    sources: tuple[str, ...]
    """P names of the flows, grid import first."""
    capacity_mw: Array
    """(P,) MW per critical IT MW; battery power for storage."""
    storage_mwh: float
    """Battery energy per critical IT MW."""
    hourly_flow_mw: Array
    """(P, 8760) MW per critical IT MW; battery discharge positive, charge negative."""
    hourly_load_mw: Array
    """(8760,) facility load."""
    hourly_price_usd_per_mwh: Array
    """(8760,) dual of the energy balance."""
    energy_usd_per_mwh: float
    """All-in cost per MWh of facility load: energy, capacity, demand charges, annualised own plant."""
    capex_usd_per_kw: float
    """Own plant, overnight, per critical IT kW."""
    average_kg_co2_per_mwh: float
    """Location-based average signal, operational emissions of own plant included."""
    marginal_kg_co2_per_mwh: float
    """Short-run marginal signal."""
    clean_frac: float
    """Hourly-matched clean share of the load (24/7 score)."""
    annual_clean_frac: float
    """Clean energy over load, counted by the year."""
    source_water_l_per_kwh: float
    """Water used to make the electricity."""
    interconnection_value_usd_per_kw_year: float
    """Dual of the interconnection limit."""
    balance_residual: float
    """Largest relative hourly imbalance."""
    hourly_grid_average_kg_co2_per_mwh: Array
    """(8760,) location-based average of the grid, before own plant and contracts."""
    hourly_grid_marginal_kg_co2_per_mwh: Array
    """(8760,) short-run marginal of the grid; another question, never mixed with the average."""
    gas_kg_co2_per_mwh: float
    """Direct emissions of on-site gas per MWh it gives."""


@dataclass(frozen=True)
class Supply:
    """The cases of every site; ``cases[i]`` belongs to ``sites[i]`` and holds the chosen case first."""

    sites: tuple[str, ...]
    cases: tuple[tuple[SupplyCase, ...], ...]
    site_energy_usd_per_mwh: Array
    """(S,) of the chosen case."""
    site_kg_co2_per_mwh: Array
    """(S,) location-based average of the chosen case."""
    site_power_capex_usd_per_kw: Array
    """(S,) own plant of the chosen case per critical IT kW (already inside energy_usd_per_mwh as an annuity)."""
    residuals: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    traces: tuple[Trace, ...] = ()
