"""Bubble or not: what the plan needs beside the market, who loses by layer, and who repays."""

from __future__ import annotations

from kiban.figures.colors import BLUE, GREEN, INK, ORANGE, RED, cycle
from kiban.figures.figure import Basis, Figure, Frame, bar, cartesian, empty_figure, figure, value_axis, words
from kiban.results import Finance, Plan, Risk

_ROOMS = ("plan", "finance", "risk")


def bubble_figures(risk: Risk, finance: Finance, plan: Plan, basis: Basis) -> list[Figure]:
    """Needed against market rent, value by regime, loss by layer, and survival of the debt."""
    return [_rent(risk, basis), _payoff(risk, basis), _layers(risk, basis), _survival(finance, plan, basis)]


def _rent(risk: Risk, basis: Basis) -> Figure:
    frame = Frame(
        "needed_rent", "bubble", "The rent that the plan needs, beside the market's",
        "USD per hour of the first accelerator type's work, mean over the plan's life", _ROOMS,
        "Needed: rent that would just pay for the plan in that future. Market: mean rent of the same work in that "
        "future. A newer type counts by what it does.", 300, True,
    )  # fmt: skip
    if not risk.regimes:
        return empty_figure(frame, basis, "No named future persists to the end, so there is no regime to test.")
    names = [words(r.name) for r in risk.regimes]
    labels = [f"{n}\n{r.utilisation_frac:.0%} in use" for n, r in zip(names, risk.regimes, strict=True)]
    colors = [GREEN if r.needed_rent_usd_per_gpu_h <= r.observed_rent_usd_per_gpu_h else RED for r in risk.regimes]
    bars = [
        {"value": r.needed_rent_usd_per_gpu_h, "itemStyle": {"color": c}}
        for r, c in zip(risk.regimes, colors, strict=True)
    ]
    series = [
        bar(
            "needed",
            bars,
            BLUE,
            label={"show": True, "position": "insideTop", "kiban": "value", "color": "#fff"},
            barMaxWidth=56,
        ),
        {
            "name": "market", "type": "scatter", "symbol": "diamond", "symbolSize": 15, "color": INK,
            "data": [r.observed_rent_usd_per_gpu_h for r in risk.regimes],
        },
    ]  # fmt: skip
    legend = [("needed, under the market", GREEN), ("needed, above it", RED), ("market", INK)]
    option = cartesian({"type": "category", "data": labels}, value_axis(), series)
    return figure(frame, basis, option, legend, "plain_usd")


def _payoff(risk: Risk, basis: Basis) -> Figure:
    frame = Frame(
        "payoff", "bubble", "What the plan is worth if one future stays",
        "NPV in real USD at the horizon's start", _ROOMS,
        "Beside it the best of the other plans in the same future.", 300, True,
    )  # fmt: skip
    if not risk.regimes:
        return empty_figure(frame, basis, "No named future persists to the end, so there is no regime to value.")
    labels = [f"{words(r.name)}\n{r.probability:.0%}" for r in risk.regimes]
    series = [
        bar("the plan", [r.npv_usd for r in risk.regimes], BLUE),
        bar("best other plan", [r.best_baseline_npv_usd for r in risk.regimes], ORANGE),
    ]
    legend = [("the plan", BLUE), ("best other plan", ORANGE)]
    option = cartesian({"type": "category", "data": labels}, value_axis(), series)
    return figure(frame, basis, option, legend, "usd")


def _layers(risk: Risk, basis: Basis) -> Figure:
    frame = Frame(
        "layers", "bubble", "What is lost by layer if the programme stops in the trough",
        "real USD not recovered, undiscounted", _ROOMS,
        "Four years in. Power and shell find another user, silicon does not (fibre 2001, mining 2022).", 320, True,
    )  # fmt: skip
    lost = [r for r in risk.regimes if float(r.layer_loss_usd.sum()) > 0]
    if not lost:
        return empty_figure(frame, basis, "Nothing would be lost: the plan holds no asset and no long contract.")
    layers = lost[0].layers
    series, legend = [], []
    for i, layer in enumerate(layers):
        row = [float(r.layer_loss_usd[i]) for r in lost]
        if any(row):
            bearer = lost[0].bearer[i] if i < len(lost[0].bearer) else ""
            name = f"{words(layer)} ({bearer})" if bearer else words(layer)
            series.append(bar(name, row, cycle(i), "loss"))
            legend.append((name, cycle(i)))
    option = cartesian({"type": "category", "data": [words(r.name) for r in lost]}, value_axis(), series)
    drawn = figure(frame, basis, option, legend, "usd")
    return {**drawn, "note": f"{drawn['note']} In brackets: who bears the loss first."}


def _survival(finance: Finance, plan: Plan, basis: Basis) -> Figure:
    frame = Frame(
        "survival", "bubble", "Which histories repay the debt",
        "share of the debt that cash flow repays, by history of the tree", ("finance",), height=300, half=True,
    )  # fmt: skip
    chosen = finance.metrics[0] if finance.metrics else None
    if chosen is None or chosen.debt_usd <= 0:
        return empty_figure(frame, basis, "The plan raises no debt, so none can fail.")
    paid = [max(0.0, 1 - float(u)) for u in chosen.leaf_debt_unpaid_frac]
    bars = [{"value": p, "itemStyle": {"color": GREEN if p > 0.999 else RED}} for p in paid]
    labels = [f"{words(n)} ({p:.0%})" for n, p in zip(plan.leaf_name, plan.leaf_probability, strict=True)]
    survive = sum(float(p) for p, share in zip(plan.leaf_probability, paid, strict=True) if share > 0.999)
    y = {"type": "category", "data": labels[::-1]}
    option = cartesian({"type": "value", "min": 0, "max": 1, "kiban": "percent"}, y, [bar("repaid", bars[::-1], GREEN)])
    option["grid"]["top"] = 8
    drawn = figure(frame, basis, option, [("repaid in full", GREEN), ("falls short", RED)], "percent")
    drawn["height"] = 70 + 26 * len(paid)
    return {
        **drawn,
        "note": f"In brackets: chance of the history. The debt is repaid in full with {survive:.0%} chance.",
    }
