"""Small multiples: one month-by-hour map per site on one scale, four in a row, two on a phone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiban.figures.climate import MONTHS
from kiban.figures.figure import Basis, Figure, Frame, figure
from kiban.units.numbers import significant

Array = NDArray[np.float64]

WIDE, NARROW = 4, 2
"""Maps in a row."""
_MAP, _HEAD, _FOOT, _SCALE = 92, 34, 18, 40
"""Pixels: height of a map, words above, hours below, colour scale at the end."""
_LABEL_FRAC = 0.19
"""Share of a column that the names of the months take."""
_WORDS = {"color": "ink", "fontSize": 12, "fontWeight": "bold"}
_SMALL = {"color": "ink", "fontSize": 10.5, "fontWeight": "normal"}


@dataclass(frozen=True)
class Panel:
    """One map: the mean by month and hour of the day, (12, 24), with its words."""

    title: str
    means: Array
    words: str
    """Below the title; in the unit of the figure."""


def panels_figure(
    frame: Frame, basis: Basis, panels: Sequence[Panel], colors: Sequence[str], most: float | None = None
) -> Figure:
    """Draw maps on one scale; cells above ``most`` take the last colour.

    Args: frame, whose height is set here; basis; maps, at least one; colours from low to high; top of the scale.
    Result: a figure; its option holds the places of the maps for a wide and, under ``kiban_narrow``, a narrow page.
    """
    low = min(float(p.means.min()) for p in panels)
    high = max(float(p.means.max()) for p in panels)
    top = min(high, most) if most is not None else high
    top = top if top > low else low + max(abs(low) * 0.01, 1e-3)
    count = len(panels)
    wide, narrow = _places(panels, WIDE), _places(panels, NARROW)
    option = {
        "grid": wide["grid"],
        "title": wide["title"],
        "kiban_narrow": narrow,
        "tooltip": {"trigger": "item"},
        "xAxis": [_hours(i) for i in range(count)],
        "yAxis": [_months(i) for i in range(count)],
        "dataset": {"source": _columns(panels)},
        "visualMap": [_scale(i, low, top, top < high, colors) for i in range(count)],
        "series": [
            {
                "type": "heatmap", "name": p.title, "xAxisIndex": i, "yAxisIndex": i, "progressive": 0,
                "encode": {"x": "hour", "y": "month", "value": f"p{i}"},
            }
            for i, p in enumerate(panels)
        ],
    }  # fmt: skip
    return {**figure(frame, basis, option, form="plain"), "height": wide["height"]}


def _columns(panels: Sequence[Panel]) -> dict[str, list[float]]:
    """Cells as columns, one per map, because pairs of indices in every cell would treble the page's data."""
    month, hour = np.divmod(np.arange(12 * 24), 24)
    cells = {f"p{i}": [float(f"{v:.3g}") for v in p.means.ravel()] for i, p in enumerate(panels)}
    return {"hour": hour.tolist(), "month": month.tolist(), **cells}


def _scale(i: int, low: float, top: float, cut: bool, colors: Sequence[str]) -> dict[str, Any]:
    """The colours of map i; the first one is drawn for all."""
    end = short(top, top) + (" and more" if cut else "")
    return {
        "show": i == 0, "seriesIndex": i, "dimension": i + 2, "min": low, "max": top, "orient": "horizontal",
        "left": "center", "bottom": 0, "calculable": False, "itemHeight": 140, "itemWidth": 10,
        "text": [end, short(low, top)], "inRange": {"color": list(colors)},
    }  # fmt: skip


def short(value: float, most: float) -> str:
    """A number of a scale that ends at ``most``: three digits, and nothing finer than a thousandth of the end."""
    return "0" if abs(value) < 1e-3 * abs(most) else significant(value)


def _places(panels: Sequence[Panel], columns: int) -> dict[str, Any]:
    """Where the maps and their words stand: shares of the width, pixels of the height."""
    columns = min(columns, max(len(panels), 2))
    row, wide = _HEAD + _MAP + _FOOT, 100 / columns
    grid, title = [], []
    for i, p in enumerate(panels):
        x, y = (i % columns) * wide, (i // columns) * row
        share = wide * _LABEL_FRAC
        grid.append({"left": f"{x + share:.2f}%", "width": f"{wide - share - 1.2:.2f}%", "top": y + _HEAD,
                     "height": _MAP})  # fmt: skip
        title.append({"text": p.title, "subtext": p.words, "left": f"{x:.2f}%", "top": y, "padding": 0,
                      "itemGap": 2, "textStyle": _WORDS, "subtextStyle": _SMALL})  # fmt: skip
    rows = -(-len(panels) // columns)
    return {"grid": grid, "title": title, "height": rows * row + _SCALE}


def _hours(i: int) -> dict[str, Any]:
    return {
        "type": "category", "gridIndex": i, "data": [f"{h:02d}" for h in range(24)], "splitLine": {"show": False},
        "axisTick": {"show": False}, "axisLabel": {"interval": 5, "fontSize": 9.5, "margin": 4},
    }  # fmt: skip


def _months(i: int) -> dict[str, Any]:
    return {
        "type": "category", "gridIndex": i, "data": list(MONTHS), "inverse": True, "splitLine": {"show": False},
        "axisTick": {"show": False}, "axisLabel": {"interval": 2, "fontSize": 9.5, "margin": 4},
    }  # fmt: skip
