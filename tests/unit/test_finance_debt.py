"""Sculpted debt: constant coverage, the gearing bound, other histories, sources and uses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiban.finance.debt import Terms, rolling_dscr, size_loan
from kiban.finance.service import serve_loan

TERMS = Terms(
    rate_frac_per_year=0.07, fee_frac=0.01, gearing_max_frac=0.7, target_dscr=1.35, tenor_quarters=20, window_quarters=4
)
USES = np.array([100.0, 100, 100, 100, *[0.0] * 36])
CASH = np.array([0.0] * 4 + [12.0] * 36)


def test_coverage_is_the_target_where_cash_binds() -> None:
    loan = size_loan(USES, CASH, TERMS)
    due = loan.service > 0
    assert due.sum() == 20
    assert CASH[due] / loan.service[due] == pytest.approx(np.full(20, 1.35))
    assert loan.balance[23] == pytest.approx(0.0, abs=1e-9)
    r = TERMS.rate_per_quarter_frac
    assert loan.principal == pytest.approx(12 / 1.35 * (1 - (1 + r) ** -20) / r)


def test_gearing_binds_where_cash_is_plenty() -> None:
    loan = size_loan(USES, CASH * 100, TERMS)
    assert loan.gearing_frac == pytest.approx(0.7)
    assert loan.effective_dscr > 1.35
    whole = USES.sum() + loan.interest_in_building.sum() + loan.fee
    assert loan.draw.sum() + loan.interest_in_building.sum() == pytest.approx(0.7 * whole)


def test_no_cash_or_no_gearing_means_no_debt() -> None:
    assert size_loan(USES, -CASH, TERMS).principal == 0.0
    none = size_loan(USES, CASH, Terms(0.07, 0.01, 0.0, 1.35, 20, 4))
    assert none.principal == 0.0
    assert np.isnan(serve_loan(none, CASH[None, :], TERMS, 1.15).min_dscr[0])


@given(st.floats(0.01, 0.2), st.floats(1.0, 3.0), st.floats(1.0, 200.0), st.floats(0.0, 0.9))
def test_debt_is_bounded_and_repaid(rate: float, dscr: float, cash: float, gearing: float) -> None:
    terms = Terms(rate, 0.01, gearing, dscr, 20, 4)
    loan = size_loan(USES, np.where(CASH > 0, cash, 0), terms)
    assert 0 <= loan.gearing_frac <= gearing + 1e-9
    assert loan.balance[-1] == pytest.approx(0.0, abs=1e-6 * USES.sum())
    served = serve_loan(loan, np.where(CASH > 0, cash, 0)[None, :], terms, 1.0)
    assert served.unpaid_frac[0] == pytest.approx(0.0, abs=1e-9)


def test_a_bad_history_breaches_and_leaves_debt() -> None:
    loan = size_loan(USES, CASH, TERMS)
    worse = np.stack([CASH, CASH * 0.5, CASH * 0.0])
    served = serve_loan(loan, worse, TERMS, 1.15)
    assert served.first_breach[0] == -1
    assert served.first_breach[1] == 4
    assert served.min_dscr == pytest.approx([1.35, 0.675, 0.0])
    # Half the cash for 36 quarters repays 20 quarters of service late; no cash repays nothing.
    assert served.unpaid_frac[1] < 0.2
    assert served.unpaid_frac[2] == pytest.approx(1.0)
    assert served.llcr[0] == pytest.approx(1.35, rel=1e-6)


def test_service_that_starts_late_counts_from_the_close() -> None:
    # Three quarters without cash after the window: the loan grows, coverage over its life stays the target.
    late = np.where(np.arange(40) < 7, 0.0, 12.0)
    loan = size_loan(USES, late, TERMS)
    served = serve_loan(loan, np.stack([late, late * 0]), TERMS, 1.15)
    assert served.llcr[0] == pytest.approx(loan.effective_dscr)
    assert served.min_dscr[0] == pytest.approx(1.35)
    assert served.unpaid_frac == pytest.approx([0.0, 1.0], abs=1e-9)
    half = serve_loan(loan, late[None, :] * 0.3, TERMS, 1.15).unpaid_frac[0]
    r = TERMS.rate_per_quarter_frac
    paid = 12 * 0.3 * sum((1 + r) ** -(t - 3.0) for t in range(7, 40))
    assert half == pytest.approx(1 - paid / loan.principal)


def test_a_window_longer_than_the_horizon_leaves_nothing_to_lend_on() -> None:
    loan = size_loan(USES[:3], CASH[:3] + 5, TERMS)
    assert loan.principal == 0.0
    assert not loan.service.any()


def test_rolling_coverage_uses_only_quarters_with_service() -> None:
    dscr = rolling_dscr(np.array([[9.0, 2, 4, 6, 8]]), np.array([0.0, 2, 2, 2, 2]))
    assert np.isnan(dscr[0, 0])
    assert dscr[0, 1:] == pytest.approx([1.0, 1.5, 2.0, 2.5])
