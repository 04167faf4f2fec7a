"""The plan room: inputs, model, result."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kiban.catalog import Catalog
from kiban.plan.actions import irrevocable_usd, list_actions
from kiban.plan.inputs import PlanInputs, build_inputs
from kiban.plan.leaf_money import outcome_aim_usd
from kiban.plan.lp import MODULE_GAP_FRAC
from kiban.plan.measures import Answers, ask, measure_plan, measure_residuals, measure_traces
from kiban.plan.model import Caution, Solved, solve_baselines, solve_plan
from kiban.plan.shadow import shadow_sentences
from kiban.plan.traces import plan_traces
from kiban.results import Demand, Fleet, Plan, PlanMeasures, PlanOutcome, Site, Supply
from kiban.scenario import Scenario

LEAST_IDLE_FRAC = 0.1
"""Less hall capacity without own silicon is not worth a sentence."""


def run_plan(scenario: Scenario, catalog: Catalog, demand: Demand, fleet: Fleet, site: Site, supply: Supply) -> Plan:
    """Choose what to sign, start, order and rent at every node, and solve the pure strategies beside it.

    Raises Infeasible, with the limit in words, if what is committed breaks a limit of the scenario.
    """
    inputs = build_inputs(scenario, catalog, demand, fleet, site, supply)
    caution = _caution(scenario)
    solved = solve_plan(inputs.case, caution)
    chosen = replace(solved.chosen, shadow_price_sentences=shadow_sentences(inputs, solved.solver, solved.solution))
    answers = _answers(scenario, solved)
    baselines = solve_baselines(solved, inputs.rungs)
    measures = _measures(scenario, inputs, answers, (chosen, *baselines))
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
        residuals=_residuals(inputs, solved, baselines, caution)
        | (measure_residuals(measures, _slack(solved)) if measures else {}),
        warnings=(*inputs.warnings, *_module_words(scenario, solved), *_idle_words(inputs, chosen)),
        traces=plan_traces(inputs, chosen) + (measure_traces(measures) if measures else ()),
        measures=measures,
    )


def _caution(scenario: Scenario) -> Caution | None:
    """What the plan minds; None where neither its aim nor a measure needs the value of each history."""
    part = scenario.plan
    if part.measures == "none" and part.cvar_weight_frac == 0:
        return None
    return Caution(part.cvar_level_frac, part.cvar_weight_frac)


def _answers(scenario: Scenario, solved: Solved) -> Answers | None:
    part = scenario.plan
    if part.measures == "none" or solved.tail is None:
        return None
    answers = ask(solved.tail, part.measures, part.frontier_count)
    solved.tail.aim(part.cvar_weight_frac)
    return answers


def _measures(
    scenario: Scenario, inputs: PlanInputs, answers: Answers | None, outcomes: tuple[PlanOutcome, ...]
) -> PlanMeasures | None:
    if answers is None:
        return None
    return measure_plan(inputs, answers, outcomes, scenario.plan.cvar_level_frac, scenario.plan.cvar_weight_frac)


def _residuals(
    inputs: PlanInputs, solved: Solved, baselines: tuple[PlanOutcome, ...], caution: Caution | None
) -> dict[str, float]:
    outcomes = (solved.chosen, *baselines)
    weight = inputs.case.probability * inputs.case.discount
    identity = []
    for outcome in outcomes:
        money = float(weight @ (outcome.node_value_usd - outcome.node_rung_cost_usd.sum(axis=(1, 2))))
        size = float(weight @ (outcome.node_value_usd + np.abs(outcome.node_rung_cost_usd).sum(axis=(1, 2))))
        identity.append(abs(money - outcome.expected_npv_usd) / max(size, 1.0))
    level, weight_of_tail = (caution.level_frac, caution.weight_frac) if caution else (0.0, 0.0)
    plan, *others = (outcome_aim_usd(inputs.case, o, level, weight_of_tail) for o in outcomes)
    shortfall = max(0.0, (max(others, default=-np.inf) - plan) / max(abs(plan), 1.0) - _slack(solved))
    return {
        "plan.primal": max(o.residual for o in outcomes),
        "plan.duality_gap": solved.solution.gap_frac,
        "plan.npv_identity": max(identity),
        "plan.baseline_above_plan": shortfall,
        "plan.probability": abs(float(inputs.case.probability[inputs.case.leaves].sum()) - 1),
    }


def _slack(solved: Solved) -> float:
    """Share of value by which two solves may be out of order: the gap that branch and bound may leave, 0 without."""
    gap = solved.solution.module_gap_frac
    return 2 * max(gap, MODULE_GAP_FRAC) if solved.solver.integer.any() else 0.0


def _module_words(scenario: Scenario, solved: Solved) -> tuple[str, ...]:
    if not solved.solver.integer.any():
        return ()
    part, gap = scenario.ladder, solved.solution.module_gap_frac
    return (
        f"halls start in whole modules of {part.module_it_mw:g} IT MW in the first {part.module_quarters} quarters; "
        f"no other choice of modules is worth more than {gap:.2%} more than this plan",
    )


def _idle_words(inputs: PlanInputs, outcome: PlanOutcome) -> tuple[str, ...]:
    """Halls that hold no silicon of the plan: empty ones, and those that others pay for."""
    weight, quarter = inputs.case.probability, inputs.case.quarter
    live = outcome.node_hall_live_it_mw.sum(axis=1)
    let = outcome.node_hall_sublet_it_mw.sum(axis=1)
    draw_mw = ((outcome.node_silicon_live @ inputs.case.chips.it_kw) / 1e3).sum(axis=1)
    whole = max(float(weight @ live), 1e-12)
    empty = float(weight @ np.clip(live - let - draw_mw, 0, None)) / whole
    words = []
    if empty >= LEAST_IDLE_FRAC:
        words.append(f"{empty:.0%} of hall capacity in service stands empty on average over the tree")
    if float(weight @ let) / whole >= LEAST_IDLE_FRAC:
        by_quarter = np.bincount(quarter, weights=weight * let)
        most = int(by_quarter.argmax())
        words.append(
            f"{float(weight @ let) / whole:.0%} of hall capacity in service is let to others on average over the tree, "
            f"most in {inputs.quarters[most]}: {by_quarter[most]:,.0f} of "
            f"{float(np.bincount(quarter, weights=weight * live)[most]):,.0f} IT MW"
        )
    return tuple(words)
