"""Small hand-made inputs of the plan room: a catalogue with its own rows on top, four results, and bare cases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from kiban.catalog import load_catalog
from kiban.catalog.rows import Row
from kiban.plan.case import Chips, Halls, Limits, Market, PlanCase, Pools, Rents
from kiban.results import Demand, Fleet, Site, Supply, Tree
from kiban.scenario import Scenario
from kiban.uncertainty import ScenarioTree, from_branching

EXTRA = {
    "contract.operator_sublet.operator_margin_frac": 0.1,
    "contract.operator_sublet.fluidstack.lake_mariner.first_year_rent_usd_per_kw_month": 134.5,
    "contract.landlord.first_year_rent_usd_per_kw_month": 122.0,
    "contract.hall.deposit_frac_of_year_rent": 0.25,
    "contract.build_to_suit.yield_on_cost_frac": 0.113,
    "contract.cloud.on_demand_term_months": 3.0,
    "contract.cloud.on_demand_lead_time_months": 1.0,
    "contract.neocloud.relet_frac": 0.5,
    "facility.shell_life_years": 20.0,
    "tax.silicon_appraisal_mean_frac": 0.45,
    "tax.tx.property_school_share_frac": 0.5,
    "tax.ny.property_rate_frac_of_value": 0.028,
    "tax.ny.ida_pilot.abatement_frac": 0.6,
    "tax.ny.ida_sales_exempt_frac": 1.0,
    "tax.other.property_rate_frac_of_value": 0.012,
    "tax.other.sales_frac": 0.07,
    "tax.other.dc_sales_exempt_frac": 0.9,
    "tax.other.business_personal_property_taxed": 0.5,
}


class PlanCatalog:
    """The embedded catalogue with fixed values for the rows that the plan room alone reads."""

    def __init__(self) -> None:
        self.base = load_catalog()

    def row(self, key: str) -> Row:
        if key in EXTRA:
            return Row(key, EXTRA[key], None, None, "1", None, "", "scenario", "", "assumed", "")
        return self.base.row(key)

    def value(self, key: str) -> float:
        return EXTRA[key] if key in EXTRA else self.base.value(key)

    def has(self, key: str) -> bool:
        return key in EXTRA or self.base.has(key)


def tree_of(quarters: int, branch_quarters: list[int], probability: list[float], keep: float = 0.6) -> ScenarioTree:
    """A tree whose futures persist with the chance ``keep``."""
    count = len(probability)
    transition = keep * np.eye(count) + (1 - keep) * np.tile(probability, (count, 1))
    names = [f"f{i}" for i in range(count)]
    return from_branching(quarters, branch_quarters, names, transition, start=probability)


def fleet(names: tuple[str, ...] = ("now", "next", "cloudy")) -> Fleet:
    """Three chips: one of today, a better one from quarter 4, and one that is only rented."""
    g = len(names)
    base = np.array([1.0, 1.8, 0.8])[:g]
    three = np.array([0.8, 1.0, 1.2])
    return Fleet(
        accelerators=names,
        accelerator_available_quarter=np.array([0, 4, 0])[:g],
        accelerator_training_flop_per_s=2e15 * base[:, None] * three,
        accelerator_mfu_frac=np.full(g, 0.4),
        accelerator_inference_tok_per_s=8000.0 * base[:, None] * three,
        accelerator_prefill_tok_per_s=np.full(g, 2e4),
        accelerator_decode_tok_per_s=np.full(g, 1e3),
        accelerator_ttft_s=np.full(g, 1.0),
        accelerator_tpot_s=np.full(g, 0.02),
        accelerator_goodput_frac=np.full(g, 0.93),
        accelerator_it_kw=np.array([2.0, 2.6, 1.6])[:g],
        accelerator_training_power_frac=np.full(g, 0.9),
        accelerator_inference_power_frac=np.full(g, 0.7),
        accelerator_j_per_tok=np.full(g, 0.2),
        accelerator_server_usd_per_gpu=np.array([42e3, 60e3, 30e3])[:g],
        accelerator_network_usd_per_gpu=np.array([7e3, 9e3, 5e3])[:g],
        accelerator_cloud_usd_per_gpu_h=np.array([10.0, 14.0, 6.5])[:g],
        accelerator_neocloud_usd_per_gpu_h=np.array([4.2, 6.0, np.nan])[:g],
        accelerator_lead_time_quarters=np.array([1, 2, 1])[:g],
        accelerator_life_years=np.full(g, 5.0),
        accelerator_embodied_kg_co2=np.full(g, 1500.0),
        accelerator_training_step_s=np.full(g, 2.0),
        accelerator_training_pause_frac=np.full(g, 0.15),
        accelerator_training_swing_frac=np.full(g, 0.375),
        accelerator_idle_power_frac=np.full(g, 0.2),
        accelerator_smoothing_j=np.array([65.0, 0.0, 0.0])[:g],
        accelerator_count_per_training_job=np.array([4000.0, 3000.0, 5000.0])[:g],
    )


def site(scenario: Scenario) -> Site:
    """Every site of a scenario with a hall of 12,500 USD/kW in 24 months."""
    names = tuple(s.name for s in scenario.sites)
    s = len(names)
    flat = np.ones((s, 8760))
    rise = 1 + 0.02 * np.arange(s)
    return Site(
        sites=names,
        hourly_dry_bulb_degc=flat * 15,
        hourly_wet_bulb_degc=flat * 10,
        hourly_wind_speed_m_per_s=flat * 5,
        hourly_ghi_w_per_m2=flat * 200,
        hourly_pue=flat * 1.2,
        hourly_wue_l_per_kwh=flat * 0.2,
        site_annual_pue=np.full(s, 1.2),
        site_annual_wue_l_per_kwh=np.full(s, 0.2),
        site_peak_pue=np.full(s, 1.35),
        construction_lines=("land", "shell", "electrical", "mechanical", "utility"),
        site_construction_usd_per_kw=rise[:, None] * np.array([200.0, 3000.0, 5000.0, 3800.0, 500.0]),
        site_build_months=np.tile([16.0, 24.0, 40.0], (s, 1)),
        site_operations_fte_per_mw=np.full(s, 0.3),
        site_wage_usd_per_year=np.full(s, 120e3),
        site_construction_job_years_per_mw=np.full(s, 10.0),
        site_maintenance_usd_per_kw_year=np.full(s, 120.0),
        weather_label="synthetic",
    )


def supply(scenario: Scenario) -> Supply:
    """Electricity at 60 USD/MWh and rising a little by site."""
    names = tuple(s.name for s in scenario.sites)
    usd = 60.0 + 2.0 * np.arange(len(names))
    zero = np.zeros(len(names))
    return Supply(names, tuple(() for _ in names), usd, zero + 300.0, zero)


def demand(scenario: Scenario, tree: ScenarioTree, scale_mw: float = 1000.0) -> Demand:
    """Wants that about ``scale_mw`` of today's chips meet, growing by future; residency as in the scenario."""
    t = tree.quarter / 4
    level = np.ones(tree.n_nodes)
    for node in range(1, tree.n_nodes):
        growth = {-1: 1.5, 0: 2.0, 1: 1.3, 2: 0.85}.get(int(tree.label[node]), 1.2)
        level[node] = min(level[tree.parent[node]] * growth**0.25, 6.0)
    chips = scale_mw * 1e3 / 2.0
    seconds = 2190 * 3600.0
    regions = tuple(r.name for r in scenario.demand.regions)
    share = np.array([r.share_frac for r in scenario.demand.regions])
    price = 0.35 * 0.75**t
    worth = 1.5 * 4.2 * 2190 / (2e15 * 0.93 * seconds)
    rent = np.array([1.25, 0.9, 0.5, 1.0])[tree.label] ** np.minimum(t, 1) * 0.88**t
    return Demand(
        tree=Tree(
            quarters=tuple(f"{2026 + (q + 3) // 4}Q{(q + 3) % 4 + 1}" for q in range(tree.quarters)),
            node_parent=tree.parent,
            node_quarter=tree.quarter,
            node_probability=tree.probability,
            node_future=tuple(tree.node_name(n) for n in range(tree.n_nodes)),
        ),
        regions=regions,
        node_training_flop=0.5 * chips * 2e15 * 0.93 * seconds * level * 1.3**t,
        node_inference_tok=(0.5 * chips * 8000.0 * seconds / 1.3 * level * 1.3**t)[:, None] * share,
        node_token_price_usd_per_mtok=price,
        node_training_value_usd_per_flop=worth * 0.75**t,
        node_revenue_usd=np.ones(tree.n_nodes),
        node_gpu_price_factor=rent**0.3,
        node_rent_factor=rent,
        node_power_price_factor=np.ones(tree.n_nodes),
        node_serving_gain_factor=1.3**t,
        region_residency_frac=np.array([r.residency_frac for r in scenario.demand.regions]),
        peak_to_mean_factor=1.3,
        output_tok_frac=0.1,
    )


