"""Pictures of a dispatch: a week and mean days stacked, duration curves, hours of the year, where the energy goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiban.figures.climate import MONTH_DAYS, MONTHS
from kiban.figures.colors import BLUE, GREEN, GREY, INK, ORANGE, PINK, RED, SAND, SKY, TEAL, cycle
from kiban.figures.figure import Basis, Figure, Frame, area, cartesian, figure, line, value_axis

Array = NDArray[np.float64]

HOURS_PER_DAY, HOURS_PER_WEEK, DAYS = 24, 168, 365
_POINTS = 200
_FIXED = {
    "purchase": GREY, "battery out": GREEN, "gas": RED, "cut": PINK, "not served": INK,
    "battery in": TEAL, "sold": SKY, "curtailed": SAND,
}  # fmt: skip


_SAID = (
    ("wind", BLUE), ("solar", ORANGE), ("sun", ORANGE), ("pv", ORANGE), ("gas", RED), ("turbine", RED), ("engine", RED),
)  # fmt: skip
_NODES = {"site": GREY, "load": INK, "battery loss": TEAL}


@dataclass(frozen=True)
class Dispatched:
    """What pictures need of one answer, for the first 8760 hours."""

    name: str
    load_mw: Array
    made_mw: Mapping[str, Array]
    """(8760,) by name of what serves the load; positive."""
    taken_mw: Mapping[str, Array]
    """(8760,) by name of what takes beside the load: charging, sales, what is thrown away; positive."""
    price_usd_per_mwh: Array
    clean_frac: Array
    """(8760,) clean share of the load in the hour."""


def dispatch_figures(d: Dispatched, basis: Basis) -> list[Figure]:
    """All pictures of one answer."""
    tight = _tightest_week(d)
    return [
        _week(d, basis, tight),
        _mean_days(d, basis),
        _duration(d, basis),
        _heat(
            d, basis, "hours", "Load that is not clean, hour by hour", "MW", d.load_mw * (1 - d.clean_frac), "scaled"
        ),
        _heat(d, basis, "matched", "Clean share of the load, hour by hour", "share", d.clean_frac, "percent"),
        _sankey(d, basis),
    ]


def color_of(name: str, place: int) -> str:
    """Colour of a source: fixed for the usual ones and for names that say what it is, else from the cycle."""
    said = next((color for word, color in _SAID if word in name.lower()), None)
    return _FIXED.get(name) or said or cycle(place + 6)


def _date(day: int) -> str:
    """Month and day of a day of the year, 0 = 1 January."""
    first = np.cumsum([0, *MONTH_DAYS[:-1]])
    month = int(np.searchsorted(first, day, "right")) - 1
    return f"{MONTHS[month]} {day - first[month] + 1}"


def _hours(week: int) -> NDArray[np.int64]:
    return np.arange(week * HOURS_PER_WEEK, (week + 1) * HOURS_PER_WEEK)


def _tightest_week(d: Dispatched) -> int:
    """The week with the highest mean of what another MWh costs."""
    weeks = d.price_usd_per_mwh.size // HOURS_PER_WEEK
    return int(np.argmax(d.price_usd_per_mwh[: weeks * HOURS_PER_WEEK].reshape(weeks, -1).mean(axis=1)))


def _week(d: Dispatched, basis: Basis, week: int) -> Figure:
    title = f"The tightest week (from {_date(week * 7)})"
    frame = Frame(f"week_{d.name}", "energy", title, "MW, stacked; below zero what is charged, sold or thrown away", ())
    at = _hours(week)
    made = {n: v[at] for n, v in d.made_mw.items()}
    taken = {n: -v[at] for n, v in d.taken_mw.items()}
    labels = [f"{_date(int(h) // 24)}, {h % 24:02d}h" for h in at]
    return _drawn_stack(frame, basis, made, taken, d.load_mw[at], labels, "day")


def _drawn_stack(
    frame: Frame,
    basis: Basis,
    made: Mapping[str, Array],
    taken: Mapping[str, Array],
    load: Array,
    labels: Sequence[str],
    shown: str,
) -> Figure:
    """Stacked bands with the load as a line; one label of x per 24 steps, cut to its day or month."""
    series, legend = [], []
    for sign, part in (("made", made), ("taken", taken)):
        for i, (name, values) in enumerate(part.items()):
            if np.abs(values).max() <= 1e-6:
                continue
            color = color_of(name, i)
            series.append({**area(name, np.round(values, 4), color), "stack": sign})
            legend.append((name, color))
    series.append(line("load", np.round(load, 4), INK, width=1.8))
    legend.append(("load", INK))
    axis = {"type": "category", "data": list(labels), "boundaryGap": False,
            "axisLabel": {"interval": HOURS_PER_DAY - 1, "kiban": shown}}  # fmt: skip
    return figure(frame, basis, cartesian(axis, value_axis(), series), legend)


def _mean_days(d: Dispatched, basis: Basis) -> Figure:
    frame = Frame(
        f"days_{d.name}", "energy", "Mean day of each month", "MW, stacked; 24 hours per month", (), half=False
    )
    month = np.repeat(np.arange(12), np.array(MONTH_DAYS) * HOURS_PER_DAY)
    cell = month * HOURS_PER_DAY + np.arange(month.size) % HOURS_PER_DAY
    count = np.bincount(cell)

    def mean(values: Array) -> Array:
        return np.asarray(np.bincount(cell, values) / count, dtype=np.float64)

    labels = [f"{m} {h:02d}h" for m in MONTHS for h in range(HOURS_PER_DAY)]
    made = {n: mean(v) for n, v in d.made_mw.items()}
    taken = {n: -mean(v) for n, v in d.taken_mw.items()}
    return _drawn_stack(frame, basis, made, taken, mean(d.load_mw), labels, "month")


def _duration(d: Dispatched, basis: Basis) -> Figure:
    frame = Frame(
        f"duration_{d.name}", "energy", "Duration curves", "MW exceeded in so many hours of the year", (),
        "Each curve is sorted by itself: hours of different curves do not belong together.", half=False,
    )  # fmt: skip
    at = np.unique(np.linspace(0, d.load_mw.size - 1, _POINTS).astype(np.int64))
    series, legend = [], []
    for i, (name, values) in enumerate({"load": d.load_mw, **d.made_mw}.items()):
        if values.max() <= 1e-6:
            continue
        color = INK if name == "load" else color_of(name, i - 1)
        points = [[int(h), round(float(v), 4)] for h, v in zip(at, np.sort(values)[::-1][at], strict=True)]
        series.append(line(name, points, color))
        legend.append((name, color))
    axis = {"type": "value", "min": 0, "max": d.load_mw.size, "interval": d.load_mw.size / 4, "name": ""}
    return figure(frame, basis, cartesian(axis, value_axis(), series), legend, form_x="plain")


def _heat(d: Dispatched, basis: Basis, key: str, title: str, unit: str, hourly: Array, form: str) -> Figure:
    frame = Frame(
        f"{key}_{d.name}", "energy", title, f"{unit}; days from left to right, hours of the day upwards", (), height=260
    )
    days = hourly[: DAYS * HOURS_PER_DAY].reshape(DAYS, HOURS_PER_DAY)
    low, high = float(days.min()), float(days.max())
    data = [[day, hour, round(float(days[day, hour]), 3)] for day in range(DAYS) for hour in range(HOURS_PER_DAY)]
    labels = [_date(day) for day in range(DAYS)]
    percent = form == "percent"
    shown = [f"{v:.0%}" if percent else f"{v:.3g}" for v in (high, low)]
    option: dict[str, Any] = {
        "grid": {"left": 8, "right": 8, "top": 8, "bottom": 44, "containLabel": True},
        "tooltip": {"trigger": "item"},
        "xAxis": {"type": "category", "data": labels, "splitLine": {"show": False},
                  "axisTick": {"show": False}, "axisLabel": {"interval": 30, "kiban": "month"}},
        "yAxis": {"type": "category", "data": [f"{h:02d}" for h in range(HOURS_PER_DAY)], "splitLine": {"show": False},
                  "axisLabel": {"interval": 5}},
        "visualMap": {
            "min": low, "max": max(high, low + 1e-6), "orient": "horizontal", "left": "center", "bottom": 0,
            "itemHeight": 120, "itemWidth": 12, "calculable": False, "text": shown,
            "inRange": {"color": ["#fff7c2", "#7fcdbb", "#1d91c0", "#253494"] if not percent
                        else ["#7f1d1d", "#d55e00", "#f0e442", "#009e73"]},
        },
        "series": [{"type": "heatmap", "name": unit, "kiban_cell": unit, "data": data, "progressive": 0}],
    }  # fmt: skip
    return figure(frame, basis, option, form=form)


def _sankey(d: Dispatched, basis: Basis) -> Figure:
    frame = Frame(
        f"flows_{d.name}", "energy", "Where the energy comes from and goes", "MWh a year", (),
        "The battery's loss is what it takes less what it gives back." if "battery out" in d.made_mw else "", 380,
    )  # fmt: skip
    made = {n: float(v.sum()) for n, v in d.made_mw.items() if n != "battery out"}
    gone = {n: float(v.sum()) for n, v in d.taken_mw.items() if n != "battery in"}
    stored = float(d.taken_mw.get("battery in", np.zeros(1)).sum())
    given = float(d.made_mw.get("battery out", np.zeros(1)).sum())
    least = 1e-9 * float(d.load_mw.sum())
    links = [{"source": n, "target": "site", "value": v} for n, v in made.items() if v > least]
    links.append({"source": "site", "target": "load", "value": float(d.load_mw.sum())})
    links += [{"source": "site", "target": n, "value": v} for n, v in gone.items() if v > least]
    if stored - given > least:
        links.append({"source": "site", "target": "battery loss", "value": stored - given})
    names = list(dict.fromkeys(n for link in links for n in (str(link["source"]), str(link["target"]))))
    places = {n: i for part in (d.made_mw, d.taken_mw) for i, n in enumerate(part)}
    nodes = [{"name": n, "itemStyle": {"color": _NODES.get(n) or color_of(n, places.get(n, 0))}} for n in names]
    series = {
        "type": "sankey", "data": nodes, "links": links, "left": 4, "right": 120, "top": 8, "bottom": 8,
        "nodeGap": 14, "nodeWidth": 14, "draggable": False, "emphasis": {"focus": "adjacency"},
        "lineStyle": {"color": "gradient", "opacity": 0.35},
        "label": {"fontSize": 11, "width": 110, "overflow": "break"},
    }  # fmt: skip
    return figure(frame, basis, {"tooltip": {"trigger": "item"}, "series": [series]}, form="scaled")
