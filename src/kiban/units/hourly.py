"""One column of an hourly file as an array, or everything that is wrong with it: place and remedy."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kiban.units.calendar import HOURS_PER_YEAR

Array = NDArray[np.float64]

LEAP_HOURS = HOURS_PER_YEAR + 24
_FEBRUARY_29 = (31 + 28) * 24
_HEAD = 1
_SHOWN = 3
_TIME_NAMES = ("datetime", "timestamp", "time", "date", "hour_start", "interval_start")
_HOUR = timedelta(hours=1)


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
class Fault:
    """One thing wrong with a file."""

    row: int | None
    """Row of the file as an editor counts, 1 = heading; None for the whole file."""
    found: str
    remedy: str

    def words(self, file: str) -> str:
        """Say it in one line."""
        place = file if self.row is None else f"{file}, row {self.row}"
        return f"{place}: {self.found}; {self.remedy}"


def read_hourly(text: str, column: str, ending: str) -> tuple[Array, list[Fault]]:
    """Read one column of a CSV with a heading, for one or several whole years of hours.

    Arguments: text of the file; name of the column; ending of its unit, a key of ``RANGES``. Result: the values, and
    every fault found (values are only good without any). A column of time (datetime, timestamp, time, date ...) is
    checked where there is one: one hour from row to row, none twice, none left out.
    """
    rows = list(csv.reader(io.StringIO(text.lstrip("\ufeff"))))
    rows = [r for r in rows if r and not r[0].lstrip().startswith("#")]
    if not rows:
        return np.empty(0), [Fault(None, "the file is empty", "give a heading and one row per hour")]
    head = [name.strip() for name in rows[0]]
    if column not in head:
        known = ", ".join(head[:12])
        return np.empty(0), [Fault(1, f"there is no column {column!r}", f"the columns are: {known}")]
    body = rows[1:]
    faults = _length_faults(len(body))
    stamps = next((head.index(n) for n in head if n.lower().startswith(_TIME_NAMES)), None)
    if stamps is not None:
        faults += _time_faults([r[stamps] if len(r) > stamps else "" for r in body])
    at = head.index(column)
    values, bad = _numbers([r[at] if len(r) > at else "" for r in body])
    faults += bad
    if not bad and values.size:
        faults += range_faults(values, ending)
    return values, faults


def _length_faults(count: int) -> list[Fault]:
    years, rest = divmod(count, HOURS_PER_YEAR)
    if years and not rest:
        return []
    if count and count % LEAP_HOURS == 0:
        first = _FEBRUARY_29 + 1 + _HEAD
        return [
            Fault(
                None, f"{count} rows are a leap year",
                f"leave out 29 February (rows {first} to {first + 23} of a year that starts on 1 January)",
            )
        ]  # fmt: skip
    return [Fault(None, f"{count} rows are not whole years", f"give {HOURS_PER_YEAR} rows per year, one per hour")]


def _numbers(cells: Sequence[str]) -> tuple[Array, list[Fault]]:
    values = np.full(len(cells), np.nan)
    bad = []
    for i, cell in enumerate(cells):
        with suppress(ValueError):
            values[i] = float(cell)
        if not np.isfinite(values[i]):
            bad.append((i, cell))
    faults = [
        Fault(i + 1 + _HEAD, f"{cell.strip() or 'nothing'!r} is not a number", "fill the hour from a source you trust")
        for i, cell in bad[:_SHOWN]
    ]
    if len(bad) > _SHOWN:
        faults.append(Fault(None, f"{len(bad) - _SHOWN} more rows are not numbers", "fill them as well"))
    return values, faults


def _time_faults(cells: Sequence[str]) -> list[Fault]:
    stamps: list[datetime] = []
    for i, cell in enumerate(cells):
        try:
            stamps.append(datetime.fromisoformat(cell.strip().replace("Z", "+00:00")))
        except ValueError:
            return [Fault(i + 1 + _HEAD, f"{cell.strip()!r} is not a time", "write times as 2023-01-31 14:00")]
    try:
        steps = [b - a for a, b in pairwise(stamps)]
    except TypeError:
        return [
            Fault(None, "some times have an offset from UTC and some have none", "give all of them the same offset")
        ]
    back = [i for i, s in enumerate(steps) if s <= timedelta(0)]
    gaps = [i for i, s in enumerate(steps) if s > _HOUR and not _over_leap_day(stamps[i], stamps[i + 1])]
    fine = [i for i, s in enumerate(steps) if timedelta(0) < s < _HOUR]
    summer = "looks like a daylight-saving jump: write all times in UTC or with one fixed offset"
    faults = []
    for i in back[:_SHOWN]:
        jump = stamps[i + 1].month in (9, 10, 11) and len(back) <= 2
        what = "comes twice" if stamps[i + 1] in (stamps[i], *stamps[max(i - 1, 0) : i]) else "goes back in time"
        faults.append(Fault(i + 2 + _HEAD, f"{cells[i + 1].strip()} {what}", summer if jump else "leave out the copy"))
    for i in gaps[:_SHOWN]:
        hours = int(steps[i] / _HOUR) - 1
        jump = hours == 1 and stamps[i].month in (3, 4)
        what = f"{hours} hour{'s' if hours > 1 else ''} missing after {cells[i].strip()}"
        faults.append(Fault(i + 2 + _HEAD, what, summer if jump else "add the hours"))
    if fine:
        step = steps[fine[0]]
        faults.append(Fault(fine[0] + 2 + _HEAD, f"the step is {step}, not one hour", "give hourly means"))
    more = len(back) + len(gaps) - len(back[:_SHOWN]) - len(gaps[:_SHOWN])
    if more:
        faults.append(Fault(None, f"{more} more rows are double or missing", "repair them as well"))
    return faults


def _over_leap_day(before: datetime, after: datetime) -> bool:
    """Whether a gap is only the 29 February that a year of 8760 hours leaves out."""
    return (before.month, before.day, after.month, after.day) == (2, 28, 3, 1) and after - before == timedelta(hours=25)


def range_faults(values: Array, ending: str) -> list[Fault]:
    """What the range of a series betrays."""
    allowed = RANGES[ending]
    if not values.size:
        return []
    low, high, mean = float(values.min()), float(values.max()), float(values.mean())
    outside = np.flatnonzero((values < allowed.low) | (values > allowed.high * (1 + 1e-9)))
    small = 0 < mean < allowed.mean_low
    if not outside.size and not small:
        return []
    row = int(outside[0]) + 1 + _HEAD if outside.size else None
    what = f"values from {low:g} to {high:g} (mean {mean:g}) where {allowed.low:g} to {allowed.high:g} is allowed"
    if small:
        what = f"a mean of {mean:g} is too small for {ending}"
    betrays = allowed.other and (small or (low >= allowed.low and high * allowed.factor <= allowed.high))
    if betrays:
        return [Fault(row, what, f"looks like {allowed.other}: multiply by {allowed.factor:g}")]
    return [Fault(row, what, f"check the unit ({ending})")]
