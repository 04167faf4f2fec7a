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
    "sales_tax",
    "shell",
    "power",
    "operation",
    "silicon_tax_and_insurance",
    "support",
    "rent",
    "operator_markup",
    "failures",
    "cost_of_capital",
)


@dataclass(frozen=True)
class UnitTerms:
    """Common terms of the comparison."""

    discount_frac_per_year: float
    inflation_frac_per_year: float
    utilisation_frac: float
    support_frac_per_year: float
    shell_life_years: float
    silicon_insurance_frac_per_year: float = 0.0
    """Insurance of own silicon against its price, mean over its life."""


def unit_costs(
    rungs: tuple[Rung, ...], accelerators: tuple[str, ...], fleet: Fleet, terms: UnitTerms
) -> tuple[UnitCost, ...]:
    """Cost of every rung with every accelerator that it can hold or rents out.

    Every rung is asked for the same thing: an accelerator in service at today's prices, at work for the utilisation of
    the terms. Owned things cost an annuity over their life, rents their level real amount over the term, money that
    is paid ahead its interest. Own silicon bears the sales and property tax of its state. Lead times are left out.
    """
    out = []
    for rung in rungs:
        for name in accelerators:
            g = fleet.accelerators.index(name)
            parts = _own(rung, g, fleet, terms) if rung.holds_hall else _rented(rung, g, fleet, terms)
            if parts is None:
                continue
            usd_per_h, straight = parts
            out.append(_finish(rung, name, g, usd_per_h, straight, fleet, terms))
    return tuple(out)


def level_frac(growth_per_year: float, rate_frac_per_year: float, quarters: int) -> float:
    """Level payment worth as much as one that starts at 1 and grows, over a term of quarters.

    Args: growth_per_year, real multiple a year; rate_frac_per_year, real (0 gives the plain mean); quarters, 1 or
    more. Equation: sum_j (g d)^(j/4) / sum_j d^(j/4) with d = 1 / (1 + r).
    """
    time = np.arange(quarters) / 4
    weight = (1 + rate_frac_per_year) ** -time
    return float(growth_per_year**time @ weight / weight.sum())


def _own(rung: Rung, g: int, fleet: Fleet, terms: UnitTerms) -> tuple[Array, float] | None:
    server = float(fleet.accelerator_server_usd_per_gpu[g])
    if not np.isfinite(server):
        return None
    network = float(fleet.accelerator_network_usd_per_gpu[g])
    kw, life = float(fleet.accelerator_it_kw[g]), float(fleet.accelerator_life_years[g])
    shell = rung.capex_usd_per_kw * kw
    draw = 0.5 * float(fleet.accelerator_training_power_frac[g] + fleet.accelerator_inference_power_frac[g])
    energy_mwh = kw / 1e3 * draw * terms.utilisation_frac * rung.pue * HOURS_PER_YEAR
    rent = rung.rent_usd_per_kw_month * 12 * kw
    rate, inflation = terms.discount_frac_per_year, terms.inflation_frac_per_year
    growth = (1 + rung.escalator_frac_per_year) / (1 + inflation)
    level = rent * level_frac(growth, rate, rung.term_quarters)
    bare = server + network
    sales = bare * rung.silicon_sales_tax_frac
    yearly = {
        "silicon": server / life,
        "network": network / life,
        "sales_tax": sales / life,
        "shell": shell / terms.shell_life_years,
        "power": energy_mwh * rung.energy_usd_per_mwh,
        "operation": rung.operation_usd_per_kw_year * kw,
        "silicon_tax_and_insurance": bare
        * (rung.silicon_property_frac_per_year + terms.silicon_insurance_frac_per_year),
        "support": server * terms.support_frac_per_year,
        "rent": level * (1 - rung.operator_markup_frac),
        "operator_markup": level * rung.operator_markup_frac,
    }
    annuity = (bare + sales) * float(capital_recovery_frac(rate, life)) + shell * float(
        capital_recovery_frac(rate, terms.shell_life_years)
    )
    term = rung.term_quarters / 4
    # A deposit comes back in nominal money without interest at the end of the term.
    deposit = rung.deposit_frac * rent * (1 - ((1 + rate) * (1 + inflation)) ** -term)
    capital = annuity - sum(yearly[part] for part in ("silicon", "network", "sales_tax", "shell"))
    capital += deposit * float(capital_recovery_frac(rate, term))
    straight = sum(yearly.values()) - level + rent * level_frac(growth, 0.0, rung.term_quarters)
    return _by_part(yearly, capital) / HOURS_PER_YEAR, straight / HOURS_PER_YEAR


def _rented(rung: Rung, g: int, fleet: Fleet, terms: UnitTerms) -> tuple[Array, float] | None:
    """Rent of an accelerator in service: the locked share flat in nominal money, the rest as it is used.

    The prepayment is a share of the locked rent of the whole term, paid at the start and credited evenly.
    """
    rents = fleet.accelerator_cloud_usd_per_gpu_h if rung.kind == "cloud" else fleet.accelerator_neocloud_usd_per_gpu_h
    price = float(rents[g])
    if not np.isfinite(price):
        return None
    locked, rate, growth = rung.take_or_pay_frac, terms.discount_frac_per_year, 1 / (1 + terms.inflation_frac_per_year)
    used = (1 - locked) * terms.utilisation_frac
    level, mean = (level_frac(growth, r, rung.term_quarters) for r in (rate, 0.0))
    quarters = np.arange(rung.term_quarters) / 4
    ahead = rung.deposit_frac * locked * (rung.term_quarters / float(np.sum((1 + rate) ** -quarters)) - level)
    return _by_part({"rent": price * (locked * level + used)}, price * ahead), price * (locked * mean + used)


def _by_part(known: dict[str, float], capital: float) -> Array:
    return np.array([{**known, "cost_of_capital": capital}.get(part, 0.0) for part in PARTS])


def _finish(
    rung: Rung, name: str, g: int, usd_per_h: Array, straight: float, fleet: Fleet, terms: UnitTerms
) -> UnitCost:
    goodput = float(fleet.accelerator_goodput_frac[g])
    at_work = usd_per_h / terms.utilisation_frac
    useful = at_work.copy()
    useful[PARTS.index("failures")] = float(at_work.sum()) * (1 / goodput - 1)
    mtok_per_h = float(fleet.accelerator_inference_tok_per_s[g, 1]) * SECONDS_PER_HOUR / 1e6
    return UnitCost(
        rung=rung.name,
        accelerator=name,
        parts=PARTS,
        usd_per_gpu_h=usd_per_h,
        usd_per_goodput_gpu_h=useful,
        usd_per_mtok=at_work / mtok_per_h,
        straight_line_usd_per_gpu_h=straight,
    )
