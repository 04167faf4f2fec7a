"""The batch engine of project finance: closed forms, hand-worked years, properties, and a plain loop as judge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.finance import project as engine
from kiban.finance.cost_sheet import capital_recovery_frac
from kiban.finance.project import evaluate, lines
from kiban.finance.project_break_even import break_even_multiple, break_even_price
from kiban.finance.project_inputs import (
    Build,
    Costs,
    Credits,
    Debt,
    Grid,
    Projects,
    Replacement,
    Reserves,
    Sales,
    Tax,
    nominal_rate,
)  # fmt: skip
from kiban.finance.replacement import economic_life_years, equivalent_annual_cost

MACRS_5 = np.array([[0.2, 0.32, 0.192, 0.1152, 0.1152, 0.0576]])
PLAIN = Projects(
    grid=Grid(operating_periods=20, periods_per_year=1),
    sales=Sales(output_per_year=10.0, price_nominal_usd_per_unit=20.0),
    costs=Costs(fixed_nominal_usd_per_year=50.0),
    build=Build(cost_nominal_usd=1000.0),
    discount_frac_per_year=0.08,
)
LEVERED = Projects(
    grid=Grid(operating_periods=60, construction_periods=4, periods_per_year=4),
    sales=Sales(3e6, 60.0, price_escalation_frac_per_year=0.01, degradation_frac_per_year=0.01, residual_frac=0.1),
    costs=Costs(2e7, 0.025, 3.0, 0.02, 0.003, 0.025, 0.01, 0.8, 0.05),
    build=Build(7e8, 0.05, np.array([0.1, 0.4, 0.3, 0.2]), other_financing_nominal_usd=4e6),
    discount_frac_per_year=0.09,
    debt=Debt("sculpted", 0.07, 0.08, 48, 0, 0.65, 1.3, 0.0125, 1e6, sized_on="after_unlevered_tax"),
    tax=Tax(0.21, 0.06, MACRS_5, np.array([0.8]), np.array([0.5]), np.array([0.0]), False, 0.8, 0.3),
    credits=Credits(0.1, production_nominal_usd_per_unit=2.0, production_years=5.0),
    reserves=Reserves(6.0, 3.0, 1.0, 0.02),
    inflation_frac_per_year=0.02,
)


def draw(count: int, seed: int = 5) -> Projects:
    """Levered projects around ``LEVERED``, some of them losing."""
    rng = np.random.default_rng(seed)
    return replace(
        LEVERED,
        sales=replace(LEVERED.sales, price_nominal_usd_per_unit=rng.uniform(25, 80, count)),
        build=replace(LEVERED.build, cost_nominal_usd=rng.uniform(4e8, 9e8, count)),
        debt=replace(LEVERED.debt, dscr=rng.uniform(1.15, 1.8, count), tenor_periods=rng.integers(8, 61, count) * 1.0),
    )


def test_value_of_a_growing_annuity() -> None:
    grown = replace(PLAIN, sales=replace(PLAIN.sales, price_escalation_frac_per_year=0.03), costs=Costs())
    worth = 200 / (0.08 - 0.03) * (1 - (1.03 / 1.08) ** 20) - 1000
    assert evaluate(grown).project_npv_usd[0] == pytest.approx(worth, rel=1e-12)


def test_rate_of_return_of_a_level_project() -> None:
    # 150 a year for 1000 over 20 years: the rate at which the annuity factor is 20/3.
    found = evaluate(PLAIN).project_irr
    assert float(capital_recovery_frac(float(found.unique_frac_per_year[0]), 20)) == pytest.approx(0.15, rel=1e-12)


def test_payback_and_multiple_by_hand() -> None:
    # 1000 out, 150 a year: seven years bring 1050, twenty 3000. At 200 a year five bring it to zero exactly.
    found, five = evaluate(PLAIN), evaluate(replace(PLAIN, costs=Costs()))
    assert found.project_payback_years[0] == 7.0
    assert found.equity_moic_multiple[0] == pytest.approx(3.0)
    assert five.equity_payback_years[0] == 5.0
    never = evaluate(replace(PLAIN, costs=Costs(fixed_nominal_usd_per_year=180.0)))
    assert np.isnan(never.project_payback_years[0])
    assert never.equity_moic_multiple[0] == pytest.approx(0.4)
    free = evaluate(replace(PLAIN, build=Build(0.0)))
    assert free.project_payback_years[0] == 0.0
    assert np.isinf(free.equity_moic_multiple[0])


def test_level_debt_is_an_annuity_and_is_repaid() -> None:
    done = lines(replace(PLAIN, debt=Debt("level", 0.06, tenor_periods=12, gearing_frac=0.7)))
    assert done.loan.principal[0] == pytest.approx(700.0)
    assert done.loan.service[:12, 0] == pytest.approx(700 * float(capital_recovery_frac(0.06, 12)), rel=1e-12)
    assert not done.loan.service[12:].any()
    assert done.loan.balance[11:, 0] == pytest.approx(np.zeros(9), abs=1e-9)


@pytest.mark.parametrize("kind", ["level", "level_principal"])
def test_interest_only_periods_repay_nothing(kind: str) -> None:
    done = lines(replace(PLAIN, debt=Debt(kind, 0.06, tenor_periods=12, moratorium_periods=4, gearing_frac=0.5)))
    assert done.loan.service[:4, 0] == pytest.approx(30.0)
    assert done.loan.balance[3, 0] == pytest.approx(500.0)
    assert done.loan.balance[11, 0] == pytest.approx(0.0, abs=1e-9)


def test_sculpted_coverage_is_the_same_in_every_period() -> None:
    free = replace(LEVERED, debt=replace(LEVERED.debt, gearing_frac=1.0, dscr=2.0))
    done = lines(free)
    ratio = done.cash_for_service[:48, 0] / done.loan.service[:48, 0]
    assert ratio == pytest.approx(np.full(48, 2.0), rel=1e-12)
    found = evaluate(free)
    assert found.min_dscr[0] == pytest.approx(2.0)
    assert found.llcr_multiple[0] == pytest.approx(2.0)
    assert found.plcr_multiple[0] > 2.0


@pytest.mark.parametrize("kind", ["sculpted", "level"])
def test_gearing_bound_is_met_exactly_with_fees_interest_and_reserves(kind: str) -> None:
    bound = replace(LEVERED, debt=replace(LEVERED.debt, kind=kind, dscr=0.5, gearing_frac=0.6))
    done = lines(bound)
    assert done.loan.principal[0] / done.uses[0] == pytest.approx(0.6, rel=1e-12)
    assert done.loan.capitalised[0] > 0
    assert done.service_held[0, 0] > 0


def test_interest_of_construction_is_that_of_the_draws() -> None:
    done = lines(LEVERED)
    rate = 1.08**0.25 - 1
    owed = 0.0
    for drawn in done.loan.draw[:, 0]:
        owed = owed * (1 + rate) + drawn
    assert owed == pytest.approx(done.loan.principal[0], rel=1e-12)


def test_levelised_cost_of_a_constant_project_is_its_break_even_price() -> None:
    by_hand = (1000 * float(capital_recovery_frac(0.08, 20)) + 50) / 10
    assert evaluate(PLAIN).levelised_nominal_usd_per_unit[0] == pytest.approx(by_hand, rel=1e-12)
    assert break_even_price(PLAIN)[0] == pytest.approx(by_hand, rel=1e-12)
    free = replace(PLAIN, sales=replace(PLAIN.sales, price_nominal_usd_per_unit=0.0))
    assert break_even_price(free)[0] == pytest.approx(by_hand, rel=1e-12)


def test_real_levelised_cost_escalates_to_the_same_value() -> None:
    # A price that starts one year before the first period at the real cost and follows inflation breaks even.
    inflation = 0.025
    some = replace(PLAIN, discount_frac_per_year=nominal_rate(0.05, inflation), inflation_frac_per_year=inflation)
    real = evaluate(some).levelised_usd_per_unit[0]
    price = replace(
        some.sales, price_nominal_usd_per_unit=real * (1 + inflation), price_escalation_frac_per_year=inflation
    )
    assert evaluate(replace(some, sales=price)).equity_npv_usd[0] == pytest.approx(0.0, abs=1e-9)


def test_losses_are_carried_and_offset_80_percent() -> None:
    # Income -100, +50, +100: 40 of the second year and the last 60 in the third are offset; tax 2 and 8 at 20 %.
    flow = np.array([[-10.0], [5.0], [10.0]])
    some = Projects(
        Grid(3, 1, 1),
        Sales(10.0, flow),
        Costs(),
        Build(0.0),
        0.0,
        tax=Tax(federal_frac=0.2, losses_refunded=False),
    )
    assert lines(some).tax.federal[:, 0] == pytest.approx([0.0, 2.0, 8.0])
    refunded = replace(some, tax=replace(some.tax, losses_refunded=True))
    assert lines(refunded).tax.federal[:, 0] == pytest.approx([-20.0, 10.0, 20.0])


def test_interest_beyond_the_cap_waits() -> None:
    # EBITDA 150, interest 60, 40, 20 (loan 1000 at 6 %, a third repaid a year): 45 allowed, 15 wait, then 10, then 0.
    some = replace(
        PLAIN,
        grid=Grid(3, 1, 1),
        debt=Debt("level_principal", 0.06, tenor_periods=3, gearing_frac=1.0),
        tax=Tax(federal_frac=0.2, losses_refunded=True, interest_cap_frac=0.3, schedules=np.zeros((1, 1))),
    )
    done = lines(some)
    left = done.basis.whole[0]
    assert done.loan.interest[:, 0] == pytest.approx([60.0, 40.0, 20.0])
    assert done.tax.federal[:, 0] == pytest.approx([0.2 * 105, 0.2 * 105, 0.2 * (150 - 20 - 10 - left)])


def test_investment_credit_is_cash_and_halves_into_the_basis() -> None:
    tax = Tax(0.2, 0.0, MACRS_5, np.array([0.9]), np.array([0.0]), losses_refunded=True)
    done = lines(replace(PLAIN, tax=tax, credits=Credits(investment_frac=0.3)))
    assert done.basis.investment_credit[0] == pytest.approx(270.0)
    assert done.federal_write_off.sum() == pytest.approx(900 - 135)


def test_bonus_is_written_off_in_the_first_period_and_the_rest_of_the_basis_at_the_sale() -> None:
    tax = Tax(0.2, 0.0, MACRS_5, np.array([0.6]), np.array([1.0]), losses_refunded=True)
    some = replace(PLAIN, tax=tax, sales=replace(PLAIN.sales, residual_frac=0.5))
    done = lines(some)
    assert done.federal_write_off[:2, 0] == pytest.approx([600.0, 0.0])
    # 400 of land and 500 of sale: the gain is 100.
    assert done.tax.federal[-1, 0] == pytest.approx(0.2 * (150 + 100))


def test_a_year_of_quarters_is_taxed_as_the_year() -> None:
    yearly = replace(LEVERED, grid=Grid(15, 1, 1), build=replace(LEVERED.build, draw_frac=np.ones(1)))
    flat = replace(
        yearly,
        sales=Sales(3e6, 20.0),
        costs=Costs(2e7),
        debt=Debt(),
        reserves=Reserves(),
        tax=replace(LEVERED.tax, federal_frac=0.21, bonus_frac=np.array([1.0])),
    )
    quarterly = replace(flat, grid=Grid(60, 1, 4))
    by_year = lines(quarterly).tax.total[:, 0].reshape(15, 4).sum(axis=1)
    assert by_year == pytest.approx(lines(flat).tax.total[:, 0], abs=1e-6)
    assert lines(flat).tax.loss_left[0] == pytest.approx(lines(quarterly).tax.loss_left[0])


def test_without_a_loan_owners_get_the_project() -> None:
    done = lines(replace(LEVERED, debt=Debt()))
    assert done.equity == pytest.approx(done.project)
    found = evaluate(replace(LEVERED, debt=Debt()))
    assert np.isnan([found.min_dscr[0], found.llcr_multiple[0], found.plcr_multiple[0]]).all()


def test_economic_life_by_hand() -> None:
    # Without interest 1000/m + 20 (m-1)/2 + 5 is least at m = sqrt(2 x 1000 / 20) = 10: 100 + 90 + 5.
    running, salvage = 5 + 20.0 * np.arange(30), np.zeros(30)
    assert economic_life_years(1000.0, running, salvage, 0.0) == (10, pytest.approx(195.0))
    # With interest a longer life pays: the price is spread by the recovery factor.
    cost = equivalent_annual_cost(1000.0, np.full(30, 7.0), salvage, 0.1)
    assert cost == pytest.approx(1000 * capital_recovery_frac(0.1, np.arange(1, 31)) + 7)
    assert economic_life_years(1000.0, running, salvage, 0.1)[0] > 10


def test_replacement_for_ever_costs_the_annual_cost_over_the_rate() -> None:
    running, salvage, rate = np.array([10.0, 30.0, 80.0]), np.array([60.0, 40.0, 10.0]), 0.09
    life, cost = economic_life_years(100.0, running, salvage, rate)
    flows = np.zeros(600 * life + 1)
    for start in range(0, 600 * life, life):
        flows[start] += 100.0
        flows[start + 1 : start + life + 1] += running[:life]
        flows[start + life] -= salvage[life - 1]
    assert flows @ (1 + rate) ** -np.arange(len(flows)) == pytest.approx(cost / rate, rel=1e-9)


@settings(max_examples=25)
@given(st.floats(1e-3, 1e6), st.integers(0, 1000))
def test_money_in_other_units_scales_values_and_leaves_rates(k: float, seed: int) -> None:
    some = draw(6, seed)
    big = replace(
        some,
        sales=replace(some.sales, price_nominal_usd_per_unit=some.sales.price_nominal_usd_per_unit * k),
        costs=replace(
            some.costs,
            fixed_nominal_usd_per_year=some.costs.fixed_nominal_usd_per_year * k,
            variable_nominal_usd_per_unit=some.costs.variable_nominal_usd_per_unit * k,
        ),
        build=replace(
            some.build,
            cost_nominal_usd=some.build.cost_nominal_usd * k,
            other_financing_nominal_usd=some.build.other_financing_nominal_usd * k,
        ),
        debt=replace(some.debt, closing_nominal_usd=some.debt.closing_nominal_usd * k),
        credits=replace(some.credits, production_nominal_usd_per_unit=2.0 * k),
    )
    one, other = evaluate(some), evaluate(big)
    scale = np.abs(one.equity_npv_usd).max()
    assert other.equity_npv_usd / k == pytest.approx(one.equity_npv_usd, rel=1e-9, abs=1e-9 * scale)
    assert other.debt_nominal_usd / k == pytest.approx(one.debt_nominal_usd, rel=1e-9)
    assert (other.project_irr.status == one.project_irr.status).all()
    assert other.project_irr.roots_frac_per_year == pytest.approx(
        one.project_irr.roots_frac_per_year, abs=1e-9, nan_ok=True
    )
    assert other.min_dscr == pytest.approx(one.min_dscr, rel=1e-9)


@settings(max_examples=25)
@given(st.floats(0, 50), st.integers(0, 1000), st.booleans())
def test_a_higher_price_never_lowers_the_value(more: float, seed: int, refunded: bool) -> None:
    some = draw(20, seed)
    some = replace(some, tax=replace(some.tax, losses_refunded=refunded))
    higher = replace(some.sales, price_nominal_usd_per_unit=some.sales.price_nominal_usd_per_unit + more)
    low, high = evaluate(some), evaluate(replace(some, sales=higher))
    assert (high.project_npv_usd >= low.project_npv_usd - 1e-6).all()
    assert (high.equity_npv_usd >= low.equity_npv_usd - 1e-6).all()


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from(["sculpted", "level", "level_principal"]))
def test_sources_are_uses_and_debt_is_repaid(seed: int, kind: str) -> None:
    some = draw(30, seed)
    found = evaluate(replace(some, debt=replace(some.debt, kind=kind)))
    assert np.abs(found.sources_less_uses_residual).max() < 1e-12
    assert np.abs(found.debt_left_residual).max() < 1e-11
    assert (found.gearing_frac <= 0.65 * (1 + 1e-12)).all()


def test_break_even_multiples_leave_nothing() -> None:
    some = draw(50)
    for of in ("project", "equity"):
        price = break_even_multiple(some, "price", of)
        scaled = replace(some.sales, price_nominal_usd_per_unit=some.sales.price_nominal_usd_per_unit * price)
        assert np.abs(getattr(evaluate(replace(some, sales=scaled)), f"{of}_npv_usd")).max() < 1.0
    output = break_even_multiple(some, "output")
    assert (output >= break_even_multiple(some, "price") - 1e-9)[output > 1].all()
    never = replace(some, costs=replace(some.costs, variable_nominal_usd_per_unit=500.0))
    assert np.isinf(break_even_multiple(never, "output")).all()
    free = replace(some, build=Build(0.0), costs=Costs(), debt=Debt(), grid=Grid(60, 1, 4))
    assert (break_even_multiple(free) == 0).all()


def test_slices_do_not_change_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    some = draw(23)
    whole = evaluate(some)
    monkeypatch.setattr(engine, "AT_ONCE", 5)
    cut = evaluate(some)
    assert (cut.equity_npv_usd == whole.equity_npv_usd).all()
    assert cut.equity_irr.roots_frac_per_year == pytest.approx(
        whole.equity_irr.roots_frac_per_year, abs=1e-12, nan_ok=True
    )


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        evaluate(replace(PLAIN, sales=Sales(np.ones(0), 1.0)))


def test_every_wrong_field_is_named_at_once() -> None:
    wrong = replace(
        PLAIN,
        sales=Sales(np.ones(3), np.ones(4)),
        build=Build(1.0, draw_frac=np.array([0.5])),
        debt=Debt("bullet", 0.05, tenor_periods=99, gearing_frac=1.5),
        replacements=(Replacement(every_periods=0, cost_nominal_usd=1.0, tax_class=4),),
    )
    with pytest.raises(ValueError) as caught:
        evaluate(wrong)
    text = str(caught.value)
    for word in (
        "sales.output_per_year",
        "build.draw_frac",
        "debt.kind",
        "debt.tenor_periods",
        "debt.gearing_frac",
        "every_periods",
        "tax_class",
    ):
        assert word in text
