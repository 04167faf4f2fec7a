"""Metrics by name for a reader: the label and the number, as the ending of the name says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kiban.results.finance import Irr
from kiban.units.numbers import percent, significant, usd

EXA = 1e18
"""A FLOP costs too little to be written; a reader gets the cost of so many."""
ENDINGS = ("_nominal_usd_per_unit", "_usd_per_unit", "_nominal_usd", "_frac_per_year", "_usd", "_frac", "_multiple")
"""Endings that the number itself shows; the longest that fits is taken off the label."""
SHORT = {"irr": "IRR", "npv": "NPV", "moic": "MOIC", "dscr": "DSCR", "llcr": "LLCR", "plcr": "PLCR", "mirr": "MIRR",
         "lcoc": "LCOC"}  # fmt: skip


LABELS = {
    "leaf_lcoc_usd_per_gpu_h": "LCOC per GPU-hour",
    "lcoc_usd_per_gpu_h": "LCOC per GPU-hour, expected",
    "lcoc_usd_per_effective_flop": "LCOC per 10^18 useful FLOP",
    "lcoc_nominal_usd_per_unit": "LCOC: one price for life, nominal",
    "lcoc_real_usd_per_unit": "LCOC, real",
    "levelised_nominal_usd_per_unit": "owners' cost over output, nominal",
    "levelised_usd_per_unit": "owners' cost over output, real",
}


def label(name: str) -> str:
    """Words of a metric's name, such as ``project break even price, nominal``."""
    if name in LABELS:
        return LABELS[name]
    bare = name.removeprefix("leaf_")
    end = next((e for e in ENDINGS if bare.endswith(e) and bare != e), "")
    words = bare.removesuffix(end).split("_")
    text = " ".join(SHORT.get(w, w) for w in words)
    return text + (", nominal" if "nominal" in end and "nominal" not in words else "")


def number(name: str, value: Any) -> str:
    """A metric as a reader wants it."""
    if isinstance(value, Irr):
        return rate(value)
    if isinstance(value, str):
        return value or "never"
    if value is None or math.isnan(value):
        return "never" if name.endswith("payback_years") else "none"
    if math.isinf(value):
        return "no limit" if "moic" in name else "never"
    if name.endswith("_usd_per_effective_flop"):
        return f"{significant(value * EXA, 4)} USD"
    if "_usd_per_" in name:
        return f"{significant(value, 4)} USD"
    if name.endswith("_usd"):
        return usd(value)
    if name.endswith(("_frac", "_frac_per_year")):
        return percent(value)
    if name.endswith("_years"):
        return f"{significant(value, 3)} years"
    return significant(value, 4) + (" x" if name.endswith("_multiple") else "")


def rate(irr: Irr) -> str:
    """A rate of return with its status."""
    if irr.status == "unique":
        return percent(irr.roots_frac_per_year[0])
    if irr.status == "several":
        return "several: " + ", ".join(percent(r) for r in irr.roots_frac_per_year)
    return irr.status


def table(head: Sequence[str], rows: Sequence[Sequence[str]], least: int = 10) -> list[str]:
    """Lines of a table: the first column to the left, the others to the right."""
    widths = [max(least, *(len(r[i]) for r in (head, *rows))) for i in range(len(head))]
    widths[0] += 2
    return [
        (f"{r[0]:<{widths[0]}}" + "".join(f"{c:>{w + 2}}" for c, w in zip(r[1:], widths[1:], strict=True))).rstrip()
        for r in (head, *rows)
    ]
