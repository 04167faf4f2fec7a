"""The compute room: inputs, model, result."""

from __future__ import annotations

import math

import numpy as np

from kiban.catalog import Catalog
from kiban.compute.errors import ComputeError
from kiban.compute.goodput_inputs import fleet_goodput
from kiban.compute.hardware import Accelerator
from kiban.compute.inputs import ComputeInputs, available_quarter, build_inputs, embodied_kg, it_kw
from kiban.compute.model import Rate
from kiban.compute.power import NodePower, PhaseDraw, draw_frac, joules_per_tok, node_frac
from kiban.compute.power_inputs import load_swing, smoothing_j
from kiban.compute.prices import ChipPrice, chip_price
from kiban.compute.serve.fleet import Served, Work, serve_fleet
from kiban.compute.traces import compute_traces
from kiban.compute.train.fleet import TrainedAtScale, even_job, train_at_scale
from kiban.results import Fleet
from kiban.scenario import Scenario


def run_compute(scenario: Scenario, catalog: Catalog) -> Fleet:
    """Return what one accelerator of each type does, costs and draws with the scenario's work.

    Raises ComputeError with every accelerator that cannot hold a model or meet the limits, and what binds.
    """
    inputs = build_inputs(scenario, catalog)
    chips = inputs.chips
    training, served = _rates(scenario, catalog, inputs)
    kw = [it_kw(catalog, chip) for chip in chips]
    contract_mw = scenario.ladder.rented_accelerators_per_quarter * float(np.median(kw)) / 1e3
    prices = [chip_price(catalog, chip.name, power, contract_mw) for chip, power in zip(chips, kw, strict=True)]
    parameters = inputs.training_model.params_total
    goodput = [
        fleet_goodput(catalog, chip.family, parameters, math.ceil(count)).useful_frac
        for chip, count in zip(chips, job_sizes(scenario, chips), strict=True)
    ]
    work = list(zip(inputs.nodes, inputs.draws, strict=True))
    train_power = [float(node_frac(node, draw, draw_frac(draw, "training")[1])) for node, draw in work]
    serve_power = [_serving_power(node, draw, s) for (node, draw), s in zip(work, served, strict=True)]
    return Fleet(
        accelerators=tuple(chip.name for chip in chips),
        accelerator_available_quarter=np.array([available_quarter(scenario, catalog, chip) for chip in chips]),
        accelerator_training_flop_per_s=_table([t.flop_per_s for t in training]),
        accelerator_mfu_frac=np.array([t.benchmark_mfu_frac for t in training]),
        accelerator_inference_tok_per_s=_table([s.blended for s in served]),
        accelerator_prefill_tok_per_s=np.array([s.prefill_tok_per_s for s in served]),
        accelerator_decode_tok_per_s=np.array([s.decode_tok_per_s for s in served]),
        accelerator_ttft_s=np.array([s.ttft_s for s in served]),
        accelerator_tpot_s=np.array([s.tpot_s for s in served]),
        accelerator_goodput_frac=np.array(goodput),
        accelerator_it_kw=np.array(kw),
        accelerator_training_power_frac=np.array(train_power),
        accelerator_inference_power_frac=np.array(serve_power),
        accelerator_j_per_tok=joules_per_tok(kw, serve_power, [s.blended.p50 for s in served]),
        accelerator_server_usd_per_gpu=np.array([p.server_usd for p in prices]),
        accelerator_network_usd_per_gpu=np.array([p.network_usd for p in prices]),
        accelerator_cloud_usd_per_gpu_h=np.array([p.cloud_usd_per_h for p in prices]),
        accelerator_neocloud_usd_per_gpu_h=np.array([p.neocloud_usd_per_h for p in prices]),
        accelerator_lead_time_quarters=np.full(
            len(chips), math.ceil(catalog.value("compute.accelerator_lead_time_months") / 3)
        ),
        accelerator_life_years=np.full(len(chips), catalog.value("compute.economic_life_years")),
        accelerator_embodied_kg_co2=np.array([embodied_kg(catalog, chip) for chip in chips]),
        accelerator_training_step_s=np.array([t.step_s for t in training]),
        accelerator_training_pause_frac=np.array([t.pause_frac for t in training]),
        accelerator_training_swing_frac=np.full(len(chips), load_swing(catalog, "train").swing_frac),
        accelerator_idle_power_frac=np.array([float(node_frac(node, draw, draw.idle[1])) for node, draw in work]),
        accelerator_smoothing_j=np.array([smoothing_j(catalog, chip) for chip in chips]),
        accelerator_count_per_training_job=np.array(job_sizes(scenario, chips)),
        residuals={},
        warnings=_warnings(scenario, catalog, training, served, inputs, prices),
        traces=compute_traces(scenario, catalog, inputs, training, served, goodput, kw, prices),
    )


