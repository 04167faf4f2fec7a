"""Many projects at once: construction, operation, loan and taxes to values, rates of return and coverage."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiban.finance.irr import IrrArrays, irr_arrays
from kiban.finance.project_cash import discount
from kiban.finance.project_check import check
from kiban.finance.project_inputs import Projects, take
from kiban.finance.project_lines import Lines, lines_of

Array = NDArray[np.float64]

AT_ONCE = 2048
"""Projects worked on together: their lines stay in the cache."""


@dataclass(frozen=True)
class Returns:
    """What N projects are worth; values nominal discounted to the first point, (N,)."""

    project_npv_usd: Array
    equity_npv_usd: Array
    project_irr: IrrArrays
    equity_irr: IrrArrays
    equity_moic_multiple: Array
    """Paid out over paid in; infinite if nothing is paid in."""
    project_payback_years: Array
    """From the first point until the sum of flows stays at or above zero; NaN if it never does."""
    equity_payback_years: Array
    debt_nominal_usd: Array
    gearing_frac: Array
    min_dscr: Array
    """Least coverage of a period's service; NaN without a loan, as the next two."""
    llcr_multiple: Array
    """Worth of cash within the tenor over the loan, at the loan's rate when operation starts."""
    plcr_multiple: Array
    """The same over the whole life."""
    levelised_nominal_usd_per_unit: Array
    """Worth of everything but revenue over the worth of output: the level price of the same worth if NPV is zero."""
    levelised_usd_per_unit: Array
    """In real money: output discounted at the real rate."""
    sources_less_uses_residual: Array
    debt_left_residual: Array
    """Balance after the last period over the loan."""


def evaluate(projects: Projects) -> Returns:
    """Value, return, coverage and levelised cost of every project.

    Args: a batch; it is worked through in slices that fit the cache. Raises ValueError that names every wrong field.
    """
    check(projects)
    count = projects.count
    parts = []
    for start in range(0, count, AT_ONCE):
        some = take(projects, start, min(start + AT_ONCE, count), count)
        parts.append(_returns(some, lines_of(some)))
    joined: dict[str, Any] = {}
    for f in fields(Returns):
        values = [getattr(p, f.name) for p in parts]
        joined[f.name] = _join_irr(values) if f.name.endswith("_irr") else np.concatenate(values)
    return Returns(**joined)


def lines(projects: Projects) -> Lines:
    """Every line of every project at once, for statements and tests; memory grows with N.

    Raises ValueError that names every wrong field.
    """
    check(projects)
    return lines_of(projects)


def _returns(projects: Projects, done: Lines) -> Returns:
    grid = projects.grid
    p, c, count = grid.periods_per_year, grid.construction_periods, done.equity.shape[1]
    factor = discount(projects.discount_frac_per_year, 0, grid.points, p)
    equity_npv = (done.equity * factor).sum(axis=0)
    loan = done.loan
    dscr, llcr, plcr = _coverage(projects, done)
    worth = (done.operation.revenue * factor[c:]).sum(axis=0) - equity_npv
    output = (done.operation.output * factor[c:]).sum(axis=0)
    real = (1 + np.asarray(projects.discount_frac_per_year)) / (1 + np.asarray(projects.inflation_frac_per_year)) - 1
    real_output = (done.operation.output * discount(real, c, grid.operating_periods, p)).sum(axis=0)
    left = np.divide(loan.balance[-1], loan.principal, out=np.zeros(count), where=loan.principal > 0)
    return Returns(
        project_npv_usd=(done.project * factor).sum(axis=0),
        equity_npv_usd=equity_npv,
        project_irr=irr_arrays(done.project, p),
        equity_irr=irr_arrays(done.equity, p),
        equity_moic_multiple=_multiple(done.equity),
        project_payback_years=_payback_years(done.project, p),
        equity_payback_years=_payback_years(done.equity, p),
        debt_nominal_usd=loan.principal,
        gearing_frac=loan.principal / np.where(done.uses > 0, done.uses, np.nan),
        min_dscr=dscr,
        llcr_multiple=llcr,
        plcr_multiple=plcr,
        levelised_nominal_usd_per_unit=np.divide(worth, output, out=np.full(count, np.nan), where=output > 0),
        levelised_usd_per_unit=np.divide(worth, real_output, out=np.full(count, np.nan), where=real_output > 0),
        sources_less_uses_residual=done.sources_less_uses,
        debt_left_residual=left,
    )


def _coverage(projects: Projects, done: Lines) -> tuple[Array, Array, Array]:
    """Least DSCR, LLCR and PLCR, (n,)."""
    loan, cash, count = done.loan, done.cash_for_service, done.equity.shape[1]
    have = loan.principal > 0
    if not have.any():
        none = np.full(count, np.nan)
        return none, none, none
    ratio = np.divide(cash, loan.service, out=np.full(cash.shape, np.inf), where=loan.service > 0)
    least = ratio.min(axis=0)
    factor = discount(projects.debt.rate_frac_per_year, 1, len(cash), projects.grid.periods_per_year)
    worth = np.maximum(cash, 0.0) * factor
    within = np.where(np.arange(len(cash))[:, None] < np.asarray(projects.debt.tenor_periods), worth, 0.0)
    size = np.where(have, loan.principal, np.nan)
    return np.where(have & np.isfinite(least), least, np.nan), within.sum(axis=0) / size, worth.sum(axis=0) / size


def _multiple(flows: Array) -> Array:
    """Money out over money in, (n,)."""
    out, paid = np.maximum(flows, 0.0).sum(axis=0), -np.minimum(flows, 0.0).sum(axis=0)
    return np.divide(out, paid, out=np.full(len(out), np.inf), where=paid > 0)


def _payback_years(flows: Array, periods_per_year: int) -> Array:
    """Years until cumulative flows stay at or above zero, (n,); NaN if never, 0 if never below."""
    total, last = np.zeros(flows.shape[1]), np.full(flows.shape[1], -1.0)
    for t, row in enumerate(flows):
        total += row
        last[total < 0] = t
    return np.where(last == len(flows) - 1, np.nan, (last + 1) / periods_per_year)


def _join_irr(parts: list[IrrArrays]) -> IrrArrays:
    most = max(p.roots_frac_per_year.shape[1] for p in parts)
    wide = [
        np.pad(p.roots_frac_per_year, ((0, 0), (0, most - p.roots_frac_per_year.shape[1])), constant_values=np.nan)
        for p in parts
    ]
    return IrrArrays(np.concatenate([p.status for p in parts]), np.concatenate(wide))
