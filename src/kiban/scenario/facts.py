"""Names and overrides of a scenario against the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kiban.scenario.problems import nearest_name, shorten
from kiban.scenario.sense import Data, Finding, Path
from kiban.scenario.translate import unit_hint

if TYPE_CHECKING:
    from kiban.catalog import Catalog

FARTHEST_FROM_RANGE = 100.0
"""An override this many times outside the catalogue's range is taken for a swapped unit."""


WEATHER_COLUMNS = ("dry_bulb_mean_degc", "dry_bulb_daily_max_degc", "dry_bulb_daily_min_degc")
MOISTURE_COLUMNS = ("dew_point_mean_degc", "relative_humidity_mean_frac")
NEEDED_FIELDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "accelerator": (
        ("memory_gb",),
        ("memory_tb_per_s",),
        ("tdp_w",),
        ("release_year_frac",),
        ("dense_bf16_tflops", "dense_fp8_tflops"),
    ),
    "model": (("layers",), ("hidden_size",), ("attention_heads",), ("vocab_size",), ("ffn_size", "moe_ffn_size")),
}
"""Rows without which a name cannot be computed with; one field of each group must exist."""

MOST_NAMED = 40
"""Names that an error lists in full."""


def offered_names(catalog: Catalog, kind: str) -> list[str]:
    """List the names that a scenario may use.

    Arguments: catalogue; kind, one of ``accelerator``, ``model``, ``credit``, ``grid``, ``state``, ``weather``.
    Result: sorted names.
    """
    if kind == "weather":
        return sorted(_places_with_weather(catalog))
    if kind == "credit":
        prefix, suffix = "finance.credit.", ".yield_frac"
        found = [k for k in catalog.keys(prefix) if k.endswith(suffix)]
        return sorted(k.removeprefix(prefix).removesuffix(suffix) for k in found)
    if kind == "grid":
        return sorted(_grids(catalog))
    if kind == "state":
        priced = {name.removeprefix("us_") for name in _second(catalog, "tariff.") if name.startswith("us_")}
        return sorted((_second(catalog, "tax.") | priced) - {"us", "other"})
    names = _second(catalog, f"{kind}.")
    needed = NEEDED_FIELDS.get(kind, ())
    return sorted(n for n in names if all(any(catalog.has(f"{kind}.{n}.{f}") for f in either) for either in needed))


def _places_with_weather(catalog: Catalog) -> set[str]:
    """Sites whose monthly normals are complete enough to make a year of weather."""
    import numpy as np

    table = catalog.table("weather_normals")
    complete = np.isfinite(np.stack([table.numbers(name) for name in WEATHER_COLUMNS])).all(axis=0)
    moist = np.isfinite(np.stack([table.numbers(name) for name in MOISTURE_COLUMNS])).any(axis=0)
    names = np.array(table.texts("site"))
    return set(names) - set(names[~(complete & moist)])


def _second(catalog: Catalog, prefix: str) -> set[str]:
    return {k.split(".")[1] for k in catalog.keys(prefix) if k.count(".") >= 2}


def _grids(catalog: Catalog) -> set[str]:
    """Markets and grids with rows, the emission regions by their plain names, and the operators of known sites."""
    names = {n.removeprefix("avert_") for n in _second(catalog, "grid.") if not n.startswith("egrid_")}
    names |= _second(catalog, "market.") | _second(catalog, "ppa.")
    for key in catalog.keys("site."):
        if key.endswith(".grid_operator"):
            operator = re.sub(r"^none \((.*)\)$", r"\1", str(catalog.row(key).value)).lower()
            if re.fullmatch(r"[a-z][a-z0-9_]*", operator):
                names.add(operator)
    return names


