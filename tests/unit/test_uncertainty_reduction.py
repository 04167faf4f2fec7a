"""Reduction of sampled paths: known clusters are found, the stated distance is the measured one."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from kiban.uncertainty import ou_paths, reduce_paths, sobol


@pytest.fixture(scope="module")
def samples():
    first = ou_paths(sobol(1024, 11, seed=1), 0.5, 0.4, 0.3, 12)
    second = 50.0 + 10.0 * ou_paths(sobol(1024, 11, seed=2), 0.2, 0.3, 0.0, 12)
    return np.stack([first, second], axis=2)


def test_separate_bundles_are_found_with_their_probabilities():
    rng = np.random.default_rng(3)
    level = np.repeat([0.0, 10.0, 30.0], [50, 30, 20])
    ramp = np.r_[0.0, np.ones(7)]
    paths = level[:, None] * ramp + 0.01 * rng.normal(size=(100, 8))
    reduced = reduce_paths(paths, 3, seed=1)
    assert reduced.tree.leaf_probability == pytest.approx([0.5, 0.3, 0.2])
    ends = reduced.values[reduced.tree.leaves, 0]
    assert ends == pytest.approx([0.0, 10.0, 30.0], abs=0.01)
    assert (reduced.leaf == np.repeat([0, 1, 2], [50, 30, 20])).all()
    assert reduced.explained_frac > 0.9999


def test_same_seed_same_tree(samples):
    one, two = (reduce_paths(samples, 9, seed=5, branch_quarters=[3, 7]) for _ in range(2))
    assert (one.values == two.values).all() and (one.leaf == two.leaf).all()
    assert one.tree.n_nodes == 3 + 4 * 3 + 5 * 9


def test_more_leaves_lie_closer_and_means_survive(samples):
    distances = []
    for n_leaves in (1, 2, 8, 64):
        reduced = reduce_paths(samples, n_leaves, seed=5)
        distances.append(reduced.distance)
        assert reduced.tree.expectation(reduced.values) == pytest.approx(samples.mean(axis=0))
    assert distances == sorted(distances, reverse=True)
    assert reduce_paths(samples, 1, seed=5).explained_frac == pytest.approx(0.0, abs=1e-12)


def test_distance_is_an_upper_bound_on_wasserstein(samples):
    few = samples[:64]
    reduced = reduce_paths(few, 4, seed=2)
    std = few.std(axis=(0, 1))
    flat = (few / std).reshape(64, -1)
    # The tree's measure as 64 equal points, so that optimal transport is an assignment.
    tree_points = (reduced.tree.on_paths(reduced.values) / std).reshape(4, -1)[reduced.leaf]
    cost = ((flat[:, None] - tree_points[None]) ** 2).mean(axis=2)
    rows, columns = linear_sum_assignment(cost)
    wasserstein = np.sqrt(cost[rows, columns].mean())
    assert wasserstein <= reduced.distance + 1e-12
    assert reduced.distance == pytest.approx(np.sqrt(np.diag(cost).mean()))


def test_a_node_knows_nothing_beyond_its_stretch(samples):
    changed = samples.copy()
    changed[:, 7:] = changed[::-1, 7:]
    nodes = [
        (reduced.tree.paths[reduced.leaf][:, :7], reduced.values)
        for reduced in (reduce_paths(s, 9, seed=5, branch_quarters=[3, 7]) for s in (samples, changed))
    ]
    assert (nodes[0][0] == nodes[1][0]).all()


def test_fewer_distinct_paths_than_leaves_and_bad_counts():
    paths = np.array([[0.0, 1.0, 1.0], [0.0, 1.0, 1.0], [0.0, 2.0, 2.0]])
    reduced = reduce_paths(paths, 5, seed=1)
    assert reduced.tree.n_leaves == 2 and reduced.distance == pytest.approx(0.0)
    with pytest.raises(ValueError, match="do not split"):
        reduce_paths(np.zeros((4, 6)), 10, seed=1, branch_quarters=[2, 4])
    with pytest.raises(ValueError, match="finite"):
        reduce_paths(np.full((4, 6), np.nan), 2, seed=1)
    with pytest.raises(ValueError, match="branch quarters"):
        reduce_paths(np.zeros((4, 6)), 2, seed=1, branch_quarters=[6])
