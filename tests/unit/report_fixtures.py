"""A small study and its risk runs for figures and reports: a solved small plan, everything else made by hand."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from plan_fixtures import demand, fleet, scenario, site, supply, tree_of

from kiban.catalog import load_catalog
from kiban.plan import run_plan
from kiban.results import (
    Claim,
    DownsideCase,
    Driver,
    Finance,
    Gauge,
    Hall,
    Impact,
    Irr,
    LossGivenDefault,
    MoneyFlow,
    Plan,
    PlanMetrics,
    Regime,
    Risk,
    Site,
    Statements,
    Study,
    Supply,
    SupplyCase,
    Tornado,
    UnitCost,
)  # fmt: skip
from kiban.scenario import Scenario
from kiban.scenario.load import Loaded, load_scenario_text

NAMES = ("boom", "plateau", "bust")
HOURS = np.arange(8760)
PARTS = ("silicon", "network", "shell", "power", "staff", "failures", "cost_of_capital", "vendor_margin")
PLAIN_HALL = Hall(
    ups="double_conversion", redundancy="", module_load_frac=0.7, electrical_loss_frac=0.05, full_load_pue=1.14,
    air_class="", water_class="", critical_item="construction", slowest_item="switchgear", order_months=10.0,
    saving=None, ready="p50", phases=(),
)  # fmt: skip
LAYERS = ("power and grid", "shell and plant", "network", "silicon", "leases")
SOURCES = ("grid", "wind", "solar", "battery", "gas", "sold", "curtailed")


def loaded(**changes: Any) -> Loaded:
    """The scenario of the plan fixtures as if it had been read from a file."""
    from kiban.scenario.dump import resolved_yaml

    return load_scenario_text(resolved_yaml(scenario(**changes)))


def _wave(period_h: float, peak_h: float) -> np.ndarray:
    return np.cos(2 * np.pi * (HOURS - peak_h) / period_h)


def hourly_site(one: Scenario) -> Site:
    """Sites with a warm south and a cold north by hour."""
    base, count = site(one), len(one.sites)
    warm = np.arange(count)[:, None] * 9.0
    dry = 9 + warm + 12 * _wave(8760, 4900) + 6 * _wave(24, 15)
    pue = 1.12 + 0.004 * np.clip(dry - 10, 0, None)
    return replace(
        base, hourly_dry_bulb_degc=dry, hourly_wet_bulb_degc=dry - 5, hourly_pue=pue,
        hourly_wue_l_per_kwh=0.05 + 0.03 * np.clip(dry - 15, 0, None),
        site_annual_pue=pue.mean(axis=1), site_peak_pue=pue.max(axis=1) + 0.02, halls=(PLAIN_HALL,) * count,
    )  # fmt: skip


def hourly_supply(one: Scenario, where: Site) -> Supply:
    """Four cases per site: the plan, grid only, annual and hourly matching."""
    base = supply(one)
    cases = tuple(_cases(where.hourly_pue[i], i) for i in range(len(one.sites)))
    return replace(
        base, cases=cases, site_energy_usd_per_mwh=np.array([c[0].energy_usd_per_mwh for c in cases]),
        site_kg_co2_per_mwh=np.array([c[0].average_kg_co2_per_mwh for c in cases]),
    )  # fmt: skip


def _cases(pue: np.ndarray, i: int) -> tuple[SupplyCase, ...]:
    load = 0.85 * pue
    solar = np.clip(_wave(24, 12.5), 0, None) * 0.9
    wind = 0.35 + 0.2 * _wave(8760, 1500)
    battery = 0.2 * _wave(24, 20)
    rest = load - solar - wind - battery
    zero = np.zeros(8760)
    flows = np.stack([np.clip(rest, 0, None), wind, solar, battery, zero, np.clip(rest, None, 0), zero])
    price = 42 + 20 * _wave(24, 18) + 12 * _wave(8760, 5000) + 4 * i
    plan = SupplyCase(
        "plan", SOURCES, np.array([1.2, 0.9, 1.1, 0.3, 0, 0, 0]), 1.2, flows, load, price, 61.0 + 14 * i, 900.0, 210.0,
        430.0, 0.62, 0.78, 1.1, 30.0, 1e-9, 390 + 60 * _wave(24, 20), 430 + 50 * _wave(8760, 200), 520.0,
    )  # fmt: skip
    grid_flow = np.stack([load, *[zero] * 6])
    grid = replace(
        plan, name="grid", hourly_flow_mw=grid_flow, energy_usd_per_mwh=57.0 + 13 * i, average_kg_co2_per_mwh=390.0
    )
    # By the hour: twice the wind, so less is bought in the dark.
    rest = load - solar - 2 * wind - battery
    windy = np.stack([np.clip(rest, 0, None), 2 * wind, solar, battery, zero, np.clip(rest, None, 0), zero])
    hourly = replace(plan, name="hourly", energy_usd_per_mwh=92.0 + 17 * i, hourly_flow_mw=windy)
    return (plan, grid, replace(plan, name="annual"), hourly)


def finance_of(plan: Plan) -> Finance:
    """Debt that the good histories repay and the bad ones do not."""
    leaves, quarters = plan.leaf_path.shape
    good = np.array([{"boom": 1.4, "plateau": 1.0, "bust": 0.55}.get(n.split("/")[0], 1.0) for n in plan.leaf_name])
    dscr = np.full((leaves, quarters), np.nan)
    dscr[:, 4:20] = good[:, None] * (1.5 + 0.3 * np.sin(np.arange(16) / 5))
    unpaid = np.clip(0.8 - good, 0, 1)
    metrics = tuple(
        PlanMetrics(
            plan=name, leaf_npv_usd=npv * good, expected_npv_usd=npv,
            leaf_equity_irr=tuple(Irr("unique", (0.12 * g,)) if g > 0.6 else Irr("none", ()) for g in good),
            leaf_project_irr=tuple(Irr("unique", (0.1 * g,)) if g > 0.6 else Irr("several", (0.01, 0.4)) for g in good),
            leaf_moic=1.4 * good, leaf_min_dscr=np.nanmin(dscr, axis=1), leaf_llcr=1.6 * good,
            leaf_first_breach_quarter=tuple("" if g > 0.8 else "2028Q1" for g in good), leaf_debt_unpaid_frac=unpaid,
            leaf_payback_years=np.where(good > 0.8, 4.0, np.nan), debt_usd=12.5e9, gearing_frac=0.62,
            break_even_rent_factor=0.82, break_even_utilisation_frac=0.51,
        )
        for name, npv in [(o.name, o.expected_npv_usd) for o in (plan.chosen, *plan.baselines)]
    )  # fmt: skip
    units = tuple(
        _unit_cost(rung.name, rung.holds_hall, chip, g)
        for rung in plan.rungs
        for g, chip in enumerate(plan.accelerators[:2])
    )
    lines = ("revenue_nominal_usd", "energy_nominal_usd", "debt_service_nominal_usd")
    return Finance(
        metrics=metrics,
        statements=(Statements("plan", plan.leaf_name[0], lines, np.ones((3, quarters + 1)) * 1e8),),
        base_leaf=0,
        sources=(("debt", 12.5e9), ("equity", 7.5e9)),
        uses=(("silicon", 15e9), ("construction", 3.2e9), ("deposits", 1.2e9), ("interest_during_construction", 0.6e9)),
        unit_costs=units,
        leaf_quarterly_dscr=dscr,
        covenant_dscr=1.15,
        usd_per_gpu_h=2.47,
        usd_per_goodput_gpu_h=3.71,
        usd_per_mtok=0.192,
        lender=tuple(_lender(plan.leaf_name[i], g, quarters) for i, g in enumerate(good)),
        downside=tuple(
            DownsideCase(name, "a blow", 1.5 - k, 1.6 - k / 2, "2028Q1" if k else "", k / 4, k / 3, 4e9 - k * 1e9)
            for k, name in enumerate(("as planned", "price -30 %"))
        ),
        loss_given_default=LossGivenDefault(
            ("land and grid", "shell and plant", "silicon"),
            tuple("2030Q1" if u > 0 else "" for u in unpaid),
            9e9 * (unpaid > 0),
            np.outer(unpaid > 0, [0.5e9, 1e9, 2e9]),
            1e9 * (unpaid > 0),
            4.5e9 * (unpaid > 0),
            0.5,
            0.2,
        ),
        warnings=("finance: a warning with <b>tags</b> & an ampersand",),
    )


def _lender(leaf: str, good: float, quarters: int) -> Statements:
    owed = 12.5e9 * np.linspace(1, max(0.0, 1 - good), quarters)
    return Statements("plan", leaf, ("service_due_nominal_usd", "balance_nominal_usd"), np.stack([owed * 0.1, owed]))


def _unit_cost(rung: str, own: bool, chip: str, g: int) -> UnitCost:
    row = np.array(
        [1.1, 0.2, 0.45, 0.2, 0.05, 0.1, 0.4, 0.0] if own else [0, 0, 0, 0, 0, 0.1, 0, 3.4 + 3 * (rung == "cloud")]
    )
    return UnitCost(rung, chip, PARTS, row, row / 0.65, row / (14 + 9 * g), 0.8 * float(row.sum()))


def impact_of(one: Scenario, quarters: int) -> Impact:
    """Effects that rise to a level."""
    rise = np.clip(np.arange(quarters) / 8, 0, 1)
    flows = (
        ("programme", "servers and accelerators", 14e9), ("programme", "electricity", 3e9),
        ("programme", "hall rent", 4e9), ("servers and accelerators", "semiconductor design", 9e9),
        ("servers and accelerators", "server assembly", 5e9), ("electricity", "power generation", 3e9),
        ("hall rent", "landlords", 4e9), ("semiconductor design", "gross margin", 6.5e9),
        ("semiconductor design", "wages, materials and further suppliers", 2.5e9),
        ("server assembly", "gross margin", 0.6e9),
        ("server assembly", "wages, materials and further suppliers", 4.4e9),
        ("power generation", "wages, materials and further suppliers", 3e9), ("landlords", "gross margin", 2e9),
        ("landlords", "wages, materials and further suppliers", 2e9),
    )  # fmt: skip
    names = tuple(s.name for s in one.sites)
    count = np.ones(len(names))
    claim = Claim("permanent_jobs", 800.0, 150.0, 230.0, 420.0, "jobs", "announcement", "published 800: 3.5 times")
    return Impact(
        quarterly_energy_mwh=1.3e6 * rise, quarterly_location_kg_co2=2.8e8 * rise,
        quarterly_marginal_kg_co2=5.2e8 * rise, embodied_kg_co2=9e8, quarterly_site_water_m3=2e5 * rise,
        quarterly_source_water_m3=1.2e6 * rise,
        quarterly_construction_jobs=2600 * np.exp(-((np.arange(quarters) - 6) ** 2) / 12),
        quarterly_permanent_jobs=230 * rise, sites=names, site_peak_permanent_jobs=120 * count,
        site_peak_construction_jobs=1300 * count, local_share_frac=0.18 * count,
        money=tuple(MoneyFlow(*f) for f in flows), claims=(claim,), kg_co2_per_mtok=0.021,
    )  # fmt: skip


DRIVERS = (
    ("revenue_factor", "Run rate of revenue and the programme's share of it", 0.55, 1.9, 9e9),
    ("token_price_factor", "Revenue per million tokens", 0.65, 1.6, 7e9),
    ("rent_factor", "Rent of accelerators beside the path of the named future", 0.7, 1.4, -2e9),
    ("gpu_price_factor", "Purchase price of accelerators", 0.78, 1.3, -3e9),
    ("delay_quarters", "Delay of halls that are not live yet", 0.3, 4.0, -2.4e9),
    ("power_price_factor", "Price of electricity", 0.82, 1.4, -0.6e9),
)


def risk_of(plan: Plan, futures: int = 512, shift_usd: float = 0.0) -> Risk:
    """Normal values by plan; ``shift_usd`` moves the plan against its baselines."""
    rng = np.random.default_rng(7)
    names = ("plan_fixed", "plan_responding", *(b.name for b in plan.baselines))
    mean = np.array(
        [plan.chosen.expected_npv_usd - 5e9 + shift_usd, plan.chosen.expected_npv_usd + shift_usd]
        + [b.expected_npv_usd for b in plan.baselines]
    )
    values = mean[:, None] + np.array([1.2, *[1.0] * (len(names) - 1)])[:, None] * 9e9 * rng.normal(size=futures)
    values[2:] += 3e9 * rng.normal(size=(len(names) - 2, futures))
    responding = values[1:]
    best = responding.max(axis=0)
    rival = 2 + int(values[2:].mean(axis=1).argmax()) if len(names) > 2 else 1
    lead = values[1] - values[rival]
    low, high = np.quantile(values, [0.05, 0.95], axis=1)
    wins = np.array([0.0, *(float((r == best).mean()) for r in responding)])
    drivers = tuple(
        Driver(n, s, "quarters" if "quarters" in n else "x base", a, 1.0, b, ("risk.rent_level_factor",))
        for n, s, a, b, _ in DRIVERS
    )  # fmt: skip
    base = plan.chosen.expected_npv_usd
    tornado = tuple(
        Tornado(n, base - w, base + w, 4e9 - 0.6 * w, 4e9 + 0.5 * w, abs(w) / 40e9) for n, _, _, _, w in DRIVERS
    )
    regimes = tuple(
        Regime(
            name, p, base * f, "all_leased", base * f * 0.9, need, 4.2, use, LAYERS,
            np.array([0.1, 1.1, 0.5, 5.0, 2.0]) * 1e9 * (2 - f), ("owner", "landlord", "owner", "tenant", "guarantor"),
            min(1.0, 0.6 + 0.3 * f),
        )
        for name, p, f, need, use in (
            ("boom", 0.35, 1.5, 2.4, 0.93), ("plateau", 0.4, 0.9, 3.1, 0.78), ("bust", 0.25, -0.2, 5.2, 0.41)
        )
    )  # fmt: skip
    gauges = (
        Gauge("capacity in use", 0.84, 0.11, float("nan"), "share", "Share at work in the first two years", ()),
        Gauge("price of the asset's output", -0.52, -0.7, -0.6, "change", "H100 rent 2024 to 2026", ()),
    )
    return Risk(
        futures_count=futures, seed=7, drivers=drivers, plans=names, future_npv_usd=values,
        plan_mean_npv_usd=values.mean(axis=1), plan_p5_npv_usd=low, plan_p95_npv_usd=high,
        plan_cvar5_npv_usd=low - 2e9, plan_win_frac=wins, plan_mean_regret_usd=(best - values).mean(axis=1),
        plan_p95_regret_usd=np.quantile(best - values, 0.95, axis=1), next_best=names[rival],
        lead_mean_usd=float(lead.mean()), lead_p5_usd=float(np.quantile(lead, 0.05)),
        lead_p95_usd=float(np.quantile(lead, 0.95)), tornado=tornado,
        flip_sentences=tuple(f"{s}: all leased becomes best above {b:g}" for _, s, _, b, _ in DRIVERS),
        regimes=regimes, gauges=gauges, used_keys=("risk.rent_level_factor",),
    )  # fmt: skip


@lru_cache(maxsize=1)
def small() -> tuple[Scenario, Study, Risk]:
    """The whole fixture, solved once per process."""
    one = scenario()
    chips, where = fleet(), hourly_site(one)
    power = hourly_supply(one, where)
    grown = demand(one, tree_of(24, [4, 12], [0.35, 0.4, 0.25]))
    tree = grown.tree
    histories = [""] * len(tree.node_parent)
    for n, parent in enumerate(tree.node_parent):
        above = histories[parent] if parent >= 0 else ""
        parted = parent >= 0 and (tree.node_parent == parent).sum() > 1
        name = NAMES[int(tree.node_future[n][1:])] if parted else ""
        histories[n] = "/".join(p for p in (above, name) if p)
    grown = replace(grown, tree=replace(tree, node_future=tuple(histories)))
    plan = run_plan(one, load_catalog(), grown, chips, where, power)
    study = Study(
        scenario_name=one.name, scenario_hash="0123456789abcdef", demand=grown, fleet=chips, site=where, supply=power,
        plan=plan, finance=finance_of(plan), impact=impact_of(one, 24),
        used_keys={
            "facility": ("accelerator.gb300.tdp_w", "construction.contingency_frac", "weather_normals"),
            "plan": ("precedent.layer_recovery_frac.shell_and_mep", "tax.tx.property_rate_frac_of_value"),
            "finance": ("not.a.key",),
        },
    )  # fmt: skip
    return one, study, risk_of(plan)


def bare() -> tuple[Scenario, Study, Risk]:
    """No site, no debt, one future, nothing done: everything that can be empty is."""
    one = scenario(sites=[])
    _, study, _ = small()
    grown = demand(one, tree_of(24, [], [1.0]))
    where, power = hourly_empty(), Supply((), (), np.zeros(0), np.zeros(0), np.zeros(0))
    plan = run_plan(one, load_catalog(), grown, study.fleet, where, power)
    finance = replace(
        study.finance, metrics=(), statements=(), sources=(), uses=(), unit_costs=(),
        lender=(), downside=(), loss_given_default=None,
        leaf_quarterly_dscr=np.full((1, 24), np.nan), usd_per_gpu_h=float("nan"), usd_per_mtok=float("inf"),
    )  # fmt: skip
    zero = np.zeros(24)
    impact = replace(
        study.impact, quarterly_energy_mwh=zero, quarterly_location_kg_co2=zero, quarterly_marginal_kg_co2=zero,
        quarterly_site_water_m3=zero, quarterly_source_water_m3=zero, quarterly_construction_jobs=zero,
        quarterly_permanent_jobs=zero, sites=(), site_peak_permanent_jobs=np.zeros(0),
        site_peak_construction_jobs=np.zeros(0), local_share_frac=np.zeros(0), money=(), claims=(),
    )  # fmt: skip
    risk = replace(risk_of(plan, 64), drivers=(), tornado=(), regimes=(), gauges=(), flip_sentences=())
    bare_plan = replace(plan, actions=())
    return one, replace(
        study, demand=grown, site=where, supply=power, plan=bare_plan, finance=finance, impact=impact, used_keys={}
    ), risk  # fmt: skip


def hourly_empty() -> Site:
    """The facility result of a scenario without sites."""
    _, study, _ = small()
    arrays = {k: v[:0] for k, v in vars(study.site).items() if isinstance(v, np.ndarray)}
    return replace(study.site, sites=(), halls=(), **arrays)
