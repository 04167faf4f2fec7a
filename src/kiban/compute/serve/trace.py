"""Requests that arrive at a serving engine: the trace, its checks and its text form."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from kiban.compute.errors import ComputeError

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

_NAMES = {
    "arrival_s": ("arrival_s", "timestamp"),
    "prompt_tok": ("prompt_tok", "contexttokens"),
    "output_tok": ("output_tok", "generatedtokens"),
    "cached_tok": ("cached_tok",),
}
"""Our column names, and those of the Azure LLM inference traces (Patel et al. 2024, Splitwise)."""


def _none() -> Counts:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Trace:
    """Requests in any order; arrays of one length (requests,)."""

    arrival_s: Array
    prompt_tok: Counts
    output_tok: Counts
    cached_tok: Counts = field(default_factory=_none)
    """Leading prompt tokens found in the prefix cache; empty means none."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "arrival_s", np.asarray(self.arrival_s, dtype=np.float64))
        for name in ("prompt_tok", "output_tok", "cached_tok"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.int64))
        if not len(self.cached_tok):
            object.__setattr__(self, "cached_tok", np.zeros(len(self.arrival_s), dtype=np.int64))
        faults = self._faults()
        if faults:
            raise ComputeError("trace: " + "; ".join(faults))

    def _faults(self) -> list[str]:
        n = len(self.arrival_s)
        lengths = {k: len(getattr(self, k)) for k in ("prompt_tok", "output_tok", "cached_tok")}
        faults = [f"{k} has {v} requests, arrival_s has {n}" for k, v in lengths.items() if v != n]
        if not n:
            faults.append("it holds no request")
        if faults:
            return faults
        for name, bad, rule in (
            ("arrival_s", ~np.isfinite(self.arrival_s), "finite seconds"),
            ("prompt_tok", self.prompt_tok < 1, "1 or more"),
            ("output_tok", self.output_tok < 1, "1 or more"),
            ("cached_tok", (self.cached_tok < 0) | (self.cached_tok > self.prompt_tok), "0 to prompt_tok"),
        ):
            if bad.any():
                i = int(np.argmax(bad))
                faults.append(f"{name} of request {i} is {getattr(self, name)[i]}, allowed is {rule}")
        return faults

    def __len__(self) -> int:
        return len(self.arrival_s)

    @property
    def rate_per_s(self) -> float:
        """Mean arrivals per second between the first and the last; infinite if all arrive at once."""
        span = float(np.ptp(self.arrival_s))
        return (len(self) - 1) / span if span > 0 else float("inf")

    @property
    def arrival_scv(self) -> float:
        """Squared coefficient of variation of the gaps between arrivals: 0 even, 1 Poisson, above 1 in bursts."""
        gaps = np.diff(np.sort(self.arrival_s))
        mean = float(gaps.mean()) if len(gaps) else 0.0
        return float(gaps.var()) / mean**2 if mean > 0 else 1.0

    def at_rate(self, rate_per_s: float) -> Trace:
        """The same requests with the time axis stretched to a mean rate."""
        start = float(self.arrival_s.min())
        scaled = (self.arrival_s - start) * (self.rate_per_s / rate_per_s if np.isfinite(self.rate_per_s) else 0.0)
        return Trace(scaled, self.prompt_tok, self.output_tok, self.cached_tok)

    def part(self, chosen: NDArray[np.bool_] | NDArray[np.int64] | slice) -> Trace:
        """Some of the requests."""
        return Trace(self.arrival_s[chosen], self.prompt_tok[chosen], self.output_tok[chosen], self.cached_tok[chosen])


def parse_trace(text: str, name: str = "trace", most_faults: int = 10) -> Trace:
    """Read a trace from CSV text.

    Args: text with a header line; columns ``arrival_s`` (or ``TIMESTAMP``: a date and time), ``prompt_tok`` (or
    ``ContextTokens``), ``output_tok`` (or ``GeneratedTokens``) and, if wanted, ``cached_tok``; name for messages.
    Result: the trace, first arrival at 0 s. Raises ComputeError with every fault (at most ``most_faults`` lines).
    """
    reader = csv.reader(io.StringIO(text))
    head = [h.strip().lower() for h in next(reader, [])]
    at = {ours: next((head.index(a) for a in also if a in head), -1) for ours, also in _NAMES.items()}
    missing = [ours for ours, i in at.items() if i < 0 and ours != "cached_tok"]
    if missing:
        found = ", ".join(head) or "nothing"
        raise ComputeError(
            f"{name}: no column {', '.join(missing)}; found {found}; allowed: arrival_s or TIMESTAMP, prompt_tok or "
            "ContextTokens, output_tok or GeneratedTokens, cached_tok (optional)"
        )
    columns: dict[str, list[float]] = {k: [] for k, i in at.items() if i >= 0}
    faults: list[str] = []
    for line, row in enumerate(reader, start=2):
        if not any(cell.strip() for cell in row):
            continue
        for ours, values in columns.items():
            cell = row[at[ours]].strip() if at[ours] < len(row) else ""
            try:
                values.append(_seconds(cell) if ours == "arrival_s" else float(int(cell)))
            except ValueError:
                wanted = "seconds or a date and time" if ours == "arrival_s" else "a whole number"
                faults.append(f"line {line}, {head[at[ours]]}: found {cell!r}, allowed is {wanted}")
    if faults:
        more = f"; and {len(faults) - most_faults} more" if len(faults) > most_faults else ""
        raise ComputeError(f"{name}: " + "; ".join(faults[:most_faults]) + more)
    if not columns["arrival_s"]:
        raise ComputeError(f"{name}: it holds no request")
    arrival = np.array(columns.pop("arrival_s"))
    counts = {k: np.array(v, dtype=np.int64) for k, v in columns.items()}
    return Trace(arrival - arrival.min(), **counts)


def _seconds(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        # Azure writes seven digits of a second; the standard library reads six.
        whole, _, fraction = cell.partition(".")
        return (datetime.fromisoformat(whole) - datetime(1970, 1, 1)).total_seconds() + float(f"0.{fraction or 0}")


def poisson_trace(
    rng: np.random.Generator, rate_per_s: float, requests: int, prompt_tok: Counts, output_tok: Counts
) -> Trace:
    """Poisson arrivals of requests whose lengths are drawn in pairs from two arrays of one length."""
    picked = rng.integers(0, len(prompt_tok), requests)
    gaps = rng.exponential(1.0 / rate_per_s, requests)
    return Trace(np.cumsum(gaps), np.asarray(prompt_tok)[picked], np.asarray(output_tok)[picked])
