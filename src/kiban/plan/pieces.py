"""A plan whose tree is too large for one solve: the tree cut at a branching, each subtree a piece of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.plan.case import PlanCase
from kiban.plan.lp import Solution, Solver
from kiban.plan.model import check_case
from kiban.plan.outcome import read_outcome
from kiban.plan.program import Program, build_program
from kiban.plan.rows import Part
from kiban.results import PlanOutcome
from kiban.solve import SHARED, Farm, SolverError, solve_in_pieces, split

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class PiecedPlan:
    """A plan and the bounds between which the best plan lies.

    lower_usd: expected net present value of this plan; upper_usd: no plan is worth more; gap_frac: their relative
    distance; rounds of the decomposition; bounds_usd (rounds, 2): lower and upper after each; broken: largest breach
    of a limit, in the scale of its block; branch_quarter at which the tree was cut; pieces: number of subtrees.
    """

    program: Program
    solution: Solution
    chosen: PlanOutcome
    lower_usd: float
    upper_usd: float
    gap_frac: float
    rounds: int
    bounds_usd: Array
    broken: float
    branch_quarter: int
    pieces: int


def solve_plan_in_pieces(
    case: PlanCase,
    farm: Farm | None = None,
    branch_quarter: int | None = None,
    gap_frac: float = 1e-3,
    upper: Array | None = None,
) -> PiecedPlan:
    """Solve a plan by its subtrees, to a relative gap.

    Args: case; farm, where the subtrees are solved (default: here, one after the other; left open); branch_quarter,
    at which to cut (default: see ``best_cut``); gap_frac; upper, bounds of the columns in real units for a strategy
    that closes some (default: those of the programme). Result: plan and bounds; it has no duals.
    Errors: Infeasible with the limit that is broken, SolverError if the solver stops early or the tree has no
    branching.
    """
    check_case(case)
    cut = best_cut(case) if branch_quarter is None else branch_quarter
    part = subtree_of(case, cut)
    solver = Solver(build_program(case))
    program = solver.program
    closed = program.upper if upper is None else upper
    solver.model.set_column_bounds(np.arange(solver.model.n_columns), upper=closed / solver.column_unit)
    blocks = program.rows
    whole = split(
        solver.model.problem(),
        part[_node_of(blocks.column_blocks, case.n_nodes)],
        part[_node_of(blocks.row_blocks, case.n_nodes)],
    )
    unit = program.usd_unit
    found = solve_in_pieces(whole, farm, gap_frac, constant=program.constant / unit)
    solution = Solution(
        status="optimal",
        x=np.clip(found.columns, 0, None) * solver.column_unit,
        row_usd=np.full(program.rows.count, np.nan),
        column_usd=np.full(program.rows.columns, np.nan),
        seconds=found.steps[-1].seconds,
        residual=found.broken,
        gap_frac=found.gap_frac,
    )
    bounds = np.array([[step.lower, step.upper] for step in found.steps]) * unit + program.constant
    return PiecedPlan(
        program=program,
        solution=solution,
        chosen=read_outcome("plan", program, solution),
        lower_usd=found.lower * unit + program.constant,
        upper_usd=found.upper * unit + program.constant,
        gap_frac=found.gap_frac,
        rounds=len(found.steps),
        bounds_usd=bounds,
        broken=found.broken,
        branch_quarter=cut,
        pieces=len(whole.pieces),
    )


def branchings(case: PlanCase) -> IntArray:
    """Quarters whose nodes have brothers: the first quarter of each branching of the tree."""
    width = np.bincount(case.quarter)
    return np.flatnonzero(np.diff(width, prepend=1) > 0)


def best_cut(case: PlanCase) -> int:
    """Branching at which the shared part and the largest subtree are both small: the least of the larger of the two."""
    found = branchings(case)
    if not found.size:
        raise SolverError("a tree of one future has no branching to cut at; solve it whole")

    def largest(quarter: int) -> int:
        part = subtree_of(case, int(quarter))
        return int(np.bincount(part + 1).max())

    return int(min(found, key=largest))


def subtree_of(case: PlanCase, branch_quarter: int) -> IntArray:
    """(N,) number of the subtree, rooted in the branch quarter, that each node belongs to; SHARED before it."""
    if not 1 <= branch_quarter < case.n_quarters:
        raise SolverError(f"branch_quarter {branch_quarter} is not one of 1..{case.n_quarters - 1}")
    node = np.arange(case.n_nodes)
    root = case.ancestor[node, np.maximum(case.quarter - branch_quarter, 0)]
    first = int(np.searchsorted(case.quarter, branch_quarter))
    return np.where(case.quarter >= branch_quarter, root - first, SHARED)


def _node_of(blocks: list[Part], n_nodes: int) -> IntArray:
    """Node of each column or row: a block lies node by node, or belongs to no node and so to the root."""
    nodes = []
    for block in blocks:
        each, rest = divmod(len(block.scale), n_nodes)
        nodes.append(np.zeros(len(block.scale), np.int64) if rest else np.repeat(np.arange(n_nodes), each))
    return np.concatenate(nodes)
