"""Plans solved by subtrees against the same plans solved whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import plan_fixtures as fx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_plan_run import parts

from kiban.plan.baselines import BASELINES, upper_bounds
from kiban.plan.case import PlanCase
from kiban.plan.inputs import PlanInputs
from kiban.plan.lp import Solver
from kiban.plan.pieces import (
    PiecedPlan,
    best_cut,
    branchings,
    solve_plan_in_pieces,
    solve_program_in_pieces,
    subtree_of,
)
from kiban.plan.program import Program, build_program
from kiban.results import PlanOutcome
from kiban.solve import SHARED, DaskFarm, Farm, Infeasible, ModelDataError, ProcessFarm, SolverError

FLAGSHIP = Path(__file__).parents[2] / "examples" / "anthropic-50b.yaml"


@cache
def inputs() -> PlanInputs:
    """The small programme with two branchings."""
    return parts(fx.scenario(futures={"branch_quarters": [4, 10]}))[2]


@cache
def solver() -> Solver:
    return Solver(build_program(inputs().case))


@cache
def optimum(strategy: str = "plan") -> float:
    bounds = upper_bounds(solver().program, inputs().rungs, strategy)
    return solver().value_usd(solver().solve(bounds))


def check(found: PiecedPlan, best: float, gap_frac: float, outcome: PlanOutcome | None = None) -> None:
    """The optimum lies between the bounds, the bounds are as close as asked, and the plan keeps its limits."""
    size = 1e-6 * abs(best)
    assert found.lower_usd - size <= best <= found.upper_usd + size
    assert found.upper_usd - found.lower_usd <= gap_frac * found.upper_usd + size
    lower, upper = found.bounds_usd.T
    assert (np.diff(lower) >= 0).all() and (np.diff(upper) <= 0).all()
    assert (upper >= best - size).all()
    program, rows = found.program, found.program.rows
    x, scale = found.solution.x, np.concatenate([b.scale for b in rows.row_blocks])
    row, column, value = rows.sorted_entries()
    activity = np.zeros(rows.count)
    np.add.at(activity, row, value * x[column])
    low = np.concatenate([b.lower for b in rows.row_blocks])
    assert ((activity - program.row_upper) / scale).max() < 1e-5
    assert ((low - activity) / scale).max() < 1e-5
    assert program.gain @ x + program.constant == pytest.approx(found.lower_usd, rel=1e-6)
    if outcome is not None:
        weight = program.case.probability * program.case.discount
        money = weight @ (outcome.node_value_usd - outcome.node_rung_cost_usd.sum(axis=(1, 2)))
        assert money == pytest.approx(found.lower_usd, rel=1e-6)


@pytest.mark.parametrize("cut", [4, 7, 10])
def test_every_cut_gives_the_value_of_the_whole(cut: int) -> None:
    found, outcome = solve_plan_in_pieces(inputs().case, branch_quarter=cut, gap_frac=1e-6)
    check(found, optimum(), 1e-6, outcome)
    assert found.pieces == np.count_nonzero(inputs().case.quarter == cut)


@pytest.mark.parametrize("strategy", BASELINES)
def test_strategies_can_be_solved_in_pieces(strategy: str) -> None:
    upper = upper_bounds(solver().program, inputs().rungs, strategy)
    check(solve_program_in_pieces(solver().program, gap_frac=1e-5, upper=upper), optimum(strategy), 1e-5)


def with_leaf_rows(least_frac: float, tied: bool = False) -> Program:
    """The programme with rows that lie by leaf: at the end each history's serving accelerators cover a common level.

    The level is one column of no node and earns; with ``tied``, one more row adds up all leaves.
    """
    case, base = inputs().case, build_program(inputs().case)
    rows, columns = base.rows, base.columns
    level = rows.new_columns("level", "", (1,), 1e5)
    short = rows.new_columns("short", "", (len(case.leaves),), 1e5)
    row = rows.new_rows("leaf", "", (len(case.leaves),), 1e5, -np.inf, 0.0)
    rows.put(row, level, 1.0)
    rows.put(row, short, -1.0)
    rows.put(row[:, None], columns.infer[case.leaves], -least_frac)
    if tied:
        rows.put(rows.new_rows("all", "", (1,), 1e5, -np.inf, 1e6)[0], columns.infer[case.leaves], 1.0)
    usd = 2e3
    gain = np.concatenate([base.gain, [usd], -3 * usd * case.probability[case.leaves]])
    upper = np.concatenate([b.upper for b in rows.column_blocks])
    row_upper = np.concatenate([b.upper for b in rows.row_blocks])
    return replace(base, gain=gain, upper=upper, row_upper=row_upper)


def test_rows_by_history_go_to_their_subtrees() -> None:
    """The pattern of a tail measure: one shared level, one shortfall and one row for each history."""
    program = with_leaf_rows(0.5)
    whole = Solver(program)
    best = whole.value_usd(whole.solve(program.upper))
    assert abs(best / optimum() - 1) > 1e-5
    for cut in (4, 10):
        found = solve_program_in_pieces(program, branch_quarter=cut, gap_frac=1e-5)
        check(found, best, 1e-5)


def test_a_row_that_ties_subtrees_together_is_refused() -> None:
    with pytest.raises(ModelDataError, match="belongs to part -1 but sees column"):
        solve_program_in_pieces(with_leaf_rows(0.5, tied=True))


@settings(max_examples=8, deadline=None)
@given(budget=st.floats(2e9, 3e10), site=st.floats(100.0, 900.0), rented=st.floats(0.0, 3e4))
def test_tight_limits_on_commitments_still_give_the_value_of_the_whole(
    budget: float, site: float, rented: float
) -> None:
    """Starts before the cut can break budget, land or rented additions after it: the plan must not."""
    case = inputs().case
    room = np.minimum(case.limits.site_max_it_mw, site)
    limits = replace(
        case.limits,
        budget_usd=np.full(case.n_quarters, budget),
        site_max_it_mw=room,
        rented_accelerators_per_quarter=rented,
    )
    case = replace(case, limits=limits)
    try:
        whole = Solver(build_program(case))
        best = whole.value_usd(whole.solve(whole.program.upper))
        found, outcome = solve_plan_in_pieces(case, gap_frac=1e-4)
    except Infeasible:
        assert budget < 5e9
        return
    check(found, best, 1e-4, outcome)


def test_orders_that_break_the_budget_are_named() -> None:
    case = inputs().case
    with pytest.raises(Infeasible, match="already ordered"):
        solve_plan_in_pieces(replace(case, limits=replace(case.limits, budget_usd=np.full(case.n_quarters, 1.0))))


@pytest.fixture(params=["processes", "dask"])
def farm(request: pytest.FixtureRequest) -> Iterator[Farm]:
    if request.param == "processes":
        made: Farm = ProcessFarm(2)
        yield made
        made.close()
    else:
        distributed = pytest.importorskip("distributed")
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
            ) as local,
            distributed.Client(local) as client,
        ):
            made = DaskFarm(client)
            yield made
            made.close()


def test_processes_and_a_cluster_find_the_bounds_of_the_serial_run(farm: Farm) -> None:
    here, _ = solve_plan_in_pieces(inputs().case)
    there, _ = solve_plan_in_pieces(inputs().case, farm)
    assert (here.bounds_usd == there.bounds_usd).all()
    assert (here.solution.x == there.solution.x).all()


def test_the_cut_balances_the_shared_part_and_the_subtrees() -> None:
    case = inputs().case
    assert branchings(case).tolist() == [4, 10]
    sizes = {cut: np.bincount(subtree_of(case, cut) + 1).max() for cut in (4, 10)}
    assert best_cut(case) == min(sizes, key=lambda cut: sizes[cut])
    part = subtree_of(case, 4)
    assert (part[case.quarter < 4] == SHARED).all()
    below = case.quarter > 4
    assert (part[below] == part[case.parent[below]]).all()


def test_one_future_has_nothing_to_cut() -> None:
    case = fx.bare_case(fx.tree_of(4, [], [1.0]))
    with pytest.raises(SolverError, match="no branching"):
        solve_plan_in_pieces(case)
    with pytest.raises(SolverError, match=r"branch_quarter 4 is not one of 1\.\.3"):
        solve_plan_in_pieces(case, branch_quarter=4)


def flagship() -> PlanCase:
    """The plan of the flagship example on its own tree."""
    from kiban.catalog import load_catalog
    from kiban.compute import run_compute
    from kiban.demand import run_demand
    from kiban.energy import run_energy
    from kiban.facility import run_facility
    from kiban.plan.inputs import build_inputs
    from kiban.scenario.load import load_scenario_text

    scenario = load_scenario_text(FLAGSHIP.read_text()).scenario
    catalog = load_catalog().with_overrides({o.key: (o.value, o.why) for o in scenario.overrides})
    fleet = run_compute(scenario, catalog)
    site = run_facility(scenario, catalog, fleet, scenario.risk.seed)
    supply = run_energy(scenario, catalog, site, scenario.risk.seed)
    return build_inputs(scenario, catalog, run_demand(scenario, catalog, fleet), fleet, site, supply).case


@pytest.mark.slow
def test_the_flagship_in_pieces_is_within_a_thousandth_of_the_whole() -> None:
    case = flagship()
    whole = Solver(build_program(case))
    best = whole.value_usd(whole.solve(whole.program.upper))
    found, outcome = solve_plan_in_pieces(case, gap_frac=1e-3)
    check(found, best, 1e-3, outcome)
    assert found.lower_usd == pytest.approx(best, rel=1e-3)
