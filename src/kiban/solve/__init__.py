"""Named sparse LP and MILP blocks on HiGHS: status, duals, and infeasibility in words."""

from kiban.solve.blocks import Block, Card
from kiban.solve.conflicts import explain_infeasibility, require_optimal
from kiban.solve.data import Problem
from kiban.solve.errors import Conflict, Infeasible, ModelDataError, SolveError, SolverError, SolverOptionError
from kiban.solve.handle import SolveOptions
from kiban.solve.model import Basis, Model
from kiban.solve.solution import Residuals, Solution, Status

__all__ = [
    "Basis",
    "Block",
    "Card",
    "Conflict",
    "Infeasible",
    "Model",
    "ModelDataError",
    "Problem",
    "Residuals",
    "Solution",
    "SolveError",
    "SolveOptions",
    "SolverError",
    "SolverOptionError",
    "Status",
    "explain_infeasibility",
    "require_optimal",
]
