"""Quasi-random samples: open cube, balance, convergence, and correlations that arrive."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kiban.uncertainty import correlate, draw, from_range, gaussian_from_rank, latin_hypercube, pad_columns, sobol


def test_sobol_is_open_reproducible_and_balanced():
    u = sobol(1024, 5, seed=3)
    assert u.shape == (1024, 5) and u.dtype == np.float64
    assert u.min() > 0.0 and u.max() < 1.0
    assert (u == sobol(1024, 5, seed=3)).all()
    assert (u != sobol(1024, 5, seed=4)).any()
    # A (t, m, s) net: one-dimensional strata of a power of two hold exactly one point each.
    assert (np.sort(np.floor(u * 1024), axis=0) == np.arange(1024)[:, None]).all()


def test_a_cut_sample_is_the_beginning_of_the_full_one():
    assert (sobol(1000, 3, seed=1) == sobol(1024, 3, seed=1)[:1000]).all()
    assert sobol(1, 2, seed=1).shape == (1, 2)
    assert sobol(4, 0, seed=1).shape == (4, 0)


def test_sobol_integrates_far_better_than_chance():
    # integral of prod(2 u) over the cube is 1; plain Monte Carlo errs by about sqrt((4/3)^5 - 1)/64 = 0.03.
    u = sobol(4096, 5, seed=11)
    assert np.prod(2.0 * u, axis=1).mean() == pytest.approx(1.0, abs=2e-3)


def test_latin_hypercube_has_one_point_in_each_cell():
    u = latin_hypercube(100, 4, seed=2)
    assert (np.sort(np.floor(u * 100), axis=0) == np.arange(100)[:, None]).all()
    assert u.min() > 0.0 and u.max() < 1.0
    assert abs(np.corrcoef(u.T) - np.eye(4)).max() < 0.4


def test_padding_keeps_the_given_columns():
    u = sobol(64, 2, seed=1)
    wide = pad_columns(u, 6, seed=2)
    assert wide.shape == (64, 6) and (wide[:, :2] == u).all()
    assert (pad_columns(u, 1, seed=2) == u[:, :1]).all()


@given(st.floats(-0.95, 0.95), st.integers(0, 50))
@settings(max_examples=15, deadline=None)
def test_copula_gives_the_wanted_rank_correlation_and_keeps_margins(rank, seed):
    pearson = float(gaussian_from_rank(rank))
    u = correlate(sobol(4096, 2, seed), [[1.0, pearson], [pearson, 1.0]])
    assert stats.spearmanr(u[:, 0], u[:, 1])[0] == pytest.approx(rank, abs=0.02)
    assert stats.kstest(u[:, 1], "uniform").statistic < 0.01


def test_perfect_correlation_is_allowed_and_contradictions_are_not():
    u = sobol(256, 2, seed=5)
    tied = correlate(u, np.ones((2, 2)))
    assert tied[:, 0] == pytest.approx(tied[:, 1])
    with pytest.raises(ValueError, match="contradict"):
        correlate(sobol(8, 3, seed=1), [[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])
    with pytest.raises(ValueError, match="diagonal"):
        correlate(u, [[1.0, 0.2], [0.3, 1.0]])
    with pytest.raises(ValueError, match="does not fit"):
        correlate(u, np.eye(3))


def test_identity_correlation_changes_nothing():
    u = sobol(128, 3, seed=9)
    assert correlate(u, np.eye(3)) == pytest.approx(u, abs=1e-12)


def test_draw_names_its_columns_and_correlates_them():
    inputs = {"price": from_range(1.0, 2.0, 5.0), "share": from_range(0.2, 0.5, 0.8, "fraction")}
    sample = draw(inputs, 2048, seed=7, corr=[[1.0, -0.6], [-0.6, 1.0]])
    assert list(sample) == ["price", "share"]
    assert np.quantile(sample["price"], [0.05, 0.5, 0.95]) == pytest.approx([1.0, 2.0, 5.0], rel=0.01)
    assert stats.spearmanr(sample["price"], sample["share"])[0] == pytest.approx(6 / np.pi * np.arcsin(-0.3), abs=0.02)


def test_importing_the_package_does_not_load_scipy():
    code = "import sys, kiban.uncertainty; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
