"""Speed of the serving simulator and planner in CPU seconds of one run. Prints a Markdown table.

Give the folder of the Azure LLM inference traces (CSV, gzip allowed) to time them too:
``python benchmarks/serve.py [FOLDER]``.
"""

from __future__ import annotations

import gzip
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from kiban.compute.serve.engines import Option
from kiban.compute.serve.iteration import IterationCost
from kiban.compute.serve.load import load_of, spread_load
from kiban.compute.serve.pareto import pareto
from kiban.compute.serve.planner import Need, plan_serving
from kiban.compute.serve.simulate import Policy, simulate
from kiban.compute.serve.steady import steady
from kiban.compute.serve.trace import Trace, parse_trace, poisson_trace

VIDUR_REQUESTS_PER_S = 256
"""Event loop of Vidur (commit of 2024-11-19) on the same kind of work, measured in another run on a 2-core machine."""


def cpu_s(call: Callable[[], object], least_s: float = 0.3) -> float:
    """Median CPU seconds of a call over as many calls as fill ``least_s``, three at least."""
    taken: list[float] = []
    while len(taken) < 3 or sum(taken) < least_s:
        begin = time.process_time()
        call()
        taken.append(time.process_time() - begin)
    return float(np.median(taken))


def engine(
    accelerators: int, weights: float, bytes_per_weight: float, kv_bytes: float, chip: tuple[float, float, float]
) -> IterationCost:
    """A dense model on chips of (memory bytes/s, FLOP/s, memory bytes); 80 % and 60 % of the peaks are reached."""
    bandwidth, peak, memory = chip
    batch = np.arange(1025)
    held = weights * bytes_per_weight
    tok_s = 2 * weights / (peak * accelerators * 0.6)
    step = held / (bandwidth * accelerators * 0.8) + batch * tok_s + 2e-3
    step[0] = 0.0
    room = (memory * accelerators * 0.9 - held) / kv_bytes
    return IterationCost(
        accelerators, step, kv_bytes / (bandwidth * accelerators * 0.8), tok_s, tok_s / 1e4, 2e-3, room
    )


def simulator_rows(folder: Path | None) -> list[tuple[str, str]]:
    """Requests per CPU second on Vidur's kind of work (Llama-2-7B, A100, 1,024 requests of 1024/128) and on traces."""
    cost = engine(1, 6.74e9, 2.0, 524288.0, (2.0e12, 312e12, 80e9))
    rng = np.random.default_rng(1)
    rows = []
    for rate in (1.0, 4.0, 1e6):
        trace = poisson_trace(rng, rate, 1024, np.array([1024]), np.array([128]))
        for budget in (512, 2048):
            seconds = cpu_s(lambda t=trace, b=budget: simulate(cost, t, Policy(b, 256)))  # type: ignore[misc]
            iterations = simulate(cost, trace, Policy(budget, 256)).iterations
            words = "all at once" if rate > 1e3 else f"{rate:g} per s"
            rows.append(
                (f"simulator, 1,024 requests of 1024/128, {words}, budget {budget}", per_s(1024, seconds, iterations))
            )
    for file in sorted(folder.glob("AzureLLM*")) if folder else []:
        raw = file.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode()
        seconds = cpu_s(lambda t=text: parse_trace(t))  # type: ignore[misc]
        trace = parse_trace(text)
        rows.append((f"reading {file.name}", f"{len(trace) / seconds:,.0f} requests/CPU-s"))
        for share in (0.3, 0.7):
            rows.append(azure_row(cost, trace, share, file.name.split("_")[1]))
    return rows


def azure_row(cost: IterationCost, trace: Trace, share: float, name: str) -> tuple[str, str]:
    """One Azure trace, stretched to a share of the engine's largest rate."""
    most = steady(cost, load_of(trace), 1e-9).max_rate_per_s[0]
    stretched = trace.at_rate(share * most)
    seconds = cpu_s(lambda: simulate(cost, stretched))
    return f"simulator, Azure {name}, {share:.0%} load", per_s(
        len(trace), seconds, simulate(cost, stretched).iterations
    )


def per_s(requests: int, seconds: float, iterations: int) -> str:
    """Rate in words."""
    return f"{requests / seconds:,.0f} requests/CPU-s ({iterations:,} iterations, {iterations / seconds:,.0f}/CPU-s)"


def planner_rows() -> list[tuple[str, str]]:
    """Milliseconds of one steady state, of one in a batch, and of whole plans."""
    options = [
        Option(f"TP{n}", engine(n, 70e9, 1.0, 163840.0, (3.35e12, 1979e12, 80e9)), 163840.0 / (50e9 * n))
        for n in (2, 4, 8)
    ]
    load = spread_load(1024, 256, 0.6, 0.6)
    cost = options[-1].cost
    rows = []
    for seats in (256, 1024):
        policy = Policy(2048, seats)
        most = steady(cost, load, 1e-9, policy).max_rate_per_s[0]
        one = cpu_s(lambda p=policy, m=most: steady(cost, load, 0.5 * m, p))  # type: ignore[misc]
        many = np.linspace(0.01, 0.95, 1000) * most
        batch = cpu_s(lambda p=policy, r=many: steady(cost, load, r, p)) / 1000  # type: ignore[misc]
        rows.append((f"one steady state, {seats} seats", f"{one * 1e3:.2f} ms"))
        rows.append((f"one of a batch of 1,000, {seats} seats", f"{batch * 1e6:.0f} us"))
    need = Need(load, 500.0, 1.0, 0.03)
    for apart in (False, True):
        seconds = cpu_s(lambda a=apart: plan_serving(options, need, Policy(2048, 1024), a))  # type: ignore[misc]
        rows.append((f"fewest accelerators, 3 layouts, {'apart' if apart else 'together'}", f"{seconds * 1e3:.0f} ms"))
    points = len(pareto(options, need, Policy(2048, 1024)))
    seconds = cpu_s(lambda: pareto(options, need, Policy(2048, 1024)))
    rows.append((f"Pareto set from {points} points", f"{seconds * 1e3:.0f} ms"))
    return rows


def main() -> None:
    """Print the table."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    print("| what | speed |\n|---|---|")
    for what, speed in (*simulator_rows(folder), *planner_rows()):
        print(f"| {what} | {speed} |")
    print(f"| Vidur's event loop, for reference (not run here) | about {VIDUR_REQUESTS_PER_S} requests/s |")


if __name__ == "__main__":
    main()
