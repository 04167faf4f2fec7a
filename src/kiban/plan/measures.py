"""The measures of a plan, asked of its solver and put into one result with its sentences."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kiban.plan.case import PlanCase
from kiban.plan.flexibility import BlockPlan, HallOption, block_plan, option_expiry
from kiban.plan.futures_of import trunk_quarters
from kiban.plan.inputs import PlanInputs
from kiban.plan.leaf_money import outcome_leaf_npv_usd
from kiban.plan.lp import starting_here
from kiban.plan.measure_words import measure_sentences
from kiban.plan.restricted import MeanPlan, mean_plan, now_or_never_bounds, wait_and_see_usd
from kiban.plan.tail import TailPoint, TailSolver, frontier_weights
from kiban.results import FrontierPoint, LeastRegret, OptionWorth, PlanMeasures, PlanOutcome, Trace
from kiban.uncertainty import cvar, regret

Array = NDArray[np.float64]

How = Literal["none", "quick", "full"]
LONGEST_TRUNK_QUARTERS = 4
"""With a single future, "the first quarters" are these."""


@dataclass(frozen=True)
class Answers:
    """What the solver said, before it is set beside the pure strategies."""

    wait_and_see_usd: Array
    best: TailPoint
    mean: MeanPlan
    quarters: int
    now_or_never_usd: float
    frontier: tuple[tuple[float, TailPoint], ...]
    least_regret: TailPoint | None
    block: BlockPlan | None
    options: tuple[HallOption, ...]


def first_quarters(case: PlanCase) -> int:
    """Quarters before the futures part; four if they never do."""
    trunk = trunk_quarters(case)
    return trunk if trunk < case.n_quarters else LONGEST_TRUNK_QUARTERS


def ask(tail: TailSolver, how: How, frontier_count: int) -> Answers:
    """Ask everything that needs a solve; the solver is left aimed at the mean.

    Args: tail, holding the plan's solver; how, ``quick`` (histories alone, plan of the mean, late starts, frontier) or
    ``full`` (also least regret, one block, options); frontier_count, 0 for none. Every question but those about single
    histories starts from the vertex of the plan.
    """
    case = tail.tail.base.case
    alone = wait_and_see_usd(case)
    best = tail.solve(0.0)
    solver, quarters = tail.solver, first_quarters(case)
    with starting_here(solver):
        frontier = _frontier(tail, best, frontier_count)
    tail.aim(0.0)
    with starting_here(solver):
        mean = mean_plan(solver, quarters)
    with starting_here(solver):
        never = solver.value_usd(solver.solve(now_or_never_bounds(solver.program, quarters)))
    options: tuple[HallOption, ...] = ()
    block = least = None
    if how == "full":
        with starting_here(solver):
            options = option_expiry(solver, best.solution.x, best.expected_npv_usd)
        with starting_here(solver):
            block = block_plan(solver, best.solution.x)
        with starting_here(solver):
            least = tail.least_regret(alone)
        tail.aim(0.0)
    return Answers(alone, best, mean, quarters, never, frontier, least, block, options)


def _frontier(tail: TailSolver, best: TailPoint, count: int) -> tuple[tuple[float, TailPoint], ...]:
    return tuple((float(w), tail.solve(float(w)) if w > 0 else best) for w in frontier_weights(count))


def measure_plan(
    inputs: PlanInputs, answers: Answers, outcomes: tuple[PlanOutcome, ...], level_frac: float, weight_frac: float
) -> PlanMeasures:
    """Set the answers beside the plan and the pure strategies.

    Args: inputs; answers of ``ask``; outcomes, the plan first and then the baselines; level_frac and weight_frac of
    the plan's own objective.
    """
    case = inputs.case
    chance = case.probability[case.leaves]
    values = np.array([outcome_leaf_npv_usd(case, o) for o in outcomes])
    best = answers.best.expected_npv_usd
    waiting = next((best - o.expected_npv_usd for o in outcomes if o.name == "wait_two_years"), float("nan"))
    measures = PlanMeasures(
        leaf_wait_and_see_usd=answers.wait_and_see_usd,
        best_expected_usd=best,
        evpi_usd=float(chance @ answers.wait_and_see_usd) - best,
        mean_plan_promised_usd=answers.mean.promised_usd,
        mean_plan_worth_usd=answers.mean.worth_usd,
        vss_usd=best - answers.mean.worth_usd,
        fixed_quarters=answers.quarters,
        later_start_usd=best - answers.now_or_never_usd,
        waiting_two_years_usd=waiting,
        cvar_level_frac=level_frac,
        cvar_weight_frac=weight_frac,
        strategies=tuple(o.name for o in outcomes),
        strategy_leaf_npv_usd=values,
        strategy_cvar_usd=np.array([cvar(v, level_frac, chance) for v in values]),
        strategy_leaf_regret_usd=regret(values),
        strategy_leaf_hindsight_usd=answers.wait_and_see_usd - values,
        frontier=tuple(FrontierPoint(w, p.expected_npv_usd, p.cvar_npv_usd) for w, p in answers.frontier),
        least_regret=_least_regret(answers.least_regret),
        in_pieces_usd=best - answers.block.value_usd if answers.block else float("nan"),
        block_search_count=answers.block.solves if answers.block else 0,
        options=tuple(_option(inputs, option) for option in answers.options),
    )
    return replace(measures, sentences=measure_sentences(measures, inputs.quarters))


def measure_residuals(measures: PlanMeasures, slack_frac: float = 0.0) -> dict[str, float]:
    """How far the measures are from their order: wait-and-see >= plan >= plan of the mean, none below zero.

    Args: measures; slack_frac, share of value that each solve may be from its optimum.
    """
    never_negative = (measures.evpi_usd, measures.vss_usd, measures.later_start_usd, measures.in_pieces_usd)
    worst = max(0.0, *(-v for v in never_negative if np.isfinite(v)))
    hindsight = max(0.0, float(-measures.strategy_leaf_hindsight_usd.min()))
    size = max(abs(measures.best_expected_usd), float(np.abs(measures.leaf_wait_and_see_usd).max()), 1.0)
    return {"plan.measures_order": max(max(worst, hindsight) / size - slack_frac, 0.0)}


def measure_traces(measures: PlanMeasures) -> tuple[Trace, ...]:
    """How the three main measures follow from values of the plan and of its restricted forms."""
    horizon = ("plan.expected_npv_usd", "scenario.futures.probability", "scenario.futures.branch_quarters")
    return (
        Trace(
            "plan.evpi_usd", measures.evpi_usd, "USD",
            "chance x NPV of the best plan that knows the history, summed, less the largest expected NPV else",
            horizon,
        ),
        Trace(
            "plan.vss_usd", measures.vss_usd, "USD",
            "largest expected NPV less that of a plan whose first commitments are those for the mean path", horizon,
        ),
        Trace(
            "plan.tail_npv_usd", float(measures.strategy_cvar_usd[0]), "USD",
            "mean NPV of the worst 1 - level of the histories",
            ("scenario.plan.cvar_level_frac", "scenario.plan.cvar_weight_frac", *horizon),
        ),
    )  # fmt: skip


def _least_regret(point: TailPoint | None) -> LeastRegret | None:
    if point is None:
        return None
    return LeastRegret(point.largest_regret_usd, point.expected_npv_usd, point.cvar_npv_usd, point.leaf_npv_usd)


def _option(inputs: PlanInputs, option: HallOption) -> OptionWorth:
    rung = inputs.rungs[int(inputs.case.halls.rung[option.hall])].name
    last = inputs.quarters[option.last_quarter] if option.last_quarter >= 0 else ""
    return OptionWorth(rung, option.worth_usd, last)
