"""What a site pays for energy at its grid connection: hourly market or state tariff, delivery and demand charges."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.energy import price_year as prices
from kiban.energy import profiles
from kiban.energy.grids import GridNames
from kiban.energy.reader import Reader
from kiban.scenario.schema import SitePart
from kiban.units import HOURS_PER_YEAR

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Market:
    """Price at one grid connection."""

    hourly_usd_per_mwh: Array
    adder_usd_per_mwh: float
    demand_usd_per_kw_year: float
    keys: tuple[str, ...]


def market_of(reader: Reader, part: SitePart, names: GridNames, seed: int, warnings: list[str]) -> Market:
    """Hourly market with seeded residual where the catalogue has one, else the flat tariff of the state.

    Sites of one grid share one price path: the seed is mixed with the market's name only.
    Errors: ValueError where there is neither.
    """
    if not names.market:
        return _tariff(reader, part, warnings)
    table = reader.month_hour("market_price", "price_usd_per_mwh", market=names.market)
    p05, std = (
        reader.by_month("market_price_month", f"price_{k}_usd_per_mwh", market=names.market) for k in ("p05", "std")
    )
    floor = prices.floor_of(table, p05, reader.value("energy.price_floor_over_p05_ratio"))
    base, odd = prices.tame_scarcity(table, reader.value("energy.scarcity_month_factor"), floor)
    for month in odd:
        warnings.append(
            f"energy: {names.market} month {month + 1} of the base year averages {table[month].mean():.0f} USD/MWh;"
            f" scaled to {base[month].mean():.0f}, the dearest ordinary month"
        )
    memory = _memory(reader, names.market)
    year = prices.price_year(
        base,
        floor,
        prices.spread_of(table, std, floor, memory),
        memory,
        np.random.default_rng([seed, zlib.crc32(names.market.encode())]),
    )
    # The cap is a number in a rule and does not rise with prices.
    cap_key = f"market.{names.market}.offer_cap_usd_per_mwh"
    price = prices.under_cap(reader.table_inflator("market_price") * year, reader.value(cap_key))
    adder_key = f"energy.grid_adder_usd_per_mwh.{names.carbon}"
    demand_keys = _demand_keys(reader, part, names)
    demand = sum(reader.usd(k) * (profiles.MONTHS_PER_YEAR if "kw_month" in k else 1) for k in demand_keys)
    return Market(price, reader.usd(adder_key), float(demand), ("market_price", cap_key, adder_key, *demand_keys))


def _demand_keys(reader: Reader, part: SitePart, names: GridNames) -> tuple[str, ...]:
    """Rows of charges per kW of the largest import: transmission, and capacity where the grid has a capacity market."""
    if names.carbon == "ercot":
        return ("tariff.ercot.transmission_postage_stamp_usd_per_kw_year.2025",)
    in_city = reader.text(f"site.{part.weather}.grid_zone").startswith("J_")
    capacity = "capacity.nyiso_nyc.usd_per_kw_month" if in_city else "capacity.nyiso_ros.usd_per_kw_month"
    return ("tariff.ny_national_grid.transmission_demand_usd_per_kw_month", capacity)


def _memory(reader: Reader, market: str) -> prices.Memory:
    hour, day = (
        reader.value(f"market.{market}.day_ahead_price_residual_autocorrelation_lag{lag}.2023") for lag in (1, 24)
    )
    return prices.Memory(hour, day, reader.value("energy.price_memory_h"))


def _tariff(reader: Reader, part: SitePart, warnings: list[str]) -> Market:
    keys = reader.keys(f"tariff.us_{part.state}.industrial_average_usd_per_mwh.")
    if not keys:
        raise ValueError(
            f"site {part.name}: no hourly price for grid {part.grid} and no tariff for state {part.state};"
            " use grid ercot or nyiso, or a state with a row tariff.us_<state>.industrial_average_usd_per_mwh"
        )
    # A whole year (".2023") goes before a single month (".2025_04").
    whole_years = [k for k in keys if k.rsplit(".", 1)[1].isdigit()]
    key = (whole_years or keys)[-1]
    all_in = reader.usd(key)
    energy = all_in * reader.value("energy.tariff_energy_share_frac")
    warnings.append(
        f"energy: {part.name} has no hourly price; flat industrial tariff of {part.state} ({key}), an all-customer mean"
    )
    return Market(np.full(HOURS_PER_YEAR, energy), all_in - energy, 0.0, (key, "energy.tariff_energy_share_frac"))
