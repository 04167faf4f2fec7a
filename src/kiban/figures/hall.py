"""Pictures of one hall's year: PUE and water by day and hour, duration, months with their parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiban.figures.climate import MONTH_DAYS, MONTHS
from kiban.figures.colors import BLUE, GREEN, ORANGE, PINK, SKY
from kiban.figures.figure import Basis, Figure, Frame, bar, cartesian, figure, line, value_axis

Array = NDArray[np.float64]

_COLORS = ["#fff7c2", "#7fcdbb", "#1d91c0", "#253494"]
_POINTS = 201


def hall_figures(
    hourly_pue: Array,
    hourly_wue_l_per_kwh: Array,
    hourly_facility_mw: Array,
    monthly_parts: Mapping[str, Sequence[float]],
    monthly_wue_l_per_kwh: Sequence[float],
    basis: Basis,
) -> list[Figure]:
    """Draw a hall's year.

    Arguments: hourly PUE, WUE and facility power (8760,), monthly parts of PUE above 1 by name (12 each), monthly WUE,
    basis. Result: heat map of PUE by day and hour, heat map of water where there is any, duration curve, months.
    """
    frame = Frame("pue_days", "hall", "Power overhead, every hour of the year",
                  "PUE: facility power over IT power, by day and hour", ("facility",), height=300)  # fmt: skip
    found = [_days(frame, basis, hourly_pue, "PUE")]
    if float(hourly_wue_l_per_kwh.max()) > 0.0:
        frame = Frame("wue_days", "hall", "Water, every hour of the year", "L per kWh of IT, by day and hour",
                      ("facility",), height=300)  # fmt: skip
        found.append(_days(frame, basis, hourly_wue_l_per_kwh, "L per kWh"))
    return [
        *found,
        _duration(basis, hourly_pue, hourly_facility_mw),
        _months(basis, monthly_parts),
        _water(basis, monthly_wue_l_per_kwh),
    ]


def _days(frame: Frame, basis: Basis, values: Array, cell: str) -> Figure:
    days = [f"{month} {day + 1}" for month, length in zip(MONTHS, MONTH_DAYS, strict=True) for day in range(length)]
    by_day = np.round(values.reshape(365, 24), 4)
    low, high = float(by_day.min()), float(by_day.max())
    high = max(high, low + 0.01)
    option = {
        "grid": {"left": 8, "right": 8, "top": 8, "bottom": 48, "containLabel": True},
        "tooltip": {"trigger": "item"},
        "xAxis": {"type": "category", "data": days, "splitLine": {"show": False},
                  "axisTick": {"show": False}, "axisLabel": {"interval": 30, "kiban": "month"}},
        "yAxis": {"type": "category", "data": [f"{h:02d}" for h in range(24)], "splitLine": {"show": False},
                  "axisLabel": {"interval": 5}},
        "visualMap": {
            "min": low, "max": high, "orient": "horizontal", "left": "center", "bottom": 0, "precision": 3,
            "itemHeight": 120, "itemWidth": 12, "calculable": False, "text": [f"{high:.3f}", f"{low:.3f}"],
            "inRange": {"color": _COLORS},
        },
        "series": [{
            "type": "heatmap", "name": frame.title, "kiban_cell": cell, "progressive": 0,
            "data": [[d, h, float(by_day[d, h])] for d in range(365) for h in range(24)],
        }],
    }  # fmt: skip
    return figure(frame, basis, option, form="plain3")


def _duration(basis: Basis, pue: Array, facility_mw: Array) -> Figure:
    place = np.linspace(0, len(pue) - 1, _POINTS).round().astype(int)
    share = 100.0 * place / (len(pue) - 1)
    ordered = np.sort(pue)[::-1][place]
    frame = Frame("pue_duration", "hall", "How often power overhead is high",
                  "PUE over the share of the year (%) in which it is exceeded", ("facility",), half=True,
                  note=f"Facility power runs from {facility_mw.min():.1f} to {facility_mw.max():.1f} MW.")  # fmt: skip
    x = {"type": "value", "min": 0, "max": 100}
    y = value_axis(scale=True)
    points = np.stack([share, ordered], axis=1)
    return figure(frame, basis, cartesian(x, y, [line("PUE", points, BLUE)]), form="plain3", form_x="plain")


def _months(basis: Basis, parts: Mapping[str, Sequence[float]]) -> Figure:
    frame = Frame("pue_parts", "hall", "What the overhead is made of", "power over IT power, monthly means",
                  ("facility",), half=True)  # fmt: skip
    colors = (SKY, GREEN, BLUE, ORANGE, PINK)
    legend = [(name, color) for name, color in zip(parts, colors, strict=False)]
    series = [bar(name, parts[name], color, stack="all") for name, color in legend]
    x = {"type": "category", "data": list(MONTHS)}
    return figure(frame, basis, cartesian(x, value_axis(), series), legend, form="plain3")


def _water(basis: Basis, wue: Sequence[float]) -> Figure:
    frame = Frame("wue_months", "hall", "Water by month", "L per kWh of IT", ("facility",), half=True)
    x: dict[str, Any] = {"type": "category", "data": list(MONTHS)}
    return figure(frame, basis, cartesian(x, value_axis(), [bar("water", list(wue), BLUE)]), form="plain3")
