"""All faults at once, in words: place, line, found, allowed, nearest."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from kiban.catalog import Catalog, load_catalog
from kiban.scenario.check import check_scenario, check_text
from kiban.scenario.facts import offered_names
from kiban.scenario.load import load_scenario_text
from kiban.scenario.problems import Problem, ScenarioError, nearest_name, path_text
from kiban.scenario.schema import Futures, Scenario
from kiban.scenario.template import template_text

CATALOG = load_catalog()
CREDIT = offered_names(CATALOG, "credit")[0]
BASE = template_text(CREDIT)


def problems(*changes: tuple[str, str], catalog: Catalog = CATALOG) -> list[Problem]:
    text = BASE
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return check_text(text, None, catalog)


def only(*changes: tuple[str, str]) -> Problem:
    found = problems(*changes)
    assert len(found) == 1, [p.render() for p in found]
    return found[0]


def test_the_base_is_clean() -> None:
    assert problems() == []


def test_all_faults_at_once_in_the_order_of_lines() -> None:
    found = problems(
        ("kiban: 1", "kiban: 2"),
        ("share_frac: 1.0", "share_frac: 60"),
        ("budget_usd: 800e6", "bugdet_usd: 800e6"),
        ("weather: dallas_fort_worth_tx", "weather: dallas_fort_worth"),
        ("max_it_mw: 20", "max_it_mw: lots"),
        ("accelerators: [b200, gb300]", "accelerators: [b200, gb30]"),
    )
    assert [p.path for p in found] == [
        "kiban",
        "demand.regions[0].share_frac",
        "sites[0].weather",
        "sites[0].max_it_mw",
        "ladder.budget_usd",
        "ladder.bugdet_usd",
        "ladder.accelerators[1]",
    ]
    assert [p.line for p in found] == sorted(p.line or 0 for p in found)
    by_path = {p.path: p for p in found}
    assert by_path["ladder.bugdet_usd"].nearest == "budget_usd"
    assert by_path["sites[0].weather"].nearest == "dallas_fort_worth_tx"
    assert by_path["sites[0].weather"].item == "dallas_hall"
    assert by_path["ladder.accelerators[1]"].nearest == "gb300"
    assert "looks like percent: write 0.6" in by_path["demand.regions[0].share_frac"].message
    line = next(i for i, text in enumerate(BASE.splitlines(), 1) if text.strip().startswith("max_it_mw"))
    assert by_path["sites[0].max_it_mw"].line == line


@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [
        ("max_it_mw: 20", "max_it_mw: 20000", "sites[0].max_it_mw", "looks like kW: write 20"),
        ("max_it_mw: 20", "max_it_mw: 0.02", "sites[0].max_it_mw", "looks like GW: write 20"),
        ("max_it_mw: 20", "max_it_mw: 0", "sites[0].max_it_mw", "can hold nothing"),
        ("discount_frac_per_year: 0.12", "discount_frac_per_year: 12", "finance.discount_frac_per_year", "write 0.12"),
        ("discount_frac_per_year: 0.12", "discount_frac_per_year: 12 %", "finance.discount_frac_per_year",
         "percent: write 0.12"),
        ("discount_frac_per_year: 0.12", "discount_frac_per_year: .%", "finance.discount_frac_per_year", "a number"),
        ("#tenor_years: 7", "tenor_years: 84", "finance.tenor_years", "looks like months: write 7"),
        ("#ttft_limit_s: 2.0", "ttft_limit_s: 2000", "workload.ttft_limit_s", "looks like milliseconds: write 2"),
        ("{value: 1.0, low: 0.8, high: 1.0, why: no", "{value: 1, low: 80, high: 100, why: no",
         "demand.programme_share_frac", "needs low <= value <= high"),
        ("{value: 1.0, low: 0.8, high: 1.0, why: no", "{value: 90, low: 80, high: 100, why: no",
         "demand.programme_share_frac.value", "looks like percent: write 0.9"),
        ("budget_usd: 800e6", "budget_usd: 0.8", "ladder.budget_usd", "looks like billions"),
        ("budget_usd: 800e6", "budget_usd: 1e308", "ladder.budget_usd", "at most"),
        ("budget_usd: 800e6", "budget_usd: -1", "ladder.budget_usd", "at least 0"),
        ("budget_usd: 800e6", "budget_usd: '800e6'", "ladder.budget_usd", "must be a number"),
        ("budget_usd: 800e6", "budget_usd: 1e6\n  budget_usd: 2e6", "ladder.budget_usd", "appears twice"),
        ("{value: 150e6, low: 80e6, high: 220e6", "{value: 150, low: 80, high: 220",
         "demand.run_rate_revenue_usd_per_year.value", "write 150e9 or 150e6"),
        ("state: tx", "state: texas", "sites[0].state", "no state 'texas'"),
        ("state: tx", "state: us", "sites[0].state", "no state 'us'"),
        ("grid: ercot", "grid: ercott", "sites[0].grid", "no grid 'ercott'"),
        ("training_model: llama31_70b", "training_model: llama_70b", "workload.training_model", "no model"),
        ("rungs: [landlord_lease, owned]", "rungs: [landlord_lease, cloud]", "sites[0].rungs[1]", "allowed words"),
        ("rungs: [landlord_lease, owned]", "rungs: [owned, owned]", "sites[0].rungs", "repeats owned"),
        ("rungs: [landlord_lease, owned]", "rungs: []", "sites[0].rungs", "too short"),
        ("grid_ready_quarter: 2027Q4", "grid_ready_quarter: 2027-Q4", "sites[0].grid_ready_quarter", "written"),
        ("grid_ready_quarter: 2027Q4", "grid_ready_quarter: 2069Q1", "sites[0].grid_ready_quarter", "after the"),
        ("#cloud: true", "cloud: no", "ladder.cloud", "true or false"),
        ("#covenant_dscr: 1.15", "covenant_dscr: 1.5", "finance.covenant_dscr", "breach at once"),
        ("#tenor_years: 7", "tenor_years: 12", "finance.tenor_years", "12 years, and the horizon has 10"),
        ("#refinance_year: 0", "refinance_year: 11", "finance.refinance_year", "after the horizon of 10 years"),
        ("#refinance_year: 0", "refinance_year: 6", "finance.refinance_tenor_years", "5 years after year 6"),
        ("#refinance_year: 0", "refinance_year: 2.1", "finance.refinance_year", "end of a quarter"),
        ("#refinance_year: 0", "gearing_max_frac: 0\n  refinance_year: 3", "finance.refinance_year", "no loan"),
        ("#chip_gearing_max_frac: 0.0", "chip_gearing_max_frac: 0.5\n  chip_tenor_years: 6", "finance.chip_tenor_years",
         "the catalogue gives them 5 years"),
        ("#chip_credit: applied_digital", "chip_credit: junk", "finance.chip_credit", "no credit 'junk'"),
        ("#debt_kind: sculpted", "debt_kind: bullet", "finance.debt_kind", "allowed words"),
        ("#cash_sweep_frac: 0.0", "cash_sweep_frac: 50", "finance.cash_sweep_frac", "write 0.5"),
        ("#gearing_max_frac: 0.7", "utilization_frac: 0.7", "finance.utilization_frac", "unknown key"),
        ("#gearing_max_frac: 0.7", "budget_usd: 7", "finance.budget_usd", "belongs under ladder"),
        ("training_accelerators: 1024", "training_accelerators: 10.5", "workload.training_accelerators", "whole"),
        ("#committed: []", "committed: [{quarter: 2027Q1, it_mw: 5}]", "sites[0].committed", "needs committed_rung"),
        ("name: my-first-hall", "name: My Hall", "name", "written"),
        ("title: A 20 MW hall near Dallas, built, leased or rented", "title:", "title", "has no value"),
        ("#claims: []", "claims: [{item: jobs, published: 1, source: abc}]", "claims[0].item", "allowed words"),
        ("credit: " + CREDIT, "credit: junk", "finance.credit", "no credit 'junk'"),
    ],
)  # fmt: skip
def test_one_fault_is_one_problem(old: str, new: str, path: str, words: str) -> None:
    found = [p for p in problems((old, new)) if p.path == path and words in p.message]
    assert len(found) == 1, [p.render() for p in problems((old, new))]
    assert found[0].line is not None


def test_committed_more_than_the_site_holds() -> None:
    block = "committed_rung: owned\n    committed: [{quarter: 2027Q1, it_mw: 15}, {quarter: 2027Q2, it_mw: 6}]"
    assert "more than max_it_mw" in only(("#committed: []", block)).message


def test_quarters_of_signed_blocks() -> None:
    block = "committed_rung: owned\n    committed: [{{quarter: {}, it_mw: 5}}]"
    assert problems(("#committed: []", block.format("2026Q1"))) == []
    assert "after the horizon" in only(("#committed: []", block.format("2036Q4"))).message
    assert problems(("#committed: []", block.format("2036Q3"))) == []


def test_ordered_silicon_needs_a_budget() -> None:
    block = "committed_rung: owned\n    committed: [{quarter: 2027Q1, it_mw: 5, accelerator: b200}]"
    assert problems(("#committed: []", block)) == []
    found = only(("#committed: []", block), ("budget_usd: 800e6", "budget_usd: 0"))
    assert found.path == "sites[0].committed[0].accelerator"
    nothing = only(
        ("budget_usd: 800e6", "budget_usd: 0"), ("#cloud: true", "cloud: false"), ("#neocloud: true", "neocloud: false")
    )
    assert "no accelerator can be had" in nothing.message


def test_contradictions_of_the_whole_are_seen_beside_other_faults() -> None:
    found = problems(
        ("#futures:", "futures:"),
        ("#branch_quarters: [4, 12]", "branch_quarters: [4, 50]"),
        ("max_it_mw: 20", "max_it_mw: x"),
    )
    assert {"sites[0].max_it_mw", "futures.branch_quarters"} == {p.path for p in found}


def override(key: str, value: str) -> tuple[str, str]:
    return "#overrides: []", f"overrides:\n  - {{key: {key}, value: {value}, why: a test}}"


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("accelerator.gb200.tdp_w", "1300", ""),
        ("accelerator.gb200.tdp_w", "1.2", "times below the catalogue's lowest"),
        ("accelerator.gb200.tdp_w", "1200000", "times the catalogue's highest"),
        ("accelerator.gb200.tdp_w", "-1200", "is negative"),
        ("tax.us.federal_rate_frac", "0.25", ""),
        ("tax.us.federal_rate_frac", "25", "looks like percent: write 0.25"),
        ("accelerator.gb200.tpd_w", "1300", "the catalogue has no row"),
    ],
)
def test_overrides_against_the_catalogue(key: str, value: str, words: str) -> None:
    found = problems(override(key, value))
    assert len(found) == (1 if words else 0)
    if words:
        assert words in found[0].message
        assert found[0].path.startswith("overrides[0].")
        assert found[0].item == key
    if "tpd" in key:
        assert found[0].nearest == "accelerator.gb200.tdp_w"


def test_repeated_overrides() -> None:
    one = "{key: tax.us.federal_rate_frac, value: 0.2, why: a test}"
    assert "repeats" in only(("#overrides: []", f"overrides: [{one}, {one}]")).message


def test_rendering_and_plain_data() -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario_text(BASE.replace("max_it_mw: 20", "max_it_mw: 20000"))
    error = caught.value
    text = error.render()
    assert text.startswith("1 problem in the scenario\n")
    for words in ("scenario:", "sites[0].max_it_mw (dallas_hall)", "found 20000", "allowed: 0 to 15,000"):
        assert words in text
    assert json.loads(json.dumps(error.as_dict()))["problems"][0]["path"] == "sites[0].max_it_mw"
    assert pickle.loads(pickle.dumps(error)).problems == error.problems


def test_a_missing_file_and_a_missing_variant(tmp_path: Path) -> None:
    assert "does not exist" in check_scenario(tmp_path / "no.yaml", None, CATALOG)[0].message
    file = tmp_path / "a.yaml"
    file.write_text(BASE, encoding="utf-8")
    assert check_scenario(file, None, CATALOG) == []
    assert check_scenario(file, "x", CATALOG)[0].path == "variants"


def test_every_message_of_a_thousand_faults_is_bounded() -> None:
    many = "overrides: [" + ", ".join("{key: a, value: x, why: ''}" for _ in range(200)) + "]"
    found = problems(("#overrides: []", many))
    assert len(found) <= 403
    assert max(len(p.render()) for p in found) < 2000


@pytest.mark.parametrize(
    ("name", "names", "near"),
    [("colling", ["cooling", "grid"], "cooling"), ("h100", ["h100_sxm", "b200"], "h100_sxm"), ("zzz", ["cooling"], "")],
)
def test_nearest_name(name: str, names: list[str], near: str) -> None:
    assert nearest_name(name, names) == near


def test_path_text() -> None:
    assert path_text(("sites", 2, "committed", 0, "it_mw")) == "sites[2].committed[0].it_mw"


def test_python_callers_get_the_same_guard() -> None:
    data: dict[str, Any] = load_scenario_text(BASE).resolved
    data["demand"]["programme_share_frac"]["low"] = float("nan")
    with pytest.raises(ValueError, match="finite"):
        Scenario.model_validate(data)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("cvar_level_frac: 90", "cvar_level_frac"),
        ("cvar_level_frac: 1.0", "cvar_level_frac"),
        ("cvar_weight_frac: -0.1", "cvar_weight_frac"),
        ("cvar_weight_frac: 1.0", "cvar_weight_frac"),
        ("frontier_count: 2.5", "frontier_count"),
        ("frontier_count: 100", "frontier_count"),
        ("measures: all", "measures"),
    ],
)
def test_faults_in_what_the_plan_minds_are_named(line: str, words: str) -> None:
    found = only(("finance:\n", f"plan:\n  {line}\nfinance:\n"))
    assert found.path == f"plan.{words}"
    assert found.allowed


def test_a_level_in_percent_is_said_to_look_like_it() -> None:
    assert "percent" in only(("finance:\n", "plan:\n  cvar_level_frac: 90\nfinance:\n")).message


STEPS = """max_it_mw: 20
    committed_rung: owned
    committed: [{quarter: 2026Q4, it_mw: 6}, {quarter: 2027Q4, it_mw: 8}]
    grid_steps: [{quarter: 2026Q4, it_mw: 10}, {quarter: 2028Q1, it_mw: 10}]"""


def test_a_lease_that_starts_before_its_power_is_refused() -> None:
    found = only(("max_it_mw: 20", STEPS))
    assert found.path == "sites[0].committed[1]"
    assert "14 IT MW are signed by 2027Q4, the grid connects 10 by then" in found.render()
    assert problems(("max_it_mw: 20", STEPS.replace("2028Q1", "2027Q4"))) == []


def test_money_that_comes_in_is_part_of_the_budget_and_within_the_horizon() -> None:
    late = "budget_usd: 800e6\n  funding_rounds: [{quarter: 2027Q1, usd: 500e6}, {quarter: 2099Q1, usd: 400e6}]"
    found = problems(("budget_usd: 800e6", late))
    assert {p.path for p in found} == {"ladder.funding_rounds", "ladder.funding_rounds[1].quarter"}
    assert any("more than budget_usd" in p.render() for p in found)


def test_a_tree_has_at_most_a_hundred_histories() -> None:
    four = {
        "names": ["a", "b", "c", "d"], "probability": [0.25] * 4, "revenue_growth_per_year": [[1.0, 1.0, 1.0]] * 4,
        "token_price_change_per_year": [0.0] * 4, "rent_factor": [1.0] * 4,
    }  # fmt: skip
    assert Futures.model_validate({**four, "branch_quarters": [2, 4, 6]}).branch_quarters == [2, 4, 6]
    with pytest.raises(ValueError, match="256 histories; at most 100"):
        Futures.model_validate({**four, "branch_quarters": [2, 4, 6, 8]})


@pytest.mark.parametrize(
    ("fields", "path"),
    [("draft_tok: 1", "workload.draft_accept_frac"), ("draft_accept_frac: 0.8", "workload.draft_tok")],
)
def test_drafted_tokens_and_their_acceptance_go_together(fields: str, path: str) -> None:
    text = template_text().replace("workload:\n", f"workload:\n  {fields}\n", 1)
    problems = check_text(text, None, load_catalog())
    assert [p.path for p in problems] == [path]
    assert not check_text(template_text(), None, load_catalog())
