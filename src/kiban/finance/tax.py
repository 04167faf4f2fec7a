"""Depreciation and income tax by quarter; United States rules of 2026, vectorised over histories."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TaxRules:
    """Rates and schedules; fractions."""

    federal_frac: float
    state_income_frac: float
    """State income tax on taxable income, deductible federally."""
    margin_tax_frac: float
    """Texas franchise tax on revenue: rate x capped margin x share of revenue earned there."""
    bonus_frac: float
    short_life: Array
    """(years,) MACRS shares of servers and network."""
    long_life: Array
    """(years,) MACRS shares of land improvements and plant."""
    building_life_years: float
    interest_cap_frac: float
    loss_use_cap_frac: float

    @property
    def income_frac(self) -> float:
        """Combined rate: s + f (1 - s)."""
        return self.state_income_frac + self.federal_frac * (1 - self.state_income_frac)


def spread_years(shares: Array, bonus_frac: float, quarters: int) -> Array:
    """Quarterly write-off of one dollar: the bonus at once, the rest by yearly shares over quarters, (quarters,).

    Source: IRC 168(k) and the half-year tables of IRS Publication 946, appendix A; a year's share is spread evenly.
    """
    out = np.repeat(shares, 4)[:quarters] / 4 * (1 - bonus_frac)
    out = np.pad(out, (0, max(0, quarters - len(out))))
    out[0] += bonus_frac
    return out


def depreciation(spend: Array, schedule: Array) -> Array:
    """Write-off by quarter: spend (L, T) convolved with the schedule (T,), (L, T)."""
    quarters = spend.shape[1]
    matrix = np.zeros((quarters, quarters))
    for t in range(quarters):
        matrix[t, t:] = schedule[: quarters - t]
    return np.asarray(spend @ matrix)


def basis_left(spend: Array, schedule: Array) -> Array:
    """Tax basis of spending (L, T) that is not yet written off after the last quarter, (L,), vintage by vintage."""
    written = np.cumsum(schedule[: spend.shape[1]])[::-1]
    return np.asarray(spend @ (1 - written))


def income_tax(
    revenue: Array, cash_cost: Array, write_off: Array, interest: Array, rules: TaxRules
) -> tuple[Array, Array]:
    """Tax of each quarter and the losses carried at its end, (L, T) each.

    Interest is deductible up to the cap x (revenue - cash cost), the rest waits (IRC 163(j), EBITDA basis since
    2025). Losses are carried forward without limit in time and offset at most the cap of later income (IRC 172).
    Negative income pays no tax and gets no refund. Args in nominal USD, costs positive.
    """
    leaves, quarters = revenue.shape
    tax, carried = np.zeros((leaves, quarters)), np.zeros((leaves, quarters))
    loss, waiting = np.zeros(leaves), np.zeros(leaves)
    for t in range(quarters):
        ebitda = revenue[:, t] - cash_cost[:, t]
        allowed = np.minimum(interest[:, t] + waiting, np.maximum(ebitda, 0) * rules.interest_cap_frac)
        waiting = interest[:, t] + waiting - allowed
        income = ebitda - write_off[:, t] - allowed
        used = np.minimum(loss, np.maximum(income, 0) * rules.loss_use_cap_frac)
        loss = loss - used + np.maximum(-income, 0)
        tax[:, t] = np.maximum(income - used, 0) * rules.income_frac
        tax[:, t] += np.maximum(revenue[:, t], 0) * rules.margin_tax_frac
        carried[:, t] = loss
    return tax, carried
