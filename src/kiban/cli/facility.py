"""``kiban facility``: one hall through one hourly year, with the user's own weather, plant and load."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kiban.cli.main import AsJson, Variant, _answering, _stop_bad_input, _tell


def facility(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Facility file (YAML, kiban_facility: 1)")],
    variant: Variant = None,
    as_json: AsJson = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for facility.html and hours.csv", metavar="DIR"),
    ] = None,
) -> None:
    """Say what cooling and power losses of one hall cost in energy and water, hour by hour."""
    from kiban.catalog import load_catalog
    from kiban.report.doors_facility import answer, facility_data, facility_text
    from kiban.report.facility_page import write_facility
    from kiban.scenario.kinds import wrong_kind
    from kiban.scenario.load import ScenarioError

    if problems := wrong_kind(file, "facility"):
        _stop_bad_input(problems, as_json)
    try:
        found = answer(file, variant, load_catalog())
    except ScenarioError as error:
        _stop_bad_input(error.problems, as_json)
    with _answering(as_json, output):
        files = write_facility(output, found) if output else []
    _tell(as_json, facility_data(found), lambda: facility_text(found), files)
