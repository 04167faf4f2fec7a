"""Rates of return: closed forms, several roots, none; foreign programs as judges in the oracle test."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kiban.finance.irr import irr_batch, present_value


def test_one_root() -> None:
    (found,) = irr_batch(np.array([[-100.0, 110.0]]), periods_per_year=1)
    assert found.status == "unique"
    assert found.roots_frac_per_year == pytest.approx((0.1,))


def test_several_roots_are_all_reported() -> None:
    # -100 + 230 v - 132 v^2 = 0 at v = 1/1.1 and v = 1/1.2 (Hirshleifer's textbook example).
    (found,) = irr_batch(np.array([[-100.0, 230.0, -132.0]]), periods_per_year=1)
    assert found.status == "several"
    assert found.roots_frac_per_year == pytest.approx((0.1, 0.2))


@pytest.mark.parametrize(
    ("flows", "roots"),
    [
        ([-1.0, 5, -6], (1.0, 2.0)),
        ([-1000.0, 3600, -4310, 1716], (0.1, 0.2, 0.3)),
        # 1.1 and 1.1005: closer together than the grid of rates.
        ((-np.poly([1.1, 1.1005, 1.3])).tolist(), (0.1, 0.1005, 0.3)),
    ],
)
def test_polynomials_with_known_roots(flows: list[float], roots: tuple[float, ...]) -> None:
    (found,) = irr_batch(np.array([flows]), periods_per_year=1)
    assert found.status == "several"
    assert found.roots_frac_per_year == pytest.approx(roots, abs=1e-8)


def test_a_root_that_only_touches_zero_is_found_once() -> None:
    # -(1 - 2 v)^2 is zero at v = 1/2 and negative elsewhere; -1 + 2 v - 2 v^2 stays below zero.
    touching, below = irr_batch(np.array([[-1.0, 4, -4], [-1.0, 2, -2]]), periods_per_year=1)
    assert (touching.status, touching.roots_frac_per_year) == ("unique", pytest.approx((1.0,)))
    assert below.status == "none"


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=30))
def test_roots_are_zeros_and_never_more_than_descartes_allows(flows: list[float]) -> None:
    row = np.array([flows])
    (found,) = irr_batch(row)
    signs = np.sign([f for f in flows if f != 0])
    assert len(found.roots_frac_per_year) <= np.count_nonzero(np.diff(signs))
    for rate in found.roots_frac_per_year:
        gross = present_value(np.abs(row), np.array([rate]))[0, 0]
        assert abs(present_value(row, np.array([rate]))[0, 0]) <= 1e-9 * gross


@given(st.lists(st.floats(-0.8, 5.0), min_size=1, max_size=3, unique=True))
def test_every_planted_root_comes_back(rates: list[float]) -> None:
    rates = sorted(rates)
    assume(all(b - a > 0.02 for a, b in pairwise(rates)))
    (found,) = irr_batch(-np.poly([1 + r for r in rates])[None, :], periods_per_year=1)
    assert found.roots_frac_per_year == pytest.approx(tuple(rates), abs=1e-6)


def test_only_costs_have_no_rate() -> None:
    found = irr_batch(np.array([[-1.0, -2.0, -3.0], [1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]))
    assert [f.status for f in found] == ["none", "none", "none"]


@given(st.floats(-0.5, 2.0), st.integers(2, 40))
def test_a_level_annuity_returns_its_rate(rate: float, quarters: int) -> None:
    payment = np.ones(quarters)
    price = present_value(np.concatenate([[0.0], payment])[None, :], np.array([rate]))[0, 0]
    (found,) = irr_batch(np.concatenate([[-price], payment])[None, :])
    assert found.status == "unique"
    assert found.roots_frac_per_year[0] == pytest.approx(rate, abs=1e-9)


@given(st.floats(1e-3, 1e12))
def test_scale_does_not_matter(scale: float) -> None:
    flows = np.array([[-10.0, 2, 3, 4, 5, 6]])
    assert irr_batch(flows * scale)[0].roots_frac_per_year == pytest.approx(irr_batch(flows)[0].roots_frac_per_year)
