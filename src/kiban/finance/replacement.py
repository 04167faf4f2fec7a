"""When to replace an asset by its like: equivalent annual cost and economic life."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def equivalent_annual_cost(cost_usd: float, running_usd: Array, salvage_usd: Array, rate_frac_per_year: float) -> Array:
    """Level yearly cost of buying an asset and keeping it 1, 2, ..., n years, (n,).

    EAC_m = CRF(r, m) (C + sum_{k<=m} M_k (1+r)^-k - S_m (1+r)^-m), CRF(r, m) = r / (1 - (1+r)^-m). The least is the
    economic life of an asset that is replaced by its like for ever. Args: price; (n,) running cost and salvage value at
    the end of each year of age. Source: Park, Contemporary Engineering Economics (economic service life).
    """
    years = np.arange(1, len(running_usd) + 1)
    factor = (1 + rate_frac_per_year) ** -years.astype(np.float64)
    whole = cost_usd + np.cumsum(np.asarray(running_usd) * factor) - np.asarray(salvage_usd) * factor
    return np.asarray(whole / np.cumsum(factor))


def economic_life_years(
    cost_usd: float, running_usd: Array, salvage_usd: Array, rate_frac_per_year: float
) -> tuple[int, float]:
    """Age at replacement with the least equivalent annual cost, and that cost; the earliest of equal ones."""
    cost = equivalent_annual_cost(cost_usd, running_usd, salvage_usd, rate_frac_per_year)
    best = int(np.argmin(cost))
    return best + 1, float(cost[best])
