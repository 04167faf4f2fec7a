"""Layouts as their publishers write them, a few typed rows each, filled up to a year: PVGIS, NSRDB, TMY3."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import numpy as np
import pytest

from kiban.facility.weather_files import WeatherFileError, read_weather

# Months of a PVGIS 5.3 typical year near Turin, and the air of some of its hours.
CHOSEN = (2018, 2007, 2009, 2013, 2008, 2006, 2011, 2010, 2020, 2006, 2007, 2016)
HOURS = [datetime(2023, 1, 1) + timedelta(hours=h) for h in range(8760)]
FIRST = {
    0: "2.04,94.38,0.0,-0.0,0.0,283.58,0.75,257.0,99870.0",
    9: "3.23,99.4,149.0,125.3,117.0,289.1,0.97,238.0,99600.0",
}
NAMES = ("T2m", "RH", "G(h)", "Gb(n)", "Gd(h)", "IR(h)", "WS10m", "WD10m", "SP")
HEAD = """Latitude (decimal degrees): 45.000
Longitude (decimal degrees): 8.000
Elevation (m): 250.0
Irradiance Time Offset (h): 0.1761
month,year
"""
FOOT = """

T2m: 2-m air temperature (degree Celsius)
RH: relative humidity (%)
G(h): Global irradiance on the horizontal plane (W/m2)
SP: Surface (air) pressure (Pa)

