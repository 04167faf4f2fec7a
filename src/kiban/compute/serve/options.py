"""The engines that a model could be served with on a chip, as options of the planner."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.compute.arithmetic import ModelSpec
from kiban.compute.errors import ComputeError
from kiban.compute.hardware import Accelerator
from kiban.compute.inputs import it_kw
from kiban.compute.power import draw_frac, node_frac
from kiban.compute.power_inputs import load_draw, load_node
from kiban.compute.serve.closed import QUEUE
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
    imbalance_frac: float
    """Part of it that makes steps longer; 1 without experts."""
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


def engines_of(catalog: Catalog, model: ModelSpec, chip: Accelerator, running: Running, load: Load) -> Engines:
    """Every layout that holds the weights and one context, with its iteration cost.

    Args: catalogue; model; chip; how it is run; load, for the context at which caches are linearised. Result: engines.
    Raises InfeasibleError where no layout holds them, with the words of the roomiest. Layouts: tensor parallel within
    the scale-up domain, for experts also spread whole (TEP), and attention replicas with experts spread over all
    (DEP), across domains too; pipeline stages only where nothing else fits.
    """
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
    basis = _basis(catalog, "tpot", model.name, chip.family)
    first_basis = _basis(catalog, "ttft", model.name, chip.family)
    token, first = (catalog.range(f"{ROOT}log_error.{q}.{b}") for q, b in (("tpot", basis), ("ttft", first_basis)))
    return Engines(
        tuple(options), basis, token, first, catalog.range("compute.serving.production_frac"),
        catalog.value("compute.serving.imbalance_frac") if model.is_moe else 1.0, draw_of(catalog, chip),
    )  # fmt: skip


def _basis(catalog: Catalog, quantity: str, model: str, family: str) -> str:
    """``seen``: the fit has rows of the model on the chip's family; ``known``: of the family; ``new``: of neither."""
    prefix = f"{ROOT}rows.{quantity}.{family}."
    return "seen" if catalog.has(prefix + model) else "known" if catalog.keys(prefix) else "new"


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
    fitted = fit.theta(point)
    theta, queue = (
        fitted[len(DECODE) : len(DECODE) + len(PREFILL)],
        dict(zip(QUEUE, fitted[-len(QUEUE) :], strict=True)),
    )
    chunks = math.ceil(float(load.computed_tok.mean()) / chip.software.chunk_tok)
    started = queue["launch"] * model.mixer_layers + queue["expert_launch"] * model.moe_layers
    reply_s = float(queue["reply_s"] + started * chunks)
    prompt = np.array([float(load.prompt_tok.mean())])
    lone, spread = (float((theta @ prefill_features(at, prompt, spread=s))[0]) for s in (False, True))
    return Option(name, cost, float(sent), layout.data, max(lone / spread, 1.0), reply_s)


def draw_of(catalog: Catalog, chip: Accelerator) -> Draw:
    """Rated power of an accelerator with its share of the machine, and what each phase draws of it."""
    node, draw = load_node(catalog, chip), load_draw(catalog, chip.family)

    def share(chips_frac: NDArray[np.float64]) -> float:
        return float(node_frac(node, draw, chips_frac[1]))

    prefill, decode = share(draw_frac(draw, "prefill")), share(draw_frac(draw, "decode"))
    return Draw(it_kw(catalog, chip) * 1e3, prefill, decode, share(draw.idle))
