"""Rates of return, loans and leases against pyxirr and numpy-financial."""

from __future__ import annotations

import numpy as np
import pytest

from kiban.finance.cost_sheet import capital_recovery_frac
from kiban.finance.debt import Terms, size_loan
from kiban.finance.irr import irr_batch, present_value
from kiban.finance.leases import lease_kernel
from kiban.finance.returns import mirr

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


def test_modified_returns_agree_by_year_and_by_quarter() -> None:
    rng = np.random.default_rng(7)
    flows = np.concatenate([-rng.uniform(50, 150, (100, 1)), rng.normal(8, 20, (100, 20))], axis=1)
    for finance, reinvest in ((0.05, 0.08), (0.12, 0.0), (0.0, 0.2)):
        yearly = mirr(flows, finance, reinvest, periods_per_year=1)
        quarterly = mirr(flows, (1 + finance) ** 4 - 1, (1 + reinvest) ** 4 - 1)
        for i, row in enumerate(flows):
            assert yearly[i] == pytest.approx(npf.mirr(row, finance, reinvest), abs=1e-9)
            assert yearly[i] == pytest.approx(pyxirr.mirr(row, finance, reinvest), abs=1e-9)
            assert (1 + quarterly[i]) ** 0.25 - 1 == pytest.approx(npf.mirr(row, finance, reinvest), abs=1e-9)


@pytest.mark.parametrize(("rate", "tenor"), [(0.03, 4), (0.08, 20), (0.2, 28)])
def test_level_and_straight_loans_are_theirs(rate: float, tenor: int) -> None:
    uses, cash = np.where(np.arange(40) < 4, 100.0, 0.0), np.where(np.arange(40) < 4, 0.0, 1e3)
    level, straight = (size_loan(uses, cash, Terms(rate, 0.01, 0.7, 1.3, tenor, 4, k)) for k in ("level", "straight"))
    r, period = (1 + rate) ** 0.25 - 1, np.arange(1, tenor + 1)
    due = slice(4, 4 + tenor)
    assert level.service[due] == pytest.approx(np.full(tenor, -npf.pmt(r, tenor, level.principal)))
    assert level.interest[due] == pytest.approx(-npf.ipmt(r, period, tenor, level.principal))
    repaid = level.service[due] - level.interest[due]
    assert repaid == pytest.approx(-npf.ppmt(r, period, tenor, level.principal))
    even = straight.principal * (1 / tenor + r * (1 - (period - 1) / tenor))
    assert straight.service[due] == pytest.approx(even)
    assert npf.npv(r, [-straight.principal, *straight.service[due]]) == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize(("rate", "term"), [(0.005, 12), (0.0175, 60), (0.03, 80)])
def test_a_level_lease_is_owed_the_present_value_of_an_annuity(rate: float, term: int) -> None:
    kernel = lease_kernel(term, 1.0, rate)
    left = np.arange(term - 1, -1, -1)
    assert kernel.liability == pytest.approx([-npf.pv(rate, n, 1.0) for n in left])
    assert kernel.payment[0] + kernel.liability[0] == pytest.approx(-npf.pv(rate, term, 1.0, when="begin"))
