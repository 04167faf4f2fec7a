"""Flips of today's decision: break-even worked by hand, the search alone, whole studies, and their explanation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import plan_fixtures as fx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_fixtures import small

from kiban.catalog import Catalog, load_catalog
from kiban.plan.case import PlanCase
from kiban.plan.inputs import PlanInputs
from kiban.plan.lp import Solver
from kiban.plan.program import build_program
from kiban.plan.restricted import wait_and_see_usd
from kiban.report.explain import Step, explain
from kiban.report.headline import MOST_WORDS, headline_of
from kiban.results import Flip, Risk, Rung, Study
from kiban.risk import replan, run_risk
from kiban.risk.bisect import turning_point
from kiban.risk.decisions import Decision, Least, hall_change, silicon_change
from kiban.risk.hindsight import hindsight_npv_usd
from kiban.risk.moves import Move, moves
from kiban.risk.replan import Replanned, Replanner, flip_traces, flips_of, search
from kiban.risk.worlds import World, coarse_world, delayed, inputs_of, tree_nodes
from kiban.scenario import Scenario
from kiban.scenario.load import load_scenario
from kiban.study import run_study
from kiban.units.numbers import usd

EXAMPLES = Path(__file__).parents[2] / "examples"
LEAST = Least(0.01, 1.0, 1.0)


# The search alone.


@given(st.floats(-50, 50), st.floats(0.01, 100), st.sampled_from([-1.0, 1.0]), st.floats(0, 1.5))
def test_the_nearest_turn_is_found_on_both_sides_and_inside_the_range(
    base: float, way: float, side: float, at: float
) -> None:
    """The answer turns once, at a share of the way; it is asked only between base and end."""
    end, asked = base + side * way, []

    def changed(value: float) -> bool:
        asked.append(value)
        return (value - base) * side > at * way

    found = turning_point(changed, base, end, tolerance_frac=1e-3)
    assert all(min(base, end) <= v <= max(base, end) for v in asked)
    if (end - base) * side > at * way:
        assert found is not None
        distance = (found - base) * side / way
        # A thousandth of the distance, or a millionth of the way where the turn is next to the base.
        assert at <= distance + 1e-9
        assert distance <= at * (1 + 1.1e-3) + 1.1e-6
    else:
        assert found is None


def test_a_base_at_the_end_of_its_range_has_no_turn_there() -> None:
    assert turning_point(lambda _: True, 1.0, 1.0) is None


@given(st.integers(1, 12), st.integers(1, 15))
def test_whole_steps_stay_whole_steps(turn: int, last: int) -> None:
    asked = []

    def changed(value: float) -> bool:
        asked.append(value)
        return value >= 3 * turn

    found = turning_point(changed, 0.0, 3.0 * last, step=3.0)
    assert found == (3.0 * turn if turn <= last else None)
    assert all(v % 3 == 0 and 0 < v <= 3 * last for v in asked)


# What counts as another decision.


def decided(ordered: float = 0.0, rented: float = 0.0, soon: float = 0.0, **it_mw: float) -> Decision:
    return Decision(it_mw, ordered, rented, {"landlord_lease": soon} if soon else {})


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (decided(owned=100), decided(owned=51), ""),
        (decided(owned=100), decided(owned=49), "only 49 instead of 100 MW of halls would be signed today"),
        (decided(owned=100), decided(), "no hall would be signed today"),
        (
            decided(owned=100),
            decided(soon=80),
            "no hall would be signed today, but 80 MW of leased halls within the year",
        ),
        (
            decided(owned=60, landlord_lease=40),
            decided(owned=49, landlord_lease=51),
            "leased halls would take the place of own halls today",
        ),
        (decided(), decided(owned=100), "100 MW of own halls would be signed today"),
        (decided(), decided(owned=0.001), ""),
    ],
)
def test_hall_changes(before: Decision, after: Decision, words: str) -> None:
    assert hall_change(before, after, LEAST) == words


def test_silicon_changes() -> None:
    assert silicon_change(decided(100, 100), decided(60, 60), LEAST) == ""
    assert silicon_change(decided(100), decided(40, 20), LEAST) == (
        "only 40 instead of 100 accelerators would be ordered today and 20 accelerators would be rented today"
    )
    assert silicon_change(decided(0, 100), decided(0, 0), LEAST) == "no accelerator would be rented today"


# Own against cloud, worked by hand.

QUARTERS, CAPEX, RENT, RATE = 8, 1000.0, 0.25, 0.1


def own_or_cloud() -> PlanInputs:
    """Own halls at 1000 USD per MW with free silicon, against a cloud at 0.25 USD per quarter for one kW."""
    tree = fx.tree_of(QUARTERS, [], [1.0])
    opens = np.zeros((1, QUARTERS), bool)
    opens[0, 0] = True
    case = fx.bare_case(
        tree,
        sites=1,
        halls=fx.some_halls(
            1, QUARTERS, is_owned=np.array([True]), capex_usd_per_mw=np.array([CAPEX]), open=opens
        ),
        pools=fx.some_pools(1, QUARTERS),
        rents=fx.some_rents(1, QUARTERS, price_usd_per_quarter=np.array([RENT])),
        market=fx.wants(QUARTERS, 5000.0, 10.0),
        discount_frac_per_year=RATE,
    )  # fmt: skip
    bare = dict.fromkeys(Rung.__dataclass_fields__, 0.0)
    kinds = ("owned", "none", "cloud", "none")
    rungs = tuple(Rung(**(bare | {"name": kind, "kind": kind})) for kind in kinds)  # type: ignore[arg-type]
    return PlanInputs(case, rungs, ("chip",), ("here",), tuple(f"q{i}" for i in range(QUARTERS)), ())


def toy_world() -> World:
    nothing: Any = None
    return World(nothing, nothing, nothing, nothing, nothing)


def rent_move(low: float, high: float) -> Move:
    return Move(
        "rent_factor", "rent were {}", "x", 1.0, low, high, "scenario", lambda w, x: replace(w, rent_factor=x), ("k",)
    )


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Replanner:
    def bent(world: World) -> PlanInputs:
        inputs = own_or_cloud()
        market = inputs.case.market
        market = replace(market, rent_factor=market.rent_factor * world.rent_factor)
        return replace(inputs, case=replace(inputs.case, market=market))

    monkeypatch.setattr(replan, "inputs_of", bent)
    return Replanner()


def halls_differ(base: Decision) -> Callable[[Decision | None], str]:
    return lambda now: "impossible" if now is None else hall_change(base, now, LEAST)


EVEN = CAPEX / (1000 * RENT * ((1 + RATE) ** (-np.arange(QUARTERS) / 4)).sum())
"""Factor on the rent of 1000 accelerators at which renting for the whole horizon costs what a MW of own hall costs."""


def test_own_flips_to_cloud_at_the_break_even_rent(toy: Replanner) -> None:
    base = toy.decide(toy_world())
    assert base is not None
    assert base.hall_it_mw == {"owned": pytest.approx(5.0)}
    found = search(toy, toy_world(), rent_move(0.2, 5.0), halls_differ(base), 1.0, 1e-4)
    assert found is not None
    assert found.value == pytest.approx(EVEN, rel=1e-3)
    assert found.value <= EVEN + 1e-9
    assert found.becomes == "no hall would be signed today"
    assert found.distance_frac == pytest.approx((1 - EVEN) / 0.8, rel=1e-3)


def test_a_range_that_ends_before_the_break_even_has_no_flip_inside_but_one_outside(toy: Replanner) -> None:
    base = toy.decide(toy_world())
    assert base is not None
    low = 1 - 0.8 * (1 - EVEN)
    assert search(toy, toy_world(), rent_move(low, 5.0), halls_differ(base), 1.0, 1e-4) is None
    outside = search(toy, toy_world(), rent_move(low, 5.0), halls_differ(base), 2.0, 1e-4)
    assert outside is not None
    assert outside.distance_frac == pytest.approx(1.25, rel=1e-3)


def test_an_input_without_effect_has_no_flip(toy: Replanner) -> None:
    base = toy.decide(toy_world())
    assert base is not None
    idle = replace(rent_move(0.1, 10.0), apply=lambda w, x: w)
    assert search(toy, toy_world(), idle, halls_differ(base), 2.0, 1e-2) is None


def test_warm_and_cold_answers_are_the_same(toy: Replanner) -> None:
    toy.decide(toy_world())
    move = rent_move(0.2, 5.0)
    for value in (0.3, 0.9 * EVEN, 1.1 * EVEN, 4.0):
        warm = toy.decide(move.apply(toy_world(), value), move, value)
        cold = Replanner().decide(move.apply(toy_world(), value), move, value)
        assert warm is not None
        assert cold is not None
        assert warm.total_it_mw == pytest.approx(cold.total_it_mw, abs=1e-6)


# Delay and the coarse tree.


def test_a_delay_moves_what_is_not_live_and_takes_value() -> None:
    inputs = own_or_cloud()
    late = delayed(inputs.case, 2)
    assert late.halls.lead_quarters.tolist() == [2]
    assert delayed(inputs.case, 0) is inputs.case

    def worth(case: PlanCase) -> float:
        solver = Solver(build_program(case))
        return solver.value_usd(solver.solve(solver.program.upper))

    # Two quarters of 5000 accelerators are rented before the hall is there, and its cost is spread over them.
    d = (1 + RATE) ** (-np.arange(QUARTERS) / 4)
    assert worth(inputs.case) - worth(late) == pytest.approx(5000 * RENT * d[:2].sum() - 5 * CAPEX * (1 - d[:2].mean()))


def test_starts_that_would_come_after_the_horizon_are_closed() -> None:
    case = own_or_cloud().case
    open_ = replace(case, halls=replace(case.halls, open=np.ones((1, QUARTERS), bool)))
    assert delayed(open_, 3).halls.open[0].tolist() == [True] * (QUARTERS - 3) + [False] * 3


@pytest.mark.parametrize(("branches", "nodes"), [([], 40), ([4], 112), ([4, 12], 280), ([4, 12, 20], 640)])
def test_nodes_of_a_tree_are_counted(branches: list[int], nodes: int) -> None:
    assert tree_nodes(branches, 3, 40) == nodes


# Whole studies.


@pytest.fixture(scope="module")
def whole() -> tuple[Scenario, Catalog, Study, Risk]:
    scenario = load_scenario(EXAMPLES / "university-512.yaml").scenario
    catalog = load_catalog()
    study = run_study(scenario, catalog)
    return (
        scenario,
        catalog.with_overrides({o.key: (o.value, o.why) for o in scenario.overrides}),
        study,
        run_risk(scenario, catalog, study),
    )


def test_flips_are_ranked_and_explained_in_words(whole: tuple[Scenario, Catalog, Study, Risk]) -> None:
    *_, risk = whole
    found = [f for f in risk.flips if math.isfinite(f.flip)]
    assert len(found) >= 3
    assert [f.distance_frac for f in found] == sorted(f.distance_frac for f in found)
    assert risk.flips[: len(found)] == tuple(found)
    for flip in found:
        assert flip.flip != flip.base
        assert flip.inside == (min(flip.low, flip.base) <= flip.flip <= max(flip.high, flip.base))
        assert ("outside" in flip.sentence) != flip.inside
        assert flip.becomes in flip.sentence
    assert all(f.best_pure in ("all_cloud", "all_leased", "all_owned", "wait_two_years") for f in found[:3])
    assert risk.warnings == () or not any("flips" in w for w in risk.warnings)


def test_the_plan_differs_on_both_sides_of_a_flip(whole: tuple[Scenario, Catalog, Study, Risk]) -> None:
    """Solved cold at the flip and a tenth nearer to the base: there the decision is, here it is not, another one."""
    scenario, catalog, study, risk = whole
    world = coarse_world(scenario, catalog, study)
    base = Replanner().decide(world)
    assert base is not None
    by_name = {m.name: m for m in moves(scenario, catalog, study, base.kind)}
    flip = risk.flips[0]
    move = by_name[flip.input]
    at = Replanner().decide(move.apply(world, flip.flip), move, flip.flip)
    nearer = flip.base + 0.9 * (flip.flip - flip.base)
    before = Replanner().decide(move.apply(world, nearer), move, nearer)
    assert hall_change(base, at, LEAST) == flip.becomes  # type: ignore[arg-type]
    assert hall_change(base, before, LEAST) == ""  # type: ignore[arg-type]


def test_the_same_study_gives_the_same_flips(whole: tuple[Scenario, Catalog, Study, Risk]) -> None:
    scenario, catalog, study, risk = whole
    again = flips_of(scenario, catalog, study)
    assert isinstance(again, Replanned)
    assert [f.sentence for f in again.flips] == [f.sentence for f in risk.flips]


def test_every_move_changes_what_it_says_and_its_base_changes_nothing(
    whole: tuple[Scenario, Catalog, Study, Risk],
) -> None:
    scenario, catalog, study, _ = whole
    world = coarse_world(scenario, catalog, study)

    def programme(at: World) -> list[np.ndarray]:
        program = build_program(inputs_of(at).case)
        return [*program.rows.sorted_entries(), program.upper, program.row_upper, program.gain]

    def same(one: list[np.ndarray], two: list[np.ndarray]) -> bool:
        return all(a.shape == b.shape and np.allclose(a, b, rtol=1e-9, atol=0.0) for a, b in zip(one, two, strict=True))

    base = programme(world)
    listed = moves(scenario, catalog, study, "landlord_lease")
    assert len(listed) >= 15
    for move in listed:
        assert move.low <= move.base <= move.high
        assert same(programme(move.apply(world, move.base)), base), move.name
        end = move.high if move.high > move.base else move.low
        assert not same(programme(move.apply(world, end)), base), move.name


@pytest.mark.parametrize("kind", ["operator_sublet", "landlord_lease", "build_to_suit", "owned"])
def test_each_kind_of_hall_has_a_cost_to_move(kind: str) -> None:
    scenario, study, _ = small()
    names = {m.name for m in moves(scenario, load_catalog(), study, kind)}
    wanted = {"owned": "construction_factor", "build_to_suit": "build_to_suit_yield"}.get(kind, f"{kind}_rent")
    assert wanted in names


def test_the_rent_moved_is_that_of_the_site_that_is_signed() -> None:
    """A site with a published lease of its own moves that row; another one the market's."""
    scenario, study, _ = small()
    rungs = tuple(
        replace(r, site="lake_mariner", name="lake_mariner/operator_sublet") if r.kind == "operator_sublet" else r
        for r in study.plan.rungs
    )
    own = replace(study, plan=replace(study.plan, rungs=rungs))
    for at, site in ((study, "river_bend"), (own, "lake_mariner")):
        (rent,) = (
            m for m in moves(scenario, load_catalog(), at, "operator_sublet") if m.name == "operator_sublet_rent"
        )
        assert rent.inputs == (f"contract.operator_sublet.fluidstack.{site}.first_year_rent_usd_per_kw_month",)


