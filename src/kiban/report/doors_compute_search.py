"""``kiban compute search``: every layout of a training job, for a reader, a machine or as a page with its picture."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kiban.catalog import Catalog
from kiban.compute.train.job import Setting, build_setting, search_job
from kiban.compute.train.pareto import Rated
from kiban.compute.train.search import Found
from kiban.compute.train.wording import layout_dict, layout_words
from kiban.figures.training import training_pareto, training_parts
from kiban.report.compute_request import TrainingRequest
from kiban.report.doors_compute_train import job_data, job_line, warnings_of
from kiban.report.doors_words import table
from kiban.report.page import Page, basis_of_used, page_html, used_keys
from kiban.report.serialize import to_plain
from kiban.report.table import View, view
from kiban.units.numbers import percent, significant

KEYS = ("tp", "pp", "vp", "cp", "ep", "dp", "mbs", "recompute", "sp", "shard")
SHOWN = 12
"""Rows of the Pareto set on the screen."""
BARS = 8
"""Layouts whose step is drawn by part."""


@dataclass(frozen=True)
class SearchAnswer:
    """What was found, as plain data and as arrays for the picture."""

    data: dict[str, Any]
    setting: Setting
    found: Found
    keys: frozenset[str]
    """Catalogue rows read."""


def search_data(catalog: Catalog, request: TrainingRequest, best_count: int) -> SearchAnswer:
    """Search.

    Args: catalogue; request; how many of the fastest to show. Result: ``job``, ``best`` and ``pareto`` (layouts with
    seconds, tokens/s, MFU, bytes), counts of ``considered``, ``fitting`` and ``rejected``, ``search`` (CPU-s, rate).
    Errors: ComputeError with the limit that binds and the nearest feasible job.
    """
    with catalog.recording("compute") as keys:
        setting = build_setting(catalog, request.model, request.chip, request.job)
    clock = time.process_time()
    found = search_job(setting, best_count)
    spent = time.process_time() - clock
    data: dict[str, Any] = to_plain({
        "job": job_data(request),
        "accelerator_bytes": setting.chip.memory_bytes,
        "best": _rows(setting, found.best),
        "pareto": _rows(setting, found.pareto),
        "considered": found.considered,
        "fitting": found.fitting,
        "rejected": found.rejected,
        "search": {"cpu_s": spent, "layouts_per_cpu_s": found.considered / max(spent, 1e-9)},
        "warnings": warnings_of(catalog, setting, found.best.layouts),
    })  # fmt: skip
    own = catalog.keys(f"model.{setting.model.name}.") + catalog.keys(f"accelerator.{setting.chip.name}.")
    return SearchAnswer(data, setting, found, frozenset([*keys, *own]))


def _rows(setting: Setting, rated: Rated) -> list[dict[str, Any]]:
    rates, mfus = setting.rate(rated.step_s), setting.mfu(rated.step_s)
    return [
        {
            "layout": layout_dict(rated.layouts, i),
            "layout_words": layout_words(rated.layouts, i),
            "step_s": float(rated.step_s[i]),
            "tok_per_s_per_accelerator": float(rates[i]),
            "mfu_frac": float(mfus[i]),
            "memory_bytes": float(rated.memory_bytes[i]),
        }
        for i in range(len(rated))
    ]


def search_text(data: dict[str, Any]) -> str:
    """The same for a reader."""
    spent = data["search"]
    out = [
        job_line(data["job"]),
        f"{data['considered']:,} layouts in {spent['cpu_s']:.2f} CPU-s ({spent['layouts_per_cpu_s']:,.0f} per second), "
        f"{data['fitting']:,} fit {data['accelerator_bytes'] / 1e9:.1f} GB",
        "",
        *table(["Fastest", *HEAD], _cells(data["best"])),
        "",
        *table(["Pareto set", *HEAD], _cells(_some(data["pareto"]))),
        *_rest_words(data["pareto"]),
        "",
        "Left out",
        *(f"  {count:>12,}  {reason}" for reason, count in data["rejected"].items() if count),
    ]
    if data["warnings"]:
        out += ["", "Warnings", *(f"  {w}" for w in data["warnings"])]
    return "\n".join(out)


def _some(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All rows, or as many as a screen holds, evenly from the first to the last."""
    if len(rows) <= SHOWN:
        return rows
    return [rows[i] for i in np.linspace(0, len(rows) - 1, SHOWN).round().astype(int)]


