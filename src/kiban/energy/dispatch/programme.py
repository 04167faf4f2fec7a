"""The dispatch programme: columns and rows of a case, kept between solves."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kiban.energy.dispatch.answer import Answer, read_answer
from kiban.energy.dispatch.coarse import coarser
from kiban.energy.dispatch.parts import Case, Clean, DemandCharge, Plant, Source
from kiban.energy.dispatch.rules import RuleRows, add_rules
from kiban.energy.dispatch.words import explain
from kiban.energy.tariff_rows import add_tariff
from kiban.solve import Block, Model, Solution, SolveOptions

Array = NDArray[np.float64]
Terms = list[tuple[ArrayLike | None, Block | ArrayLike, ArrayLike]]

COLD = SolveOptions(solver="simplex")
"""Dual simplex beat interior point on the compact form in nearly every measurement, and ends on a basis."""


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
        self.model = Model("supply")
        self.names: dict[str, Block] = {}
        self.contracts = [s for s in case.sources if s.at == "grid"]
        self._grid_columns()
        self._site_columns()
        self._capacity_columns()
        self._balance_rows()
        self._storage_rows()
        self._plant_rows()
        self._flexible_rows()
        self._peak_rows()
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
        given = self.model.warm or options is not None or not _sizes(self.case)
        rough = None if given else coarser(self.case)
        if rough is not None:
            ahead = Programme(rough)._optimise(rule, None)
            if ahead.status == "optimal" and self._dispatch_at(ahead):
                self.rules.set(self.model, self.case, rule)
                return self._move_sizes()
        self.rules.set(self.model, self.case, rule)
        return self.model.solve(options or COLD)

    def _move_sizes(self) -> Solution:
        """Let sizes and rules move from a dispatch: the primal simplex for as many iterations as steps, else the
        dual."""
        basis = self.model.basis
        limit = {"simplex_strategy": 4, "simplex_iteration_limit": self.case.axis.count}
        found = self.model.solve(SolveOptions(solver="simplex", extra=limit))
        if found.status != "iteration_limit":
            return found
        self.model.start_from(basis)
        return self.model.solve(COLD)

    def _dispatch_at(self, ahead: Solution) -> bool:
        """Dispatch the sizes of a coarser solution, with its prices of the rules in place of the rules: a start.

        Without sizes and yearly rows to decide, hours hang together by storage only and the dual simplex is through
        in a fraction of a second; its basis keeps all limits but those of the rules, so it is where the primal
        simplex begins once sizes and rules are back. Result: whether those sizes can serve the load; if not, nothing
        is kept.
        """
        problem, model = self.model.problem(), self.model
        sizes = np.concatenate([b.index for n, b in self.names.items() if n in _sizes(self.case)])
        at = np.concatenate([ahead.value(n).ravel() for n in self.names if n in _sizes(self.case)])
        low, high, cost = problem.lower[sizes].copy(), problem.upper[sizes].copy(), problem.cost.copy()
        self.rules.set(model, self.case, Clean())
        prices = np.zeros(problem.row_lower.size)
        for block in self.rules.blocks():
            prices[block.index] = ahead.dual(block.name)
        every = np.arange(cost.size)
        model.set_cost(every, cost - problem.matrix.T @ prices)
        model.set_column_bounds(sizes, np.clip(at, low, high), np.clip(at, low, high))
        found = model.solve(COLD)
        model.set_column_bounds(sizes, low, high)
        model.set_cost(every, cost)
        if found.status != "optimal":
            model.start_from(None)
        return found.status == "optimal"

    def set_import_limit(self, limit_mw: Array | float) -> None:
        """Move the limit of the connection: a number, or (Q,) by quarter."""
        self.model.set_column_bounds(self.names["inflow"], upper=self._limit(limit_mw))

    def set_source_cost(self, name: str, usd_per_mw_year: float, usd_per_mwh: float = 0.0) -> None:
        """Move the price of a source."""
        source = next(s for s in self.case.sources if s.name == name)
        self.model.set_cost(self.names[f"{name}_mw"], self._source_cost(source, usd_per_mw_year, usd_per_mwh))

    def set_mw_bounds(self, name: str, mw_min: float, mw_max: float) -> None:
        """Move the least and the largest size of a source, a plant or the battery."""
        self.model.set_column_bounds(self.names[f"{name}_mw"], mw_min, mw_max)

    def _add(self, name: str, shape: int, sentence: str, cost: ArrayLike = 0.0, **more: object) -> Block:
        more.setdefault("unit", "MW")
        block = self.model.add_columns(name, shape, cost=cost, sentence=sentence, **more)  # type: ignore[arg-type]
        self.names[name] = block
        return block

    def _row(self, name: str, shape: int, terms: Terms, sentence: str, formula: str, **more: object) -> Block:
        more.setdefault("unit", "MW")
        block = self.model.add_rows(
            name,
            shape,
            terms=terms,
            sentence=sentence,
            formula=formula,
            **more,  # type: ignore[arg-type]
        )
        self.names[name] = block
        return block

    def _limit(self, limit_mw: Array | float) -> Array:
        axis = self.case.axis
        assert self.case.grid is not None
        given = np.asarray(limit_mw, dtype=np.float64)
        limit = np.array(given[axis.quarter] if given.ndim else np.full(axis.count, float(given)))
        if self.case.grid.down is not None:
            limit[self.case.grid.down] = 0.0
        return limit

    def _grid_columns(self) -> None:
        case, n = self.case, self.case.axis.count
        if case.grid is None:
            return
        g, w = case.grid, case.axis.cost_weight_h
        price, limit = w * g.price_usd_per_mwh, self._limit(g.import_limit_mw)
        through = w * g.adder_usd_per_mwh
        if self.contracts:
            self._add("purchase", n, "bought on the market", price)
            self._add("inflow", n, "what the connection brings", through, upper=limit, relaxable=True)
        else:
            self.names["purchase"] = self._add(
                "inflow", n, "what the connection brings", price + through, upper=limit, relaxable=True
            )
        earned = None if g.sale_usd_per_mwh is None else -w * g.sale_usd_per_mwh
        if self.contracts and earned is not None:
            self._add("sold", n, "surplus sold on", earned)
        if g.export_limit_mw > 0 and earned is not None:
            cost: ArrayLike = 0.0 if self.contracts else earned
            block = self._add("outflow", n, "what the site sends out", cost, upper=g.export_limit_mw)
            self.names.setdefault("sold", block)

    def _site_columns(self) -> None:
        case, axis, w = self.case, self.case.axis, self.case.axis.cost_weight_h
        n = axis.count
        for plant in case.plants:
            self._add(f"{plant.name}_run", n, f"output of {plant.name}", w * np.asarray(plant.usd_per_mwh))
        if case.battery is not None:
            self._add("charge", n, "into the battery")
            self._add("discharge", n, "out of the battery", w * case.battery.wear_usd_per_mwh)
            self._add("state", n, "battery content", lower=case.battery.reserve_mwh, unit="MWh")
        if case.flexible is not None:
            depth = case.flexible.frac * case.load_mw
            self._add("cut", n, "load cut with notice", w * case.flexible.usd_per_mwh, upper=depth)
        if case.unserved_usd_per_mwh is not None:
            self._add("unserved", n, "load not served", w * case.unserved_usd_per_mwh, upper=case.load_mw)

    def _source_cost(self, source: Source, usd_per_mw_year: float, usd_per_mwh: float) -> float:
        made = self.case.axis.cost_weight_h * source.profile_frac
        cost = usd_per_mw_year + usd_per_mwh * float(made.sum())
        if source.at == "virtual" and self.case.grid is not None:
            cost -= float(made @ self.case.grid.price_usd_per_mwh)
        return cost

    def _capacity_columns(self) -> None:
        parts: list[Source | Plant] = [*self.case.sources, *self.case.plants]
        for part in parts:
            cost = part.usd_per_mw_year
            if isinstance(part, Source):
                cost = self._source_cost(part, part.usd_per_mw_year, part.usd_per_mwh)
            self._add(
                f"{part.name}_mw", 1, f"size of {part.name}", cost,
                lower=part.mw_min, upper=part.mw_max, relaxable=bool(np.isfinite(part.mw_max)),
            )  # fmt: skip
        battery = self.case.battery
        if battery is not None:
            cost = battery.usd_per_mw_year + (battery.hours or 0.0) * battery.usd_per_mwh_year
            self._add("battery_mw", 1, "battery power", cost, lower=battery.mw_min, upper=battery.mw_max)
            if battery.hours is None:
                self._add(
                    "battery_mwh", 1, "battery energy", battery.usd_per_mwh_year, upper=battery.mwh_max, unit="MWh"
                )

    def _output(self, sources: list[Source]) -> Terms:
        return [(None, self.names[f"{s.name}_mw"], s.profile_frac) for s in sources]

    def _flows(self, signs: dict[str, float]) -> Terms:
        return [(None, self.names[k], v) for k, v in signs.items() if k in self.names]

    def _balance_rows(self) -> None:
        case, n = self.case, self.case.axis.count
        own = [s for s in case.sources if s.at == "site"]
        signs = {"inflow": 1.0, "outflow": -1.0, "discharge": 1.0, "charge": -1.0, "cut": 1.0, "unserved": 1.0}
        signs |= {f"{p.name}_run": 1.0 for p in case.plants}
        site = self._flows(signs)
        words = "supply covers the load in every hour"
        self._row("site", n, [*site, *self._output(own)], words, "inflow + on site = load", lower=case.load_mw)
        if case.grid is None:
            return
        market = self._flows({"purchase": 1.0, "outflow": 1.0, "sold": -1.0, "inflow": -1.0})
        if self.contracts:
            words = "what comes through the connection is bought or contracted"
            self._row(
                "market",
                n,
                [*market, *self._output(self.contracts)],
                words,
                "purchase + contracted >= inflow",
                lower=0.0,
            )
        paid = np.flatnonzero(case.grid.price_usd_per_mwh < 0)
        if paid.size:
            words = "only own output is thrown away, not energy one is paid to take"
            for name, terms, top in (("site", site, case.load_mw[paid]), ("market", market, np.zeros(paid.size))):
                if name == "site" or self.contracts:
                    some: Terms = [
                        (None, np.asarray(b.index if isinstance(b, Block) else b)[paid], v) for _, b, v in terms
                    ]
                    self._row(f"{name}_dump", paid.size, some, words, "slack <= own output", upper=top)

    def _storage_rows(self) -> None:
        battery, axis, names = self.case.battery, self.case.axis, self.names
        if battery is None:
            return
        n, h = axis.count, axis.step_h
        kept = (1 - battery.self_discharge_frac_per_h) ** h
        self._row(
            "state_balance", n,
            [(None, names["state"], 1.0), (None, names["state"][axis.previous], -kept),
             (None, names["charge"], -h * battery.charge_frac), (None, names["discharge"], h / battery.discharge_frac)],
            "the battery keeps what it is given and ends where it began", "state = state before + in - out",
            lower=0.0, upper=0.0, unit="MWh",
        )  # fmt: skip
        self._row(
            "battery_power", n,
            [(None, names["charge"], 1.0), (None, names["discharge"], 1.0), (None, names["battery_mw"], -1.0)],
            "the battery stays within its power", "charge + discharge + reserve <= MW", upper=-battery.reserve_mw,
        )  # fmt: skip
        size, factor = ("battery_mwh", 1.0) if battery.hours is None else ("battery_mw", battery.hours)
        self._row(
            "battery_energy", n,
            [(None, names["state"], 1.0), (None, names[size], -factor * battery.usable_frac)],
            "the battery stays within its energy", "state + reserve <= usable MWh",
            upper=-battery.reserve_mwh, unit="MWh",
        )  # fmt: skip

    def _plant_rows(self) -> None:
        axis = self.case.axis
        for plant in self.case.plants:
            run, size = self.names[f"{plant.name}_run"], self.names[f"{plant.name}_mw"]
            free = np.broadcast_to(np.asarray(plant.available_frac, dtype=np.float64), (axis.count,))
            self._row(
                f"{plant.name}_power", axis.count, [(None, run, 1.0), (None, size, -free)],
                f"{plant.name} stays within its rating", "run <= available x MW", upper=0.0,
            )  # fmt: skip
            if np.isfinite(plant.hours_max_per_year):
                self._row(
                    f"{plant.name}_hours", axis.years,
                    [(axis.year, run, axis.weight_h), (np.arange(axis.years), size, -plant.hours_max_per_year)],
                    f"{plant.name} runs no more hours than allowed", "sum run <= hours x MW", upper=0.0, unit="MWh",
                )  # fmt: skip
            if np.isfinite(plant.ramp_frac_per_h):
                step = plant.ramp_frac_per_h * axis.step_h
                for name, sign in (("up", 1.0), ("down", -1.0)):
                    self._row(
                        f"{plant.name}_ramp_{name}", axis.count,
                        [(None, run, sign), (None, run.index[axis.previous], -sign), (None, size, -step)],
                        f"{plant.name} changes no faster than it can", "change <= ramp x MW", upper=0.0,
                    )  # fmt: skip

    def _flexible_rows(self) -> None:
        flexible, axis = self.case.flexible, self.case.axis
        if flexible is None:
            return
        cut = self.names["cut"]
        if np.isfinite(flexible.hours_max_per_year):
            year_load = np.bincount(axis.year, axis.weight_h * self.case.load_mw, axis.years)
            mean = year_load / np.bincount(axis.year, axis.weight_h, axis.years)
            self._row(
                "cut_hours", axis.years, [(axis.year, cut, axis.weight_h)], "cuts stay within their hours",
                "sum cut <= hours x depth", upper=flexible.hours_max_per_year * flexible.frac * mean, unit="MWh",
            )  # fmt: skip
        if flexible.notice_h > axis.step_h:
            self._row(
                "cut_notice", axis.count, [(None, cut, 1.0), (None, cut.index[axis.previous], -1.0)],
                "a cut deepens no faster than notice allows", "rise of cut <= depth / notice",
                upper=flexible.frac * self.case.load_mw * axis.step_h / flexible.notice_h,
            )  # fmt: skip

    def _peak_rows(self) -> None:
        grid = self.case.grid
        for charge in () if grid is None else grid.charges:
            self._one_charge(charge)

    def _one_charge(self, charge: DemandCharge) -> None:
        axis = self.case.axis
        span = axis.month if charge.each == "month" else axis.year
        count = int(span.max()) + 1
        year = np.arange(count) // (12 if charge.each == "month" else 1)
        peak = self._add(
            f"{charge.name}_peak",
            count,
            f"largest import of the {charge.each}",
            charge.usd_per_mw * axis.year_weight[year],
        )
        steps = np.arange(axis.count) if charge.active is None else np.flatnonzero(charge.active)
        self._row(
            f"{charge.name}_rows", steps.size,
            [(None, self.names["inflow"][steps], 1.0), (None, peak[span[steps]], -1.0)],
            "the peak is the largest import", "inflow <= peak", upper=0.0,
        )  # fmt: skip
