"""Capacity by rung over time under the demand fan, stranded and unmet compute apart, and halls by place."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.figures.colors import GREY, INK, ORANGE, RED, RUNG, RUNG_ORDER, cycle
from kiban.figures.figure import (
    Basis,
    Figure,
    Frame,
    area,
    cartesian,
    empty_figure,
    figure,
    line,
    quarter_axis,
    value_axis,
    words,
)
from kiban.results import Study, Tree
from kiban.units import HOURS_PER_QUARTER
from kiban.units.calendar import SECONDS_PER_HOUR
from kiban.units.numbers import scaled

Array = NDArray[np.float64]
_ROOMS = ("demand", "compute", "plan")
MOST_NEED_OVER_CAPACITY = 3.0
"""The capacity chart ends at this multiple of the plan's peak."""


@dataclass(frozen=True)
class Equivalents:
    """Capacity in units of the first accelerator of the plan, at its own work; N nodes, K rungs."""

    reference: str
    node_rung_working: Array
    """(N, K) at work."""
    node_idle: Array
    """(N,) in service or under contract without work."""
    node_needed: Array
    """(N,) what the wanted work would keep busy."""
    node_unmet: Array
    """(N,) needed less served."""


def equivalents(study: Study) -> Equivalents | None:
    """Count all accelerators in units of the plan's first one: training by useful FLOP, serving by tokens."""
    plan, fleet, demand, out = study.plan, study.fleet, study.demand, study.plan.chosen
    if not plan.accelerators or not plan.rungs:
        return None
    order = [fleet.accelerators.index(name) for name in plan.accelerators]
    flop = fleet.accelerator_training_flop_per_s[order, 1] * fleet.accelerator_goodput_frac[order]
    tok = fleet.accelerator_inference_tok_per_s[order, 1]
    if not (flop[0] > 0 and tok[0] > 0):
        return None
    seconds = HOURS_PER_QUARTER * SECONDS_PER_HOUR
    train, serve = out.node_training_accelerators, out.node_inference_accelerators
    working = train @ (flop / flop[0]) + serve @ (tok / tok[0])
    hall = np.array([r.holds_hall for r in plan.rungs])
    live = out.node_silicon_live * hall[:, None] + out.node_rent_live
    idle = np.clip(live - train - serve, 0, None).sum(axis=1) @ ((flop / flop[0] + tok / tok[0]) / 2)
    per_tok = demand.peak_to_mean_factor / (tok[0] * seconds * demand.node_serving_gain_factor)

    def need(flops: Array, tokens: Array) -> Array:
        return np.asarray(flops / (flop[0] * seconds) + tokens.sum(axis=1) * per_tok)

    return Equivalents(
        reference=plan.accelerators[0],
        node_rung_working=working,
        node_idle=idle,
        node_needed=need(demand.node_training_flop, demand.node_inference_tok),
        node_unmet=need(out.node_training_unserved_flop, out.node_inference_unserved_tok),
    )


def expected(tree: Tree, values: Array) -> Array:
    """Probability-weighted mean by quarter, (T, ...)."""
    out = np.zeros((len(tree.quarters), *values.shape[1:]))
    np.add.at(out, tree.node_quarter, values * tree.node_probability.reshape(-1, *([1] * (values.ndim - 1))))
    return out


def quantiles(tree: Tree, values: Array, levels: tuple[float, ...]) -> Array:
    """Quantiles over the nodes of each quarter, weighted by probability, (levels, T)."""
    out = np.zeros((len(levels), len(tree.quarters)))
    for q in range(len(tree.quarters)):
        here = np.flatnonzero(tree.node_quarter == q)
        here = here[np.argsort(values[here])]
        reached = np.cumsum(tree.node_probability[here])
        at = np.searchsorted(reached, np.array(levels) * reached[-1], side="left")
        out[:, q] = values[here[np.minimum(at, len(here) - 1)]]
    return out


def capacity_figures(study: Study, basis: Basis) -> list[Figure]:
    """Capacity under the demand fan, stranded and unmet compute, and IT MW by place."""
    amounts = equivalents(study)
    return [_fan(study, basis, amounts), _gaps(study, basis, amounts), _halls(study, basis)]


