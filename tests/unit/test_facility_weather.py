"""The synthetic year: exact monthly means, and agreement with seven real hourly files."""

from __future__ import annotations

import time
from collections.abc import Iterator
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
from kiban.facility.weather_calendar import MONTH_DAYS, MONTH_OF_DAY, monthly_mean, monthly_std
from kiban.facility.weather_files import Weather, read_weather
from kiban.facility.weather_statistics import DailyStatistics, Normals, WeatherShape, daily_statistics_by_rule
from kiban.facility.weather_sun import clear_sky_w_per_m2
from kiban.facility.weather_years import other_years

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
CALENDAR_YEARS = ("openmeteo_dallas_2023.csv", "openmeteo_nyc_2023.csv")
TOWERS = ("water_chiller", "water_chiller_economizer", "liquid_tower", "hybrid_liquid_air")


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(scope="module")
def shape(catalog: Catalog) -> WeatherShape:
    return inputs.weather_shape(catalog)


@lru_cache(maxsize=8)
def _file(name: str) -> Weather:
    path = FILES / name
    if not path.exists():
        pytest.skip(f"needs the weather file {name} under ../shared/data/weather")
    return read_weather(path.read_text(errors="replace"), name)


def _skew(daily: np.ndarray) -> np.ndarray:
    off = daily - monthly_mean(daily)[MONTH_OF_DAY]
    return np.asarray(monthly_mean(off**3) / monthly_mean(off**2) ** 1.5)


def _statistics(dry: np.ndarray, dew: np.ndarray) -> DailyStatistics:
    t, d = dry.reshape(365, 24).mean(axis=1), dew.reshape(365, 24).mean(axis=1)
    off_t, off_d = (x - monthly_mean(x)[MONTH_OF_DAY] for x in (t, d))
    tie = monthly_mean(off_t * off_d) / np.sqrt(monthly_mean(off_t**2) * monthly_mean(off_d**2))
    return DailyStatistics(monthly_std(d), _skew(d), _skew(t), tie)


def _own_normals(real: Weather) -> Normals:
    dry = real.hourly_dry_bulb_degc
    days = dry.reshape(365, 24)
    wind, ghi = real.hourly_wind_speed_m_per_s, real.hourly_ghi_w_per_m2
    return Normals(
        monthly_mean(dry),
        monthly_mean(days.max(axis=1)),
        monthly_mean(days.min(axis=1)),
        monthly_std(days.mean(axis=1)),
        monthly_mean(real.hourly_dew_point_degc),
        np.full(12, 4.0) if wind is None else monthly_mean(wind),
        np.full(12, 4.0) if ghi is None else monthly_mean(ghi) * 24 / 1000,
        real.lat_deg,
        real.lon_deg,
        float(real.hourly_pressure_pa.mean()),
        _statistics(dry, real.hourly_dew_point_degc),
    )


def _normals(catalog: Catalog, name: str) -> Normals:
    place = PLACES.get(name)
    return _own_normals(_file(name)) if place is None else inputs.site_normals(catalog, place)[0]


