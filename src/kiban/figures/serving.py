"""Serving: what a user gets against what an accelerator gives, and the point that was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kiban.figures.colors import BLUE, GREY, ORANGE, RED
from kiban.figures.figure import Basis, Figure, Frame, cartesian, empty_figure, figure, value_axis


@dataclass(frozen=True)
class Tradeoff:
    """Points (tokens per second of a user, of an accelerator) of one kind of serving."""

    name: str
    best: Sequence[tuple[float, float]]
    """The Pareto set, fastest user first."""
    others: Sequence[tuple[float, float]]


def tradeoff_figure(
    kinds: Sequence[Tradeoff], chosen: tuple[float, float], least_user_tok_per_s: float, basis: Basis, note: str
) -> Figure:
    """Draw the Pareto sets, the points behind them, the TPOT limit and the chosen point.

    Args: kinds, at most two; chosen point; 1 / TPOT limit; basis; note. Result: the figure.
    """
    frame = Frame(
        "pareto", "serving", "What a user gets against what an accelerator gives",
        "generated tokens per second and accelerator (up) against generated tokens per second and user (right)",
        ("compute",), note, 440,
    )  # fmt: skip
    if not any(k.best for k in kinds):
        return empty_figure(frame, basis, "No layout meets the limit on the time to first token at any load.")
    series: list[dict[str, Any]] = []
    legend: list[tuple[str, str]] = []
    for kind, color in zip(kinds, (BLUE, ORANGE), strict=False):
        if not kind.best:
            continue
        series.append(_dots(f"{kind.name}, other layouts and loads", kind.others, color, 4, 0.35))
        series.append(
            {
                "name": kind.name, "type": "line", "data": [list(p) for p in kind.best], "color": color,
                "symbol": "circle", "symbolSize": 5, "lineStyle": {"width": 2, "type": "solid"},
            }
        )  # fmt: skip
        legend.append((kind.name, color))
    most = max(p[1] for k in kinds for p in k.best) * 1.05
    limit = [[least_user_tok_per_s, 0.0], [least_user_tok_per_s, most]]
    series.append(
        {"name": "limit on the time per token", "type": "line", "data": limit, "symbol": "none", "color": GREY,
         "lineStyle": {"width": 1.5, "type": "dashed"}}
    )  # fmt: skip
    series.append(_dots("the plan", [chosen], RED, 13, 1.0) | {"z": 5})
    legend += [("limit on the time per token", GREY), ("the plan", RED)]
    option = cartesian({**value_axis(), "min": 0}, value_axis(), series, tooltip={"trigger": "item"})
    return figure(frame, basis, option, legend, "plain")


def _dots(name: str, points: Sequence[tuple[float, float]], color: str, size: int, opacity: float) -> dict[str, Any]:
    return {
        "name": name, "type": "scatter", "data": [list(p) for p in points], "color": color, "symbolSize": size,
        "itemStyle": {"opacity": opacity},
    }  # fmt: skip
