"""Rates of return: closed forms, several roots, none; foreign programs as judges in the oracle test."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
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
