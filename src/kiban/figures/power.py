"""Electricity: mean days, price duration, how clean the hours are, and carbon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiban.figures.climate import MONTHS, month_hour_means
from kiban.figures.colors import BLUE, GREY, INK, ORANGE, SOURCE, cycle
from kiban.figures.figure import (
    Basis,
    Figure,
    Frame,
    area,
    bar,
    cartesian,
    empty_figure,
    figure,
    line,
    value_axis,
    words,
)
from kiban.figures.matching import WRAP, case_words
from kiban.results import Supply, SupplyCase

Array = NDArray[np.float64]

DURATION_POINTS = 201
USUAL_FRAC = 0.97
"""If the dearest hour is far above this quantile of prices, the chart ends at twice the quantile."""
_ROOMS = ("facility", "energy")
_BELOW = ("sold", "curtailed")


def power_figures(supply: Supply, basis: Basis, first: Sequence[str] = ()) -> list[Figure]:
    """Mean days of dispatch at two sites (those of ``first`` if named), price duration, 24/7 score, carbon."""
    chosen = [(name, cases[0]) for name, cases in zip(supply.sites, supply.cases, strict=True) if cases]
    distinct: dict[tuple[float, float], tuple[str, SupplyCase]] = {}
    for name, case in chosen:
        distinct.setdefault((round(case.energy_usd_per_mwh, 4), round(case.average_kg_co2_per_mwh, 3)), (name, case))
    shown = list(distinct.values())
    days = sorted(chosen, key=lambda one: first.index(one[0]) if one[0] in first else len(first))[:2]
    figures = [_days(basis, name, case) for name, case in days]
    return [*(figures or [_no_days(basis)]), _duration(basis, shown), _clean(basis, supply), _carbon(basis, chosen)]


def _days_frame(name: str, weather: str) -> Frame:
    where = f" at {words(name)}" if name else ""
    note = (
        f"Each month shows its mean day, midnight to midnight. Weather: {weather}. Below zero: energy sold back, "
        "curtailed, or stored."
    )
    unit = "MW per MW of critical IT load, mean by month and hour"
    return Frame(f"dispatch_{name}", "power", f"A mean day in each month{where}", unit, _ROOMS, note, 320)


def _no_days(basis: Basis) -> Figure:
    return empty_figure(_days_frame("", basis.weather), basis, "No site is supplied, so there is no dispatch to show.")


def _days(basis: Basis, name: str, case: SupplyCase) -> Figure:
    labels = [f"{month} {hour:02d}:00" for month in MONTHS for hour in range(24)]
    series: list[dict[str, Any]] = []
    legend: list[tuple[str, str]] = []
    for i, source in enumerate(case.sources):
        flow = month_hour_means(case.hourly_flow_mw[i]).ravel()
        color = SOURCE.get(source, cycle(i))
        up, down = np.clip(flow, 0, None), np.clip(flow, None, 0)
        if up.max() > 1e-4:
            series.append(_step(area(words(source), up, color, "up")))
        if down.min() < -1e-4:
            below = words(source) if source in _BELOW else f"{words(source)} charging"
            series.append(_step(area(below, down, color, "down")))
        if max(up.max(), -down.min()) > 1e-4:
            legend.append((words(source), color))
    load = month_hour_means(case.hourly_load_mw).ravel()
    series.append(line("load", load, INK, width=1.2))
    x = {
        "type": "category", "data": labels, "boundaryGap": False, "axisTick": {"interval": 23},
        "axisLabel": {"interval": 23, "kiban": "month"},
    }  # fmt: skip
    option = cartesian(x, value_axis(), series)
    return figure(_days_frame(name, basis.weather), basis, option, [*legend, ("load", INK)], "plain")


def _step(series: dict[str, Any]) -> dict[str, Any]:
    return {**series, "step": "middle", "lineStyle": {"width": 0}}


def _duration(basis: Basis, shown: list[tuple[str, SupplyCase]]) -> Figure:
    frame = Frame(
        "duration", "power", "How often power is dear",
        "USD per MWh of facility load, against the share of hours at or above it", _ROOMS,
        "Value of one more MWh in the hour (dual of the energy balance) under the chosen supply.", 300, True,
    )  # fmt: skip
    if not shown:
        return empty_figure(frame, basis, "No site is supplied, so there is no price to sort.")
    share = np.linspace(0, 1, DURATION_POINTS)
    series, legend = [], []
    for i, (name, case) in enumerate(shown):
        values = np.quantile(case.hourly_price_usd_per_mwh, 1 - share)
        series.append(line(words(name), np.column_stack([share, values]), cycle(i)))
        legend.append((words(name), cycle(i)))
    x = {"type": "value", "min": 0, "max": 1, "kiban": "percent"}
    prices = np.concatenate([case.hourly_price_usd_per_mwh for _, case in shown])
    usual, dearest = float(np.quantile(prices, USUAL_FRAC)), float(prices.max())
    spiky = dearest > 3 * usual > 0
    option = cartesian(x, value_axis(max=float(f"{2 * usual:.1g}") if spiky else None), series)
    drawn = figure(frame, basis, option, legend, "plain", "percent")
    if spiky:
        drawn["note"] += f" The dearest hours leave the frame: up to {dearest:,.0f} USD/MWh."
    return drawn


def _clean(basis: Basis, supply: Supply) -> Figure:
    frame = Frame(
        "energy_clean", "power", "How clean the hours are",
        "share of the load that clean energy meets in the same hour (24/7 score)", _ROOMS,
        "The grid's own clean share counts in the hours in which it is drawn.", 300, True,
    )  # fmt: skip
    names = list(dict.fromkeys(c.name for cases in supply.cases for c in cases))
    if not names:
        return empty_figure(frame, basis, "No site is supplied, so there is nothing to compare.")
    sites = [(s, cases) for s, cases in zip(supply.sites, supply.cases, strict=True) if cases]
    series = []
    for i, name in enumerate(names):
        row = [next((c.clean_frac for c in cases if c.name == name), None) for _, cases in sites]
        series.append(bar(case_words(name), row, GREY if name == "grid" else cycle(i)))
    x = {"type": "category", "data": [words(s) for s, _ in sites], "axisLabel": WRAP}
    legend = [(s["name"], s["color"]) for s in series]
    return figure(frame, basis, cartesian(x, value_axis(), series), legend, "percent")


def _carbon(basis: Basis, chosen: list[tuple[str, SupplyCase]]) -> Figure:
    frame = Frame(
        "energy_carbon", "power", "Carbon of the electricity that is drawn",
        "kgCO2e per MWh of facility load, under the plan's supply", _ROOMS,
        "Location-based average: contracts elsewhere do not change it. Marginal: what one more MWh causes. Two "
        "answers to two questions; they are never added.", 300, True,
    )  # fmt: skip
    if not chosen:
        return empty_figure(frame, basis, "No site is supplied, so no carbon is counted here.")
    series = [
        bar("location-based average", [c.average_kg_co2_per_mwh for _, c in chosen], BLUE),
        bar("marginal", [c.marginal_kg_co2_per_mwh for _, c in chosen], ORANGE),
    ]
    x = {"type": "category", "data": [words(s) for s, _ in chosen], "axisLabel": WRAP}
    legend = [("location-based average", BLUE), ("marginal", ORANGE)]
    return figure(frame, basis, cartesian(x, value_axis(), series), legend, "plain")
