"""Answers to inference rows: online, offline, pools apart, MLPerf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.compute.rows.answer import Answer, refused
from kiban.compute.rows.serving_points import Asked, read_point
from kiban.compute.serve.fit import (
    ROOT,
    ServingFit,
    decode_tok_per_s,
    load_fit,
    loops,
    offline_tok_per_s,
    pool_ttft_s,
    prefill_tok_per_s,
    times,
)
from kiban.compute.serve.points import Work, gather

Array = NDArray[np.float64]
Row = Mapping[str, str]

WORDS = {
    "seen": "model and chip family measured",
    "known": "chip family measured with other models",
    "new": "chip family not measured: mean of the others, wider interval",
    "apart": "latency of pools apart was not measured: wider interval",
}


def predict(quantities: Sequence[str], work: Work, theta: Array) -> Array:
    """Middle prediction of each point, in seconds or in tokens per second and accelerator, (n,)."""
    loop = loops(work, theta)
    table = {
        "tpot": loop.tpot_s,
        "ttft": loop.ttft_s,
        "latency": loop.ttft_s + loop.tpot_s * (work.output_tok - 1),
        "loop_rate": loop.requests_per_s * work.output_tok / work.accelerators,
        "offline": offline_tok_per_s(work, theta),
        "prefill": prefill_tok_per_s(work, theta),
        "decode": decode_tok_per_s(work, theta),
        "pool_tpot": times(work, theta).step_s,
        "pool_ttft": pool_ttft_s(work, theta),
    }
    return np.array([table[q][i] for i, q in enumerate(quantities)])


@lru_cache(maxsize=8)
def _fit(catalog: Catalog) -> ServingFit:
    return load_fit(catalog)


def answer_serving(row: Row, catalog: Catalog) -> Answer:
    """Answer one inference row; see ``answer_many``."""
    return answer_many([row], catalog)[0]


def answer_many(rows: Sequence[Row], catalog: Catalog) -> list[Answer]:
    """Answer inference rows, all in one pass.

    Arguments: rows with kind, system, hardware, config, metric and unit; catalogue. Result: answers in the order of the
    rows. The interval is the one that held 80 % of the rows of groups left out of the fit: of the same chip family
    (``known``), of a whole family left out (``new``), or of rows of a group that is in the fit (``seen``).
    """
    asked = [_ask(row, catalog) for row in rows]
    places = [i for i, a in enumerate(asked) if isinstance(a, Asked)]
    answers: list[Answer] = [refused(a) if isinstance(a, str) else refused("") for a in asked]
    if not places:
        return answers
    questions = [a for a in asked if isinstance(a, Asked)]
    work = gather([q.point for q in questions])
    fit = _fit(catalog)
    middle = predict([q.quantity for q in questions], work, fit.thetas([q.point for q in questions]))
    for i, q, value, fits in zip(places, questions, middle, work.fits, strict=True):
        answers[i] = _answer(q, float(value), catalog) if fits or _prompts_fit(q) else refused(_too_small(q))
    return answers


def _prompts_fit(q: Asked) -> bool:
    """Engines that only compute prompts hand their caches on and need room for the weights alone."""
    return q.quantity in ("prefill", "pool_ttft") and q.point.at.weight_bytes_each < q.point.at.chip.memory_bytes


def _ask(row: Row, catalog: Catalog) -> Asked | str:
    if row.get("kind") == "inference-cost":
        return (
            "the row names no price of an accelerator hour; kiban compute serve gives USD per million tokens at a price"
        )
    if row.get("kind") == "inference-mlperf" and "isl" not in row.get("config", ""):
        return "the row names no lengths (isl, osl) of its requests and no layout"
    return read_point(row, catalog)


def _answer(q: Asked, value: float, catalog: Catalog) -> Answer:
    basis = basis_of(q, catalog)
    shift, low, high = spread(catalog, _measured(q), basis)
    p10, p50, p90 = (value * q.scale * float(np.exp(s)) for s in (low, shift, high))
    layout = q.point.at.layout
    p10, p90 = p10 * q.scale_range[0], p90 * q.scale_range[1]
    words = WORDS["apart" if q.quantity.startswith("pool_") else basis]
    return Answer(
        p10, p50, p90, "answered",
        f"{words}; {layout.accelerators} accelerators (tensor {layout.tensor}, attention data {layout.data}, "
        f"expert {layout.expert}), {q.point.at.precision} weights, {q.point.at.cache_precision} cache",
    )  # fmt: skip


def basis_of(q: Asked, catalog: Catalog) -> str:
    """``seen``, ``known`` or ``new``: what the fit has measured of this quantity near the point."""
    if q.quantity in ("pool_tpot", "pool_ttft"):
        return "new"
    prefix = f"{ROOT}rows.{_measured(q)}.{q.point.at.chip.family}."
    if catalog.has(prefix + q.point.at.model.name):
        return "seen"
    return "known" if catalog.keys(prefix) else "new"


def _measured(q: Asked) -> str:
    """The fitted quantity whose errors stand for those of the one asked for."""
    other = {"latency": "tpot", "loop_rate": "tpot", "pool_tpot": "tpot", "pool_ttft": "ttft"}
    return other.get(q.quantity, q.quantity)


def spread(catalog: Catalog, quantity: str, basis: str) -> tuple[float, float, float]:
    """Shift of the middle and the 10 % and 90 % points of log(truth / model)."""
    low, middle, high = catalog.range(f"{ROOT}log_error.{quantity}.{basis}")
    return middle, low, high


def _too_small(q: Asked) -> str:
    at = q.point.at
    return (
        f"{at.model.name} does not fit: {at.weight_bytes_each / 1e9:,.1f} GB of {at.precision} weights on each of "
        f"{at.layout.accelerators} {at.chip.name} with {at.chip.memory_bytes / 1e9:,.1f} GB; take more accelerators or "
        f"a lower precision"
    )
