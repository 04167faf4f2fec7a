"""Many sampled paths reduced to a small fan or tree, with the distance that this costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.uncertainty.sampling import Seed
from kiban.uncertainty.tree import ScenarioTree, from_groups

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ReducedPaths:
    """A tree that stands for many paths.

    tree; values (N, k), mean of the samples through each node; leaf (n,), the path each sample is assigned
    to. distance: root mean square, over samples, quarters and variables, of (sample - its tree path), each
    variable in units of its own standard deviation: an upper bound on the 2-Wasserstein distance between
    the samples and the tree's paths, per quarter and variable. explained_frac: 1 - distance^2 over the
    variance around the mean path.
    """

    tree: ScenarioTree
    values: Array
    leaf: Ints
    distance: float
    explained_frac: float


def k_means(points: Array, k: int, rng: np.random.Generator, iterations: int = 50) -> Ints:
    """Cluster number of each point, (n,), 0..m-1 with m <= k clusters, none empty.

    Lloyd's algorithm from a k-means++ start; fewer clusters come back when there are fewer distinct points.
    Clusters are numbered by the mean of their points over all columns, rising. Source: Arthur and
    Vassilvitskii, SODA 2007.
    """
    centres = points[[int(rng.integers(len(points)))]]
    nearest = ((points - centres[0]) ** 2).sum(axis=1)
    while len(centres) < k and nearest.max() > 0.0:
        chosen = int(np.searchsorted(np.cumsum(nearest), rng.random() * nearest.sum(), side="right"))
        chosen = min(chosen, len(points) - 1)
        centres = np.vstack([centres, points[chosen]])
        nearest = np.minimum(nearest, ((points - points[chosen]) ** 2).sum(axis=1))
    cluster = np.full(len(points), -1)
    for _ in range(iterations):
        # |x - c|^2 less the |x|^2 that all centres share.
        score = (centres**2).sum(axis=1) - 2.0 * points @ centres.T
        found = score.argmin(axis=1)
        if (found == cluster).all():
            break
        cluster = found
        used = np.unique(cluster)
        centres = np.array([points[cluster == c].mean(axis=0) for c in used])
        cluster = np.searchsorted(used, cluster)
    rank = np.argsort(np.argsort(centres.mean(axis=1), kind="stable"), kind="stable")
    return np.asarray(rank[cluster], dtype=np.int64)


def _branches(n_leaves: int, stages: int, branches: Sequence[int] | None) -> list[int]:
    if branches is None:
        each = round(n_leaves ** (1.0 / stages))
        branches = [each] * stages
    if len(branches) != stages or min(branches) < 1 or int(np.prod(branches)) != n_leaves:
        raise ValueError(
            f"{n_leaves} leaves do not split over {stages} branch quarters as {list(branches)}: "
            "give branches, one count a branch quarter, with product n_leaves"
        )
    return list(branches)


def reduce_paths(
    samples: Array,
    n_leaves: int,
    seed: Seed,
    branch_quarters: Sequence[int] = (1,),
    branches: Sequence[int] | None = None,
) -> ReducedPaths:
    """Tree of at most n_leaves paths for equally likely samples (n, T, k) or (n, T).

    One branch quarter gives a fan, several a tree: at each one the samples of every node are clustered
    (k-means) by what happens from there to the next branch quarter, so a node never knows more than its own
    stretch. A leaf's probability is its share of the samples. branches: clusters at each branch quarter, by
    default the same number at all. A node with fewer distinct samples than branches has fewer children.
    Deterministic for an integer seed. Raises ValueError for samples that are not finite or counts that do
    not fit. Source: the nested clustering of Pflug and Pichler, "Multistage Stochastic Optimization", 2014,
    chapter 4; the distance and its bound, Dupacova, Groewe-Kuska and Roemisch, Math. Program. 95, 2003.
    """
    samples = np.asarray(samples, dtype=np.float64)
    samples = samples[:, :, None] if samples.ndim == 2 else samples
    if samples.ndim != 3 or samples.size == 0 or not np.isfinite(samples).all():
        raise ValueError(f"samples must be finite, shape (n, T) or (n, T, k), got {samples.shape}")
    n, quarters, _ = samples.shape
    stages = list(branch_quarters)
    if not stages or stages != sorted(set(stages)) or not 1 <= stages[0] <= stages[-1] < quarters:
        raise ValueError(f"branch quarters must rise within 1..{quarters - 1}, got {stages}")
    counts = _branches(n_leaves, len(stages), branches)
    rng = np.random.default_rng(seed)
    std = samples.std(axis=(0, 1))
    varies = std > 1e-12 * np.abs(samples).max(axis=(0, 1))
    # Centred, because distances from products of large numbers would cancel.
    scaled = (samples - samples.mean(axis=0)) / np.where(varies, std, np.inf)
    history = np.zeros((n, 1), dtype=np.int64)
    for stage, count in enumerate(counts):
        end = stages[stage + 1] if stage + 1 < len(stages) else quarters
        stretch = scaled[:, stages[stage] : end].reshape(n, -1)
        group = np.empty(n, dtype=np.int64)
        _, node = np.unique(history, axis=0, return_inverse=True)
        for number in range(int(node.max()) + 1):
            member = np.flatnonzero(node.ravel() == number)
            group[member] = k_means(stretch[member], count, rng)
        history = np.column_stack([history, group])
    rows, leaf, size = np.unique(history, axis=0, return_inverse=True, return_counts=True)
    leaf = leaf.ravel()
    groups = rows[:, np.searchsorted(stages, np.arange(quarters), side="right")]
    tree = from_groups(groups, size / n, np.full_like(groups, -1), ())
    return _measured(tree, samples, scaled, leaf)


def _measured(tree: ScenarioTree, samples: Array, scaled: Array, leaf: Ints) -> ReducedPaths:
    nodes = tree.paths[leaf]
    count = np.bincount(nodes.ravel(), minlength=tree.n_nodes)[:, None]

    def node_means(values: Array) -> Array:
        total = np.zeros((tree.n_nodes, values.shape[2]))
        np.add.at(total, nodes, values)
        return np.asarray(total / count)

    miss = float(((scaled - node_means(scaled)[nodes]) ** 2).mean())
    around_mean = float(((scaled - scaled.mean(axis=0)) ** 2).mean())
    explained_frac = 1.0 - miss / around_mean if around_mean > 0.0 else 1.0
    return ReducedPaths(tree, node_means(samples), leaf, float(np.sqrt(miss)), explained_frac)
