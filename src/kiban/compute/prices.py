"""Prices of accelerators: which catalogue rows speak for which chip, and what follows from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from kiban.catalog import Catalog
from kiban.units import HOURS_PER_YEAR

CLOUD_KEYS = {
    "a100_sxm_80": "price.aws.a100_80.on_demand.2025-06-23_usd_per_gpu_h",
    "h100_sxm": "price.aws.h100.on_demand.2025-06-23_usd_per_gpu_h",
    "h200_sxm": "price.aws.h200.on_demand.2025-06-23_usd_per_gpu_h",
    "b200": "price.aws.b200.on_demand.2025-07-28_usd_per_gpu_h",
    "b300": "price.aws.b300.on_demand.2026-05-18_usd_per_gpu_h",
    "gb200": "price.oracle.gb200.on_demand_usd_per_gpu_h",
    "gb300": "price.oracle.gb300.on_demand_usd_per_gpu_h",
    "mi300x": "price.azure.mi300x.on_demand_usd_per_gpu_h",
    "mi355x": "price.oracle.mi355x.on_demand_usd_per_gpu_h",
    "tpu_v5p": "price.gcp.tpu_v5p.on_demand_usd_per_chip_h",
    "tpu_v6e": "price.gcp.tpu_v6e.on_demand_usd_per_chip_h",
    "tpu_v7": "price.gcp.tpu_v7.on_demand_usd_per_chip_h",
    "trainium2": "price.aws.trainium2.capacity_block.2026-02_usd_per_gpu_h",
    "trainium3": "price.aws.trainium3.capacity_block_usd_per_gpu_h",
    "inferentia2": "price.aws.inferentia2.on_demand.2023-04-17_usd_per_gpu_h",
}
"""List price at a hyperscaler, the newest row per chip."""

QUOTE_KEYS = {
    "a100_sxm_80": "price.fluidstack.a100_80.on_demand_usd_per_gpu_h",
    "h100_sxm": "price_history.market.h100.2026-06_usd_per_gpu_h",
    "h200_sxm": "price.nebius.h200.on_demand_usd_per_gpu_h",
    "b200": "price.nebius.b200.on_demand_usd_per_gpu_h",
    "b300": "price.market.b300_vast_median_usd_per_gpu_h",
    "gb200": "price.coreweave.gb200.on_demand_usd_per_gpu_h",
}
"""Quote of a neocloud or market for a few servers."""

ALREADY_DISCOUNTED = ("capacity_block", "reserved")


@dataclass(frozen=True)
class ChipPrice:
    """Prices of one accelerator type in USD; NaN where nothing is known."""

    server_usd: float
    network_usd: float
    cloud_usd_per_h: float
    neocloud_usd_per_h: float
    keys: tuple[str, ...]
    """Rows behind the server price."""
    warnings: tuple[str, ...]


def system_of(catalog: Catalog, chip: str) -> str | None:
    """Name of the system in which the chip is sold, if the catalogue says so."""
    key = f"accelerator.{chip}.system"
    return catalog.text(key) if catalog.has(key) else None


def chip_price(catalog: Catalog, chip: str, it_kw: float, contract_mw: float) -> ChipPrice:
    """Collect the prices of one chip.

    Server: price of its system per accelerator, else chip price over the chip's share of a server, else unknown.
    Neocloud: from the size of a hall upwards contracts are priced per kW (published contract values over MW and
    years), below it by quote. Args: it_kw per accelerator; contract_mw, MW that the scenario may add in a quarter.
    """
    warnings: list[str] = []
    server, keys = _server(catalog, chip)
    if math.isnan(server):
        warnings.append(f"{chip}: no purchase price in the catalogue, it can only be rented")
    elif any(catalog.row(k).confidence == "assumed" for k in keys):
        warnings.append(f"{chip}: purchase price rests on an assumed row")
    if chip.startswith(("gb", "rubin", "trend")):
        network = catalog.value("network.nvl72_scale_out_cost_per_gpu_usd")
    elif chip.startswith(("tpu", "trainium", "inferentia")):
        share = catalog.value("network.share_of_cluster_frac")
        network = server * share / (1 - share)
    else:
        network = catalog.value("network.ib_ndr_fat_tree.cost_per_gpu_at_16384_gpus_usd")
    storage = server * catalog.value("storage.share_of_capex_frac")
    cloud = _cloud(catalog, chip)
    neocloud = _neocloud(catalog, chip, it_kw, contract_mw, (server + network + storage) / it_kw)
    return ChipPrice(server, network + storage, cloud, neocloud, keys, tuple(warnings))


def _server(catalog: Catalog, chip: str) -> tuple[float, tuple[str, ...]]:
    system = system_of(catalog, chip)
    if system and catalog.has(f"system.{system}.price_usd"):
        keys: tuple[str, ...] = (f"system.{system}.price_usd", f"system.{system}.accelerators")
        return catalog.value(keys[0]) / catalog.value(keys[1]), keys
    key = f"accelerator.{chip}.price_chip_usd"
    if catalog.has(key):
        keys = (key, "bom.hgx_server.gpu_share_frac")
        return catalog.value(key) / catalog.value(keys[1]), keys
    return float("nan"), ()


def _cloud(catalog: Catalog, chip: str) -> float:
    key = CLOUD_KEYS.get(chip, "")
    if not catalog.has(key):
        return float("nan")
    listed = catalog.value(key)
    if any(word in key for word in ALREADY_DISCOUNTED):
        return listed
    return listed * (1 - catalog.value("price.aws.savings_plan_1y_discount_frac"))


def _neocloud(catalog: Catalog, chip: str, it_kw: float, contract_mw: float, capital_usd_per_kw: float) -> float:
    nvidia_or_amd = not chip.startswith(("tpu", "trainium", "inferentia"))
    if contract_mw >= catalog.value("contract.neocloud.hall_scale_mw") and nvidia_or_amd:
        if math.isnan(capital_usd_per_kw):
            return float("nan")
        # Published contracts are of one generation; dearer silicon per kW raises the part of the rent that pays for it.
        capital = catalog.value("contract.neocloud.capital_share_frac")
        dearer = capital_usd_per_kw / catalog.value("contract.neocloud.reference_capital_usd_per_kw")
        rent = catalog.value("contract.neocloud.usd_per_kw_year") * (capital * dearer + 1 - capital)
        return rent * it_kw / HOURS_PER_YEAR
    key = QUOTE_KEYS.get(chip, "")
    return catalog.value(key) if catalog.has(key) else float("nan")