def scenario(**changes: Any) -> Scenario:
    """A small programme: one signed hall in New York, one site in Texas with every rung, cloud and neocloud."""
    form: dict[str, Any] = {
        "kiban": 1,
        "name": "small",
        "title": "a small programme",
        "horizon": {"start_quarter": "2026Q4", "length_quarters": 24, "price_year": 2026},
        "futures": {"branch_quarters": [4]},
        "demand": {
            "run_rate_revenue_usd_per_year": {"value": 1e9, "low": 1e9, "high": 1e9},
            "programme_share_frac": {"value": 1.0, "low": 1.0, "high": 1.0},
            "blended_token_price_usd_per_mtok": {"value": 1.0, "low": 1.0, "high": 1.0},
            "research_compute_multiple": {"value": 1.0, "low": 1.0, "high": 1.0},
            "serving_gain_per_year": {"value": 1.3, "low": 1.0, "high": 1.6},
            "regions": [
                {"name": "united_states", "share_frac": 0.7},
                {"name": "europe", "share_frac": 0.3, "residency_frac": 0.3},
            ],
        },
        "sites": [
            {
                "name": "lake", "weather": "lake_mariner_ny", "state": "ny", "grid": "nyiso",
                "rungs": ["operator_sublet"], "committed_rung": "operator_sublet",
                "committed": [
                    {"quarter": "2026Q4", "it_mw": 60},
                    {"quarter": "2027Q2", "it_mw": 40, "accelerator": "now"},
                ],
                "max_it_mw": 100,
            },
            {
                "name": "plains", "weather": "abilene_tx", "state": "tx", "grid": "ercot",
                "rungs": ["operator_sublet", "landlord_lease", "build_to_suit", "owned"], "max_it_mw": 800,
                "grid_ready_quarter": "2027Q4",
            },
        ],
        "ladder": {
            "budget_usd": 30e9, "accelerators": ["now", "next"], "cloud_accelerators": ["now", "next", "cloudy"],
            "accelerators_per_quarter": 100000, "rented_accelerators_per_quarter": 30000,
            "construction_it_mw_per_quarter": 100,
        },
    }  # fmt: skip
    form.update(changes)
    return Scenario.model_validate(form)


