"""The run folder: every file is there, readable, and the same for the same input."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_fixtures import bare, loaded, small

from kiban.catalog import load_catalog
from kiban.report import write
from kiban.report.headline import headline_of
from kiban.report.provenance import provenance_table, used_rows, with_scenario
from kiban.report.tables import all_tables, csv_text
from kiban.scenario.load import load_scenario


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    _, study, risk = small()
    target = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(write, "write_workbook", lambda path, *_: path.write_bytes(b"workbook"))
        write.write_package(target, loaded(), load_catalog(), study, risk)
    yield target


def test_every_file_is_written(folder: Path) -> None:
    names = {p.name for p in folder.iterdir()}
    assert names == {
        "scenario.resolved.yaml", "results.json", "provenance.csv", "tables", "report.html", "workbook.xlsx",
    }  # fmt: skip
    assert load_scenario(folder / "scenario.resolved.yaml").scenario == small()[0]


def test_results_hold_the_headline_and_no_wall_time(folder: Path) -> None:
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert list(results) == ["kiban", "name", "hash", "headline", "sites_year", "study", "risk"]
    assert isinstance(results["headline"]["sentence"], str)
    assert all(isinstance(v, float | int) for v in results["headline"]["numbers"].values())
    assert "room_seconds" not in results["study"]


def test_results_are_the_same_for_the_same_input() -> None:
    _, study, risk = small()
    again = replace(
        study, room_seconds={"plan": 9.9}, plan=replace(study.plan, chosen=replace(study.plan.chosen, solve_s=5))
    )
    texts = {write.results_text(headline_of(s, risk), s, risk) for s in (study, again)}
    assert len(texts) == 1


@pytest.mark.parametrize("make", [small, bare])
def test_tables_are_rectangular_and_have_unique_names(make: Any) -> None:
    _, study, risk = make()
    seen = set()
    for table in all_tables(study, risk):
        rows = list(csv.reader(csv_text(table.columns, table.lines).splitlines()))
        assert len(set(table.columns)) == len(table.columns), table.name
        assert {len(r) for r in rows} == {len(table.columns)}, table.name
        assert not {"nan", "inf", "-inf", "None"} & {c for r in rows for c in r}, table.name
        seen.add(table.name)
    assert {"plan_by_node", "capacity", "statements", "unit_costs", "futures_npv", "money_flows"} <= seen


def test_capacity_table_sums_to_the_plan(folder: Path) -> None:
    _, study, _ = small()
    rows = read_csv((folder / "tables" / "capacity.csv").read_text(encoding="utf-8"))
    total = sum(float(r["hall_live_it_mw"]) for r in rows if r["hall_live_it_mw"])
    assert total == pytest.approx(float(study.plan.chosen.node_hall_live_it_mw.sum()), rel=1e-6)
    live = sum(float(r["silicon_live_accelerators"]) for r in rows if r["silicon_live_accelerators"])
    assert live == pytest.approx(float(study.plan.chosen.node_silicon_live.sum()), rel=1e-6)


def test_hourly_table_has_a_year_and_flows_that_meet_the_load(folder: Path) -> None:
    _, study, _ = small()
    rows = read_csv((folder / "tables" / "hourly_lake.csv").read_text(encoding="utf-8"))
    assert len(rows) == 8760
    sources = [f"{s}_mw" for s in study.supply.cases[0][0].sources]
    flows = np.array([[float(r[s]) for s in sources] for r in rows])
    assert np.allclose(flows.sum(axis=1), [float(r["load_mw"]) for r in rows], atol=1e-6)
    assert float(rows[0]["pue"]) == pytest.approx(float(study.site.hourly_pue[0, 0]), rel=1e-6)


def test_futures_table_agrees_with_the_sample(folder: Path) -> None:
    _, _, risk = small()
    rows = read_csv((folder / "tables" / "futures_npv.csv").read_text(encoding="utf-8"))
    mean = np.mean([float(r["plan_responding_npv_usd"]) for r in rows])
    assert mean == pytest.approx(float(risk.plan_mean_npv_usd[1]), rel=1e-6)


def test_provenance_lists_rows_with_sources_and_marks_overrides() -> None:
    key = "construction.contingency_frac"
    _, study, risk = small()
    file = loaded(overrides=[{"key": key, "value": 0.11, "why": "own quote"}])
    catalog = with_scenario(load_catalog(), file.scenario)
    columns, lines = provenance_table(used_rows(catalog, study, risk))
    rows = {(r["room"], r["key"]): r for r in read_csv(csv_text(columns, lines))}
    changed = rows["facility", key]
    assert (changed["value"], changed["overridden"], changed["note"]) == ("0.11", "yes", "own quote")
    assert ("risk", "risk.rent_level_factor") in rows
    assert ("facility", "weather_normals") in rows
    assert not any(k == "not.a.key" for _, k in rows)
    assert all(r["source_title"] for r in rows.values())


def test_histories_table_and_results_hold_the_measures(folder: Path) -> None:
    _, study, _ = small()
    m = study.plan.measures
    assert m is not None
    rows = read_csv((folder / "tables" / "histories.csv").read_text(encoding="utf-8"))
    assert [r["history"] for r in rows] == list(study.plan.leaf_name)
    mean = sum(float(r["probability"]) * float(r["plan_npv_usd"]) for r in rows)
    assert mean == pytest.approx(study.plan.chosen.expected_npv_usd, rel=1e-6)
    assert all(float(r["foresight_npv_usd"]) >= float(r["plan_npv_usd"]) * (1 - 1e-9) for r in rows)
    held = json.loads((folder / "results.json").read_text(encoding="utf-8"))["study"]["plan"]["measures"]
    assert held["evpi_usd"] == pytest.approx(m.evpi_usd, rel=1e-9)
    assert held["sentences"] == list(m.sentences)
    assert held["in_pieces_usd"] is None  # not asked for
    assert len(held["frontier"]) == 5
