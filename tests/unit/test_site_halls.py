"""Power path, ASHRAE class and phases of a scenario's site: losses, defaults, faults, dates, tables."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import plan_fixtures as fx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_fixtures import PLAIN_HALL, small
from typer.testing import CliRunner

from kiban.catalog import load_catalog
from kiban.cli import app
from kiban.facility import inputs, power_chain, run_facility
from kiban.facility import psychrometrics as air
from kiban.facility.cooling import KINDS, hourly_overhead
from kiban.facility.hall_choices import with_classes
from kiban.facility.model import SiteYear, site_year
from kiban.facility.path_saving import path_saving
from kiban.facility.plant import Outdoors
from kiban.facility.power_paths import FULL_MODULE_FRAC, UPS_MODES, power_path
from kiban.facility.site_hall import run_hall
from kiban.facility.year import facility_year
from kiban.figures.figure import Basis
from kiban.figures.phases import largest, phases_figure
from kiban.figures.site_halls import hall_years, phase_dates
from kiban.plan import run_plan
from kiban.plan.rungs import hall_rung, new_it_mw, site_max_it_mw, site_terms
from kiban.report.hall_views import hall_views, saving_view
from kiban.report.tables_sites import site_tables
from kiban.results import PathSaving, Plan, Site, SitePhase, Study
from kiban.scenario.check import check_text
from kiban.scenario.facility_schema import PowerPart
from kiban.scenario.hall_part import WITH_COLD_PLATES, PowerPathPart
from kiban.scenario.load import load_scenario_text
from kiban.scenario.schema import Scenario
from kiban.scenario.site_part import SitePart
from kiban.scenario.template import template_text

CATALOG = load_catalog()
PLANT, CHAIN = inputs.base_parameters(CATALOG)
BASE = template_text()
REDUNDANCIES = ("n", "n_plus_1", "distributed_4_3", "two_n")
WATER = ("w17", "w27", "w32", "w40", "w45")
SITE = "    state: tx\n"
loads = st.floats(0.02, 1.0)


def _outdoors(dry_degc: float | np.ndarray, wet_frac: float = 0.45) -> Outdoors:
    dry = np.atleast_1d(np.asarray(dry_degc, dtype=float))
    ratio = air.humidity_ratio(wet_frac * air.saturation_pressure_pa(dry), 99_000.0)
    return Outdoors(dry, air.wet_bulb_degc(dry, ratio, 99_000.0), ratio, np.asarray(99_000.0))


def _year_outdoors() -> Outdoors:
    hour = np.arange(8760)
    return _outdoors(15 - 15 * np.cos(2 * np.pi * hour / 8760) + 6 * np.sin(2 * np.pi * (hour % 24 - 9) / 24))


def _losses(ups: str, redundancy: str, load: float, units: int = 4) -> float:
    """Everything between connection and racks over IT power, without cooling."""
    chain = power_path(CATALOG, CHAIN, ups, redundancy, units).chain
    indoor = power_chain.indoor_loss_frac(chain, load)
    return float(indoor + power_chain.outdoor_loss_frac(chain, 1.0 + indoor, load))


def _with_site(lines: str) -> str:
    assert BASE.count(SITE) == 1
    return BASE.replace(SITE, SITE + "".join(f"    {line}\n" for line in lines.strip().splitlines()))


def _site(text: str) -> SitePart:
    return load_scenario_text(_with_site(text)).scenario.sites[0]


def _facility(text: str = "") -> Site:
    scenario = load_scenario_text(_with_site(text) if text else BASE).scenario
    return run_facility(scenario, CATALOG, fx.fleet(), 20261124)


@given(loads, st.sampled_from(REDUNDANCIES), st.integers(1, 12))
def test_800_v_and_eco_lose_less_than_double_conversion_at_any_load(load: float, spare: str, units: int) -> None:
    double = _losses("double_conversion", spare, load, units)
    assert _losses("dc_800v", spare, load, units) < double
    assert _losses("eco", spare, load, units) < double


@given(st.floats(0.045, 0.27), st.sampled_from(UPS_MODES))
def test_two_sets_burn_the_fixed_losses_twice(load: float, ups: str) -> None:
    # Between 2 and 25 % of a module its loss in kW is fixed: twice the modules, twice the loss.
    def fixed(redundancy: str) -> float:
        chain = power_path(CATALOG, CHAIN, ups, redundancy).chain
        module = float(chain.ups_design_load_frac) * load
        return (1.0 - float(power_chain.ups_efficiency_frac(chain, load))) * module

    single, double = fixed("n") / FULL_MODULE_FRAC, fixed("two_n") / (FULL_MODULE_FRAC / 2)
    assert double == pytest.approx(2.0 * single, rel=1e-9)
    assert _losses(ups, "two_n", load) > _losses(ups, "n", load)


@given(st.floats(0.02, 0.2), st.sampled_from(UPS_MODES), st.integers(1, 12))
def test_spare_units_lose_more_in_order_at_part_load(load: float, ups: str, units: int) -> None:
    lost = [_losses(ups, spare, load, units) for spare in ("n", "n_plus_1", "two_n")]
    assert lost == sorted(lost)


@settings(max_examples=40)
@given(
    st.sampled_from(KINDS), st.floats(-15, 42), st.floats(0.1, 0.95), st.floats(0.2, 1.0), st.sampled_from(REDUNDANCIES)
)
def test_pue_follows_the_losses_under_every_plant(kind: str, dry: float, humid: float, load: float, spare: str) -> None:
    outdoors = _outdoors(dry, humid)
    pue = {
        ups: float(
            hourly_overhead(kind, outdoors, PLANT, power_path(CATALOG, CHAIN, ups, spare).chain, load).hourly_pue[0]
        )
        for ups in UPS_MODES
    }
    # Losses are heat: what the path saves, the plant need not remove either.
    assert 1.0 < pue["dc_800v"] < pue["double_conversion"]
    saved = _losses("double_conversion", spare, load) - _losses("dc_800v", spare, load)
    assert pue["double_conversion"] - pue["dc_800v"] >= 0.99 * saved
    assert 1.0 < pue["eco"] < pue["double_conversion"]


@settings(max_examples=40)
@given(st.sampled_from(WITH_COLD_PLATES), st.floats(-15, 42), st.floats(0.1, 0.95), st.floats(0.3, 1.0))
def test_warmer_water_never_costs_power(kind: str, dry: float, humid: float, load: float) -> None:
    outdoors = _outdoors(dry, humid)
    pue = [
        float(hourly_overhead(kind, outdoors, with_classes(CATALOG, PLANT, None, False, w), CHAIN, load).hourly_pue[0])
        for w in WATER
    ]
    assert all(warm <= cold + 1e-12 for cold, warm in pairwise(pue))


def test_a_site_that_names_nothing_keeps_the_numbers_it_had() -> None:
    bare = _facility()
    parts = (_year_outdoors(), PLANT, CHAIN, 0.8, (38.0, 25.0))
    part = load_scenario_text(BASE).scenario.sites[0]
    costs = _costs(part)
    year, hall = run_hall(CATALOG, part, parts[0], (PLANT, CHAIN), 0.8, (38.0, 25.0), costs)
    old = site_year("liquid_dry_cooler", *parts)
    np.testing.assert_array_equal(year.hourly_pue, old.hourly_pue)
    assert (year.annual_pue, year.peak_pue) == (old.annual_pue, old.peak_pue)
    # Before sites could name a path: a hall in Dallas with dry coolers, seed 20261124.
    assert bare.site_annual_pue[0] == pytest.approx(1.0895920, abs=5e-8)
    assert bare.site_peak_pue[0] == pytest.approx(1.17753629, abs=5e-9)
    assert (hall.ups, hall.redundancy, hall.saving, hall.phases) == ("double_conversion", "", None, ())
    assert hall.module_load_frac == CATALOG.value("electrical.ups_design_load_frac")
    assert not [w for w in bare.warnings if "power path" in w or "rest on electrical" in w]


def _costs(part: SitePart) -> Any:
    from kiban.facility.site_costs import site_costs

    return site_costs(CATALOG, part, 2026, liquid=True)


def test_a_study_and_the_door_of_one_hall_agree() -> None:
    part = _site("power: {ups: dc_800v, redundancy: two_n}\nair_class: a2\nallowable: true\nwater_class: w27")
    outdoors = _year_outdoors()
    year, hall = run_hall(CATALOG, part, outdoors, (PLANT, CHAIN), 0.8, None, _costs(part))
    plant = with_classes(CATALOG, PLANT, "a2", True, "w27")
    door_path = PowerPart.model_validate({"ups": "dc_800v", "redundancy": "two_n"})
    chain = power_path(CATALOG, CHAIN, door_path.ups, door_path.redundancy, door_path.units).chain
    door = facility_year("liquid_dry_cooler", outdoors, plant, chain, np.full(8760, 80.0), 100.0, 0.0)
    assert year.annual_pue == pytest.approx(door.annual_pue, rel=1e-12)
    assert year.peak_pue == pytest.approx(door.peak_pue, rel=1e-12)
    assert 100.0 * (1 - year.full_load_pue / year.peak_pue) == pytest.approx(door.hottest_hour_loss_mw, rel=1e-9)
    assert hall.electrical_loss_frac == pytest.approx(float(door.hourly_electrical_frac.mean()), rel=1e-12)
    assert (hall.air_class, hall.water_class, hall.module_load_frac) == ("a2 allowable", "w27", pytest.approx(0.45))


def test_path_and_class_reach_the_result_with_notes_and_traces() -> None:
    site = _facility("power: {ups: dc_800v, redundancy: n_plus_1, units: 9}\nwater_class: w40")
    bare, hall = _facility(), site.halls[0]
    assert site.site_annual_pue[0] < bare.site_annual_pue[0] and site.site_peak_pue[0] < bare.site_peak_pue[0]
    np.testing.assert_array_equal(site.site_construction_usd_per_kw, bare.site_construction_usd_per_kw)
    assert hall.module_load_frac == pytest.approx(0.9 * 9 / 10)
    assert hall.saving is not None and hall.saving.annual_pue > site.site_annual_pue[0]
    shelf, step = (
        CATALOG.value(f"electrical.{name}")
        for name in ("rack_power_shelf.efficiency_peak_frac", "dc800v.rack_step_down_efficiency_frac")
    )
    assert hall.saving.rack_it_frac == pytest.approx(step / shelf - 1)
    gain = hall.saving.annual_pue - float(site.site_annual_pue[0])
    boards = hall.saving.annual_pue * step / shelf - float(site.site_annual_pue[0])
    assert hall.saving.gain_pue[0] < gain < hall.saving.gain_pue[1]
    assert hall.saving.same_boards_gain_pue[0] < boards < hall.saving.same_boards_gain_pue[1]
    assert any("no sourced price" in w and "dallas_hall" in w for w in site.warnings)
    assert any(
        w.startswith("assumed: the halls of") and "electrical.dc800v.busway_loss_frac" in w for w in site.warnings
    )
    trace = next(t for t in site.traces if t.name == "facility.site_annual_pue.dallas_hall")
    assert {"scenario.sites.dallas_hall.power", "cooling.class_w40.facility_water_max_degc"} <= set(trace.inputs)
    assert not [key for key in trace.inputs if "ups_double_conversion" in key or key.endswith("ups_design_load_frac")]
    explained = next(t for t in site.traces if t.name == "facility.site_path_gain_pue.dallas_hall")
    assert explained.value == pytest.approx(gain)
    assert all(CATALOG.has(k) for k in trace.inputs if k.startswith(("electrical.", "cooling.", "plant.")))


def test_every_wrong_name_is_said_at_once_with_exit_2(tmp_path: Path) -> None:
    text = _with_site(
        "power: {ups: dc_800, redundancy: 2n, unit: 4}\nair_class: a5\nwater_class: w33\n"
        "construction: {ready: p80, phases: [{it_mw: 50, start: 3}]}"
    )
    path = tmp_path / "s.yaml"
    path.write_text(text, encoding="utf-8")
    for verb in ("check", "run"):
        result = CliRunner().invoke(app, [verb, str(path), "--json"])
        assert result.exit_code == 2 and "Traceback" not in result.output
        found = {p["path"]: p for p in json.loads(result.stdout)["problems"]}
        assert set(found) == {
            "sites[0].power.ups", "sites[0].power.redundancy", "sites[0].power.unit", "sites[0].air_class",
            "sites[0].water_class", "sites[0].construction", "sites[0].construction.ready",
            "sites[0].construction.phases[0].start",
        }  # fmt: skip
    assert found["sites[0].power.ups"]["nearest"] == "dc_800v"
    assert found["sites[0].power.redundancy"]["allowed"] == "n, n_plus_1, distributed_4_3, two_n"
    assert found["sites[0].power.unit"]["nearest"] == "units"
    assert found["sites[0].water_class"]["nearest"] in WATER
    assert found["sites[0].construction.phases[0].start"]["nearest"] == "start_month"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("lines", "path", "words"),
    [
        ("cooling: air_chiller\nwater_class: w32", "sites[0].water_class", "changes nothing about air_chiller"),
        ("allowable: true", "sites[0].allowable", "changes nothing without air_class"),
        ("construction: {phases: [{it_mw: 12}, {it_mw: 9}]}", "sites[0].construction", "sum to 21, but max_it_mw"),
        ("construction: {phases: [{it_mw: 2, start_month: 121}]}", "sites[0].construction.phases[0].start_month",
         "starts after the horizon"),
    ],
)  # fmt: skip
def test_keys_that_change_nothing_or_cannot_be(lines: str, path: str, words: str) -> None:
    found = check_text(_with_site(lines), None, CATALOG)
    assert [p.path for p in found] == [path]
    assert words in found[0].message


def test_the_door_refuses_the_same_keys(tmp_path: Path) -> None:
    path = tmp_path / "hall.yaml"
    path.write_text(
        "kiban_facility: 1\nname: hall\nweather: {site: abilene_tx}\ncooling: air_chiller\nit_mw: 50\n"
        "water_class: w32\nallowable: true\n",
        encoding="utf-8",
    )
    result = CliRunner().invoke(app, ["facility", str(path), "--json"])
    assert result.exit_code == 2
    assert [p["path"] for p in json.loads(result.stdout)["problems"]] == ["water_class", "allowable"]


def _planned(construction: dict[str, Any] | None) -> tuple[Scenario, Site, int]:
    """The scenario of the plan's fixtures with construction at its second site, an own one without grid steps."""
    scenario = fx.scenario()
    at = next(i for i, s in enumerate(scenario.sites) if "owned" in s.rungs)
    part = SitePart.model_validate(scenario.sites[at].model_dump() | {"construction": construction})
    sites = [part if i == at else s for i, s in enumerate(scenario.sites)]
    scenario = scenario.model_copy(update={"sites": sites})
    return scenario, fx.site(scenario), at


