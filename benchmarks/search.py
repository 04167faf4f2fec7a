"""The search over training layouts beside Calculon's, in one run on one core. Prints Markdown.

Rate: Calculon on a uniform random sample of its own space (GPT-3 175B, 512 A100 of its own system file, batch up to
1,536, 13,165,632 executions), kiban on every layout of its own space for the same job, searched for growing batches
until as many layouts are done as Calculon's space has executions. One configuration is one way to run the job, rejected
ones included, on both sides; the axes differ (docs/compute_search.md). Optimum, with --compare: each side's fastest
configuration of jobs of Korthikanti et al. 2022, timed by both models.

Calculon is not part of kiban and is not shipped. To get it (Python 3.9 or later, with psutil):

    git clone https://github.com/calculon-ai/calculon && git -C calculon checkout caa4b11f8f
    OMP_NUM_THREADS=1 python benchmarks/search.py calculon [--sample 2500] [--compare]
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from calculon_side import Calculon

from kiban.catalog import load_catalog
from kiban.compute.arithmetic import load_model
from kiban.compute.hardware import load_accelerator
from kiban.compute.train.fitted import usual_effects
from kiban.compute.train.job import Setting, build_setting
from kiban.compute.train.layouts import Job, Layouts
from kiban.compute.train.search import Found, search
from kiban.compute.train.space import Limits
from kiban.compute.train.timing import bind_timing
from kiban.compute.train.wording import layout_words

COUNT, MOST, SEQUENCE_TOK = 512, 1536, 2048
EXECUTIONS = 13_165_632
GIB = 2.0**30
CASES = (("megatron-22B", "gpt_22b", 8, 4), ("gpt3-175B", "gpt3_175b", 64, 64))
"""Calculon's model file, kiban's model, accelerators, batch."""
RECOMPUTE = {"none": 0, "attn_only": 1, "full": 2}


def setting_of(model: str, count: int, batch: int) -> Setting:
    """A job on A100 as papers of its time ran it, with Calculon's reach.

    Scores in memory, 80 GiB, any tensor group, equal stages, no FSDP.
    """
    catalog = load_catalog()
    chip = replace(load_accelerator(catalog, "a100_sxm_80"), memory_bytes=80 * GIB)
    spec, job = load_model(catalog, model), Job(count, batch, SEQUENCE_TOK, "bf16")
    setting = build_setting(catalog, spec, chip, job)
    year = chip.release_year + 1.5
    strengths = usual_effects(spec, chip, "bf16", year)
    return replace(
        setting,
        limits=Limits(tensor_max=count, uneven_frac=0.0, shards=(0, 1)),
        facts=replace(setting.facts, fused_attention=False),
        timing=bind_timing(catalog, spec, chip, job, strengths),
    )


def run(setting: Setting) -> Found:
    """One search."""
    s = setting
    return search(s.model, s.job, s.chip.memory_bytes, s.facts, s.limits, s.timing.total_s)


def our_rate() -> tuple[int, int, float, float]:
    """Layouts of the job itself, layouts done in all, their CPU-seconds, and CPU-seconds of the job alone."""
    setting = setting_of("gpt3_175b", COUNT, MOST)
    clock = time.process_time()
    own = run(setting).considered
    alone = time.process_time() - clock
    done, batch, spent = 0, 0, 0.0
    while done < EXECUTIONS:
        batch += COUNT
        setting = setting_of("gpt3_175b", COUNT, batch)
        clock = time.process_time()
        done += run(setting).considered
        spent += time.process_time() - clock
    return own, done, spent, alone


def as_layout(execution: dict[str, Any]) -> Layouts:
    """A Calculon execution as a kiban layout."""
    row = {
        "tensor": execution["tensor_par"],
        "pipeline": execution["pipeline_par"],
        "context": 1,
        "expert": 1,
        "data": execution["data_par"],
        "micro_batch": execution["microbatch_size"],
        "interleave": execution["pipeline_interleaving"],
        "recompute": RECOMPUTE[execution["activation_recompute"]],
        "sequence_parallel": int(execution["tensor_par_comm_type"] == "rs_ag" and execution["tensor_par"] > 1),
        "shard": int(execution["optimizer_sharding"]),
    }
    return Layouts(**{name: np.array([value], dtype=np.int64) for name, value in row.items()})


def as_executions(layouts: Layouts, count: int, batch: int) -> list[dict[str, Any]]:
    """The fastest kiban layout as Calculon executions, one for each pair of its networks; else as in its search."""
    row = {name: int(getattr(layouts, name)[0]) for name in Layouts.__dataclass_fields__}
    names = {value: word for word, value in RECOMPUTE.items()}
    base = {
        "num_procs": count, "tensor_par": row["tensor"], "pipeline_par": row["pipeline"], "data_par": row["data"],
        "tensor_par_net": int(row["tensor"] > 8), "batch_size": batch, "microbatch_size": row["micro_batch"],
        "datatype": "float16", "fused_activation": True, "attention_type": "multihead",
        "activation_recompute": names[row["recompute"]], "pipeline_interleaving": row["interleave"],
        "optimizer_sharding": bool(row["shard"]) and row["data"] > 1,
        "tensor_par_comm_type": "rs_ag" if row["sequence_parallel"] else "ar", "tensor_par_overlap": "none",
        "seq_par_ag_redo": False, "data_par_overlap": row["data"] > 1, "weight_offload": False,
        "activations_offload": False, "optimizer_offload": False, "training": True,
    }  # fmt: skip
    nets = [(a, b) for a in range(1 + (row["pipeline"] > 1)) for b in range(1 + (row["data"] > 1))]
    return [{**base, "pipeline_par_net": a, "data_par_net": b} for a, b in nets]


def compare(checkout: Path) -> None:
    """Print both optima under both models."""
    print("\n| job | whose optimum | layout | Calculon, s | kiban, s |\n|---|---|---|---|---|")
    for file, name, count, batch in CASES:
        other = Calculon(checkout, file)
        setting = setting_of(name, count, batch)
        setting = replace(setting, limits=replace(setting.limits, context_max=1))
        theirs_s, _, execution, tried = other.best(count, batch)
        theirs = as_layout(execution)
        ours = run(setting).best
        under = [other.seconds(e) for e in as_executions(ours.layouts, count, batch)]
        under_s = min((u[0] for u in under if u), default=float("nan"))
        job = f"{name}, {count} A100, batch {batch} ({tried:,} executions)"
        theirs_here_s = setting.timing.total_s(theirs)[0]
        print(f"| {job} | Calculon | {layout_words(theirs, 0)} | {theirs_s:.2f} | {theirs_here_s:.2f} |")
        print(f"| | kiban | {layout_words(ours.layouts, 0)} | {under_s:.2f} | {ours.step_s[0]:.2f} |")
        print(f"| | optimum against optimum | | | {100 * (ours.step_s[0] / theirs_s - 1):+.1f} % |", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("calculon", type=Path, help="checkout of Calculon")
    parser.add_argument("--sample", type=int, default=2500, help="executions of Calculon's random sample")
    parser.add_argument("--compare", action="store_true", help="compare optima as well (minutes)")
    args = parser.parse_args()
    if not (args.calculon / "calculon" / "llm").is_dir():
        sys.exit(f"{args.calculon} is no checkout of Calculon; see --help")
    own, done, spent, alone = our_rate()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    total, good, rate = Calculon(args.calculon, "gpt3-175B").sampled_rate(COUNT, MOST, args.sample)
    print("GPT-3 175B on 512 A100, batch up to 1,536, sequences of 2,048, one core\n")
    print("| | configurations of the job | done | per CPU-second | whole space |\n|---|---|---|---|---|")
    print(f"| Calculon | {total:,} | {args.sample:,} ({good} fit) | {rate:,.0f} | {total / rate / 3600:.1f} CPU-h |")
    print(f"| kiban | {own:,} | {done:,} in {spent:.1f} CPU-s | {done / spent:,.0f} | {alone:.3f} CPU-s |")
    print(f"| ratio of rates | | | {done / spent / rate:,.0f} | |")
    print(f"\nPeak memory of the kiban side {peak_mb:,.0f} MB.")
    if args.compare:
        compare(args.calculon)


if __name__ == "__main__":
    main()
