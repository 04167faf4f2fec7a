"""One column of an hourly file as an array, or everything that is wrong with it: place and remedy."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from kiban.units.calendar import HOURS_PER_YEAR
from kiban.units.hourly_cells import MISFIT_REMEDY, split_cells
from kiban.units.hourly_time import Fault, parse_times, start_faults, step_faults, time_columns

Array = NDArray[np.float64]

HOURS_PER_DAY = 24
LEAP_HOURS = HOURS_PER_YEAR + HOURS_PER_DAY
_FEBRUARY_29 = (31 + 28) * HOURS_PER_DAY
_SHOWN = 3
_CLOCKS = {"local": "local time", "utc": "UTC"}


@dataclass(frozen=True)
class Range:
    """What a quantity may be, and what a value beyond it most likely means.

    Equation of the betrayal: a mean or a maximum outside ``low``..``high`` that falls inside it once multiplied by
    ``factor`` was written in the other unit.
    """

    low: float
    high: float
    other: str = ""
    factor: float = 1.0
    mean_low: float = -np.inf
    """A mean between zero and this betrays the other unit too."""


RANGES = {
    "any": Range(-np.inf, np.inf),
    "frac": Range(0.0, 1.0, "percent", 0.01),
    "mw": Range(0.0, 20_000.0, "kW", 0.001),
    "usd_per_mwh": Range(-1_000.0, 20_000.0, "USD/kWh", 1000.0, 1.0),
    "kg_co2_per_mwh": Range(0.0, 2_000.0, "lb/MWh or g/MWh", 0.4536, 2.0),
}
"""By ending of the name. Bounds are generous: ERCOT's price cap is 5,000 USD/MWh, a lignite grid has 1,100 kg/MWh."""


@dataclass(frozen=True)
class HourlyTable:
    """Rows of an hourly file, and what is wrong with them whatever column is read."""

    head: tuple[str, ...]
    body: list[list[str]]
    lines: list[int]
    """Line of each row."""
    faults: tuple[Fault, ...]
    clock: str = ""
    """Whose hours these are, where the file says it: ``UTC``, ``local time``, or an offset such as ``UTC-6``."""
    dropped_h: int = 0
    """Hours of 29 February that were left out."""


def read_table(text: str, drop_leap_day: bool = False) -> HourlyTable:
    """Split an hourly file and check its rows: number, time, shape.

    Arguments: text of a table with a heading, one row per hour of one or several whole years; whether rows of 29
    February are left out. A column of time (datetime, timestamp, time, date ...) is checked where there is one: one
    hour from row to row, none twice, none left out, 1 January first.
    """
    cells = split_cells(text)
    if not cells.rows:
        return HourlyTable((), [], [], (Fault(None, "the file is empty", "give a heading and one row per hour"),))
    head, body, lines = tuple(cells.rows[0]), cells.rows[1:], cells.lines[1:]
    if misfit := cells.misfit(0):
        return HourlyTable(head, [], [], (Fault(None, misfit, MISFIT_REMEDY),))
    columns = time_columns(head)
    stamps, faults = parse_times([_cell(r, columns[0]) for r in body], lines) if columns else ([], [])
    leap = _leap_rows(stamps, len(body))
    if len(leap) and not drop_leap_day:
        where = f"rows {lines[leap[0]]} to {lines[leap[-1]]}" if len(leap) <= HOURS_PER_DAY else f"{len(leap)} rows"
        what, remedy = f"{len(body)} rows: {where} are 29 February", "leave them out, or set drop_leap_day: true"
        faults.append(Fault(lines[leap[0]], what, remedy))
    gone = set(leap)
    kept = [i for i in range(len(body)) if i not in gone]
    body, lines = [body[i] for i in kept], [lines[i] for i in kept]
    times = [stamps[i] for i in kept] if stamps else []
    wrong = step_faults(times, lines)
    faults += wrong or _length_faults(len(body), times, lines)
    first = _first(body, lines, columns[1]) if columns and times and not faults else None
    faults += start_faults(first, lines[0]) if first is not None else []
    clock = _clock(head[columns[1]], first) if columns and first is not None else ""
    return HourlyTable(head, body, lines, tuple(faults), clock, len(leap) if drop_leap_day else 0)


def _first(body: list[list[str]], lines: list[int], at: int) -> datetime | None:
    return next(iter(parse_times([_cell(body[0], at)], lines[:1])[0]), None)


