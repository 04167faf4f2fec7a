"""What the plan would be worth to somebody who knows the future, who trusts the mean, or who must begin now."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kiban.plan.case import PlanCase
from kiban.plan.futures_of import leaf_case, mean_case
from kiban.plan.lp import Solver
from kiban.plan.money import sale_age
from kiban.plan.program import Program, build_program
from kiban.solve import Infeasible

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

COMMITMENTS = ("hall_start", "buy", "sign")
"""Columns that commit: starts and signatures of halls, orders of silicon, signatures of rented accelerators."""


def path_value_usd(case: PlanCase) -> float:
    """Value of the best plan of a case; made for paths, which are small."""
    solver = Solver(build_program(case))
    return solver.value_usd(solver.solve(solver.program.upper))


def wait_and_see_usd(case: PlanCase) -> Array:
    """(L,) what each history would be worth to somebody who knows it from the start.

    Weighted by chance it is the wait-and-see value; less the plan's value it is the expected value of perfect
    information (Birge and Louveaux, ch. 4). Raises Infeasible where a history cannot pay for what is ordered.
    """
    held = replace(case, fixed_sale_age=sale_age(case))
    return np.array([path_value_usd(leaf_case(held, leaf)) for leaf in range(len(case.leaves))])


@dataclass(frozen=True)
class MeanPlan:
    """The plan made for the mean of the futures, and what it is worth in all of them."""

    promised_usd: float
    """What the mean path seems to be worth."""
    worth_usd: float
    """Expected value with the first decisions of that plan; NaN if they break a limit in some future."""


def mean_plan(solver: Solver, quarters: int) -> MeanPlan:
    """Fix the commitments of the first quarters to those of the expected-value problem and solve the tree again.

    Args: solver of the plan; quarters, how many. What the plan is worth above it is the value of the stochastic
    solution of that stage (Escudero, Garin, Merino and Perez, The value of the stochastic solution in multistage
    problems, TOP 15, 2007). What is at work, and all later decisions, stay free.
    """
    case = solver.program.case
    program = build_program(mean_case(case))
    alone = Solver(program)
    found = alone.solve(program.upper)
    early = np.flatnonzero(case.quarter < quarters)
    numbers = np.concatenate([getattr(solver.program.columns, n)[early].ravel() for n in COMMITMENTS])
    values = np.concatenate([found.x[getattr(program.columns, n)[case.quarter[early]]].ravel() for n in COMMITMENTS])
    upper, lower = solver.program.upper.copy(), np.zeros(len(solver.program.upper))
    upper[numbers] = lower[numbers] = values
    try:
        worth = solver.value_usd(solver.solve(upper, lower=lower))
    except Infeasible:
        worth = float("nan")
    return MeanPlan(alone.value_usd(found), worth)


def now_or_never_bounds(program: Program, quarters: int) -> Array:
    """Upper bounds when a hall or a contract is taken in the first quarters or never.

    Cloud by the quarter and silicon for halls that stand stay open, so that only the right to begin later is lost.
    """
    case, columns, upper = program.case, program.columns, program.upper.copy()
    late = case.quarter >= quarters
    upper[columns.hall_start[late]] = 0.0
    upper[columns.sign[np.ix_(late, ~case.rents.is_cloud)]] = 0.0
    return upper
