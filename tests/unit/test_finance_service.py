"""Debt of several kinds in every history: sweep, guarantee, lock-up, refinancing, a tranche on silicon."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kiban.finance.debt import ChipTerms, Terms, rolling_dscr, size_chips, size_loan
from kiban.finance.service import Refinance, Rules, Served, Tranche, serve

TERMS = Terms(0.08, 0.01, 0.7, 1.3, 20, 4)
USES = np.array([100.0, 100, 100, 100, *[0.0] * 28])
CASH = np.array([0.0] * 4 + [30.0] * 28)
R = TERMS.rate_per_quarter_frac
MONEY = st.floats(-20.0, 60.0)
HISTORY = st.lists(MONEY, min_size=28, max_size=28)


def face(kind: str, cash: np.ndarray, rules: Rules, other: np.ndarray | None = None) -> tuple[Served, float]:
    """The loan of a kind that is sized on the plain history, faced with other cash."""
    loan = size_loan(USES, CASH, replace(TERMS, kind=kind))
    one = Tranche(np.broadcast_to(loan.draw, cash.shape), np.broadcast_to(loan.service, cash.shape), R)
    return serve((one,), cash, np.zeros_like(cash) if other is None else other, 4, rules), loan.principal


def drawn(history: list[float]) -> np.ndarray:
    return np.array([[0.0] * 4 + history])


@pytest.mark.parametrize("kind", ["sculpted", "level", "straight"])
def test_each_kind_is_repaid_and_covers_as_agreed(kind: str) -> None:
    loan = size_loan(USES, CASH, replace(TERMS, kind=kind, gearing_max_frac=0.95))
    assert loan.balance[23] == pytest.approx(0.0, abs=1e-9)
    assert (loan.service > 0).sum() == 20
    served, _ = face(kind, CASH[None, :], Rules(1.15))
    assert served.min_dscr[0] >= 1.3 * (1 - 1e-9)
    assert served.unpaid_frac[0] == 0.0


def test_level_service_is_the_annuity_and_straight_principal_is_even() -> None:
    level, straight = (size_loan(USES, CASH, replace(TERMS, kind=k)) for k in ("level", "straight"))
    assert level.service[4:24] == pytest.approx(np.full(20, level.principal * R / (1 - (1 + R) ** -20)))
    repaid = straight.service[4:24] - straight.interest[4:24]
    assert repaid == pytest.approx(np.full(20, straight.principal / 20))


def test_lowest_coverage_sizes_a_straight_loan_at_its_first_year() -> None:
    poor = size_loan(USES, CASH / 4, replace(TERMS, kind="straight"))
    # Service falls from quarter to quarter, so the first one, alone in its window, binds.
    assert 7.5 / poor.service[4] == pytest.approx(1.3)
    assert poor.effective_dscr == pytest.approx(1.3)


@pytest.mark.parametrize("kind", ["level", "straight"])
def test_no_quarter_of_the_plain_history_is_short(kind: str) -> None:
    # One poor quarter passes the four-quarter test but could not pay its own instalment.
    bumpy = np.where(np.arange(32) == 10, 6.0, CASH)
    loan = size_loan(USES, bumpy, replace(TERMS, kind=kind, gearing_max_frac=0.95))
    assert loan.service[10] == pytest.approx(6.0)
    assert loan.balance[-1] == pytest.approx(0.0, abs=1e-9)
    # A last quarter without cash gets no instalment.
    cut = size_loan(USES, np.where(np.arange(32) >= 20, -3.0, CASH), replace(TERMS, kind=kind))
    assert cut.service[20:].max() == 0.0
    assert cut.balance[19] == pytest.approx(0.0, abs=1e-9)
    assert cut.principal > 0


def test_level_repayment_waits_for_cash_and_interest_is_added() -> None:
    late = np.where(np.arange(32) < 8, 0.0, 30.0)
    loan = size_loan(USES, late, replace(TERMS, kind="level"))
    assert not loan.service[:8].any()
    assert loan.balance[7] == pytest.approx(loan.principal * (1 + R) ** 4)
    assert loan.balance[23] == pytest.approx(0.0, abs=1e-9)


@given(HISTORY, st.floats(0.0, 1.0), st.sampled_from(["sculpted", "level", "straight"]))
def test_a_sweep_never_leaves_more_unpaid(history: list[float], share: float, kind: str) -> None:
    cash = drawn(history)
    with_, without = (face(kind, cash, Rules(1.15, sweep_frac=f))[0] for f in (share, 0.0))
    assert (with_.balance <= without.balance + 1e-9).all()
    assert with_.unpaid_frac[0] <= without.unpaid_frac[0] + 1e-12


def test_a_sweep_prepays_the_last_instalments() -> None:
    swept, principal = face("level", CASH[None, :], Rules(1.15, sweep_frac=0.5))
    plain, _ = face("level", CASH[None, :], Rules(1.15))
    assert swept.due[0, 4:8] == pytest.approx(plain.due[0, 4:8])
    assert swept.balance[0, 20] < plain.balance[0, 20]
    factor = (1 + R) ** -(np.arange(32) - 3.0)
    assert swept.paid[0] @ factor == pytest.approx(principal)


@given(HISTORY, st.floats(0.0, 1.0))
def test_lender_and_guarantor_bear_the_loss_without_a_guarantee(history: list[float], share: float) -> None:
    cash = drawn(history)
    alone, helped = (face("level", cash, Rules(1.15, guarantee_frac=g))[0] for g in (0.0, share))
    assert helped.unpaid_frac + helped.claim_frac == pytest.approx(alone.unpaid_frac, abs=1e-9)
    assert helped.unpaid_frac[0] <= alone.unpaid_frac[0] + 1e-12
    assert helped.paid + helped.reimbursed == pytest.approx(alone.paid, abs=1e-8)
    assert helped.called.sum() <= share * 4 * 100 + 1e-9


def test_without_cash_the_guarantor_pays_what_was_drawn_and_no_more() -> None:
    drawn_usd = size_loan(USES, CASH, replace(TERMS, kind="level")).draw.sum()
    served, _ = face("level", CASH[None, :] * 0, Rules(1.15, guarantee_frac=1.0))
    assert served.called.sum() == pytest.approx(drawn_usd)
    first = int(np.argmax(served.missed[0] > 0))
    assert served.called[0, 4:first] == pytest.approx(served.due[0, 4:first])
    # Interest beyond what was drawn is the lender's loss.
    assert 0 < served.unpaid_frac[0] < 0.6
    assert served.unpaid_frac + served.claim_frac == pytest.approx([1.0])


@given(HISTORY)
@example([0.0, 0.0, 42.0, 17.0, 12.0, -4.0, 55.0, 1.05, 2.00001, *[0.0] * 19])
def test_locked_cash_is_kept_for_lenders_and_let_go_at_the_end(history: list[float]) -> None:
    cash = drawn(history)
    rules = Rules(1.15, lock_up=True)
    locked, plain = face("level", cash, rules)[0], face("level", cash, Rules(1.15))[0]
    assert (locked.reserve >= 0).all()
    assert locked.reserve[0, -1] == 0.0
    assert locked.unpaid_frac[0] <= plain.unpaid_frac[0] + 1e-12
    sound = np.isfinite(locked.dscr[0]) & (locked.dscr[0] >= 1.15)
    assert not locked.reserve[0, sound].any()


def test_lock_up_by_hand() -> None:
    # Coverage of 1.05 locks what is left; the dry quarter is paid from it.
    level = size_loan(USES, CASH, replace(TERMS, kind="level")).service[4]
    cash = CASH[None, :] * 0 + np.where(np.arange(32) >= 4, level * 1.05, 0)
    cash[0, 12] = level * 0.8
    locked, plain = (face("level", cash, Rules(1.15, lock_up=x))[0] for x in (True, False))
    assert plain.missed[0, 12] == pytest.approx(0.2 * level)
    assert locked.reserve[0, 11] == pytest.approx(8 * 0.05 * level)
    assert locked.missed[0, 12] == pytest.approx(0.0, abs=1e-9)
    assert locked.reserve[0, 12] == pytest.approx(0.2 * level)


def test_refinancing_repays_the_balance_at_the_new_terms() -> None:
    new = Refinance(11, 0.01, 0.02, 16, "level")
    good, bad = CASH, np.where(np.arange(32) < 11, CASH * 0.2, CASH)
    served, principal = face("level", np.stack([good, bad]), Rules(1.15, refinance=new))
    assert served.refinanced.tolist() == [True, False]
    before = principal * (1 + R) ** 8 - served.due[0, 4] * ((1 + R) ** 8 - 1) / R
    assert served.balance[0, 11] == pytest.approx(before * 1.02)
    assert served.due[0, 12:28] == pytest.approx(np.full(16, before * 1.02 * 0.01 / (1 - 1.01**-16)))
    assert served.balance[0, 27] == pytest.approx(0.0, abs=1e-9)
    assert served.due[1, 12] == pytest.approx(served.due[1, 5])


CHIPS = ChipTerms(0.1, 0.01, 0.8, 1.3, 12, 2, 16)


def test_each_draw_on_silicon_is_an_annuity_from_its_delivery() -> None:
    silicon = np.zeros((2, 32))
    silicon[0, 3], silicon[1, 3], silicon[1, 10] = 100.0, 100.0, 50.0
    loan = size_chips(silicon, np.full(32, 1e3), 0, CHIPS)
    r = CHIPS.rate_per_quarter_frac
    assert loan.drawn_frac[3] == 0.8
    assert loan.draw[1, [3, 10]].tolist() == [80.0, 40.0]
    payment = 80 * (1 + r) ** 2 * r / (1 - (1 + r) ** -12)
    assert loan.service[0, 6:18] == pytest.approx(np.full(12, payment))
    assert loan.service[0].sum() == pytest.approx(12 * payment)
    assert loan.fee.sum() == pytest.approx(0.01 * 200)
    served = serve((Tranche(loan.draw, loan.service, r),), np.full((2, 32), 1e3), np.zeros((2, 32)), 6, Rules(1.15))
    assert served.balance[:, -1] == pytest.approx([0.0, 0.0], abs=1e-9)


def test_silicon_is_lent_on_within_window_horizon_and_coverage() -> None:
    silicon = np.full((1, 32), 10.0)
    loan = size_chips(silicon, np.full(32, 1e3), 0, CHIPS)
    assert (loan.draw[0] > 0).sum() == 16
    assert (size_chips(silicon, np.full(32, 1e3), 0, replace(CHIPS, window_quarters=32)).draw > 0).sum() == 32 - 14
    poor = size_chips(silicon, np.full(32, 8.0), 0, CHIPS)
    # The first purchases are lent on to the bound; then every quarter's cash is used to the target.
    assert poor.drawn_frac[0] == 0.8
    assert poor.drawn_frac[:16].min() < 0.8
    assert rolling_dscr(np.full((1, 32), 8.0), poor.service)[0, 6:20].min() == pytest.approx(1.3)


def test_a_dry_year_stops_only_the_purchases_it_would_have_to_serve() -> None:
    silicon, cash = np.zeros((1, 32)), np.where(np.arange(32) < 20, 100.0, -5.0)
    silicon[0, [1, 12]] = 50.0
    loan = size_chips(silicon, cash, 0, CHIPS)
    assert loan.draw[0, [1, 12]].tolist() == [40.0, 0.0]


@given(HISTORY, st.floats(0.0, 1.0))
def test_two_tranches_are_paid_in_proportion_and_nothing_is_lost(history: list[float], sweep: float) -> None:
    cash = drawn(history)
    loan = size_loan(USES, CASH, replace(TERMS, kind="level"))
    silicon = np.where(np.arange(32) == 1, 60.0, 0.0)[None, :]
    chips = size_chips(silicon, CASH, 0, CHIPS)
    both = (
        Tranche(loan.draw[None, :], loan.service[None, :], R),
        Tranche(chips.draw, chips.service, CHIPS.rate_per_quarter_frac),
    )
    served = serve(both, cash, np.zeros_like(cash), 4, Rules(1.15, sweep, 0.3, True))
    moved = loan.draw + chips.draw + served.interest - served.paid - served.called
    assert np.diff(served.balance, axis=1, prepend=0.0) == pytest.approx(moved, abs=1e-8)
    assert (served.paid + served.reimbursed).sum() <= np.maximum(cash, 0).sum() + 1e-9
