"""From a scenario file to a finished run folder, and back from the folder to its numbers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kiban.report.explain import Step, explain
from kiban.report.package import finished, folder_of, write_run
from kiban.results import Trace

Say = Callable[[str], None]


class RunNotFound(LookupError):
    """No finished run where one was expected."""


@dataclass(frozen=True)
class Done:
    """A finished run and its first page."""

    folder: Path
    reused: bool
    headline: dict[str, Any]


def run_package(file: Path, variant: str | None, runs: Path, force: bool = False, say: Say | None = None) -> Done:
    """Run a scenario and write its decision package, or find the finished run of the same input.

    Args: file, variant; runs, folder below which the result goes; force, run again; say, one line per room.
    Errors: ScenarioError, Infeasible, ComputeError, OSError; none of them leaves a folder behind.
    """
    from kiban.catalog import load_catalog
    from kiban.scenario.hashing import run_hash
    from kiban.scenario.load import load_scenario

    catalog = load_catalog()
    loaded = load_scenario(file, variant)
    digest = run_hash(loaded.resolved, catalog)
    name = loaded.scenario.name + (f"-{variant}" if variant else "")
    target = folder_of(runs, name, digest)
    if finished(target) and not force:
        return Done(target, True, read_results(target)["headline"])

    from kiban.report.write import write_package
    from kiban.risk import run_risk
    from kiban.study import run_study

    begin = time.perf_counter()

    def progress(room: str, seconds: float) -> None:
        if say:
            say(f"{room:<10}{seconds:7.1f} s")

    study = run_study(loaded.scenario, catalog, digest, progress)
    at = time.perf_counter()
    risk = run_risk(loaded.scenario, catalog, study)
    progress("risk", time.perf_counter() - at)
    at = time.perf_counter()
    done = write_run(target, lambda folder: write_package(folder, loaded, catalog, study, risk))
    progress("report", time.perf_counter() - at)
    progress("total", time.perf_counter() - begin)
    return Done(done.path, False, read_results(target)["headline"])


def read_results(folder: Path) -> dict[str, Any]:
    """Read results.json of a finished run; raises RunNotFound."""
    if not finished(folder):
        raise RunNotFound(f"{folder} is not a finished run; make one with: kiban run FILE")
    results: dict[str, Any] = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return results


def newest_run(runs: Path) -> Path:
    """Return the run folder that was finished last; raises RunNotFound."""
    folders = [f for f in runs.glob("*") if finished(f)]
    if not folders:
        raise RunNotFound(f"no finished run below {runs}; make one with: kiban run FILE")
    return max(folders, key=lambda f: (f / "results.json").stat().st_mtime)


def explain_metric(metric: str, where: Path, variant: str | None, runs: Path) -> Step:
    """Explain a metric of a run folder, of the newest run below a folder, or of a scenario file (run if needed)."""
    from kiban.catalog import load_catalog
    from kiban.scenario.load import load_scenario

    if where.is_dir():
        folder = where if finished(where) else newest_run(where)
    elif where.is_file():
        folder = run_package(where, variant, runs).folder
    else:
        raise RunNotFound(f"{where} is neither a run folder nor a scenario file")
    loaded = load_scenario(folder / "scenario.resolved.yaml")
    overrides = {o.key: (o.value, o.why) for o in loaded.scenario.overrides}
    traces = list(_traces(read_results(folder)))
    return explain(metric, traces, load_catalog().with_overrides(overrides), loaded.resolved)


def _traces(results: dict[str, Any]) -> Iterator[Trace]:
    for room in (*results["study"].values(), results["risk"]):
        if isinstance(room, dict):
            for t in room.get("traces", ()):
                value = t["value"] if t["value"] is not None else float("nan")
                yield Trace(t["name"], value, t["unit"], t["formula"], tuple(t["inputs"]))


def compare_runs(first: Path, second: Path) -> list[dict[str, Any]]:
    """Return one row per headline number of two runs, with the change."""
    one, two = read_results(first)["headline"]["numbers"], read_results(second)["headline"]["numbers"]
    rows = []
    for name in [*one, *(n for n in two if n not in one)]:
        a, b = one.get(name), two.get(name)
        both = isinstance(a, int | float) and isinstance(b, int | float)
        rows.append(
            {
                "name": name,
                "first": _short(a),
                "second": _short(b),
                "change": _short(b - a) if both else "",
            }
        )
    return rows


def _short(value: Any) -> str:
    return f"{value:,.5g}" if isinstance(value, int | float) else str(value if value is not None else "")
