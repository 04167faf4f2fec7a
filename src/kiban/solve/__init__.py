"""Named sparse LP and MILP blocks on HiGHS: status, duals, and infeasibility in words."""

from kiban.solve.blocks import Block, Card
from kiban.solve.conflicts import explain_infeasibility, require_optimal
from kiban.solve.data import Problem
from kiban.solve.errors import Conflict, Infeasible, ModelDataError, SolveError, SolverError, SolverOptionError
from kiban.solve.farm import DaskFarm, Farm, ProcessFarm, SerialFarm
from kiban.solve.handle import SolveOptions
from kiban.solve.held import Held
from kiban.solve.lshaped import Bounded, Step, solve_in_pieces
from kiban.solve.model import Basis, Model
from kiban.solve.settle import Settled, settle
from kiban.solve.solution import Residuals, Solution, Status
from kiban.solve.split import SHARED, Piece, Split, split

__all__ = [
    "SHARED",
    "Basis",
    "Block",
    "Bounded",
    "Card",
    "Conflict",
    "DaskFarm",
    "Farm",
    "Held",
    "Infeasible",
    "Model",
    "ModelDataError",
    "Piece",
    "Problem",
    "ProcessFarm",
    "Residuals",
    "SerialFarm",
    "Settled",
    "Solution",
    "SolveError",
    "SolveOptions",
    "SolverError",
    "SolverOptionError",
    "Split",
    "Status",
    "Step",
    "explain_infeasibility",
    "require_optimal",
    "settle",
    "solve_in_pieces",
    "split",
]
