"""Catalogue rows of smoothing as the terms of its model."""

from __future__ import annotations

from typing import Protocol

from kiban.energy.model import annuity_frac
from kiban.energy.smoothing import Storage, storage_of

KW_PER_MW = 1e3


class Rows(Protocol):
    """Whatever gives numbers and money of catalogue rows, such as ``Reader``."""

    def value(self, key: str) -> float:
        """Number of a row in its own unit."""

    def usd(self, key: str) -> float:
        """Money of a row."""


def rack_storage(rows: Rows, discount_frac: float) -> Storage:
    """Supercapacitors with their converters, from the rows ``smoothing.supercapacitor``."""
    row = "smoothing.supercapacitor."
    return storage_of(
        rows.usd(f"{row}usd_per_kw") + rows.usd("smoothing.converter.usd_per_kw"),
        rows.usd(f"{row}usd_per_kwh"),
        discount_frac,
        rows.value(f"{row}life_years"),
        round_trip_frac=rows.value(f"{row}round_trip_frac"),
        cycles=rows.value(f"{row}cycles"),
        depth_exponent=rows.value(f"{row}depth_exponent"),
    )


def cell_life(rows: Rows, life_years: float) -> dict[str, float]:
    """Ageing and rating of a site's battery as fields of ``Storage``. Arguments: rows; life of its annuity."""
    return {
        "cycles": rows.value("smoothing.battery.cycles"),
        "depth_exponent": rows.value("smoothing.battery.depth_exponent"),
        "life_years": life_years,
        "mw_max_per_mwh": rows.value("smoothing.battery.power_per_energy"),
    }


def ballast_terms(rows: Rows, discount_frac: float) -> dict[str, float]:
    """Cost of a load bank as fields of ``Terms``, from the rows ``smoothing.ballast``."""
    each = KW_PER_MW * rows.usd("smoothing.ballast.usd_per_kw")
    share = annuity_frac(discount_frac, rows.value("smoothing.ballast.life_years"))
    return {"ballast_usd_per_mw": each, "ballast_usd_per_mw_year": each * share}
