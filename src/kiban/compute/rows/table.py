"""The text of a table of measurement rows: read whole or refused with every problem, and written with its answers."""

from __future__ import annotations

import csv
import io
import math
from calendar import monthrange
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from kiban.compute.rows.answer import Answer
from kiban.compute.rows.predict import COLUMNS

ADDED = ("p10", "p50", "p90", "status", "reason")


class TableError(ValueError):
    """Everything that is wrong with a table, one sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def read_rows(text: str) -> list[dict[str, str]]:
    """Read the text of a CSV file.

    Argument: text with a header that holds ``COLUMNS``; further columns are kept as they are. Where a column
    ``setting`` stands, ``config`` and ``hardware`` may be left out.
    Result: cells by column, one dictionary a line; empty lines are left out.
    Errors: TableError with every problem, each with its line.
    """
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    try:
        lines = [(reader.line_num, cells) for cells in reader if cells]
    except csv.Error as error:
        raise TableError([f"line {reader.line_num}: {error}"]) from None
    if not lines:
        raise TableError(["the file is empty"])
    header = [name.strip() for name in lines[0][1]]
    problems = _header_problems(header)
    for number, cells in lines[1:]:
        if len(cells) != len(header):
            problems.append(f"line {number}: {len(cells)} cells, expected {len(header)}")
    if len(lines) == 1:
        problems.append("no rows below the header")
    if problems:
        raise TableError(problems)
    return [dict(zip(header, cells, strict=True)) for _, cells in lines[1:]]


def _header_problems(header: Sequence[str]) -> list[str]:
    problems = []
    optional = ("config", "hardware") if "setting" in header else ()
    for name in COLUMNS:
        if name not in header and name not in optional:
            near = get_close_matches(name, header, n=1, cutoff=0.5)
            problems.append(f"line 1: column '{name}' is missing" + (f"; found '{near[0]}'" if near else ""))
    problems += [f"line 1: column '{name}' is repeated" for name in dict.fromkeys(header) if header.count(name) > 1]
    return problems


def write_rows(rows: Sequence[Mapping[str, str]], answers: Sequence[Answer]) -> str:
    """Give the text of the table with its answers.

    Arguments: rows as read, answers in their order. Result: CSV; the columns of the rows but for those of ``ADDED``,
    which an input may have as well, then ``ADDED``. Refused rows leave the numbers empty; answers to dates are dates.
    """
    out = io.StringIO(newline="")
    kept = [name for name in rows[0] if name not in ADDED]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*kept, *ADDED])
    for row, answer in zip(rows, answers, strict=True):
        dated = row["unit"].strip().lower() == "date"
        numbers = [_cell(number, dated) for number in (answer.p10, answer.p50, answer.p90)]
        writer.writerow([*(row[name] for name in kept), *numbers, answer.status, answer.reason])
    return out.getvalue()


def _cell(number: float, dated: bool) -> str:
    if not math.isfinite(number):
        return ""
    return _day(number) if dated else f"{number:.6g}"


def _day(year_frac: float) -> str:
    """Turn a year with its fraction into a date, by twelfths of the year and by days of the month.

    The catalogue keeps three decimals of a year; two of a month take their rounding out again.
    """
    year, months = divmod(round(year_frac * 12, 2), 12)
    month = int(months)
    days = monthrange(int(year), month + 1)[1]
    return f"{int(year)}-{month + 1:02d}-{min(int((months - month) * days) + 1, days):02d}"


def summary(rows: Sequence[Mapping[str, str]], answers: Sequence[Answer]) -> dict[str, dict[str, int]]:
    """Count answered and refused rows by kind, kinds in the order of the table."""
    counts: dict[str, dict[str, int]] = {}
    for row, answer in zip(rows, answers, strict=True):
        kind = counts.setdefault(row["kind"], {"answered": 0, "refused": 0})
        kind[answer.status] += 1
    return counts