def _own_lead(construction: dict[str, Any] | None) -> int:
    scenario, site, at = _planned(construction)
    catalog: Any = fx.PlanCatalog()
    terms = site_terms(catalog, scenario, site, fx.supply(scenario), at)
    return hall_rung(catalog, scenario, fx.fleet(), terms, at, "owned").lead_time_quarters


def test_the_plan_counts_on_the_month_that_is_asked_for() -> None:
    # The fixture's months are 16, 24 and 40.
    assert _own_lead(None) == _own_lead({"ready": "p50"}) == 8
    assert (_own_lead({"ready": "p10"}), _own_lead({"ready": "p90"})) == (5, 13)


def test_no_more_than_the_ready_phases_may_be_in_service() -> None:
    scenario, site, at = _planned({"phases": [{"it_mw": 8, "start_month": 0}, {"it_mw": 12, "start_month": 12}]})
    part, months = scenario.sites[at], site.site_build_months[at]
    free = site_max_it_mw(_planned(None)[0], at, months)
    found = site_max_it_mw(scenario, at, months)
    signed = np.zeros_like(found)
    quarters = [f"{2026 + (3 + q) // 4}Q{(3 + q) % 4 + 1}" for q in range(len(found))]
    for block in part.committed:
        signed[max(quarters.index(block.quarter) if block.quarter in quarters else 0, 0) :] += block.it_mw
    ready = np.where(np.arange(len(found)) >= 8, 8.0, 0.0) + np.where(np.arange(len(found)) >= 12, 12.0, 0.0)
    np.testing.assert_allclose(found, np.minimum(free, signed + ready))


