"""What drives the spread of a result: correlations, Sobol indices, one-at-a-time tornado.

Samples of inputs are (n, d), of the output (n,). Constant columns get 0 everywhere: they drive nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kiban.uncertainty.sampling import Seed, sobol

Array = NDArray[np.float64]


def _sample(x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    inputs, output = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    inputs = inputs[:, None] if inputs.ndim == 1 else inputs
    if inputs.ndim != 2 or output.shape != (len(inputs),) or len(output) < 2:
        raise ValueError(f"need inputs (n, d) and output (n,), n >= 2, got {inputs.shape} and {output.shape}")
    if not (np.isfinite(inputs).all() and np.isfinite(output).all()):
        raise ValueError("inputs and output must be finite: leave failed runs out and count them apart")
    return inputs, output


def _ranks(x: Array) -> Array:
    from scipy.stats import rankdata

    return np.asarray(rankdata(x, axis=0), dtype=np.float64)


def _standard(x: Array) -> Array:
    centred = x - x.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    return np.asarray(np.divide(centred, length, out=np.zeros_like(centred), where=length > 0.0))


def rank_correlation(x: ArrayLike, y: ArrayLike) -> Array:
    """Spearman correlation of each input column with the output, (d,), ties at their average rank."""
    inputs, output = _sample(x, y)
    return _standard(_ranks(inputs)).T @ _standard(_ranks(output))


def partial_rank_correlation(x: ArrayLike, y: ArrayLike) -> Array:
    """Partial rank correlation of each input with the output, the other inputs held fixed, (d,).

    From the inverse Q of the rank correlation matrix of (inputs, output): -Q_iy / sqrt(Q_ii Q_yy). Measures
    monotone influence; raises ValueError when two inputs move together exactly, or the inputs give the
    ranks exactly. Source: Iman and Helton, Risk Analysis 8(1), 1988; Marino et al., J. Theor. Biol. 254,
    2008.
    """
    inputs, output = _sample(x, y)
    varying = np.ptp(inputs, axis=0) > 0.0
    out = np.zeros(inputs.shape[1])
    if np.ptp(output) == 0.0 or not varying.any():
        return out
    scores = _standard(_ranks(np.column_stack([inputs[:, varying], output])))
    correlation = scores.T @ scores
    if np.linalg.cond(correlation) > 1e12:
        raise ValueError("ranks are exactly dependent: leave out one of the inputs that move together")
    inverse = np.linalg.inv(correlation)
    scale = np.sqrt(np.diag(inverse))
    out[varying] = -inverse[:-1, -1] / (scale[:-1] * scale[-1])
    return out


def saltelli_sample(n: int, d: int, seed: Seed) -> tuple[Array, Array, Array]:
    """Uniform matrices A (n, d), B (n, d) and AB (d, n, d), where AB[i] is A with column i of B.

    One scrambled Sobol sequence in 2 d columns; n should be a power of two. n (d + 2) runs in all.
    Source: Saltelli et al., Comput. Phys. Commun. 181, 2010.
    """
    u = sobol(n, 2 * d, seed)
    a, b = u[:, :d], u[:, d:]
    ab = np.repeat(a[None], d, axis=0)
    columns = np.arange(d)
    ab[columns, :, columns] = b.T
    return a, b, ab


@dataclass(frozen=True, eq=False)
class SobolIndices:
    """Shares of the output variance: first (d,) alone, total (d,) with all interactions; and that variance."""

    first: Array
    total: Array
    variance: float


def sobol_indices(y_a: ArrayLike, y_b: ArrayLike, y_ab: ArrayLike) -> SobolIndices:
    """First-order and total Sobol indices from the outputs of `saltelli_sample`.

    Args: y_a (n,), y_b (n,), y_ab (d, n). Inputs must be independent. First order: mean(y_B (y_AB_i -
    y_A))/V, Saltelli et al. 2010 table 2 (b), with centred outputs; total: mean((y_A - y_AB_i)^2)/(2 V),
    Jansen, Comput. Phys. Commun. 117, 1999. V is the variance over A and B. Estimates near 0 may be
    slightly negative. A constant output has all indices 0.
    """
    a, b, ab = (np.asarray(y, dtype=np.float64) for y in (y_a, y_b, y_ab))
    if a.ndim != 1 or a.shape != b.shape or ab.ndim != 2 or ab.shape[1] != len(a):
        raise ValueError(f"need y_a (n,), y_b (n,), y_ab (d, n), got {a.shape}, {b.shape}, {ab.shape}")
    both = np.concatenate([a, b])
    variance = float(both.var())
    if variance == 0.0:
        return SobolIndices(np.zeros(len(ab)), np.zeros(len(ab)), 0.0)
    first = ((b - both.mean()) * (ab - a)).mean(axis=1) / variance
    total = ((a - ab) ** 2).mean(axis=1) / (2.0 * variance)
    return SobolIndices(first, total, variance)


def first_order_from_sample(x: ArrayLike, y: ArrayLike, bins: int = 20) -> Array:
    """First-order Sobol index of each input, (d,), from any sample of inputs and output: no extra runs.

    Inputs are cut into bins of about equal count (equal values stay together); the share of the output
    variance between bins is corrected for chance: (SSB - (m - 1) MSW)/SST with m bins in use (Kelley's
    epsilon squared). An input without influence comes out near 0, sometimes just below. About n/bins >= 25
    points a bin are needed; with correlated inputs the index includes what the others contribute through
    the correlation. Source: Plischke, Borgonovo and Smith, Eur. J. Oper. Res. 226, 2013; Kelley, PNAS 21,
    1935.
    """
    inputs, output = _sample(x, y)
    if bins < 2:
        raise ValueError(f"need at least 2 bins, got {bins}")
    centred = output - output.mean()
    n, spread = len(output), float(centred @ centred)
    out = np.zeros(inputs.shape[1])
    if spread == 0.0:
        return out
    for j, column in enumerate(inputs.T):
        edges = np.unique(np.quantile(column, np.arange(1, bins) / bins))
        _, cell = np.unique(np.searchsorted(edges, column, side="left"), return_inverse=True)
        count = np.bincount(cell)
        used = len(count)
        if used > 1 and n > used:
            between = float((np.bincount(cell, weights=centred) ** 2 / count).sum())
            within = (spread - between) / (n - used)
            out[j] = (between - (used - 1) * within) / spread
    return out


@dataclass(frozen=True, eq=False)
class Tornado:
    """Output at the base point, and with each input alone at its low and its high, (d,) each."""

    base: float
    at_low: Array
    at_high: Array

    @property
    def swing(self) -> Array:
        """Width of the bar of each input, (d,): largest less smallest of low, base and high."""
        three = np.stack([self.at_low, np.full_like(self.at_low, self.base), self.at_high])
        return np.ptp(three, axis=0)

    @property
    def order(self) -> NDArray[np.int64]:
        """Input numbers, widest bar first; equal bars keep their order."""
        return np.argsort(-self.swing, kind="stable")


def tornado(f: Callable[[Array], float], lows: ArrayLike, bases: ArrayLike, highs: ArrayLike) -> Tornado:
    """One-at-a-time swings of f, a function of one input vector (d,).

    Calls f once at the base and at most twice an input; an end equal to the base is not run again. Shows
    ranges, not probabilities, and no interaction: read it beside the total Sobol indices.
    """
    low, base, high = (np.asarray(v, dtype=np.float64) for v in (lows, bases, highs))
    if base.ndim != 1 or not low.shape == base.shape == high.shape:
        raise ValueError(f"need three vectors of one length, got {low.shape}, {base.shape}, {high.shape}")
    at_base = float(f(base.copy()))

    def moved(i: int, end: Array) -> float:
        if end[i] == base[i]:
            return at_base
        point = base.copy()
        point[i] = end[i]
        return float(f(point))

    at_low, at_high = (np.array([moved(i, end) for i in range(len(base))]) for end in (low, high))
    return Tornado(at_base, at_low, at_high)
