"""What a lender looks at: sources and uses, coverage and debt by history, loss by layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from kiban.figures.colors import GREY, RED, cycle
from kiban.figures.figure import (
    Basis,
    Figure,
    Frame,
    bar,
    cartesian,
    empty_figure,
    figure,
    line,
    quarter_axis,
    value_axis,
    words,
)
from kiban.results import Finance, Plan

MOST_DSCR, LEAST_DSCR = 6.0, -2.0
"""Coverage beyond these is drawn at them: it says no more than that debt is nearly gone, or cash is."""


def lender_figures(finance: Finance, plan: Plan, quarters: tuple[str, ...], basis: Basis) -> list[Figure]:
    """Sources and uses, DSCR of every history under the covenant, debt that is owed, and what a default leaves."""
    return [
        _funds(finance, basis),
        _dscr(finance, plan, quarters, basis),
        _owed(finance, quarters, basis),
        _loss(finance, plan, basis),
    ]


def _funds(finance: Finance, basis: Basis) -> Figure:
    frame = Frame(
        "funds", "lender", "Sources and uses of funds", "nominal USD, sums are equal", ("finance", "plan"),
        height=320, half=True,
        note=f"Sized on the history {'' if not finance.statements else words(finance.statements[0].leaf)}.",
    )  # fmt: skip
    if sum(v for _, v in finance.uses) <= 0:
        return empty_figure(frame, basis, "The plan spends nothing up front, so there is nothing to fund.")
    series: list[dict[str, Any]] = []
    legend: list[tuple[str, str]] = []
    for i, (name, value) in enumerate((*finance.sources, *finance.uses)):
        row = [value, 0.0] if i < len(finance.sources) else [0.0, value]
        if value > 0:
            label = words(name)
            if label in (n for n, _ in legend):
                label = f"{label} (use)"
            series.append(bar(label, row, cycle(i), "funds", barMaxWidth=90))
            legend.append((label, cycle(i)))
    option = cartesian({"type": "category", "data": ["sources", "uses"]}, value_axis(), series)
    return figure(frame, basis, option, legend, "usd")


def _dscr(finance: Finance, plan: Plan, quarters: tuple[str, ...], basis: Basis) -> Figure:
    frame = Frame(
        "dscr", "lender", "Debt service coverage by history",
        "DSCR: cash flow available per debt service due, by quarter", ("finance", "plan"),
        f"Covenant at {finance.covenant_dscr:.2f}. Drawn between {LEAST_DSCR:.0f} and {MOST_DSCR:.0f}.",
        320, True,
    )  # fmt: skip
    due = np.isfinite(finance.leaf_quarterly_dscr)
    if not finance.leaf_quarterly_dscr.size or not due.any():
        return empty_figure(frame, basis, "No debt service is due, so there is no coverage to show.")
    used = np.flatnonzero(due.any(axis=0))
    span = slice(int(used[0]), int(used[-1]) + 1)
    series, legend = [], []
    for leaf, name in enumerate(plan.leaf_name):
        values = np.clip(finance.leaf_quarterly_dscr[leaf], LEAST_DSCR, MOST_DSCR)[span]
        width = 3.0 if leaf == finance.base_leaf else 1.4
        label = words(name or "the only future") + (" (base)" if leaf == finance.base_leaf else "")
        series.append(line(label, values, cycle(leaf), width=width))
        legend.append((label, cycle(leaf)))
    low = float(np.nanmin(finance.leaf_quarterly_dscr))
    shown = list(quarters[span])
    series.append(line("covenant", [finance.covenant_dscr] * len(shown), RED, "dashed", 1.6))
    option = cartesian(quarter_axis(shown), value_axis(min=LEAST_DSCR if low < 0 else 0), series)
    return figure(frame, basis, option, [*legend, ("covenant", RED)], "plain")


def _owed(finance: Finance, quarters: tuple[str, ...], basis: Basis) -> Figure:
    frame = Frame(
        "debt_owed", "lender", "Debt that is owed, by history", "nominal USD at the end of the quarter",
        ("finance", "plan"), "All tranches, arrears with interest included.", 320, True,
    )  # fmt: skip
    rows = [(s.leaf, s.values[s.lines.index("balance_nominal_usd")]) for s in finance.lender]
    if not rows or max(float(v.max(initial=0.0)) for _, v in rows) <= 0:
        return empty_figure(frame, basis, "The plan raises no debt.")
    series, legend = [], []
    for i, (leaf, values) in enumerate(rows):
        label = words(leaf or "the only future") + (" (base)" if i == 0 else "")
        series.append(line(label, values, cycle(i), width=3.0 if i == 0 else 1.4))
        legend.append((label, cycle(i)))
    option = cartesian(quarter_axis(list(quarters)), value_axis(min=0), series)
    return figure(frame, basis, option, legend, "usd")


def _loss(finance: Finance, plan: Plan, basis: Basis) -> Figure:
    frame = Frame(
        "default_loss", "lender", "Who pays the debt if lenders stop the plan when they are first not paid",
        "nominal USD of debt outstanding then", ("finance", "plan"),
        "Histories with service that stays unpaid. Recovery shares are assumed rows.", 320, True,
    )  # fmt: skip
    lost = finance.loss_given_default
    hit = [] if lost is None else [i for i, q in enumerate(lost.leaf_default_quarter) if q]
    if lost is None or not hit:
        return empty_figure(frame, basis, "No history leaves service unpaid.")
    parts = [(f"sale of {name}", lost.leaf_layer_recovered_nominal_usd[:, k]) for k, name in enumerate(lost.layers)]
    parts += [("guarantor", lost.leaf_guarantor_nominal_usd), ("loss of lenders", lost.leaf_lender_loss_nominal_usd)]
    rest = lost.leaf_exposure_nominal_usd - np.sum([v for _, v in parts], axis=0)
    parts.insert(-1, ("locked-up cash", np.where(rest > 0.5, rest, 0.0)))
    series, legend = [], []
    for k, (name, values) in enumerate(parts):
        row = [float(values[i]) for i in hit]
        if any(row):
            color = RED if name == "loss of lenders" else GREY if name == "locked-up cash" else cycle(k)
            series.append(bar(name, row, color, "default"))
            legend.append((name, color))
    labels = [f"{words(plan.leaf_name[i])}\n{lost.leaf_default_quarter[i]}" for i in hit]
    option = cartesian({"type": "category", "data": labels}, value_axis(), series)
    return figure(frame, basis, option, legend, "usd")
