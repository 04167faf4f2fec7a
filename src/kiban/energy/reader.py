"""Reading catalogue rows for the energy room: money in the price year, and a list of what was only assumed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.energy.profiles import HOURS_PER_DAY, MONTHS_PER_YEAR
from kiban.scenario import Scenario

Array = NDArray[np.float64]


class Reader:
    """A catalogue seen from one scenario: money comes in its price year, assumed rows are remembered."""

    def __init__(self, scenario: Scenario, catalog: Catalog) -> None:
        self._catalog = catalog
        self._price_year = scenario.horizon.price_year
        self._inflation = scenario.finance.inflation_frac_per_year
        self.assumed: dict[str, str] = {}

    def value(self, key: str) -> float:
        """Number of a row in its own unit; errors: CatalogKeyError."""
        row = self._catalog.row(key)
        if row.confidence == "assumed":
            span = "" if row.low is None or row.high is None else f" ({row.low:g} to {row.high:g})"
            self.assumed[key] = f"assumed: {key} = {row.value} {row.unit}{span}"
        return self._catalog.value(key)

    def usd(self, key: str) -> float:
        """Money of a row in USD of the scenario's price year; a row without a price year is taken as it is.

        Equation: value (1 + inflation)^(price year of the scenario - price year of the row).
        """
        year = self._catalog.row(key).price_year
        return self.value(key) * self.inflator(year)

    def inflator(self, year: int | None) -> float:
        """Factor from money of a year to money of the scenario's price year."""
        return 1.0 if year is None else float((1 + self._inflation) ** (self._price_year - year))

    def usd_in_region(self, key: str, region: str) -> float:
        """Money of the regional row ``key.region`` where there is one, else of ``key``."""
        regional = f"{key}.{region}"
        return self.usd(regional if region and self._catalog.has(regional) else key)

    def first_usd(self, keys: list[str]) -> tuple[str, float]:
        """Key and money of the first row that exists; errors: CatalogKeyError of the last where none does."""
        key = next((k for k in keys if self._catalog.has(k)), keys[-1])
        return key, self.usd(key)

    def text(self, key: str) -> str:
        """Text of a row, empty where there is no such row."""
        return self._catalog.text(key) if self._catalog.has(key) else ""

    def has(self, key: str) -> bool:
        """Whether there is a row."""
        return self._catalog.has(key)

    def keys(self, prefix: str) -> list[str]:
        """Keys that start with a prefix."""
        return self._catalog.keys(prefix)

    def month_hour(self, table: str, column: str, **where: str) -> Array:
        """Column of a month-by-hour table as (12, 24)."""
        source = self._catalog.table(table)
        mask = source.where(**where)
        month = source.numbers("month")[mask].astype(int) - 1
        hour = source.numbers("hour")[mask].astype(int)
        values = np.full((MONTHS_PER_YEAR, HOURS_PER_DAY), np.nan)
        values[month, hour] = source.numbers(column)[mask]
        if not np.isfinite(values).all():
            raise ValueError(f"table {table} has no full year of hours for {where}")
        return values

    def by_month(self, table: str, column: str, **where: str) -> Array:
        """Column of a table by month as (12,)."""
        source = self._catalog.table(table)
        mask = source.where(**where)
        values = np.full(MONTHS_PER_YEAR, np.nan)
        values[source.numbers("month")[mask].astype(int) - 1] = source.numbers(column)[mask]
        if not np.isfinite(values).all():
            raise ValueError(f"table {table} has no full year of months for {where}")
        return values

    def table_inflator(self, table: str) -> float:
        """Factor from the money of a table to the scenario's price year."""
        return self.inflator(self._catalog.table(table).provenance.price_year)
