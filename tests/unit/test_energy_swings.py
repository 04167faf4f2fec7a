"""Swings of training: closed forms against a programme, staggering against sums of waves in time and frequency."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.energy.swings import (
    Limits,
    Swing,
    burning_needed,
    groups_needed,
    least_storage,
    staggered,
    stop_storage,
    storage_needed,
)

SWING = Swing(100.0, 40.0, 4.0, 0.6)


def trapezoid(at: np.ndarray, duty: float, edge: float) -> np.ndarray:
    """A wave of height 1 that rises from 0 within ``edge`` and falls from ``duty`` on; all as shares of the period."""
    phase = at % 1.0
    if edge == 0:
        return np.asarray(np.where(phase < duty, 1.0, 0.0))
    return np.asarray(np.clip(phase / edge, 0, 1) - np.clip((phase - duty) / edge, 0, 1))


@given(st.integers(1, 12), st.floats(0.05, 0.95))
def test_staggering_is_the_sum_of_shifted_waves(groups: int, duty: float) -> None:
    swing = Swing(100.0, 40.0, 12.0, duty)
    t = (np.arange(6000) + 0.5) / 6000
    total = sum(np.where((t + k / groups) % 1 < duty, 60.0, 0.0) / groups for k in range(groups)) + 40.0
    site = staggered(swing, groups)
    near = groups * duty % 1 < 0.01 or groups * duty % 1 > 0.99
    assert site.amplitude_mw == pytest.approx(float(np.ptp(total)), abs=60.0 / groups if near else 1e-9)
    mean = site.low_mw + site.amplitude_mw * site.duty_frac
    assert mean == pytest.approx(40 + 60 * duty)


@pytest.mark.parametrize(("groups", "duty"), [(3, 0.5), (4, 0.6), (5, 0.9), (8, 0.3)])
def test_staggering_leaves_every_nth_harmonic_of_the_spectrum(groups: int, duty: float) -> None:
    # Harmonic m of a square wave of height A and duty d has the amplitude 2 A |sin(pi m d)| / (pi m).
    n = 1 << 16
    t = np.arange(n) / n
    total = sum(np.where((t + k / groups) % 1 < duty, 60.0, 0.0) / groups for k in range(groups))
    found = 2 * np.abs(np.fft.rfft(total)[: 3 * groups + 1]) / n
    m = np.arange(1, 3 * groups + 1)
    theory = np.where(m % groups == 0, 2 * 60.0 * np.abs(np.sin(np.pi * m * duty)) / (np.pi * m), 0.0)
    assert found[1:] == pytest.approx(theory, abs=0.02)


@settings(max_examples=60)
@given(st.integers(1, 30), st.floats(0.1, 0.9), st.floats(0.01, 0.1))
def test_the_bound_on_groups_holds_for_every_duty_and_edge(groups: int, duty: float, edge: float) -> None:
    # Time domain: n trapezoids of height A/n; their sum must swing by A/n at most, and change by A/(n e) at most.
    steps = 12_000
    t = np.arange(steps) / steps
    total = sum(trapezoid(t + k / groups, duty, edge) / groups for k in range(groups))
    assert np.ptp(total) <= 1 / groups + 1e-9
    steepest = np.abs(np.diff(np.append(total, total[0]))).max() * steps
    assert steepest <= 1 / (groups * edge) * (1 + 1e-6)
    limits = Limits(ramp_mw_per_s=60.0 / (groups * edge * 12), amplitude_mw=60.0 / groups)
    assert groups_needed(Swing(100.0, 40.0, 12.0, duty, edge * 12), limits) == groups


def test_the_closed_form_is_what_the_programme_finds() -> None:
    power, energy = storage_needed(SWING, Limits(60.0))
    assert (power, energy * 3600) == (30.0, pytest.approx(60**2 / (4 * 60)))
    load = np.where((np.arange(4000) + 0.5) / 4000 < 0.6, 100.0, 40.0)
    _, least = least_storage(load, 4.0 / 4000, 60.0)
    assert least == pytest.approx(float(energy), rel=5e-3)


@settings(deadline=None, max_examples=60)
@given(
    st.floats(0.08, 0.92), st.floats(0.02, 8.0), st.floats(0.05, 1.3), st.sampled_from([0.0, 0.1, 1.0, 10.0, 1000.0])
)  # fmt: skip
def test_both_limits_and_the_worth_of_power_are_what_the_programme_finds(
    duty: float, speed: float, left: float, worth: float
) -> None:
    # Whole steps on both phases; the ramp is given in swings a period, the amplitude in swings.
    n = 300
    high = max(round(duty * n), 1)
    load = np.where(np.arange(n) < high, 100.0, 40.0)
    ramp, amplitude = 60.0 * speed / 12.0, 60.0 * left
    least_mw, least_mwh = least_storage(load, 12.0 / n, ramp, amplitude, worth)
    power, energy = storage_needed(Swing(100.0, 40.0, 12.0, high / n), Limits(ramp, amplitude), worth)
    # The programme's draw may change by a step's ramp at once, which takes half of that off the gap at the step.
    coarse = worth * ramp * 12.0 / n / 2
    ours, least = worth * power + 3600 * energy, worth * least_mw + 3600 * least_mwh
    assert least * (1 - 2e-3) - 0.05 <= ours <= least * (1 + 5e-3) + coarse + 0.05
    if worth == 0:
        assert float(energy) == pytest.approx(least_mwh, rel=2e-3, abs=1e-5)


def test_an_amplitude_limit_alone() -> None:
    # The draw swings by 20 of 60 MW: 0.6 x 0.4 x 4 s x 40 MW, and 0.6 x 40 MW in the low phase.
    power, energy = storage_needed(SWING, Limits(amplitude_mw=20.0))
    assert energy * 3600 == pytest.approx(0.24 * 4 * 40)
    assert power == pytest.approx(24.0)


@pytest.mark.parametrize("limits", [Limits(ramp_mw_per_s=1e-6), Limits(ramp_mw_per_s=0.0), Limits(amplitude_mw=0.0)])
def test_a_flat_draw_needs_the_whole_swing(limits: Limits) -> None:
    power, energy = storage_needed(SWING, limits)
    assert energy * 3600 == pytest.approx(0.6 * 0.4 * 60 * 4, rel=1e-5)
    assert power == pytest.approx(36.0, rel=1e-5)
    burner, floor, burnt = burning_needed(SWING, limits)
    assert (burner, floor) == (pytest.approx(60.0), pytest.approx(100.0, abs=1e-5))
    assert burnt * 3600 == pytest.approx(0.4 * 60 * 4, rel=1e-5)


@given(st.floats(0.05, 0.95), st.floats(0.1, 500.0), st.floats(1.0, 80.0))
def test_burning_is_the_area_between_draw_and_load(duty: float, ramp: float, amplitude: float) -> None:
    swing = Swing(100.0, 40.0, 10.0, duty)
    low_s = 10.0 * (1 - duty)
    t = (np.arange(20_000) + 0.5) / 20_000 * low_s
    draw = np.maximum(100.0 - min(60.0, amplitude), 100.0 - ramp * np.minimum(t, low_s - t))
    draw = np.maximum(draw, 40.0)
    power, floor, burnt = burning_needed(swing, Limits(ramp, amplitude))
    assert burnt * 3600 == pytest.approx(float((draw - 40.0).mean()) * low_s, rel=1e-3, abs=1e-6)
    assert floor == pytest.approx(draw.min(), abs=ramp * low_s / 1e4 + 1e-9)
    assert power == pytest.approx(60.0)


def test_what_meets_the_limits_needs_nothing() -> None:
    soft = Swing(100.0, 40.0, 12.0, 0.5, 3.0)
    limits = Limits(ramp_mw_per_s=20.0, amplitude_mw=60.0)
    assert groups_needed(soft, limits) == 1
    assert storage_needed(soft, limits) == (0.0, 0.0)
    assert burning_needed(soft, limits)[2] == 0.0
    assert storage_needed(Swing(50.0, 50.0, 1.0, 0.5), Limits(0.1, 1.0)) == (0.0, 0.0)


def test_jobs_side_by_side_are_the_same_as_one_by_one() -> None:
    high, duty = np.array([100.0, 200.0, 60.0]), np.array([0.6, 0.9, 0.2])
    together = storage_needed(Swing(high, 40.0, 4.0, duty), Limits(np.array([60.0, 1.0, np.inf]), 30.0))
    for i, limits in enumerate((Limits(60.0, 30.0), Limits(1.0, 30.0), Limits(np.inf, 30.0))):
        alone = storage_needed(Swing(high[i], 40.0, 4.0, duty[i]), limits)
        assert [v[i] for v in together] == pytest.approx([float(v) for v in alone])


def test_a_stop_without_warning() -> None:
    assert stop_storage(60.0, 10.0) == (60.0, pytest.approx(180.0 / 3600))