def bare_case(
    tree: ScenarioTree,
    *,
    halls: Halls | None = None,
    pools: Pools | None = None,
    rents: Rents | None = None,
    chips: Chips | None = None,
    market: Market | None = None,
    sites: int = 0,
    **changes: Any,
) -> PlanCase:
    """A case with one chip of 1 kW, 1 token and 1 FLOP per quarter, and nothing open unless given."""
    n, t = tree.n_nodes, tree.quarters
    limits = Limits(
        np.full(t, 1e12), 1e6, 1e6, 1e6, np.full((sites, t), 1e3), np.zeros(1, dtype=np.int64), 1.0, ("tx",) * sites
    )
    case = PlanCase(
        parent=tree.parent,
        quarter=tree.quarter,
        probability=tree.probability,
        discount_frac_per_year=0.0,
        inflation_frac_per_year=0.0,
        rung_count=4,
        site_area=np.zeros(sites, dtype=np.int64),
        site_energy_usd_per_it_mwh=np.zeros(sites),
        halls=halls or some_halls(0, t),
        chips=chips or Chips(("chip",), *(np.ones(1) for _ in range(5)), np.zeros(1, int), np.full(1, 1000)),
        pools=pools or some_pools(0, t),
        rents=rents or some_rents(0, t),
        market=market or wants(n),
        limits=limits,
        committed_halls=(),
        committed_silicon=(),
        area_sublet_usd_per_mw_quarter=np.full(min(sites, 1), np.nan),
        hall_relet_frac=1.0,
        resale_frac_by_year=np.zeros(1),
    )
    return replace(case, **changes)


def wants(n: int, tok: Any = 0.0, usd_per_tok: Any = 0.0, flop: Any = 0.0, usd_per_flop: Any = 0.0) -> Market:
    """Demand of one region at N nodes with all price factors 1."""
    one = np.ones(n)
    return Market(
        flop * one, (tok * one)[:, None], np.zeros((n, 1)), usd_per_tok * one, usd_per_flop * one,
        one, one, one, one, 1.0,
    )  # fmt: skip


def some_halls(count: int, quarters: int, **changes: Any) -> Halls:
    """Halls at site 0 that cost nothing and are ready at once."""
    zero, k = np.zeros(count), np.arange(count)
    base = Halls(
        rung=k, site=k * 0, lead_quarters=k * 0, term_quarters=k * 0 + 1000, is_owned=k < 0,
        rent_usd_per_mw_quarter=zero, escalation_per_year=zero + 1, capex_usd_per_mw=zero, recoverable_usd_per_mw=zero,
        deposit_usd_per_mw=zero, operation_usd_per_mw_quarter=zero, module_it_mw=zero, module_quarters=0,
        open=np.ones((count, quarters), bool),
    )  # fmt: skip
    return replace(base, **changes)


def some_pools(count: int, quarters: int, **changes: Any) -> Pools:
    """Own accelerators of type 0 in area 0 that cost nothing."""
    zero, k = np.zeros(count), np.arange(count)
    base = Pools(k * 0, k * 0, zero, zero, zero, np.ones((count, quarters), bool))
    return replace(base, **changes)


def some_rents(count: int, quarters: int, **changes: Any) -> Rents:
    """Rents of type 0 for one quarter, at once, without prepayment."""
    zero, k = np.zeros(count), np.arange(count)
    base = Rents(
        rung=k + 2, chip=k * 0, is_cloud=k >= 0, price_usd_per_quarter=zero, take_or_pay_frac=zero + 1,
        prepaid_frac=zero, relet_frac=zero, lead_quarters=k * 0, term_quarters=k * 0 + 1,
        open=np.ones((count, quarters), bool),
    )  # fmt: skip
    return replace(base, **changes)
