"""The dispatch programme: columns and rows of a case, kept between solves."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiban.energy.dispatch.answer import Answer, read_answer
from kiban.energy.dispatch.builder import Builder
from kiban.energy.dispatch.coarse import coarsest
from kiban.energy.dispatch.columns import add_columns
from kiban.energy.dispatch.parts import Case, Clean
from kiban.energy.dispatch.rows import add_rows
from kiban.energy.dispatch.rules import RuleRows, add_rules
from kiban.energy.dispatch.words import explain
from kiban.energy.tariff_rows import add_tariff
from kiban.solve import Basis, Held, Solution, SolveOptions, settle

Array = NDArray[np.float64]

INTERIOR = SolveOptions(solver="ipm", crossover=False)
"""Slower on most cases, but its time does not run away; it leaves no basis, so the next solve starts cold."""
COLD = SolveOptions(solver="simplex")
"""Dual simplex beat interior point on the compact form in nearly every measurement, and ends on a basis."""

FEWEST_ITERATIONS = 20_000
"""Of the primal simplex before interior point is tried."""
ROOM_FRAC = 1e-3
"""Part of a reach by which a size may still move once it has settled."""
REACH_FRAC, REACH_H = 0.1, 4.0
"""A large move of a size, over the highest load; of the battery's energy, times these hours."""


def _sizes(case: Case) -> list[str]:
    """Names of the size columns that a case has."""
    names = [f"{s.name}_mw" for s in case.sources] + [f"{p.name}_mw" for p in case.plants]
    if case.battery is not None:
        names += ["battery_mw"] + (["battery_mwh"] if case.battery.hours is None else [])
    return names


class Programme:
    """One case as a linear programme that stays inside the solver; rules, limits and costs move in place.

    Per step t of length h with weight w. Wind and solar have no columns per step: their output is capacity x profile,
    and what is not used is the slack of a row, so that nothing is curtailed by a column of its own.

    site      inflow - outflow + own sources + plants + discharge - charge + cut + unserved >= load
    market    purchase + contracted + outflow - sold - inflow >= 0      (only where a contract delivers)
    no dump   the slack of site and market is at most the sources there (only where the price is below zero)
    state     state = (1 - s)^h state before + h (e_in charge - discharge / e_out), back to its start
    power     charge + discharge + reserve <= battery MW;   state + reserve <= usable share x battery MWh
    plant     run <= available x MW;   sum w run <= hours x MW;   run may rise or fall by a share of MW per hour
    cut       cut <= share of load;   it deepens by at most depth / notice per hour
    limit     inflow <= limit of the quarter;   inflow <= peak of the month or year, which is charged
    clean     see ``rules``

    Without contracts that deliver, purchase is the inflow and sold is the outflow: no market row.
    Minimise, over the weighted mean of the years: purchases + delivery - sales + strikes + fuel + wear + cuts + lost
    load + demand charges + annuities. Origin: capacity expansion with hourly dispatch as in PyPSA (Brown et al. 2018,
    doi 10.5334/jors.188), in compact form. Validity: perfect foresight, a price taker, no unit commitment.
    """

    def __init__(self, case: Case) -> None:
        """Build all columns and rows; raises ValueError with everything that is wrong with the case, one per line."""
        problems = case.problems()
        if problems:
            raise ValueError("\n".join(problems))
        self.case = case
        self._builder = Builder(case)
        self.model, self.names = self._builder.model, self._builder.names
        add_columns(self._builder)
        add_rows(self._builder)
        if case.grid is not None and case.grid.tariff is not None:
            add_tariff(self.model, self.names["inflow"], case.grid.tariff)
        self.rules: RuleRows = add_rules(self.model, case, self.names)

    def solve(self, clean: Clean | None = None, options: SolveOptions | None = None) -> Answer:
        """Solve under a rule for clean energy, warm if something was solved before.

        Errors: Infeasible, with the limits that clash in words of the site; SolverError where the solver stops early.
        """
        rule = clean or Clean()
        warm, began = self.model.warm, time.perf_counter()
        solution = self._optimise(rule, options)
        if solution.status != "optimal":
            raise explain(self.model, self.case, solution)
        return read_answer(self.case, self.names, self.rules, rule, solution, warm, time.perf_counter() - began)

    def _optimise(self, rule: Clean, options: SolveOptions | None) -> Solution:
        self.rules.set(self.model, self.case, rule)
        if self.model.warm or options is not None or not self._start(rule):
            return self.model.solve(options or COLD)
        limit = {"simplex_strategy": 4, "simplex_iteration_limit": max(self.case.axis.count, FEWEST_ITERATIONS)}
        found = self.model.solve(SolveOptions(solver="simplex", extra=limit))
        return self.model.solve(INTERIOR) if found.status == "iteration_limit" else found

    def _start(self, rule: Clean) -> bool:
        """Begin where sizes and prices of the rules settle, from those of a coarse case; whether there is such a place.

        With sizes held and rules priced, hours hang together by storage only.
        """
        rough = coarsest(self.case) if _sizes(self.case) else None
        if rough is None:
            return False
        ahead = Programme(rough)
        coarse = ahead._optimise(rule, COLD)
        if coarse.status != "optimal":
            return False
        basis = self._settled(coarse)
        if basis is not None:
            self.model.start_from(Basis(self.model.n_columns, self.model.n_rows, basis))
        return basis is not None

    def _settled(self, coarse: Solution) -> Any:
        """Basis where sizes and prices of the rules have settled; None if they do not."""
        problem = self.model.problem()
        rows = np.concatenate([b.index for b in self.rules.blocks()])
        prices = np.concatenate([-coarse.dual(b.name) for b in self.rules.blocks()])
        limited = np.isfinite(problem.row_upper[rows])
        sizes = [n for n in self.names if n in _sizes(self.case)]
        held = Held(problem, np.concatenate([self.names[n].index for n in sizes]), rows[limited])
        values = np.concatenate([coarse.value(n).ravel() for n in sizes])
        reach = REACH_FRAC * self.case.load_mw.max() * np.array([REACH_H if n == "battery_mwh" else 1.0 for n in sizes])
        if settle(held, values, prices[limited], reach) is None:
            return None
        return held.free(ROOM_FRAC * reach, max(self.case.axis.count, FEWEST_ITERATIONS))

    def set_import_limit(self, limit_mw: Array | float) -> None:
        """Move the limit of the connection: a number, or (Q,) by quarter."""
        self.model.set_column_bounds(self.names["inflow"], upper=self._builder.limit(limit_mw))

    def set_source_cost(self, name: str, usd_per_mw_year: float, usd_per_mwh: float = 0.0) -> None:
        """Move the price of a source."""
        source = next(s for s in self.case.sources if s.name == name)
        self.model.set_cost(self.names[f"{name}_mw"], self._builder.source_cost(source, usd_per_mw_year, usd_per_mwh))
