"""Power rows of the catalogue, by family of chips."""

from __future__ import annotations

import numpy as np

from kiban.catalog import Catalog
from kiban.compute.hardware import Accelerator
from kiban.compute.power import NodePower, PhaseDraw
from kiban.compute.power_swing import PowerSwing
from kiban.compute.prices import system_of

_REFERENCE_SYSTEM, _REFERENCE_CHIP = "dgx_h100", "h100_sxm"


def family_key(catalog: Catalog, stem: str, family: str, field: str) -> str:
    """Key of a family's row ``<stem>.<family>.<field>``, or of ``<stem>.other.<field>`` where it has none."""
    key = f"{stem}.{family}.{field}"
    return key if catalog.has(key) else f"{stem}.other.{field}"


def load_draw(catalog: Catalog, family: str) -> PhaseDraw:
    """Draw by phase of a family, from ``power.family.<family>.*_frac_of_tdp``."""

    def row(field: str) -> np.ndarray:
        return np.array(catalog.range(family_key(catalog, "power.family", family, f"{field}_frac_of_tdp")))

    return PhaseDraw(row("idle"), row("training"), row("prefill"), row("decode_single"), row("decode_128"))


def load_node(catalog: Catalog, chip: Accelerator) -> NodePower:
    """Node or rack in which a chip is sold; one accelerator and its share of a server where no system row exists."""
    system = system_of(catalog, chip.name)
    count, rated_w = 1.0, chip.tdp_w * catalog.value("compute.server_power_multiple")
    for field in ("rack_power_kw", "node_power_max_kw"):
        key = f"system.{system}.{field}"
        if system and catalog.has(key):
            count, rated_w = catalog.value(f"system.{system}.accelerators"), catalog.value(key) * 1e3
            break
    return NodePower(
        accelerators=count,
        tdp_w=chip.tdp_w,
        rated_w=rated_w,
        host_full_frac=_host_full_frac(catalog),
        host_idle_frac=catalog.value("power.node.host_idle_frac"),
    )


def load_swing(catalog: Catalog, work: str) -> PowerSwing:
    """Published swing of a hall that does one kind of work: ``train`` or ``inference``."""
    return PowerSwing(
        catalog.value(f"power.cluster.{work}_swing_frac_of_provisioned"), catalog.value("power.cluster.swing_window_s")
    )


def smoothing_j(catalog: Catalog, chip: Accelerator) -> float:
    """Energy that the power supplies of a chip's rack store for one chip against swings, J; 0 where none is known."""
    key = f"power.{system_of(catalog, chip.name)}.psu_storage_j_per_gpu"
    return catalog.value(key) if catalog.has(key) else 0.0


def _host_full_frac(catalog: Catalog) -> float:
    """Share of a node's rating beside the chips that training draws: what the measured H100 node leaves."""
    rated = catalog.value(f"system.{_REFERENCE_SYSTEM}.node_power_max_kw") * 1e3
    chips = catalog.value(f"system.{_REFERENCE_SYSTEM}.accelerators") * catalog.value(
        f"accelerator.{_REFERENCE_CHIP}.tdp_w"
    )
    drawn = catalog.value("power.h100_node.train_mean_frac_of_rated") * rated
    return (drawn - chips * catalog.value("power.family.hopper.training_frac_of_tdp")) / (rated - chips)
