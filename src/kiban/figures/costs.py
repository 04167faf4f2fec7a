"""Cost of a useful accelerator-hour and of a million tokens, by rung of the ladder and part."""

from __future__ import annotations

import numpy as np

from kiban.figures.colors import cycle
from kiban.figures.figure import Basis, Figure, Frame, bar, cartesian, empty_figure, figure, value_axis, words
from kiban.results import Finance, Fleet, UnitCost

MOST_BARS = 20
NEAR_QUARTERS = 4
"""Accelerators that are delivered later than this do not stand for a rung."""


def cost_figures(finance: Finance, fleet: Fleet, basis: Basis) -> list[Figure]:
    """Two stacked bars per rung: USD per goodput GPU-hour and USD per million tokens."""
    chosen = best_per_rung(near_units(finance.unit_costs, fleet))
    rooms = ("compute", "facility", "energy", "plan", "finance")
    height = 60 + 30 * max(len(chosen), 3)
    note = (
        "Each rung with the accelerator of the first year that serves a token cheapest there. Annuity convention, at "
        "the utilisation of the scenario; rent of the cloud is not broken into parts that its owner does not publish."
    )
    frames = (
        Frame(
            "cost_goodput", "cost", "What a useful accelerator-hour costs on each rung",
            "USD per goodput GPU-hour (useful hours only), real", rooms, note, height,
        ),
        Frame(
            "cost_mtok", "cost", "What a million tokens cost on each rung",
            "USD per million tokens, prompt and answer in the scenario's mix, real", rooms,
            "The same rungs and accelerators. A faster chip can cost more by the hour and less by the token.", height,
        ),
    )  # fmt: skip
    if not chosen:
        return [empty_figure(f, basis, "No rung has a unit cost in this study.") for f in frames]
    return [
        _bars(frames[0], basis, chosen, [u.usd_per_goodput_gpu_h for u in chosen]),
        _bars(frames[1], basis, chosen, [u.usd_per_mtok for u in chosen]),
    ]


def near_units(unit_costs: tuple[UnitCost, ...], fleet: Fleet) -> tuple[UnitCost, ...]:
    """Unit costs with accelerators that can be had within a year; all of them if there is none."""
    near = {
        name
        for name, quarter in zip(fleet.accelerators, fleet.accelerator_available_quarter, strict=True)
        if quarter <= NEAR_QUARTERS
    }
    return tuple(u for u in unit_costs if u.accelerator in near) or unit_costs


def best_per_rung(unit_costs: tuple[UnitCost, ...]) -> list[UnitCost]:
    """The cheapest accelerator per token of every rung, cheapest rung last; of each kind only the best if too many."""
    best: dict[str, UnitCost] = {}
    for unit in unit_costs:
        if unit.rung not in best or _key(unit) < _key(best[unit.rung]):
            best[unit.rung] = unit
    chosen = sorted(best.values(), key=_key)
    if len(chosen) > MOST_BARS:
        kinds: dict[str, UnitCost] = {}
        for unit in chosen:
            kinds.setdefault(unit.rung.split("/")[-1], unit)
        chosen = list(kinds.values())
    return chosen[::-1]


def _key(unit: UnitCost) -> tuple[float, float]:
    tokens, hours = float(np.sum(unit.usd_per_mtok)), float(np.sum(unit.usd_per_goodput_gpu_h))
    return (tokens if np.isfinite(tokens) and tokens > 0 else np.inf, hours if np.isfinite(hours) else np.inf)


def _bars(frame: Frame, basis: Basis, chosen: list[UnitCost], values: list[np.ndarray]) -> Figure:
    parts = list(dict.fromkeys(p for unit in chosen for p in unit.parts))
    labels = [f"{words(u.rung)}\n{words(u.accelerator)}" for u in chosen]
    series, legend = [], []
    for i, part in enumerate(parts):
        row = [float(v[u.parts.index(part)]) if part in u.parts else 0.0 for u, v in zip(chosen, values, strict=True)]
        if any(row):
            series.append(bar(words(part), row, cycle(i), "cost"))
            legend.append((words(part), cycle(i)))
    totals = [float(np.sum(v)) for v in values]
    series.append(
        {
            "name": "total", "type": "scatter", "data": [[t, i] for i, t in enumerate(totals)], "symbolSize": 1,
            "color": "ink", "label": {"show": True, "position": "right", "kiban": "x"}, "tooltip": {"show": False},
        }
    )  # fmt: skip
    x, y = value_axis(), {"type": "category", "data": labels}
    option = cartesian(x, y, series, tooltip={"trigger": "axis", "axisPointer": {"type": "shadow"}})
    option["grid"] |= {"top": 8, "right": 56}
    return figure(frame, basis, option, legend, "plain_usd")
