"""A user's hourly IT load, from CSV text to megawatts, with every fault said at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.facility.weather_calendar import HOURS
from kiban.facility.weather_faults import WeatherFault, WeatherFileError
from kiban.units.hourly import read_column, read_table

Array = NDArray[np.float64]
_KW_FOR_MW = 20.0


def read_load(text: str, file: str, column: str, it_capacity_mw: float, drop_leap_day: bool = False) -> Array:
    """Read an hourly IT load.

    Arguments: text of a table with one row of headings, file name, heading of the load (MW), critical IT MW of the
    hall, whether 29 February may be dropped. Result: (8760,) MW, in the order of the file: local standard time, hour
    beginning. Errors: WeatherFileError with every fault: heading, rows and their times, blanks, negative values, kW for
    MW by range.
    """
    table = read_table(text, drop_leap_day)
    values, wrong = read_column(table, column, "any")
    faults = [WeatherFault(file, f.row or 0, f.found, f.remedy) for f in (*table.faults, *wrong)]
    if not faults and len(values) != HOURS:
        found = f"{len(values)} hours of load, needed {HOURS}"
        faults.append(WeatherFault(file, table.lines[-1], found, "give one row for every hour of a common year"))
    faults += _range_faults(values, table.lines, file, it_capacity_mw)
    if faults:
        raise WeatherFileError(faults)
    return values


def _range_faults(values: Array, lines: list[int], file: str, it_capacity_mw: float) -> list[WeatherFault]:
    known = np.where(np.isfinite(values), values, 0.0)
    if not known.size:
        return []
    faults = []
    if (known < 0).any():
        at = int(np.argmax(known < 0))
        faults.append(WeatherFault(file, lines[at], f"load is {known[at]:g} MW", "load cannot be negative"))
    most, row = float(known.max()), lines[int(known.argmax())]
    if most > _KW_FOR_MW * it_capacity_mw:
        found = f"load up to {most:,.6g} for a hall of {it_capacity_mw:g} MW: looks like kW"
        faults.append(WeatherFault(file, row, found, "divide by 1000"))
    elif most > it_capacity_mw * (1 + 1e-9):
        found = f"load up to {most:g} MW, more than it_mw {it_capacity_mw:g}"
        faults.append(WeatherFault(file, row, found, "raise it_mw or lower the load"))
    elif most == 0.0:
        faults.append(WeatherFault(file, lines[0], "load is zero in every hour", "choose another column"))
    return faults
