"""The batch engine against SAM's single owner model, line by line and in value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sam_single_owner import Case, model, ours

from kiban.finance.project import evaluate, lines
from kiban.finance.project_lines import Lines

pytestmark = pytest.mark.oracle
pytest.importorskip("PySAM")
pyxirr = pytest.importorskip("pyxirr")

RELATIVE = 1e-6

SOLAR = Case()
WIND = Case(
    years=20, output_kwh=4.1e8, price_usd_per_kwh=0.045, price_escalation_frac=0.02, degradation_frac=0.002,
    cost_usd=1.6e8, fixed_usd=4.5e6, variable_usd_per_kwh=0.0, sculpted=True, tenor=15, dscr=1.4, ptc_usd_per_kwh=0.027,
    allocation=(0.92, 0.04, 0.0, 0.0, 0.0, 0.04),
)  # fmt: skip
BONUS = (1.0, 1.0, 0.0, 1.0, 0.0, 0.0)
CASES = {
    "solar, debt by share": SOLAR,
    "solar, bonus at both levels": replace(SOLAR, bonus=BONUS, state_bonus=BONUS),
    "solar, federal bonus of 40 % only, credit": replace(SOLAR, bonus=(0.4, 0, 0, 0, 0, 0), itc_frac=0.3),
    "solar, no reserves": replace(SOLAR, service_months=0.0, working_months=0.0, reserve_interest_frac=0.0),
    "solar, receivables": replace(SOLAR, receivable_months=1.5),
    "solar, interest only for 3 years": replace(SOLAR, moratorium=3),
    "solar, level principal": replace(SOLAR, level_principal=True),
    "wind, sculpted": WIND,
    "wind, sculpted, limited": replace(WIND, limit_gearing=True, gearing_frac=0.45),
    "wind, sculpted, losing": replace(WIND, price_usd_per_kwh=0.02, ptc_usd_per_kwh=0.0),
    "wind, no debt": replace(WIND, sculpted=False, gearing_frac=0.0),
    "debt over the whole life, reserves": replace(WIND, tenor=20, working_months=3.0),
    "replacements saved for": replace(SOLAR, equipment_usd=(9e6, 4e6), equipment_years=(7, 5), equipment_class=2),
    "every class": replace(SOLAR, allocation=(0.3, 0.2, 0.1, 0.1, 0.2, 0.1), bonus=(0.6, 0, 0.6, 0, 0, 0)),
}


def compare(case: Case) -> None:
    """Every line within 1e-6 of its largest entry (or 1e-10 of the cost), values within 1e-6."""
    sam = model(case)
    sam.execute(0)
    out, mine = sam.Outputs, lines(ours(case))
    for name, ours_, theirs in _pairs(mine, out, case.tenor):
        slack = max(RELATIVE * float(np.abs(theirs).max()), 1e-10 * case.cost_usd)
        np.testing.assert_allclose(ours_, theirs, rtol=RELATIVE, atol=slack, err_msg=name)
    result = evaluate(ours(case))
    size = max(abs(out.project_return_aftertax_npv), RELATIVE * case.cost_usd)
    assert result.equity_npv_usd[0] == pytest.approx(out.project_return_aftertax_npv, abs=RELATIVE * size)
    assert result.debt_nominal_usd[0] == pytest.approx(out.size_of_debt, rel=RELATIVE, abs=1e-3)
    assert result.levelised_nominal_usd_per_unit[0] == pytest.approx(
        _levelised(out, case, out.npv_energy_nom), rel=RELATIVE
    )
    assert result.levelised_usd_per_unit[0] == pytest.approx(_levelised(out, case, out.npv_energy_real), rel=RELATIVE)
    flow = np.array(out.cf_project_return_aftertax)
    theirs_irr = pyxirr.irr(flow, silent=True)
    if result.equity_irr.status[0] == 1 and theirs_irr is not None:
        assert result.equity_irr.unique_frac_per_year[0] == pytest.approx(theirs_irr, abs=1e-6)


def _levelised(out: object, case: Case, energy: float) -> float:
    """SAM's levelised cost; it forgets the release of receivables at the end, which we add back."""
    rate = (1 + case.real_discount_frac) * (1 + case.inflation_frac) - 1
    release = -out.cf_disbursement_receivables[-1] / (1 + rate) ** case.years if case.receivable_months else 0.0
    return (out.npv_annual_costs - release) / energy


def _pairs(mine: Lines, out: object, tenor: int) -> list[tuple[str, NDArray[np.float64], NDArray[np.float64]]]:
    def theirs(name: str, first: int = 1) -> NDArray[np.float64]:
        return np.array(getattr(out, name))[first:]

    put_aside = theirs("cf_reserve_equip1", 0)[:-1] + theirs("cf_reserve_equip2", 0)[:-1]
    return [
        ("revenue", mine.operation.revenue[:, 0], theirs("cf_energy_value")),
        (
            "running cost",
            np.broadcast_to(mine.operation.cost, mine.ebitda.shape)[:, 0],
            theirs("cf_operating_expenses"),
        ),
        ("ebitda", mine.ebitda[:, 0], theirs("cf_ebitda")),
        ("cash for service", mine.cash_for_service[:tenor, 0], theirs("cf_cash_for_ds")[:tenor]),
        ("interest", mine.loan.interest[:, 0], theirs("cf_debt_payment_interest")),
        ("service", mine.loan.service[:, 0], theirs("cf_debt_payment_total")),
        ("balance", mine.loan.balance[:, 0], theirs("cf_debt_balance")),
        ("working reserve", mine.working_held[:-1, 0], theirs("cf_reserve_om", 0)[:-1]),
        ("service reserve", mine.service_held[:-1, 0], theirs("cf_reserve_debtservice", 0)[:-1]),
        ("replacements put aside", mine.renewal.held[:-1, 0], put_aside),
        ("reserve interest", mine.reserve_interest[:, 0], theirs("cf_reserve_interest")),
        ("federal write-off", mine.federal_write_off[:, 0], theirs("cf_feddepr_total")),
        ("state write-off", mine.state_write_off[:, 0], theirs("cf_stadepr_total")),
        ("federal tax", -mine.tax.federal[:, 0], theirs("cf_fedtax")),
        ("state tax", -mine.tax.state[:, 0], theirs("cf_statax")),
        ("after-tax flow", mine.equity[:, 0], theirs("cf_project_return_aftertax", 0)),
    ]


