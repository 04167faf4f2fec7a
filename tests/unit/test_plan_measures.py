"""Measures of a whole small plan: their order, the frontier, regret, caution in the aim, and what is switched off."""

from __future__ import annotations

from functools import lru_cache
from itertools import permutations
from typing import Any

import numpy as np
import plan_fixtures as fx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import linprog

from kiban.catalog import load_catalog
from kiban.plan import run_plan
from kiban.plan.inputs import PlanInputs, build_inputs
from kiban.plan.leaf_money import leaf_money
from kiban.plan.lp import Solver
from kiban.plan.measures import first_quarters
from kiban.plan.program import build_program
from kiban.plan.restricted import now_or_never_bounds
from kiban.plan.tail import TailSolver, with_tail
from kiban.report.explain import explain
from kiban.results import Plan, PlanMeasures
from kiban.scenario import Scenario
from kiban.uncertainty import ScenarioTree, cvar


def plan_of(tree: ScenarioTree | None = None, **part: Any) -> tuple[PlanInputs, Plan]:
    one: Scenario = fx.scenario(plan=part)
    grown = fx.demand(one, tree or fx.tree_of(24, [4], [0.35, 0.4, 0.25]))
    rooms = (fx.PlanCatalog(), grown, fx.fleet(), fx.site(one), fx.supply(one))
    inputs = build_inputs(one, *rooms)  # type: ignore[arg-type]
    return inputs, run_plan(one, *rooms)  # type: ignore[arg-type]


@lru_cache(maxsize=1)
def full() -> tuple[PlanInputs, Plan, PlanMeasures]:
    inputs, plan = plan_of(measures="full", cvar_level_frac=0.7, frontier_count=6)
    assert plan.measures is not None
    return inputs, plan, plan.measures


def test_foresight_is_above_the_plan_and_the_plan_above_the_mean() -> None:
    _, plan, m = full()
    assert m.evpi_usd > 0 and m.vss_usd > 0
    assert m.mean_plan_promised_usd > m.mean_plan_worth_usd
    assert m.best_expected_usd == pytest.approx(plan.chosen.expected_npv_usd, rel=1e-9)
    assert plan.leaf_probability @ m.leaf_wait_and_see_usd - m.evpi_usd == pytest.approx(m.best_expected_usd, rel=1e-9)
    assert plan.residuals["plan.measures_order"] < 1e-9
    assert m.fixed_quarters == 4


def test_nobody_beats_hindsight_and_the_leaves_average_to_the_plan() -> None:
    _, plan, m = full()
    assert m.strategies == ("plan", "all_cloud", "all_leased", "all_owned", "wait_two_years")
    outcomes = (plan.chosen, *plan.baselines)
    mean = m.strategy_leaf_npv_usd @ plan.leaf_probability
    assert mean == pytest.approx([o.expected_npv_usd for o in outcomes], rel=1e-9)
    assert (m.strategy_leaf_hindsight_usd > -1e-6 * m.best_expected_usd).all()
    assert (m.strategy_leaf_regret_usd >= 0).all()
    assert m.strategy_leaf_regret_usd.min(axis=0) == pytest.approx(0.0)
    wait = outcomes[m.strategies.index("wait_two_years")]
    assert m.waiting_two_years_usd == pytest.approx(m.best_expected_usd - wait.expected_npv_usd, rel=1e-9)


def test_the_frontier_falls_in_the_mean_rises_in_the_tail_and_is_concave() -> None:
    _, plan, m = full()
    mean = np.array([p.expected_npv_usd for p in m.frontier])
    tail = np.array([p.cvar_npv_usd for p in m.frontier])
    size = 1e-7 * abs(mean[0])
    assert len(m.frontier) == 6
    assert (np.diff(mean) <= size).all() and (np.diff(tail) >= -size).all()
    assert tail[-1] > tail[0] + 1e-4 * abs(mean[0]), "caution changes something here"
    keep = np.concatenate([[True], np.diff(tail) > 1e-6 * abs(mean[0])])
    slope = np.diff(mean[keep]) / np.diff(tail[keep])
    assert (np.diff(slope) <= 1e-6).all()
    assert mean[0] == pytest.approx(plan.chosen.expected_npv_usd, rel=1e-9)
    for name, values in zip(m.strategies, m.strategy_leaf_npv_usd, strict=True):
        both = (values @ plan.leaf_probability, cvar(values, 0.7, plan.leaf_probability))
        for p in m.frontier:
            w = p.cvar_weight_frac
            best = (1 - w) * p.expected_npv_usd + w * p.cvar_npv_usd
            assert (1 - w) * both[0] + w * both[1] <= best + size, name


