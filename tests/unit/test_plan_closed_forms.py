"""The plan programme against answers that can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import plan_fixtures as fx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kiban.plan.case import CommittedHall, PlanCase
from kiban.plan.lp import Solution, Solver
from kiban.plan.program import Program, build_program


def solve(case: PlanCase) -> tuple[float, Program, Solution]:
    """Value of the plan in USD, with its programme and solution."""
    program = build_program(case)
    solution = Solver(program).solve(program.upper)
    return float(program.gain @ solution.x + program.constant), program, solution


def path(quarters: int):  # type: ignore[no-untyped-def]
    """One future."""
    return fx.tree_of(quarters, [], [1.0])


@pytest.mark.parametrize(("cost_usd", "best"), [(0.9, 10.0), (0.65, 20.0), (0.35, 20.0), (0.2, 30.0)])
def test_newsvendor_orders_at_the_critical_ratio(cost_usd: float, best: float) -> None:
    tree = fx.tree_of(2, [1], [0.3, 0.4, 0.3])
    tok = np.concatenate([[0.0], [10.0, 20.0, 30.0]])
    chips = replace(fx.bare_case(tree).chips, lead_quarters=np.ones(1, int), life_quarters=np.ones(1, int))
    case = fx.bare_case(
        tree,
        sites=1,
        halls=fx.some_halls(1, 2),
        pools=fx.some_pools(1, 2, price_usd=np.array([cost_usd])),
        chips=chips,
        market=fx.wants(4, tok, 1.0),
    )
    value, program, solution = solve(case)
    sold = np.minimum(tok[1:], best) @ np.array([0.3, 0.4, 0.3])
    assert solution.x[program.columns.buy[0, 0]] == pytest.approx(best, abs=1e-6)
    assert value == pytest.approx(sold - cost_usd * best, abs=1e-6)


@pytest.mark.parametrize("rate", [0.0, 0.12])
@pytest.mark.parametrize("tilt", [0.99, 1.01])
def test_lease_and_own_change_places_at_the_break_even_rent(rate: float, tilt: float) -> None:
    quarters, capex = 8, 1000.0
    factor = (1 + rate) ** (-np.arange(quarters) / 4)
    even = capex / factor.sum()
    tree = path(quarters)
    case = fx.bare_case(
        tree,
        sites=1,
        halls=fx.some_halls(
            2, quarters, is_owned=np.array([True, False]), capex_usd_per_mw=np.array([capex, 0.0]),
            rent_usd_per_mw_quarter=np.array([0.0, even * tilt]), term_quarters=np.array([80, quarters]),
        ),
        pools=fx.some_pools(1, quarters),
        market=fx.wants(quarters, 5000.0, 1.0),
        discount_frac_per_year=rate,
    )  # fmt: skip
    value, program, solution = solve(case)
    start = solution.x[program.columns.hall_start].sum(axis=0)
    assert start == pytest.approx([0.0, 5.0] if tilt < 1 else [5.0, 0.0], abs=1e-6)
    assert value == pytest.approx(5000 * factor.sum() - 5 * capex * min(tilt, 1.0), abs=1e-6)


@pytest.mark.parametrize(("up", "down", "now_usd"), [(90.0, 5.0, 10.0), (60.0, 45.0, 30.0), (60.0, 0.0, 10.0)])
def test_waiting_is_chosen_when_the_option_is_worth_more(up: float, down: float, now_usd: float) -> None:
    """Build one MW now, or wait a quarter until the future is known; branches last two quarters."""
    p, invest, rate = 0.5, 100.0, 0.2
    d = (1 + rate) ** -0.25
    tree = fx.tree_of(3, [1], [p, 1 - p])
    per_mw = np.where(tree.quarter == 0, now_usd, np.where(tree.label == 0, up, down))
    case = fx.bare_case(
        tree,
        sites=1,
        halls=fx.some_halls(1, 3, is_owned=np.array([True]), capex_usd_per_mw=np.array([invest])),
        pools=fx.some_pools(1, 3),
        market=fx.wants(tree.n_nodes, 1000.0, per_mw / 1000.0),
        discount_frac_per_year=rate,
    )
    value, program, solution = solve(case)
    mean = p * up + (1 - p) * down
    now = -invest + now_usd + d * mean + d**2 * mean
    later = {n: chance * max(0.0, -invest * d + v * d + v * d**2) for n, chance, v in ((0, p, up), (1, 1 - p, down))}
    assert value == pytest.approx(max(now, sum(later.values()), 0.0), abs=1e-6)
    built = solution.x[program.columns.hall_start[0, 0]]
    assert built == pytest.approx(1.0 if now > sum(later.values()) else 0.0, abs=1e-6)


def test_a_rent_signed_early_keeps_its_price() -> None:
    tree = path(3)
    market = replace(fx.wants(3, np.array([10.0, 10.0, 10.0]), 100.0), rent_factor=np.array([1.0, 3.0, 2.0]))
    rents = fx.some_rents(
        2, 3, price_usd_per_quarter=np.array([1.0, 1.2]), term_quarters=np.array([1, 3]),
        is_cloud=np.array([True, False]),
    )  # fmt: skip
    value, program, solution = solve(fx.bare_case(tree, rents=rents, market=market))
    assert value == pytest.approx(3000 - 10 * 1.2 * 3, abs=1e-6)
    assert solution.x[program.columns.sign[0]] == pytest.approx([0.0, 10.0], abs=1e-6)


def test_a_flat_nominal_rent_falls_in_real_money() -> None:
    tree = path(8)
    rents = fx.some_rents(1, 8, price_usd_per_quarter=np.array([2.0]), term_quarters=np.array([8]))
    open_ = np.zeros((1, 8), bool)
    open_[0, 0] = True
    case = fx.bare_case(tree, rents=replace(rents, open=open_), market=fx.wants(8, 10.0, 5.0))
    value, _, _ = solve(replace(case, inflation_frac_per_year=0.04))
    assert value == pytest.approx(400 - 20 * (1.04 ** (-np.arange(8) / 4)).sum(), abs=1e-6)


def test_take_or_pay_and_prepayment_add_up_to_the_contract() -> None:
    """Ten accelerators for three quarters, wanted in two of them; 80 % is due in any case."""
    tree = path(3)
    rents = fx.some_rents(
        1, 3, price_usd_per_quarter=np.array([2.0]), term_quarters=np.array([3]), take_or_pay_frac=np.array([0.8]),
        prepaid_frac=np.array([0.25]), is_cloud=np.array([False]),
    )  # fmt: skip
    case = fx.bare_case(tree, rents=rents, market=fx.wants(3, np.array([10.0, 0.0, 10.0]), 50.0))
    value, program, solution = solve(case)
    assert value == pytest.approx(1000 - 10 * 2.0 * (3 * 0.8 + 2 * 0.2), abs=1e-6)
    upfront = solution.x[program.columns.upfront]
    assert upfront == pytest.approx([10 * 2.0 * 0.8 * 0.25 * 3] * 3, abs=1e-6)


def test_a_lease_beyond_the_horizon_leaves_its_unlet_rent() -> None:
    tree = path(4)
    halls = fx.some_halls(1, 4, rent_usd_per_mw_quarter=np.array([7.0]), term_quarters=np.array([10]))
    case = fx.bare_case(
        tree, sites=1, halls=halls, pools=fx.some_pools(1, 4), market=fx.wants(4, 1000.0, 1.0), hall_relet_frac=0.75
    )
    value, _, _ = solve(case)
    assert value == pytest.approx(4000 - 4 * 7.0 - 6 * 7.0 * 0.25, abs=1e-6)


def test_an_owned_shell_is_worth_its_recoverable_part_at_the_end() -> None:
    tree = path(4)
    halls = fx.some_halls(
        1, 4, is_owned=np.array([True]), capex_usd_per_mw=np.array([80.0]), recoverable_usd_per_mw=np.array([60.0]),
        term_quarters=np.array([16]),
    )  # fmt: skip
    case = fx.bare_case(tree, sites=1, halls=halls, pools=fx.some_pools(1, 4), market=fx.wants(4, 1000.0, 1.0))
    assert solve(case)[0] == pytest.approx(4000 - 80 + 60 * (1 - 4 / 16), abs=1e-6)


def test_lead_times_are_kept() -> None:
    """Hall two quarters, silicon one: power and chips meet in quarter 2 and serve from then on."""
    tree = path(6)
    chips = replace(fx.bare_case(tree).chips, lead_quarters=np.ones(1, int))
    owned = {"capex_usd_per_mw": np.array([10.0]), "is_owned": np.array([True])}
    halls = fx.some_halls(1, 6, lead_quarters=np.array([2]), **owned)
    pools = fx.some_pools(1, 6, price_usd=np.array([0.01]))
    case = fx.bare_case(tree, sites=1, halls=halls, pools=pools, chips=chips, market=fx.wants(6, 1000.0, 1.0))
    value, program, solution = solve(case)
    assert value == pytest.approx(4 * 1000 - 10 - 10, abs=1e-6)
    assert solution.x[program.columns.free] == pytest.approx([0, 0, 1000, 1000, 1000, 1000], abs=1e-6)
    bought = solution.x[program.columns.buy[:, 0]]
    assert bought[:2].sum() == pytest.approx(1000, abs=1e-6)


def test_silicon_lives_out_and_is_bought_again() -> None:
    tree = path(5)
    chips = replace(fx.bare_case(tree).chips, life_quarters=np.array([2]))
    pools = fx.some_pools(1, 5, price_usd=np.array([0.5]))
    case = fx.bare_case(
        tree, sites=1, halls=fx.some_halls(1, 5), pools=pools, chips=chips, market=fx.wants(5, 100.0, 1.0)
    )
    value, program, solution = solve(case)
    assert solution.x[program.columns.buy].sum() == pytest.approx(300, abs=1e-6)
    assert value == pytest.approx(500 - 150, abs=1e-6)


def test_retired_silicon_does_not_come_back() -> None:
    """A hall lease ends in quarter 1 and another begins in quarter 2: the chips of the first are gone."""
    tree = path(3)
    open_ = np.array([[True, False, True]])
    halls = fx.some_halls(1, 3, term_quarters=np.array([1]), open=open_)
    pools = fx.some_pools(1, 3, price_usd=np.array([0.1]))
    case = fx.bare_case(tree, sites=1, halls=halls, pools=pools, market=fx.wants(3, 1000.0, 1.0))
    value, _, _ = solve(case)
    assert value == pytest.approx(2000 - 2 * 100, abs=1e-6)


def test_budget_binds_and_its_dual_is_the_margin() -> None:
    tree = path(2)
    pools = fx.some_pools(1, 2, price_usd=np.array([1.0]))
    case = fx.bare_case(tree, sites=1, halls=fx.some_halls(1, 2), pools=pools, market=fx.wants(2, 1000.0, 2.0))
    case = replace(case, limits=replace(case.limits, budget_usd=np.full(2, 300.0)))
    value, program, solution = solve(case)
    assert value == pytest.approx(300 * 4 - 300, abs=1e-6)
    assert solution.column_usd[program.columns.upfront].sum() == pytest.approx(3.0, abs=1e-6)


def test_an_empty_hall_is_let_to_others_once_a_tenant_can_move_in() -> None:
    """Ten MW signed before the horizon, no silicon: let at 3 USD, in a slack market at the lower price."""
    tree = path(4)
    chips = replace(fx.bare_case(tree).chips, lead_quarters=np.ones(1, int))
    halls = fx.some_halls(1, 4, open=np.zeros((1, 4), bool), rent_usd_per_mw_quarter=np.array([4.0]))
    market = replace(fx.wants(4), rent_factor=np.array([1.0, 1.2, 0.5, 1.0]))
    case = fx.bare_case(
        tree, sites=1, halls=halls, pools=fx.some_pools(1, 4), chips=chips, market=market,
        committed_halls=(CommittedHall(0, 0, 10.0),), area_sublet_usd_per_mw_quarter=np.array([3.0]),
    )  # fmt: skip
    value, program, solution = solve(case)
    assert solution.x[program.columns.sublet[:, 0]] == pytest.approx([0, 10, 10, 10], abs=1e-6)
    assert value == pytest.approx(-10 * 4 * 4 + 10 * 3 * (1 + 0.5 + 1), abs=1e-6)


@pytest.mark.parametrize(("second_usd", "sell_at"), [(3.0, 0), (0.2, 4)])
def test_silicon_is_sold_when_its_work_is_worth_less_than_its_price(second_usd: float, sell_at: int) -> None:
    """Bought at 10, resale 100, 60, 20 % after 0, 1, 2 years; it earns 9 in the first year and then less."""
    quarters = 12
    tree = path(quarters)
    earns = np.where(np.arange(quarters) < 4, 9 / 4, second_usd / 4)
    pools = fx.some_pools(
        1, quarters, price_usd=np.array([10.0]), resale_usd=np.array([10.0]), open=np.arange(quarters)[None, :] == 0
    )
    case = fx.bare_case(
        tree, sites=1, halls=fx.some_halls(1, quarters), pools=pools, market=fx.wants(quarters, 1.0, earns),
        resale_frac_by_year=np.array([1.0, 0.6, 0.2]),
    )  # fmt: skip
    # Kept to the end (three years) the chip is worth 20 %; sold after q quarters it brings the curve less those 20 %.
    by_quarter = [
        earns[: q or None].sum() + (10 * np.interp(q / 4, [0, 1, 2], [1.0, 0.6, 0.2]) if q else 2.0)
        for q in range(quarters)
    ]
    value, program, solution = solve(case)
    assert value == pytest.approx(max(by_quarter) - 10, abs=1e-6)
    sold = solution.x[program.columns.sold[:, 0]]
    assert int(np.argmax(by_quarter)) == sell_at
    assert sold == pytest.approx(np.eye(quarters)[sell_at] if sell_at else np.zeros(quarters), abs=1e-6)


@pytest.mark.parametrize("again", [4, 8])
@pytest.mark.parametrize("curve", [(1.0, 0.6, 0.55, 0.1), (1.0, 0.7, 0.5, 0.4)])
def test_silicon_is_replaced_where_two_lives_cost_less_than_one(again: int, curve: tuple[float, ...]) -> None:
    """One chip for three years, or a second one bought at `again`; work is worth the same in every quarter but the one
    before `again`, in which the first is sold.

    The economic life has the least purchase less resale over the horizon (equivalent annual cost at no interest).
    """
    quarters, price = 12, 10.0
    tree = path(quarters)
    chips = replace(fx.bare_case(tree).chips, life_quarters=np.array([100]))
    opens = np.isin(np.arange(quarters), [0, again])[None, :]
    pools = fx.some_pools(1, quarters, price_usd=np.array([price]), resale_usd=np.array([price]), open=opens)
    case = fx.bare_case(
        tree, sites=1, halls=fx.some_halls(1, quarters), pools=pools, chips=chips,
        market=fx.wants(quarters, np.where(np.arange(quarters) == again - 1, 0.0, 1.0), 100.0),
        resale_frac_by_year=np.array(curve),
    )  # fmt: skip
    value, program, solution = solve(case)
    sold, end = (float(np.interp(q / 4, range(4), curve)) for q in (again - 1, quarters - again))
    one, two = price * (1 - curve[3]), price * (1 - sold) + price * (1 - end)
    assert value == pytest.approx(100.0 * (quarters - 1) - min(one, two), abs=1e-6)
    assert solution.x[program.columns.sold].sum() == pytest.approx(1.0 if two < one else 0.0, abs=1e-6)


def test_money_that_comes_in_later_waits() -> None:
    tree = path(3)
    pools = fx.some_pools(1, 3, price_usd=np.array([1.0]))
    case = fx.bare_case(tree, sites=1, halls=fx.some_halls(1, 3), pools=pools, market=fx.wants(3, 1000.0, 2.0))
    case = replace(case, limits=replace(case.limits, budget_usd=np.array([100.0, 100.0, 300.0])))
    value, program, solution = solve(case)
    assert solution.x[program.columns.buy[:, 0]] == pytest.approx([100, 0, 200], abs=1e-6)
    assert value == pytest.approx(100 * 6 + 200 * 2 - 300, abs=1e-6)


def test_no_supplier_holds_more_than_its_share() -> None:
    """Type 1 costs twice as much but may not be left out: each supplier holds at most 60 % of the fleet."""
    tree = path(2)
    chips = fx.bare_case(tree).chips
    two = replace(
        chips, names=("a", "b"), lead_quarters=np.zeros(2, int), life_quarters=np.full(2, 1000),
        **{k: np.ones(2) for k in (
            "it_kw", "training_flop_per_quarter", "inference_tok_per_quarter", "training_power_frac",
            "inference_power_frac",
        )},
    )  # fmt: skip
    pools = fx.some_pools(2, 2, chip=np.arange(2), price_usd=np.array([1.0, 2.0]))
    case = fx.bare_case(
        tree, sites=1, halls=fx.some_halls(1, 2), pools=pools, chips=two, market=fx.wants(2, 1000.0, 5.0)
    )
    case = replace(case, limits=replace(case.limits, supplier=np.arange(2), supplier_max_frac=0.6))
    value, program, solution = solve(case)
    assert solution.x[program.columns.buy[0]] == pytest.approx([600, 400], abs=1e-6)
    assert value == pytest.approx(10_000 - 600 - 800, abs=1e-6)


@pytest.mark.parametrize(("module", "expected"), [(2.0, 4.0), (3.0, 3.0), (5.0, 5.0)])
def test_whole_modules_are_bought_at_the_margin(module: float, expected: float) -> None:
    """Four MW are wanted: 1 MW in use earns 29 a quarter less 10 of rent, an empty one costs 10."""
    tree = path(2)
    halls = fx.some_halls(
        1, 2, rent_usd_per_mw_quarter=np.array([10.0]), module_it_mw=np.array([module]), module_quarters=2,
        open=np.array([[True, False]]),
    )  # fmt: skip
    case = fx.bare_case(tree, sites=1, halls=halls, pools=fx.some_pools(1, 2), market=fx.wants(2, 4000.0, 0.029))
    value, program, solution = solve(case)
    built = solution.x[program.columns.hall_start[0, 0]]
    assert built == pytest.approx(expected, abs=1e-6)
    assert value == pytest.approx(2 * (29 * min(built, 4.0) - 10 * built), abs=1e-6)
    assert solution.module_gap_frac <= 1e-4


@settings(max_examples=20, deadline=None)
@given(
    budgets=st.tuples(st.floats(1.0, 1e4), st.floats(1.0, 1e4)),
    price=st.floats(0.2, 3.0),
    tok=st.lists(st.floats(0.0, 5e3), min_size=4, max_size=4),
)
@example(budgets=(1.0, 1.0), price=1.0, tok=[0.0, 0.0, 0.0, 1.2951751210790063e-295])
def test_more_budget_never_hurts_and_value_is_concave(
    budgets: tuple[float, float], price: float, tok: list[float]
) -> None:
    tree = fx.tree_of(2, [1], [0.2, 0.5, 0.3])
    case = fx.bare_case(
        tree,
        sites=1,
        halls=fx.some_halls(1, 2),
        pools=fx.some_pools(1, 2, price_usd=np.array([price])),
        market=fx.wants(4, np.array(tok), 1.0),
    )
    low, high = sorted(budgets)
    at = [
        solve(replace(case, limits=replace(case.limits, budget_usd=np.full(2, b))))[0]
        for b in (low, (low + high) / 2, high)
    ]
    size = 1e-6 * max(1.0, *map(abs, at))
    assert at[0] <= at[1] + size and at[1] <= at[2] + size
    assert at[1] >= (at[0] + at[2]) / 2 - size
