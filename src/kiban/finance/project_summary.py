"""What is told of a project: metrics by name, levelised cost as a price, and the statement by year."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from kiban.finance.irr import STATUS, IrrArrays
from kiban.finance.project import evaluate, lines
from kiban.finance.project_break_even import break_even_multiple, break_even_price
from kiban.finance.project_inputs import Projects

Array = NDArray[np.float64]


def level_price(projects: Projects, real: bool = False) -> Array:
    """Price that never changes at which each project is worth nothing after tax, without loan, (N,).

    The levelised cost of a unit (LCOC, LCOE, ...) as a price: nominal, one price for all of operation; real, in money
    of the first payment, a price that rises with inflation from there on. Unlike worth of cost over worth of output it
    holds where losses are carried, because taxes follow the price. Args: a batch; real. Result: nominal or real USD
    per unit; infinite if no price is enough.
    """
    rate = projects.inflation_frac_per_year if real else 0.0
    grid = projects.grid
    given = np.asarray(projects.sales.price_nominal_usd_per_unit, dtype=np.float64)
    start = given if given.ndim < 2 else given[0]
    sales = replace(projects.sales, price_nominal_usd_per_unit=start, price_escalation_frac_per_year=rate)
    found = break_even_price(replace(projects, sales=sales))
    if not real:
        return found
    return np.asarray(found / (1 + np.asarray(rate)) ** (grid.construction_periods / grid.periods_per_year))


def metrics(projects: Projects) -> tuple[dict[str, Array], dict[str, NDArray[np.int8]]]:
    """Every metric of every project by name, (N,), and the status code of each rate of return.

    Fields of ``Returns`` by their own names; a rate of return is its unique root, NaN where it has none or several.
    Then levelised prices, break-even prices and the multiple of output at which project and owners are worth nothing.
    """
    done = evaluate(projects)
    found: dict[str, Array] = {}
    status: dict[str, NDArray[np.int8]] = {}
    for f in fields(done):
        value = getattr(done, f.name)
        if isinstance(value, IrrArrays):
            found[f"{f.name}_frac_per_year"] = value.unique_frac_per_year
            status[f"{f.name}_frac_per_year"] = value.status
        elif not f.name.endswith("_residual"):
            found[f.name] = value
    found["lcoc_nominal_usd_per_unit"] = level_price(projects)
    found["lcoc_real_usd_per_unit"] = level_price(projects, real=True)
    price = np.asarray(projects.sales.price_nominal_usd_per_unit)
    price = price if price.ndim < 2 else price[0]
    for of in ("project", "equity"):
        found[f"{of}_break_even_price_nominal_usd_per_unit"] = np.broadcast_to(
            break_even_price(projects, of), (projects.count,)
        ).copy()
        found[f"{of}_break_even_output_multiple"] = break_even_multiple(projects, "output", of)
    return found, status


def status_words(codes: NDArray[np.int8]) -> str:
    """Status of one rate of return, or how often each occurs."""
    if len(codes) == 1:
        return STATUS[int(codes[0])]
    return ", ".join(f"{word} {np.mean(codes == i):.0%}" for i, word in enumerate(STATUS) if np.any(codes == i))


@dataclass(frozen=True)
class YearTable:
    """The statement of one project by year; construction years are numbered up to zero."""

    years: tuple[int, ...]
    """Years of operation from 1; construction ends with year 0, the first payment in -(C - 1) years."""
    rows: dict[str, Array]
    """(Y,) by name, nominal USD unless the name says otherwise; cash in positive, cash out negative."""


def year_table(projects: Projects) -> YearTable:
    """Sources and uses, operation, taxes, loan and the owners' cash of one project by year.

    Args: a batch of one. Flows of quarters are summed up, balances are those of the year's end, coverage is the least
    of the year. Raises ValueError for more projects.
    """
    if projects.count != 1:
        raise ValueError(f"the batch holds {projects.count} projects: one")
    done, grid = lines(projects), projects.grid
    c, p = grid.construction_periods, grid.periods_per_year
    whole = -(-c // p)
    year = np.concatenate([whole * p - c + np.arange(c), whole * p + np.arange(grid.operating_periods)]) // p
    count = int(year[-1]) + 1

    def by_year(values: Array) -> Array:
        out = np.zeros(count)
        np.add.at(out, year, values)
        return out

    def built(values: Array) -> Array:
        return by_year(np.concatenate([values, np.zeros(grid.operating_periods)]))

    def ran(values: Array) -> Array:
        return by_year(
            np.concatenate([np.zeros(c), np.broadcast_to(values, (grid.operating_periods, values.shape[-1]))[:, 0]])
        )

    def first(value: float) -> Array:
        return np.concatenate([[value], np.zeros(c - 1)])

    operation, loan = done.operation, done.loan
    shares = np.asarray(projects.build.draw_frac, dtype=np.float64).reshape(c, -1)[:, 0]
    development = float(np.max(projects.build.other_financing_nominal_usd))
    closing = float(np.max(projects.debt.closing_nominal_usd)) + float(loan.fee[0])
    held = done.working_held + done.receivable_held + done.service_held + done.renewal.held
    held = np.broadcast_to(held, (grid.operating_periods + 1, held.shape[1]))[:, 0]
    reserve = np.concatenate([np.zeros(c - 1), [-held[0]], -np.diff(held)])
    sale = np.zeros((grid.operating_periods, 1))
    sale[-1] = 0.0 if projects.sales.residual_is_revenue else operation.residual[0]
    credit = np.array(np.broadcast_to(operation.production_credit, (grid.operating_periods, 1)))
    credit[0] += done.basis.investment_credit[0]
    principal = loan.service - loan.interest
    ratio = np.divide(
        done.cash_for_service[:, 0], loan.service[:, 0],
        out=np.full(grid.operating_periods, np.nan), where=loan.service[:, 0] > 0,
    )  # fmt: skip
    least = np.full(count, np.inf)
    np.minimum.at(least, year[c:], np.where(np.isfinite(ratio), ratio, np.inf))
    balance = np.zeros(count)
    balance[whole - 1] = loan.principal[0]
    balance[year[c:]] = loan.balance[:, 0]
    rows = {
        "construction_nominal_usd": built(-shares * operation.plant[0]),
        "development_nominal_usd": built(-first(development)),
        "loan_fee_and_closing_nominal_usd": built(-first(closing)),
        "loan_drawn_nominal_usd": built(loan.draw[:, 0]),
        "output_units": ran(operation.output),
        "revenue_nominal_usd": ran(operation.revenue),
        "running_cost_nominal_usd": -ran(operation.cost),
        "ebitda_nominal_usd": ran(done.ebitda),
        "depreciation_nominal_usd": -ran(done.federal_write_off),
        "reserve_interest_nominal_usd": ran(done.reserve_interest),
        "federal_tax_nominal_usd": -ran(done.tax.federal),
        "state_tax_nominal_usd": -ran(done.tax.state),
        "credits_nominal_usd": ran(credit),
        "replacements_nominal_usd": -ran(done.renewal.spend),
        "sale_nominal_usd": ran(sale),
        "reserves_nominal_usd": by_year(reserve),
        "cash_for_service_nominal_usd": ran(done.cash_for_service),
        "interest_nominal_usd": -ran(loan.interest),
        "principal_nominal_usd": -ran(principal),
        "debt_balance_nominal_usd": balance,
        "dscr": np.where(np.isfinite(least), least, np.nan),
        "equity_cash_nominal_usd": by_year(done.equity[:, 0]),
        "project_cash_nominal_usd": by_year(done.project[:, 0]),
    }
    return YearTable(tuple(range(1 - whole, count - whole + 1)), rows)


def sources_and_uses(projects: Projects) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
    """Names and nominal USD until operation starts, of one project; the two sums agree."""
    done = lines(projects)
    c, loan = projects.grid.construction_periods, done.loan
    held = float(sum(float(np.ravel(h[0])[0]) for h in (done.working_held, done.receivable_held, done.service_held)))
    uses = [
        ("plant", float(done.operation.plant[0])),
        ("development", float(np.max(projects.build.other_financing_nominal_usd))),
        ("loan fee and closing", float(loan.fee[0]) + float(np.max(projects.debt.closing_nominal_usd))),
        ("capitalised interest", float(loan.capitalised[0])),
        ("first reserves", held),
    ]
    sources = [("debt", float(loan.principal[0])), ("equity", -float(done.equity[:c, 0].sum()))]
    return sources, [(name, value) for name, value in uses if value]
