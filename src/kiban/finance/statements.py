"""The statement of a history line by line, and the check that its lines add up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

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
)
SUMS = (
    ("cash_for_debt_service_nominal_usd", OPERATING),
    ("free_cash_flow_nominal_usd", ("cash_for_debt_service_nominal_usd", *INVESTING)),
    ("equity_cash_flow_nominal_usd", ("free_cash_flow_nominal_usd", *FINANCING)),
)
"""Each sum of the statement and the lines that make it."""


def statement(leaf: str, i: int, real: RealFlows, flows: NominalFlows, levered: Levered) -> Statements:
    """Statement of the chosen plan in history ``i``, nominal USD by quarter, cash in positive."""
    index = flows.index
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
        "debt_drawn_nominal_usd": levered.loan.draw,
        "debt_fee_nominal_usd": np.where(np.arange(len(index)) == 0, -levered.loan.fee, 0.0),
        "debt_service_nominal_usd": -levered.served.paid[i],
        "equity_cash_flow_nominal_usd": levered.equity[i],
    }
    return Statements("plan", leaf, tuple(rows), np.stack(list(rows.values())))


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
