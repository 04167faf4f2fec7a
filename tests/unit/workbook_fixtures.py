"""A solved and financed small programme with hand-made supply hours and risk results, for the tests of the workbook."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import plan_fixtures as fx

from kiban.catalog import Catalog, load_catalog
from kiban.finance import run_finance
from kiban.impact import run_impact
from kiban.plan import run_plan
from kiban.results import Risk, Study, Supply, SupplyCase
from kiban.results.risk import Driver, Gauge, Regime, Tornado
from kiban.scenario import Scenario


def supply(scenario: Scenario) -> Supply:
    """The supply of the plan's tests with one hourly case per site."""
    bare = fx.supply(scenario)
    hours = np.arange(8760)
    cases = tuple(
        (
            SupplyCase(
                name="plan", sources=("grid",), capacity_mw=np.array([1.4]), storage_mwh=0.0,
                hourly_flow_mw=np.full((1, 8760), 1.2), hourly_load_mw=np.full(8760, 1.2),
                hourly_price_usd_per_mwh=50 + 20 * np.sin(hours / 24 * 2 * np.pi) + s, energy_usd_per_mwh=60.0 + 2 * s,
                capex_usd_per_kw=0.0, average_kg_co2_per_mwh=300.0, marginal_kg_co2_per_mwh=420.0, clean_frac=0.4,
                annual_clean_frac=0.5, source_water_l_per_kwh=1.1, interconnection_value_usd_per_kw_year=0.0,
                balance_residual=0.0, hourly_grid_average_kg_co2_per_mwh=np.full(8760, 300.0),
                hourly_grid_marginal_kg_co2_per_mwh=np.full(8760, 420.0), gas_kg_co2_per_mwh=500.0,
            ),
        )
        for s in range(len(bare.sites))
    )  # fmt: skip
    return Supply(bare.sites, cases, bare.site_energy_usd_per_mwh, bare.site_kg_co2_per_mwh,
                  bare.site_power_capex_usd_per_kw)  # fmt: skip


def risk() -> Risk:
    """Two plans in a thousand futures."""
    npv = np.random.default_rng(1).normal([[1e9], [2e9], [1.5e9]], 5e8, (3, 1000))
    names = ("plan_fixed", "plan_responding", "all_cloud")
    three = np.ones(3)
    return Risk(
        futures_count=1000, seed=1,
        drivers=(Driver("rent", "rent of accelerators", "factor", 0.5, 1.0, 1.6, ("scenario.futures.rent_factor",)),),
        plans=names, future_npv_usd=npv, plan_mean_npv_usd=npv.mean(axis=1),
        plan_p5_npv_usd=np.percentile(npv, 5, axis=1), plan_p95_npv_usd=np.percentile(npv, 95, axis=1),
        plan_cvar5_npv_usd=npv.min(axis=1), plan_win_frac=np.array([0.0, 0.8, 0.2]), plan_mean_regret_usd=three * 1e8,
        plan_p95_regret_usd=three * 4e8, next_best="all_cloud", lead_mean_usd=5e8, lead_p5_usd=-2e8, lead_p95_usd=1e9,
        tornado=(Tornado("rent", 1e9, 3e9, -1e8, 9e8, 0.6),), flip_sentences=("Rent must fall by 40 %.",),
        regimes=(Regime("bust", 0.25, -1e9, "all_cloud", 1e8, 3.0, 1.5, 0.5, ("power", "silicon"),
                        np.array([1e8, 2e9]), ("landlord", "lender"), 0.7),),
        gauges=(Gauge("utilisation", 0.7, 0.05, 0.4, "1", "fuller than fibre", ()),),
    )  # fmt: skip


@cache
def study(
    likely: int = 1, owned: bool = False, quarters: int = 24, sites: bool = True, hours: bool = False, **finance: Any
) -> tuple[Scenario, Catalog, Study, Risk]:
    """The small programme whose future ``likely`` is the base history.

    With ``owned``, Texas may only build and New York has halls signed before the horizon.
    Without ``hours`` the study keeps no hourly supply, which makes files small and tests quick.
    """
    changes: dict[str, Any] = {"horizon": {"start_quarter": "2026Q4", "length_quarters": quarters, "price_year": 2026}}
    changes["futures"] = {"branch_quarters": [4], "probability": [0.5 if i == likely else 0.25 for i in range(3)]}
    changes["finance"] = finance
    if not sites:
        changes["sites"] = []
    if owned:
        parts = [s.model_dump() for s in fx.scenario().sites]
        parts[1]["rungs"] = ["owned"]
        parts[0]["committed"].append({"quarter": "2025Q2", "it_mw": 20.0, "accelerator": "now"})
        parts[0]["max_it_mw"] = 200
        changes["sites"] = parts
    scenario, catalog = fx.scenario(**changes), load_catalog()
    tree = fx.tree_of(quarters, list(scenario.futures.branch_quarters), list(scenario.futures.probability))
    demand, fleet, site, power = fx.demand(scenario, tree), fx.fleet(), fx.site(scenario), supply(scenario)
    with catalog.recording("plan"):
        plan = run_plan(scenario, catalog, demand, fleet, site, power)
    whole = Study(
        scenario_name=scenario.name, scenario_hash="abc123", demand=demand, fleet=fleet, site=site,
        supply=power if hours else fx.supply(scenario),
        plan=plan, finance=run_finance(scenario, catalog, demand, fleet, site, power, plan),
        impact=run_impact(scenario, catalog, demand, fleet, site, power, plan),
        used_keys={name: tuple(sorted(keys)) for name, keys in catalog.used.items()},
    )  # fmt: skip
    return scenario, catalog, whole, risk()
