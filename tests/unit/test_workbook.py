"""The workbook's structure and cached values, read back by openpyxl."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import openpyxl
import pytest
import workbook_fixtures as fx
from openpyxl.workbook import Workbook

from kiban.report.workbook import write_workbook

SHEETS = [
    "Summary", "Assumptions", "Plan", "Capex schedule", "Operations", "Cash flow", "Debt", "Balance sheet", "Downside",
    "Unit costs", "Futures", "Impact", "Hourly", "Monthly", "Sources", "Checks",
]  # fmt: skip
CASES: list[dict[str, Any]] = [
    {},
    {"likely": 2},
    {"owned": True},
    {"owned": True, "likely": 0, "quarters": 40, "gearing_max_frac": 0.9, "tenor_years": 3},
    {"gearing_max_frac": 0.0},
    {"owned": True, "debt_kind": "level", "gearing_max_frac": 0.9},
    {"owned": True, "debt_kind": "straight", "quarters": 40, "tenor_years": 5},
    {"debt_kind": "straight", "gearing_max_frac": 0.5},
    {"owned": True, "debt_kind": "level", "cash_sweep_frac": 0.4, "guarantee_frac": 0.2, "lock_up": True},
    {
        "owned": True,
        "quarters": 40,
        "chip_gearing_max_frac": 0.6,
        "chip_tenor_years": 3,
        "refinance_year": 4,
        "tenor_years": 7,
    },
]


@cache
def books(case: int = 2) -> tuple[Workbook, Workbook]:
    """Formulas and cached values of the workbook of a case."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "workbook.xlsx"
        write_workbook(path, *fx.study(**CASES[case]))
        return openpyxl.load_workbook(path), openpyxl.load_workbook(path, data_only=True)


def row_of(sheet: Any, label: str, nth: int = 0) -> list[Any]:
    """The cells of the n-th row with a label: total, then quarters."""
    found = [r for r in sheet.iter_rows(values_only=True) if r[0] == label]
    return list(found[nth][3:])


def test_sheets_come_in_the_order_of_a_reader() -> None:
    assert books()[0].sheetnames == SHEETS


def test_every_number_is_finite_and_no_cell_is_an_error() -> None:
    formulas, values = books()
    count = 0
    for sheet in formulas:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    count += 1
                    cached = values[sheet.title][cell.coordinate].value
                    text = str(cell.value)
                    assert "[" not in text and "#" not in text, text
                    assert cached is not None or '""' in text, (sheet.title, cell.coordinate)
                if isinstance(cell.value, str) and cell.data_type != "f":
                    assert not cell.value.startswith("#"), cell.value
                    assert cell.value.lower() not in ("nan", "inf")
    assert count > 2000


def test_months_are_formulas_over_the_hours(tmp_path: Path) -> None:
    study = fx.study(hours=True)
    write_workbook(tmp_path / "hours.xlsx", *study)
    formulas, values = (openpyxl.load_workbook(tmp_path / "hours.xlsx", data_only=d) for d in (False, True))
    row = next(r for r in values["Monthly"].iter_rows(values_only=True) if r[:2] == ("plains", "Price"))
    hourly = study[2].supply.cases[1][0].hourly_price_usd_per_mwh
    assert row[3] == pytest.approx(hourly[:744].mean(), abs=0.01)
    assert row[15] == pytest.approx(hourly.mean(), abs=0.01)
    assert formulas["Monthly"]["D5"].value == "=AVERAGE('Hourly'!C5:C748)"
    assert values["Hourly"].max_row == 8764


def test_main_sheets_are_formulas() -> None:
    for name in ("Cash flow", "Debt"):
        sheet = books()[0][name]
        for row in sheet.iter_rows(min_row=6, min_col=5):
            assert not any(c.data_type == "n" and c.value is not None for c in row), name


@pytest.mark.parametrize("case", range(len(CASES)))
def test_real_lines_equal_the_plan_rooms_books(case: int) -> None:
    scenario, _, study, _ = fx.study(**CASES[case])
    path = study.plan.leaf_path[study.finance.base_leaf]
    cost = study.plan.chosen.node_rung_cost_usd[path].sum(axis=1) / 1e6
    lines = dict(zip(study.plan.chosen.cost_lines, cost.T, strict=True))
    cash = books(case)[1]["Cash flow"]
    labels = {
        "hall_capex": "Construction", "silicon_capex": "Silicon", "hall_rent": "Hall rent", "energy": "Energy",
        "accelerator_rent": "Accelerator rent", "operation": "Operation", "deposits": "Deposits and prepayments",
        "exit_obligation": "Rent still due at the end", "residual_value": "Silicon sold and residual value",
    }  # fmt: skip
    assert set(labels) == set(lines)
    for line, label in labels.items():
        assert row_of(cash, label)[1:] == pytest.approx(list(-lines[line]), rel=1e-9, abs=1e-6), line
    value = np.array(row_of(cash, "Value of served tokens")[1:]) + np.array(row_of(cash, "Value of training")[1:])
    assert value == pytest.approx(study.plan.chosen.node_value_usd[path] / 1e6, rel=1e-9, abs=1e-6)
    factor = (1 + scenario.finance.discount_frac_per_year) ** (-np.arange(len(path)) / 4)
    npv = factor @ (study.plan.chosen.node_value_usd[path] / 1e6 - cost.sum(axis=1))
    assert row_of(cash, "NPV before tax, real, of served work")[0] == pytest.approx(npv, rel=1e-9)


