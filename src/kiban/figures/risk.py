"""Risk: how values are distributed, what moves them, who wins, and what is regretted."""

from __future__ import annotations

import numpy as np

from kiban.figures.colors import BLUE, INK, ORANGE, PLAN, cycle
from kiban.figures.figure import Basis, Figure, Frame, bar, cartesian, empty_figure, figure, line, value_axis, words
from kiban.results import Risk

_ROOMS = ("risk", "demand", "plan")
CURVE_POINTS = 101


def risk_figures(risk: Risk, basis: Basis) -> list[Figure]:
    """Distribution of NPV, two tornados, win shares and regret."""
    return [
        _curves(risk, basis),
        _tornado(risk, basis, "value"),
        _tornado(risk, basis, "lead"),
        _wins(risk, basis),
        _regret(risk, basis),
    ]


def plan_words(name: str) -> str:
    """Name of a plan as the reader sees it."""
    return {"plan_fixed": "the plan, carried out blindly", "plan_responding": "the plan"}.get(name, words(name))


def _curves(risk: Risk, basis: Basis) -> Figure:
    frame = Frame(
        "npv_curves", "risk", "How the value of each plan is distributed",
        "share of futures below; NPV in real USD at the horizon's start", _ROOMS,
        f"{risk.futures_count:,} quasi-random futures. A curve further right is better; a flat foot to the left is the "
        "bad future. Cut at the 1 % and 99 % quantiles.", 340,
    )  # fmt: skip
    if not risk.future_npv_usd.size:
        return empty_figure(frame, basis, "No future was sampled.")
    share = np.linspace(0.01, 0.99, CURVE_POINTS)
    series, legend = [], []
    for i, name in enumerate(risk.plans):
        values = np.quantile(risk.future_npv_usd[i], share)
        kind, width = ("dashed", 1.6) if name == "plan_fixed" else ("solid", 3.0 if name == "plan_responding" else 1.8)
        color = PLAN.get(name, cycle(i))
        series.append(line(plan_words(name), np.column_stack([values, share]), color, kind, width))
        legend.append((plan_words(name), color))
    y = value_axis(min=0, max=1, kiban="percent")
    option = cartesian({"type": "value", "scale": True}, y, series, tooltip={"trigger": "item"})
    return figure(frame, basis, option, legend, "percent", "usd")


def _tornado(risk: Risk, basis: Basis, what: str) -> Figure:
    value = what == "value"
    title = "What moves the value of the plan" if value else "What moves the decision: lead over the next best plan"
    note = (
        "Each driver from its 5 % to its 95 % quantile, the others at their medians."
        if value
        else "Where a bar crosses zero the next best plan becomes better within the range of that driver."
    )
    frame = Frame(f"tornado_{what}", "risk", title, "real USD of expected NPV", _ROOMS, note, half=True)
    if not risk.tornado:
        return empty_figure(frame, basis, "No driver has a range, so nothing moves.")
    ends = {
        t.driver: (t.low_npv_usd, t.high_npv_usd) if value else (t.low_lead_usd, t.high_lead_usd) for t in risk.tornado
    }
    order = sorted(ends, key=lambda d: abs(ends[d][1] - ends[d][0]))
    bands = {d.name: d for d in risk.drivers}
    labels = [_driver_label(bands[d].name, bands[d].p5, bands[d].p95) if d in bands else words(d) for d in order]
    mids = [sum(ends[d]) / 2 for d in order]
    middle = float(np.median(mids)) if value else 0.0
    low = [{"value": [ends[d][0], i]} for i, d in enumerate(order)]
    high = [{"value": [ends[d][1], i]} for i, d in enumerate(order)]
    links = [[{"coord": [ends[d][0], i]}, {"coord": [ends[d][1], i]}] for i, d in enumerate(order)]
    span = {
        "symbol": "none", "silent": True, "data": links,
        "lineStyle": {"type": "solid", "width": 12, "color": "#8a919c", "opacity": 0.45},
    }  # fmt: skip
    series = [
        {
            "name": "driver low (5 %)",
            "type": "scatter",
            "data": low,
            "symbolSize": 12,
            "color": ORANGE,
            "markLine": span,
        },
        {"name": "driver high (95 %)", "type": "scatter", "data": high, "symbolSize": 12, "color": BLUE},
    ]
    if not value:
        series[1]["markLine"] = {
            "symbol": "none", "silent": True, "label": {"show": False}, "data": [{"xAxis": middle}],
            "lineStyle": {"type": "dashed", "color": INK},
        }  # fmt: skip
    y = {"type": "category", "data": labels}
    option = cartesian({"type": "value", "scale": value}, y, series, tooltip={"trigger": "item"})
    option["grid"]["top"] = 8
    legend = [("driver low (5 %)", ORANGE), ("driver high (95 %)", BLUE)]
    drawn = figure(frame, basis, option, legend, "usd")
    return {**drawn, "height": 70 + 36 * len(order)}


def _driver_label(name: str, low: float, high: float) -> str:
    return f"{words(name).replace(' factor', '')}\n{low:.3g} to {high:.3g}"


def _wins(risk: Risk, basis: Basis) -> Figure:
    frame = Frame(
        "wins", "risk", "How often each plan is the best one", "share of sampled futures", _ROOMS,
        "Every plan answers the future as far as its own tree allows. The shares sum to 1.", half=True,
    )  # fmt: skip
    chosen = [i for i, name in enumerate(risk.plans) if name != "plan_fixed"]
    if not chosen:
        return empty_figure(frame, basis, "No plan was compared.")
    return _by_plan(risk, basis, frame, chosen, [float(risk.plan_win_frac[i]) for i in chosen], "percent")


def _regret(risk: Risk, basis: Basis) -> Figure:
    frame = Frame(
        "regret", "risk", "What is regretted in the bad future",
        "real USD: NPV of the best plan in hindsight less NPV of this plan, 95 % quantile", _ROOMS,
        "In one future of twenty the regret is larger than this.", half=True,
    )  # fmt: skip
    if not risk.plans:
        return empty_figure(frame, basis, "No plan was compared.")
    chosen = list(range(len(risk.plans)))
    return _by_plan(risk, basis, frame, chosen, [float(risk.plan_p95_regret_usd[i]) for i in chosen], "usd")


def _by_plan(risk: Risk, basis: Basis, frame: Frame, chosen: list[int], row: list[float], form: str) -> Figure:
    label = {"show": True, "position": "right", "kiban": "value"}
    bars = [
        {"value": v, "itemStyle": {"color": PLAN.get(risk.plans[i], cycle(i))}}
        for i, v in zip(chosen, row, strict=True)
    ]
    y = {"type": "category", "data": [plan_words(risk.plans[i]) for i in chosen][::-1]}
    option = cartesian({"type": "value"}, y, [bar(frame.unit.split(":")[0], bars[::-1], BLUE, label=label)])
    option["grid"] |= {"top": 8, "right": 70}
    drawn = figure(frame, basis, option, form=form)
    return {**drawn, "height": 50 + 36 * len(chosen)}