PVGIS (c) European Union, 2001-2025
"""


def _row(i: int) -> str:
    sun = max(0.0, 700 * np.cos((HOURS[i].hour - 11.5) * np.pi / 12))
    return FIRST.get(i, f"10.0,70.0,{sun:.1f},0.0,{sun:.1f},300.0,2.0,180.0,99000.0")


def pvgis_csv() -> str:
    body = [f"{CHOSEN[h.month - 1]}{h:%m%d:%H}00,{_row(i)}" for i, h in enumerate(HOURS)]
    months = [f"{m},{y}" for m, y in enumerate(CHOSEN, start=1)]
    return HEAD + "\n".join([*months, "time(UTC)," + ",".join(NAMES), *body]) + FOOT


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_pvgis_csv_with_its_offset_months_and_footer(ending: str, mark: str) -> None:
    found = read_weather(mark + pvgis_csv().replace("\n", ending), "tmy_45.000_8.000_2005_2023.csv")
    assert (found.form, found.utc_offset_h, found.elevation_m) == ("PVGIS", 1.0, 250.0)
    assert (found.lat_deg, found.lon_deg) == (45.0, 8.0)
    assert found.years == tuple(sorted(set(CHOSEN)))
    # Hour 0 of UTC is hour 1 of local standard time.
    assert found.hourly_dry_bulb_degc[[1, 10]] == pytest.approx([2.04, 3.23])
    assert found.hourly_pressure_pa[[1, 10]] == pytest.approx([99870.0, 99600.0])
    assert found.hourly_relative_humidity_frac[1] == pytest.approx(0.9438, abs=1e-6)
    assert found.hourly_ghi_w_per_m2 is not None and found.hourly_ghi_w_per_m2[10] == 149.0
    assert found.hourly_wind_speed_m_per_s is not None and found.hourly_wind_speed_m_per_s[1] == 0.75


def test_pvgis_json_says_the_same() -> None:
    rows = []
    for i, h in enumerate(HOURS):
        values = (float(v) for v in _row(i).split(","))
        rows.append({"time(UTC)": f"{CHOSEN[h.month - 1]}{h:%m%d:%H}00", **dict(zip(NAMES, values, strict=True))})
    where = {"latitude": 45.0, "longitude": 8.0, "elevation": 250.0, "irradiance_time_offset": 0.1761}
    data = {
        "inputs": {"location": where, "meteo_data": {"radiation_db": "PVGIS-SARAH3", "year_min": 2005}},
        "outputs": {"months_selected": [], "tmy_hourly": rows},
    }
    as_json, as_csv = read_weather(json.dumps(data), "tmy.json"), read_weather(pvgis_csv(), "tmy.csv")
    np.testing.assert_array_equal(as_json.hourly_dry_bulb_degc, as_csv.hourly_dry_bulb_degc)
    np.testing.assert_array_equal(as_json.hourly_dew_point_degc, as_csv.hourly_dew_point_degc)


@pytest.mark.parametrize(
    "text",
    [
        # The answer of the service that only describes its fields, and an answer without a place.
        json.dumps({"inputs": {"location": {"description": "Selected"}}, "outputs": {"tmy_hourly": {"type": "x"}}}),
        json.dumps([{"time(UTC)": "20180101:0000", "T2m": 2.04}]),
        "time(UTC),T2m,RH,G(h)\n20180101:0000,2.04,94.38,0.0\n",
    ],
)
def test_other_answers_of_pvgis_are_told_apart(text: str) -> None:
    with pytest.raises(WeatherFileError, match="choose the PVGIS typical year"):
        read_weather(text, "pvgis")


def pvgis_epw() -> str:
    head = ["LOCATION,unknown,-,unknown,ECMWF/ERA,unknown,45.000000,8.000000,1,250", "DESIGN CONDITIONS,0",
            "TYPICAL/EXTREME PERIODS,0", "GROUND TEMPERATURES,0", "HOLIDAYS/DAYLIGHT SAVING,No,0,0,0",
            "COMMENTS 1,Sensor Point System data", "COMMENTS 2,Irradiance Time Offset (h):-0.8239",
            "DATA PERIODS,1,1,Data,Thursday, 1/ 1,12/31"]  # fmt: skip
    body = []
    for i, h in enumerate(HOURS):
        dry, humidity, ghi, dni, dhi, ir, wind, way, pressure = _row(i).split(",")
        dew = float(dry) - (100 - float(humidity)) / 5
        body.append(
            f"{CHOSEN[h.month - 1]},{h.month},{h.day},{h.hour + 1},0,?9?9,{dry},{dew:.2f},{humidity},{pressure},9999,"
            f"9999,{ir},{ghi},{dni},{dhi},999999,999999,999999,9999,{way},{wind},99,99,9999,99999,9,999999999,999,0.999,999,"
            "99,999,999,99"
        )
    return "\n".join(head + body) + "\n"


def test_an_epw_of_pvgis_holds_hours_of_utc_under_a_local_zone() -> None:
    found = read_weather(pvgis_epw(), "tmy_45.000_8.000_2005_2023.epw")
    same = read_weather(pvgis_csv(), "tmy.csv")
    assert found.utc_offset_h == 1.0 and "UTC" in found.notes[0]
    np.testing.assert_allclose(found.hourly_dry_bulb_degc, same.hourly_dry_bulb_degc)
    np.testing.assert_allclose(found.hourly_ghi_w_per_m2, same.hourly_ghi_w_per_m2)


NSRDB = """Source,Location ID,City,State,Country,Latitude,Longitude,Time Zone,Elevation,Local Time Zone,DNI Units
NSRDB,145809,-,-,-,40.01,-105.26,-7,1820,-7,w/m2
Year,Month,Day,Hour,Minute,DHI,DNI,GHI,Dew Point,Temperature,Pressure,Relative Humidity,Wind Speed
"""


def _nsrdb(start: datetime, hours: int, minute: int = 30) -> str:
    rows = []
    for i in range(hours):
        h = start + timedelta(hours=i)
        sun = max(0.0, 700 * np.cos((h.hour - 11.5) * np.pi / 12))
        cells = (
            h.year,
            h.month,
            h.day,
            h.hour,
            minute,
            f"{sun:.0f}",
            0,
            f"{sun:.0f}",
            -6,
            -5 + h.hour / 10,
            780,
            92,
            2.5,
        )
        rows.append(",".join(str(c) for c in cells))
    return NSRDB + "\n".join(rows) + "\n"


def test_nsrdb_with_two_rows_of_place_and_a_leap_year() -> None:
    found = read_weather(_nsrdb(datetime(2017, 1, 1), 8760), "nsrdb.csv")
    assert (found.form, found.utc_offset_h, found.elevation_m) == ("NSRDB", -7.0, 1820.0)
    assert found.hourly_dry_bulb_degc[:3] == pytest.approx([-5.0, -4.9, -4.8])
    assert found.hourly_pressure_pa[0] == 78_000.0
    leap = _nsrdb(datetime(2020, 1, 1), 8784)
    with pytest.raises(WeatherFileError, match=r"29 February.*drop_leap_day"):
        read_weather(leap, "nsrdb.csv")
    dropped = read_weather(leap, "nsrdb.csv", drop_leap_day=True)
    np.testing.assert_array_equal(dropped.hourly_dry_bulb_degc, found.hourly_dry_bulb_degc)
    assert "29 February left out" in dropped.notes


def test_half_hours_of_nsrdb_are_named() -> None:
    hourly = _nsrdb(datetime(2017, 1, 1), 8760).splitlines()
    halves = [line.replace(",30,", ",0,", 1) for line in hourly[3:]]
    both = [line for pair in zip(halves, hourly[3:], strict=True) for line in pair]
    with pytest.raises(WeatherFileError, match="average the steps to one row an hour"):
        read_weather("\n".join(hourly[:3] + both), "nsrdb.csv")


@pytest.mark.parametrize("midnight", ["24:00", "00:00"])
def test_tmy3_may_write_midnight_as_the_end_of_a_day_or_the_start_of_the_next(midnight: str) -> None:
    rows = []
    for h in HOURS:
        end = h + timedelta(hours=1)
        day, clock = (h, "24:00") if end.hour == 0 and midnight == "24:00" else (end, f"{end:%H:%M}")
        sun = max(0.0, 700 * np.cos((h.hour - 11.5) * np.pi / 12))
        rows.append(f"{day:%m/%d/%Y},{clock},{sun:.0f},{h.hour},5,60,990,2.0")
    head = '700000,"MADE",VT,-5,44.4,-73.2,41\nDate (MM/DD/YYYY),Time (HH:MM),GHI (W/m^2),Dry-bulb (C),Dew-point (C),'
    found = read_weather(f"{head}RHum (%),Pressure (mbar),Wspd (m/s)\n" + "\n".join(rows), "TYA.csv")
    assert found.form == "TMY3"
    np.testing.assert_array_equal(found.hourly_dry_bulb_degc, [h.hour for h in HOURS])