def test_whole_modules_and_committed_silicon_do_not_stop_the_search() -> None:
    scenario, study, _ = small()
    modules = scenario.model_copy(update={"ladder": scenario.ladder.model_copy(update={"module_it_mw": 50.0})})
    found = flips_of(modules, load_catalog(), study)
    assert found is not None
    assert found.nodes == tree_nodes([4], 3, 24)
    assert len(found.flips) >= 12


def test_a_coarse_tree_that_decides_otherwise_is_said() -> None:
    """The plan of this fixture was made for another demand than its scenario has."""
    scenario, study, _ = small()
    found = flips_of(scenario, load_catalog(), study)
    assert found is not None
    (warning,) = found.warnings
    assert "64 nodes" in warning
    assert "decides otherwise than the plan" in warning


def test_a_base_that_cannot_be_planned_has_no_flips() -> None:
    scenario, study, _ = small()
    poor = scenario.model_copy(update={"ladder": scenario.ladder.model_copy(update={"budget_usd": 1.0})})
    assert flips_of(poor, load_catalog(), study) is None


def test_explain_walks_from_a_flip_to_its_fields(whole: tuple[Scenario, Catalog, Study, Risk]) -> None:
    scenario, catalog, study, risk = whole
    rooms = (study.demand, study.fleet, study.site, study.supply, study.plan, study.finance, study.impact, risk)
    traces = [t for room in rooms for t in room.traces]
    resolved = scenario.model_dump()
    for flip in risk.flips:
        step = explain(flip.metric, traces, catalog, resolved)
        assert step.kind == "computed"
        below = {child.name: child for child in step.children}
        assert set(flip.inputs) <= set(below)
        assert all(below[name].kind in ("scenario", "catalogue") for name in flip.inputs)
        assert all(below[name].value is not None for name in flip.inputs)
        assert leaves(step)
    assert explain("risk.regret.worst_usd", traces, catalog, resolved).value == risk.regret.worst_usd  # type: ignore[union-attr]


