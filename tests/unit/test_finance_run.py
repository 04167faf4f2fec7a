"""The whole finance room on a small solved plan: what must add up, scale, and be known without a loan."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import plan_fixtures as fx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.catalog import Catalog, load_catalog
from kiban.finance import model, run_finance
from kiban.finance.debt import Terms, size_loan
from kiban.finance.inputs import build_inputs, real_flows, tax_rules
from kiban.finance.statements import open_sum_frac
from kiban.finance.transfer import market_value_usd, relative_speed, work_price_usd_per_h
from kiban.plan import run_plan
from kiban.results import Demand, Finance, Fleet, Plan
from kiban.scenario import Scenario


@cache
def solved() -> tuple[Scenario, Demand, Plan]:
    """The small programme of the plan room's tests, solved once."""
    scenario = fx.scenario()
    horizon, futures = scenario.horizon, scenario.futures
    tree = fx.tree_of(horizon.length_quarters, list(futures.branch_quarters), list(futures.probability))
    demand = fx.demand(scenario, tree)
    plan = run_plan(scenario, fx.PlanCatalog(), demand, fx.fleet(), fx.site(scenario), fx.supply(scenario))  # type: ignore[arg-type]
    return scenario, demand, plan


@cache
def rows() -> Catalog:
    return load_catalog()


def finance(fleet: Fleet | None = None, **changes: Any) -> Finance:
    """The room's result with changed fields of ``scenario.finance``."""
    scenario, demand, plan = solved()
    part = scenario.finance.model_copy(update=changes)
    scenario = scenario.model_copy(update={"finance": part})
    return run_finance(
        scenario, rows(), demand, fleet or fx.fleet(), fx.site(scenario), fx.supply(scenario), plan
    )  # fmt: skip


@cache
def base() -> Finance:
    return finance()


def row(result: Finance, leaf: int, name: str) -> np.ndarray:
    one = result.statements[leaf]
    return one.values[one.lines.index(f"{name}_nominal_usd")]


def test_balances_close_and_nothing_is_nan() -> None:
    result = base()
    names = {"sources_less_uses", "statement_sums", "tax_basis", "balance_sheet", "debt_balance"}
    assert set(result.residuals) == {f"finance.{name}" for name in names}
    assert max(result.residuals.values()) < 1e-9
    assert sum(v for _, v in result.sources) == pytest.approx(sum(v for _, v in result.uses))
    assert all(v >= 0 for _, v in (*result.sources, *result.uses))
    for m in result.metrics:
        assert np.isfinite(m.leaf_npv_usd).all()
        assert m.expected_npv_usd == pytest.approx(float(solved()[2].leaf_probability @ m.leaf_npv_usd))
        assert 0 <= m.gearing_frac <= 0.7 + 1e-9
        assert ((m.leaf_debt_unpaid_frac >= 0) & (m.leaf_debt_unpaid_frac <= 1)).all()


def test_an_open_sum_is_seen() -> None:
    one = base().statements[0]
    values = one.values.copy()
    values[one.lines.index("energy_nominal_usd"), 3] *= 0.9
    assert open_sum_frac([replace(one, values=values)]) > 1e-4


def test_statements_are_the_plan_at_the_price_level_of_the_day() -> None:
    scenario, _, plan = solved()
    result = base()
    index = (1 + scenario.finance.inflation_frac_per_year) ** (np.arange(24) / 4)
    path = plan.leaf_path[result.base_leaf]
    cost = plan.chosen.node_rung_cost_usd[path].sum(axis=1)
    for line, name in (("energy", "energy"), ("silicon_capex", "silicon"), ("hall_rent", "hall_rent")):
        wanted = -cost[:, plan.chosen.cost_lines.index(line)] * index
        assert row(result, 0, name) == pytest.approx(wanted)
    free = row(result, 0, "free_cash_flow") / index
    npv = float(free @ (1 + scenario.finance.discount_frac_per_year) ** (-np.arange(24) / 4))
    assert npv == pytest.approx(result.metrics[0].leaf_npv_usd[result.base_leaf])


