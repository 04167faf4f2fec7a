"""A plan whose tree is cut into pieces: solved here, on processes or on Dask, with bounds instead of prices."""

from __future__ import annotations

from typing import Any

from kiban.plan.actions import irrevocable_usd, list_actions
from kiban.plan.inputs import build_inputs
from kiban.plan.pieces import solve_plan_in_pieces
from kiban.report.serialize import to_plain
from kiban.solve import DaskFarm, Farm, ProcessFarm, SerialFarm
from kiban.study import Walk
from kiban.units.numbers import usd


def farm_of(processes: int, dask: str) -> Farm:
    """Where the pieces are solved: a Dask scheduler if an address is given, processes if more than one, else here."""
    if dask:
        return DaskFarm(dask)
    return ProcessFarm(processes) if processes > 1 else SerialFarm()


def pieces_data(walk: Walk, processes: int, dask: str) -> dict[str, Any]:
    """The plan by its subtrees, as plain data.

    Args: walk, taken as far as energy; processes; dask, address of a scheduler or empty. Result: ``actions``, bounds of
    the plan's value, and how it was solved. Errors: those of the rooms; SolverError if the tree has no branching.
    """
    scenario = walk.scenario
    inputs = build_inputs(scenario, walk.catalog, walk.demand, walk.fleet, walk.site, walk.supply)
    farm = farm_of(processes, dask)
    try:
        found, outcome = solve_plan_in_pieces(inputs.case, farm)
    finally:
        farm.close()
    return {
        "scenario": scenario.name,
        "title": scenario.title,
        "actions": to_plain(list_actions(inputs, outcome)),
        "irrevocable_usd": to_plain(irrevocable_usd(inputs, outcome)),
        "worth_usd": found.lower_usd,
        "no_plan_is_worth_more_than_usd": found.upper_usd,
        "gap_frac": found.gap_frac,
        "cut_at": inputs.quarters[found.branch_quarter],
        "pieces_count": found.pieces,
        "rounds_count": found.rounds,
        "nodes_count": inputs.case.n_nodes,
        "columns_count": found.program.rows.columns,
        "rows_count": found.program.rows.count,
        "solve_seconds": found.solution.seconds,
        "warnings": list(inputs.warnings),
    }


def pieces_text(data: dict[str, Any]) -> str:
    """The same for a reader."""
    out = [data["title"] or data["scenario"], "", "What to do"]
    out += [f"  {a['verb']:<7}{a['sentence']}" for a in data["actions"]] or ["  nothing: no action is worth its cost"]
    out.append(f"  {usd(data['irrevocable_usd'])} (present value) is committed by what is signed today.")
    out += [
        "",
        f"This plan is worth {usd(data['worth_usd'])}; no plan is worth more than "
        f"{usd(data['no_plan_is_worth_more_than_usd'])} (gap {data['gap_frac']:.2%}).",
        f"{data['nodes_count']:,} nodes, {data['columns_count']:,} columns, {data['rows_count']:,} rows, cut at "
        f"{data['cut_at']} into {data['pieces_count']} pieces: {data['rounds_count']} rounds, "
        f"{data['solve_seconds']:.1f} s. Limits have no prices here; solve it whole for those.",
    ]
    if data["warnings"]:
        out += ["", "Warnings", *(f"  {w}" for w in data["warnings"])]
    return "\n".join(out)
