"""Rows about the energy of a training run: its speed from the training model, its power from the catalogue."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from kiban.catalog import Catalog
from kiban.compute.hardware import load_accelerator
from kiban.compute.rows.answer import Answer, refused
from kiban.compute.rows.config import number, parse_config
from kiban.compute.rows.names import find_accelerator, find_model, nearest_accelerator, nearest_model

TrainingDoor = Callable[[Mapping[str, str], Catalog], Answer]

ENERGY_UNITS = {"mwh": 1e-6 / 3600, "gwh": 1e-9 / 3600, "kwh": 1e-3 / 3600}
POWER_UNITS = {"w": 1.0, "kw": 1e-3}


def answer_energy(row: Mapping[str, str], catalog: Catalog, training: TrainingDoor) -> Answer:
    """Answer one row of kind ``training-energy``.

    Arguments: row; catalogue; the function that answers rows of kind ``training``. Metrics: ``energy`` of a run (kWh to
    GWh, servers but not the building), ``power_per_chip`` (W).
    Equation: energy = tokens / (tokens per second and chip) x TDP x load x server share. The range of the speed and
    that of the load are taken together, which is wider than either and assumes that both err the same way.
    """
    metric, unit = row.get("metric", ""), row.get("unit", "").strip().lower()
    chip_name, model = find_accelerator(catalog, row.get("hardware", "")), find_model(catalog, row.get("system", ""))
    if chip_name is None:
        hardware = row.get("hardware", "")
        return refused(f"the catalogue has no accelerator '{hardware}'; {nearest_accelerator(catalog, hardware)}")
    tdp_w = load_accelerator(catalog, chip_name).tdp_w
    load = catalog.range("power.phase.train_frac_of_tdp")
    if metric == "power_per_chip":
        if unit not in POWER_UNITS:
            return refused(f"unknown unit '{unit}' of power_per_chip; known: {', '.join(POWER_UNITS)}")
        low, mid, high = (tdp_w * frac * POWER_UNITS[unit] for frac in load)
        return Answer(low, mid, high, "answered", f"TDP of {chip_name} at power.phase.train_frac_of_tdp")
    if metric != "energy":
        return refused(f"unknown metric '{metric}' of training energy; known: energy, power_per_chip")
    if unit not in ENERGY_UNITS:
        return refused(f"unknown unit '{unit}' of energy; known: {', '.join(ENERGY_UNITS)}")
    if model is None:
        system = row.get("system", "")
        return refused(f"the catalogue has no model '{system}'; {nearest_model(catalog, system)}")
    tokens = run_tokens(row.get("config", ""), catalog, model)
    if tokens is None:
        return refused(f"the row names no tokens, and the catalogue has no row model.{model}.train_tok_t")
    rate = training({**row, "kind": "training", "metric": "throughput_per_gpu", "unit": "tokens/s/GPU"}, catalog)
    if rate.status != "answered":
        return refused(f"its speed is not known: {rate.reason}")
    server = catalog.range("compute.server_power_multiple")
    joules = [tokens / r * tdp_w * f * s for r, f, s in zip((rate.p90, rate.p50, rate.p10), load, server, strict=True)]
    low, mid, high = (j * ENERGY_UNITS[unit] for j in joules)
    return Answer(low, mid, high, "answered", f"{tokens:.3g} tokens; speed: {rate.reason}; power of servers, no PUE")


def run_tokens(config: str, catalog: Catalog, model: str) -> float | None:
    """Tokens of a run: ``tokens=15T`` or ``366B tokens`` in the row, else what the catalogue knows of the model."""
    given = number(parse_config(config), "tokens", "train_tokens")
    if given:
        return given
    found = re.search(r"([0-9]+(?:\.[0-9]+)?)\s*([bt])\w*\s+tok", config, re.IGNORECASE)
    if found:
        return float(found.group(1)) * {"b": 1e9, "t": 1e12}[found.group(2).lower()]
    key = f"model.{model}.train_tok_t"
    return catalog.value(key) * 1e12 if catalog.has(key) else None
