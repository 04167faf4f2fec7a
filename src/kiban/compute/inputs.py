"""Scenario and catalogue to the arguments of the compute model."""

from __future__ import annotations

from dataclasses import dataclass

from kiban.catalog import Catalog
from kiban.compute.arithmetic import ModelSpec, load_model
from kiban.compute.goodput_inputs import interrupts_per_year
from kiban.compute.hardware import Accelerator, load_accelerator
from kiban.compute.power import NodePower, PhaseDraw
from kiban.compute.power_inputs import load_draw, load_node
from kiban.compute.prices import system_of
from kiban.compute.serving import ServingCoefficients, Work, load_serving
from kiban.compute.training import TrainingCoefficients, load_training
from kiban.scenario import Scenario
from kiban.units import Quarter

_CARDS_PER_SERVER = 8
TRAINING_SEQUENCE_TOK = 8192
"""Length of training sequences; the attention share grows with it."""


@dataclass(frozen=True)
class ComputeInputs:
    """Everything the models need, for the scenario's accelerators."""

    chips: tuple[Accelerator, ...]
    training_model: ModelSpec
    inference_model: ModelSpec
    training: TrainingCoefficients
    serving: ServingCoefficients
    work: Work
    training_production: tuple[float, float, float]
    serving_production: tuple[float, float, float]
    training_log_sd: float
    serving_log_sd: float
    unmeasured_multiple: float
    interrupts_per_year: tuple[float, ...]
    """Per accelerator, by chip."""
    draws: tuple[PhaseDraw, ...]
    nodes: tuple[NodePower, ...]
    save_s: float
    restart_s: float


def chip_names(scenario: Scenario) -> tuple[str, ...]:
    """Accelerators that may be bought, rented or are already ordered, each once."""
    ordered = [c.accelerator for s in scenario.sites for c in s.committed if c.accelerator]
    return tuple(dict.fromkeys([*scenario.ladder.accelerators, *scenario.ladder.cloud_accelerators, *ordered]))


def build_inputs(scenario: Scenario, catalog: Catalog) -> ComputeInputs:
    """Collect the arguments; raises CatalogKeyError with the nearest keys."""
    work = scenario.workload
    model = load_model(catalog, work.training_model)
    chips = tuple(load_accelerator(catalog, name) for name in chip_names(scenario))
    sd = "compute.training.moe_log_sd" if model.is_moe else "compute.training.dense_log_sd"
    return ComputeInputs(
        chips=chips,
        training_model=model,
        inference_model=load_model(catalog, work.inference_model),
        training=load_training(catalog),
        serving=load_serving(catalog),
        work=Work(
            work.prompt_tok,
            work.output_tok,
            work.prefix_cache_frac,
            work.ttft_limit_s,
            work.tpot_limit_s,
            work.serving_precision,
        ),
        training_production=catalog.range("compute.training.production_frac"),
        serving_production=catalog.range("compute.serving.production_frac"),
        training_log_sd=catalog.value(sd),
        serving_log_sd=catalog.value("compute.serving.log_sd"),
        unmeasured_multiple=catalog.value("compute.unmeasured_sd_multiple"),
        interrupts_per_year=tuple(interrupts_per_year(catalog, chip.family) for chip in chips),
        draws=tuple(load_draw(catalog, chip.family) for chip in chips),
        nodes=tuple(load_node(catalog, chip) for chip in chips),
        save_s=catalog.value("compute.goodput.save_s"),
        restart_s=catalog.value("compute.goodput.restart_s"),
    )


def it_kw(catalog: Catalog, chip: Accelerator) -> float:
    """Critical IT kW per accelerator at full load: its system's rating, the network's share on top."""
    network = catalog.value("network.power_share_of_it_frac")
    system = system_of(catalog, chip.name)
    for field in ("rack_power_kw", "node_power_max_kw"):
        key = f"system.{system}.{field}"
        if system and catalog.has(key):
            return catalog.value(key) / catalog.value(f"system.{system}.accelerators") / (1 - network)
    return chip.tdp_w / 1e3 * catalog.value("compute.server_power_multiple") / (1 - network)


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