def _fan(study: Study, basis: Basis, amounts: Equivalents | None) -> Figure:
    unit = f"accelerators at work, counted as {words(amounts.reference)}" if amounts else "accelerators"
    frame = Frame(
        "capacity", "capacity", "Capacity at work by rung, under the demand fan",
        f"{unit}, expected over the tree, by quarter", _ROOMS,
        "Areas: expected capacity at work. Lines: what the wanted work needs in the low (P10), middle (P50) and high "
        "(P90) futures. Training is counted by useful FLOP, serving by tokens at peak traffic; software gains lower "
        "the need.", 400,
    )  # fmt: skip
    if amounts is None:
        return empty_figure(frame, basis, "The plan knows no accelerator, so there is no capacity to show.")
    tree = study.demand.tree
    by_rung = expected(tree, amounts.node_rung_working)
    series, legend = [], []
    for kind in RUNG_ORDER:
        mine = [k for k, r in enumerate(study.plan.rungs) if r.kind == kind]
        total = by_rung[:, mine].sum(axis=1)
        if total.max(initial=0.0) > 0:
            series.append(area(words(kind), total, RUNG[kind]))
            legend.append((words(kind), RUNG[kind]))
    fan = quantiles(tree, amounts.node_needed, (0.1, 0.5, 0.9))
    for name, row, kind in zip(("need P10", "need P50", "need P90"), fan, ("dotted", "solid", "dashed"), strict=True):
        series.append(line(name, row, INK, kind, 1.6))
        legend.append((name, INK))
    top, words_out = _frame_top(by_rung.sum(axis=1), fan, tree.quarters)
    drawn = figure(frame, basis, cartesian(quarter_axis(tree.quarters), value_axis(max=top), series), legend)
    return {**drawn, "note": f"{drawn['note']}{words_out}"}


def _frame_top(capacity: Array, fan: Array, quarters: tuple[str, ...]) -> tuple[float | None, str]:
    """Upper end of the axis, so that a far need does not flatten the plan, and words for what leaves the frame."""
    peak, most = float(capacity.max(initial=0.0)), float(fan.max(initial=0.0))
    if peak <= 0 or most <= MOST_NEED_OVER_CAPACITY * peak:
        return None, ""
    size = 10.0 ** math.floor(math.log10(peak))
    top = math.ceil(MOST_NEED_OVER_CAPACITY * peak / size) * size
    ends = " / ".join(scaled(float(row[-1])) for row in fan)
    return top, f" The need leaves the frame: in {quarters[-1]} it is {ends} (P10 / P50 / P90)."


def _gaps(study: Study, basis: Basis, amounts: Equivalents | None) -> Figure:
    unit = f"accelerators, counted as {words(amounts.reference)}" if amounts else "accelerators"
    frame = Frame(
        "gaps", "capacity", "Too much and too little: stranded and unmet compute",
        f"{unit}, by quarter", _ROOMS,
        "Stranded: in service or under contract, without work. Unmet: wanted work that the plan leaves unserved "
        "because serving it would cost more than it is worth, or because a limit binds.", 300, True,
    )  # fmt: skip
    if amounts is None:
        return empty_figure(frame, basis, "The plan knows no accelerator, so nothing can be stranded.")
    tree = study.demand.tree
    idle, unmet = expected(tree, amounts.node_idle), expected(tree, amounts.node_unmet)
    idle_high = quantiles(tree, amounts.node_idle, (0.9,))[0]
    unmet_high = quantiles(tree, amounts.node_unmet, (0.9,))[0]
    series = [
        line("stranded, expected", idle, RED, areaStyle={"opacity": 0.25}),
        line("stranded, P90", idle_high, RED, "dashed", 1.2),
        line("unmet, expected", unmet, ORANGE, areaStyle={"opacity": 0.25}),
        line("unmet, P90", unmet_high, ORANGE, "dashed", 1.2),
    ]
    legend = [("stranded, expected", RED), ("stranded, P90", RED), ("unmet, expected", ORANGE), ("unmet, P90", ORANGE)]
    return figure(frame, basis, cartesian(quarter_axis(tree.quarters), value_axis(), series), legend)


def _halls(study: Study, basis: Basis) -> Figure:
    frame = Frame(
        "halls", "capacity", "Halls in service by place",
        "MW of critical IT load, expected over the tree, by quarter", ("facility", "plan"),
        "Signed halls included, also those that are let to others. Accelerators rented from a cloud or neocloud need "
        "no hall of the programme.", 300, True,
    )  # fmt: skip
    tree, plan = study.demand.tree, study.plan
    live = expected(tree, plan.chosen.node_hall_live_it_mw)
    series, legend = [], []
    for i, site in enumerate(dict.fromkeys(r.site for r in plan.rungs if r.holds_hall)):
        mine = [k for k, r in enumerate(plan.rungs) if r.site == site]
        total = live[:, mine].sum(axis=1)
        if total.max(initial=0.0) > 0:
            series.append(area(words(site), total, cycle(i)))
            legend.append((words(site), cycle(i)))
    if not series:
        return empty_figure(frame, basis, "The plan uses no hall: every accelerator is rented.")
    total_limit = sum(r.committed_it_mw for r in plan.rungs)
    if np.max(total_limit, initial=0.0) > 0:
        series.append(line("signed before", total_limit, GREY, "dashed", 1.4))
        legend.append(("signed before", GREY))
    let = expected(tree, plan.chosen.node_hall_sublet_it_mw).sum(axis=1)
    if let.max(initial=0.0) > 0:
        series.append(line("of which let to others", let, INK, "dotted", 1.6))
        legend.append(("of which let to others", INK))
    return figure(frame, basis, cartesian(quarter_axis(tree.quarters), value_axis(), series), legend)
