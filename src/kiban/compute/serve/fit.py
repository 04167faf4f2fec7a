"""Coefficients of the serving model: one set for all, with changes by engine and by chip family (partial pooling)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.compute.serve.closed import QUEUE, Loop, closed_loop, offline_rate
from kiban.compute.serve.features import DECODE, PREFILL
from kiban.compute.serve.points import Point, Work

Array = NDArray[np.float64]

NAMES = (*(f"decode.{n}" for n in DECODE), *(f"prefill.{n}" for n in PREFILL), *(f"queue.{n}" for n in QUEUE))
ROOT = "compute.serving_fit."

_MEMORY = ("decode.dense_weights", "decode.expert_weights", "decode.cache", "decode.dense_flop")
_PREFILL = tuple(n for n in NAMES if n.startswith("prefill."))
_FIXED = tuple(
    "decode." + n for n in ("layer", "expert_layer", "recurrent_layer", "indexer_layer", "reduce", "exchange", "step")
)
CHANGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "memory": ("family", _MEMORY),
    "prompts": ("family", _PREFILL),
    "engine_prompts": ("engine", _PREFILL),
    "maturity": ("all", _FIXED),
    "reply": ("engine", ("queue.reply_s", "queue.launch", "queue.expert_launch")),
    "steps": ("engine", ("queue.steps",)),
    "request": ("engine", ("decode.request",)),
    "overlap": ("pools", tuple(n for n in NAMES if n.startswith(("decode.", "prefill.")))),
}
"""Kind of change -> what its groups are, and the coefficients that it multiplies (by e to the change);
``all`` is one group, whose change counts per year of the chip's age; ``pools`` one that counts in pools apart, whose
engines hide the exchange of one half of a batch behind the work of the other."""


@dataclass(frozen=True)
class ServingFit:
    """Fitted coefficients; ``changes`` by (kind, group), natural logarithms, 0 for a group that was not measured."""

    base: Array
    """(len(NAMES),), all above 0."""
    changes: dict[tuple[str, str], float]

    def theta(self, point: Point) -> Array:
        """Coefficients for a point, (len(NAMES),)."""
        log = np.log(self.base)
        for kind, (by, _) in CHANGES.items():
            log = log + MASKS[kind] * self.changes.get((kind, label(point, by)), 0.0) * dose(point, by)
        return np.asarray(np.exp(log))

    def thetas(self, points: Sequence[Point]) -> Array:
        """Coefficients of many points, (len(NAMES), n)."""
        keys = [(p.engine, p.at.chip.family, p.maturity_years) for p in points]
        table = {key: self.theta(p) for key, p in dict(zip(keys, points, strict=True)).items()}
        return np.array([table[key] for key in keys]).T


def label(point: Point, by: str) -> str:
    """Group of a point by ``engine``, ``family``, ``all`` or ``pools``."""
    return {"engine": point.engine, "family": point.at.chip.family, "all": "all", "pools": "all"}[by]


def dose(point: Point, by: str) -> float:
    """How often a change counts: once, per year of age around one year, or in pools alone."""
    if by == "all":
        return point.maturity_years - 1.0
    return float(point.engine == "pools") if by == "pools" else 1.0


MASKS: dict[str, Array] = {kind: np.array([float(n in names) for n in NAMES]) for kind, (_, names) in CHANGES.items()}


@dataclass(frozen=True)
class Times:
    """Seconds of points, (n,) each."""

    step_s: Array
    prefill_s: Array
    lone_s: Array


def times(work: Work, theta: Array) -> Times:
    """Seconds of a decode step, of a prompt among others and of a lone prompt; theta (len(NAMES), n)."""
    d, p = theta[: len(DECODE)], theta[len(DECODE) : len(DECODE) + len(PREFILL)]
    return Times((d * work.decode).sum(0), (p * work.prefill).sum(0), (p * work.lone).sum(0))


def loops(work: Work, theta: Array) -> Loop:
    """Closed loops of points; offline points count as loops of the largest batch."""
    t = times(work, theta)
    concurrency = np.where(np.isinf(work.concurrency), work.running, work.concurrency)
    queue = theta[len(DECODE) + len(PREFILL) :]
    launch = queue[QUEUE.index("launch")] * work.layers + queue[QUEUE.index("expert_launch")] * work.expert_layers
    lone = t.lone_s + launch * work.chunks
    return closed_loop(
        t.step_s, t.prefill_s, lone, work.running, concurrency, work.output_tok, work.chunks, work.waits, queue
    )


def offline_tok_per_s(work: Work, theta: Array) -> Array:
    """Output tokens per second and accelerator of engines that always have work, (n,)."""
    t = times(work, theta)
    return offline_rate(t.step_s, t.prefill_s, work.running, work.output_tok) * work.output_tok / work.accelerators


def prefill_tok_per_s(work: Work, theta: Array) -> Array:
    """Prompt tokens per second and accelerator of an engine that only computes prompts, (n,)."""
    return np.asarray(work.prompt_tok / times(work, theta).prefill_s / work.accelerators)


def pool_ttft_s(work: Work, theta: Array) -> Array:
    """Seconds to the first token in engines that only compute prompts, (n,).

    Equation: reply + lone prompt + queue (running - 1) prompt + the cache over the adapters; as ``closed_loop`` without
    decode steps. Validity: prefill engines that keep up with the loop.
    """
    t, queue = times(work, theta), theta[len(DECODE) + len(PREFILL) :]
    c = dict(zip(QUEUE, queue, strict=True))
    launch = (c["launch"] * work.layers + c["expert_launch"] * work.expert_layers) * work.chunks
    ahead = np.maximum(work.concurrency - 1.0, 0.0) * t.prefill_s
    return np.asarray(c["reply_s"] + t.lone_s + launch + c["queue"] * ahead + work.sent_s)


def decode_tok_per_s(work: Work, theta: Array) -> Array:
    """Output tokens per second and accelerator of an engine that only decodes its running requests, (n,)."""
    return np.asarray(work.running / times(work, theta).step_s / work.accelerators)


def load_fit(catalog: Catalog) -> ServingFit:
    """Read the coefficients from the rows ``compute.serving_fit.*``."""
    base = np.array([catalog.value(ROOT + name) for name in NAMES])
    changes: dict[tuple[str, str], float] = {}
    for kind in CHANGES:
        prefix = f"{ROOT}change.{kind}."
        for key in catalog.keys(prefix):
            changes[kind, key.removeprefix(prefix)] = catalog.value(key)
    return ServingFit(base, changes)
