"""The workbook of one stand-alone project: inputs to change, a yearly model in live formulas, and checks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xlsxwriter
from numpy.typing import NDArray

from kiban.finance.irr import SEVERAL, UNIQUE
from kiban.finance.project import Returns, evaluate
from kiban.finance.project_inputs import Projects
from kiban.finance.project_lines import Lines
from kiban.finance.project_summary import metrics
from kiban.report.project_book_loan import Loan, write_loan
from kiban.report.project_book_run import Cell, Running, write_inputs, write_running
from kiban.report.project_book_tax import Side, write_side
from kiban.report.workbook_grid import Book, Series, TimeSheet
from kiban.report.workbook_inputs import Assumptions
from kiban.scenario.problems import Problem, ScenarioError
from kiban.scenario.project_schema import ProjectFile

Array = NDArray[np.float64]

GUESSES = (0.05, -0.05, 0.25, -0.2, 0.8, -0.5)
CLOSE_FRAC = 1e-6
"""Relative difference between workbook and engine that counts as none."""


@dataclass(frozen=True)
class Flow:
    """A row of flows and what it is worth."""

    row: Series
    npv: str
    value: float
    irr: tuple[str, float] | None
    """Cell and rate where it is unique."""


def refuse_what_the_workbook_cannot_say(form: ProjectFile) -> None:
    """Raise ScenarioError for a project whose model is not yearly or has replacements."""
    problems = []
    if form.grid.periods_per_year != 1:
        message = "the workbook is a yearly model; write tables into a folder instead, or set periods_per_year: 1"
        problems.append(Problem(path="grid.periods_per_year", message=message, found="4", allowed="1"))
    if form.replacements:
        message = "the workbook has no replacements; write tables into a folder instead"
        problems.append(Problem(path="replacements", message=message))
    if problems:
        raise ScenarioError(problems)


def write_project_workbook(path: Path, form: ProjectFile, projects: Projects, done: Lines) -> None:
    """Write the workbook of a project.

    Args: path; form; the batch of one made from it, and its lines. Every formula carries the engine's value. Errors:
    ScenarioError for what the workbook does not model; OSError if the file cannot be written.
    """
    refuse_what_the_workbook_cannot_say(form)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()  # xlsxwriter hides the reason why a file cannot be made
    grid = projects.grid
    years = tuple(f"year {t - grid.construction_periods + 1}" for t in range(grid.points))
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as file:
        file.set_calc_mode("auto")
        file.set_properties({"title": form.title or form.name, "subject": form.name, "author": "kiban", "company": ""})
        book = Book(file, years)
        given = Assumptions(book)
        inputs = write_inputs(given, form)
        sheet = TimeSheet(
            book, "Model", form.title or form.name,
            "Nominal USD by year; year 1 is the first of sales. The numbers of years are fixed: run the engine to "
            "change them.", "point in time, 0 = first payment",
        )  # fmt: skip
        running = write_running(sheet, inputs, form, projects, done)
        bare = write_side(sheet, inputs, form, projects, done, running, None)
        loan = write_loan(sheet, inputs, form, projects, done, running, bare)
        owned = write_side(sheet, inputs, form, projects, done, running, loan)
        _write_results(sheet, inputs, projects, done, running, loan, bare, owned)


def _write_results(
    sheet: TimeSheet, cell: dict[str, Cell], projects: Projects, done: Lines, running: Running, loan: Loan, bare: Side,
    owned: Side,
) -> None:  # fmt: skip
    c, points = projects.grid.construction_periods, projects.grid.points
    returns = evaluate(projects)
    rate = float(np.max(projects.discount_frac_per_year))
    sheet.heading("Cash of the project, without loan, and of its owners")
    factor = sheet.series(
        "discount factor", "-", (1 + rate) ** -np.arange(points, dtype=float),
        lambda q: f"(1+{cell['discount'].name})^(-{sheet.number[q]})", number="fine", total=None,
    )  # fmt: skip

    def flow(label: str, side: Side, lent: Loan | None, values: Array, irr: Any, npv: float) -> Flow:
        def formula(q: int) -> str:
            if q >= c:
                text = f"{side.operating[q]}+{running.production_credit[q]}"
                return text + (f"-{lent.service[q]}" if lent else "")
            text = f"{running.construction[q]}"
            if lent:
                text += f"+{lent.draw[q]}"
            if q == 0:
                text += f"-{cell['development'].name}" + (f"-{lent.fee}-{cell['closing'].name}" if lent else "")
            if q == c - 1:
                text += f"-{side.held[q]}"
            return text

        row = sheet.series(label, "USD", values, formula, number="count", bold=True)
        worth = sheet.value(f"NPV of the {label}", "USD", f"SUMPRODUCT({row.all},{factor.all})", npv, "count")
        status, unique = int(irr.status[0]), float(irr.unique_frac_per_year[0])
        if status == SEVERAL:
            sheet.value(f"IRR of the {label}", "1/yr", '"several: see the engine"', "several: see the engine")
            return Flow(row, worth, npv, None)
        shown = unique if status == UNIQUE else "none"
        at = sheet.value(f"IRR of the {label}", "1/yr", _irr_text(row.all, unique), shown, "percent_fine")
        rate_cell = (at, unique) if status == UNIQUE else None
        return Flow(row, worth, npv, rate_cell)

    project = flow(
        "project's cash", bare, None, done.project[:, 0], returns.project_irr, float(returns.project_npv_usd[0])
    )
    equity = flow("owners' cash", owned, loan, done.equity[:, 0], returns.equity_irr, float(returns.equity_npv_usd[0]))
    worth = (
        f"(SUMPRODUCT({running.revenue.all},{factor.all})-{equity.npv})/SUMPRODUCT({running.output.all},{factor.all})"
    )
    level = float(returns.levelised_nominal_usd_per_unit[0])
    checks: list[tuple[str, str, float]] = [
        ("NPV of the project", project.npv, project.value),
        ("NPV of the owners", equity.npv, equity.value),
        *((f"IRR of the {n}", *f.irr) for n, f in (("project", project), ("owners", equity)) if f.irr),
        ("Loan", loan.principal, float(returns.debt_nominal_usd[0])),
    ]
    if np.isfinite(level):
        at = sheet.value("Levelised cost: owners' worth over output", "USD/unit", worth, level, "fine")
        checks.append(("Levelised cost", at, level))
    if loan.cover:
        checks += _cover(returns, loan.cover)
    _write_checks(sheet, projects, checks)


def _irr_text(flows: str, guess: float) -> str:
    """IRR by a spreadsheet's own rule of iteration, from several guesses, because one alone may not close in."""
    guesses = ([guess] if np.isfinite(guess) else []) + list(GUESSES)
    text = '"none"'
    for start in reversed(guesses):
        text = f"IFERROR(IRR({flows},{start:.6f}),{text})"
    return text


