"""The verbs of kiban; every heavy import waits until its verb is called."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from kiban.catalog import Catalog
    from kiban.scenario import Scenario
    from kiban.scenario.check import Problem
    from kiban.study import Walk

OK, BAD_INPUT, INFEASIBLE, VALIDATION_OFF = 0, 2, 3, 4

app = typer.Typer(
    name="kiban",
    help="Commit, wait, or rent: the open engine for AI compute decisions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
catalog_app = typer.Typer(help="Look into the sourced facts.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(catalog_app, name="catalog")

ScenarioFile = Annotated[Path, typer.Argument(metavar="FILE", help="Scenario file (YAML)")]
Variant = Annotated[str | None, typer.Option("--variant", help="Named variant of the file")]
AsJson = Annotated[bool, typer.Option("--json", help="Write machine-readable JSON to standard output")]
RunsDir = Annotated[Path, typer.Option("--runs", help="Folder for results", metavar="DIR")]


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=1, ensure_ascii=False))


def _stop_bad_input(problems: list[Problem], as_json: bool) -> NoReturn:
    if as_json:
        _print_json({"status": "bad_input", "problems": [p.as_dict() for p in problems]})
    else:
        for problem in problems:
            _say(problem.render())
        _say(f"{len(problems)} problem{'s' if len(problems) != 1 else ''}; nothing was run")
    raise typer.Exit(BAD_INPUT)


def _stop_unless_scenario(file: Path, variant: str | None, catalog: Catalog, as_json: bool) -> None:
    """Stop with every problem of a scenario file, or with one if it is a file of another verb."""
    from kiban.scenario.check import check_scenario
    from kiban.scenario.kinds import wrong_kind

    problems = wrong_kind(file, "scenario") or check_scenario(file, variant, catalog)
    if problems:
        _stop_bad_input(problems, as_json)


@app.command()
def new(
    path: Annotated[Path, typer.Argument(help="File to write")] = Path("scenario.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file")] = False,
) -> None:
    """Write a commented scenario to start from."""
    from kiban.scenario.template import template_text

    if path.exists() and not force:
        _say(f"{path} exists; give another name or --force")
        raise typer.Exit(BAD_INPUT)
    try:
        path.write_text(template_text(), encoding="utf-8")
    except OSError as error:
        _say(f"cannot write {path}: {error.strerror}")
        raise typer.Exit(BAD_INPUT) from None
    typer.echo(f"wrote {path}; next: kiban check {path}")


@app.command()
def check(file: ScenarioFile, variant: Variant = None, as_json: AsJson = False) -> None:
    """Report every error of a scenario, project, facility or energy file at once, and solve nothing."""
    from kiban.catalog import load_catalog
    from kiban.report.check_file import check_file

    problems = check_file(file, variant, load_catalog())
    if problems:
        _stop_bad_input(problems, as_json)
    if as_json:
        _print_json({"status": "ok", "problems": []})
    else:
        typer.echo(f"{file}: no problems")


@app.command()
def schema(
    project: Annotated[bool, typer.Option("--project", help="Of the project file instead")] = False,
    facility: Annotated[bool, typer.Option("--facility", help="Of the facility file instead")] = False,
    energy: Annotated[bool, typer.Option("--energy", help="Of the energy file instead")] = False,
) -> None:
    """Print the JSON Schema of the scenario file, or of another kind of file, with units."""
    from kiban.scenario.energy_schema import EnergyFile
    from kiban.scenario.facility_schema import FacilityFile
    from kiban.scenario.jsonschema import json_schema
    from kiban.scenario.project_load import project_json_schema

    if project + facility + energy > 1:
        _say("one schema at a time: --project, --facility or --energy")
        raise typer.Exit(BAD_INPUT)
    if project:
        _print_json(project_json_schema())
    else:
        _print_json(json_schema(FacilityFile) if facility else json_schema(EnergyFile) if energy else json_schema())


@app.command()
def run(
    file: ScenarioFile,
    variant: Variant = None,
    runs: RunsDir = Path("runs"),
    as_json: AsJson = False,
    force: Annotated[bool, typer.Option("--force", help="Run again even if the result is there")] = False,
) -> None:
    """Walk a scenario through all rooms and write the decision package below runs/."""
    from kiban.catalog import load_catalog
    from kiban.scenario.load import ScenarioError

    _stop_unless_scenario(file, variant, load_catalog(), as_json)
    from kiban.report.run import run_package

    with _answering(as_json, runs):
        try:
            done = run_package(
                file, variant, runs, force=force, say=_say if sys.stderr.isatty() or not as_json else None
            )
        except ScenarioError as error:
            _stop_bad_input(error.problems, as_json)
    if as_json:
        _print_json({"status": "ok", "folder": str(done.folder), "reused": done.reused, "headline": done.headline})
        return
    if done.reused:
        _say("same input as before: answered from the finished run")
    typer.echo(done.headline["sentence"])
    for flip in done.headline.get("flips", ()):
        typer.echo(f"- {flip['sentence']} [{flip['metric']}]")
    typer.echo(f"report: {done.folder / 'report.html'}")


def _walk(file: Path, variant: str | None, as_json: bool) -> tuple[Scenario, Walk]:
    """Check a scenario file and stand before the first room; stops with every problem of the file."""
    from kiban.catalog import load_catalog
    from kiban.scenario.load import load_scenario

    catalog = load_catalog()
    _stop_unless_scenario(file, variant, catalog, as_json)
    from kiban.study import Walk

    scenario = load_scenario(file, variant).scenario
    return scenario, Walk(scenario, catalog)


@contextmanager
def _answering(as_json: bool, target: Path | None) -> Iterator[None]:
    """Turn what stops a room or the disk into words and an exit code."""
    from kiban.catalog import CatalogError
    from kiban.compute.errors import ComputeError
    from kiban.solve import SolveError
    from kiban.study import ResidualError

    try:
        yield
    except (SolveError, ComputeError, ResidualError) as error:
        if as_json:
            _print_json({"status": "infeasible", "message": str(error)})
        else:
            _say(f"infeasible: {error}")
        raise typer.Exit(INFEASIBLE) from None
    except CatalogError as error:
        _say(str(error))
        raise typer.Exit(BAD_INPUT) from None
    except OSError as error:
        _say(f"cannot write {target}: {error.strerror or error}")
        raise typer.Exit(BAD_INPUT) from None


@app.command()
def plan(
    file: ScenarioFile,
    variant: Variant = None,
    as_json: AsJson = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for CSV tables", metavar="DIR")] = None,
    pieces: Annotated[
        bool, typer.Option("--pieces", help="Cut a large tree into subtrees; bounds, no prices of limits")
    ] = False,
    processes: Annotated[int, typer.Option("--processes", min=1, max=256, help="Processes for the pieces")] = 1,
    dask: Annotated[str, typer.Option("--dask", help="Dask scheduler for the pieces", metavar="ADDRESS")] = "",
) -> None:
    """Say what to sign, order, rent and hold, what it is worth, and which limits bind; no finance, no risk."""
    scenario, walk = _walk(file, variant, as_json)
    if pieces or processes > 1 or dask:
        if output is not None:
            _say("a plan in pieces has no tables; leave out --output, or --pieces, --processes and --dask")
            raise typer.Exit(BAD_INPUT)
        from kiban.report.doors_pieces import pieces_data, pieces_text

        with _answering(as_json, None):
            found = pieces_data(walk, processes, dask)
        _tell(as_json, found, lambda: pieces_text(found), [])
        return
    from kiban.report.doors_plan import plan_data, plan_text, write_plan_tables

    with _answering(as_json, output):
        data = plan_data(scenario, walk)
        files = write_plan_tables(output, walk) if output else []
    _tell(as_json, data, lambda: plan_text(data), files)


@app.command()
def finance(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Scenario or project file (YAML)")],
    variant: Variant = None,
    as_json: AsJson = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Workbook (.xlsx), or folder for CSV tables", metavar="FILE.xlsx or DIR"),
    ] = None,
) -> None:
    """Say what the money does: a scenario's plan and pure strategies, or stand-alone projects (kiban_project: 1)."""
    from kiban.scenario.kinds import file_kind, wrong_kind

    if problems := wrong_kind(file, "scenario", "project"):
        _stop_bad_input(problems, as_json)
    (_finance_of_projects if file_kind(file) == "project" else _finance_of_scenario)(file, variant, as_json, output)