def leaves(step: Step) -> list[Step]:
    below = [leaf for child in step.children for leaf in leaves(child)]
    return below or [step]


def test_a_flip_that_was_not_found_is_explained_too() -> None:
    none = Flip("x", "", "1", 1.0, 0.5, 2.0, "stated band", math.nan, math.nan, "", "", ("scenario.a",))
    (_, trace) = flip_traces(Replanned((none,), decided(), 7, ()))
    assert trace.name == "risk.flip.x"
    assert "stays" in trace.formula


# Regret.


def test_no_plan_beats_hindsight_and_one_future_has_no_regret(whole: tuple[Scenario, Catalog, Study, Risk]) -> None:
    scenario, catalog, study, risk = whole
    plan, regret = study.plan, risk.regret
    assert regret is not None
    assert risk.residuals["risk.plan_above_hindsight"] < 1e-6
    bound = hindsight_npv_usd(scenario, catalog, study)
    for outcome in (plan.chosen, *plan.baselines):
        money = (outcome.node_value_usd - outcome.node_rung_cost_usd.sum(axis=(1, 2))) * plan.node_discount_factor
        assert (money[plan.leaf_path].sum(axis=1) <= bound + 1e-6 * np.abs(bound).max()).all(), outcome.name
    assert regret.worst_usd == regret.leaf_usd.max() >= regret.expected_usd >= 0
    assert regret.expected_usd == pytest.approx(
        plan.leaf_probability @ bound - plan.chosen.expected_npv_usd, rel=1e-6, abs=1.0
    )
    assert plan.leaf_name[int(regret.leaf_usd.argmax())] == regret.worst_leaf
    alone = scenario.model_copy(update={"futures": scenario.futures.model_copy(update={"branch_quarters": []})})
    one = run_study(alone, load_catalog())
    assert hindsight_npv_usd(alone, catalog, one) == pytest.approx([one.plan.chosen.expected_npv_usd], rel=1e-6)


