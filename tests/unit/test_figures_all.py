"""Every figure: form, finite numbers, sentences where there is nothing to draw, and a few known answers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from report_fixtures import bare, small

from kiban.figures import Basis, Rests, all_figures
from kiban.figures.capacity import MOST_NEED_OVER_CAPACITY, equivalents, expected, quantiles
from kiban.figures.climate import MONTH_DAYS, calendar_of_hours, month_hour_means
from kiban.figures.costs import best_per_rung, near_units
from kiban.figures.figure import plain
from kiban.figures.futures import branches
from kiban.figures.places import annuity, pair_of, place_of
from kiban.results import Tree

BASIS = Basis(
    vintage="USD of 2026",
    rooms={
        "plan": Rests(frozenset({"a", "b"}), frozenset({"c"}), {"s1": "Zeta", "s2": "alpha"}),
        "risk": Rests(frozenset({"b", "d"}), frozenset(), {"s1": "Zeta"}),
    },
)
FIELDS = {
    "id", "section", "title", "unit", "vintage", "sourced", "assumed", "sources", "note", "height", "half", "empty",
    "legend", "form", "form_x", "option",
}  # fmt: skip


def figures_of(fixture: Any) -> list[dict[str, Any]]:
    _, study, risk = fixture
    return all_figures(study, risk, BASIS)


@pytest.mark.parametrize("make", [small, bare])
def test_every_figure_is_json_with_units_and_origin(make: Any) -> None:
    figures = figures_of(make())
    json.dumps(figures, allow_nan=False)
    assert len({f["id"] for f in figures}) == len(figures)
    for f in figures:
        assert set(f) == FIELDS, f["id"]
        assert f["title"] and f["unit"] and f["vintage"], f["id"]
        assert (f["option"] is None) == bool(f["empty"]), f["id"]


def test_a_full_study_draws_everything_and_a_bare_one_says_why_not() -> None:
    assert [f["id"] for f in figures_of(small()) if f["empty"]] == []
    empty = {f["id"] for f in figures_of(bare()) if f["empty"]}
    assert {"halls", "tree", "waterfall", "pue", "duration", "dscr", "funds", "money", "jobs", "tornado_value"} <= empty
    assert {"debt_owed", "default_loss"} <= empty
    assert all(f["empty"].endswith(".") for f in figures_of(bare()) if f["empty"])


def test_basis_counts_each_row_once_and_sorts_documents() -> None:
    found = BASIS.of(("plan", "risk", "no such room"))
    assert (found["sourced"], found["assumed"]) == (3, 1)
    assert [s["title"] for s in found["sources"]] == ["alpha", "Zeta"]


def test_plain_leaves_no_array_and_no_nan() -> None:
    value = plain({"a": np.array([1.0, np.nan, np.inf]), "b": (np.int64(3), np.bool_(True)), 5: 1 / 3})
    assert value == {"a": [1.0, None, None], "b": [3, True], "5": 0.33333}
    assert type(value["b"][0]) is int


def test_capacity_at_work_is_never_more_than_needed() -> None:
    _, study, _ = small()
    amounts = equivalents(study)
    assert amounts is not None
    served = amounts.node_needed - amounts.node_unmet
    # Tokens are served by the plan's own rule, so the two counts meet within the rounding of the solver.
    assert np.all(amounts.node_rung_working.sum(axis=1) >= served * (1 - 1e-6) - 1e-6)
    assert np.all(amounts.node_unmet >= -1e-9)
    assert np.all(amounts.node_idle >= 0)


def two_leaves() -> Tree:
    return Tree(
        quarters=("2026Q4", "2027Q1"),
        node_parent=np.array([-1, 0, 0]),
        node_quarter=np.array([0, 1, 1]),
        node_probability=np.array([1.0, 0.25, 0.75]),
        node_future=("", "bust", "boom"),
    )


def test_expected_and_quantiles_over_a_tree_of_two_leaves() -> None:
    values = np.array([4.0, 0.0, 8.0])
    assert expected(two_leaves(), values).tolist() == [4.0, 6.0]
    assert quantiles(two_leaves(), values, (0.1, 0.5, 0.9)).tolist() == [[4.0, 0.0], [4.0, 8.0], [4.0, 8.0]]


def test_branches_nest_by_branching() -> None:
    root = branches(two_leaves())[0]
    assert root["name"] == "today"
    assert [(c["name"], c["quarter"], c["value"]) for c in root["children"]] == [
        ("bust 25%", "2027Q1", 0.25),
        ("boom 75%", "2027Q1", 0.75),
    ]


def test_waterfall_ends_where_the_second_place_stands() -> None:
    _, study, _ = small()
    figure = next(f for f in figures_of(small()) if f["id"] == "waterfall")
    pair = pair_of(study)
    assert pair == ("plains", "lake")  # Texas first
    first, last = (place_of(study, name).total_usd_per_mw_year for name in pair)
    bars = figure["option"]["series"][1]["data"]
    change = sum(b.get("change", 0.0) for b in bars)
    assert bars[0]["value"] + change == pytest.approx(bars[-1]["value"], rel=1e-4)
    assert last - first == pytest.approx(change, rel=1e-3)


def test_annuity_against_the_textbook() -> None:
    # 100,000 over 20 years at 9 % pays 10,954.65 a year.
    assert annuity(0.09, 20) * 100_000 == pytest.approx(10_954.65, abs=0.01)
    assert annuity(0.0, 20) == pytest.approx(0.05)


def test_month_hour_means_keep_the_yearly_mean() -> None:
    values = np.random.default_rng(3).normal(size=8760)
    means = month_hour_means(values)
    assert means.mean(axis=1) @ np.array(MONTH_DAYS) / 365 == pytest.approx(values.mean(), abs=1e-12)
    flat = np.tile(np.arange(24.0), 365)
    assert np.allclose(month_hour_means(flat), np.arange(24))


def test_calendar_matches_the_months_of_the_means() -> None:
    calendar = calendar_of_hours()
    assert len(calendar) == 8760
    assert calendar[0] == (1, 1, 0)
    assert calendar[31 * 24] == (2, 1, 0)
    assert calendar[-1] == (12, 31, 23)


def test_dispatch_adds_up_to_the_load() -> None:
    figure = next(f for f in figures_of(small()) if f["id"].startswith("dispatch_"))
    series = figure["option"]["series"]
    total = np.sum([s["data"] for s in series if s.get("stack")], axis=0)
    load = next(s for s in series if s["name"] == "load")["data"]
    assert np.allclose(total, load, atol=1e-3)
    assert len(load) == 12 * 24


def test_best_per_rung_takes_the_cheapest_token_and_shows_the_cheapest_rung_on_top() -> None:
    _, study, _ = small()
    chosen = best_per_rung(study.finance.unit_costs)
    assert len({u.rung for u in chosen}) == len(chosen)
    tokens = [float(u.usd_per_mtok.sum()) for u in chosen]
    assert tokens == sorted(tokens, reverse=True)
    for unit in chosen:
        same = [float(u.usd_per_mtok.sum()) for u in study.finance.unit_costs if u.rung == unit.rung]
        assert float(unit.usd_per_mtok.sum()) == min(same)


def test_stack_of_cost_parts_equals_the_total_in_the_label() -> None:
    figure = next(f for f in figures_of(small()) if f["id"] == "cost_mtok")
    series = figure["option"]["series"]
    totals = [point[0] for point in series[-1]["data"]]
    assert np.allclose(np.sum([s["data"] for s in series[:-1]], axis=0), totals, rtol=1e-3)


def test_no_debt_and_nan_regimes_do_not_break_a_full_study() -> None:
    one, study, risk = small()
    metrics = tuple(replace(m, debt_usd=0.0) for m in study.finance.metrics)
    holed = replace(risk, regimes=tuple(replace(r, observed_rent_usd_per_gpu_h=float("nan")) for r in risk.regimes))
    figures = all_figures(replace(study, finance=replace(study.finance, metrics=metrics)), holed, BASIS)
    json.dumps(figures, allow_nan=False)
    assert next(f for f in figures if f["id"] == "survival")["empty"]
    assert one.name == "small"


def test_a_chip_of_later_years_does_not_stand_for_a_rung() -> None:
    _, study, _ = small()
    late = replace(study.fleet, accelerator_available_quarter=np.array([0, 9, 0]))
    assert {u.accelerator for u in near_units(study.finance.unit_costs, late)} == {"now"}
    never = replace(study.fleet, accelerator_available_quarter=np.array([9, 9, 9]))
    assert near_units(study.finance.unit_costs, never) == study.finance.unit_costs


def test_a_far_need_does_not_flatten_the_plan_and_is_told_in_words() -> None:
    _, study, _ = small()
    figure = next(f for f in figures_of(small()) if f["id"] == "capacity")
    stacked = [s["data"] for s in figure["option"]["series"] if s.get("stack")]
    peak = float(np.sum(stacked, axis=0).max())
    top = figure["option"]["yAxis"]["max"]
    assert MOST_NEED_OVER_CAPACITY * peak <= top <= (MOST_NEED_OVER_CAPACITY + 10) * peak
    assert "leaves the frame" in figure["note"]
    tame = replace(
        study.demand,
        node_training_flop=study.demand.node_training_flop * 0.01,
        node_inference_tok=study.demand.node_inference_tok * 0.01,
    )
    figure = next(f for f in all_figures(replace(study, demand=tame), small()[2], BASIS) if f["id"] == "capacity")
    assert figure["option"]["yAxis"].get("max") is None
    assert "leaves the frame" not in figure["note"]


def test_the_chosen_plan_is_a_labelled_dot_and_the_frontier_has_its_points() -> None:
    _, study, _ = small()
    m = study.plan.measures
    assert m is not None
    for key in ("plans_tail", "frontier"):
        series = next(f for f in figures_of(small()) if f["id"] == key)["option"]["series"]
        chosen = [s for s in series if s["name"] == "the plan"]
        assert len(chosen) == 1 and chosen[0]["label"]["show"] and chosen[0]["label"]["formatter"] == "the plan"
        tail, mean = chosen[0]["data"][0]
        assert mean == pytest.approx(study.plan.chosen.expected_npv_usd, rel=1e-4)
        assert tail == pytest.approx(float(m.strategy_cvar_usd[0]), rel=1e-4)
        if key == "plans_tail":
            assert {s["name"] for s in series} == {"the plan", "all cloud", "all leased", "all owned", "wait two years"}
        else:
            assert series[0]["data"][0] == pytest.approx([tail, mean], rel=1e-4)
            assert len(series[0]["data"]) == len(m.frontier)


def test_a_plan_without_measures_says_so() -> None:
    _, study, risk = small()
    plain_study = replace(study, plan=replace(study.plan, measures=None))
    empty = {f["id"]: f["empty"] for f in all_figures(plain_study, risk, BASIS) if f["empty"]}
    assert empty == dict.fromkeys(("plans_tail", "frontier"), "The scenario asks for no measures of the plan.")
