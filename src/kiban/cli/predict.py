"""``kiban predict``: a table of measurement rows answered."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from kiban.compute.rows.predict import Door

BAD_INPUT = 2


def predict(
    rows: Annotated[
        Path, typer.Argument(metavar="ROWS.csv", help="Rows: kind, system, hardware, config, metric, unit")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="File to write")],
    as_json: Annotated[bool, typer.Option("--json", help="Write the counts as JSON to standard output")] = False,
    weather: Annotated[
        list[str] | None,
        typer.Option("--weather", metavar="[NAME=]FILE", help="Hourly weather of climate zones or places; may repeat"),
    ] = None,
) -> None:
    """Answer each row of a table of measurements with P10, P50 and P90, or refuse it with the reason.

    Further columns are passed through and never read; p10, p50, p90, status and reason are added. Status is answered or
    refused.
    """
    from kiban.catalog import load_catalog
    from kiban.compute.rows.predict import SITE, answer_rows, doors
    from kiban.compute.rows.table import TableError, read_rows, summary, write_rows

    try:
        table = read_rows(rows.read_text(encoding="utf-8"))
    except TableError as error:
        _stop([f"{rows}: {problem}" for problem in error.problems], as_json)
    except UnicodeDecodeError as error:
        _stop([f"{rows}: not UTF-8 text (byte {error.start})"], as_json)
    except OSError as error:
        _stop([f"cannot read {rows}: {error.strerror or error}"], as_json)
    if out.is_dir() or not out.parent.is_dir():
        _stop([f"cannot write {out}: " + ("it is a folder" if out.is_dir() else "its folder does not exist")], as_json)
    by_name = doors()
    if weather or any(row["kind"].strip() in SITE for row in table):
        by_name["site"] = _site_door(weather or [], as_json)
    answers = answer_rows(table, load_catalog(), by_name)
    try:
        _write_whole(out, write_rows(table, answers))
    except OSError as error:
        _stop([f"cannot write {out}: {error.strerror or error}"], as_json)
    counts = summary(table, answers)
    answered = sum(kind["answered"] for kind in counts.values())
    if as_json:
        typer.echo(
            json.dumps(
                {"status": "ok", "rows": len(table), "answered": answered, "kinds": counts, "out": str(out)},
                indent=1,
                ensure_ascii=False,
            )
        )
        return
    for name, kind in counts.items():
        typer.echo(f"{name:24} {kind['answered']:6} answered {kind['refused']:6} refused", err=True)
    typer.echo(f"{answered} of {len(table)} rows answered; written to {out}", err=True)


def _site_door(weather: Sequence[str], as_json: bool) -> Door:
    """Give the door of rows about a plant's year, with the user's weather files."""
    from kiban.report.site_rows import site_door
    from kiban.report.site_weather import SiteWeatherError, read_site_weather

    try:
        return site_door(read_site_weather(weather))
    except SiteWeatherError as error:
        _stop(error.problems, as_json)


def _write_whole(target: Path, text: str) -> None:
    """Write a file in one step: whole or not at all."""
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        Path(name).chmod(0o644)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _stop(problems: Sequence[str], as_json: bool) -> NoReturn:
    if as_json:
        typer.echo(json.dumps({"status": "bad_input", "problems": list(problems)}, indent=1, ensure_ascii=False))
    else:
        for problem in problems:
            typer.echo(problem, err=True)
        typer.echo(f"{len(problems)} problem{'s' if len(problems) != 1 else ''}; nothing was written", err=True)
    raise typer.Exit(BAD_INPUT)
