"""Leases, books, modified returns, downside and loss given default: closed forms and identities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import plan_fixtures as fx
import pytest
import test_finance_run as room
from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.finance import model
from kiban.finance.books import BookLives, books_of, straight_line
from kiban.finance.debt import ChipTerms, Terms
from kiban.finance.default import Recovery, loss_given_default
from kiban.finance.downside import BLOWS, later, repriced, struck
from kiban.finance.inputs import build_inputs, real_flows
from kiban.finance.leases import Leases, lease_kernel, leases_of
from kiban.finance.returns import mirr
from kiban.finance.service import Refinance, Rules, Tranche

T = 24
LIVES = BookLives(20.0, 4.0, 0.1)
LENDING = model.Lending(
    Terms(0.08, 0.01, 0.7, 1.3, 12, 4, "level"),
    Rules(1.15, 0.3, 0.2, True, Refinance(9, 0.012, 0.01, 8, "level")),
    ChipTerms(0.1, 0.01, 0.6, 1.3, 8, 1, 8),
)
SMALL = st.floats(0.0, 50.0).map(lambda usd: round(usd, 3))


def rules() -> model.Rules:
    scenario, _, plan = room.solved()
    return build_inputs(scenario, room.rows(), fx.site(scenario), plan).rules


LINES = [name for name in model.RealFlows.__dataclass_fields__ if name != "sold_new"]


def flows_of(draw: list[float]) -> model.RealFlows:
    """Flows of two histories: spending early, the rest drawn."""
    rng = np.random.default_rng(int(draw[0] * 1e3) + 7)
    flat = {name: rng.uniform(0, 1, (2, T)) * draw[k] for k, name in enumerate(LINES)}
    early = np.arange(T) < 6
    for name in ("construction", "silicon"):
        flat[name] = flat[name] * early
        flat[name][1] = flat[name][0] * np.where(np.arange(T) < 4, 1, 0.5)
    # Silicon may be sold in any quarter; what is owed and what is left come at the end.
    flat["exit_obligation"][:, :-1] = 0
    flat["deposits"] = flat["deposits"] - 0.5 * draw[7]
    return model.RealFlows(**flat)


def leases_like(first: float) -> Leases:
    """One lease that runs already and one that starts in quarter 3, the same in both histories."""
    kernel = lease_kernel(30, 1.03, 0.02)
    total = {}
    for name in ("payment", "cost", "liability", "asset"):
        values = getattr(kernel, name)
        out = np.zeros((2, T))
        out += first * values[5 : 5 + T]
        out[:, 3:] += first * values[: T - 3]
        total[name] = out
    return Leases(**total, opening_liability=first * kernel.liability[4], opening_asset=first * kernel.asset[4])


@settings(max_examples=40)
@given(st.lists(SMALL, min_size=10, max_size=10), st.booleans())
def test_assets_equal_liabilities_and_equity_whatever_happens(draw: list[float], plain: bool) -> None:
    real, tax = flows_of([*draw]), rules()
    real = replace(real, value=real.value * 4)
    flows = model.nominal(real, tax)
    lending = model.Lending(replace(LENDING.terms, kind="sculpted"), Rules(1.15)) if plain else LENDING
    levered = model.lever(flows, real, 0, lending, tax)
    books = books_of(real, flows, levered, leases_like(draw[3]), LIVES)
    assert books.open_frac < 1e-10
    for name, values in books.assets.items():
        assert values[:, -1] == pytest.approx(np.zeros(2), abs=1e-9), name
    owed = books.liabilities["debt"][:, -1] + books.liabilities["guarantor"][:, -1]
    assert books.equity[:, -1] == pytest.approx(-owed, abs=1e-6)


def test_a_wrong_line_opens_the_balance() -> None:
    real, tax = flows_of([20.0] * 10), rules()
    flows = model.nominal(real, tax)
    levered = model.lever(flows, real, 0, LENDING, tax)
    books = books_of(real, flows, levered, leases_like(5.0), LIVES)
    assert books.open_frac < 1e-10
    assert replace(books, equity=books.equity * 1.01).open_frac > 1e-4


def test_straight_line_by_hand() -> None:
    charge, book = straight_line(np.array([[80.0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]), 2.0)
    assert charge[0].tolist() == [0, *[10.0] * 8, 0]
    assert book[0].tolist() == [80, 70, 60, 50, 40, 30, 20, 10, 0, 0]


def test_level_lease_is_an_annuity_due() -> None:
    r, n = 0.015, 40
    kernel = lease_kernel(n, 1.0, r)
    left = np.arange(n - 1, -1, -1)
    assert kernel.liability == pytest.approx((1 - (1 + r) ** -left) / r)
    # Even payments: cost is the payment, so the asset is what the liability is.
    assert kernel.asset == pytest.approx(kernel.liability)
    assert kernel.cost == pytest.approx(np.ones(n))


@given(st.integers(1, 80), st.floats(0.9, 1.1), st.floats(0.0, 0.05))
def test_a_lease_ends_at_zero_and_costs_what_is_paid(term: int, growth: float, rate: float) -> None:
    kernel = lease_kernel(term, growth, rate)
    assert kernel.cost.sum() == pytest.approx(kernel.payment.sum())
    assert kernel.liability[-1] == pytest.approx(0.0, abs=1e-9)
    assert kernel.asset[-1] == pytest.approx(0.0, abs=1e-8)
    worth = kernel.payment @ (1 + rate) ** -np.arange(term)
    assert kernel.payment[0] + kernel.liability[0] == pytest.approx(worth)


def test_fixed_rent_of_halls_is_the_plan_rooms_hall_rent() -> None:
    scenario, demand, plan = room.solved()
    real = real_flows(plan.chosen, plan, demand, fx.fleet())
    index = (1 + scenario.finance.inflation_frac_per_year) ** (np.arange(real.value.shape[1]) / 4)
    none = replace(plan.chosen, node_rent_sign=plan.chosen.node_rent_sign * 0)
    halls = leases_of(scenario, none, plan, demand, fx.fleet(), 0.07)
    assert halls.payment == pytest.approx(real.hall_rent * index, rel=1e-9)
    whole = leases_of(scenario, plan.chosen, plan, demand, fx.fleet(), 0.07)
    rent = whole.payment - halls.payment
    assert (rent <= real.accelerator_rent * index + 1e-3).all()
    assert rent.max() > 0
    assert (whole.liability >= -1e-6).all()


def test_dearer_money_makes_liabilities_smaller() -> None:
    scenario, demand, plan = room.solved()
    low, high = (leases_of(scenario, plan.chosen, plan, demand, fx.fleet(), r).liability for r in (0.05, 0.12))
    assert (high <= low + 1e-6).all()
    assert high.sum() < low.sum()


@given(st.floats(0.0, 0.3), st.floats(0.0, 0.3), st.floats(1.0, 50.0))
def test_mirr_of_two_flows_is_their_growth(finance: float, reinvest: float, got: float) -> None:
    flows = np.array([[-10.0, 0, 0, 0, 0, 0, 0, 0, got]])
    assert mirr(flows, finance, reinvest)[0] == pytest.approx((got / 10) ** 0.5 - 1)


def test_mirr_needs_both_signs() -> None:
    assert np.isnan(mirr(np.array([[1.0, 2, 3], [-1.0, -2, -3], [0.0, 0, 0]]), 0.1, 0.1)).all()


def test_a_delay_moves_what_is_not_there_yet() -> None:
    flow = np.array([[2.0, 2, 5, 5, 5, 5, 1, 1]])
    assert later(flow, 2)[0].tolist() == [2, 2, 2, 2, 5, 5, 4, 4]
    assert later(flow, 0)[0].tolist() == flow[0].tolist()


def test_a_blow_hits_what_it_names() -> None:
    real = flows_of([20.0] * 10)
    price = np.ones_like(real.value)
    by_name = {b.name: struck(real, price, b) for b in BLOWS}
    assert by_name["price -30 %"].value == pytest.approx(real.value * 0.7)
    late = by_name["delay +12 months"]
    assert late.silicon is real.silicon
    assert late.accelerator_rent is real.accelerator_rent
    assert late.energy == pytest.approx(later(real.energy, 4))
    same = by_name["rate +200 bp"]
    assert same.value == pytest.approx(real.value)


@given(st.floats(0.0, 0.04), st.floats(0.0, 0.08))
def test_a_repriced_loan_is_repaid_at_the_new_rate(old: float, new: float) -> None:
    draw, service = np.zeros((1, 20)), np.zeros((1, 20))
    draw[0, :4], service[0, 4:16] = 25.0, np.linspace(5, 15, 12)
    owed = 0.0
    other = repriced(Tranche(draw, service, old), new)
    for t in range(20):
        owed = owed * (1 + new) + draw[0, t] - other.service[0, t]
    assert owed == pytest.approx(0.0, abs=1e-8)
    assert other.service[0, 5] / other.service[0, 4] == pytest.approx(service[0, 5] / service[0, 4])


def test_blows_order_as_they_should_on_the_small_programme() -> None:
    cases = {c.name: c for c in room.base().downside}
    plan = cases["as planned"]
    metrics, leaf = room.base().metrics[0], room.base().base_leaf
    assert plan.llcr == pytest.approx(metrics.leaf_llcr[leaf])
    assert plan.min_dscr == pytest.approx(metrics.leaf_min_dscr[leaf])
    assert plan.expected_npv_usd == pytest.approx(metrics.expected_npv_usd)
    for name in ("price -30 %", "rate +200 bp", "all three"):
        assert cases[name].llcr < plan.llcr
    assert cases["price -30 %"].unpaid_frac >= plan.unpaid_frac
    assert cases["rate +200 bp"].expected_npv_usd == pytest.approx(plan.expected_npv_usd)
    assert room.finance(gearing_max_frac=0.0).downside == ()


RECOVERY = Recovery(0.9, 0.7, 0.13, 0.09, 20, 0.1)


@given(st.lists(SMALL, min_size=10, max_size=10))
def test_exposure_is_recovery_guarantee_reserve_and_loss(draw: list[float]) -> None:
    real, tax = flows_of(draw), rules()
    real = replace(real, value=real.value * np.array([[4.0], [0.2]]))
    flows = model.nominal(real, tax)
    levered = model.lever(flows, real, 0, LENDING, tax)
    names = tuple(str(q) for q in range(T))
    lost = loss_given_default(real, flows, levered, 0.2, 0, RECOVERY, names, np.array([0.6, 0.4]))
    paid = lost.leaf_layer_recovered_nominal_usd.sum(axis=1) + lost.leaf_guarantor_nominal_usd
    rest = lost.leaf_exposure_nominal_usd - paid - lost.leaf_lender_loss_nominal_usd
    assert (rest >= -1e-9).all()
    assert (rest <= levered.served.reserve.max(axis=1) + 1e-9).all()
    hit = np.array([bool(q) for q in lost.leaf_default_quarter])
    assert not lost.leaf_exposure_nominal_usd[~hit].any()
    assert lost.default_chance_frac == pytest.approx(float(np.array([0.6, 0.4]) @ hit))


def test_layers_pay_in_turn_by_hand() -> None:
    tax = rules()
    tax = replace(tax, inflation_frac_per_year=0.0)
    flat = np.zeros((1, T))
    spend, chips, value = flat.copy(), flat.copy(), flat.copy()
    spend[0, 0], chips[0, 1] = 100.0, 300.0
    value[0, 4:10] = 200.0
    named = dict.fromkeys(model.RealFlows.__dataclass_fields__, flat)
    good = model.RealFlows(**{**named, "construction": spend, "silicon": chips, "value": flat + 200.0})
    terms = model.Lending(Terms(0.0, 0.0, 0.5, 1.0, 16, 4, "level"), Rules(1.0))
    levered = model.lever(model.nominal(good, tax), good, 0, terms, tax)
    assert levered.principal == pytest.approx(200.0)
    # Cash ends in quarter 10, after six instalments of 12.5: 125 is owed. Grid 9, shell 63, silicon 9 quarters old 27.
    bad = replace(good, value=value)
    flows = model.nominal(bad, tax)
    served = model.service.serve(levered.tranches, flows.for_service, flat, 4, terms.rules)
    hit = replace(levered, served=served)
    lost = loss_given_default(bad, flows, hit, 0.0, 0, RECOVERY, tuple(map(str, range(T))), np.ones(1))
    assert lost.leaf_default_quarter == ("10",)
    assert lost.leaf_exposure_nominal_usd == pytest.approx([125.0])
    assert lost.leaf_layer_recovered_nominal_usd[0] == pytest.approx([9.0, 63.0, 27.0])
    assert lost.leaf_lender_loss_nominal_usd == pytest.approx([26.0])
    assert lost.expected_lgd_frac == pytest.approx(26 / 125)
    third = flat.copy()
    third[0, 6] = 100.0
    sold = replace(bad, sold_new=third)
    less = loss_given_default(sold, flows, hit, 0.0, 0, RECOVERY, tuple(map(str, range(T))), np.ones(1))
    # A third of the silicon was sold before: 18 is left of 27, and lenders lose the rest.
    assert less.leaf_layer_recovered_nominal_usd[0] == pytest.approx([9.0, 63.0, 18.0])
    assert less.leaf_lender_loss_nominal_usd == pytest.approx([35.0])
