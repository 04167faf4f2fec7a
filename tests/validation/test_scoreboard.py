"""The scoreboard: enough published rows, honest statuses, and no miss that the docs do not name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kiban.cli import VALIDATION_OFF, app
from kiban.report.scoreboard import ScoreRow, run_scoreboard

DOCS = Path(__file__).parents[2] / "docs" / "validation.md"


@pytest.fixture(scope="module")
def rows() -> list[ScoreRow]:
    return run_scoreboard()


def test_enough_rows_and_sources(rows: list[ScoreRow]) -> None:
    assert len(rows) >= 60
    assert len({r.source for r in rows}) >= 15
    assert sum(r.status == "ok" for r in rows) >= 50


def test_every_miss_and_gap_is_named_in_the_docs(rows: list[ScoreRow]) -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert [f"{r.source}: {r.item}" for r in rows if r.status != "ok" and r.item not in text] == []


def test_epoch_sheet_within_one_percent_and_its_contradiction_is_said(rows: list[ScoreRow]) -> None:
    sheet = {r.item: r for r in rows if r.source == "epoch_1gw"}
    total = sheet["total annual cost"]
    assert total.error_frac is not None
    assert abs(total.error_frac) < 0.01
    assert "sum to 923, it states 907" in sheet["opex as stated"].note
    assert sheet["opex as stated"].status == "off"


def test_json_form() -> None:
    result = CliRunner().invoke(app, ["validate", "--json"])
    assert result.exit_code == VALIDATION_OFF
    for row in json.loads(result.stdout)["rows"]:
        assert {"source", "item", "published", "model", "error_frac", "tolerance_frac", "status"} <= set(row)
        assert row["status"] in ("ok", "off", "missing")
        assert (row["model"] is None) == (row["status"] == "missing")


def test_a_row_without_a_model_is_missing_not_dropped(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(
        '[source]\nid = "x"\n[[row]]\nitem = "a"\npublished = 2.0\nunit = "-"\ncase = "none"\n', encoding="utf-8"
    )
    (found,) = run_scoreboard(tmp_path)
    assert found.status == "missing"
    assert found.as_dict()["model"] is None


def test_an_unknown_case_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(
        '[source]\nid = "x"\n[[row]]\nitem = "a"\npublished = 2.0\nunit = "-"\ncase = "magic"\n', encoding="utf-8"
    )
    with pytest.raises(ValueError, match="no case named 'magic'"):
        run_scoreboard(tmp_path)
