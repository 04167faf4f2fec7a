"""Scenario, catalogue and earlier results to the arguments of the impact model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.results import Fleet, Plan, Site, Supply

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

PROGRAMME = "programme"

LINE_NAMES = {
    "silicon_server": "servers and accelerators",
    "silicon_network": "network and storage",
    "hall_capex": "construction",
    "hall_rent": "hall rent",
    "accelerator_rent": "rented accelerators",
    "energy": "electricity",
    "operation": "operation",
    "other": "deposits and exit",
}


@dataclass(frozen=True)
class ImpactInputs:
    """Per-rung arrays of K rungs; rungs without a site have zeros."""

    pue: Array
    wue_l_per_kwh: Array
    source_water_l_per_kwh: Array
    location_kg_co2_per_mwh: Array
    marginal_kg_co2_per_mwh: Array
    fte_per_mw: Array
    job_years_per_mw: Array
    build_quarters: IntArray
    site_index: IntArray
    building_kg_co2_per_kw: float
    staff_low: float
    staff_high: float
    crew_low: float
    crew_high: float
    local_frac: dict[str, float]
    industry_shares: dict[str, dict[str, float]]
    margin_frac: dict[str, float]


def build_inputs(catalog: Catalog, fleet: Fleet, site: Site, supply: Supply, plan: Plan) -> ImpactInputs:
    """Collect the arguments of the impact model."""
    index = np.array([site.sites.index(r.site) if r.site else -1 for r in plan.rungs], dtype=np.int64)
    has = index >= 0

    def by_rung(values: Array) -> Array:
        return np.where(has, np.asarray(values)[index], 0.0) if len(values) else np.zeros(len(index))

    chosen = [cases[0] for cases in supply.cases]
    months = site.site_build_months[:, 1] if len(site.sites) else np.zeros(0)
    build_quarters = np.where(has, np.ceil(by_rung(months) / 3), 1).astype(np.int64).clip(min=1)
    staffing = catalog.range("staffing.ai_training_campus_gw_fte_per_mw")
    crew = catalog.range("construction.labour.crew_peak_per_mw")
    return ImpactInputs(
        pue=by_rung(site.site_annual_pue),
        wue_l_per_kwh=by_rung(site.site_annual_wue_l_per_kwh),
        source_water_l_per_kwh=by_rung(np.array([c.source_water_l_per_kwh for c in chosen])),
        location_kg_co2_per_mwh=by_rung(np.array([c.average_kg_co2_per_mwh for c in chosen])),
        marginal_kg_co2_per_mwh=by_rung(np.array([c.marginal_kg_co2_per_mwh for c in chosen])),
        fte_per_mw=by_rung(site.site_operations_fte_per_mw),
        job_years_per_mw=by_rung(site.site_construction_job_years_per_mw),
        build_quarters=build_quarters,
        site_index=index,
        building_kg_co2_per_kw=catalog.value("embodied.building_shell_mep.kg_co2e_per_kw_it"),
        staff_low=staffing[0] / staffing[1],
        staff_high=staffing[2] / staffing[1],
        crew_low=crew[0] / crew[1],
        crew_high=crew[2] / crew[1],
        local_frac=_local(catalog),
        industry_shares=_industries(catalog, site),
        margin_frac=_margins(catalog),
    )


def _local(catalog: Catalog) -> dict[str, float]:
    share = "region.local_purchase_frac."
    construction = np.mean(
        [
            catalog.value(share + part)
            for part in ("shell_and_site_works", "electrical_equipment", "electrical_labour", "cooling_equipment")
        ]
    )
    return {
        "silicon_server": catalog.value(share + "servers_accelerators"),
        "silicon_network": catalog.value(share + "network_optics"),
        "hall_capex": float(construction),
        "hall_rent": catalog.value(share + "rent_to_landlord"),
        "accelerator_rent": 0.0,
        "energy": catalog.value(share + "electricity"),
        "operation": catalog.value(share + "operations_labour"),
        "other": catalog.value(share + "insurance_and_finance"),
    }


def _industries(catalog: Catalog, site: Site) -> dict[str, dict[str, float]]:
    bom = "bom.gb200_nvl72."
    chips = catalog.value(bom + "gpu_and_hbm_frac")
    cpu = catalog.value(bom + "cpu_and_memory_frac")
    power = catalog.value(bom + "board_power_frac")
    rack = catalog.value(bom + "cooling_rack_storage_frac")
    assembly = catalog.value(bom + "integration_margin_frac")
    server = chips + cpu + power + rack + assembly
    optics = catalog.value("network.optics_share_of_network_frac")
    lines = site.construction_lines
    mean = site.site_construction_usd_per_kw.mean(axis=0) if len(site.sites) else np.zeros(len(lines))
    whole = float(mean.sum()) or 1.0
    equipment = sum(
        float(v)
        for name, v in zip(lines, mean, strict=True)
        if "electric" in name or "mechan" in name or "cool" in name
    )
    land = sum(float(v) for name, v in zip(lines, mean, strict=True) if "land" in name)
    works = sum(float(v) for name, v in zip(lines, mean, strict=True) if "utility" in name)
    return {
        "silicon_server": {
            "accelerator designer": chips / server,
            "memory": cpu / server,
            "power and cooling equipment": (power + rack) / server,
            "server maker": assembly / server,
        },
        "silicon_network": {"optics": optics, "network switch": 1 - optics},
        "hall_capex": {
            "power and cooling equipment": equipment / whole,
            "land owner": land / whole,
            "utility": works / whole,
            "builder": 1 - (equipment + land + works) / whole,
        },
        "hall_rent": {"landlord": 1.0},
        "accelerator_rent": {"cloud and neocloud": 1.0},
        "energy": {"utility": 0.5, "power producer": 0.5},
        "operation": {"staff, upkeep, tax and insurance": 1.0},
        "other": {"deposits and exits": 1.0},
    }


def _margins(catalog: Catalog) -> dict[str, float]:
    margin = "supply.gross_margin_frac."
    return {
        "accelerator designer": catalog.value(margin + "accelerator_designer"),
        "memory": catalog.value(margin + "memory"),
        "power and cooling equipment": catalog.value(margin + "power_and_cooling_equipment"),
        "server maker": catalog.value(margin + "server_oem_odm"),
        "optics": catalog.value(margin + "optics"),
        "network switch": catalog.value(margin + "network_switch"),
        "builder": catalog.value(margin + "epc_contractor"),
        "utility": catalog.value(margin + "utility"),
        "power producer": catalog.value(margin + "ipp"),
        "landlord": catalog.value(margin + "converted_miner_landlord"),
        "cloud and neocloud": catalog.value(margin + "hyperscale_cloud"),
    }
