"""The paper the workbook is written on: formats, sheets with quarters as columns, and cells that know their value.

Every formula is written together with the value it has, so that a viewer that does not calculate shows the same
numbers as one that does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xlsxwriter
from numpy.typing import NDArray
from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell

Array = NDArray[np.float64]
Numbers = NDArray[np.floating[Any]]
Formula = Callable[[int], str]
Cell = str | float | int

LABEL, UNIT, KIND, TOTAL, FIRST = 0, 1, 2, 3, 4
"""Columns of a sheet with quarters: name, unit, kind of row, total, first quarter."""
HEAD_ROW, INDEX_ROW = 3, 4
A3, A4 = 8, 9
QUARTERS_PER_PAGE = 16

NUMBER_FORMATS = {
    "usd_m": "#,##0.0;[Red]-#,##0.0;-",
    "count": "#,##0;[Red]-#,##0;-",
    "decimal": "#,##0.00;[Red]-#,##0.00;0.00",
    "factor": "0.000",
    "fine": "#,##0.0000;[Red]-#,##0.0000;0.0000",
    "percent": "0.0%;[Red]-0.0%;0.0%",
    "percent_fine": "0.00%;[Red]-0.00%;0.00%",
    "ratio": '0.00"x"',
    "whole": "0",
    "general": "General",
    "scientific": "0.000E+00",
    "text": "@",
}
INK = {"input": "#0000FF", "decision": "#7030A0", "formula": "#000000"}
PAPER = {"input": "#FFF9E5", "decision": "#F3ECFA"}
_TOTALS: dict[str, Callable[[Array], float]] = {"SUM": np.sum, "MAX": np.max, "MIN": np.min}
KIND_WORD = {"input": "input", "decision": "decision", "formula": "formula"}


def finite(value: Any) -> float:
    """Return a float that a sheet can hold; raises ValueError for NaN and infinity, which no sheet shows well."""
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("a workbook cell would hold a number that is not finite")
    return number


@dataclass(frozen=True)
class Series:
    """A row of quarters on a sheet and the values in it."""

    sheet: str
    row: int
    values: Array

    def __getitem__(self, quarter: int) -> str:
        return f"'{self.sheet}'!{xl_rowcol_to_cell(self.row, FIRST + quarter)}"

    def span(self, first: int, last: int) -> str:
        """Range of the quarters first..last, both inside."""
        cells = [xl_rowcol_to_cell(self.row, FIRST + q, row_abs=True, col_abs=True) for q in (first, last)]
        return f"'{self.sheet}'!{cells[0]}:{cells[1]}"

    @property
    def all(self) -> str:
        """Range of every quarter."""
        return self.span(0, len(self.values) - 1)

    @property
    def total(self) -> str:
        """Cell of the total."""
        return f"'{self.sheet}'!{xl_rowcol_to_cell(self.row, TOTAL, row_abs=True, col_abs=True)}"


def plus(series: Sequence[Series], quarter: int) -> str:
    """Sum of the series in a quarter as text of a formula: one range where the rows are neighbours."""
    if not series:
        return "0"
    rows = [s.row for s in series]
    if len(rows) > 1 and rows == list(range(rows[0], rows[0] + len(rows))) and len({s.sheet for s in series}) == 1:
        column = xl_col_to_name(FIRST + quarter)
        return f"SUM('{series[0].sheet}'!{column}{rows[0] + 1}:{column}{rows[-1] + 1})"
    return "+".join(s[quarter] for s in series)


def added(series: Sequence[Series], quarters: int) -> Array:
    """Sum of the values of the series, zeros if there is none."""
    return np.asarray(sum((s.values for s in series), np.zeros(quarters)), dtype=float)


@dataclass
class Book:
    """The workbook file with its formats and named cells."""

    file: xlsxwriter.Workbook
    quarters: tuple[str, ...]
    names: dict[str, float] = field(default_factory=dict)
    _formats: dict[tuple[str, str, bool, bool], Any] = field(default_factory=dict)

    def style(self, number: str = "general", kind: str = "formula", bold: bool = False, line: bool = False) -> Any:
        """Format of a cell: number format, kind of content (colour), bold, a line above as over a sum."""
        key = (number, kind, bold, line)
        if key not in self._formats:
            spec: dict[str, Any] = {
                "num_format": NUMBER_FORMATS[number],
                "font_name": "Calibri",
                "font_size": 10,
                "font_color": INK[kind],
                "bold": bold,
                "valign": "vcenter",
                "align": "right",
            }
            if kind in PAPER:
                spec["bg_color"] = PAPER[kind]
            if line:
                spec["top"] = 1
            self._formats[key] = self.file.add_format(spec)
        return self._formats[key]

    def words(self, **spec: Any) -> Any:
        """Format of words."""
        key = ("words", repr(sorted(spec.items())), False, False)
        if key not in self._formats:
            base = {"font_name": "Calibri", "font_size": 10, "valign": "vcenter"}
            self._formats[key] = self.file.add_format({**base, **spec})
        return self._formats[key]

    @property
    def head(self) -> Any:
        """Format of a column head."""
        return self.words(bold=True, font_color="#FFFFFF", bg_color="#1F3A5F", text_wrap=True, border=1)

    @property
    def head_right(self) -> Any:
        """Format of the head of a column of numbers."""
        return self.words(bold=True, font_color="#FFFFFF", bg_color="#1F3A5F", text_wrap=True, border=1, align="right")

    @property
    def unit(self) -> Any:
        """Format of a unit or another word beside a number."""
        return self.words(font_color="#555555", indent=1)

    def sheet(self, name: str, title: str, note: str, wide: bool = False) -> Any:
        """Add a sheet with title and note, ready to print on one page's width (A4, or A3 if wide)."""
        sheet = self.file.add_worksheet(name)
        sheet.hide_gridlines(2)
        sheet.write(0, 0, title, self.words(bold=True, font_size=14, font_color="#1F3A5F"))
        sheet.write(1, 0, note, self.words(italic=True, font_color="#555555"))
        sheet.set_landscape()
        sheet.set_paper(A3 if wide else A4)
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&L&8kiban&C&8&A&R&8page &P of &N")
        return sheet

    def define(self, name: str, sheet: str, row: int, column: int, value: float) -> None:
        """Give a cell a name for formulas."""
        cell = xl_rowcol_to_cell(row, column, row_abs=True, col_abs=True)
        self.file.define_name(name, f"='{sheet}'!{cell}")
        self.names[name] = value

    def formula(self, sheet: Any, row: int, column: int, text: str, value: float | str, style: Any) -> None:
        """Write a formula with the value it has; references to its own sheet lose the sheet's name."""
        shown: float | str = value if isinstance(value, str) else finite(value)
        text = text.replace(f"'{sheet.get_name()}'!", "")
        sheet.write_formula(row, column, text, style, shown)


