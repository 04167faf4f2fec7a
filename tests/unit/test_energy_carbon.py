"""Four accounts of carbon, the 24/7 score by its published definition, and certificates that count once."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from kiban.energy.carbon_account import AverageSignal, Carbon, MarginalSignal, ResidualSignal, carbon_of
from kiban.energy.dispatch import Answer, Axis, Battery, Case, Clean, Grid, Plant, Programme, Source, hourly_axis
from kiban.energy.lp import Costs, Series, SupplyModel
from kiban.energy.model import round_the_clock_frac
from kiban.energy.weeks import Periods

Array = NDArray[np.float64]
EIA = Path(__file__).parents[3] / "shared" / "data" / "grid" / "eia930_generation_ERCO_2022.csv"
SCORES = Path(__file__).parents[3] / "shared" / "validation" / "energy.csv"
HOURS = 48
W = 8760 / HOURS
AVERAGE, MARGINAL, RESIDUAL = 300.0, 600.0, 450.0


def fixed(source: Source, mw: float) -> Source:
    return replace(source, mw_min=mw, mw_max=mw)


def solved(case: Case) -> Answer:
    return Programme(case).solve()


def account(case: Case, residual: bool = True) -> Carbon:
    n = case.axis.count
    mix = ResidualSignal(np.full(n, RESIDUAL)) if residual else None
    return carbon_of(case, solved(case), AverageSignal(np.full(n, AVERAGE)), MarginalSignal(np.full(n, MARGINAL)), mix)


def site(*sources: Source, sale: float | None = 10.0, sold: bool = False) -> Case:
    """10 MW all day, output in every other hour only."""
    grid = Grid(
        np.full(HOURS, 40.0), 100.0, sale_usd_per_mwh=None if sale is None else np.full(HOURS, sale),
        certificates_sold=sold,
    )  # fmt: skip
    return Case(hourly_axis(HOURS), np.full(HOURS, 10.0), grid, sources)


HALF = np.tile([0.0, 1.0], HOURS // 2)
YEAR_T = 10 * 8760 / 1000


def test_without_contracts_all_of_it_is_residual_mix() -> None:
    found = account(site())
    assert found.location_t == pytest.approx(AVERAGE * YEAR_T)
    assert found.market_t == found.market_hourly_t == pytest.approx(RESIDUAL * YEAR_T)
    assert found.consequential_t == found.consequential_load_t == pytest.approx(MARGINAL * YEAR_T)
    assert (found.claimed_mwh, found.unclaimed_mwh) == (0.0, 0.0)
    plain = account(site(), residual=False)
    assert plain.market_t == pytest.approx(AVERAGE * YEAR_T) and not plain.residual_known


@pytest.mark.parametrize(("mw", "covered"), [(10.0, 0.5), (14.0, 0.7), (30.0, 1.0)])
def test_surplus_covers_other_hours_of_the_year_up_to_what_is_consumed(mw: float, covered: float) -> None:
    """10 MW are delivered in half of the hours; the rest is sold as bare energy, its certificates cover the others."""
    found = account(site(fixed(Source("wind", HALF, "grid", usd_per_mwh=20.0), mw)))
    assert found.market_t == pytest.approx((1 - covered) * RESIDUAL * YEAR_T, abs=1e-9)
    assert found.market_hourly_t == pytest.approx(0.5 * RESIDUAL * YEAR_T)
    assert found.location_t == pytest.approx(AVERAGE * YEAR_T)
    assert found.claimed_mwh == pytest.approx(covered * 87_600)
    assert found.unclaimed_mwh == pytest.approx(max(mw / 20 - 1, 0.0) * 87_600)
    # As new plant the contract spares what would run elsewhere, all its output; on old plant it spares nothing.
    assert found.consequential_t == pytest.approx(MARGINAL * (YEAR_T - mw / 2 * 8.76))
    assert found.consequential_load_t == pytest.approx(MARGINAL * YEAR_T)


def test_certificates_that_were_sold_cannot_be_claimed() -> None:
    found = account(site(fixed(Source("wind", HALF, "grid", usd_per_mwh=20.0), 30.0), sold=True))
    assert found.market_t == pytest.approx(0.5 * RESIDUAL * YEAR_T)
    assert found.unclaimed_mwh == 0.0


def test_a_contract_that_is_not_clean_and_output_thrown_away_cover_nothing() -> None:
    block = fixed(Source("block", np.ones(HOURS), "grid", usd_per_mwh=20.0, clean_frac=0.0), 6.0)
    assert account(site(block)).market_t == pytest.approx(RESIDUAL * YEAR_T)
    lost = account(site(fixed(Source("wind", HALF, "grid", usd_per_mwh=20.0), 30.0), sale=None))
    assert lost.market_t == pytest.approx(0.5 * RESIDUAL * YEAR_T) and lost.unclaimed_mwh == pytest.approx(0.0)
    assert lost.consequential_t == pytest.approx(MARGINAL * 0.5 * YEAR_T)
    # The least clean is thrown away first: wind alone carries its hours, the block the others.
    both = account(site(fixed(Source("wind", HALF, "grid", usd_per_mwh=20.0), 10.0), block, sale=None))
    assert both.market_t == pytest.approx(0.5 * RESIDUAL * YEAR_T)


def test_virtual_contracts_cover_purchases_once() -> None:
    found = account(site(fixed(Source("wind", HALF, "virtual", usd_per_mwh=20.0), 30.0)))
    assert found.market_t == pytest.approx(0.0, abs=1e-9)
    assert found.market_hourly_t == pytest.approx(0.5 * RESIDUAL * YEAR_T)
    assert found.unclaimed_mwh == pytest.approx(0.5 * 87_600)


def test_fuel_sold_to_the_grid_covers_nothing() -> None:
    """A gas plant that exports has no certificates: what is bought in other hours stays residual mix."""
    price = np.tile([20.0, 200.0], HOURS // 2)
    grid = Grid(price, 100.0, sale_usd_per_mwh=0.9 * price, export_limit_mw=20.0)
    case = Case(hourly_axis(HOURS), np.full(HOURS, 10.0), grid, plants=(Plant("gas", 10.0, 50.0, 400.0, mw_max=25.0),))
    found = account(case)
    assert found.scope_1_t == pytest.approx(400 * 25 * 4380 / 1000)
    assert found.market_t == pytest.approx(RESIDUAL * YEAR_T / 2)
    assert found.consequential_t == pytest.approx(MARGINAL * (10 - 15) * 4.38)


def test_certificates_of_one_year_do_not_serve_the_next() -> None:
    n = 48
    axis = Axis(
        np.full(n, 365.0), 1.0, np.repeat([0, 1], 24), np.repeat([0, 12], 24), np.arange(n) % 24,
        np.roll(np.arange(n), 1), np.array([0.5, 0.5]),
    )  # fmt: skip
    windy = fixed(Source("wind", np.repeat([1.0, 0.0], 24), "virtual", usd_per_mwh=20.0), 30.0)
    case = Case(axis, np.full(n, 10.0), Grid(np.full(n, 40.0), 100.0), (windy,))
    found = account(case)
    assert found.market_t == pytest.approx(0.5 * RESIDUAL * YEAR_T)


def google_score(load: Array, clean: Array, grid_share: Array) -> float:
    """Hourly contracted clean energy up to the load, and the grid's clean share of the rest, over the load."""
    contracted = np.minimum(load, clean)
    return float((contracted + grid_share * (load - contracted)).sum() / load.sum())


