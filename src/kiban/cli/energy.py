"""``kiban energy``: the energy room alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kiban.cli.main import AsJson, Variant, _answering, _stop_bad_input, _tell


def energy(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Energy file (YAML), or a scenario of REopt (JSON)")],
    variant: Variant = None,
    as_json: AsJson = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for the page and hourly tables", metavar="DIR")
    ] = None,
) -> None:
    """Size and dispatch one site on its own hourly series and costs; bill and outages of a REopt scenario."""
    from kiban.report.doors_energy import energy_data, energy_text, reopt_data, reopt_text, run_energy_file
    from kiban.scenario.kinds import wrong_kind
    from kiban.scenario.problems import ScenarioError

    try:
        if file.suffix.lower() == ".json":
            found = reopt_data(file)
            _tell(as_json, found, lambda: reopt_text(found), [])
            return
        if problems := wrong_kind(file, "energy"):
            _stop_bad_input(problems, as_json)
        with _answering(as_json, output):
            run = run_energy_file(file, variant)
            data = energy_data(run)
            files: list[Path] = []
            if output is not None:
                from kiban.report.energy_page import write_energy

                files = write_energy(output, run, data)
    except ScenarioError as error:
        _stop_bad_input(error.problems, as_json)
    _tell(as_json, data, lambda: energy_text(data), files)