def _studied() -> Study:
    """The study of the report's fixtures with halls: the first site at 800 V, the second in phases."""
    _, study, _ = small()
    saving = PathSaving(1.25, 1.4, 0.01, gain_pue=(-0.01, 0.06), same_boards_gain_pue=(0.0, 0.09))
    power = replace(
        PLAIN_HALL, ups="dc_800v", redundancy="two_n", air_class="a2 allowable", water_class="w32", saving=saving
    )
    phased = replace(PLAIN_HALL, ready="p90", phases=(SitePhase(30.0, 6.0, (22.0, 30.0, 46.0), 16.0),))
    halls = (power, phased, *study.site.halls[2:])
    return replace(study, site=replace(study.site, halls=halls))


def test_saving_is_energy_times_the_gap_of_pue() -> None:
    study = _studied()
    year = hall_years(study)[0]
    pue, peak = float(study.site.site_annual_pue[0]), float(study.site.site_peak_pue[0])
    alike, boards = year.saved_mwh
    assert alike == pytest.approx(year.it_mwh * (1.25 - pue))
    # Boards draw the same; behind the other rack conversion 1 % more IT power goes through a PUE of 1.25.
    assert boards == pytest.approx(year.it_mwh * (1.01 * 1.25 - pue))
    assert year.saved_mw == pytest.approx((year.load.it_mw * (1.4 - peak), year.load.it_mw * (1.01 * 1.4 - peak)))
    assert year.peak_facility_mw == pytest.approx(year.load.it_mw * peak)
    full = year.hall.full_load_pue
    # A connection for the mean of a full hall carries what is left in the hottest hour, exactly.
    assert (year.load.it_mw - year.hottest_hour_loss_mw) * peak == pytest.approx(year.load.it_mw * full)
    assert year.saved_mwh_range[0] == pytest.approx((-0.01 * year.it_mwh, 0.06 * year.it_mwh))
    assert hall_years(study)[1].saved_mwh == (0.0, 0.0)


