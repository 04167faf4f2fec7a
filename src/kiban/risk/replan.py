"""Which inputs, moved alone, would change what is signed today: the plan is solved again for each question."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from kiban.catalog import Catalog
from kiban.plan.actions import trunk
from kiban.plan.inputs import PlanInputs
from kiban.plan.lp import Solver
from kiban.plan.model import check_case, solve_baselines, solve_plan
from kiban.plan.program import build_program
from kiban.results import Flip, Study, Trace
from kiban.risk.bisect import turning_point
from kiban.risk.decisions import (
    Decision,
    Least,
    decision_of,
    decision_of_outcome,
    hall_change,
    least_of,
    silicon_change,
)
from kiban.risk.moves import Move, moves
from kiban.risk.worlds import World, coarse_world, inputs_of
from kiban.scenario import Scenario
from kiban.solve import Basis, Infeasible
from kiban.units.numbers import significant

ON_THE_CARD = 3
"""Flips that the card shows; if fewer lie inside their ranges, those outside are looked for too."""
WIDER = 2.0
"""How many times the way to the end of the range is searched then."""
TOLERANCE_FRAC = 0.04
"""A flip lies at most this share of its distance from the base nearer to the base than it is said to."""
BASE = ("", 0.0)
IMPOSSIBLE = "what is signed already would break the budget"


@dataclass
class Replanner:
    """Solves the plan of one world after another, each from the vertex of the nearest one before."""

    bases: dict[tuple[str, float], tuple[tuple[int, int], Basis | None]] = field(default_factory=dict)
    """By input and value: the shape of the programme and its vertex."""

    def decide(
        self, world: World, move: Move | None = None, value: float = 0.0, start: float | None = None
    ) -> Decision | None:
        """Solve one world; None if what is committed breaks its limits.

        Args: move, the input that the world has at this value; start, the value of the same input whose vertex is the
        first guess, the base if None.
        """
        name, primal = (move.name, move.only_prices) if move else ("", False)
        inputs = inputs_of(world)
        try:
            solver = self._solver(inputs, (name, start) if start is not None else BASE)
            solution = solver.solve(solver.program.upper, primal=primal)
        except Infeasible:
            return None
        self.bases[name, value] = (_shape(solver), solver.basis())
        return decision_of(solver.program, inputs.rungs, solution, trunk(inputs))

    def best_pure(self, world: World) -> str:
        """Name of the pure strategy that is worth most in a world."""
        inputs = inputs_of(world)
        found = solve_baselines(solve_plan(inputs.case), inputs.rungs)
        return max(found, key=lambda o: o.expected_npv_usd).name

    def _solver(self, inputs: PlanInputs, near: tuple[str, float]) -> Solver:
        check_case(inputs.case)
        solver = Solver(build_program(inputs.case))
        shape, vertex = self.bases.get(near, ((0, 0), None))
        # A chance or a demand of nothing takes nodes or columns out: then the old vertex says nothing.
        solver.start_from(vertex if shape == _shape(solver) else None)
        return solver


def _shape(solver: Solver) -> tuple[int, int]:
    return solver.model.n_columns, solver.model.n_rows


@dataclass(frozen=True)
class Replanned:
    """What the search found."""

    flips: tuple[Flip, ...]
    """Nearest first, then the inputs without one."""
    base: Decision
    nodes: int
    warnings: tuple[str, ...]


def flips_of(
    scenario: Scenario, catalog: Catalog, study: Study, tolerance_frac: float = TOLERANCE_FRAC
) -> Replanned | None:
    """Find, for each input alone, the value nearest to its base at which today's decision is another one.

    Args: catalog with the scenario's overrides; tolerance_frac, precision of a flip as a share of its distance. The
    decision is what the first quarter signs in halls (or, where no hall can be signed, what it orders and rents). The
    plan is solved again on a coarse tree of the same scenario.
    Result: None if the base cannot be planned. Deterministic: the same inputs are asked in the same order.
    """
    world = coarse_world(scenario, catalog, study)
    inputs = inputs_of(world)
    planner, least = Replanner(), least_of(inputs.case)
    base = planner.decide(world)
    if base is None:
        return None
    halls = bool(inputs.case.halls.open.any())
    change = _hall_rule(base, least) if halls else _silicon_rule(base, least)
    listed = moves(scenario, catalog, study, base.kind or _planned_kind(study))
    found = [search(planner, world, move, change, 1.0, tolerance_frac) for move in listed]
    if sum(f is not None for f in found) < ON_THE_CARD:
        found = [
            flip or search(planner, world, move, change, WIDER, tolerance_frac)
            for flip, move in zip(found, listed, strict=True)
        ]
    order = sorted(range(len(listed)), key=lambda i: _distance(found[i]))
    flips = []
    for rank, i in enumerate(order):
        move, flip = listed[i], found[i]
        pure = ""
        if flip is not None and rank < ON_THE_CARD and flip.becomes != IMPOSSIBLE:
            pure = planner.best_pure(move.apply(world, flip.value))
        flips.append(_flip(move, flip, pure))
    full = change(decision_of_outcome(study.plan.chosen, study.plan.rungs, trunk(inputs)))
    return Replanned(tuple(flips), base, inputs.case.n_nodes, _warnings(full, inputs.case.n_nodes))


Change = Callable[[Decision | None], str]


def _hall_rule(base: Decision, least: Least) -> Change:
    return lambda now: IMPOSSIBLE if now is None else hall_change(base, now, least)


def _silicon_rule(base: Decision, least: Least) -> Change:
    return lambda now: IMPOSSIBLE if now is None else silicon_change(base, now, least)


def _planned_kind(study: Study) -> str:
    """Kind of hall rung that the plan starts most of over the tree, empty if none."""
    total: dict[str, float] = {}
    weighted = study.demand.tree.node_probability @ study.plan.chosen.node_hall_start_it_mw
    for rung, mw in zip(study.plan.rungs, weighted.tolist(), strict=True):
        if rung.holds_hall and mw > 0:
            total[rung.kind] = total.get(rung.kind, 0.0) + mw
    return max(sorted(total), key=lambda k: total[k], default="")


@dataclass(frozen=True)
class _Found:
    value: float
    distance_frac: float
    becomes: str


def search(
    planner: Replanner, world: World, move: Move, change: Change, reach: float, tolerance_frac: float
) -> _Found | None:
    """The nearer of the flips on both sides, searched to ``reach`` times the way to the ends of the range."""
    best: tuple[float, float, str] | None = None
    for end in (move.low, move.high):
        way = abs(end - move.base)
        stop = min(max(move.base + reach * (end - move.base), move.least), move.most)
        if way == 0:
            continue
        answers: dict[float, str] = {}

        def changed(value: float, answers: dict[float, str] = answers) -> bool:
            near = min(answers, key=lambda v: abs(v - value), default=None)
            if near is not None and abs(near - value) > abs(move.base - value):
                near = None
            decision = planner.decide(move.apply(world, value), move, value, near)
            answers[value] = change(decision)
            return bool(answers[value])

        value = turning_point(changed, move.base, stop, tolerance_frac, move.step)
        if value is not None and (best is None or abs(value - move.base) / way < best[1]):
            best = (value, abs(value - move.base) / way, answers[value])
    if best is None:
        return None
    value, distance, becomes = best
    return _Found(value, distance, becomes)


def _distance(found: _Found | None) -> float:
    return math.inf if found is None else found.distance_frac


def _flip(move: Move, found: _Found | None, best_pure: str) -> Flip:
    low, high = (significant(x * move.shown) for x in (move.low, move.high))
    base = significant(move.base * move.shown)
    source = {"stated band": "tried", "scenario": "range", "catalogue": "range"}[move.range_from]
    if found is None:
        condition = move.phrase.format(f"{low} to {high}")
        sentence = f"Whether {condition} ({base} today) changes nothing that is signed today."
    else:
        condition = move.phrase.format(significant(found.value * move.shown))
        where = f"{source} {low} to {high}" + ("" if found.distance_frac <= 1 else ", so outside of it")
        sentence = f"If {condition} instead of {base} ({where}), {found.becomes}."
    return Flip(
        input=move.name,
        sentence=sentence,
        unit=move.unit,
        base=move.base,
        low=move.low,
        high=move.high,
        range_from=move.range_from,
        flip=found.value if found else math.nan,
        distance_frac=found.distance_frac if found else math.nan,
        becomes=found.becomes if found else "",
        best_pure=best_pure,
        inputs=move.inputs,
    )


def _warnings(full: str, nodes: int) -> tuple[str, ...]:
    """Say so if the coarse tree decides otherwise than the plan itself."""
    if not full:
        return ()
    return (f"flips: the tree of {nodes} nodes on which they are searched decides otherwise than the plan: {full}",)


def flip_traces(found: Replanned) -> tuple[Trace, ...]:
    """How each flip was found, down to the fields and rows that hold the input."""
    base = Trace(
        "risk.flip_base.hall_it_mw",
        found.base.total_it_mw,
        "MW",
        f"halls signed or started in the first quarter, plan solved on the first branchings only, {found.nodes} nodes",
        ("plan.expected_npv_usd",),
    )
    return (base, *(_trace(f, found.nodes) for f in found.flips))


def _trace(flip: Flip, nodes: int) -> Trace:
    way = f"plan solved again on {nodes} nodes with this input alone moved, {flip.low:.6g} to {flip.high:.6g}"
    if math.isnan(flip.flip):
        formula = f"{way} ({flip.range_from}): today's decision stays"
    else:
        formula = f"{way} ({flip.range_from}), base {flip.base:.6g}; nearest value at which {flip.becomes}"
    return Trace(flip.metric, flip.flip, flip.unit, formula, (*flip.inputs, "risk.flip_base.hall_it_mw"))
