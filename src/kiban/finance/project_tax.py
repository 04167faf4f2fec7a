"""Income taxes of a batch of projects: write-off, interest cap, losses, by tax year of operation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.finance.project_inputs import Credits, Grid, Tax

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Basis:
    """Depreciable basis of each project."""

    by_class: Array
    """(K, n) after the reduction for the investment credit."""
    whole: Array
    """(n,) with land, after the reduction."""
    investment_credit: Array
    """(n,) cash in the first operating period."""


def depreciable(amount: Array, tax: Tax, credits: Credits) -> Basis:
    """Split the basis (n,) into classes and take the investment credit's share off those that earn it.

    credit = c sum_k q_k B_k; class k keeps B_k (1 - h c q_k), h the reduction. Source: IRC 48 and 50(c)(3).
    """
    by_class = _by_class(tax.class_frac) * amount
    earns = np.ones(len(by_class)) if credits.investment_class is None else np.asarray(credits.investment_class)
    credit = np.asarray(credits.investment_frac) * (earns[:, None] * by_class)
    lost = credits.basis_reduction_frac * credit
    earned = np.broadcast_to(credit.sum(axis=0), amount.shape)
    return Basis(by_class - lost, amount - lost.sum(axis=0), earned)


def write_off(basis: Basis, tax: Tax, bonus_frac: Array, grid: Grid) -> Array:
    """Write-off by operating period, (T, n): the bonus in the first, the rest by yearly shares spread evenly.

    Source: IRC 168(k); tables of shares as given. The first tax year begins with operation.
    """
    bonus = _by_class(bonus_frac)
    shares = np.repeat(np.asarray(tax.schedules), grid.periods_per_year, axis=1)[:, : grid.operating_periods]
    shares = np.pad(shares / grid.periods_per_year, ((0, 0), (0, grid.operating_periods - shares.shape[1])))
    out = shares.T @ (basis.by_class * (1 - bonus))
    out[0] += (basis.by_class * bonus).sum(axis=0)
    return np.asarray(out)


def _by_class(values: Array) -> Array:
    """(K,) or (K, n) as (K, 1) or (K, n)."""
    values = np.asarray(values, dtype=np.float64)
    return values[:, None] if values.ndim == 1 else values


@dataclass(frozen=True)
class Taxed:
    """Taxes of each operating period, (T, n), negative where money comes back."""

    federal: Array
    state: Array
    loss_left: Array
    """(n,) federal loss that is still carried after the last period; zero where losses are refunded."""

    @property
    def total(self) -> Array:
        """Both."""
        return self.federal + self.state


def income_taxes(
    ebitda: Array, interest_income: Array, interest: Array, federal_write_off: Array, state_write_off: Array,
    gain: Array, state_gain: Array, tax: Tax, grid: Grid,
) -> Taxed:  # fmt: skip
    """Federal and state income tax by period.

    income_state = EBITDA + interest income - interest allowed - write-off (+ gain on the sale of the plant in the last
    period); state tax is a cost of the federal income. Interest is allowed up to cap x max(EBITDA, 0) + interest income
    (163(j), EBITDA basis), the rest waits for later years. Losses are refunded at once, or carried without end and set
    against at most the cap of later income (172), federal and state apart. Within a tax year income is summed up: a
    period pays the tax of the year so far less what the year has paid, so a loss of one quarter meets the income of the
    next without the cap, and comes back if needed.
    Args: (T, n) each, gains (n,); tax; grid. Source: IRC 11, 163(j), 172.
    """
    before = ebitda + interest_income
    last, state_last = before[-1] + gain, before[-1] + state_gain
    federal, state = np.asarray(tax.federal_frac), np.asarray(tax.state_frac)
    if tax.losses_refunded and np.isinf(tax.interest_cap_frac):
        before = before - interest
        to_state = before - state_write_off
        to_state[-1] += state_gain
        to_state *= state
        to_federal = before - federal_write_off
        to_federal[-1] += gain
        to_federal -= to_state
        to_federal *= federal
        return Taxed(to_federal, to_state, np.zeros(to_federal.shape[1]))
    shape = ebitda.shape
    out_federal, out_state = np.empty(shape), np.zeros(shape)
    pools = [_Pool(federal, shape[1], tax)]
    same = state_write_off is federal_write_off
    has_state = bool(np.any(state))
    if has_state:
        pools.append(_Pool(state, shape[1], tax))
    cap = _Cap(shape[1], tax.interest_cap_frac)
    own, own_state = np.zeros(shape[1]), np.zeros(shape[1])
    for t in range(shape[0]):
        if t % grid.periods_per_year == 0:
            own[:], own_state[:] = 0.0, 0.0
            cap.close_year()
            for pool in pools:
                pool.close_year()
        end = t == shape[0] - 1
        own += last if end else before[t]
        own -= federal_write_off[t]
        allowed = cap.allow(ebitda[t], interest_income[t], interest[t])
        income = own - allowed
        if has_state:
            if same:
                mine = income
            else:
                own_state += state_last if end else before[t]
                own_state -= state_write_off[t]
                mine = own_state - allowed
            out_state[t] = pools[1].pay(mine)
            income = income - pools[1].owed
        out_federal[t] = pools[0].pay(income)
    pools[0].close_year()
    return Taxed(out_federal, out_state, pools[0].carried)


class _Cap:
    """Interest allowed in the tax year so far, and what waits from earlier years."""

    def __init__(self, count: int, cap_frac: float) -> None:
        self.cap_frac = cap_frac
        self.waiting = np.zeros(count)
        self.asked, self.earned, self.allowed, self.other = (np.zeros(count) for _ in range(4))

    def close_year(self) -> None:
        """Carry over what was not allowed and start a tax year."""
        self.waiting = np.maximum(self.waiting + self.asked - self.allowed, 0.0)
        self.asked, self.earned, self.allowed, self.other = (np.zeros_like(self.waiting) for _ in range(4))

    def allow(self, ebitda: Array, interest_income: Array, interest: Array) -> Array:
        """Interest allowed in the year up to and with this period, (n,)."""
        self.asked += interest
        if np.isinf(self.cap_frac):
            self.allowed = self.asked
            return self.asked
        self.earned += ebitda
        self.other += interest_income
        room = np.maximum(self.earned, 0.0)
        room *= self.cap_frac
        room += self.other
        self.allowed = np.minimum(self.waiting + self.asked, room)
        return self.allowed


class _Pool:
    """One tax with its own carried losses; tax of the year so far less what the year has paid."""

    def __init__(self, rate: Array, count: int, tax: Tax) -> None:
        self.rate, self.refunded, self.cap_frac = rate, tax.losses_refunded, tax.loss_use_cap_frac
        self.carried, self.owed = np.zeros(count), np.zeros(count)
        self.used, self.income = np.zeros(count), np.zeros(count)

    def close_year(self) -> None:
        """Carry the year's loss, or what is left of earlier ones, and start a tax year."""
        if not self.refunded:
            self.carried = self.carried - self.used + np.maximum(-self.income, 0.0)
        self.owed = np.zeros_like(self.carried)
        self.used[:], self.income = 0.0, np.zeros_like(self.carried)

    def pay(self, income: Array) -> Array:
        """Payment of a period, given the year's income up to and with it, (n,)."""
        if self.refunded:
            owed = self.rate * income
        else:
            self.income = income
            owed = np.maximum(income, 0.0)
            np.multiply(owed, self.cap_frac, out=self.used)
            np.minimum(self.carried, self.used, out=self.used)
            owed -= self.used
            owed *= self.rate
        paid = owed - self.owed
        self.owed = owed
        return paid
