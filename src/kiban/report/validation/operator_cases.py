"""Cases of operators and owners: revenue and margin of a neocloud, cost per MW and per sold hour, leases, resale."""

from __future__ import annotations

from typing import Any

import numpy as np

from kiban.catalog import Catalog
from kiban.compute.hardware import load_accelerator
from kiban.compute.inputs import it_kw
from kiban.compute.prices import ChipPrice, chip_price
from kiban.finance.cost_sheet import cost_sheet
from kiban.report.validation.money_cases import site_of
from kiban.results import CostSheet
from kiban.units import HOURS_PER_YEAR

Inputs = dict[str, Any]
HALL_SCALE_MW = 100.0
"""Contracts of this size are priced per kW (`compute.prices`)."""


def _chip(inputs: Inputs, catalog: Catalog) -> tuple[ChipPrice, float]:
    kw = it_kw(catalog, load_accelerator(catalog, inputs["accelerator"]))
    return chip_price(catalog, inputs["accelerator"], kw, HALL_SCALE_MW), kw


def _owner_sheet(inputs: Inputs, catalog: Catalog) -> CostSheet:
    """Annual cost of one critical IT kW of an owner, from the catalogue, USD."""
    price, kw = _chip(inputs, catalog)
    site = site_of(inputs, catalog)
    energy_mwh = HOURS_PER_YEAR / 1e3 * inputs["load_frac"] * inputs["pue"]
    return cost_sheet(
        ["servers", "network", "hall"],
        [price.server_usd / kw, price.network_usd / kw, float(site.lines_usd_per_kw.sum())],
        [inputs["it_life_years"], inputs["it_life_years"], inputs["hall_life_years"]],
        ["energy", "upkeep", "staff"],
        [
            energy_mwh * inputs["energy_usd_per_mwh"],
            site.maintenance_usd_per_kw_year,
            site.operations_fte_per_mw / 1e3 * site.wage_usd_per_year,
        ],
        inputs["rate_frac_per_year"],
    )


def owner_cost_musd_per_mw_year(inputs: Inputs, catalog: Catalog) -> float:
    """Annualised cost of a critical IT MW at kiban's prices, in 1e6 USD."""
    return _owner_sheet(inputs, catalog).annual_total_usd_per_year / 1e3


def sold_gpu_h_cost_usd(inputs: Inputs, catalog: Catalog) -> float:
    """Cost of an accelerator-hour that is sold: the owner's annual cost over the hours sold."""
    kw = _chip(inputs, catalog)[1]
    return _owner_sheet(inputs, catalog).annual_total_usd_per_year * kw / (HOURS_PER_YEAR * inputs["sold_frac"])


def neocloud_revenue_musd(inputs: Inputs, catalog: Catalog) -> float:
    """Revenue of a quarter from the mean power in service, at the catalogue's revenue per kW and year, in 1e6 USD."""
    return float(np.mean(inputs["active_mw"])) * catalog.value("contract.neocloud.usd_per_kw_year") / 4 / 1e3


def neocloud_capital_revenue_busd(inputs: Inputs, catalog: Catalog) -> float:
    """Revenue of a year from the mean capital spent, at revenue per kW over capital per kW, in 1e9 USD."""
    ratio = catalog.value("contract.neocloud.usd_per_kw_year") / catalog.value(
        "contract.neocloud.reference_capital_usd_per_kw"
    )
    return float(sum(inputs["capex_before_busd"]) + inputs["capex_busd"] / 2) * ratio


def plant_net_busd(inputs: Inputs, catalog: Catalog) -> float:
    """Net plant at the end of the last year: purchases at mid-year, written off in a straight line, in 1e9 USD."""
    spent = np.asarray(inputs["purchases_busd"], dtype=np.float64)
    age = np.arange(len(spent))[::-1] + 0.5
    return float(spent @ np.maximum(1 - age / inputs["life_years"], 0))


def neocloud_margin_frac(inputs: Inputs, catalog: Catalog) -> float:
    """Share of revenue left after hall rent, power, support and staff; and after depreciation where a life is given."""
    price, kw = _chip(inputs, catalog)
    site = site_of(inputs, catalog)
    revenue = catalog.value("contract.neocloud.usd_per_kw_year")
    rent = 12 * catalog.value("contract.landlord.first_year_rent_usd_per_kw_month")
    power = HOURS_PER_YEAR / 1e3 * inputs["load_frac"] * inputs["pue"] * inputs["energy_usd_per_mwh"]
    support = price.server_usd / kw * catalog.value("support.server_frac_of_price_per_year")
    staff = site.operations_fte_per_mw / 1e3 * site.wage_usd_per_year
    life = inputs.get("life_years")
    write_off = (price.server_usd + price.network_usd) / kw / life if life else 0.0
    return 1 - (rent + power + support + staff + write_off) / revenue


def hall_quote_usd_per_gpu_h(inputs: Inputs, catalog: Catalog) -> float:
    """Rent of an accelerator-hour in a hall-scale contract."""
    return _chip(inputs, catalog)[0].neocloud_usd_per_h


