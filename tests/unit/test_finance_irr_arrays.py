"""Rates of return as arrays: the short way agrees with the search over the whole range."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kiban.finance.irr import NONE, SEVERAL, STATUS, UNIQUE, _all_roots, irr_arrays, irr_batch
from kiban.finance.irr_one import one_root

LOW, HIGH = -np.log(11.0), -np.log(0.01)


def by_search(flows: NDArray[np.float64], periods_per_year: int) -> list[list[float]]:
    """Roots of rows by the search alone."""
    owner, rate = _all_roots(flows.T, np.arange(len(flows)) / periods_per_year)
    return [sorted(np.expm1(rate[owner == i]).tolist()) for i in range(flows.shape[1])]


def agree(flows: NDArray[np.float64], periods_per_year: int) -> None:
    found = irr_arrays(flows, periods_per_year)
    for i, roots in enumerate(by_search(flows, periods_per_year)):
        mine = found.roots_frac_per_year[i]
        mine = mine[np.isfinite(mine)]
        assert found.status[i] == min(len(roots), SEVERAL)
        assert mine == pytest.approx(roots, abs=1e-9, rel=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_project_like_flows_agree_with_the_search(seed: int) -> None:
    rng = np.random.default_rng(seed)
    build, run = -rng.uniform(10, 60, (3, 400)), rng.uniform(-3, 12, (40, 400))
    late = rng.uniform(-8, 0, (5, 400)) * (rng.uniform(size=400) < 0.5)
    agree(np.concatenate([build, run, late]), 4)


@pytest.mark.parametrize("periods_per_year", [1, 4])
def test_wild_flows_agree_with_the_search(periods_per_year: int) -> None:
    rng = np.random.default_rng(9)
    agree(rng.normal(0, 1, (12, 600)) * rng.integers(0, 2, (12, 600)), periods_per_year)


def test_phantom_income_leaves_one_provable_root() -> None:
    # Refunds early, tax without cash in the middle, much cash late: three changes of sign, balances of one sign.
    flows = np.array([-100.0, 8, 8, 8, -2, -2, -2, 40, 40, 40, 40])[:, None]
    root, settled = one_root(flows, LOW, HIGH)
    assert settled[0]
    assert by_search(flows, 1)[0] == pytest.approx([np.exp(-root[0]) - 1])


def test_a_mixed_investment_is_not_settled() -> None:
    # Two and three roots, one root that only touches zero, and none at all with both signs.
    rows = [[-100.0, 230.0, -132.0, 0], [-1000.0, 3600, -4310, 1716], [-1.0, 4, -4, 0], [-1.0, 2, -2, 0]]
    flows = np.array(rows).T
    assert not one_root(flows, LOW, HIGH)[1].any()
    assert irr_arrays(flows, 1).status.tolist() == [SEVERAL, SEVERAL, UNIQUE, NONE]


def test_a_tiny_last_flow_brings_its_second_root() -> None:
    # -1 + 1.1 v - e v^2: beside 10 % there is a root near v = 1.1 / e, inside the range for e above 0.011.
    inside, outside = irr_batch(np.array([[-1.0, 1.1, -0.012], [-1.0, 1.1, -0.009]]), 1)
    assert inside.status == "several"
    far = (1.1 + np.sqrt(1.1**2 - 4 * 0.012)) / (2 * 0.012)
    assert inside.roots_frac_per_year[0] == pytest.approx(1 / far - 1)
    assert outside.status == "unique"


def test_rates_outside_the_range_are_none() -> None:
    flows = np.array([[-1.0, 11.1], [-1.0, 10.9], [-1.0, 0.0101], [-1.0, 0.0099], [1.0, -1.5]]).T
    found = irr_arrays(flows, 1)
    assert [STATUS[s] for s in found.status] == ["none", "unique", "unique", "none", "unique"]
    assert found.unique_frac_per_year[[1, 2, 4]] == pytest.approx([9.9, -0.9899, 0.5])
    assert np.isnan(found.unique_frac_per_year[[0, 3]]).all()


@given(st.lists(st.lists(st.floats(-10, 10), min_size=6, max_size=6), min_size=1, max_size=8))
def test_the_tuple_form_is_the_array_form(rows: list[list[float]]) -> None:
    flows = np.array(rows)
    arrays = irr_arrays(flows.T)
    for i, one in enumerate(irr_batch(flows)):
        assert one.status == STATUS[arrays.status[i]]
        assert len(one.roots_frac_per_year) == np.isfinite(arrays.roots_frac_per_year[i]).sum()


def test_nothing_in_nothing_out() -> None:
    assert irr_batch(np.zeros((0, 5))) == ()
    assert irr_arrays(np.zeros((5, 0))).roots_frac_per_year.shape == (0, 1)


@pytest.mark.parametrize("periods", [20, 40, 64])
def test_rounding_never_hides_the_root_of_a_tiny_last_flow(periods: int) -> None:
    # Flows that fade as 0.4^t: the last, far below the rounding of earlier balances, still turns the value at -97 %.
    flows = 0.4 ** np.arange(periods, dtype=np.float64)
    flows[0], flows[-1] = -0.3, -6 * flows[-1]
    found = irr_arrays(flows[:, None], 4)
    assert found.status[0] == SEVERAL
    assert found.roots_frac_per_year[0, 0] < -0.97
    agree(flows[:, None], 4)
