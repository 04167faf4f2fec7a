"""Risk: delays, the base study reproduced, responses that do not see the future, flips."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiban.results import Tree
from kiban.risk.drivers import Shock, base_shock
from kiban.risk.evaluate import follow_tree, live_share, short_form_gap, value
from kiban.risk.exposure import Exposure, Market

QUARTERS = 6
TREE = Tree(
    quarters=tuple(f"q{i}" for i in range(QUARTERS)),
    node_parent=np.array([-1, 0, 1, 1, 2, 3, 4, 5, 6, 7]),
    node_quarter=np.array([0, 1, 2, 2, 3, 3, 4, 4, 5, 5]),
    node_probability=np.array([1.0, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]),
    node_future=("", "", "up", "down", "up", "down", "up", "down", "up", "down"),
)
PATH = np.array([[0, 1, 2, 4, 6, 8], [0, 1, 3, 5, 7, 9]])


def market() -> Market:
    grow = np.stack([np.array([1, 1, 2, 3, 4, 5.0]), np.array([1, 1, 0.9, 0.8, 0.7, 0.6])])
    ones = np.ones((2, QUARTERS))
    return Market(grow * 10, grow * 5, ones, ones * 2, grow, 0.98 ** np.arange(QUARTERS), np.arange(QUARTERS) / 4)


def exposure() -> Exposure:
    ones = np.ones((2, QUARTERS))
    groups = np.stack([ones * 8, ones * 0, ones * 4, ones * 0], axis=1)
    return Exposure(
        name="plan",
        tok=groups,
        flop=groups * 0.5,
        hall_live_mw=np.array([[1.0, 1, 2, 2, 4, 4], [1.0, 1, 1, 1, 1, 1]]),
        fixed_usd=ones,
        delayed_usd=ones,
        energy_usd=ones * 0.5,
        silicon_usd=ones,
        rent_usd=ones,
        base_use_frac=ones,
        base_npv_usd=np.array([30.0, 12.0]),
        gpu_h=ones,
        used_gpu_h=ones,
    )


def test_base_study_is_reproduced_exactly() -> None:
    leaves = np.arange(2)
    found = value(exposure(), market(), leaves, leaves, base_shock(2))
    assert found.npv_usd == pytest.approx([30.0, 12.0])
    assert np.isfinite(short_form_gap(exposure(), market())).all()


def test_live_share_moves_new_halls_only() -> None:
    share = live_share(exposure().hall_live_mw, np.array([1.0, 1.0]))
    assert share[0].tolist() == [1, 1, 0.5, 1, 0.5, 1]
    assert share[1].tolist() == [1] * 6
    half = live_share(exposure().hall_live_mw[:1], np.array([0.5]))
    assert half[0, 2] == pytest.approx(0.75)


@given(st.floats(0, 12))
def test_delay_never_adds_capacity(delay: float) -> None:
    share = live_share(exposure().hall_live_mw, np.array([delay, delay]))
    assert (share <= 1 + 1e-12).all()
    assert (share >= 0).all()


@pytest.mark.parametrize(
    ("field", "factor", "sign"),
    [
        ("gpu_price_factor", 1.5, -1),
        ("power_price_factor", 2.0, -1),
        ("token_price_factor", 0.5, -1),
        ("revenue_factor", 0.5, -1),
    ],
)
def test_drivers_push_the_right_way(field: str, factor: float, sign: int) -> None:
    leaf = np.array([1])
    base = value(exposure(), market(), leaf, leaf, base_shock()).npv_usd[0]
    moved: Shock = replace(base_shock(), **{field: np.array([factor])})
    assert np.sign(value(exposure(), market(), leaf, leaf, moved).npv_usd[0] - base) == sign


def test_followed_leaf_is_the_nearest_revenue_and_not_the_truth() -> None:
    world = np.array([0, 1, 0])
    shock = base_shock(3)
    assert follow_tree(TREE, PATH, market(), world, shock).tolist() == [0, 1, 0]
    weak = replace(base_shock(3), revenue_factor=np.array([0.2, 1.0, 1.0]))
    assert follow_tree(TREE, PATH, market(), world, weak).tolist() == [1, 1, 0]