def _finance_of_scenario(file: Path, variant: str | None, as_json: bool, output: Path | None) -> None:
    _, walk = _walk(file, variant, as_json)
    from kiban.report.doors_finance import finance_data, finance_text, write_finance

    with _answering(as_json, output):
        data = finance_data(walk)
        files = write_finance(output, walk) if output else []
    _tell(as_json, data, lambda: finance_text(walk.finance, data), files)


def _finance_of_projects(file: Path, variant: str | None, as_json: bool, output: Path | None) -> None:
    from kiban.catalog import load_catalog
    from kiban.scenario.load import ScenarioError
    from kiban.scenario.project_load import load_projects

    catalog = load_catalog()
    try:
        loaded = load_projects(file, variant, catalog)
    except ScenarioError as error:
        _stop_bad_input(error.problems, as_json)
    from kiban.report.doors_project import answer, project_data, project_text, write_projects

    with _answering(as_json, output):
        try:
            answers = [answer(one, catalog) for one in loaded]
            files = write_projects(output, answers) if output else []
        except ScenarioError as error:
            _stop_bad_input(error.problems, as_json)
    _tell(as_json, project_data(answers), lambda: project_text(answers), files)


def _tell(as_json: bool, data: dict[str, Any], text: Callable[[], str], files: list[Path]) -> None:
    if as_json:
        _print_json({"status": "ok", **data, "files": [str(f) for f in files]})
        return
    typer.echo(text())
    for path in files:
        typer.echo(f"wrote {path}")


