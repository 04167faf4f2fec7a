"""``kiban compute train``: one training job, for a reader or a machine."""

from __future__ import annotations

from typing import Any

import numpy as np

from kiban.catalog import Catalog
from kiban.compute.inputs import it_kw
from kiban.compute.power_inputs import load_swing
from kiban.compute.train.campaign import train_tokens
from kiban.compute.train.job import Setting, Trained, build_setting, search_job, train_job
from kiban.compute.train.layouts import Layouts
from kiban.compute.train.pareto import take
from kiban.compute.train.wording import layout_dict, layout_words
from kiban.report.compute_request import TrainingRequest
from kiban.report.doors_words import table
from kiban.report.serialize import to_plain
from kiban.units.numbers import percent, significant

DAY_S = 86400.0
UNMEASURED = {
    "family": "no training was measured on {chip}; its time rests on its family ({family}), the interval is wider",
    "none": "no training was measured on the family of {chip}; its time rests on its data sheet, the interval is wider",
}
MEMORY = ("weights", "gradients", "optimizer", "activations", "logits", "workspace")


def train_data(catalog: Catalog, request: TrainingRequest) -> dict[str, Any]:
    """What a job does, as plain data.

    Args: catalogue; request; without a layout the fastest of the search is taken. Result: ``job``, ``layout``,
    ``tok_per_s_per_accelerator`` (P10, P50, P90), ``step`` and ``memory`` by part, ``mfu_frac``, ``run`` for the tokens
    asked for, ``warnings``. Errors: ComputeError with the limit that binds.
    """
    setting = build_setting(catalog, request.model, request.chip, request.job)
    searched = 0
    cut = request.layout
    if cut is None:
        found = search_job(setting, 1)
        cut, searched = take(found.best.layouts, np.array([0])), found.considered
    trained = train_job(catalog, setting, cut)
    rate = trained.rate_tok_per_s
    plain: dict[str, Any] = to_plain({
        "job": job_data(request),
        "layout": layout_dict(cut, 0),
        "layout_words": layout_words(cut, 0),
        "layouts_searched": searched,
        "tok_per_s_per_accelerator": {"p10": rate.p10, "p50": rate.p50, "p90": rate.p90},
        "step": {"total_s": trained.step_s, "parts_s": trained.parts_s},
        "memory": _memory(setting, trained),
        "mfu_frac": trained.mfu_frac,
        "goodput_frac": trained.goodput_frac,
        "production_frac": trained.production_frac,
        "accelerator_kw": trained.kw,
        "power": _power(catalog, setting, trained),
        "j_per_tok": trained.kw * 1e3 / rate.p50,
        "run": _run(request, trained),
        "warnings": warnings_of(catalog, setting, cut),
    })  # fmt: skip
    return plain


def _power(catalog: Catalog, setting: Setting, trained: Trained) -> dict[str, float]:
    """IT power of the job: its mean, and how far it goes to and fro within seconds."""
    swing = load_swing(catalog, "train")
    provisioned_mw = it_kw(catalog, setting.chip) * setting.job.accelerators / 1e3
    return {
        "mean_mw": trained.kw * setting.job.accelerators / 1e3,
        "swing_mw": swing.swing_mw(provisioned_mw),
        "swing_window_s": swing.window_s,
        "step_s": trained.step_s,
        "pause_frac": trained.pause_frac,
    }


def job_data(request: TrainingRequest) -> dict[str, Any]:
    """The job as plain data."""
    job = request.job
    return {
        "model": request.model.name,
        "chip": request.chip.name,
        "accelerators": job.accelerators,
        "batch_sequences": job.global_batch,
        "sequence_tok": job.sequence_tok,
        "precision": job.precision,
        "calculated_in": request.chip.peak(job.precision)[1],
    }


def _memory(setting: Setting, trained: Trained) -> dict[str, Any]:
    parts = {name: float(getattr(trained.memory, name)[0]) for name in MEMORY}
    return {"parts_bytes": parts, "total_bytes": sum(parts.values()), "accelerator_bytes": setting.chip.memory_bytes}


