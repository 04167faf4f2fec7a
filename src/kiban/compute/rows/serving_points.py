"""Rows of inference measurements as points of the serving model."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from kiban.catalog import Catalog
from kiban.compute.arithmetic import ModelSpec, load_model
from kiban.compute.hardware import Accelerator, load_accelerator
from kiban.compute.rows.config import number, parse_config
from kiban.compute.rows.names import find_accelerator, find_model, nearest_accelerator, nearest_model
from kiban.compute.rows.serving_pools import apart_point, named_pools, rate_point
from kiban.compute.serve.features import Placement, default_cache_precision, keeps_whole_windows
from kiban.compute.serve.layout import ServeLayout, layout_from_config
from kiban.compute.serve.points import Point

LENGTH_KEY = "compute.engine.online_length_frac"
"""Mean of the lengths of an online benchmark over the nominal ones."""

_PRECISIONS = {
    "fp8": "fp8", "fp4": "fp4", "nvfp4": "fp4", "mxfp4": "fp4", "int4": "int4", "w4a16": "int4", "awq": "int4",
    "bf16": "bf16", "fp16": "bf16", "int8": "fp8", "w8a8": "fp8", "mxfp8": "fp8",
}  # fmt: skip


QUANTITIES = ("tpot", "ttft", "offline", "prefill", "decode", "latency", "loop_rate", "pool_tpot", "pool_ttft")


@dataclass(frozen=True)
class Asked:
    """A row that the model can answer."""

    point: Point
    quantity: str
    """One of ``QUANTITIES``."""
    scale: float
    """From seconds, or from tokens per second and accelerator, to the unit of the row."""
    scale_range: tuple[float, float] = (1.0, 1.0)
    """By how much ``scale`` itself may be off, as factors of the ends of the interval."""


@lru_cache(maxsize=256)
def _model(catalog: Catalog, name: str) -> ModelSpec:
    return load_model(catalog, name)


@lru_cache(maxsize=256)
def _chip(catalog: Catalog, name: str) -> Accelerator:
    return load_accelerator(catalog, name)


def read_point(row: Mapping[str, str], catalog: Catalog) -> Asked | str:
    """Turn a row into a question of the serving model, or into the reason why that is not possible."""
    system, hardware = row.get("system", ""), row.get("hardware", "")
    model, chip = find_model(catalog, system), find_accelerator(catalog, hardware)
    if model is None:
        return f"the catalogue has no model '{system}'; {nearest_model(catalog, system)}"
    if chip is None:
        return f"the catalogue has no accelerator '{hardware}'; {nearest_accelerator(catalog, hardware)}"
    config = parse_config(row.get("config", ""))
    engine = _engine(config)
    spec, accelerator = _model(catalog, model), _chip(catalog, chip)
    precision = _precision(config)
    if precision is None:
        return f"unknown precision '{config['prec']}'; known: {', '.join(_PRECISIONS)}"
    kind = row.get("kind", "")
    apart = kind == "inference-disagg" or "disagg" in row.get("config", "").lower() or bool(named_pools(config))
    layout = ServeLayout() if apart else layout_from_config(config)
    cache = _PRECISIONS.get(config.get("kv_prec", "").lower(), "")
    cache = cache or default_cache_precision(spec, accelerator, precision, engine)
    if not apart and not any(key in config for key in ("tp", "par", "attn_dp", "moe_ep", "pp")):
        layout = _smallest(Placement(spec, accelerator, layout, precision, cache), hardware)
    attention = re.search(r"(fp8|bf16) attention", row.get("config", "").lower())
    dense = attention.group(1) if attention else ""
    at = Placement(spec, accelerator, layout, precision, cache, dense, keeps_whole_windows(engine))
    if apart:
        return _disagg(row, config, at, engine, catalog)
    if kind == "inference-online":
        return _online(row, config, at, engine, catalog.value(LENGTH_KEY))
    return _offline(row, config, at, engine)


def _smallest(at: Placement, hardware: str) -> ServeLayout:
    """Tensor ranks where a row names no layout: ``x8`` of its hardware, else the fewest that leave a third free."""
    named = re.search(r"\bx ?([0-9]+)\b", hardware)
    if named:
        return ServeLayout(int(named.group(1)))
    sizes = [n for n in (1, 2, 4, 8) if n <= max(at.chip.scale_up_accelerators, 1)]
    for n in sizes:
        layout = ServeLayout(n)
        if replace(at, layout=layout).weight_bytes_each < at.chip.memory_bytes * 2 / 3:
            return layout
    return ServeLayout(sizes[-1])


def _engine(config: Mapping[str, str]) -> str:
    text = (config.get("backend", "") + " " + config.get("sw", "")).lower()
    for word, name in (("tensorrt", "trtllm"), ("trt", "trtllm"), ("sglang", "sglang"), ("vllm", "vllm")):
        if word in text:
            return name
    return "other"


def _precision(config: Mapping[str, str]) -> str | None:
    text = config.get("prec", "").strip().lower()
    if not text and any("nvfp4" in key for key in config):
        return "fp4"
    if not text and any("fp8 moe" in key or "deepseek" in key for key in config):
        return "fp8"
    if not text:
        # DeepSeek publishes its weights at 8 bit, and pools run them so.
        return "fp8" if any(key in ("prefill", "decode") for key in config) else "bf16"
    words = re.findall(r"[a-z]+[0-9]+(?:a[0-9]+)?|awq", text)
    return next((_PRECISIONS[w] for w in words if w in _PRECISIONS), None)


def _online(
    row: Mapping[str, str], config: dict[str, str], at: Placement, engine: str, length_frac: float
) -> Asked | str:
    isl, osl = number(config, "isl"), number(config, "osl")
    flight = number(config, "concurrency", "batch")
    missing = [n for n, v in (("isl", isl), ("osl", osl), ("concurrency", flight)) if not v]
    if missing:
        return f"the row names no {', '.join(missing)}"
    point = Point(
        at,
        engine,
        (isl or 0) * length_frac,
        (osl or 0) * length_frac,
        flight or 1,
        _maturity(config, at.chip),
    )
    metric, unit = row.get("metric", ""), row.get("unit", "").lower()
    second = 1.0 if unit in ("s", "seconds") else 1e3
    for start, quantity in (("tpot", "tpot"), ("itl", "tpot"), ("ttft", "ttft"), ("e2e", "latency")):
        if metric.startswith(start):
            return Asked(point, quantity, second)
    if metric.startswith("output_throughput"):
        return Asked(point, "loop_rate", _per(metric, unit, at.layout))
    return (
        f"unknown metric '{metric}' of online serving; known: tpot_mean, ttft_mean, e2e_mean, output_throughput_per_gpu"
    )


def _maturity(config: Mapping[str, str], chip: Accelerator) -> float:
    """Age of the chip at the row's date (``measured=2026-03-25``), at most ``mature_years``, else one."""
    date = re.match(r"([0-9]{4})-([0-9]{2})", config.get("measured", ""))
    if not date:
        return 1.0
    year = int(date.group(1)) + (int(date.group(2)) - 0.5) / 12
    return min(max(year - chip.release_year, 0.0), chip.software.mature_years)


