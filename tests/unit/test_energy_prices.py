"""A year of prices: means kept, cap kept, spikes above a floor, and the shape of two real market years."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kiban.catalog import load_catalog
from kiban.energy.grids import names_of
from kiban.energy.market import market_of
from kiban.energy.price_year import Memory, floor_of, price_year, spread_of, tame_scarcity, under_cap
from kiban.energy.profiles import HOURLY_MONTH, cell_means, expand, month_means
from kiban.energy.reader import Reader
from kiban.scenario.load import load_scenario

Array = NDArray[np.float64]
REAL = Path(__file__).parents[3] / "shared" / "data" / "grid"
EXAMPLE = Path(__file__).parents[2] / "examples" / "anthropic-50b.yaml"
YEARS = {
    "ercot_hub_avg": ("dam_price_US-TEX-ERCO_2023.csv", 5000.0),
    "nyiso_capitl": ("dam_price_US-NY-NYIS_2023.csv", 2000.0),
}
MEMORY = Memory(0.87, 0.45, 120.0)


def _table(seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform(15.0, 60.0, (12, 24))


def test_price_keeps_monthly_means_a_floor_and_has_spikes() -> None:
    table, floor = _table(), np.full(12, 9.0)
    price = price_year(table, floor, np.full(12, 0.9), MEMORY, np.random.default_rng(3))
    assert np.allclose(month_means(price), table.mean(axis=1), rtol=1e-12)
    assert price.min() > 9.0
    assert price.max() > 4 * price.mean()


def test_the_residual_has_the_autocorrelations_asked_for() -> None:
    """Of prices, not of their logarithms: over many years, with means taken out by year because months are scaled."""
    flat, none, spread = np.full((12, 24), 40.0), np.zeros(12), np.full(12, 0.6)
    found = []
    for seed in range(40):
        r = price_year(flat, none, spread, Memory(0.9, 0.5, 120.0), np.random.default_rng(seed)) - 40.0
        found.append([r[1:] @ r[:-1] / (r @ r), r[24:] @ r[:-24] / (r @ r)])
    hour, day = np.mean(found, axis=0)
    assert hour == pytest.approx(0.9, abs=0.03)
    # Each month is scaled to its mean, which takes some of the slow part away.
    assert 0.35 < day < 0.52


def test_price_without_variation_is_the_table() -> None:
    table = _table(1)
    price = price_year(table, np.full(12, 5.0), np.zeros(12), MEMORY, np.random.default_rng(0))
    assert np.allclose(price, expand(table))


def test_spread_gives_each_month_its_deviation() -> None:
    table, floor = _table(2), np.full(12, 8.0)
    wanted = np.linspace(15.0, 40.0, 12)
    spread = spread_of(table, wanted, floor, MEMORY)
    years = np.stack([price_year(table, floor, spread, MEMORY, np.random.default_rng(s)) for s in range(60)])
    got = np.array([years[:, m == HOURLY_MONTH].std() for m in range(12)])
    assert got == pytest.approx(wanted, rel=0.12)


def test_scarcity_is_taken_out_of_the_dear_hours() -> None:
    table = np.full((12, 24), 30.0)
    table[5] = 70.0
    table[7] = np.linspace(20, 500, 24)
    floor = np.full(12, 10.0)
    tamed, odd = tame_scarcity(table, 3.0, floor)
    assert odd.tolist() == [7]
    assert tamed[7].mean() == pytest.approx(70.0)
    assert (tamed[7, 23] - 10) / (tamed[7, 0] - 10) == pytest.approx(49.0)
    assert tamed[7].min() > 10.0
    assert np.array_equal(np.delete(tamed, 7, axis=0), np.delete(table, 7, axis=0))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), sigma=st.floats(0.1, 2.5), cap=st.floats(65.0, 5000.0))
def test_no_hour_passes_the_cap_and_means_hold(seed: int, sigma: float, cap: float) -> None:
    table = _table(seed)
    price = price_year(table, np.full(12, 5.0), np.full(12, sigma), MEMORY, np.random.default_rng(seed))
    capped = under_cap(price, cap)
    assert capped.max() <= cap
    assert np.abs(month_means(capped) / month_means(price) - 1).max() < 1e-12
    untouched = np.array([price[m == HOURLY_MONTH].max() <= cap for m in range(12)])[HOURLY_MONTH]
    assert np.array_equal(capped[untouched], price[untouched])


def test_a_mean_above_the_cap_is_refused() -> None:
    with pytest.raises(ValueError, match="above the cap of 30"):
        under_cap(np.full(8760, 40.0), 30.0)


@pytest.mark.parametrize("grid", ["ercot", "nyiso"])
def test_the_prices_of_a_study_stay_below_the_cap_and_on_the_catalogues_mean(grid: str) -> None:
    scenario, catalog = load_scenario(EXAMPLE).scenario, load_catalog()
    part = next(s for s in scenario.sites if s.grid.startswith(grid))
    names = names_of(part.grid)
    reader = Reader(scenario, catalog)
    table = reader.month_hour("market_price", "price_usd_per_mwh", market=names.market)
    tamed, _ = tame_scarcity(table, reader.value("energy.scarcity_month_factor"), np.zeros(12))
    wanted = float(expand(tamed).mean()) * reader.table_inflator("market_price")
    cap = catalog.value(f"market.{names.market}.offer_cap_usd_per_mwh")
    for seed in range(25):
        price = market_of(reader, part, names, seed, []).hourly_usd_per_mwh
        assert price.max() <= cap
        assert price.mean() == pytest.approx(wanted, rel=1e-9)


def _real(name: str) -> Array:
    with (REAL / name).open(encoding="utf-8") as file:
        return np.array([float(r["price_usd_per_mwh"]) for r in csv.DictReader(file)])


def measures(price: Array) -> dict[str, float]:
    """What a year of prices is judged by."""
    day = price.reshape(365, 24)
    shape = day.mean(axis=0) / price.mean()
    p5, p50, p95, p99 = np.percentile(price, [5, 50, 95, 99])
    log = np.log(np.maximum(price, 1.0))
    rest = log - expand(cell_means(log))
    return {
        "mean": float(price.mean()), "std": float(price.std()), "p5": float(p5), "p50": float(p50),
        "p95": float(p95), "p99": float(p99), "max": float(price.max()),
        "spread": float(np.ptp(day, axis=1).mean()), "median spread": float(np.median(np.ptp(day, axis=1))),
        "dearest hour": float(shape.max()), "cheapest hour": float(shape.min()),
        "log lag 1": float(rest[1:] @ rest[:-1] / (rest @ rest)),
        "log lag 24": float(rest[24:] @ rest[:-24] / (rest @ rest)), "below zero": float((price < 0).sum()),
    }  # fmt: skip


def synthetic(price: Array, cap: float, floor_over_p05: float, seeds: int = 20) -> dict[str, float]:
    """Median over seeds of the measures of years drawn from the means of a real one, no month scaled down."""
    table = cell_means(price)
    by_month = [price[m == HOURLY_MONTH] for m in range(12)]
    floor = floor_of(table, np.array([np.percentile(v, 5) for v in by_month]), floor_over_p05)
    rest = price - expand(table)
    memory = Memory(*(float(rest[k:] @ rest[:-k] / (rest @ rest)) for k in (1, 24)), 120.0)
    spread = spread_of(table, np.array([v.std() for v in by_month]), floor, memory)
    found = [
        measures(under_cap(price_year(table, floor, spread, memory, np.random.default_rng(s)), cap))
        for s in range(seeds)
    ]
    return {k: float(np.median([f[k] for f in found])) for k in found[0]}


@pytest.mark.skipif(not REAL.exists(), reason="needs the measurements in ../shared")
@pytest.mark.parametrize("market", list(YEARS))
def test_shape_of_real_years(market: str) -> None:
    """The table of docs/energy.md. The floor of each market is the one the other market chooses."""
    name, cap = YEARS[market]
    other, other_cap = next(v for k, v in YEARS.items() if k != market)
    ratios, theirs = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0), _real(other)
    off = [abs(np.log(synthetic(theirs, other_cap, r, 5)["p5"] / measures(theirs)["p5"])) for r in ratios]
    chosen = ratios[int(np.argmin(off))]
    assert chosen == pytest.approx(load_catalog().value("energy.price_floor_over_p05_ratio"), abs=0.11)
    real, ours = measures(_real(name)), synthetic(_real(name), cap, chosen)
    assert ours["mean"] == pytest.approx(real["mean"], rel=1e-9)
    for key, within in (
        ("std", 0.25), ("p5", 0.1), ("p50", 0.1), ("p95", 0.25), ("p99", 0.1), ("spread", 0.15),
        ("median spread", 0.35), ("dearest hour", 0.1), ("cheapest hour", 0.1),
    ):  # fmt: skip
        assert ours[key] == pytest.approx(real[key], rel=within), key
    assert ours["log lag 24"] == pytest.approx(real["log lag 24"], abs=0.2)
    assert ours["below zero"] == 0 and real["below zero"] <= 2