def test_every_start_of_the_plan_is_a_phase_with_dates() -> None:
    study = _studied()
    dates = phase_dates(study)
    starts = (study.demand.tree.node_probability[:, None] * study.plan.chosen.node_hall_start_it_mw).sum()
    own = [d for d in dates if not d.what.startswith("phase")]
    assert sum(d.it_mw for d in own) == pytest.approx(float(starts), rel=0.02)
    asked = next(d for d in dates if d.what == "phase 1")
    first = study.demand.tree.quarters[0]
    assert first == "2026Q4"
    assert (asked.start, asked.ready, asked.counted_on) == ("2027Q2", ("2028Q3", "2029Q2", "2030Q3"), "2030Q3")
    assert asked.order_by == "2028Q1"
    for one in dates:
        assert one.start < one.ready[0] <= one.ready[1] <= one.ready[2]


def test_tables_name_path_class_and_phases() -> None:
    study = _studied()
    by_id = {v["id"]: v for v in hall_views(study)}
    assert list(by_id) == ["halls", "path_saving", "phases"]
    row = by_id["halls"]["rows"][0]
    assert row[1:6] == ["800 V DC, 2N", "70.0 %", "5.0 %", "A2 allowable", "W32"]
    assert by_id["path_saving"]["rows"][0][1] == "800 V DC, 2N" and len(by_id["path_saving"]["rows"]) == 1
    both = [replace(h, hall=study.site.halls[0], load=replace(h.load, planned=True)) for h in hall_years(study)[:2]]
    rows = saving_view(both)["rows"]
    assert rows[-1][0] == "all planned halls" and len(rows) == 3
    assert float(rows[-1][6].split()[0]) == pytest.approx(sum(h.saved_mwh[0] for h in both) / 1e3, rel=5e-3)
    written = {t.name: t for t in site_tables(study)}
    assert len(list(written["site_halls"].lines)) == len(study.site.sites)
    assert len(list(written["site_phases"].lines)) == len(phase_dates(study))
    nobody = replace(study, site=replace(study.site, halls=()))
    assert [v["rows"] for v in hall_views(nobody)] == [[], []]