@pytest.mark.parametrize("name", list(CASES))
def test_every_line_agrees(name: str) -> None:
    compare(CASES[name])


def shares(parts: int) -> st.SearchStrategy[tuple[float, ...]]:
    """Shares of classes that sum to less than one, on a grid of whole percents, which PySAM keeps exactly."""
    return st.lists(st.integers(0, 100 // parts), min_size=parts, max_size=parts).map(
        lambda v: tuple(x / 100 for x in v)
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Projects over the whole field: solar and wind like, both kinds of debt, losing ones too."""
    years = draw(st.integers(8, 40))
    tenor = draw(st.integers(2, years))
    sculpted, bonus = draw(st.booleans()), draw(st.sampled_from([0.0, 0.4, 1.0]))
    on = draw(st.tuples(*[st.sampled_from([0.0, 1.0])] * 6))
    return Case(
        years=years,
        output_kwh=draw(st.floats(1e8, 5e8)),
        degradation_frac=draw(st.floats(0, 0.02)),
        price_usd_per_kwh=draw(st.floats(0.03, 0.15)),
        price_escalation_frac=draw(st.floats(-0.01, 0.04)),
        cost_usd=draw(st.floats(5e7, 3e8)),
        construction_financing_usd=draw(st.floats(0, 8e6)),
        other_financing_usd=draw(st.floats(0, 3e6)),
        fixed_usd=draw(st.floats(0, 5e6)),
        fixed_escalation_frac=draw(st.floats(-0.01, 0.02)),
        variable_usd_per_kwh=draw(st.floats(0, 0.005)),
        inflation_frac=draw(st.floats(0, 0.05)),
        real_discount_frac=draw(st.floats(0.01, 0.12)),
        insurance_frac=draw(st.floats(0, 0.01)),
        property_tax_frac=draw(st.floats(0, 0.02)),
        assessed_frac=draw(st.floats(0, 1)),
        assessed_decline_frac=draw(st.floats(0, 0.1)),
        salvage_frac=draw(st.floats(0, 0.3)),
        sculpted=sculpted,
        gearing_frac=draw(st.floats(0.05, 0.85)),
        limit_gearing=sculpted and draw(st.booleans()),
        dscr=draw(st.floats(1.1, 2.0)),
        rate_frac=draw(st.floats(0.01, 0.12)),
        tenor=tenor,
        moratorium=0 if sculpted else draw(st.integers(0, tenor - 1)),
        level_principal=draw(st.booleans()),
        fee_frac=draw(st.floats(0, 0.04)),
        closing_usd=draw(st.floats(0, 1e6)),
        federal_frac=draw(st.floats(0, 0.4)),
        state_frac=draw(st.floats(0, 0.12)),
        allocation=draw(shares(6)),
        bonus=tuple(bonus * x for x in on),
        state_bonus=tuple(bonus * x for x in draw(st.tuples(*[st.sampled_from([0.0, 1.0])] * 6))),
        itc_frac=draw(st.sampled_from([0.0, 0.1, 0.3])),
        itc_class=draw(st.tuples(*[st.sampled_from([0.0, 1.0])] * 6)),
        ptc_usd_per_kwh=draw(st.sampled_from([0.0, 0.01, 0.03])),
        service_months=draw(st.floats(0, 12)),
        working_months=draw(st.floats(0, 12)),
        receivable_months=0.0 if sculpted else draw(st.floats(0, 3)),
        reserve_interest_frac=draw(st.floats(0, 0.04)),
        equipment_usd=draw(st.tuples(st.sampled_from([0.0, 5e6]), st.floats(0, 5e6))),
        equipment_years=draw(st.tuples(st.integers(1, years), st.integers(1, years))),
        equipment_class=draw(st.integers(0, 5)),
    )


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(cases())
def test_drawn_projects_agree(case: Case) -> None:
    if case.sculpted:
        # SAM lends the other way round to a project whose cash is worth less than nothing, and without a limit it
        # lends beyond the cost; we do neither.
        debt_usd = evaluate(ours(replace(case, gearing_frac=1.0))).debt_nominal_usd[0]
        assume(debt_usd > 1 and (case.limit_gearing or debt_usd < 0.9 * case.cost_usd))
    else:
        # SAM stops after ten rounds of loan and service reserve; a slow circle is then still too open.
        first_frac = case.rate_frac + 1 / (case.tenor - case.moratorium)
        assume((case.gearing_frac * case.service_months / 12 * first_frac) ** 10 < 0.01 * RELATIVE)
    compare(case)
