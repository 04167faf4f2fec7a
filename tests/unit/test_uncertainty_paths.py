"""Processes on quarters against their closed-form moments."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.uncertainty import (
    ar1_paths,
    ou_moments,
    ou_paths,
    quarter_times_years,
    regime_paths,
    regime_probabilities,
    sobol,
    stationary,
    trend_times_scarcity,
    trend_times_scarcity_moments,
)
from kiban.uncertainty.paths import ar1_covariance, bridge_order, gaussian_factor, gaussian_paths, ou_step

CONSTRUCTIONS = ["sequential", "bridge", "principal"]


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_ou_paths_have_the_exact_moments(construction):
    quarters, k, s, start = 21, 0.8, 0.5, 0.9
    x = ou_paths(sobol(8192, quarters - 1, seed=1), k, s, start, quarters, construction)
    times = quarter_times_years(quarters)
    mean, variance = ou_moments(k, s, start, times)
    assert (x[:, 0] == start).all()
    assert x.mean(axis=0) == pytest.approx(mean, abs=2e-3)
    assert x.var(axis=0) == pytest.approx(variance, rel=0.02)
    # Cov(X_s, X_t) = s^2/(2k) (exp(-k (t - s)) - exp(-k (t + s)))
    exact = s**2 / (2 * k) * (np.exp(-k * (times[20] - times[8])) - np.exp(-k * (times[20] + times[8])))
    assert np.cov(x[:, 8], x[:, 20])[0, 1] == pytest.approx(exact, abs=0.004)


def test_ou_without_reversion_is_brownian_motion_and_limits_agree():
    assert ou_step(0.0, 0.3) == pytest.approx((1.0, 0.3 * 0.5))
    assert ou_step(1e-9, 0.3) == pytest.approx(ou_step(0.0, 0.3), rel=1e-8)
    assert ou_moments(0.0, 0.3, 1.0, [4.0])[1] == pytest.approx(0.09 * 4.0)
    assert ou_moments(2.0, 0.3, 1.0, [1e3])[1] == pytest.approx(0.09 / 4.0)


def test_ou_steps_compose():
    # Two quarters in one step or in two: the exact discretisation does not care.
    phi, std = ou_step(0.7, 0.4, 0.25)
    phi2, std2 = ou_step(0.7, 0.4, 0.5)
    assert phi2 == pytest.approx(phi**2)
    assert std2**2 == pytest.approx(std**2 * (1 + phi**2))


def test_ar1_recursion_by_hand():
    from scipy.special import ndtri

    u = sobol(16, 5, seed=3)
    x = ar1_paths(u, 0.6, 0.2, 1.0, 6)
    by_hand = np.ones(16)
    for t in range(1, 6):
        by_hand = 0.6 * by_hand + 0.2 * ndtri(u[:, t - 1])
        assert x[:, t] == pytest.approx(by_hand)


@given(st.floats(-1.0, 1.0), st.integers(1, 30), st.sampled_from(CONSTRUCTIONS))
@settings(max_examples=60, deadline=None)
def test_every_construction_reproduces_the_covariance(phi, steps, construction):
    covariance = ar1_covariance(phi, 0.3, steps)
    factor = gaussian_factor(covariance, construction)
    assert factor @ factor.T == pytest.approx(covariance, abs=1e-10)


def test_bridge_fixes_the_end_first_and_every_time_once():
    assert bridge_order(7).tolist() == [6, 2, 0, 4, 1, 3, 5]
    assert sorted(bridge_order(40).tolist()) == list(range(40))
    # Brownian motion: with the end fixed, the first column is the straight line t/T of the end value.
    factor = gaussian_factor(ar1_covariance(1.0, 1.0, 8), "bridge")
    assert factor[:, 0] == pytest.approx(np.arange(1, 9) / np.sqrt(8.0))


@pytest.mark.parametrize("construction", ["bridge", "principal"])
@pytest.mark.parametrize("columns", [1, 2, 4])
def test_few_columns_keep_the_distribution_at_each_quarter(construction, columns):
    quarters, k, s, start = 40, 0.5, 0.6, -0.4
    x = ou_paths(sobol(4096, columns, seed=2), k, s, start, quarters, construction)
    mean, variance = ou_moments(k, s, start, quarter_times_years(quarters))
    assert x.mean(axis=0) == pytest.approx(mean, abs=3e-3)
    assert x.var(axis=0) == pytest.approx(variance, rel=0.02)


def test_three_columns_carry_most_of_a_brownian_path():
    covariance = ar1_covariance(1.0, 1.0, 40)
    leading = {c: (gaussian_factor(covariance, c)[:, :3] ** 2).sum() for c in CONSTRUCTIONS}
    total = np.trace(covariance)
    assert leading["principal"] > leading["bridge"] > leading["sequential"]
    assert leading["principal"] / total > 0.92
    assert leading["bridge"] / total > 0.85


def test_wrong_numbers_of_uniforms_are_refused():
    covariance = ar1_covariance(0.5, 1.0, 4)
    with pytest.raises(ValueError, match="at most 4"):
        gaussian_paths(sobol(4, 5, seed=1), covariance)
    with pytest.raises(ValueError, match="bridge or principal"):
        gaussian_paths(sobol(4, 2, seed=1), covariance)
    with pytest.raises(ValueError, match="phi"):
        ar1_paths(sobol(4, 2, seed=1), 1.2, 1.0, 0.0, 3)


def test_trend_times_scarcity_has_the_exact_moments():
    arguments = (-0.25, 1.1, 0.45, 0.5, 17)
    m = trend_times_scarcity(sobol(16384, 16, seed=4), *arguments, construction="bridge")
    mean, variance = trend_times_scarcity_moments(*arguments)
    assert m[:, 0] == pytest.approx(np.exp(0.5))
    assert m.mean(axis=0) == pytest.approx(mean, rel=2e-3)
    assert m.var(axis=0) == pytest.approx(variance, rel=0.03)
    median = 0.75 ** quarter_times_years(17) * np.exp(0.5 * np.exp(-1.1 * quarter_times_years(17)))
    assert np.median(m, axis=0) == pytest.approx(median, rel=5e-3)


def test_without_volatility_a_year_is_exactly_the_trend():
    m = trend_times_scarcity(sobol(4, 8, seed=1), -0.3, 0.5, 0.0, 0.0, 9)
    assert m[:, [0, 4, 8]] == pytest.approx(np.tile([1.0, 0.7, 0.49], (4, 1)))
    with pytest.raises(ValueError, match="leaves nothing"):
        trend_times_scarcity(sobol(4, 8, seed=1), -1.0, 0.5, 0.0, 0.0, 9)


def test_regime_frequencies_match_the_chain():
    transition = [[0.9, 0.1, 0.0], [0.1, 0.8, 0.1], [0.0, 0.2, 0.8]]
    paths = regime_paths(sobol(8192, 16, seed=5), transition, start=1)
    exact = regime_probabilities(transition, 1, 16)
    assert (paths[:, 0] == 1).all()
    assert exact.sum(axis=1) == pytest.approx(1.0, abs=1e-14)
    seen = np.stack([(paths == k).mean(axis=0) for k in range(3)], axis=1)
    assert seen == pytest.approx(exact, abs=0.012)
    assert not ((paths[:, :-1] == 0) & (paths[:, 1:] == 2)).any()
    assert exact[-1] == pytest.approx(exact[0] @ np.linalg.matrix_power(np.array(transition), 15))


def test_stationary_probabilities_solve_the_chain():
    # Two states: (b, a)/(a + b) for leaving rates a, b.
    assert stationary([[0.9, 0.1], [0.3, 0.7]]) == pytest.approx([0.75, 0.25])
    with pytest.raises(ValueError, match="never meet"):
        stationary(np.eye(2))
    with pytest.raises(ValueError, match="sum to 1"):
        stationary([[0.9, 0.2], [0.3, 0.7]])


def test_start_probabilities_and_matrices_by_step():
    steps = np.stack([np.eye(2), [[0.0, 1.0], [1.0, 0.0]]])
    paths = regime_paths(sobol(1024, 3, seed=6), steps, start=[0.25, 0.75])
    assert (paths[:, 0] == 0).mean() == pytest.approx(0.25, abs=0.002)
    assert (paths[:, 1] == paths[:, 0]).all() and (paths[:, 2] == 1 - paths[:, 1]).all()
    with pytest.raises(ValueError, match="2 transition matrices for 3 steps"):
        regime_paths(sobol(8, 4, seed=6), steps, start=0)