def first_rent_usd_per_kw_month(inputs: Inputs, catalog: Catalog) -> float:
    """First-year rent of a hall built to suit: yield on cost x construction cost."""
    cost = float(site_of(inputs, catalog).lines_usd_per_kw.sum())
    return cost * catalog.value("contract.build_to_suit.yield_on_cost_frac") / 12


def landlord_margin_frac(inputs: Inputs, catalog: Catalog) -> float:
    """Net operating income over rent of a landlord who pays upkeep, staff, insurance and property tax on the hall."""
    site = site_of(inputs, catalog)
    cost = float(site.lines_usd_per_kw.sum())
    rent = 12 * first_rent_usd_per_kw_month(inputs, catalog)
    state = inputs["state"] if catalog.has(f"tax.{inputs['state']}.property_rate_frac_of_value") else "other"
    held = catalog.value("finance.insurance.operating_frac_of_asset_value_per_year")
    held += catalog.value(f"tax.{state}.property_rate_frac_of_value")
    staff = site.operations_fte_per_mw / 1e3 * site.wage_usd_per_year
    return 1 - (cost * held + site.maintenance_usd_per_kw_year + staff) / rent


def yield_on_cost_frac(inputs: Inputs, catalog: Catalog) -> float:
    """Stabilised net operating income over all that was spent."""
    return float(inputs["noi_musd"] / sum(inputs["spent_musd"]))


def compute_share_frac(inputs: Inputs, catalog: Catalog) -> float:
    """Servers and network over all capital of a critical IT kW."""
    price, kw = _chip(inputs, catalog)
    silicon = (price.server_usd + price.network_usd) / kw
    return silicon / (silicon + float(site_of(inputs, catalog).lines_usd_per_kw.sum()))


def silicon_of_mw_busd(inputs: Inputs, catalog: Catalog) -> float:
    """Servers and network of so much critical IT power, in 1e9 USD."""
    price, kw = _chip(inputs, catalog)
    return inputs["it_mw"] * 1e3 / kw * (price.server_usd + price.network_usd) / 1e9


def hall_of_mw_busd(inputs: Inputs, catalog: Catalog) -> float:
    """Construction of so much critical IT power, in 1e9 USD."""
    return inputs["it_mw"] * float(site_of(inputs, catalog).lines_usd_per_kw.sum()) / 1e6


def dies_per_gw(inputs: Inputs, catalog: Catalog) -> float:
    """Accelerator dies that one critical IT GW feeds."""
    kw = it_kw(catalog, load_accelerator(catalog, inputs["accelerator"]))
    return float(inputs["dies_per_accelerator"]) * 1e6 / kw


def energy_musd_per_year(inputs: Inputs, catalog: Catalog) -> float:
    """Electricity of a campus in a year, in 1e6 USD."""
    mwh = inputs["it_mw"] * HOURS_PER_YEAR * inputs["pue"] * inputs["load_frac"]
    return float(mwh * inputs["energy_usd_per_mwh"]) / 1e6


def upkeep_musd_per_year(inputs: Inputs, catalog: Catalog) -> float:
    """Maintenance of the hall of a campus in a year, in 1e6 USD."""
    return site_of(inputs, catalog).maintenance_usd_per_kw_year * inputs["it_mw"] / 1e3


def staff_musd_per_year(inputs: Inputs, catalog: Catalog) -> float:
    """Pay of the permanent staff of a campus in a year, in 1e6 USD."""
    site = site_of(inputs, catalog)
    return site.operations_fte_per_mw * site.wage_usd_per_year * inputs["it_mw"] / 1e6


def property_tax_musd_per_year(inputs: Inputs, catalog: Catalog) -> float:
    """Property tax of a campus: hall and land at cost, the taxed share of silicon at half its cost, in 1e6 USD."""
    rate = catalog.value("tax.other.property_rate_frac_of_value")
    taxed = catalog.value("tax.other.business_personal_property_taxed")
    return rate * (inputs["hall_musd"] + taxed * inputs["silicon_musd"] / 2)


def used_chip_usd(inputs: Inputs, catalog: Catalog) -> float:
    """Resale of an H100 of an age in whole years: price of its year times the catalogue's residual."""
    price = catalog.value(inputs["price_row"])
    return price * catalog.value(f"residual.h100_sxm.after_{inputs['age_years']}_years_frac")


CASES = {
    f.__name__: f
    for f in (
        owner_cost_musd_per_mw_year,
        sold_gpu_h_cost_usd,
        neocloud_revenue_musd,
        neocloud_capital_revenue_busd,
        plant_net_busd,
        neocloud_margin_frac,
        hall_quote_usd_per_gpu_h,
        first_rent_usd_per_kw_month,
        landlord_margin_frac,
        yield_on_cost_frac,
        compute_share_frac,
        silicon_of_mw_busd,
        hall_of_mw_busd,
        dies_per_gw,
        energy_musd_per_year,
        upkeep_musd_per_year,
        staff_musd_per_year,
        property_tax_musd_per_year,
        used_chip_usd,
    )
}
