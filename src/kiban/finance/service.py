"""The debt of a plan faced with the cash of every history: who is paid, in which order, and what stays unpaid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.finance.debt import Loan, Terms, repayment, rolling_dscr

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]

CLEAR = 1e-9
"""Debt below this share of all that was drawn counts as repaid."""


@dataclass(frozen=True)
class Refinance:
    """The first loan's balance is repaid by a new loan at the end of a quarter."""

    quarter: int
    rate_per_quarter_frac: float
    fee_frac: float
    """Of the balance, added to it."""
    tenor_quarters: int
    kind: str


@dataclass(frozen=True)
class Rules:
    """What the documents say beside the schedule."""

    covenant_dscr: float
    sweep_frac: float = 0.0
    """Share of cash after service that prepays, last instalments first."""
    guarantee_frac: float = 0.0
    """Most that a guarantor pays in all, against everything drawn on the base history."""
    lock_up: bool = False
    """True if owners get nothing while coverage is under the covenant."""
    refinance: Refinance | None = None


@dataclass(frozen=True)
class Tranche:
    """One loan as scheduled; draw and service (L, T) nominal USD."""

    draw: Array
    service: Array
    rate_per_quarter_frac: float


@dataclass(frozen=True)
class Served:
    """The debt in every history, (L, ...), nominal USD."""

    paid: Array
    """(L, T) cash of the plan to lenders: service, arrears, prepayment."""
    unpaid_frac: Array
    """What lenders are still owed at the end of the horizon, against everything drawn, both at that date."""
    dscr: Array
    """(L, T) cash of four quarters over service of four quarters; NaN without service."""
    min_dscr: Array
    llcr: Array
    plcr: Array
    first_breach: tuple[int, ...]
    """Quarter index, -1 if none."""
    due: Array
    """(L, T) scheduled service of what is outstanding, without arrears."""
    interest: Array
    """(L, T) accrued, fees of a refinancing included."""
    balance: Array
    """(L, T) owed to lenders at the end of the quarter, arrears included."""
    missed: Array
    """(L, T) due and arrears that neither cash nor the guarantor paid."""
    called: Array
    """(L, T) paid by the guarantor."""
    reimbursed: Array
    """(L, T) paid back to the guarantor, after lenders and before owners."""
    claim: Array
    """(L, T) what the guarantor is owed at the end of the quarter, with interest at the loan's rate."""
    claim_frac: Array
    """The guarantor's claim at the end of the horizon, on the scale of ``unpaid_frac``."""
    reserve: Array
    """(L, T) distributions locked up at the end of the quarter."""
    refinanced: Bools
    """(L,)."""


def serve_loan(loan: Loan, cash: Array, terms: Terms, covenant_dscr: float) -> Served:
    """Face one loan with each history's cash (L, T), nothing but the schedule agreed; see ``serve``."""
    one = Tranche(
        np.broadcast_to(loan.draw, cash.shape), np.broadcast_to(loan.service, cash.shape), terms.rate_per_quarter_frac
    )
    return serve((one,), cash, np.zeros_like(cash), terms.window_quarters, Rules(covenant_dscr))