def names_in_catalogue(data: Data, catalog: Catalog) -> Iterator[Finding]:
    """Every name that stands for catalogue rows must have them."""
    offered: dict[str, list[str]] = {}
    for kind, path, name in _named(data):
        if not isinstance(name, str):
            continue
        names = offered.setdefault(kind, offered_names(catalog, kind))
        if name not in names:
            yield (
                path,
                f"the catalogue has no {kind} {name!r}",
                {
                    "found": shorten(name),
                    "allowed": _offer(kind, names),
                    "nearest": nearest_name(name, names),
                },
            )


def _offer(kind: str, names: list[str]) -> str:
    """Names to choose from; of a long list its size and where to read it, lest the nearest name drown."""
    if not names:
        return f"none: the catalogue has no {kind} rows"
    if len(names) > MOST_NAMED:
        return f"{len(names)} names, as `kiban catalog find {kind}.` lists them"
    return ", ".join(names)


def _named(data: Data) -> Iterator[tuple[str, Path, Any]]:
    for key in ("accelerators", "cloud_accelerators"):
        for i, name in enumerate(data.get("ladder", {}).get(key) or []):
            yield "accelerator", ("ladder", key, i), name
    for key in ("training_model", "inference_model"):
        yield "model", ("workload", key), data.get("workload", {}).get(key)
    for key in ("credit", "chip_credit"):
        yield "credit", ("finance", key), data.get("finance", {}).get(key)
    for i, site in enumerate(data.get("sites", [])):
        for key in ("weather", "state", "grid"):
            yield key, ("sites", i, key), site.get(key)
        for j, block in enumerate(site.get("committed") or []):
            yield "accelerator", ("sites", i, "committed", j, "accelerator"), block.get("accelerator")


def overrides_in_catalogue(data: Data, catalog: Catalog) -> Iterator[Finding]:
    """Every override must hit a row, with a number of the row's magnitude."""
    for i, override in enumerate(data.get("overrides") or []):
        key, value = override.get("key"), override.get("value")
        if key is None:
            continue
        if not catalog.has(key):
            near = nearest_key(key, catalog)
            yield ("overrides", i, "key"), f"the catalogue has no row {shorten(key)}", {"nearest": near}
            continue
        row = catalog.row(key)
        if isinstance(row.value, str):
            yield ("overrides", i, "key"), f"{key} holds a text and cannot be overridden by a number", {}
        elif value is not None:
            message = _implausible(key, value, *catalog.range(key))
            if message:
                low, _, high = catalog.range(key)
                allowed = f"near {low:g} to {high:g} {'' if row.unit in ('1', '-') else row.unit}".rstrip()
                yield ("overrides", i, "value"), f"value {message}", {"found": shorten(value), "allowed": allowed}


def nearest_key(key: str, catalog: Catalog) -> str:
    """Give the catalogue key most like the one given, searched within its family first."""
    steps = key.split(".")
    for depth in range(len(steps) - 1, -1, -1):
        family = catalog.keys(".".join(steps[:depth]) + "." if depth else "")
        if family and (near := nearest_name(key, family)):
            return near
    return ""


def _implausible(key: str, value: float, low: float, base: float, high: float) -> str:
    """Say why a value is not of the row's magnitude, or give an empty text."""
    largest = max(abs(low), abs(base), abs(high))
    if largest == 0:
        return ""
    name = re.sub(r"\.[0-9_]+$", "", key).rsplit(".", 1)[-1]
    if name.endswith("_frac") and low >= 0 and high <= 1 < value <= 100:
        hint = unit_hint(name, value, 0.0, 1.0)
        return f"is a fraction ({hint})"
    if low >= 0 > value:
        return "is negative, the catalogue's range is not"
    smallest = min(abs(low), abs(base), abs(high)) if low * high > 0 else 0.0
    if abs(value) > FARTHEST_FROM_RANGE * largest:
        return f"is {abs(value) / largest:.3g} times the catalogue's highest; is the unit right?"
    if 0 < abs(value) < smallest / FARTHEST_FROM_RANGE:
        return f"is {smallest / abs(value):.3g} times below the catalogue's lowest; is the unit right?"
    return ""
