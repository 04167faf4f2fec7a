"""Cases of the energy room: bills, outages, grids."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.energy import profiles
from kiban.energy.lp import Costs, Series
from kiban.energy.model import grid_only
from kiban.energy.price_year import tame_scarcity
from kiban.energy.weeks import whole_year
from kiban.finance.irr import present_value
from kiban.units import HOURS_PER_YEAR

Inputs = dict[str, Any]
Array = NDArray[np.float64]


def _flat_bill_usd(inputs: Inputs, demand_usd_per_kw_month: float) -> float:
    flat = np.ones(HOURS_PER_YEAR)
    load_mw = inputs["kwh_per_year"] / HOURS_PER_YEAR / 1e3
    series = Series(load_mw * flat, inputs["usd_per_kwh"] * 1e3 * flat, 0 * flat, 0 * flat, 0 * flat)
    costs = Costs(0.0, demand_usd_per_kw_month * 12 * 1e3, 1e3, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, False)
    return grid_only(series, whole_year(), costs).cost_usd_per_year


def energy_charge_usd(inputs: Inputs, catalog: Catalog) -> float:
    """Energy part of the yearly bill of a flat load, grid-only supply."""
    return _flat_bill_usd(inputs, 0.0)


def demand_charge_usd(inputs: Inputs, catalog: Catalog) -> float:
    """Demand part of the yearly bill of a flat load: the bill with it less the bill without."""
    return _flat_bill_usd(inputs, inputs["usd_per_kw_month"]) - _flat_bill_usd(inputs, 0.0)


def outage_cost_usd(inputs: Inputs, catalog: Catalog) -> float:
    """Present value of unserved energy over years, escalated: the factor is sum ((1 + e)/(1 + d))^t, t = 1..n."""
    flows = (1 + inputs["escalation_frac_per_year"]) ** np.arange(1, inputs["years"] + 1)
    factor = present_value(np.concatenate([[0.0], flows])[None, :], np.array([inputs["discount_frac_per_year"]]), 1)
    return float(inputs["usd_per_year"] * factor[0, 0])


def _month_hour(catalog: Catalog, table: str, column: str, **where: str) -> Array:
    source = catalog.table(table)
    mask = source.where(**where)
    values = np.full((profiles.MONTHS_PER_YEAR, profiles.HOURS_PER_DAY), np.nan)
    month, hour = source.numbers("month")[mask].astype(int) - 1, source.numbers("hour")[mask].astype(int)
    values[month, hour] = source.numbers(column)[mask]
    return values


def mean_carbon_kg_per_mwh(inputs: Inputs, catalog: Catalog) -> float:
    """Mean of the hourly average carbon of a grid that the energy room uses."""
    table = _month_hour(catalog, "grid_carbon", "kg_co2_per_mwh", grid=inputs["grid"], signal="average_direct")
    return float(profiles.expand(table).mean())


def mean_price_usd_per_mwh(inputs: Inputs, catalog: Catalog) -> float:
    """Mean price of a market in the base year, as the energy room uses it: months of scarcity scaled down or left."""
    table = _month_hour(catalog, "market_price", "price_usd_per_mwh", market=inputs["market"])
    if inputs.get("base_case", False):
        # Means of months, which are all that counts here, do not depend on the floor.
        no_floor = np.zeros(profiles.MONTHS_PER_YEAR)
        table, _ = tame_scarcity(table, catalog.value("energy.scarcity_month_factor"), no_floor)
    return float(profiles.expand(table).mean())


CASES = {
    "energy_charge_usd": energy_charge_usd,
    "demand_charge_usd": demand_charge_usd,
    "outage_cost_usd": outage_cost_usd,
    "mean_carbon_kg_per_mwh": mean_carbon_kg_per_mwh,
    "mean_price_usd_per_mwh": mean_price_usd_per_mwh,
}
