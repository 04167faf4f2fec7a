"""Sizing of debt on one history: a loan drawn with the spending of a window, and a tranche drawn with chips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SMALLEST_SHARE = 1e-12
"""A loan below this share of spending is rounding, not debt; coverage over it would be infinite."""

KINDS = ("sculpted", "level", "straight")


def per_quarter_frac(rate_frac_per_year: float) -> float:
    """Effective rate of a quarter."""
    return float((1 + rate_frac_per_year) ** 0.25 - 1)


@dataclass(frozen=True)
class Terms:
    """Terms of the loan; rates nominal."""

    rate_frac_per_year: float
    fee_frac: float
    gearing_max_frac: float
    target_dscr: float
    tenor_quarters: int
    window_quarters: int
    kind: str = "sculpted"
    """``sculpted`` (service follows cash), ``level`` (annuity) or ``straight`` (equal principal)."""

    @property
    def rate_per_quarter_frac(self) -> float:
        """Effective rate of a quarter."""
        return per_quarter_frac(self.rate_frac_per_year)


@dataclass(frozen=True)
class ChipTerms:
    """Terms of the tranche that is drawn with each delivery of silicon and repaid by a level annuity of its own."""

    rate_frac_per_year: float
    fee_frac: float
    gearing_max_frac: float
    target_dscr: float
    tenor_quarters: int
    """Annuity of each draw, from the delivery on."""
    grace_quarters: int
    """Order to delivery: interest is added to the balance."""
    window_quarters: int

    @property
    def rate_per_quarter_frac(self) -> float:
        """Effective rate of a quarter."""
        return per_quarter_frac(self.rate_frac_per_year)


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


@dataclass(frozen=True)
class ChipLoan:
    """The tranche on silicon; arrays (L, T) nominal USD: each history draws with its own purchases."""

    draw: Array
    service: Array
    fee: Array
    drawn_frac: Array
    """(T,) share of each quarter's silicon that is drawn; below the gearing bound where coverage binds."""


def repayment(kind: str, able: Array, rate_per_quarter_frac: float, start: int, last: int) -> Array:
    """Service by quarter that repays one dollar owed at the end of quarter ``start - 1``, (T,); zeros if none can.

    Sculpted: in proportion to cash. Level: the annuity r / (1 - (1 + r)^-n). Straight: 1/n and interest on the rest.
    Level and straight run from the first to the last quarter that has cash; interest before is added to the balance.
    Args: able (T,) cash that may serve, not negative; start and last, quarters [start, last) in which service is due.
    """
    quarters = len(able)
    time = np.arange(quarters)
    inside = (time >= start) & (time < last) & (able > 0)
    shape = np.zeros(quarters)
    if inside.any():
        first, last = int(np.argmax(inside)), int(quarters - np.argmax(inside[::-1]))
        due = np.arange(first, last)
        if kind == "sculpted":
            shape[due] = able[due] * inside[due]
        elif kind == "level":
            shape[due] = 1.0
        else:
            shape[due] = (1 + rate_per_quarter_frac * (last - due)) / (last - first)
    worth = float(shape @ (1 + rate_per_quarter_frac) ** -(time - (start - 1.0)))
    return shape / worth if worth > 0 else shape


def size_loan(uses: Array, cash_for_service: Array, terms: Terms) -> Loan:
    """Size a loan on one history and lay out its service.

    Debt draws pro rata with uses in the building window; interest is capitalised. Its size is the lesser of the gearing
    bound, (draws + capitalised interest) <= g (uses + interest + fee), and what coverage carries: for a sculpted loan
    the present value of cash over the target, so that coverage is constant; for a level or straight one the principal
    at which the lowest coverage over four quarters is the target, and at which no quarter's service is above its cash.
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
    unit = repayment(terms.kind, np.maximum(cash_for_service, 0.0), r, end, last)
    # Sculpted service is in proportion to cash, so coverage of one dollar is the same in every quarter.
    cash = np.maximum(cash_for_service, 0.0) if terms.kind == "sculpted" else cash_for_service
    covers = lowest_cover(cash, unit)
    most = min(covers / terms.target_dscr, tightest(cash, unit)) if grown > 0 else 0.0
    share = min(by_gearing, most / grown if grown > 0 else 0.0, 1.0)
    share = share if share > SMALLEST_SHARE else 0.0
    draw = share * spend
    principal = share * grown
    service = principal * unit
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
    coverage = covers / principal if principal > 0 else float("nan")
    return Loan(draw, capitalised, fee, principal, service, interest, balance, coverage, gearing)


def size_chips(silicon: Array, base_cash: Array, base: int, terms: ChipTerms) -> ChipLoan:
    """Size the tranche on silicon: a share of each purchase, repaid by a level annuity from its delivery.

    Purchases are lent on in their order: each to the gearing bound, or to what the base history's cash of every quarter
    carries at the target beside the service of earlier draws, so that what is left for another loan is never negative.
    A purchase whose annuity would run past the horizon is not lent on. Args: silicon (L, T) nominal spending; base_cash
    (T,) cash for service; base, index of that history.
    """
    quarters = silicon.shape[1]
    r, n, grace = terms.rate_per_quarter_frac, terms.tenor_quarters, terms.grace_quarters
    latest = min(terms.window_quarters, quarters - grace - n)
    spend = np.where(np.arange(quarters) < latest, np.maximum(silicon, 0.0), 0.0)
    payment = (1 + r) ** grace * (r / -np.expm1(-n * np.log1p(r)) if r > 0 else 1 / n)
    ages = np.arange(quarters)[None, :] - np.arange(quarters)[:, None]
    schedule = payment * ((ages > grace) & (ages <= grace + n))
    share, served = np.full(quarters, terms.gearing_max_frac), np.zeros(quarters)
    for t in np.flatnonzero(spend[base] > 0).tolist():
        unit = spend[base, t] * schedule[t]
        share[t] = min(terms.gearing_max_frac, tightest(base_cash / terms.target_dscr - served, unit))
        share[t] = share[t] if share[t] > SMALLEST_SHARE else 0.0
        served = served + share[t] * unit
    draw = share * spend
    return ChipLoan(draw, draw @ schedule, terms.fee_frac * draw, share)


def tightest(cash: Array, service: Array) -> float:
    """Most of a service that the cash of every single quarter pays; 0 without service."""
    due = service > 0
    return max(float((cash[due] / service[due]).min()), 0.0) if due.any() else 0.0


def lowest_cover(cash: Array, service: Array) -> float:
    """Lowest coverage over the last four quarters that have service; 0 without service or below it."""
    cover = rolling_dscr(cash[None, :], service)
    known = cover[np.isfinite(cover)]
    return max(float(known.min()), 0.0) if known.size else 0.0


def rolling_dscr(cash: Array, service: Array) -> Array:
    """Coverage over the last four quarters that have service, (L, T); NaN in a quarter without service.

    Args: cash (L, T); service (T,) or (L, T), not negative.
    """
    due = np.broadcast_to(service, cash.shape)
    above, below = (_last_four(x) for x in (np.where(due > 0, cash, 0.0), due))
    return np.divide(above, below, out=np.full(cash.shape, np.nan), where=due > 0)


def _last_four(values: Array) -> Array:
    padded = np.pad(values, ((0, 0), (3, 0)))
    return np.asarray(sum(padded[:, k : k + values.shape[1]] for k in range(4)))
