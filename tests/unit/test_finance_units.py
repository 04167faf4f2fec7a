"""Unit costs of rungs: closed forms, the same question to every rung, and level rents."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import plan_fixtures as fx
import pytest
import test_finance_run as room
from hypothesis import given
from hypothesis import strategies as st

from kiban.finance.unit_costs import PARTS, UnitTerms, level_frac, unit_costs
from kiban.plan.inputs import build_inputs
from kiban.results import Rung, UnitCost

HOURS = 8760.0
FREE = UnitTerms(0.0, 0.0, 1.0, 0.0, 20.0)
TERMS = UnitTerms(0.08, 0.025, 0.7, 0.05, 20.0)
OWNED = Rung(
    name="a/owned", kind="owned", site="a", state="tx", holds_hall=True, lead_time_quarters=8, term_quarters=80,
    rent_usd_per_kw_month=0.0, escalator_frac_per_year=0.0, capex_usd_per_kw=12_000.0, deposit_frac=0.0,
    take_or_pay_frac=1.0, operation_usd_per_kw_year=400.0, energy_usd_per_mwh=60.0, pue=1.2,
    committed_it_mw=np.zeros(4), committed_accelerators=np.zeros((4, 3)), max_it_mw=np.full(4, 100.0),
)  # fmt: skip
LEASED = replace(
    OWNED, name="a/landlord_lease", kind="landlord_lease", capex_usd_per_kw=0.0, rent_usd_per_kw_month=120.0,
    escalator_frac_per_year=0.03, deposit_frac=0.25, term_quarters=60,
)  # fmt: skip
RENTED = replace(
    OWNED, name="neocloud", kind="neocloud", holds_hall=False, capex_usd_per_kw=0.0, operation_usd_per_kw_year=0.0,
    energy_usd_per_mwh=0.0, pue=0.0, term_quarters=16, deposit_frac=0.2, take_or_pay_frac=0.96,
)  # fmt: skip


def one(rung: Rung, terms: UnitTerms, name: str = "now") -> UnitCost:
    (found,) = unit_costs((rung,), (name,), fx.fleet(), terms)
    return found


def part(cost: UnitCost, name: str) -> float:
    return float(cost.usd_per_gpu_h[cost.parts.index(name)])


def test_without_interest_an_owned_hour_is_price_over_life_plus_running_cost() -> None:
    cost = one(OWNED, FREE)
    # 2 kW, 42,000 + 7,000 USD over 5 years, 80 % mean draw of training and serving.
    silicon, network, shell = 42e3 / 5 / HOURS, 7e3 / 5 / HOURS, 24e3 / 20 / HOURS
    power, operation = 2e-3 * 0.8 * 1.2 * 60.0, 800.0 / HOURS
    assert [part(cost, p) for p in ("silicon", "network", "shell", "power", "operation")] == pytest.approx(
        [silicon, network, shell, power, operation]
    )
    assert part(cost, "cost_of_capital") == pytest.approx(0.0, abs=1e-12)
    assert cost.usd_per_gpu_h.sum() == pytest.approx(cost.straight_line_usd_per_gpu_h)


def test_cost_of_capital_is_the_annuity_less_the_straight_line() -> None:
    cost = one(OWNED, TERMS)

    def annuity(price: float, years: float) -> float:
        return price * 0.08 / (1 - 1.08**-years) - price / years

    assert part(cost, "cost_of_capital") * HOURS == pytest.approx(annuity(49e3, 5) + annuity(24e3, 20))
    gap = float(cost.usd_per_gpu_h.sum()) - cost.straight_line_usd_per_gpu_h
    assert part(cost, "cost_of_capital") == pytest.approx(gap)


def test_failures_and_idle_hours_raise_the_useful_hour() -> None:
    for rung in (OWNED, LEASED, RENTED):
        cost = one(rung, TERMS)
        hour = float(cost.usd_per_gpu_h.sum())
        assert cost.usd_per_goodput_gpu_h.sum() == pytest.approx(hour / 0.7 / 0.93)
        assert cost.usd_per_goodput_gpu_h[PARTS.index("failures")] == pytest.approx(hour / 0.7 * (1 / 0.93 - 1))
        assert part(cost, "failures") == 0.0
        assert cost.usd_per_mtok.sum() == pytest.approx(hour / 0.7 / (8000.0 * 3600 / 1e6))


def test_every_rung_has_the_same_parts() -> None:
    costs = unit_costs((OWNED, LEASED, RENTED), ("now", "next", "cloudy"), fx.fleet(), TERMS)
    assert {c.parts for c in costs} == {PARTS}
    assert all(np.isfinite(c.usd_per_gpu_h).all() and (c.usd_per_gpu_h >= 0).all() for c in costs)
    # A chip without a contract rent is not offered by the neocloud.
    assert ("neocloud", "cloudy") not in {(c.rung, c.accelerator) for c in costs}


def test_a_level_rent_is_worth_the_rent_that_escalates() -> None:
    quarters = np.arange(60) / 4
    real = (1.03 / 1.025) ** quarters
    level = level_frac(1.03 / 1.025, 0.08, 60)
    assert level * (1.08**-quarters).sum() == pytest.approx(real @ 1.08**-quarters)
    hall = 120 * 12 * 2.0 / HOURS
    assert part(one(LEASED, TERMS), "rent") == pytest.approx(hall * level)
    assert part(one(replace(LEASED, escalator_frac_per_year=0.025), TERMS), "rent") == pytest.approx(hall)


def test_a_deposit_costs_what_it_would_have_earned() -> None:
    # A quarter of a year's rent, back after 15 years at its nominal amount.
    deposit = 0.25 * 120 * 12 * 2.0
    lost = deposit * (1 - (1.08 * 1.025) ** -15)
    with_deposit, without = one(LEASED, TERMS), one(replace(LEASED, deposit_frac=0.0), TERMS)
    gap = part(with_deposit, "cost_of_capital") - part(without, "cost_of_capital")
    assert gap * HOURS == pytest.approx(lost * 0.08 / (1 - 1.08**-15))
    assert with_deposit.straight_line_usd_per_gpu_h == pytest.approx(without.straight_line_usd_per_gpu_h)


def test_rent_that_is_not_locked_is_paid_as_it_is_used() -> None:
    free = replace(RENTED, take_or_pay_frac=0.0, deposit_frac=0.0)
    assert one(free, TERMS).usd_per_gpu_h.sum() == pytest.approx(4.2 * 0.7)
    flat = replace(RENTED, take_or_pay_frac=1.0, deposit_frac=0.0)
    assert one(flat, replace(TERMS, inflation_frac_per_year=0.0)).usd_per_gpu_h.sum() == pytest.approx(4.2)


def test_all_prepaid_costs_the_interest_of_half_the_term_or_so() -> None:
    # The whole rent of four years at the start is worth the price over the annuity of 16 quarters in advance.
    prepaid = replace(RENTED, take_or_pay_frac=1.0, deposit_frac=1.0)
    cost = one(prepaid, replace(TERMS, inflation_frac_per_year=0.0))
    assert cost.usd_per_gpu_h.sum() == pytest.approx(4.2 * 16 / (1.08 ** -(np.arange(16) / 4)).sum())
    assert cost.straight_line_usd_per_gpu_h == pytest.approx(4.2)


@given(st.floats(0.0, 0.2), st.floats(0.3, 1.0), st.floats(1.01, 2.0))
def test_dearer_capital_and_idler_hours_never_make_a_useful_hour_cheaper(rate: float, use: float, up: float) -> None:
    for rung in (OWNED, RENTED):
        base = one(rung, replace(TERMS, discount_frac_per_year=rate, utilisation_frac=use / up))
        busy = one(rung, replace(TERMS, discount_frac_per_year=rate, utilisation_frac=use))
        dear = one(rung, replace(TERMS, discount_frac_per_year=rate * up, utilisation_frac=use / up))
        assert busy.usd_per_goodput_gpu_h.sum() <= base.usd_per_goodput_gpu_h.sum() * (1 + 1e-12)
        assert base.usd_per_goodput_gpu_h.sum() <= dear.usd_per_goodput_gpu_h.sum() * (1 + 1e-12)


def test_silicon_bears_the_taxes_of_its_state() -> None:
    taxed = replace(OWNED, silicon_sales_tax_frac=0.02, silicon_property_frac_per_year=0.004)
    insured = replace(TERMS, silicon_insurance_frac_per_year=0.001)
    bare, cost = one(OWNED, TERMS), one(taxed, insured)
    assert part(cost, "sales_tax") * HOURS == pytest.approx(0.02 * 49e3 / 5)
    assert part(cost, "silicon_tax_and_insurance") * HOURS == pytest.approx(0.005 * 49e3)
    annuity = 0.08 / (1 - 1.08**-5)
    gap = float(cost.usd_per_gpu_h.sum() - bare.usd_per_gpu_h.sum()) * HOURS
    assert gap == pytest.approx(0.02 * 49e3 * annuity + 0.005 * 49e3)
    assert part(one(RENTED, insured), "sales_tax") == 0.0


def test_an_operators_markup_is_told_from_its_rent() -> None:
    marked = one(replace(LEASED, operator_markup_frac=0.1 / 1.1), TERMS)
    plain = one(LEASED, TERMS)
    assert part(marked, "operator_markup") == pytest.approx(0.1 * part(marked, "rent"))
    assert marked.usd_per_gpu_h.sum() == pytest.approx(plain.usd_per_gpu_h.sum())
    assert marked.straight_line_usd_per_gpu_h == pytest.approx(plain.straight_line_usd_per_gpu_h)


def test_rungs_carry_the_tax_that_the_plan_pays() -> None:
    scenario, demand, plan = room.solved()
    catalog, where, power = fx.PlanCatalog(), fx.site(scenario), fx.supply(scenario)
    inputs = build_inputs(scenario, catalog, demand, fx.fleet(), where, power)  # type: ignore[arg-type]
    pools = inputs.case.pools
    for rung in plan.rungs:
        if rung.holds_hall:
            at = [s.name for s in scenario.sites].index(rung.site)
            mine = pools.area == inputs.case.site_area[at]
            assert pools.price_usd[mine] / pools.resale_usd[mine] == pytest.approx(1 + rung.silicon_sales_tax_frac)
            assert rung.operator_markup_frac == pytest.approx(0.1 / 1.1 if rung.kind == "operator_sublet" else 0.0)
        else:
            assert rung.silicon_sales_tax_frac == rung.silicon_property_frac_per_year == 0.0
