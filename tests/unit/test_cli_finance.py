"""``kiban finance``: the money of a scenario, and of stand-alone projects."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from kiban.catalog import load_catalog
from kiban.cli import app
from kiban.finance.project import Returns, evaluate
from kiban.finance.project_inputs import Build, Costs, Debt, Grid, Projects, Reserves, Sales, Tax
from kiban.report.doors_finance import base_of, by_history
from kiban.report.doors_words import label
from kiban.results.finance import PlanMetrics
from kiban.scenario.load import load_scenario
from kiban.study import run_study

EXAMPLES = Path(__file__).parents[2] / "examples"
SCENARIO = EXAMPLES / "neocloud-20mw.yaml"
PROJECT = EXAMPLES / "gpu-hall-project.yaml"

BARE: dict[str, Any] = {
    "kiban_project": 1,
    "name": "plain",
    "grid": {"construction_years": 2, "operation_years": 8},
    "sales": {
        "accelerators": 1000, "utilisation_frac": 0.8, "price_nominal_usd_per_unit": 3.0,
        "price_escalation_frac_per_year": -0.03, "residual_frac": 0.1,
    },
    "costs": {"fixed": [{"name": "staff", "nominal_usd_per_year": 2e6, "escalation_frac_per_year": 0.03}]},
    "build": {"lines": [{"name": "servers", "nominal_usd": 40e6, "macrs": 5}], "draw_frac": [0.25, 0.75]},
    "debt": {"kind": "level", "rate_frac_per_year": 0.08, "tenor_years": 6, "gearing_frac": 0.6, "fee_frac": 0.01},
    "reserves": {"service_months": 6},
    "discount_frac_per_year": 0.1,
}  # fmt: skip


def kiban(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


def file_of(folder: Path, **changes: Any) -> Path:
    """The plain project with other values; a path such as ``debt.gearing_frac`` is written ``debt__gearing_frac``."""
    data = json.loads(json.dumps(BARE))
    for name, value in changes.items():
        *way, last = name.split("__")
        part = data
        for step in way:
            part = part.setdefault(step, {})
        part[last] = value
    path = folder / "project.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return path


def told(path: Path, *more: str) -> dict[str, Any]:
    done = kiban("finance", str(path), "--json", *more)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def refused(path: Path) -> str:
    done = kiban("finance", str(path))
    assert done.exit_code == 2, done.output
    assert "Traceback" not in done.output
    return str(done.stderr)


# A scenario file.


def test_a_scenario_tells_every_metric_of_every_plan() -> None:
    study = run_study(load_scenario(SCENARIO).scenario, load_catalog())
    found = told(SCENARIO)
    assert [p["plan"] for p in found["plans"]] == [m.plan for m in study.finance.metrics]
    leaf = study.finance.base_leaf
    for plan, metrics in zip(found["plans"], study.finance.metrics, strict=True):
        assert set(plan["metrics"]) == {f.name for f in fields(PlanMetrics)}
        base = plan["base"]
        assert base["expected_npv_usd"] == pytest.approx(metrics.expected_npv_usd, rel=1e-9)
        assert base["leaf_npv_usd"] == pytest.approx(float(metrics.leaf_npv_usd[leaf]), rel=1e-9)
        assert base["leaf_equity_irr"]["status"] == metrics.leaf_equity_irr[leaf].status
    assert sum(found["sources_nominal_usd"].values()) == pytest.approx(
        sum(found["uses_nominal_usd"].values()), rel=1e-8
    )
    for one, cost in zip(found["unit_costs"], study.finance.unit_costs, strict=True):
        assert one["annuity_usd_per_gpu_h"] == pytest.approx(float(cost.usd_per_gpu_h.sum()), rel=1e-9)
        assert one["straight_line_usd_per_gpu_h"] == pytest.approx(cost.straight_line_usd_per_gpu_h, rel=1e-9)
    assert max(abs(v) for v in found["residuals"].values()) < 1e-6
    assert "impact" not in found["room_seconds"]


def test_a_scenario_for_a_reader() -> None:
    text = kiban("finance", str(SCENARIO)).stdout
    for words in ("MOIC", "equity IRR", "payback", "min DSCR", "LLCR", "first breach", "debt unpaid", "break even rent",
                  "all owned", "Sources", "Uses", "goodput hour", "straight line", "balances close"):  # fmt: skip
        assert words in text, words


def test_a_scenario_writes_tables_or_the_workbook(tmp_path: Path) -> None:
    files = {Path(f).name for f in told(SCENARIO, "-o", str(tmp_path / "tables"))["files"]}
    assert files == {
        "statements.csv", "statements_sponsor.csv", "statements_lender.csv", "statements_income.csv",
        "balance_sheets.csv", "downside.csv", "loss_given_default.csv", "unit_costs.csv", "sources_and_uses.csv",
        "metrics.csv",
    }  # fmt: skip
    book = tmp_path / "deep" / "book.xlsx"
    assert told(SCENARIO, "-o", str(book))["files"] == [str(book)]
    assert book.read_bytes()[:2] == b"PK"


def test_a_scenario_with_faults_ends_in_two_and_one_without_answer_in_three(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text(SCENARIO.read_text(encoding="utf-8").replace("tenor_years", "tenor_yeras"), encoding="utf-8")
    assert "tenor_years" in refused(broken)
    hard = tmp_path / "hard.yaml"
    text = (EXAMPLES / "university-512.yaml").read_text(encoding="utf-8")
    hard.write_text(
        text.replace("prefix_cache_frac: 0.2", "prefix_cache_frac: 0.2\n  tpot_limit_s: 1e-6"), encoding="utf-8"
    )
    done = kiban("finance", str(hard))
    assert done.exit_code == 3
    assert "TPOT" in done.stderr
    assert kiban("finance", str(tmp_path / "nothing.yaml")).exit_code == 2


# A project file against the engine.


def plain_projects() -> Projects:
    """The plain project by hand."""
    catalog = load_catalog()
    years = np.arange(8)
    table = [catalog.value(f"tax.us.macrs.5yr.hy.{y:02d}") for y in range(1, 7)]
    return Projects(
        grid=Grid(8, 2, 1),
        sales=Sales(1000 * 8760 * 0.8, 3.0, -0.03, 0.0, 0.1),
        costs=Costs(fixed_nominal_usd_per_year=(2e6 * 1.03**years)[:, None]),
        build=Build(40e6, draw_frac=np.array([0.25, 0.75])),
        discount_frac_per_year=0.1,
        debt=Debt(kind="level", rate_frac_per_year=0.08, tenor_periods=6.0, gearing_frac=0.6, fee_frac=0.01),
        tax=Tax(
            federal_frac=0.21, schedules=np.array([table]), class_frac=np.ones(1), bonus_frac=np.ones(1),
            loss_use_cap_frac=0.8, interest_cap_frac=0.3,
        ),
        reserves=Reserves(service_months=6.0),
    )  # fmt: skip


def test_a_project_is_worth_what_the_engine_says(tmp_path: Path) -> None:
    metrics = told(file_of(tmp_path))["projects"][0]["metrics"]
    done = evaluate(plain_projects())
    for f in fields(Returns):
        value = getattr(done, f.name)
        if f.name.endswith("_irr"):
            assert metrics[f"{f.name}_frac_per_year"] == pytest.approx(float(value.unique_frac_per_year[0]), rel=1e-9)
        elif not f.name.endswith("_residual"):
            assert metrics[f.name] == pytest.approx(float(value[0]), rel=1e-9), f.name
    assert metrics["project_npv_usd"] != 0


def test_a_project_without_debt_and_tax_by_hand(tmp_path: Path) -> None:
    path = file_of(
        tmp_path, debt={"kind": "none"}, reserves={}, tax={"federal_frac": 0.0}, costs={}, sales__residual_frac=0.0,
        sales__price_escalation_frac_per_year=0.0, sales__output_per_year=10e6, sales__accelerators=None,
        sales__utilisation_frac=None, inflation_frac_per_year=0.02,
    )  # fmt: skip
    metrics = told(path)["projects"][0]["metrics"]
    worth = sum(1.1**-t for t in range(2, 10))
    cost = 10e6 + 30e6 / 1.1
    assert metrics["project_npv_usd"] == pytest.approx(30e6 * worth - cost, rel=1e-9)
    assert metrics["lcoc_nominal_usd_per_unit"] == pytest.approx(cost / (10e6 * worth), rel=1e-9)
    real = sum((1.02 / 1.1) ** t for t in range(2, 10))
    assert metrics["lcoc_real_usd_per_unit"] == pytest.approx(cost / (10e6 * real), rel=1e-9)
    assert metrics["project_break_even_output_multiple"] == pytest.approx(cost / (30e6 * worth), rel=1e-9)


@pytest.mark.parametrize("refunded", [True, False])
def test_lcoc_is_the_price_at_which_nothing_is_left(tmp_path: Path, refunded: bool) -> None:
    first = told(file_of(tmp_path, tax={"losses_refunded": refunded}))["projects"][0]["metrics"]
    price = first["lcoc_nominal_usd_per_unit"]
    path = file_of(
        tmp_path, tax={"losses_refunded": refunded}, sales__price_nominal_usd_per_unit=price,
        sales__price_escalation_frac_per_year=0.0,
    )  # fmt: skip
    again = told(path)["projects"][0]["metrics"]
    # Prices are told to ten digits, so a worth of 100 m USD is zero to a few cents.
    assert again["project_npv_usd"] == pytest.approx(0, abs=0.1)
    assert again["project_irr_frac_per_year"] == pytest.approx(0.1, abs=1e-8)
    assert again["lcoc_nominal_usd_per_unit"] == pytest.approx(price, rel=1e-8)


def test_break_even_price_and_utilisation_leave_nothing(tmp_path: Path) -> None:
    first = told(file_of(tmp_path))["projects"][0]["metrics"]
    price = told(
        file_of(tmp_path, sales__price_nominal_usd_per_unit=first["equity_break_even_price_nominal_usd_per_unit"])
    )["projects"][0]["metrics"]
    assert price["equity_npv_usd"] == pytest.approx(0, abs=1e-2)
    used = 0.8 * first["project_break_even_output_multiple"]
    output = told(file_of(tmp_path, sales__utilisation_frac=used))["projects"][0]
    assert output["metrics"]["project_npv_usd"] == pytest.approx(0, abs=1e-2)


@pytest.mark.parametrize("periods", [1, 4])
def test_the_statement_adds_up(tmp_path: Path, periods: int) -> None:
    draws = [0.25, 0.75] if periods == 1 else [0.125] * 8
    path = file_of(
        tmp_path, grid__periods_per_year=periods, build__draw_frac=draws, reserves__working_months=3,
        replacements=[{"name": "fans", "every_years": 3, "nominal_usd": 1e6}], credits={"investment_frac": 0.1},
        build__development_nominal_usd=1e6,
    )  # fmt: skip
    found = told(path)["projects"][0]
    rows = {
        name: np.array([math.nan if v is None else v for v in values]) for name, values in found["statement"].items()
    }
    assert rows["year"].tolist() == list(range(-1, 9))
    cash = sum(
        rows[f"{name}_nominal_usd"]
        for name in (
            "construction", "development", "loan_fee_and_closing", "loan_drawn", "ebitda", "reserve_interest",
            "federal_tax", "state_tax", "credits", "replacements", "sale", "reserves", "interest", "principal",
        )
    )  # fmt: skip
    np.testing.assert_allclose(cash, rows["equity_cash_nominal_usd"], atol=0.05)
    np.testing.assert_allclose(
        rows["ebitda_nominal_usd"], rows["revenue_nominal_usd"] + rows["running_cost_nominal_usd"], atol=0.02
    )
    assert rows["debt_balance_nominal_usd"][-1] == pytest.approx(0, abs=0.05)
    paid_in, uses = found["sources_nominal_usd"], found["uses_nominal_usd"]
    assert sum(paid_in.values()) == pytest.approx(sum(uses.values()), rel=1e-8)
    if periods == 1:
        flows = rows["equity_cash_nominal_usd"]
        worth = sum(v * 1.1**-t for t, v in enumerate(flows))
        assert worth == pytest.approx(found["metrics"]["equity_npv_usd"], abs=1.0)


def test_a_plant_that_waits_is_paid_before_it_sells(tmp_path: Path) -> None:
    now = told(file_of(tmp_path, debt={"kind": "none"}, reserves={}))["projects"][0]
    later = told(file_of(tmp_path, debt={"kind": "none"}, reserves={}, grid__operation_start_years=3))["projects"][0]
    cost = 10e6 + 30e6 / 1.1
    assert later["metrics"]["project_npv_usd"] + cost == pytest.approx(
        (now["metrics"]["project_npv_usd"] + cost) / 1.1, rel=1e-9
    )
    assert later["statement"]["construction_nominal_usd"][:3] == [-10e6, -30e6, 0]


def test_power_and_named_cost_are_running_cost(tmp_path: Path) -> None:
    power = {"it_mw": 2.0, "load_frac": 0.5, "pue": 1.25, "usd_per_mwh": 80, "escalation_frac_per_year": 0.02}
    rows = told(file_of(tmp_path, costs__power=power))["projects"][0]["statement"]
    expected = [-(2e6 * 1.03**k + 2 * 0.5 * 1.25 * 8760 * 80 * 1.02**k) for k in range(8)]
    np.testing.assert_allclose(rows["running_cost_nominal_usd"][2:], expected, rtol=1e-9)


def test_classes_are_written_off_by_their_own_rows(tmp_path: Path) -> None:
    catalog = load_catalog()
    lines = [
        {"name": "servers", "nominal_usd": 10e6, "macrs": 5},
        {"name": "plant", "nominal_usd": 20e6, "macrs": 15},
        {"name": "building", "nominal_usd": 5e6, "macrs": 39},
        {"name": "land", "nominal_usd": 5e6},
    ]
    rows = told(file_of(tmp_path, build__lines=lines, debt={"kind": "none"}, reserves={}, tax={"bonus_frac": 0.4}))[
        "projects"
    ][0]["statement"]
    five, fifteen = ([catalog.value(f"tax.us.macrs.{years}yr.hy.{y:02d}") for y in (1, 2)] for years in (5, 15))
    building = 5e6 * catalog.value("tax.us.macrs.39yr.full_year_frac")
    first = 0.4 * 30e6 + 0.6 * (10e6 * five[0] + 20e6 * fifteen[0]) + building
    second = 0.6 * (10e6 * five[1] + 20e6 * fifteen[1]) + building
    np.testing.assert_allclose(rows["depreciation_nominal_usd"][2:4], [-first, -second], rtol=1e-9)


def test_a_row_of_the_catalogue_is_looked_up_and_named(tmp_path: Path) -> None:
    key = "system.hgx_b200.price_usd"
    lines = [{"name": "servers", "nominal_usd": {"key": key, "times": 100}, "macrs": 5}]
    found = told(file_of(tmp_path, build__lines=lines, samples={"count": 64}))["projects"][0]
    low, value, high = load_catalog().range(key)
    assert found["uses_nominal_usd"]["plant"] == pytest.approx(value * 100)
    assert key in found["catalogue_rows"]
    assert "tax.us.federal_rate_frac" in found["catalogue_rows"]
    assert low < high
    assert found["sample_count"] == 64


def test_ranges_are_drawn_with_the_seed_of_the_file(tmp_path: Path) -> None:
    price = {"value": 3.0, "low": 2.0, "high": 4.0}
    path = file_of(tmp_path, sales__price_nominal_usd_per_unit=price, samples={"count": 4096, "seed": 7})
    first, again = told(path)["projects"][0], told(path)["projects"][0]
    assert first["samples"] == again["samples"]
    base, npv = first["metrics"]["project_npv_usd"], first["samples"]["project_npv_usd"]
    assert npv["p50"] == pytest.approx(base, rel=2e-3, abs=1e5)
    # The worth rises with the price, so its percentiles are the worth at the price's percentiles.
    z = 1.2815515655 / 1.6448536270
    for name, at in (("p10", 3 * (2 / 3) ** z), ("p90", 3 * (4 / 3) ** z)):
        alone = told(file_of(tmp_path, sales__price_nominal_usd_per_unit=at))["projects"][0]["metrics"]
        assert npv[name] == pytest.approx(alone["project_npv_usd"], rel=5e-3, abs=2e5)
    other = file_of(tmp_path, sales__price_nominal_usd_per_unit=price, samples={"count": 4096, "seed": 8})
    assert told(other)["projects"][0]["samples"] != first["samples"]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.floats(0.1, 50), price=st.floats(1.0, 8.0))
def test_twice_the_project_is_worth_twice_and_costs_the_same_a_unit(tmp_path: Path, size: float, price: float) -> None:
    one = told(file_of(tmp_path, sales__price_nominal_usd_per_unit=price))["projects"][0]["metrics"]
    more = told(
        file_of(
            tmp_path, sales__price_nominal_usd_per_unit=price, sales__accelerators=1000 * size,
            build__lines=[{"name": "servers", "nominal_usd": 40e6 * size, "macrs": 5}],
            costs__fixed=[{"name": "staff", "nominal_usd_per_year": 2e6 * size, "escalation_frac_per_year": 0.03}],
        )
    )["projects"][0]["metrics"]  # fmt: skip
    for name in ("project_npv_usd", "equity_npv_usd", "debt_nominal_usd"):
        assert more[name] == pytest.approx(one[name] * size, rel=1e-7, abs=1.0), name
    for name in ("lcoc_nominal_usd_per_unit", "levelised_nominal_usd_per_unit", "gearing_frac", "min_dscr"):
        assert more[name] == pytest.approx(one[name], rel=1e-7), name
    dearer = told(file_of(tmp_path, sales__price_nominal_usd_per_unit=price * 1.1))["projects"][0]["metrics"]
    assert dearer["project_npv_usd"] > one["project_npv_usd"]
    assert dearer["lcoc_nominal_usd_per_unit"] == pytest.approx(one["lcoc_nominal_usd_per_unit"], rel=1e-8)


def test_quarters_value_nearly_as_years_do_and_never_lose_money_on_the_way(tmp_path: Path) -> None:
    bare = {"debt": {"kind": "none"}, "reserves": {}, "tax": {"federal_frac": 0.0}}
    plain = {"sales__price_escalation_frac_per_year": 0.0, "sales__residual_frac": 0.0, "costs__fixed": []}
    draws = [0.125] * 8
    found = told(file_of(tmp_path, **bare, **plain, grid__periods_per_year=4, build__draw_frac=draws))["projects"][0]
    quarterly = 1000 * 8760 * 0.8 * 3.0 / 4
    worth = sum(quarterly * 1.1 ** (-t / 4) for t in range(8, 40)) - sum(5e6 * 1.1 ** (-t / 4) for t in range(8))
    assert found["metrics"]["project_npv_usd"] == pytest.approx(worth, rel=1e-8)
    assert found["statement"]["revenue_nominal_usd"][2] == pytest.approx(quarterly * 4)


def test_a_variant_changes_one_line_by_its_name(tmp_path: Path) -> None:
    path = file_of(
        tmp_path,
        build__lines=[{"name": "servers", "nominal_usd": 40e6, "macrs": 5}, {"name": "land", "nominal_usd": 1e6}],
        variants={"dear": {"build": {"lines": [{"name": "servers", "nominal_usd": 50e6}]}}},
    )  # fmt: skip
    base, dear = told(path)["projects"]
    assert base["uses_nominal_usd"]["plant"] == 41e6
    assert dear["uses_nominal_usd"]["plant"] == 51e6


def test_a_metric_that_is_new_appears_by_itself() -> None:
    @dataclass(frozen=True)
    class More(PlanMetrics):
        leaf_mirr_frac_per_year: Any = None
        leaf_odd: Any = None
        strangeness_usd_per_gpu_h: float = 2.5

    study = run_study(load_scenario(SCENARIO).scenario, load_catalog())
    old = study.finance.metrics[0]
    count = len(old.leaf_npv_usd)
    more = More(**{f.name: getattr(old, f.name) for f in fields(old)}, leaf_mirr_frac_per_year=np.full(count, 0.12))
    found = by_history(more)
    assert found["strangeness_usd_per_gpu_h"] == 2.5
    assert base_of(more, study.finance.base_leaf)["leaf_mirr_frac_per_year"] == 0.12
    assert "leaf_odd" not in found
    assert label("leaf_mirr_frac_per_year") == "MIRR"


# What is refused, and what is answered in words.


def test_every_fault_of_a_project_is_named_at_once(tmp_path: Path) -> None:
    path = file_of(
        tmp_path, debt__gearing_frac=1.2, debt__tenor_years=12, build__draw_frac=[0.5, 0.4], sales__utilisaton_frac=0.5,
        costs__insurance_frac_per_year="much", discount_frac_per_year={"key": "finance.credit.orcle.yield_frac"},
        grid__operation_start_years=1,
    )  # fmt: skip
    text = refused(path)
    for words in (
        "debt.gearing_frac: gearing_frac is above 1: a loan cannot be larger than what it pays for",
        "longer than the operation of 8 years",
        "draw_frac sums to 0.9, it must sum to 1",
        "utilisation_frac?",
        "costs.insurance_frac_per_year: insurance_frac_per_year: must be a number",
        "did you mean finance.credit.oracle.yield_frac?",
        "operation starts before construction ends",
        "project.yaml:",
        "7 problems; nothing was run",
    ):
        assert words in text, f"{words}\n{text}"
    problems = json.loads(kiban("finance", str(path), "--json").stdout)["problems"]
    assert len(problems) == 7
    assert all(p["line"] for p in problems)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"debt__kind": "sculpted", "debt__dscr": 0.9}, "debt.dscr: dscr is below 1"),
        ({"debt__kind": "none"}, "kind is none, yet tenor_years is 6"),
        ({"debt__kind": "sculptd"}, "did you mean sculpted?"),
        ({"debt__moratorium_years": 6}, "nothing would repay it"),
        ({"debt__tenor_years": 2.5}, "periods_per_year: 4"),
        ({"debt__gearing_frac": 60}, "looks like percent: write 0.6"),
        ({"build__draw_frac": [1.0]}, "draw_frac has 1 entries"),
        ({"sales__output_per_year": 1e6}, "would say it again"),
        ({"sales__utilisation_frac": None}, "accelerators and utilisation_frac (utilisation_frac missing)"),
        ({"sales__utilisation_frac": 1.4}, "sales.utilisation_frac: utilisation_frac must lie between 0 and 1"),
        ({"sales__utilisation_frac": {"value": 0.7, "low": 0.8, "high": 0.9}}, "needs low <= value <= high"),
        ({"sales__utilisation_frac": {"value": 0.7, "low": 0.6}}, "needs low and high together"),
        ({"tax": {"federal_frac": {"key": "tax.us.federal_rate_frac", "value": 0.3}}}, "would give it again"),
        ({"tax": {"loss_use_cap_frac": {"value": 0.7, "low": 0.6, "high": 0.8}}}, "takes one number, no range"),
        ({"build__lines": [{"name": "a", "nominal_usd": 1e6, "macrs": 6}]}, "5, 7, 15"),
        ({"build__lines": [{"name": "a", "nominal_usd": 1e6}, {"name": "a", "nominal_usd": 1e6}]}, "two lines are"),
        ({"credits": {"investment_macrs": [39]}}, "nothing that is built has macrs: 39"),
        ({"replacements": [{"name": "a", "every_years": 9, "nominal_usd": 1e6}]}, "first replacement comes after"),
        ({"grid__operation_years": None}, "operation_years has no value"),
        ({"tax": 3}, "tax must be a mapping"),
        ({"gird": {}}, "did you mean grid?"),
        ({"kiban_project": 2}, "kiban_project"),
    ],
)
def test_a_contradiction_is_refused_in_words(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    text = refused(file_of(tmp_path, **changes))
    assert words in text, text


def test_revenue_that_never_covers_cost_is_a_sentence(tmp_path: Path) -> None:
    path = file_of(
        tmp_path, debt__kind="sculpted", costs__variable_nominal_usd_per_unit=5.0, costs__fixed=[],
        sales__price_escalation_frac_per_year=0.0,
    )  # fmt: skip
    done = kiban("finance", str(path))
    assert done.exit_code == 0, done.output
    assert "Revenue covers running cost in no year" in done.stdout
    assert "The cash carries no loan" in done.stdout
    assert "no output is enough" in done.stdout
    free = kiban("finance", str(file_of(tmp_path, sales__price_nominal_usd_per_unit=0.0)))
    assert free.exit_code == 0, free.output
    nothing = kiban("finance", str(file_of(tmp_path, sales__utilisation_frac=0.0)))
    assert nothing.exit_code == 0, nothing.output
    assert "No price up to" in nothing.stdout


def test_the_example_has_three_projects_and_tables(tmp_path: Path) -> None:
    found = told(PROJECT, "-o", str(tmp_path / "out"))
    assert [p["label"] for p in found["projects"]] == ["gpu-hall", "gpu-hall (cheap_power)", "gpu-hall (without_debt)"]
    base, cheap, bare = (p["metrics"] for p in found["projects"])
    assert cheap["project_npv_usd"] > base["project_npv_usd"]
    assert bare["project_npv_usd"] == pytest.approx(base["project_npv_usd"], rel=1e-9)
    assert bare["debt_nominal_usd"] == 0
    with (tmp_path / "out" / "statement.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 3 * 7
    mine = [float(r["equity_cash_nominal_usd"]) for r in rows if r["project"] == "gpu-hall"]
    assert sum(v * 1.11**-t for t, v in enumerate(mine)) == pytest.approx(base["equity_npv_usd"], rel=1e-5)
    one = told(PROJECT, "--variant", "cheap_power")["projects"]
    assert [p["label"] for p in one] == ["gpu-hall (cheap_power)"]
    text = kiban("finance", str(PROJECT)).stdout
    for words in ("LCOC", "break even", "P10", "Sources", "debt balance", "equity cash", "project NPV, sampled"):
        assert words in text
    assert "no variant 'nowhere'" in kiban("finance", str(PROJECT), "--variant", "nowhere").stderr


def test_a_project_writes_its_workbook_and_a_quarterly_one_is_refused(tmp_path: Path) -> None:
    book = tmp_path / "deep" / "book.xlsx"
    assert told(PROJECT, "-o", str(book))["files"] == [str(book)]
    assert book.read_bytes()[:2] == b"PK"
    quarterly = file_of(tmp_path, grid__periods_per_year=4, build__draw_frac=[0.125] * 8)
    done = kiban("finance", str(quarterly), "-o", str(tmp_path / "quarterly.xlsx"))
    assert done.exit_code == 2
    assert "yearly model" in done.stderr
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert kiban("finance", str(PROJECT), "-o", str(tmp_path / "file" / "book.xlsx")).exit_code == 2


def test_other_verbs_know_a_project_file(tmp_path: Path) -> None:
    assert kiban("check", str(PROJECT)).exit_code == 0
    assert kiban("check", str(file_of(tmp_path, debt__tenor_years=99))).exit_code == 2
    for verb in ("plan", "run"):
        done = kiban(verb, str(PROJECT))
        assert done.exit_code == 2
        assert "kiban finance" in done.stderr


def test_the_schema_of_a_project_file() -> None:
    schema = json.loads(kiban("schema", "--project").stdout)
    assert {"grid", "sales", "build"} <= set(schema["else"]["required"])
    assert "tax" not in schema["else"]["required"]
    assert schema["$defs"]["Figure"]["anyOf"][0] == {"type": "number"}
    assert schema["$defs"]["BuildLine"]["properties"]["nominal_usd"]["unit"] == "USD nominal"
    assert "sites" in json.loads(kiban("schema").stdout)["properties"]