def test_coverage_is_level_on_the_base_history_whichever_bound_binds() -> None:
    for changes in ({}, {"gearing_max_frac": 0.95, "target_dscr": 3.0}, {"gearing_max_frac": 0.1}):
        result = finance(**changes)
        m, leaf = result.metrics[0], result.base_leaf
        assert m.debt_usd > 0
        dscr = result.leaf_quarterly_dscr[leaf]
        assert dscr[np.isfinite(dscr)] == pytest.approx(np.full(np.isfinite(dscr).sum(), m.leaf_llcr[leaf]))
        limit = solved()[0].finance.model_copy(update=changes)
        at_gearing = m.gearing_frac == pytest.approx(limit.gearing_max_frac)
        at_coverage = m.leaf_llcr[leaf] == pytest.approx(limit.target_dscr)
        assert at_gearing or at_coverage
        assert m.leaf_llcr[leaf] >= limit.target_dscr * (1 - 1e-9)
        assert m.leaf_debt_unpaid_frac[leaf] == pytest.approx(0.0, abs=1e-9)


def test_no_gearing_no_debt_and_equity_is_the_project() -> None:
    result = finance(gearing_max_frac=0.0)
    for m in result.metrics:
        assert m.debt_usd == 0.0
        assert np.isnan(m.leaf_min_dscr).all()
        assert np.isnan(m.leaf_llcr).all()
        assert m.leaf_equity_irr == m.leaf_project_irr
    assert np.isnan(result.leaf_quarterly_dscr).all()
    assert any("no debt" in w for w in result.warnings)


def test_debt_does_not_change_the_unlevered_value() -> None:
    for m, n in zip(base().metrics, finance(gearing_max_frac=0.0).metrics, strict=True):
        assert m.expected_npv_usd == pytest.approx(n.expected_npv_usd, rel=1e-12)


def test_break_even_multiple_makes_the_value_zero() -> None:
    scenario, demand, plan = solved()
    inputs = build_inputs(scenario, rows(), fx.site(scenario), plan)
    real = real_flows(plan.chosen, plan, demand, fx.fleet())
    scale = base().metrics[0].break_even_rent_factor
    assert 0 < scale < 8
    flows = model.nominal(real, inputs.rules, scale)
    value = float(plan.leaf_probability @ model.real_npv(flows, 0.09))
    assert abs(value) < 1e-6 * float(real.value.sum())


@settings(max_examples=10)
@given(st.floats(0.1, 50.0))
def test_twice_the_money_is_twice_the_value_and_the_debt(times: float) -> None:
    scenario, demand, plan = solved()
    inputs = build_inputs(scenario, rows(), fx.site(scenario), plan)
    one = real_flows(plan.chosen, plan, demand, fx.fleet())
    many = model.RealFlows(*(getattr(one, name) * times for name in one.__dataclass_fields__))
    flows = [model.nominal(real, inputs.rules) for real in (one, many)]
    values = [model.real_npv(f, 0.09) for f in flows]
    assert values[1] == pytest.approx(values[0] * times, rel=1e-9)
    leaf = inputs.base_leaf
    debt = [size_loan(f.upfront[leaf], f.for_service[leaf], inputs.terms).principal for f in flows]
    assert debt[1] == pytest.approx(debt[0] * times, rel=1e-9)


def test_each_plan_is_taxed_where_its_own_halls_are() -> None:
    _, _, plan = solved()
    halls = np.array([r.state == "ny" for r in plan.rungs])
    for outcome in (plan.chosen, *plan.baselines):
        live = np.einsum("l,ltk->k", plan.leaf_probability, outcome.node_hall_live_it_mw[plan.leaf_path])
        rules = tax_rules(rows(), plan, outcome)
        ny = float(live[halls].sum() / live.sum())
        assert rules.state_income_frac == pytest.approx(ny * rows().value("tax.ny.corporate_rate_frac"))
        assert rules.margin_tax_frac == pytest.approx((1 - ny) * 0.0075 * 0.7)
    nowhere = replace(plan.chosen, node_hall_live_it_mw=plan.chosen.node_hall_live_it_mw * 0)
    assert tax_rules(rows(), plan, nowhere).income_frac == pytest.approx(0.21)


