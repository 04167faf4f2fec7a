"""The finance of a scenario: metrics of the plan and of every pure strategy, unit costs, sources and uses."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from kiban.report.doors_words import label, number, table
from kiban.report.serialize import to_plain
from kiban.report.tables import csv_text, finance_tables
from kiban.results import Finance
from kiban.results.finance import Irr, PlanMetrics
from kiban.study import Walk
from kiban.units.numbers import significant, usd

TOLD = ("metrics", "statements", "base_leaf", "sources", "uses", "unit_costs", "covenant_dscr", "usd_per_gpu_h",
        "usd_per_goodput_gpu_h", "usd_per_mtok", "residuals", "warnings", "traces", "leaf_quarterly_dscr")  # fmt: skip
"""Fields of the result that have a place of their own, or stand in the tables; any other goes to ``more``."""


def finance_data(walk: Walk) -> dict[str, Any]:
    """What finance says of a scenario, as plain data.

    Args: walk, which is taken as far as finance. Result: ``plans`` with every metric that the room hands over;
    ``base`` holds those of the base history. Errors: those of the rooms, and ResidualError.
    """
    finance, plan = walk.finance, walk.plan
    residuals = walk.residuals()
    return {
        "kind": "scenario",
        "scenario": walk.scenario.name,
        "title": walk.scenario.title,
        "base_history": plan.leaf_name[finance.base_leaf],
        "histories": list(plan.leaf_name),
        "covenant_dscr": to_plain(finance.covenant_dscr),
        "plans": [
            {
                "plan": m.plan,
                "base": {name: to_plain(value) for name, value in base_of(m, finance.base_leaf).items()},
                "metrics": to_plain(m),
            }
            for m in finance.metrics
        ],
        "sources_nominal_usd": to_plain(dict(finance.sources)),
        "uses_nominal_usd": to_plain(dict(finance.uses)),
        "unit_costs": [
            {
                "rung": u.rung,
                "accelerator": u.accelerator,
                "annuity_usd_per_gpu_h": to_plain(float(u.usd_per_gpu_h.sum())),
                "annuity_usd_per_goodput_gpu_h": to_plain(float(u.usd_per_goodput_gpu_h.sum())),
                "annuity_usd_per_mtok": to_plain(float(u.usd_per_mtok.sum())),
                "straight_line_usd_per_gpu_h": to_plain(u.straight_line_usd_per_gpu_h),
                "parts": list(u.parts),
                "part_usd_per_gpu_h": to_plain(u.usd_per_gpu_h),
            }
            for u in finance.unit_costs
        ],
        "plan_usd_per_gpu_h": to_plain(finance.usd_per_gpu_h),
        "plan_usd_per_goodput_gpu_h": to_plain(finance.usd_per_goodput_gpu_h),
        "plan_usd_per_mtok": to_plain(finance.usd_per_mtok),
        "more": {f.name: to_plain(getattr(finance, f.name)) for f in fields(finance) if f.name not in TOLD},
        "warnings": list(finance.warnings),
        "residuals": to_plain(residuals),
        "room_seconds": dict(walk.room_seconds),
    }


def base_of(metrics: PlanMetrics, base_leaf: int) -> dict[str, Any]:
    """Every metric that is one number, one word or one rate of return in the base history."""
    return {
        name: value for name, values in by_history(metrics).items() if (value := _at(values, base_leaf)) is not None
    }


def by_history(metrics: PlanMetrics) -> dict[str, Any]:
    """Metrics by name: a number for all histories, or a tuple or array with one entry for each."""
    count = len(metrics.leaf_npv_usd)
    found = {}
    for f in fields(metrics):
        value = getattr(metrics, f.name)
        one = isinstance(value, int | float) and not isinstance(value, bool)
        many = f.name.startswith("leaf_") and isinstance(value, tuple | np.ndarray) and len(value) == count
        each = many and np.ndim(value[0]) == 0
        if one or each:
            found[f.name] = value
    return found


def _at(values: Any, leaf: int) -> Any:
    if isinstance(values, int | float):
        return float(values)
    value = values[leaf]
    return float(value) if isinstance(value, int | float | np.number) else value


def _span(name: str, values: Any) -> str:
    """Least and most over the histories; words where a history has none."""
    if isinstance(values, int | float):
        return ""
    if isinstance(values[0], Irr):
        roots = [i.roots_frac_per_year[0] for i in values if i.status == "unique"]
        other = len(values) - len(roots)
        span = f"{number('x_frac', min(roots))} to {number('x_frac', max(roots))}" if roots else ""
        return span + (f"{', ' if span else ''}{other} of {len(values)} without one" if other else "")
    if isinstance(values[0], str):
        hit = [v for v in values if v]
        return f"{len(hit)} of {len(values)}" + (f", first {min(hit)}" if hit else "")
    numbers = np.asarray(values, dtype=np.float64)
    there = numbers[np.isfinite(numbers)]
    if not len(there):
        return "none"
    lost = len(numbers) - len(there)
    span = f"{number(name, float(there.min()))} to {number(name, float(there.max()))}"
    return span + (f", {lost} of {len(numbers)} without one" if lost else "")


def finance_text(finance: Finance, data: dict[str, Any]) -> str:
    """The same for a reader."""
    base = data["base_history"]
    out = [data["title"] or data["scenario"], "", f"Work earns the market's rent; base history {base}."]
    found = [by_history(m) for m in finance.metrics]
    names = list(dict.fromkeys(n for one in found for n in one))
    rows = [
        [
            label(n),
            *(number(n, v) if n in one and (v := _at(one[n], finance.base_leaf)) is not None else "" for one in found),
            _span(n, found[0][n]) if n in found[0] else "",
        ]
        for n in names
    ]
    head = ["Base history", *(m.plan.replace("_", " ") for m in finance.metrics), "plan, all histories"]
    out += ["", *table(head, rows)]
    for side, lines in (("Sources", finance.sources), ("Uses", finance.uses)):
        total = [["sum", usd(sum(v for _, v in lines))]]
        out += ["", *table([side, "nominal"], [[n.replace("_", " "), usd(v)] for n, v in lines] + total)]
    head = ["Unit cost, USD", "GPU-hour", "goodput hour", "M tokens", "GPU-hour, straight line"]
    rows = [
        [f"{u['rung']} {u['accelerator']}", *(_price(u[k]) for k in (
            "annuity_usd_per_gpu_h", "annuity_usd_per_goodput_gpu_h", "annuity_usd_per_mtok",
            "straight_line_usd_per_gpu_h",
        ))]
        for u in data["unit_costs"]
    ]  # fmt: skip
    plan = ["the plan, present values", *(_price(data[f"plan_{k}"]) for k in (
        "usd_per_gpu_h", "usd_per_goodput_gpu_h", "usd_per_mtok"
    )), ""]  # fmt: skip
    out += ["", *table(head, [*rows, plan]), "  by annuity at the scenario's rate, unless it says straight line"]
    if finance.warnings:
        out += ["", "Warnings", *(f"  {w}" for w in finance.warnings)]
    worst = max(data["residuals"].items(), key=lambda item: abs(item[1]))
    out += ["", f"{len(data['residuals'])} balances close; the worst, {worst[0]}, by {abs(worst[1]):.1e}"]
    return "\n".join(out)


def _price(value: float | None) -> str:
    return "" if value is None else significant(value, 3)


def write_finance(output: Path, walk: Walk) -> list[Path]:
    """Write the workbook of the whole study if the name ends in .xlsx, else tables into a folder; returns the files.

    The workbook needs the remaining rooms and the sampled futures, as in ``kiban run``. Errors: OSError.
    """
    if output.suffix.lower() != ".xlsx":
        return write_finance_tables(output, walk)
    from kiban.report.workbook import write_workbook
    from kiban.risk import run_risk

    study = walk.study()
    risk = run_risk(walk.scenario, walk.given, study)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.touch()  # xlsxwriter hides the reason why a file cannot be made
    write_workbook(output, walk.scenario, walk.given, study, risk)
    return [output]


def write_finance_tables(folder: Path, walk: Walk) -> list[Path]:
    """Write statements, unit costs, sources and uses, and metrics as CSV; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    finance, plan = walk.finance, walk.plan
    texts = {
        t.name: csv_text(t.columns, t.lines)
        for t in finance_tables(finance, walk.demand.tree.quarters, walk.plan.leaf_name)
    }
    lines: list[tuple[str, str, str, Any]] = []
    for m in finance.metrics:
        for name, values in by_history(m).items():
            if isinstance(values, int | float):
                lines.append((m.plan, name, "", float(values)))
                continue
            for leaf, value in zip(plan.leaf_name, values, strict=True):
                shown = number(name, value) if isinstance(value, Irr) else value
                lines.append((m.plan, name, leaf, shown))
    texts["metrics"] = csv_text(("plan", "metric", "history", "value"), lines)
    files = []
    for name, text in texts.items():
        file = folder / f"{name}.csv"
        file.write_text(text, encoding="utf-8", newline="\n")
        files.append(file)
    return files
