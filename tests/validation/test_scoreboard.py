"""The scoreboard: enough published rows, honest statuses, and no miss that the docs do not name."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from kiban.cli import VALIDATION_OFF, app
from kiban.report.scoreboard import ScoreRow, as_text, run_scoreboard, validation_folder

DOCS = Path(__file__).parents[2] / "docs" / "validation.md"
FILES = sorted(validation_folder().rglob("*.toml"))


@pytest.fixture(scope="module")
def rows() -> list[ScoreRow]:
    return run_scoreboard()


def _table(heading: str) -> dict[tuple[str, str], str]:
    """Third column of a table of the page by source and row."""
    part = DOCS.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| ")]
    return {(source, item): third for source, item, third, *_ in lines[1:]}


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _numbers(inner)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield float(value)


def test_enough_rows_and_sources(rows: list[ScoreRow]) -> None:
    assert len(rows) >= 150
    assert len({r.source for r in rows}) >= 25
    assert sum(r.status == "ok" and not r.in_sample for r in rows) >= 80


def test_every_row_has_one_name(rows: list[ScoreRow]) -> None:
    names = [(r.source, r.item) for r in rows]
    assert len(names) == len(set(names))


def test_misses_are_exactly_those_of_the_docs(rows: list[ScoreRow]) -> None:
    assert set(_table("Known misses")) == {(r.source, r.item) for r in rows if r.status == "off"}


def test_errors_of_the_docs_are_those_of_the_models(rows: list[ScoreRow]) -> None:
    written = _table("Known misses")
    moved = []
    for r in rows:
        if r.status == "off":
            assert r.error_frac is not None
            said = float(written[r.source, r.item].removesuffix(" %"))
            if abs(said - 100 * r.error_frac) > 2.0:
                moved.append(f"{r.source}, {r.item}: docs {said:+.0f} %, now {100 * r.error_frac:+.0f} %")
    assert moved == []


def test_gaps_are_exactly_those_of_the_docs(rows: list[ScoreRow]) -> None:
    assert set(_table("Not answered")) == {(r.source, r.item) for r in rows if r.status == "missing"}


def test_a_gap_says_why(rows: list[ScoreRow]) -> None:
    assert [f"{r.source}: {r.item}" for r in rows if r.status == "missing" and not r.note] == []


def test_epoch_sheet_within_one_percent_and_its_contradiction_is_said(rows: list[ScoreRow]) -> None:
    sheet = {r.item: r for r in rows if r.source == "epoch_1gw"}
    total = sheet["total annual cost"]
    assert total.error_frac is not None
    assert abs(total.error_frac) < 0.01
    assert total.in_sample  # its rate was read off the sheet
    share = sheet["share of servers in the annual cost"]
    assert share.status == "ok"
    assert not share.in_sample
    assert sheet["opex as stated"].status == "off"
    assert "sum to 923, it states 907" in as_text(rows)


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_file_is_complete_and_not_circular(path: Path) -> None:
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    assert path.read_text(encoding="utf-8").startswith("# ")  # why these tolerances
    source = data["source"]
    assert all(source[k] for k in ("id", "title", "publisher", "date", "locator"))
    assert source["url"] == "" or source["url"].startswith("https://")
    for row in data["row"]:
        inputs = list(_numbers({**data.get("inputs", {}), **row.get("inputs", {})}))
        assert float(row["published"]) not in inputs, f"{row['item']}: the published figure is an input"
        assert 0 < row.get("tolerance_frac", data.get("tolerance_frac", 0.0)) <= 0.5


def test_json_form() -> None:
    result = CliRunner().invoke(app, ["validate", "--json"])
    assert result.exit_code == VALIDATION_OFF
    for row in json.loads(result.stdout)["rows"]:
        assert {"source", "item", "published", "model", "error_frac", "tolerance_frac", "status"} <= set(row)
        assert row["status"] in ("ok", "off", "missing")
        assert (row["model"] is None) == (row["error_frac"] is None) == (row["status"] == "missing")


def _folder(tmp_path: Path, *lines: str) -> Path:
    text = ['[source]\nid = "x"\n[[row]]\nitem = "a"\npublished = 2.0\nunit = "-"', *lines]
    (tmp_path / "x.toml").write_text("\n".join(text) + "\n", encoding="utf-8")
    return tmp_path


def test_a_row_without_a_model_is_missing_not_dropped(tmp_path: Path) -> None:
    (found,) = run_scoreboard(_folder(tmp_path, 'case = "none"'))
    assert found.status == "missing"
    assert found.as_dict()["model"] is None


def test_a_row_is_ok_within_its_tolerance_and_off_outside() -> None:
    def status(model: float) -> str:
        return ScoreRow("x", "a", "-", 2.0, model, 0.05, "").status

    assert [status(2.09), status(1.91), status(2.11), status(1.89)] == ["ok", "ok", "off", "off"]


def test_text_says_what_was_in_sample(tmp_path: Path) -> None:
    lines = (
        'case = "saturation_pressure_pa"',
        "tolerance_frac = 1e9",
        "in_sample = true",
        "inputs = {temperature_degc = 20.0}",
    )
    text = as_text(run_scoreboard(_folder(tmp_path, *lines)))
    assert "ok, in sample" in text
    assert "1 ok (0 of them out of sample)" in text


def test_an_unknown_case_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no case named 'magic'"):
        run_scoreboard(_folder(tmp_path, 'case = "magic"'))