class TimeSheet:
    """A sheet with quarters as columns, written from the top."""

    def __init__(
        self, book: Book, name: str, title: str, note: str, index: str = "quarter number, 0 = start of the horizon"
    ) -> None:
        self.book, self.name = book, name
        self.sheet = book.sheet(name, title, note, wide=True)
        self.row = INDEX_ROW + 1
        heads = ["Line", "Unit", "Kind", "Total or value", *book.quarters]
        self.sheet.write_row(HEAD_ROW, 0, heads[:TOTAL], book.head)
        self.sheet.write_row(HEAD_ROW, TOTAL, heads[TOTAL:], book.head_right)
        self.sheet.write(INDEX_ROW, LABEL, index, book.words(font_color="#555555"))
        for q in range(len(book.quarters)):
            self.sheet.write_number(INDEX_ROW, FIRST + q, q, book.style("whole"))
        self.sheet.freeze_panes(INDEX_ROW + 1, FIRST)
        self.sheet.set_column(LABEL, LABEL, 58)
        self.sheet.set_column(UNIT, UNIT, 13)
        self.sheet.set_column(KIND, KIND, 9)
        self.sheet.set_column(TOTAL, TOTAL, 14)
        self.sheet.set_column(FIRST, FIRST + len(book.quarters) - 1, 11)
        self.sheet.repeat_rows(HEAD_ROW, INDEX_ROW)
        self.sheet.repeat_columns(LABEL, UNIT)
        self.sheet.fit_to_pages(-(-len(book.quarters) // QUARTERS_PER_PAGE), 0)

    @property
    def number(self) -> Series:
        """The row of quarter numbers."""
        return Series(self.name, INDEX_ROW, np.arange(len(self.book.quarters), dtype=float))

    def heading(self, text: str) -> None:
        """Write the head of a block of rows, one row below the last."""
        self.row += 1
        style = self.book.words(bold=True, font_color="#1F3A5F", bottom=1, bottom_color="#1F3A5F")
        self.sheet.write(self.row, 0, text, style)
        for column in range(1, FIRST + len(self.book.quarters)):
            self.sheet.write_blank(self.row, column, None, style)
        self.row += 1

    def series(
        self,
        label: str,
        unit: str,
        values: Numbers,
        formula: Formula | None = None,
        kind: str = "formula",
        number: str = "usd_m",
        bold: bool = False,
        total: str | None = "SUM",
    ) -> Series:
        """Write a row: numbers, or formulas by quarter with their values.

        Args: label, unit; values (T,), NaN where the formula shows nothing; formula, text of the formula of a quarter
        (None: the values are typed in); kind, ``input``, ``decision`` or ``formula``; number, key of NUMBER_FORMATS;
        total, function over the row.
        """
        book, at = self.book, self.row
        numbers = np.asarray(values, dtype=float)
        out = Series(self.name, at, numbers)
        self.sheet.write(at, LABEL, label, book.words(bold=bold))
        self.sheet.write(at, UNIT, unit, book.unit)
        self.sheet.write(at, KIND, KIND_WORD[kind], book.words(font_color=INK[kind]))
        style = book.style(number, kind, bold, bold)
        for q, value in enumerate(numbers):
            if formula is None:
                self.sheet.write_number(at, FIRST + q, finite(value), style)
            else:
                shown = "" if np.isnan(value) else float(value)
                book.formula(self.sheet, at, FIRST + q, "=" + formula(q), shown, style)
        if total is not None:
            known = numbers[~np.isnan(numbers)]
            worth = float(_TOTALS[total](known)) if known.size else 0.0
            book.formula(
                self.sheet, at, TOTAL, f"={total}({out.all})", worth, book.style(number, "formula", True, bold)
            )
        self.row += 1
        return out

    def value(self, label: str, unit: str, text: str, value: float | str, number: str = "usd_m") -> str:
        """Write one number with a formula in the column of totals; returns its address."""
        self.sheet.write(self.row, LABEL, label, self.book.words(bold=True))
        self.sheet.write(self.row, UNIT, unit, self.book.unit)
        self.sheet.write(self.row, KIND, "formula", self.book.words())
        self.book.formula(self.sheet, self.row, TOTAL, "=" + text, value, self.book.style(number, "formula", True))
        self.row += 1
        return f"'{self.name}'!{xl_rowcol_to_cell(self.row - 1, TOTAL, row_abs=True, col_abs=True)}"
