"""The Assumptions sheet as paper: rows of live inputs, of formulas over them, and of documentation."""

from __future__ import annotations

from typing import Any

from xlsxwriter.utility import xl_rowcol_to_cell

from kiban.report.workbook_grid import Book, finite

NAME = "Assumptions"
KEY, VALUE, LOW, HIGH, UNIT, CONFIDENCE, SOURCE, LOCATOR = range(8)
HEADS = ("Key", "Value", "Low", "High", "Unit", "Confidence", "Source", "Locator or note")


class Assumptions:
    """Rows of the Assumptions sheet; ``cell[key]`` is the address of a value for formulas."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.cell: dict[str, str] = {}
        self.number: dict[str, float] = {}
        note = "Blue on cream: inputs that formulas refer to. Rows further down document where the numbers come from."
        self.sheet = book.sheet(NAME, "Assumptions", note, wide=True)
        self.sheet.write_row(3, 0, HEADS, book.head)
        self.sheet.freeze_panes(4, 1)
        for column, width in enumerate((56, 14, 11, 11, 16, 11, 44, 60)):
            self.sheet.set_column(column, column, width)
        self.sheet.repeat_rows(3)
        self.row = 4

    def heading(self, text: str, note: str = "") -> None:
        """Write the head of a block."""
        self.row += 1
        style = self.book.words(bold=True, font_color="#1F3A5F", bottom=1, bottom_color="#1F3A5F")
        for column in range(len(HEADS)):
            self.sheet.write_blank(self.row, column, None, style)
        self.sheet.write(self.row, KEY, text, style)
        self.row += 1
        if note:
            self.sheet.write(self.row, KEY, note, self.book.words(italic=True, font_color="#555555"))
            self.row += 1

    def put(
        self, key: str, value: float, unit: str, source: str, note: str = "", number: str = "general", name: str = ""
    ) -> str:
        """Write a live input and return its address; with ``name`` it can be called by that name."""
        self.sheet.write(self.row, KEY, key, self.book.words())
        self.sheet.write_number(self.row, VALUE, finite(value), self.book.style(number, "input"))
        self._words(unit, "input", source, note)
        if name:
            self.book.define(name, NAME, self.row, VALUE, float(value))
        cell = xl_rowcol_to_cell(self.row, VALUE, row_abs=True, col_abs=True)
        self.cell[key] = name or f"'{NAME}'!{cell}"
        self.number[key] = float(value)
        self.row += 1
        return self.cell[key]

    def derive(self, name: str, text: str, value: float, unit: str, note: str, number: str) -> None:
        """Write a formula over live inputs under a name of its own."""
        self.sheet.write(self.row, KEY, name, self.book.words())
        self.book.formula(self.sheet, self.row, VALUE, "=" + text, value, self.book.style(number))
        self._words(unit, "formula", "", note)
        self.book.define(name, NAME, self.row, VALUE, value)
        self.cell[name], self.number[name] = name, value
        self.row += 1

    def span(self, first: str, last: str) -> str:
        """Range of neighbouring inputs."""
        return f"{self.cell[first]}:{self.cell[last].split('!')[1]}"

    def document(self, key: str, value: Any, low: Any, high: Any, words: tuple[str, str, str, str]) -> None:
        """Write a row that only documents: value, range, then unit, confidence, source and locator."""
        sheet, plain = self.sheet, self.book.words()
        sheet.write(self.row, KEY, key, plain)
        for column, number in ((VALUE, value), (LOW, low), (HIGH, high)):
            if isinstance(number, bool) or number is None:
                sheet.write(self.row, column, "" if number is None else str(number).lower(), plain)
            elif isinstance(number, int | float):
                sheet.write_number(self.row, column, finite(number), self.book.style("general"))
            else:
                sheet.write_string(self.row, column, str(number), plain)
        self._words(*words)
        self.row += 1

    def _words(self, unit: str, confidence: str, source: str, locator: str) -> None:
        for column, text in ((UNIT, unit), (CONFIDENCE, confidence), (SOURCE, source), (LOCATOR, locator)):
            self.sheet.write_string(self.row, column, text, self.book.unit)
