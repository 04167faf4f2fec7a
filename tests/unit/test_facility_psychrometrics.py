"""Moist air: published points, inverses, limits."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiban.facility import psychrometrics as air


@pytest.mark.parametrize(
    ("temperature_degc", "pressure_pa"),
    [(-20.0, 103.24), (0.01, 611.66), (20.0, 2338.8), (40.0, 7383.7)],
)
def test_saturation_pressure_meets_the_steam_table(temperature_degc: float, pressure_pa: float) -> None:
    # Arrange, act, assert: ASHRAE Fundamentals chapter 1, table 3 (thermodynamic properties of water at saturation).
    assert float(air.saturation_pressure_pa(temperature_degc)) == pytest.approx(pressure_pa, rel=1.5e-3)


def test_wet_bulb_of_a_handbook_example() -> None:
    # ASHRAE Fundamentals chapter 1, example 1: 40 degC dry bulb, 20 degC wet bulb, 101.325 kPa -> W = 6.5 g/kg.
    wet = air.wet_bulb_degc(40.0, 0.0065, 101325.0)
    assert float(wet) == pytest.approx(20.0, abs=0.1)


@given(st.floats(-30, 45), st.floats(0.02, 1.0), st.floats(75_000, 104_000))
def test_dew_point_inverts_and_wet_bulb_lies_between(dry: float, humidity: float, pressure: float) -> None:
    vapour = humidity * air.saturation_pressure_pa(dry)
    dew = float(air.dew_point_degc(vapour))
    wet = float(air.wet_bulb_degc(dry, air.humidity_ratio(vapour, pressure), pressure))
    assert float(air.saturation_pressure_pa(dew)) == pytest.approx(float(vapour), rel=1e-6)
    assert dew - 0.06 <= wet <= dry + 1e-9  # 0.06 K: ice and liquid branches part at freezing


@given(st.floats(-15, 45), st.floats(0.05, 0.9))
def test_wet_bulb_solves_the_psychrometer_equation(dry: float, humidity: float) -> None:
    pressure = 95_000.0
    ratio = float(air.humidity_ratio(humidity * air.saturation_pressure_pa(dry), pressure))
    wet = float(air.wet_bulb_degc(dry, ratio, pressure))
    heat, slope, water = (2501.0, 2.326, 4.186) if wet > 0 else (2830.0, 0.24, 2.1)
    saturated = float(air.humidity_ratio_of_dew_point(wet, pressure))
    back = ((heat - slope * wet) * saturated - 1.006 * (dry - wet)) / (heat + 1.86 * dry - water * wet)
    if abs(wet) > 0.02:
        assert back == pytest.approx(ratio, abs=2e-7)


def test_a_year_of_wet_bulb_is_quick() -> None:
    rng = np.random.default_rng(0)
    dry = rng.uniform(-10, 35, 8760)
    ratio = air.humidity_ratio_of_dew_point(dry - rng.uniform(0, 15, 8760), 1e5)
    air.wet_bulb_degc(dry, ratio, 1e5)
    spans = []
    for _ in range(5):
        start = time.perf_counter()
        air.wet_bulb_degc(dry, ratio, 1e5)
        spans.append(time.perf_counter() - start)
    assert min(spans) < 0.02  # 2 ms on a quiet machine; the bound leaves room for a busy one


def test_standard_atmosphere() -> None:
    assert air.standard_pressure_pa(0.0) == pytest.approx(101325.0)
    assert air.standard_pressure_pa(1500.0) == pytest.approx(84556, rel=1e-3)  # ASHRAE chapter 1, table 1
