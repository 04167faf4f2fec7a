"""Rows of training memory per accelerator."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from kiban.catalog import Catalog
from kiban.compute.arithmetic import load_model
from kiban.compute.model import Z90
from kiban.compute.rows.answer import Answer, refused
from kiban.compute.rows.config import number, parse_config
from kiban.compute.rows.names import find_model
from kiban.compute.train.layouts import FULL, NO_RECOMPUTE, SELECTIVE, Job, Layouts
from kiban.compute.train.memory import Memory, training_memory
from kiban.compute.train.memory_facts import KORTHIKANTI, load_memory_facts

UNITS = {"gib": 2.0**30, "gb": 1e9, "mib": 2.0**20, "mb": 1e6, "tib": 2.0**40, "bytes": 1.0, "b": 1.0}
PAPER = "korthikanti_2022"
SEQUENCE_TOK = 2048


@dataclass(frozen=True)
class _Request:
    """One layout of one model and what the row asks of it."""

    model: str
    job: Job
    layout: Layouts
    parts: tuple[str, ...]
    unit_bytes: float
    """0 where the row asks for a share of the plain layout's activations."""
    from_paper: bool


def answer_memory(row: Mapping[str, str], catalog: Catalog) -> Answer:
    """Answer one row of kind ``training-memory``; refuses with the reason, never raises.

    A row that refers to the iteration-time row of its model is an account of Korthikanti et al. 2022, whose layouts are
    catalogue rows ``layout.korthikanti_2022.*`` and which counts layers alone; any other must carry its layout.
    """
    try:
        request = _request(row, catalog)
        return request if isinstance(request, Answer) else _answer(request, catalog)
    except (ValueError, KeyError, LookupError, ArithmeticError) as error:
        return refused(f"the row cannot be read: {error}")


def _answer(request: _Request, catalog: Catalog) -> Answer:
    model = load_model(catalog, request.model)
    if request.from_paper:
        facts, sd = KORTHIKANTI, catalog.value("compute.memory.bookkeeping_log_sd")
        model = replace(model, vocab=0)
    else:
        facts, sd = load_memory_facts(catalog, request.job.precision), catalog.value("compute.memory.program_log_sd")
    memory = training_memory(model, request.job, request.layout, facts)
    p50 = _sum(memory, request.parts)
    if request.unit_bytes:
        p50 /= request.unit_bytes
    else:
        plain = replace(request.layout, recompute=np.array([NO_RECOMPUTE]), sequence_parallel=np.array([0]))
        p50 *= 100.0 / _sum(training_memory(model, request.job, plain, facts), request.parts)
    if not p50 > 0 or not math.isfinite(p50):
        return refused("the layout leaves nothing of what the row asks for")
    spread = math.exp(Z90 * sd)
    basis = "account of layers as Korthikanti et al. 2022 keep it" if request.from_paper else "layout of the row"
    return Answer(
        p50 / spread, p50, p50 * spread, "answered", f"{request.model}, {basis}, parts: {', '.join(request.parts)}"
    )


def _sum(memory: Memory, parts: tuple[str, ...]) -> float:
    return float(sum(getattr(memory, part)[0] for part in parts))


