"""Rows of any weather format before they are trusted: columns, stamps and where each row stood in the file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kiban.facility.weather_faults import WeatherFault

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

DRY_BULB = "dry bulb (degC)"
HUMIDITY = "relative humidity (%)"
DEW_POINT = "dew point (degC)"
PRESSURE = "pressure (Pa)"
WIND = "wind speed (m/s)"
GHI, DNI, DHI = "GHI (W/m2)", "DNI (W/m2)", "DHI (W/m2)"
NUMBERS = (DRY_BULB, HUMIDITY, DEW_POINT, PRESSURE, WIND, GHI, DNI, DHI)


@dataclass
class RawHours:
    """Unchecked rows: numbers by column (NaN where blank), stamps as year, month, day, hour, minute, and file rows."""

    file: str
    form: str
    columns: dict[str, Array]
    stamps: IntArray
    """(n, 5) year, month, day, hour beginning 0..23, minute."""
    rows: IntArray
    """(n,) line of the file, from 1."""
    utc_offset_h: float
    """Offset of the stamps from UTC."""
    local_offset_h: float
    """Offset of local standard time, to which the hours are turned."""
    lat_deg: float = float("nan")
    lon_deg: float = float("nan")
    elevation_m: float = float("nan")
    place: str = ""
    faults: list[WeatherFault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ColumnRule:
    """Where a number stands in a row, the factor to kiban's unit, and the value above which it means 'missing'."""

    index: int
    factor: float = 1.0
    missing_from: float = float("inf")


def split_rows(text: str) -> list[list[str]]:
    """Split comma-separated text into stripped cells, one list a line, blank lines kept so that rows count."""
    return [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text))]


def fill_columns(
    raw: RawHours, rules: Mapping[str, ColumnRule], cells: Sequence[Sequence[str]], rows: Sequence[int]
) -> None:
    """Read the numbers of every row by its rule; a cell that is no number is a fault, a blank one is NaN.

    Arguments: raw (changed), rule by column, cells by row, line of each row. A row too short for a rule is a fault.
    """
    needed = max(rule.index for rule in rules.values())
    whole = [len(row) > needed for row in cells]
    short = [row for row, ok in zip(rows, whole, strict=True) if not ok]
    if short:
        raw.faults.append(
            WeatherFault(
                raw.file,
                short[0],
                f"{len(short)} row(s) with fewer than {needed + 1} cells",
                "the file is cut or damaged there; download it again",
            )
        )
    kept = [row for row, ok in zip(cells, whole, strict=True) if ok]
    lines = [line for line, ok in zip(rows, whole, strict=True) if ok]
    for name, rule in rules.items():
        values = _numbers(raw, name, [row[rule.index] for row in kept], lines)
        raw.columns[name] = np.where(np.abs(values) >= rule.missing_from, np.nan, values * rule.factor)
    raw.rows = np.array(lines, dtype=np.int64)


def _numbers(raw: RawHours, name: str, cells: Sequence[str], lines: Sequence[int]) -> Array:
    try:
        return np.array([float(cell) if cell else np.nan for cell in cells], dtype=np.float64)
    except ValueError:
        values = np.full(len(cells), np.nan)
    for i, cell in enumerate(cells):
        try:
            values[i] = float(cell) if cell else np.nan
        except ValueError:
            raw.faults.append(
                WeatherFault(raw.file, lines[i], f"{name} is '{cell}', not a number", "correct or download again")
            )
            if len(raw.faults) > 20:
                break
    return values


def whole_rows(cells: Iterable[Sequence[str]], least: int) -> list[tuple[int, Sequence[str]]]:
    """Give (line from 1, cells) of the rows with at least ``least`` cells that are not all blank."""
    return [(i, row) for i, row in enumerate(cells, start=1) if len(row) >= least and any(row)]