def _rest_words(rows: list[dict[str, Any]]) -> list[str]:
    return [f"({SHOWN} of {len(rows)}; --json and --html have all)"] if len(rows) > SHOWN else []


HEAD = ("step s", "tok/s/acc", "MFU", "GB")


def _cells(rows: list[dict[str, Any]]) -> list[list[str]]:
    return [[row["layout_words"], *_numbers(row)] for row in rows]


def _numbers(row: dict[str, Any]) -> list[str]:
    return [
        significant(row["step_s"], 4),
        f"{row['tok_per_s_per_accelerator']:,.0f}" if row["tok_per_s_per_accelerator"] >= 100
        else significant(row["tok_per_s_per_accelerator"]),
        percent(row["mfu_frac"]),
        f"{row['memory_bytes'] / 1e9:.1f}",
    ]  # fmt: skip


def _view(id: str, title: str, rows: list[dict[str, Any]], note: str) -> View:
    columns = ("no.>", *(f"{key}>" for key in KEYS), "step, s>", "tokens/s per accelerator>", "MFU>", "memory, GB>")
    cells = [[str(i), *(str(row["layout"][key]) for key in KEYS), *_numbers(row)] for i, row in enumerate(rows, 1)]
    return view(id, "compute", title, "P50 of a benchmark", columns, cells, note)


def write_search_page(file: Path, catalog: Catalog, request: TrainingRequest, answer: SearchAnswer) -> Path:
    """Write the page with the picture of the Pareto set; errors: OSError, and then nothing is half written."""
    text = search_page(catalog, request, answer)
    part = file.with_name(file.name + ".part")
    part.write_text(text, encoding="utf-8", newline="\n")
    part.replace(file)
    return file


def search_page(catalog: Catalog, request: TrainingRequest, answer: SearchAnswer) -> str:
    """The page as HTML."""
    data, setting, found = answer.data, answer.setting, answer.found
    used = used_keys(catalog, "compute", answer.keys)
    basis = basis_of_used(used, "compute", "P50 of a benchmark")
    shown = min(BARS, len(found.best))
    names = [str(i + 1) for i in range(shown)]
    parts = {name: seconds[:shown] for name, seconds in setting.timing.parts_s(found.best.layouts).items()}
    best = data["best"][0]
    figures = [
        training_pareto(
            (setting.rate(found.sample.step_s), found.sample.memory_bytes),
            (setting.rate(found.pareto.step_s), found.pareto.memory_bytes),
            setting.chip.memory_bytes, basis,
        ),
        training_parts(names, parts, basis),
    ]  # fmt: skip
    return page_html(
        Page(
            title=f"{data['job']['model']} on {data['job']['accelerators']:,} {data['job']['chip']}",
            brand="training layouts",
            meta=job_line(data["job"]),
            sentence=f"The fastest of {data['considered']:,} layouts is {best['layout_words'].replace(',', ', ')}: "
            f"{best['tok_per_s_per_accelerator']:,.0f} tokens per second and accelerator.",
            card=_card(data),
            figures=figures,
            views=_views(data),
            used=used,
            warnings=data["warnings"],
        )
    )  # fmt: skip


def _views(data: dict[str, Any]) -> list[View]:
    reasons = [[f"{count:,}", reason] for reason, count in data["rejected"].items() if count]
    falls = "A cut stands for all finer choices below it; the last line counts whole layouts."
    columns = ("count>", "reason")
    return [
        _view("best", "The fastest layouts", data["best"], ""),
        _view("pareto", "The Pareto set", data["pareto"], "No layout is both faster and lighter than one of these."),
        view("rejected", "compute", "What is left out", "cuts and layouts, by reason", columns, reasons, falls),
    ]


def _card(data: dict[str, Any]) -> list[dict[str, str]]:
    best, spent = data["best"][0], data["search"]
    return [
        {"label": "Step", "value": f"{significant(best['step_s'], 4)} s", "unit": "seconds per step", "more": ""},
        {"label": "MFU", "value": percent(best["mfu_frac"]), "unit": "model FLOP over peak", "more": ""},
        {"label": "Memory", "value": f"{best['memory_bytes'] / 1e9:.1f} GB", "unit": "per accelerator",
         "more": f"of {data['accelerator_bytes'] / 1e9:.1f} GB"},
        {"label": "Layouts that fit", "value": f"{data['fitting']:,}", "unit": f"of {data['considered']:,}",
         "more": f"{spent['layouts_per_cpu_s']:,.0f} per CPU-second"},
    ]  # fmt: skip
