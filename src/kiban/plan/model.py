"""The plan model: one programme, the plan, and the pure strategies beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kiban.plan.baselines import BASELINES, upper_bounds
from kiban.plan.case import PlanCase
from kiban.plan.lp import Solution, Solver
from kiban.plan.outcome import read_outcome
from kiban.plan.program import build_program
from kiban.results import PlanOutcome, Rung
from kiban.solve import Conflict, Infeasible

NEAREST_FIRST = ("wait_two_years", "all_leased", "all_owned", "all_cloud")
"""Order in which warm starts from one strategy to the next were fastest when measured."""


@dataclass(frozen=True)
class Solved:
    """The plan with its solver, ready for further questions, and its solution."""

    solver: Solver
    solution: Solution
    chosen: PlanOutcome


def check_case(case: PlanCase) -> None:
    """Refuse commitments that break the budget, with the numbers; raises Infeasible.

    Everything else is feasible: work may go unserved, halls may stand empty, silicon may be retired.
    """
    bill = np.zeros(case.n_quarters)
    for ordered in case.committed_silicon:
        if 0 <= ordered.quarter < case.n_quarters:
            bill[ordered.quarter] += case.pools.price_usd[ordered.pool] * ordered.accelerators
    over = np.cumsum(bill) - case.limits.budget_usd
    if over.max() > 0:
        at = int(np.argmax(over > 0))
        owed, budget = float(np.cumsum(bill)[at]), float(case.limits.budget_usd[at])
        raise Infeasible(
            "plan",
            [
                Conflict(
                    block="budget",
                    index=(),
                    place="scenario.ladder.budget_usd",
                    sentence="Accelerators already ordered are paid on delivery from the budget",
                    unit="bn USD",
                    side="at most",
                    needed=owed / 1e9,
                    limit=budget / 1e9,
                    severity=owed / max(budget, 1.0) - 1,
                    against=("committed",),
                    against_words=("accelerators in `committed` of the sites",),
                )
            ],
        )


def solve_plan(case: PlanCase) -> Solved:
    """Build and solve the plan.

    Errors: Infeasible with the limit that is broken, SolverError if the solver stops early.
    """
    check_case(case)
    solver = Solver(build_program(case))
    solution = solver.solve(solver.program.upper)
    return Solved(solver, solution, read_outcome("plan", solver.program, solution))


def solve_baselines(solver: Solver, rungs: tuple[Rung, ...]) -> tuple[PlanOutcome, ...]:
    """Solve the pure strategies with the solver of the plan, nearest to the plan first.

    Args: solver; rungs, whose kinds say what a strategy closes. Result: one outcome for each name of BASELINES, in
    that order.
    """
    found = {}
    for name in NEAREST_FIRST:
        solution = solver.solve(upper_bounds(solver.program, rungs, name))
        found[name] = read_outcome(name, solver.program, solution)
    return tuple(found[name] for name in BASELINES)
