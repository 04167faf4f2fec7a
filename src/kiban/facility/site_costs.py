"""Catalogue rows to construction cost, build time, staff, wage and upkeep of one site."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.facility import construction as model
from kiban.scenario.schema import SitePart

Array = NDArray[np.float64]

KW_PER_MW = 1000.0
COST_KEYS = {
    "total_usd_per_kw": "construction.us.total_usd_per_mw",
    "shell_share_frac": "construction.us.share_shell_frac",
    "site_share_frac": "construction.us.share_site_frac",
    "critical_share_frac": "construction.us.share_critical_capacity_frac",
    "white_space_share_frac": "construction.us.share_white_space_frac",
    "electrical_weight": "construction.us.hard_cost_share_electrical_frac",
    "mechanical_weight": "construction.us.hard_cost_share_mechanical_frac",
    "soft_cost_share_frac": "construction.us.hard_cost_share_soft_cost_frac",
    "contingency_frac": "construction.contingency_frac",
    "liquid_adder_usd_per_kw": "construction.liquid_cooling.direct_to_chip_adder_usd_per_kw",
    "land_usd_per_acre": "price.land_usd_per_acre",
    "land_acres_per_mw": "construction.land_acres_per_mw",
    "utility_works_usd_per_kw": "construction.utility_works_usd_per_kw",
}
# Office and back of house have no line of their own: they are building.
SHELL_EXTRA_KEYS = ("construction.us.share_office_frac", "construction.us.share_back_of_house_frac")
ESCALATION_KEY = "construction.global.cost_escalation_frac_per_year"
LIQUID_SHARE_KEY = "cooling.gb200_nvl72.liquid_heat_share_frac"
MAINTENANCE_KEY = "facility.maintenance_frac_of_plant_per_year"
LABOUR_KEYS = (
    "construction.us.labour_share_frac",
    "construction.labour.worker_pay_with_benefits_usd_per_year",
    "construction.labour.crew_peak_per_mw",
    "construction.labour.crew_years_large_site",
)
BUILD_KEYS = tuple(f"delay.build_months_land_clearing_to_first_it.{p}" for p in ("p10", "p50", "p90"))
EQUIPMENT_KEYS = tuple(
    f"lead_time.{name}_weeks"
    for name in ("switchgear", "generator", "ups", "chiller", "cooling_tower_dry_cooler", "cdu")
)
COMMISSIONING_KEY = "construction.duration.commissioning_months"
STAFF_KEYS = (
    ("staffing.reference_size_mw.colocation", "staffing.colocation_3_5mw_fte_per_mw"),
    ("staffing.reference_size_mw.enterprise", "staffing.enterprise_20_40mw_fte_per_mw"),
    ("staffing.reference_size_mw.hyperscale", "staffing.hyperscale_over_100mw_fte_per_mw"),
    ("staffing.reference_size_mw.ai_campus", "staffing.ai_training_campus_gw_fte_per_mw"),
)
_RACK_KW_KEY = "system.gb300_nvl72.rack_power_kw"
LOADED_COST_KEY = "wage.us.loaded_cost_multiplier"
WAGE_GROWTH_KEY = "wage.us.growth_frac_per_year"
# Roles of the staffing rows and the occupation that pays for each.
_ROLES_PER_100_MW = {
    "staffing.critical_facility_operator_per_100mw": "industrial_machinery_mechanic",
    "staffing.controls_electrical_engineer_per_100mw": "electrical_engineer",
    "staffing.water_chemistry_liquid_cooling_technician_per_100mw": "plumber_pipefitter",
}
_ROLES_PER_SITE = {
    "staffing.security_officer_per_site": "security_guard",
    "staffing.management_admin_per_site": "it_manager",
}
_TECHNICIAN_KEY, _TECHNICIAN = "staffing.it_hardware_technician_per_1000_racks", "computer_user_support"
_WAGE_STATES = ("tx", "ny")


@dataclass(frozen=True)
class SiteCosts:
    """What construction, upkeep and staff of one site cost, with the keys that were decisive."""

    lines_usd_per_kw: Array
    build_months: Array
    operations_fte_per_mw: float
    wage_usd_per_year: float
    construction_job_years_per_mw: float
    maintenance_usd_per_kw_year: float
    regional_key: str
    wage_states: tuple[str, ...]


def site_costs(catalog: Catalog, site: SitePart, price_year: int, liquid: bool) -> SiteCosts:
    """Give the costs of a site.

    Arguments: catalogue, site of the scenario, year of money, whether its cooling is liquid.
    Result: costs in USD of the price year. Errors: catalogue errors for missing rows.
    """
    values = {field: catalog.value(key) for field, key in COST_KEYS.items()}
    values["total_usd_per_kw"] /= KW_PER_MW
    values["shell_share_frac"] += sum(catalog.value(key) for key in SHELL_EXTRA_KEYS)
    base_year = catalog.row(COST_KEYS["total_usd_per_kw"]).price_year or price_year
    escalation = (1.0 + catalog.value(ESCALATION_KEY)) ** (price_year - int(base_year))
    regional_key, factor = _regional_factor(catalog, site.state)
    lines = model.construction_lines_usd_per_kw(
        model.CostBasis(**values), factor, escalation, catalog.value(LIQUID_SHARE_KEY) if liquid else 0.0
    )
    by_name = dict(zip(model.LINES, lines, strict=True))
    hard = sum(by_name[name] for name in model.HARD_LINES)
    plant = by_name["electrical"] + by_name["mechanical_cooling"] + by_name["liquid_cooling"]
    share, pay, peak, years = (catalog.value(key) for key in LABOUR_KEYS)
    wage, states = _mean_wage(catalog, site.state, max(site.max_it_mw, 1.0), price_year)
    return SiteCosts(
        lines_usd_per_kw=lines,
        build_months=_months(catalog),
        operations_fte_per_mw=model.staff_fte_per_mw(
            site.max_it_mw,
            np.array([catalog.value(size) for size, _ in STAFF_KEYS]),
            np.array([catalog.value(fte) for _, fte in STAFF_KEYS]),
        ),
        wage_usd_per_year=wage,
        construction_job_years_per_mw=model.construction_job_years_per_mw(float(hard), share, pay, peak, years),
        maintenance_usd_per_kw_year=float(plant) * catalog.value(MAINTENANCE_KEY),
        regional_key=regional_key,
        wage_states=states,
    )


def equipment_lead_weeks(catalog: Catalog) -> dict[str, tuple[float, float, float]]:
    """Give lead times of the equipment of a hall by name: low, middle and high weeks."""
    return {key.removeprefix("lead_time.").removesuffix("_weeks"): catalog.range(key) for key in EQUIPMENT_KEYS}


def measured_build_months(catalog: Catalog) -> tuple[Array, Array]:
    """Give measured months to first power (P10, P50, P90) and months of commissioning (low, middle, high)."""
    measured = np.array([catalog.value(key) for key in BUILD_KEYS])
    return measured, np.array(catalog.range(COMMISSIONING_KEY))


def _months(catalog: Catalog) -> Array:
    measured, commissioning = measured_build_months(catalog)
    return model.build_months(measured, np.array(list(equipment_lead_weeks(catalog).values())), commissioning)


def _regional_factor(catalog: Catalog, state: str) -> tuple[str, float]:
    """Give the key and the cost of a state over the US mean; a city abroad by its published total; else the US row."""
    key = f"construction.regional_factor.{state}"
    if catalog.has(key):
        return key, catalog.value(key)
    city = f"construction.{state}.total_usd_per_mw"
    if catalog.has(city):
        return city, catalog.value(city) / catalog.value(COST_KEYS["total_usd_per_kw"])
    return "construction.regional_factor.us", catalog.value("construction.regional_factor.us")


def _mean_wage(catalog: Catalog, state: str, it_mw: float, price_year: int) -> tuple[float, tuple[str, ...]]:
    """Give the mean loaded wage over the staffing roles, and the states whose wages it rests on.

    A state without rows takes the mean of the states that have them.
    """
    heads = {job: catalog.value(key) * it_mw / 100.0 for key, job in _ROLES_PER_100_MW.items()}
    heads |= {job: catalog.value(key) for key, job in _ROLES_PER_SITE.items()}
    heads[_TECHNICIAN] = catalog.value(_TECHNICIAN_KEY) * it_mw / catalog.value(_RACK_KW_KEY)
    known = (state,) if catalog.has(f"wage.{state}.security_guard_usd_per_year") else _WAGE_STATES
    growth = 1.0 + catalog.value(WAGE_GROWTH_KEY)
    paid = 0.0
    for job, number in heads.items():
        rows = [catalog.row(f"wage.{place}.{job}_usd_per_year") for place in known]
        grown = [float(row.value) * growth ** (price_year - int(row.price_year or price_year)) for row in rows]
        paid += number * float(np.mean(grown))
    return paid / sum(heads.values()) * catalog.value(LOADED_COST_KEY), known
