"""Scenario trees: properties that hold for every tree, and small ones counted by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.uncertainty import (
    NamedFuture,
    ScenarioTree,
    from_branching,
    from_groups,
    from_named_futures,
    node_matrix_from_paths,
    node_means_from_paths,
)

NAMES = ["boom", "plateau", "bust"]
MATRIX = [[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.05, 0.25, 0.7]]


@st.composite
def trees(draw):
    quarters = draw(st.integers(1, 14))
    stages = draw(st.sets(st.integers(1, max(quarters - 1, 1)), max_size=3)) if quarters > 1 else set()
    k = draw(st.integers(1, 3))
    rows = draw(st.lists(st.lists(st.integers(0, 9), min_size=k, max_size=k), min_size=k, max_size=k))
    matrix = np.array(rows, dtype=float) + np.eye(k)
    matrix /= matrix.sum(axis=1, keepdims=True)
    return from_branching(quarters, sorted(stages), NAMES[:k], matrix, start=NAMES[draw(st.integers(0, k - 1))])


@given(trees())
@settings(max_examples=80, deadline=None)
def test_properties_of_every_tree(tree):
    ids = np.arange(tree.n_nodes)
    assert (tree.parent < ids).all()
    assert np.bincount(tree.quarter, weights=tree.probability) == pytest.approx(1.0, abs=1e-12)
    assert (np.lexsort((tree.branch, tree.quarter)) == ids).all()
    assert tree.paths.shape == (tree.n_leaves, tree.quarters)
    assert (tree.quarter[tree.paths] == np.arange(tree.quarters)).all()
    assert set(tree.paths.ravel().tolist()) == set(ids.tolist())
    assert tree.leaf_probability.sum() == pytest.approx(1.0, abs=1e-12)
    for leaf in range(tree.n_leaves):
        path = tree.path(leaf)
        assert (tree.parent[path[1:]] == path[:-1]).all()
        assert tree.leaf_of_path(path) == leaf
        assert np.prod(tree.conditional_probability[path]) == pytest.approx(tree.leaf_probability[leaf], abs=1e-12)
    assert sum(len(tree.children(n)) for n in ids) == tree.n_nodes - 1


@given(trees(), st.integers(0, 20), st.data())
@settings(max_examples=60, deadline=None)
def test_ancestor_is_the_parent_walked_k_times(tree, k, data):
    node = data.draw(st.integers(0, tree.n_nodes - 1))
    walked = node
    for _ in range(k):
        walked = int(tree.parent[walked]) if walked >= 0 else -1
    assert int(tree.ancestor(node, k)) == walked
    everything = tree.ancestor(np.arange(tree.n_nodes)[:, None], np.array([0, k]))
    assert everything.shape == (tree.n_nodes, 2) and everything[node].tolist() == [node, walked]


@given(trees(), st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_values_go_to_paths_and_back(tree, seed):
    values = np.random.default_rng(seed).normal(size=(tree.n_nodes, 2))
    along = tree.on_paths(values)
    assert (node_matrix_from_paths(tree, along) == values).all()
    assert node_means_from_paths(tree, along) == pytest.approx(values)
    expected = (tree.leaf_probability[:, None, None] * along).sum(axis=0)
    assert tree.expectation(values) == pytest.approx(expected)


def test_two_branchings_of_three_counted_by_hand():
    tree = from_branching(20, [4, 12], NAMES, [0.3, 0.5, 0.2])
    assert tree.n_nodes == 4 * 1 + 8 * 3 + 8 * 9
    assert tree.n_leaves == 9 and tree.quarters == 20
    assert tree.leaf_probability == pytest.approx(np.outer([0.3, 0.5, 0.2], [0.3, 0.5, 0.2]).ravel())
    assert tree.node_name(0) == "" and tree.node_name(4) == "boom"
    assert tree.history(2) == ("boom", "bust") and tree.history(4) == ("plateau", "plateau")
    assert tree.children(3).tolist() == [4, 5, 6]
    assert tree.leaves_below(5).tolist() == [3, 4, 5]
    assert tree.nodes_at(4).tolist() == [4, 5, 6]


def test_a_matrix_carries_the_branch_over_and_its_start():
    tree = from_branching(3, [1, 2], NAMES, MATRIX, start="boom")
    joint = np.array(MATRIX[0])[:, None] * np.array(MATRIX)
    assert tree.leaf_probability == pytest.approx(joint.ravel())
    assert tree.history(0) == ("boom", "boom", "boom")
    long_run = from_branching(2, [1], NAMES, MATRIX).leaf_probability
    assert long_run @ np.array(MATRIX) == pytest.approx(long_run)
    given_start = from_branching(2, [1], NAMES, MATRIX, start=[0.1, 0.2, 0.7]).leaf_probability
    assert given_start == pytest.approx([0.1, 0.2, 0.7])


def test_impossible_branches_are_left_out():
    tree = from_branching(6, [2, 4], NAMES, [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [0.0, 0.0, 1.0]], start="boom")
    assert [tree.history(leaf)[1:] for leaf in range(tree.n_leaves)] == [
        ("boom", "boom"),
        ("boom", "plateau"),
        ("plateau", "plateau"),
        ("plateau", "bust"),
    ]
    assert tree.leaf_probability == pytest.approx(0.25)


def test_named_futures_part_where_they_say():
    tree = from_named_futures(
        10,
        [
            NamedFuture("bust", 0.2, "boom", 6),
            NamedFuture("steady", 0.5),
            NamedFuture("boom", 0.3, "steady", 3),
        ],
    )
    names = [tree.node_name(int(n)) for n in tree.leaves]
    assert sorted(names) == ["boom", "bust", "steady"]
    probability = dict(zip(names, tree.leaf_probability.tolist(), strict=True))
    assert probability == pytest.approx({"steady": 0.5, "boom": 0.3, "bust": 0.2})
    paths = {name: tree.path(i) for i, name in enumerate(names)}
    assert (paths["boom"] == paths["bust"]).tolist() == [True] * 6 + [False] * 4
    assert (paths["boom"] == paths["steady"]).tolist() == [True] * 3 + [False] * 7
    assert tree.probability[paths["boom"][5]] == pytest.approx(0.5)
    assert tree.history(names.index("bust")) == ("steady", "boom", "bust")


def test_bad_futures_are_all_named_at_once():
    futures = [NamedFuture("a", 0.5), NamedFuture("b", 0.6, "x", 2), NamedFuture("c", 0.1, "a", 9)]
    with pytest.raises(ValueError, match="sum to 1") as caught:
        from_named_futures(4, futures)
    assert "unknown 'x'" in str(caught.value) and "within quarters 1..3" in str(caught.value)
    circle = [NamedFuture("a", 0.5), NamedFuture("b", 0.3, "c", 2), NamedFuture("c", 0.2, "b", 3)]
    with pytest.raises(ValueError, match="circle"):
        from_named_futures(4, circle)


def test_values_that_know_the_future_are_refused():
    tree = from_branching(4, [2], ["up", "down"], [0.5, 0.5])
    with pytest.raises(ValueError, match="path 0 differs in quarter 1"):
        node_matrix_from_paths(tree, [[1.0, 2.0, 3.0, 4.0], [1.0, 2.5, 3.0, 4.0]])
    means = node_means_from_paths(tree, [[1.0, 2.0, 3.0, 4.0], [1.0, 2.5, 5.0, 4.0]])
    assert means.tolist() == [1.0, 2.25, 3.0, 5.0, 4.0, 4.0]
    with pytest.raises(ValueError, match="do not fit"):
        node_matrix_from_paths(tree, np.zeros((3, 4)))


def test_broken_trees_are_refused():
    good = {"parent": [-1, 0, 0], "quarter": [0, 1, 1], "branch": [0, 0, 1], "label": [-1, -1, -1]}
    ScenarioTree(**good, probability=[1.0, 0.5, 0.5])
    with pytest.raises(ValueError, match="quarter 1 sum to"):
        ScenarioTree(**good, probability=[1.0, 0.5, 0.5 + 1e-9])
    with pytest.raises(ValueError, match="precede"):
        ScenarioTree(**{**good, "parent": [-1, 2, 0]}, probability=[1.0, 0.5, 0.5])
    with pytest.raises(ValueError, match="last quarter"):
        ScenarioTree([-1, 0, 0, 1], [0, 1, 1, 2], [1.0, 0.5, 0.5, 1.0], [0, 0, 1, 0], [-1] * 4)
    with pytest.raises(ValueError, match="branch must count"):
        ScenarioTree(**{**good, "branch": [0, 1, 0]}, probability=[1.0, 0.5, 0.5])
    with pytest.raises(ValueError, match="sum of its children"):
        ScenarioTree([-1, 0, 0, 1, 2], [0, 1, 1, 2, 2], [1.0, 0.5, 0.5, 0.4, 0.6], [0, 0, 1, 0, 1], [-1] * 5)
    with pytest.raises(ValueError, match="labels must index"):
        ScenarioTree(**{**good, "label": [0, -1, -1]}, probability=[1.0, 0.5, 0.5])
    with pytest.raises(ValueError, match="branch quarters"):
        from_branching(4, [4], NAMES, [0.2, 0.3, 0.5])
    with pytest.raises(ValueError, match="adjacent"):
        from_groups([[0, 0, 0], [0, 1, 1], [0, 0, 2]], [1, 1, 1], np.full((3, 3), -1), ())


def test_arrays_of_a_tree_cannot_be_changed():
    tree = from_branching(4, [2], ["up", "down"], [0.5, 0.5])
    with pytest.raises(ValueError, match="read-only"):
        tree.probability[0] = 0.3
