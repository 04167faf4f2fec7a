"""The time column of an hourly file: what is wrong with it, with row and remedy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

_SHOWN = 3
_TIME_NAMES = ("datetime", "timestamp", "time", "date", "hour_start", "interval_start")
_HOUR = timedelta(hours=1)
_COUNT = re.compile(r"\d+(\.0*)?")
_SUMMER = "looks like a daylight-saving jump: write all times in UTC or with one fixed offset"


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a file."""

    row: int | None
    """Row of the file as an editor counts, 1 = first line; None for the whole file."""
    found: str
    remedy: str

    def words(self, file: str) -> str:
        """Say it in one line."""
        place = file if self.row is None else f"{file}, row {self.row}"
        return f"{place}: {self.found}; {self.remedy}"


def time_columns(head: Sequence[str]) -> tuple[int, int] | None:
    """Positions of the column whose steps count and of the one whose start counts; None without a column of time.

    A file may give both clocks: UTC knows no summer time, local time says where the year starts.
    """
    found = [i for i, name in enumerate(head) if name.lower().startswith(_TIME_NAMES)]
    if not found:
        return None
    utc, local = ([i for i in found if clock in head[i].lower()] for clock in ("utc", "local"))
    return (utc or local or found)[0], (local or utc or found)[0]


def parse_times(cells: Sequence[str], lines: Sequence[int]) -> tuple[list[datetime], list[Fault]]:
    """Stamps of a column, with what is no time; no stamps where any fault is found, or where hours are only counted."""
    if cells and all(_COUNT.fullmatch(cell) for cell in cells):
        return [], _count_faults([int(float(cell)) for cell in cells], lines)
    stamps: list[datetime] = []
    bad: list[tuple[int, str]] = []
    for cell, line in zip(cells, lines, strict=True):
        try:
            stamps.append(datetime.fromisoformat(cell.replace("Z", "+00:00")))
        except ValueError:
            bad.append((line, cell))
    if bad:
        many = f" and {len(bad) - 1} more rows" if len(bad) > 1 else ""
        return [], [Fault(bad[0][0], f"{bad[0][1]!r} is not a time{many}", "write times as 2023-01-31 14:00")]
    if len({s.tzinfo is None for s in stamps}) > 1:
        what = "some times have an offset from UTC and some have none"
        return [], [Fault(None, what, "give all of them the same offset")]
    return stamps, []


def _count_faults(counts: Sequence[int], lines: Sequence[int]) -> list[Fault]:
    """Hours that are numbered 0, 1, 2 ... must follow each other."""
    wrong = [i for i, (a, b) in enumerate(pairwise(counts)) if b != a + 1]
    if not wrong:
        return []
    i = wrong[0]
    many = f", and {len(wrong) - 1} more such rows" if len(wrong) > 1 else ""
    return [
        Fault(lines[i + 1], f"hour {counts[i + 1]} follows hour {counts[i]}{many}", "give each hour once, in order")
    ]


def step_faults(stamps: Sequence[datetime], lines: Sequence[int]) -> list[Fault]:
    """Rows that are double, missing, out of order or not an hour apart.

    A typical year may change its year from month to month, and 29 February may be left out.
    """
    back: list[int] = []
    gaps: list[int] = []
    fine: list[int] = []
    for i, (a, b) in enumerate(pairwise(stamps)):
        step = b - a
        if step == _HOUR or _next_month(a, b) or _over_leap_day(a, b):
            continue
        (back if step <= timedelta(0) else gaps if step > _HOUR else fine).append(i)
    faults = [_double(stamps, lines, i, len(back) <= 2) for i in back[:_SHOWN]]
    faults += [_gap(stamps, lines, i) for i in gaps[:_SHOWN]]
    if fine:
        step = stamps[fine[0] + 1] - stamps[fine[0]]
        faults.append(Fault(lines[fine[0] + 1], f"the step is {step}, not one hour", "give hourly means"))
    more = len(back) + len(gaps) - len(back[:_SHOWN]) - len(gaps[:_SHOWN])
    if more:
        faults.append(Fault(None, f"{more} more rows are double or missing", "repair them as well"))
    return faults


def _double(stamps: Sequence[datetime], lines: Sequence[int], i: int, few: bool) -> Fault:
    late = stamps[i + 1]
    twice = late in (stamps[i], *stamps[max(i - 1, 0) : i])
    jump = few and twice and late.month in (9, 10, 11) and late.hour <= 3
    what = "comes twice" if twice else "goes back in time"
    remedy = _SUMMER if jump else "leave out the copy" if twice else "sort the rows by time"
    return Fault(lines[i + 1], f"{late:%Y-%m-%d %H:%M} {what}", remedy)


def _gap(stamps: Sequence[datetime], lines: Sequence[int], i: int) -> Fault:
    hours = (stamps[i + 1] - stamps[i]) / _HOUR - 1
    jump = hours == 1 and stamps[i].month in (3, 4) and stamps[i].hour <= 3
    what = f"{hours:g} hour{'s' if hours != 1 else ''} missing after {stamps[i]:%Y-%m-%d %H:%M}"
    return Fault(lines[i + 1], what, _SUMMER if jump else "add the hours")


def start_faults(first: datetime, line: int) -> list[Fault]:
    """A first hour that is not the first of a year."""
    if (first.month, first.day, first.hour, first.minute) in ((1, 1, 0, 0), (1, 1, 0, 30)):
        return []
    what = f"the first hour is {first:%Y-%m-%d %H:%M}"
    if (first.month, first.day, first.hour) == (1, 1, 1):
        remedy = "looks like stamps at the end of the hour: write its beginning, 00:00 first"
    elif (first.month, first.day) in ((1, 1), (12, 31)):
        remedy = "looks like another time zone: turn the rows to local standard time, 1 January 00:00 first"
    else:
        remedy = "a year starts on 1 January 00:00 local standard time"
    return [Fault(line, what, remedy)]


def _next_month(before: datetime, after: datetime) -> bool:
    """Whether a typical year goes from the end of one month to the next month of another year."""
    month_end = (before + _HOUR).day == 1 and (before + _HOUR).hour == 0
    return month_end and after.month == before.month % 12 + 1 and (after.day, after.hour) == (1, 0)


def _over_leap_day(before: datetime, after: datetime) -> bool:
    """Whether a gap is only the 29 February that a year of 8760 hours leaves out."""
    return (before.month, before.day, after.month, after.day) == (2, 28, 3, 1) and (before.hour, after.hour) == (23, 0)