def serve(tranches: tuple[Tranche, ...], cash: Array, other: Array, start: int, rules: Rules, base: int = 0) -> Served:
    """Face the scheduled service of all tranches with each history's cash.

    In each quarter cash, and reserve that is locked up, pays lenders in proportion to what each is due, arrears first
    counted in; the guarantor pays what is missing as far as the guarantee goes; what is still missed grows at the
    loan's rate and is due again. Cash left pays the guarantor back, then a share of the rest prepays debt. A history
    whose coverage is at the covenant without arrears is refinanced, another one keeps the old loan.
    LLCR is the present value, when repayment starts, of cash until the last scheduled service over that of the
    service; PLCR counts cash to the end of the horizon.
    Args: tranches; cash (L, T) for service; other (L, T) cash of the owners outside it, draws included; start, quarter
    in which repayment starts; rules; base, the history on which a refinancing is sculpted.
    """
    run = _Run(tranches, cash, other, start, rules, base)
    for t in range(cash.shape[1]):
        run.quarter(t)
    dscr = run.dscr
    have = np.isfinite(dscr)
    low = np.where(have, dscr, np.inf).min(axis=1)
    breach = have & (dscr < rules.covenant_dscr * (1 - 1e-9))
    llcr, plcr = _life_cover(tranches, cash, start)
    grown = run.grown.sum(axis=0)
    owed, claim = run.balance.sum(axis=0), run.claim.sum(axis=0)

    def share(left: Array) -> Array:
        return np.clip(np.divide(left, grown, out=np.zeros(len(grown)), where=grown > 0), 0, 1)

    return Served(
        paid=run.out["paid"],
        unpaid_frac=share(np.where(owed > CLEAR * grown, owed, 0.0)),
        dscr=dscr,
        min_dscr=np.where(np.isfinite(low), low, np.nan),
        llcr=llcr,
        plcr=plcr,
        first_breach=tuple(int(np.argmax(row)) if row.any() else -1 for row in breach),
        **{k: run.out[k] for k in _Run.KEPT if k != "paid"},
        claim_frac=share(claim),
        refinanced=run.refinanced,
    )


