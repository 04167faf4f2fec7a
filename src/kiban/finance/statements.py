"""The statements of a history line by line: project, owners, lenders, books; and the check that lines add up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kiban.finance.books import Books
from kiban.finance.model import Levered, NominalFlows, RealFlows
from kiban.results import Statements

OPERATING = (
    "compute_at_market_rent_nominal_usd",
    "hall_rent_nominal_usd",
    "accelerator_rent_nominal_usd",
    "energy_nominal_usd",
    "operation_nominal_usd",
    "exit_obligation_nominal_usd",
    "income_tax_nominal_usd",
)
INVESTING = (
    "construction_nominal_usd",
    "silicon_nominal_usd",
    "deposits_nominal_usd",
    "residual_value_nominal_usd",
)
FINANCING = (
    "debt_drawn_nominal_usd",
    "debt_fee_nominal_usd",
    "debt_service_nominal_usd",
    "guarantor_paid_back_nominal_usd",
    "tax_saved_by_interest_nominal_usd",
    "locked_up_nominal_usd",
)
SUMS = (
    ("cash_for_debt_service_nominal_usd", OPERATING),
    ("free_cash_flow_nominal_usd", ("cash_for_debt_service_nominal_usd", *INVESTING)),
    ("equity_cash_flow_nominal_usd", ("free_cash_flow_nominal_usd", *FINANCING)),
)
"""Each sum of the statement and the lines that make it."""


def statement(leaf: str, i: int, real: RealFlows, flows: NominalFlows, levered: Levered) -> Statements:
    """Statement of the chosen plan in history ``i``, nominal USD by quarter, cash in positive."""
    index, served = flows.index, levered.served
    rows = {
        "compute_at_market_rent_nominal_usd": flows.revenue[i],
        "hall_rent_nominal_usd": -real.hall_rent[i] * index,
        "accelerator_rent_nominal_usd": -real.accelerator_rent[i] * index,
        "energy_nominal_usd": -real.energy[i] * index,
        "operation_nominal_usd": -real.operation[i] * index,
        "exit_obligation_nominal_usd": -real.exit_obligation[i] * index,
        "income_tax_nominal_usd": -flows.tax[i],
        "cash_for_debt_service_nominal_usd": flows.for_service[i],
        "construction_nominal_usd": -real.construction[i] * index,
        "silicon_nominal_usd": -real.silicon[i] * index,
        "deposits_nominal_usd": -real.deposits[i] * index,
        "residual_value_nominal_usd": flows.residual[i],
        "free_cash_flow_nominal_usd": flows.unlevered[i],
        "debt_drawn_nominal_usd": levered.draw[i],
        "debt_fee_nominal_usd": -levered.fee[i],
        "debt_service_nominal_usd": -served.paid[i],
        "guarantor_paid_back_nominal_usd": -served.reimbursed[i],
        "tax_saved_by_interest_nominal_usd": levered.shield[i],
        "locked_up_nominal_usd": -np.diff(served.reserve[i], prepend=0.0),
        "equity_cash_flow_nominal_usd": levered.equity[i],
    }
    return Statements("plan", leaf, tuple(rows), np.stack(list(rows.values())))


def sponsor(leaf: str, i: int, levered: Levered) -> Statements:
    """What the owners put in and take out: their tax is after interest, with its cap and carry-forward."""
    flow = levered.equity[i]
    rows = {
        "contributed_nominal_usd": np.minimum(flow, 0.0),
        "distributed_nominal_usd": np.maximum(flow, 0.0),
        "cumulative_nominal_usd": np.cumsum(flow),
        "of_which_tax_saved_by_interest_nominal_usd": levered.shield[i],
    }
    return Statements("plan", leaf, tuple(rows), np.stack(list(rows.values())))


def lender(leaf: str, i: int, levered: Levered) -> Statements:
    """Debt of all tranches as lenders and guarantor see it: what comes in is positive; balance and claim are owed."""
    served = levered.served
    rows = {
        "drawn_nominal_usd": -levered.draw[i],
        "fees_nominal_usd": levered.fee[i],
        "interest_accrued_nominal_usd": served.interest[i],
        "of_which_capitalised_nominal_usd": levered.loan.interest_in_building,
        "service_due_nominal_usd": served.due[i],
        "paid_by_the_plan_nominal_usd": served.paid[i],
        "paid_by_the_guarantor_nominal_usd": served.called[i],
        "missed_nominal_usd": served.missed[i],
        "balance_nominal_usd": served.balance[i],
        "guarantor_claim_nominal_usd": served.claim[i],
    }
    return Statements("plan", leaf, tuple(rows), np.stack(list(rows.values())))


def income(leaf: str, i: int, books: Books) -> Statements:
    """Book income by quarter; the last line is the sum of the others."""
    rows = {f"{name}_nominal_usd": values[i] for name, values in books.income.items()}
    return Statements("plan", leaf, tuple(rows), np.stack(list(rows.values())))


def balance_sheet(leaf: str, i: int, books: Books) -> Statements:
    """Balance sheet at the end of each quarter: assets, their sum, liabilities, equity and the sum of both."""
    assets = {f"{name}_nominal_usd": values[i] for name, values in books.assets.items()}
    debts = {f"{name}_nominal_usd": values[i] for name, values in books.liabilities.items()}
    owed = np.sum(list(debts.values()), axis=0)
    rows = {
        **assets,
        "assets_nominal_usd": np.sum(list(assets.values()), axis=0),
        **debts,
        "equity_nominal_usd": books.equity[i],
        "liabilities_and_equity_nominal_usd": owed + books.equity[i],
    }
    return Statements("plan", leaf, tuple(rows), np.stack(list(rows.values())))


def open_debt_frac(levered: Levered) -> float:
    """Largest gap of opening balance + draws + interest - payments against the closing balance, in any history."""
    served = levered.served
    moved = levered.draw + served.interest - served.paid - served.called
    gap = np.abs(np.diff(served.balance, axis=1, prepend=0.0) - moved)
    return float(gap.max(initial=0.0)) / max(float(served.balance.max(initial=0.0)), 1.0)


def open_sum_frac(statements: Sequence[Statements]) -> float:
    """Largest gap between a sum of a statement and its lines in any quarter, against the largest line."""
    worst = 0.0
    for one in statements:
        row = {name: one.values[k] for k, name in enumerate(one.lines)}
        largest = max(float(np.abs(one.values).max(initial=0.0)), 1.0)
        for total, lines in SUMS:
            gap = row[total] - np.sum([row[name] for name in lines], axis=0)
            worst = max(worst, float(np.abs(gap).max(initial=0.0)) / largest)
    return worst
