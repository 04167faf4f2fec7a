"""Pure formulas of the energy room: annuity, grid-only supply, and the measures of a dispatch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.energy.lp import SOURCES, Costs, Dispatch, Series
from kiban.energy.weeks import Periods

Array = NDArray[np.float64]

GRID, WIND, SOLAR, BATTERY, GAS, SOLD, CURTAILED = range(len(SOURCES))


def annuity_frac(rate: float, life_years: float) -> float:
    """Yearly payment per unit of investment.

    Arguments: real discount rate per year; life in years (> 0). Result: fraction per year.
    Equation: r / (1 - (1 + r)^-n), and 1 / n at r = 0. Origin: textbook capital recovery factor.
    """
    return 1 / life_years if rate == 0 else rate / (1 - (1 + rate) ** -life_years)


def grid_only(series: Series, periods: Periods, costs: Costs) -> Dispatch:
    """Supply from the grid alone, in closed form.

    Arguments: series at K steps; steps; costs. Result: the dispatch the programme would give with nothing else open.
    Equation: cost = sum w (price + adder) load + demand charge x max load. Errors: ValueError above the grid limit.
    """
    peak = float(series.load_mw.max())
    if peak > costs.import_limit_mw * (1 + 1e-9):
        raise ValueError(
            f"the load peaks at {peak:.3f} MW per critical IT MW,"
            f" the grid connection carries {costs.import_limit_mw:.3f}"
        )
    flow = np.zeros((len(SOURCES), periods.count))
    flow[GRID] = series.load_mw
    capacity = np.zeros(len(SOURCES))
    capacity[GRID] = peak
    energy = (series.price_usd_per_mwh + costs.grid_adder_usd_per_mwh) * series.load_mw
    return Dispatch(
        capacity_mw=capacity,
        storage_mwh=0.0,
        flow_mw=flow,
        charge_mw=np.zeros(periods.count),
        discharge_mw=np.zeros(periods.count),
        state_mwh=np.zeros(periods.count),
        price_usd_per_mwh=series.price_usd_per_mwh.copy(),
        import_limit_usd_per_mw_year=0.0,
        cost_usd_per_year=float(periods.step_weight @ energy) + costs.demand_usd_per_mw_year * peak,
    )


def import_mw(dispatch: Dispatch, load_mw: Array) -> Array:
    """Power through the grid connection, (K,): load less what battery and gas give on site."""
    return np.asarray(load_mw - dispatch.flow_mw[BATTERY] - dispatch.flow_mw[GAS], dtype=np.float64)


def intensity(
    dispatch: Dispatch, load_mw: Array, weight: Array, signal_kg_co2_per_mwh: Array, gas_kg_co2_per_mwh: float
) -> float:
    """Carbon per MWh of load under one signal of the grid.

    Arguments: dispatch; (K,) load, weights, signal; emission of on-site gas. Result: kgCO2/MWh.
    Equation: sum w (signal x import + gas factor x gas) / sum w load. Origin: GHG Protocol Scope 2 Guidance (2015),
    location-based method, with Scope 1 of own plant. Contracts do not lower it. Never mix signals.
    """
    kg = signal_kg_co2_per_mwh * import_mw(dispatch, load_mw) + gas_kg_co2_per_mwh * dispatch.flow_mw[GAS]
    return float(weight @ kg) / float(weight @ load_mw)


def contracted_clean_frac(dispatch: Dispatch, load_mw: Array, weight: Array) -> float:
    """Share of the load met by contracted clean energy in the hour of use, storage included.

    Equation: sum w (load - purchase - gas) / sum w load; energy bought to charge counts against it in that hour.
    """
    matched = load_mw - dispatch.flow_mw[GRID] - dispatch.flow_mw[GAS]
    return float(weight @ matched) / float(weight @ load_mw)


def round_the_clock_frac(dispatch: Dispatch, load_mw: Array, weight: Array, grid_clean_frac: Array) -> float:
    """24/7 score: contracted clean energy in the hour of use plus the clean share of what the grid then delivers.

    Arguments: dispatch; (K,) load, weights, clean share of the grid. Result: 0..1.
    Equation: contracted share + sum w c min(purchase, load) / sum w load. Origin: Google, 24/7 Carbon-Free Energy:
    Methodologies and Metrics (2021), CFE score.
    """
    from_grid = grid_clean_frac * np.minimum(dispatch.flow_mw[GRID], load_mw)
    score = contracted_clean_frac(dispatch, load_mw, weight) + float(weight @ from_grid) / float(weight @ load_mw)
    return float(np.clip(score, 0.0, 1.0))


def annual_clean_frac(dispatch: Dispatch, load_mw: Array, weight: Array) -> float:
    """Contracted clean energy of a year, used or sold but not curtailed, over the load of the year; may pass 1."""
    made = dispatch.flow_mw[WIND] + dispatch.flow_mw[SOLAR] + dispatch.flow_mw[CURTAILED]
    return float(weight @ made) / float(weight @ load_mw)


def balance_residual(dispatch: Dispatch, load_mw: Array) -> float:
    """Largest hourly imbalance over the largest load."""
    return float(np.abs(dispatch.flow_mw.sum(axis=0) - load_mw).max() / load_mw.max())


def state_residual(dispatch: Dispatch, load_mw: Array, periods: Periods, one_way_frac: float) -> float:
    """Largest break of the battery's balance over one hour of the largest load, return to the start included."""
    change = dispatch.charge_mw * one_way_frac - dispatch.discharge_mw / one_way_frac
    gap = dispatch.state_mwh - dispatch.state_mwh[periods.step_previous] - change
    return float(np.abs(gap).max() / load_mw.max())
