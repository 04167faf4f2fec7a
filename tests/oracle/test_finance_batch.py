"""Rates of return of batches against pyxirr, wherever there is one rate."""

from __future__ import annotations

import numpy as np
import pytest

from kiban.finance.irr import UNIQUE, irr_arrays

pytestmark = pytest.mark.oracle
pyxirr = pytest.importorskip("pyxirr")


@pytest.mark.parametrize("seed", range(4))
def test_unique_rates_agree(seed: int) -> None:
    rng = np.random.default_rng(seed)
    flows = np.concatenate([-rng.uniform(10, 60, (4, 3000)), rng.uniform(-2, 9, (60, 3000))])
    found = irr_arrays(flows, 4)
    checked = 0
    for i in np.nonzero(found.status == UNIQUE)[0]:
        per_quarter = pyxirr.irr(flows[:, i], silent=True)
        # A late payment out brings a root below -99 % a year (-68 % a quarter), which pyxirr may name instead.
        if per_quarter is not None and per_quarter > -0.68:
            assert found.roots_frac_per_year[i, 0] == pytest.approx((1 + per_quarter) ** 4 - 1, abs=1e-9)
            checked += 1
    assert checked > 2700
