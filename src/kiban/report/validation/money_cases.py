"""Cases of the finance and impact rooms, and of costs put together from several rooms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kiban.catalog import Catalog
from kiban.compute.hardware import load_accelerator
from kiban.compute.inputs import it_kw
from kiban.compute.prices import chip_price
from kiban.facility.site_costs import SiteCosts, site_costs
from kiban.finance.cost_sheet import capital_recovery_frac, cost_sheet
from kiban.finance.model import payback_years
from kiban.report.validation.power_cases import training_power_frac
from kiban.results import CostSheet
from kiban.scenario.schema import SitePart
from kiban.units import HOURS_PER_YEAR

Inputs = dict[str, Any]


def _sheet(inputs: Inputs) -> CostSheet:
    capex, life, opex = inputs["capex"], inputs["life_years"], inputs.get("opex", {})
    return cost_sheet(
        list(capex), list(capex.values()), [life[k] or math.inf for k in capex], list(opex), list(opex.values()),
        inputs["rate_frac_per_year"],
    )  # fmt: skip


def annual_total(inputs: Inputs, catalog: Catalog) -> float:
    """Annualised total of a cost sheet in its own money unit."""
    return _sheet(inputs).annual_total_usd_per_year


def annual_total_per_mw(inputs: Inputs, catalog: Catalog) -> float:
    """Annualised total of a cost sheet per IT MW."""
    return annual_total(inputs, catalog) / float(inputs["it_mw"])


def annual_capex(inputs: Inputs, catalog: Catalog) -> float:
    """Annualised capex of a cost sheet."""
    return _sheet(inputs).annual_capex_usd_per_year


def server_share_frac(inputs: Inputs, catalog: Catalog) -> float:
    """Annualised servers over the annual total of a cost sheet."""
    sheet = _sheet(inputs)
    row = sheet.capex_lines.index("servers")
    yearly = sheet.capex_usd[row] * capital_recovery_frac(sheet.rate_frac_per_year, sheet.capex_life_years[row])
    return float(yearly / sheet.annual_total_usd_per_year)


def capex_total(inputs: Inputs, catalog: Catalog) -> float:
    """Sum of the capex lines."""
    return float(_sheet(inputs).capex_usd.sum())


def opex_total(inputs: Inputs, catalog: Catalog) -> float:
    """Sum of the opex lines."""
    return float(_sheet(inputs).opex_usd_per_year.sum())


def site_of(inputs: Inputs, catalog: Catalog) -> SiteCosts:
    """Costs of a site of the inputs' state, size, year and kind of cooling."""
    part = SitePart(
        name="place",
        weather=inputs.get("weather", "abilene_tx"),
        state=inputs.get("state", "us"),
        grid="grid",
        rungs=["owned"],
        max_it_mw=inputs.get("it_mw", 200.0),
    )
    return site_costs(catalog, part, inputs["price_year"], bool(inputs.get("liquid", True)))


def capex_busd_per_gw(inputs: Inputs, catalog: Catalog) -> float:
    """Silicon, network and construction of one critical IT GW, in 1e9 USD."""
    chip = load_accelerator(catalog, inputs["accelerator"])
    kw = it_kw(catalog, chip)
    price = chip_price(catalog, chip.name, kw, 100.0)
    silicon = (price.server_usd + price.network_usd) / kw
    hall = float(np.sum(site_of(inputs, catalog).lines_usd_per_kw)) if inputs.get("construction", True) else 0.0
    return (silicon + hall) / 1e3


def construction_musd_per_mw(inputs: Inputs, catalog: Catalog) -> float:
    """Construction of one critical IT MW, in 1e6 USD; without soft cost, contingency, land and utility if asked."""
    lines = site_of(inputs, catalog).lines_usd_per_kw
    return float(lines[:6].sum() if inputs.get("hard_only") else lines.sum()) / 1e3


def average_rent_usd_per_kw_month(inputs: Inputs, catalog: Catalog) -> float:
    """Mean rent over the term of a hall built to suit: yield on cost x cost, escalated."""
    cost = float(np.sum(site_of(inputs, catalog).lines_usd_per_kw))
    first = cost * catalog.value("contract.build_to_suit.yield_on_cost_frac") / 12
    rises = (1 + catalog.value("contract.landlord.escalator_frac_per_year")) ** np.arange(inputs["term_years"])
    return first * float(rises.mean())


def lease_value_busd(inputs: Inputs, catalog: Catalog) -> float:
    """Contract value of a lease at kiban's own rent for its place, term and size, in 1e9 USD."""
    months = 12 * inputs["term_years"]
    return average_rent_usd_per_kw_month(inputs, catalog) * inputs["it_mw"] * 1e3 * months / 1e9


def silicon_busd(inputs: Inputs, catalog: Catalog) -> float:
    """Servers and network of a number of accelerators, in 1e9 USD."""
    chip = load_accelerator(catalog, inputs["accelerator"])
    price = chip_price(catalog, chip.name, it_kw(catalog, chip), 100.0)
    return inputs["accelerators"] * (price.server_usd + price.network_usd) / 1e9


