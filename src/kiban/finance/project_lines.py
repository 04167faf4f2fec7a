"""Every line of a batch of projects: operation, loan, reserves, taxes and the flows of owners and project."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.finance.project_cash import Operation, held_back, operate, per_period
from kiban.finance.project_debt import Funding, Loans, size_loans
from kiban.finance.project_inputs import Projects
from kiban.finance.project_renewal import Renewal, renew
from kiban.finance.project_tax import Basis, Taxed, depreciable, income_taxes, write_off

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Lines:
    """Cash of every project, nominal; (T, N) over operation unless said otherwise."""

    operation: Operation
    ebitda: Array
    cash_for_service: Array
    loan: Loans
    working_held: Array
    """(T + 1, N) from the end of building on, as the next two."""
    receivable_held: Array
    service_held: Array
    renewal: Renewal
    reserve_interest: Array
    basis: Basis
    federal_write_off: Array
    state_write_off: Array
    tax: Taxed
    unlevered_tax: Taxed
    equity: Array
    """(C + T, N) flows of the owners after tax."""
    project: Array
    """(C + T, N) flows after tax without loan: no interest, fee, closing cost, construction financing or reserve for
    service, and tax without interest."""
    uses: Array
    """(N,) spending until operation, fees, capitalised interest and first reserves."""
    sources_less_uses: Array
    """(N,) loan and equity paid in less uses, over uses."""


def lines_of(projects: Projects) -> Lines:
    """Every line of a batch that has been checked (``project_check.check``)."""
    grid, build, reserves, count = projects.grid, projects.build, projects.reserves, projects.count
    p = grid.periods_per_year
    done = operate(projects)
    ebitda = np.broadcast_to(done.revenue - done.cost, (grid.operating_periods, count)).copy()
    sale = np.broadcast_to(done.residual, count)
    if projects.sales.residual_is_revenue:
        ebitda[-1] += sale
        sale = np.zeros(count)
    working = held_back(np.broadcast_to(done.cost, ebitda.shape), reserves.working_months, p)
    receivable = held_back(np.broadcast_to(done.revenue, ebitda.shape), reserves.receivable_months, p)
    renewal = renew(projects, count)
    lump, other, closing = (
        np.broadcast_to(np.asarray(v), count)
        for v in (
            build.construction_financing_nominal_usd,
            build.other_financing_nominal_usd,
            projects.debt.closing_nominal_usd,
        )
    )
    plant = np.broadcast_to(done.plant, count)
    rate = per_period(reserves.interest_frac_per_year, p)

    plain = working + receivable + renewal.held
    bare = _side(projects, ebitda, renewal, plain, rate, np.zeros_like(ebitda), plant + other, sale)
    cash = ebitda - renewal.funding
    cash[:-1] -= receivable[1:-1] - receivable[:-2]
    if projects.debt.sized_on == "after_unlevered_tax":
        cash -= bare.tax.total
    loan = size_loans(projects, cash, Funding(plant + lump + other, closing, working[0], receivable[0], plant))

    service_held = held_back(loan.service, reserves.service_months, p)
    held = plain + service_held
    owned = _side(projects, ebitda, renewal, held, rate, loan.interest, plant + lump + other + loan.capitalised, sale)

    shares = np.asarray(build.draw_frac, dtype=np.float64)
    shares = shares[:, None] if shares.ndim == 1 else shares
    c = grid.construction_periods
    equity, project = np.empty((grid.points, count)), np.empty((grid.points, count))
    equity[:c] = loan.draw - shares * (plant + lump)
    equity[0] -= other + closing + loan.fee
    equity[c - 1] -= held[0]
    project[:c] = -shares * plant
    project[0] -= other
    project[c - 1] -= plain[0]
    project[c:] = bare.operating + done.production_credit
    equity[c:] = owned.operating - loan.service + done.production_credit
    uses = plant + lump + other + closing + loan.fee + loan.capitalised + held[0]
    gap = (loan.principal - equity[:c].sum(axis=0) - uses) / np.maximum(np.abs(uses), 1e-300)
    return Lines(
        operation=done, ebitda=ebitda, cash_for_service=cash, loan=loan, working_held=working,
        receivable_held=receivable, service_held=service_held, renewal=renewal, reserve_interest=owned.earned,
        basis=owned.basis, federal_write_off=owned.federal_write_off, state_write_off=owned.state_write_off,
        tax=owned.tax, unlevered_tax=bare.tax, equity=equity, project=project, uses=uses, sources_less_uses=gap,
    )  # fmt: skip


@dataclass(frozen=True)
class _Side:
    """The owners' side, or the project's without loan."""

    earned: Array
    basis: Basis
    federal_write_off: Array
    state_write_off: Array
    tax: Taxed
    operating: Array
    """(T, n) cash of operation after tax before service, with reserves, replacements, investment credit and sale."""


def _side(
    projects: Projects, ebitda: Array, renewal: Renewal, held: Array, reserve_rate: Array, interest: Array,
    amount: Array, sale: Array,
) -> _Side:  # fmt: skip
    """Basis, write-off, taxes and operating cash of one side; the sale in the last period is taxed on its gain.

    Args: held, all reserves; amount (n,), basis before the investment credit.
    """
    rules, grid = projects.tax, projects.grid
    earned = held[:-1] * reserve_rate
    basis = depreciable(amount, rules, projects.credits)
    federal = write_off(basis, rules, rules.bonus_frac, grid)
    state = federal if rules.state_bonus_frac is None else write_off(basis, rules, rules.state_bonus_frac, grid)
    whole = basis.whole
    if projects.replacements:
        state = state + renewal.write_off
        federal = state if rules.state_bonus_frac is None else federal + renewal.write_off
        whole = whole + renewal.spend.sum(axis=0)
    gain = state_gain = np.zeros(ebitda.shape[1])
    if not projects.sales.residual_is_revenue:
        gain = sale - (whole - federal.sum(axis=0))
        state_gain = gain if state is federal else sale - (whole - state.sum(axis=0))
    tax = income_taxes(ebitda, earned, interest, federal, state, gain, state_gain, rules, grid)
    operating = ebitda + earned - np.diff(held, axis=0) - tax.total
    if projects.replacements:
        operating -= renewal.spend
    operating[0] += basis.investment_credit
    operating[-1] += sale
    return _Side(earned, basis, federal, state, tax, operating)
