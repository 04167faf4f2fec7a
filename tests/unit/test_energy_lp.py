"""The supply programme: balances, closed forms, duals and the order of matching rules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kiban.energy import model
from kiban.energy.lp import Costs, Dispatch, Series, SupplyModel
from kiban.energy.weeks import Periods
from kiban.solve import Infeasible

HOURS = 336
COSTS = Costs(
    grid_adder_usd_per_mwh=4.0,
    demand_usd_per_mw_year=70_000.0,
    import_limit_mw=1.4,
    wind_usd_per_mwh=55.0,
    solar_usd_per_mwh=60.0,
    battery_usd_per_mw_year=90_000.0,
    battery_usd_per_mwh_year=36_000.0,
    battery_one_way_frac=0.92,
    gas_usd_per_mw_year=225_000.0,
    gas_usd_per_mwh=47.0,
    contracted_max_frac=1.2,
    onsite_gas=False,
)


def _periods(hours: int = HOURS, period: int = 168) -> Periods:
    steps = np.arange(hours)
    previous = np.where(steps % period == 0, steps + period - 1, steps - 1)
    month = (steps * 12 // hours).astype(np.int64)
    return Periods(steps, np.full(hours, 8760 / hours), month, previous, np.arange(8760) % hours)


def _series(seed: int = 7, hours: int = HOURS) -> Series:
    random = np.random.default_rng(seed)
    clock = np.arange(hours) % 24
    price = 35 * np.exp(0.5 * random.standard_normal(hours)) * (1 + 0.3 * np.sin(2 * np.pi * (clock - 12) / 24))
    wind = np.clip(0.4 + 0.35 * np.sin(2 * np.pi * np.arange(hours) / 61) + 0.1 * random.standard_normal(hours), 0, 1)
    return Series(
        load_mw=0.9 + 0.05 * np.cos(2 * np.pi * (clock - 15) / 24),
        price_usd_per_mwh=price,
        sale_usd_per_mwh=0.85 * price,
        wind_frac=wind,
        solar_frac=np.clip(np.sin(2 * np.pi * (clock - 6) / 24), 0, 1) * 0.8,
    )


@pytest.fixture(scope="module")
def programme() -> SupplyModel:
    return SupplyModel(_series(), _periods(), COSTS)


@pytest.fixture(scope="module")
def hourly(programme: SupplyModel) -> Dispatch:
    return programme.solve("hourly", 0.85)


def test_energy_balance_and_cyclic_storage(programme: SupplyModel, hourly: Dispatch) -> None:
    load = programme.series.load_mw
    assert model.balance_residual(hourly, load) < 1e-9
    assert model.state_residual(hourly, load, programme.periods, COSTS.battery_one_way_frac) < 1e-9
    assert hourly.storage_mwh > 0.1
    lost = hourly.charge_mw.sum() * COSTS.battery_one_way_frac - hourly.discharge_mw.sum() / COSTS.battery_one_way_frac
    assert abs(lost) < 1e-7
    assert hourly.state_mwh.max() <= hourly.storage_mwh + 1e-9


def test_only_contracted_output_is_sold_or_thrown_away(hourly: Dispatch) -> None:
    made = hourly.flow_mw[model.WIND] + hourly.flow_mw[model.SOLAR]
    assert np.all(-hourly.flow_mw[model.SOLD] - hourly.flow_mw[model.CURTAILED] <= made + 1e-8)


def test_cost_is_the_sum_of_its_bills(programme: SupplyModel, hourly: Dispatch) -> None:
    s, w, c, f = programme.series, programme.periods.step_weight, COSTS, hourly.flow_mw
    through = model.import_mw(hourly, s.load_mw)
    bill = (
        w @ (f[model.GRID] * s.price_usd_per_mwh + f[model.SOLD] * s.sale_usd_per_mwh)
        + c.grid_adder_usd_per_mwh * (w @ through)
        + c.wind_usd_per_mwh * (w @ f[model.WIND])
        + c.solar_usd_per_mwh * (w @ f[model.SOLAR])
        + c.demand_usd_per_mw_year * through.max()
        + c.battery_usd_per_mw_year * hourly.capacity_mw[model.BATTERY]
        + c.battery_usd_per_mwh_year * hourly.storage_mwh
    )
    assert hourly.cost_usd_per_year == pytest.approx(bill, rel=1e-9)


def test_grid_only_closed_form_equals_the_programme() -> None:
    dear = replace(
        COSTS,
        wind_usd_per_mwh=1e5,
        solar_usd_per_mwh=1e5,
        battery_usd_per_mw_year=1e9,
        battery_usd_per_mwh_year=1e9,
    )
    series, periods = _series(), _periods()
    solved = SupplyModel(series, periods, dear).solve("none", 0.0)
    closed = model.grid_only(series, periods, dear)
    assert closed.cost_usd_per_year == pytest.approx(solved.cost_usd_per_year, rel=1e-9)
    assert closed.capacity_mw == pytest.approx(solved.capacity_mw, abs=1e-9)
    assert closed.price_usd_per_mwh == pytest.approx(solved.price_usd_per_mwh, rel=1e-7)


def test_grid_only_beyond_the_connection_is_refused() -> None:
    with pytest.raises(ValueError, match="grid connection carries"):
        model.grid_only(_series(), _periods(), replace(COSTS, import_limit_mw=0.5))


def test_hourly_costs_no_less_than_annual_no_less_than_none(programme: SupplyModel) -> None:
    for share in (0.5, 0.8, 1.0):
        none = programme.solve("none", 0.0).cost_usd_per_year
        annual = programme.solve("annual", share).cost_usd_per_year
        monthly = programme.solve("monthly", share).cost_usd_per_year
        hourly = programme.solve("hourly", share).cost_usd_per_year
        assert none <= annual * (1 + 1e-9)
        assert annual <= monthly * (1 + 1e-9)
        assert annual <= hourly * (1 + 1e-9)


@pytest.mark.parametrize("matching", ["annual", "monthly", "hourly"])
def test_cost_rises_with_the_clean_share(programme: SupplyModel, matching: str) -> None:
    costs = [programme.solve(matching, f).cost_usd_per_year for f in (0.0, 0.3, 0.6, 0.9)]  # type: ignore[arg-type]
    assert np.all(np.diff(costs) >= -1e-6 * costs[0])
    assert costs[-1] > costs[0]


def test_matching_rules_are_met(programme: SupplyModel) -> None:
    w, load = programme.periods.step_weight, programme.series.load_mw
    assert model.annual_clean_frac(programme.solve("annual", 0.7), load, w) >= 0.7 - 1e-8
    assert model.contracted_clean_frac(programme.solve("hourly", 0.7), load, w) >= 0.7 - 1e-8
    monthly = programme.solve("monthly", 0.7)
    made = monthly.flow_mw[model.WIND] + monthly.flow_mw[model.SOLAR] + monthly.flow_mw[model.CURTAILED]
    for month in range(12):
        inside = programme.periods.step_month == month
        assert made[inside].sum() >= 0.7 * load[inside].sum() - 1e-7


def test_contracts_are_capped_even_where_they_pay(programme: SupplyModel) -> None:
    gift = SupplyModel(programme.series, programme.periods, replace(COSTS, wind_usd_per_mwh=1.0))
    dispatch = gift.solve("none", 0.0)
    share = model.annual_clean_frac(dispatch, programme.series.load_mw, programme.periods.step_weight)
    assert share <= COSTS.contracted_max_frac + 1e-8


def test_dual_is_the_cost_of_another_mwh() -> None:
    series, periods = _series(), _periods()
    costs = replace(COSTS, grid_adder_usd_per_mwh=0.0)
    base = SupplyModel(series, periods, costs).solve("none", 0.0)
    step = 1e-4
    # An hour that does not set the peak: there another MWh costs the dual and nothing else.
    hour = int(np.argmin(model.import_mw(base, series.load_mw)))
    load = series.load_mw.copy()
    load[hour] += step
    more = SupplyModel(replace(series, load_mw=load), periods, costs).solve("none", 0.0)
    slope = (more.cost_usd_per_year - base.cost_usd_per_year) / (step * periods.step_weight[hour])
    # The cap on contracts moves with the load of the year; it is slack here.
    assert slope == pytest.approx(base.price_usd_per_mwh[hour], rel=1e-4)


def test_interconnection_dual_is_the_value_of_another_mw() -> None:
    series, periods = _series(), _periods()
    tight = replace(COSTS, import_limit_mw=0.8, onsite_gas=True)
    solved = SupplyModel(series, periods, tight).solve("none", 0.0)
    wider = SupplyModel(series, periods, replace(tight, import_limit_mw=0.801)).solve("none", 0.0)
    assert solved.import_limit_usd_per_mw_year > 1000
    slope = (solved.cost_usd_per_year - wider.cost_usd_per_year) / 0.001
    assert slope == pytest.approx(solved.import_limit_usd_per_mw_year, rel=1e-3)
    assert solved.capacity_mw[model.GRID] == pytest.approx(0.8)
    loose = SupplyModel(series, periods, COSTS).solve("none", 0.0)
    assert loose.import_limit_usd_per_mw_year == pytest.approx(0.0, abs=1e-6)


def test_a_load_beyond_the_connection_is_explained() -> None:
    narrow = replace(COSTS, import_limit_mw=0.3)
    with pytest.raises(Infeasible, match="grid connection"):
        SupplyModel(_series(), _periods(), narrow).solve("none", 0.0)


def test_twice_the_site_costs_twice_as_much(programme: SupplyModel) -> None:
    series = replace(programme.series, load_mw=2 * programme.series.load_mw)
    double = SupplyModel(series, programme.periods, replace(COSTS, import_limit_mw=2 * COSTS.import_limit_mw))
    one, two = programme.solve("hourly", 0.8), double.solve("hourly", 0.8)
    assert two.cost_usd_per_year == pytest.approx(2 * one.cost_usd_per_year, rel=1e-8)
    assert two.storage_mwh == pytest.approx(2 * one.storage_mwh, rel=1e-4)


def test_money_scales_with_money(programme: SupplyModel) -> None:
    series = replace(
        programme.series,
        price_usd_per_mwh=3 * programme.series.price_usd_per_mwh,
        sale_usd_per_mwh=3 * programme.series.sale_usd_per_mwh,
    )
    keep = ("import_limit_mw", "battery_one_way_frac", "contracted_max_frac", "onsite_gas")
    triple = Costs(**{k: v if k in keep else 3 * v for k, v in vars(COSTS).items()})
    one = programme.solve("annual", 0.7).cost_usd_per_year
    assert SupplyModel(series, programme.periods, triple).solve("annual", 0.7).cost_usd_per_year == pytest.approx(
        3 * one
    )


def test_warm_and_cold_solves_agree(programme: SupplyModel) -> None:
    programme.solve("annual", 0.4)
    warm = programme.solve("hourly", 0.6).cost_usd_per_year
    cold = SupplyModel(programme.series, programme.periods, COSTS).solve("hourly", 0.6).cost_usd_per_year
    assert warm == pytest.approx(cold, rel=1e-8)
