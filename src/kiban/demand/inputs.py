"""Scenario and catalogue to the arguments of the demand model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.demand.sampled import SampledTree, sampled_tree
from kiban.results import Fleet, Tree
from kiban.scenario import Scenario
from kiban.uncertainty import ScenarioTree, from_branching
from kiban.units import Quarter
from kiban.units.calendar import SECONDS_PER_HOUR

Array = NDArray[np.float64]


@dataclass(frozen=True)
class DemandInputs:
    """Arguments of the demand model; F futures."""

    tree: ScenarioTree
    sampled: SampledTree | None
    """What nodes expect if the tree stands for sampled paths."""
    record: Tree
    weights: Array
    future_growth: Array
    future_token_price_multiple: Array
    future_rent_level: Array
    rent_reversion_per_year: float
    price_performance_per_year: float
    gpu_price_elasticity: float
    inference_gpu_h_per_usd: float
    training_flop_per_gpu_h: float
    training_usd_per_flop: float
    peak_to_mean_factor: float


def build_tree(scenario: Scenario) -> ScenarioTree:
    """Return the tree of the scenario's futures; a future persists at later branches with the given chance."""
    futures = scenario.futures
    weights = np.asarray(futures.probability, dtype=np.float64)
    return from_branching(
        scenario.horizon.length_quarters,
        futures.branch_quarters,
        futures.names,
        transition_of(scenario),
        start=weights.tolist(),
    )


def transition_of(scenario: Scenario) -> Array:
    """(F, F) chances from future to future at a branching: it persists, or is drawn anew."""
    futures = scenario.futures
    count = len(futures.names)
    keep = futures.persistence_frac if count > 1 else 0.0
    return np.asarray(keep * np.eye(count) + (1 - keep) * np.tile(futures.probability, (count, 1)))


def record_of(tree: ScenarioTree, scenario: Scenario) -> Tree:
    """Return the tree as the plain record that results carry."""
    first = Quarter.parse(scenario.horizon.start_quarter)
    return Tree(
        quarters=tuple(str(first + q) for q in range(tree.quarters)),
        node_parent=tree.parent,
        node_quarter=tree.quarter,
        node_probability=tree.probability,
        node_future=_histories(tree),
    )


def _histories(tree: ScenarioTree) -> tuple[str, ...]:
    """Name every node after the futures that led to it, such as ``boom/bust``; the root's part is empty."""
    children = np.bincount(tree.parent[1:], minlength=tree.n_nodes)
    names = [""] * tree.n_nodes
    for node in range(1, tree.n_nodes):
        above = int(tree.parent[node])
        parted = children[above] > 1
        names[node] = "/".join(filter(None, (names[above], tree.node_name(node)))) if parted else names[above]
    return tuple(names)


def reference_rent(fleet: Fleet, index: int) -> float:
    """Rent per hour of the reference accelerator today: neocloud contract, else hyperscale cloud, USD."""
    for rents in (fleet.accelerator_neocloud_usd_per_gpu_h, fleet.accelerator_cloud_usd_per_gpu_h):
        if np.isfinite(rents[index]):
            return float(rents[index])
    known = fleet.accelerator_neocloud_usd_per_gpu_h / fleet.accelerator_training_flop_per_s[:, 1]
    if not np.isfinite(known).any():
        raise ValueError("no accelerator of the scenario has a known rent")
    return float(np.nanmedian(known) * fleet.accelerator_training_flop_per_s[index, 1])


def build_inputs(scenario: Scenario, catalog: Catalog, fleet: Fleet) -> DemandInputs:
    """Collect the arguments of the demand model from scenario, catalogue and fleet."""
    demand = scenario.demand
    reference = reference_index(scenario, fleet)
    tok_per_gpu_h = fleet.accelerator_inference_tok_per_s[reference, 1] * SECONDS_PER_HOUR
    tok_per_usd = demand.inference_revenue_frac / demand.blended_token_price_usd_per_mtok.value * 1e6
    tok_per_usd *= demand.serving_overhead_multiple.value
    flop_per_gpu_h = (
        fleet.accelerator_training_flop_per_s[reference, 1]
        * fleet.accelerator_goodput_frac[reference]
        * SECONDS_PER_HOUR
    )
    reversion = catalog.value("demand.rent_mean_reversion_per_year")
    sampled = sampled_tree(scenario, transition_of(scenario), reversion) if scenario.futures.sampled else None
    tree = sampled.tree if sampled else build_tree(scenario)
    return DemandInputs(
        tree=tree,
        sampled=sampled,
        record=record_of(tree, scenario),
        weights=np.asarray(scenario.futures.probability, dtype=np.float64),
        future_growth=np.asarray(scenario.futures.revenue_growth_per_year, dtype=np.float64),
        future_token_price_multiple=1.0 + np.asarray(scenario.futures.token_price_change_per_year),
        future_rent_level=np.asarray(scenario.futures.rent_factor, dtype=np.float64),
        rent_reversion_per_year=reversion,
        price_performance_per_year=catalog.value("demand.price_performance_growth_per_year"),
        gpu_price_elasticity=catalog.value("demand.gpu_price_to_rent_elasticity"),
        inference_gpu_h_per_usd=float(tok_per_usd / tok_per_gpu_h),
        training_flop_per_gpu_h=float(flop_per_gpu_h),
        training_usd_per_flop=reference_rent(fleet, reference) / float(flop_per_gpu_h),
        peak_to_mean_factor=catalog.value("demand.shape.hourly_peak_to_mean.global_fleet"),
    )


def reference_index(scenario: Scenario, fleet: Fleet) -> int:
    """Index in the fleet of today's reference accelerator: the first that may be bought and is already sold."""
    names = [n for n in (*scenario.ladder.accelerators, *fleet.accelerators) if n in fleet.accelerators]
    for name in names:
        index = fleet.accelerators.index(name)
        if fleet.accelerator_available_quarter[index] <= 0:
            return index
    return fleet.accelerators.index(names[0])
