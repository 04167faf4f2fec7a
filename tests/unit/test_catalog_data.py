"""The shipped rows and tables: complete, within their ranges, every source used."""

from __future__ import annotations

import re

import numpy as np
import pytest

from kiban.catalog import CONFIDENCES, Catalog, load_catalog


@pytest.fixture(scope="module")
def cat() -> Catalog:
    return load_catalog()


def test_there_are_many_rows_and_every_number_is_in_its_range(cat: Catalog) -> None:
    assert len(cat) > 1500
    for key in cat:
        row = cat.row(key)
        if isinstance(row.value, float):
            low, value, high = cat.range(key)
            assert low <= value <= high, key


def test_every_source_is_used_and_every_used_source_exists(cat: Catalog) -> None:
    used = {cat.row(key).source_id for key in cat}
    for name in cat.table_names():
        table = cat.table(name)
        used.add(table.provenance.source_id)
        if "source_id" in table.columns:
            used |= set(table.texts("source_id"))
    assert used == set(cat.source_ids())


def test_confidence_counts_report_the_assumed_share(cat: Catalog) -> None:
    counts = cat.confidence_counts()
    assert set(counts) == set(CONFIDENCES)
    assert sum(counts.values()) == len(cat)
    assert counts["assumed"] == sum(cat.row(key).confidence == "assumed" for key in cat)
    assert counts["assumed"] / len(cat) < 0.25


def test_every_unit_has_a_meaning(cat: Catalog) -> None:
    for unit in {cat.row(key).unit for key in cat}:
        assert cat.unit_meaning(unit)


def test_suffix_and_unit_of_a_key_agree(cat: Catalog) -> None:
    suffixes = {
        "usd_per_mwh": {"USD/MWh"},
        "usd_per_kw_month": {"USD/kW-month"},
        "usd_per_kw": {"USD/kW", "USD/kW liquid"},
        "usd_per_mtok": {"USD/1e6 tok"},
        "usd_per_gpu_h": {"USD/accelerator-h", "USD/GPU-h"},
        "kg_co2_per_mwh": {"kgCO2/MWh", "kgCO2e/MWh"},
        "degc": {"degC"},
        "years": {"yr"},
    }
    for key in cat:
        for suffix, units in suffixes.items():
            if key.endswith("_" + suffix):
                assert cat.row(key).unit in units, key


def test_fractions_stay_between_minus_one_and_one(cat: Catalog) -> None:
    # release_year_frac is a calendar year with decimals; the wage test of the Texas statute is a multiple.
    odd = re.compile(r"release_year_frac$|wage_min_frac_of_county$")
    for key in cat:
        if re.search(r"_frac(\.|$)", key) and not odd.search(key):
            assert -1.0 <= cat.value(key) <= 1.0, key


def test_texts_are_clean(cat: Catalog) -> None:
    forbidden = re.compile(r"(?<!\S)/[a-z]+/|file index|\bid \d{8,}", re.IGNORECASE)
    for key in cat:
        row = cat.row(key)
        assert len(row.note) <= 204, key
        assert not forbidden.search(row.note + " " + row.locator), key
    for source_id in cat.source_ids():
        source = cat.source(source_id)
        assert not forbidden.search(source.title + " " + source.url), source_id


def test_weather_normals_cover_each_site_and_month(cat: Catalog) -> None:
    table = cat.table("weather_normals")
    sites = {key.split(".")[1] for key in cat.keys("site.") if key.endswith(".lat_deg")}
    assert len(sites) >= 52
    assert set(table.texts("site")) <= sites
    for site in set(table.texts("site")):
        assert table.numbers("month")[table.where(site=site)].tolist() == list(range(1, 13))
    mean, low, high = (table.numbers(f"dry_bulb_{name}_degc") for name in ("mean", "daily_min", "daily_max"))
    assert np.all((low < mean) & (mean < high))
    dew, wet = table.numbers("dew_point_mean_degc"), table.numbers("wet_bulb_mean_degc")
    known = ~np.isnan(wet)
    assert np.all((dew[known] < wet[known]) & (wet[known] < mean[known]))


def test_annual_mean_follows_from_the_monthly_normals(cat: Catalog) -> None:
    table = cat.table("weather_normals")
    days = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    for site in set(table.texts("site")):
        key = f"site.{site}.annual_dry_bulb_mean_degc"
        if cat.has(key):
            mean = np.average(table.numbers("dry_bulb_mean_degc")[table.where(site=site)], weights=days)
            assert mean == pytest.approx(cat.value(key), abs=0.15), site


def test_month_hour_prices_average_to_the_published_annual_mean(cat: Catalog) -> None:
    table = cat.table("market_price")
    days = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    for market in ("ercot_hub_avg", "nyiso_capitl"):
        rows = table.where(market=market)
        assert rows.sum() == 288
        month = table.numbers("month")[rows].astype(int)
        mean = np.average(table.numbers("price_usd_per_mwh")[rows], weights=days[month - 1])
        key = f"market.{market}.day_ahead_price_annual_mean_usd_per_mwh.2023"
        assert mean == pytest.approx(cat.value(key), rel=0.01)


def test_month_hour_carbon_averages_to_the_annual_mean(cat: Catalog) -> None:
    table = cat.table("grid_carbon")
    for grid in ("ercot", "nyiso"):
        mean = table.numbers("kg_co2_per_mwh")[table.where(grid=grid, signal="average_direct")].mean()
        assert mean == pytest.approx(cat.value(f"grid.{grid}.average_direct_kg_co2_per_mwh.2023"), rel=0.01)


@pytest.mark.parametrize("name", ["fleet_profile", "resource_profile"])
def test_profiles_are_capacity_factors_and_average_to_the_annual_row(cat: Catalog, name: str) -> None:
    table = cat.table(name)
    factor = table.numbers("capacity_factor_frac")
    assert np.all((factor >= 0.0) & (factor <= 1.0))
    place, first = ("grid", "fleet") if name == "fleet_profile" else ("site", "resource")
    for where, technology in set(zip(table.texts(place), table.texts("technology"), strict=True)):
        rows = table.where(**{place: where, "technology": technology})
        assert rows.sum() == 288
        key = f"{first}.{where}.{technology}_capacity_factor_frac.annual"
        assert factor[rows].mean() == pytest.approx(cat.value(key), rel=0.01), key


def test_parameter_counts_computed_from_layers_match_the_published_totals(cat: Catalog) -> None:
    checked = 0
    for key in cat.keys("model."):
        if key.endswith(".params_total_computed_b") and cat.has(key.replace("_computed", "")):
            assert cat.value(key) == pytest.approx(cat.value(key.replace("_computed", "")), rel=0.05), key
            checked += 1
    assert checked >= 5
