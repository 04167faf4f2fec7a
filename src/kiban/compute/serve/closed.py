"""A serving engine at a fixed number of requests in flight, and at the largest batch that memory holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

QUEUE = ("reply_s", "steps", "queue", "parallel_steps", "launch", "expert_launch")
"""``launch`` and ``expert_launch``: seconds per layer and iteration of a prompt, whose kernels are started one by one
(decode steps replay a recorded graph); the caller adds them to ``lone_s``."""


@dataclass(frozen=True)
class Loop:
    """Steady state of closed loops, one entry per loop in each array."""

    running: Array
    """Requests that decode at a time (the rest wait for room in the cache)."""
    tpot_s: Array
    ttft_s: Array
    requests_per_s: Array
    """Of the whole engine."""


def closed_loop(
    step_s: Array, prefill_s: Array, lone_s: Array, running: Array, concurrency: Array, output_tok: Array,
    prompt_chunks: Array, waits: Array, c: Array,
) -> Loop:  # fmt: skip
    """Mean latency of loops in which a request that ends is followed by the next at once.

    Arguments, all (n,): seconds of a decode step at ``running`` requests; engine seconds of one prompt among others and
    of a lone one; requests that run and that are in flight; mean output; iterations a prompt needs; 1 where attention
    replicas wait for each other before they take prompts; ``c`` the coefficients ``QUEUE``.

    Equations. Every request puts one prompt between the ``output`` steps of each of the others:
    TPOT = step + running prefill / output. A request that runs holds its place for prefill + output TPOT, so Little's
    law gives the rate X = running / (lone + output TPOT), and (concurrency - running) / X seconds of waiting for room.
    TTFT = reply + steps (step per chunk) + lone + queue (running - 1) prefill + waiting. ``queue`` stands for the share
    of the other prompts found ahead: requests start all at once and their lengths differ by a tenth, so prompts come
    in waves that spread (ten waves in InferenceMAX). Validity: closed loops of a few waves; c <= about 2,000.
    """
    tpot = step_s + running * prefill_s / output_tok
    rate = running / (lone_s + output_tok * tpot)
    room = np.maximum(concurrency - running, 0.0) / rate
    ahead = np.maximum(running - 1.0, 0.0) * prefill_s
    ttft = c[0] + (c[1] * prompt_chunks + c[3] * waits) * step_s + lone_s + c[2] * ahead + room
    return Loop(running, tpot, ttft, rate)


def offline_rate(step_s: Array, prefill_s: Array, running: Array, output_tok: Array) -> Array:
    """Requests per second of an engine that always has work: running / (running prefill + output step)."""
    return np.asarray(running / (running * prefill_s + output_tok * step_s))