def _rates(scenario: Scenario, catalog: Catalog, inputs: ComputeInputs) -> tuple[list[TrainedAtScale], list[Served]]:
    """Training and serving of every accelerator; raises ComputeError with all that fail."""
    w = scenario.workload
    work = Work(
        w.prompt_tok, w.output_tok, w.prefix_cache_frac, w.ttft_limit_s, w.tpot_limit_s, w.serving_precision,
        w.draft_tok, w.draft_accept_frac,
    )  # fmt: skip
    training: list[TrainedAtScale] = []
    served: list[Served] = []
    faults: list[str] = []
    for chip, count in zip(inputs.chips, job_sizes(scenario, inputs.chips), strict=True):
        job = even_job(count, w.training_batch_tok, w.training_sequence_tok, w.training_precision)
        try:
            training.append(train_at_scale(catalog, inputs.training_model, chip, job))
        except ComputeError as error:
            faults.append(f"{chip.name} cannot train {w.training_model}: {error}")
        try:
            served.append(serve_fleet(catalog, inputs.inference_model, chip, work))
        except ComputeError as error:
            faults.append(f"{chip.name} cannot serve {w.inference_model}: {error}")
    if faults:
        raise ComputeError("\n".join([*faults, "take these accelerators out of the ladder, or change the workload"]))
    return training, served


def job_sizes(scenario: Scenario, chips: tuple[Accelerator, ...]) -> list[float]:
    """Accelerators of one training job by kind: as asked of the first kind, the same peak FLOP/s of the others."""
    peaks = [chip.peak(scenario.workload.training_precision)[0] for chip in chips]
    return [scenario.workload.training_accelerators * peaks[0] / peak for peak in peaks]


def _serving_power(node: NodePower, draw: PhaseDraw, served: Served) -> float:
    """Share of its rating that a node draws while it takes turns between prefill, decode and rest."""
    prefill = float(node_frac(node, draw, draw_frac(draw, "prefill")[1]))
    decode = float(node_frac(node, draw, draw_frac(draw, "decode", batch=served.batch)[1]))
    rest = float(node_frac(node, draw, draw.idle[1]))
    idle = max(1 - served.prefill_frac - served.decode_frac, 0.0)
    return served.prefill_frac * prefill + served.decode_frac * decode + idle * rest


def _table(rates: list[Rate]) -> np.ndarray:
    return np.array([(r.p10, r.p50, r.p90) for r in rates])


def _warnings(
    scenario: Scenario, catalog: Catalog, training: list[TrainedAtScale], served: list[Served], inputs: ComputeInputs,
    prices: list[ChipPrice],
) -> tuple[str, ...]:  # fmt: skip
    words = [w for p in prices for w in p.warnings]
    blind = {
        "training": [c.name for c, t in zip(inputs.chips, training, strict=True) if t.situation == "none"],
        "serving": [c.name for c, s in zip(inputs.chips, served, strict=True) if s.basis == "new"],
    }
    words += [
        f"no {what} was measured on the family of {', '.join(names)}: wider intervals from data sheets"
        for what, names in blind.items()
        if names
    ]
    for name in dict.fromkeys((scenario.workload.training_model, scenario.workload.inference_model)):
        if any(catalog.row(key).confidence == "assumed" for key in catalog.keys(f"model.{name}.layers")):
            words.append(f"the model {name} is openly assumed, not published")
    return tuple(words)
