"""Cost of smoothing: by hand, against a simulated store, and as properties."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.energy.smoothing import WAYS, Option, Storage, Terms, cheapest, shared, smoothing_options, storage_of
from kiban.energy.swings import Limits, Swing, least_storage

SWING = Swing(100.0, 40.0, 4.0, 0.6, 0.25)
RACK = Storage(20_000.0, 30_000.0, 2e5, 3e5, round_trip_frac=0.9, mw_max_per_mwh=60.0)
BATTERY = Storage(40_000.0, 25_000.0, round_trip_frac=0.8)
TERMS = Terms(50.0, RACK, BATTERY, pue=1.2, ballast_usd_per_mw_year=5_000.0, ballast_usd_per_mw=60_000.0)
CYCLES = 8760 * 3600 / 4


def by_way(swing: Swing, limits: Limits, terms: Terms = TERMS) -> dict[str, Option]:
    return {o.way: o for o in smoothing_options(swing, limits, terms)}


def test_every_way_by_hand() -> None:
    found = by_way(SWING, Limits(60.0))
    assert tuple(found) == WAYS
    rack = found["rack_storage"]
    assert (rack.power_mw, rack.energy_mwh) == (30.0, pytest.approx(0.5))
    lost = 0.1 * 15 / 3600 * CYCLES
    assert rack.usd_per_year == pytest.approx(30 * 20_000 + 0.5 * 30_000 + lost * 50)
    assert rack.capital_usd == pytest.approx(30 * 2e5 + 0.5 * 3e5)
    battery = found["site_battery"]
    assert battery.usd_per_year == pytest.approx(30 * 40_000 + 15 / 3600 * 25_000 + 2 * lost * 50)
    assert np.isnan(battery.capital_usd)
    # A low phase of 1.6 s at 60 MW/s falls by 48 MW and comes back: 60 x 1.6 - 48 x 0.8 MWs are burned.
    burnt = (96 - 48 * 0.8) / 3600 * CYCLES
    assert found["ballast"].usd_per_year == pytest.approx(60 * 5_000 + burnt * 50)
    assert found["floor"].usd_per_year == pytest.approx(1.2 * burnt * 50)
    assert rack.usd_per_it_mwh == pytest.approx(rack.usd_per_year / (76 * 8760))


def test_a_floor_holds_what_it_reaches_and_groups_what_there_are() -> None:
    at_hand = replace(TERMS, floor_max_mw=99.0, groups_max=4, stagger_loss_frac=0.01, work_usd_per_it_mwh=1_000.0)
    steep = by_way(SWING, Limits(60.0, 20.0), at_hand)
    assert steep["floor"].feasible
    assert not by_way(SWING, Limits(60.0, 20.0), replace(at_hand, floor_max_mw=79.0))["floor"].feasible
    # 3 groups swing by 20 MW, but a quarter of a second for 60 MW is 240 MW/s: 4 groups.
    assert (steep["stagger"].groups, bool(steep["stagger"].feasible)) == (4, True)
    assert steep["stagger"].usd_per_year == pytest.approx(0.01 * 76 * 8760 * 1_000)
    assert not by_way(SWING, Limits(50.0, 20.0), at_hand)["stagger"].feasible
    assert not by_way(SWING, Limits(60.0, 20.0), TERMS)["stagger"].feasible


def test_cells_are_bought_to_last_as_long_as_the_calendar() -> None:
    # 3,500 full cycles, depth^-1: each year 7.884 million cycles of 15 MWs pass 32,850 MWh, or 15 years 140.8 MWh each.
    linear = Storage(0.0, 1.0, round_trip_frac=1.0, cycles=3500, life_years=15)
    found = by_way(SWING, Limits(60.0), replace(TERMS, battery=linear))["site_battery"]
    assert found.energy_mwh == pytest.approx(15 / 3600 * CYCLES * 15 / 3500)
    kind = by_way(SWING, Limits(60.0), replace(TERMS, battery=replace(linear, depth_exponent=1.2)))["site_battery"]
    depth = float(kind.cycled_mwh / kind.energy_mwh)
    assert 3500 * depth**-1.2 == pytest.approx(CYCLES * 15)


def test_overnight_cost_becomes_a_yearly_one() -> None:
    found = storage_of(100.0, 200.0, 0.0, 10.0, om_usd_per_kw_year=3.0)
    assert (found.usd_per_mw_year, found.usd_per_mwh_year) == (pytest.approx(13_000.0), pytest.approx(20_000.0))
    assert (found.usd_per_mw, found.usd_per_mwh) == (100_000.0, 200_000.0)


def test_what_meets_the_limits_costs_nothing() -> None:
    found = smoothing_options(SWING, Limits(300.0, 60.0), TERMS)
    assert all(o.feasible and o.usd_per_year == 0 and o.energy_mwh == 0 for o in found)


@settings(max_examples=60)
@given(st.floats(0.1, 0.9), st.floats(0.01, 100.0), st.floats(2.0, 60.0), st.floats(1.1, 5.0))
def test_wider_limits_never_cost_more(duty: float, ramp: float, amplitude: float, wider: float) -> None:
    swing = Swing(100.0, 40.0, 4.0, duty)
    tight, wide = Limits(ramp, amplitude), Limits(ramp * wider, amplitude * wider)
    for way in ("ballast", "floor", "site_battery"):
        assert by_way(swing, wide)[way].usd_per_year <= by_way(swing, tight)[way].usd_per_year * (1 + 1e-9) + 1e-6


def test_many_jobs_at_once_and_the_cheapest_of_each() -> None:
    swing = Swing(np.array([100.0, 100.0]), 40.0, np.array([4.0, 400.0]), 0.6)
    terms = replace(TERMS, rack=replace(RACK, mw_max_per_mwh=np.inf, usd_per_mwh_year=3e6))
    found = smoothing_options(swing, Limits(0.0), terms)
    assert [WAYS[i] for i in cheapest(found)] == ["rack_storage", "site_battery"]
    for i, period in enumerate((4.0, 400.0)):
        alone = smoothing_options(Swing(100.0, 40.0, period, 0.6), Limits(0.0), terms)
        assert [float(o.usd_per_year[i]) for o in found[1:]] == pytest.approx(
            [float(o.usd_per_year) for o in alone[1:]]
        )
    nothing = replace(found[0], feasible=np.zeros(2, dtype=bool))
    assert cheapest((nothing,)).tolist() == [-1, -1]


def test_jobs_that_keep_their_share_keep_the_connection() -> None:
    # Two jobs of unlike periods: each smoothed inside its share, the sum of their draws is inside the limits.
    swing = Swing(np.array([100.0, 50.0]), np.array([40.0, 20.0]), np.array([4.0, 6.0]), np.array([0.5, 0.5]))
    own = shared(swing, Limits(30.0, 45.0))
    assert own.ramp_mw_per_s.sum() == pytest.approx(30.0)
    assert own.amplitude_mw.tolist() == pytest.approx([30.0, 15.0])
    assert np.isinf(shared(swing, Limits(30.0)).amplitude_mw).all()


def test_a_floor_on_a_gigawatt_costs_tens_of_millions_a_year() -> None:
    # Outside figure: at gigawatt scale the yearly energy of dummy work against swings sums up to tens of millions of
    # dollars (SemiAnalysis, AI Training Load Fluctuations at Gigawatt-scale, 2025). A gigawatt of GB300 as the time
    # model has it: 80 % drawn on average, steps of 1.66 s with a pause of 15 %, a published swing of 37.5 %.
    campus = Swing(803.0 + 0.1525 * 375, 803.0 + 0.1525 * 375 - 375, 1.66, 1 - 0.1525, 0.117)
    found = by_way(campus, Limits(10 / 60), replace(TERMS, pue=1.15))
    assert 10e6 <= found["floor"].usd_per_year <= 100e6
    assert found["floor"].usd_per_year == pytest.approx(375 * 0.1525 * 8760 * 1.15 * 50, rel=1e-3)


def test_the_least_store_carries_a_simulated_load() -> None:
    # Time domain: a draw held flat by a store of the size found must bring it back to where it began, never empty.
    steps, period = 4000, 4.0
    load = np.where((np.arange(steps) + 0.5) / steps < 0.6, 100.0, 40.0)
    content = np.cumsum(76.0 - load) * period / steps
    found = by_way(SWING, Limits(0.0))["rack_storage"]
    assert np.ptp(content) == pytest.approx(float(found.cycled_mwh) * 3600, rel=1e-3)
    assert abs(content[-1]) < 1e-6
    assert least_storage(load[::10], period / 400, 0.0)[1] == pytest.approx(float(found.cycled_mwh), rel=1e-3)
