"""A hall through one hourly year with its own load: facility power, water here and at the source, heat losses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.facility.cooling import LIQUID_KINDS, hourly_overhead
from kiban.facility.plant import Outdoors, Plant
from kiban.facility.power_chain import PowerChain
from kiban.facility.weather_calendar import HOURS, MONTH_DAYS

Array = NDArray[np.float64]

MONTH_OF_HOUR = np.repeat(np.arange(12), MONTH_DAYS * 24)


@dataclass(frozen=True)
class FacilityYear:
    """Hourly results (8760,) of one hall, and the sums that follow from them."""

    it_capacity_mw: float
    hourly_it_mw: Array
    hourly_pue: Array
    hourly_wue_l_per_kwh: Array
    hourly_full_load_pue: Array
    """PUE if the hall were full in that hour: what the connection must carry."""
    hourly_fans_frac: Array
    hourly_pumps_frac: Array
    hourly_chillers_frac: Array
    hourly_electrical_frac: Array
    grid_water_l_per_kwh: float
    balance_residual: float
    warnings: tuple[str, ...]

    @property
    def hourly_facility_mw(self) -> Array:
        """Power at the connection."""
        return np.asarray(self.hourly_it_mw * self.hourly_pue)

    @property
    def annual_pue(self) -> float:
        """Energy of the facility over energy of IT."""
        return float(self.hourly_facility_mw.sum() / self.hourly_it_mw.sum())

    @property
    def annual_wue_l_per_kwh(self) -> float:
        """Water on site over energy of IT."""
        return float((self.hourly_it_mw * self.hourly_wue_l_per_kwh).sum() / self.hourly_it_mw.sum())

    @property
    def annual_source_wue_l_per_kwh(self) -> float:
        """Water on site and at power stations: WUE + PUE x water of the grid (The Green Grid, WUE source)."""
        return self.annual_wue_l_per_kwh + self.annual_pue * self.grid_water_l_per_kwh

    @property
    def annual_water_m3(self) -> float:
        """Water on site in the year."""
        return float((self.hourly_it_mw * self.hourly_wue_l_per_kwh).sum())

    @property
    def peak_pue(self) -> float:
        """Largest PUE at full load."""
        return float(self.hourly_full_load_pue.max())

    @property
    def peak_facility_mw(self) -> float:
        """Power at the connection if the hall is full in the hottest hour."""
        return self.it_capacity_mw * self.peak_pue

    @property
    def hottest_hour_loss_mw(self) -> float:
        """IT power that the hottest hour takes from a full hall whose connection was sized for the mean PUE."""
        return self.it_capacity_mw * (1.0 - float(self.hourly_full_load_pue.mean()) / self.peak_pue)

    def connection_loss(self, connection_mw: float) -> tuple[float, float]:
        """Give (hours, IT MWh) of a year that a connection (MW) cannot carry."""
        short = self.hourly_facility_mw > connection_mw + 1e-9
        lost = np.where(short, self.hourly_it_mw - connection_mw / self.hourly_pue, 0.0)
        return float(short.sum()), float(np.maximum(lost, 0.0).sum())


def facility_year(
    kind: str,
    outdoors: Outdoors,
    plant: Plant,
    chain: PowerChain,
    hourly_it_mw: Array,
    it_capacity_mw: float,
    grid_water_l_per_kwh: float,
) -> FacilityYear:
    """Run a hall through a year.

    Arguments: kind of cooling, outdoor air (8760 hours), plant, chain, IT load (8760,) and capacity (MW), water per kWh
    of the grid. Result: the year. Errors: KeyError for an unknown kind, ValueError for a load of another length.
    """
    if hourly_it_mw.shape != (HOURS,):
        raise ValueError(f"the load needs {HOURS} hours, found shape {hourly_it_mw.shape}")
    now = hourly_overhead(kind, outdoors, plant, chain, hourly_it_mw / it_capacity_mw)
    full = hourly_overhead(kind, outdoors, plant, chain, 1.0)
    electrical = np.broadcast_to(now.indoor_electrical_frac + now.outdoor_electrical_frac, (HOURS,))
    return FacilityYear(
        it_capacity_mw=it_capacity_mw,
        hourly_it_mw=hourly_it_mw,
        hourly_pue=now.hourly_pue,
        hourly_wue_l_per_kwh=now.hourly_wue_l_per_kwh,
        hourly_full_load_pue=full.hourly_pue,
        hourly_fans_frac=np.broadcast_to(now.cooling.fans_frac, (HOURS,)),
        hourly_pumps_frac=np.broadcast_to(now.cooling.pumps_frac, (HOURS,)),
        hourly_chillers_frac=np.broadcast_to(now.cooling.chillers_frac, (HOURS,)),
        hourly_electrical_frac=electrical,
        grid_water_l_per_kwh=grid_water_l_per_kwh,
        balance_residual=max(now.balance_residual, full.balance_residual),
        warnings=outside_valid_range(kind, outdoors),
    )


def monthly(values: Array, weights: Array) -> Array:
    """Give the weighted mean of each month, (12,), of hourly values (8760,)."""
    total = np.bincount(MONTH_OF_HOUR, values * weights, 12)
    return np.asarray(total / np.maximum(np.bincount(MONTH_OF_HOUR, weights, 12), 1e-12))


def outside_valid_range(kind: str, outdoors: Outdoors) -> tuple[str, ...]:
    """Name the hours in which the curves of a plant are used outside their range (towers by wet bulb, air by dry)."""
    dry, wet = outdoors.hourly_dry_bulb_degc, outdoors.hourly_wet_bulb_degc
    towers = kind in {"water_chiller", "water_chiller_economizer", "liquid_tower", "hybrid_liquid_air"}
    low_air = -30.0 if kind.startswith("air_economizer") else -20.0
    found = []
    for name, values, low, high in (
        ("wet bulb", wet, -20.0, 32.0) if towers else ("air", dry, low_air, 48.0),
        *((("air", dry, -20.0, 48.0),) if kind in LIQUID_KINDS and not kind.endswith("tower") else ()),
    ):
        hours = int(((values < low) | (values > high)).sum())
        if hours:
            found.append(f"{hours} hours of {name} outside {low:g} to {high:g} degC, where the curves of {kind} hold")
    return tuple(dict.fromkeys(found))
