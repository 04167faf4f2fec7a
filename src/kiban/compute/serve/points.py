"""Serving questions as columns: the work of many points, before any coefficient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.compute.serve.features import Placement, decode_features, prefill_features

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Point:
    """One workload on one engine."""

    at: Placement
    engine: str
    prompt_tok: float
    output_tok: float
    concurrency: float
    """Requests in flight; infinite for offline runs."""
    maturity_years: float = 1.0
    """Age of the chip when it was measured, at most ``Software.mature_years``."""


@dataclass(frozen=True)
class Work:
    """Features and counts of points, one column each."""

    decode: Array
    """(len(DECODE), n)."""
    prefill: Array
    """(len(PREFILL), n): one prompt among others."""
    lone: Array
    """(len(PREFILL), n): one prompt alone."""
    running: Array
    concurrency: Array
    prompt_tok: Array
    output_tok: Array
    chunks: Array
    waits: Array
    accelerators: Array
    layers: Array
    expert_layers: Array
    sent_s: Array
    """Seconds to send the cache of a prompt over the adapters of its engine."""
    fits: NDArray[np.bool_]
    """False where the weights or one request do not fit."""


def running_requests(point: Point) -> float:
    """Requests whose caches fit at once; a request holds its prompt and, on average over its life, half its output.

    Offline engines reserve the whole request before it starts.
    """
    p, at = point, point.at
    whole = p.prompt_tok + p.output_tok
    offline = np.isinf(p.concurrency)
    held = whole if offline else p.prompt_tok + p.output_tok / 2
    room = at.capacity_tok(at.chip.software.use_frac(p.engine), whole) / held
    limit = at.chip.software.offline_running_each * at.layout.data if offline else p.concurrency
    return float(min(room, limit))


def filled(point: Point) -> float:
    """Replicas that fill their iterations with prompts at the same time.

    All of a pool that computes prompts alone; one at a time in offline runs, where prompts enter as requests end while
    the other replicas, bound by the exchange of tokens, decode; 0 in closed loops, where a prompt starts an iteration.
    """
    if point.engine == "pools":
        return float(point.at.layout.data)
    return float(np.isinf(point.concurrency))


def _sent_s(point: Point) -> float:
    at = point.at
    bytes_ = float(at.model.kv_cache_bytes(point.prompt_tok, at.cache_precision))
    return bytes_ / (at.chip.scale_out_bytes_per_s * at.layout.accelerators)


def gather(points: Sequence[Point]) -> Work:
    """Work of points."""
    running = np.array([running_requests(p) for p in points])
    fits = running >= 1.0
    running = np.maximum(running, 1.0)
    decode, prefill, lone = [], [], []
    for p, b in zip(points, running, strict=True):
        decode.append(decode_features(p.at, np.array([b]), p.prompt_tok + p.output_tok / 2)[:, 0])
        prompt = np.array([p.prompt_tok])
        prefill.append(prefill_features(p.at, prompt, filled=filled(p))[:, 0])
        lone.append(prefill_features(p.at, prompt, spread=False)[:, 0])
    prompts = np.array([p.prompt_tok for p in points])
    return Work(
        np.array(decode).T, np.array(prefill).T, np.array(lone).T, running,
        np.array([p.concurrency for p in points]), prompts, np.array([p.output_tok for p in points]),
        np.ceil(prompts / np.array([p.at.chip.software.chunk_tok for p in points])),
        np.array([float(p.engine == "trtllm" and p.at.layout.data > 1) for p in points]),
        np.array([float(p.at.layout.accelerators) for p in points]),
        np.array([float(p.at.model.mixer_layers) for p in points]),
        np.array([float(p.at.model.moe_layers) for p in points]), np.array([_sent_s(p) for p in points]), fits,
    )  # fmt: skip
