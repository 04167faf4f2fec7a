"""The synthetic year: exact monthly means, and agreement with real hourly files of Dallas, Houston and New York JFK."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.catalog import Catalog, load_catalog
from kiban.facility import inputs, weather
from kiban.facility.cooling import hourly_overhead
from kiban.facility.plant import Outdoors

FILES = Path(__file__).parents[3] / "shared" / "data" / "weather"
DALLAS = "USA_TX_Dallas-Fort.Worth.Intl.AP.722590_TMY3.epw"
HOUSTON = "USA_TX_Houston-Bush.Intercontinental.AP.722430_TMY3.epw"
JFK = "USA_NY_New.York-J.F.Kennedy.Intl.AP.744860_TMY3.epw"
PLACES = {DALLAS: "dallas_fort_worth_tx", HOUSTON: "houston_tx", JFK: None}
KINDS = (
    "air_economizer_adiabatic",
    "water_chiller_economizer",
    "air_chiller_economizer",
    "liquid_dry_cooler",
    "liquid_tower",
)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(scope="module")
def shape(catalog: Catalog) -> weather.WeatherShape:
    return inputs.weather_shape(catalog)


def _read_epw(name: str) -> tuple[np.ndarray, weather.Normals]:
    """Give (5, 8760) dry bulb, dew point, pressure, irradiance, wind of an EPW file, and its own normals."""
    path = FILES / name
    if not path.exists():
        pytest.skip(f"needs the weather file {name} under ../shared/data/weather")
    lines = path.read_text(errors="replace").splitlines()
    place, rows = lines[0].split(","), [line.split(",") for line in lines[8:]]
    dry, dew, pressure, ghi, wind = np.array([[float(row[i]) for i in (6, 7, 9, 13, 21)] for row in rows]).T
    days, mean = dry.reshape(365, 24), weather.monthly_mean
    daily = days.mean(axis=1)
    normals = weather.Normals(
        mean(dry),
        mean(days.max(axis=1)),
        mean(days.min(axis=1)),
        np.sqrt(mean(daily**2) - mean(daily) ** 2),
        mean(dew),
        mean(wind),
        mean(ghi) * 24 / 1000,
        float(place[6]),
        float(place[7]),
        float(pressure.mean()),
    )
    return np.array([dry, dew, pressure, ghi, wind]), normals


def _normals(catalog: Catalog, name: str, own: weather.Normals) -> weather.Normals:
    place = PLACES[name]  # JFK is not a catalogue station (New York City is LaGuardia): its normals come from the file
    return own if place is None else inputs.site_normals(catalog, place)[0]


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_synthetic_year_is_like_the_real_file(
    catalog: Catalog, shape: weather.WeatherShape, name: str, seed: int
) -> None:
    (dry, dew, pressure, ghi, wind), own = _read_epw(name)
    real = Outdoors.from_dew_point(dry, dew, pressure)
    year = weather.synthetic_year(_normals(catalog, name, own), shape, np.random.default_rng(seed))
    assert abs(year.hourly_dry_bulb_degc.mean() - dry.mean()) < 0.3
    assert abs((year.hourly_wet_bulb_degc > 18).sum() / (real.hourly_wet_bulb_degc > 18).sum() - 1) < 0.10
    assert abs(year.hourly_ghi_w_per_m2.sum() / ghi.sum() - 1) < 0.01
    assert abs(year.hourly_wind_speed_m_per_s.mean() / wind.mean() - 1) < 0.02


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("kind", KINDS)
def test_annual_pue_on_synthetic_weather_is_that_on_the_real_file(
    catalog: Catalog, shape: weather.WeatherShape, name: str, kind: str
) -> None:
    (dry, dew, pressure, _, _), own = _read_epw(name)
    year = weather.synthetic_year(_normals(catalog, name, own), shape, np.random.default_rng(1))
    drawn = Outdoors.from_dew_point(year.hourly_dry_bulb_degc, year.hourly_dew_point_degc, year.pressure_pa)
    plant, chain = inputs.base_parameters(catalog)
    real = hourly_overhead(kind, Outdoors.from_dew_point(dry, dew, pressure), plant, chain, 0.8)
    synthetic = hourly_overhead(kind, drawn, plant, chain, 0.8)
    assert abs(synthetic.hourly_pue.mean() - real.hourly_pue.mean()) < 0.02
    assert abs(synthetic.hourly_wue_l_per_kwh.mean() - real.hourly_wue_l_per_kwh.mean()) < 0.15


@given(
    st.lists(st.floats(-15, 30), min_size=12, max_size=12),
    st.floats(3, 14),
    st.floats(0.5, 7),
    st.floats(1, 12),
    st.floats(-60, 60),
    st.integers(0, 2**31),
)
@settings(max_examples=25, deadline=None)
def test_monthly_means_are_met_whatever_the_normals(
    means: list[float], swing: float, spread: float, depression: float, lat: float, seed: int
) -> None:
    shape = inputs.weather_shape(load_catalog())
    dry = np.array(means)
    normals = weather.Normals(
        dry,
        dry + 0.52 * swing,
        dry - 0.48 * swing,
        np.full(12, spread),
        dry - depression,
        np.full(12, 4.0),
        np.full(12, 2.0),
        lat,
        -97.0,
        98_000.0,
    )
    year = weather.synthetic_year(normals, shape, np.random.default_rng(seed))
    np.testing.assert_allclose(weather.monthly_mean(year.hourly_dry_bulb_degc), dry, atol=1e-9)
    np.testing.assert_allclose(weather.monthly_mean(year.hourly_wind_speed_m_per_s), 4.0, rtol=1e-9)
    np.testing.assert_allclose(weather.monthly_mean(year.hourly_ghi_w_per_m2) * 0.024, 2.0, rtol=1e-9)
    assert np.all(year.hourly_dew_point_degc <= year.hourly_dry_bulb_degc + 1e-9)
    assert np.all(year.hourly_wet_bulb_degc <= year.hourly_dry_bulb_degc + 1e-9)
    assert year.hourly_ghi_w_per_m2.min() >= 0 and year.hourly_wind_speed_m_per_s.min() >= 0


def test_daily_extremes_and_spread_meet_their_normals(catalog: Catalog, shape: weather.WeatherShape) -> None:
    normals, _ = inputs.site_normals(catalog, "abilene_tx")
    year = weather.synthetic_year(normals, shape, np.random.default_rng(4))
    days = year.hourly_dry_bulb_degc.reshape(365, 24)
    np.testing.assert_allclose(weather.monthly_mean(days.max(axis=1)), normals.dry_bulb_daily_max_degc, atol=0.8)
    np.testing.assert_allclose(weather.monthly_mean(days.min(axis=1)), normals.dry_bulb_daily_min_degc, atol=0.8)
    daily = days.mean(axis=1)
    spread = np.sqrt(weather.monthly_mean(daily**2) - weather.monthly_mean(daily) ** 2)
    np.testing.assert_allclose(spread, normals.dry_bulb_daily_mean_std_k, rtol=0.1)
    np.testing.assert_allclose(weather.monthly_mean(year.hourly_dew_point_degc), normals.dew_point_mean_degc, atol=0.05)


def test_the_same_seed_gives_the_same_year_and_it_is_quick(catalog: Catalog, shape: weather.WeatherShape) -> None:
    normals, _ = inputs.site_normals(catalog, "abilene_tx")
    start = time.perf_counter()
    first = weather.synthetic_year(normals, shape, np.random.default_rng(7))
    span = time.perf_counter() - start
    again = weather.synthetic_year(normals, shape, np.random.default_rng(7))
    other = weather.synthetic_year(normals, shape, np.random.default_rng(8))
    np.testing.assert_array_equal(first.hourly_dry_bulb_degc, again.hourly_dry_bulb_degc)
    assert np.abs(first.hourly_dry_bulb_degc - other.hourly_dry_bulb_degc).max() > 1.0
    assert span < 0.15  # 3 ms on a quiet machine


def test_clear_sky_is_highest_near_solar_noon_of_the_summer_solstice() -> None:
    sky = weather.clear_sky_w_per_m2(32.45, -99.73)
    day, hour = np.unravel_index(sky.argmax(), sky.shape)
    assert 150 < day < 195
    assert hour in (11, 12, 13)
    assert 950 < sky.max() < 1100
    assert sky[:, 0].max() == 0.0


def test_a_gap_is_named(catalog: Catalog) -> None:
    with pytest.raises(ValueError, match="no monthly weather normals for site 'atlantis'"):
        inputs.site_normals(catalog, "atlantis")
    normals, _ = inputs.site_normals(catalog, "abilene_tx")
    with pytest.raises(ValueError, match="dew_point_mean_degc"):
        weather.synthetic_year(
            replace(normals, dew_point_mean_degc=np.full(12, np.nan)),
            inputs.weather_shape(catalog),
            np.random.default_rng(0),
        )


def test_blank_columns_are_filled_and_said(catalog: Catalog) -> None:
    normals, notes = inputs.site_normals(catalog, "osaka")
    assert np.all(np.isfinite(normals.dew_point_mean_degc))
    assert len(notes) == 1 and notes[0].startswith("assumed:") and "ghi_kwh_per_m2_day" in notes[0]
