"""A tree of futures over quarters: what is known when, and how likely it is.

One node per quarter and history. Arrays over nodes are (N,), ordered by quarter and then by branch; paths are
(leaves, T). A decision taken at a node cannot know which of the leaves below it will come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

_TOLERANCE = 1e-12
AnyArray = TypeVar("AnyArray", bound=NDArray[Any])


@dataclass(frozen=True, eq=False)
class ScenarioTree:
    """Nodes of a scenario tree, root first, one per quarter and history; every leaf in the last quarter.

    parent (N,): node one quarter earlier, -1 at the root.
    quarter (N,): 0..T-1, never falling along the nodes.
    probability (N,): unconditional; each quarter sums to 1 and each node to the sum of its children (1e-12).
    branch (N,): position among the nodes of the same quarter, 0, 1, 2, ...
    label (N,): index into names of the regime or future that the node stands for, -1 where it has none.
    names: what the labels mean.
    """

    parent: Ints
    quarter: Ints
    probability: Array
    branch: Ints
    label: Ints
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Freeze the arrays and refuse a tree that breaks its own rules, naming all of them at once."""
        for name in ("parent", "quarter", "branch", "label"):
            object.__setattr__(self, name, _frozen(np.array(getattr(self, name), dtype=np.int64)))
        object.__setattr__(self, "probability", _frozen(np.array(self.probability, dtype=np.float64)))
        problems = _problems(self)
        if problems:
            raise ValueError("not a scenario tree: " + "; ".join(problems))

    @property
    def n_nodes(self) -> int:
        """Number of nodes, N."""
        return len(self.parent)

    @property
    def quarters(self) -> int:
        """Number of quarters, T."""
        return int(self.quarter[-1]) + 1

    @property
    def n_leaves(self) -> int:
        """Number of leaves, which is the number of paths."""
        return len(self.leaves)

    @cached_property
    def leaves(self) -> Ints:
        """Node ids of the leaves, (n_leaves,); all in the last quarter, in branch order."""
        return self.nodes_at(self.quarters - 1)

    @cached_property
    def leaf_probability(self) -> Array:
        """Probability of each path, (n_leaves,); sums to 1."""
        return _frozen(self.probability[self.leaves])

    @cached_property
    def conditional_probability(self) -> Array:
        """Probability of each node given its parent, (N,); 1 at the root, 0 below an impossible parent."""
        above = np.where(self.parent >= 0, self.probability[self.parent], 1.0)
        return _frozen(np.divide(self.probability, above, out=np.zeros(self.n_nodes), where=above > 0.0))

    @cached_property
    def ancestor_table(self) -> Ints:
        """Node k quarters before each node, (N, T) with k = 0..T-1; -1 before the root."""
        table = np.full((self.n_nodes, self.quarters), -1, dtype=np.int64)
        table[:, 0] = np.arange(self.n_nodes)
        for k in range(1, self.quarters):
            last = table[:, k - 1]
            table[:, k] = np.where(last >= 0, self.parent[last], -1)
        return _frozen(table)

    @cached_property
    def paths(self) -> Ints:
        """Node ids of every path by quarter, (n_leaves, T)."""
        return _frozen(self.ancestor_table[self.leaves, ::-1].copy())

    def nodes_at(self, quarter: int) -> Ints:
        """Node ids of one quarter, in branch order."""
        if not 0 <= quarter < self.quarters:
            raise ValueError(f"quarter {quarter} is not one of 0..{self.quarters - 1}")
        first, last = np.searchsorted(self.quarter, [quarter, quarter + 1])
        return _frozen(np.arange(first, last, dtype=np.int64))

    def children(self, node: int) -> Ints:
        """Node ids of the children of a node; empty at a leaf."""
        return np.flatnonzero(self.parent == node)

    def ancestor(self, node: ArrayLike, k_quarters: ArrayLike) -> Ints:
        """Node k >= 0 quarters before a node, -1 where that is before the root; arguments broadcast."""
        nodes, back = np.broadcast_arrays(np.asarray(node), np.asarray(k_quarters))
        if nodes.size and (nodes.min() < 0 or nodes.max() >= self.n_nodes or back.min() < 0):
            raise ValueError(f"need nodes in 0..{self.n_nodes - 1} and k_quarters >= 0")
        found = self.ancestor_table[nodes, np.minimum(back, self.quarters - 1)]
        return np.asarray(np.where(back < self.quarters, found, -1))

    def path(self, leaf: int) -> Ints:
        """Node ids by quarter, (T,), of path number leaf, 0..n_leaves-1."""
        if not 0 <= leaf < self.n_leaves:
            raise ValueError(f"leaf {leaf} is not one of 0..{self.n_leaves - 1}")
        return np.asarray(self.paths[leaf])

    def leaf_of_path(self, nodes: Sequence[int] | Ints) -> int:
        """Number of the path that runs through these T nodes; raises ValueError when none does."""
        matches = np.flatnonzero((self.paths == np.asarray(nodes)).all(axis=1))
        if len(matches) != 1:
            raise ValueError(f"no path runs through nodes {list(nodes)}")
        return int(matches[0])

    def leaves_below(self, node: int) -> Ints:
        """Numbers of the paths that run through a node."""
        return np.flatnonzero(self.paths[:, self.quarter[node]] == node)

    def on_paths(self, node_values: ArrayLike) -> NDArray[Any]:
        """Values at nodes (N, ...) laid out along the paths, (n_leaves, T, ...)."""
        return np.asarray(node_values)[self.paths]

    def expectation(self, node_values: ArrayLike) -> Array:
        """Expected value in each quarter, (T, ...), of values at nodes (N, ...)."""
        values = np.asarray(node_values, dtype=np.float64)
        out = np.zeros((self.quarters, *values.shape[1:]))
        np.add.at(out, self.quarter, values * self.probability.reshape(-1, *[1] * (values.ndim - 1)))
        return out

    def node_name(self, node: int) -> str:
        """The name of a node's regime or future, "" where it has none."""
        return self.names[self.label[node]] if self.label[node] >= 0 else ""

    def history(self, leaf: int) -> tuple[str, ...]:
        """Names along one path: the root's and that after every branching, without the unnamed."""
        siblings = np.bincount(self.parent[1:], minlength=self.n_nodes)
        nodes = self.path(leaf).tolist()
        parted = [nodes[0], *(node for node in nodes[1:] if siblings[self.parent[node]] > 1)]
        return tuple(name for name in map(self.node_name, parted) if name)


