"""Builders of scenario trees: branchings at fixed quarters, and named futures that part from one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kiban.uncertainty.regimes import checked_transition, stationary
from kiban.uncertainty.tree import ScenarioTree, from_groups

Array = NDArray[np.float64]


def from_branching(
    quarters: int,
    branch_quarters: Sequence[int] = (),
    names: Sequence[str] = (),
    transition: ArrayLike | None = None,
    start: str | Sequence[float] | None = None,
) -> ScenarioTree:
    """Tree in which every history splits into the named branches at each branch quarter.

    Args: quarters T; branch_quarters, rising, each the first quarter (1..T-1) in which the histories
    differ; names of the k branches, best to worst; transition, k probabilities (each branching independent
    of the last) or a k x k matrix (row: branch so far, column: next branch). start, for a matrix: the name
    of the root's branch, or the probabilities of the first branching; left out, the matrix's long-run
    probabilities. Branches of probability 0 are left out. Without branch quarters: one certain path. A
    node's label is its branch of the latest branching, -1 before the first one unless start is a name.
    """
    stages = list(branch_quarters)
    if stages != sorted(set(stages)) or (stages and not 1 <= stages[0] <= stages[-1] < quarters):
        raise ValueError(f"branch quarters must rise within 1..{quarters - 1}, got {stages}")
    if quarters < 1 or (stages and not names) or len(set(names)) != len(names):
        raise ValueError("need at least one quarter, and distinct names where there are branch quarters")
    root_label, first, matrix = -1, np.empty(0), np.empty((0, 0))
    if stages:
        root_label, first, matrix = _branch_probabilities(names, transition, start)
    histories, weights = np.empty((1, 0), dtype=np.int64), np.ones(1)
    for _ in stages:
        rows = matrix[histories[:, -1]] if histories.shape[1] else first[None, :]
        joint = weights[:, None] * rows
        old, new = np.nonzero(joint > 0.0)
        histories, weights = np.column_stack([histories[old], new]), joint[old, new]
    stage_of_quarter = np.searchsorted(stages, np.arange(quarters), side="right")
    labels = np.column_stack([np.full(len(weights), root_label), histories])[:, stage_of_quarter]
    # Labels serve as group ids: from_groups compares whole beginnings, so a label may come back.
    return from_groups(labels, weights, labels, names)


def _branch_probabilities(
    names: Sequence[str], transition: ArrayLike | None, start: str | Sequence[float] | None
) -> tuple[int, Array, Array]:
    k = len(names)
    if transition is None:
        raise ValueError("give transition: branch probabilities, or a matrix from branch to branch")
    given = np.asarray(transition, dtype=np.float64)
    if given.ndim == 1:
        if start is not None:
            raise ValueError("start goes with a transition matrix; one row of probabilities is its own start")
        given = np.tile(given, (k, 1))
        start = given[0].tolist()
    if given.shape != (k, k):
        raise ValueError(f"transition of shape {np.shape(transition)} does not fit {k} names")
    matrix = checked_transition(given)
    if start is None:
        return -1, stationary(matrix), matrix
    if isinstance(start, str):
        if start not in names:
            raise ValueError(f"start {start!r} is not one of {', '.join(names)}")
        root = list(names).index(start)
        return root, matrix[root], matrix
    first = np.asarray(start, dtype=np.float64)
    if first.shape != (k,) or first.min() < 0.0 or abs(first.sum() - 1.0) > 1e-9:
        raise ValueError(f"start must be a name or {k} probabilities that sum to 1, got {start}")
    return -1, first / first.sum(), matrix


@dataclass(frozen=True)
class NamedFuture:
    """One future by name, and where it parts from another.

    It is the same as the future `parts_from` before `at_quarter` and itself from then on; exactly one
    future of a tree parts from none.
    """

    name: str
    probability: float
    parts_from: str | None = None
    at_quarter: int = 0


def from_named_futures(quarters: int, futures: Sequence[NamedFuture]) -> ScenarioTree:
    """Tree with one leaf for each named future.

    Args: quarters T; futures with probabilities that sum to 1 (1e-9). A node's label is the future it is
    known as at that quarter: before parting, the one it parts from. Leaves come in the order of the first
    future's family tree (`tree.names[tree.label[tree.leaves]]` names them). Raises ValueError, all problems
    at once, for unknown or circular parting, a quarter outside 1..T-1, or probabilities that do not sum to
    1.
    """
    index = {future.name: i for i, future in enumerate(futures)}
    _check_futures(quarters, futures, index)
    owner = np.empty((len(futures), quarters), dtype=np.int64)
    for i, future in enumerate(futures):
        for q in range(quarters):
            current = future
            while current.parts_from is not None and q < current.at_quarter:
                current = futures[index[current.parts_from]]
            owner[i, q] = index[current.name]
    order = np.lexsort(owner.T[::-1])
    probability = np.array([future.probability for future in futures])
    return from_groups(owner[order], probability[order], owner[order], [future.name for future in futures])


def _check_futures(quarters: int, futures: Sequence[NamedFuture], index: dict[str, int]) -> None:
    problems = []
    if len(index) != len(futures):
        problems.append("names must differ")
    if sum(future.parts_from is None for future in futures) != 1:
        problems.append("exactly one future must part from none")
    total = sum(future.probability for future in futures)
    if any(future.probability < 0.0 for future in futures) or abs(total - 1.0) > 1e-9:
        problems.append(f"probabilities must be >= 0 and sum to 1, they sum to {total:g}")
    for future in futures:
        if future.parts_from is None:
            continue
        if future.parts_from not in index:
            problems.append(f"{future.name} parts from unknown {future.parts_from!r}")
        if not 1 <= future.at_quarter < quarters:
            problems.append(f"{future.name} must part within quarters 1..{quarters - 1}, not {future.at_quarter}")
    if not problems:
        for future in futures:
            seen, current = {future.name}, future
            while current.parts_from is not None:
                current = futures[index[current.parts_from]]
                if current.name in seen:
                    problems.append(f"{future.name} parts from itself in a circle")
                    break
                seen.add(current.name)
    if problems:
        raise ValueError("futures do not make a tree: " + "; ".join(problems))
