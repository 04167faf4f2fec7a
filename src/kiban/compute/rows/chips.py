"""Rows about the chips themselves, answered from the catalogue with their units turned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from kiban.catalog import Catalog
from kiban.compute.rows.answer import Answer, refused
from kiban.compute.rows.names import find_accelerator, nearest_accelerator

GIB_PER_GB = 1e9 / 2.0**30

_RATE = {"tflop/s": 1.0, "pflop/s": 1e-3, "gflop/s": 1e3, "flop/s": 1e12, "top/s": 1.0, "tops": 1.0, "tflops": 1.0}
_BYTES = {"gb": 1.0, "tb": 1e-3, "gib": GIB_PER_GB}
_GB_PER_S = {"gb/s": 1.0, "tb/s": 1e-3, "gb/s/gpu": 1.0, "gb/s/chip": 1.0, "gbit/s": 8.0, "tbit/s": 8e-3}
_TB_PER_S = {"tb/s": 1.0, "gb/s": 1e3}
_COUNT = {"chips": 1.0, "gpus": 1.0, "accelerators": 1.0, "chips/inf2.48xlarge": 1.0}
_W = {"w": 1.0, "kw": 1e-3}
_KW = {"kw": 1.0, "w": 1e3, "mw": 1e-3}
_USD = {"usd": 1.0}
_DATE = {"date": 1.0, "year": 1.0}


@dataclass(frozen=True)
class _Metric:
    """A catalogue field of a chip, the multiples of its unit by unit of the row, and what it is multiplied by."""

    field: str
    units: Mapping[str, float]
    multiple: float = 1.0
    per_domain: bool = False


METRICS = {
    "dense_bf16": _Metric("dense_bf16_tflops", _RATE),
    "dense_fp16": _Metric("dense_bf16_tflops", _RATE),
    "dense_fp8": _Metric("dense_fp8_tflops", _RATE),
    "dense_fp4": _Metric("dense_fp4_tflops", _RATE),
    "dense_fp32": _Metric("dense_fp32_tflops", _RATE),
    "dense_tf32": _Metric("dense_tf32_tflops", _RATE),
    "dense_int8": _Metric("dense_int8_tops", _RATE),
    "fp4_peak": _Metric("dense_fp4_tflops", _RATE),
    "vendor_fp4_peak": _Metric("dense_fp4_tflops", _RATE),
    "rack_fp4_inference": _Metric("dense_fp4_tflops", _RATE, per_domain=True),
    "rack_fp8_training": _Metric("dense_fp8_tflops", _RATE, per_domain=True),
    "hbm_capacity": _Metric("memory_gb", _BYTES),
    "hbm_usable": _Metric("memory_usable_gb", _BYTES),
    "hbm_bandwidth": _Metric("memory_tb_per_s", _TB_PER_S),
    "scale_up_bandwidth_unidir": _Metric("scale_up_gb_per_s", _GB_PER_S),
    "scale_up_bandwidth_bidir": _Metric("scale_up_gb_per_s", _GB_PER_S, 2.0),
    "scale_up_bandwidth_total": _Metric("scale_up_gb_per_s", _GB_PER_S, 2.0, per_domain=True),
    "scale_up_domain": _Metric("scale_up_domain_chips", _COUNT),
    "scale_out_bandwidth_unidir": _Metric("scale_out_gbit_per_s", _GB_PER_S, 1 / 8),
    "scale_out_bandwidth_bidir": _Metric("scale_out_gbit_per_s", _GB_PER_S, 1 / 4),
    "tdp": _Metric("tdp_w", _W),
    "price_per_chip": _Metric("price_chip_usd", _USD),
    "release_date": _Metric("release_year_frac", _DATE),
    "availability": _Metric("release_year_frac", _DATE),
}
SYSTEM_METRICS = {"rack_power": "rack_power_kw", "server_power_max": "node_power_max_kw"}
ROUNDING_FRAC = 0.005
"""Half a unit of the third digit: publications round."""
MONTH_YEARS = 1 / 12


def answer_accelerator(row: Mapping[str, str], catalog: Catalog) -> Answer:
    """Answer one row of kind ``accelerator``: the catalogue's value, from its low to its high.

    A date answers as a year with its fraction: first day, middle and last day of the month that the catalogue knows.
    """
    text = row.get("hardware") or row.get("system") or ""
    chip = find_accelerator(catalog, text)
    if chip is None:
        return refused(f"the catalogue has no accelerator '{text}'; {nearest_accelerator(catalog, text)}")
    metric, unit = row.get("metric", ""), _unit(row.get("unit", ""))
    if metric in SYSTEM_METRICS:
        return _of_system(catalog, chip, SYSTEM_METRICS[metric], unit)
    if metric not in METRICS:
        return refused(f"unknown metric '{metric}' of an accelerator; {_near(metric, (*METRICS, *SYSTEM_METRICS))}")
    asked = METRICS[metric]
    if unit not in asked.units:
        return refused(f"unknown unit '{unit}' of {metric}; known: {', '.join(asked.units)}")
    key = f"accelerator.{chip}.{asked.field}"
    if asked.field == "memory_gb" and unit == "gib":
        return _binary_capacity(catalog, chip)
    if not catalog.has(key):
        return refused(f"the catalogue has no row {key}")
    if asked.units is _DATE:
        return _date(catalog, key)
    multiple = asked.multiple * asked.units[unit]
    if asked.per_domain:
        domain = f"accelerator.{chip}.scale_up_domain_chips"
        if not catalog.has(domain):
            return refused(f"the catalogue has no row {domain}")
        multiple *= catalog.value(domain)
    return _scaled(catalog, key, lambda value: value * multiple)


def _of_system(catalog: Catalog, chip: str, field: str, unit: str) -> Answer:
    system = f"accelerator.{chip}.system"
    if not catalog.has(system):
        return refused(f"the catalogue has no row {system}")
    key = f"system.{catalog.text(system)}.{field}"
    if not catalog.has(key):
        return refused(f"the catalogue has no row {key}")
    if unit not in _KW:
        return refused(f"unknown unit '{unit}' of power; known: {', '.join(_KW)}")
    return _scaled(catalog, key, lambda value: value * _KW[unit])


def _binary_capacity(catalog: Catalog, chip: str) -> Answer:
    """Capacity in GiB: from the usable bytes where they are known; the vendor's number may mean either."""
    key = f"accelerator.{chip}.memory_usable_gb"
    if catalog.has(key):
        return _scaled(catalog, key, lambda value: value * GIB_PER_GB)
    stated = catalog.value(f"accelerator.{chip}.memory_gb")
    reason = f"accelerator.{chip}.memory_gb, of which it is not known whether it counts GB or GiB"
    return Answer(stated * GIB_PER_GB, stated, stated, "answered", reason)


def _date(catalog: Catalog, key: str) -> Answer:
    low, value, high = catalog.range(key)
    if low == high:
        low, value, high = value, value + MONTH_YEARS / 2, value + MONTH_YEARS
    return Answer(low, value, high, "answered", _basis(catalog, key))


def _scaled(catalog: Catalog, key: str, turn: Callable[[float], float]) -> Answer:
    low, value, high = (turn(v) for v in catalog.range(key))
    low, high = min(low, value * (1 - ROUNDING_FRAC)), max(high, value * (1 + ROUNDING_FRAC))
    return Answer(low, value, high, "answered", _basis(catalog, key))


def _basis(catalog: Catalog, key: str) -> str:
    row = catalog.row(key)
    return f"catalogue row {key}, {row.confidence}"


def _unit(text: str) -> str:
    """First word of a unit; remarks follow it (``TFLOP/s (MXFP8/MXFP4)``)."""
    words = text.lower().replace("(", " ").split()
    return words[0] if words else ""


def _near(text: str, known: tuple[str, ...]) -> str:
    close = get_close_matches(text, known, n=3, cutoff=0.5)
    return f"nearest known: {', '.join(close)}" if close else f"known: {', '.join(known)}"
