"""The engines that a model could be served with on a chip, as options of the planner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kiban.catalog import Catalog
from kiban.compute.arithmetic import load_model
from kiban.compute.hardware import load_accelerator
from kiban.compute.inputs import it_kw
from kiban.compute.serve.iteration import IterationCost
from kiban.compute.serve.planner import Option
from kiban.compute.serve.unit_costs import Draw
from kiban.compute.serving import _GROUPS, Work, _prefill, _room, decode_step_s, kv_bytes, load_serving


@dataclass(frozen=True)
class Engines:
    """Options with what the catalogue knows around them."""

    options: tuple[Option, ...]
    log_sd: float
    """Standard deviation of the log of seconds."""
    production_frac: tuple[float, float, float]
    """Share of the benchmark rate kept in production: low, value, high."""
    draw: Draw


def engines_of(catalog: Catalog, model_name: str, chip_name: str, precision: str, most_batch: int) -> Engines:
    model, chip, c = load_model(catalog, model_name), load_accelerator(catalog, chip_name), load_serving(catalog)
    options = []
    for g in _GROUPS:
        if g > max(chip.scale_up_accelerators, 1):
            continue
        b = np.arange(most_batch + 1)
        base = decode_step_s(model, chip, precision, g, b * 1.0, 0.0, c)
        base[0] = 0
        kv = kv_bytes(model, precision)
        ctx = (decode_step_s(model, chip, precision, g, np.array([8.0]), 1000, c) - base[8])[0] / 8000

        def pre(n):
            w = Work(n, 1, 0, 1, 1, precision)
            return n / _prefill(model, chip, w, g, c)[0] / g

        n1, n2 = 100.0, 1000.0
        pair = (pre(n2) / n2 - pre(n1) / n1) / ((n2 - n1) / 2)
        tok = pre(n1) / n1 - pair * n1 / 2
        room = _room(model, chip, Work(1, 1, 0, 1, 1, precision), g, c) / kv
        cost = IterationCost(g, base, float(ctx), float(tok), float(pair), c.layer_s * model.layers, room)
        options.append(Option(f"TP{g}", cost, kv / (chip.scale_out_bytes_per_s * g)))
    phase = [
        catalog.value(f"power.phase.{p}_frac_of_tdp") / catalog.value("power.phase.train_frac_of_tdp")
        for p in ("prefill", "decode")
    ]
    node = it_kw(catalog, chip) * 1e3 * catalog.value("power.h100_node.train_mean_frac_of_rated")
    idle = catalog.value("power.h200_sxm.idle_frac_of_tdp") / catalog.value("power.phase.train_frac_of_tdp")
    return Engines(
        tuple(options),
        catalog.value("compute.serving.log_sd"),
        catalog.range("compute.serving.production_frac"),
        Draw(node, phase[0], phase[1], idle),
    )