def _frozen(array: AnyArray) -> AnyArray:
    array.flags.writeable = False
    return array


def _problems(tree: ScenarioTree) -> list[str]:
    arrays = (tree.parent, tree.quarter, tree.probability, tree.branch, tree.label)
    n = len(tree.parent)
    if n == 0 or any(a.shape != (n,) for a in arrays):
        return [f"arrays must share one length of at least 1, got {[a.shape for a in arrays]}"]
    parent, quarter, p = tree.parent, tree.quarter, tree.probability
    ids = np.arange(n)
    if parent[0] != -1 or quarter[0] != 0 or (parent[1:] < 0).any() or (parent >= ids).any():
        return ["node 0 must be the only root, in quarter 0, and every parent must precede its children"]
    out = []
    if (np.diff(quarter) < 0).any() or (quarter[1:] != quarter[parent[1:]] + 1).any():
        out.append("nodes must be ordered by quarter, each one quarter after its parent")
        return out
    childless = np.ones(n, dtype=bool)
    childless[parent[1:]] = False
    if (quarter[childless] != quarter[-1]).any():
        out.append("every path must reach the last quarter")
    if (tree.branch != ids - np.searchsorted(quarter, quarter)).any():
        out.append("branch must count 0, 1, 2, ... within each quarter")
    if tree.label.min() < -1 or tree.label.max() >= max(len(tree.names), 0):
        out.append(f"labels must index the {len(tree.names)} names, or be -1")
    if not np.isfinite(p).all() or p.min() < 0.0:
        out.append("probabilities must be finite and >= 0")
        return out
    sums = np.bincount(quarter, weights=p)
    if np.abs(sums - 1.0).max() > _TOLERANCE:
        worst = int(np.abs(sums - 1.0).argmax())
        out.append(f"probabilities of quarter {worst} sum to {sums[worst]!r}, not 1")
    below = np.bincount(parent[1:], weights=p[1:], minlength=n)
    if np.abs(below - p)[~childless].max(initial=0.0) > _TOLERANCE:
        out.append("each node's probability must be the sum of its children's")
    return out


