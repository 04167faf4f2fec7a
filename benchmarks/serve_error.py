"""Error of the serving steady state against the event simulator, by load. Prints Markdown tables.

``python benchmarks/serve_error.py [FOLDER]``; with the folder of the Azure LLM inference traces also on their lengths
and on their own arrivals.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np

from kiban.compute.serve.iteration import IterationCost
from kiban.compute.serve.load import Load, load_of, spread_load
from kiban.compute.serve.simulate import Policy, simulate
from kiban.compute.serve.steady import steady
from kiban.compute.serve.trace import Trace, parse_trace, poisson_trace

LOADS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
REQUESTS = 20_000
SEED = 1


def engine(accelerators: int, weights: float, kv_bytes: float) -> IterationCost:
    """A dense 8-bit model on chips of 3.35 TB/s, 1,979 TFLOP/s and 80 GB; 80 % and 60 % of the peaks are reached."""
    batch = np.arange(1025)
    tok_s = 2 * weights / (1979e12 * accelerators * 0.6)
    step = weights / (3.35e12 * accelerators * 0.8) + batch * tok_s + 3e-3
    step[0] = 0.0
    room = (80e9 * accelerators * 0.9 - weights) / kv_bytes
    context_s = kv_bytes / (3.35e12 * accelerators * 0.8)
    return IterationCost(accelerators, step, context_s, tok_s, tok_s / 1e4, 2e-3, room)


ENGINES = {
    "8B on 1": engine(1, 8e9, 65536.0),
    "70B on 2": engine(2, 70e9, 163840.0),
    "70B on 8": engine(8, 70e9, 163840.0),
}
POLICY = Policy(2048, 512)


def errors(cost: IterationCost, load: Load, trace: Trace, rate: float) -> list[float]:
    """Relative errors of mean TTFT, P90 TTFT and mean TPOT, the first tenth of the trace left out."""
    got, want = simulate(cost, trace, POLICY), steady(cost, load, rate, POLICY)
    late = slice(len(trace) // 10, None)
    ttft, tpot = got.ttft_s[late], float(np.nanmean(got.tpot_s[late]))
    return [
        float(want.ttft_s[0] / ttft.mean() - 1),
        float(want.ttft_quantile_s[0, 1] / np.quantile(ttft, 0.9) - 1),
        float(want.tpot_s[0] / tpot - 1),
    ]


def print_table(title: str, by_load: dict[float, list[list[float]]]) -> None:
    """Median and largest absolute error by load."""
    print(f"\n{title}\n\n| load | mean TTFT | P90 TTFT | mean TPOT |\n|---|---|---|---|")
    for share, rows in by_load.items():
        size = np.abs(np.array(rows))
        cells = " | ".join(f"{np.median(size[:, k]):.0%} ({size[:, k].max():.0%})" for k in range(3))
        print(f"| {share:.0%} | {cells} |")


def main() -> None:
    """Print the tables."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    traces = {f.name.split("_")[1]: parse_trace(gzip.decompress(f.read_bytes()).decode()) for f in
              sorted(folder.glob("AzureLLM*.gz"))} if folder else {}  # fmt: skip
    loads = {f"{p}/{o} cv {cv}": spread_load(p, o, cv, cv) for p, o in ((1024, 256), (4000, 100)) for cv in (0.0, 0.8)}
    rng = np.random.default_rng(SEED)
    poisson: dict[float, list[list[float]]] = {}
    for cost in ENGINES.values():
        for load in (*loads.values(), *(load_of(t, arrival_scv=1.0) for t in traces.values())):
            most = steady(cost, load, 1e-9, POLICY).max_rate_per_s[0]
            prompt, output = (np.round(x).astype(np.int64) for x in (load.prompt_tok, load.output_tok))
            for share in LOADS:
                drawn = poisson_trace(rng, share * most, REQUESTS, prompt, output)
                poisson.setdefault(share, []).append(errors(cost, load, drawn, share * most))
    print_table(f"Poisson arrivals, {len(poisson[0.5])} cases: median (largest) absolute error", poisson)
    for name, trace in traces.items():
        own: dict[float, list[list[float]]] = {}
        for cost in ENGINES.values():
            load = load_of(trace)
            most = steady(cost, load, 1e-9, POLICY).max_rate_per_s[0]
            for share in LOADS:
                own.setdefault(share, []).append(errors(cost, load, trace.at_rate(share * most), share * most))
        print_table(f"Azure {name}, its own arrivals (scv of gaps {trace.arrival_scv:.1f}), 3 engines", own)


if __name__ == "__main__":
    main()
