"""``kiban check``: the check that goes with the kind of a file."""

from __future__ import annotations

from pathlib import Path

from kiban.catalog import Catalog
from kiban.scenario.check import check_scenario
from kiban.scenario.kinds import file_kind
from kiban.scenario.problems import Problem
from kiban.scenario.project_load import check_projects


def check_file(file: Path, variant: str | None, catalog: Catalog) -> list[Problem]:
    """Report every problem of a scenario, project, facility or energy file; empty if it can be run.

    A file without a version key is taken as a scenario, whose check then asks for the key.
    """
    kind = file_kind(file)
    if kind == "project":
        return check_projects(file, variant, catalog)
    if kind == "facility":
        from kiban.report.doors_facility import check_facility

        return check_facility(file, variant, catalog)
    if kind in ("energy", "reopt"):
        from kiban.report.doors_energy import check_energy

        return check_energy(file, variant)
    return check_scenario(file, variant, catalog)
