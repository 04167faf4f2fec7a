"""Rates of return of batches against pyxirr, wherever there is one rate."""

from __future__ import annotations

import numpy as np
import pytest

from kiban.finance.irr import UNIQUE, irr_arrays
from kiban.finance.project import evaluate, lines
from kiban.finance.project_inputs import Build, Costs, Debt, Grid, Projects, Sales, Tax

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


def test_rates_of_levered_projects_agree() -> None:
    rng = np.random.default_rng(8)
    some = Projects(
        Grid(60, 4, 4),
        Sales(3e6, rng.uniform(35, 60, 1500), residual_frac=0.1),
        Costs(2e7, 0.025),
        Build(7e8, draw_frac=np.array([0.2, 0.3, 0.3, 0.2])),
        0.09,
        Debt("sculpted", 0.07, None, 56, 0, 0.9, rng.uniform(1.15, 1.6, 1500), sized_on="after_unlevered_tax"),
        Tax(0.21, 0.05, np.full((1, 5), 0.2), np.array([0.9]), np.array([1.0]), None, False, 0.8, 0.3),
    )
    found, done = evaluate(some), lines(some)
    for rates, flows in ((found.project_irr, done.project), (found.equity_irr, done.equity)):
        one = np.nonzero(rates.status == UNIQUE)[0]
        assert len(one) > 1000
        for i in one:
            theirs = pyxirr.irr(flows[:, i], silent=True)
            if theirs is not None and theirs > -0.68:
                assert rates.roots_frac_per_year[i, 0] == pytest.approx((1 + theirs) ** 4 - 1, abs=1e-9)
