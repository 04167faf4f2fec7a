"""Event simulator of one serving engine: continuous batching with chunked prefill, jumping over equal iterations."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.compute.errors import ComputeError
from kiban.compute.serve.iteration import IterationCost
from kiban.compute.serve.series import pairs, series_s, steps_until
from kiban.compute.serve.trace import Trace

Array = NDArray[np.float64]

MODES = ("aggregated", "prefill", "decode")
ORDERS = ("chunked", "prefill_first")


@dataclass(frozen=True)
class Policy:
    """How an engine schedules."""

    budget_tok: int = 2048
    """Tokens of one iteration: each decoding request takes one, prompts share the rest."""
    max_running: int = 256
    mode: str = "aggregated"
    """``aggregated``; ``prefill``: a request leaves with its first token; ``decode``: it arrives after it."""
    order: str = "chunked"
    """``chunked``: prompts ride along with decoding; ``prefill_first``: decoding pauses while a prompt is computed."""
    accepted_tok: float = 1.0
    """Tokens that one decode step yields (above 1 with speculative decoding)."""

    def __post_init__(self) -> None:
        faults = []
        if self.mode not in MODES:
            faults.append(f"mode is {self.mode!r}, allowed: {', '.join(MODES)}")
        if self.order not in ORDERS:
            faults.append(f"order is {self.order!r}, allowed: {', '.join(ORDERS)}")
        if self.max_running < 1:
            faults.append(f"max_running is {self.max_running}, allowed is 1 or more")
        least = self.max_running if self.mode == "aggregated" and self.order == "chunked" else 0
        if self.budget_tok <= least:
            faults.append(f"budget_tok is {self.budget_tok}, allowed is more than {least}, or prompts would starve")
        if not self.accepted_tok >= 1.0:
            faults.append(f"accepted_tok is {self.accepted_tok:g}, allowed is 1 or more")
        if faults:
            raise ComputeError("policy: " + "; ".join(faults))


@dataclass(frozen=True)
class Simulated:
    """What each request saw and what the engine did; arrays (requests,) in the order of the trace."""

    ttft_s: Array
    """Arrival to first token; in mode ``decode`` arrival to seat. NaN for a request that can never fit."""
    tpot_s: Array
    """Mean gap between further tokens; NaN where there is none."""
    e2e_s: Array
    makespan_s: float
    """First arrival to last finish."""
    output_tok_per_s: float
    busy_frac: float
    mean_batch: float
    """Mean number of decoding requests over the makespan."""
    kv_peak_tok: float
    """Most cached tokens really held at the end of an iteration."""
    refused: int
    """Requests longer than the cache."""
    iterations: int


def simulate(cost: IterationCost, trace: Trace, policy: Policy = Policy()) -> Simulated:
    """Run a trace through one engine.

    Args: cost of an iteration; trace; policy.
    Result: times of each request and totals. Exact: the same floating-point sums as a loop over iterations, but for
    rounding. Between two events the running set is fixed and each request gains one token per iteration, so the seconds
    of an iteration grow as an arithmetic series, and the number of iterations up to an arrival is a root of a
    quadratic. Scheduling: first come, first served. A request is seated when a seat is free and its prompt and whole
    answer fit into the cache (conservative reservation), so nothing is ever pre-empted; engines that overbook seat
    more.
    Origin: iteration-level scheduling, Yu et al. 2022 (Orca, OSDI); chunked prefill, Agrawal et al. 2024
    (Sarathi-Serve, arXiv:2403.02310).
    """
    run = _Run(cost, trace, policy)
    run.go()
    return _result(run, trace, policy)


def _result(run: _Run, trace: Trace, policy: Policy) -> Simulated:
    n = len(trace)
    first, last = np.full(n, np.nan), np.full(n, np.nan)
    first[run.index], last[run.index] = run.first, run.last
    further = trace.output_tok - 1
    if policy.mode == "prefill":
        further = np.zeros_like(further)
    begin = trace.arrival_s if policy.mode == "decode" else first
    with np.errstate(invalid="ignore", divide="ignore"):
        tpot = np.where(further > 0, (last - begin) / further, np.nan)
    served = ~np.isnan(last)
    start = float(trace.arrival_s.min())
    span = float(last[served].max()) - start if served.any() else 0.0
    made = float(((further if policy.mode == "decode" else further + 1) * served).sum())
    over = span if span > 0 else math.inf
    return Simulated(
        first - trace.arrival_s, tpot, last - trace.arrival_s, span, made / over,
        run.busy_s / over, run.seat_s / over, run.peak_tok, n - len(run.index), run.iterations,
    )  # fmt: skip


class _Run:
    """The state of a run. Requests are numbered by arrival, so those that wait are a range that starts at ``head``."""

    def __init__(self, cost: IterationCost, trace: Trace, policy: Policy) -> None:
        self.max_running = min(policy.max_running, len(cost.decode_s) - 1)
        if self.max_running < 1:
            raise ComputeError("the cost of an iteration knows no decoding request")
        order = np.argsort(trace.arrival_s, kind="stable")
        need = trace.prompt_tok + (0 if policy.mode == "prefill" else trace.output_tok)
        self.index = order[need[order] <= cost.kv_capacity_tok]
        at = self.index
        self.arrival: list[float] = trace.arrival_s[at].tolist()
        self.prompt: list[int] = trace.prompt_tok[at].tolist()
        self.computed: list[int] = np.maximum(trace.prompt_tok - trace.cached_tok, 1)[at].tolist()
        self.need: list[int] = need[at].tolist()
        self.accepted = policy.accepted_tok
        steps = np.ceil((trace.output_tok - 1) / policy.accepted_tok).astype(np.int64)
        self.steps: list[int] = (steps * (policy.mode != "prefill"))[at].tolist()
        self.n = len(at)
        self.first, self.last = [math.nan] * self.n, [math.nan] * self.n
        self.decode_s: list[float] = cost.decode_s.tolist()
        self.context_s, self.floor_s, self.room = cost.context_s, cost.floor_s, cost.kv_capacity_tok
        self.tok_s, self.pair_s = cost.prefill_tok_s, cost.prefill_pair_s
        self.budget, self.mode = policy.budget_tok, policy.mode
        self.pausing = policy.order == "prefill_first"
        self.now, self.step, self.batch, self.seated, self.head = 0.0, 0, 0, 0, 0
        self.context: float = 0
        self.reserved: float = 0
        self.left, self.part = 0, -1
        self.ends: list[int] = []
        """Heap of (step at which a request ends) * n + request: one integer compares faster than a pair."""
        self.busy_s = self.seat_s = self.peak_tok = 0.0
        self.iterations = 0

    def go(self) -> None:
        """Run until every request has left."""
        if self.n:
            self.now = self.arrival[0]
        while True:
            if self.part >= 0:
                self.prefill()
            elif self.head < self.n and self.arrival[self.head] <= self.now and self.fits():
                if self.mode == "decode":
                    self.first[self.head] = self.now
                    self.join(self.seat())
                else:
                    self.prefill()
            elif self.batch:
                self.decode()
            elif self.head < self.n:
                self.now = self.arrival[self.head]
            else:
                return

    def fits(self) -> bool:
        """Whether the oldest waiting request can be seated."""
        return self.seated < self.max_running and self.reserved + self.need[self.head] <= self.room

    def seat(self) -> int:
        """Seat the oldest waiting request."""
        i = self.head
        self.seated += 1
        self.reserved += self.need[i]
        self.head = i + 1
        return i

    def join(self, i: int) -> None:
        """Let a request decode, or leave if it wants no further token."""
        if self.steps[i]:
            self.batch += 1
            self.context += self.prompt[i]
            heapq.heappush(self.ends, (self.step + self.steps[i]) * self.n + i)
        else:
            self.leave(i)

    def leave(self, i: int) -> None:
        """Free the seat."""
        self.last[i] = self.now
        self.seated -= 1
        self.reserved -= self.need[i]

    def decode(self) -> None:
        """Decode without prompts up to the next end of a request, or to the next arrival that finds a seat."""
        steps = self.ends[0] // self.n - self.step
        first = self.decode_s[self.batch] + self.context * self.context_s
        rise = self.accepted * self.batch * self.context_s
        wait_s = self.arrival[self.head] - self.now if self.head < self.n and self.fits() else math.inf
        steps = steps_until(wait_s, first, rise, self.floor_s, steps)
        seconds = series_s(steps, first, rise, self.floor_s)
        # An iteration that ends with an arrival sees it, whatever the rounding of the sum.
        self.advance(steps, wait_s if 0 < wait_s - seconds < 1e-12 * wait_s else seconds, self.batch)
        self.retire()

    def advance(self, iterations: int, seconds: float, decoding: int) -> None:
        """Let time pass; ``decoding`` requests gain their tokens in each iteration."""
        self.now += seconds
        self.busy_s += seconds
        self.iterations += iterations
        if decoding:
            self.seat_s += seconds * decoding
            self.step += iterations
            self.context += self.accepted * decoding * iterations
        self.peak_tok = max(self.peak_tok, self.context)

    def retire(self) -> None:
        """Let the requests leave that end with this step."""
        ends, n, end = self.ends, self.n, (self.step + 1) * self.n
        while ends and ends[0] < end:
            i = heapq.heappop(ends) % n
            self.batch -= 1
            self.context -= self.prompt[i] + self.accepted * self.steps[i]
            self.leave(i)
        if not ends:
            self.context = 0

    def prefill(self) -> None:
        """One iteration with prompts, or a run of equal ones while a long prompt takes the whole budget."""
        decoding = 0 if self.pausing or self.mode == "prefill" else self.batch
        budget = self.budget - decoding
        if self.left > budget:
            self.chunks(decoding, budget)
            return
        tokens, met, held = 0, 0, 0
        done = []
        if self.part >= 0:
            i, left = self.part, self.left
            tokens, met = left, pairs(self.prompt[i] - left, left)
            done.append(i)
            held = self.prompt[i]
            self.part, self.left = -1, 0
        while tokens < budget and self.head < self.n and self.arrival[self.head] <= self.now and self.fits():
            i = self.seat()
            left = self.computed[i]
            taken = left if left <= budget - tokens else budget - tokens
            met += pairs(self.prompt[i] - left, taken)
            tokens += taken
            held += self.prompt[i] - left + taken
            if taken < left:
                self.part, self.left = i, left - taken
            else:
                done.append(i)
        seconds = tokens * self.tok_s + met * self.pair_s
        if decoding:
            seconds += self.decode_s[decoding] + self.context * self.context_s
        self.advance(1, seconds if seconds > self.floor_s else self.floor_s, decoding)
        self.peak_tok = max(self.peak_tok, self.context + held)
        if decoding:
            self.retire()
        for i in done:
            self.first[i] = self.now
            self.join(i)

    def chunks(self, decoding: int, budget: int) -> None:
        """Full chunks of one prompt: nobody else gets a prompt token, so arrivals change nothing."""
        count = (self.left - 1) // budget
        if decoding:
            count = min(count, self.ends[0] // self.n - self.step)
        done = self.prompt[self.part] - self.left
        first = budget * self.tok_s + pairs(done, budget) * self.pair_s
        rise = float(budget) * budget * self.pair_s
        if decoding:
            first += self.decode_s[decoding] + self.context * self.context_s
            rise += self.accepted * decoding * self.context_s
        self.left -= count * budget
        self.advance(count, series_s(count, first, rise, self.floor_s), decoding)
        self.peak_tok = max(self.peak_tok, self.context + self.prompt[self.part] - self.left)
        if decoding:
            self.retire()
