"""A cost sheet of one campus from its lines, and the words for sheets that do not add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from kiban.results import CostSheet

SMALLEST_RATE = 1e-12
"""Interest below this a year counts as none; the quotient of the annuity would be rounding."""


def capital_recovery_frac(rate_frac_per_year: float, life_years: ArrayLike) -> np.ndarray:
    """Yearly payment that repays one dollar over its life: r / (1 - (1 + r)^-n); 1/n at r = 0; r for endless life."""
    life = np.asarray(life_years, dtype=np.float64)
    if abs(rate_frac_per_year) < SMALLEST_RATE:
        return np.asarray(1.0 / life)
    return np.asarray(rate_frac_per_year / -np.expm1(-life * np.log1p(rate_frac_per_year)))


def cost_sheet(
    capex_lines: Sequence[str],
    capex_usd: ArrayLike,
    life_years: ArrayLike,
    opex_lines: Sequence[str],
    opex_usd_per_year: ArrayLike,
    rate_frac_per_year: float,
) -> CostSheet:
    """Annualise capex by line and add opex.

    Args: lines with their USD and lives in years (infinite life, as of land, pays interest only); opex in USD a year;
    rate. Result: the sheet with its totals. Equation: sum_i capex_i CRF(r, n_i) + sum_j opex_j.
    """
    capex = np.asarray(capex_usd, dtype=np.float64)
    life = np.asarray(life_years, dtype=np.float64)
    opex = np.asarray(opex_usd_per_year, dtype=np.float64)
    annual = float(capex @ capital_recovery_frac(rate_frac_per_year, life))
    return CostSheet(
        tuple(capex_lines), capex, life, tuple(opex_lines), opex, rate_frac_per_year, annual, annual + float(opex.sum())
    )


def opex_conflict(lines: Mapping[str, float], stated_total: float, tolerance_frac: float = 0.005) -> str:
    """Say in words if lines do not add up to their stated total; empty if they do."""
    total = sum(lines.values())
    if abs(total - stated_total) <= tolerance_frac * abs(stated_total):
        return ""
    return (
        f"the {len(lines)} lines sum to {total:,.0f}, the source states {stated_total:,.0f}: "
        f"a difference of {total - stated_total:,.0f} that the source does not explain"
    )
