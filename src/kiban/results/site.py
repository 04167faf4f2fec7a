"""What the facility room hands over: one entry per site."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kiban.results.trace import Trace

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class PathSaving:
    """A site's power path beside double conversion with the same spare units at the same site."""

    annual_pue: float
    """Annual mean PUE of double conversion."""
    peak_pue: float
    """PUE of double conversion in the worst hour, hall full."""
    rack_it_frac: float
    """IT power at the rack input that double conversion needs for the same boards, more, over that of this path."""
    gain_pue: tuple[float, float]
    """Least and most by which its annual PUE lies above this path's, with all rows at the ends of their ranges."""
    same_boards_gain_pue: tuple[float, float]
    """The same per IT power of this path, at the same power on the boards."""


@dataclass(frozen=True)
class SitePhase:
    """One phase of new halls that the scenario asks for; months from the scenario's start."""

    it_mw: float
    start_months: float
    ready_months: tuple[float, float, float]
    """P10, P50, P90 of power at the racks."""
    order_months: float
    """Month by which the slowest equipment must be ordered so as not to hold up the P50."""


@dataclass(frozen=True)
class Hall:
    """How power reaches the racks of a site, what its air and water may be, and what holds up a phase."""

    ups: str
    """``double_conversion``, ``eco`` or ``dc_800v``."""
    redundancy: str
    """``n``, ``n_plus_1``, ``distributed_4_3`` or ``two_n``; empty where the catalogue's mean load stands."""
    module_load_frac: float
    """Load of one UPS module (rectifier) at full IT load."""
    electrical_loss_frac: float
    """Losses from the connection to the rack input over IT power, lights included, mean of the year at mean load."""
    full_load_pue: float
    """Mean of the year with the hall full."""
    air_class: str
    """ASHRAE class, `` allowable`` behind it where its allowable maximum is used; empty for catalogue set-points."""
    water_class: str
    critical_item: str
    """What holds up a phase at the P50: an equipment, or ``construction``."""
    slowest_item: str
    """Equipment with the longest lead time."""
    order_months: float
    """Months after the start of a phase by which that equipment must be ordered; negative: before."""
    saving: PathSaving | None
    """None where power takes double conversion."""
    ready: str
    """``p10``, ``p50`` or ``p90``: the month by which the plan counts on power at new halls."""
    phases: tuple[SitePhase, ...]
    """As the scenario asks; empty where the plan starts what it likes when it likes."""


@dataclass(frozen=True)
class Site:
    """Hourly cooling and power overhead, construction cost, time and staff of S sites."""

    sites: tuple[str, ...]
    """S site names of the scenario."""
    hourly_dry_bulb_degc: Array
    """(S, 8760)."""
    hourly_wet_bulb_degc: Array
    """(S, 8760)."""
    hourly_wind_speed_m_per_s: Array
    """(S, 8760) at 10 m."""
    hourly_ghi_w_per_m2: Array
    """(S, 8760) global horizontal irradiance."""
    hourly_pue: Array
    """(S, 8760) facility power over IT power."""
    hourly_wue_l_per_kwh: Array
    """(S, 8760) water used on site per kWh of IT energy."""
    site_annual_pue: Array
    """(S,) energy-weighted mean."""
    site_annual_wue_l_per_kwh: Array
    """(S,)."""
    site_peak_pue: Array
    """(S,) PUE of the worst hour: sets facility MW per IT MW."""
    construction_lines: tuple[str, ...]
    """K names of construction cost lines."""
    site_construction_usd_per_kw: Array
    """(S, K) cost per critical IT kW by line, land and utility works included."""
    site_build_months: Array
    """(S, 3) P10, P50, P90 months from start of a phase to power at the racks."""
    site_operations_fte_per_mw: Array
    """(S,) permanent staff on site per critical IT MW."""
    site_wage_usd_per_year: Array
    """(S,) mean loaded wage of that staff."""
    site_construction_job_years_per_mw: Array
    """(S,) on-site construction labour per critical IT MW."""
    site_maintenance_usd_per_kw_year: Array
    """(S,) facility maintenance per critical IT kW and year."""
    weather_label: str
    """``synthetic`` or the file that was read."""
    halls: tuple[Hall, ...] = ()
    """S halls in the order of the sites."""
    residuals: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    traces: tuple[Trace, ...] = ()
