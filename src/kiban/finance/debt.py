"""Debt: drawn with the spending of the building window, sculpted to a coverage, faced in every history."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SMALLEST_SHARE = 1e-12
"""A loan below this share of spending is rounding, not debt; coverage over it would be infinite."""


@dataclass(frozen=True)
class Terms:
    """Terms of the loan; rates nominal."""

    rate_frac_per_year: float
    fee_frac: float
    gearing_max_frac: float
    target_dscr: float
    tenor_quarters: int
    window_quarters: int

    @property
    def rate_per_quarter_frac(self) -> float:
        """Effective rate of a quarter."""
        return float((1 + self.rate_frac_per_year) ** 0.25 - 1)


@dataclass(frozen=True)
class Loan:
    """A sized loan; arrays (T,) nominal USD."""

    draw: Array
    interest_in_building: Array
    fee: float
    principal: float
    """Balance when repayment starts: draws and capitalised interest."""
    service: Array
    interest: Array
    balance: Array
    """At the end of each quarter if served as scheduled."""
    effective_dscr: float
    gearing_frac: float


def size_loan(uses: Array, cash_for_service: Array, terms: Terms) -> Loan:
    """Size and sculpt a loan on one history.

    Debt draws pro rata with uses in the building window; interest is capitalised. Its size is the lesser of the gearing
    bound, (draws + capitalised interest) <= g (uses + interest + fee), and the present value of cash over the target
    coverage within the tenor. Service in each quarter is cash / coverage, so coverage is constant (sculpting).
    Args: uses (T,) spending per quarter; cash_for_service (T,) after tax. Source: standard project finance
    (Yescombe, Principles of Project Finance, ch. 10 and 12).
    """
    quarters = len(uses)
    end = min(terms.window_quarters, quarters)
    r = terms.rate_per_quarter_frac
    spend = np.where(np.arange(quarters) < end, np.maximum(uses, 0.0), 0.0)
    grow = (1 + r) ** np.clip(end - 1 - np.arange(quarters), 0, None)
    total, grown = float(spend.sum()), float(spend @ grow)
    g = terms.gearing_max_frac
    # share x grown <= g (total + share (grown - total) + fee share total), solved for the share of spending drawn.
    room = grown - g * (grown - total) - g * terms.fee_frac * total
    by_gearing = g * total / room if room > 0 else 0.0
    last = min(end + terms.tenor_quarters, quarters)
    able = np.zeros(quarters)
    able[end:last] = np.maximum(cash_for_service[end:last], 0.0)
    discount = (1 + r) ** -(np.arange(quarters) - (end - 1.0))
    capacity = float(able @ discount) / terms.target_dscr
    share = min(by_gearing, capacity / grown if grown > 0 else 0.0, 1.0)
    share = share if share > SMALLEST_SHARE else 0.0
    draw = share * spend
    principal = share * grown
    coverage = float(able @ discount) / principal if principal > 0 else float("nan")
    service = able / coverage if principal > 0 else np.zeros(quarters)
    balance, interest, capitalised = np.zeros(quarters), np.zeros(quarters), np.zeros(quarters)
    owed = 0.0
    for t in range(quarters):
        interest[t] = owed * r
        owed += interest[t] + draw[t] - service[t]
        if t < end:
            capitalised[t] = interest[t]
        balance[t] = owed
    fee = terms.fee_frac * float(draw.sum())
    whole = total + float(capitalised.sum()) + fee
    gearing = (float(draw.sum()) + float(capitalised.sum())) / whole if whole > 0 else 0.0
    return Loan(draw, capitalised, fee, principal, service, interest, balance, coverage, gearing)


@dataclass(frozen=True)
class Served:
    """The same loan in every history, (L, ...)."""

    paid: Array
    unpaid_frac: Array
    dscr: Array
    """(L, T) cash of four quarters over service of four quarters; NaN without service."""
    min_dscr: Array
    llcr: Array
    first_breach: tuple[int, ...]
    """Quarter index, -1 if none."""


def serve_loan(loan: Loan, cash: Array, terms: Terms, covenant_dscr: float) -> Served:
    """Face the scheduled service with each history's cash (L, T).

    Cash pays service first; what is missed grows at the loan's rate and is swept from later cash. Unpaid is what is
    left at the end of the horizon over the principal, both at that date. LLCR is the present value, when repayment
    starts, of cash within the tenor over the principal; it is the scheduled coverage on the history that sized the
    loan. Args: loan; cash, nominal USD; terms; covenant_dscr. Result: see ``Served``; NaN coverage without a loan.
    """
    leaves, quarters = cash.shape
    r = terms.rate_per_quarter_frac
    paid, owed = np.zeros((leaves, quarters)), np.zeros(leaves)
    for t in range(quarters):
        owed = owed * (1 + r) + loan.service[t]
        paid[:, t] = np.minimum(owed, np.maximum(cash[:, t], 0.0))
        owed = owed - paid[:, t]
    dscr = rolling_dscr(cash, loan.service)
    have = np.isfinite(dscr)
    low = np.where(have, dscr, np.inf).min(axis=1)
    breach = have & (dscr < covenant_dscr * (1 - 1e-9))
    first = tuple(int(np.argmax(row)) if row.any() else -1 for row in breach)
    if loan.principal > 0:
        start = min(terms.window_quarters, quarters)
        last = min(start + terms.tenor_quarters, quarters)
        discount = (1 + r) ** -(np.arange(start, last) - (start - 1.0))
        llcr = np.maximum(cash[:, start:last], 0.0) @ discount / loan.principal
        unpaid = owed / (loan.principal * (1 + r) ** (quarters - start))
    else:
        llcr, unpaid = np.full(leaves, np.nan), np.zeros(leaves)
    return Served(paid, np.clip(unpaid, 0, 1), dscr, np.where(np.isfinite(low), low, np.nan), llcr, first)


def rolling_dscr(cash: Array, service: Array) -> Array:
    """Coverage over the last four quarters that have service, (L, T)."""
    due = service > 0
    out = np.full(cash.shape, np.nan)
    for t in np.nonzero(due)[0].tolist():
        span = [q for q in range(max(0, t - 3), t + 1) if due[q]]
        out[:, t] = cash[:, span].sum(axis=1) / service[span].sum()
    return out
