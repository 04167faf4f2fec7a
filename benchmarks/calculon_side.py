"""What ``search.py`` asks of Calculon: its space, a random sample of it, and its best execution of a smaller space.

Calculon (https://github.com/calculon-ai/calculon, Apache-2.0) is imported from a checkout that is given by path;
nothing of it is part of kiban.
"""

from __future__ import annotations

import json
import logging
import random
import sys
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

NVLINK = 8
"""Processors of its first network."""
LARGEST_MICRO_BATCH = 4
"""Of the search for its optimum: larger ones keep more activations than the pipeline gains."""


class Calculon:
    """A checkout of Calculon with one application and one system of its own files."""

    def __init__(self, checkout: Path, application: str, system: str = "a100_80g") -> None:
        if str(checkout) not in sys.path:
            sys.path.insert(0, str(checkout))
        from calculon.llm import Llm
        from calculon.system import System

        self.llm = Llm
        self.app = Llm.Application(json.loads((checkout / "models" / f"{application}.json").read_text()))
        self.system = System(json.loads((checkout / "systems" / f"{system}.json").read_text()))
        self.log = logging.Logger("calculon")

    def cuts(self, count: int, most: int) -> Iterator[tuple[int, int, int, int, int]]:
        """(tensor, pipeline, data, interleave, batch) as its own search walks them."""
        for t in self.llm.get_all_tensor_parallelisms(count, self.app.hidden, self.app.attn_heads):
            for p in self.llm.get_all_pipeline_parallelisms(count, t, self.app.num_blocks):
                d = self.llm.get_data_parallelism(count, t, p)
                if d <= most:
                    for v in self.llm.get_valid_pipeline_interleavings(self.app.num_blocks, p):
                        yield t, p, d, v, most // d * d

    def switches(self, t: int, p: int, d: int) -> list[dict[str, Any]]:
        """Every combination of its switches for one cut, its memory tier and networks included."""
        nets = range(self.system.num_networks)
        out = []
        for how, shard, comm in product(
            ("full", "attn_only", "none"), (True, False) if d > 1 else (False,), ("ar", "p2p_rs_ag", "rs_ag")
        ):
            redo = (True, False) if self.llm.can_redo_ag(comm, how) else (False,)
            axes = (
                redo, (True, False) if d > 1 else (False,), ("none", "ring", "pipe") if t > 1 else ("none",),
                (True, False), (False,) if how == "full" else (True, False), (True, False),
                nets if t > 1 else (0,), nets if p > 1 else (0,), nets if d > 1 else (0,),
            )  # fmt: skip
            out += [
                {"activation_recompute": how, "optimizer_sharding": shard, "tensor_par_comm_type": comm,
                 "fused_activation": True, "seq_par_ag_redo": a, "data_par_overlap": b, "tensor_par_overlap": c,
                 "weight_offload": w, "activations_offload": o, "optimizer_offload": z, "tensor_par_net": tn,
                 "pipeline_par_net": pn, "data_par_net": dn}
                for a, b, c, w, o, z, tn, pn, dn in product(*axes)
            ]  # fmt: skip
        return out

    def space(
        self, count: int, most: int
    ) -> list[tuple[tuple[int, int, int, int, int], list[int], list[dict[str, Any]]]]:
        """Its whole space as (cut, micro-batch sizes, switches); the product of the last two belongs to the cut."""
        memo: dict[tuple[bool, bool, bool], list[dict[str, Any]]] = {}
        out = []
        for t, p, d, v, batch in self.cuts(count, most):
            key = (t > 1, p > 1, d > 1)
            if key not in memo:
                memo[key] = self.switches(t, p, d)
            micro = list(self.llm.get_valid_microbatch_sizes(self.app.seq_size, t, d, batch, p))
            out.append(((t, p, d, v, batch), micro, memo[key]))
        return out

    def execution(self, count: int, cut: tuple[int, ...], micro: int, switch: dict[str, Any]) -> dict[str, Any]:
        """One execution in its own words."""
        t, p, d, v, batch = cut
        return {
            "num_procs": count, "tensor_par": t, "pipeline_par": p, "data_par": d, "pipeline_interleaving": v,
            "batch_size": batch, "microbatch_size": micro, "datatype": "float16", "attention_type": "multihead",
            "training": True, **switch,
        }  # fmt: skip

    def seconds(self, execution: dict[str, Any]) -> tuple[float, float] | None:
        """Seconds and bytes of one step, or None where it rejects the execution."""
        model = self.llm(self.app, self.log)
        try:
            model.compile(self.system, self.llm.Execution.from_json(execution))
            model.run(self.system)
        except self.llm.Error:
            return None
        return model.get_total_time(), model.get_mem_tier1_cap_req()

    def sampled_rate(self, count: int, most: int, size: int, seed: int = 1) -> tuple[int, int, float]:
        """Size of its space, how many of a uniform random sample it accepts, and its configurations per CPU-second."""
        space = self.space(count, most)
        sizes = [len(micro) * len(switches) for _, micro, switches in space]
        total = sum(sizes)
        rng = random.Random(seed)
        chosen = sorted(rng.randrange(total) for _ in range(size))
        jobs, start, place = [], 0, 0
        for pick in chosen:
            while pick >= start + sizes[place]:
                start += sizes[place]
                place += 1
            cut, micro, switches = space[place]
            a, b = divmod(pick - start, len(switches))
            jobs.append(self.execution(count, cut, micro[a], switches[b]))
        clock = time.process_time()
        good = sum(self.seconds(job) is not None for job in jobs)
        return total, good, size / (time.process_time() - clock)

    def best(self, count: int, batch: int) -> tuple[float, float, dict[str, Any], int]:
        """Its fastest execution of what kiban searches too.

        No second memory tier; tensor traffic cut along the sequence and not overlapped, data traffic overlapped.
        """
        best: tuple[float, float, dict[str, Any]] | None = None
        tried = 0
        for cut, micro, switches in self.space(count, batch):
            t, _, _, _, full = cut
            if full != batch:
                continue
            plain = [
                s for s in switches
                if not (s["weight_offload"] or s["activations_offload"] or s["optimizer_offload"])
                and s["tensor_par_overlap"] == "none" and not s["seq_par_ag_redo"]
                and s["tensor_par_comm_type"] == ("rs_ag" if t > 1 else "ar")
                and s["data_par_overlap"] == (cut[2] > 1) and s["tensor_par_net"] == (0 if t <= NVLINK else 1)
            ]  # fmt: skip
            for size in (m for m in micro if m <= LARGEST_MICRO_BATCH):
                for switch in plain:
                    execution = self.execution(count, cut, size, switch)
                    tried += 1
                    found = self.seconds(execution)
                    if found and (best is None or found[0] < best[0]):
                        best = (*found, execution)
        if best is None:
            raise RuntimeError(f"Calculon finds nothing for {count} processors and batch {batch}")
        return *best, tried