def test_a_baseline_is_worth_the_same_as_if_it_were_the_plan() -> None:
    scenario, demand, plan = solved()
    for k, outcome in enumerate(plan.baselines):
        alone = replace(plan, chosen=outcome, baselines=())
        result = run_finance(scenario, rows(), demand, fx.fleet(), fx.site(scenario), fx.supply(scenario), alone)
        assert result.metrics[0].leaf_npv_usd == pytest.approx(base().metrics[1 + k].leaf_npv_usd)


@pytest.mark.parametrize(("building", "land"), [(0.0, 0.0), (1.0, 0.0), (0.3, 0.2), (0.0, 1.0)])
def test_over_the_whole_life_tax_falls_on_revenue_and_sale_less_spending(building: float, land: float) -> None:
    # Whatever the class of the asset: what is not written off by the end is set against the sale.
    scenario, _, plan = solved()
    rules = build_inputs(scenario, rows(), fx.site(scenario), plan).rules
    tax = replace(rules.tax, state_income_frac=0.0, margin_tax_frac=0.0, bonus_frac=0.0)
    rules = replace(rules, inflation_frac_per_year=0.0, building_frac=building, land_frac=land, tax=tax)
    flat = np.zeros((1, 12))
    built, sold = flat.copy(), flat.copy()
    built[0, 1], sold[0, -1] = 300.0, 250.0
    named = dict.fromkeys(model.RealFlows.__dataclass_fields__, flat)
    real = model.RealFlows(**{**named, "value": flat + 100.0, "construction": built, "residual_value": sold})
    assert model.nominal(real, rules).tax.sum() == pytest.approx(0.21 * (1200.0 + 250.0 - 300.0))


def test_interest_shield_by_hand() -> None:
    scenario, _, plan = solved()
    rules = build_inputs(scenario, rows(), fx.site(scenario), plan).rules
    rules = replace(rules, inflation_frac_per_year=0.0, tax=replace(rules.tax, state_income_frac=0.0))
    flat = np.zeros((1, 12))
    real = model.RealFlows(flat + 100.0, *(flat for _ in range(9)))
    flows = model.nominal(real, rules)
    loan = size_loan(np.where(np.arange(12) < 4, 100.0, 0.0), flows.for_service[0], Terms(0.2, 0.0, 0.9, 1.0, 8, 4))
    shield = model.interest_shield(flows, loan.interest - loan.interest_in_building, rules)[0]
    interest = np.where(np.arange(12) < 4, 0.0, loan.interest)
    # Nothing of the window counts; later interest saves 21 % of itself up to 30 of income, the rest waits.
    assert shield[:4] == pytest.approx(np.zeros(4))
    assert (shield <= 0.21 * 30 + 1e-9).all()
    assert shield.sum() == pytest.approx(0.21 * interest.sum())


ALL_TERMS = {
    "debt_kind": "level", "cash_sweep_frac": 0.3, "lock_up": True, "guarantee_frac": 0.25, "refinance_year": 3.0,
    "refinance_tenor_years": 2, "chip_gearing_max_frac": 0.6, "chip_tenor_years": 2, "tenor_years": 3,
}  # fmt: skip