def test_the_tail_agrees_with_the_worst_weights_of_the_futures() -> None:
    """CVaR is the least mean under weights of at most p / (1 - level) (Rockafellar and Uryasev 2002): with three
    futures the corners of that set are few, and a programme with one row for each of them, given to scipy, finds the
    same best plan value without levels and shortfalls."""
    inputs, _, _ = full()
    level, weight = 0.7, 0.6
    program = build_program(inputs.case)
    chance = inputs.case.probability[inputs.case.leaves]
    corners = set()
    for order in permutations(range(len(chance))):
        left, corner = 1.0, np.zeros(len(chance))
        for leaf in order:
            corner[leaf] = min(left, chance[leaf] / (1 - level))
            left -= corner[leaf]
        corners.add(tuple(corner.round(12)))
    money, columns = leaf_money(program), program.rows.columns
    unit = np.concatenate([b.scale for b in program.rows.column_blocks])
    row_unit = np.concatenate([b.scale for b in program.rows.row_blocks])
    low = np.concatenate([b.lower for b in program.rows.row_blocks]) / row_unit
    high = program.row_upper / row_unit
    row, column, value = program.rows.sorted_entries()
    rows = sparse.csr_matrix((value * unit[column] / row_unit[row], (row, column)), shape=(len(low), columns))
    worst = sparse.csr_matrix(-np.array(sorted(corners)) @ money.matrix.toarray() * unit / program.usd_unit)
    fixed = np.array(sorted(corners)) @ money.fixed_usd / program.usd_unit
    same = low == high
    above = np.isfinite(high) & ~same
    pad = sparse.csr_matrix((above.sum(), 1))
    one = sparse.csr_matrix(np.ones((len(fixed), 1)))
    assert not np.isfinite(low[~same]).any()
    found = linprog(
        -np.concatenate([(1 - weight) * program.gain * unit / program.usd_unit, [weight]]),
        A_ub=sparse.vstack([sparse.hstack([rows[above], pad]), sparse.hstack([worst, one])]),
        b_ub=np.concatenate([high[above], fixed]),
        A_eq=sparse.hstack([rows[same], sparse.csr_matrix((same.sum(), 1))]),
        b_eq=high[same],
        bounds=[*zip(np.zeros(columns), program.upper / unit, strict=True), (None, None)],
        method="highs-ds",
    )
    value_usd = -found.fun * program.usd_unit + (1 - weight) * program.constant
    tail = with_tail(program, level)
    point = TailSolver(tail, Solver(tail.program)).solve(weight)
    assert (1 - weight) * point.expected_npv_usd + weight * point.cvar_npv_usd == pytest.approx(value_usd, rel=1e-7)


def test_least_regret_is_least() -> None:
    _, plan, m = full()
    assert m.least_regret is not None
    against = m.leaf_wait_and_see_usd - m.least_regret.leaf_npv_usd
    assert against.max() == pytest.approx(m.least_regret.largest_regret_usd, rel=1e-6)
    assert (m.strategy_leaf_hindsight_usd.max(axis=1) >= against.max() - 1e-6 * m.best_expected_usd).all()
    assert m.least_regret.expected_npv_usd <= m.best_expected_usd * (1 + 1e-9)
    assert m.least_regret.expected_npv_usd == pytest.approx(plan.leaf_probability @ m.least_regret.leaf_npv_usd)


