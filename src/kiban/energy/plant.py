"""What contracts, batteries and on-site gas cost at a site."""

from __future__ import annotations

from dataclasses import dataclass

from kiban.energy.grids import GridNames
from kiban.energy.model import annuity_frac
from kiban.energy.reader import Reader
from kiban.scenario import Scenario

KG_PER_T = 1000.0
MMBTU_PER_MWH = 3.412141633
HOURS_OF_BATTERY_ROW = 4.0
GAS_PLANT = "tech.gas_turbine_aeroderivative"
BATTERY = "tech.battery_4h"


@dataclass(frozen=True)
class Plant:
    """Cost of own plant, overnight and per year."""

    battery_usd_per_kw: float
    battery_usd_per_kwh: float
    battery_usd_per_kw_year: float
    battery_usd_per_kwh_year: float
    gas_usd_per_kw: float
    gas_usd_per_kw_year: float
    gas_usd_per_mwh: float
    gas_kg_co2_per_mwh: float


def plant_of(scenario: Scenario, reader: Reader, names: GridNames) -> Plant:
    """Battery and gas turbine at a site; the battery row is split into power and energy in the ratio of the ATB rows.

    Equation: yearly cost = overnight x annuity(discount rate, life) + fixed upkeep.
    """
    rate = scenario.finance.discount_frac_per_year
    battery = reader.usd_in_region(f"{BATTERY}.overnight_usd_per_kw", names.cost_region)
    power_part = reader.value("tech.battery_utility_4h.atb_power_part_usd_per_kw")
    energy_part = reader.value("tech.battery_utility_4h.atb_energy_part_usd_per_kwh") * HOURS_OF_BATTERY_ROW
    power = battery * power_part / (power_part + energy_part)
    energy = (battery - power) / HOURS_OF_BATTERY_ROW
    battery_annuity = annuity_frac(rate, reader.value(f"{BATTERY}.life_years"))
    gas = reader.usd_in_region(f"{GAS_PLANT}.overnight_usd_per_kw", names.cost_region)
    gas_annuity = annuity_frac(rate, reader.value(f"{GAS_PLANT}.life_years"))
    fuel_mmbtu_per_mwh = MMBTU_PER_MWH * reader.value(f"{GAS_PLANT}.heat_rate_kwh_per_kwh")
    gas_kg = reader.value("fuel.natural_gas.kg_co2_per_mmbtu") * fuel_mmbtu_per_mwh
    return Plant(
        battery_usd_per_kw=power,
        battery_usd_per_kwh=energy,
        battery_usd_per_kw_year=power * battery_annuity + reader.usd(f"{BATTERY}.fixed_om_usd_per_kw_year"),
        battery_usd_per_kwh_year=energy * battery_annuity,
        gas_usd_per_kw=gas,
        gas_usd_per_kw_year=gas * gas_annuity + reader.usd(f"{GAS_PLANT}.fixed_om_usd_per_kw_year"),
        gas_usd_per_mwh=reader.usd("fuel.natural_gas.usd_per_mmbtu") * fuel_mmbtu_per_mwh
        + reader.usd(f"{GAS_PLANT}.variable_om_usd_per_mwh")
        + scenario.energy.carbon_price_usd_per_t * gas_kg / KG_PER_T,
        gas_kg_co2_per_mwh=gas_kg,
    )


def contract_of(reader: Reader, names: GridNames, kind: str) -> tuple[str, float]:
    """Row and price, USD/MWh, of a wind or solar contract: the grid's own index, else the continental one."""
    return reader.first_usd([f"ppa.{names.ppa}.{kind}_p25_usd_per_mwh", f"ppa.us_continental.{kind}_p25_usd_per_mwh"])