def hall_busd(inputs: Inputs, catalog: Catalog) -> float:
    """Construction for a number of accelerators, in 1e9 USD."""
    kw = it_kw(catalog, load_accelerator(catalog, inputs["accelerator"])) * inputs["accelerators"]
    return kw * float(np.sum(site_of(inputs, catalog).lines_usd_per_kw)) / 1e9


def break_even_h(inputs: Inputs, catalog: Catalog) -> float:
    """Hours after which buying beats renting: payback of hourly flows."""
    saved = inputs["rent_usd_per_h"] - inputs["run_usd_per_h"]
    flows = np.full((1, inputs["horizon_h"] + 1), saved)
    flows[0, 0] = -inputs["capex_usd"]
    # The function counts quarters of a year; the steps are hours here, the first one holds the purchase.
    return float(payback_years(flows)[0]) * 4 - 1


def own_against_cloud_frac(inputs: Inputs, catalog: Catalog) -> float:
    """Utilisation above which own accelerators in an own hall are cheaper than a published cloud price."""
    chip = load_accelerator(catalog, inputs["accelerator"])
    kw = it_kw(catalog, chip)
    price, site = chip_price(catalog, chip.name, kw, 100.0), site_of(inputs, catalog)
    life = catalog.value("compute.economic_life_years")
    energy_mwh = kw * HOURS_PER_YEAR / 1e3 * training_power_frac(catalog, chip) * inputs["pue"]
    upkeep = site.maintenance_usd_per_kw_year + site.operations_fte_per_mw / 1e3 * site.wage_usd_per_year
    support = price.server_usd * catalog.value("support.server_frac_of_price_per_year")
    sheet = cost_sheet(
        ["servers", "network", "hall"],
        [price.server_usd, price.network_usd, float(np.sum(site.lines_usd_per_kw)) * kw],
        [life, life, catalog.value("facility.shell_life_years")],
        ["energy", "upkeep", "support"],
        [energy_mwh * inputs["energy_usd_per_mwh"], upkeep * kw, support],
        inputs["rate_frac_per_year"],
    )
    return sheet.annual_total_usd_per_year / (HOURS_PER_YEAR * inputs["cloud_usd_per_gpu_h"])


def own_over_cloud(inputs: Inputs, catalog: Catalog) -> float:
    """Cost of an own accelerator-hour in use over a cloud's, at a utilisation: break-even utilisation over it."""
    return own_against_cloud_frac(inputs, catalog) / float(inputs["utilisation_frac"])


def staff_fte_per_mw(inputs: Inputs, catalog: Catalog) -> float:
    """Permanent staff per critical IT MW of a site of a size."""
    return site_of(inputs, catalog).operations_fte_per_mw


def construction_job_years_per_mw(inputs: Inputs, catalog: Catalog) -> float:
    """Construction labour per critical IT MW."""
    return site_of(inputs, catalog).construction_job_years_per_mw


def _programme_mw(inputs: Inputs, catalog: Catalog) -> float:
    """IT MW that a sum of money buys at kiban's own cost per GW."""
    return float(inputs["programme_busd"]) / capex_busd_per_gw(inputs, catalog) * 1e3


def programme_staff(inputs: Inputs, catalog: Catalog) -> float:
    """Permanent jobs of a programme given by its money."""
    mw = _programme_mw(inputs, catalog)
    return mw * staff_fte_per_mw({**inputs, "it_mw": mw / inputs["sites"]}, catalog)


def programme_crew(inputs: Inputs, catalog: Catalog) -> float:
    """Largest crew of a programme given by its money, all sites at once."""
    return _programme_mw(inputs, catalog) * catalog.value("construction.labour.crew_peak_per_mw")


def construction_job_years(inputs: Inputs, catalog: Catalog) -> float:
    """Construction labour of a site of a size, in job-years."""
    return inputs["it_mw"] * construction_job_years_per_mw(inputs, catalog)


CASES = {
    "annual_total": annual_total,
    "annual_total_per_mw": annual_total_per_mw,
    "annual_capex": annual_capex,
    "server_share_frac": server_share_frac,
    "capex_total": capex_total,
    "opex_total": opex_total,
    "capex_busd_per_gw": capex_busd_per_gw,
    "construction_musd_per_mw": construction_musd_per_mw,
    "average_rent_usd_per_kw_month": average_rent_usd_per_kw_month,
    "lease_value_busd": lease_value_busd,
    "silicon_busd": silicon_busd,
    "hall_busd": hall_busd,
    "break_even_h": break_even_h,
    "own_against_cloud_frac": own_against_cloud_frac,
    "own_over_cloud": own_over_cloud,
    "programme_staff": programme_staff,
    "programme_crew": programme_crew,
    "construction_job_years": construction_job_years,
    "staff_fte_per_mw": staff_fte_per_mw,
    "construction_job_years_per_mw": construction_job_years_per_mw,
}
