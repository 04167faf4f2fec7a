"""Checkpoint and restart: the exact form against simulation, first order and a published fleet."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiban.compute.goodput import best_interval_s, expected_segment_s, goodput_frac, job_goodput_frac


def simulate(interval_s: float, save_s: float, restart_s: float, rate: float, segments: int) -> float:
    rng = np.random.default_rng(7)
    wall = 0.0
    for _ in range(segments):
        while True:
            failure = rng.exponential(1 / rate)
            if failure >= interval_s + save_s:
                wall += interval_s + save_s
                break
            wall += failure
            while (again := rng.exponential(1 / rate)) < restart_s:
                wall += again
            wall += restart_s
    return interval_s * segments / wall


def test_closed_form_agrees_with_simulation() -> None:
    exact = float(goodput_frac(900.0, 60.0, 400.0, 1 / 3000))
    assert simulate(900.0, 60.0, 400.0, 1 / 3000, 20_000) == pytest.approx(exact, rel=0.01)


@given(st.floats(1.0, 120.0), st.floats(1e-7, 1e-3))
def test_best_interval_is_a_maximum(save_s: float, rate: float) -> None:
    best = best_interval_s(save_s, rate)
    around = goodput_frac(best * np.array([0.9, 1.0, 1.1]), save_s, 300.0, rate)
    assert around[1] >= around[0] - 1e-12
    assert around[1] >= around[2] - 1e-12


def test_best_interval_tends_to_youngs_for_rare_failures() -> None:
    assert best_interval_s(60.0, 1e-7) == pytest.approx(np.sqrt(2 * 60 / 1e-7), rel=0.01)


def test_no_failures_cost_only_the_checkpoint() -> None:
    assert float(expected_segment_s(600.0, 30.0, 100.0, 0.0)) == 630.0
    assert job_goodput_frac(1000, 0.0, 30.0, 100.0) == 1.0


def test_goodput_stays_positive_where_first_order_turns_negative() -> None:
    # At a hundred thousand accelerators and slow recovery the first-order loss sqrt(2 s L) + L R exceeds 1.
    rate = 100_000 * 1.0 / (365.25 * 86400)
    assert np.sqrt(2 * 60 * rate) + rate * 900 > 1
    assert 0 < job_goodput_frac(100_000, 1.0, 60.0, 900.0) < 0.4


def test_published_fleet_of_16384_reached_nine_tenths() -> None:
    # Llama 3 (arXiv:2407.21783), section 3.3.4: 419 unexpected interruptions in 54 days, over 90 % effective time.
    per_year = 419 / 16384 / 54 * 365.25
    assert job_goodput_frac(16384, per_year, 10.0, 600.0) == pytest.approx(0.9, abs=0.03)
