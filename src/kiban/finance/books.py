"""Book income and balance sheet of a plan in every history; what does not add up is a residual."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.finance import tax
from kiban.finance.leases import Leases
from kiban.finance.model import Levered, NominalFlows, RealFlows

Array = NDArray[np.float64]


@dataclass(frozen=True)
class BookLives:
    """Straight-line lives."""

    hall_years: float
    silicon_years: float
    land_frac: float
    """Share of construction that is not depreciated."""


@dataclass(frozen=True)
class Books:
    """Lines of book income and balance sheet, (L, T) nominal USD each."""

    income: dict[str, Array]
    assets: dict[str, Array]
    liabilities: dict[str, Array]
    equity: Array
    """Owners' book equity, rolled forward from income and distributions; not derived from the balances."""
    distributed: Array
    opening_equity: float

    @property
    def open_frac(self) -> float:
        """Largest gap of assets against liabilities and equity, against the largest asset."""
        assets, debts = (np.sum(list(side.values()), axis=0) for side in (self.assets, self.liabilities))
        largest = max(float(np.abs(assets).max(initial=0.0)), float(np.abs(debts).max(initial=0.0)), 1.0)
        return float(np.abs(assets - debts - self.equity).max(initial=0.0)) / largest


def straight_line(spend: Array, life_years: float) -> tuple[Array, Array]:
    """Depreciation and book value at the end of each quarter, (L, T); the first charge is in the quarter after."""
    quarters = spend.shape[1]
    life = max(round(life_years * 4), 1)
    age = np.arange(quarters)
    charge = tax.depreciation(spend, np.where((age >= 1) & (age <= life), 1.0 / life, 0.0))
    return charge, np.cumsum(spend - charge, axis=1)


def books_of(real: RealFlows, flows: NominalFlows, levered: Levered, leases: Leases, lives: BookLives) -> Books:
    """Draw up income and balance sheet.

    Halls (with the interest that is capitalised while they are built), land and silicon stand at cost less
    straight-line depreciation from the quarter after spending; what was paid before the horizon has no book value.
    Leases as in ``leases``. Deposits and prepayments stand at what was paid less what came back. Income tax is the tax
    that is paid; there is no deferred tax. What silicon sold earlier brings is income at once, while its cost runs down
    as planned. In the last quarter halls and silicon are sold, leases are settled for the exit obligation, and deposits
    that are left are written off.
    """
    index, served = flows.index, levered.served
    building = np.broadcast_to(levered.loan.interest_in_building, flows.revenue.shape)
    hall_spend = real.construction * index
    wear_hall, hall = straight_line(hall_spend * (1 - lives.land_frac) + building, lives.hall_years)
    wear_chip, chips = straight_line(real.silicon * index, lives.silicon_years)
    land = np.cumsum(hall_spend * lives.land_frac, axis=1)
    deposits = np.cumsum(real.deposits * index, axis=1)
    last = flows.revenue.shape[1] - 1
    at_end = np.zeros_like(hall)
    sold = flows.residual.copy()
    sold[:, last] -= (hall + chips + land)[:, last]
    settled = at_end.copy()
    exit_usd = real.exit_obligation * index
    settled[:, last] = (leases.liability - leases.asset)[:, last]
    lost = at_end.copy()
    lost[:, last] = deposits[:, last]
    income = {
        "revenue": flows.revenue,
        "lease_cost": -leases.cost,
        "other_rent": leases.payment - (real.hall_rent + real.accelerator_rent) * index,
        "energy": -real.energy * index,
        "operation": -real.operation * index,
        "depreciation": -(wear_hall + wear_chip),
        "sale_over_book_value": sold,
        "end_of_leases": settled - exit_usd,
        "deposits_written_off": -lost,
        "interest_expensed": -(served.interest - building) - _claim_interest(levered),
        "debt_fee": -levered.fee,
        "income_tax_after_interest": -(flows.tax - levered.shield),
    }
    net = np.sum(list(income.values()), axis=0)
    opening = leases.opening_asset - leases.opening_liability
    equity = opening + np.cumsum(net - levered.equity, axis=1)
    keep = np.arange(last + 1) < last
    assets = {
        "land": land * keep,
        "halls_and_building_interest": hall * keep,
        "silicon": chips * keep,
        "right_of_use": leases.asset * keep,
        "deposits": deposits * keep,
        "locked_up_cash": served.reserve,
    }
    liabilities = {"debt": served.balance, "guarantor": served.claim, "lease_liability": leases.liability * keep}
    return Books({**income, "net_income": net}, assets, liabilities, equity, levered.equity, opening)


def _claim_interest(levered: Levered) -> Array:
    """Interest on what the guarantor is owed: what its claim grew by beyond calls and repayments."""
    served = levered.served
    return np.diff(served.claim, axis=1, prepend=0.0) - served.called + served.reimbursed
