"""Sensitivity estimators on functions whose indices are known in closed form."""

import numpy as np
import pytest
from scipy import stats

from kiban.uncertainty import (
    first_order_from_sample,
    partial_rank_correlation,
    rank_correlation,
    saltelli_sample,
    sobol,
    sobol_indices,
    tornado,
)

# Ishigami and Homma 1990 with a = 7, b = 0.1: V = a^2/8 + b pi^4/5 + b^2 pi^8/18 + 1/2.
ISHIGAMI_FIRST = [0.313905191147811, 0.442411144790041, 0.0]
ISHIGAMI_TOTAL = [0.557588855209959, 0.442411144790041, 0.243683664062148]
ISHIGAMI_VARIANCE = 13.844587940719254


def ishigami(u):
    x = np.pi * (2.0 * u - 1.0)
    return np.sin(x[..., 0]) + 7.0 * np.sin(x[..., 1]) ** 2 + 0.1 * x[..., 2] ** 4 * np.sin(x[..., 0])


def test_sobol_indices_of_ishigami():
    a, b, ab = saltelli_sample(32768, 3, seed=1)
    found = sobol_indices(ishigami(a), ishigami(b), ishigami(ab))
    assert found.first == pytest.approx(ISHIGAMI_FIRST, abs=2e-3)
    assert found.total == pytest.approx(ISHIGAMI_TOTAL, abs=2e-3)
    assert found.variance == pytest.approx(ISHIGAMI_VARIANCE, rel=1e-3)


def test_given_data_estimator_on_ishigami():
    u = sobol(8192, 4, seed=2)
    found = first_order_from_sample(u, ishigami(u), bins=32)
    assert found == pytest.approx([*ISHIGAMI_FIRST, 0.0], abs=0.02)


def test_given_data_estimator_is_not_fooled_by_chance():
    rng = np.random.default_rng(1)
    estimates = [first_order_from_sample(rng.random(300), rng.random(300), bins=20)[0] for _ in range(200)]
    assert np.mean(estimates) == pytest.approx(0.0, abs=0.01)


def test_given_data_estimator_on_a_discrete_input():
    # y = x + e with Var x = 1/4 on {0, 1} and Var e = 1/12: the share is 3/4 whatever the number of bins.
    u = sobol(4096, 2, seed=3)
    x = (u[:, 0] > 0.5) * 1.0
    assert first_order_from_sample(x, x + u[:, 1], bins=25) == pytest.approx([0.75], abs=0.01)


def test_saltelli_sample_swaps_one_column_each():
    a, b, ab = saltelli_sample(16, 3, seed=1)
    for i in range(3):
        for j in range(3):
            assert (ab[i, :, j] == (b if i == j else a)[:, j]).all()


def test_linear_model_has_first_equal_to_total():
    a, b, ab = saltelli_sample(4096, 3, seed=4)
    slope = np.array([1.0, 2.0, 3.0])
    found = sobol_indices(a @ slope, b @ slope, ab @ slope)
    assert found.first == pytest.approx(slope**2 / 14.0, abs=0.005)
    assert found.total == pytest.approx(slope**2 / 14.0, abs=0.005)


def test_rank_correlation_is_spearman_with_ties():
    rng = np.random.default_rng(5)
    x = rng.integers(0, 6, size=(200, 2)).astype(float)
    y = x[:, 0] + rng.normal(size=200)
    judge = [stats.spearmanr(x[:, j], y)[0] for j in range(2)]
    assert rank_correlation(x, y) == pytest.approx(judge)


def test_partial_rank_correlation_takes_the_others_out():
    rng = np.random.default_rng(6)
    common = rng.normal(size=2000)
    x = np.column_stack([common, common + rng.normal(size=2000), np.ones(2000)])
    y = common + 0.5 * rng.normal(size=2000)
    assert rank_correlation(x, y)[1] > 0.5
    found = partial_rank_correlation(x, y)
    # By hand: correlate what regression on the other input leaves over.
    ranks = np.column_stack([stats.rankdata(v) for v in (x[:, 0], x[:, 1], y)])
    other = np.column_stack([np.ones(2000), ranks[:, 0]])
    left = [v - other @ np.linalg.lstsq(other, v, rcond=None)[0] for v in (ranks[:, 1], ranks[:, 2])]
    assert found[1] == pytest.approx(np.corrcoef(*left)[0, 1], abs=1e-10)
    assert abs(found[1]) < 0.06 and found[0] > 0.7 and found[2] == 0.0
    with pytest.raises(ValueError, match="dependent"):
        partial_rank_correlation(x[:, [0, 0]], y)


def test_constants_drive_nothing():
    x, y = np.column_stack([np.ones(50), np.arange(50.0)]), np.arange(50.0)
    assert rank_correlation(x, y) == pytest.approx([0.0, 1.0])
    assert first_order_from_sample(x, np.ones(50)).tolist() == [0.0, 0.0]
    assert sobol_indices(np.ones(8), np.ones(8), np.ones((2, 8))).total.tolist() == [0.0, 0.0]


def test_failed_runs_are_refused():
    with pytest.raises(ValueError, match="finite"):
        rank_correlation([[1.0], [2.0]], [1.0, np.nan])


def test_tornado_orders_by_width_and_skips_ends_at_the_base():
    calls = []

    def f(x):
        calls.append(x.copy())
        return x[0] + 10.0 * x[1] + x[2] ** 2

    found = tornado(f, [0.0, 0.5, -3.0, 1.0], [1.0, 1.0, 0.0, 1.0], [2.0, 1.0, 2.0, 1.0])
    assert found.base == 11.0
    assert found.at_low.tolist() == [10.0, 6.0, 20.0, 11.0]
    assert found.at_high.tolist() == [12.0, 11.0, 15.0, 11.0]
    # Both ends of the third input raise the output: its bar runs from the base to the higher end.
    assert found.swing.tolist() == [2.0, 5.0, 9.0, 0.0]
    assert found.order.tolist() == [2, 1, 0, 3]
    assert len(calls) == 1 + 5