def test_options_end_no_later_than_the_last_start_and_pieces_are_worth_something() -> None:
    inputs, plan, m = full()
    starts = plan.chosen.node_hall_start_it_mw
    names = [r.name for r in plan.rungs]
    assert [o.rung for o in m.options] == [names[k] for k in inputs.case.halls.rung]
    for option in m.options:
        used = starts[:, names.index(option.rung)] > 1e-6
        assert option.worth_usd >= 0
        if option.last_quarter:
            last = inputs.quarters[inputs.case.quarter[used].max()]
            assert option.last_quarter <= last
        if not used.any():
            assert (option.worth_usd, option.last_quarter) == (0.0, "")
    assert any(o.last_quarter for o in m.options)
    assert 0 <= m.in_pieces_usd < m.best_expected_usd
    solver = Solver(build_program(inputs.case))
    never = solver.value_usd(solver.solve(now_or_never_bounds(solver.program, 4)))
    assert m.later_start_usd == pytest.approx(m.best_expected_usd - never, rel=1e-9)
    assert m.later_start_usd > 0


def test_the_measures_can_be_explained() -> None:
    _, plan, m = full()
    held = {t.name: t.value for t in plan.traces}
    assert held["plan.evpi_usd"] == m.evpi_usd and held["plan.vss_usd"] == m.vss_usd
    step = explain("tail_npv_usd", plan.traces, load_catalog(), fx.scenario().model_dump(mode="json"))
    assert step.value == m.strategy_cvar_usd[0]
    below = {child.name: child.kind for child in step.children}
    assert below["plan.expected_npv_usd"] == "computed"
    assert "table" not in below.values(), "every name is a trace, a row or a field"


def test_sentences_name_the_measures_in_money() -> None:
    _, _, m = full()
    for words in ("Knowing the future today", "instead of their mean", "worst 30% of the futures", "in pieces",
                  "The right to start", "Waiting two years"):  # fmt: skip
        assert any(words in s and "USD" in s for s in m.sentences), words
    assert all(s.endswith(".") for s in m.sentences)


@settings(max_examples=5, deadline=None)
@given(st.floats(0.05, 0.99), st.floats(0.2, 0.9))
def test_a_cautious_plan_has_a_better_tail_and_no_better_mean(weight: float, level: float) -> None:
    _, plain, base = full()
    _, plan = plan_of(cvar_level_frac=level, cvar_weight_frac=weight, frontier_count=0)
    m = plan.measures
    assert m is not None and m.frontier == ()
    size = 1e-7 * abs(base.best_expected_usd)
    assert plan.chosen.expected_npv_usd <= plain.chosen.expected_npv_usd + size
    assert m.strategy_cvar_usd[0] >= cvar(base.strategy_leaf_npv_usd[0], level, plain.leaf_probability) - size
    assert m.best_expected_usd == pytest.approx(base.best_expected_usd, rel=1e-9)
    assert m.evpi_usd == pytest.approx(base.evpi_usd, rel=1e-6)
    assert plan.residuals["plan.baseline_above_plan"] < 1e-9
    assert plan.residuals["plan.npv_identity"] < 1e-9
    mean = np.array([o.expected_npv_usd for o in (plan.chosen, *plan.baselines)])
    aim = (1 - weight) * mean + weight * m.strategy_cvar_usd
    assert aim[0] >= aim.max() - size


def test_nothing_is_measured_where_nobody_asks() -> None:
    _, plan = plan_of(measures="none")
    assert plan.measures is None
    assert "plan.measures_order" not in plan.residuals
    assert plan.chosen.expected_npv_usd == pytest.approx(full()[1].chosen.expected_npv_usd, rel=1e-9)
    _, careful = plan_of(measures="none", cvar_weight_frac=0.8)
    assert careful.measures is None
    assert careful.chosen.expected_npv_usd <= plan.chosen.expected_npv_usd * (1 + 1e-9)


def test_a_single_future_leaves_nothing_to_know() -> None:
    inputs, plan = plan_of(fx.tree_of(24, [], [1.0]))
    m = plan.measures
    assert m is not None and m.least_regret is None and m.options == ()
    assert first_quarters(inputs.case) == 4
    size = 1e-9 * abs(m.best_expected_usd)
    assert abs(m.evpi_usd) <= size and abs(m.vss_usd) <= size
    assert m.sentences[0].startswith("Knowing the future today would be worth nothing")
    assert np.isnan(m.in_pieces_usd)
