"""The arguments of ``kiban compute train`` and ``search``: names, numbers and a layout, all errors at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import TypeVar

import numpy as np

from kiban.catalog import Catalog
from kiban.compute.arithmetic import ModelSpec
from kiban.compute.hardware import Accelerator
from kiban.compute.train.layouts import NO_RECOMPUTE, Job, Layouts
from kiban.compute.train.wording import WORDS
from kiban.report.compute_names import named_accelerator, named_model
from kiban.scenario.problems import Problem, ScenarioError

PRECISIONS = ("bf16", "fp8", "fp4")
DEFAULTS = {"recompute": NO_RECOMPUTE, "sequence_parallel": 0, "shard": 1}
SCALES = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}

T = TypeVar("T")


@dataclass(frozen=True)
class TrainingRequest:
    """What the user asks."""

    model: ModelSpec
    chip: Accelerator
    job: Job
    layout: Layouts | None
    tokens_tok: float | None


def read_request(
    catalog: Catalog,
    model: str,
    chip: str,
    accelerators: int,
    batch: int,
    sequence: int,
    precision: str,
    layout: str | None,
    tokens: str | None,
) -> TrainingRequest:
    """Read the arguments.

    Args: catalogue; the texts and numbers of the command line. Result: the request.
    Errors: ScenarioError with one problem for each argument that is wrong, with the nearest valid name.
    """
    problems: list[Problem] = []

    def try_(read: Callable[[], T]) -> T | None:
        try:
            return read()
        except ScenarioError as error:
            problems.extend(error.problems)
            return None

    spec = try_(lambda: named_model(catalog, model))
    device = try_(lambda: named_accelerator(catalog, chip))
    for name, value in (("--accelerators", accelerators), ("--batch", batch), ("--sequence", sequence)):
        if value < 1:
            problems.append(_problem(name, "must be at least 1", found=str(value)))
    if precision not in PRECISIONS:
        near = get_close_matches(precision, PRECISIONS, n=1, cutoff=0.4)
        problems.append(_problem("--precision", "unknown precision", precision, ", ".join(PRECISIONS), "".join(near)))
    amount = try_(lambda: _tokens(tokens)) if tokens else None
    job = Job(accelerators, batch, sequence, precision)
    cut = (
        try_(lambda: read_layout(layout, job if min(accelerators, batch, sequence) >= 1 else None, spec))
        if layout
        else None
    )
    if problems or spec is None or device is None:
        raise ScenarioError(problems)
    return TrainingRequest(spec, device, job, cut, amount)


def _problem(path: str, message: str, found: str = "", allowed: str = "", nearest: str = "") -> Problem:
    return Problem(path, message, found=found, allowed=allowed, nearest=nearest, file="command line")


def _tokens(text: str) -> float:
    """``15T`` as a number of tokens."""
    bare, scale = (text[:-1], SCALES[text[-1].lower()]) if text and text[-1].lower() in SCALES else (text, 1.0)
    try:
        value = float(bare.replace(",", "").replace("_", "")) * scale
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise ScenarioError(
            [_problem("--tokens", "not a number of tokens", text, "a number with K, M, B or T, as 15T")]
        )
    return value


def read_layout(text: str, job: Job | None, model: ModelSpec | None) -> Layouts:
    """Read ``tp=8,pp=4,...`` into one layout; raises ScenarioError with every part that is wrong.

    ``dp`` follows from the accelerators; sizes that are not given are 1. Without a job nothing is said of what divides.
    """
    problems: list[Problem] = []
    given: dict[str, int] = {}
    for part in text.replace(";", ",").split(","):
        key, _, value = (p.strip().lower() for p in part.partition("="))
        if key not in WORDS:
            near = get_close_matches(key, WORDS, n=1, cutoff=0.4)
            problems.append(
                _problem("--layout", "unknown part", part.strip() or "nothing", ", ".join(WORDS), "".join(near))
            )
            continue
        column, words = WORDS[key]
        number = words.get(value, int(value) if value.isdigit() else -1)
        if number < (0 if words else 1) or (words and number not in words.values()):
            allowed = ", ".join(words) if words else "a whole number from 1"
            problems.append(_problem(f"--layout {key}", "not allowed", value or "nothing", allowed))
            continue
        given[column] = number
    group = given.get("tensor", 1) * given.get("pipeline", 1) * given.get("context", 1)
    given.setdefault("data", max(job.accelerators // group, 1) if job else 1)
    full = {f.name: given.get(f.name, DEFAULTS.get(f.name, 1)) for f in fields(Layouts)}
    if job and not problems:
        problems = [_problem("--layout", message) for message in _faults(full, job, model)]
    if problems:
        raise ScenarioError(problems)
    return Layouts(**{name: np.array([value], dtype=np.int64) for name, value in full.items()})


def _faults(cut: dict[str, int], job: Job, model: ModelSpec | None) -> list[str]:
    """Sentences for what does not divide."""
    t, p, c, d, b, v, e = (
        cut[k] for k in ("tensor", "pipeline", "context", "data", "micro_batch", "interleave", "expert")
    )
    faults = []
    if t * p * c * d != job.accelerators:
        faults.append(
            f"tp x pp x cp x dp = {t} x {p} x {c} x {d} = {t * p * c * d:,} accelerators, not {job.accelerators:,}"
        )
    elif job.global_batch % (d * b):
        faults.append(f"dp x mbs = {d * b:,} does not divide the batch of {job.global_batch:,} sequences")
    if c > 1 and job.sequence_tok % (2 * c):
        faults.append(f"2 x cp = {2 * c} does not divide the sequence of {job.sequence_tok:,} tokens")
    if model is not None:
        if model.heads % t:
            faults.append(f"tp = {t} does not divide the {model.heads} heads of {model.name}")
        if p * v > model.layers:
            faults.append(f"pp x vp = {p * v} is more than the {model.layers} layers of {model.name}")
        if e > 1 and (not model.is_moe or model.experts % e):
            faults.append(f"ep = {e} does not divide the {model.experts} experts of {model.name}")
        elif (t * c * d) % e:
            faults.append(f"ep = {e} does not divide tp x cp x dp = {t * c * d:,}")
    if v > 1 and p == 1:
        faults.append("vp needs pp above 1")
    if cut["sequence_parallel"] and t == 1:
        faults.append("sp needs tp above 1")
    return faults
