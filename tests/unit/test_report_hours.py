"""The power chapter: a year and the hours of each site, own supply against the grid, hourly over annual matching."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from report_fixtures import bare, small

from kiban.figures import Basis
from kiban.figures.climate import MONTH_DAYS
from kiban.figures.figure import Frame
from kiban.figures.hours import MOST_PANELS, alike, hours_figures
from kiban.figures.matching import matching_figures, shown_cases
from kiban.figures.panels import NARROW, WIDE, Panel, panels_figure
from kiban.figures.site_year import (
    hourly_matched_kg_co2,
    market_kg_co2,
    per_tonne_usd,
    premiums,
    site_loads,
    site_years,
)
from kiban.report.hours_views import hours_views, power_sentence
from kiban.report.tables import all_tables, csv_text
from kiban.results import Study, SupplyCase

BASIS = Basis(vintage="USD of 2026")
DAYS = np.array(MONTH_DAYS)


def study_with(cases: Any) -> Study:
    """The small study with the cases of each site replaced by ``cases(old)``."""
    _, study, _ = small()
    return replace(study, supply=replace(study.supply, cases=tuple(cases(c) for c in study.supply.cases)))


def toy(**changes: Any) -> SupplyCase:
    """1 MW of load; in the first half of the year 0.6 from the grid at 500 kg, then 1.4 of sun, 0.4 of it sold."""
    first = np.arange(8760) < 4380
    flows = np.stack([np.where(first, 0.6, 0.0), np.where(first, 0.4, 1.4), np.where(first, 0.0, -0.4)])
    base = small()[1].supply.cases[0][0]
    return replace(
        base, sources=("grid", "solar", "sold"), capacity_mw=np.array([0.6, 1.4, 0.0]), hourly_flow_mw=flows,
        hourly_load_mw=np.ones(8760), hourly_grid_average_kg_co2_per_mwh=np.where(first, 500.0, 300.0), **changes,
    )  # fmt: skip


def test_a_year_is_the_hours_times_the_planned_load() -> None:
    _, study, _ = small()
    loads = site_loads(study)
    for at, cases in enumerate(site_years(study)):
        for year, case in zip(cases, study.supply.cases[at], strict=True):
            assert year.load == loads[year.site]
            assert year.energy_mwh == pytest.approx(year.load.it_mw * case.hourly_load_mw.mean() * 8760, rel=1e-12)
            assert year.mean_mw <= year.peak_mw
            assert year.peak_mw >= year.load.it_mw * case.hourly_load_mw.max() * (1 - 1e-12)
            assert year.cost_usd == pytest.approx(year.energy_mwh * case.energy_usd_per_mwh, rel=1e-12)
            assert year.location_kg_co2 == pytest.approx(year.energy_mwh * case.average_kg_co2_per_mwh, rel=1e-12)
            it_kwh = year.energy_mwh * 1e3 / study.site.site_annual_pue[at]
            assert year.site_water_m3 * 1e3 == pytest.approx(it_kwh * study.site.site_annual_wue_l_per_kwh[at])


def test_planned_load_is_the_fullest_expected_quarter_else_the_most_that_fits() -> None:
    _, study, _ = small()
    tree, out = study.demand.tree, study.plan.chosen
    for site, load in site_loads(study).items():
        mine = [k for k, r in enumerate(study.plan.rungs) if r.site == site]
        weighted = out.node_hall_live_it_mw[:, mine].sum(axis=1) * tree.node_probability
        by_quarter = np.bincount(tree.node_quarter, weights=weighted)
        if load.planned:
            assert load.it_mw == pytest.approx(by_quarter.max(), rel=1e-12)
            assert by_quarter[tree.quarters.index(load.quarter)] == pytest.approx(load.it_mw, rel=1e-6)
    none = replace(out, node_hall_live_it_mw=np.zeros_like(out.node_hall_live_it_mw))
    idle = replace(study, plan=replace(study.plan, chosen=none))
    for site, load in site_loads(idle).items():
        most = max(float(m) for r in study.plan.rungs if r.site == site for m in r.max_it_mw if np.isfinite(m))
        assert (load.it_mw, load.planned, load.quarter) == (most, False, "")
    assert power_sentence(site_years(idle)).startswith("The largest possible halls at")


def test_three_accounts_of_carbon_by_hand() -> None:
    case = toy()
    # Bought by the hour: 4380 h x 0.6 MW x 500 kg. Over the year 7884 MWh of sun meet 8760 MWh of load drawn at a
    # mean of 400 kg, so 876 MWh are left; sold energy keeps its attribute.
    assert hourly_matched_kg_co2(case).sum() == pytest.approx(4380 * 0.6 * 500)
    assert market_kg_co2(case) == pytest.approx((8760 - 4380 * 1.8) * 400)
    assert np.isnan(market_kg_co2(replace(case, hourly_flow_mw=case.hourly_flow_mw * [[1], [0], [0]])))
    spilt = replace(case, sources=("grid", "solar", "curtailed"))  # nothing for energy that is thrown away
    assert market_kg_co2(spilt) == pytest.approx((8760 - 4380 * 1.4) * 400)
    burnt = replace(case, sources=("gas", "solar", "sold"), gas_kg_co2_per_mwh=700.0)
    assert hourly_matched_kg_co2(burnt).sum() == pytest.approx(4380 * 0.6 * 700)
    drawn = 4380 * (0.4 * 500 + 1.0 * 300) / (4380 * 1.4)
    left = max(0.0, 4380 * 1.4 - 4380 * 1.8)
    assert market_kg_co2(burnt) == pytest.approx(drawn * left + 4380 * 0.6 * 700)


def test_the_share_matched_in_its_hour_counts_what_is_bought() -> None:
    years = site_years(study_with(lambda _: (toy(),)))
    assert years[0][0].matched_frac == pytest.approx(1 - 0.5 * 0.6)


def test_premium_by_hand() -> None:
    fewer = toy().hourly_flow_mw * [[0.5], [1.0], [1.0]]
    dear = replace(toy(), name="hourly", hourly_flow_mw=fewer, energy_usd_per_mwh=70.0)
    study = study_with(lambda _: (toy(), toy(name="annual", energy_usd_per_mwh=60.0), dear))
    (p, *_) = premiums(site_years(study))
    mw = p.annual.load.it_mw
    assert p.usd_per_mwh == pytest.approx(10.0)
    assert p.cost_usd == pytest.approx(mw * 8760 * 10)
    assert p.avoided_kg_co2 == pytest.approx(mw * 4380 * 0.3 * 500)
    assert p.usd_per_t == pytest.approx(87600 / (4380 * 0.3 * 0.5))
    assert np.isnan(per_tonne_usd(1e6, 0.0, 1e6)) and np.isnan(per_tonne_usd(1e6, -5.0, 1e6))


def test_the_plan_has_a_bar_of_its_own_only_where_no_other_case_is_the_same() -> None:
    _, study, _ = small()
    assert shown_cases(site_years(study)) == ("grid", "annual", "hourly")
    apart = study_with(lambda c: (replace(c[0], energy_usd_per_mwh=1.0), *c[1:]))
    assert shown_cases(site_years(apart)) == ("grid", "plan", "annual", "hourly")
    cost, carbon = matching_figures(site_years(study), BASIS)
    for i, cases in enumerate(site_years(study)):
        by_name = {c.case: c for c in cases}
        assert cost["option"]["series"][2]["data"][i] == pytest.approx(by_name["hourly"].energy_usd_per_mwh, rel=1e-4)
        left = by_name["annual"].hour_matched_kg_co2 / by_name["annual"].energy_mwh
        assert carbon["option"]["series"][1]["data"][i] == pytest.approx(left, rel=1e-4)


def test_the_note_says_how_far_the_location_based_account_moves() -> None:
    def moved(cases: Any) -> Any:
        grid = next(c for c in cases if c.name == "grid")
        return (replace(grid, name="plan", average_kg_co2_per_mwh=grid.average_kg_co2_per_mwh * 1.25), grid)

    note = matching_figures(site_years(study_with(moved)), BASIS)[1]["note"]
    assert "differ from grid only by +25.0 to +25.0 %" in note
    alone = study_with(lambda c: (c[1],))
    assert "location-based" not in matching_figures(site_years(alone), BASIS)[1]["note"]


def cells_of(figure: dict[str, Any]) -> dict[str, np.ndarray]:
    """Maps (12, 24) by name."""
    source = figure["option"]["dataset"]["source"]
    assert source["hour"][:25] == [*range(24), 0] and source["month"][23:25] == [0, 1]
    return {s["name"]: np.reshape(source[s["encode"]["value"]], (12, 24)) for s in figure["option"]["series"]}


def test_the_maps_are_the_hours_of_the_results() -> None:
    _, study, _ = small()
    figures = {f["id"]: f for f in hours_figures(study, BASIS)}
    assert set(figures) == {f"hours_{k}" for k in ("load", "price", "carbon_grid", "carbon_left", "water")}
    for f in figures.values():
        assert "mean by month and hour; one scale" in f["unit"]
    for at, site in enumerate(study.supply.sites):
        case = study.supply.cases[at][0]
        for key, hourly in (
            ("load", case.hourly_load_mw), ("price", case.hourly_price_usd_per_mwh),
            ("water", study.site.hourly_wue_l_per_kwh[at]),
            ("carbon_left", hourly_matched_kg_co2(case) / case.hourly_load_mw),
        ):  # fmt: skip
            cells = cells_of(figures[f"hours_{key}"])[site]
            assert cells.mean(axis=1) @ DAYS / 365 == pytest.approx(hourly.mean(), rel=5e-3), key
            june_noon = hourly.reshape(365, 24)[151:181, 12].mean()
            assert cells[5, 12] == pytest.approx(june_noon, rel=5e-3), key


def test_one_map_stands_for_sites_on_the_same_grid_and_says_so() -> None:
    _, study, _ = small()
    figure = next(f for f in hours_figures(study, BASIS) if f["id"] == "hours_carbon_grid")
    assert len(figure["option"]["series"]) == 1
    others = len(study.supply.sites) - 1
    assert figure["option"]["series"][0]["name"].endswith(f"+ {others}")
    assert "is, within 2 %, that of" in figure["note"]
    flat = np.full((12, 24), 100.0)
    assert [names for names, _ in alike([("a", flat), ("b", flat * 1.01), ("c", flat * 1.03)])] == [["a", "b"], ["c"]]


@pytest.mark.parametrize("count", [1, 2, 7, 12])
def test_maps_stand_apart_inside_the_page_on_wide_and_narrow_screens(count: int) -> None:
    panels = [Panel(f"site {i}", np.full((12, 24), float(i)), "words") for i in range(count)]
    figure = panels_figure(Frame("x", "power", "t", "u", ()), BASIS, panels, ("#fff", "#000"))
    json.dumps(figure, allow_nan=False)
    narrow = figure["option"]["kiban_narrow"]
    for place, height, columns in ((figure["option"], figure["height"], WIDE), (narrow, narrow["height"], NARROW)):
        boxes = [(float(g["left"][:-1]), float(g["width"][:-1]), g["top"], g["height"]) for g in place["grid"]]
        assert len(boxes) == len(place["title"]) == count
        assert all(x >= 0 and x + w <= 100 and y + h <= height for x, w, y, h in boxes)
        for i, a in enumerate(boxes):
            for b in boxes[:i]:
                assert b[0] + b[1] <= a[0] or a[0] + a[1] <= b[0] or b[2] + b[3] <= a[2] or a[2] + a[3] <= b[2]
        assert len({b[0] for b in boxes}) <= columns
    scales = figure["option"]["visualMap"]
    assert len(scales) == count and [s["show"] for s in scales] == [True] + [False] * (count - 1)
    assert len({(s["min"], s["max"]) for s in scales}) == 1 and scales[0]["max"] > scales[0]["min"]
    assert [s["dimension"] for s in scales] == [2 + i for i in range(count)]


def test_rare_peaks_leave_the_scale_and_the_scale_says_so() -> None:
    def spiky(cases: Any) -> Any:
        price = cases[0].hourly_price_usd_per_mwh.copy()
        price[4380:4383] = 60_000.0
        return (replace(cases[0], hourly_price_usd_per_mwh=price), *cases[1:])

    figure = next(f for f in hours_figures(study_with(spiky), BASIS) if f["id"] == "hours_price")
    assert figure["option"]["visualMap"][0]["text"][0].endswith("and more")
    assert figure["option"]["visualMap"][0]["max"] < 200


def test_more_sites_than_maps_are_counted_in_words() -> None:
    _, study, _ = small()
    many = MOST_PANELS + 3
    case = study.supply.cases[0]
    names = tuple(f"s{i}" for i in range(many))
    site = replace(
        study.site, sites=names, hourly_wue_l_per_kwh=np.tile(study.site.hourly_wue_l_per_kwh[:1], (many, 1))
    )
    grown = replace(study, site=site, supply=replace(study.supply, sites=names, cases=(case,) * many))
    figure = hours_figures(grown, BASIS)[0]
    assert len(figure["option"]["series"]) == MOST_PANELS
    assert "3 more sites are in tables/site_hours.csv" in figure["note"]


def rows_of(study: Study) -> dict[str, list[list[str]]]:
    return {v["id"]: v["rows"] for v in hours_views(study, site_years(study))}


def test_the_table_has_every_site_three_times_and_adds_up() -> None:
    _, study, _ = small()
    years = site_years(study)
    rows = rows_of(study)["sites_year"]
    planned = [c for c in years if c[0].load.planned]
    assert len(rows) == 3 * len(years) + (3 if len(planned) > 1 else 0)
    assert [r[1] for r in rows[:3]] == ["chosen", "grid only", "difference"]
    for i, cases in enumerate(years):
        chosen, grid, change = rows[3 * i : 3 * i + 3]
        own, alone = cases[0], next(c for c in cases if c.case == "grid")
        assert float(chosen[7].replace(",", "")) == pytest.approx(own.energy_usd_per_mwh, rel=6e-3)
        assert float(grid[8].replace(",", "")) == pytest.approx(alone.cost_usd / 1e6, rel=6e-3)
        assert float(change[8].replace(",", "")) == pytest.approx((own.cost_usd - alone.cost_usd) / 1e6, rel=6e-3)
        assert chosen[0].endswith(f", {own.state.upper()}")


def test_the_sentence_comes_from_the_numbers() -> None:
    _, study, _ = small()
    years = site_years(study)
    text = power_sentence(years)
    assert text.count(".") - len(re.findall(r"\d\.\d", text)) == 1 and text.endswith(".")
    pairs = premiums([c for c in years if c[0].load.planned] or years)  # type: ignore[arg-type]
    assert f"${sum(p.cost_usd for p in pairs) / 1e6:.3g}" in text.replace(",", "") or " bn" in text
    dearer = study_with(lambda c: tuple(replace(k, energy_usd_per_mwh=k.energy_usd_per_mwh * 3) for k in c))
    assert power_sentence(site_years(dearer)) != text
    cheap = study_with(lambda c: tuple(replace(k, energy_usd_per_mwh=9.0) if k.name != "grid" else k for k in c))
    assert "less than from the grid alone" in power_sentence(site_years(cheap))
    same = study_with(lambda c: tuple(replace(c[0], name=k.name) for k in c))
    assert "takes no carbon off the hours" in power_sentence(site_years(same))


def test_a_scenario_that_buys_from_the_grid_alone_says_so() -> None:
    study = study_with(lambda c: (replace(c[1], name="plan"), c[1]))
    years = site_years(study)
    assert premiums(years) == ()
    assert "was not solved, because the scenario buys from the grid alone" in power_sentence(years)
    views = {v["id"]: v for v in hours_views(study, years)}
    assert views["premium"]["rows"] == [] and views["premium"]["empty"].endswith(".")
    assert views["sites_year"]["note"].startswith("Chosen: grid only.")
    assert all(f["option"] for f in (*matching_figures(years, BASIS), *hours_figures(study, BASIS)))


def test_a_site_without_a_case_is_named_and_a_bare_study_has_sentences() -> None:
    _, study, _ = small()
    first, *rest = study.supply.cases
    holed = replace(study, supply=replace(study.supply, cases=((), *rest)))
    rows = rows_of(holed)["sites_year"]
    assert rows[-1][:2] == [study.site.sites[0].replace("_", " "), "no supply solved"]
    assert len({len(r) for r in rows}) == 1
    assert all(f["option"] for f in hours_figures(holed, BASIS))
    empty = bare()[1]
    assert site_years(empty) == () and power_sentence(()) == ""
    assert all(f["empty"].endswith(".") for f in (*matching_figures((), BASIS), *hours_figures(empty, BASIS)))
    assert [v["rows"] for v in hours_views(empty, ())] == [[], []]
    assert len(first) == 4


@pytest.mark.parametrize("make", [small, bare])
def test_no_missing_number_reaches_the_page(make: Any) -> None:
    _, study, _ = make()
    years = site_years(study)
    texts = [cell for v in hours_views(study, years) for row in v["rows"] for cell in row] + [power_sentence(years)]
    assert not any(re.search(r"\b(nan|inf|n/a|None)\b", t) for t in texts)


def test_tables_on_disk_hold_every_case_and_every_month_and_hour() -> None:
    _, study, risk = small()
    tables = {t.name: t for t in all_tables(study, risk)}
    years = list(csv.DictReader(csv_text(*tables["sites_year"][1:]).splitlines()))
    assert len(years) == sum(len(c) for c in study.supply.cases)
    assert sum(r["chosen"] == "1" for r in years) == len(study.supply.sites)
    hours = list(csv.DictReader(csv_text(*tables["site_hours"][1:]).splitlines()))
    assert len(hours) == len(years) * 12 * 24
    for row in years:
        mine = [h for h in hours if (h["site"], h["case"]) == (row["site"], row["case"])]
        mean = sum(float(h["load_mw_per_it_mw"]) * MONTH_DAYS[int(h["month"]) - 1] for h in mine) / 365 / 24
        assert float(row["energy_mwh"]) == pytest.approx(float(row["it_mw"]) * mean * 8760, rel=1e-6)
