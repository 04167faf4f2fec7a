"""Readers of weather files: real files of five formats, and one made file for every fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.facility.weather_files import Weather, WeatherFileError, read_weather

SHARED = Path(__file__).parents[3] / "shared" / "data"
NOON = 13  # hour of the greatest irradiance of the made files, standard time at 97 degrees west


def _real(folder: str, name: str) -> Weather:
    path = SHARED / folder / name
    if not path.exists():
        pytest.skip(f"needs {name} under ../shared/data/{folder}")
    return read_weather(path.read_text(errors="replace"), name)


def _hours(year: int = 2023) -> list[datetime]:
    start = datetime(year, 1, 1)
    return [start + timedelta(hours=i) for i in range(8784 if year % 4 == 0 else 8760)]


def _dry(when: datetime) -> float:
    return round(
        15 - 12 * np.cos(2 * np.pi * when.timetuple().tm_yday / 365) + 5 * np.sin((when.hour - 9) / 12 * np.pi), 2
    )


def _sun(when: datetime) -> float:
    return max(0.0, round(800 * np.cos((when.hour + 0.5 - NOON) / 12 * np.pi), 1))


def _csv(hours: list[datetime], dry: Callable[[float], float] = lambda t: t, **columns: str) -> list[str]:
    lines = ["# made, lat=32.8, lon=-96.8, elevation_m=142.0, utc_offset_s=-21600"]
    lines.append("time,temperature_2m,relative_humidity_2m,surface_pressure,shortwave_radiation")
    humidity, pressure = columns.get("humidity", "55"), columns.get("pressure", "996")
    return lines + [f"{h.isoformat()},{dry(_dry(h)):.2f},{humidity},{pressure},{_sun(h)}" for h in hours]


def _epw(rows: int = 8760) -> list[str]:
    head = ["LOCATION,Made,TX,USA,Test,000000,32.9,-97.0,-6.0,171.0", *(["COMMENT"] * 7)]
    body = []
    for h in _hours()[:rows]:
        cells = ["2023", str(h.month), str(h.day), str(h.hour + 1), "60", "?9", f"{_dry(h)}", "-5", "40", "99500"]
        cells += ["0", "0", "300", f"{_sun(h)}", "0", "0", "0", "0", "0", "0", "180", "3.0"] + ["0"] * 13
        body.append(",".join(cells))
    return head + body


def _faults(lines: list[str], **options: object) -> str:
    with pytest.raises(WeatherFileError) as caught:
        read_weather("\n".join(lines), "made.csv", **options)  # type: ignore[arg-type]
    for fault in caught.value.faults:
        assert fault.file == "made.csv" and fault.remedy
        assert fault.render().startswith("made.csv")
    return str(caught.value)


@pytest.mark.parametrize(
    ("folder", "name", "form", "mean_degc", "offset_h", "sum_kwh_per_m2"),
    [
        ("weather", "USA_TX_Dallas-Fort.Worth.Intl.AP.722590_TMY3.epw", "EPW", 18.73, -6, 1784),
        ("weather", "USA_NY_New.York-J.F.Kennedy.Intl.AP.744860_TMY3.epw", "EPW", 12.55, -5, 1430),
        ("weather", "USA_TX_Dallas-Fort.Worth_TMYx.2007-2021.epw", "EPW", 19.81, -6, 1770),
        # DESIGN data notes: GHI 2014 kWh/m2 of this file was checked on its own.
        ("resource", "nsrdb_32.32_-100.18_2013_abilene_area.csv", "NSRDB", 16.78, -6, 2014),
        ("weather", "openmeteo_dallas_2023.csv", "CSV", 20.41, -5, None),
        ("weather", "openmeteo_nyc_2023.csv", "CSV", 12.93, -4, None),
    ],
)
def test_real_files(
    folder: str, name: str, form: str, mean_degc: float, offset_h: float, sum_kwh_per_m2: float | None
) -> None:
    found = _real(folder, name)
    assert (found.form, found.utc_offset_h, found.file) == (form, offset_h, name)
    assert found.hourly_dry_bulb_degc.shape == (8760,)
    assert found.hourly_dry_bulb_degc.mean() == pytest.approx(mean_degc, abs=0.01)
    assert np.all(found.hourly_dew_point_degc <= found.hourly_dry_bulb_degc)
    assert 85_000 < found.hourly_pressure_pa.mean() < 103_000
    if sum_kwh_per_m2 is None:
        assert found.hourly_ghi_w_per_m2 is None and "no pressure" in found.notes[0]
    else:
        assert found.hourly_ghi_w_per_m2 is not None
        assert found.hourly_ghi_w_per_m2.sum() / 1000 == pytest.approx(sum_kwh_per_m2, abs=1)
    assert name in found.provenance and f"UTC{offset_h:+d} h" in found.provenance


def test_wind_in_km_per_h_of_the_comment_is_converted() -> None:
    found = _real("weather", "openmeteo_dallas_2023.csv")
    assert found.hourly_wind_speed_m_per_s is not None
    assert found.hourly_wind_speed_m_per_s[0] == pytest.approx(20.8 / 3.6)


def test_a_made_csv_comes_back_as_written() -> None:
    found = read_weather("\n".join(_csv(_hours())), "made.csv")
    np.testing.assert_allclose(found.hourly_dry_bulb_degc, [_dry(h) for h in _hours()])
    np.testing.assert_allclose(found.hourly_relative_humidity_frac, 0.55, atol=1e-9)
    np.testing.assert_allclose(found.hourly_pressure_pa, 99_600.0)
    assert found.utc_offset_h == -6 and found.years == (2023,) and found.notes == ()
    assert found.outdoors.hourly_wet_bulb_degc.shape == (8760,)


def test_a_made_epw_and_pvgis_say_the_same_air() -> None:
    epw = read_weather("\n".join(_epw()), "made.epw")
    utc = [h + timedelta(hours=6) for h in _hours()]
    turned = {h.replace(year=2010): h - timedelta(hours=6) for h in utc}
    rows = [
        {"time(UTC)": f"{u:%Y%m%d:%H}00", "T2m": _dry(h), "RH": 55.0, "G(h)": _sun(h), "Gb(n)": 0.0, "Gd(h)": 0.0,
         "WS10m": 3.0, "SP": 99500.0}
        for u, h in sorted(turned.items())
    ]  # fmt: skip
    location = {"latitude": 32.9, "longitude": -97.0, "elevation": 171.0}
    text = json.dumps({"inputs": {"location": location}, "outputs": {"tmy_hourly": rows}})
    as_json = read_weather(text, "tmy.json")
    head = ["Latitude (decimal degrees): 32.900", "Longitude (decimal degrees): -97.000", "Elevation (m): 171.0", ""]
    titles = list(rows[0])
    table = [",".join(titles), *(",".join(str(row[t]) for t in titles) for row in rows), "", "T2m: 2-m air temperature"]
    as_csv = read_weather("\n".join(head + table), "tmy.csv")
    for found in (as_json, as_csv):
        assert found.form == "PVGIS" and found.utc_offset_h == -6
        np.testing.assert_allclose(found.hourly_dry_bulb_degc, epw.hourly_dry_bulb_degc)
        np.testing.assert_allclose(found.hourly_ghi_w_per_m2, epw.hourly_ghi_w_per_m2)


def test_missing_hours() -> None:
    lines = _csv(_hours())
    del lines[100:103]
    text = _faults(lines)
    assert "made.csv, row 101: 3 hour(s) missing, first Jan 5 02:00" in text and "one row for every hour" in text


def test_leap_year_and_its_remedy() -> None:
    lines = _csv(_hours(2024))
    text = _faults(lines)
    assert "8784 rows" in text and "29 February" in text and "row 1419" in text and "drop_leap_day: true" in text
    found = read_weather("\n".join(lines), "made.csv", drop_leap_day=True)
    assert "29 February left out" in found.notes


def test_duplicated_stamps() -> None:
    lines = _csv(_hours())
    lines.insert(501, lines[500])
    text = _faults(lines)
    assert "row 502: 1 hour(s) stand twice" in text and "delete the second row" in text


def test_daylight_saving_jump() -> None:
    hours = _hours()
    spring, autumn = hours.index(datetime(2023, 3, 12, 2)), hours.index(datetime(2023, 11, 5, 1))
    text = _faults(_csv([*hours[:spring], *hours[spring + 1 : autumn + 1], *hours[autumn:]]))
    assert "daylight-saving jump: hour missing Mar 12 02:00, hour twice Nov 5 01:00" in text
    assert "UTC or local standard time" in text and text.count("remedy") == 1


def test_blank_numbers() -> None:
    lines = _csv(_hours())
    lines[41] = lines[41].replace(f",{_dry(_hours()[39]):.2f},", ",nan,")
    text = _faults(lines)
    assert "row 42: dry bulb (degC) is blank in 1 hour(s)" in text
    epw = _epw()
    epw[20] = ",".join([*epw[20].split(",")[:6], "99.9", *epw[20].split(",")[7:]])
    assert "row 21: dry bulb (degC) is blank" in _faults(epw)


@pytest.mark.parametrize(
    ("change", "found", "remedy"),
    [
        ({"dry": lambda t: t * 1.8 + 32}, "looks like Fahrenheit", "temperature_unit: fahrenheit"),
        ({"dry": lambda t: t + 273.15}, "looks like kelvin", "temperature_unit: kelvin"),
        ({"humidity": "0.55"}, "looks like a fraction", "multiply by 100"),
        ({"pressure": "9.96"}, "looks like hPa", "multiply by 100"),
        ({"humidity": "140"}, "relative humidity (%) is 140", "correct"),
    ],
)
def test_units_that_betray_themselves(change: dict[str, object], found: str, remedy: str) -> None:
    text = _faults(_csv(_hours(), **change))  # type: ignore[arg-type]
    assert found in text and remedy in text


def test_the_remedy_for_fahrenheit_works() -> None:
    lines = _csv(_hours(), dry=lambda t: t * 1.8 + 32)
    found = read_weather("\n".join(lines), "made.csv", temperature_unit="fahrenheit")
    np.testing.assert_allclose(found.hourly_dry_bulb_degc, [_dry(h) for h in _hours()], atol=0.01)


def test_cut_files() -> None:
    assert "only 5 lines; an EPW file has 8768" in _faults(_epw()[:5])
    text = _faults(_epw(5000))
    assert "row 5008: the file ends at Jul 28 07:00: 3760 of 8760 hours are missing" in text and "cut" in text
    half = _epw(5000)
    half[-1] = half[-1][:30]
    text = _faults(half)
    assert "fewer than 22 cells" in text and "row 5008" in text
    assert "the file is empty" in _faults([""])


def test_half_hours_damaged_rows_and_missing_columns() -> None:
    half = [h + timedelta(minutes=30 * k) for h in _hours() for k in range(2)]
    assert "average the steps to one row an hour" in _faults(_csv(half))
    lines = _csv(_hours())
    lines[7] = "hello" + lines[7][5:]
    assert "row 8: 'hello" in _faults(lines)
    assert "no row with a 'time' column" in _faults(["a,b", "1,2"])
    assert "columns are time, wind" in _faults(["time,wind", "2023-01-01T00:00,2"])


def test_a_time_axis_that_the_sun_contradicts() -> None:
    text = _faults([line.replace("utc_offset_s=-21600", "utc_offset_s=0") for line in _csv(_hours())])
    assert "from solar noon at longitude -96.8" in text and "utc_offset_h" in text


def test_a_place_that_is_nowhere() -> None:
    text = _faults([line.replace("elevation_m=142.0", "elevation_m=99999") for line in _csv(_hours())])
    assert "elevation is 99999; allowed -500 to 6000" in text
    assert "offset from UTC is nan" in _faults([_epw()[0].replace("-6.0", "nan"), *_epw()[1:]])


def test_all_faults_at_once() -> None:
    lines = _csv(_hours(), dry=lambda t: t * 1.8 + 32)
    del lines[300]
    lines.insert(501, lines[500])
    text = _faults(lines)
    assert "Fahrenheit" in text and "stand twice" in text and "missing" in text


def _tmy3() -> str:
    head = ['723170,"MADE",NC,-6.0,32.9,-97.0,171', "Date (MM/DD/YYYY),Time (HH:MM),GHI (W/m^2),Dry-bulb (C),RHum (%)"]
    rows = [f"{h:%m/%d/%Y},{h.hour + 1:02d}:00,{_sun(h)},{_dry(h)},50" for h in _hours()]
    return "\n".join(head + rows)


def _nsrdb() -> str:
    head = [
        "Source,Location ID,City,Latitude,Longitude,Time Zone,Elevation,Local Time Zone",
        "NSRDB,1,-,32.9,-97.0,-6,171,-6",
    ]
    head.append("Year,Month,Day,Hour,Minute,Temperature,Relative Humidity,GHI")
    rows = [f"{h.year},{h.month},{h.day},{h.hour},30,{_dry(h)},50,{_sun(h)}" for h in _hours()]
    return "\n".join(head + rows)


def _pvgis() -> str:
    head = [
        "Latitude (decimal degrees): 45.0",
        "Longitude (decimal degrees): 0.0",
        "Elevation (m): 100.0",
        "",
        "time(UTC),T2m,RH,SP",
    ]
    return "\n".join(head + [f"{h:%Y%m%d:%H}00,{_dry(h)},50,99500" for h in _hours()])


def _pvgis_json() -> str:
    rows = [{"time(UTC)": f"{h:%Y%m%d:%H}00", "T2m": _dry(h), "RH": 50, "SP": 99500} for h in _hours()]
    place = {"location": {"latitude": 45.0, "longitude": 0.0, "elevation": 100.0}}
    return json.dumps({"inputs": place, "outputs": {"tmy_hourly": rows}})


WHOLE = {
    "epw": "\n".join(_epw()), "csv": "\n".join(_csv(_hours())), "tmy3": _tmy3(), "nsrdb": _nsrdb(), "pvgis": _pvgis(),
    "json": _pvgis_json(),
}  # fmt: skip


@pytest.mark.parametrize("form", WHOLE)
def test_made_files_of_every_format_are_read(form: str) -> None:
    np.testing.assert_allclose(read_weather(WHOLE[form], form).hourly_dry_bulb_degc, [_dry(h) for h in _hours()])


@pytest.mark.parametrize("form", WHOLE)
@given(st.data())
@settings(max_examples=20, deadline=None)
def test_no_damage_gets_past_the_reader_unsaid(form: str, data: st.DataObject) -> None:
    """Cut the text, drop a line or a cell, or write rubbish: a year, or an error that names file and remedy."""
    text = WHOLE[form]
    place = data.draw(st.one_of(st.integers(0, 700), st.integers(0, len(text) - 1)))
    how = data.draw(st.sampled_from(["cut", "line", "rubbish", "cell"]))
    rubbish = data.draw(st.sampled_from(["", ",", "x", "-", "nan", "1e999", '"', "\x00", "{", "999"]))
    after = text.find("\n" if how == "line" else ",", place)
    broken = {
        "cut": text[:place],
        "line": text[:place] + text[after:],
        "rubbish": text[:place] + rubbish + text[place + 1 :],
        "cell": text[:place] + rubbish + text[after:],
    }[how]
    try:
        found = read_weather(broken, "made")
    except WeatherFileError as error:
        assert error.faults and all(fault.file == "made" and fault.remedy for fault in error.faults)
    else:
        assert np.isfinite(found.hourly_dry_bulb_degc).all() and np.isfinite(found.hourly_dew_point_degc).all()
        assert np.isfinite(found.hourly_pressure_pa).all()
