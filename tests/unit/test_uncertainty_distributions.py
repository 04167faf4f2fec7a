"""Distributions against scipy.stats, closed forms, and the triple they were made from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from kiban.uncertainty import beta_from_quantiles, discrete, from_range, pert
from kiban.uncertainty.bounded import Constant, Triangular
from kiban.uncertainty.split import SplitLogitNormal, SplitLognormal, SplitNormal

U = np.array([1e-6, 0.01, 0.05, 0.3, 0.5, 0.7, 0.95, 0.99, 1 - 1e-6])
EXAMPLES = [
    SplitNormal(-2.0, 1.0, 10.0),
    SplitLognormal(0.5, 1.0, 10.0),
    SplitLogitNormal(0.2, 0.7, 0.95),
    beta_from_quantiles(0.2, 0.6),
    pert(1.0, 2.0, 7.0),
    Triangular(1.0, 2.0, 7.0),
    from_range(1.0, 2.0, 7.0, "uniform"),
]


@pytest.mark.parametrize("item", EXAMPLES, ids=lambda d: type(d).__name__)
def test_cdf_undoes_ppf_and_mean_is_the_integral_of_ppf(item):
    assert item.cdf(item.ppf(U)) == pytest.approx(U, abs=1e-10)
    integral = integrate.quad(lambda u: float(item.ppf(u)), 0.0, 1.0, points=[0.5], limit=400, epsabs=1e-10)[0]
    assert item.mean() == pytest.approx(integral, rel=1e-6)


def test_symmetric_split_lognormal_is_the_ordinary_lognormal():
    sigma = 0.4
    judge = stats.lognorm(s=sigma, scale=2.5)
    ours = from_range(float(judge.ppf(0.05)), 2.5, float(judge.ppf(0.95)), "lognormal")
    assert ours.ppf(U) == pytest.approx(judge.ppf(U), rel=1e-12)
    assert ours.cdf([0.0, -1.0, 2.0, 9.0]) == pytest.approx(judge.cdf([0.0, -1.0, 2.0, 9.0]), abs=1e-14)
    assert ours.mean() == pytest.approx(judge.mean(), rel=1e-12)


def test_symmetric_split_normal_is_the_ordinary_normal():
    judge = stats.norm(-3.0, 2.0)
    ours = from_range(float(judge.ppf(0.05)), -3.0, float(judge.ppf(0.95)))
    assert ours.ppf(U) == pytest.approx(judge.ppf(U), rel=1e-12)
    assert ours.mean() == pytest.approx(-3.0)


def test_triangular_and_pert_against_scipy():
    judge = stats.triang(c=1 / 6, loc=1.0, scale=6.0)
    ours = from_range(1.0, 2.0, 7.0, "triangular")
    x = np.linspace(0.5, 7.5, 30)
    assert ours.ppf(U) == pytest.approx(judge.ppf(U), rel=1e-12)
    assert ours.cdf(x) == pytest.approx(judge.cdf(x), abs=1e-14)
    assert ours.mean() == pytest.approx(judge.mean())
    assert pert(1.0, 2.0, 7.0).mean() == pytest.approx((1 + 4 * 2 + 7) / 6)
    assert pert(1.0, 2.0, 7.0).ppf(U) == pytest.approx(stats.beta(1 + 4 / 6, 1 + 20 / 6, 1, 6).ppf(U))


@pytest.mark.parametrize("mode", [1.0, 7.0])
def test_triangular_with_its_mode_on_a_bound(mode):
    item = Triangular(1.0, mode, 7.0)
    assert item.ppf([0.0, 1.0]) == pytest.approx([1.0, 7.0])
    assert item.cdf(item.ppf(U)) == pytest.approx(U, abs=1e-12)


@given(st.floats(0.02, 0.9), st.floats(0.01, 0.5))
@settings(max_examples=60, deadline=None)
def test_beta_meets_both_quantiles(low, width):
    high = min(low + width, 0.98)
    item = beta_from_quantiles(low, high)
    assert item.ppf([0.05, 0.95]) == pytest.approx([low, high], abs=2e-9)


@given(
    st.floats(1e-3, 1e6), st.floats(1.0, 50.0), st.floats(1.0, 50.0), st.sampled_from(["auto", "lognormal", "normal"])
)
@settings(max_examples=100, deadline=None)
def test_split_forms_meet_all_three_numbers(value, below, above, kind):
    low, high = value / below, value * above
    item = from_range(low, value, high, kind)
    assert item.ppf([0.05, 0.5, 0.95]) == pytest.approx([low, value, high], rel=1e-9)
    assert (np.diff(item.ppf(np.linspace(0.001, 0.999, 50))) >= 0.0).all()


def test_fraction_stays_in_the_unit_interval_and_meets_the_triple():
    item = from_range(0.3, 0.9, 0.95, "fraction")
    assert item.ppf([0.05, 0.5, 0.95]) == pytest.approx([0.3, 0.9, 0.95])
    assert 0.0 < item.ppf(1e-9) < item.ppf(1 - 1e-9) < 1.0
    assert item.cdf([-1.0, 0.0, 1.0, 2.0]).tolist() == [0.0, 0.0, 1.0, 1.0]
    to_the_bound = from_range(0.8, 0.95, 1.0, "fraction")
    assert to_the_bound.ppf([0.0, 1.0]) == pytest.approx([0.8, 1.0])


def test_one_sided_range_keeps_half_its_mass_on_the_value():
    item = from_range(2.0, 2.0, 5.0)
    assert item.ppf([0.0, 0.2, 0.5, 0.95]) == pytest.approx([2.0, 2.0, 2.0, 5.0])
    assert item.cdf([1.9, 2.0]) == pytest.approx([0.0, 0.5])


@pytest.mark.parametrize("kind", ["auto", "lognormal", "normal", "fraction", "beta", "triangular", "pert", "uniform"])
def test_equal_ends_give_a_constant(kind):
    item = from_range(0.4, 0.4, 0.4, kind)
    assert item == Constant(0.4)
    assert item.ppf(U).tolist() == [0.4] * len(U)
    assert item.cdf([0.39, 0.4]).tolist() == [0.0, 1.0]


def test_discrete_takes_each_value_with_its_probability():
    item = discrete([(3.0, 0.5), (1.0, 0.2), (2.0, 0.3)])
    assert item.values == (1.0, 2.0, 3.0)
    assert item.ppf([0.0, 0.2, 0.2001, 0.5, 0.51, 1.0]).tolist() == [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]
    assert item.cdf([0.5, 1.0, 2.5, 3.0]).tolist() == [0.0, 0.2, 0.5, 1.0]
    assert item.mean() == pytest.approx(2.3)


@pytest.mark.parametrize(
    ("triple", "kind", "word"),
    [
        ((2.0, 1.0, 3.0), "auto", "out of order"),
        ((0.0, 1.0, float("inf")), "auto", "not finite"),
        ((0.0, 1.0, 3.0), "lognormal", "low > 0"),
        ((10.0, 20.0, 30.0), "fraction", "percent"),
        ((0.0, 0.5, 0.9), "beta", "p5"),
        ((1.0, 2.0, 3.0), "gamma", "unknown kind"),
    ],
)
def test_unfit_ranges_are_refused_with_a_remedy(triple, kind, word):
    with pytest.raises(ValueError, match=word):
        from_range(*triple, kind)


def test_probabilities_outside_the_unit_interval_are_refused():
    with pytest.raises(ValueError, match=r"0\.\.1"):
        from_range(1.0, 2.0, 3.0).ppf([50.0])
    with pytest.raises(ValueError, match="sum to 1"):
        discrete([(1.0, 0.5), (2.0, 0.6)])
