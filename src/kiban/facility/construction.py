"""Construction cost by line, build time, staff and upkeep, all per critical IT kW or MW."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LINES = (
    "shell",
    "site_works",
    "electrical",
    "mechanical_cooling",
    "liquid_cooling",
    "network_fitout",
    "soft_cost",
    "contingency",
    "land",
    "utility_works",
)
HARD_LINES = LINES[:6]
DAYS_PER_MONTH = 365.25 / 12
WEEKS_PER_MONTH = DAYS_PER_MONTH / 7


@dataclass(frozen=True)
class CostBasis:
    """Published cost of a US hall of the base price year; shares are of that cost and sum to 1."""

    total_usd_per_kw: float
    shell_share_frac: float
    site_share_frac: float
    critical_share_frac: float
    white_space_share_frac: float
    electrical_weight: float
    mechanical_weight: float
    soft_cost_share_frac: float
    contingency_frac: float
    liquid_adder_usd_per_kw: float
    land_usd_per_acre: float
    land_acres_per_mw: float
    utility_works_usd_per_kw: float


def construction_lines_usd_per_kw(
    basis: CostBasis, regional_factor: float, escalation_factor: float, liquid_share_frac: float
) -> Array:
    """Give cost per critical IT kW by line, (K,) in the order of ``LINES``.

    Arguments: basis, cost of the region over the US mean, price year over base year, heat share cooled by liquid.
    Result: USD of the price year per critical IT kW. Lines: hard = total * share * region * escalation;
    soft = hard * s / (1 - s); contingency = c * (hard + soft); land = price per acre * acres per MW / 1000.
    Origin: Cushman & Wakefield 2025 cost guide (shares and total, per critical MW, without owner-furnished
    equipment, soft cost, contingency and land). Valid for US halls of 10 MW and more.
    """
    local = regional_factor * escalation_factor
    hall = basis.total_usd_per_kw * local
    weights = basis.electrical_weight + basis.mechanical_weight
    hard = [
        hall * basis.shell_share_frac,
        hall * basis.site_share_frac,
        hall * basis.critical_share_frac * basis.electrical_weight / weights,
        hall * basis.critical_share_frac * basis.mechanical_weight / weights,
        basis.liquid_adder_usd_per_kw * liquid_share_frac * local,
        hall * basis.white_space_share_frac,
    ]
    hard_sum = sum(hard)
    soft = hard_sum * basis.soft_cost_share_frac / (1.0 - basis.soft_cost_share_frac)
    contingency = basis.contingency_frac * (hard_sum + soft)
    land = basis.land_usd_per_acre * basis.land_acres_per_mw / 1000.0
    return np.array([*hard, soft, contingency, land, basis.utility_works_usd_per_kw * escalation_factor])


def build_months(measured_months: Array, equipment_weeks: Array, commissioning_months: Array) -> Array:
    """Give P10, P50, P90 months from the start of a phase to power at the racks.

    Arguments: measured months (3,), lead times of E kinds of equipment (E, 3) low, middle, high, commissioning (3,).
    Result: (3,), at each level the later of the measured span and the slowest equipment plus commissioning.
    """
    path = np.max(equipment_weeks, axis=0) / WEEKS_PER_MONTH + commissioning_months
    return np.maximum(measured_months, path)


def staff_fte_per_mw(it_mw: float, size_mw: Array, fte_per_mw: Array) -> float:
    """Give permanent staff per critical IT MW by site size, straight on log-log axes between published classes.

    Arguments: site size (MW), sizes (n,) rising, FTE per MW (n,). Result: FTE/MW; flat beyond both ends.
    """
    return float(np.exp(np.interp(np.log(max(it_mw, 1e-3)), np.log(size_mw), np.log(fte_per_mw))))


def construction_job_years_per_mw(
    hard_usd_per_kw: float,
    labour_share_frac: float,
    pay_usd_per_year: float,
    crew_peak_per_mw: float,
    crew_years: float,
) -> float:
    """Give on-site construction labour per critical IT MW.

    Arguments: hard cost, labour share of it, pay with benefits, peak crew per MW and years on site.
    Result: job-years per MW: labour cost over pay, but never more than the peak crew for the whole time (published
    labour shares count workshops and management away from the site).
    """
    return min(hard_usd_per_kw * 1000.0 * labour_share_frac / pay_usd_per_year, crew_peak_per_mw * crew_years)
