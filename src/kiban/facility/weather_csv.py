"""Open-Meteo-style CSV (and any CSV with a time column) to unchecked rows; the units stand in the headings."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from kiban.facility import weather_hours as names
from kiban.facility.weather_faults import WeatherFault, WeatherFileError
from kiban.facility.weather_formats import parse_time
from kiban.facility.weather_hours import ColumnRule, RawHours, fill_columns, split_rows

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
    cells = split_rows(text)
    comment = " ".join(",".join(row) for row in cells[:6])
    head = _heading(cells)
    if head is None:
        raise WeatherFileError(
            [WeatherFault(file, 1, "no row with a 'time' column", f"name a column {' or '.join(TIME_HEADINGS[:2])}")]
        )
    titles = [_plain(cell) for cell in cells[head]]
    rules = _rules(cells[head], titles, comment)
    if names.DRY_BULB not in rules or not {names.HUMIDITY, names.DEW_POINT} & set(rules):
        found = ", ".join(cells[head])
        remedy = (
            f"add {HEADINGS[names.DRY_BULB][0]} and {HEADINGS[names.HUMIDITY][0]} or {HEADINGS[names.DEW_POINT][0]}"
        )
        raise WeatherFileError([WeatherFault(file, head + 1, f"columns are {found}", remedy)])
    lat, lon, elevation, stated = _place(comment, cells[:head])
    offset = utc_offset_h if utc_offset_h is not None else stated
    raw = RawHours(file, "CSV", {}, np.zeros((0, 5), np.int64), np.zeros(0, np.int64), offset or 0.0, offset or 0.0)
    raw.lat_deg, raw.lon_deg, raw.elevation_m = lat, lon, elevation
    if offset is None:
        raw.notes.append("the file states no offset from UTC; its stamps are taken as local standard time")
        raw.lon_deg = float("nan")
    _fill(raw, cells, head, titles, rules)
    return raw


def _fill(raw: RawHours, cells: list[list[str]], head: int, titles: list[str], rules: dict[str, ColumnRule]) -> None:
    where = next(i for i, title in enumerate(titles) if title in TIME_HEADINGS)
    lines, body, stamps = [], [], []
    for line, row in enumerate(cells[head + 1 :], start=head + 2):
        if not any(row):
            continue
        when = parse_time(row[where]) if where < len(row) else None
        if when is None:
            found = row[where] if where < len(row) else ""
            raw.faults.append(WeatherFault(raw.file, line, f"'{found}' is no time", "write 2023-01-31T05:00"))
            continue
        lines.append(line)
        body.append(row)
        stamps.append((line, (when.year, when.month, when.day, when.hour, when.minute)))
    fill_columns(raw, rules, body, lines)
    kept = set(raw.rows.tolist())
    raw.stamps = np.array([s for line, s in stamps if line in kept], dtype=np.int64).reshape(-1, 5)


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
