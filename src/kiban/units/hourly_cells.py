"""Text of a table to cells: separator and decimal sign are found, rows keep the line they stand on."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

_SEPARATORS = (",", ";", "\t")
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+(?:[eE][-+]?\d+)?")


@dataclass(frozen=True)
class Cells:
    """Rows of stripped cells without blank lines and comments, each with its line, 1 = first of the file."""

    rows: list[list[str]]
    lines: list[int]
    separator: str

    def misfit(self, head: int) -> str:
        """Say which row under the heading (by position) has more cells than it; empty where none has."""
        width = len(self.rows[head])
        for row, line in zip(self.rows[head + 1 :], self.lines[head + 1 :], strict=True):
            if len(row) > width and any(row[width:]):
                return f"row {line} has {len(row)} cells under {width} headings"
        return ""


MISFIT_REMEDY = "looks like decimal commas: write 10.5, or put ; between the columns"


def split_cells(text: str) -> Cells:
    """Split a table.

    Arguments: text, with or without byte-order mark. The separator is whichever of comma, semicolon and tab comes most
    often in the first line with at least one; where it is not the comma, ``10,5`` is read as ``10.5``. Lines that start
    with # are comments.
    """
    text = text.lstrip("\ufeff")
    separator = _separator(text)
    rows, lines = [], []
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    for row in reader:
        cells = [cell.strip() for cell in row]
        if not any(cells) or cells[0].startswith("#"):
            continue
        if separator != ",":
            cells = [cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell for cell in cells]
        rows.append(cells)
        lines.append(reader.line_num)
    return Cells(rows, lines, separator)


def _separator(text: str) -> str:
    for line in text.split("\n", 50):
        count = {s: line.count(s) for s in _SEPARATORS}
        if not line.startswith("#") and any(count.values()):
            return max(_SEPARATORS, key=lambda s: count[s])
    return ","