def _cover(returns: Returns, cells: tuple[str, str]) -> list[tuple[str, str, float]]:
    pairs = (("Least DSCR", float(returns.min_dscr[0])), ("LLCR", float(returns.llcr_multiple[0])))
    return [(name, cell, value) for (name, value), cell in zip(pairs, cells, strict=True) if np.isfinite(value)]


def _write_checks(sheet: TimeSheet, projects: Projects, checks: list[tuple[str, str, float]]) -> None:
    """The engine's numbers, typed in, beside those of the sheet: equal until an input is changed."""
    book = sheet.book
    page = book.sheet(
        "Checks", "Workbook against engine", "Equal until an input is changed; the engine's are typed in."
    )
    page.write_row(3, 0, ("Number", "Workbook", "Engine", "State"), book.head)
    page.set_column(0, 0, 50)
    page.set_column(1, 3, 20)
    row = 4
    for label, cell, value in checks:
        page.write(row, 0, label, book.words())
        book.formula(page, row, 1, f"={cell}", value, book.style("fine"))
        page.write_number(row, 2, value, book.style("fine"))
        test = f'=IF(ABS(B{row + 1}-C{row + 1})<={CLOSE_FRAC}*MAX(1,ABS(C{row + 1})),"OK","changed")'
        book.formula(page, row, 3, test, "OK", book.style("text"))
        row += 1
    found, _ = metrics(projects)
    row += 1
    page.write(row, 0, "From the engine alone", book.words(bold=True))
    for name in (
        "lcoc_nominal_usd_per_unit",
        "lcoc_real_usd_per_unit",
        "project_break_even_price_nominal_usd_per_unit",
    ):
        row += 1
        value = float(found[name][0])
        page.write(row, 0, name.replace("_", " "), book.words())
        if np.isfinite(value):
            page.write_number(row, 2, value, book.style("fine"))
        else:
            page.write_string(row, 2, "none", book.words())
