"""Sense of the finance block: loans that end with the horizon, a tranche on silicon within its life."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kiban.scenario.problems import shorten
from kiban.scenario.sense import Data, Finding

if TYPE_CHECKING:
    from kiban.catalog import Catalog

CHIP_LIFE = "compute.economic_life_years"


def lending_problems(data: Data, catalog: Catalog) -> Iterator[Finding]:
    """Report debt that cannot be what it says, with the numbers."""
    finance = data.get("finance", {})
    length = data.get("horizon", {}).get("length_quarters")
    if not isinstance(length, int):
        return
    years = length / 4
    yield from _within("tenor_years", finance, 0.0, years)
    if (finance.get("refinance_year") or 0) > 0:
        yield from _refinance(finance, years)
    if (finance.get("chip_gearing_max_frac") or 0) > 0:
        yield from _chips(finance, years, catalog)


def _within(key: str, finance: dict[str, Any], since: float, years: float) -> Iterator[Finding]:
    tenor = finance.get(key)
    if tenor is not None and since + tenor > years:
        after = f" after year {since:g}" if since else ""
        message = f"{key} runs past the horizon: {tenor:g} years{after}, and the horizon has {years:g}"
        allowed = f"at most {max(years - since, 0):g}, or a longer horizon.length_quarters"
        yield ("finance", key), message, {"found": shorten(tenor), "allowed": allowed}


def _refinance(finance: dict[str, Any], years: float) -> Iterator[Finding]:
    year, tenor = finance["refinance_year"], finance.get("tenor_years")
    if year >= years:
        message = f"refinance_year {year:g} lies after the horizon of {years:g} years"
        yield ("finance", "refinance_year"), message, {"found": shorten(year), "allowed": f"less than {years:g}"}
        return
    yield from _within("refinance_tenor_years", finance, year, years)
    if (finance.get("gearing_max_frac") or 0) == 0:
        message = "refinance_year asks for a new loan, but gearing_max_frac is 0: there is no loan to refinance"
        yield ("finance", "refinance_year"), message, {"found": shorten(year), "allowed": "0, or a gearing above 0"}
    elif tenor is not None and year * 4 != int(year * 4):
        message = "refinance_year must fall on the end of a quarter"
        yield ("finance", "refinance_year"), message, {"found": shorten(year), "allowed": "steps of 0.25"}


def _chips(finance: dict[str, Any], years: float, catalog: Catalog) -> Iterator[Finding]:
    tenor = finance.get("chip_tenor_years")
    life = catalog.value(CHIP_LIFE) if catalog.has(CHIP_LIFE) else None
    if tenor is None:
        return
    if life is not None and tenor > life:
        message = f"chip_tenor_years is longer than the chips live: the catalogue gives them {life:g} years"
        details = {"found": shorten(tenor), "allowed": f"at most {life:g} ({CHIP_LIFE})"}
        yield ("finance", "chip_tenor_years"), message, details
    if tenor >= years:
        message = f"no draw on silicon could be repaid within the horizon of {years:g} years"
        yield ("finance", "chip_tenor_years"), message, {"found": shorten(tenor), "allowed": f"less than {years:g}"}
