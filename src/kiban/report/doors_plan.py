"""The plan alone: a scenario walked as far as the plan, for a reader, a machine or a spreadsheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from kiban.report.serialize import to_plain
from kiban.report.tables import csv_text, plan_tables
from kiban.results import Plan, PlanOutcome, Tree
from kiban.scenario import Scenario
from kiban.study import Walk
from kiban.units.numbers import significant, usd

DATES_SHOWN = 5
"""Quarters at which capacity is told: the first, the last and evenly between."""
SMALLEST = 1e-6
"""Capacity below this at every date is noise of the solver."""


def plan_data(scenario: Scenario, walk: Walk) -> dict[str, Any]:
    """What the plan says, as plain data.

    Args: scenario; walk, which is taken as far as the plan. Result: ``actions``, ``value``, ``capacity``, ``limits``,
    ``warnings``, ``programme``, ``residuals`` and ``used_keys``. Errors: those of the rooms, and ResidualError.
    """
    plan, tree = walk.plan, walk.demand.tree
    residuals = walk.residuals()
    gap = plan.residuals.get("plan.duality_gap", 0.0)
    return {
        "scenario": scenario.name,
        "title": scenario.title,
        "actions": to_plain(plan.actions),
        "irrevocable_usd": to_plain(plan.irrevocable_usd),
        "value": to_plain(_values(plan)),
        "capacity": to_plain(_capacity(plan, tree)),
        "limits": list(plan.chosen.shadow_price_sentences),
        "warnings": list(dict.fromkeys((*walk.demand.warnings, *walk.fleet.warnings, *walk.site.warnings,
                                        *walk.supply.warnings, *plan.warnings))),
        "programme": {
            "nodes_count": len(tree.node_quarter),
            "columns_count": plan.program_column_count,
            "rows_count": plan.program_row_count,
            "status": plan.chosen.status,
            "gap_frac": to_plain(max(gap, plan.module_gap_frac)),
            "solve_seconds": plan.chosen.solve_s,
            "room_seconds": dict(walk.room_seconds),
        },
        "residuals": to_plain(residuals),
        "used_keys": {name: list(keys) for name, keys in walk.used_keys.items()},
    }  # fmt: skip


def _values(plan: Plan) -> list[dict[str, Any]]:
    """Expected value of the plan and of each pure strategy, and what the plan is worth above it."""
    mine = plan.chosen.expected_npv_usd
    return [
        {
            "plan": outcome.name,
            "status": outcome.status,
            "expected_npv_usd": outcome.expected_npv_usd,
            "plan_is_worth_more_by_usd": mine - outcome.expected_npv_usd,
        }
        for outcome in (plan.chosen, *plan.baselines)
    ]


def _capacity(plan: Plan, tree: Tree) -> list[dict[str, Any]]:
    """Expected halls and accelerators of each rung at a few quarters."""
    count = len(tree.quarters)
    shown = sorted({int(q) for q in np.linspace(0, count - 1, DATES_SHOWN).round()})
    mw, chips = expected_by_quarter(plan.chosen, tree)
    out = []
    for k, rung in enumerate(plan.rungs):
        for unit, values in (("it_mw", mw[:, k]), ("accelerators", chips[:, k])):
            if values[shown].max(initial=0.0) > SMALLEST:
                at = [{"quarter": tree.quarters[q], "expected": float(values[q])} for q in shown]
                out.append({"rung": rung.name, "unit": unit, "at": at})
    return out


def expected_by_quarter(outcome: PlanOutcome, tree: Tree) -> tuple[np.ndarray, np.ndarray]:
    """IT MW of halls, and accelerators owned or rented, in service: mean over the nodes of a quarter, (T, K) each."""
    chips = (outcome.node_silicon_live + outcome.node_rent_live).sum(axis=2)
    total = []
    for values in (outcome.node_hall_live_it_mw, chips):
        mean = np.zeros((len(tree.quarters), values.shape[1]))
        np.add.at(mean, tree.node_quarter, values * tree.node_probability[:, None])
        total.append(mean)
    return total[0], total[1]


def plan_text(data: dict[str, Any]) -> str:
    """The same for a reader."""
    out = [data["title"] or data["scenario"], "", "What to do"]
    out += [f"  {a['verb']:<7}{a['sentence']}" for a in data["actions"]] or ["  nothing: no action is worth its cost"]
    out.append(f"  {usd(data['irrevocable_usd'])} (present value) is committed by what is signed today.")
    out += ["", f"{'Value, expected':<24}{'NPV':>12}{'the plan is worth':>24}"]
    for row in data["value"]:
        more = row["plan_is_worth_more_by_usd"]
        lead = "" if row["plan"] == "plan" else _lead(more, data["value"][0]["expected_npv_usd"])
        state = "" if row["status"] == "optimal" else f"  ({row['status']})"
        out.append(f"  {row['plan'].replace('_', ' '):<22}{usd(row['expected_npv_usd']):>12}{lead:>24}{state}".rstrip())
    out += _capacity_text(data["capacity"])
    out += ["", "What limits are worth"]
    out += [f"  {sentence}" for sentence in data["limits"]] or ["  No limit of the scenario holds the plan back."]
    if data["warnings"]:
        out += ["", "Warnings", *(f"  {w}" for w in data["warnings"])]
    size = data["programme"]
    total = sum(size["room_seconds"].values())
    out += [
        "",
        f"{size['nodes_count']:,} nodes, {size['columns_count']:,} columns, {size['rows_count']:,} rows: "
        f"{size['status']}, gap {size['gap_frac']:.1e}, solver {size['solve_seconds']:.2f} s, rooms {total:.2f} s",
    ]
    return "\n".join(out)


def _lead(more_usd: float, plan_usd: float) -> str:
    """A lead without the last digits of the solver."""
    if abs(more_usd) <= 1e-6 * max(abs(plan_usd), 1.0):
        return "the same"
    return f"{usd(abs(more_usd))} {'more' if more_usd > 0 else 'less'}"


def _capacity_text(capacity: list[dict[str, Any]]) -> list[str]:
    if not capacity:
        return ["", "Capacity: none at any date"]
    wide = max(len(f"{row['rung']} ({_unit(row)})") for row in capacity) + 4
    dates = [at["quarter"] for at in capacity[0]["at"]]
    out = ["", f"{'Capacity, expected':<{wide}}" + "".join(f"{d:>10}" for d in dates)]
    for row in capacity:
        cells = "".join(f"{_number(at['expected']):>10}" for at in row["at"])
        out.append(f"  {row['rung'] + ' (' + _unit(row) + ')':<{wide - 2}}{cells}")
    return out


def _unit(row: dict[str, Any]) -> str:
    return "IT MW" if row["unit"] == "it_mw" else "accelerators"


def _number(value: float) -> str:
    if value < SMALLEST:
        return "-"
    return f"{value:,.0f}" if value >= 1000 else significant(value)


def write_plan_tables(folder: Path, walk: Walk) -> list[Path]:
    """Write the tables of the plan as CSV into a folder, which is made if it is not there; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for table in plan_tables(walk):
        file = folder / f"{table.name}.csv"
        file.write_text(csv_text(table.columns, table.lines), encoding="utf-8", newline="\n")
        files.append(file)
    return files
