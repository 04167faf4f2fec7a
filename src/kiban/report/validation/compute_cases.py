"""Cases of the compute room."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kiban.catalog import Catalog
from kiban.compute.arithmetic import ModelSpec, load_model
from kiban.compute.checkpoints import CheckpointCost
from kiban.compute.goodput import best_interval_s, goodput_frac, job_goodput_frac
from kiban.compute.goodput_inputs import interrupts_per_year
from kiban.compute.hardware import load_accelerator
from kiban.compute.inputs import embodied_kg
from kiban.compute.job_goodput import failures_per_s, job_goodput, mean_time_to_failure_h
from kiban.compute.recovery import Recovery
from kiban.compute.serving import Served, Work, load_serving, serve
from kiban.compute.training import Layout, default_layout, load_training, token_s

Inputs = dict[str, Any]


def _model(inputs: Inputs, catalog: Catalog) -> ModelSpec:
    """Model of the catalogue, with the published layout of the case laid over it where it gives one."""
    return replace(load_model(catalog, inputs["model"]), **inputs.get("layout", {}))


def parameters_1e9(inputs: Inputs, catalog: Catalog) -> float:
    """Total or active weights of a model, in 1e9."""
    model = _model(inputs, catalog)
    return (model.params_active if inputs.get("active") else model.params_total) / 1e9


def training_flop(inputs: Inputs, catalog: Catalog) -> float:
    """Model FLOP of a whole run."""
    model = _model(inputs, catalog)
    return model.training_flop_per_tok(inputs["sequence_tok"]) * float(inputs["tokens"])


def _layout(inputs: Inputs) -> Layout:
    return Layout(
        tensor=inputs.get("tensor", 1),
        pipeline=inputs.get("pipeline", 1),
        context=inputs.get("context", 1),
        expert=inputs.get("expert", 1),
        micro_batch=inputs.get("micro_batch", 1),
        micro_batches=inputs.get("micro_batches", 64),
        interleave=inputs.get("interleave", 1),
    )


def _seconds_per_tok(inputs: Inputs, catalog: Catalog) -> float:
    """Time of a token with the published layout of the job, or with kiban's own where none is published."""
    model, chip = _model(inputs, catalog), load_accelerator(catalog, inputs["accelerator"])
    own = inputs.get("own_layout", False)
    layout = default_layout(model, chip, inputs["accelerators"]) if own else _layout(inputs)
    return token_s(model, chip, inputs["precision"], inputs["sequence_tok"], layout, load_training(catalog))


def training_tok_per_s(inputs: Inputs, catalog: Catalog) -> float:
    """Tokens per second and accelerator in training."""
    return 1.0 / _seconds_per_tok(inputs, catalog)


def training_step_s(inputs: Inputs, catalog: Catalog) -> float:
    """Seconds of one training step."""
    tokens = inputs["global_batch"] * inputs["sequence_tok"]
    return _seconds_per_tok(inputs, catalog) * tokens / inputs["accelerators"]


def training_gpu_h(inputs: Inputs, catalog: Catalog) -> float:
    """Accelerator-hours of a whole run, benchmark speed."""
    return _seconds_per_tok(inputs, catalog) * float(inputs["tokens"]) / 3600


def rental_cost_musd(inputs: Inputs, catalog: Catalog) -> float:
    """Cloud rent of a whole run at production speed and goodput, in 1e6 USD."""
    rate = catalog.value("reliability.h100_sxm.all_unexpected_interrupt_per_year")
    useful = _fleet_goodput(inputs["accelerators"], rate, catalog) * catalog.value("compute.training.production_frac")
    return training_gpu_h(inputs, catalog) / useful * float(inputs["rent_usd_per_gpu_h"]) / 1e6


def _serve(inputs: Inputs, catalog: Catalog) -> Served:
    work = Work(inputs["prompt_tok"], inputs["output_tok"], 0.0, 1e9, 1e9, inputs["precision"])
    chip = load_accelerator(catalog, inputs["accelerator"])
    return serve(_model(inputs, catalog), chip, work, load_serving(catalog))