def test_hindsight_of_the_newsvendor_orders_what_will_be_wanted() -> None:
    tree = fx.tree_of(2, [1], [0.3, 0.4, 0.3])
    tok = np.concatenate([[0.0], [10.0, 20.0, 30.0]])
    chips = replace(fx.bare_case(tree).chips, lead_quarters=np.ones(1, int), life_quarters=np.ones(1, int))
    case = fx.bare_case(
        tree,
        sites=1,
        halls=fx.some_halls(1, 2),
        pools=fx.some_pools(1, 2, price_usd=np.array([0.35])),
        chips=chips,
        market=fx.wants(4, tok, 1.0),
    )
    assert wait_and_see_usd(case) == pytest.approx([0.65 * wanted for wanted in (10.0, 20.0, 30.0)])


# The card.


def card_is_whole(study: Study, risk: Risk) -> None:
    card = headline_of(study, risk)
    assert len(card["sentence"].split()) < MOST_WORDS
    assert risk.regret is not None
    assert f"regret at most {usd(risk.regret.worst_usd)} on the tree" in card["sentence"]
    assert risk.regret.worst_leaf.replace("_", " ") in card["sentence"]
    assert [f["metric"] for f in card["flips"]] == [f"risk.flip.{f['input']}" for f in card["flips"]]
    assert len(card["flips"]) == 3
    for flip in card["flips"]:
        assert flip["sentence"].startswith("If ")
        assert sum(c.isdigit() for c in flip["sentence"]) > 3


