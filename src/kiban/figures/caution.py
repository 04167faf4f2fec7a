"""The price of caution: expected value against the value of the bad futures, every plan a dot."""

from __future__ import annotations

from typing import Any

import numpy as np

from kiban.figures.colors import BLUE, INK, PLAN, cycle
from kiban.figures.figure import Basis, Figure, Frame, cartesian, empty_figure, figure, value_axis, words
from kiban.results import Plan, PlanMeasures

MOST_SPANS = 4.0
"""Plans further from the frontier than this many of its widths are left to the figure of all plans."""


def caution_figures(plan: Plan, basis: Basis) -> list[Figure]:
    """All plans by mean and bad futures, and the efficient frontier near the plan."""
    return [_all_plans(plan, basis), _frontier(plan, basis)]


def _frame(key: str, title: str, note: str, m: PlanMeasures | None) -> Frame:
    share = f"{1 - m.cvar_level_frac:.0%}" if m else "10%"
    unit = f"real USD of NPV: mean of the worst {share} of the futures (across), mean of all (up)"
    return Frame(key, "decision", title, unit, ("plan", "demand"), note, 320, True)


def _nothing(plan: Plan) -> str:
    if plan.measures is None:
        return "The scenario asks for no measures of the plan."
    if len(plan.leaf_probability) < 2:
        return "The scenario has one future only, so there is nothing to be cautious about."
    return ""


def _all_plans(plan: Plan, basis: Basis) -> Figure:
    m = plan.measures
    note = "Each dot is a plan: higher is better on average, further right is better in the bad futures."
    frame = _frame("plans_tail", "Every plan on average and in the bad futures", note, m)
    if m is None or _nothing(plan):
        return empty_figure(frame, basis, _nothing(plan))
    dots = plan_dots(plan, m)
    return _drawn(frame, basis, [_dot(name, dot, i, "left") for i, (name, dot) in enumerate(dots.items())])


def _frontier(plan: Plan, basis: Basis) -> Figure:
    m = plan.measures
    note = (
        "Of the plans on the line no other has more of both. The weight of the bad futures in their aim rises from the "
        "upper left to the lower right."
    )
    frame = _frame("frontier", "What caution costs", note, m)
    if m is None or _nothing(plan):
        return empty_figure(frame, basis, _nothing(plan))
    if len(m.frontier) < 2:
        return empty_figure(frame, basis, "The scenario asks for no frontier (plan.frontier_count).")
    points = [[p.cvar_npv_usd, p.expected_npv_usd] for p in m.frontier]
    efficient = {
        "name": "efficient plans", "type": "line", "data": points, "color": INK, "symbol": "circle", "symbolSize": 7,
        "lineStyle": {"width": 1.6, "type": "solid"},
    }  # fmt: skip
    near = {n: d for n, d in plan_dots(plan, m).items() if n == "plan" or _is_near(d, points)}
    return _drawn(frame, basis, [efficient, *(_dot(n, d, i, "bottom") for i, (n, d) in enumerate(near.items()))])


def _drawn(frame: Frame, basis: Basis, series: list[dict[str, Any]]) -> Figure:
    x = {"type": "value", "scale": True}
    option = cartesian(x, value_axis(scale=True), series, tooltip={"trigger": "item"})
    return figure(frame, basis, option, [(s["name"], s["color"]) for s in series], "usd", "usd")


def plan_dots(plan: Plan, m: PlanMeasures) -> dict[str, list[float]]:
    """(mean of the worst futures, mean of all) by plan, the chosen one last so that it is drawn on top."""
    mean = m.strategy_leaf_npv_usd @ plan.leaf_probability
    dots = {n: [float(c), float(v)] for n, c, v in zip(m.strategies, m.strategy_cvar_usd, mean, strict=True)}
    if m.least_regret is not None:
        dots["least_regret"] = [m.least_regret.cvar_npv_usd, m.least_regret.expected_npv_usd]
    return {n: d for n, d in dots.items() if n != "plan"} | {"plan": dots["plan"]}


def _dot(name: str, dot: list[float], i: int, side: str) -> dict[str, Any]:
    chosen = name == "plan"
    shown = "the plan" if chosen else words(name)
    label: dict[str, Any] = {"show": chosen}
    if chosen:
        label |= {"position": side, "align": "left" if side == "bottom" else "right", "formatter": shown}
    return {
        "name": shown, "type": "scatter", "data": [dot], "color": BLUE if chosen else PLAN.get(name, cycle(i + 6)),
        "symbolSize": 16 if chosen else 12, "symbol": "diamond" if chosen else "circle", "label": label,
        "z": 5 if chosen else 3,
    }  # fmt: skip


def _is_near(dot: list[float], points: list[list[float]]) -> bool:
    """Whether a plan can be drawn beside the frontier without pressing it into a point."""
    low, high = np.min(points, axis=0), np.max(points, axis=0)
    room = MOST_SPANS * (high - low)
    return bool(((dot >= low - room) & (dot <= high + room)).all())
