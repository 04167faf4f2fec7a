"""Cases of power: servers and accelerators at work."""

from __future__ import annotations

from typing import Any

from kiban.catalog import Catalog
from kiban.compute.hardware import Accelerator, load_accelerator
from kiban.compute.power import decode_draw_frac, draw_frac, node_frac, node_w
from kiban.compute.power_inputs import load_draw, load_node

Inputs = dict[str, Any]


def training_power_frac(catalog: Catalog, chip: Accelerator) -> float:
    """Mean draw of a node in training as a share of its rating, by the family of its accelerators."""
    draw = load_draw(catalog, chip.family)
    return float(node_frac(load_node(catalog, chip), draw, draw_frac(draw, "training")[1]))


def training_node_peak_kw(inputs: Inputs, catalog: Catalog) -> float:
    """Power of a node whose accelerators draw the P90 of training, kW."""
    chip = load_accelerator(catalog, inputs["accelerator"])
    draw = load_draw(catalog, chip.family)
    return float(node_w(load_node(catalog, chip), draw, draw_frac(draw, "training")[2])) / 1e3


def server_w(inputs: Inputs, catalog: Catalog) -> float:
    """Power of a node from the mean draw of its accelerators, W."""
    chip = load_accelerator(catalog, inputs["accelerator"])
    share = inputs["accelerator_w"] / chip.tdp_w
    return float(node_w(load_node(catalog, chip), load_draw(catalog, chip.family), share))


def serving_accelerators_w(inputs: Inputs, catalog: Catalog) -> float:
    """Power of the accelerators of one engine that decodes a batch, W."""
    chip = load_accelerator(catalog, inputs["accelerator"])
    share = decode_draw_frac(load_draw(catalog, chip.family), inputs["batch"])[1]
    return float(share) * chip.tdp_w * float(inputs["accelerators"])


CASES = {f.__name__: f for f in (training_node_peak_kw, server_w, serving_accelerators_w)}
