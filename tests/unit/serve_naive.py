"""A serving engine simulated the plain way, one iteration at a time: the judge of the event simulator."""

from __future__ import annotations

import math

import numpy as np

from kiban.compute.serve.iteration import IterationCost
from kiban.compute.serve.simulate import Policy
from kiban.compute.serve.trace import Trace


def naive(cost: IterationCost, trace: Trace, policy: Policy) -> tuple[np.ndarray, np.ndarray, int]:
    """First-token and finish times of each request (NaN if it can never fit) and the number of iterations."""
    n = len(trace)
    first, last = np.full(n, np.nan), np.full(n, np.nan)
    waiting = [int(i) for i in np.argsort(trace.arrival_s, kind="stable")]
    need = {
        i: int(trace.prompt_tok[i]) + (0 if policy.mode == "prefill" else int(trace.output_tok[i])) for i in waiting
    }
    waiting = [i for i in waiting if need[i] <= cost.kv_capacity_tok]
    seats = min(policy.max_running, len(cost.decode_s) - 1)
    prefilling: dict[int, int] = {}  # request -> prompt tokens still to compute
    decoding: dict[int, int] = {}  # request -> steps still to do
    done_steps: dict[int, int] = {}
    now, iterations = 0.0, 0

    def steps(i: int) -> int:
        return 0 if policy.mode == "prefill" else math.ceil((int(trace.output_tok[i]) - 1) / policy.accepted_tok)

    while waiting or prefilling or decoding:
        if not prefilling and not decoding and trace.arrival_s[waiting[0]] > now:
            now = float(trace.arrival_s[waiting[0]])
        held = sum(need[i] for i in (*prefilling, *decoding))

        def seat(i: int, at: float, used: int) -> bool:
            free = len(prefilling) + len(decoding) < seats
            return bool(trace.arrival_s[i] <= at and free and used + need[i] <= cost.kv_capacity_tok)

        if policy.mode == "decode":
            while waiting and seat(waiting[0], now, held):
                i = waiting.pop(0)
                first[i] = now
                if steps(i):
                    decoding[i], done_steps[i] = steps(i), 0
                    held += need[i]
                else:
                    last[i] = now
            if not decoding:
                continue
        pausing = policy.order == "prefill_first" and policy.mode != "decode"
        takes: list[tuple[int, int, int]] = []  # request, done, taken
        budget = policy.budget_tok - (0 if pausing else len(decoding))
        if policy.mode != "decode":
            for i in list(prefilling):
                taken = min(prefilling[i], budget)
                takes.append((i, int(trace.prompt_tok[i]) - prefilling[i], taken))
                budget -= taken
            while waiting and budget > 0 and seat(waiting[0], now, held):
                i = waiting.pop(0)
                prefilling[i] = max(int(trace.prompt_tok[i] - trace.cached_tok[i]), 1)
                held += need[i]
                taken = min(prefilling[i], budget)
                takes.append((i, int(trace.prompt_tok[i]) - prefilling[i], taken))
                budget -= taken
        active = [] if pausing and takes else list(decoding)
        context = sum(int(trace.prompt_tok[i]) + policy.accepted_tok * done_steps[i] for i in active)
        pairs = sum(sum(range(done, done + taken)) for _, done, taken in takes)
        now += cost.iteration_s(len(active), context, sum(t[2] for t in takes), pairs)
        iterations += 1
        for i in active:
            done_steps[i] += 1
            decoding[i] -= 1
            if not decoding[i]:
                del decoding[i]
                last[i] = now
        for i, _, taken in takes:
            prefilling[i] -= taken
            if not prefilling[i]:
                del prefilling[i]
                first[i] = now
                if steps(i):
                    decoding[i], done_steps[i] = steps(i), 0
                else:
                    last[i] = now
    return first, last, iterations
