"""EPW, TMY3, NSRDB, PVGIS and Open-Meteo-style text to unchecked rows."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from kiban.facility import weather_hours as names
from kiban.facility.weather_faults import WeatherFault, WeatherFileError
from kiban.facility.weather_hours import ColumnRule, RawHours, fill_columns, split_rows, whole_rows

_EPW_HEAD = 8
_PVGIS_EPW = "ECMWF/ERA"
_EPW_RULES = {
    names.DRY_BULB: ColumnRule(6, missing_from=99.9),
    names.DEW_POINT: ColumnRule(7, missing_from=99.9),
    names.HUMIDITY: ColumnRule(8, missing_from=999.0),
    names.PRESSURE: ColumnRule(9, missing_from=999999.0),
    names.GHI: ColumnRule(13, missing_from=9999.0),
    names.DNI: ColumnRule(14, missing_from=9999.0),
    names.DHI: ColumnRule(15, missing_from=9999.0),
    names.WIND: ColumnRule(21, missing_from=999.0),
}
_TMY3_HEADINGS = {
    names.DRY_BULB: ("Dry-bulb (C)", 1.0),
    names.DEW_POINT: ("Dew-point (C)", 1.0),
    names.HUMIDITY: ("RHum (%)", 1.0),
    names.PRESSURE: ("Pressure (mbar)", 100.0),
    names.WIND: ("Wspd (m/s)", 1.0),
    names.GHI: ("GHI (W/m^2)", 1.0),
    names.DNI: ("DNI (W/m^2)", 1.0),
    names.DHI: ("DHI (W/m^2)", 1.0),
}
_NSRDB_HEADINGS = {
    names.DRY_BULB: ("Temperature", 1.0),
    names.DEW_POINT: ("Dew Point", 1.0),
    names.HUMIDITY: ("Relative Humidity", 1.0),
    names.PRESSURE: ("Pressure", 100.0),
    names.WIND: ("Wind Speed", 1.0),
    names.GHI: ("GHI", 1.0),
    names.DNI: ("DNI", 1.0),
    names.DHI: ("DHI", 1.0),
}
_PVGIS_KEYS = {
    names.DRY_BULB: "T2m",
    names.HUMIDITY: "RH",
    names.PRESSURE: "SP",
    names.WIND: "WS10m",
    names.GHI: "G(h)",
    names.DNI: "Gb(n)",
    names.DHI: "Gd(h)",
}


def _raw(file: str, form: str, utc_offset_h: float, local_offset_h: float, **place: Any) -> RawHours:
    return RawHours(
        file, form, {}, np.zeros((0, 5), np.int64), np.zeros(0, np.int64), utc_offset_h, local_offset_h, **place
    )


def _stop(file: str, row: int, found: str, remedy: str) -> WeatherFileError:
    return WeatherFileError([WeatherFault(file, row, found, remedy)])


def _place_numbers(file: str, row: int, cells: Sequence[str], what: str) -> list[float]:
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        raise _stop(file, row, f"{what} are {', '.join(cells)}", "restore the header of the file") from None


def _stamps(raw: RawHours, stamps: list[tuple[int, int, int, int, int]]) -> None:
    raw.stamps = np.array(stamps, dtype=np.int64).reshape(-1, 5)


def _whole_numbers(raw: RawHours, rows: list[tuple[int, Sequence[str]]]) -> list[tuple[int, Sequence[str]]]:
    """Keep the rows whose first five cells are whole numbers; the others are faults."""
    kept = []
    for line, row in rows:
        if all(re.fullmatch(r"\d+(\.0*)?", cell) for cell in row[:5]):
            kept.append((line, row))
        else:
            raw.faults.append(
                WeatherFault(raw.file, line, f"'{','.join(row[:5])}' is no date and hour", "the row is damaged")
            )
    return kept


def read_epw(text: str, file: str) -> RawHours:
    """Read EnergyPlus weather: eight heading lines, hour 1 is midnight to one, local standard time.

    Format: EnergyPlus auxiliary programs, weather format; missing values 99.9, 999, 999999, 9999.
    """
    cells = split_rows(text)
    if len(cells) <= _EPW_HEAD or len(cells[0]) < 10:
        raise _stop(
            file, len(cells), f"only {len(cells)} lines; an EPW file has 8768", "the file is cut; download again"
        )
    lat, lon, offset, elevation = _place_numbers(file, 1, cells[0][6:10], "latitude, longitude, zone, elevation")
    raw = _raw(file, "EPW", offset, offset, lat_deg=lat, lon_deg=lon, elevation_m=elevation, place=cells[0][1])
    if cells[0][4] == _PVGIS_EPW and cells[6][1:2] and cells[6][1].startswith("Irradiance Time Offset"):
        raw.utc_offset_h = 0.0
        raw.notes.append("an EPW file of PVGIS holds hours of UTC, whatever zone its heading says")
    body = _whole_numbers(raw, [(i, r) for i, r in whole_rows(cells, 1) if i > _EPW_HEAD])
    fill_columns(raw, _EPW_RULES, [row for _, row in body], [i for i, _ in body])
    kept = set(raw.rows.tolist())
    _stamps(raw, [(int(r[0]), int(r[1]), int(r[2]), int(float(r[3])) - 1, 0) for i, r in body if i in kept])
    return raw


def read_tmy3(text: str, file: str) -> RawHours:
    """Read NREL TMY3: a line of the station, a line of headings, hour 01:00 is midnight to one, standard time.

    Format: Wilcox and Marion (2008), Users manual for TMY3 data sets, NREL/TP-581-43156.
    """
    cells = split_rows(text)
    offset, lat, lon, elevation = _place_numbers(file, 1, cells[0][3:7], "zone, latitude, longitude, elevation")
    raw = _raw(file, "TMY3", offset, offset, lat_deg=lat, lon_deg=lon, elevation_m=elevation, place=cells[0][1])
    body = [(i, r) for i, r in whole_rows(cells, 2) if i > 2]
    good, stamps = [], []
    for line, row in body:
        found = re.fullmatch(r"(\d+)/(\d+)/(\d+) (\d+):(\d+)", f"{row[0]} {row[1]}")
        if found is None:
            raw.faults.append(WeatherFault(file, line, f"'{row[0]} {row[1]}' is no date", "the row is damaged"))
            continue
        month, day, year, hour, _ = (int(x) for x in found.groups())
        good.append((line, row))
        stamps.append((line, _hour_ending(year, month, day, hour)))
    fill_columns(raw, _by_heading(file, 2, cells[1], _TMY3_HEADINGS), [r for _, r in good], [i for i, _ in good])
    for name, values in raw.columns.items():
        raw.columns[name] = np.where(np.isclose(values, -9900.0) | np.isclose(values, -990000.0), np.nan, values)
    kept = set(raw.rows.tolist())
    _stamps(raw, [s for line, s in stamps if line in kept])
    return raw


def _hour_ending(year: int, month: int, day: int, hour: int) -> tuple[int, int, int, int, int]:
    """Beginning of the hour that ends at a stamp; some writers give 24:00 as 00:00 of the next day."""
    if hour:
        return year, month, day, hour - 1, 0
    try:
        eve = date(year, month, day) - timedelta(days=1)
    except ValueError:
        return year, month, day, -1, 0
    return eve.year, eve.month, eve.day, 23, 0


def _by_heading(
    file: str, row: int, heading: Sequence[str], wanted: dict[str, tuple[str, float]]
) -> dict[str, ColumnRule]:
    rules = {
        name: ColumnRule(heading.index(title), factor) for name, (title, factor) in wanted.items() if title in heading
    }
    if names.DRY_BULB not in rules or not {names.HUMIDITY, names.DEW_POINT} & set(rules):
        title = wanted[names.DRY_BULB][0]
        raise _stop(
            file, row, f"no column '{title}' with humidity or dew point", "download again with temperature and humidity"
        )
    return rules


def read_nsrdb(text: str, file: str) -> RawHours:
    """Read an NSRDB point file: two lines of place and units, headings, then rows in the stated time zone.

    Format: NREL NSRDB API download, csv; pressure in mbar; hours are turned to the local time zone of the heading.
    """
    cells = split_rows(text)
    place = dict(zip(cells[0], cells[1], strict=False))
    wanted = ("Latitude", "Longitude", "Time Zone", "Elevation", "Local Time Zone")
    lat, lon, zone, elevation, local = _place_numbers(file, 2, [place.get(k, "") for k in wanted], ", ".join(wanted))
    raw = _raw(file, "NSRDB", zone, local, lat_deg=lat, lon_deg=lon, elevation_m=elevation, place=place.get("City", ""))
    body = _whole_numbers(raw, [(i, r) for i, r in whole_rows(cells, 5) if i > 3])
    fill_columns(raw, _by_heading(file, 3, cells[2], _NSRDB_HEADINGS), [r for _, r in body], [i for i, _ in body])
    kept = set(raw.rows.tolist())
    _stamps(raw, [(int(r[0]), int(r[1]), int(r[2]), int(r[3]), int(r[4])) for i, r in body if i in kept])
    return raw


def read_pvgis_csv(text: str, file: str) -> RawHours:
    """Read a PVGIS typical year (csv): place lines, a heading that starts with ``time(UTC)``, rows in UTC.

    Format: JRC PVGIS 5 user manual, tool TMY; hours are turned to the whole zone nearest the longitude.
    """
    place = {
        key: float(value)
        for key, value in re.findall(r"^(Latitude|Longitude|Elevation)[^:\n]*:\s*(-?[\d.]+)", text, flags=re.M)
    }
    cells = split_rows(text)
    heads = [i for i, row in enumerate(cells) if row and row[0].startswith("time")]
    if not heads or "Longitude" not in place:
        raise _stop(file, 1, "no heading 'time(UTC)' or no longitude", "choose the PVGIS typical year (TMY) as csv")
    head = heads[0]
    pairs = {name: (title, 1.0) for name, title in _PVGIS_KEYS.items()}
    rules = _by_heading(file, head + 1, cells[head], pairs)
    body = [(i, r) for i, r in whole_rows(cells, 2) if i > head + 1 and re.fullmatch(r"\d{8}:\d{4}", r[0])]
    raw = _pvgis(file, place, [r[0] for _, r in body])
    fill_columns(raw, rules, [r for _, r in body], [i for i, _ in body])
    raw.stamps = raw.stamps[[len(r) > max(rule.index for rule in rules.values()) for _, r in body]]
    return raw


def read_pvgis_json(text: str, file: str) -> RawHours:
    """Read a PVGIS typical year (json): ``inputs.location`` and ``outputs.tmy_hourly``; rows count from 1."""
    try:
        data = json.loads(text)
        where, hourly = data["inputs"]["location"], data["outputs"]["tmy_hourly"]
        place = {key.capitalize(): float(where[key]) for key in ("latitude", "longitude", "elevation")}
        times = [str(row.get("time(UTC)", "")) for row in hourly]
    except json.JSONDecodeError as error:
        raise _stop(file, error.lineno, "the JSON ends or breaks here", "the file is cut; download again") from None
    except (KeyError, TypeError, AttributeError):
        raise _stop(
            file, 0, "no inputs.location with outputs.tmy_hourly", "choose the PVGIS typical year (TMY) as json"
        ) from None
    raw = _pvgis(file, place, times)
    raw.rows = np.arange(1, len(hourly) + 1)
    for name, key in _PVGIS_KEYS.items():
        if hourly and key in hourly[0]:
            raw.columns[name] = np.array([_or_nan(row.get(key)) for row in hourly])
    if names.DRY_BULB not in raw.columns or names.HUMIDITY not in raw.columns:
        raise _stop(file, 1, "no T2m and RH", "choose the PVGIS typical year (TMY), which has both")
    return raw


def _or_nan(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else float("nan")


def _pvgis(file: str, place: dict[str, float], times: list[str]) -> RawHours:
    raw = _raw(
        file, "PVGIS", 0.0, float(round(place["Longitude"] / 15.0)), lat_deg=place.get("Latitude", float("nan")),
        lon_deg=place["Longitude"], elevation_m=place.get("Elevation", float("nan")),
    )  # fmt: skip
    raw.notes.append("PVGIS states no time zone: hours are in the whole zone nearest the longitude")
    stamps = [re.fullmatch(r"(\d{4})(\d\d)(\d\d):(\d\d)(\d\d)", time) for time in times]
    numbers = [tuple(int(x) for x in s.groups()) if s else (0, 0, 0, 0, 0) for s in stamps]
    _stamps(raw, [(a, b, c, d, e) for a, b, c, d, e in numbers])
    raw.stamps[:, 4] = np.where(raw.stamps[:, 1] > 0, 0, raw.stamps[:, 4])  # PVGIS stamps the satellite's minute
    return raw


def parse_time(text: str) -> datetime | None:
    """Parse an ISO 8601 stamp, with or without ``T`` and zone; None where it is no date."""
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
