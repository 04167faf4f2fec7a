"""``kiban plan``: the rooms as far as the plan, in words, as JSON and as tables."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from kiban.catalog import load_catalog
from kiban.cli import app
from kiban.scenario.load import load_scenario
from kiban.study import Walk, run_study

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = EXAMPLES / "neocloud-20mw.yaml"


def kiban(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    done = kiban("plan", str(SMALL), "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_plan_is_that_of_a_whole_study(told: dict[str, Any]) -> None:
    study = run_study(load_scenario(SMALL).scenario, load_catalog())
    plan, tree = study.plan, study.demand.tree
    assert [a["sentence"] for a in told["actions"]] == [a.sentence for a in plan.actions]
    assert told["value"][0]["expected_npv_usd"] == pytest.approx(plan.chosen.expected_npv_usd, rel=1e-9)
    by_name = {b.name: b.expected_npv_usd for b in plan.baselines}
    for row in told["value"][1:]:
        lead = plan.chosen.expected_npv_usd - by_name[row["plan"]]
        assert row["plan_is_worth_more_by_usd"] == pytest.approx(lead, rel=1e-8, abs=1)
    halls = next(r for r in told["capacity"] if r["unit"] == "it_mw")
    rung = [r.name for r in plan.rungs].index(halls["rung"])
    for at in halls["at"]:
        mine = tree.node_quarter == tree.quarters.index(at["quarter"])
        mean = float(plan.chosen.node_hall_live_it_mw[mine, rung] @ tree.node_probability[mine])
        assert at["expected"] == pytest.approx(mean, rel=1e-9)
    assert told["limits"] == list(plan.chosen.shadow_price_sentences)


def test_only_the_rooms_before_the_plan_are_walked(told: dict[str, Any]) -> None:
    assert list(told["programme"]["room_seconds"]) == ["compute", "demand", "facility", "energy", "plan"]
    assert told["programme"]["nodes_count"] > 100
    assert told["programme"]["columns_count"] > told["programme"]["nodes_count"]
    assert told["programme"]["gap_frac"] < 1e-6


def test_a_walk_stops_where_it_is_asked_to() -> None:
    walk = Walk(load_scenario(SMALL).scenario, load_catalog())
    assert walk.demand.tree.quarters[0] == "2026Q4"
    assert list(walk.room_seconds) == ["compute", "demand"]
    assert all(abs(v) < 1e-6 for v in walk.residuals().values())


def test_a_reader_sees_actions_values_capacity_and_limits(told: dict[str, Any]) -> None:
    text = kiban("plan", str(SMALL)).stdout
    for action in told["actions"]:
        assert action["sentence"] in text
    for words in ("all owned", "wait two years", "Capacity, expected", "What limits are worth", "columns", "gap"):
        assert words in text
    assert all(w in text for w in told["warnings"])


def test_tables_are_written(tmp_path: Path) -> None:
    done = kiban("plan", str(SMALL), "-o", str(tmp_path / "deep" / "tables"), "--json")
    files = [Path(f) for f in json.loads(done.stdout)["files"]]
    tables = {"plan_by_node.csv", "capacity.csv", "rungs.csv", "costs_by_rung.csv", "histories.csv"}
    assert {f.name for f in files} == tables
    with (tmp_path / "deep" / "tables" / "plan_by_node.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    live = np.array([float(r["hall_live_it_mw"]) * float(r["probability"]) for r in rows])
    assert live.sum() > 0


def test_a_folder_that_cannot_be_made_ends_in_two(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = kiban("plan", str(SMALL), "-o", str(tmp_path / "file" / "tables"))
    assert done.exit_code == 2
    assert "cannot write" in done.stderr


def test_every_fault_of_a_file_is_named_and_ends_in_two(tmp_path: Path) -> None:
    text = SMALL.read_text(encoding="utf-8")
    text = text.replace("budget_usd", "budgett_usd").replace("state: tx", "state: texas")
    broken = tmp_path / "broken.yaml"
    broken.write_text(text, encoding="utf-8")
    done = kiban("plan", str(broken))
    assert done.exit_code == 2
    assert "budgett_usd" in done.stderr
    assert "budget_usd" in done.stderr
    assert "texas" in done.stderr
    as_json = kiban("plan", str(broken), "--json")
    assert as_json.exit_code == 2
    assert len(json.loads(as_json.stdout)["problems"]) >= 2
    assert kiban("plan", str(SMALL), "--variant", "nowhere").exit_code == 2


def test_what_cannot_be_ends_in_three_with_the_limit(tmp_path: Path) -> None:
    text = (EXAMPLES / "university-512.yaml").read_text(encoding="utf-8")
    text = text.replace("prefix_cache_frac: 0.2", "prefix_cache_frac: 0.2\n  tpot_limit_s: 1e-6")
    hard = tmp_path / "hard.yaml"
    hard.write_text(text, encoding="utf-8")
    done = kiban("plan", str(hard))
    assert done.exit_code == 3
    assert "TPOT" in done.stderr
    as_json = kiban("plan", str(hard), "--json")
    assert as_json.exit_code == 3
    assert json.loads(as_json.stdout)["status"] == "infeasible"


def test_orders_beyond_the_budget_end_in_three_with_the_numbers(tmp_path: Path) -> None:
    text = SMALL.read_text(encoding="utf-8").replace("budget_usd: 800e6", "budget_usd: 1e6")
    text = text.replace(
        "    max_it_mw: 20\n",
        "    max_it_mw: 20\n    committed_rung: landlord_lease\n"
        "    committed: [{quarter: 2027Q1, it_mw: 10, accelerator: b200}]\n",
    )
    over = tmp_path / "over.yaml"
    over.write_text(text, encoding="utf-8")
    done = kiban("plan", str(over))
    assert done.exit_code == 3, done.output
    assert "budget_usd" in done.stderr
    assert "already ordered" in done.stderr
    assert "Traceback" not in done.output


def test_a_plan_in_pieces_brackets_the_whole(told: dict[str, Any]) -> None:
    done = kiban("plan", str(SMALL), "--pieces", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    whole = told["value"][0]["expected_npv_usd"]
    assert found["worth_usd"] <= whole * (1 + 1e-6)
    assert found["no_plan_is_worth_more_than_usd"] >= whole * (1 - 1e-6)
    assert found["gap_frac"] <= 1e-3
    assert found["pieces_count"] > 1
    assert "no plan is worth more than" in kiban("plan", str(SMALL), "--pieces").stdout


def test_pieces_have_no_tables_and_need_a_scheduler_that_answers(tmp_path: Path) -> None:
    refused = kiban("plan", str(SMALL), "--pieces", "-o", str(tmp_path))
    assert refused.exit_code == 2
    assert "no tables" in refused.output
    lost = kiban("plan", str(SMALL), "--dask", "tcp://127.0.0.1:9")
    assert lost.exit_code == 3
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in lost.output
