"""The plan room: inputs, model, result."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kiban.catalog import Catalog
from kiban.plan.actions import irrevocable_usd, list_actions
from kiban.plan.inputs import PlanInputs, build_inputs
from kiban.plan.model import Solved, solve_baselines, solve_plan
from kiban.plan.shadow import shadow_sentences
from kiban.plan.traces import plan_traces
from kiban.results import Demand, Fleet, Plan, PlanOutcome, Site, Supply
from kiban.scenario import Scenario


def run_plan(scenario: Scenario, catalog: Catalog, demand: Demand, fleet: Fleet, site: Site, supply: Supply) -> Plan:
    """Choose what to sign, start, order and rent at every node, and solve the pure strategies beside it.

    Raises Infeasible, with the limit in words, if what is committed breaks a limit of the scenario.
    """
    inputs = build_inputs(scenario, catalog, demand, fleet, site, supply)
    solved = solve_plan(inputs.case)
    chosen = replace(solved.chosen, shadow_price_sentences=shadow_sentences(inputs, solved.solver, solved.solution))
    baselines = solve_baselines(solved.solver, inputs.rungs)
    leaves = inputs.case.leaves
    return Plan(
        accelerators=inputs.accelerators,
        regions=inputs.regions,
        rungs=inputs.rungs,
        node_discount_factor=inputs.case.discount,
        leaf_path=inputs.case.ancestor[leaves, ::-1].copy(),
        leaf_probability=inputs.case.probability[leaves],
        leaf_name=tuple(demand.tree.node_future[leaf] or "base" for leaf in inputs.case.leaves),
        chosen=chosen,
        baselines=baselines,
        actions=list_actions(inputs, chosen),
        irrevocable_usd=irrevocable_usd(inputs, chosen),
        program_column_count=len(solved.solver.program.upper),
        program_row_count=len(solved.solver.program.row_upper),
        module_gap_frac=solved.solution.module_gap_frac,
        residuals=_residuals(inputs, solved, baselines),
        warnings=(*inputs.warnings, *_idle_warning(inputs, chosen)),
        traces=plan_traces(inputs, chosen),
    )


def _residuals(inputs: PlanInputs, solved: Solved, baselines: tuple[PlanOutcome, ...]) -> dict[str, float]:
    outcomes = (solved.chosen, *baselines)
    weight = inputs.case.probability * inputs.case.discount
    identity = []
    for outcome in outcomes:
        money = float(weight @ (outcome.node_value_usd - outcome.node_rung_cost_usd.sum(axis=(1, 2))))
        size = float(weight @ (outcome.node_value_usd + np.abs(outcome.node_rung_cost_usd).sum(axis=(1, 2))))
        identity.append(abs(money - outcome.expected_npv_usd) / max(size, 1.0))
    best = max((o.expected_npv_usd for o in baselines), default=-np.inf)
    shortfall = max(0.0, best - solved.chosen.expected_npv_usd) / max(abs(solved.chosen.expected_npv_usd), 1.0)
    return {
        "plan.primal": max(o.residual for o in outcomes),
        "plan.duality_gap": solved.solution.gap_frac,
        "plan.npv_identity": max(identity),
        "plan.baseline_above_plan": shortfall,
        "plan.probability": abs(float(inputs.case.probability[inputs.case.leaves].sum()) - 1),
    }


def _idle_warning(inputs: PlanInputs, outcome: PlanOutcome) -> tuple[str, ...]:
    chips = inputs.case.chips
    draw_mw = (outcome.node_silicon_live @ chips.it_kw) / 1e3
    empty = np.clip(outcome.node_hall_live_it_mw - draw_mw, 0, None).sum(axis=1)
    whole = outcome.node_hall_live_it_mw.sum(axis=1)
    weight = inputs.case.probability
    share = float(weight @ empty) / max(float(weight @ whole), 1e-12)
    if share < 0.1:
        return ()
    return (f"{share:.0%} of hall capacity in service holds no silicon on average over the tree",)