def _clock(heading: str, first: datetime) -> str:
    offset = first.utcoffset()
    if offset is not None:
        hours = offset.total_seconds() / 3600
        return f"UTC{hours:+g}" if hours else "UTC"
    return next((words for mark, words in _CLOCKS.items() if mark in heading.lower()), "")


def read_column(table: HourlyTable, column: str, ending: str) -> tuple[Array, list[Fault]]:
    """Numbers of one column.

    Arguments: table; heading; ending of its unit, a key of ``RANGES``. Result: the values, and the faults of the column
    (values are only good without any, and without those of the table).
    """
    if not table.head or (table.faults and not table.body):
        return np.empty(0), []
    if column not in table.head:
        known = ", ".join(table.head[:12])
        return np.empty(0), [Fault(1, f"there is no column {column!r}", f"the columns are: {known}")]
    at = table.head.index(column)
    values, faults = _numbers([_cell(r, at) for r in table.body], table.lines)
    if not faults and values.size:
        faults = range_faults(values, ending, table.lines)
    return values, faults


def _cell(row: list[str], at: int) -> str:
    return row[at] if len(row) > at else ""


def _leap_rows(stamps: Sequence[datetime], count: int) -> list[int]:
    """Rows of 29 February, by their stamps, or by their place in a file that is one leap year."""
    if stamps:
        return [i for i, s in enumerate(stamps) if (s.month, s.day) == (2, 29)]
    return list(range(_FEBRUARY_29, _FEBRUARY_29 + HOURS_PER_DAY)) if count == LEAP_HOURS else []


def _length_faults(count: int, stamps: Sequence[datetime], lines: Sequence[int]) -> list[Fault]:
    years, rest = divmod(count, HOURS_PER_YEAR)
    if years and not rest:
        return []
    if stamps:
        what = f"the file ends at {stamps[-1]:%Y-%m-%d %H:%M}: {count} rows are not whole years"
        return [Fault(lines[-1], what, f"the file is cut: give {HOURS_PER_YEAR} rows per year")]
    if years > 1 and rest % HOURS_PER_DAY == 0 and rest // HOURS_PER_DAY <= years:
        what = f"{count} rows are {years} years with {rest // HOURS_PER_DAY} leap days"
        return [Fault(None, what, "leave out 29 February, or add a column of time and set drop_leap_day: true")]
    return [Fault(None, f"{count} rows are not whole years", f"give {HOURS_PER_YEAR} rows per year, one per hour")]


def _numbers(cells: Sequence[str], lines: Sequence[int]) -> tuple[Array, list[Fault]]:
    values = np.full(len(cells), np.nan)
    bad = []
    for i, cell in enumerate(cells):
        with suppress(ValueError):
            values[i] = float(cell)
        if not np.isfinite(values[i]):
            bad.append((lines[i], cell))
    faults = [
        Fault(line, f"{cell!r} is not a number" if cell else "the cell is empty", _remedy(cell))
        for line, cell in bad[:_SHOWN]
    ]
    if len(bad) > _SHOWN:
        faults.append(Fault(None, f"{len(bad) - _SHOWN} more rows are not numbers", "fill them as well"))
    return values, faults


def _remedy(cell: str) -> str:
    if cell.replace(",", "").replace(".", "").isdigit():
        return "write 1234.5, with a point and without marks of thousands"
    return "fill the hour from a source you trust"


def range_faults(values: Array, ending: str, lines: Sequence[int] | None = None) -> list[Fault]:
    """What the range of a series betrays; lines, those of the values in their file."""
    allowed = RANGES[ending]
    if not values.size:
        return []
    low, high, mean = float(values.min()), float(values.max()), float(values.mean())
    outside = np.flatnonzero((values < allowed.low) | (values > allowed.high * (1 + 1e-9)))
    small = 0 < mean < allowed.mean_low
    if not outside.size and not small:
        return []
    row = None
    if outside.size:
        first = int(outside[0])
        row = first + 2 if lines is None else lines[first]
    what = f"values from {low:g} to {high:g} (mean {mean:g}) where {allowed.low:g} to {allowed.high:g} is allowed"
    if small:
        what = f"a mean of {mean:g} is too small for {ending}"
    betrays = allowed.other and (small or (low >= allowed.low and high * allowed.factor <= allowed.high))
    if betrays:
        return [Fault(row, what, f"looks like {allowed.other}: multiply by {allowed.factor:g}")]
    return [Fault(row, what, f"check the unit ({ending})")]
