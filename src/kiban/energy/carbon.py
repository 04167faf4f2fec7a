"""Carbon signals of a site's grid: location-based average and short-run marginal, two numbers that never mix."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.energy import profiles
from kiban.energy.grids import GridNames
from kiban.energy.reader import Reader
from kiban.scenario.schema import SitePart
from kiban.units import HOURS_PER_YEAR

Array = NDArray[np.float64]


def average_of(reader: Reader, part: SitePart, names: GridNames, warnings: list[str]) -> tuple[Array, str]:
    """Hourly location-based average and its row: the grid's hourly table, else eGRID, else the yearly mean abroad."""
    region = reader.text(f"site.{part.weather}.egrid_subregion").lower()
    egrid = f"grid.egrid_{region}.total_output_kg_co2_per_mwh"
    if names.carbon:
        table = reader.month_hour("grid_carbon", "kg_co2_per_mwh", grid=names.carbon, signal="average_direct")
        if reader.has(egrid):
            warnings.append(
                f"energy: {part.name} uses the {names.carbon} average carbon ({table.mean():.0f} kg/MWh);"
                f" its eGRID subregion {region.upper()} has {reader.value(egrid):.0f}"
            )
        return profiles.expand(table), "grid_carbon"
    if reader.has(egrid):
        return np.full(HOURS_PER_YEAR, reader.value(egrid)), egrid
    abroad = f"grid.{part.grid}.average_consumption_kg_co2_per_mwh.2023"
    warnings.append(f"energy: the average carbon of {part.name} is on a life-cycle basis, others are direct emissions")
    return np.full(HOURS_PER_YEAR, reader.value(abroad)), abroad


def marginal_of(reader: Reader, part: SitePart, names: GridNames, warnings: list[str]) -> tuple[Array, str]:
    """Hourly short-run marginal and its row: AVERT by month in Texas and New York, by year elsewhere."""
    if names.carbon:
        monthly = reader.by_month(
            "grid_carbon_month", "kg_co2_per_mwh", grid=f"avert_{names.avert}", signal="marginal_avert"
        )
        return monthly[profiles.HOURLY_MONTH], "grid_carbon_month"
    key = f"grid.avert_{names.avert}.marginal_kg_co2_per_mwh.2023"
    if not reader.has(key):
        key = f"grid.{part.grid}.marginal_kg_co2_per_mwh"
        warnings.append(f"energy: the marginal carbon of {part.name} is of another method than AVERT")
    return np.full(HOURS_PER_YEAR, reader.value(key)), key


def clean_share_of(reader: Reader, part: SitePart, names: GridNames, warnings: list[str]) -> Array:
    """Hourly low-carbon share of the grid, nuclear counted as clean; zero, with a warning, where it is not known."""
    if not names.carbon:
        warnings.append(
            f"energy: the clean share of the grid at {part.name} is not known and counts as zero: its 24/7 score is"
            " that of its contracts alone"
        )
        return np.zeros(HOURS_PER_YEAR)
    share = reader.by_month("grid_carbon_month", "low_carbon_share_frac", grid=names.carbon, signal="average_direct")
    return np.asarray(share[profiles.HOURLY_MONTH], dtype=np.float64)
