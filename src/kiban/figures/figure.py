"""The common form of a figure: an ECharts option with its units, its vintage and what it rests on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Figure = dict[str, Any]
"""Keys: id, section, title, unit, vintage, sourced, assumed, sources, note, height, half,
legend, form, form_x, option, empty."""

_DIGITS = 5


@dataclass(frozen=True)
class Rests:
    """What the rows read by one room rest on."""

    sourced: frozenset[str] = frozenset()
    """Catalogue keys that are measured, published or estimated from a document."""
    assumed: frozenset[str] = frozenset()
    """Keys that are assumed, or overridden by the scenario."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Source id -> title of the documents behind the keys."""


@dataclass(frozen=True)
class Basis:
    """What all figures of one study say about their origin."""

    vintage: str = ""
    """Year of money and start of the horizon, in words."""
    weather: str = "synthetic"
    rooms: Mapping[str, Rests] = field(default_factory=dict)

    def of(self, rooms: Iterable[str]) -> dict[str, Any]:
        """Return vintage, counts of sourced and assumed rows, and the documents behind some rooms."""
        found = [self.rooms[r] for r in rooms if r in self.rooms]
        sources = {i: title for rests in found for i, title in rests.sources.items()}
        return {
            "vintage": self.vintage,
            "sourced": len(frozenset().union(*(r.sourced for r in found))),
            "assumed": len(frozenset().union(*(r.assumed for r in found))),
            "sources": [{"id": i, "title": sources[i]} for i in sorted(sources, key=lambda i: sources[i].casefold())],
        }


@dataclass(frozen=True)
class Frame:
    """The words around one chart; ``rooms`` are those whose rows it rests on."""

    id: str
    section: str
    title: str
    unit: str
    rooms: tuple[str, ...]
    note: str = ""
    height: int = 360
    half: bool = False
    """Takes half of the width of a wide page."""


def figure(
    frame: Frame,
    basis: Basis,
    option: Mapping[str, Any],
    legend: Sequence[tuple[str, str]] = (),
    form: str = "scaled",
    form_x: str = "",
) -> Figure:
    """Put a chart into its frame.

    Args: frame; basis; ECharts option; legend, (name, colour) pairs shown beside the chart; form and form_x, how the
    browser writes values and the values of a numeric x axis: ``scaled``, ``usd``, ``percent`` or ``plain``.
    Result: a dict of plain numbers, texts and lists that JSON can hold.
    """
    return {
        **_words(frame),
        **basis.of(frame.rooms),
        "empty": "",
        "legend": [{"name": name, "color": color, "kind": _kind(option, name)} for name, color in legend],
        "form": form,
        "form_x": form_x or form,
        "option": plain(option),
    }


def _kind(option: Mapping[str, Any], name: str) -> str:
    """How the series of this name is drawn: ``area``, or a ``solid``, ``dashed`` or ``dotted`` line."""
    series = option["series"]
    mine: Mapping[str, Any] = next((s for s in series if s.get("name") == name), {})
    if mine.get("type") != "line" or "areaStyle" in mine:
        return "area"
    return str(mine.get("lineStyle", {}).get("type", "solid"))


def empty_figure(frame: Frame, basis: Basis, sentence: str) -> Figure:
    """Put a sentence into the frame of a chart that has no data."""
    rest: Figure = {"empty": sentence, "legend": [], "form": "plain", "form_x": "plain", "option": None}
    return {**_words(frame), **basis.of(frame.rooms), **rest}


def _words(frame: Frame) -> dict[str, Any]:
    return {
        "id": frame.id,
        "section": frame.section,
        "title": frame.title,
        "unit": frame.unit,
        "note": frame.note,
        "height": frame.height,
        "half": frame.half,
    }


def plain(value: Any) -> Any:
    """Turn arrays and numbers of any kind into lists and finite numbers of five digits; NaN becomes None."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(f"{float(value):.{_DIGITS}g}") if math.isfinite(value) else None
    return value


def words(name: str) -> str:
    """Write an identifier as words."""
    return name.replace("_", " ").replace("/", " / ")


def quarter_axis(quarters: Sequence[str]) -> dict[str, Any]:
    """An x axis of quarters."""
    return {"type": "category", "data": list(quarters), "boundaryGap": False}


def value_axis(name: str = "", **more: Any) -> dict[str, Any]:
    """A y axis of values with its unit above."""
    return {"type": "value", "name": name, "nameGap": 12, "nameTextStyle": {"align": "left"}, **more}


def cartesian(x: Any, y: Any, series: Sequence[Mapping[str, Any]], **more: Any) -> dict[str, Any]:
    """An option with one grid; the legend stands outside."""
    return {
        "grid": {"left": 8, "right": 26, "top": 18, "bottom": 8, "containLabel": True},
        "tooltip": {"trigger": "axis"},
        "legend": {"show": False},
        "xAxis": x,
        "yAxis": y,
        "series": list(series),
        **more,
    }


def area(name: str, values: Any, color: str, stack: str = "all") -> dict[str, Any]:
    """One band of a stacked area."""
    return {
        "name": name, "type": "line", "stack": stack, "data": values, "symbol": "none", "color": color,
        "lineStyle": {"width": 0.8}, "areaStyle": {"opacity": 0.8},
    }  # fmt: skip


def line(name: str, values: Any, color: str, kind: str = "solid", width: float = 2.0, **more: Any) -> dict[str, Any]:
    """One line."""
    return {
        "name": name, "type": "line", "data": values, "symbol": "none", "color": color,
        "lineStyle": {"width": width, "type": kind}, **more,
    }  # fmt: skip


def bar(name: str, values: Any, color: str, stack: str | None = None, **more: Any) -> dict[str, Any]:
    """One set of bars."""
    stacked = {"stack": stack} if stack else {}
    return {"name": name, "type": "bar", "data": values, "color": color, "barMaxWidth": 34, **stacked, **more}
