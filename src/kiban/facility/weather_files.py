"""Text of a weather file to one checked year: EPW, TMY3, NSRDB, PVGIS, Open-Meteo-style CSV.

Local standard time, hour beginning, 365 days. What is wrong with a file is said all at once, with row and remedy.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.facility import psychrometrics as air
from kiban.facility import weather_hours as names
from kiban.facility.plant import Outdoors
from kiban.facility.weather_calendar import HOURS
from kiban.facility.weather_check import hour_of_year, place_faults, solar_fault, time_faults, value_faults
from kiban.facility.weather_csv import read_open_csv
from kiban.facility.weather_faults import WeatherFault, WeatherFileError
from kiban.facility.weather_formats import read_epw, read_nsrdb, read_pvgis_csv, read_pvgis_json, read_tmy3
from kiban.facility.weather_hours import RawHours

Array = NDArray[np.float64]
TEMPERATURE_UNITS = ("celsius", "fahrenheit", "kelvin")


@dataclass(frozen=True)
class Weather:
    """One hourly year of a file, each array (8760,) in local standard time, hour beginning, with its provenance."""

    hourly_dry_bulb_degc: Array
    hourly_dew_point_degc: Array
    hourly_pressure_pa: Array
    hourly_wind_speed_m_per_s: Array | None
    hourly_ghi_w_per_m2: Array | None
    hourly_dni_w_per_m2: Array | None
    hourly_dhi_w_per_m2: Array | None
    utc_offset_h: float
    lat_deg: float
    lon_deg: float
    elevation_m: float
    file: str
    form: str
    place: str
    years: tuple[int, ...]
    notes: tuple[str, ...]

    @property
    def hourly_relative_humidity_frac(self) -> Array:
        """Relative humidity, from dew point and dry bulb."""
        return air.relative_humidity_frac(self.hourly_dry_bulb_degc, self.hourly_dew_point_degc)

    @property
    def outdoors(self) -> Outdoors:
        """The air as the cooling models take it."""
        return Outdoors.from_dew_point(self.hourly_dry_bulb_degc, self.hourly_dew_point_degc, self.hourly_pressure_pa)

    @property
    def provenance(self) -> str:
        """One sentence: file, format, place, years, time axis."""
        years = str(self.years[0]) if len(self.years) == 1 else f"typical year of {self.years[0]}-{self.years[-1]}"
        return (
            f"{self.file} ({self.form}{', ' + self.place if self.place else ''}; {years}; UTC{self.utc_offset_h:+g} h)"
        )


def read_weather(
    text: str,
    file: str,
    *,
    drop_leap_day: bool = False,
    utc_offset_h: float | None = None,
    temperature_unit: str = "celsius",
) -> Weather:
    """Turn the text of a weather file into one checked year.

    Arguments: text, file name (for messages), whether 29 February may be dropped, offset of the stamps from UTC for a
    CSV that does not say it, unit of its temperatures. Result: the year. The format is found from the text.
    Errors: WeatherFileError with every fault; ValueError for an unknown temperature unit.
    """
    if temperature_unit not in TEMPERATURE_UNITS:
        raise ValueError(f"temperature_unit is '{temperature_unit}'; allowed: {', '.join(TEMPERATURE_UNITS)}")
    try:
        raw = _read(text.removeprefix("\ufeff"), file, utc_offset_h)
    except WeatherFileError:
        raise
    except (csv.Error, ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        # A heading line that has lost cells or a quote that never closes: no row can be trusted.
        fault = WeatherFault(file, 1, f"the head of the file is damaged ({error})", "download it again")
        raise WeatherFileError([fault]) from None
    _to_celsius(raw, temperature_unit)
    faults = list(raw.faults)
    if len(raw.rows) or not faults:
        faults += place_faults(raw) + time_faults(raw, drop_leap_day) + value_faults(raw)
    if faults:
        raise WeatherFileError(faults)
    return _year(raw)


def _read(text: str, file: str, utc_offset_h: float | None) -> RawHours:
    start = text.lstrip()[:4000]
    if start.startswith("LOCATION,"):
        return read_epw(text, file)
    if start.startswith("{"):
        return read_pvgis_json(text, file)
    first_lines = start.split("\n")
    if first_lines[0].startswith("Source,Location ID"):
        return read_nsrdb(text, file)
    if len(first_lines) > 1 and first_lines[1].startswith("Date (MM/DD/YYYY)"):
        return read_tmy3(text, file)
    if "time(UTC)" in start or start.startswith("Latitude (decimal degrees)"):
        return read_pvgis_csv(text, file)
    if not start.strip():
        raise WeatherFileError([WeatherFault(file, 1, "the file is empty", "download it again")])
    return read_open_csv(text, file, utc_offset_h)


def _to_celsius(raw: RawHours, unit: str) -> None:
    for name in (names.DRY_BULB, names.DEW_POINT):
        if name in raw.columns and unit == "fahrenheit":
            raw.columns[name] = (raw.columns[name] - 32.0) / 1.8
        elif name in raw.columns and unit == "kelvin":
            raw.columns[name] = raw.columns[name] - air.KELVIN


def _year(raw: RawHours) -> Weather:
    hour = hour_of_year(raw.stamps)
    order = np.argsort(np.where(hour < 0, HOURS, hour), kind="stable")[:HOURS]
    turn = round(raw.local_offset_h - raw.utc_offset_h)
    columns = {name: np.roll(values[order], turn) for name, values in raw.columns.items() if np.isfinite(values).all()}
    if turn:
        raw.notes.append(
            f"turned {turn:+d} h from UTC{raw.utc_offset_h:+g}; the last hours of the year stand at its start"
        )
    if (hour < 0).any():
        raw.notes.append("29 February left out")
    faults = solar_fault(raw, columns[names.GHI]) if names.GHI in columns else []
    if faults:
        raise WeatherFileError(faults)
    dry = columns[names.DRY_BULB]
    return Weather(
        hourly_dry_bulb_degc=dry,
        hourly_dew_point_degc=_dew_point(raw, columns),
        hourly_pressure_pa=_pressure(raw, columns),
        hourly_wind_speed_m_per_s=columns.get(names.WIND),
        hourly_ghi_w_per_m2=columns.get(names.GHI),
        hourly_dni_w_per_m2=columns.get(names.DNI),
        hourly_dhi_w_per_m2=columns.get(names.DHI),
        utc_offset_h=raw.local_offset_h,
        lat_deg=raw.lat_deg,
        lon_deg=raw.lon_deg,
        elevation_m=raw.elevation_m,
        file=raw.file,
        form=raw.form,
        place=raw.place,
        years=tuple(int(y) for y in np.unique(raw.stamps[:, 0])),
        notes=tuple(raw.notes),
    )


def _dew_point(raw: RawHours, columns: dict[str, Array]) -> Array:
    """Give the dew point, from relative humidity where the file has none; never above dry bulb."""
    dry = columns[names.DRY_BULB]
    if names.DEW_POINT in columns:
        return np.minimum(columns[names.DEW_POINT], dry)
    if names.HUMIDITY not in columns:
        raise WeatherFileError(
            [WeatherFault(raw.file, 0, "no humidity and no dew point", "choose a file that has one")]
        )
    humidity = np.clip(columns[names.HUMIDITY] / 100.0, 0.005, 1.0)
    return np.minimum(air.dew_point_degc(humidity * air.saturation_pressure_pa(dry)), dry)


def _pressure(raw: RawHours, columns: dict[str, Array]) -> Array:
    if names.PRESSURE in columns:
        return columns[names.PRESSURE]
    height = raw.elevation_m if np.isfinite(raw.elevation_m) else 0.0
    raw.notes.append(f"no pressure in the file: standard atmosphere at {height:g} m")
    return np.full(HOURS, air.standard_pressure_pa(height))
