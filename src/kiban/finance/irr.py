"""Internal rates of return with a status: unique, several or none."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.finance.irr_one import one_root
from kiban.results import Irr

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

LOWEST, HIGHEST = -0.99, 10.0
NONE, UNIQUE, SEVERAL = 0, 1, 2
STATUS = ("none", "unique", "several")
"""Words of the status codes 0, 1 and 2."""
_GRID = np.log1p(
    np.concatenate([np.linspace(LOWEST, -0.2, 60), np.linspace(-0.19, 0.6, 120), np.geomspace(0.62, HIGHEST, 60)])
)
"""Continuous rates log(1 + r); turning points are looked for between them, so the grid may be coarse."""
_ROWS_AT_ONCE = 2048
_NOISE = 1e-13
"""Value that counts as zero, against the sum of the absolute discounted flows: rounding."""


@dataclass(frozen=True)
class IrrArrays:
    """Rates of return of n rows of flows as arrays."""

    status: NDArray[np.int8]
    """(n,) ``NONE``, ``UNIQUE`` or ``SEVERAL``; ``STATUS`` has the words."""
    roots_frac_per_year: Array
    """(n, R) every root, ascending, NaN beyond the last; R is the most roots of any row, at least 1."""

    @property
    def unique_frac_per_year(self) -> Array:
        """(n,) the rate where there is exactly one, else NaN."""
        return np.where(self.status == UNIQUE, self.roots_frac_per_year[:, 0], np.nan)


def present_value(flows: Array, rate_frac_per_year: Array, periods_per_year: int = 4) -> Array:
    """Value of flows at the first period for many rates: sum_t f_t (1 + r)^(-t/p).

    Args: flows (n, T); rate_frac_per_year (G,) above -1. Result: (n, G).
    """
    time = np.arange(flows.shape[1]) / periods_per_year
    return np.asarray(flows @ np.exp(-np.outer(time, np.log1p(rate_frac_per_year))))


def irr_batch(flows: Array, periods_per_year: int = 4) -> tuple[Irr, ...]:
    """Every real rate between -99 % and 1000 % a year at which the flows are worth nothing.

    Args: flows (n, T), equal periods. Result: one ``Irr`` a row; the method is that of ``irr_arrays``.
    """
    found = irr_arrays(np.asarray(flows, dtype=np.float64).T, periods_per_year)
    return tuple(
        Irr(STATUS[status], tuple(root for root in roots if not math.isnan(root)))
        for status, roots in zip(found.status.tolist(), found.roots_frac_per_year.tolist(), strict=True)
    )


def irr_arrays(flows: Array, periods_per_year: int = 4) -> IrrArrays:
    """Every real rate between -99 % and 1000 % a year at which the flows are worth nothing, as arrays.

    Rows whose flows prove that they have one rate at most are solved by Newton's method alone (``one_root``). In the
    others signs of the present value are read on a grid of 240 rates; where the value turns towards zero between two
    rates, the turning point is looked up too, so two close roots, or one that only touches zero, are found. Every
    bracket is refined by Newton's method kept inside the bracket, all rows at once. A row without roots has status
    ``NONE``: a plan that only costs, or only earns. Args: flows (T, n), time first, equal periods. Result: codes and
    roots of the n rows. Source: definition; the number of roots obeys Descartes' rule of signs.
    """
    count = flows.shape[1]
    most, pieces = 1, []
    time = np.arange(flows.shape[0]) / periods_per_year
    for start in range(0, count, _ROWS_AT_ONCE):
        block = np.ascontiguousarray(flows[:, start : start + _ROWS_AT_ONCE], dtype=np.float64)
        root, settled = one_root(block, -np.log1p(HIGHEST) / periods_per_year, -np.log1p(LOWEST) / periods_per_year)
        rest = np.nonzero(~settled)[0]
        owner, rate = _all_roots(block[:, rest].T, time)
        one = np.nonzero(settled & np.isfinite(root))[0]
        owner = np.concatenate([one, rest[owner]])
        rate = np.concatenate([-root[one] * periods_per_year, rate])
        order = np.lexsort((rate, owner))
        owner, rate = owner[order], np.expm1(rate[order])
        hits = np.bincount(owner, minlength=block.shape[1])
        most = max(most, int(hits.max(initial=0)))
        pieces.append((start + owner, np.arange(len(owner)) - np.repeat(np.cumsum(hits) - hits, hits), rate, hits))
    roots = np.full((count, most), np.nan)
    status = np.zeros(count, dtype=np.int8)
    for owner, place, rate, _ in pieces:
        roots[owner, place] = rate
    if pieces:
        status[:] = np.minimum(np.concatenate([hits for *_, hits in pieces]), SEVERAL)
    return IrrArrays(status, roots)


def _all_roots(flows: Array, time: Array) -> tuple[IntArray, Array]:
    """Row and continuous rate of every root, flows (n, T)."""
    scale = np.abs(flows).max(axis=1, keepdims=True, initial=0.0)
    flows = np.divide(flows, scale, out=np.zeros_like(flows), where=scale > 0)
    factor = np.exp(-np.outer(time, _GRID))
    value = flows @ factor
    sign = np.sign(value)
    # No gross value exceeds the row's sum times the largest factor: only what lies below that is looked at closely.
    near_row, near_at = np.nonzero(
        np.abs(value) <= _NOISE * np.abs(flows).sum(axis=1, keepdims=True) * factor.max(axis=0)
    )
    gross = (np.abs(flows[near_row]) * factor.T[near_at]).sum(axis=1)
    sign[near_row, near_at] = _sign(value[near_row, near_at], gross)
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
    return np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])


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
