"""The room as a whole, and construction, time and staff."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiban.catalog import Catalog, load_catalog
from kiban.facility import construction, run_facility
from kiban.facility.inputs import design_air_degc
from kiban.facility.site_costs import COST_KEYS, site_costs
from kiban.results import Fleet, Site
from kiban.scenario import Scenario

VALIDATION = Path(__file__).parents[3] / "shared" / "validation" / "finance.csv"
RANGE = {"value": 1.0, "low": 1.0, "high": 1.0}


def _scenario(*sites: dict[str, object]) -> Scenario:
    demand = {
        "run_rate_revenue_usd_per_year": {"value": 1e9, "low": 1e9, "high": 1e9},
        "programme_share_frac": RANGE,
        "blended_token_price_usd_per_mtok": RANGE,
        "research_compute_multiple": RANGE,
        "serving_gain_per_year": RANGE,
        "regions": [{"name": "us", "share_frac": 1.0}],
    }
    ladder = {"budget_usd": 1e9, "accelerators": ["gb300"]}
    return Scenario.model_validate(
        {"kiban": 1, "name": "t", "title": "test", "demand": demand, "ladder": ladder, "sites": list(sites)}
    )


def _site(
    name: str, weather: str, state: str, cooling: str = "liquid_dry_cooler", mw: float = 500
) -> dict[str, object]:
    return {
        "name": name,
        "weather": weather,
        "state": state,
        "grid": "ercot_hb_hubavg",
        "cooling": cooling,
        "rungs": ["owned"],
        "max_it_mw": mw,
    }


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    none, count = np.zeros(0), np.zeros(0, dtype=np.int64)
    arrays = {name: none for name in Fleet.__dataclass_fields__ if name.startswith("accelerator_")}
    arrays |= {"accelerator_available_quarter": count, "accelerator_lead_time_quarters": count}
    return Fleet(accelerators=(), **arrays)


@pytest.fixture(scope="module")
def two(catalog: Catalog, fleet: Fleet) -> Site:
    return run_facility(
        _scenario(_site("west", "abilene_tx", "tx"), _site("north", "buffalo_ny", "ny", "liquid_tower")),
        catalog,
        fleet,
        11,
    )


def test_shapes_labels_and_residuals(two: Site) -> None:
    assert two.sites == ("west", "north")
    assert two.weather_label == "synthetic"
    for name in ("dry_bulb_degc", "wet_bulb_degc", "wind_speed_m_per_s", "ghi_w_per_m2", "pue", "wue_l_per_kwh"):
        array = getattr(two, f"hourly_{name}")
        assert array.shape == (2, 8760) and np.all(np.isfinite(array))
    assert two.site_construction_usd_per_kw.shape == (2, len(two.construction_lines))
    assert max(two.residuals.values()) < 1e-6
    np.testing.assert_allclose(two.site_annual_pue, two.hourly_pue.mean(axis=1))
    assert np.all(two.site_peak_pue >= two.site_annual_pue)


def test_published_ai_halls_bracket_annual_pue(two: Site, catalog: Catalog) -> None:
    # LBNL 2024 simulates liquid halls: on dry coolers 1.093 (quartiles 1.073-1.118), on towers 1.133 (1.098-1.164).
    assert 1.06 < two.site_annual_pue[0] < 1.13
    assert 1.06 < two.site_annual_pue[1] < 1.16
    assert two.site_annual_wue_l_per_kwh[1] > 5 * two.site_annual_wue_l_per_kwh[0]


def test_one_place_has_one_weather_whatever_the_order(catalog: Catalog, fleet: Fleet, two: Site) -> None:
    alone = run_facility(_scenario(_site("other", "buffalo_ny", "ny")), catalog, fleet, 11)
    np.testing.assert_array_equal(alone.hourly_dry_bulb_degc[0], two.hourly_dry_bulb_degc[1])
    moved = run_facility(_scenario(_site("other", "buffalo_ny", "ny")), catalog, fleet, 12)
    assert np.abs(moved.hourly_dry_bulb_degc - alone.hourly_dry_bulb_degc).max() > 1.0


def test_no_sites_give_an_empty_result(catalog: Catalog, fleet: Fleet) -> None:
    empty = run_facility(_scenario(), catalog, fleet, 1)
    assert empty.sites == () and empty.hourly_pue.shape == (0, 8760)


def test_traces_reach_catalogue_rows(two: Site, catalog: Catalog) -> None:
    names = {trace.name: trace for trace in two.traces}
    total = names["facility.site_construction_usd_per_kw.west"]
    assert total.value == pytest.approx(two.site_construction_usd_per_kw[0].sum())
    assert names["facility.site_annual_pue.west"].value == pytest.approx(two.site_annual_pue[0])
    assert {"facility.site_annual_wue_l_per_kwh.north", "facility.site_peak_pue.north"} <= names.keys()
    for trace in two.traces:
        for source in trace.inputs:
            known = source in names or catalog.has(source) or source in catalog.table_names()
            assert known or source.startswith("scenario.sites."), source


def test_every_site_warning_is_said_once(catalog: Catalog, fleet: Fleet) -> None:
    site = run_facility(
        _scenario(_site("a", "new_carlisle_in", "in"), _site("b", "new_carlisle_in", "in")), catalog, fleet, 1
    )
    assert len(site.warnings) == len(set(site.warnings))
    assert any("costs the US mean" in text for text in site.warnings)
    assert any("wages in 'in'" in text for text in site.warnings)


def test_us_construction_lies_in_the_published_range(catalog: Catalog) -> None:
    scenario = _scenario(_site("us", "new_carlisle_in", "in"), _site("tx", "abilene_tx", "tx"))
    for part in scenario.sites:
        costs = site_costs(catalog, part, 2026, liquid=True)
        total = costs.lines_usd_per_kw.sum()
        low, _, high = catalog.range("construction.us.ai_hyperscale_usd_per_mw")
        assert low / 1000 < total < high / 1000
    assert total == pytest.approx(13_390, rel=0.2)


def test_landlord_quotes_lie_round_the_texas_hall_without_owners_cost(catalog: Catalog) -> None:
    if not VALIDATION.exists():
        pytest.skip("needs ../shared/validation/finance.csv")
    with VALIDATION.open(newline="", encoding="utf-8") as handle:
        quotes = [r["value"] for r in csv.DictReader(handle) if r["item"].startswith("five landlords")]
    low, high = (float(v) * 1000 for v in quotes[0].split("-"))
    costs = site_costs(catalog, _scenario(_site("tx", "abilene_tx", "tx")).sites[0], 2026, liquid=True)
    hard = costs.lines_usd_per_kw[: len(construction.HARD_LINES)].sum()
    assert low < hard < high


def test_shares_sum_to_the_published_total_and_money_scales(catalog: Catalog) -> None:
    part = _scenario(_site("x", "new_carlisle_in", "in")).sites[0]
    base_year = int(catalog.row(COST_KEYS["total_usd_per_kw"]).price_year or 0)
    air = site_costs(catalog, part, base_year, liquid=False).lines_usd_per_kw
    hall = air[: len(construction.HARD_LINES)].sum()
    assert hall == pytest.approx(catalog.value("construction.us.total_usd_per_mw") / 1000, rel=1e-9)
    wet = site_costs(catalog, part, base_year, liquid=True).lines_usd_per_kw
    adder = wet[construction.LINES.index("liquid_cooling")]
    assert air[construction.LINES.index("liquid_cooling")] == 0.0 < adder
    doubled = catalog.with_overrides({"construction.us.total_usd_per_mw": (2 * hall * 1000, "test of scaling")})
    twice = site_costs(doubled, part, base_year, liquid=False).lines_usd_per_kw
    np.testing.assert_allclose(twice[:8], 2 * air[:8])
    np.testing.assert_allclose(twice[8:], air[8:])


def test_build_time_is_the_later_of_two_paths() -> None:
    weeks = np.array([[20.0, 30.0, 40.0], [10.0, 200.0, 50.0]])
    months = construction.build_months(np.array([13.0, 26.0, 44.0]), weeks, np.array([2.0, 3.0, 5.0]))
    weeks_per_month = 365.25 / 12 / 7
    np.testing.assert_allclose(months, [13.0, 200 / weeks_per_month + 3, 44.0])


@given(st.floats(0.5, 5000), st.floats(0.5, 5000))
def test_bigger_sites_need_fewer_hands_per_mw_but_more_in_all(one: float, other: float) -> None:
    size, rate = np.array([4.0, 28.0, 200.0, 1000.0]), np.array([9.0, 1.25, 0.7, 0.2])
    small, big = sorted((one, other))
    few, many = (construction.staff_fte_per_mw(mw, size, rate) for mw in (small, big))
    assert 0.2 - 1e-12 <= many <= few <= 9.0 + 1e-12


def test_labour_is_bounded_by_the_crew() -> None:
    assert construction.construction_job_years_per_mw(10_000, 0.45, 150_000, 100.0, 3.0) == pytest.approx(30.0)
    assert construction.construction_job_years_per_mw(10_000, 0.45, 150_000, 5.0, 3.0) == pytest.approx(15.0)


def test_design_air_comes_from_the_handbook_where_it_is_known(catalog: Catalog) -> None:
    assert design_air_degc(catalog, "dallas_fort_worth_tx") == (
        catalog.value("site.dallas_fort_worth_tx.design_dry_bulb_0p4_degc"),
        catalog.value("site.dallas_fort_worth_tx.design_wet_bulb_0p4_degc"),
    )
    assert design_air_degc(catalog, "osaka") is None
