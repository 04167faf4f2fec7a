"""The decision card says what the results say, also when the plan is not the best one."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from report_fixtures import bare, risk_of, small

from kiban.report.headline import MOST_WORDS, headline_of, sentence_of
from kiban.results import Action, Risk


def test_the_sentence_names_the_actions_and_the_value() -> None:
    _, study, risk = small()
    sentence = headline_of(study, risk)["sentence"]
    assert len(sentence.split()) < MOST_WORDS
    assert sentence.startswith("Sign 100 MW of leased halls at plains now")
    assert "hold plains operator sublet" in sentence
    assert "rent 30,000 accelerators" in sentence
    assert "instead of" in sentence
    assert "(all leased)" in sentence


def test_a_plan_that_loses_says_so() -> None:
    _, study, _ = small()
    risk = risk_of(study.plan, shift_usd=-20e9)
    card = headline_of(study, risk)
    assert risk.lead_mean_usd < 0
    assert card["beats_next_best"] is False
    assert "this does not beat the next best plan" in card["sentence"]


def test_a_plan_that_equals_the_next_best_is_no_better() -> None:
    _, study, risk = small()
    equal = replace(risk, lead_mean_usd=0.001 * float(risk.plan_mean_npv_usd[1]))
    card = headline_of(study, equal)
    assert not card["beats_next_best"]
    assert "no better than the next best plan" in card["sentence"]


def test_a_plan_that_makes_the_choices_of_a_baseline_says_so_without_solver_noise() -> None:
    _, study, risk = small()
    same = replace(risk, lead_mean_usd=-2e-7, lead_p5_usd=-3e-7, lead_p95_usd=7e-8)
    card = headline_of(study, same)
    assert not card["beats_next_best"]
    assert "the same as the next best plan (all leased)" in card["sentence"]
    assert "0.0000" not in card["sentence"]


def test_no_baseline_is_said() -> None:
    _, study, risk = small()
    alone = replace(
        risk,
        plans=risk.plans[:2],
        next_best="plan_responding",
        lead_mean_usd=0.0,
        **{
            name: getattr(risk, name)[:2]
            for name in vars(risk)
            if name.startswith(("plan_m", "plan_p", "plan_c", "plan_w", "future_npv"))
        },
    )
    assert isinstance(alone, Risk)
    assert "no other plan was solved beside it" in headline_of(study, alone)["sentence"]


def test_many_actions_stay_below_the_limit_of_words() -> None:
    _, study, risk = small()
    rungs = [r.name for r in study.plan.rungs]
    actions = [
        Action(verb, rung, 1234.5, "MW" if verb in ("sign", "start", "hold") else "accelerators", quarter, "")
        for verb in ("sign", "start", "order", "rent", "hold")
        for rung in rungs * 3
        for quarter in ("2026Q4", "2027Q1", "2027Q3")
    ]
    plan = replace(study.plan, actions=tuple(actions))
    assert len(sentence_of(plan, risk).split()) < MOST_WORDS


def test_a_plan_without_actions_still_speaks() -> None:
    _, study, risk = bare()
    assert headline_of(study, risk)["sentence"].startswith("Sign no new hall, rent no accelerators:")


@pytest.mark.parametrize("make", [small, bare])
def test_numbers_are_flat_and_finite(make) -> None:  # type: ignore[no-untyped-def]
    _, study, risk = make()
    numbers = headline_of(study, risk)["numbers"]
    assert all(isinstance(v, float) and math.isfinite(v) for v in numbers.values())
    assert numbers["lead_mean_usd"] == pytest.approx(
        numbers["plan_mean_npv_usd"] - numbers["next_best_mean_npv_usd"], rel=1e-9
    )
    assert "irrevocable_usd" in numbers
    assert numbers["evpi_usd"] >= -1e-6 and {"vss_usd", "tail_npv_usd", "later_start_usd"} <= set(numbers)


def test_the_order_of_plans_at_market_rent_is_shown() -> None:
    _, study, risk = small()
    ranked = headline_of(study, risk)["market_rent"]
    assert {m["plan"] for m in ranked} == {m.plan for m in study.finance.metrics}
    assert [m["npv_usd"] for m in ranked] == sorted((m.expected_npv_usd for m in study.finance.metrics), reverse=True)
    assert all(m["words"] != "plan" for m in ranked)


def test_options_end_where_the_plan_lets_them_go() -> None:
    _, study, risk = small()
    options = headline_of(study, risk)["options"]
    assert [(o["rung"], o["first_quarter"], o["last_quarter"]) for o in options] == [
        ("plains/operator_sublet", "2030Q2", "2030Q2")
    ]
