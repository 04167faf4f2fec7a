"""LibreOffice recalculates the workbook: same numbers as the engine, and inputs that move what they should."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import openpyxl
import pytest
from openpyxl.workbook import Workbook

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

import workbook_fixtures as fx

from kiban.report.workbook import write_workbook

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice (soffice) is not installed"),
]

ALWAYS_RECALCULATE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry"><item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item></oor:items>"""
CASE = {"owned": True}


def recalculated(path: Path) -> Workbook:
    """The values of a workbook after a hard recalculation by LibreOffice."""
    folder = Path(mkdtemp(dir=path.parent))
    profile = folder / "profile" / "user"
    profile.mkdir(parents=True)
    (profile / "registrymodifications.xcu").write_text(ALWAYS_RECALCULATE)
    command = [
        "soffice", "--headless", f"-env:UserInstallation={(folder / 'profile').as_uri()}",
        "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", str(folder), str(path),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    return openpyxl.load_workbook(folder / path.name, data_only=True)


@cache
def written() -> Path:
    path = Path(mkdtemp()) / "workbook.xlsx"
    write_workbook(path, *fx.study(**CASE))
    return path


def changed(**inputs: float) -> Workbook:
    """The workbook after a lender typed other inputs, by defined name."""
    book = openpyxl.load_workbook(written())
    for name, value in inputs.items():
        sheet, cell = book.defined_names[name].attr_text.split("!")
        book[sheet.strip("'")][cell.replace("$", "")] = value
    path = Path(mkdtemp()) / "changed.xlsx"
    book.save(path)
    return recalculated(path)


def number(book: Workbook, sheet: str, label: str) -> float:
    """The total or value of a row."""
    return float(next(r[3] for r in book[sheet].iter_rows(values_only=True) if r[0] == label))


def row(book: Workbook, sheet: str, label: str) -> list[float]:
    """The quarters of the first row with a label."""
    return [float(v) for v in next(r[4:] for r in book[sheet].iter_rows(values_only=True) if r[0] == label)]


NPV = ("Cash flow", "NPV after tax, real, unlevered, at market rent")
BEFORE = ("Cash flow", "NPV before tax, real, of served work")
DSCR = ("Debt", "Lowest DSCR (0: no debt)")
DEBT = ("Debt", "Debt when repayment starts")


@cache
def base() -> Workbook:
    return changed()


@pytest.mark.parametrize(
    "case",
    [
        {"hours": True},
        {"owned": True},
        {"owned": True, "likely": 0, "quarters": 40, "tenor_years": 3},
        {"owned": True, "debt_kind": "level"},
        {"owned": True, "debt_kind": "straight", "quarters": 40, "tenor_years": 5},
        {"owned": True, "debt_kind": "level", "cash_sweep_frac": 0.4, "guarantee_frac": 0.2, "lock_up": True},
        {"owned": True, "quarters": 40, "chip_gearing_max_frac": 0.6, "chip_tenor_years": 3, "refinance_year": 4},
    ],
)
def test_every_formula_recalculates_to_its_cached_value(case: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "workbook.xlsx"
    write_workbook(path, *fx.study(**case))  # type: ignore[arg-type]
    formulas, cached, fresh = (
        openpyxl.load_workbook(path),
        openpyxl.load_workbook(path, data_only=True),
        recalculated(path),
    )
    count = 0
    for sheet in formulas:
        for line in sheet.iter_rows():
            for cell in line:
                if cell.data_type == "f":
                    count += 1
                    ours, theirs = (b[sheet.title][cell.coordinate].value for b in (cached, fresh))
                    where = (sheet.title, cell.coordinate, cell.value)
                    if isinstance(ours, int | float) and isinstance(theirs, int | float):
                        assert theirs == pytest.approx(ours, rel=1e-7, abs=1e-7), where
                    else:
                        assert (ours or "") == (theirs or ""), where
    assert count > 2000


def test_totals_equal_the_engine_within_a_thousandth() -> None:
    checks = [r for r in base()["Checks"].iter_rows(min_row=6, values_only=True) if r[6]]
    assert len(checks) > 30
    for name, _, engine, workbook, _, _, flag in checks:
        assert workbook == pytest.approx(engine, rel=1e-3, abs=1e-6), name
        assert flag == "OK", name


def test_nothing_is_an_error_after_recalculation() -> None:
    for sheet in base():
        for line in sheet.iter_rows(values_only=True):
            assert not any(isinstance(v, str) and v.startswith(("#", "Err:")) for v in line), sheet.title


def test_dearer_energy_costs_exactly_its_present_value() -> None:
    energy, factor = row(base(), "Cash flow", "Energy"), row(base(), "Cash flow", "Real discount factor")
    loss = sum(e * f for e, f in zip(energy, factor, strict=True))
    assert number(changed(energy_price_factor=2.0), *BEFORE) == pytest.approx(number(base(), *BEFORE) + loss, rel=1e-9)


def test_the_discount_rate_discounts() -> None:
    flow = row(base(), "Cash flow", "Free cash flow, unlevered, real")
    expected = sum(f * 1.12 ** (-q / 4) for q, f in enumerate(flow))
    moved = changed(discount_rate=0.12)
    due = number(moved, "Cash flow", "Rent still due at the end") - number(
        base(), "Cash flow", "Rent still due at the end"
    )
    back = number(moved, "Operations", "Deposits") - number(base(), "Operations", "Deposits")
    assert number(moved, *NPV) == pytest.approx(expected, rel=0.02, abs=abs(due) + abs(back))
    assert number(moved, *NPV) != pytest.approx(number(base(), *NPV), rel=1e-3)


@pytest.mark.parametrize(
    ("name", "value", "direction"),
    [
        ("gpu_price_factor", 1.2, -1), ("hall_rent_factor", 1.3, -1), ("accelerator_rent_factor", 1.2, -1),
        ("construction_factor", 1.5, -1), ("operation_factor", 2.0, -1), ("tax_federal", 0.35, -1),
        ("market_rent_factor", 1.5, 1),
    ],
)  # fmt: skip
def test_an_input_moves_the_value_after_tax(name: str, value: float, direction: int) -> None:
    assert direction * (number(changed(**{name: value}), *NPV) - number(base(), *NPV)) > 1.0


def test_debt_follows_its_terms() -> None:
    dear, strict, free = changed(debt_rate=0.12), changed(target_dscr=2.0), changed(gearing_max=0.1)
    assert number(dear, *DEBT) < number(base(), *DEBT)
    assert number(strict, *DSCR) == pytest.approx(2.0)
    assert number(free, *DSCR) > number(base(), *DSCR)
    for book in (dear, strict, free):
        assert number(book, "Debt", "Sources") == pytest.approx(number(book, "Debt", "Uses"), rel=1e-9)
        assert row(book, "Debt", "Closing balance")[-1] == pytest.approx(0, abs=1e-6)


def test_inflation_leaves_a_tax_free_real_value_without_contracts_alone() -> None:
    """Only nominal contracts, tax basis and deposits feel inflation: the real value of served work does not."""
    calm, hot = changed(inflation=0.0), changed(inflation=0.06)
    assert row(calm, "Cash flow", "Value of served tokens") == row(hot, "Cash flow", "Value of served tokens")
    assert number(hot, "Cash flow", "Hall rent") > number(calm, "Cash flow", "Hall rent")


@pytest.mark.parametrize("inputs", [{}, {"energy_price_factor": 1.5}, {"debt_rate": 0.12}, {"interest_cap": 0.05}])
def test_the_balance_sheet_balances_after_a_change(inputs: dict[str, float]) -> None:
    book = changed(**inputs)
    assert max(map(abs, row(book, "Balance sheet", "Open: assets less liabilities and equity"))) < 1e-5
    assert row(book, "Balance sheet", "Assets")[-1] == pytest.approx(0, abs=1e-6)


def test_the_cap_on_interest_costs_the_owners_alone() -> None:
    tight = changed(interest_cap=0.02)
    shield = ("Debt", "Tax saved by interest")
    assert 0 <= number(tight, *shield) < number(base(), *shield)
    gap = number(base(), *shield) - number(tight, *shield)
    equity = [number(b, "Cash flow", "Cash flow to equity, nominal") for b in (base(), tight)]
    assert equity[0] - equity[1] == pytest.approx(gap)
    assert number(tight, *DSCR) == pytest.approx(number(base(), *DSCR))
