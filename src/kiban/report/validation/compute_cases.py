"""Cases of the compute room."""

from __future__ import annotations

from typing import Any

from kiban.catalog import Catalog
from kiban.compute.arithmetic import load_model
from kiban.compute.goodput import best_interval_s, goodput_frac
from kiban.compute.hardware import load_accelerator
from kiban.compute.serving import Work, load_serving, serve
from kiban.compute.training import Layout, load_training, token_s

Inputs = dict[str, Any]


def parameters_1e9(inputs: Inputs, catalog: Catalog) -> float:
    """Total or active weights of a model, in 1e9."""
    model = load_model(catalog, inputs["model"])
    return (model.params_active if inputs.get("active") else model.params_total) / 1e9


def training_flop(inputs: Inputs, catalog: Catalog) -> float:
    """Model FLOP of a whole run."""
    model = load_model(catalog, inputs["model"])
    return model.training_flop_per_tok(inputs["sequence_tok"]) * float(inputs["tokens"])


def _seconds_per_tok(inputs: Inputs, catalog: Catalog) -> float:
    layout = Layout(
        tensor=inputs.get("tensor", 1),
        pipeline=inputs.get("pipeline", 1),
        context=inputs.get("context", 1),
        expert=inputs.get("expert", 1),
        micro_batch=inputs.get("micro_batch", 1),
        micro_batches=inputs.get("micro_batches", 64),
        interleave=inputs.get("interleave", 1),
    )
    return token_s(
        load_model(catalog, inputs["model"]),
        load_accelerator(catalog, inputs["accelerator"]),
        inputs["precision"],
        inputs["sequence_tok"],
        layout,
        load_training(catalog),
    )


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


def offline_output_tok_per_s(inputs: Inputs, catalog: Catalog) -> float:
    """Generated tokens per second and accelerator without latency limits, in a benchmark."""
    work = Work(inputs["prompt_tok"], inputs["output_tok"], 0.0, 1e9, 1e9, inputs["precision"])
    served = serve(
        load_model(catalog, inputs["model"]),
        load_accelerator(catalog, inputs["accelerator"]),
        work,
        load_serving(catalog),
    )
    return served.blended_tok_per_s * work.output_tok / (work.prompt_tok + work.output_tok)


def goodput(inputs: Inputs, catalog: Catalog) -> float:
    """Goodput of a job from published interruptions, at the best interval if none is given."""
    rate = inputs["interruptions"] / (inputs["days"] * 86400)
    if "accelerators" in inputs and "observed_accelerators" in inputs:
        rate *= inputs["accelerators"] / inputs["observed_accelerators"]
    interval = inputs.get("interval_s") or best_interval_s(inputs["save_s"], rate)
    return float(goodput_frac(interval, inputs["save_s"], inputs["restart_s"], rate))


CASES = {
    "parameters_1e9": parameters_1e9,
    "training_flop": training_flop,
    "training_tok_per_s": training_tok_per_s,
    "training_step_s": training_step_s,
    "training_gpu_h": training_gpu_h,
    "offline_output_tok_per_s": offline_output_tok_per_s,
    "goodput": goodput,
}