def test_debt_is_repaid_and_no_larger_than_allowed() -> None:
    scenario = fx.study(**CASES[2])[0]
    debt = books()[1]["Debt"]
    size = row_of(debt, "Debt when repayment starts")[0]
    assert 0 < size <= scenario.finance.gearing_max_frac * row_of(debt, "Uses")[0] * (1 + 1e-9)
    repaid = row_of(debt, "Repayment: service less interest, after the window")[0]
    assert repaid == pytest.approx(size)
    assert row_of(debt, "Closing balance")[-1] == pytest.approx(0, abs=1e-6)
    assert row_of(debt, "Lowest DSCR (0: no debt)")[0] >= scenario.finance.target_dscr * (1 - 1e-9)
    assert row_of(debt, "Sources")[0] == pytest.approx(row_of(debt, "Uses")[0])


def test_capacity_follows_the_starts() -> None:
    study = fx.study(**CASES[2])[2]
    path = study.plan.leaf_path[study.finance.base_leaf]
    live = study.plan.chosen.node_hall_live_it_mw[path].sum(axis=1)
    assert row_of(books()[1]["Plan"], "IT capacity in service")[1:] == pytest.approx(list(live), abs=1e-6)


def test_every_row_used_has_its_source() -> None:
    study = fx.study(**CASES[2])[2]
    rows = {r[0]: r for r in books()[1]["Assumptions"].iter_rows(values_only=True)}
    for key in study.used_keys["plan"]:
        assert rows[key][5] in ("measured", "published", "estimated", "assumed"), key
        assert rows[key][6], key


def test_key_inputs_have_names_and_colours() -> None:
    book = books()[0]
    names = ("discount_rate", "inflation", "energy_price_factor", "gpu_price_factor", "hall_rent_factor", "tax_federal",
             "debt_rate")  # fmt: skip
    for name in names:
        sheet, cell = book.defined_names[name].attr_text.split("!")
        found = book[sheet.strip("'")][cell.replace("$", "")]
        assert found.font.color.rgb == "FF0000FF", name
    assert book["Cash flow"]["E8"].font.color.rgb == "FF000000"
    assert book["Cash flow"].freeze_panes == "E6"


def test_nothing_points_outside() -> None:
    book = books()[0]
    assert not book._external_links
    assert all(not sheet._hyperlinks for sheet in book)


@pytest.mark.parametrize("case", range(len(CASES)))
def test_every_total_equals_the_engine(case: int) -> None:
    checks = {r[0]: r for r in books(case)[1]["Checks"].iter_rows(min_row=6, values_only=True) if r[6]}
    assert len(checks) >= (25 if case == 4 else 30)
    assert {name for name, r in checks.items() if r[6] != "OK"} == set()
    for name, row in checks.items():
        assert row[3] == pytest.approx(row[2], rel=1e-9, abs=1e-6), name


def test_a_total_that_is_off_is_flagged(tmp_path: Path) -> None:
    scenario, catalog, study, risk = fx.study()
    metrics = replace(study.finance.metrics[0], leaf_npv_usd=study.finance.metrics[0].leaf_npv_usd * 1.002)
    wrong = replace(study, finance=replace(study.finance, metrics=(metrics, *study.finance.metrics[1:])))
    write_workbook(tmp_path / "wrong.xlsx", scenario, catalog, wrong, risk)
    sheet = openpyxl.load_workbook(tmp_path / "wrong.xlsx", data_only=True)["Checks"]
    flags = {r[0]: r[6] for r in sheet.iter_rows(min_row=6, values_only=True) if r[6]}
    assert [name for name, flag in flags.items() if flag == "off"] == ["NPV after tax, real, unlevered (finance room)"]


def test_a_programme_without_sites_still_has_a_workbook(tmp_path: Path) -> None:
    write_workbook(tmp_path / "rents.xlsx", *fx.study(sites=False))
    sheet = openpyxl.load_workbook(tmp_path / "rents.xlsx", data_only=True)["Checks"]
    assert {r[6] for r in sheet.iter_rows(min_row=6, values_only=True) if r[6]} == {"OK"}


def test_the_same_study_writes_the_same_cells(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.xlsx" for i in (1, 2)]
    for path in paths:
        write_workbook(path, *fx.study(**CASES[0]))
    one, two = (openpyxl.load_workbook(p) for p in paths)
    for sheet in one:
        cells = [list(row) for row in sheet.iter_rows(values_only=True)]
        assert cells == [list(row) for row in two[sheet.title].iter_rows(values_only=True)]


def test_returns_carry_their_status() -> None:
    sheet = books()[1]["Cash flow"]
    finance = fx.study(**CASES[2])[2].finance
    irr = finance.metrics[0].leaf_project_irr[finance.base_leaf]
    shown = row_of(sheet, "IRR of the project, nominal")
    assert shown[0] == (pytest.approx(irr.roots_frac_per_year[0]) if irr.roots_frac_per_year else "none")
    assert shown[1].startswith({"unique": "one", "several": "several", "none": "no"}[irr.status])
