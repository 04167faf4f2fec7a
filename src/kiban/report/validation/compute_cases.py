"""Cases of the compute room."""

from __future__ import annotations

from typing import Any

from kiban.catalog import Catalog
from kiban.compute.arithmetic import load_model
from kiban.compute.checkpoints import CheckpointCost
from kiban.compute.goodput import best_interval_s, goodput_frac
from kiban.compute.goodput_inputs import interrupts_per_year
from kiban.compute.hardware import load_accelerator
from kiban.compute.inputs import embodied_kg
from kiban.compute.job_goodput import failures_per_s, job_goodput, mean_time_to_failure_h
from kiban.compute.recovery import Recovery
from kiban.compute.rows.predict import COLUMNS, answer_rows
from kiban.compute.train.campaign import train_tokens
from kiban.compute.train.job import build_setting, search_job, train_job
from kiban.compute.train.layouts import Job

Inputs = dict[str, Any]


def parameters_1e9(inputs: Inputs, catalog: Catalog) -> float:
    """Total or active weights of a model, in 1e9."""
    model = load_model(catalog, inputs["model"])
    return (model.params_active if inputs.get("active") else model.params_total) / 1e9


def training_flop(inputs: Inputs, catalog: Catalog) -> float:
    """Model FLOP of a whole run."""
    model = load_model(catalog, inputs["model"])
    return model.training_flop_per_tok(inputs["sequence_tok"]) * float(inputs["tokens"])


def measured_row(inputs: Inputs, catalog: Catalog) -> float:
    """P50 of kiban's answer to a measurement row (`kiban predict`), in the row's unit; no number where it refuses.

    Inputs: kind, system, hardware, config, metric and unit of the row, as published; never its value.
    """
    (answer,) = answer_rows([{column: str(inputs[column]) for column in COLUMNS}], catalog)
    return answer.p50


def rental_cost_musd(inputs: Inputs, catalog: Catalog) -> float:
    """Cloud rent of a whole run at production speed and goodput, in kiban's fastest layout, in 1e6 USD."""
    model, chip = load_model(catalog, inputs["model"]), load_accelerator(catalog, inputs["accelerator"])
    job = Job(inputs["accelerators"], inputs["global_batch"], inputs["sequence_tok"], inputs["precision"])
    setting = build_setting(catalog, model, chip, job)
    trained = train_job(catalog, setting, search_job(setting, 1).best.layouts)
    tokens = float(inputs["tokens"])
    run = train_tokens(tokens, job, trained.step_s, trained.goodput_frac, trained.production_frac)
    return run.accelerator_h * float(inputs["rent_usd_per_gpu_h"]) / 1e6


def _times_s(catalog: Catalog) -> tuple[float, float]:
    """Save and restart times: no paper here prints both, so all rows share the catalogue's assumed ones."""
    return catalog.value("compute.goodput.save_s"), catalog.value("compute.goodput.restart_s")


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
    "measured_row": measured_row,
    "rental_cost_musd": rental_cost_musd,
    "goodput": goodput,
    "fleet_goodput": fleet_goodput,
    "job_mttf_h": job_mttf_h,
    "larger_job_mttf_h": larger_job_mttf_h,
    "embodied_kg_per_accelerator": embodied_kg_per_accelerator,
}
