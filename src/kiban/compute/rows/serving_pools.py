"""Rows of pools apart (prefill and decode engines of their own) as points of the serving model."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from kiban.compute.rows.config import number
from kiban.compute.serve.features import Placement
from kiban.compute.serve.layout import ServeLayout, layout_from_config
from kiban.compute.serve.points import Point

_KEY = re.compile(r"^(?:num_)?(prefill|decode|ctx|context|gen|generation|p|d)_(?:num_)?([a-z_]+)$")
_POOL = {"p": "prefill", "ctx": "prefill", "context": "prefill", "d": "decode", "gen": "decode", "generation": "decode"}
_FIELD = {
    "tp": "tp", "tp_size": "tp", "pp": "pp", "pp_size": "pp", "par": "par", "moe_tp": "moe_tp",
    "dp": "attn_dp", "attn_dp": "attn_dp", "dp_size": "attn_dp", "attention_dp": "attn_dp", "dp_attn": "attn_dp",
    "dp_attention": "attn_dp", "ep": "moe_ep", "moe_ep": "moe_ep", "ep_size": "moe_ep",
    "workers": "workers", "worker": "workers", "instances": "workers", "engines": "workers", "replicas": "workers",
    "gpus": "gpus", "bs": "batch", "batch": "batch", "batch_size": "batch",
}  # fmt: skip
_WORD = re.compile(r"\b(prefill|decode|ctx|gen)[ :=_-]+(?:([0-9]+) ?x ?)?((?:d?e?p|te?p)[0-9]+)\b")
LENGTH_TOK = 4096.0
"""Prompt of a row of pools that names none."""


@dataclass(frozen=True)
class Pool:
    """Engines of one phase."""

    layout: ServeLayout
    workers: float
    batch_each: float | None
    """Requests of one accelerator, where the row names them."""

    @property
    def accelerators(self) -> float:
        """Of all engines of the pool."""
        return self.layout.accelerators * self.workers


def named_pools(config: Mapping[str, str]) -> dict[str, Pool]:
    """Pools that a row names by keys such as ``prefill_tp``, ``d_ep``, ``num_decode_workers``, ``(p)workers``, or by
    words such as ``prefill=2xDEP4``.

    A pool of which only workers or accelerators are named is cut by tensor ranks over the accelerators of an engine.
    """
    found: dict[str, dict[str, str]] = {}
    for key, text in config.items():
        word = _WORD.search(f"{key} {text}".lower())
        if word:
            name = _POOL.get(word.group(1), word.group(1))
            found.setdefault(name, {}).update({"par": word.group(3), "workers": word.group(2) or "1"})
            continue
        plain = re.sub(r"[^a-z0-9]+", "_", key).strip("_")
        match = _KEY.match(plain)
        field = _FIELD.get(match.group(2)) if match else None
        if match and field:
            found.setdefault(_POOL.get(match.group(1), match.group(1)), {})[field] = text
    return {name: _pool(fields) for name, fields in found.items() if set(fields) - {"batch", "workers"}}


def _pool(fields: dict[str, str]) -> Pool:
    if fields.get("attn_dp", "").lower() == "true":
        fields["attn_dp"] = fields.get("tp", "1")
    workers = number(fields, "workers") or 1.0
    cut = {"tp", "par", "attn_dp", "moe_ep", "moe_tp"} & set(fields)
    gpus = number(fields, "gpus")
    if not cut and gpus:
        fields["tp"] = f"{max(gpus / workers, 1):.0f}"
    if "tp" not in fields and "par" not in fields and "attn_dp" not in fields and "moe_ep" in fields:
        fields["attn_dp"] = fields["moe_ep"]
    layout = layout_from_config(fields)
    if gpus and "workers" not in fields:
        workers = max(gpus / layout.accelerators, 1.0)
    return Pool(layout, workers, number(fields, "batch"))


def apart_point(
    metric: str, config: dict[str, str], at: Placement, engine: str, length_frac: float, maturity_years: float
) -> tuple[Point, str, float] | str:
    """Point, quantity and share of all accelerators for pools in a closed loop, or what the row lacks.

    Decode engines share the requests in flight evenly and see no prompts; prompts are shared by the prefill engines.
    """
    words = {"tpot": "pool_tpot", "itl": "pool_tpot", "ttft": "pool_ttft", "output": "decode"}
    if metric.split("_", maxsplit=1)[0] not in words:
        return f"unknown metric '{metric}' of pools apart; known: tpot_mean, ttft_mean, output_throughput_per_gpu"
    pools = named_pools(config)
    if not pools and any(key in config for key in ("tp", "par", "attn_dp", "moe_ep")):
        same = Pool(layout_from_config(config), 1.0, None)
        pools = {"prefill": same, "decode": same}
    phase = "prefill" if metric.startswith("ttft") else "decode"
    isl, osl, flight = number(config, "isl"), number(config, "osl"), number(config, "concurrency", "batch")
    pool = pools.get(phase)
    if pool is not None and not flight and pool.batch_each:
        flight = pool.batch_each * pool.accelerators
    missing = [n for n, v in (("isl", isl), ("osl", osl), ("concurrency", flight)) if not v]
    missing += [] if pool else [f"layout of the {phase} pool ({phase}_tp, {phase}_dp, {phase}_ep, {phase}_workers)"]
    if pool is None or not isl or not osl or not flight:
        return f"the row names no {', '.join(missing)}"
    at = replace(at, layout=pool.layout)
    point = Point(at, engine, isl * length_frac, osl * length_frac, max(flight / pool.workers, 1.0), maturity_years)
    total = sum(p.accelerators for p in pools.values())
    return point, words[metric.split("_", maxsplit=1)[0]], pool.accelerators / total


def published_layout(config: Mapping[str, str], phase: str) -> ServeLayout:
    """Expert-parallel pools with an attention replica on every accelerator: ``EP32``, ``16 nodes``, ``48 ranks``."""
    pool = named_pools(config).get(phase)
    if pool is not None:
        return pool.layout
    text = " ".join(f"{k} {v}" for k, v in config.items())
    ranks = re.search(rf"{phase} ([0-9]+) ranks", text) or re.search(r"\bep ?([0-9]+)", text)
    nodes = re.search(r"([0-9]+) nodes", text)
    size = int(ranks.group(1)) if ranks else 8 * int(nodes.group(1)) if nodes else 32
    return ServeLayout(tensor=1, data=size, expert=size)


def rate_point(metric: str, config: dict[str, str], at: Placement) -> tuple[Point, str] | str:
    """Point and quantity of the rate of one pool at full load, or why there is none."""
    text = " ".join(f"{k} {v}" for k, v in config.items())
    phase = "prefill" if metric.startswith("input") else "decode"
    at = replace(at, layout=published_layout(config, phase))
    prompt = number(config, "isl") or LENGTH_TOK
    if metric.startswith("input"):
        return Point(at, "pools", prompt, 1.0, float(at.layout.data)), "prefill"
    if metric.startswith("output"):
        batch = re.search(r"batch ([0-9]+)", text)
        # A rate without its batch is a pool's best: as many requests as memory holds.
        flight = float(batch.group(1)) * at.layout.data if batch else math.inf
        return Point(at, "pools", number(config, "kv") or prompt, 1.0, flight), "decode"
    return (
        f"unknown metric '{metric}' of pools; known: input_throughput_per_node, output_throughput_per_node, tpot_mean, "
        "ttft_mean"
    )