@pytest.mark.parametrize("at", ["grid", "virtual", "site"])
@pytest.mark.parametrize("sale_frac", [None, 0.5, 1.0])
def test_the_score_is_googles(at: str, sale_frac: float | None) -> None:
    """Surplus counts for nothing, sold or not; selling and buying at one price in one hour does not lower it."""
    random = np.random.default_rng(4)
    n = 168
    load, made, share = random.uniform(6, 12, n), random.uniform(0, 1, n), random.uniform(0.1, 0.7, n)
    price = random.uniform(20, 80, n)
    sale = None if sale_frac is None else sale_frac * price
    source = fixed(Source("wind", made, at, usd_per_mwh=30.0), 15.0)  # type: ignore[arg-type]
    export = 100.0 if at == "site" else 0.0
    grid = Grid(price, 100.0, sale_usd_per_mwh=sale, clean_frac=share, export_limit_mw=export)
    answer = solved(Case(hourly_axis(n), load, grid, (source,)))
    assert answer.clean_frac == pytest.approx(google_score(load, 15 * made, share), abs=1e-9)


def test_the_score_of_the_study_is_googles_too() -> None:
    random = np.random.default_rng(5)
    n = 336
    load, wind, share = random.uniform(0.6, 1.2, n), random.uniform(0, 1, n), random.uniform(0.1, 0.7, n)
    price = random.uniform(20, 80, n)
    hours = np.arange(n)
    periods = Periods(hours, np.full(n, 8760 / n), hours * 12 // n, np.roll(hours, 1), np.arange(8760) % n)
    costs = Costs(3.0, 0.0, 10.0, 40.0, 500.0, 1e9, 1e9, 0.92, 0.0, 0.0, 1.2, False)
    found = SupplyModel(Series(load, price, 0.5 * price, wind, np.zeros(n)), periods, costs).solve("annual", 0.9)
    assert found.storage_mwh == pytest.approx(0.0, abs=1e-9)
    score = round_the_clock_frac(found, load, periods.step_weight, share)
    assert score == pytest.approx(google_score(load, found.capacity_mw[1] * wind, share), abs=1e-9)


def test_a_battery_moves_the_score_and_keeps_it_below_one() -> None:
    case = site(fixed(Source("wind", HALF, "grid", usd_per_mwh=20.0), 25.0), sale=None)
    case = replace(case, battery=Battery(10.0, 10.0))
    found = Programme(case).solve(Clean("hourly", 0.95))
    assert 0.95 - 1e-9 <= found.clean_frac <= 1.0


@pytest.mark.skipif(
    not (EIA.exists() and SCORES.exists()), reason="needs the shared measurements beside the repository"
)
def test_a_flat_load_without_contracts_scores_as_published_for_texas() -> None:
    """Google's region in ERCOT, 2022, before its later contracts show (0.41, then 0.79 and 0.94): the hourly share of
    wind, sun, water and nuclear in EIA's generation of the same year, met by a load that only buys."""
    with EIA.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    def column(name: str) -> Array:
        return np.array([float(r[name] or 0) for r in rows])

    clean = sum(column(k) for k in ("WND", "SUN", "WAT", "NUC"))
    total = clean + sum(column(k) for k in ("COL", "NG", "OIL", "OTH"))
    share = np.asarray(clean / total)[:8760]
    grid = Grid(np.full(8760, 40.0), 20.0, clean_frac=share)
    score = solved(Case(hourly_axis(), np.full(8760, 10.0), grid)).clean_frac
    with SCORES.open(encoding="utf-8") as file:
        published = next(
            float(r["value"]) for r in csv.DictReader(file)
            if r["kind"] == "cfe" and "us-south1" in r["system"] and r["setting"] == "2022"
        )  # fmt: skip
    assert score == pytest.approx(published, abs=0.03)
