"""Depreciation, interest cap and losses against hand examples and the published tables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiban.catalog import load_catalog
from kiban.finance.tax import TaxRules, basis_left, depreciation, income_tax, spread_years

RULES = TaxRules(
    federal_frac=0.21,
    state_income_frac=0.0,
    margin_tax_frac=0.0,
    bonus_frac=0.0,
    short_life=np.array([0.2, 0.32, 0.192, 0.1152, 0.1152, 0.0576]),
    long_life=np.array([1.0]),
    building_life_years=39,
    interest_cap_frac=0.3,
    loss_use_cap_frac=0.8,
)


@pytest.mark.parametrize(("name", "years"), [("5yr.hy", 6), ("7yr.hy", 8), ("15yr.hy", 16), ("5yr.mq4", 6)])
def test_published_tables_write_off_everything(name: str, years: int) -> None:
    catalog = load_catalog()
    total = sum(catalog.value(f"tax.us.macrs.{name}.{y:02d}") for y in range(1, years + 1))
    assert total == pytest.approx(1.0, abs=2e-4)


@given(st.floats(0, 1), st.integers(30, 60))
def test_a_schedule_sums_to_one(bonus: float, quarters: int) -> None:
    assert spread_years(RULES.short_life, bonus, quarters).sum() == pytest.approx(1.0)


def test_first_year_of_five_year_property() -> None:
    schedule = spread_years(RULES.short_life, 0.0, 40)
    assert schedule[:4].sum() == pytest.approx(0.2)
    assert schedule[4:8].sum() == pytest.approx(0.32)


def test_depreciation_follows_spending() -> None:
    spend = np.zeros((1, 8))
    spend[0, 2] = 100.0
    off = depreciation(spend, np.array([0.5, 0.25, 0.25, 0, 0, 0, 0, 0]))
    assert off[0].tolist() == [0, 0, 50, 25, 25, 0, 0, 0]


@given(st.floats(0, 1), st.integers(1, 30), st.lists(st.floats(0, 1e3), min_size=30, max_size=30))
def test_write_offs_and_what_is_left_make_the_spending(bonus: float, quarters: int, money: list[float]) -> None:
    spend = np.array([money[:quarters]])
    schedule = spread_years(RULES.short_life, bonus, quarters)
    left = basis_left(spend, schedule)
    assert depreciation(spend, schedule).sum() + left[0] == pytest.approx(spend.sum(), abs=1e-9)
    assert left[0] >= -1e-9


def test_basis_left_by_hand() -> None:
    # Written off 0.5, 0.3, 0.2: of 100 in the first and 50 in the last quarter of three, 25 is left.
    assert basis_left(np.array([[100.0, 0, 50]]), np.array([0.5, 0.3, 0.2])) == pytest.approx([25.0])


def test_losses_offset_at_most_eighty_percent() -> None:
    # A loss of 100, then income of 100: 80 is offset, 20 is taxed; the last 20 of the loss is used in the third period.
    revenue, cost = np.array([[0.0, 100, 100]]), np.array([[100.0, 0, 0]])
    tax, carried = income_tax(revenue, cost, np.zeros((1, 3)), np.zeros((1, 3)), RULES)
    assert tax[0] == pytest.approx([0, 0.21 * 20, 0.21 * 80])
    assert carried[0] == pytest.approx([100, 20, 0])


def test_interest_beyond_the_cap_waits() -> None:
    # EBITDA 100, interest 50: 30 is allowed, 20 waits and is used when the next interest is 5.
    revenue, zero = np.full((1, 2), 100.0), np.zeros((1, 2))
    tax, _ = income_tax(revenue, zero, zero, np.array([[50.0, 5.0]]), RULES)
    assert tax[0] == pytest.approx([0.21 * 70, 0.21 * 75])


def test_state_tax_is_deducted_federally() -> None:
    both = replace(RULES, state_income_frac=0.0725)
    assert both.income_frac == pytest.approx(0.0725 + 0.21 * (1 - 0.0725))


def test_margin_tax_is_due_in_a_loss_too() -> None:
    texas = replace(RULES, margin_tax_frac=0.00525)
    tax, _ = income_tax(np.array([[100.0]]), np.array([[500.0]]), np.zeros((1, 1)), np.zeros((1, 1)), texas)
    assert tax[0, 0] == pytest.approx(0.525)


@given(
    st.lists(st.floats(-100, 100), min_size=12, max_size=12),
    st.lists(st.floats(0, 60), min_size=12, max_size=12),
    st.lists(st.floats(0, 60), min_size=12, max_size=12),
)
def test_interest_never_raises_a_tax(earned: list[float], off: list[float], interest: list[float]) -> None:
    revenue, write_off, owed = np.array([np.maximum(earned, 0)]), np.array([off]), np.array([interest])
    cost = np.array([np.maximum(np.negative(earned), 0)])
    with_, losses = income_tax(revenue, cost, write_off, owed, RULES)
    without, fewer = income_tax(revenue, cost, write_off, owed * 0, RULES)
    assert (with_ <= without + 1e-9).all()
    assert (losses >= fewer - 1e-9).all()
