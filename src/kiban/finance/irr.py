"""Internal rates of return with a status: unique, several or none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from kiban.results import Irr

Array = NDArray[np.float64]

LOWEST, HIGHEST = -0.99, 10.0
_GRID = np.concatenate(
    [np.linspace(LOWEST, -0.2, 80), np.linspace(-0.199, 0.6, 400), np.geomspace(0.601, HIGHEST, 120)]
)


def present_value(flows: Array, rate_frac_per_year: Array, periods_per_year: int = 4) -> Array:
    """Value of flows at the first period for many rates: sum_t f_t (1 + r)^(-t/p).

    Args: flows (n, T); rate_frac_per_year (G,) above -1. Result: (n, G).
    """
    time = np.arange(flows.shape[1]) / periods_per_year
    return np.asarray(flows @ np.exp(-np.outer(time, np.log1p(rate_frac_per_year))))


def irr_batch(flows: Array, periods_per_year: int = 4) -> tuple[Irr, ...]:
    """Every real rate between -99 % and 1000 % a year at which the flows are worth nothing.

    Signs of the present value are read on a grid of 600 rates and each change is refined (Brent 1973). Two roots
    closer than the grid (0.2 points between -20 % and 60 %) are missed together. A row without roots has status
    ``none``: a plan that only costs, or only earns. Args: flows (n, T), equal periods. Source: definition.
    """
    scale = np.abs(flows).max(axis=1, keepdims=True)
    unit = np.divide(flows, scale, out=np.zeros_like(flows), where=scale > 0)
    worth = present_value(unit, _GRID, periods_per_year)
    out = []
    for row, values in zip(unit, worth, strict=True):
        roots = []
        # What rounding alone could leave counts as zero, so that a root on the grid is found once.
        sign = np.where(np.abs(values) <= 1e-12 * np.abs(row).sum(), 0.0, np.sign(values))
        for i in np.nonzero(sign[:-1] * sign[1:] < 0)[0]:
            roots.append(
                float(brentq(_worth_at, _GRID[i], _GRID[i + 1], args=(row, periods_per_year), xtol=1e-12, rtol=1e-14))
            )
        roots += [float(_GRID[i]) for i in np.nonzero(sign == 0)[0] if np.any(row)]
        roots.sort()
        status = "none" if not roots else "unique" if len(roots) == 1 else "several"
        out.append(Irr(status, tuple(roots)))
    return tuple(out)


def _worth_at(rate: float, row: Array, periods_per_year: int) -> float:
    return float(present_value(row[None, :], np.array([rate]), periods_per_year)[0, 0])