def test_bars_end_at_the_quarters_of_the_schedule() -> None:
    study = _studied()
    drawn = phases_figure(study, Basis())
    dates = largest(phase_dates(study), 8)
    assert dates[[d.what for d in dates].index("phase 1")].it_mw == 30.0
    names = drawn["option"]["xAxis"]["kiban_quarters"]
    series = {s["name"]: s["data"] for s in drawn["option"]["series"]}
    for row, one in enumerate(dates[::-1]):
        starts = [series[name][row] for name in ("start", "works, before the P10", "P10 to P50", "P50 to P90")]
        ends = np.cumsum(starts).astype(int)
        assert [names[e] for e in ends] == [one.start, *one.ready]
        assert names[series["plan counts on power"][row][0]] == one.counted_on
        assert names[series["slowest order by"][row][0]] == one.order_by
    none = replace(study, site=replace(study.site, halls=()))
    assert phases_figure(none, Basis())["empty"]


def test_a_plan_keeps_within_its_phases_and_says_when_none_is_ready() -> None:
    catalog: Any = fx.PlanCatalog()

    def planned(start_month: float) -> tuple[Scenario, Plan]:
        phases = [{"it_mw": 8, "start_month": start_month}, {"it_mw": 12, "start_month": start_month + 12}]
        scenario, site, _ = _planned({"phases": phases})
        tree = fx.tree_of(scenario.horizon.length_quarters, [4, 12], [0.35, 0.4, 0.25])
        return scenario, run_plan(
            scenario, catalog, fx.demand(scenario, tree), fx.fleet(), site, fx.supply(scenario)
        )  # fmt: skip

    scenario, plan = planned(0.0)
    at = next(i for i, s in enumerate(scenario.sites) if s.construction)
    mine = [k for k, rung in enumerate(plan.rungs) if rung.site == scenario.sites[at].name]
    limit = plan.rungs[mine[0]].max_it_mw
    live = plan.chosen.node_hall_live_it_mw[:, mine].sum(axis=1)
    path = plan.leaf_path
    assert (live[path] <= limit + 1e-6).all()
    assert not [w for w in plan.warnings if "no phase" in w]
    assert [w for w in planned(100.0)[1].warnings if "no phase has power within the horizon" in w]