def _drawn(catalog: Catalog, normals: Normals, seed: int) -> weather.WeatherYear:
    return weather.synthetic_year(normals, inputs.weather_shape(catalog), np.random.default_rng(seed))


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_synthetic_year_is_like_the_real_file(catalog: Catalog, name: str, seed: int) -> None:
    real, year = _file(name), _drawn(catalog, _normals(catalog, name), seed)
    dry, wet = real.hourly_dry_bulb_degc, real.outdoors.hourly_wet_bulb_degc
    assert abs(year.hourly_dry_bulb_degc.mean() - dry.mean()) < 0.02
    seasons = np.repeat(np.arange(12) % 12 // 3, MONTH_DAYS * 24)
    for season in range(4):
        assert abs(year.hourly_dry_bulb_degc[seasons == season].mean() - dry[seasons == season].mean()) < 0.02
    assert abs((year.hourly_wet_bulb_degc > 18).sum() / (wet > 18).sum() - 1) < 0.05
    assert abs((year.hourly_dry_bulb_degc > 35).sum() - (dry > 35).sum()) < 100
    dew = real.hourly_dew_point_degc
    for month in range(12):
        hours = np.repeat(MONTH_OF_DAY, 24) == month
        assert abs(year.hourly_dew_point_degc[hours].std() - dew[hours].std()) < max(0.15 * dew[hours].std(), 0.5)
    assert abs(year.hourly_ghi_w_per_m2.sum() / real.hourly_ghi_w_per_m2.sum() - 1) < 0.01
    assert abs(year.hourly_wind_speed_m_per_s.mean() / real.hourly_wind_speed_m_per_s.mean() - 1) < 0.02


def _gaps(catalog: Catalog, name: str, normals: Normals, draws: int) -> Iterator[tuple[str, float, float, float]]:
    """Give kind of plant, largest gap of PUE, WUE of the mean draw, WUE on the real file."""
    plant, chain = inputs.base_parameters(catalog)
    years = [_drawn(catalog, normals, seed) for seed in range(1, draws + 1)]
    for kind in KINDS:
        real = hourly_overhead(kind, _file(name).outdoors, plant, chain, 0.8)
        found = [
            hourly_overhead(
                kind, Outdoors.from_dew_point(y.hourly_dry_bulb_degc, y.hourly_dew_point_degc, y.pressure_pa),
                plant, chain, 0.8,
            )
            for y in years
        ]  # fmt: skip
        pue = max(abs(f.hourly_pue.mean() - real.hourly_pue.mean()) for f in found)
        water = float(np.mean([f.hourly_wue_l_per_kwh.mean() for f in found]))
        yield kind, float(pue), water, float(real.hourly_wue_l_per_kwh.mean())


@pytest.mark.parametrize("name", (*PLACES, *CALENDAR_YEARS))
def test_annual_pue_and_wue_on_synthetic_weather_are_those_on_the_real_file(catalog: Catalog, name: str) -> None:
    """PUE within 0.003 in every draw; WUE of the mean of eight draws within 8 %, or 0.008 L/kWh where that is more.

    Towers within 0.5 %. Known: outdoor air at JFK is 9 % low, whose August mixes two kinds of days half and half.
    """
    for kind, pue, water, wanted in _gaps(catalog, name, _normals(catalog, name), 8):
        assert pue < 0.003, kind
        outdoor_air = kind.startswith("air_economizer")
        most = 0.11 if "Kennedy" in name and outdoor_air else 0.005 if kind in TOWERS else 0.08
        assert abs(water - wanted) <= max(most * wanted, 0.0 if kind in TOWERS else 0.008), (kind, water, wanted)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", (*PLACES, *CALENDAR_YEARS))
def test_one_draw_stays_near(catalog: Catalog, name: str, seed: int) -> None:
    """Single draws: outdoor air within 10 % or 0.02 L/kWh, wetted dry coolers within 10 % or 0.005 L/kWh."""
    plant, chain = inputs.base_parameters(catalog)
    y = _drawn(catalog, _normals(catalog, name), seed)
    drawn = Outdoors.from_dew_point(y.hourly_dry_bulb_degc, y.hourly_dew_point_degc, y.pressure_pa)
    for kind in KINDS:
        wanted = hourly_overhead(kind, _file(name).outdoors, plant, chain, 0.8).hourly_wue_l_per_kwh.mean()
        water = hourly_overhead(kind, drawn, plant, chain, 0.8).hourly_wue_l_per_kwh.mean()
        assert abs(water - wanted) <= max(0.10 * wanted, 0.02 if kind.startswith("air_economizer") else 0.005), kind


@pytest.mark.parametrize("name", (*PLACES, *CALENDAR_YEARS))
def test_the_rules_alone_keep_pue_and_the_water_of_towers_and_dry_coolers(catalog: Catalog, name: str) -> None:
    """Without statistics of daily means: PUE within 0.007, towers within 0.7 %, wetted dry coolers within 13 %.

    Outdoor-air plants (up to 60 % or 0.07 L/kWh off) are not promised: means do not say how dew points spread.
    """
    normals = replace(_normals(catalog, name), daily=None)
    for kind, pue, water, wanted in _gaps(catalog, name, normals, 4):
        assert pue < 0.007, kind
        if kind.startswith("air_economizer"):
            assert abs(water - wanted) < 0.08, kind
        else:
            assert abs(water - wanted) <= (0.007 * wanted if kind in TOWERS else max(0.13 * wanted, 0.003)), kind


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
    normals = Normals(
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
    np.testing.assert_allclose(monthly_mean(year.hourly_dry_bulb_degc), dry, atol=1e-9)
    np.testing.assert_allclose(monthly_mean(year.hourly_wind_speed_m_per_s), 4.0, rtol=1e-9)
    np.testing.assert_allclose(monthly_mean(year.hourly_ghi_w_per_m2) * 0.024, 2.0, rtol=1e-9)
    assert np.all(year.hourly_dew_point_degc <= year.hourly_dry_bulb_degc + 1e-9)
    assert np.all(year.hourly_wet_bulb_degc <= year.hourly_dry_bulb_degc + 1e-9)
    assert year.hourly_ghi_w_per_m2.min() >= 0 and year.hourly_wind_speed_m_per_s.min() >= 0


def test_daily_extremes_and_spread_meet_their_normals(catalog: Catalog, shape: WeatherShape) -> None:
    normals, _ = inputs.site_normals(catalog, "abilene_tx")
    year = weather.synthetic_year(normals, shape, np.random.default_rng(4))
    days = year.hourly_dry_bulb_degc.reshape(365, 24)
    np.testing.assert_allclose(monthly_mean(days.max(axis=1)), normals.dry_bulb_daily_max_degc, atol=0.8)
    np.testing.assert_allclose(monthly_mean(days.min(axis=1)), normals.dry_bulb_daily_min_degc, atol=0.8)
    daily = days.mean(axis=1)
    np.testing.assert_allclose(monthly_std(daily), normals.dry_bulb_daily_mean_std_k, rtol=1e-6)
    np.testing.assert_allclose(monthly_mean(year.hourly_dew_point_degc), normals.dew_point_mean_degc, atol=1e-4)


@pytest.mark.parametrize("place", ["abilene_tx", "phoenix_az", "singapore", "cheyenne_wy", "houston_tx", "massena_ny"])
def test_days_have_the_statistics_that_were_asked_for(catalog: Catalog, place: str) -> None:
    normals, _ = inputs.site_normals(catalog, place)
    assert normals.daily is not None
    year = _drawn(catalog, normals, 3)
    got = _statistics(year.hourly_dry_bulb_degc, year.hourly_dew_point_degc)
    np.testing.assert_allclose(got.dew_point_std_k, normals.daily.dew_point_std_k, rtol=0.02)
    # Dew points stop at dry bulb and a month has few days, so skew and tie are met but for a rest.
    assert np.abs(got.dew_point_skew - normals.daily.dew_point_skew).mean() < 0.25
    assert np.abs(got.dry_bulb_skew - normals.daily.dry_bulb_skew).max() < 0.2
    tie = normals.daily.dew_point_dry_bulb_correlation
    assert np.abs(got.dew_point_dry_bulb_correlation - tie).mean() < (0.22 if place == "singapore" else 0.1)


@pytest.mark.parametrize(
    "place", ["singapore", "phoenix_az", "stockholm", "dublin", "massena_ny", "el_paso_tx", "osaka", "harlingen_tx"]
)
def test_air_is_possible_anywhere(catalog: Catalog, place: str) -> None:
    year = _drawn(catalog, inputs.site_normals(catalog, place)[0], 5)
    dry, dew = year.hourly_dry_bulb_degc, year.hourly_dew_point_degc
    assert np.all(dew < dry) and dew.min() > -55 and dew.max() < 31
    assert np.all(year.hourly_wet_bulb_degc <= dry + 1e-9) and np.all(year.hourly_wet_bulb_degc >= dew - 0.1)
    within = dew.reshape(365, 24).std(axis=1)
    assert 0.4 < within.mean() < 3.5  # the dew point moves within the day


def test_rules_follow_the_room_below_the_sea(catalog: Catalog, shape: WeatherShape) -> None:
    normals, _ = inputs.site_normals(catalog, "houston_tx")
    moist = replace(normals, dew_point_mean_degc=np.linspace(0, 24, 12), dry_bulb_mean_degc=np.linspace(6, 30, 12))
    rule = daily_statistics_by_rule(replace(moist, dry_bulb_daily_mean_std_k=np.full(12, 3.0)), shape)
    assert np.all(np.diff(rule.dew_point_std_k) <= 1e-12) and rule.dew_point_std_k[-1] < 0.5 * rule.dew_point_std_k[0]
    assert rule.dew_point_skew[0] == 0.0 and rule.dew_point_skew.min() < -0.7 and np.all(rule.dry_bulb_skew <= 0.0)
    assert np.all(np.diff(rule.dew_point_dry_bulb_correlation) <= 1e-12)


def test_the_same_seed_gives_the_same_year_and_it_is_quick(catalog: Catalog, shape: WeatherShape) -> None:
    normals, _ = inputs.site_normals(catalog, "abilene_tx")
    start = time.perf_counter()
    first = weather.synthetic_year(normals, shape, np.random.default_rng(7))
    span = time.perf_counter() - start
    again = weather.synthetic_year(normals, shape, np.random.default_rng(7))
    other = weather.synthetic_year(normals, shape, np.random.default_rng(8))
    np.testing.assert_array_equal(first.hourly_dry_bulb_degc, again.hourly_dry_bulb_degc)
    assert np.abs(first.hourly_dry_bulb_degc - other.hourly_dry_bulb_degc).max() > 1.0
    assert span < 0.15  # 4 ms on a quiet machine


def test_clear_sky_is_highest_near_solar_noon_of_the_summer_solstice() -> None:
    sky = clear_sky_w_per_m2(32.45, -99.73)
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


def test_other_years_stray_as_their_rows_say(catalog: Catalog) -> None:
    """Means of many drawn years are the normals; spread, correlation and persistence are the rows'."""
    normals, _ = inputs.site_normals(catalog, "new_york_city_ny")
    shape, spread = inputs.weather_shape(catalog), inputs.year_spread(catalog)
    years = other_years(normals, shape, spread, 4000, np.random.default_rng(3))
    warm = np.array([y.dry_bulb_mean_degc - normals.dry_bulb_mean_degc for y in years])
    moist = np.array([y.dew_point_mean_degc - normals.dew_point_mean_degc for y in years])
    daily = normals.daily or daily_statistics_by_rule(normals, shape)
    np.testing.assert_allclose(warm.mean(axis=0), 0.0, atol=0.1)
    dry = spread.dry_bulb_std_frac * normals.dry_bulb_daily_mean_std_k
    np.testing.assert_allclose(warm.std(axis=0), dry, rtol=0.05)
    np.testing.assert_allclose(moist.std(axis=0), spread.dew_point_std_frac * daily.dew_point_std_k, rtol=0.05)
    assert np.corrcoef(warm[:, 6], moist[:, 6])[0, 1] == pytest.approx(spread.correlation, abs=0.04)
    assert np.corrcoef(warm[:, 6], warm[:, 7])[0, 1] == pytest.approx(spread.month_persistence, abs=0.04)


def test_years_of_new_york_stray_as_far_as_measured(catalog: Catalog) -> None:
    """New York 2020-2024: 1.4 K of a month's mean dry bulb, 1.7 K of dew point; the normals are of other years."""
    normals, _ = inputs.site_normals(catalog, "new_york_city_ny")
    spread = inputs.year_spread(catalog)
    daily = normals.daily or daily_statistics_by_rule(normals, inputs.weather_shape(catalog))
    dry = spread.dry_bulb_std_frac * np.sqrt((normals.dry_bulb_daily_mean_std_k**2).mean())
    dew = spread.dew_point_std_frac * np.sqrt((daily.dew_point_std_k**2).mean())
    assert dry == pytest.approx(1.38, rel=0.35) and dew == pytest.approx(1.67, rel=0.35)
