"""The whole plan room on a small programme: what must be conserved, kept and never better than the plan."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import plan_fixtures as fx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.plan import run_plan
from kiban.plan.inputs import PlanInputs, build_inputs
from kiban.plan.lp import Solver
from kiban.plan.program import build_program
from kiban.plan.run import _idle_words
from kiban.results import Demand, Fleet, Plan, PlanOutcome
from kiban.scenario import Scenario
from kiban.solve import Infeasible


def parts(scenario: Scenario) -> tuple[Demand, Fleet, PlanInputs]:
    """Demand, fleet and resolved inputs of a scenario."""
    horizon, futures = scenario.horizon, scenario.futures
    tree = fx.tree_of(horizon.length_quarters, list(futures.branch_quarters), list(futures.probability))
    demand, fleet = fx.demand(scenario, tree), fx.fleet()
    inputs = build_inputs(scenario, fx.PlanCatalog(), demand, fleet, fx.site(scenario), fx.supply(scenario))  # type: ignore[arg-type]
    return demand, fleet, inputs


@cache
def small() -> tuple[Demand, Fleet, PlanInputs, Plan]:
    """The small programme, solved once."""
    scenario = fx.scenario()
    demand, fleet, inputs = parts(scenario)
    plan = run_plan(scenario, fx.PlanCatalog(), demand, fleet, fx.site(scenario), fx.supply(scenario))  # type: ignore[arg-type]
    return demand, fleet, inputs, plan


def outcomes() -> tuple[PlanOutcome, ...]:
    plan = small()[3]
    return (plan.chosen, *plan.baselines)


def plan_value(scenario: Scenario) -> float:
    """Value of the plan alone, without baselines."""
    program = build_program(parts(scenario)[2].case)
    solver = Solver(program)
    return solver.value_usd(solver.solve(program.upper))


def test_there_is_a_plan_and_four_baselines_none_of_them_better() -> None:
    plan = small()[3]
    assert [b.name for b in plan.baselines] == ["all_cloud", "all_leased", "all_owned", "wait_two_years"]
    for outcome in outcomes():
        assert outcome.status == "optimal"
        assert outcome.expected_npv_usd <= plan.chosen.expected_npv_usd * (1 + 1e-9)
    assert max(plan.residuals.values()) < 1e-6


def test_value_less_cost_is_the_npv() -> None:
    demand, _, _, plan = small()
    weight = demand.tree.node_probability * plan.node_discount_factor
    for o in outcomes():
        assert o.node_rung_cost_usd.shape == (len(weight), len(plan.rungs), len(o.cost_lines))
        npv = weight @ (o.node_value_usd - o.node_rung_cost_usd.sum(axis=(1, 2)))
        assert npv == pytest.approx(o.expected_npv_usd, rel=1e-9)


def test_served_and_unserved_make_the_demand_and_stay_under_capacity() -> None:
    demand, _, inputs, _ = small()
    chips = inputs.case.chips
    tok = chips.inference_tok_per_quarter * (demand.node_serving_gain_factor / demand.peak_to_mean_factor)[:, None]
    for o in outcomes():
        total = o.node_inference_served_tok + o.node_inference_unserved_tok
        assert total == pytest.approx(demand.node_inference_tok, rel=1e-9)
        assert o.node_training_served_flop + o.node_training_unserved_flop == pytest.approx(
            demand.node_training_flop, rel=1e-9
        )
        assert (o.node_inference_unserved_tok >= 0).all() and (o.node_inference_served_tok >= 0).all()
        can = (o.node_inference_accelerators.sum(axis=1) * tok).sum(axis=1)
        assert (o.node_inference_served_tok.sum(axis=1) <= can * (1 + 1e-7) + 1e-6 * tok.max()).all()
        flop = o.node_training_accelerators.sum(axis=1) @ chips.training_flop_per_quarter
        assert (o.node_training_served_flop <= flop * (1 + 1e-7) + 1e-6 * demand.node_training_flop.max()).all()


def test_live_is_built_and_powered() -> None:
    _, _, inputs, plan = small()
    case = inputs.case
    for o in outcomes():
        at_work = o.node_training_accelerators + o.node_inference_accelerators
        assert (at_work <= o.node_silicon_live + o.node_rent_live + 1e-3).all()
        own_mw = o.node_silicon_live @ case.chips.it_kw / 1e3
        assert (own_mw + o.node_hall_sublet_it_mw <= o.node_hall_live_it_mw + 1e-4).all()
        for leaf, path in enumerate(plan.leaf_path):
            bought = o.node_silicon_buy[path].sum(axis=1)
            ordered = sum(r.committed_accelerators for r in plan.rungs)
            for g, lead in enumerate(case.chips.lead_quarters):
                arrived = np.concatenate([np.zeros(lead), np.cumsum(bought[:, g])])[: len(path)]
                live = o.node_silicon_live[path, :, g].sum(axis=1)
                assert (live <= arrived + np.maximum.accumulate(ordered[:, g]) + 1e-3).all(), (o.name, leaf, g)


def test_halls_and_chips_wait_for_their_lead_time() -> None:
    _, fleet, inputs, plan = small()
    quarter = inputs.case.quarter
    for o in outcomes():
        for k, rung in enumerate(plan.rungs):
            new = o.node_hall_live_it_mw[:, k] - rung.committed_it_mw[quarter]
            early = quarter < rung.lead_time_quarters
            assert np.abs(new[early]).max(initial=0.0) < 1e-6
            late = quarter + rung.lead_time_quarters >= inputs.case.n_quarters
            assert o.node_hall_start_it_mw[late, k].max(initial=0.0) == 0.0
        for g, first in enumerate(fleet.accelerator_available_quarter):
            assert o.node_silicon_live[quarter < first][:, :, g].max(initial=0.0) < 1e-6


def test_limits_hold() -> None:
    _, _, inputs, plan = small()
    limits, case = inputs.case.limits, inputs.case
    for o in outcomes():
        assert (o.node_silicon_buy.sum(axis=(1, 2)) <= limits.accelerators_per_quarter * (1 + 1e-9) + 1e-3).all()
        for path in plan.leaf_path:
            assert (np.cumsum(o.node_upfront_usd[path]) <= limits.budget_usd * (1 + 1e-9)).all()
            added = np.diff(o.node_rent_live[path].sum(axis=(1, 2)), prepend=0.0)
            assert added.max() <= limits.rented_accelerators_per_quarter * (1 + 1e-9) + 1e-3
        for site, state in enumerate(limits.site_state):
            mine = case.halls.rung[case.halls.site == site]
            assert (o.node_hall_live_it_mw[:, mine].sum(axis=1) <= limits.site_max_it_mw[site].max() + 1e-6).all()
            begun = o.node_hall_start_it_mw[:, mine].sum(axis=1)
            assert begun.max() <= limits.construction_it_mw_per_quarter + 1e-6, state


def test_what_is_signed_stays_in_every_plan() -> None:
    _, _, inputs, plan = small()
    lake = [r.name for r in plan.rungs].index("lake/operator_sublet")
    for o in outcomes():
        assert o.node_hall_live_it_mw[:, lake].min() == pytest.approx(60)
        assert o.node_hall_live_it_mw[inputs.case.quarter >= 2, lake].min() == pytest.approx(100)
        assert o.node_silicon_live[inputs.case.quarter == 2, lake, 0].sum() <= 40e3 / 2.0 + 60e3 / 2.0 + 1e-6


def test_baselines_close_what_they_say() -> None:
    _, _, inputs, plan = small()
    kind = np.array([r.kind for r in plan.rungs])
    cloud, leased, owned, wait = plan.baselines
    assert cloud.node_hall_start_it_mw.max() == 0 and cloud.node_silicon_buy.max() == 0
    assert leased.node_hall_start_it_mw[:, ~np.isin(kind, ("operator_sublet", "landlord_lease"))].max() == 0
    assert owned.node_hall_start_it_mw[:, kind != "owned"].max() == 0
    for o in (leased, owned):
        assert o.node_rent_live[:, kind == "neocloud"].max() == 0
        assert o.node_training_accelerators[:, kind == "cloud"].max() == 0
    early = inputs.case.quarter < 8
    assert wait.node_hall_start_it_mw[early].max() == 0 and wait.node_silicon_buy[early].max() == 0
    assert wait.node_rent_sign[early][:, kind == "neocloud"].max() == 0


def test_resident_tokens_come_from_the_cloud() -> None:
    demand, _, _, plan = small()
    europe = plan.regions.index("europe")
    scenario = fx.scenario()
    ladder = scenario.ladder.model_copy(update={"cloud": False})
    closed = plan_value(scenario.model_copy(update={"ladder": ladder}))
    assert closed < plan.chosen.expected_npv_usd
    _, _, inputs = parts(scenario.model_copy(update={"ladder": ladder}))
    assert any("stay in their region" in w for w in inputs.warnings)
    assert inputs.case.market.resident_tok[:, europe] == pytest.approx(0.3 * demand.node_inference_tok[:, europe])


def test_actions_follow_the_root_decisions() -> None:
    _, _, inputs, plan = small()
    first = inputs.quarters[0]
    signed = {a.rung: a.amount for a in plan.actions if a.verb in ("sign", "start") and a.quarter == first}
    root = plan.chosen.node_hall_start_it_mw[0]
    assert signed == {r.name: pytest.approx(mw) for r, mw in zip(plan.rungs, root, strict=True) if mw > 0.01}
    assert all(a.sentence.endswith(".") for a in plan.actions)
    assert plan.irrevocable_usd >= plan.chosen.node_upfront_usd[0] * 0.99
    assert plan.leaf_path.shape == (len(plan.leaf_probability), inputs.case.n_quarters)
    assert (inputs.case.parent[plan.leaf_path[:, 1:]] == plan.leaf_path[:, :-1]).all()


def test_an_order_that_breaks_the_budget_is_refused_in_words() -> None:
    scenario = fx.scenario()
    ladder = scenario.ladder.model_copy(update={"budget_usd": 1e8})
    poor = scenario.model_copy(update={"ladder": ladder})
    demand, fleet, _ = parts(poor)
    with pytest.raises(Infeasible, match=r"already ordered .*budget.*at most 0\.1 bn USD .*0\.98 bn USD"):
        run_plan(poor, fx.PlanCatalog(), demand, fleet, fx.site(poor), fx.supply(poor))  # type: ignore[arg-type]


@settings(max_examples=6, deadline=None)
@given(st.floats(2e9, 3e10), st.floats(1.05, 2.0))
def test_a_larger_programme_is_never_worth_less(budget_usd: float, more: float) -> None:
    scenario = fx.scenario(horizon={"start_quarter": "2026Q4", "length_quarters": 16, "price_year": 2026})

    def worth(budget: float, chips: float) -> float:
        change = {"budget_usd": budget, "accelerators_per_quarter": chips}
        return plan_value(scenario.model_copy(update={"ladder": scenario.ladder.model_copy(update=change)}))

    low = worth(budget_usd, 2e4)
    assert low <= worth(budget_usd * more, 2e4) + 1e-7 * abs(low)
    assert low <= worth(budget_usd, 2e4 * more) + 1e-7 * abs(low)


def test_a_programme_without_sites_rents_only() -> None:
    scenario = fx.scenario(sites=[])
    demand, fleet, _ = parts(scenario)
    plan = run_plan(scenario, fx.PlanCatalog(), demand, fleet, fx.site(scenario), fx.supply(scenario))  # type: ignore[arg-type]
    assert [r.kind for r in plan.rungs] == ["neocloud", "cloud"]
    assert plan.chosen.expected_npv_usd > 0
    assert plan.chosen.node_silicon_buy.sum() == 0


def test_power_earlier_is_worth_something_when_the_grid_is_late() -> None:
    scenario = fx.scenario()
    late = scenario.sites[1].model_copy(update={"grid_ready_quarter": "2028Q4"})
    early = scenario.sites[1].model_copy(update={"grid_ready_quarter": "2028Q3"})
    worth = [plan_value(scenario.model_copy(update={"sites": [scenario.sites[0], s]})) for s in (late, early)]
    assert worth[1] > worth[0]


def test_dearer_power_never_helps() -> None:
    _, _, inputs, _ = small()
    dear = replace(inputs.case, site_energy_usd_per_it_mwh=inputs.case.site_energy_usd_per_it_mwh * 2)
    values = []
    for case in (inputs.case, dear):
        solver = Solver(build_program(case))
        values.append(solver.value_usd(solver.solve(solver.program.upper)))
    assert values[1] < values[0]


def test_knowing_the_future_is_worth_more_and_investing_after_it_is_known_too() -> None:
    """Wait-and-see >= recourse problem (Birge and Louveaux, ch. 4) >= no investment after the futures part."""
    _, _, inputs, plan = small()
    case = inputs.case

    def worth(paths: list[np.ndarray], weights: list[float]) -> float:
        total = 0.0
        for path, weight in zip(paths, weights, strict=True):
            market = replace(
                case.market,
                **{
                    name: getattr(case.market, name)[path]
                    for name in case.market.__dataclass_fields__
                    if name != "peak_to_mean_factor"
                },
            )
            parent = np.arange(len(path)) - 1
            alone = replace(
                case, parent=parent, quarter=np.arange(len(path)), probability=np.ones(len(path)), market=market
            )
            solver = Solver(build_program(alone))
            total += weight * solver.value_usd(solver.solve(solver.program.upper))
        return total

    clairvoyant = worth(list(plan.leaf_path), list(plan.leaf_probability))
    assert clairvoyant > plan.chosen.expected_npv_usd * (1 + 1e-6)
    program = build_program(case)
    settled = program.upper.copy()
    solver = Solver(program)
    after = case.quarter >= 4
    for columns in (program.columns.hall_start, program.columns.buy):
        settled[columns[after]] = 0.0
    assert solver.value_usd(solver.solve(settled)) < plan.chosen.expected_npv_usd


def test_whole_modules_are_started_and_their_gap_is_told() -> None:
    scenario = fx.scenario()
    ladder = scenario.ladder.model_copy(update={"module_it_mw": 15.0, "module_quarters": 4})
    blocks = scenario.model_copy(update={"ladder": ladder})
    demand, fleet, inputs = parts(blocks)
    plan = run_plan(blocks, fx.PlanCatalog(), demand, fleet, fx.site(blocks), fx.supply(blocks))  # type: ignore[arg-type]
    early = plan.chosen.node_hall_start_it_mw[inputs.case.quarter < 4]
    assert early.max() > 0
    assert early / 15 == pytest.approx(np.round(early / 15), abs=1e-9)
    assert plan.chosen.expected_npv_usd <= small()[3].chosen.expected_npv_usd * (1 + 1e-9)
    assert any("whole modules of 15 IT MW" in w for w in plan.warnings)
    assert max(plan.residuals.values()) < 1e-6


def test_halls_without_own_silicon_are_told_apart() -> None:
    _, _, inputs, plan = small()
    live = plan.chosen.node_hall_live_it_mw
    bare = replace(plan.chosen, node_silicon_live=np.zeros_like(plan.chosen.node_silicon_live))
    empty = _idle_words(inputs, replace(bare, node_hall_sublet_it_mw=np.zeros_like(live)))
    assert empty == ("100% of hall capacity in service stands empty on average over the tree",)
    half = _idle_words(inputs, replace(bare, node_hall_sublet_it_mw=live / 2))
    assert half[0].startswith("50% of hall capacity in service stands empty")
    by_quarter = np.bincount(inputs.case.quarter, weights=inputs.case.probability * live.sum(axis=1))
    most = int(by_quarter.argmax())
    assert half[1].startswith("50% of hall capacity in service is let to others")
    assert half[1].endswith(
        f"most in {inputs.quarters[most]}: {by_quarter[most] / 2:,.0f} of {by_quarter[most]:,.0f} IT MW"
    )
