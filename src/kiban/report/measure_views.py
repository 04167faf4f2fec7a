"""What the plan's choices are worth, as tables on the page."""

from __future__ import annotations

import numpy as np

from kiban.figures.figure import words
from kiban.report.table import View, view
from kiban.results import PlanMeasures, Study
from kiban.units.numbers import percent, usd


def measure_views(study: Study) -> list[View]:
    """Sentences of the measures, and regret by future."""
    return [worth_view(study), regret_view(study)]


def worth_view(study: Study) -> View:
    """What foresight, late starts and caution are worth, one sentence each."""
    m = study.plan.measures
    rows = [[s.replace("_", " ")] for s in m.sentences] if m else []
    note = "Each line compares the plan with the same programme with less, or more, to choose from."
    return view("worth", "decision", "What the right to choose is worth", "real USD of expected NPV on the tree",
                ("Measure",), rows, note, "The scenario asks for no measures of the plan.")  # fmt: skip


def regret_view(study: Study) -> View:
    """What each plan lacks in each history against the best that hindsight could do."""
    plan, m = study.plan, study.plan.measures
    empty = "The scenario asks for no measures of the plan."
    names = _strategies(m)
    rows = []
    if m is not None:
        regret = m.strategy_leaf_hindsight_usd
        if m.least_regret is not None:
            regret = np.vstack([regret, m.leaf_wait_and_see_usd - m.least_regret.leaf_npv_usd])
        for i, name in enumerate(plan.leaf_name):
            shown = [_regret(value, m.best_expected_usd) for value in regret[:, i]]
            best = m.strategies[int(np.argmin(m.strategy_leaf_regret_usd[:, i]))]
            rows.append(
                [words(name), percent(plan.leaf_probability[i], 2), usd(float(m.leaf_wait_and_see_usd[i])), *shown,
                 "the plan" if best == "plan" else words(best)]
            )  # fmt: skip
        largest = [_regret(value, m.best_expected_usd) for value in regret.max(axis=1)]
        rows.append(["largest", "", "", *largest, ""])
    columns = ("History", "Chance>", "NPV with foresight>", *(f"{n}>" for n in names), "Best without foresight")
    note = (
        "Foresight: the best plan of somebody who knows this history from the start. The columns of the plans hold "
        "what each lacks to that; all_cloud to wait_two_years answer the tree as far as they may."
    )
    return view("regret_table", "decision", "What each plan regrets, by history", "real USD of NPV", columns, rows,
                note.replace("_", " "), empty)  # fmt: skip


def _strategies(m: PlanMeasures | None) -> list[str]:
    if m is None:
        return []
    names = ["The plan" if n == "plan" else words(n).capitalize() for n in m.strategies]
    return [*names, "Least regret"] if m.least_regret is not None else names


def _regret(value_usd: float, size_usd: float) -> str:
    return usd(float(value_usd)) if value_usd > 1e-6 * abs(size_usd) else "0"
