"""What an accelerator-hour, a useful hour and a million tokens cost on each rung, by part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.finance.cost_sheet import capital_recovery_frac
from kiban.results import Fleet, Rung, UnitCost
from kiban.units import HOURS_PER_YEAR
from kiban.units.calendar import SECONDS_PER_HOUR

Array = NDArray[np.float64]

PARTS = (
    "silicon",
    "network",
    "shell",
    "power",
    "operation",
    "support",
    "rent",
    "cost_of_capital",
)


@dataclass(frozen=True)
class UnitTerms:
    """Common terms of the comparison."""

    discount_frac_per_year: float
    utilisation_frac: float
    support_frac_per_year: float
    shell_life_years: float


def unit_costs(
    rungs: tuple[Rung, ...], accelerators: tuple[str, ...], fleet: Fleet, terms: UnitTerms
) -> tuple[UnitCost, ...]:
    """Cost of every rung with every accelerator that it can hold or rents out."""
    out = []
    for rung in rungs:
        for name in accelerators:
            g = fleet.accelerators.index(name)
            parts = _own(rung, g, fleet, terms) if rung.holds_hall else _rented(rung, g, fleet)
            if parts is None:
                continue
            annuity, straight = parts
            out.append(_finish(rung, name, g, annuity, straight, fleet, terms))
    return tuple(out)


def _own(rung: Rung, g: int, fleet: Fleet, terms: UnitTerms) -> tuple[Array, float] | None:
    server = float(fleet.accelerator_server_usd_per_gpu[g])
    if not np.isfinite(server):
        return None
    network = float(fleet.accelerator_network_usd_per_gpu[g])
    kw, life = float(fleet.accelerator_it_kw[g]), float(fleet.accelerator_life_years[g])
    shell = rung.capex_usd_per_kw * kw
    draw = 0.5 * float(fleet.accelerator_training_power_frac[g] + fleet.accelerator_inference_power_frac[g])
    energy_mwh = kw / 1e3 * draw * terms.utilisation_frac * rung.pue * HOURS_PER_YEAR
    yearly = {
        "silicon": server / life,
        "network": network / life,
        "shell": shell / terms.shell_life_years,
        "power": energy_mwh * rung.energy_usd_per_mwh,
        "operation": rung.operation_usd_per_kw_year * kw,
        "support": server * terms.support_frac_per_year,
        "rent": rung.rent_usd_per_kw_month * 12 * kw,
    }
    rate = terms.discount_frac_per_year
    annuity = (server + network) * float(capital_recovery_frac(rate, life)) + shell * float(
        capital_recovery_frac(rate, terms.shell_life_years)
    )
    capital = annuity - yearly["silicon"] - yearly["network"] - yearly["shell"]
    usd = np.array([*yearly.values(), capital]) / HOURS_PER_YEAR
    return usd, float(sum(yearly.values())) / HOURS_PER_YEAR


def _rented(rung: Rung, g: int, fleet: Fleet) -> tuple[Array, float] | None:
    rents = fleet.accelerator_cloud_usd_per_gpu_h if rung.kind == "cloud" else fleet.accelerator_neocloud_usd_per_gpu_h
    rent = float(rents[g])
    if not np.isfinite(rent):
        return None
    usd = np.zeros(len(PARTS))
    usd[PARTS.index("rent")] = rent
    return usd, rent


def _finish(
    rung: Rung, name: str, g: int, usd_per_h: Array, straight: float, fleet: Fleet, terms: UnitTerms
) -> UnitCost:
    useful = terms.utilisation_frac * float(fleet.accelerator_goodput_frac[g])
    mtok_per_h = float(fleet.accelerator_inference_tok_per_s[g, 1]) * SECONDS_PER_HOUR / 1e6 * terms.utilisation_frac
    return UnitCost(
        rung=rung.name,
        accelerator=name,
        parts=PARTS,
        usd_per_gpu_h=usd_per_h,
        usd_per_goodput_gpu_h=usd_per_h / useful,
        usd_per_mtok=usd_per_h / mtok_per_h,
        straight_line_usd_per_gpu_h=straight,
    )
