"""pvlib reads the same TMY3, EPW and PVGIS texts; the numbers must be the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kiban.facility.weather_files import read_weather

pvlib = pytest.importorskip("pvlib")
pytestmark = pytest.mark.oracle
WEATHER = Path(__file__).parents[3] / "shared" / "data" / "weather"


def test_tmy3_of_pvlib_itself() -> None:
    path = Path(pvlib.__file__).parent / "data" / "723170TYA.CSV"
    theirs, place = pvlib.iotools.read_tmy3(path, map_variables=True)
    ours = read_weather(path.read_text(), path.name)
    assert (ours.form, ours.utc_offset_h, ours.elevation_m) == ("TMY3", place["TZ"], place["altitude"])
    np.testing.assert_allclose(ours.hourly_dry_bulb_degc, theirs["temp_air"])
    np.testing.assert_allclose(ours.hourly_pressure_pa, theirs["pressure"] * 100)
    np.testing.assert_allclose(ours.hourly_ghi_w_per_m2, theirs["ghi"])
    np.testing.assert_allclose(ours.hourly_dni_w_per_m2, theirs["dni"])
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
    np.testing.assert_allclose(ours.hourly_dhi_w_per_m2, theirs["dhi"])
    np.testing.assert_allclose(ours.hourly_wind_speed_m_per_s, theirs["wind_speed"])
