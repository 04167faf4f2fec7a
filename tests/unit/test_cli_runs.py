"""The command line as a user meets it: runs, second runs, killed runs, broken files, explanations."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "examples" / "university-512.yaml"


def kiban(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kiban.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd or ROOT, check=False)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("runs")
    done = kiban("run", str(SMALL), "--runs", str(runs))
    assert done.returncode == 0, done.stderr
    (folder,) = (f for f in runs.iterdir() if not f.name.startswith("."))
    return folder


def test_a_run_writes_the_whole_package(run_folder: Path) -> None:
    names = {p.name for p in run_folder.iterdir()}
    wanted = {"scenario.resolved.yaml", "results.json", "report.html", "workbook.xlsx", "provenance.csv", "tables"}
    assert wanted <= names
    assert "Sign" in (run_folder / "report.html").read_text(encoding="utf-8")


def test_same_input_gives_the_same_results_and_is_not_run_again(run_folder: Path) -> None:
    first = (run_folder / "results.json").read_bytes()
    again = kiban("run", str(SMALL), "--runs", str(run_folder.parent), "--json")
    answer = json.loads(again.stdout)
    assert answer["reused"] is True
    forced = kiban("run", str(SMALL), "--runs", str(run_folder.parent), "--force", "--json")
    assert json.loads(forced.stdout)["reused"] is False
    assert (run_folder / "results.json").read_bytes() == first


def test_residuals_are_in_every_result_and_small(run_folder: Path) -> None:
    study = json.loads((run_folder / "results.json").read_text(encoding="utf-8"))["study"]
    rooms = {name: room["residuals"] for name, room in study.items() if isinstance(room, dict) and "residuals" in room}
    assert {"demand", "site", "supply", "plan", "finance", "impact"} <= set(rooms)
    for name in ("demand", "site", "supply", "plan", "finance", "impact"):
        assert rooms[name], name
        assert all(abs(value) < 1e-6 for value in rooms[name].values()), name


@pytest.mark.parametrize("metric", ["usd_per_mtok", "usd_per_gpu_h", "finance.debt_usd", "site_annual_pue"])
def test_explain_walks_down_to_catalogue_rows(run_folder: Path, metric: str) -> None:
    found = kiban("explain", metric, str(run_folder), "--json")
    assert found.returncode == 0, found.stderr
    kinds: set[str] = set()

    def walk(step: dict[str, object]) -> None:
        kinds.add(str(step["kind"]))
        for child in step["children"]:  # type: ignore[attr-defined]
            walk(child)

    walk(json.loads(found.stdout))
    assert {"computed", "catalogue"} <= kinds


def test_explain_of_an_unknown_metric_names_the_nearest(run_folder: Path) -> None:
    found = kiban("explain", "usd_per_mtokk", str(run_folder))
    assert found.returncode == 2
    assert "usd_per_mtok" in found.stderr


def test_compare_lists_the_numbers(run_folder: Path) -> None:
    found = kiban("compare", str(run_folder), str(run_folder), "--json")
    assert found.returncode == 0
    assert len(json.loads(found.stdout)["rows"]) > 3


@pytest.mark.parametrize(
    ("edit", "word"),
    [
        (("max_it_mw: 1.5", "max_it_mw: 1500000"), "max_it_mw"),
        (("discount_frac_per_year: 0.05", "discount_frac_per_year: 5"), "discount_frac_per_year"),
        (("weather: rochester_ny", "weather: rochestr_ny"), "rochester_ny"),
        (("gearing_max_frac", "gearing_max_fraction"), "gearing_max_frac"),
        (("budget_usd: 40e6", "budget_usd: .nan"), "budget_usd"),
    ],
)
def test_a_broken_file_ends_in_two_and_writes_nothing(tmp_path: Path, edit: tuple[str, str], word: str) -> None:
    text = SMALL.read_text(encoding="utf-8")
    assert edit[0] in text
    broken = tmp_path / "broken.yaml"
    broken.write_text(text.replace(*edit), encoding="utf-8")
    done = kiban("run", str(broken), "--runs", str(tmp_path / "runs"))
    assert done.returncode == 2
    assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()


def test_limits_that_nothing_can_meet_end_in_three(tmp_path: Path) -> None:
    text = SMALL.read_text(encoding="utf-8").replace(
        "prefix_cache_frac: 0.2", "prefix_cache_frac: 0.2\n  tpot_limit_s: 1e-6"
    )
    broken = tmp_path / "fast.yaml"
    broken.write_text(text, encoding="utf-8")
    done = kiban("run", str(broken), "--runs", str(tmp_path / "runs"))
    assert done.returncode == 3, done.stderr
    assert "TPOT" in done.stderr
    assert "Traceback" not in done.stderr
    assert not any((tmp_path / "runs").glob("*")) if (tmp_path / "runs").exists() else True


@pytest.mark.parametrize("after_s", [0.6, 1.0, 1.4])
def test_a_killed_run_leaves_nothing_that_looks_finished(tmp_path: Path, after_s: float) -> None:
    runs = tmp_path / "runs"
    command = [sys.executable, "-m", "kiban.cli", "run", str(SMALL), "--runs", str(runs)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(after_s)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    finished = [f for f in runs.glob("*") if not f.name.startswith(".")] if runs.exists() else []
    assert all((f / "complete.txt").is_file() and (f / "report.html").is_file() for f in finished)


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, kiban.cli; print([m for m in ('numpy', 'scipy', 'highspy', 'pydantic') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_new_file_checks_clean_and_is_not_overwritten(tmp_path: Path) -> None:
    assert kiban("new", "mine.yaml", cwd=tmp_path).returncode == 0
    assert kiban("check", "mine.yaml", cwd=tmp_path).returncode == 0
    assert kiban("new", "mine.yaml", cwd=tmp_path).returncode == 2


def test_catalogue_verbs() -> None:
    shown = kiban("catalog", "show", "accelerator.gb300.tdp_w")
    assert shown.returncode == 0
    assert "source" in shown.stdout
    wrong = kiban("catalog", "show", "accelerator.gb300.tdp")
    assert wrong.returncode == 2
    assert "tdp_w" in wrong.stderr
    assert json.loads(kiban("catalog", "find", "gb300", "--json").stdout)


def test_schema_carries_units() -> None:
    assert '"unit": "USD"' in kiban("schema").stdout
