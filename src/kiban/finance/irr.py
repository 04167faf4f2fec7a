"""Internal rates of return with a status: unique, several or none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.results import Irr

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

LOWEST, HIGHEST = -0.99, 10.0
_GRID = np.log1p(
    np.concatenate([np.linspace(LOWEST, -0.2, 60), np.linspace(-0.19, 0.6, 120), np.geomspace(0.62, HIGHEST, 60)])
)
"""Continuous rates log(1 + r); turning points are looked for between them, so the grid may be coarse."""
_ROWS_AT_ONCE = 4096
_NOISE = 1e-13
"""Value that counts as zero, against the sum of the absolute discounted flows: rounding."""


def present_value(flows: Array, rate_frac_per_year: Array, periods_per_year: int = 4) -> Array:
    """Value of flows at the first period for many rates: sum_t f_t (1 + r)^(-t/p).

    Args: flows (n, T); rate_frac_per_year (G,) above -1. Result: (n, G).
    """
    time = np.arange(flows.shape[1]) / periods_per_year
    return np.asarray(flows @ np.exp(-np.outer(time, np.log1p(rate_frac_per_year))))


def irr_batch(flows: Array, periods_per_year: int = 4) -> tuple[Irr, ...]:
    """Every real rate between -99 % and 1000 % a year at which the flows are worth nothing.

    Signs of the present value are read on a grid of 240 rates; where the value turns towards zero between two rates,
    the turning point is looked up too, so two close roots, or one that only touches zero, are found. Every bracket is
    refined by Newton's method kept inside the bracket, all rows at once. A row without roots has status ``none``: a
    plan that only costs, or only earns. Args: flows (n, T), equal periods. Source: definition; the number of roots
    obeys Descartes' rule of signs.
    """
    out: list[Irr] = []
    time = np.arange(flows.shape[1]) / periods_per_year
    for start in range(0, len(flows), _ROWS_AT_ONCE):
        block = flows[start : start + _ROWS_AT_ONCE]
        scale = np.abs(block).max(axis=1, keepdims=True)
        out += _roots(np.divide(block, scale, out=np.zeros_like(block), where=scale > 0), time)
    return tuple(out)


def _roots(flows: Array, time: Array) -> list[Irr]:
    factor = np.exp(-np.outer(time, _GRID))
    sign = _sign(flows @ factor, np.abs(flows) @ factor)
    row, at = np.nonzero(sign[:, :-1] * sign[:, 1:] < 0)
    rows, low, high = [row], [_GRID[at]], [_GRID[at + 1]]
    found_row, found_at = np.nonzero((sign == 0) & np.any(flows != 0, axis=1, keepdims=True))
    found = [(found_row, _GRID[found_at])]

    # The slope is that of flows -t f_t. Between two rates of one sign the value can only reach zero where it turns.
    slope = np.sign(-(flows * time) @ factor)
    turns = (sign[:, :-1] * sign[:, 1:] > 0) & (sign[:, :-1] * slope[:, :-1] < 0) & (sign[:, 1:] * slope[:, 1:] > 0)
    row, at = np.nonzero(turns)
    bottom = _refine(-(flows * time)[row], time, _GRID[at], _GRID[at + 1])
    here = np.exp(-bottom[:, None] * time)
    there = _sign((flows[row] * here).sum(axis=1), (np.abs(flows[row]) * here).sum(axis=1))
    found.append((row[there == 0], bottom[there == 0]))
    crosses = there * sign[row, at] < 0
    for left, right in ((_GRID[at], bottom), (bottom, _GRID[at + 1])):
        rows.append(row[crosses])
        low.append(left[crosses])
        high.append(right[crosses])
    bracket = np.concatenate(rows)
    found.append((bracket, _refine(flows[bracket], time, np.concatenate(low), np.concatenate(high))))

    owner, root = np.concatenate([f[0] for f in found]), np.expm1(np.concatenate([f[1] for f in found]))
    out = []
    for i in range(len(flows)):
        mine = tuple(sorted(root[owner == i].tolist()))
        out.append(Irr("none" if not mine else "unique" if len(mine) == 1 else "several", mine))
    return out


def _sign(value: Array, gross: Array) -> Array:
    """Sign of values, zero where rounding alone could have made them."""
    return np.where(np.abs(value) <= _NOISE * gross, 0.0, np.sign(value))


def _refine(flows: Array, time: Array, low: Array, high: Array) -> Array:
    """One root of each row's value between its bounds, (n,) continuous rates; the ends must differ in sign.

    Newton steps; a step that leaves the bracket is replaced by its middle (Press et al., Numerical Recipes, 9.4).
    """
    low, high = low.copy(), high.copy()
    rising = (flows * np.exp(-low[:, None] * time)).sum(axis=1) < 0
    x = (low + high) / 2
    for _ in range(100):
        here = flows * np.exp(-x[:, None] * time)
        value, slope = here.sum(axis=1), -(here @ time)
        left = (value < 0) == rising
        low, high = np.where(left, x, low), np.where(left, high, x)
        step = x - np.divide(value, slope, out=np.full_like(x, np.inf), where=slope != 0)
        new = np.where((step > low) & (step < high), step, (low + high) / 2)
        new = np.where(value == 0, x, new)
        done = np.abs(new - x) <= 1e-15 * (1 + np.abs(x))
        x = new
        if done.all():
            break
    return x
