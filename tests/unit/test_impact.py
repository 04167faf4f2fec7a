"""Impact: job kernels, money conservation, claims."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiban.impact import model


def test_construction_job_years_are_conserved() -> None:
    start = np.zeros((20, 1))
    start[3, 0] = 100.0
    jobs = model.construction_jobs(start, np.array([12.0]), np.array([6]), np.zeros((20, 1)))
    assert jobs.sum() / 4 == pytest.approx(100 * 12)
    assert jobs[3:9, 0] == pytest.approx(np.full(6, 800.0))
    assert jobs[9:, 0] == pytest.approx(np.zeros(11))


def test_committed_halls_are_built_before_they_go_live() -> None:
    committed = np.zeros((12, 1))
    committed[6:, 0] = 50.0
    jobs = model.construction_jobs(np.zeros((12, 1)), np.array([8.0]), np.array([4]), committed)
    assert jobs[2:6, 0] == pytest.approx(np.full(4, 400.0))
    assert jobs[6:, 0] == pytest.approx(np.zeros(6))


def test_draw_is_linear_in_accelerators() -> None:
    mw = model.it_draw_mw(np.array([1000.0]), np.array([500.0]), np.array([2.0]), np.array([0.8]), np.array([0.5]))
    assert mw == pytest.approx((1000 * 0.8 + 500 * 0.5) * 2 / 1e3)


@given(st.lists(st.floats(0.01, 0.4), min_size=1, max_size=2), st.floats(1, 1e12))
def test_split_keeps_the_total(shares: list[float], total: float) -> None:
    parts = model.split(total, {f"p{i}": s for i, s in enumerate(shares)})
    assert sum(parts.values()) == pytest.approx(total)


def test_split_refuses_more_than_everything() -> None:
    with pytest.raises(ValueError, match="at most 1"):
        model.split(1.0, {"a": 0.7, "b": 0.5})


def test_money_residual_finds_a_leak() -> None:
    whole = [("programme", "a", 10.0), ("a", "b", 6.0), ("a", "c", 4.0)]
    assert model.money_residual(whole, "programme") == 0.0
    assert model.money_residual([*whole[:2], ("a", "c", 3.0)], "programme") == pytest.approx(0.1)


def test_expectation_by_quarter() -> None:
    values = np.array([[1.0], [2.0], [4.0]])
    out = model.expected_by_quarter(values, np.array([1.0, 0.25, 0.75]), np.array([0, 1, 1]), 2)
    assert out[:, 0].tolist() == [1.0, 3.5]
