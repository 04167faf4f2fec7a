"""The tree of futures and the options that it holds open."""

from __future__ import annotations

from typing import Any

import numpy as np

from kiban.figures.colors import BLUE, GREY, cycle
from kiban.figures.figure import Basis, Figure, Frame, bar, cartesian, empty_figure, figure, words
from kiban.results import Plan, Study, Tree


def tree_figure(study: Study, basis: Basis) -> Figure:
    """The branching futures with the chance of each history."""
    frame = Frame(
        "tree", "capacity", "The futures that the plan answers",
        "chance of each history, share of 1", ("demand",),
        "One set of decisions per branch: what is decided before a branching cannot know which branch comes.",
    )  # fmt: skip
    tree = study.demand.tree
    roots = branches(tree)
    if not roots or not roots[0]["children"]:
        return empty_figure(frame, basis, "The scenario has one future only, so there is no tree to draw.")
    leaves = _count_leaves(roots[0])
    series = {
        "type": "tree", "data": roots, "left": 60, "right": 120, "top": 8, "bottom": 8, "symbolSize": 9,
        "initialTreeDepth": -1, "expandAndCollapse": False, "roam": False, "color": BLUE, "edgeShape": "polyline",
        "itemStyle": {"color": BLUE, "borderColor": BLUE}, "lineStyle": {"color": GREY, "width": 1.2},
        "label": {"position": "top", "distance": 6, "fontSize": 11},
        "leaves": {"label": {"position": "right", "distance": 8}},
    }  # fmt: skip
    drawn = figure(frame, basis, {"tooltip": {"trigger": "item"}, "series": [series]}, form="percent")
    drawn["height"] = 60 + 30 * max(leaves, 3)
    return drawn


def branches(tree: Tree) -> list[dict[str, Any]]:
    """Nest the nodes of the tree by branching: name, chance, first quarter, children."""
    if not len(tree.node_parent):
        return []
    children = np.bincount(tree.node_parent[tree.node_parent >= 0], minlength=len(tree.node_parent))
    made: dict[int, dict[str, Any]] = {}
    owner: dict[int, int] = {}
    roots = []
    for node, parent in enumerate(tree.node_parent):
        begins = parent < 0 or children[parent] > 1
        owner[node] = node if begins else owner[int(parent)]
        if not begins:
            continue
        chance = float(tree.node_probability[node])
        name = tree.node_future[node].split("/")[-1] or "today"
        shown = f"{words(name)} {chance:.0%}" if parent >= 0 else "today"
        made[node] = {"name": shown, "value": chance, "quarter": tree.quarters[tree.node_quarter[node]], "children": []}
        if parent < 0:
            roots.append(made[node])
        else:
            made[owner[int(parent)]]["children"].append(made[node])
    return roots


def _count_leaves(branch: dict[str, Any]) -> int:
    return sum(_count_leaves(c) for c in branch["children"]) or 1


def options_figure(plan: Plan, quarters: tuple[str, ...], basis: Basis) -> Figure:
    """From when a future uses each open rung, and after when the option is gone."""
    frame = Frame(
        "options", "decision", "How long each option lives",
        "quarter of the horizon; MW of critical IT load in the label", ("plan",),
        "A bar begins at the first quarter in which some future starts the rung and ends with the last.",
    )  # fmt: skip
    holds = {a.rung: a for a in plan.actions if a.verb == "hold" and a.quarter in quarters}
    ends = {a.rung: a for a in plan.actions if a.verb == "expire" and a.amount > 0 and a.quarter in quarters}
    rungs = [r for r in holds if r in ends]
    if not rungs:
        return empty_figure(frame, basis, "No rung is held open for later: what is not used soon is never used.")
    rungs.sort(key=lambda r: quarters.index(holds[r].quarter), reverse=True)
    first = [quarters.index(holds[r].quarter) for r in rungs]
    last = [quarters.index(ends[r].quarter) for r in rungs]
    kinds = {r.name: r.kind for r in plan.rungs}
    shown = list(dict.fromkeys(kinds.get(r, r) for r in rungs))
    bars = [
        {"value": b - a + 1, "itemStyle": {"color": cycle(shown.index(kinds.get(r, r)))}}
        for r, a, b in zip(rungs, first, last, strict=True)
    ]
    hidden = bar("waits until", first, "transparent", "time", tooltip={"show": False}, silent=True)
    live = bar("open for (quarters)", bars, BLUE, "time")
    x = {"type": "value", "max": len(quarters), "min": 0, "kiban_quarters": list(quarters), "minInterval": 1}
    y = {"type": "category", "data": [f"{words(r)}\n{holds[r].amount:,.0f} MW expected" for r in rungs]}
    option = cartesian(x, y, [hidden, live], tooltip={"trigger": "item"})
    option["grid"]["top"] = 8
    drawn = figure(frame, basis, option, [(words(k), cycle(i)) for i, k in enumerate(shown)], "plain", "quarter")
    drawn["height"] = 90 + 40 * len(rungs)
    return drawn
