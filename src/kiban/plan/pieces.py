"""A plan whose tree is too large for one solve: the tree cut at a branching, each subtree a piece of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

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

UNKNOWN = -2
"""Part of a column or row whose block does not lie node by node, before the matrix tells."""


@dataclass(frozen=True)
class PiecedPlan:
    """A plan and the bounds between which the best plan lies.

    lower_usd: value of this plan, by the aim of the programme; upper_usd: no plan is worth more; gap_frac: their
    relative distance; bounds_usd (rounds, 2): lower and upper after each round; broken: largest breach of a limit, in
    the scale of its block; branch_quarter at which the tree was cut; pieces: number of subtrees. The solution has no
    duals.
    """

    program: Program
    solution: Solution
    lower_usd: float
    upper_usd: float
    gap_frac: float
    bounds_usd: Array
    broken: float
    branch_quarter: int
    pieces: int

    @property
    def rounds(self) -> int:
        """Rounds of the decomposition."""
        return len(self.bounds_usd)


def solve_plan_in_pieces(
    case: PlanCase, farm: Farm | None = None, branch_quarter: int | None = None, gap_frac: float = 1e-3
) -> tuple[PiecedPlan, PlanOutcome]:
    """Solve a plan by its subtrees, to a relative gap.

    Args: case; farm, where the subtrees are solved (default: here, one after the other; left open); branch_quarter,
    at which to cut (default: see ``best_cut``); gap_frac. Result: plan with bounds, and its outcome.
    Errors: Infeasible with the limit that is broken, SolverError if the solver stops early or the tree has no
    branching.
    """
    check_case(case)
    found = solve_program_in_pieces(build_program(case), farm, branch_quarter, gap_frac)
    return found, read_outcome("plan", found.program, found.solution)


def solve_program_in_pieces(
    program: Program,
    farm: Farm | None = None,
    branch_quarter: int | None = None,
    gap_frac: float = 1e-3,
    upper: Array | None = None,
) -> PiecedPlan:
    """Solve the programme of a plan by the subtrees of its tree, to a relative gap.

    Args: program, also one with blocks that do not lie node by node, if no row of theirs ties subtrees together;
    farm, branch_quarter, gap_frac as for ``solve_plan_in_pieces``; upper, bounds of the columns in real units for a
    strategy that closes some (default: those of the programme). Errors: as there, and ModelDataError if a row ties
    subtrees together.
    """
    cut = best_cut(program.case) if branch_quarter is None else branch_quarter
    part = subtree_of(program.case, cut)
    solver = Solver(program)
    if solver.integer.any():
        raise SolverError("whole modules have no duals to cut a plan by; solve it whole, or without modules")
    closed = program.upper if upper is None else upper
    solver.model.set_column_bounds(np.arange(solver.model.n_columns), upper=closed / solver.column_unit)
    solver.model.set_row_bounds(np.arange(solver.model.n_rows), upper=program.row_upper / solver.row_unit)
    problem, unit = solver.model.problem(), program.usd_unit
    whole = split(problem, *_parts(program, part, problem.matrix))
    found = solve_in_pieces(whole, farm, gap_frac, constant=program.constant / unit)
    solution = Solution(
        status="optimal",
        x=np.clip(found.columns, 0, None) * solver.column_unit,
        row_usd=np.full(program.rows.count, np.nan),
        column_usd=np.full(program.rows.columns, np.nan),
        seconds=found.steps[-1].seconds,
        residual=found.broken,
        gap_frac=found.gap_frac,
        module_gap_frac=0.0,
    )
    return PiecedPlan(
        program=program,
        solution=solution,
        lower_usd=found.lower * unit + program.constant,
        upper_usd=found.upper * unit + program.constant,
        gap_frac=found.gap_frac,
        bounds_usd=np.array([[step.lower, step.upper] for step in found.steps]) * unit + program.constant,
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


def _parts(program: Program, part: IntArray, matrix: sparse.csc_array) -> tuple[IntArray, IntArray]:
    """Part of each column and row, from the parts of the nodes.

    Blocks that do not lie node by node follow the matrix: a row belongs to the subtree whose columns it sees, a
    column to the subtree of the rows that see it, and to the shared part if there are none or several.
    """
    column = _by_node(program.rows.column_blocks, part)
    row = _by_node(program.rows.row_blocks, part)
    if (column == UNKNOWN).any() or (row == UNKNOWN).any():
        row = np.where(row == UNKNOWN, _only(matrix, column, len(row)), row)
        column = np.where(column == UNKNOWN, _only(matrix.T.tocsc(), row, len(column)), column)
    return column, row


def _by_node(blocks: list[Part], part: IntArray) -> IntArray:
    out = []
    for block in blocks:
        each, rest = divmod(len(block.scale), len(part))
        out.append(np.full(len(block.scale), UNKNOWN) if rest else np.repeat(part, each))
    return np.concatenate(out)


def _only(matrix: sparse.csc_array, part: IntArray, count: int) -> IntArray:
    """Part of each row of a matrix: that of its columns if they know only one beside the shared one, else SHARED."""
    place, column = matrix.tocoo().coords
    known = part[column] >= 0
    low, high = np.full(count, np.iinfo(np.int64).max), np.full(count, SHARED)
    np.minimum.at(low, place[known], part[column[known]])
    np.maximum.at(high, place[known], part[column[known]])
    return np.where(low == high, high, SHARED)
