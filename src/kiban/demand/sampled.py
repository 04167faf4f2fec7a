"""A tree from sampled paths: named futures as regimes, with noise on revenue, token price and rent around them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kiban.demand.model import EARLY_QUARTERS, MIDDLE_QUARTERS
from kiban.scenario import Scenario
from kiban.uncertainty import ScenarioTree, ou_paths, reduce_paths, sobol

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

NOISE_COLUMNS = 6
"""Principal components that carry the noise of one variable; its spread in each quarter stays exact."""
RANKS = {2: ("low", "high"), 3: ("low", "middle", "high")}


@dataclass(frozen=True)
class SampledTree:
    """A reduced tree and what each node expects of the paths through it, (N,)."""

    tree: ScenarioTree
    revenue_multiple: Array
    """Revenue against the start."""
    token_price_multiple: Array
    rent_factor: Array
    distance: float
    """Root mean square distance of samples from the tree, per quarter and variable, in standard deviations of logs."""
    explained_frac: float
    samples: int


def sampled_tree(scenario: Scenario, transition: Array, rent_reversion_per_year: float) -> SampledTree:
    """Sample paths of log revenue, token price and rent, and reduce them to a tree of the scenario's branchings.

    A path draws a named future at each branching with the chances of the named tree; around its growth, price change
    and rent level it carries noise: Brownian on log revenue and log price, Ornstein-Uhlenbeck on log rent. Args:
    scenario with ``futures.sampled``; transition (F, F) between futures at a branching; reversion of the rent.
    Equations: ln R_t = sum ln g / 4 + s_R W_t, ln P_t likewise, ln S_t = OU with the future's level as its mean.
    Source: ``uncertainty.paths`` and ``uncertainty.reduction``.
    """
    part, futures = scenario.futures.sampled, scenario.futures
    if part is None:
        raise ValueError("the scenario asks for no sampled tree")
    quarters, stages = scenario.horizon.length_quarters, len(futures.branch_quarters)
    u = sobol(part.samples_count, stages + 3 * NOISE_COLUMNS, scenario.risk.seed)
    label = _labels(u[:, :stages], transition, np.asarray(futures.probability), futures.branch_quarters, quarters)

    def noise(which: int, reversion_per_year: float, vol: float) -> Array:
        first = stages + which * NOISE_COLUMNS
        columns = u[:, first : first + NOISE_COLUMNS]
        return ou_paths(columns, reversion_per_year, vol, 0.0, quarters, "principal")

    growth, change, level = _tables(scenario)
    phase = np.searchsorted([EARLY_QUARTERS, MIDDLE_QUARTERS], np.arange(quarters), side="right")
    revenue = _cumulated(np.log(growth)[label, phase]) + noise(0, 0.0, part.growth_vol_per_sqrt_year)
    price = _cumulated(np.log(change)[label]) + noise(1, 0.0, part.token_price_vol_per_sqrt_year)
    rent = _reverting(np.log(level)[label], rent_reversion_per_year)
    rent = rent + noise(2, rent_reversion_per_year, part.rent_vol_per_sqrt_year)
    logs = np.stack([revenue, price, rent], axis=2)
    count = part.branches_count
    reduced = reduce_paths(logs, count**stages, scenario.risk.seed, futures.branch_quarters)
    tree = _named(reduced.tree, count)
    means = _means(tree, np.exp(logs), reduced.leaf)
    return SampledTree(
        tree, means[:, 0], means[:, 1], means[:, 2], reduced.distance, reduced.explained_frac, part.samples_count
    )


def _labels(u: Array, transition: Array, start: Array, branch_quarters: list[int], quarters: int) -> IntArray:
    """(n, T) future in force on each path; -1 before the first branching."""
    label = np.full((len(u), quarters), -1, dtype=np.int64)
    now = np.zeros(len(u), dtype=np.int64)
    for stage, quarter in enumerate(branch_quarters):
        chance = np.broadcast_to(start, (len(u), len(start))) if stage == 0 else transition[now]
        now = (u[:, [stage]] > np.cumsum(chance, axis=1)[:, :-1]).sum(axis=1)
        label[:, quarter:] = now[:, None]
    return label


def _tables(scenario: Scenario) -> tuple[Array, Array, Array]:
    """Growth (F + 1, 3), price multiple and rent level (F + 1,); the last row is the mean before the futures part."""
    futures = scenario.futures
    chance = np.asarray(futures.probability)

    def with_mean(by_future: Array) -> Array:
        return np.concatenate([by_future, np.exp(chance @ np.log(by_future))[None]])

    return (
        with_mean(np.asarray(futures.revenue_growth_per_year, dtype=np.float64)),
        with_mean(1 + np.asarray(futures.token_price_change_per_year, dtype=np.float64)),
        with_mean(np.asarray(futures.rent_factor, dtype=np.float64)),
    )


def _cumulated(log_per_year: Array) -> Array:
    """Log level along each path, 0 in the first quarter."""
    out = np.cumsum(log_per_year / 4, axis=1)
    return np.asarray(out - out[:, :1])


def _reverting(target: Array, reversion_per_year: float) -> Array:
    """Mean of the log rent along each path, from 0: ``model.reverting_level`` on paths."""
    keep = np.exp(-reversion_per_year / 4)
    out = np.zeros_like(target)
    for t in range(1, target.shape[1]):
        out[:, t] = target[:, t] + (out[:, t - 1] - target[:, t]) * keep
    return out


def _named(tree: ScenarioTree, count: int) -> ScenarioTree:
    """Name each child by its rank among its siblings, from low to high."""
    names = RANKS.get(count, tuple(str(k + 1) for k in range(count)))
    label = np.full(tree.n_nodes, -1, dtype=np.int64)
    children = np.bincount(tree.parent[1:], minlength=tree.n_nodes)
    seen: dict[int, int] = {}
    for node in range(1, tree.n_nodes):
        above = int(tree.parent[node])
        rank = seen.get(above, 0)
        seen[above] = rank + 1
        label[node] = rank if children[above] > 1 else label[above]
    return replace(tree, label=label, names=names)


def _means(tree: ScenarioTree, levels: Array, leaf: IntArray) -> Array:
    """(N, 3) mean level of the samples through each node."""
    nodes = tree.paths[leaf]
    total = np.zeros((tree.n_nodes, levels.shape[2]))
    np.add.at(total, nodes, levels)
    return np.asarray(total / np.bincount(nodes.ravel(), minlength=tree.n_nodes)[:, None])
