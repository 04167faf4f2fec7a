"""The compute room: inputs, model, result."""

from __future__ import annotations

import math

import numpy as np

from kiban.catalog import Catalog
from kiban.compute.goodput import job_goodput_frac
from kiban.compute.hardware import Accelerator
from kiban.compute.inputs import (
    TRAINING_SEQUENCE_TOK,
    ComputeInputs,
    available_quarter,
    build_inputs,
    embodied_kg,
    it_kw,
)
from kiban.compute.model import Rate, training_flop_per_s, with_interval
from kiban.compute.power import NodePower, PhaseDraw, draw_frac, joules_per_tok, node_frac
from kiban.compute.prices import ChipPrice, chip_price
from kiban.compute.serving import Served, serve
from kiban.compute.traces import compute_traces
from kiban.compute.training import default_layout
from kiban.results import Fleet
from kiban.scenario import Scenario


def run_compute(scenario: Scenario, catalog: Catalog) -> Fleet:
    """Return what one accelerator of each type does, costs and draws with the scenario's work.

    Raises ComputeError if a model fits no accelerator or limits cannot be met, naming the limit that binds.
    """
    inputs = build_inputs(scenario, catalog)
    chips = inputs.chips
    training = [_training(scenario, inputs, chip) for chip in chips]
    served = [serve(inputs.inference_model, chip, inputs.work, inputs.serving) for chip in chips]
    inference = [
        with_interval(s.blended_tok_per_s, inputs.serving_production, _sd(inputs.serving_log_sd, inputs, chip))
        for s, chip in zip(served, chips, strict=True)
    ]
    kw = [it_kw(catalog, chip) for chip in chips]
    contract_mw = scenario.ladder.rented_accelerators_per_quarter * float(np.median(kw)) / 1e3
    prices = [chip_price(catalog, chip.name, power, contract_mw) for chip, power in zip(chips, kw, strict=True)]
    goodput = [
        job_goodput_frac(scenario.workload.training_accelerators, rate, inputs.save_s, inputs.restart_s)
        for rate in inputs.interrupts_per_year
    ]
    work = list(zip(inputs.nodes, inputs.draws, strict=True))
    train_power = [float(node_frac(node, draw, draw_frac(draw, "training")[1])) for node, draw in work]
    serve_power = [_serving_power(node, draw, s) for (node, draw), s in zip(work, served, strict=True)]
    peaks = [chip.peak(scenario.workload.training_precision)[0] for chip in chips]
    derate = inputs.training_production[1]
    return Fleet(
        accelerators=tuple(chip.name for chip in chips),
        accelerator_available_quarter=np.array([available_quarter(scenario, catalog, chip) for chip in chips]),
        accelerator_training_flop_per_s=_table(training),
        accelerator_mfu_frac=np.array([r.p50 / derate / p for r, p in zip(training, peaks, strict=True)]),
        accelerator_inference_tok_per_s=_table(inference),
        accelerator_prefill_tok_per_s=np.array([s.prefill_tok_per_s for s in served]),
        accelerator_decode_tok_per_s=np.array([s.decode_tok_per_s for s in served]),
        accelerator_ttft_s=np.array([s.ttft_s for s in served]),
        accelerator_tpot_s=np.array([s.tpot_s for s in served]),
        accelerator_goodput_frac=np.array(goodput),
        accelerator_it_kw=np.array(kw),
        accelerator_training_power_frac=np.array(train_power),
        accelerator_inference_power_frac=np.array(serve_power),
        accelerator_j_per_tok=joules_per_tok(kw, serve_power, [r.p50 for r in inference]),
        accelerator_server_usd_per_gpu=np.array([p.server_usd for p in prices]),
        accelerator_network_usd_per_gpu=np.array([p.network_usd for p in prices]),
        accelerator_cloud_usd_per_gpu_h=np.array([p.cloud_usd_per_h for p in prices]),
        accelerator_neocloud_usd_per_gpu_h=np.array([p.neocloud_usd_per_h for p in prices]),
        accelerator_lead_time_quarters=np.full(
            len(chips), math.ceil(catalog.value("compute.accelerator_lead_time_months") / 3)
        ),
        accelerator_life_years=np.full(len(chips), catalog.value("compute.economic_life_years")),
        accelerator_embodied_kg_co2=np.array([embodied_kg(catalog, chip) for chip in chips]),
        residuals={},
        warnings=_warnings(scenario, catalog, inputs, prices),
        traces=compute_traces(scenario, catalog, inputs, training, inference, goodput, kw, prices),
    )


def _training(scenario: Scenario, inputs: ComputeInputs, chip: Accelerator) -> Rate:
    model, work = inputs.training_model, scenario.workload
    layout = default_layout(model, chip, work.training_accelerators)
    rate = training_flop_per_s(model, chip, work.training_precision, TRAINING_SEQUENCE_TOK, layout, inputs.training)
    return with_interval(rate, inputs.training_production, _sd(inputs.training_log_sd, inputs, chip))


def _sd(base: float, inputs: ComputeInputs, chip: Accelerator) -> float:
    return base if chip.measured else base * inputs.unmeasured_multiple


def _serving_power(node: NodePower, draw: PhaseDraw, served: Served) -> float:
    """Share of its rating that a node draws while it takes turns between prefill and decode."""
    prefill = float(node_frac(node, draw, draw_frac(draw, "prefill")[1]))
    decode = float(node_frac(node, draw, draw_frac(draw, "decode", batch=served.batch)[1]))
    return served.prefill_time_frac * prefill + (1 - served.prefill_time_frac) * decode


def _table(rates: list[Rate]) -> np.ndarray:
    return np.array([(r.p10, r.p50, r.p90) for r in rates])


def _warnings(scenario: Scenario, catalog: Catalog, inputs: ComputeInputs, prices: list[ChipPrice]) -> tuple[str, ...]:
    words = [w for p in prices for w in p.warnings]
    blind = [chip.name for chip in inputs.chips if not chip.measured]
    if blind:
        words.append(f"nothing measured stands behind {', '.join(blind)}: wider intervals from data sheets")
    for name in dict.fromkeys((scenario.workload.training_model, scenario.workload.inference_model)):
        if any(catalog.row(key).confidence == "assumed" for key in catalog.keys(f"model.{name}.layers")):
            words.append(f"the model {name} is openly assumed, not published")
    return tuple(words)
