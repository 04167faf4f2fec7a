"""The Summary and Checks sheets: headline numbers by link, and the engine's number beside each total."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kiban.report.workbook_grid import Book, finite
from kiban.report.workbook_tables import TableSheet
from kiban.results import Risk, Study
from kiban.scenario import Scenario

TOLERANCE = 1e-3
FLIPS = 3
"""Inputs named on the summary that would change the decision."""
ROUNDING = 1e-12
"""Spreadsheets show a difference in the last digits as zero."""


@dataclass(frozen=True)
class Check:
    """One total of the workbook beside the engine's."""

    name: str
    unit: str
    engine: float
    cell: str
    value: float


def write_checks(book: Book, checks: Sequence[Check]) -> tuple[str, int]:
    """Write the comparison; returns the address of the count of rows that are off, and that count."""
    sheet = TableSheet(
        book,
        "Checks",
        "Checks: the workbook's formulas against the engine",
        "Engine numbers are typed in. OK: within 0.1 %. After you change an input the sheet shows how far you moved.",
        [58, 12, 20, 20, 18, 14, 10],
    )
    sheet.heading("Totals", ("Total", "Unit", "Engine", "Workbook", "Difference", "Relative", "Flag"))
    first = sheet.row
    off = 0
    for check in checks:
        row = sheet.line((check.name, check.unit))
        put, style = sheet.sheet, book.style
        put.write_number(row, 2, finite(check.engine), style("decimal", "input"))
        book.formula(put, row, 3, f"={check.cell}", check.value, style("decimal"))
        one, two, gap = f"C{row + 1}", f"D{row + 1}", f"E{row + 1}"
        difference, size = check.value - check.engine, max(abs(check.engine), 1e-6)
        if abs(difference) < ROUNDING * size:
            difference = 0.0
        book.formula(put, row, 4, f"={two}-{one}", difference, style("decimal"))
        book.formula(put, row, 5, f"={gap}/MAX(ABS({one}),0.000001)", difference / size, style("percent_fine"))
        ok = abs(difference) <= TOLERANCE * size
        off += not ok
        text = f'=IF(ABS({gap})<={TOLERANCE}*MAX(ABS({one}),0.000001),"OK","off")'
        book.formula(put, row, 6, text, "OK" if ok else "off", style("general", "formula", True))
    last = max(sheet.row - 1, first)
    flags = f"G{first + 1}:G{last + 1}"
    good = book.words(font_color="#006100", bg_color="#C6EFCE")
    bad = book.words(font_color="#9C0006", bg_color="#FFC7CE")
    for word, look in (("OK", good), ("off", bad)):
        rule = {"type": "cell", "criteria": "==", "value": f'"{word}"', "format": look}
        sheet.sheet.conditional_format(flags, rule)
    sheet.gap()
    row = sheet.line(("Totals that are off", "rows"))
    book.formula(sheet.sheet, row, 3, f'=COUNTIF({flags},"off")', off, book.style("whole", "formula", True))
    return sheet.cell(row, 3), off


@dataclass(frozen=True)
class Headline:
    """One line of the summary: label, unit, address, value, number format."""

    label: str
    unit: str
    cell: str
    value: float | str
    number: str


def fill_summary(
    book: Book,
    sheet: TableSheet,
    scenario: Scenario,
    study: Study,
    risk: Risk,
    lines: Sequence[Headline],
    off: Headline,
) -> None:
    """Write the first page: what to do, the headline numbers, what the numbers are."""
    words = book.words(text_wrap=True)
    sheet.heading("Decision")
    for action in study.plan.actions[:12]:
        sheet.sheet.merge_range(sheet.row, 0, sheet.row, 3, action.sentence, words)
        sheet.row += 1
    lead = f"Against {risk.next_best}, the next best plan: see the lead below, over {risk.futures_count:,} futures."
    changed = [f for f in risk.flips if np.isfinite(f.flip)][:FLIPS]
    for sentence in (lead, *(f"{f.sentence} ({f.metric})" for f in changed)):
        sheet.sheet.merge_range(sheet.row, 0, sheet.row, 3, sentence, words)
        sheet.row += 1
    sheet.gap()
    sheet.heading("Headline numbers, linked to their sheets", ("Number", "Value", "Unit", "Where"))
    for line in [*lines, off]:
        row = sheet.line((line.label,))
        shown = line.value if isinstance(line.value, str) or np.isfinite(line.value) else "none"
        book.formula(sheet.sheet, row, 1, f"={line.cell}", shown, book.style(line.number, "formula", True))
        sheet.sheet.write_string(row, 2, line.unit, book.unit)
        sheet.sheet.write_string(row, 3, line.cell.split("!")[0].strip("'"), book.unit)
    sheet.gap()
    sheet.heading("How to read this workbook")
    for sentence in (
        "Blue on cream: inputs. Purple on lilac: decisions of the optimiser, typed in. Black: formulas.",
        "Change rates, price factors, rents, tax or debt on Assumptions: cash flow, debt and this page follow.",
        "Decisions do not follow a changed price; run the engine again for the best plan at the new price.",
        "Base history: the likely path of the tree. Expected values and futures come from the engine.",
        f"Scenario {scenario.name}, input hash {study.scenario_hash or 'none'}. Money of {scenario.horizon.price_year}"
        " unless a line says nominal.",
    ):
        sheet.sheet.merge_range(sheet.row, 0, sheet.row, 3, sentence, words)
        sheet.row += 1
