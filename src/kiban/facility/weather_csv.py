"""Open-Meteo-style CSV (and any CSV with a time column) to unchecked rows; the units stand in the headings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import numpy as np

from kiban.facility import weather_hours as names
from kiban.facility.weather_faults import WeatherFault, WeatherFileError
from kiban.facility.weather_formats import parse_time
from kiban.facility.weather_hours import ColumnRule, RawHours, fill_columns, split_rows
from kiban.units.hourly_cells import MISFIT_REMEDY, split_cells

HEADINGS = {
    names.DRY_BULB: ("temperature_2m", "temperature", "dry_bulb", "drybulb", "temp_air", "dry_bulb_degc"),
    names.HUMIDITY: ("relative_humidity_2m", "relativehumidity_2m", "relative_humidity", "rh", "humidity"),
    names.DEW_POINT: ("dew_point_2m", "dewpoint_2m", "dew_point", "temp_dew", "dew_point_degc"),
    names.PRESSURE: ("surface_pressure", "pressure", "pressure_pa"),
    names.WIND: ("wind_speed_10m", "windspeed_10m", "wind_speed"),
    names.GHI: ("shortwave_radiation", "ghi", "ghi_w_per_m2"),
    names.DNI: ("direct_normal_irradiance", "dni", "dni_w_per_m2"),
    names.DHI: ("diffuse_radiation", "dhi", "dhi_w_per_m2"),
}
TIME_HEADINGS = ("time", "datetime", "timestamp", "date_time")
_FACTORS = {"km/h": 1 / 3.6, "hpa": 100.0, "mbar": 100.0, "kpa": 1000.0, "kn": 0.514444, "mph": 0.44704}
# Open-Meteo's own default units where neither heading nor comment states one.
_DEFAULT_FACTORS = {"surface_pressure": 100.0, "windspeed_10m": 1 / 3.6, "wind_speed_10m": 1 / 3.6}


def read_open_csv(text: str, file: str, utc_offset_h: float | None) -> RawHours:
    """Read hourly CSV with a time column.

    Arguments: text, file name, offset of the stamps from UTC where the file does not say it. Result: raw rows.
    Units are read from headings such as ``temperature_2m (°C)`` or from the ``units=`` comment; temperatures stay as
    they are (the range check finds Fahrenheit). Errors: WeatherFileError without time, temperature or humidity.
    """
    found = split_cells(text)
    cells = found.rows
    comment = " ".join(",".join(row) for row in split_rows("\n".join(text.split("\n", 6)[:6])))
    head = _heading(cells)
    if head is None:
        remedy = f"name a column {' or '.join(TIME_HEADINGS[:2])}, or choose EPW, TMY3, NSRDB or a PVGIS typical year"
        raise WeatherFileError([WeatherFault(file, 1, "no row with a 'time' column", remedy)])
    if misfit := found.misfit(head):
        raise WeatherFileError([WeatherFault(file, 0, misfit, MISFIT_REMEDY)])
    titles = [_plain(cell) for cell in cells[head]]
    rules = _rules(cells[head], titles, comment)
    if names.DRY_BULB not in rules or not {names.HUMIDITY, names.DEW_POINT} & set(rules):
        listed = ", ".join(cells[head])
        remedy = (
            f"add {HEADINGS[names.DRY_BULB][0]} and {HEADINGS[names.HUMIDITY][0]} or {HEADINGS[names.DEW_POINT][0]}"
        )
        raise WeatherFileError([WeatherFault(file, found.lines[head], f"columns are {listed}", remedy)])
    lat, lon, elevation, stated = _place(comment, cells[:head])
    offset = utc_offset_h if utc_offset_h is not None else stated
    raw = RawHours(file, "CSV", {}, np.zeros((0, 5), np.int64), np.zeros(0, np.int64), offset or 0.0, offset or 0.0)
    raw.lat_deg, raw.lon_deg, raw.elevation_m = lat, lon, elevation
    body, lines = cells[head + 1 :], found.lines[head + 1 :]
    stamps, body, lines = _stamps_of(raw, body, lines, next(i for i, t in enumerate(titles) if t in TIME_HEADINGS))
    aware = [s for s in stamps if s.tzinfo is not None]
    if aware and len(aware) == len(stamps):
        stamps = _with_one_offset(raw, stamps, offset)
    elif offset is None:
        raw.notes.append("the file states no offset from UTC; its stamps are taken as local standard time")
        raw.lon_deg = float("nan")
    fill_columns(raw, rules, body, lines)
    kept = set(raw.rows.tolist())
    rows = [(s.year, s.month, s.day, s.hour, s.minute) for s, line in zip(stamps, lines, strict=True) if line in kept]
    raw.stamps = np.array(rows, dtype=np.int64).reshape(-1, 5)
    return raw


def _stamps_of(
    raw: RawHours, body: list[list[str]], lines: list[int], where: int
) -> tuple[list[datetime], list[list[str]], list[int]]:
    """Stamps, rows and lines of the rows that have a time; the others are one fault."""
    times = [parse_time(row[where]) if where < len(row) else None for row in body]
    bad = [i for i, when in enumerate(times) if when is None]
    if bad:
        cell = body[bad[0]][where] if where < len(body[bad[0]]) else ""
        many = f", nor are {len(bad) - 1} more" if len(bad) > 1 else ""
        raw.faults.append(WeatherFault(raw.file, lines[bad[0]], f"'{cell}' is no time{many}", "write 2023-01-31T05:00"))
    good = [(when, row, line) for when, row, line in zip(times, body, lines, strict=True) if when is not None]
    return [g[0] for g in good], [g[1] for g in good], [g[2] for g in good]


def _with_one_offset(raw: RawHours, stamps: list[datetime], local_offset_h: float | None) -> list[datetime]:
    """Stamps that say their own offset, in the least of their offsets: summer time is the larger of two."""
    least = min(s.utcoffset() or timedelta(0) for s in stamps)
    raw.utc_offset_h = least.total_seconds() / 3600
    raw.local_offset_h = raw.utc_offset_h if local_offset_h is None else local_offset_h
    if least == timedelta(0) and local_offset_h is None:
        if np.isfinite(raw.lon_deg):
            raw.local_offset_h = float(round(raw.lon_deg / 15.0))
            raw.notes.append("stamps are in UTC: hours are turned to the whole zone nearest the longitude")
        else:
            raw.notes.append("stamps are in UTC and no place is given: the hours of the day are those of UTC")
    return [s.astimezone(timezone(least)) for s in stamps]


def _heading(cells: Sequence[Sequence[str]]) -> int | None:
    for i, row in enumerate(cells[:12]):
        if any(_plain(cell) in TIME_HEADINGS for cell in row):
            return i
    return None


def _plain(title: str) -> str:
    return re.sub(r"\s*[(\[].*", "", title).strip().lower()


def _rules(heading: Sequence[str], titles: Sequence[str], comment: str) -> dict[str, ColumnRule]:
    rules = {}
    for name, known in HEADINGS.items():
        for title in known:
            if title in titles:
                index = titles.index(title)
                rules[name] = ColumnRule(index, _factor(title, heading[index], comment))
                break
    return rules


def _factor(title: str, heading: str, comment: str) -> float:
    """Give the factor of a column to kiban's unit from its heading, else the comment, else Open-Meteo's default."""
    inside = re.search(r"[(\[](.*?)[)\]]", heading)
    listed = re.search(rf"'{re.escape(title)}':\s*'([^']*)'", comment)
    unit = inside.group(1) if inside else listed.group(1) if listed else None
    return _FACTORS.get(unit.strip().lower(), 1.0) if unit is not None else _DEFAULT_FACTORS.get(title, 1.0)


def _place(comment: str, above: Sequence[Sequence[str]]) -> tuple[float, float, float, float | None]:
    """Give latitude, longitude, elevation and offset (h) from a comment or from Open-Meteo's two lines of place."""
    said = {key: float(value) for key, value in re.findall(r"(\w+)=(-?[\d.]+)", comment)}
    if len(above) >= 2 and "latitude" in above[0]:
        listed = dict(zip(above[0], above[1], strict=False))
        keys = {"lat": "latitude", "lon": "longitude", "elevation_m": "elevation", "utc_offset_s": "utc_offset_seconds"}
        said |= {short: float(listed[long]) for short, long in keys.items() if _is_number(listed.get(long, ""))}
    gap = float("nan")
    offset = said.get("utc_offset_s")
    return said.get("lat", gap), said.get("lon", gap), said.get("elevation_m", gap), offset and offset / 3600.0


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None
