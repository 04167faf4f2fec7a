"""The fit of trend times scarcity and its rival: foreign densities, closed forms, calibration on drawn histories."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kiban.uncertainty.price_decay import crps, fit_decay, interval_score
from kiban.uncertainty.price_fit import LEVEL_STD, PricePrior, fit_price

PRIOR = PricePrior(-0.3, 0.1, (0.25, 5.0), (0.1, 2.0))
TIMES = np.array([2023.5, 2024.0, 2024.8, 2025.5])
PRICES = np.array([10.0, 2.9, 3.0, 2.3])
NOISE = np.array([0.1, 0.2, 0.1, 0.03])


def _joint(k: float, s: float, times: np.ndarray, noise: np.ndarray) -> np.ndarray:
    lag = np.abs(np.subtract.outer(times, times))
    away = times - TIMES.mean()
    line = LEVEL_STD**2 + PRIOR.trend_std_per_year**2 * np.outer(away, away)
    return s**2 / (2 * k) * np.exp(-k * lag) + line + np.diag(noise**2)


def test_weights_and_predictions_are_those_of_a_foreign_gaussian() -> None:
    fit = fit_price(TIMES, PRICES, NOISE, PRIOR, grid=3)
    y = np.log(PRICES)
    mean = y.mean() + PRIOR.trend_per_year * (TIMES - TIMES.mean())
    density = [
        stats.multivariate_normal(mean, _joint(k, s, TIMES, NOISE)).pdf(y)
        for k, s in zip(fit.mean_reversion_per_year, fit.vol_per_sqrt_year, strict=True)
    ]
    np.testing.assert_allclose(fit.weight, density / np.sum(density), rtol=1e-9)
    assert fit.log_evidence == pytest.approx(np.log(np.mean(density)), abs=1e-9)
    # p(later | seen) = p(later, seen) / p(seen), all of it from scipy.
    at, later = np.array([2025.8, 2026.4]), np.log([1.7, 2.6])
    both, noise = np.r_[TIMES, at], np.r_[NOISE, 0.05, 0.05]
    centre = y.mean() + PRIOR.trend_per_year * (both - TIMES.mean())
    joint = [
        stats.multivariate_normal(centre, _joint(k, s, both, noise)).pdf(np.r_[y, later])
        for k, s in zip(fit.mean_reversion_per_year, fit.vol_per_sqrt_year, strict=True)
    ]
    assert fit.predict(at, 0.05).log_score(later) == pytest.approx(np.log(np.sum(joint) / np.sum(density)), abs=1e-8)


def test_quantiles_invert_the_distribution() -> None:
    mix = fit_price(TIMES, PRICES, NOISE, PRIOR, grid=8).predict([2025.8, 2026.4], 0.05)
    for p in (0.05, 0.5, 0.95):
        np.testing.assert_allclose(mix.cdf(mix.quantile(p)[0]), p, atol=1e-9)


def test_an_exact_price_is_met_and_the_band_opens_with_time() -> None:
    fit = fit_price(TIMES, PRICES, 0.0, PRIOR, grid=10)
    q = fit.predict([2025.5, 2025.75, 2026.5, 2028.0]).quantile([0.05, 0.95])
    assert np.exp(q[:, 0]) == pytest.approx([2.3, 2.3], rel=1e-3)
    assert np.all(np.diff(q[1] - q[0]) > 0)


def test_parameters_are_found_again_in_a_long_history() -> None:
    rng = np.random.default_rng(20260)
    t = np.arange(0.0, 60.0, 0.25)
    k, s, trend = 1.2, 0.5, -0.25
    x = np.linalg.cholesky(s**2 / (2 * k) * np.exp(-k * np.abs(np.subtract.outer(t, t)))) @ rng.standard_normal(t.size)
    prior = PricePrior(0.0, 0.5, (0.1, 5.0), (0.1, 2.0))
    fit = fit_price(t, np.exp(1.0 + trend * t + x), 0.0, prior)
    assert fit.trend()[0] == pytest.approx(trend, abs=3 * fit.trend()[1])
    assert fit.trend()[1] < 0.02
    for name, truth in (("mean_reversion_per_year", k), ("vol_per_sqrt_year", s), ("std", s / np.sqrt(2 * k))):
        low, _, high = fit.marginal(name)
        assert low < truth < high
        assert high / low < 2.5


def test_trend_agrees_with_the_prediction() -> None:
    fit = fit_price(TIMES, PRICES, NOISE, PRIOR, grid=10)
    far = fit.predict([2500.0, 2501.0])
    assert fit.weight @ (far.mean[:, 1] - far.mean[:, 0]) == pytest.approx(fit.trend()[0], abs=1e-6)


def test_steady_is_the_far_future_without_the_trend() -> None:
    fit = fit_price(TIMES, PRICES, NOISE, PricePrior(-0.3, 0.0, (0.25, 5.0), (0.1, 2.0)), grid=6)
    now, far = fit.steady(2025.5), fit.predict([2025.5 + 400.0])
    np.testing.assert_allclose(now.mean, far.mean + 0.3 * 400.0, atol=1e-8)
    np.testing.assert_allclose(now.covariance, far.covariance, atol=1e-8)


def test_bands_hold_nine_in_ten_of_histories_drawn_from_the_prior() -> None:
    rng = np.random.default_rng(7)
    hits, runs = 0, 300
    t, at = np.array([0.0, 0.5, 1.25, 2.0]), 2.75
    every = np.r_[t, at]
    for _ in range(runs):
        k = np.log(2) / np.exp(rng.uniform(*np.log(PRIOR.half_life_years)))
        s = np.exp(rng.uniform(*np.log(PRIOR.vol_per_sqrt_year)))
        cover = s**2 / (2 * k) * np.exp(-k * np.abs(np.subtract.outer(every, every)))
        y = rng.normal(PRIOR.trend_per_year, PRIOR.trend_std_per_year) * every + rng.multivariate_normal(
            0 * every, cover
        )
        band = fit_price(t, np.exp(y[:4]), 0.0, PRIOR, grid=10).predict([at]).quantile([0.05, 0.95])[:, 0]
        hits += band[0] <= y[4] <= band[1]
    assert stats.binomtest(hits, runs, 0.9).pvalue > 0.01


@given(st.floats(0.01, 100.0))
@settings(max_examples=20, deadline=None)
def test_the_unit_of_money_does_not_matter(scale: float) -> None:
    one = fit_price(TIMES, PRICES, NOISE, PRIOR, grid=5)
    other = fit_price(TIMES, scale * PRICES, NOISE, PRIOR, grid=5)
    np.testing.assert_allclose(other.weight, one.weight, rtol=1e-6)
    gap = other.predict([2026.0]).quantile(0.5) - one.predict([2026.0]).quantile(0.5)
    assert gap[0, 0] == pytest.approx(np.log(scale), abs=1e-6)


def test_decay_is_the_textbook_line() -> None:
    line = stats.linregress(TIMES, np.log(PRICES))
    fit = fit_decay(TIMES, PRICES)
    assert fit.trend_per_year == pytest.approx(line.slope)
    at = np.array([2026.4])
    width = (
        stats.t(2).ppf(0.95)
        * fit.residual_std
        * np.sqrt(1 + 1 / 4 + (at[0] - TIMES.mean()) ** 2 / ((TIMES - TIMES.mean()) ** 2).sum())
    )
    q = fit.quantile(at, [0.05, 0.5, 0.95])[:, 0]
    assert q == pytest.approx(line.intercept + line.slope * at[0] + np.array([-width, 0.0, width]))
    single = stats.t(2, loc=fit.centre(at)[0], scale=fit.spread(at)[0]).logpdf(0.8)
    assert fit.log_score(at, [0.8]) == pytest.approx(single)


def test_scores_have_their_closed_forms() -> None:
    levels = (np.arange(4000) + 0.5) / 4000
    law = stats.norm(0.3, 0.7)
    z = (1.0 - 0.3) / 0.7
    exact = 0.7 * (z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi))
    assert crps(law.ppf(levels)[:, None], levels, [1.0])[0] == pytest.approx(exact, rel=1e-3)
    assert interval_score(np.array([0.0]), np.array([1.0]), [0.5])[0] == 1.0
    assert interval_score(np.array([0.0]), np.array([1.0]), [1.5])[0] == pytest.approx(1.0 + 20 * 0.5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: fit_price([2024.0], [0.0], 0.0, PRIOR), "positive prices"),
        (lambda: fit_price([], [], 0.0, PRIOR), "at least one"),
        (lambda: PricePrior(0.0, 0.1, (1.0, 0.5), (0.1, 2.0)), "half_life_years: need 0 < low < high"),
        (lambda: PricePrior(0.0, -0.1, (0.5, 1.0), (0.1, 2.0)), "trend_std_per_year"),
        (lambda: fit_decay([1.0, 2.0], [1.0, 2.0]), "at least three prices"),
        (lambda: fit_price(TIMES, PRICES, NOISE, PRIOR).marginal("mood"), "no parameter 'mood'"),
    ],
)
def test_bad_input_says_what_is_wrong(call, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=words):
        call()
