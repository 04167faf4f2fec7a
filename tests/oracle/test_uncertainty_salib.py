"""Sobol indices against SALib on the same runs."""

import numpy as np
import pytest

from kiban.uncertainty import saltelli_sample, sobol_indices

pytestmark = pytest.mark.oracle


def g_function(u, a):
    """Sobol's g-function: product of (|4 u - 2| + a)/(1 + a)."""
    return np.prod((np.abs(4.0 * u - 2.0) + a) / (1.0 + a), axis=-1)


def test_indices_agree_with_salib_and_with_the_closed_form():
    analyze = pytest.importorskip("SALib.analyze.sobol")
    coefficients = np.array([0.0, 1.0, 4.5, 99.0])
    d, n = 4, 4096
    a, b, ab = saltelli_sample(n, d, seed=3)
    y_a, y_b, y_ab = (g_function(x, coefficients) for x in (a, b, ab))
    ours = sobol_indices(y_a, y_b, y_ab)
    # SALib wants the runs of each base point together: A, AB_1 .. AB_d, B.
    together = np.vstack([y_a, y_ab, y_b]).T.ravel()
    problem = {"num_vars": d, "names": list("abcd"), "bounds": [[0.0, 1.0]] * d}
    judge = analyze.analyze(problem, together, calc_second_order=False, num_resamples=2, seed=1)
    assert ours.first == pytest.approx(judge["S1"], abs=2e-3)
    assert ours.total == pytest.approx(judge["ST"], rel=1e-9)

    share = 1.0 / (3.0 * (1.0 + coefficients) ** 2)
    variance = np.prod(1.0 + share) - 1.0
    assert ours.first == pytest.approx(share / variance, abs=0.02)
    assert ours.total == pytest.approx(share * (1.0 + variance) / (1.0 + share) / variance, abs=0.02)


def test_given_data_estimator_agrees_with_salib_rbd_fast():
    rbd_fast = pytest.importorskip("SALib.analyze.rbd_fast")
    from kiban.uncertainty import first_order_from_sample, sobol

    coefficients = np.array([0.0, 1.0, 4.5, 99.0])
    u = sobol(8192, 4, seed=5)
    y = g_function(u, coefficients)
    problem = {"num_vars": 4, "names": list("abcd"), "bounds": [[0.0, 1.0]] * 4}
    judge = rbd_fast.analyze(problem, u, y, num_resamples=2, seed=1)
    assert first_order_from_sample(u, y, bins=40) == pytest.approx(judge["S1"], abs=0.02)
