"""Closed formulas of the energy room against figures from outside and hand-made dispatches."""

from __future__ import annotations

import numpy as np
import pytest

from kiban.energy import model
from kiban.energy.lp import SOURCES, Costs, Dispatch, Series
from kiban.energy.weeks import whole_year


def _costs(demand_usd_per_mw_year: float) -> Costs:
    return Costs(0.0, demand_usd_per_mw_year, 1e3, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.2, False)


def _flat(load_mw: float, price_usd_per_mwh: float) -> Series:
    flat = np.ones(8760)
    return Series(load_mw * flat, price_usd_per_mwh * flat, 0 * flat, 0 * flat, 0 * flat)


def test_annuity_against_textbook_values() -> None:
    # Capital recovery factors printed in engineering economy tables.
    assert model.annuity_frac(0.08, 20) == pytest.approx(0.10185, abs=5e-6)
    assert model.annuity_frac(0.10, 10) == pytest.approx(0.16275, abs=5e-6)
    assert model.annuity_frac(0.0, 25) == pytest.approx(0.04)


def test_reopt_flat_bill() -> None:
    """REopt ``no_techs``: 10,000 kWh flat, 0.10 USD/kWh, 10 USD/kW-month: 1000.0 energy, 136.99 demand in year one."""
    series = _flat(10.0 / 8760, 100.0)
    energy = model.grid_only(series, whole_year(), _costs(0.0)).cost_usd_per_year
    both = model.grid_only(series, whole_year(), _costs(10.0 * 12 * 1000)).cost_usd_per_year
    assert energy == pytest.approx(1000.0, abs=0.005)
    assert both - energy == pytest.approx(136.99, abs=0.005)


def _dispatch(flow: np.ndarray) -> Dispatch:
    k = flow.shape[1]
    zero = np.zeros(k)
    return Dispatch(np.zeros(len(SOURCES)), 0.0, flow, zero, zero, zero, zero, 0.0, 0.0)


def test_clean_scores_of_a_hand_made_day() -> None:
    """Two hours: wind covers the first and sells as much again, the grid (half clean) covers the second."""
    flow = np.zeros((len(SOURCES), 2))
    flow[model.WIND] = [2.0, 0.0]
    flow[model.SOLD] = [-1.0, 0.0]
    flow[model.GRID] = [0.0, 1.0]
    load, weight, dispatch = np.ones(2), np.ones(2), _dispatch(flow)
    assert model.contracted_clean_frac(dispatch, load, weight) == pytest.approx(0.5)
    assert model.round_the_clock_frac(dispatch, load, weight, np.full(2, 0.5)) == pytest.approx(0.75)
    assert model.annual_clean_frac(dispatch, load, weight) == pytest.approx(1.0)
    assert model.balance_residual(dispatch, load) == 0.0


def test_carbon_counts_import_and_own_gas_but_no_contract() -> None:
    flow = np.zeros((len(SOURCES), 2))
    flow[model.WIND] = [1.0, 0.0]
    flow[model.GAS] = [0.0, 1.0]
    load, weight = np.ones(2), np.ones(2)
    got = model.intensity(_dispatch(flow), load, weight, np.full(2, 400.0), 500.0)
    assert got == pytest.approx((400 + 500) / 2)


def test_average_and_marginal_signals_stay_apart() -> None:
    flow = np.zeros((len(SOURCES), 3))
    flow[model.GRID] = 1.0
    load, weight, dispatch = np.ones(3), np.ones(3), _dispatch(flow)
    assert model.intensity(dispatch, load, weight, np.array([100.0, 200.0, 300.0]), 0.0) == pytest.approx(200)
    assert model.intensity(dispatch, load, weight, np.full(3, 600.0), 0.0) == pytest.approx(600)
