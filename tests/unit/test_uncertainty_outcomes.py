"""Quantiles, tail means and regret against closed forms and numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from kiban.uncertainty import cvar, regret, sobol, weighted_quantile, win_share

MONEY = st.integers(-1000, 1000).map(float)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.99])
def test_cvar_of_a_normal(level):
    # Rockafellar and Uryasev 2000: mean -+ sigma phi(z)/(1 - level).
    mu, sigma = 3.0, 2.0
    x = stats.norm.ppf(sobol(2**16, 1, seed=1)[:, 0], mu, sigma)
    gap = sigma * stats.norm.pdf(stats.norm.ppf(level)) / (1.0 - level)
    assert cvar(x, level) == pytest.approx(mu - gap, abs=2e-3)
    assert cvar(x, level, tail="high") == pytest.approx(mu + gap, abs=2e-3)


def test_cvar_splits_the_outcome_at_the_edge():
    # Worst 25 %: all of -10 (weight 0.1) and 0.15 of the 0.4 at 2.
    assert cvar([2.0, -10.0, 7.0], 0.75, weights=[0.4, 0.1, 0.5]) == pytest.approx((-1.0 + 0.3) / 0.25)
    assert cvar([2.0, -10.0, 7.0], 0.0, weights=[4, 1, 5]) == pytest.approx(3.3)


@given(arrays(float, st.integers(1, 30), elements=MONEY), st.floats(0.0, 0.99))
def test_cvar_is_below_the_mean_and_the_quantile_and_mirrors(values, level):
    low = cvar(values, level)
    assert values.min() - 1e-9 <= low <= values.mean() + 1e-9
    assert low <= weighted_quantile(values, 1.0 - level) + 1e-9
    assert cvar(-values, level, tail="high") == pytest.approx(-low, abs=1e-9)


@given(arrays(float, st.integers(1, 40), elements=MONEY), st.integers(0, 20))
def test_unweighted_quantile_is_numpys_inverted_cdf(values, twentieths):
    q = twentieths / 20.0
    # Away from the steps, where q n is a whole number and rounding decides numpy's answer.
    if abs(q * len(values) - round(q * len(values))) > 1e-9:
        assert weighted_quantile(values, q) == np.quantile(values, q, method="inverted_cdf")


@given(st.lists(st.tuples(MONEY, st.integers(0, 4)), min_size=1, max_size=20), st.floats(0.0, 1.0))
def test_whole_weights_are_repetitions(pairs, q):
    values, weights = np.array([v for v, _ in pairs]), np.array([w for _, w in pairs])
    if weights.sum() > 0:
        repeated = np.repeat(values, weights)
        assert weighted_quantile(values, q, weights) == weighted_quantile(repeated, q)
        assert cvar(values, 0.8, weights) == pytest.approx(cvar(repeated, 0.8), abs=1e-9)


def test_quantile_reaches_the_exact_step():
    assert weighted_quantile([3.0, 1.0, 2.0], [0.0, 0.1, 0.3, 0.31, 1.0], [0.7, 0.1, 0.2]).tolist() == [
        1.0,
        1.0,
        2.0,
        3.0,
        3.0,
    ]


@given(arrays(float, st.tuples(st.integers(1, 5), st.integers(1, 12)), elements=MONEY))
def test_regret_is_never_negative_and_zero_for_the_best(values):
    found = regret(values)
    assert (found >= 0.0).all()
    assert (found.min(axis=0) == 0.0).all()
    assert (values + found == values.max(axis=0)).all()
    assert win_share(values).sum() == pytest.approx(1.0)


def test_win_share_weighs_futures_and_shares_ties():
    values = [[1.0, 5.0, 2.0], [3.0, 5.0, 1.0]]
    assert win_share(values, [0.5, 0.3, 0.2]) == pytest.approx([0.35, 0.65])


def test_bad_questions_are_refused():
    with pytest.raises(ValueError, match="level"):
        cvar([1.0], 1.0)
    with pytest.raises(ValueError, match="tail"):
        cvar([1.0], 0.5, tail="left")
    with pytest.raises(ValueError, match="weights"):
        weighted_quantile([1.0, 2.0], 0.5, [0.0, 0.0])
    with pytest.raises(ValueError, match=r"0\.\.1"):
        weighted_quantile([1.0, 2.0], 50)
    with pytest.raises(ValueError, match="finite"):
        regret([[1.0, np.nan]])