def test_every_term_at_once_balances() -> None:
    result = finance(**ALL_TERMS)
    assert max(result.residuals.values()) < 1e-9
    names = [name for name, _ in result.sources]
    assert names == ["debt drawn", "debt for capitalised interest", "debt drawn on accelerators", "equity"]
    sources, uses = dict(result.sources), dict(result.uses)
    assert 0 < sources["debt drawn on accelerators"] <= 0.6 * uses["accelerators and network"] * (1 + 1e-9)
    for group in (result.sponsor, result.lender, result.income, result.balance):
        assert [s.leaf for s in group] == [s.leaf for s in result.statements]
    for i, owner in enumerate(result.sponsor):
        taken = owner.values[0] + owner.values[1]
        assert taken == pytest.approx(row(result, i, "equity_cash_flow"))
    for i, debt in enumerate(result.lender):
        line = dict(zip(debt.lines, debt.values, strict=True))
        assert line["paid_by_the_plan_nominal_usd"] == pytest.approx(-row(result, i, "debt_service"))


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_terms_balance(data: st.DataObject) -> None:
    def pick(*values: Any) -> Any:
        return data.draw(st.sampled_from(values))

    result = finance(
        debt_kind=pick("sculpted", "level", "straight"), gearing_max_frac=pick(0.0, 0.5, 0.95),
        tenor_years=pick(0.25, 2, 7), target_dscr=pick(1.2, 3.0), cash_sweep_frac=pick(0.0, 0.3, 1.0),
        lock_up=pick(False, True), guarantee_frac=pick(0.0, 0.3, 1.0), refinance_year=pick(0, 0.25, 2, 5.75),
        refinance_rate_frac_per_year=pick(0.0, 0.3), refinance_tenor_years=pick(0.25, 3),
        chip_gearing_max_frac=pick(0.0, 0.5, 0.95), chip_tenor_years=pick(0.25, 1, 4), chip_window_years=pick(1, 20),
        inflation_frac_per_year=pick(-0.03, 0.0, 0.1),
    )  # fmt: skip
    assert max(result.residuals.values()) < 1e-9
    m = result.metrics[0]
    for share in (m.leaf_debt_unpaid_frac, m.leaf_guarantor_unpaid_frac):
        assert ((share >= 0) & (share <= 1)).all()
    for group in (result.statements, result.sponsor, result.lender, result.income, result.balance):
        assert all(np.isfinite(s.values).all() for s in group)


@pytest.mark.parametrize("kind", ["sculpted", "level", "straight"])
@pytest.mark.parametrize("chips", [0.0, 0.6])
def test_the_history_that_sizes_the_debt_pays_on_time(kind: str, chips: float) -> None:
    result = finance(debt_kind=kind, chip_gearing_max_frac=chips, chip_tenor_years=2)
    m, debt = result.metrics[0], result.lender[0]
    assert m.debt_usd > 0
    missed = debt.values[debt.lines.index("missed_nominal_usd")]
    assert missed.max() <= 1e-9 * m.debt_usd
    assert m.leaf_min_dscr[result.base_leaf] >= 1.35 * (1 - 1e-9)
    assert m.leaf_debt_unpaid_frac[result.base_leaf] == 0.0


def test_owners_get_the_tax_that_interest_saves_and_coverage_does_not_count_it() -> None:
    result, bare = base(), finance(gearing_max_frac=0.0)
    shield = row(result, 0, "tax_saved_by_interest")
    assert (shield >= -1e-6).all()
    assert shield.sum() > 0
    assert not row(bare, 0, "tax_saved_by_interest").any()
    cash = "cash_for_debt_service"
    assert row(result, 0, cash) == pytest.approx(row(bare, 0, cash))


def test_levelised_cost_and_modified_return_stand_beside() -> None:
    scenario, _, _ = solved()
    result = base()
    m = result.metrics[0]
    assert m.lcoc_usd_per_gpu_h == pytest.approx(result.usd_per_gpu_h)
    assert m.leaf_lcoc_usd_per_gpu_h.min() <= m.lcoc_usd_per_gpu_h <= m.leaf_lcoc_usd_per_gpu_h.max()
    # The first type does 2e15 x 0.93 FLOP/s, the best 1.8 times that: an hour at work costs what its FLOP do.
    per_hour = m.lcoc_usd_per_effective_flop * 2e15 * 0.93 * 3600
    assert per_hour < m.lcoc_usd_per_gpu_h * 3
    assert (m.leaf_plcr >= m.leaf_llcr - 1e-9).all()
    reinvest = (1 + scenario.finance.discount_frac_per_year) * (1 + scenario.finance.inflation_frac_per_year) - 1
    at = model.irrs(row(result, 0, "free_cash_flow")[None, :])[0]
    if at.status == "unique":
        low, high = sorted((at.roots_frac_per_year[0], reinvest))
        assert low - 0.05 <= m.leaf_project_mirr_frac[result.base_leaf] <= high + 0.05


