"""The engines that a model could be served with on a chip, as options of the planner."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kiban.catalog import Catalog
from kiban.compute.arithmetic import ModelSpec, load_model
from kiban.compute.errors import ComputeError
from kiban.compute.hardware import Accelerator, load_accelerator
from kiban.compute.inputs import it_kw
from kiban.compute.serve.cost import iteration_cost
from kiban.compute.serve.engines import Option
from kiban.compute.serve.features import (
    DECODE,
    PREFILL,
    Placement,
    default_cache_precision,
    keeps_whole_windows,
    prefill_features,
)
from kiban.compute.serve.fit import ROOT, ServingFit, load_fit
from kiban.compute.serve.layout import ServeLayout
from kiban.compute.serve.load import Load
from kiban.compute.serve.planner import InfeasibleError
from kiban.compute.serve.points import Point
from kiban.compute.serve.unit_costs import Draw

_MOST_ACCELERATORS = 64
"""Of one engine; larger expert-parallel groups are served, but nothing measured stands behind them here."""
_MOST_SEATS = 8192
"""Requests of one engine; beyond, the table of steps would outgrow its use."""


@dataclass(frozen=True)
class Engines:
    """Options with what the catalogue knows around them."""

    options: tuple[Option, ...]
    basis: str
    """``seen``, ``known`` or ``new``: what was measured near this model and chip."""
    log_error: tuple[float, float, float]
    """P10, P50, P90 of log(true / modelled) time per token, on rows left out of the fit."""
    first_error: tuple[float, float, float]
    """The same of the time to first token."""
    production_frac: tuple[float, float, float]
    """Share of the benchmark rate kept in production: low, value, high."""
    draw: Draw


@dataclass(frozen=True)
class Running:
    """How an engine is run."""

    precision: str
    engine: str
    """``vllm``, ``sglang``, ``trtllm``, or ``any`` for the mean of all."""
    seats: int
    """Requests of one attention replica at most."""
    verified_tok: int
    """Tokens that a decode step runs per request: 1, or drafted + 1."""
    maturity_years: float = 1.0
    """Years since the chip's release; software grows faster with it."""


def engines_of(catalog: Catalog, model_name: str, chip_name: str, running: Running, load: Load) -> Engines:
    """Every layout that holds the weights and one context, with its iteration cost.

    Args: catalogue; names; how it is run; load, for the context at which caches are linearised. Result: the engines.
    Raises InfeasibleError where no layout holds them, with the words of the roomiest. Layouts: tensor parallel within
    the scale-up domain, for experts also spread whole (TEP), and attention replicas with experts spread over all
    (DEP), across domains too; pipeline stages only where nothing else fits.
    """
    model, chip = load_model(catalog, model_name), load_accelerator(catalog, chip_name)
    fit = load_fit(catalog)
    options: list[Option] = []
    reasons: list[InfeasibleError] = []
    for layouts in (_flat_layouts(model, chip), _deep_layouts(model, chip)):
        for name, layout in layouts:
            try:
                options.append(_option(name, layout, model, chip, running, load, fit))
            except InfeasibleError as error:
                reasons.append(error)
        if options:
            break
    if not options:
        raise reasons[-1]
    family = f"{ROOT}rows.tpot.{chip.family}."
    measured = [k.removeprefix(family) for k in catalog.keys(family)]
    basis = "seen" if model.name in measured else "known" if measured else "new"
    token, first = (catalog.range(f"{ROOT}log_error.{q}.{basis}") for q in ("tpot", "ttft"))
    return Engines(
        tuple(options), basis, token, first, catalog.range("compute.serving.production_frac"),
        draw_of(catalog, chip),
    )  # fmt: skip


def _flat_layouts(model: ModelSpec, chip: Accelerator) -> list[tuple[str, ServeLayout]]:
    """Layouts of one pipeline stage, in powers of two."""
    domain = max(chip.scale_up_accelerators, 1)
    sizes = [2**k for k in range(int(math.log2(_MOST_ACCELERATORS)) + 1)]
    out = [(f"TP{n}", ServeLayout(tensor=n)) for n in sizes if n <= min(domain, max(model.heads, 1))]
    if model.is_moe:
        out += [(f"TEP{n}", ServeLayout(tensor=n, expert=n)) for n in sizes if 1 < n <= min(domain, model.experts)]
        out += [(f"DEP{n}", ServeLayout(data=n, expert=n)) for n in sizes if 1 < n <= model.experts]
    return out


def _deep_layouts(model: ModelSpec, chip: Accelerator) -> list[tuple[str, ServeLayout]]:
    """Pipeline stages of one whole scale-up domain (or 8) each."""
    stage = min(2 ** int(math.log2(max(chip.scale_up_accelerators, 1))), 8, max(model.heads, 1))
    return [(f"TP{stage} PP{p}", ServeLayout(tensor=stage, pipeline=p)) for p in (2, 4, 8)]


def _option(
    name: str, layout: ServeLayout, model: ModelSpec, chip: Accelerator, running: Running, load: Load, fit: ServingFit
) -> Option:
    cache = default_cache_precision(model, chip, running.precision, running.engine)
    whole = keeps_whole_windows(running.engine)
    at = Placement(model, chip, layout, running.precision, cache, whole_windows=whole)
    seats = min(running.seats * layout.data, _MOST_SEATS)
    context = max(load.context_tok, float(load.prompt_tok.mean()), 1.0)
    try:
        cost = iteration_cost(at, running.engine, fit, seats * running.verified_tok, context, running.maturity_years)
    except ComputeError as error:
        weights_fit = at.capacity_tok(chip.software.tight_memory_use_frac, context) > 0
        raise InfeasibleError("cache" if weights_fit else "memory", str(error)) from None
    sent = model.kv_cache_bytes(context, cache) / context / (chip.scale_out_bytes_per_s * layout.accelerators)
    point = Point(at, running.engine, context, 1.0, 1.0, running.maturity_years)
    theta = fit.theta(point)[len(DECODE) : len(DECODE) + len(PREFILL)]
    prompt = np.array([float(load.prompt_tok.mean())])
    lone, spread = (float((theta @ prefill_features(at, prompt, spread=s))[0]) for s in (False, True))
    return Option(name, cost, float(sent), layout.data, max(lone / spread, 1.0))


def draw_of(catalog: Catalog, chip: Accelerator) -> Draw:
    """Rated power of an accelerator with its share of the machine, and what each phase draws of it.

    A phase's share of TDP is scaled as the node's measured draw in training is to the chip's.
    """
    node = catalog.value("power.h100_node.train_mean_frac_of_rated") / catalog.value("power.phase.train_frac_of_tdp")
    prefill, decode = (catalog.value(f"power.phase.{p}_frac_of_tdp") * node for p in ("prefill", "decode"))
    return Draw(it_kw(catalog, chip) * 1e3, prefill, decode, catalog.value("power.h200_sxm.idle_frac_of_tdp") * node)
