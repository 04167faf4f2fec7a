"""Markov chains on quarters: regimes such as boom, plateau and bust.

Paths are integer arrays (n, T): futures first, quarters last. A transition matrix is (k, k) for every step,
or (T - 1, k, k) with one matrix a step; rows are where the chain is, columns where it goes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def checked_transition(transition: ArrayLike) -> Array:
    """The transition matrix (..., k, k) with rows scaled to sum to 1 exactly.

    Raises ValueError when it is not square, has a negative entry, or a row sum off 1 by more than 1e-9.
    """
    matrix = np.asarray(transition, dtype=np.float64)
    if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2]:
        raise ValueError(f"a transition matrix is square, got shape {matrix.shape}")
    sums = matrix.sum(axis=-1)
    if matrix.min() < 0.0 or np.abs(sums - 1.0).max() > 1e-9:
        raise ValueError(f"transition rows must be >= 0 and sum to 1, row sums are {sums.tolist()}")
    return matrix / sums[..., None]


def _start_probabilities(start: int | Sequence[float] | Array, k: int) -> Array:
    if isinstance(start, int | np.integer):
        if not 0 <= start < k:
            raise ValueError(f"start regime {start} is not one of 0..{k - 1}")
        return np.eye(k)[start]
    probabilities = np.asarray(start, dtype=np.float64)
    if probabilities.shape != (k,) or probabilities.min() < 0.0 or abs(probabilities.sum() - 1.0) > 1e-9:
        raise ValueError(f"start must be a regime or {k} probabilities that sum to 1, got {start}")
    return np.asarray(probabilities / probabilities.sum())


def _pick(cumulative: Array, u: Array) -> NDArray[np.int64]:
    # The last column counts as 1 whatever the rounding, so it is left out of the comparison.
    return np.asarray((u[:, None] > cumulative[..., :-1]).sum(axis=-1), dtype=np.int64)


def regime_paths(u: Array, transition: ArrayLike, start: int | Sequence[float] | Array) -> NDArray[np.int64]:
    """Regime of each future in each quarter, (n, T) integers, from uniforms u (n, T).

    Column 0 of u draws the first regime (unused when start is a regime number), column t the step to
    quarter t by inverse transform, so regimes should be ordered, best to worst: nearby uniforms then mean
    nearby regimes and quasi-random points keep their worth.
    """
    matrix = checked_transition(transition)
    n, quarters = u.shape
    k = matrix.shape[-1]
    if matrix.ndim == 3 and len(matrix) != quarters - 1:
        raise ValueError(f"{len(matrix)} transition matrices for {quarters - 1} steps")
    cumulative = np.cumsum(np.broadcast_to(matrix, (max(quarters - 1, 0), k, k)), axis=-1)
    regimes = np.empty((n, quarters), dtype=np.int64)
    regimes[:, 0] = _pick(np.cumsum(_start_probabilities(start, k)), u[:, 0])
    for t in range(1, quarters):
        regimes[:, t] = _pick(cumulative[t - 1][regimes[:, t - 1]], u[:, t])
    return regimes


def regime_probabilities(transition: ArrayLike, start: int | Sequence[float] | Array, quarters: int) -> Array:
    """Exact probability of each regime in each quarter, (quarters, k): p_t = p_{t-1} P."""
    matrix = checked_transition(transition)
    k = matrix.shape[-1]
    if matrix.ndim == 3 and len(matrix) != quarters - 1:
        raise ValueError(f"{len(matrix)} transition matrices for {quarters - 1} steps")
    steps = np.broadcast_to(matrix, (max(quarters - 1, 0), k, k))
    out = np.empty((quarters, k))
    out[0] = _start_probabilities(start, k)
    for t in range(1, quarters):
        out[t] = out[t - 1] @ steps[t - 1]
    return out


def stationary(transition: ArrayLike) -> Array:
    """Long-run probabilities (k,): the solution of p P = p, sum p = 1.

    Raises ValueError when it is not unique (the chain falls into separate parts).
    """
    matrix = checked_transition(transition)
    if matrix.ndim != 2:
        raise ValueError("long-run probabilities need one transition matrix for every step")
    k = len(matrix)
    system = np.vstack([matrix.T - np.eye(k), np.ones(k)])
    right = np.append(np.zeros(k), 1.0)
    solution, _, rank, _ = np.linalg.lstsq(system, right, rcond=1e-12)
    if rank < k:
        raise ValueError("the chain falls into parts that never meet: give start probabilities instead")
    positive = np.maximum(solution, 0.0)
    return np.asarray(positive / positive.sum())