def test_a_reader_is_warned_with_the_numbers() -> None:
    words = " / ".join(base().warnings)
    assert "8 quarters and would be repaid over 28 more: 12 past the horizon of 24" in words
    few = replace(fx.site(solved()[0]), site_operations_fte_per_mw=np.full(2, 0.01))
    scenario, demand, plan = solved()
    result = run_finance(scenario, rows(), demand, fx.fleet(), few, fx.supply(scenario), plan)
    assert any("asks for 40 jobs and 20 MW" in w and "6.25%" in w for w in result.warnings)
    late = scenario.model_copy(update={"sites": [
        scenario.sites[0].model_copy(update={"grid_ready_quarter": "2027Q3"}), scenario.sites[1]]})  # fmt: skip
    result = run_finance(late, rows(), demand, fx.fleet(), fx.site(late), fx.supply(late), plan)
    early = [w for w in result.warnings if "takes new load in 2027Q3" in w]
    assert [w.split(" MW")[0] for w in early] == ["lake: rent of 60", "lake: rent of 40"]


def test_idle_hours_earn_nothing_and_newer_types_press_the_price() -> None:
    _, demand, plan = solved()
    fleet = fx.fleet()
    idle = replace(
        plan.chosen,
        node_training_accelerators=plan.chosen.node_training_accelerators * 0,
        node_inference_accelerators=plan.chosen.node_inference_accelerators * 0,
    )
    assert not market_value_usd(idle, plan, demand, fleet).any()
    assert relative_speed(fleet) == pytest.approx([1.0, 1.8, 0.8])
    # From quarter 4 the second type does 1.8 of the work for 6.0 instead of 4.2 USD.
    price = work_price_usd_per_h(fleet, 6)
    assert price == pytest.approx([4.2] * 4 + [6.0 / 1.8] * 2)
    none = replace(
        fleet, accelerator_neocloud_usd_per_gpu_h=np.full(3, np.nan), accelerator_cloud_usd_per_gpu_h=np.full(3, np.nan)
    )
    with pytest.raises(ValueError, match="no transfer price"):
        work_price_usd_per_h(none, 6)


def test_unit_cost_of_the_plan_is_cost_over_hours() -> None:
    _, demand, plan = solved()
    weight = demand.tree.node_probability * plan.node_discount_factor
    hall = [r.holds_hall for r in plan.rungs]
    live = plan.chosen.node_silicon_live[:, hall].sum(axis=(1, 2)) + plan.chosen.node_rent_live.sum(axis=(1, 2))
    cost = weight @ plan.chosen.node_rung_cost_usd.sum(axis=(1, 2))
    assert base().usd_per_gpu_h == pytest.approx(cost / (weight @ live) / 2190)
    assert base().usd_per_goodput_gpu_h >= base().usd_per_gpu_h


def test_traces_lead_to_rows_the_scenario_or_other_rooms() -> None:
    result = base()
    names = [t.name for t in result.traces]
    assert len(names) == len(set(names))
    heads = {
        "finance.usd_per_mtok", "finance.usd_per_gpu_h", "finance.usd_per_goodput_gpu_h", "finance.expected_npv_usd",
        "finance.debt_usd", "finance.interest_shield_usd",
    }  # fmt: skip
    assert heads <= set(names)
    for trace in result.traces:
        assert np.isfinite(trace.value)
        for source in trace.inputs:
            room = source.split(".")[0]
            known = source in names or rows().has(source) or room in {"scenario", "compute", "plan", "energy"}
            assert known or source.startswith(("facility.site_annual_pue.", "demand.")), source


def test_the_room_is_quick() -> None:
    base()
    begin = time.perf_counter()
    finance()
    assert time.perf_counter() - begin < 1.5
