"""Write everything that one run leaves behind into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kiban import __version__
from kiban.catalog import Catalog
from kiban.figures import all_figures
from kiban.report.headline import headline_of
from kiban.report.html import html_report
from kiban.report.provenance import basis_of, provenance_table, used_rows, with_scenario
from kiban.report.serialize import dumps
from kiban.report.tables import all_tables, csv_text
from kiban.report.tables_sites import year_rows
from kiban.report.workbook import write_workbook
from kiban.results import Risk, Study
from kiban.scenario.dump import resolved_yaml
from kiban.scenario.load import Loaded


def write_package(folder: Path, loaded: Loaded, catalog: Catalog, study: Study, risk: Risk) -> None:
    """Write the decision package.

    Args: folder, exists and is empty; loaded, the scenario; catalog, without the scenario's overrides; study; risk.
    Writes scenario.resolved.yaml, results.json, tables/*.csv, provenance.csv, report.html and workbook.xlsx.
    Errors: OSError if the disk refuses.
    """
    scenario = loaded.scenario
    used = used_rows(with_scenario(catalog, scenario), study, risk)
    headline = headline_of(study, risk)
    figures = all_figures(study, risk, basis_of(scenario, study, used))

    _text(folder / "scenario.resolved.yaml", resolved_yaml(loaded))
    _text(folder / "results.json", results_text(headline, study, risk))
    _text(folder / "provenance.csv", csv_text(*provenance_table(used)))
    (folder / "tables").mkdir()
    for table in all_tables(study, risk):
        _text(folder / "tables" / f"{table.name}.csv", csv_text(table.columns, table.lines))
    _text(folder / "report.html", html_report(scenario, study, risk, headline, figures, used))
    write_workbook(folder / "workbook.xlsx", scenario, catalog, study, risk)


def results_text(headline: dict[str, Any], study: Study, risk: Risk) -> str:
    """The machine-readable results; the same input gives the same text."""
    return dumps(
        {
            "kiban": __version__,
            "name": study.scenario_name,
            "hash": study.scenario_hash,
            "headline": headline,
            "sites_year": year_rows(study),
            "study": study,
            "risk": risk,
        }
    )


def _text(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", newline="\n")
