"""Hourly air of several climate zones in one CSV (zone, drybulb, rh, atp), as published cooling calculators take it."""

from __future__ import annotations

import csv
import io

import numpy as np

from kiban.facility import psychrometrics as air
from kiban.facility.plant import Outdoors
from kiban.facility.weather_calendar import HOURS
from kiban.facility.weather_faults import WeatherFault, WeatherFileError

COLUMNS = ("drybulb", "rh", "atp")
_RANGES = {"drybulb": (-70.0, 60.0, "degC"), "rh": (0.0, 100.0, "%"), "atp": (50_000.0, 110_000.0, "Pa")}
_CELLS_NAMED = 10
_LEAST_HUMIDITY_FRAC = 0.005


def is_zone_table(text: str) -> bool:
    """Say whether a text begins with the heading of such a table."""
    return set(COLUMNS) <= set(_heading(text))


def _heading(text: str) -> list[str]:
    return [cell.strip().strip('"').lower() for cell in text.removeprefix("\ufeff").split("\n", 1)[0].split(",")]


def read_zone_table(text: str, file: str) -> dict[str, Outdoors]:
    """Read the hourly air of each zone.

    Arguments: text with a heading that holds ``drybulb`` (degC), ``rh`` (%) and ``atp`` (Pa), and ``zone`` where there
    are several; 8,760 rows a zone in the order of the year; file name for messages. Result: air by zone, '' without a
    zone column. Errors: WeatherFileError with every zone that is short and the first bad cells, each with its row.
    """
    heading, faults = _heading(text), []
    missing = [name for name in COLUMNS if name not in heading]
    if missing:
        found = f"columns are {', '.join(heading)}"
        raise WeatherFileError([WeatherFault(file, 1, found, f"add {', '.join(missing)}")])
    place = {name: heading.index(name) for name in COLUMNS}
    zone_at = heading.index("zone") if "zone" in heading else None
    hours: dict[str, list[list[float]]] = {}
    for line, row in enumerate(csv.reader(io.StringIO(text.removeprefix("\ufeff"))), start=1):
        if line == 1 or not any(row):
            continue
        zone = row[zone_at].strip() if zone_at is not None and zone_at < len(row) else ""
        cells = [_cell(row, place[name], name) for name in COLUMNS]
        bad = next(((name, cell) for name, cell in zip(COLUMNS, cells, strict=True) if isinstance(cell, str)), None)
        if bad is not None:
            low, high, unit = _RANGES[bad[0]]
            faults.append(WeatherFault(file, line, f"{bad[0]} is {bad[1]}", f"give {low:g} to {high:g} {unit}"))
        hours.setdefault(zone, []).append([cell if isinstance(cell, float) else 0.0 for cell in cells])
    if len(faults) > _CELLS_NAMED:
        more = f"{len(faults) - _CELLS_NAMED} more bad cells"
        faults = [*faults[:_CELLS_NAMED], WeatherFault(file, 0, more, "check the units of the columns")]
    for zone, rows in hours.items():
        if len(rows) != HOURS:
            name = f"zone {zone} has" if zone else "the file has"
            faults.append(WeatherFault(file, 0, f"{name} {len(rows)} hours", f"give all {HOURS:,} of a year"))
    if faults or not hours:
        raise WeatherFileError(faults or [WeatherFault(file, 1, "no rows below the heading", "download it again")])
    return {zone: _outdoors(np.array(rows)) for zone, rows in hours.items()}


def _cell(row: list[str], at: int, name: str) -> float | str:
    """Give the number of a cell, or the words for what stands there instead."""
    text = row[at].strip() if at < len(row) else ""
    low, high, _ = _RANGES[name]
    try:
        number = float(text)
    except ValueError:
        return f"'{text}'"
    return number if low <= number <= high else f"{number:g}"


def _outdoors(rows: np.ndarray) -> Outdoors:
    dry, humidity, pressure = rows.T
    vapour = np.maximum(humidity / 100.0, _LEAST_HUMIDITY_FRAC) * air.saturation_pressure_pa(dry)
    ratio = air.humidity_ratio(vapour, pressure)
    return Outdoors(dry, air.wet_bulb_degc(dry, ratio, pressure), ratio, pressure)
