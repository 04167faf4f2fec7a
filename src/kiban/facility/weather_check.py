"""Checks of a weather file: time axis, gaps and units that betray themselves by range. All faults at once."""

from __future__ import annotations

import calendar

import numpy as np
from numpy.typing import NDArray

from kiban.facility import weather_hours as raw_names
from kiban.facility.weather_calendar import DAYS, HOURS, MONTH_START
from kiban.facility.weather_faults import WeatherFault, rows_in_words
from kiban.facility.weather_hours import RawHours

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

SOLAR_SHIFT_MOST_H = 1.25
_NEEDED = (raw_names.DRY_BULB,)
_AGAIN = "download the file again"


def hour_of_year(stamps: IntArray) -> IntArray:
    """Give the hour 0..8759 of stamps (n, 5) in a year without 29 February; -1 on 29 February or no real date."""
    month, day, hour = stamps[:, 1], stamps[:, 2], stamps[:, 3]
    lengths = np.append(np.diff(MONTH_START), 31)
    real = (month >= 1) & (month <= 12) & (hour >= 0) & (hour <= 23) & (day >= 1)
    safe = np.clip(month, 1, 12) - 1
    real &= day <= lengths[safe]
    return np.where(real, (MONTH_START[safe] + day - 1) * 24 + hour, -1)


def time_faults(raw: RawHours, drop_leap_day: bool) -> list[WeatherFault]:
    """Find what is wrong with the time axis: step, leap day, duplicates, daylight-saving jumps, gaps, order, cut end.

    Arguments: raw rows, whether 29 February may be dropped. Result: faults, each with row and remedy.
    """
    n = len(raw.rows)
    if n == 0:
        return [WeatherFault(raw.file, 0, "no hourly rows found", _AGAIN)]
    if len(np.unique(raw.stamps[:, 4])) > 1:
        said = f"stamps at minutes {', '.join(str(m) for m in np.unique(raw.stamps[:, 4])[:4])}: {n} rows"
        return [WeatherFault(raw.file, int(raw.rows[1]), said, "average the steps to one row an hour")]
    hour = hour_of_year(raw.stamps)
    leap = (raw.stamps[:, 1] == 2) & (raw.stamps[:, 2] == 29) & (hour < 0)
    found: list[WeatherFault] = []
    bad = (hour < 0) & ~leap
    if bad.any():
        found.append(
            WeatherFault(raw.file, int(raw.rows[bad][0]), f"{int(bad.sum())} stamp(s) that are no date", _AGAIN)
        )
    if leap.any() and not drop_leap_day:
        said = f"{n} rows: {rows_in_words(raw.rows[leap].tolist())} are 29 February"
        found.append(
            WeatherFault(raw.file, int(raw.rows[leap][0]), said, "delete those rows, or set drop_leap_day: true")
        )
    return found + _hour_faults(raw, hour, raw.rows[hour >= 0], hour[hour >= 0])


def _hour_faults(raw: RawHours, every: IntArray, rows: IntArray, hour: IntArray) -> list[WeatherFault]:
    found = []
    count = np.bincount(hour, minlength=HOURS)
    twice, gone = np.flatnonzero(count > 1), np.flatnonzero(count == 0)
    spring, autumn = _jump_hours(raw, gone, twice)
    if len(spring) or len(autumn):
        row = rows[np.flatnonzero(hour == autumn[0])[-1]] if len(autumn) else rows[hour > spring[0]][0]
        said = f"daylight-saving jump: hour missing {_when(spring)}, hour twice {_when(autumn)}"
        remedy = "export in UTC or local standard time"
        found.append(WeatherFault(raw.file, int(row), said, remedy))
        twice, gone = np.setdiff1d(twice, autumn), np.setdiff1d(gone, spring)
    if len(twice):
        again = [int(rows[hour == h][-1]) for h in twice]
        said = f"{len(twice)} hour(s) stand twice, first {_date(int(twice[0]))}: {rows_in_words(again)}"
        found.append(WeatherFault(raw.file, again[0], said, "delete the second row of each pair"))
    last = int(hour.max())
    tail = gone[gone > last]
    if len(tail):
        said = f"the file ends at {_date(last)}: {len(tail)} of {HOURS} hours are missing"
        found.append(WeatherFault(raw.file, int(rows[-1]), said, f"the file is cut; {_AGAIN}"))
    inside = gone[gone < last]
    if len(inside):
        after = hour > inside[0]
        said = f"{len(inside)} hour(s) missing, first {_date(int(inside[0]))}"
        found.append(
            WeatherFault(raw.file, int(rows[after][0]), said, "fill them from the provider, one row for every hour")
        )
    falls = np.flatnonzero(np.diff(every[every >= 0]) < 0)
    if len(falls) and not len(twice) and not len(autumn):
        said = f"hours run backwards, {len(falls)} time(s)"
        found.append(WeatherFault(raw.file, int(rows[falls[0] + 1]), said, "sort the rows by time, one calendar year"))
    return found


