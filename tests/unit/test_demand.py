"""Demand on the tree: growth, reversion, identities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiban.catalog import load_catalog
from kiban.compute import run_compute
from kiban.demand import model, run_demand
from kiban.results import Demand
from kiban.scenario.load import load_scenario

EXAMPLE = Path(__file__).parents[2] / "examples" / "anthropic-50b.yaml"


@pytest.fixture(scope="module")
def demand() -> Demand:
    scenario, catalog = load_scenario(EXAMPLE).scenario, load_catalog()
    return run_demand(scenario, catalog, run_compute(scenario, catalog))


@given(st.floats(0.3, 5.0), st.integers(2, 40))
def test_compound_reaches_the_yearly_multiple(multiple: float, quarters: int) -> None:
    parent = np.arange(-1, quarters - 1)
    path = model.compound(parent, np.full(quarters, multiple), 10.0)
    assert path[-1] == pytest.approx(10.0 * multiple ** ((quarters - 1) / 4))


def test_scarcity_halves_its_gap_at_the_half_life() -> None:
    parent = np.arange(-1, 4)
    level = model.reverting_level(parent, np.full(5, np.e), np.log(2))
    assert np.log(level[4]) == pytest.approx(0.5)


@given(st.floats(0.1, 3.0), st.floats(0.1, 3.0))
def test_level_stays_between_start_and_target(start: float, target: float) -> None:
    level = model.reverting_level(np.arange(-1, 29), np.full(30, target), 1.0, start)
    assert level.min() >= min(start, target) * (1 - 1e-12)
    assert level.max() <= max(start, target) * (1 + 1e-12)


def test_growth_before_the_futures_part_is_the_geometric_mean() -> None:
    growth = np.array([[4.0, 1, 1], [1.0, 1, 1]])
    at_root = model.growth_by_node(growth, np.array([-1]), np.array([0]), np.array([0.5, 0.5]))
    assert at_root[0] == pytest.approx(2.0)


def test_served_tokens_earn_the_revenue(demand: Demand) -> None:
    # tokens x revenue per served token is the revenue from serving, whatever the overhead.
    earned = demand.node_inference_tok.sum(axis=1) * demand.node_token_price_usd_per_mtok / 1e6
    assert earned == pytest.approx(demand.node_revenue_usd * 0.97, rel=1e-12)


def test_probabilities_and_start(demand: Demand) -> None:
    by_quarter = np.bincount(demand.tree.node_quarter, weights=demand.tree.node_probability)
    assert by_quarter == pytest.approx(np.ones(40), abs=1e-12)
    assert demand.node_revenue_usd[0] == pytest.approx(80e9 / 4 * 0.25)
    assert demand.node_rent_factor[0] == 1.0


def test_boom_wants_more_than_bust(demand: Demand) -> None:
    last = demand.tree.node_quarter == 39
    name = np.array(demand.tree.node_future)[last]
    training = demand.node_training_flop[last]
    assert (
        training[[n.startswith("boom/boom") for n in name]].min()
        > training[[n.startswith("bust/bust") for n in name]].max()
    )


def test_power_costs_what_the_future_says_once_it_is_known() -> None:
    scenario, catalog = load_scenario(EXAMPLE).scenario, load_catalog()
    futures = scenario.futures.model_copy(update={"power_price_factor": [1.5, 1.0, 0.8]})
    dear = scenario.model_copy(update={"futures": futures})
    found = run_demand(dear, catalog, run_compute(dear, catalog))
    factor = found.node_power_price_factor / dear.energy.power_price_factor.value
    early = found.tree.node_quarter < scenario.futures.branch_quarters[0]
    assert factor[early] == pytest.approx(1.0)
    now = np.array([name.rpartition("/")[2] for name in found.tree.node_future])
    for name, expected in zip(futures.names, (1.5, 1.0, 0.8), strict=True):
        assert factor[now == name] == pytest.approx(expected)
