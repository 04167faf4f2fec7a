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
from kiban.finance.cost_sheet import cost_sheet
from kiban.finance.irr import present_value
from kiban.results import CostSheet
from kiban.scenario.schema import SitePart

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


def annual_capex(inputs: Inputs, catalog: Catalog) -> float:
    """Annualised capex of a cost sheet."""
    return _sheet(inputs).annual_capex_usd_per_year


def capex_total(inputs: Inputs, catalog: Catalog) -> float:
    """Sum of the capex lines."""
    return float(_sheet(inputs).capex_usd.sum())


def opex_total(inputs: Inputs, catalog: Catalog) -> float:
    """Sum of the opex lines."""
    return float(_sheet(inputs).opex_usd_per_year.sum())


def _site(inputs: Inputs, catalog: Catalog) -> SiteCosts:
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
    hall = float(np.sum(_site(inputs, catalog).lines_usd_per_kw)) if inputs.get("construction", True) else 0.0
    return (silicon + hall) / 1e3


def construction_musd_per_mw(inputs: Inputs, catalog: Catalog) -> float:
    """Construction of one critical IT MW, in 1e6 USD; without soft cost, contingency, land and utility if asked."""
    lines = _site(inputs, catalog).lines_usd_per_kw
    return float(lines[:6].sum() if inputs.get("hard_only") else lines.sum()) / 1e3


def average_rent_usd_per_kw_month(inputs: Inputs, catalog: Catalog) -> float:
    """Mean rent over the term of a hall built to suit: yield on cost x cost, escalated."""
    cost = float(np.sum(_site(inputs, catalog).lines_usd_per_kw))
    first = cost * catalog.value("contract.build_to_suit.yield_on_cost_frac") / 12
    rises = (1 + catalog.value("contract.landlord.escalator_frac_per_year")) ** np.arange(inputs["term_years"])
    return first * float(rises.mean())


def contract_value_busd(inputs: Inputs, catalog: Catalog) -> float:
    """Revenue of a lease from its first-year rent, escalator, term and size, in 1e9 USD."""
    rises = (1 + inputs["escalator_frac_per_year"]) ** np.arange(inputs["term_years"])
    return float(inputs["rent_usd_per_kw_month"] * 12 * inputs["it_mw"] * 1e3 * rises.sum()) / 1e9


def break_even_h(inputs: Inputs, catalog: Catalog) -> float:
    """Hours after which buying beats renting."""
    return float(inputs["capex_usd"] / (inputs["rent_usd_per_h"] - inputs["run_usd_per_h"]))


def outage_cost_usd(inputs: Inputs, catalog: Catalog) -> float:
    """Present value of unserved energy over years, escalated: the factor is sum ((1 + e)/(1 + d))^t, t = 1..n."""
    flows = (1 + inputs["escalation_frac_per_year"]) ** np.arange(1, inputs["years"] + 1)
    factor = present_value(np.concatenate([[0.0], flows])[None, :], np.array([inputs["discount_frac_per_year"]]), 1)
    return float(inputs["usd_per_year"] * factor[0, 0])


def demand_charge_usd(inputs: Inputs, catalog: Catalog) -> float:
    """Yearly demand charge of a flat load: energy / 8760 x price x 12."""
    return float(inputs["kwh_per_year"] / 8760 * inputs["usd_per_kw_month"] * 12)


def staff_fte_per_mw(inputs: Inputs, catalog: Catalog) -> float:
    """Permanent staff per critical IT MW of a site of a size."""
    return _site(inputs, catalog).operations_fte_per_mw


def construction_job_years_per_mw(inputs: Inputs, catalog: Catalog) -> float:
    """Construction labour per critical IT MW."""
    return _site(inputs, catalog).construction_job_years_per_mw


CASES = {
    "annual_total": annual_total,
    "annual_capex": annual_capex,
    "capex_total": capex_total,
    "opex_total": opex_total,
    "capex_busd_per_gw": capex_busd_per_gw,
    "construction_musd_per_mw": construction_musd_per_mw,
    "average_rent_usd_per_kw_month": average_rent_usd_per_kw_month,
    "contract_value_busd": contract_value_busd,
    "break_even_h": break_even_h,
    "outage_cost_usd": outage_cost_usd,
    "demand_charge_usd": demand_charge_usd,
    "staff_fte_per_mw": staff_fte_per_mw,
    "construction_job_years_per_mw": construction_job_years_per_mw,
}
