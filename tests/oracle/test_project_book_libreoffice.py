"""LibreOffice recalculates a project's workbook: the engine's numbers, also after a lender changed inputs."""

from __future__ import annotations

import math
import shutil
import subprocess
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml
from openpyxl.workbook import Workbook

from kiban.catalog import load_catalog
from kiban.finance.project import evaluate, lines
from kiban.finance.project_file import projects_of
from kiban.report.project_book import write_project_workbook
from kiban.scenario.problems import ScenarioError
from kiban.scenario.project_load import load_projects

needs_office = pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice (soffice) is not installed")
pytestmark = [pytest.mark.oracle]

CATALOG = load_catalog()
ALWAYS_RECALCULATE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry"><item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item></oor:items>"""

FULL: dict[str, Any] = {
    "kiban_project": 1,
    "name": "hall",
    "grid": {"construction_years": 2, "operation_years": 9},
    "sales": {
        "accelerators": 2000, "utilisation_frac": 0.75, "price_nominal_usd_per_unit": 3.4,
        "price_escalation_frac_per_year": -0.06, "degradation_frac_per_year": 0.01, "residual_frac": 0.15,
    },
    "costs": {
        "fixed": [{"name": "staff", "nominal_usd_per_year": 2e6, "escalation_frac_per_year": 0.03},
                  {"name": "support", "nominal_usd_per_year": 3e6}],
        "power": {"it_mw": 3.5, "load_frac": 0.8, "pue": 1.2, "usd_per_mwh": 66, "escalation_frac_per_year": 0.02},
        "variable_nominal_usd_per_unit": 0.05, "insurance_frac_per_year": 0.003,
        "property_tax_frac_per_year": 0.018, "assessed_frac": 0.9, "assessed_decline_frac_per_year": 0.15,
    },
    "build": {
        "lines": [{"name": "servers", "nominal_usd": 90e6, "macrs": 5},
                  {"name": "plant", "nominal_usd": 30e6, "macrs": 15},
                  {"name": "shell", "nominal_usd": 12e6, "macrs": 39}, {"name": "land", "nominal_usd": 2e6}],
        "draw_frac": [0.3, 0.7], "sales_tax_frac": 0.02, "development_nominal_usd": 2e6,
    },
    "debt": {
        "kind": "sculpted", "rate_frac_per_year": 0.08, "construction_rate_frac_per_year": 0.09, "tenor_years": 6,
        "gearing_frac": 0.6, "dscr": 1.35, "fee_frac": 0.012, "closing_nominal_usd": 3e5,
    },
    "tax": {"state_frac": 0.06, "bonus_frac": 0.4, "state_bonus_frac": 0.0},
    "credits": {"investment_frac": 0.05, "investment_macrs": [15]},
    "reserves": {"service_months": 6, "working_months": 2, "receivable_months": 1, "interest_frac_per_year": 0.03},
    "discount_frac_per_year": 0.1,
}  # fmt: skip
LEVEL = {"kind": "level", "rate_frac_per_year": 0.085, "tenor_years": 7, "moratorium_years": 1, "gearing_frac": 0.55}
CASES: dict[str, dict[str, Any]] = {
    "sculpted": {},
    "sculpted by cash": {
        "debt": {**FULL["debt"], "gearing_frac": 0.95, "dscr": 1.6, "sized_on": "after_unlevered_tax"}
    },
    "level": {"debt": {**LEVEL, "fee_frac": 0.01}},
    "level principal, refunded": {
        "debt": {**LEVEL, "kind": "level_principal"},
        "tax": {"losses_refunded": True, "interest_capped": False, "state_frac": 0.05},
        "credits": {"production_nominal_usd_per_unit": 0.1, "production_years": 4},
    },
    "never pays": {"sales": {**FULL["sales"], "price_nominal_usd_per_unit": 0.4}},
    "no loan": {"debt": {"kind": "none"}, "tax": {}, "credits": {}, "reserves": {}},
}


def made(folder: Path, changes: dict[str, Any]) -> Any:
    """Form, batch and lines of a project."""
    path = folder / "project.yaml"
    path.write_text(yaml.safe_dump({**FULL, **changes}), encoding="utf-8")
    (loaded,) = load_projects(path, None, CATALOG)
    projects = projects_of(loaded.form, CATALOG)
    return loaded.form, projects, lines(projects)