@app.command()
def explain(
    metric: Annotated[str, typer.Argument(help="Metric, such as usd_per_mtok or facility.site_annual_pue.west_texas")],
    file: Annotated[Path, typer.Argument(help="Scenario file, or a run folder")] = Path("runs"),
    variant: Variant = None,
    runs: RunsDir = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """Walk from a number down to the catalogue rows that made it."""
    from kiban.report.explain import UnknownMetric, render
    from kiban.report.run import RunNotFound, explain_metric
    from kiban.scenario.kinds import wrong_kind
    from kiban.scenario.load import ScenarioError

    if file.is_file() and (problems := wrong_kind(file, "scenario")):
        _stop_bad_input(problems, as_json)
    try:
        step = explain_metric(metric, file, variant, runs)
    except (UnknownMetric, RunNotFound) as error:
        _say(str(error))
        raise typer.Exit(BAD_INPUT) from None
    except ScenarioError as error:
        _stop_bad_input(error.problems, as_json)
    if as_json:
        _print_json(step.as_dict())
    else:
        typer.echo(render(step))


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="Run folder")],
    second: Annotated[Path, typer.Argument(help="Run folder")],
    as_json: AsJson = False,
) -> None:
    """Show how two finished runs differ, number by number."""
    from kiban.report.run import RunNotFound, compare_runs

    try:
        rows = compare_runs(first, second)
    except RunNotFound as error:
        _say(str(error))
        raise typer.Exit(BAD_INPUT) from None
    if as_json:
        _print_json({"rows": rows})
        return
    for row in rows:
        typer.echo(f"{row['name']:<34}{row['first']:>16}{row['second']:>16}{row['change']:>14}")


@catalog_app.command("find")
def catalog_find(
    text: Annotated[str, typer.Argument(help="Part of a key, a note or a source")],
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Most rows shown")] = 40,
) -> None:
    """List the catalogue rows that match a text."""
    from kiban.catalog import load_catalog

    rows = load_catalog().find(text)
    if as_json:
        _print_json([row._asdict() for row in rows])
        return
    if not rows:
        _say(f"no row matches {text!r}")
        raise typer.Exit(BAD_INPUT)
    for row in rows[:limit]:
        value = f"{row.value:,.6g}" if isinstance(row.value, float) else row.value
        typer.echo(f"{row.key:<76} {value} {row.unit}  [{row.confidence}]")
    if len(rows) > limit:
        typer.echo(f"... and {len(rows) - limit} more; --limit shows them")


@catalog_app.command("show")
def catalog_show(key: Annotated[str, typer.Argument(help="Exact key")], as_json: AsJson = False) -> None:
    """Show one catalogue row with its source."""
    from kiban.catalog import CatalogKeyError, load_catalog

    catalog = load_catalog()
    try:
        row = catalog.row(key)
    except CatalogKeyError as error:
        _say(str(error))
        raise typer.Exit(BAD_INPUT) from None
    source = catalog.source(row.source_id)
    if as_json:
        _print_json({"row": row._asdict(), "source": source._asdict() if source else None})
        return
    for name, value in row._asdict().items():
        if value not in (None, ""):
            typer.echo(f"{name:<12} {value}")
    if source:
        typer.echo(f"{'source':<12} {source.title}, {source.publisher}, {source.date}  {source.url}")


@app.command()
def validate(
    as_json: AsJson = False,
    folder: Annotated[Path | None, typer.Option("--folder", help="Another validation folder")] = None,
) -> None:
    """Print the scoreboard of published figures against the models."""
    from kiban.report.scoreboard import as_text, run_scoreboard

    rows = run_scoreboard(folder)
    if as_json:
        _print_json({"rows": [row.as_dict() for row in rows]})
    else:
        typer.echo(as_text(rows))
    if any(row.status == "off" for row in rows):
        raise typer.Exit(VALIDATION_OFF)
