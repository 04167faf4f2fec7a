"""Permits, queues and fees as dates and dollars: when new load may start and what connecting it costs."""

from __future__ import annotations

import math

from kiban.catalog import Catalog
from kiban.scenario import Scenario
from kiban.units import Quarter

MONTHS_PER_QUARTER = 3
MONTHS_PER_YEAR = 12


def quarters_of(months: float) -> int:
    """Months as the nearest whole number of quarters."""
    return math.floor(months / MONTHS_PER_QUARTER + 0.5)


def earliest_start(catalog: Catalog, scenario: Scenario, state: str, facility_mw: float) -> tuple[int, str]:
    """Return the first quarter index in which new load may be started in a state, and why if it is not 0.

    New York, Executive Order 62: no state permits for new data centres at or above the threshold from the date of
    signature for up to the stated months; complete applications (committed capacity) are exempt.
    Args: facility_mw, size of the new load at the meter.
    """
    if state != "ny" or facility_mw < catalog.value("policy.ny.eo62.threshold_mw"):
        return 0, ""
    signed = catalog.row("policy.ny.eo62.signed_date").valid_from
    year, month = int(signed[:4]), int(signed[5:7])
    months = year * MONTHS_PER_YEAR + month - 1 + catalog.value("policy.ny.eo62.max_duration_months")
    over = Quarter(math.ceil((months + 0.5) / MONTHS_PER_QUARTER))
    index = max(0, over - Quarter.parse(scenario.horizon.start_quarter))
    return index, f"New York pauses state permits for {facility_mw:.0f} MW until {over}" if index else ""


def earliest_power(catalog: Catalog, scenario: Scenario, site: int, facility_mw: float) -> int:
    """Return the first quarter index in which new load of a site may be energised.

    The scenario's date wins; otherwise large loads wait for the median time to power of the grid, small ones do not.
    """
    part = scenario.sites[site]
    if part.grid_ready_quarter is not None:
        return max(0, Quarter.parse(part.grid_ready_quarter) - Quarter.parse(scenario.horizon.start_quarter))
    rules = {
        "tx": ("policy.tx.sb6.threshold_mw", "policy.tx.ercot.time_to_power_months"),
        "ny": ("policy.ny.nyiso_study_threshold_mw_115kv", "policy.ny.time_to_power_months"),
    }
    if part.state not in rules:
        return 0
    threshold, wait = rules[part.state]
    return quarters_of(catalog.value(wait)) if facility_mw >= catalog.value(threshold) else 0


def interconnection_usd_per_kw(catalog: Catalog, state: str, facility_mw: float, facility_mw_per_it_mw: float) -> float:
    """Return the interconnection fee per critical IT kW: Texas, loads at or above the SB6 threshold.

    Source: 16 TAC 25.194 as proposed, fee in USD per MW of facility load.
    """
    if state != "tx" or facility_mw < catalog.value("policy.tx.sb6.threshold_mw"):
        return 0.0
    return catalog.value("policy.tx.tac_25_194.interconnection_fee_usd_per_mw") * facility_mw_per_it_mw / 1e3