class _Run:
    """State of the debt as the quarters go by; (K, L) by tranche and history."""

    KEPT = ("paid", "due", "interest", "balance", "missed", "called", "reimbursed", "claim", "reserve")

    def __init__(
        self, tranches: tuple[Tranche, ...], cash: Array, other: Array, start: int, rules: Rules, base: int
    ) -> None:
        leaves, quarters = cash.shape
        self.cash, self.other, self.start, self.rules, self.base = cash, other, start, rules, base
        self.draw = np.stack([t.draw for t in tranches])
        self.service = np.stack([t.service for t in tranches]).copy()
        self.rate = np.array([np.full(leaves, t.rate_per_quarter_frac) for t in tranches])
        shape = self.rate.shape
        self.balance, self.arrears, self.claim, self.grown = (np.zeros(shape) for _ in range(4))
        self.called, self.reserve = np.zeros(leaves), np.zeros(leaves)
        self.cap = rules.guarantee_frac * float(self.draw[:, base].sum())
        self.dscr = np.full((leaves, quarters), np.nan)
        self.refinanced = np.zeros(leaves, dtype=bool)
        self.out = {name: np.zeros((leaves, quarters)) for name in self.KEPT}

    def quarter(self, t: int) -> None:
        rules, have = self.rules, np.maximum(self.cash[:, t], 0.0)
        interest = self.balance * self.rate
        owed = self.balance + interest
        self.grown = self.grown * (1 + self.rate) + self.draw[:, :, t]
        regular = np.minimum(self.service[:, :, t], owed)
        due = np.minimum(regular + self.arrears * (1 + self.rate), owed)
        all_due = due.sum(axis=0)
        paid = np.minimum(all_due, have + self.reserve)
        from_reserve = np.maximum(paid - have, 0.0)
        # The last dollar of a reserve may be a rounding short.
        self.reserve = np.maximum(self.reserve - from_reserve, 0.0)
        short = np.maximum(all_due - paid, 0.0)
        call = np.minimum(short, np.maximum(self.cap - self.called, 0.0))
        self.called = self.called + call
        part = np.divide(due, all_due, out=np.zeros_like(due), where=all_due > 0)
        self.arrears = part * (short - call)
        self.claim = self.claim * (1 + self.rate) + part * call
        left = have - (paid - from_reserve)
        back = np.minimum(self.claim.sum(axis=0), left)
        self.claim = self.claim - _split(self.claim) * back
        left = left - back
        rest = owed - part * (paid + call)
        swept = np.minimum((rules.sweep_frac if t >= self.start else 0.0) * left, rest.sum(axis=0))
        self.balance = np.maximum(rest - _split(rest) * swept, 0.0) + self.draw[:, :, t]
        kept = self.out
        kept["due"][:, t] = regular.sum(axis=0)
        self._cover(t)
        fee = self._refinance(t)
        paid = paid + swept + self._lock(t, left - swept)
        for name, value in (
            ("paid", paid), ("interest", interest.sum(axis=0) + fee), ("balance", self.balance.sum(axis=0)),
            ("missed", short - call), ("called", call), ("reimbursed", back), ("claim", self.claim.sum(axis=0)),
            ("reserve", self.reserve),
        ):  # fmt: skip
            kept[name][:, t] = value

    def _cover(self, t: int) -> None:
        first = max(0, t - 3)
        window = slice(first, t + 1)
        self.dscr[:, t] = rolling_dscr(self.cash[:, window], self.out["due"][:, window])[:, -1]

    def _lock(self, t: int, left: Array) -> Array:
        """Lock or release the reserve; returns what it prepays when the horizon ends."""
        if not self.rules.lock_up:
            return np.zeros_like(left)
        owed = self.balance.sum(axis=0)
        open_ = owed > CLEAR * np.maximum(self.grown.sum(axis=0), 1.0)
        low = self.dscr[:, t] < self.rules.covenant_dscr * (1 - 1e-9)
        known = np.isfinite(self.dscr[:, t])
        # Before service is due nothing is tested: what was locked stays locked, and nothing new is.
        locked = open_ & (low | (~known & (self.reserve > 0)))
        fresh = np.maximum(left + self.other[:, t], 0.0)
        self.reserve = np.where(locked, self.reserve + np.where(low, fresh, 0.0), 0.0)
        if t < self.cash.shape[1] - 1:
            return np.zeros_like(left)
        paid = np.minimum(self.reserve, owed)
        self.balance = self.balance - _split(self.balance) * paid
        self.reserve = np.zeros_like(left)
        return paid

    def _refinance(self, t: int) -> Array:
        new = self.rules.refinance
        if new is None or t != new.quarter:
            return np.zeros(self.cash.shape[0])
        sound = np.isnan(self.dscr[:, t]) | (self.dscr[:, t] >= self.rules.covenant_dscr * (1 - 1e-9))
        can = sound & (self.balance[0] > 0) & (self.arrears.sum(axis=0) == 0) & (self.claim.sum(axis=0) <= 0)
        quarters = self.cash.shape[1]
        able = np.maximum(self.cash[self.base] - self.service[1:, self.base].sum(axis=0), 0.0)
        last = min(t + 1 + new.tenor_quarters, quarters)
        unit = repayment(new.kind, able, new.rate_per_quarter_frac, t + 1, last)
        can &= bool(unit.any())
        fee = np.where(can, self.balance[0] * new.fee_frac, 0.0)
        self.balance[0] += fee
        self.grown[0] += fee
        self.service[0, can] = np.outer(self.balance[0, can], unit)
        self.rate[0, can] = new.rate_per_quarter_frac
        self.refinanced = can
        return fee


def _split(parts: Array) -> Array:
    """Shares of each tranche, (K, L); zeros where there is nothing."""
    whole = parts.sum(axis=0)
    return np.divide(parts, whole, out=np.zeros_like(parts), where=whole > 0)


def _life_cover(tranches: tuple[Tranche, ...], cash: Array, start: int) -> tuple[Array, Array]:
    """LLCR and PLCR (L,) when repayment starts, at the first loan's rate; NaN without service."""
    service = np.sum([t.service for t in tranches], axis=0)
    rated = next((t for t in tranches if t.service.any()), tranches[0])
    time = np.arange(cash.shape[1])
    factor = (1 + rated.rate_per_quarter_frac) ** -(time - (start - 1.0)) * (time >= start)
    owed = service @ factor
    last = np.where(service > 0, time, -1).max(axis=1)
    inside = time[None, :] <= last[:, None]
    able = np.maximum(cash, 0.0)

    def cover(worth: Array) -> Array:
        return np.divide(worth, owed, out=np.full(len(cash), np.nan), where=owed > 0)

    return cover((able * inside) @ factor), cover(able @ factor)
