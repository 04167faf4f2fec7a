"""The plan model: one programme, the plan, and the pure strategies beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kiban.plan.baselines import BASELINES, upper_bounds
from kiban.plan.case import PlanCase
from kiban.plan.lp import Solution, Solver
from kiban.plan.outcome import read_outcome
from kiban.plan.program import Program, build_program
from kiban.plan.tail import TailSolver, base_solution, with_tail, with_weight
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
    tail: TailSolver | None = None
    """The same solver with the value of each history in its rows; None if nobody asked for them."""

    @property
    def base(self) -> Program:
        """The programme without the rows of the tail."""
        return self.tail.tail.base if self.tail else self.solver.program

    def read(self, name: str, solution: Solution) -> PlanOutcome:
        """A solution of the solver as an outcome, valued by its mean."""
        own = base_solution(self.tail.tail, solution) if self.tail else solution
        return read_outcome(name, self.base, own)


@dataclass(frozen=True)
class Caution:
    """What the plan minds beside the mean."""

    level_frac: float = 0.9
    weight_frac: float = 0.0


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


def solve_plan(case: PlanCase, caution: Caution | None = None) -> Solved:
    """Build and solve the plan.

    Args: case; caution, puts the value of each history into the rows (a fifth more work) and the tail into the aim
    with its weight; None leaves both out. Errors: Infeasible with the limit that is broken, SolverError if the solver
    stops early.
    """
    check_case(case)
    program = build_program(case)
    if caution is None:
        solver = Solver(program)
        solution = solver.solve(program.upper)
        return Solved(solver, solution, read_outcome("plan", program, solution))
    tail = with_weight(with_tail(program, caution.level_frac), caution.weight_frac)
    solver = Solver(tail.program)
    solution = solver.solve(tail.program.upper)
    chosen = read_outcome("plan", program, base_solution(tail, solution))
    return Solved(solver, solution, chosen, TailSolver(tail, solver))


def solve_baselines(solved: Solved, rungs: tuple[Rung, ...]) -> tuple[PlanOutcome, ...]:
    """Solve the pure strategies with the solver and the aim of the plan, nearest to the plan first.

    Args: solved plan; rungs, whose kinds say what a strategy closes. Result: one outcome for each name of BASELINES,
    in that order.
    """
    found = {}
    for name in NEAREST_FIRST:
        upper = solved.solver.program.upper.copy()
        own = upper_bounds(solved.base, rungs, name)
        upper[: len(own)] = own
        found[name] = solved.read(name, solved.solver.solve(upper))
    return tuple(found[name] for name in BASELINES)