def recalculated(path: Path) -> Workbook:
    """The values of a workbook after a hard recalculation by LibreOffice."""
    folder = path.parent / f"{path.stem}_again"
    profile = folder / "profile" / "user"
    profile.mkdir(parents=True)
    (profile / "registrymodifications.xcu").write_text(ALWAYS_RECALCULATE)
    command = [
        "soffice", "--headless", f"-env:UserInstallation={(folder / 'profile').as_uri()}",
        "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", str(folder), str(path),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    return openpyxl.load_workbook(folder / path.name, data_only=True)


def rows(book: Workbook) -> dict[str, list[Any]]:
    """Rows of the model by label, the last of each: total, then years."""
    return {str(r[0]): list(r[3:]) for r in book["Model"].iter_rows(values_only=True) if r[0]}


def compare(book: Workbook, projects: Any) -> None:
    """Every headline and the main rows of a recalculated workbook against the engine."""
    found, returns, done = rows(book), evaluate(projects), lines(projects)
    c = projects.grid.construction_periods
    headline = {
        "NPV of the project's cash": returns.project_npv_usd[0],
        "NPV of the owners' cash": returns.equity_npv_usd[0],
        "IRR of the project's cash": returns.project_irr.unique_frac_per_year[0],
        "IRR of the owners' cash": returns.equity_irr.unique_frac_per_year[0],
        "loan when operation starts": returns.debt_nominal_usd[0],
        "Levelised cost: owners' worth over output": returns.levelised_nominal_usd_per_unit[0],
    }
    if returns.debt_nominal_usd[0] > 0:
        headline |= {"least DSCR": returns.min_dscr[0], "LLCR": returns.llcr_multiple[0]}
    for label, value in headline.items():
        if label.startswith("IRR") and math.isnan(value):
            assert found[label][0] == "none", label
            continue
        assert found[label][0] == pytest.approx(float(value), rel=1e-7, abs=1e-9), label
    series = {
        "owners' cash": done.equity[:, 0],
        "project's cash": done.project[:, 0],
        "revenue": done.operation.revenue[:, 0],
        "EBITDA": done.ebitda[:, 0],
        "service": done.loan.service[:, 0],
        "income taxes": done.tax.total[:, 0],
        "federal tax": done.tax.federal[:, 0],
        "state tax": done.tax.state[:, 0],
        "cash for service": done.cash_for_service[:, 0],
    }
    for label, values in series.items():
        years = found[label][1:]
        assert years[len(years) - len(values) :] == pytest.approx(values.tolist(), rel=1e-8, abs=1e-3), label
    assert found["construction"][1 : c + 1] == pytest.approx(
        (-projects.build.draw_frac * done.operation.plant[0]).tolist(), rel=1e-9
    )


@needs_office
@pytest.mark.parametrize("case", CASES)
def test_recalculation_gives_the_engines_numbers(tmp_path: Path, case: str) -> None:
    form, projects, done = made(tmp_path, CASES[case])
    path = tmp_path / "book.xlsx"
    write_project_workbook(path, form, projects, done)
    book = recalculated(path)
    compare(book, projects)
    states = [r[3] for r in book["Checks"].iter_rows(min_row=5, values_only=True) if r[3]]
    assert len(states) >= 3
    assert set(states) == {"OK"}
    errors = [
        (s.title, c.coordinate, c.value)
        for s in book
        for r in s.iter_rows()
        for c in r
        if isinstance(c.value, str) and c.value.startswith("#")
    ]
    assert errors == []


@needs_office
@pytest.mark.parametrize("case", ["sculpted", "level"])
def test_changed_inputs_give_what_the_engine_gives_for_them(tmp_path: Path, case: str) -> None:
    form, projects, done = made(tmp_path, CASES[case])
    path = tmp_path / "book.xlsx"
    write_project_workbook(path, form, projects, done)
    book = openpyxl.load_workbook(path)
    typed = {"price_usd": 2.9, "utilisation": 0.6, "loan_rate": 0.1, "tenor_years": 4, "federal_rate": 0.3,
             "build_usd_0_": 110e6, "power_usd_per_mwh": 90, "discount": 0.12, "service_months": 3}  # fmt: skip
    for name, value in typed.items():
        sheet, cell = book.defined_names[name].attr_text.split("!")
        book[sheet.strip("'")][cell.replace("$", "")] = value
    changed = tmp_path / "changed.xlsx"
    book.save(changed)
    base = {**FULL, **CASES[case]}
    changes = {
        **CASES[case],
        "sales": {**base["sales"], "price_nominal_usd_per_unit": 2.9, "utilisation_frac": 0.6},
        "debt": {**base["debt"], "rate_frac_per_year": 0.1, "tenor_years": 4},
        "tax": {**base["tax"], "federal_frac": 0.3},
        "build": {**base["build"], "lines": [{**base["build"]["lines"][0], "nominal_usd": 110e6},
                                             *base["build"]["lines"][1:]]},
        "costs": {**base["costs"], "power": {**base["costs"]["power"], "usd_per_mwh": 90}},
        "reserves": {**base["reserves"], "service_months": 3},
        "discount_frac_per_year": 0.12,
    }  # fmt: skip
    if case == "level":
        # The workbook holds a rate for building of its own, which was the loan's rate when it was written.
        changes["debt"]["construction_rate_frac_per_year"] = LEVEL["rate_frac_per_year"]
    _, other, _ = made(tmp_path, changes)
    compare(recalculated(changed), other)


@pytest.mark.parametrize("case", CASES)
def test_every_formula_carries_the_engines_value(tmp_path: Path, case: str) -> None:
    form, projects, done = made(tmp_path, CASES[case])
    path = tmp_path / "book.xlsx"
    write_project_workbook(path, form, projects, done)
    compare(openpyxl.load_workbook(path, data_only=True), projects)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"grid": {"periods_per_year": 4, "construction_years": 0.5, "operation_years": 9}}, "yearly model"),
        ({"replacements": [{"name": "fans", "every_years": 3, "nominal_usd": 1e5}]}, "no replacements"),
    ],
)
def test_what_the_workbook_does_not_model_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    form, projects, done = made(tmp_path, changes)
    with pytest.raises(ScenarioError, match=words):
        write_project_workbook(tmp_path / "book.xlsx", form, projects, done)
    assert not (tmp_path / "book.xlsx").exists()