def from_groups(
    groups: ArrayLike, leaf_probability: ArrayLike, labels: ArrayLike, names: Sequence[str]
) -> ScenarioTree:
    """Tree in which two paths share a node exactly while they have been in the same groups so far.

    Args: groups (n_leaves, T), any integers, compared within a quarter; leaf_probability (n_leaves,),
    scaled to sum to 1; labels (n_leaves, T), index into names or -1, equal wherever paths share a node.
    Leaf number i of the tree is row i; rows that share a beginning must be adjacent. Raises ValueError when
    quarter 0 has more than one group, rows are not adjacent, never part, or labels differ on a shared node.
    """
    groups, labels = np.asarray(groups), np.asarray(labels)
    weights = np.asarray(leaf_probability, dtype=np.float64)
    n_leaves, quarters = groups.shape
    if weights.shape != (n_leaves,) or weights.min() < 0.0 or not 0.0 < weights.sum() < np.inf:
        raise ValueError(f"need {n_leaves} leaf probabilities >= 0 with a positive sum")
    # A row opens a new node where it differs from the row above in this or any earlier quarter.
    opens = np.ones((n_leaves, quarters), dtype=bool)
    opens[1:] = np.logical_or.accumulate(groups[1:] != groups[:-1], axis=1)
    branch_of = np.cumsum(opens, axis=0) - 1
    counts = branch_of[-1] + 1
    if counts[0] != 1:
        raise ValueError("all paths must share one root in quarter 0")
    if counts[-1] != n_leaves or len(np.unique(groups, axis=0)) != n_leaves:
        raise ValueError("every path must part from every other one before the end")
    for q in range(quarters):
        if len(np.unique(groups[:, : q + 1], axis=0)) != counts[q]:
            raise ValueError(f"paths that share their first {q + 1} quarters must be adjacent rows")
    paths = branch_of + np.concatenate([[0], np.cumsum(counts)[:-1]])
    n_nodes = int(counts.sum())
    label = np.full(n_nodes, -1, dtype=np.int64)
    label[paths] = labels
    if (label[paths] != labels).any():
        raise ValueError("paths that share a node must share its label")
    parent = np.full(n_nodes, -1, dtype=np.int64)
    parent[paths[:, 1:]] = paths[:, :-1]
    probability = np.zeros(n_nodes)
    np.add.at(probability, paths, np.repeat((weights / weights.sum())[:, None], quarters, axis=1))
    quarter = np.repeat(np.arange(quarters), counts)
    branch = np.arange(n_nodes) - np.searchsorted(quarter, quarter)
    return ScenarioTree(parent, quarter, probability, branch, label, tuple(names))


def node_matrix_from_paths(
    tree: ScenarioTree, path_values: ArrayLike, relative_tolerance: float = 1e-12
) -> NDArray[Any]:
    """Values at nodes, (N, ...), from values along the paths, (n_leaves, T, ...).

    Raises ValueError when two paths that share a node give it different values: then the values know a future
    that the tree does not. `node_means_from_paths` averages instead.
    """
    values = np.asarray(path_values)
    if values.shape[:2] != tree.paths.shape:
        raise ValueError(f"path values of shape {values.shape} do not fit {tree.paths.shape} leaves and quarters")
    at_nodes = np.empty((tree.n_nodes, *values.shape[2:]), dtype=values.dtype)
    at_nodes[tree.paths] = values
    same = np.isclose(at_nodes[tree.paths], values, rtol=relative_tolerance, atol=0.0, equal_nan=True)
    if not same.all():
        leaf, quarter = (int(i) for i in np.argwhere(~same)[0][:2])
        raise ValueError(
            f"path {leaf} differs in quarter {quarter} from another path through the same node "
            f"{int(tree.paths[leaf, quarter])}: values may differ only after the futures part"
        )
    return at_nodes


def node_means_from_paths(tree: ScenarioTree, path_values: ArrayLike) -> Array:
    """Expected value at each node, (N, ...), of values along the paths, (n_leaves, T, ...).

    What is known at a node of values that depend on the future: their mean over the paths through it.
    """
    values = np.asarray(path_values, dtype=np.float64)
    if values.shape[:2] != tree.paths.shape:
        raise ValueError(f"path values of shape {values.shape} do not fit {tree.paths.shape} leaves and quarters")
    tail = [1] * (values.ndim - 2)
    weight = tree.leaf_probability.reshape(-1, 1, *tail)
    total = np.zeros((tree.n_nodes, *values.shape[2:]))
    np.add.at(total, tree.paths, values * weight)
    share = tree.probability.reshape(-1, *tail)
    return np.divide(total, share, out=np.zeros_like(total), where=share > 0.0)
