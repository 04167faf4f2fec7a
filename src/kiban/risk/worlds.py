"""One world to plan in: a scenario with what earlier rooms found, a coarse tree, and one input moved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from kiban.catalog import Catalog
from kiban.demand import run_demand
from kiban.plan.case import CommittedHall, Halls, PlanCase
from kiban.plan.inputs import PlanInputs, build_inputs
from kiban.results import Fleet, Site, Study, Supply
from kiban.scenario import Scenario

MOST_NODES = 150
"""Trees up to this size are solved again some hundred times in seconds."""


@dataclass(frozen=True)
class World:
    """Everything that the plan room reads, with what one moved input may bend."""

    scenario: Scenario
    catalog: Catalog
    """With the scenario's overrides."""
    fleet: Fleet
    site: Site
    supply: Supply
    gpu_price_factor: float = 1.0
    rent_factor: float = 1.0
    delay_quarters: int = 0


def coarse_world(scenario: Scenario, catalog: Catalog, study: Study) -> World:
    """Return the base world on a tree of the same scenario with its last branchings dropped.

    Branchings are kept from the first on while the tree has at most 150 nodes; the first is always kept. Halls may be
    started in any amount, without whole modules.
    """
    futures, quarters = scenario.futures, scenario.horizon.length_quarters
    kept = futures.branch_quarters[:1]
    for count in range(2, len(futures.branch_quarters) + 1):
        if tree_nodes(futures.branch_quarters[:count], len(futures.names), quarters) <= MOST_NODES:
            kept = futures.branch_quarters[:count]
    coarse = scenario.model_copy(
        update={
            "futures": futures.model_copy(update={"branch_quarters": kept}),
            "ladder": scenario.ladder.model_copy(update={"module_it_mw": 0.0}),
        }
    )
    return World(coarse, catalog, study.fleet, study.site, study.supply)


def tree_nodes(branch_quarters: list[int], futures: int, quarters: int) -> int:
    """Nodes of a tree that parts into as many futures at each of these quarters."""
    edges = [0, *branch_quarters, quarters]
    return sum(futures**k * (b - a) for k, (a, b) in enumerate(pairwise(edges)))


def inputs_of(world: World) -> PlanInputs:
    """Rebuild demand and the plan's arguments; compute, facility and energy results are those of the study."""
    demand = run_demand(world.scenario, world.catalog, world.fleet)
    demand = replace(
        demand,
        node_gpu_price_factor=demand.node_gpu_price_factor * world.gpu_price_factor,
        node_rent_factor=demand.node_rent_factor * world.rent_factor,
    )
    inputs = build_inputs(world.scenario, world.catalog, demand, world.fleet, world.site, world.supply)
    return replace(inputs, case=delayed(inputs.case, world.delay_quarters))


def delayed(case: PlanCase, quarters: int) -> PlanCase:
    """Let every hall that is not live in the first quarter come later by whole quarters, signed ones too.

    The quarters in which a hall may be started stay, but for those whose power would now come after the horizon.
    """
    if quarters == 0:
        return case
    lead = case.halls.lead_quarters + quarters
    in_time = np.arange(case.n_quarters)[None, :] + lead[:, None] < case.n_quarters
    halls: Halls = replace(case.halls, lead_quarters=lead, open=case.halls.open & in_time)
    signed = tuple(
        CommittedHall(c.hall, c.quarter + quarters if c.quarter > 0 else c.quarter, c.it_mw)
        for c in case.committed_halls
    )
    return replace(case, halls=halls, committed_halls=signed)
