"""Which inputs, moved alone, would change what is signed today: the plan is solved again for each question."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from kiban.catalog import Catalog
from kiban.plan.lp import Solver
from kiban.plan.model import check_case, solve_baselines
from kiban.plan.program import build_program
from kiban.results import Flip, Rung, Study
from kiban.risk.bisect import turning_point
from kiban.risk.decisions import Decision, Least, decision_of, decision_of_outcome, hall_change, least_of, silicon_change
from kiban.risk.moves import Move, moves
from kiban.risk.worlds import World, coarse_world, inputs_of
from kiban.scenario import Scenario
from kiban.solve import Infeasible
from kiban.units.numbers import significant

ON_THE_CARD = 3
"""Flips that the card shows; if fewer lie inside their ranges, those outside are looked for too."""
WIDER = 2.0
"""How many times the way to the end of the range is searched then."""
IMPOSSIBLE = "what is signed already would break the budget"


@dataclass
class Replanner:
    """Solves the plan of one world after another, each from the vertex of the nearest one before."""

    bases: dict[tuple[str, float], object | None] = field(default_factory=dict)
    solves: int = 0

    def decide(self, world: World, name: str = "", value: float = 0.0, start: float | None = None) -> Decision | None:
        """Solve one world; None if what is committed breaks its limits.

        Args: name and value of the moved input; start, the value of the same input whose vertex is the first guess.
        """
        try:
            solver, rungs = self._solver(world, (name, start) if start is not None else ("", 0.0))
            solution = solver.solve(solver.program.upper)
        except Infeasible:
            return None
        self.solves += 1
        self.bases[name, value] = solver.basis()
        return decision_of(solver.program, rungs, solution)

    def best_pure(self, world: World, name: str, value: float) -> str:
        """Name of the pure strategy that is worth most in a world that was solved."""
        solver, rungs = self._solver(world, (name, value))
        found = solve_baselines(solver, rungs)
        return max(found, key=lambda o: o.expected_npv_usd).name

    def _solver(self, world: World, near: tuple[str, float]) -> tuple[Solver, tuple[Rung, ...]]:
        inputs = inputs_of(world)
        check_case(inputs.case)
        solver = Solver(build_program(inputs.case))
        solver.start_from(self.bases.get(near))
        return solver, inputs.rungs


def flips_of(scenario: Scenario, catalog: Catalog, study: Study) -> tuple[tuple[Flip, ...], tuple[str, ...]]:
    """Find, for each input alone, the value nearest to its base at which today's decision is another one.

    Args: catalog with the scenario's overrides. The decision is what the first quarter signs in halls (or, where no
    hall can be signed, what it orders and rents). The plan is solved again on a coarse tree of the same scenario.
    Result: flips, nearest first, then the inputs without one; warnings.
    """
    world = coarse_world(scenario, catalog, study)
    inputs = inputs_of(world)
    planner, least = Replanner(), least_of(inputs.case)
    base = planner.decide(world)
    if base is None:
        return (), ()
    halls = bool(inputs.case.halls.open.any())
    change = _hall_rule(base, least) if halls else _silicon_rule(base, least)
    listed = moves(scenario, catalog, study, base.kind or _planned_kind(study))
    found = [_search(planner, world, move, change, 1.0) for move in listed]
    if sum(f is not None for f in found) < ON_THE_CARD:
        found = [f or _search(planner, world, m, change, WIDER) for f, m in zip(found, listed, strict=True)]
    flips = [_flip(m, f) for m, f in zip(listed, found, strict=True)]
    order = sorted(range(len(flips)), key=lambda i: (math.isnan(flips[i].distance_frac), flips[i].distance_frac, i))
    return tuple(flips[i] for i in order), _warnings(study, base, least, change, inputs.case.n_nodes)


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
    best_pure: str


def _search(planner: Replanner, world: World, move: Move, change: Change, reach: float) -> _Found | None:
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
            decision = planner.decide(move.apply(world, value), move.name, value, near)
            answers[value] = change(decision)
            return bool(answers[value])

        value = turning_point(changed, move.base, stop, step=move.step)
        if value is not None and (best is None or abs(value - move.base) / way < best[1]):
            best = (value, abs(value - move.base) / way, answers[value])
    if best is None:
        return None
    value, distance, becomes = best
    return _Found(value, distance, becomes, "")


def _flip(move: Move, found: _Found | None) -> Flip:
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
        best_pure=found.best_pure if found else "",
        inputs=move.inputs,
    )


def _warnings(study: Study, base: Decision, least: Least, change: Change, nodes: int) -> tuple[str, ...]:
    """Say so if the coarse tree decides otherwise than the plan itself."""
    full = change(decision_of_outcome(study.plan.chosen, study.plan.rungs))
    if not full:
        return ()
    return (f"flips: the tree of {nodes} nodes on which they are searched decides otherwise than the plan: {full}",)