def _request(row: Mapping[str, str], catalog: Catalog) -> _Request | Answer:
    metric = row.get("metric", "").lower()
    model = find_model(catalog, row.get("system", ""))
    if model is None:
        return refused(f"no model of the catalogue is named in {row.get('system', '')!r}")
    parts = _parts(metric)
    if not parts:
        return refused(f"the metric {row.get('metric', '')!r} names no part of memory")
    unit = row.get("unit", "").lower()
    size = next((UNITS[word] for word in re.findall(r"[a-z]+", unit) if word in UNITS), 0.0)
    if not size and "%" not in unit:
        return refused(f"the unit {row.get('unit', '')!r} is not of memory")
    if not size and parts != ("activations",):
        return refused("a share is answered for activations alone")
    config = parse_config(row.get("config", ""))
    how, along = _recompute(metric, config)
    from_paper = "tp" not in config and "see iteration" in row.get("config", "").lower()
    if from_paper and not catalog.has(f"layout.{PAPER}.{model}.tensor"):
        return refused(f"no layout of {model} in Korthikanti et al. 2022 is known; give tp, pp, dp, mbs in the config")
    layout = _paper_layout(catalog, model) if from_paper else _row_layout(config)
    if isinstance(layout, str):
        return refused(layout)
    cut, batch = layout
    data = cut.pop("data")
    count = cut["tensor"] * cut["pipeline"] * cut["context"] * data
    precision = _precision(config.get("prec", config.get("precision", "")))
    sequence = int(number(config, "seq", "sequence") or SEQUENCE_TOK)
    columns = {**cut, "data": data, "recompute": how, "sequence_parallel": along}
    layouts = Layouts(**{name: np.array([value], dtype=np.int64) for name, value in columns.items()})
    return _Request(model, Job(count, batch, sequence, precision), layouts, parts, size, from_paper)


def _parts(metric: str) -> tuple[str, ...]:
    """Parts of memory that a metric's name lists; everything for ``memory`` or ``total``."""
    known = (
        (("param", "weight"), "weights"),
        (("grad",), "gradients"),
        (("optim",), "optimizer"),
        (("activation",), "activations"),
    )
    found = [part for words, part in known if any(w in metric for w in words)]
    if "weights" in found and "optimizer" in found and "gradients" not in found:
        # Accounts of "parameters and optimizer" carry the gradients with them (18 bytes per parameter).
        found.insert(1, "gradients")
    if not found and ("memory" in metric or "total" in metric or "hbm" in metric):
        return ("weights", "gradients", "optimizer", "activations", "logits", "workspace")
    return tuple(found)


def _recompute(metric: str, config: dict[str, str]) -> tuple[int, int]:
    """Recomputation and sequence parallelism, from the metric's words first, else from the config."""
    words = metric.split("activation", 1)[-1]
    said = config.get("recompute", "").lower()
    text = words if re.search(r"none|full|sel|seq|baseline", words) else said
    how = FULL if "full" in text else SELECTIVE if "sel" in text else NO_RECOMPUTE
    along = "seq" in words or config.get("seqpar", config.get("sp", "no")).lower() in ("yes", "1", "true")
    return how, int(along)


def _paper_layout(catalog: Catalog, model: str) -> tuple[dict[str, int], int]:
    def get(field: str) -> int:
        return int(catalog.value(f"layout.{PAPER}.{model}.{field}"))

    names = ("tensor", "pipeline", "interleave", "micro_batch")
    cut = {name: get(name) for name in names}
    return {**cut, "context": 1, "expert": 1, "data": 1, "shard": 0}, get("global_batch")


def _row_layout(config: dict[str, str]) -> tuple[dict[str, int], int] | str:
    """Layout of a config cell and the batch, or what is missing."""
    missing = [key for key in ("tp", "mbs") if number(config, key) is None]
    tensor, pipeline, context = (int(number(config, key) or 1) for key in ("tp", "pp", "cp"))
    data = number(config, "dp")
    if data is None and (count := number(config, "gpus", "chips", "accelerators")) is not None:
        data = count // (tensor * pipeline * context)
    if data is None:
        missing.append("dp or gpus")
    if missing or data is None:
        return f"the config lacks {', '.join(missing)}"
    micro = int(number(config, "mbs") or 1)
    batch = int(number(config, "gbs", "batch") or micro * max(int(data), 1) * pipeline)
    shard = 3 if number(config, "fsdp") else 1 if "dist" in config.get("optimizer", "") or number(config, "zero") else 0
    return {
        "tensor": tensor,
        "pipeline": pipeline,
        "interleave": int(number(config, "interleave", "vp", "vpp") or 1),
        "context": context,
        "expert": int(number(config, "ep") or 1),
        "micro_batch": micro,
        "data": max(int(data), 1),
        "shard": shard,
    }, batch


def _precision(text: str) -> str:
    low = text.lower()
    return "fp4" if "fp4" in low else "fp8" if "fp8" in low else "bf16"
