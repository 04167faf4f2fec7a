"""Hourly shapes: means kept, bounds kept, spikes exist, weeks stand for the year."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.energy import profiles
from kiban.energy.price_year import Memory, price_year
from kiban.energy.weeks import typical_weeks, whole_year


def _table(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(15.0, 60.0, (12, 24))


def test_calendar_is_a_non_leap_year() -> None:
    assert profiles.HOURLY_MONTH.size == 8760
    assert profiles.HOURLY_MONTH[31 * 24] == 1
    assert profiles.HOURLY_MONTH[-1] == 11
    assert profiles.HOURLY_CLOCK[25] == 1


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), top=st.floats(0.2, 0.9))
def test_weather_following_keeps_every_cell_mean(seed: int, top: float) -> None:
    random = np.random.default_rng(seed)
    speed = random.weibull(2.0, 8760) * 5
    target = random.uniform(0.05, top, (12, 24))
    output = profiles.follow_weather(speed, target, profiles.wind_curve(0.26))
    assert output.min() >= 0 and output.max() <= 1
    assert np.allclose(profiles.cell_means(output), target, atol=1e-5)


def test_output_rises_with_the_wind_inside_a_cell() -> None:
    speed = np.random.default_rng(2).weibull(2.0, 8760) * 5
    output = profiles.follow_weather(speed, np.full((12, 24), 0.4), profiles.wind_curve(0.26))
    cell = (profiles.HOURLY_MONTH == 3) & (profiles.HOURLY_CLOCK == 14)
    order = np.argsort(speed[cell])
    assert np.all(np.diff(output[cell][order]) >= -1e-12)


def test_dark_hours_with_a_target_take_the_target() -> None:
    target = np.full((12, 24), 0.1)
    assert np.allclose(profiles.follow_weather(np.zeros(8760), target, profiles.solar_curve), 0.1)


def test_solar_is_zero_at_night() -> None:
    ghi = np.where((profiles.HOURLY_CLOCK > 6) & (profiles.HOURLY_CLOCK < 18), 500.0, 0.0)
    target = profiles.cell_means(ghi) / 1000
    output = profiles.follow_weather(ghi, target, profiles.solar_curve)
    assert output[ghi == 0].max() == 0.0
    assert output[ghi > 0] == pytest.approx(0.5)


def test_weeks_stand_for_the_year() -> None:
    random = np.random.default_rng(5)
    price = price_year(_table(), np.full(12, 5.0), np.full(12, 0.6), Memory(0.9, 0.4, 120.0), random)
    wind = random.beta(1.2, 2.0, 8760)
    weeks = typical_weeks([price, wind])
    assert weeks.count == 12 * 168
    assert weeks.step_weight.sum() == pytest.approx(8760)
    for series, most in ((price, np.inf), (wind, 1.0)):
        steps = weeks.take(series, most)
        assert steps.max() <= most
        assert weeks.step_weight @ steps == pytest.approx(series.sum(), rel=0.01)
        assert weeks.spread(steps).sum() == pytest.approx(series.sum(), rel=0.01)
    # Storage returns inside each week: the step before a week's first is its last.
    assert weeks.step_previous[0] == 167
    assert weeks.step_previous[168] == 335
    assert sorted(weeks.step_previous) == list(range(weeks.count))


def test_whole_year_is_itself() -> None:
    series = np.arange(8760.0) + 1
    year = whole_year()
    assert np.allclose(year.take(series), series)
    assert np.array_equal(year.spread(series), series)


def test_no_hour_of_sun_is_above_the_midday_of_its_day() -> None:
    """A sunset that moves through the month leaves an hour with sun on the first days only."""
    sun = np.maximum(0.0, np.sin((profiles.HOURLY_CLOCK - 5.5) * np.pi / 13)) * 900
    day_of_month = np.repeat(np.concatenate([np.arange(n) for n in profiles.MONTH_DAYS]), 24)
    sun = np.where(profiles.HOURLY_CLOCK == 18, sun * np.maximum(0.0, 1 - day_of_month / 20), sun)
    sun = sun * np.repeat(np.random.default_rng(3).uniform(0.4, 1.0, 365), 24)
    target = np.zeros((12, 24))
    target[:, 6:19] = [0.1, 0.3, 0.5, 0.6, 0.65, 0.65, 0.65, 0.65, 0.6, 0.55, 0.5, 0.35, 0.26]
    output = profiles.follow_sun(sun, target)
    day = output.reshape(365, 24)
    assert np.allclose(profiles.cell_means(output), target, atol=1e-5)
    assert (day.max(axis=1) <= day[:, 9:15].max(axis=1) + 1e-9).mean() > 0.95
    free = profiles.follow_weather(sun, target, profiles.solar_curve).reshape(365, 24)
    assert (free[:, 18] > free[:, 9:15].max(axis=1)).sum() > 20
