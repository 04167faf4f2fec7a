"""Hourly overhead of the halls: month by hour means, because 8,760 points in 800 pixels mislead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from kiban.figures.figure import Basis, Figure, Frame, empty_figure, figure, words
from kiban.results import Site

Array = NDArray[np.float64]

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_MONTH_OF_HOUR = np.repeat(np.arange(12), np.array(MONTH_DAYS) * 24)
_HOUR_OF_DAY = np.tile(np.arange(24), 365)
MOST_SITES = 4


def month_hour_means(values: Array) -> Array:
    """Mean of (8760,) values by month and hour of the day, (12, 24)."""
    total, count = np.zeros((12, 24)), np.zeros((12, 24))
    np.add.at(total, (_MONTH_OF_HOUR, _HOUR_OF_DAY), values)
    np.add.at(count, (_MONTH_OF_HOUR, _HOUR_OF_DAY), 1.0)
    return total / count


def calendar_of_hours() -> list[tuple[int, int, int]]:
    """(month, day, hour) of the 8760 hours of a common year."""
    first = date(2023, 1, 1)
    days = [first + timedelta(days=d) for d in range(365)]
    return [(d.month, d.day, h) for d in days for h in range(24)]


def climate_figures(site: Site, basis: Basis, first: Sequence[str] = ()) -> list[Figure]:
    """One heat map of PUE per site with its own weather, on one scale; the sites of ``first`` come first."""
    frame = Frame(
        "pue", "places", "Hourly power overhead through the year",
        "PUE: facility MW per IT MW, mean by month and hour", ("facility",), height=270, half=True,
        note=f"Weather: {site.weather_label}. Annual mean and worst hour are in the table of sites.",
    )  # fmt: skip
    if not site.sites:
        return [empty_figure(frame, basis, "The scenario has no site of its own, so there is no hall to cool.")]
    seen: dict[bytes, int] = {}
    for i in sorted(range(len(site.sites)), key=lambda i: site.sites[i] not in first):
        seen.setdefault(np.round(site.hourly_pue[i], 4).tobytes(), i)
    shown = list(seen.values())[:MOST_SITES]
    means = [month_hour_means(site.hourly_pue[i]) for i in shown]
    low, high = min(float(m.min()) for m in means), max(float(m.max()) for m in means)
    return [
        _heat(frame, basis, site.sites[i], m, low, max(high, low + 0.01)) for i, m in zip(shown, means, strict=True)
    ]


def _heat(frame: Frame, basis: Basis, name: str, means: Array, low: float, high: float) -> Figure:
    data = [[h, m, round(float(means[m, h]), 4)] for m in range(12) for h in range(24)]
    option = {
        "grid": {"left": 8, "right": 8, "top": 8, "bottom": 44, "containLabel": True},
        "tooltip": {"trigger": "item"},
        "xAxis": {"type": "category", "data": [f"{h:02d}" for h in range(24)], "splitLine": {"show": False}},
        "yAxis": {"type": "category", "data": list(MONTHS), "inverse": True, "splitLine": {"show": False}},
        "visualMap": {
            "min": low, "max": high, "orient": "horizontal", "left": "center", "bottom": 0, "precision": 3,
            "itemHeight": 120, "itemWidth": 12, "calculable": False, "text": [f"{high:.3f}", f"{low:.3f}"],
            "inRange": {"color": ["#fff7c2", "#7fcdbb", "#1d91c0", "#253494"]},
        },
        "series": [{"type": "heatmap", "name": words(name), "data": data, "progressive": 0}],
    }  # fmt: skip
    drawn = figure(frame, basis, option, form="plain3")
    return {**drawn, "id": f"pue_{name}", "title": f"{frame.title}: {words(name)}"}
