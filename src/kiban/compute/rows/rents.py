"""Rows about rental prices of accelerators, answered from the offers in the catalogue."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kiban.catalog import Catalog
from kiban.compute.rows.answer import Answer, refused
from kiban.compute.rows.names import find_accelerator, nearest_accelerator

OFFERS = {
    "a100_sxm_40": ("a100_40",), "a100_sxm_80": ("a100_80", "a100"), "h100_sxm": ("h100", "h100_sxm"),
    "h100_pcie": ("h100_pcie",), "h200_sxm": ("h200", "h200_p5e", "h200_p5en"), "b200": ("b200", "b200_a4"),
    "gb200": ("gb200", "gb200_a4x", "gb200_p6e"), "v100_sxm2_32": ("v100",), "trainium1": ("trn1", "trainium1"),
    "trainium2": ("trn2", "trainium2"), "inferentia2": ("inf2", "inferentia2"),
}  # fmt: skip
"""Names of chips in the price rows where they differ from the catalogue's."""

SUFFIXES = ("_usd_per_gpu_h", "_usd_per_chip_h")
TERMS = ("spot", "reserved_1y", "reserved_3y", "capacity_block", "index", "median")
UNITS = ("usd/gpu-h", "usd/chip-h", "usd/accelerator-h")


def answer_price(row: Mapping[str, str], catalog: Catalog) -> Answer:
    """Answer one row of kind ``price``: the spread of the offers that the catalogue knows.

    Each seller counts once, with its latest on-demand offer; a seller or a term named in ``config`` narrows the offers.
    """
    text = row.get("hardware") or row.get("system") or ""
    chip = find_accelerator(catalog, text)
    if chip is None:
        return refused(f"the catalogue has no accelerator '{text}'; {nearest_accelerator(catalog, text)}")
    metric, unit = row.get("metric", ""), row.get("unit", "").lower().strip()
    if metric != "rental_price":
        return refused(f"unknown metric '{metric}' of a price; known: rental_price")
    if unit not in UNITS:
        return refused(f"unknown unit '{unit}' of rental_price; known: {', '.join(UNITS)}")
    config = row.get("config", "").lower()
    offers = _offers(catalog, chip, config)
    if not offers:
        return refused(f"the catalogue has no rental offer of {chip} that fits '{config}'")
    low, mid, high = (float(q) for q in np.quantile(list(offers.values()), (0.1, 0.5, 0.9)))
    return Answer(low, mid, high, "answered", f"catalogue rows of {len(offers)} sellers: {', '.join(sorted(offers))}")


def _offers(catalog: Catalog, chip: str, config: str) -> dict[str, float]:
    """Latest fitting price by seller."""
    names = OFFERS.get(chip, (chip,))
    term = next((t for t in TERMS if t.replace("_", " ") in config.replace("_", " ").replace("-", " ")), "on_demand")
    sellers: dict[str, list[tuple[str, float]]] = {}
    for key in catalog.keys("price."):
        if not key.endswith(SUFFIXES):
            continue
        seller, rest = key.removeprefix("price.").split(".", maxsplit=1)
        offer = rest[: -len("_usd_per_gpu_h")] if rest.endswith(SUFFIXES[0]) else rest[: -len(SUFFIXES[1])]
        if any(_fits(offer, name, seller, term) for name in names):
            found = catalog.row(key)
            sellers.setdefault(seller, []).append((found.valid_from, catalog.value(key)))
    named = {seller for seller in sellers if seller in config.split()}
    return {seller: max(known)[1] for seller, known in sellers.items() if not named or seller in named}


def _fits(offer: str, name: str, seller: str, term: str) -> bool:
    """``h100.on_demand.2025`` of a cloud, ``h100_index_spot`` or ``h100_vast_median`` of the market."""
    if seller == "market":
        words = offer.removeprefix(name + "_").split("_") if offer.startswith(name + "_") else []
        return term in words if term in TERMS else "median" in words or "index" in words
    chip, _, rest = offer.partition(".")
    return chip == name and rest.startswith(term)