def _run(request: TrainingRequest, trained: Trained) -> dict[str, Any] | None:
    """Days and energy of the tokens asked for; the longer days go with the slower rate."""
    if request.tokens_tok is None:
        return None
    rate, job = trained.rate_tok_per_s, request.job
    step_tok = job.global_batch * job.sequence_tok
    runs = {
        name: train_tokens(
            request.tokens_tok,
            job,
            step_tok / (value * job.accelerators),
            trained.goodput_frac,
            trained.production_frac,
        )
        for name, value in (("p10", rate.p90), ("p50", rate.p50), ("p90", rate.p10))
    }
    hours = {name: run.accelerator_h for name, run in runs.items()}
    return {
        "tokens_tok": request.tokens_tok,
        "steps": runs["p50"].steps,
        "days": {name: run.calendar_s / DAY_S for name, run in runs.items()},
        "accelerator_hours": hours,
        "energy_mwh": {name: value * trained.kw / 1e3 for name, value in hours.items()},
    }


def warnings_of(catalog: Catalog, setting: Setting, cut: Layouts) -> list[str]:
    """What a reader must know before trusting the numbers."""
    chip, model, job = setting.chip, setting.model, setting.job
    words = []
    if setting.timing.situation in UNMEASURED:
        words.append(UNMEASURED[setting.timing.situation].format(chip=chip.name, family=chip.family))
    used = chip.peak(job.precision)[1]
    if used != job.precision:
        words.append(f"{chip.name} has no {job.precision} rate; its {used} rate is taken")
    key = f"model.{model.name}.layers"
    if catalog.has(key) and catalog.row(key).confidence == "assumed":
        words.append(f"the architecture of {model.name} is assumed, not published")
    if (cut.pipeline * cut.interleave > 1).any() and (model.layers % (cut.pipeline * cut.interleave) != 0).any():
        words.append("the layers do not divide over the stages; the fullest stage is weighed")
    return words


def train_text(data: dict[str, Any]) -> str:
    """The same for a reader."""
    job, rate, step, memory = data["job"], data["tok_per_s_per_accelerator"], data["step"], data["memory"]
    searched = f" (fastest of {data['layouts_searched']:,})" if data["layouts_searched"] else ""
    out = [
        job_line(job),
        f"Layout{searched}: {data['layout_words']}",
        "",
        f"{significant(rate['p50'], 4)} tokens/s per accelerator ({_range(rate)}) in a benchmark, "
        f"MFU {percent(data['mfu_frac'])}, {significant(data['j_per_tok'])} J per token",
        "",
    ]
    total = step["total_s"]
    rows = [[name, f"{value:.3f}", percent(value / total)] for name, value in step["parts_s"].items() if value > 0]
    out += table(["Step", "seconds", "share"], [*rows, ["all", f"{total:.3f}", ""]])
    out.append("")
    bytes_ = memory["total_bytes"]
    rows = [[name, f"{value / 1e9:.2f}", percent(value / bytes_)] for name, value in memory["parts_bytes"].items()]
    total_row = ["all", f"{bytes_ / 1e9:.2f}", f"of {memory['accelerator_bytes'] / 1e9:.1f} GB"]
    out += table(["Memory per accelerator", "GB", "share"], [*rows, total_row])
    power = data["power"]
    mean, swing, window = (significant(power[k]) for k in ("mean_mw", "swing_mw", "swing_window_s"))
    pause = f"falls for {percent(power['pause_frac'], 2)} of each {significant(power['step_s'])} s step"
    out += ["", f"{mean} MW of IT on average; in step it swings by {swing} MW within {window} s and {pause}"]
    if data["run"]:
        out += ["", *_run_text(data)]
    if data["warnings"]:
        out += ["", "Warnings", *(f"  {w}" for w in data["warnings"])]
    return "\n".join(out)


def _range(values: dict[str, float]) -> str:
    return f"P10 {significant(values['p10'])}, P90 {significant(values['p90'])}"


def job_line(job: dict[str, Any]) -> str:
    """The job in one line."""
    return (
        f"{job['model']} on {job['accelerators']:,} {job['chip']}: {job['batch_sequences']:,} sequences of "
        f"{job['sequence_tok']:,} tokens per step, {job['precision']}"
    )


def _run_text(data: dict[str, Any]) -> list[str]:
    run = data["run"]
    days, energy, hours = run["days"], run["energy_mwh"], run["accelerator_hours"]
    return [
        f"{run['tokens_tok'] / 1e12:,.4g} T tokens: {significant(days['p50'])} days ({_range(days)}), "
        f"{hours['p50'] / 1e6:,.3g} million accelerator-hours, {significant(energy['p50'], 4)} MWh of IT energy,",
        f"with production at {percent(data['production_frac'])} of a benchmark and goodput "
        f"{percent(data['goodput_frac'])}",
    ]