def test_the_sentence_drops_the_sampled_regret_before_it_grows_too_long(
    whole: tuple[Scenario, Catalog, Study, Risk],
) -> None:
    _, _, study, risk = whole
    assert risk.regret is not None
    long = replace(risk, regret=replace(risk.regret, worst_leaf=" ".join(["far"] * 12)))
    sentence = headline_of(study, long)["sentence"]
    assert len(sentence.split()) < MOST_WORDS
    assert "regret at most" in sentence
    assert headline_of(study, replace(risk, regret=None))["regret"] == ""


def test_the_card_of_the_small_examples_is_whole(whole: tuple[Scenario, Catalog, Study, Risk]) -> None:
    card_is_whole(*whole[2:])
    scenario = load_scenario(EXAMPLES / "neocloud-20mw.yaml").scenario
    study = run_study(scenario, load_catalog())
    card_is_whole(study, run_risk(scenario, load_catalog(), study))


@pytest.mark.slow
def test_the_card_of_the_flagship_is_whole() -> None:
    scenario = load_scenario(EXAMPLES / "anthropic-50b.yaml").scenario
    study = run_study(scenario, load_catalog())
    risk = run_risk(scenario, load_catalog(), study)
    card_is_whole(study, risk)
    flips = headline_of(study, risk)["flips"]
    # What turns the decision within its range comes first; what lies outside says so.
    assert [f["inside"] for f in flips] == sorted((f["inside"] for f in flips), reverse=True)
    assert all(f["inside"] != ("outside of it" in f["sentence"]) for f in flips)
