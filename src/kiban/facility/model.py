"""One site's year: hourly overhead at mean load, annual means, and the worst hour at full load."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.facility import psychrometrics as air
from kiban.facility.cooling import hourly_overhead
from kiban.facility.plant import Outdoors, Plant
from kiban.facility.power_chain import PowerChain

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SiteYear:
    """Hourly and annual overhead of one site."""

    hourly_pue: Array
    hourly_wue_l_per_kwh: Array
    annual_pue: float
    annual_wue_l_per_kwh: float
    peak_pue: float
    full_load_pue: float
    electrical_loss_frac: float
    balance_residual: float


def site_year(
    kind: str,
    outdoors: Outdoors,
    plant: Plant,
    chain: PowerChain,
    mean_it_load_frac: float,
    design_air_degc: tuple[float, float] | None,
) -> SiteYear:
    """Give a site's overhead.

    Arguments: kind of cooling, outdoor air (hours on the last axis), plant, chain, mean IT load over critical capacity,
    dry and wet bulb of the design hour (or None). Result: hourly values and annual means at the mean load (IT load is
    constant over the year, so the energy-weighted mean is the plain mean), the mean PUE at full load, the largest over
    the year and the design hour, and the mean electrical loss at the mean load. Errors: KeyError for an unknown kind.
    """
    mean = hourly_overhead(kind, outdoors, plant, chain, mean_it_load_frac)
    full = hourly_overhead(kind, outdoors, plant, chain, 1.0)
    peak = float(full.hourly_pue.max())
    if design_air_degc is not None:
        design = hourly_overhead(kind, design_hour(design_air_degc, outdoors.pressure_pa), plant, chain, 1.0)
        peak = max(peak, float(design.hourly_pue.max()))
    return SiteYear(
        hourly_pue=mean.hourly_pue,
        hourly_wue_l_per_kwh=mean.hourly_wue_l_per_kwh,
        annual_pue=float(mean.hourly_pue.mean()),
        annual_wue_l_per_kwh=float(mean.hourly_wue_l_per_kwh.mean()),
        peak_pue=peak,
        full_load_pue=float(full.hourly_pue.mean()),
        electrical_loss_frac=float(np.mean(mean.indoor_electrical_frac + mean.outdoor_electrical_frac)),
        balance_residual=max(mean.balance_residual, full.balance_residual),
    )


def design_hour(dry_and_wet_bulb_degc: tuple[float, float], pressure_pa: Array | float) -> Outdoors:
    """Make outdoor air from dry and wet bulb (degC); equation 33 of the ASHRAE handbook, wet bulb above freezing."""
    dry, wet = dry_and_wet_bulb_degc
    wet = min(wet, dry)
    pressure = float(np.mean(pressure_pa))
    saturated = float(air.humidity_ratio_of_dew_point(wet, pressure))
    ratio = ((2501.0 - 2.326 * wet) * saturated - 1.006 * (dry - wet)) / (2501.0 + 1.86 * dry - 4.186 * wet)
    return Outdoors(np.array([dry]), np.array([wet]), np.array([max(ratio, 1e-5)]), np.asarray(pressure))
