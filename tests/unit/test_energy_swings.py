"""Swings of training: closed forms against a programme, staggering against a sum of waves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiban.energy.swings import (
    StorageCost,
    Swing,
    least_storage,
    ramp_storage,
    smoothing_options,
    staggered,
    stop_storage,
)

SWING = Swing(100.0, 40.0, 4.0, 0.6)


@given(st.integers(1, 12), st.floats(0.05, 0.95))
def test_staggering_is_the_sum_of_shifted_waves(groups: int, duty: float) -> None:
    swing = Swing(100.0, 40.0, 12.0, duty)
    t = (np.arange(6000) + 0.5) / 6000
    total = sum(np.where((t + k / groups) % 1 < duty, 60.0, 0.0) / groups for k in range(groups)) + 40.0
    site = staggered(swing, groups)
    assert site.amplitude_mw == pytest.approx(float(np.ptp(total)), abs=60.0 / groups if groups * duty % 1 < 0.01
                                              or groups * duty % 1 > 0.99 else 1e-9)  # fmt: skip
    mean = site.low_mw + site.amplitude_mw * site.duty_frac
    assert mean == pytest.approx(40 + 60 * duty)


def test_the_closed_form_is_what_the_programme_finds() -> None:
    power, energy = ramp_storage(SWING, 60.0)
    load = np.where((np.arange(4000) + 0.5) / 4000 < 0.6, 100.0, 40.0)
    _, least = least_storage(load, 4.0 / 4000, 60.0)
    assert (power, energy * 3600) == (30.0, pytest.approx(60**2 / (4 * 60)))
    assert least == pytest.approx(energy, rel=5e-3)


def test_a_flat_draw_needs_the_whole_swing() -> None:
    power, energy = ramp_storage(SWING, 1e-6)
    assert energy * 3600 == pytest.approx(0.6 * 0.4 * 60 * 4, rel=1e-3)
    assert power == pytest.approx(36.0, rel=1e-3)


def test_a_stop_without_warning() -> None:
    assert stop_storage(60.0, 10.0) == (60.0, pytest.approx(180.0 / 3600))


def test_options_are_priced_and_ordered() -> None:
    storage = StorageCost(20_000.0, 30_000.0, 0.9, mw_max_per_mwh=60.0)
    found = smoothing_options(SWING, 60.0, storage, 50.0)
    assert [s.way for s in found] == ["storage", "burning"]
    ours = found[0]
    assert ours.energy_mwh == pytest.approx(0.5)
    cycles = 8760 * 3600 / 4
    lost = 0.1 * 15 / 3600 * cycles
    assert ours.usd_per_year == pytest.approx(30 * 20_000 + 0.5 * 30_000 + lost * 50)
    # A low phase of 1.6 s at 60 MW/s falls by 48 MW and comes back: 60 x 1.6 - 48 x 0.8 MWs are burned.
    assert found[1].lost_mwh_per_year == pytest.approx((96 - 48 * 0.8) / 3600 * cycles)
