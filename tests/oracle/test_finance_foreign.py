"""Rates of return against pyxirr and numpy-financial."""

from __future__ import annotations

import numpy as np
import pytest

from kiban.finance.cost_sheet import capital_recovery_frac
from kiban.finance.irr import irr_batch

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


def test_recovery_factor_is_the_annuity_payment() -> None:
    for rate in (0.01, 0.065, 0.2):
        for years in (1, 5, 14, 40):
            assert float(capital_recovery_frac(rate, years)) == pytest.approx(-npf.pmt(rate, years, 1.0))
