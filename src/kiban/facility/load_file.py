"""A user's hourly IT load, from CSV text to megawatts, with every fault said at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.facility.weather_calendar import HOURS
from kiban.facility.weather_faults import WeatherFault, WeatherFileError, rows_in_words
from kiban.facility.weather_hours import split_rows

Array = NDArray[np.float64]


def read_load(text: str, file: str, column: str, it_capacity_mw: float) -> Array:
    """Read an hourly IT load.

    Arguments: CSV text with one row of headings, file name, heading of the load (MW), critical IT MW of the hall.
    Result: (8760,) MW, in the order of the file: local standard time, hour beginning. Errors: WeatherFileError with
    every fault: heading, number of rows (8784 named as a leap year), blanks, negative values, kW for MW by range.
    """
    cells = [row for row in split_rows(text) if any(row)]
    headings = cells[0] if cells else []
    if column not in headings:
        found = ", ".join(headings) or "none"
        raise WeatherFileError(
            [WeatherFault(file, 1, f"no column '{column}'; columns: {found}", "name it in load.column")]
        )
    place = headings.index(column)
    values = np.array([_number(row[place]) if len(row) > place else np.nan for row in cells[1:]])
    faults = []
    if len(values) != HOURS:
        remedy = "delete 29 February" if len(values) == HOURS + 24 else "give one row for every hour of a common year"
        faults.append(WeatherFault(file, len(values) + 1, f"{len(values)} hours of load, needed {HOURS}", remedy))
    gaps = np.flatnonzero(~np.isfinite(values)) + 2
    if len(gaps):
        found = f"{len(gaps)} hour(s) without a number: {rows_in_words(gaps.tolist())}"
        faults.append(WeatherFault(file, int(gaps[0]), found, "fill them"))
    known = np.where(np.isfinite(values), values, 0.0)
    if (known < 0).any():
        row = int(np.flatnonzero(known < 0)[0]) + 2
        faults.append(WeatherFault(file, row, f"load is {known[row - 2]:g} MW", "load cannot be negative"))
    most = float(known.max(initial=0.0))
    if most > 20.0 * it_capacity_mw:
        found = f"load up to {most:,.6g} for a hall of {it_capacity_mw:g} MW: looks like kW"
        faults.append(WeatherFault(file, int(known.argmax()) + 2, found, "divide by 1000"))
    elif most > it_capacity_mw * (1 + 1e-9):
        found = f"load up to {most:g} MW, more than it_mw {it_capacity_mw:g}"
        faults.append(WeatherFault(file, int(known.argmax()) + 2, found, "raise it_mw or lower the load"))
    elif most == 0.0 and len(values):
        faults.append(WeatherFault(file, 2, "load is zero in every hour", "choose another column"))
    if faults:
        raise WeatherFileError(faults)
    return values


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float("nan")
