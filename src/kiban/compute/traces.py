"""How the compute room's main numbers were made."""

from __future__ import annotations

import math

from kiban.catalog import Catalog
from kiban.compute.goodput_inputs import interrupts_key
from kiban.compute.hardware import Accelerator
from kiban.compute.inputs import ComputeInputs
from kiban.compute.prices import CLOUD_KEYS, QUOTE_KEYS, ChipPrice, system_of
from kiban.compute.serve.fleet import Served
from kiban.compute.train.fleet import TrainedAtScale
from kiban.results import Trace
from kiban.scenario import Scenario


def compute_traces(
    scenario: Scenario, catalog: Catalog, inputs: ComputeInputs, training: list[TrainedAtScale], served: list[Served],
    goodput: list[float], kw: list[float], prices: list[ChipPrice],
) -> tuple[Trace, ...]:  # fmt: skip
    """Traces per accelerator, down to catalogue rows and scenario fields."""
    rows = zip(inputs.chips, training, served, goodput, kw, prices, strict=True)
    return tuple(
        trace
        for chip, train, serve, useful, power, price in rows
        for trace in (
            _training(scenario, catalog, chip, train),
            _serving(scenario, catalog, chip, serve),
            _goodput(catalog, chip, useful),
            _power(catalog, chip, power),
            *_prices(catalog, chip, price),
        )
    )


def _rates(catalog: Catalog, chip: Accelerator) -> tuple[str, ...]:
    return tuple(k for k in catalog.keys(f"accelerator.{chip.name}.dense_") if k.endswith("_tflops"))


def _training(scenario: Scenario, catalog: Catalog, chip: Accelerator, train: TrainedAtScale) -> Trace:
    model = f"model.{scenario.workload.training_model}"
    return Trace(
        f"compute.training_flop_per_s.{chip.name}",
        train.flop_per_s.p50,
        "FLOP/s",
        f"fastest layout of the search ({train.layout}): model FLOP / step time x production share, P50",
        (
            *_rates(catalog, chip),
            f"accelerator.{chip.name}.memory_tb_per_s",
            *catalog.keys("training_fit.coefficient."),
            "compute.training.production_frac",
            *(f"{model}.{f}" for f in ("layers", "hidden_size", "attention_heads")),
            *(f"scenario.workload.training_{f}" for f in ("precision", "accelerators", "batch_tok", "sequence_tok")),
        ),
    )


def _serving(scenario: Scenario, catalog: Catalog, chip: Accelerator, serve: Served) -> Trace:
    model = f"model.{scenario.workload.inference_model}"
    asked = ("prompt_tok", "output_tok", "prefix_cache_frac", "tpot_limit_s", "draft_tok", "draft_accept_frac")
    return Trace(
        f"compute.inference_tok_per_s.{chip.name}",
        serve.blended.p50,
        "tok/s",
        f"fewest accelerators of the planner ({serve.layout}): tokens of the mix / accelerators, P50",
        (
            f"accelerator.{chip.name}.memory_tb_per_s",
            f"accelerator.{chip.name}.memory_gb",
            *_rates(catalog, chip),
            *catalog.keys("compute.serving_fit.decode."),
            *catalog.keys("compute.serving_fit.prefill."),
            "compute.serving.production_frac",
            "compute.serving.imbalance_frac",
            f"{model}.layers",
            f"{model}.hidden_size",
            *(f"scenario.workload.{f}" for f in asked),
        ),
    )


def _goodput(catalog: Catalog, chip: Accelerator, useful: float) -> Trace:
    return Trace(
        f"compute.goodput_frac.{chip.name}",
        useful,
        "-",
        "renewal form of checkpoint and restart at the best interval, spares counted",
        (
            interrupts_key(catalog, chip.family),
            *catalog.keys("compute.recovery."),
            "compute.goodput.restart_s",
            "reliability.replacement_days",
            "storage.checkpoint_gb_per_b_params",
            "scenario.workload.training_accelerators",
        ),
    )


def _power(catalog: Catalog, chip: Accelerator, kw: float) -> Trace:
    system = system_of(catalog, chip.name)
    rated = [f"system.{system}.{f}" for f in ("rack_power_kw", "node_power_max_kw", "accelerators")]
    known = [k for k in rated if system and catalog.has(k)]
    return Trace(
        f"compute.it_kw.{chip.name}",
        kw,
        "kW",
        "system rating / accelerators / (1 - network share)",
        (*known, f"accelerator.{chip.name}.tdp_w", "network.power_share_of_it_frac"),
    )


def _prices(catalog: Catalog, chip: Accelerator, price: ChipPrice) -> tuple[Trace, Trace]:
    contract = price.neocloud_usd_per_h
    rent = price.cloud_usd_per_h if math.isnan(contract) else contract
    keys = (CLOUD_KEYS.get(chip.name), QUOTE_KEYS.get(chip.name), "contract.neocloud.usd_per_kw_year")
    server = Trace(
        f"compute.server_usd_per_gpu.{chip.name}",
        price.server_usd,
        "USD/GPU",
        "price of the system per accelerator",
        price.keys,
    )
    rented = Trace(
        f"compute.rent_usd_per_gpu_h.{chip.name}",
        rent,
        "USD/GPU-h",
        "contract rent of a neocloud, else discounted list price of a hyperscaler",
        tuple(k for k in keys if k and catalog.has(k)),
    )
    return server, rented
