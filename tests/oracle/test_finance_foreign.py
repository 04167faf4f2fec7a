"""Rates of return against pyxirr and numpy-financial."""

from __future__ import annotations

import numpy as np
import pytest

from kiban.finance.cost_sheet import capital_recovery_frac
from kiban.finance.irr import irr_batch, present_value

pytestmark = pytest.mark.oracle
npf = pytest.importorskip("numpy_financial")
pyxirr = pytest.importorskip("pyxirr")


def test_random_projects_agree() -> None:
    rng = np.random.default_rng(3)
    flows = np.concatenate([-rng.uniform(50, 150, (200, 1)), rng.uniform(0, 20, (200, 25))], axis=1)
    for row, found in zip(flows, irr_batch(flows, periods_per_year=1), strict=True):
        assert found.status == "unique"
        assert found.roots_frac_per_year[0] == pytest.approx(pyxirr.irr(row), abs=1e-9)
        assert found.roots_frac_per_year[0] == pytest.approx(npf.irr(row), abs=1e-6)


def test_present_value_agrees() -> None:
    rng = np.random.default_rng(4)
    flows, rate = rng.normal(0, 10, (50, 20)), np.array([-0.3, 0.0, 0.08, 2.0])
    ours = present_value(flows, rate, periods_per_year=1)
    for i, row in enumerate(flows):
        assert ours[i] == pytest.approx([pyxirr.npv(r, row, start_from_zero=True) for r in rate], rel=1e-9)


def test_quarterly_rates_agree_with_the_yearly_effective_rate() -> None:
    rng = np.random.default_rng(5)
    flows = np.concatenate([-rng.uniform(50, 150, (50, 8)), rng.uniform(0, 60, (50, 32))], axis=1)
    for row, found in zip(flows, irr_batch(flows), strict=True):
        assert found.status == "unique"
        assert found.roots_frac_per_year[0] == pytest.approx((1 + pyxirr.irr(row)) ** 4 - 1, abs=1e-9)


def test_a_foreign_root_is_among_ours_when_there_are_several() -> None:
    rng = np.random.default_rng(6)
    flows = rng.normal(0, 10, (200, 8))
    for row, found in zip(flows, irr_batch(flows, periods_per_year=1), strict=True):
        theirs = pyxirr.irr(row, silent=True)
        if theirs is not None and -0.99 < theirs < 10:
            assert min(abs(theirs - r) for r in found.roots_frac_per_year) < 1e-6


def test_recovery_factor_is_the_annuity_payment() -> None:
    for rate in (0.01, 0.065, 0.2):
        for years in (1, 5, 14, 40):
            assert float(capital_recovery_frac(rate, years)) == pytest.approx(-npf.pmt(rate, years, 1.0))
