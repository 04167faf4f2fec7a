"""Scenario and catalogue to the arguments of the compute model."""

from __future__ import annotations

from dataclasses import dataclass

from kiban.catalog import Catalog
from kiban.compute.arithmetic import ModelSpec, load_model
from kiban.compute.hardware import Accelerator, load_accelerator
from kiban.compute.power import NodePower, PhaseDraw
from kiban.compute.power_inputs import load_draw, load_node
from kiban.scenario import Scenario
from kiban.units import Quarter

_CARDS_PER_SERVER = 8


@dataclass(frozen=True)
class ComputeInputs:
    """Everything the models need, for the scenario's accelerators."""

    chips: tuple[Accelerator, ...]
    training_model: ModelSpec
    inference_model: ModelSpec
    draws: tuple[PhaseDraw, ...]
    nodes: tuple[NodePower, ...]


def chip_names(scenario: Scenario) -> tuple[str, ...]:
    """Accelerators that may be bought, rented or are already ordered, each once."""
    ordered = [c.accelerator for s in scenario.sites for c in s.committed if c.accelerator]
    return tuple(dict.fromkeys([*scenario.ladder.accelerators, *scenario.ladder.cloud_accelerators, *ordered]))


def build_inputs(scenario: Scenario, catalog: Catalog) -> ComputeInputs:
    """Collect the arguments; raises CatalogKeyError with the nearest keys."""
    chips = tuple(load_accelerator(catalog, name) for name in chip_names(scenario))
    return ComputeInputs(
        chips=chips,
        training_model=load_model(catalog, scenario.workload.training_model),
        inference_model=load_model(catalog, scenario.workload.inference_model),
        draws=tuple(load_draw(catalog, chip.family) for chip in chips),
        nodes=tuple(load_node(catalog, chip) for chip in chips),
    )


def it_kw(catalog: Catalog, chip: Accelerator) -> float:
    """Critical IT kW per accelerator at full load: its system's rating, the network's share on top."""
    node = load_node(catalog, chip)
    return node.rated_w / node.accelerators / 1e3 / (1 - catalog.value("network.power_share_of_it_frac"))


def available_quarter(scenario: Scenario, catalog: Catalog, chip: Accelerator) -> int:
    """Index of the first quarter of volume delivery, 0 if already sold at the start."""
    start = Quarter.parse(scenario.horizon.start_quarter)
    volume = chip.release_year + catalog.value("compute.volume_after_release_years")
    return max(0, round((volume - start.year_position_years) * 4))


def embodied_kg(catalog: Catalog, chip: Accelerator) -> float:
    """Carbon of making one accelerator with its share of the server.

    Card of the family plus an eighth of a host; superchips, whose row holds host and rack, and families without a
    row are scaled by power from the GB200.
    """
    card = f"embodied.family.{chip.family}.card_kg_co2"
    if catalog.has(card) and not chip.name.startswith(("gb", "gh")):
        return catalog.value(card) + catalog.value("embodied.host_per_server_kg_co2") / _CARDS_PER_SERVER
    reference = catalog.value("embodied.gb200_per_gpu_kg_co2")
    return reference * chip.tdp_w / catalog.value("accelerator.gb200.tdp_w")
