"""pvlib reads the same TMY3, EPW and PVGIS texts; the numbers must be the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kiban.facility.weather_files import read_weather

pvlib = pytest.importorskip("pvlib")
pytestmark = pytest.mark.oracle
WEATHER = Path(__file__).parents[3] / "shared" / "data" / "weather"


@pytest.mark.parametrize("name", ["723170TYA.CSV", "703165TY.csv"])
def test_tmy3_of_pvlib_itself(name: str) -> None:
    path = Path(pvlib.__file__).parent / "data" / name
    theirs, place = pvlib.iotools.read_tmy3(path, map_variables=True)
    ours = read_weather(path.read_text(), path.name)
    assert (ours.form, ours.utc_offset_h, ours.elevation_m) == ("TMY3", place["TZ"], place["altitude"])
    np.testing.assert_allclose(ours.hourly_dry_bulb_degc, theirs["temp_air"])
    np.testing.assert_allclose(ours.hourly_pressure_pa, theirs["pressure"] * 100)
    np.testing.assert_allclose(ours.hourly_ghi_w_per_m2, theirs["ghi"])
    np.testing.assert_allclose(ours.hourly_dni_w_per_m2, theirs["dni"])
    np.testing.assert_allclose(ours.hourly_dhi_w_per_m2, theirs["dhi"])
    np.testing.assert_allclose(ours.hourly_wind_speed_m_per_s, theirs["wind_speed"])
    np.testing.assert_allclose(ours.hourly_dew_point_degc, np.minimum(theirs["temp_dew"], theirs["temp_air"]))


@pytest.mark.parametrize("name", sorted(p.name for p in WEATHER.glob("*.epw")) or ["none"])
def test_epw(name: str) -> None:
    if not (WEATHER / name).exists():
        pytest.skip("needs EPW files under ../shared/data/weather")
    theirs, place = pvlib.iotools.read_epw(WEATHER / name)
    ours = read_weather((WEATHER / name).read_text(errors="replace"), name)
    assert (ours.lat_deg, ours.lon_deg, ours.utc_offset_h) == (place["latitude"], place["longitude"], place["TZ"])
    np.testing.assert_allclose(ours.hourly_dry_bulb_degc, theirs["temp_air"])
    np.testing.assert_allclose(ours.hourly_pressure_pa, theirs["atmospheric_pressure"])
    np.testing.assert_allclose(ours.hourly_dew_point_degc, np.minimum(theirs["temp_dew"], theirs["temp_air"]))
    np.testing.assert_allclose(ours.hourly_ghi_w_per_m2, theirs["ghi"])
    np.testing.assert_allclose(ours.hourly_dni_w_per_m2, theirs["dni"])
    np.testing.assert_allclose(ours.hourly_dhi_w_per_m2, theirs["dhi"])
    np.testing.assert_allclose(ours.hourly_wind_speed_m_per_s, theirs["wind_speed"])


def test_nsrdb() -> None:
    path = next((WEATHER.parent / "resource").glob("nsrdb_*.csv"), None)
    if path is None:
        pytest.skip("needs an NSRDB file under ../shared/data/resource")
    theirs, place = pvlib.iotools.read_nsrdb_psm4(path, map_variables=True)
    ours = read_weather(path.read_text(), path.name)
    # pvlib leaves the hours in UTC.
    turn = int(place["Local Time Zone"]) - int(place["Time Zone"])
    assert (ours.lat_deg, ours.elevation_m) == (place["latitude"], place["altitude"])
    for name, column, factor in (
        ("hourly_dry_bulb_degc", "temp_air", 1.0), ("hourly_pressure_pa", "pressure", 100.0),
        ("hourly_ghi_w_per_m2", "ghi", 1.0), ("hourly_dni_w_per_m2", "dni", 1.0), ("hourly_dhi_w_per_m2", "dhi", 1.0),
        ("hourly_wind_speed_m_per_s", "wind_speed", 1.0),
    ):  # fmt: skip
        np.testing.assert_allclose(getattr(ours, name), np.roll(theirs[column], turn) * factor)
    dew = np.roll(np.minimum(theirs["temp_dew"], theirs["temp_air"]), turn)
    np.testing.assert_allclose(ours.hourly_dew_point_degc, dew)