def test_policy_counts_the_load_of_the_phases() -> None:
    part = _site("construction: {phases: [{it_mw: 5}, {it_mw: 3}]}")
    assert new_it_mw(part) == 8
    assert new_it_mw(_site("construction: {ready: p90}")) == 20


def test_the_range_of_a_saving_ends_where_every_row_does() -> None:
    # Every row of eco mode at its bad end and of the UPS at its good end, by overriding them one by one.
    part = PowerPathPart(ups="eco", redundancy="n")
    outdoors = _year_outdoors()

    def year(chain: power_chain.PowerChain) -> SiteYear:
        return site_year("liquid_dry_cooler", outdoors, PLANT, chain, 0.8, None)

    found = path_saving(CATALOG, part, year)
    assert found is not None and found.rack_it_frac == 0.0
    ends = {
        "electrical.ups_eco_mode.efficiency_frac": 0, "electrical.ups_eco_mode.fixed_loss_frac": 2,
        **{f"electrical.ups_double_conversion.efficiency_frac.load_{p}": 2 for p in ("025", "050", "075", "100")},
    }  # fmt: skip
    for place, flip in ((0, False), (1, True)):
        changed = {key: (CATALOG.range(key)[2 - end if flip else end], "test") for key, end in ends.items()}
        corner = CATALOG.with_overrides(changed)
        chain = inputs.base_parameters(corner)[1]
        pue = [year(power_path(corner, chain, ups, "n").chain).annual_pue for ups in ("double_conversion", "eco")]
        assert found.gain_pue[place] == pytest.approx(pue[0] - pue[1], rel=1e-12)
        assert found.same_boards_gain_pue[place] == pytest.approx(found.gain_pue[place], rel=1e-12)
    assert path_saving(CATALOG, PowerPathPart(), year) is None
