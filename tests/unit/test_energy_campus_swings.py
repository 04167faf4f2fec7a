"""Swings of a study: power levels and cost by hand from the plan, and the words of the report."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from report_fixtures import small

from kiban.catalog import Catalog, load_catalog
from kiban.energy import run_swings
from kiban.report.swing_views import WAY_WORDS, swing_sentence, swing_views
from kiban.report.tables_sites import site_tables
from kiban.results import SiteSwing, Study, Swings, SwingWay
from kiban.scenario import Scenario


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def training_study(count: float = 10_000.0, pause: float = 0.15) -> tuple[Scenario, Study]:
    """The small study with so many accelerators of the first kind that train at the first site, in every node."""
    one, study, _ = small()
    fleet = replace(study.fleet, accelerator_training_pause_frac=np.full(3, pause))
    chosen = study.plan.chosen
    training = np.zeros_like(chosen.node_training_accelerators)
    at = next(k for k, rung in enumerate(study.plan.rungs) if rung.site == study.site.sites[0])
    training[:, at, 0] = count
    plan = replace(study.plan, chosen=replace(chosen, node_training_accelerators=training))
    return one, replace(study, fleet=fleet, plan=plan)


def swings_of(one: Scenario, study: Study, catalog: Catalog) -> Swings:
    return run_swings(one, catalog, study.demand, study.fleet, study.site, study.supply, study.plan)


def way(site: SiteSwing, name: str) -> SwingWay:
    return next(w for w in site.ways if w.name == name)


def test_power_levels_by_hand(catalog: Catalog) -> None:
    one, study = training_study()
    found = swings_of(one, study, catalog)
    (site,) = found.sites
    # 10,000 x 2.0 kW; 37.5 % of that; 2.5 jobs.
    assert (site.site, site.it_mw, site.jobs) == (study.site.sites[0], pytest.approx(20.0), pytest.approx(2.5))
    assert (site.swing_mw, site.job_swing_mw) == (pytest.approx(7.5), pytest.approx(3.0))
    assert (site.step_s, site.pause_s) == (2.0, pytest.approx(0.3))
    assert found.ramp_limit_mw_per_s == pytest.approx(10 / 60)
    # One job of 4,000 falls from 90 % to 20 % of 8 MW; the ramp takes drop^2 / 2 R.
    assert site.stop_mw == pytest.approx(5.6)
    assert site.stop_mwh == pytest.approx(5.6**2 / (2 * 10 / 60) / 3600)


def test_burning_by_hand_and_the_work_that_shifting_would_lose(catalog: Catalog) -> None:
    one, study = training_study()
    site = swings_of(one, study, catalog).sites[0]
    # The draw may fall by 10/60 x 0.15 s in the middle of the pause: nearly all of 7.5 MW x 15 % is burnt.
    ramp = 10 / 60
    burnt = (7.5 * 0.3 - ramp * 0.15**2) / 2.0 * 8760 * 0.93
    price = float(study.supply.site_energy_usd_per_mwh[0])
    floor = way(site, "floor")
    assert floor.usd_per_year == pytest.approx(burnt * float(study.site.site_annual_pue[0]) * price, rel=1e-6)
    assert floor.usd_per_it_mwh == pytest.approx(floor.usd_per_year / (20.0 * 0.9 * 8760 * 0.93), rel=1e-6)
    shift = way(site, "stagger")
    assert not shift.feasible
    assert shift.groups == pytest.approx(np.ceil(3.2 * 20.0 / ramp))
    assert shift.usd_per_year == pytest.approx(0.005 * 18.0 * 8760 * 0.93 * 4.2e3 / 2.0)


def test_what_racks_bring_along_is_counted_against_what_a_step_moves(catalog: Catalog) -> None:
    one, study = training_study()
    site = swings_of(one, study, catalog).sites[0]
    # A flat draw moves 0.15 x 0.85 x 2 s x 7.5 MW.
    moved = 0.15 * 0.85 * 2.0 * 7.5e6
    assert site.rack_held_frac == pytest.approx(10_000 * 65 / moved, rel=0.02)
    assert way(site, "rack_storage").cycled_mwh == pytest.approx(moved / 3.6e9, rel=0.02)


def test_a_pause_is_no_shorter_than_the_fall(catalog: Catalog) -> None:
    one, study = training_study(pause=0.0)
    assert swings_of(one, study, catalog).sites[0].pause_s == pytest.approx(0.375 / 3.2)


def test_a_wider_limit_is_an_override_away(catalog: Catalog) -> None:
    one, study = training_study()
    free = catalog.with_overrides({"smoothing.limit.ramp_mw_per_min": (1e6, "no limit")})
    site = swings_of(one, study, free).sites[0]
    assert all(w.usd_per_year == 0 for w in site.ways)


def test_no_training_no_swings(catalog: Catalog) -> None:
    one, study = training_study(0.0)
    found = swings_of(one, study, catalog)
    assert (found.sites, found.warnings, swing_sentence(found)) == ((), (), "")
    assert swing_views(found)[0]["empty"] == "The plan trains at none of its sites."


def test_the_words_of_the_report(catalog: Catalog) -> None:
    one, study = training_study()
    found = swings_of(one, study, catalog)
    text = swing_sentence(found)
    assert "up to 7.50 MW every 2.00 s" in text and "3.00 MW by one job" in text and "10.0 MW/min" in text
    (table,) = swing_views(found)
    row = table["rows"][0]
    assert len(row) == len(table["columns"])
    assert row[8] == "no: 384 needed"
    cheapest = min((w for w in found.sites[0].ways if w.feasible), key=lambda w: w.usd_per_year)
    assert WAY_WORDS[cheapest.name] in text
    lines = {t.name: list(t.lines) for t in site_tables(replace(study, swings=found))}["site_swings"]
    assert [line[9] for line in lines] == list(WAY_WORDS)
