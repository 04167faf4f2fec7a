"""Uniform samples in the open unit cube, and the correlation between their columns.

A sample is an array (n, d) of float64 strictly inside (0, 1): rows are futures, columns are inputs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kiban.uncertainty.distributions import Distribution

Array = NDArray[np.float64]
Seed = int | np.random.Generator

_SOBOL_BITS = 30
_SMALLEST = 2.0**-53


def inside(u: ArrayLike) -> Array:
    """The array with 0 and 1 moved to the nearest probability that every quantile function can take."""
    return np.clip(np.asarray(u, dtype=np.float64), _SMALLEST, 1.0 - _SMALLEST)


def sobol(n: int, d: int, seed: Seed) -> Array:
    """Scrambled Sobol points, shape (n, d), in the open unit cube.

    The sequence is drawn to the next power of two and cut to n: the balance that gives Sobol points their
    convergence holds for powers of two only, so n = 1024 is worth more than n = 1000. Each point sits in the
    middle of its 2^-30 cell, so 0 and 1 never occur. At most 21201 columns. The same integer seed gives the
    same points. Source: Sobol' 1967 with the direction numbers of Joe and Kuo, SIAM J. Sci. Comput. 30, 2008;
    scrambling: Matousek, J. Complexity 14, 1998, as in scipy.stats.qmc.
    """
    if n < 1 or d < 0:
        raise ValueError(f"need n >= 1 and d >= 0, got n={n}, d={d}")
    if d == 0:
        return np.empty((n, 0))
    from scipy.stats import qmc

    engine = qmc.Sobol(d, scramble=True, bits=_SOBOL_BITS, seed=np.random.default_rng(seed))
    points = engine.random_base2(max(0, math.ceil(math.log2(n))))[:n]
    return np.asarray(points, dtype=np.float64) + 0.5 * 2.0**-_SOBOL_BITS


def latin_hypercube(n: int, d: int, seed: Seed) -> Array:
    """Latin hypercube points, shape (n, d): each column has exactly one point in each of n equal cells.

    Source: McKay, Beckman and Conover, Technometrics 21(2), 1979.
    """
    if n < 1 or d < 0:
        raise ValueError(f"need n >= 1 and d >= 0, got n={n}, d={d}")
    rng = np.random.default_rng(seed)
    cells = rng.permuted(np.tile(np.arange(n)[:, None], (1, d)), axis=0)
    return inside((cells + rng.random((n, d))) / n)


def pad_columns(u: Array, d: int, seed: Seed) -> Array:
    """The sample u (n, k) widened to d columns, the new ones Latin hypercube.

    Lets a few Sobol columns carry what matters while the fine structure of a path is filled in cheaply.
    """
    n, k = u.shape
    return u[:, :d] if d <= k else np.hstack([u, latin_hypercube(n, d - k, seed)])


def correlation_factor(corr: ArrayLike) -> Array:
    """Matrix F (d, d) with F F' = corr, after checking that corr is a correlation matrix.

    Cholesky where corr is positive definite (column 0 of a sample then stays untouched), otherwise the
    symmetric square root. Raises ValueError when corr is not square, not symmetric, has a diagonal other than
    1, or has a negative eigenvalue (then no joint distribution has these pairwise correlations).
    """
    matrix = np.asarray(corr, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"a correlation matrix is square, got shape {matrix.shape}")
    if not np.allclose(matrix, matrix.T, atol=1e-12) or not np.allclose(np.diag(matrix), 1.0, atol=1e-12):
        raise ValueError("a correlation matrix is symmetric with ones on the diagonal")
    values, vectors = np.linalg.eigh(matrix)
    if values[0] < -1e-10:
        raise ValueError(
            f"these correlations contradict each other (smallest eigenvalue {values[0]:.3g}): "
            "move them toward 0, or leave one pair out"
        )
    if values[0] > 1e-10:
        return np.asarray(np.linalg.cholesky(matrix), dtype=np.float64)
    root = np.sqrt(np.maximum(values, 0.0))
    return np.asarray((vectors * root) @ vectors.T)


def correlate(u: Array, corr: ArrayLike) -> Array:
    """Uniforms with a Gaussian copula, shape (n, d), from independent uniforms u (n, d).

    Phi(F Phi^-1(u)) with F F' = corr. Each column stays uniform; corr holds the correlations of the normal
    scores, and `gaussian_from_rank` turns a rank correlation into one. Tails are asymptotically
    independent: for joint collapses use a regime (`paths.regime_paths`), not a high correlation. Source:
    Nelsen, "An Introduction to Copulas", 2nd ed., 2006.
    """
    from scipy.special import ndtr, ndtri

    factor = correlation_factor(corr)
    if u.ndim != 2 or u.shape[1] != factor.shape[0]:
        raise ValueError(f"sample of shape {u.shape} does not fit {factor.shape[0]} correlated inputs")
    return inside(ndtr(ndtri(inside(u)) @ factor.T))


def gaussian_from_rank(rank_corr: ArrayLike) -> Array:
    """Correlation of the normal scores that gives a Spearman rank correlation: 2 sin(pi rho/6).

    Source: Pearson 1907; exact for the Gaussian copula.
    """
    return 2.0 * np.sin(np.pi / 6.0 * np.asarray(rank_corr, dtype=np.float64))


def draw(
    distributions: Mapping[str, Distribution], n: int, seed: Seed, corr: ArrayLike | None = None
) -> dict[str, Array]:
    """Sobol sample of named distributions: name -> values (n,), in the order of the mapping.

    corr, if given, is the (d, d) Gaussian copula correlation in that same order.
    """
    u = sobol(n, len(distributions), seed)
    if corr is not None:
        u = correlate(u, corr)
    return {name: item.ppf(u[:, j]) for j, (name, item) in enumerate(distributions.items())}