def _offline(row: Mapping[str, str], config: dict[str, str], at: Placement, engine: str) -> Asked | str:
    isl, osl = number(config, "isl"), number(config, "osl")
    if not isl or not osl:
        return "the row names no isl and osl"
    point = Point(at, engine, isl, osl, math.inf)
    return Asked(point, "offline", _per(row.get("metric", ""), row.get("unit", "").lower(), at.layout))


def _per(metric: str, unit: str, layout: ServeLayout) -> float:
    """Accelerators that the row's figure counts together."""
    named = re.search(r"per ([0-9]+) ", unit)
    if named:
        return float(named.group(1))
    if "node" in metric or "node" in unit:
        return 8.0
    if "system" in metric or "server" in metric:
        return float(layout.accelerators)
    return 1.0


def _disagg(
    row: Mapping[str, str], config: dict[str, str], at: Placement, engine: str, catalog: Catalog
) -> Asked | str:
    metric, unit = row.get("metric", ""), row.get("unit", "").lower()
    latency = metric.startswith(("tpot", "itl", "ttft"))
    if latency or (number(config, "concurrency") and not metric.startswith("input")):
        found = apart_point(metric, config, at, engine, catalog.value(LENGTH_KEY), _maturity(config, at.chip))
        if isinstance(found, str):
            return found
        point, quantity, share = found
        if latency:
            return Asked(point, quantity, 1.0 if unit in ("s", "seconds") else 1e3)
        return Asked(point, quantity, share * _per(metric, unit, point.at.layout))
    rate = rate_point(metric, config, at)
    if isinstance(rate, str):
        return rate
    production = any("production" in f"{k} {v}" for k, v in config.items())
    low, real, high = catalog.range("compute.serving.production_frac") if production else (1.0, 1.0, 1.0)
    return Asked(*rate, _per(metric, unit, rate[0].at.layout) * real, (low / real, high / real))