def _jump_hours(raw: RawHours, gone: IntArray, twice: IntArray) -> tuple[IntArray, IntArray]:
    """Give the missing hour of spring and the double hour of autumn that a clock change leaves: Sundays, 0-3 h."""
    years = np.unique(raw.stamps[:, 0])
    if len(years) != 1:
        return gone[:0], twice[:0]
    year = int(years[0])

    def sundays(hours: IntArray, months: tuple[int, ...]) -> IntArray:
        kept = []
        for h in hours:
            month, day = _month_day(int(h) // 24)
            if month in months and int(h) % 24 <= 3 and calendar.weekday(year, month, day) == 6:
                kept.append(int(h))
        return np.array(kept, dtype=np.int64)

    spring, autumn = sundays(gone, (3, 4)), sundays(twice, (9, 10, 11))
    lone = len(spring) == 1 and len(gone) <= 2 and len(autumn) <= 1
    return (spring, autumn) if lone or len(autumn) == 1 else (gone[:0], twice[:0])


def value_faults(raw: RawHours) -> list[WeatherFault]:
    """Find blank numbers and units that betray themselves by range (Fahrenheit, kelvin, fractions, hPa, km/h)."""
    found = []
    for name, values in raw.columns.items():
        known = np.isfinite(values)
        needed = name in _NEEDED
        if not known.any():
            if needed:
                found.append(WeatherFault(raw.file, 0, f"{name} is blank in every row", "choose a file that has it"))
            continue
        if not known.all():
            rows = raw.rows[~known]
            said = f"{name} is blank in {len(rows)} hour(s): {rows_in_words(rows.tolist())}"
            found.append(WeatherFault(raw.file, int(rows[0]), said, "fill them from the provider, or interpolate"))
        found += _unit_fault(raw, name, values)
    return found


def place_faults(raw: RawHours) -> list[WeatherFault]:
    """Find a latitude, longitude, elevation or zone that no place has; an unknown (NaN) place passes, no zone."""
    found = []
    for name, value, low, high in (
        ("latitude", raw.lat_deg, -90.0, 90.0),
        ("longitude", raw.lon_deg, -180.0, 180.0),
        ("elevation", raw.elevation_m, -500.0, 6000.0),
        ("offset from UTC", raw.utc_offset_h, -14.0, 14.0),
        ("offset of local time", raw.local_offset_h, -14.0, 14.0),
    ):
        unknown = bool(np.isnan(value)) and "offset" not in name
        if not (unknown or low <= value <= high):
            said = f"{name} is {value:g}; allowed {low:g} to {high:g}"
            found.append(WeatherFault(raw.file, 1, said, "correct the head of the file"))
    return found


_RANGES = {
    raw_names.DRY_BULB: (-70.0, 60.0),
    raw_names.DEW_POINT: (-90.0, 40.0),
    raw_names.HUMIDITY: (0.0, 110.0),
    raw_names.PRESSURE: (45_000.0, 110_000.0),
    raw_names.WIND: (0.0, 60.0),
    raw_names.GHI: (-10.0, 1500.0),
    raw_names.DNI: (-10.0, 1500.0),
    raw_names.DHI: (-10.0, 1200.0),
}


def _unit_fault(raw: RawHours, name: str, values: Array) -> list[WeatherFault]:
    low, high = _RANGES[name]
    off = (values < low) | (values > high)
    guess = _unit_guess(name, values[np.isfinite(values)])
    if not off.any() and not guess:
        return []
    rows = raw.rows[off] if off.any() else raw.rows[:1]
    worst = float(values[off][0]) if off.any() else float(np.nanmean(values))
    if guess:
        said = (
            f"{name} from {np.nanmin(values):.4g} to {np.nanmax(values):.4g}, mean {np.nanmean(values):.4g}: {guess[0]}"
        )
        return [WeatherFault(raw.file, int(rows[0]), said, guess[1])]
    said = f"{name} is {worst:.6g} in {rows_in_words(rows.tolist())}; allowed {low:g} to {high:g}"
    return [WeatherFault(raw.file, int(rows[0]), said, "correct those rows")]


def _unit_guess(name: str, values: Array) -> tuple[str, str] | None:
    """Guess the unit of a column from its mean and range, with the remedy; None where it fits its own unit."""
    mean, high = float(values.mean()), float(values.max())
    if name in (raw_names.DRY_BULB, raw_names.DEW_POINT):
        if mean > 180.0:
            return "looks like kelvin", "subtract 273.15, or set temperature_unit: kelvin"
        hot = 36.0 if name == raw_names.DRY_BULB else 31.0
        if mean > hot or high > 60.0:
            return "looks like Fahrenheit", "convert with (F - 32) / 1.8, or set temperature_unit: fahrenheit"
    if name == raw_names.HUMIDITY and high <= 1.001:
        return "looks like a fraction", "multiply by 100"
    if name == raw_names.PRESSURE and 450.0 < mean < 1_100.0:
        return "looks like hPa", "multiply by 100"
    if name == raw_names.PRESSURE and 45.0 < mean < 110.0:
        return "looks like kPa", "multiply by 1000"
    if name == raw_names.WIND and mean > 13.0:
        return "looks like km/h", "divide by 3.6, or name the unit in the column heading"
    return None


def solar_fault(raw: RawHours, hourly_ghi_w_per_m2: Array) -> list[WeatherFault]:
    """Compare the centre of the day's sunshine with solar noon; more than 1.25 h apart means a wrong time axis.

    Arguments: raw rows (longitude, offsets), irradiance (8760,) in local standard time. Result: no or one fault.
    """
    if not np.isfinite(raw.lon_deg) or hourly_ghi_w_per_m2.sum() <= 0:
        return []
    by_hour = hourly_ghi_w_per_m2.reshape(DAYS, 24).sum(axis=0)
    noon = 12.0 - (raw.lon_deg / 15.0 - raw.local_offset_h)
    angle = 2 * np.pi * (np.arange(24) + 0.5) / 24
    centre = np.angle((by_hour * np.exp(1j * angle)).sum()) * 24 / (2 * np.pi) % 24
    shift = (centre - noon + 12) % 24 - 12
    if abs(shift) <= SOLAR_SHIFT_MOST_H:
        return []
    said = f"the sun stands highest {shift:+.1f} h from solar noon at longitude {raw.lon_deg:g}"
    return [WeatherFault(raw.file, 0, said, "the time zone of the file or its longitude is wrong; set utc_offset_h")]


def _month_day(day_of_year: int) -> tuple[int, int]:
    month = int(np.searchsorted(MONTH_START, day_of_year, side="right"))
    return month, day_of_year - int(MONTH_START[month - 1]) + 1


def _date(hour: int) -> str:
    month, day = _month_day(hour // 24)
    return f"{calendar.month_abbr[month]} {day} {hour % 24:02d}:00"


def _when(hours: IntArray) -> str:
    return _date(int(hours[0])) if len(hours) else "nowhere"
