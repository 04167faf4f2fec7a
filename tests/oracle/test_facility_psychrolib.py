"""PsychroLib judges the vectorised psychrometrics."""

from __future__ import annotations

import numpy as np
import pytest

from kiban.facility import psychrometrics as air

psychrolib = pytest.importorskip("psychrolib")
pytestmark = pytest.mark.oracle


@pytest.fixture(scope="module")
def states() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    psychrolib.SetUnitSystem(psychrolib.SI)
    rng = np.random.default_rng(5)
    return rng.uniform(-30, 48, 1500), rng.uniform(0.03, 1.0, 1500), rng.uniform(70_000, 104_000, 1500)


def test_pressure_ratio_enthalpy_and_density(states: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    dry, humidity, pressure = states
    saturated = np.array([psychrolib.GetSatVapPres(t) for t in dry])
    np.testing.assert_allclose(air.saturation_pressure_pa(dry), saturated, rtol=1e-6)
    ratio = np.array(
        [psychrolib.GetHumRatioFromRelHum(t, h, p) for t, h, p in zip(dry, humidity, pressure, strict=True)]
    )
    mine = air.humidity_ratio(humidity * air.saturation_pressure_pa(dry), pressure)
    np.testing.assert_allclose(mine, ratio, rtol=1e-3, atol=1e-7)
    enthalpy = np.array([psychrolib.GetMoistAirEnthalpy(t, w) for t, w in zip(dry, ratio, strict=True)])
    np.testing.assert_allclose(air.enthalpy_j_per_kg(dry, ratio), enthalpy, rtol=1e-3, atol=20)


def test_dew_point_and_wet_bulb(states: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    dry, humidity, pressure = states
    vapour = humidity * air.saturation_pressure_pa(dry)
    dew = np.array([psychrolib.GetTDewPointFromVapPres(t, v) for t, v in zip(dry, vapour, strict=True)])
    np.testing.assert_allclose(air.dew_point_degc(vapour), dew, atol=0.01)
    ratio = air.humidity_ratio(vapour, pressure)
    wet = np.array([psychrolib.GetTWetBulbFromHumRatio(t, w, p) for t, w, p in zip(dry, ratio, pressure, strict=True)])
    mine = air.wet_bulb_degc(dry, ratio, pressure)
    # Near freezing the equations for a wet and an iced bulb both have a root; either is right there.
    two_roots = (np.abs(wet) < 1.0) & (np.abs(mine) < 1.0)
    assert two_roots.mean() < 0.06
    np.testing.assert_allclose(mine[~two_roots], wet[~two_roots], atol=0.01)
    assert np.abs(mine - wet)[two_roots].max() < 1.0


def test_relative_humidity(states: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    dry, humidity, _ = states
    dew = np.array([psychrolib.GetTDewPointFromRelHum(t, h) for t, h in zip(dry, humidity, strict=True)])
    np.testing.assert_allclose(air.relative_humidity_frac(dry, dew), humidity, rtol=1e-3)
