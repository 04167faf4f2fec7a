"""The synthetic year: exact monthly means, and agreement with seven real hourly files."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.catalog import Catalog, load_catalog
from kiban.facility import inputs, weather
from kiban.facility.cooling import KINDS, hourly_overhead
from kiban.facility.plant import Outdoors
from kiban.facility.weather_files import Weather, read_weather

FILES = Path(__file__).parents[3] / "shared" / "data" / "weather"
PLACES = {
    "USA_TX_Dallas-Fort.Worth.Intl.AP.722590_TMY3.epw": "dallas_fort_worth_tx",
    "USA_TX_Houston-Bush.Intercontinental.AP.722430_TMY3.epw": "houston_tx",
    "USA_TX_Amarillo.Intl.AP.723630_TMY3.epw": "amarillo_tx",
    # No stations of the catalogue: their normals come from the file.
    "USA_TX_Dallas-Fort.Worth_TMYx.2007-2021.epw": None,
    "USA_NY_New.York-J.F.Kennedy.Intl.AP.744860_TMY3.epw": None,
    "USA_OH_Cleveland-Hopkins.Intl.AP.725240_TMY3.epw": None,
    "USA_VT_Burlington.Intl.AP.726170_TMY3.epw": None,
}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(scope="module")
def shape(catalog: Catalog) -> weather.WeatherShape:
    return inputs.weather_shape(catalog)


@lru_cache(maxsize=8)
def _file(name: str) -> Weather:
    path = FILES / name
    if not path.exists():
        pytest.skip(f"needs the weather file {name} under ../shared/data/weather")
    return read_weather(path.read_text(errors="replace"), name)


def _own_normals(real: Weather) -> weather.Normals:
    mean, dry = weather.monthly_mean, real.hourly_dry_bulb_degc
    days = dry.reshape(365, 24)
    daily = days.mean(axis=1)
    assert real.hourly_wind_speed_m_per_s is not None and real.hourly_ghi_w_per_m2 is not None
    return weather.Normals(
        mean(dry),
        mean(days.max(axis=1)),
        mean(days.min(axis=1)),
        np.sqrt(mean(daily**2) - mean(daily) ** 2),
        mean(real.hourly_dew_point_degc),
        mean(real.hourly_wind_speed_m_per_s),
        mean(real.hourly_ghi_w_per_m2) * 24 / 1000,
        real.lat_deg,
        real.lon_deg,
        float(real.hourly_pressure_pa.mean()),
    )


def _drawn(catalog: Catalog, name: str, seed: int) -> weather.WeatherYear:
    place = PLACES[name]
    normals = _own_normals(_file(name)) if place is None else inputs.site_normals(catalog, place)[0]
    return weather.synthetic_year(normals, inputs.weather_shape(catalog), np.random.default_rng(seed))


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_synthetic_year_is_like_the_real_file(catalog: Catalog, name: str, seed: int) -> None:
    real, year = _file(name), _drawn(catalog, name, seed)
    dry, wet = real.hourly_dry_bulb_degc, real.outdoors.hourly_wet_bulb_degc
    assert abs(year.hourly_dry_bulb_degc.mean() - dry.mean()) < 0.3
    seasons = np.repeat(np.arange(12) % 12 // 3, weather.MONTH_DAYS * 24)
    for season in range(4):
        assert abs(year.hourly_dry_bulb_degc[seasons == season].mean() - dry[seasons == season].mean()) < 0.5
    assert abs((year.hourly_wet_bulb_degc > 18).sum() - (wet > 18).sum()) < max(0.10 * (wet > 18).sum(), 200)
    assert abs((year.hourly_dry_bulb_degc > 35).sum() - (dry > 35).sum()) < 80
    assert abs(year.hourly_ghi_w_per_m2.sum() / real.hourly_ghi_w_per_m2.sum() - 1) < 0.01
    assert abs(year.hourly_wind_speed_m_per_s.mean() / real.hourly_wind_speed_m_per_s.mean() - 1) < 0.02


@pytest.mark.parametrize("name", PLACES)
def test_annual_pue_and_wue_on_synthetic_weather_are_those_on_the_real_file(catalog: Catalog, name: str) -> None:
    """PUE within 0.01 for every plant; WUE of towers within 2 %, of wetted dry coolers within 10 % or 0.02 L/kWh.

    Outdoor-air plants draw water in few, humid hours, which monthly normals do not fix: within 0.10 L/kWh only.
    """
    year = _drawn(catalog, name, 1)
    drawn = Outdoors.from_dew_point(year.hourly_dry_bulb_degc, year.hourly_dew_point_degc, year.pressure_pa)
    plant, chain = inputs.base_parameters(catalog)
    for kind in KINDS:
        real = hourly_overhead(kind, _file(name).outdoors, plant, chain, 0.8)
        synthetic = hourly_overhead(kind, drawn, plant, chain, 0.8)
        assert abs(synthetic.hourly_pue.mean() - real.hourly_pue.mean()) < 0.01, kind
        water, wanted = synthetic.hourly_wue_l_per_kwh.mean(), real.hourly_wue_l_per_kwh.mean()
        if kind.startswith("air_economizer"):
            assert abs(water - wanted) < 0.10, kind
        elif "dry_cooler" in kind or "immersion" in kind:
            assert abs(water - wanted) < max(0.10 * wanted, 0.02), kind
        else:
            assert abs(water - wanted) <= 0.02 * wanted, kind


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
