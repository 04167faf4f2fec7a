"""The live HiGHS object: every returned status is read, nothing is printed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import highspy
import numpy as np
from scipy import sparse

from kiban.solve.blocks import Array, Ints
from kiban.solve.data import Problem
from kiban.solve.errors import ModelDataError, SolverError, SolverOptionError
from kiban.solve.solution import NO_RESIDUALS, Residuals, Status, measure

_STATUS: dict[Any, Status] = {
    highspy.HighsModelStatus.kOptimal: "optimal",
    highspy.HighsModelStatus.kInfeasible: "infeasible",
    highspy.HighsModelStatus.kUnbounded: "unbounded",
    highspy.HighsModelStatus.kTimeLimit: "time_limit",
    highspy.HighsModelStatus.kIterationLimit: "iteration_limit",
    highspy.HighsModelStatus.kSolutionLimit: "iteration_limit",
    highspy.HighsModelStatus.kInterrupt: "interrupted",
    highspy.HighsModelStatus.kMemoryLimit: "memory_limit",
}
_BY_COLUMNS = 1
_scheduler: dict[str, int] = {}  # threads that the solver's process-wide scheduler was last started with


@dataclass(frozen=True)
class SolveOptions:
    """How to solve.

    solver: "simplex" starts from the last basis, "ipm" does not, "choose" leaves it to HiGHS; "hipo" and "pdlp" need a
        build of HiGHS that has them.
    time_limit_s: wall seconds for this run, None for no limit.
    threads: None leaves it to HiGHS; a change restarts the scheduler of the whole process.
    crossover: whether an interior-point run ends on a vertex (with a basis for the next warm start).
    mip_gap_frac: relative gap at which a MILP counts as optimal.
    feasibility_tol: largest absolute violation of limits and dual signs that the solver accepts.
    extra: further HiGHS options by their own names; one that HiGHS refuses raises SolverOptionError.
    """

    solver: Literal["choose", "simplex", "ipm", "hipo", "pdlp"] = "choose"
    time_limit_s: float | None = None
    threads: int | None = None
    crossover: bool = True
    mip_gap_frac: float = 1e-4
    feasibility_tol: float = 1e-7
    extra: Mapping[str, bool | int | float | str] = field(default_factory=dict)

    def by_name(self) -> dict[str, bool | int | float | str]:
        """Return the options under the names of HiGHS, without the time limit."""
        return {
            "solver": self.solver,
            "threads": self.threads or 0,
            "run_crossover": "on" if self.crossover else "off",
            "mip_rel_gap": self.mip_gap_frac,
            "primal_feasibility_tolerance": self.feasibility_tol,
            "dual_feasibility_tolerance": self.feasibility_tol,
            **self.extra,
        }


@dataclass(frozen=True, eq=False)
class Run:
    """Raw outcome of one run, arrays over all columns or rows; None where the run has no such result."""

    status: Status
    objective: float
    residuals: Residuals
    seconds: float
    iterations: int
    warm: bool
    columns: Array | None
    activities: Array | None
    row_duals: Array | None
    column_duals: Array | None


@dataclass(frozen=True)
class Glance:
    """What a quick look at a run reads: column duals and row activities only where asked."""

    status: Status
    objective: float
    column_duals: Array
    activities: Array


class _Quiet(highspy.Highs):
    """HiGHS prints its banner while it registers callbacks, which is the first moment it can be silenced."""

    def enableCallbacks(self) -> None:
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()


class Handle:
    """One problem inside HiGHS, changed in place and solved again from where it stood."""

    def __init__(self, problem: Problem) -> None:
        """Pass the whole problem as arrays; raises ModelDataError if HiGHS has any remark on it."""
        self._highs = _Quiet()
        matrix = problem.matrix
        status = self._highs.passModel(
            problem.cost.size,
            problem.row_lower.size,
            matrix.nnz,
            _BY_COLUMNS,
            int(highspy.ObjSense.kMaximize if problem.maximise else highspy.ObjSense.kMinimize),
            0.0,
            problem.cost,
            problem.lower,
            problem.upper,
            problem.row_lower,
            problem.row_upper,
            matrix.indptr.astype(np.int32),
            matrix.indices.astype(np.int32),
            matrix.data,
            problem.integer.astype(np.int32),
        )
        if status != highspy.HighsStatus.kOk:
            raise ModelDataError(f"the solver did not accept the model as given ({status.name})")

    @property
    def has_basis(self) -> bool:
        """Whether the next simplex run can start warm."""
        return bool(self._highs.getBasis().valid)

    @property
    def basis(self) -> Any:
        """The basis of the last run as HiGHS holds it, or None if it left none."""
        return self._highs.getBasis() if self.has_basis else None

    def start_from(self, basis: Any) -> None:
        """Begin the next simplex run at a basis that this object gave."""
        self._ok(self._highs.setBasis(basis), "a basis to start from")

    def change_cost(self, columns: Ints, cost: Array) -> None:
        """Change the costs of columns in place (ascending numbers)."""
        self._ok(self._highs.changeColsCost(columns.size, columns.astype(np.int32), cost), "new costs")

    def change_column_bounds(self, columns: Ints, lower: Array, upper: Array) -> None:
        """Change the bounds of columns in place (ascending numbers)."""
        ids = columns.astype(np.int32)
        self._ok(self._highs.changeColsBounds(ids.size, ids, lower, upper), "new column bounds")

    def change_row_bounds(self, rows: Ints, lower: Array, upper: Array) -> None:
        """Change the limits of rows in place (ascending numbers)."""
        ids = rows.astype(np.int32)
        # The type stubs of highspy forget this method.
        self._ok(self._highs.changeRowsBounds(ids.size, ids, lower, upper), "new row bounds")  # type: ignore[attr-defined]

    def add_rows(self, lower: Array, upper: Array, matrix: sparse.csc_array) -> None:
        """Add rows below the others; the basis stays and the new rows enter it with their slacks."""
        by_row = matrix.tocsr()
        starts, columns = by_row.indptr[:-1].astype(np.int32), by_row.indices.astype(np.int32)
        self._ok(self._highs.addRows(lower.size, lower, upper, by_row.nnz, starts, columns, by_row.data), "new rows")

    def run(self, problem: Problem, options: SolveOptions) -> Run:
        """Solve; the problem must be the one passed, with the same changes made to it."""
        began = time.perf_counter()
        is_milp = bool(problem.integer.any())
        self._set(options, is_milp)
        warm = self.has_basis and options.solver in {"simplex", "choose"} and not is_milp
        self._run()
        status = self._status(problem)
        info = self._highs.getInfo()
        counts = (info.simplex_iteration_count, info.ipm_iteration_count, info.crossover_iteration_count)
        iterations = sum(max(0, n) for n in (*counts, info.pdlp_iteration_count))
        seconds = time.perf_counter() - began
        # An unbounded run also ends on a feasible point, but its objective means nothing.
        if info.primal_solution_status != highspy.kSolutionStatusFeasible or status in {"infeasible", "unbounded"}:
            return Run(status, np.nan, NO_RESIDUALS, seconds, iterations, warm, None, None, None, None)
        found = self._highs.getSolution()
        x = np.array(found.col_value)
        y = np.array(found.row_dual) if found.dual_valid and not is_milp else None
        z = None if y is None else np.array(found.col_dual)
        residuals = measure(problem, x, y)
        if is_milp:
            residuals = Residuals(residuals.primal_frac, np.nan, float(info.mip_gap))
        objective = float(info.objective_function_value)
        return Run(status, objective, residuals, seconds, iterations, warm, x, np.array(found.row_value), y, z)

    def glance(self, options: SolveOptions, columns: Ints, rows: Ints) -> Glance:
        """Solve a linear programme and read only what is asked, for runs by the dozen; no residuals are measured."""
        self._set(options, is_milp=False)
        self._run()
        status = _STATUS.get(self._highs.getModelStatus(), "unknown")
        if status != "optimal":
            return Glance(status, np.nan, np.empty(0), np.empty(0))
        found = self._highs.getSolution()
        objective = float(self._highs.getInfo().objective_function_value)
        return Glance(status, objective, np.array(found.col_dual)[columns], np.array(found.row_value)[rows])

    @property
    def values(self) -> Array:
        """Values of all columns where the last run ended."""
        return np.array(self._highs.getSolution().col_value)

    def dual_ray(self) -> Array | None:
        """Weights of the rows that prove the last run infeasible, (rows,); None where the solver kept none."""
        # The type stubs of highspy forget this method.
        _, has_ray, ray = self._highs.getDualRay()  # type: ignore[attr-defined]
        return np.array(ray) if has_ray else None

    def _set(self, options: SolveOptions, is_milp: bool) -> None:
        if self._highs.resetOptions() != highspy.HighsStatus.kOk:
            raise SolverOptionError("the solver could not go back to its default options")
        wanted = {"output_flag": False, **options.by_name()}
        if options.time_limit_s is not None:
            # HiGHS counts all LP runs of one object against its limit, but each MILP run from zero.
            used_s = 0.0 if is_milp else self._highs.getRunTime()
            wanted["time_limit"] = used_s + float(options.time_limit_s)
        for name, value in wanted.items():
            if self._highs.setOptionValue(name, value) != highspy.HighsStatus.kOk:
                raise SolverOptionError(f"this build of HiGHS ({self._highs.version()}) refuses {name} = {value!r}")
        if options.threads is not None and _scheduler.get("threads") != options.threads:
            highspy.Highs.resetGlobalScheduler(True)
            _scheduler["threads"] = options.threads

    def _run(self) -> None:
        if self._highs.run() == highspy.HighsStatus.kError:
            status = self._highs.modelStatusToString(self._highs.getModelStatus())
            raise SolverError(f"the solver failed; its last word was '{status}'")

    def _status(self, problem: Problem) -> Status:
        status = self._highs.getModelStatus()
        if status != highspy.HighsModelStatus.kUnboundedOrInfeasible:
            return _STATUS.get(status, "unknown")
        # The same limits without an objective cannot be unbounded, so this run tells the two apart.
        every = np.arange(problem.cost.size)
        self.change_cost(every, np.zeros(every.size))
        self._run()
        feasible = _STATUS.get(self._highs.getModelStatus(), "unknown")
        self.change_cost(every, problem.cost)
        return "unbounded" if feasible == "optimal" else feasible

    @staticmethod
    def _ok(status: Any, what: str) -> None:
        if status != highspy.HighsStatus.kOk:
            raise SolverError(f"the solver did not accept {what} ({status.name})")
