"""Measures of a plan against answers that can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import plan_fixtures as fx
import pytest

from kiban.plan.case import CommittedHall, PlanCase
from kiban.plan.flexibility import block_plan, option_expiry
from kiban.plan.futures_of import leaf_case, mean_case, trunk_quarters
from kiban.plan.leaf_money import leaf_money
from kiban.plan.lp import Solver
from kiban.plan.program import build_program
from kiban.plan.restricted import mean_plan, now_or_never_bounds, path_value_usd, wait_and_see_usd
from kiban.plan.tail import TailPoint, TailSolver, frontier_weights, with_tail, with_weight
from kiban.solve import Model, Solution, SolveOptions
from kiban.uncertainty import cvar

WANTED = np.array([10.0, 20.0, 30.0])
CHANCE = np.array([0.3, 0.4, 0.3])


def newsvendor(cost_usd: float, chance: np.ndarray = CHANCE) -> PlanCase:
    """Order chips now at a cost, sell a token each at 1 USD in the next quarter, when 10, 20 or 30 are wanted."""
    tree = fx.tree_of(2, [1], chance.tolist())
    chips = replace(fx.bare_case(tree).chips, lead_quarters=np.ones(1, int), life_quarters=np.ones(1, int))
    return fx.bare_case(
        tree,
        sites=1,
        halls=fx.some_halls(1, 2),
        pools=fx.some_pools(1, 2, price_usd=np.array([cost_usd])),
        chips=chips,
        market=fx.wants(4, np.concatenate([[0.0], WANTED]), 1.0),
    )


def profit(order: float, cost_usd: float) -> np.ndarray:
    return np.minimum(order, WANTED) - cost_usd * order


def tail_of(case: PlanCase, level_frac: float) -> TailSolver:
    tail = with_tail(build_program(case), level_frac)
    return TailSolver(tail, Solver(tail.program))


def ordered(tail: TailSolver, point: TailPoint) -> float:
    return float(point.solution.x[tail.tail.base.columns.buy[0, 0]])


@pytest.mark.parametrize(
    ("cost_usd", "level_frac", "best"),
    [(0.35, 0.0, 20.0), (0.35, 0.5, 20.0), (0.35, 0.6, 10.0), (0.2, 0.0, 30.0), (0.2, 0.5, 20.0), (0.2, 0.7, 10.0)],
)
def test_a_cautious_newsvendor_orders_at_the_ratio_times_the_tail(
    cost_usd: float, level_frac: float, best: float
) -> None:
    """Smallest order with F(order) >= (1 - level)(1 - cost) (Gotoh and Takano, EJOR 179, 2007, without penalty)."""
    assert best == WANTED[np.searchsorted(np.cumsum(CHANCE), (1 - level_frac) * (1 - cost_usd))]
    tail = tail_of(newsvendor(cost_usd), level_frac)
    point = tail.solve(1.0)
    assert ordered(tail, point) == pytest.approx(best, abs=1e-6)
    assert point.leaf_npv_usd == pytest.approx(profit(best, cost_usd), abs=1e-6)
    grid = [cvar(profit(q, cost_usd), level_frac, CHANCE) for q in np.linspace(0, 40, 401)]
    assert point.cvar_npv_usd == pytest.approx(max(grid), abs=1e-6)


def test_the_objective_of_the_programme_is_the_mixture_of_mean_and_tail() -> None:
    tail = with_weight(with_tail(build_program(newsvendor(0.2)), 0.5), 0.4)
    solver = Solver(tail.program)
    value = solver.value_usd(solver.solve(tail.program.upper))
    grid = [0.6 * CHANCE @ profit(q, 0.2) + 0.4 * cvar(profit(q, 0.2), 0.5, CHANCE) for q in np.linspace(0, 40, 401)]
    assert value == pytest.approx(max(grid), abs=1e-6)


def test_money_that_no_decision_changes_counts_once_in_the_mixture() -> None:
    """A signed hall costs 3 USD a quarter whatever is ordered: the aim falls by 6, in the mean and in the tail."""
    halls = fx.some_halls(1, 2, rent_usd_per_mw_quarter=np.array([3.0]))
    case = replace(newsvendor(0.2), halls=halls, committed_halls=(CommittedHall(0, 0, 1.0),))
    for weight in (0.0, 0.4, 1.0):
        values = []
        for one in (newsvendor(0.2), case):
            tail = with_weight(with_tail(build_program(one), 0.5), weight)
            solver = Solver(tail.program)
            values.append(solver.value_usd(solver.solve(tail.program.upper)))
        assert values[0] - values[1] == pytest.approx(6.0, abs=1e-6)


def test_the_extension_leaves_the_base_as_it_is() -> None:
    program = build_program(newsvendor(0.2))
    before = (program.rows.columns, program.rows.count, len(program.rows.entries), sorted(program.rows.names))
    tail = with_tail(program, 0.9)
    after = (program.rows.columns, program.rows.count, len(program.rows.entries), sorted(program.rows.names))
    assert before == after
    assert tail.program.rows.columns == program.rows.columns + 2 + 3
    assert tail.program.rows.count == program.rows.count + 3


def test_weight_zero_is_the_plan_and_a_whole_tail_is_the_mean_and_a_thin_one_the_worst_future() -> None:
    case = newsvendor(0.2)
    plan = path_value_usd(case)
    assert plan == pytest.approx(14.0, abs=1e-6)
    assert tail_of(case, 0.9).solve(0.0).expected_npv_usd == pytest.approx(plan, abs=1e-9)
    assert tail_of(case, 0.0).solve(1.0).expected_npv_usd == pytest.approx(plan, abs=1e-9)
    thin = tail_of(case, 0.999).solve(1.0)
    assert thin.leaf_npv_usd.min() == pytest.approx(8.0, abs=1e-6)  # max over q of min(q, 10) - 0.2 q


def test_foresight_and_the_mean_of_the_newsvendor() -> None:
    """Cost 0.2: knowing is worth 16 - 14; the mean, 20, is ordered for 4 and sells 17 of them."""
    case = newsvendor(0.2)
    assert wait_and_see_usd(case) == pytest.approx(0.8 * WANTED, abs=1e-6)
    assert CHANCE @ wait_and_see_usd(case) - path_value_usd(case) == pytest.approx(2.0, abs=1e-6)
    solver = Solver(build_program(case))
    solver.solve(solver.program.upper)
    mean = mean_plan(solver, trunk_quarters(case))
    assert mean.promised_usd == pytest.approx(16.0, abs=1e-6)
    assert mean.worth_usd == pytest.approx(13.0, abs=1e-6)
    again = solver.value_usd(solver.solve(solver.program.upper))
    assert again == pytest.approx(14.0, abs=1e-6), "the bounds of the mean plan are taken back"


def own_or_rent() -> PlanCase:
    """Own a chip ordered a quarter before at 0.5, or rent it when wanted at 0.8; 1000 tokens or none are wanted."""
    tree = fx.tree_of(2, [1], [0.5, 0.5])
    chips = replace(fx.bare_case(tree).chips, lead_quarters=np.ones(1, int), life_quarters=np.ones(1, int))
    return fx.bare_case(
        tree,
        sites=1,
        halls=fx.some_halls(1, 2),
        pools=fx.some_pools(1, 2, price_usd=np.array([0.5])),
        rents=fx.some_rents(1, 2, price_usd_per_quarter=np.array([0.8])),
        chips=chips,
        market=fx.wants(3, np.array([0.0, 1000.0, 0.0]), 1.0),
    )


def test_own_or_rent_under_an_uncertain_want() -> None:
    """Plan: rent, 0.5 x 200. Foresight: own, 0.5 x 500. The mean owns 500: 0.5 x (500 + 100) - 250."""
    case = own_or_rent()
    assert path_value_usd(case) == pytest.approx(100.0, abs=1e-6)
    assert wait_and_see_usd(case) == pytest.approx([500.0, 0.0], abs=1e-6)
    solver = Solver(build_program(case))
    solver.solve(solver.program.upper)
    mean = mean_plan(solver, 1)
    assert mean.promised_usd == pytest.approx(250.0, abs=1e-6)
    assert mean.worth_usd == pytest.approx(50.0, abs=1e-6)


def test_a_mean_plan_that_no_future_can_pay_for_is_said_to_break_a_limit() -> None:
    """Chips cost 1 on the mean and 1.5 in one future, where the budget does not pay for those of the mean."""
    tree = fx.tree_of(2, [1], [0.5, 0.5])
    market = replace(fx.wants(3, np.array([0.0, 10.0, 10.0]), 5.0), gpu_price_factor=np.array([1.0, 1.5, 0.5]))
    pools = fx.some_pools(1, 2, price_usd=np.array([1.0]))
    case = fx.bare_case(tree, sites=1, halls=fx.some_halls(1, 2), pools=pools, market=market)
    case = replace(case, limits=replace(case.limits, budget_usd=np.full(case.n_quarters, 10.0)))
    solver = Solver(build_program(case))
    value = solver.value_usd(solver.solve(solver.program.upper))
    assert np.isnan(mean_plan(solver, 2).worth_usd)
    assert solver.value_usd(solver.solve(solver.program.upper)) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("level_frac", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("cost_usd", [0.2, 0.35, 0.7])
def test_least_regret_of_the_newsvendor_balances_the_two_ends(cost_usd: float, level_frac: float) -> None:
    """c (q - 10) = (1 - c)(30 - q), so q = 30 (1 - c) + 10 c and the regret is 20 c (1 - c)."""
    tail = tail_of(newsvendor(cost_usd), level_frac)
    tail.solve(0.0)
    point = tail.least_regret((1 - cost_usd) * WANTED)
    assert point.largest_regret_usd == pytest.approx(20 * cost_usd * (1 - cost_usd), abs=1e-6)
    assert ordered(tail, point) == pytest.approx(30 - 20 * cost_usd, abs=1e-5)
    assert ((1 - cost_usd) * WANTED - point.leaf_npv_usd).max() == pytest.approx(point.largest_regret_usd, abs=1e-6)
    back = tail.solve(0.0)
    assert back.expected_npv_usd == pytest.approx(path_value_usd(newsvendor(cost_usd)), abs=1e-6)


def test_least_regret_is_found_where_the_mean_gains_a_thousand_times_what_it_loses() -> None:
    """At a cost of 0.0008 and a chance of 0.99 of the largest want, a weight of 0.999 alone would order 30."""
    tail = tail_of(newsvendor(0.0008, np.array([0.005, 0.005, 0.99])), 0.9)
    tail.solve(0.0)
    point = tail.least_regret((1 - 0.0008) * WANTED)
    assert ordered(tail, point) == pytest.approx(30 - 20 * 0.0008, abs=1e-3)
    assert point.largest_regret_usd == pytest.approx(20 * 0.0008 * (1 - 0.0008), abs=1e-6)


def invest(up: float, down: float, now_usd: float, rate: float = 0.2) -> PlanCase:
    """Build one MW for 100 now or a quarter later, when the future is known; branches last two quarters."""
    tree = fx.tree_of(3, [1], [0.5, 0.5])
    per_mw = np.where(tree.quarter == 0, now_usd, np.where(tree.label == 0, up, down))
    return fx.bare_case(
        tree,
        sites=1,
        halls=fx.some_halls(1, 3, is_owned=np.array([True]), capex_usd_per_mw=np.array([100.0])),
        pools=fx.some_pools(1, 3),
        market=fx.wants(tree.n_nodes, 1000.0, per_mw / 1000.0),
        discount_frac_per_year=rate,
    )


@pytest.mark.parametrize(("up", "down", "now_usd"), [(90.0, 5.0, 10.0), (90.0, 45.0, 30.0), (60.0, 0.0, 10.0)])
def test_the_right_to_build_later_is_the_plan_less_now_or_never(up: float, down: float, now_usd: float) -> None:
    case, d = invest(up, down, now_usd), 1.2**-0.25
    now = max(0.0, -100 + now_usd + (d + d * d) * (up + down) / 2)
    later = sum(0.5 * max(0.0, d * (-100 + v + d * v)) for v in (up, down))
    solver = Solver(build_program(case))
    plan = solver.value_usd(solver.solve(solver.program.upper))
    never = solver.value_usd(solver.solve(now_or_never_bounds(solver.program, trunk_quarters(case))))
    assert never == pytest.approx(now, abs=1e-6)
    assert plan - never == pytest.approx(max(now, later) - now, abs=1e-6)


def test_now_or_never_closes_contracts_but_not_cloud_by_the_quarter() -> None:
    """A contract at 1 USD and cloud at 2 USD a quarter for 10 tokens of 5 USD, wanted from the second quarter on."""
    tree = fx.tree_of(3, [1], [0.5, 0.5])
    rents = fx.some_rents(
        2, 3, price_usd_per_quarter=np.array([1.0, 2.0]), is_cloud=np.array([False, True]),
    )  # fmt: skip
    case = fx.bare_case(tree, rents=rents, market=fx.wants(5, np.where(tree.quarter > 0, 10.0, 0.0), 5.0))
    solver = Solver(build_program(case))
    assert solver.value_usd(solver.solve(solver.program.upper)) == pytest.approx(2 * 10 * 4.0, abs=1e-6)
    never = solver.value_usd(solver.solve(now_or_never_bounds(solver.program, 1)))
    assert never == pytest.approx(2 * 10 * 3.0, abs=1e-6)


def test_an_option_ends_where_no_later_start_pays_and_is_worth_what_replaces_it() -> None:
    """Two owned halls of 100 and 130 USD/MW; waiting for the good future pays, the dearer hall is the spare one."""
    case, d = invest(90.0, 5.0, 10.0), 1.2**-0.25
    zero = np.zeros(2, int)
    halls = fx.some_halls(2, 3, site=zero, is_owned=zero == 0, capex_usd_per_mw=np.array([100.0, 130.0]))
    solver = Solver(build_program(replace(case, halls=halls)))
    solution = solver.solve(solver.program.upper)
    cheap, dear = option_expiry(solver, solution.x, solver.value_usd(solution))
    assert cheap.worth_usd == pytest.approx(0.5 * d * 30.0, abs=1e-6)
    assert cheap.last_quarter == 1
    assert (dear.worth_usd, dear.last_quarter) == (0.0, -1)


def test_an_option_that_another_quarter_replaces_ends_earlier_than_the_last_start() -> None:
    """On one path without discounting all quarters of a start that no want needs yet are alike."""
    tree = fx.tree_of(4, [], [1.0])
    case = fx.bare_case(
        tree,
        sites=1,
        halls=fx.some_halls(1, 4, is_owned=np.array([True]), capex_usd_per_mw=np.array([50.0])),
        pools=fx.some_pools(1, 4),
        market=fx.wants(4, np.array([0.0, 0.0, 1000.0, 1000.0]), 0.1),
    )
    solver = Solver(build_program(case))
    solution = solver.solve(solver.program.upper)
    value = solver.value_usd(solution)
    (option,) = option_expiry(solver, solution.x, value)
    assert value == pytest.approx(150.0, abs=1e-6)
    assert option.worth_usd == pytest.approx(150.0, abs=1e-6)
    assert option.last_quarter == 0  # open in quarter 0 alone is as good as open for ever


def test_building_in_pieces_saves_the_interest_on_the_second_piece() -> None:
    """One MW is wanted from the start, two from quarter 2: in one block the second is paid two quarters early."""
    tree, d = fx.tree_of(4, [], [1.0]), 1.2**-0.25
    case = fx.bare_case(
        tree,
        sites=1,
        halls=fx.some_halls(1, 4, is_owned=np.array([True]), capex_usd_per_mw=np.array([100.0])),
        pools=fx.some_pools(1, 4),
        market=fx.wants(4, np.array([1000.0, 1000.0, 2000.0, 2000.0]), 0.5),
        discount_frac_per_year=0.2,
    )
    solver = Solver(build_program(case))
    solution = solver.solve(solver.program.upper)
    block = block_plan(solver, solution.x)
    assert block.quarters.tolist() == [0]
    assert solver.value_usd(solution) - block.value_usd == pytest.approx(100 * (1 - d**2), abs=1e-6)


def test_the_search_for_one_quarter_leaves_the_quarter_of_the_largest_start() -> None:
    """One MW now and 1.2 MW later: the larger start is the later one, but the block belongs to the first quarter."""
    tree, d = fx.tree_of(8, [], [1.0]), 1.2**-0.25
    case = fx.bare_case(
        tree,
        sites=1,
        halls=fx.some_halls(1, 8, is_owned=np.array([True]), capex_usd_per_mw=np.array([100.0])),
        pools=fx.some_pools(1, 8),
        market=fx.wants(8, np.array([1000.0] * 2 + [2200.0] * 6), 0.5),
        discount_frac_per_year=0.2,
    )
    solver = Solver(build_program(case))
    solution = solver.solve(solver.program.upper)
    assert np.argmax(solution.x[solver.program.columns.hall_start[:, 0]]) == 2
    block = block_plan(solver, solution.x)
    assert block.quarters.tolist() == [0]
    assert solver.value_usd(solution) - block.value_usd == pytest.approx(120 * (1 - d**2), abs=1e-6)


def test_a_history_and_the_mean_are_cut_out_of_the_tree() -> None:
    tree = fx.tree_of(4, [1, 2], [0.25, 0.75], keep=0.5)
    rng = np.random.default_rng(7)
    market = replace(fx.wants(tree.n_nodes), rent_factor=rng.uniform(size=tree.n_nodes))
    case = fx.bare_case(tree, market=market)
    assert trunk_quarters(case) == 1
    for leaf, node in enumerate(case.leaves):
        alone = leaf_case(case, leaf)
        assert alone.parent.tolist() == [-1, 0, 1, 2]
        assert alone.market.rent_factor[-1] == market.rent_factor[node]
        assert alone.market.rent_factor[0] == market.rent_factor[0]
    mean = mean_case(case).market
    for quarter in range(4):
        here = case.quarter == quarter
        assert mean.rent_factor[quarter] == pytest.approx(case.probability[here] @ market.rent_factor[here])
    assert mean.free_tok.shape == (4, 1) and mean.peak_to_mean_factor == 1.0


def test_the_mean_of_the_histories_is_the_objective() -> None:
    program = build_program(newsvendor(0.35))
    money = leaf_money(program)
    assert CHANCE @ money.matrix.toarray() == pytest.approx(program.gain, abs=1e-12)
    assert CHANCE @ money.fixed_usd == pytest.approx(program.constant, abs=1e-12)


@pytest.mark.parametrize("level_frac", [-0.1, 1.0])
def test_a_level_out_of_range_is_refused(level_frac: float) -> None:
    with pytest.raises(ValueError, match="level_frac is"):
        tail_of(newsvendor(0.2), level_frac)


def test_a_weight_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="weight_frac is 1"):
        tail_of(newsvendor(0.2), 0.5).solve(1.5)


def test_a_simplex_run_that_rounding_stops_is_done_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    solver = Solver(build_program(newsvendor(0.2)))
    first = solver.value_usd(solver.solve(solver.program.upper))
    plain, asked = Model.solve, []

    def stopped(model: Model, options: SolveOptions) -> Solution:
        asked.append(options.solver)
        found = plain(model, options)
        return replace(found, status="unknown") if options.solver == "simplex" else found

    monkeypatch.setattr(Model, "solve", stopped)
    assert solver.value_usd(solver.solve(solver.program.upper)) == pytest.approx(first, abs=1e-9)
    assert asked == ["simplex", "ipm"]


def test_a_thin_tail_keeps_its_costs_near_one() -> None:
    tail = with_weight(with_tail(build_program(newsvendor(0.2)), 0.99), 1.0)
    solver = Solver(tail.program)
    scaled = tail.program.gain[tail.short] * solver.column_unit[tail.short] / tail.program.usd_unit
    assert scaled == pytest.approx(-CHANCE)


def test_weights_of_the_frontier_stay_under_one() -> None:
    assert frontier_weights(3).tolist() == [0.0, 0.5, 0.999]
    assert frontier_weights(1).tolist() == [0.0]
    assert frontier_weights(0).tolist() == []
