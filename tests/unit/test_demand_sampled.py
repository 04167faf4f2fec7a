"""Trees from sampled paths: against the named tree where there is no noise, and against the samples' own moments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kiban.catalog import load_catalog
from kiban.compute import run_compute
from kiban.demand import run_demand
from kiban.demand.inputs import transition_of
from kiban.demand.sampled import sampled_tree
from kiban.results import Demand, Fleet
from kiban.scenario import Scenario
from kiban.scenario.load import load_scenario

EXAMPLE = Path(__file__).parents[2] / "examples" / "anthropic-50b.yaml"


def scenario(branch_quarters: list[int], **sampled: Any) -> Scenario:
    one = load_scenario(EXAMPLE).scenario
    part = type(one.futures).model_validate(
        {**one.futures.model_dump(), "branch_quarters": branch_quarters, "sampled": sampled or None}
    )
    return one.model_copy(update={"futures": part})


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return run_compute(load_scenario(EXAMPLE).scenario, load_catalog())


def wanted(one: Scenario, fleet: Fleet) -> Demand:
    return run_demand(one, load_catalog(), fleet)


QUIET = {"growth_vol_per_sqrt_year": 0.0, "token_price_vol_per_sqrt_year": 0.0, "rent_vol_per_sqrt_year": 0.0}


def test_without_noise_the_named_futures_come_back(fleet: Fleet) -> None:
    named = wanted(scenario([4]), fleet)
    drawn = wanted(scenario([4], samples_count=4096, branches_count=3, **QUIET), fleet)
    last = named.tree.node_quarter == 39
    for values in ("node_revenue_usd", "node_token_price_usd_per_mtok", "node_rent_factor"):
        assert np.sort(getattr(drawn, values)[last]) == pytest.approx(np.sort(getattr(named, values)[last]), rel=1e-9)
    order = np.argsort(drawn.node_revenue_usd[last])
    back = np.argsort(named.node_revenue_usd[last])
    assert drawn.tree.node_probability[last][order] == pytest.approx(named.tree.node_probability[last][back], abs=2e-3)
    assert "explains 100% of their variance" in drawn.warnings[0]


def test_a_node_expects_the_mean_of_its_paths(fleet: Fleet) -> None:
    one = scenario([4, 12], samples_count=2048, branches_count=3)
    found = sampled_tree(one, transition_of(one), 1.0)
    tree = found.tree
    mean = np.bincount(tree.quarter, weights=tree.probability * found.rent_factor)
    finer = scenario([4, 12], samples_count=2048, branches_count=6)
    other = sampled_tree(finer, transition_of(finer), 1.0)
    same = np.bincount(other.tree.quarter, weights=other.tree.probability * other.rent_factor)
    # Whatever the number of branches, the mean over the nodes is the mean over the samples.
    assert mean == pytest.approx(same, rel=1e-12)
    assert other.explained_frac > found.explained_frac
    assert other.distance < found.distance
    assert set(tree.names) == {"low", "middle", "high"}


def test_noise_alone_has_the_moments_of_its_process() -> None:
    one = scenario([1], samples_count=8192, branches_count=2, **{**QUIET, "growth_vol_per_sqrt_year": 0.4})
    found, quiet = (
        sampled_tree(s, transition_of(s), 1.0)
        for s in (one, scenario([1], samples_count=8192, branches_count=2, **QUIET))
    )
    mean, plain = (np.bincount(f.tree.quarter, weights=f.tree.probability * f.revenue_multiple) for f in (found, quiet))
    years = np.arange(40) / 4
    # Lognormal noise around each path: its mean is exp(s^2 t / 2), independent of the regime.
    assert mean / plain == pytest.approx(np.exp(0.4**2 * years / 2), rel=0.05)


def test_contradictions_of_a_sampled_tree_are_refused() -> None:
    with pytest.raises(ValueError, match="needs at least one of branch_quarters"):
        scenario([], samples_count=64)
    with pytest.raises(ValueError, match="216 histories; at most 100"):
        scenario([4, 8, 12], samples_count=64, branches_count=6)
