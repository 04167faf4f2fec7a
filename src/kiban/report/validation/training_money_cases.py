"""Cases of training cost: hardware written down over a run, clusters bought, chip-hours rented."""

from __future__ import annotations

from typing import Any

from kiban.catalog import Catalog
from kiban.compute.hardware import Accelerator, load_accelerator
from kiban.compute.inputs import it_kw
from kiban.compute.prices import chip_price
from kiban.finance.training_cost import acquisition_usd, chip_hours_of_flop, training_cost
from kiban.report.validation.power_cases import training_power_frac

Inputs = dict[str, Any]


def _server_usd(catalog: Catalog, chip: Accelerator) -> float:
    """Price of a chip with its server; TPUs are not sold, an equivalent price stands in."""
    key = f"training_cost.{chip.name}_server_usd_per_chip"
    return catalog.value(key) if catalog.has(key) else chip_price(catalog, chip.name, 1.0, 0.0).server_usd


def _age_years(catalog: Catalog, chip: Accelerator, start_year: float) -> float:
    """Years from the first sale to the start; GPUs are not used before they are sold, TPUs may be."""
    if chip.name.startswith("tpu"):
        return start_year - chip.release_year
    return max(0.0, start_year - chip.release_year - catalog.value("training_cost.first_sale_lag_years"))


def amortised_training_musd(inputs: Inputs, catalog: Catalog) -> float:
    """Hardware, network and energy of a run from its chip-hours (or its FLOP), in 1e6 USD."""
    chip = load_accelerator(catalog, inputs["accelerator"])
    hours = inputs.get("chip_hours")
    if hours is None:
        peak = chip.peak_flop_per_s["bf16"]
        hours = chip_hours_of_flop(inputs["flop"], peak, catalog.value("training_cost.median_mfu_frac"))
    cost = training_cost(
        float(hours),
        _server_usd(catalog, chip),
        _age_years(catalog, chip, inputs["start_year"]),
        catalog.value("training_cost.price_progress_oom_per_year"),
        catalog.value("network.share_of_cluster_frac"),
        it_kw(catalog, chip) * training_power_frac(catalog, chip),
        inputs["pue"],
        inputs["energy_usd_per_kwh"],
    )
    return cost.total_usd / 1e6


def cluster_acquisition_musd(inputs: Inputs, catalog: Catalog) -> float:
    """Purchase of a cluster of so many chips with servers and network, in 1e6 USD."""
    price = _server_usd(catalog, load_accelerator(catalog, inputs["accelerator"]))
    return acquisition_usd(inputs["chips"], price, catalog.value("network.share_of_cluster_frac")) / 1e6


def chip_hours_rent_musd(inputs: Inputs, catalog: Catalog) -> float:
    """Published chip-hours at a rent of the catalogue, in 1e6 USD."""
    return float(inputs["chip_hours"]) * catalog.value(inputs["rent_row"]) / 1e6


CASES = {
    "amortised_training_musd": amortised_training_musd,
    "cluster_acquisition_musd": cluster_acquisition_musd,
    "chip_hours_rent_musd": chip_hours_rent_musd,
}
