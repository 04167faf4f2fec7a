"""Readings of a distribution of outcomes: weighted quantiles, tail means, regret."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def _weighted(values: ArrayLike, weights: ArrayLike | None) -> tuple[Array, Array]:
    x = np.asarray(values, dtype=np.float64)
    w = np.ones_like(x) if weights is None else np.asarray(weights, dtype=np.float64)
    if x.ndim != 1 or x.size == 0 or w.shape != x.shape:
        raise ValueError(f"need values (n,), n >= 1, and as many weights, got {x.shape} and {w.shape}")
    if np.isnan(x).any() or not np.isfinite(w).all() or w.min() < 0.0 or w.sum() <= 0.0:
        raise ValueError("values must be numbers, weights >= 0 with a positive sum")
    return x, w / w.sum()


def weighted_quantile(values: ArrayLike, q: ArrayLike, weights: ArrayLike | None = None) -> Array:
    """Smallest value at which the cumulative weight reaches q; the shape of q is kept.

    Args: values (n,); q in 0..1; weights (n,), any scale, default equal. The result is always one of the
    values (the inverse of the step function, Hyndman and Fan type 1), so on a tree it is a future that
    exists.
    """
    x, w = _weighted(values, weights)
    levels = np.asarray(q, dtype=np.float64)
    if levels.size and not (levels.min() >= 0.0 and levels.max() <= 1.0):
        raise ValueError(f"quantile levels lie in 0..1, got {levels}")
    order = np.argsort(x, kind="stable")
    order = order[w[order] > 0.0]
    # Sums of weights such as 0.1 + 0.2 must still reach 0.3.
    reached = np.searchsorted(np.cumsum(w[order]) + 1e-12, levels, side="left")
    return np.asarray(x[order][np.minimum(reached, len(order) - 1)])


def cvar(
    values: ArrayLike,
    level: float,
    weights: ArrayLike | None = None,
    tail: Literal["low", "high"] = "low",
) -> float:
    """Mean of the worst 1 - level share of outcomes (conditional value at risk, expected shortfall).

    Args: values (n,); level in [0, 1), 0.95 for the worst 5 %, 0 for the plain mean; weights (n,), any
    scale; tail "low" where small values are bad (worth), "high" where large ones are (cost, loss). The
    outcome at the edge counts with the part of its weight that is inside the tail, so the measure is
    coherent on a tree too. Source: Rockafellar and Uryasev, J. Banking & Finance 26, 2002, proposition 8.
    """
    if not 0.0 <= level < 1.0:
        raise ValueError(f"level lies in [0, 1), got {level}")
    if tail not in ("low", "high"):
        raise ValueError(f'tail is "low" or "high", got {tail!r}')
    x, w = _weighted(values, weights)
    order = np.argsort(x if tail == "low" else -x, kind="stable")
    inside = np.diff(np.minimum(np.cumsum(w[order]), 1.0 - level), prepend=0.0)
    used = inside > 0.0
    return float(inside[used] @ x[order][used] / inside.sum())


def regret(values: ArrayLike) -> Array:
    """Shortfall of each plan against the best plan of each future, (plans, futures), >= 0.

    Args: values (plans, futures), more is better. The best plan of a future has regret 0 there.
    Source: Savage, J. Am. Stat. Assoc. 46, 1951.
    """
    worth = np.asarray(values, dtype=np.float64)
    if worth.ndim != 2 or worth.size == 0 or not np.isfinite(worth).all():
        raise ValueError(f"need finite values (plans, futures), got shape {worth.shape}")
    return np.asarray(worth.max(axis=0) - worth)


def win_share(values: ArrayLike, weights: ArrayLike | None = None) -> Array:
    """Probability that each plan is the best, (plans,); a tie is shared equally. Sums to 1.

    Args: values (plans, futures), more is better; weights (futures,), any scale.
    """
    best = regret(values) == 0.0
    _, w = _weighted(np.zeros(best.shape[1]), weights)
    return np.asarray((best / best.sum(axis=0)) @ w)
