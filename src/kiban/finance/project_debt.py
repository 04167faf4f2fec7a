"""The loan of each project of a batch: size, draws, capitalised interest, service and balance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.finance.project_cash import discount, per_period
from kiban.finance.project_inputs import Debt, Projects

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Loans:
    """Loans of n projects, nominal."""

    principal: Array
    """(n,) balance when operation starts: draws and capitalised interest."""
    draw: Array
    """(C, n)."""
    fee: Array
    """(n,) at the first point."""
    interest: Array
    """(T, n) of operation."""
    service: Array
    """(T, n)."""
    balance: Array
    """(T, n) at the end of each operating period."""

    @property
    def capitalised(self) -> Array:
        """(n,) interest of construction."""
        return self.principal - self.draw.sum(axis=0)


@dataclass(frozen=True)
class Funding:
    """What the bound on gearing is measured against, (n,) each."""

    spending: Array
    """Plant, construction financing and other financing."""
    closing: Array
    working: Array
    """First working reserve."""
    receivable: Array
    fee_base: Array
    """Cost of the plant: SAM estimates the fee of a sculpted loan on it."""


def size_loans(projects: Projects, cash: Array, funding: Funding) -> Loans:
    """Size and schedule one loan a project.

    Level: principal = gearing bound, payment P i / (1 - (1+i)^-(m-g)) after g periods of interest only. Sculpted:
    principal = min(gearing bound, sum_t cash_t (1+i)^-t / coverage) over the tenor, service = cash / the coverage that
    results, so coverage is constant. Draws follow the cost; interest of construction is capitalised:
    principal = sum_t draw_t (1+i)^(C-1-t). Args: cash (T, n) that sizes and covers; funding. Source: Yescombe,
    Principles of Project Finance; with one point of construction SAM's single owner model.
    """
    debt, grid = projects.debt, projects.grid
    count, periods = cash.shape[1], grid.operating_periods
    rate = per_period(debt.rate_frac_per_year, grid.periods_per_year)
    weight, draws = _draw_weights(projects, count)
    if debt.kind == "none":
        none = np.zeros((periods, count))
        return Loans(np.zeros(count), np.zeros((grid.construction_periods, count)), np.zeros(count), none, none, none)
    due = np.arange(periods)[:, None] < np.asarray(debt.tenor_periods)
    if debt.kind == "sculpted":
        able = np.where(due, cash if debt.negative_cash_lends else np.maximum(cash, 0.0), 0.0)
        worth = (able * discount(debt.rate_frac_per_year, 1, periods, grid.periods_per_year)).sum(axis=0)
        first = np.divide(able[0], worth, out=np.zeros(count), where=worth > 0)
        capacity = np.maximum(worth / debt.dscr, 0.0)
        bound = gearing_bound(projects, funding, first, 1 - 1 / weight)
        principal = np.minimum(capacity, bound)
        service = able * np.divide(principal, worth, out=np.zeros(count), where=worth > 0)
        interest, balance = _run_down(principal, rate, service)
    else:
        unit, unit_interest, unit_balance = _unit_schedule(debt, rate, periods, due)
        principal = gearing_bound(projects, funding, unit[0], 1 - 1 / weight)
        service, interest, balance = unit * principal, unit_interest * principal, unit_balance * principal
    return Loans(
        principal, draws * (principal / weight), np.asarray(debt.fee_frac) * principal, interest, service, balance
    )


def gearing_bound(projects: Projects, funding: Funding, first_service: Array, capitalised_frac: Array) -> Array:
    """Largest loan that the gearing allows, (n,).

    On ``uses``: L = g U with uses U = W + L (q + f + k): W what does not depend on the loan, q the share of capitalised
    interest, f the fee, k the debt service reserve over the loan, so L = g W / (1 - g (q + f + k)). On ``sam``: level
    loans as U = (W' + k L)(1 + g f), W' without receivables, solved where SAM iterates; sculpted loans
    g (W' + f x plant), no reserve for service. Args: first_service, first payment over the loan.
    """
    debt = projects.debt
    gearing, fee = np.asarray(debt.gearing_frac), np.asarray(debt.fee_frac)
    held = np.asarray(projects.reserves.service_months) * (projects.grid.periods_per_year / 12) * first_service
    base = funding.spending + funding.closing + funding.working
    if debt.gearing_on == "uses":
        room = 1 - gearing * (capitalised_frac + fee + held)
        whole = gearing * (base + funding.receivable)
    elif debt.kind == "sculpted":
        return np.asarray(gearing * (base + fee * funding.fee_base))
    else:
        lifted = gearing * (1 + gearing * fee)
        room, whole = 1 - lifted * held, lifted * base
    room, whole = np.broadcast_arrays(room, whole)
    return np.divide(whole, room, out=np.full(whole.shape, np.inf), where=room > 0)


def _draw_weights(projects: Projects, count: int) -> tuple[Array, Array]:
    """Balance at the end of building of one dollar drawn, (n,) or (1,), and shares of the draws, (C, n) or (C, 1)."""
    grid, debt = projects.grid, projects.debt
    chosen = (
        debt.rate_frac_per_year
        if debt.construction_rate_frac_per_year is None
        else debt.construction_rate_frac_per_year
    )
    rate = np.atleast_1d(per_period(chosen, grid.periods_per_year))
    shares = np.asarray(projects.build.draw_frac, dtype=np.float64)
    shares = shares[:, None] if shares.ndim == 1 else shares
    power = np.arange(grid.construction_periods - 1, -1, -1, dtype=np.float64)[:, None]
    return (shares * (1 + rate) ** power).sum(axis=0), shares


def _run_down(principal: Array, rate: Array, service: Array) -> tuple[Array, Array]:
    """Interest and closing balance of each operating period, (T, n)."""
    interest, balance = np.empty_like(service), np.empty_like(service)
    owed = principal
    for t in range(len(service)):
        np.multiply(owed, rate, out=interest[t])
        np.add(owed, interest[t], out=balance[t])
        balance[t] -= service[t]
        owed = balance[t]
    return interest, balance


def _unit_schedule(debt: Debt, rate: Array, periods: int, due: NDArray[np.bool_]) -> tuple[Array, Array, Array]:
    """Service, interest and balance of a level loan of one dollar, (T, 1) or (T, n)."""
    left = np.atleast_1d(np.asarray(debt.tenor_periods, dtype=np.float64) - debt.moratorium_periods)
    paying = due & (np.arange(periods)[:, None] >= debt.moratorium_periods)
    rate = np.broadcast_to(np.atleast_1d(rate), np.broadcast_shapes(np.shape(np.atleast_1d(rate)), left.shape))
    growth = -np.expm1(-left * np.log1p(rate))
    payment = np.divide(rate, growth, out=1 / np.broadcast_to(left, rate.shape), where=np.abs(rate) > 1e-12)
    service = np.zeros((periods, len(rate)))
    interest, balance = np.zeros_like(service), np.zeros_like(service)
    owed = np.ones(len(rate))
    for t in range(periods):
        interest[t] = owed * rate
        principal = payment - interest[t] if debt.kind == "level" else 1 / left
        service[t] = np.where(paying[t], principal + interest[t], np.where(due[t], interest[t], 0.0))
        owed = owed + interest[t] - service[t]
        balance[t] = owed
    return service, interest, balance
