"""The rate of return of flows that prove that they have one rate at most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_STEPS = 40
_PATIENCE = 7
"""Steps given to a row that may have no root; what has not closed in by then goes to the full search."""
_CLOSE = 1e-9
"""A Newton step below this leaves an error of its square: less than rounding."""
_EDGE = 1e-6
"""How far beyond the bounds the search may run before it is called outside."""


def one_root(flows: Array, low: float, high: float) -> tuple[Array, BoolArray]:
    """Root of each row that provably has one at most, and which rows those are.

    With v the discount factor of a period the value is the polynomial f(v) = sum_t f_t v^t, v > 0. Its positive roots
    are at most one if the flows change sign once (Descartes). If they change sign more often, and c is a root, the
    other positive roots are those of f(v) / (1 - v/c), whose coefficients are the balances B_t = sum_{k<=t} f_k c^k;
    balances of one sign leave no other root. That is the pure investment of Teichroew, Robichek and Montalbano
    (Management Science 12:3, 1965). Args: flows (T, n), time first; low, high, bounds on log v. Result: log v (n,),
    NaN where there is none between the bounds, and (n,) True where the row is settled, root or not.
    """
    count = flows.shape[1]
    root = np.full(count, np.nan)
    both, once = _changes(flows)
    settled = ~both
    work = np.nonzero(both)[0]
    if not len(work):
        return root, settled
    block = flows if len(work) == count else np.ascontiguousarray(flows[:, work])
    # Flows at the edge of what a float holds end as infinite or no numbers, and those rows in the full search.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        found, done, outside = _newton(block, once[work], low, high)
    sure = once[work]
    more = np.nonzero(~sure & done & ~outside)[0]
    if len(more):
        sure = sure.copy()
        sure[more] = _pure(block[:, more], found[more])
    settled[work] = done & sure
    root[work] = np.where(done & sure & ~outside, found, np.nan)
    return root, settled


def _changes(flows: Array) -> tuple[BoolArray, BoolArray]:
    """Rows with flows of both signs, and rows whose flows change sign exactly once."""
    up, down = flows > 0, flows < 0
    seen_up, seen_down = np.zeros(flows.shape[1], bool), np.zeros(flows.shape[1], bool)
    falls, rises = seen_up.copy(), seen_up.copy()
    for above, below in zip(up, down, strict=True):
        falls |= seen_up & below
        rises |= seen_down & above
        seen_up |= above
        seen_down |= below
    return seen_up & seen_down, falls ^ rises


def _newton(flows: Array, monotone: BoolArray, low: float, high: float) -> tuple[Array, BoolArray, BoolArray]:
    """A root in u = log v, where it converged, and where it lies outside the bounds.

    The root of log P - log Q, P and Q the worth of what comes in and goes out, is sought instead of that of P - Q: its
    slope is the difference of their mean times, so it is nearly straight and four steps are usual. With one change of
    sign (``monotone``) it rises or falls throughout, hence a search that presses against a bound has its root beyond.
    """
    periods, count = flows.shape
    split = np.empty((periods, 2, count))
    np.maximum(flows, 0.0, out=split[:, 0])
    np.negative(np.minimum(flows, 0.0), out=split[:, 1])
    u = np.zeros(count)
    at, out = np.arange(count), np.zeros(count)
    done, outside = np.zeros(count, bool), np.zeros(count, bool)
    for tried in range(_STEPS):
        v = np.exp(u)
        worth, slope = split[-1].copy(), np.zeros((2, len(u)))
        for row in split[-2::-1]:
            slope *= v
            slope += worth
            worth *= v
            worth += row
        time = slope * v / worth
        step = np.log(worth[0] / worth[1]) / (time[0] - time[1])
        new = np.clip(u - step, low - _EDGE, high + _EDGE)
        beyond = ((new < low) | (new > high)) & (new == u)
        finished = (np.abs(step) <= _CLOSE) | beyond
        out[at] = new
        done[at] = finished
        outside[at] = beyond | (finished & ((new < low - 1e-12) | (new > high + 1e-12)))
        left = np.nonzero(~finished & np.isfinite(new) & (monotone[at] | (tried < _PATIENCE)))[0]
        if not len(left):
            break
        u = new
        if len(left) <= 0.7 * len(u):
            u, at, split = new[left], at[left], np.ascontiguousarray(split[:, :, left])
    return out, done, outside


def _pure(flows: Array, u: Array) -> BoolArray:
    """Say whether the balances at the rate of log discount factor u keep one sign, (n,).

    A balance is summed from the start up to the middle of the gross worth and from the end beyond it, so that rounding
    never decides the sign of a small one.
    """
    v = np.exp(u)
    worth, power = np.empty_like(flows), np.ones_like(u)
    for t, row in enumerate(flows):
        np.multiply(row, power, out=worth[t])
        power *= v
    half = np.abs(worth).sum(axis=0) / 2
    positive, negative = np.zeros(len(u), bool), np.zeros(len(u), bool)
    for rows, way in ((worth, 1.0), (worth[::-1], -1.0)):
        total, gross = np.zeros_like(u), np.zeros_like(u)
        for row in rows:
            total += row
            gross += np.abs(row)
            near = gross <= half
            if not near.any():
                break
            positive |= near & (way * total > 0)
            negative |= near & (way * total < 0)
    return positive ^ negative
