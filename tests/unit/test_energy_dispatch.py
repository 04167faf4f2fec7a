"""The dispatch programme of a whole year: closed forms, conservation, monotony, and words for what clashes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.energy.dispatch import (
    Battery,
    Case,
    Clean,
    DemandCharge,
    Flexible,
    Grid,
    Plant,
    Programme,
    Source,
    hourly_axis,
)
from kiban.energy.dispatch.programme import COLD
from kiban.solve import Infeasible, SolverError

YEAR = 8760


def flat(hours: int, mw: float, usd_per_mwh: float = 40.0, limit_mw: float = 1e3) -> Case:
    return Case(hourly_axis(hours), np.full(hours, mw), Grid(np.full(hours, usd_per_mwh), limit_mw))


def test_grid_only_is_price_times_load_plus_demand_charges() -> None:
    case = flat(YEAR, 10.0)
    load = case.load_mw.copy()
    load[100] = 16.0
    charges = (DemandCharge(1000.0, "month", name="monthly"), DemandCharge(500.0, "year", name="yearly"))
    assert case.grid is not None
    case = replace(case, load_mw=load, grid=replace(case.grid, adder_usd_per_mwh=5.0, charges=charges))
    answer = Programme(case).solve()
    assert answer.cost_usd_per_year == pytest.approx(45 * load.sum() + 1000 * (11 * 10 + 16) + 500 * 16)
    assert sum(answer.cost_items_usd_per_year.values()) == pytest.approx(answer.cost_usd_per_year)
    assert answer.connection_usd_per_mw_year == 0.0


def test_a_part_of_a_year_stands_for_all_of_its_demand_charges_too() -> None:
    case = flat(48, 10.0)
    assert case.grid is not None
    charges = (DemandCharge(100.0, "month", name="monthly"), DemandCharge(500.0, "year", name="yearly"))
    case = replace(case, grid=replace(case.grid, charges=charges))
    answer = Programme(case).solve()
    assert answer.cost_usd_per_year == pytest.approx(40 * 10 * YEAR + 12 * 100 * 10 + 500 * 10)
    assert sum(answer.cost_items_usd_per_year.values()) == pytest.approx(answer.cost_usd_per_year)


def test_gas_first_grid_later() -> None:
    """No connection in the first two quarters: the plant runs then and only then, and the worth of a MW is known."""
    limit = np.array([0.0, 0.0, 20.0, 20.0])
    case = replace(flat(YEAR, 10.0), plants=(Plant("turbine", 50_000.0, 70.0),))
    assert case.grid is not None
    case = replace(case, grid=replace(case.grid, import_limit_mw=limit))
    answer = Programme(case).solve()
    first = case.axis.quarter < 2
    assert answer.size_mw["turbine"] == pytest.approx(10.0)
    assert answer.cost_usd_per_year == pytest.approx(50_000 * 10 + 70 * 10 * first.sum() + 40 * 10 * (~first).sum())
    # Another MW in both quarters spares fuel less purchase in each hour, and a MW of turbine over the two together.
    spared = (70 - 40) * first.sum() + 50_000
    assert answer.connection_usd_per_mw[:2].sum() == pytest.approx(spared)
    assert answer.connection_usd_per_mw[2:] == pytest.approx([0.0, 0.0])


def test_annual_matching_buys_the_energy_and_no_more() -> None:
    hours = 48
    profile = np.tile([0.0, 0.5], hours // 2)
    case = flat(hours, 10.0, 30.0)
    assert case.grid is not None
    case = replace(
        case,
        grid=replace(case.grid, sale_usd_per_mwh=np.full(hours, 20.0)),
        sources=(Source("sun", profile, "grid", usd_per_mwh=50.0),),
    )
    answer = Programme(case).solve(Clean("annual", 1.0))
    assert answer.size_mw["sun"] == pytest.approx(40.0)
    # Half the load at 30, all of it at 50, half of it sold at 20.
    assert answer.mean_usd_per_mwh(case) == pytest.approx(0.5 * 30 + 50 - 0.5 * 20)
    assert (answer.contracted_frac, answer.clean_frac) == (pytest.approx(1.0), pytest.approx(0.5))
    capped = Clean("annual", 1.0, excess_max_frac=0.2)
    with pytest.raises(Infeasible, match="surplus of clean energy"):
        Programme(case).solve(capped)


def test_virtual_contract_settles_in_money_and_matches_what_is_bought() -> None:
    hours = 24
    price = np.linspace(20.0, 66.0, hours)
    made = np.where(np.arange(hours) < 12, 0.0, 1.0)
    case = replace(flat(hours, 10.0), sources=(Source("wind", made, "virtual", usd_per_mwh=60.0),))
    assert case.grid is not None
    case = replace(case, grid=replace(case.grid, price_usd_per_mwh=price))
    answer = Programme(case).solve(Clean("hourly", 0.5))
    w = case.axis.weight_h
    assert answer.size_mw["wind"] == pytest.approx(10.0)
    bill = float(w @ (10 * price)) + float(w @ (10 * made * (60 - price)))
    assert answer.cost_usd_per_year == pytest.approx(bill)
    assert answer.clean_frac == pytest.approx(0.5)


def test_the_score_counts_what_virtual_contracts_match_whatever_the_rule() -> None:
    """Under a yearly rule nothing asks the programme to fill its columns of hourly matches."""
    made = np.tile([0.0, 1.0], 12)
    case = replace(flat(24, 10.0), sources=(Source("wind", made, "virtual", usd_per_mwh=60.0),))
    for rule in ("annual", "monthly"):
        answer = Programme(case).solve(Clean(rule, 0.5))  # type: ignore[arg-type]
        assert answer.size_mw["wind"] == pytest.approx(10.0)
        assert answer.clean_frac == pytest.approx(0.5)
        assert answer.unclean_mw == pytest.approx(np.tile([10.0, 0.0], 12))


def test_the_least_clean_output_is_thrown_away_first() -> None:
    block = Source("block", np.ones(24), usd_per_mwh=1.0, clean_frac=0.0, mw_min=6.0, mw_max=6.0)
    wind = Source("wind", np.tile([0.0, 1.0], 12), usd_per_mwh=1.0, mw_min=10.0, mw_max=10.0)
    answer = Programme(replace(flat(24, 10.0), sources=(wind, block))).solve(Clean("hourly", 0.5))
    assert answer.thrown_mw["block"] == pytest.approx(np.tile([0.0, 6.0], 12))
    assert answer.thrown_mw["wind"] == pytest.approx(0.0)
    assert answer.flow_mw["curtailed"] == pytest.approx(answer.thrown_mw["block"])
    assert (answer.clean_frac, answer.contracted_frac) == (pytest.approx(0.5), pytest.approx(0.5))
    assert answer.balance_residual_mw < 1e-9


def test_grid_clean_share_counts_under_the_hourly_rule() -> None:
    case = flat(24, 10.0)
    assert case.grid is not None
    case = replace(case, grid=replace(case.grid, clean_frac=np.full(24, 0.6)))
    assert Programme(case).solve(Clean("hourly", 0.6)).clean_frac == pytest.approx(0.6)
    with pytest.raises(Infeasible, match="hourly rule"):
        Programme(case).solve(Clean("hourly", 0.7))


def test_a_cut_needs_its_notice() -> None:
    price = np.full(48, 30.0)
    price[20:24] = 1000.0
    base = flat(48, 10.0)
    assert base.grid is not None
    base = replace(base, grid=replace(base.grid, price_usd_per_mwh=price))
    at_once = replace(base, flexible=Flexible(0.4, 200.0))
    answer = Programme(at_once).solve()
    assert answer.flow_mw["cut"][20:24] == pytest.approx(4.0)
    assert answer.flow_mw["cut"].sum() == pytest.approx(16.0)
    slow = Programme(replace(base, flexible=Flexible(0.4, 200.0, notice_h=4.0))).solve()
    assert slow.flow_mw["cut"][17:24] == pytest.approx([1.0, 2.0, 3.0, 4.0, 4.0, 4.0, 4.0])
    few = Programme(replace(base, flexible=Flexible(0.4, 200.0, hours_max_per_year=YEAR / 48 * 2))).solve()
    assert few.flow_mw["cut"].sum() == pytest.approx(8.0)


def test_nothing_is_thrown_away_for_being_paid_to_take_it() -> None:
    case = flat(24, 10.0, -20.0)
    answer = Programme(replace(case, sources=(Source("wind", np.ones(24), "site", usd_per_mw_year=1.0),))).solve()
    assert answer.flow_mw["purchase"] == pytest.approx(10.0)
    assert answer.size_mw["wind"] == pytest.approx(0.0)


def test_an_outage_is_served_or_paid_for() -> None:
    down = np.zeros(24, dtype=bool)
    down[5:8] = True
    case = replace(flat(24, 10.0), unserved_usd_per_mwh=5000.0)
    assert case.grid is not None
    case = replace(case, grid=replace(case.grid, down=down))
    assert Programme(case).solve().flow_mw["unserved"][down] == pytest.approx(10.0)
    backup = Plant("diesel", 10.0, 300.0, hours_max_per_year=1500.0)
    answer = Programme(replace(case, plants=(backup,))).solve()
    assert answer.flow_mw["diesel"][down] == pytest.approx(10.0)
    assert answer.flow_mw["diesel"][~down] == pytest.approx(0.0)


def test_what_clashes_is_said() -> None:
    with pytest.raises(Infeasible) as caught:
        Programme(flat(24, 12.0, limit_mw=10.0)).solve()
    assert "what the connection brings" in str(caught.value)
    assert "at most 10 MW allowed, 12 MW needed" in str(caught.value)
    made_of_money = replace(flat(24, 10.0, 50.0), sources=(Source("wind", np.ones(24), usd_per_mwh=20.0),))
    assert made_of_money.grid is not None
    sold = replace(made_of_money, grid=replace(made_of_money.grid, sale_usd_per_mwh=np.full(24, 45.0)))
    with pytest.raises(SolverError, match=r"earns more than it costs.*wind"):
        Programme(sold).solve()


def test_bad_numbers_are_all_named() -> None:
    case = flat(24, 10.0)
    bad = replace(case, load_mw=np.full(23, 1.0), sources=(Source("sun", np.full(24, 80.0)),))
    with pytest.raises(ValueError, match=r"load: has shape \(23,\)(.|\n)*profile of sun: lies in 80"):
        Programme(bad)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    hours = 72
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    price = random.uniform(-10, 120, hours)
    sale = np.minimum(0.7 * np.maximum(price, 0), price) if draw(st.booleans()) else None
    at = draw(st.sampled_from(["site", "grid"]))
    sources = (
        Source("wind", random.uniform(0, 1, hours), at, usd_per_mw_year=250_000.0, mw_max=40.0),
        Source("sun", np.clip(np.sin(np.arange(hours) * np.pi / 12), 0, 1), "site", usd_per_mw_year=90_000.0),
    )
    limit = draw(st.floats(8.0, 30.0))
    return Case(
        hourly_axis(hours),
        random.uniform(5, 15, hours),
        Grid(price, limit, 3.0, sale, charges=(DemandCharge(2000.0),), clean_frac=random.uniform(0, 0.6, hours)),
        sources,
        (Plant("gas", 80_000.0, 60.0, ramp_frac_per_h=0.5),),
        Battery(30_000.0, 20_000.0, wear_usd_per_mwh=1.0, usable_frac=0.9, self_discharge_frac_per_h=0.001),
    )


@settings(max_examples=25, deadline=None)
@given(cases(), st.sampled_from(["none", "annual", "monthly", "hourly"]))
def test_energy_is_kept_and_storage_returns(case: Case, rule: str) -> None:
    answer = Programme(case).solve(Clean(rule, 0.6))  # type: ignore[arg-type]
    assert answer.balance_residual_mw < 1e-6
    b = case.battery
    assert b is not None
    flow, kept = answer.flow_mw, 1 - b.self_discharge_frac_per_h
    after = kept * np.roll(answer.state_mwh, 1) + b.charge_frac * flow["charge"] - flow["discharge"] / b.discharge_frac
    assert answer.state_mwh == pytest.approx(after, abs=1e-6)
    assert answer.state_mwh.max() <= b.usable_frac * answer.battery_mwh + 1e-6
    assert sum(answer.cost_items_usd_per_year.values()) == pytest.approx(answer.cost_usd_per_year, rel=1e-6)
    if rule == "hourly":
        assert answer.clean_frac >= 0.6 - 1e-6


@settings(max_examples=10, deadline=None)
@given(cases(), st.floats(1.2, 50.0))
def test_cost_scales_with_the_site_and_falls_with_the_limit(case: Case, factor: float) -> None:
    programme = Programme(case)
    cost = programme.solve(Clean("hourly", 0.5)).cost_usd_per_year
    assert case.grid is not None
    limit = float(case.grid.import_limit_mw)
    sources = tuple(replace(s, mw_max=s.mw_max * factor) for s in case.sources)
    big = replace(
        case,
        load_mw=case.load_mw * factor,
        grid=replace(case.grid, import_limit_mw=limit * factor),
        sources=sources,
    )
    assert Programme(big).solve(Clean("hourly", 0.5)).cost_usd_per_year == pytest.approx(cost * factor, rel=1e-6)
    programme.set_import_limit(limit * factor)
    wider = programme.solve(Clean("hourly", 0.5)).cost_usd_per_year
    assert wider <= cost + 1e-6 * abs(cost)
    assert programme.solve(Clean("hourly", 0.7)).cost_usd_per_year >= wider - 1e-6 * abs(wider)


def test_the_coarse_start_changes_the_way_and_not_the_answer() -> None:
    hours = 3024
    random = np.random.default_rng(5)
    t = np.arange(hours)
    case = Case(
        hourly_axis(hours),
        np.full(hours, 10.0),
        Grid(random.uniform(5, 90, hours), 12.0),
        (Source("sun", np.clip(np.sin(t * np.pi / 12), 0, 1), "site", usd_per_mw_year=60_000.0),),
        (),
        Battery(20_000.0, 12_000.0),
    )
    started = Programme(case).solve(Clean("hourly", 0.6))
    cold = Programme(case).solve(Clean("hourly", 0.6), COLD)
    assert started.cost_usd_per_year == pytest.approx(cold.cost_usd_per_year, rel=1e-9)
    assert started.iterations < cold.iterations


def test_several_years_cost_their_weighted_mean() -> None:
    hours = 2 * YEAR
    price = np.repeat([20.0, 60.0], YEAR)
    case = Case(hourly_axis(hours, np.array([3.0, 1.0])), np.full(hours, 1.0), Grid(price, 5.0))
    assert Programme(case).solve().mean_usd_per_mwh(case) == pytest.approx((3 * 20 + 60) / 4)