def offline_output_tok_per_s(inputs: Inputs, catalog: Catalog) -> float:
    """Generated tokens per second and accelerator without latency limits, in a benchmark."""
    served = _serve(inputs, catalog)
    return served.blended_tok_per_s * inputs["output_tok"] / (inputs["prompt_tok"] + inputs["output_tok"])


def prefill_tok_per_s(inputs: Inputs, catalog: Catalog) -> float:
    """Prompt tokens per second of an accelerator that does nothing else."""
    return _serve(inputs, catalog).prefill_tok_per_s


def decode_tok_per_s(inputs: Inputs, catalog: Catalog) -> float:
    """Generated tokens per second of an accelerator that does nothing else."""
    return _serve(inputs, catalog).decode_tok_per_s


def _times_s(catalog: Catalog) -> tuple[float, float]:
    """Save and restart times: no paper here prints both, so all rows share the catalogue's assumed ones."""
    return catalog.value("compute.goodput.save_s"), catalog.value("compute.goodput.restart_s")


def _fleet_goodput(accelerators: float, interrupts_per_accelerator_year: float, catalog: Catalog) -> float:
    return job_goodput_frac(accelerators, interrupts_per_accelerator_year, *_times_s(catalog))


def goodput(inputs: Inputs, catalog: Catalog) -> float:
    """Goodput of a job from published interruptions, at the best interval."""
    rate = inputs["interruptions"] / (inputs["days"] * 86400)
    if "accelerators" in inputs and "observed_accelerators" in inputs:
        rate *= inputs["accelerators"] / inputs["observed_accelerators"]
    save_s, restart_s = _times_s(catalog)
    return float(goodput_frac(best_interval_s(save_s, rate), save_s, restart_s, rate))


def fleet_goodput(inputs: Inputs, catalog: Catalog) -> float:
    """Goodput of a job of a size: own published interruptions where there are some, else the rate of its family.

    Where people restart a share of the failures, their time comes in; no published time is an input.
    """
    rate = failures_per_s(inputs["accelerators"], interrupts_per_year(catalog, inputs["family"]))
    if "interruptions" in inputs:
        rate = inputs["interruptions"] / (inputs["days"] * 86400)
    save_s, restart_s = _times_s(catalog)
    manual_s = catalog.value("compute.recovery.manual_s")
    recovery = Recovery(inputs.get("automatic_frac", 1.0), restart_s, manual_s)
    return job_goodput(rate, CheckpointCost(save_s, 0.0, 0.0), recovery).useful_frac


def job_mttf_h(inputs: Inputs, catalog: Catalog) -> float:
    """Mean time to failure of a job from a published failure rate of nodes, independent nodes in series, hours."""
    rate = catalog.value(inputs["rate_row"])
    return mean_time_to_failure_h(inputs["accelerators"] / inputs["accelerators_per_node"], rate)


def larger_job_mttf_h(inputs: Inputs, catalog: Catalog) -> float:
    """Mean time to failure of a job from that of a smaller one by 1/N, hours."""
    small_h = catalog.value(inputs["mttf_days_row"]) * 24
    return float(small_h * inputs["smaller_accelerators"] / inputs["accelerators"])


def embodied_kg_per_accelerator(inputs: Inputs, catalog: Catalog) -> float:
    """Carbon of making one accelerator with its share of the server."""
    return embodied_kg(catalog, load_accelerator(catalog, inputs["accelerator"]))


CASES = {
    "parameters_1e9": parameters_1e9,
    "training_flop": training_flop,
    "training_tok_per_s": training_tok_per_s,
    "training_step_s": training_step_s,
    "training_gpu_h": training_gpu_h,
    "rental_cost_musd": rental_cost_musd,
    "offline_output_tok_per_s": offline_output_tok_per_s,
    "prefill_tok_per_s": prefill_tok_per_s,
    "decode_tok_per_s": decode_tok_per_s,
    "goodput": goodput,
    "fleet_goodput": fleet_goodput,
    "job_mttf_h": job_mttf_h,
    "larger_job_mttf_h": larger_job_mttf_h,
    "embodied_kg_per_accelerator": embodied_kg_per_accelerator,
}
