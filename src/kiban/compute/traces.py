"""How the compute room's main numbers were made."""

from __future__ import annotations

from kiban.catalog import Catalog
from kiban.compute.goodput_inputs import interrupts_key
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
    work = scenario.workload
    out: list[Trace] = []
    for chip, train, serve, useful, power, price in zip(
        inputs.chips, training, served, goodput, kw, prices, strict=True
    ):
        name = chip.name
        rows = f"accelerator.{name}."
        system = system_of(catalog, name)
        rated = [f"system.{system}.{f}" for f in ("rack_power_kw", "node_power_max_kw", "accelerators")]
        out += [
            Trace(
                f"compute.training_flop_per_s.{name}",
                train.flop_per_s.p50,
                "FLOP/s",
                f"fastest layout of the search ({train.layout}): model FLOP / step time x production share, P50",
                (
                    *(k for k in catalog.keys(rows + "dense_") if k.endswith("_tflops")),
                    rows + "memory_tb_per_s",
                    *catalog.keys("training_fit.coefficient."),
                    "compute.training.production_frac",
                    *(f"model.{work.training_model}.{f}" for f in ("layers", "hidden_size", "attention_heads")),
                    "scenario.workload.training_precision",
                    "scenario.workload.training_accelerators",
                    "scenario.workload.training_batch_tok",
                    "scenario.workload.training_sequence_tok",
                ),
            ),
            Trace(
                f"compute.inference_tok_per_s.{name}",
                serve.blended.p50,
                "tok/s",
                f"fewest accelerators of the planner ({serve.layout}): tokens of the mix / accelerators, P50",
                (
                    rows + "memory_tb_per_s",
                    rows + "memory_gb",
                    *(k for k in catalog.keys(rows + "dense_") if k.endswith("_tflops")),
                    *catalog.keys("compute.serving_fit.decode."),
                    *catalog.keys("compute.serving_fit.prefill."),
                    "compute.serving.production_frac",
                    "compute.serving.imbalance_frac",
                    f"model.{work.inference_model}.layers",
                    f"model.{work.inference_model}.hidden_size",
                    "scenario.workload.prompt_tok",
                    "scenario.workload.output_tok",
                    "scenario.workload.prefix_cache_frac",
                    "scenario.workload.tpot_limit_s",
                    "scenario.workload.draft_tok",
                    "scenario.workload.draft_accept_frac",
                ),
            ),
            Trace(
                f"compute.goodput_frac.{name}",
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
            ),
            Trace(
                f"compute.it_kw.{name}",
                power,
                "kW",
                "system rating / accelerators / (1 - network share)",
                (*(k for k in rated if system and catalog.has(k)), rows + "tdp_w", "network.power_share_of_it_frac"),
            ),
            Trace(
                f"compute.server_usd_per_gpu.{name}",
                price.server_usd,
                "USD/GPU",
                "price of the system per accelerator",
                price.keys,
            ),
            Trace(
                f"compute.rent_usd_per_gpu_h.{name}",
                price.neocloud_usd_per_h
                if price.neocloud_usd_per_h == price.neocloud_usd_per_h
                else price.cloud_usd_per_h,
                "USD/GPU-h",
                "contract rent of a neocloud, else discounted list price of a hyperscaler",
                tuple(
                    k
                    for k in (CLOUD_KEYS.get(name), QUOTE_KEYS.get(name), "contract.neocloud.usd_per_kw_year")
                    if k and catalog.has(k)
                ),
            ),
        ]
    return tuple(out)
