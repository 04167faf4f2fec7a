"""Money by quarter, suppliers, and what others pay for halls: scenario and catalogue to arguments of the plan model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.plan.rungs import SiteTerms, first_rent_usd_per_kw_month
from kiban.results import Fleet
from kiban.scenario import Scenario
from kiban.units import Quarter

Array = NDArray[np.float64]

MONTHS_X_KW = 3.0 * 1e3
"""From USD per kW and month to USD per MW and quarter."""


def budget_usd(scenario: Scenario) -> Array:
    """(T,) money that has come in by each quarter: what is not tied to a funding round is there from the start."""
    rounds = scenario.ladder.funding_rounds
    budget = np.full(scenario.horizon.length_quarters, scenario.ladder.budget_usd - sum(r.usd for r in rounds))
    start = Quarter.parse(scenario.horizon.start_quarter)
    for one in rounds:
        budget[max(Quarter.parse(one.quarter) - start, 0) :] += one.usd
    return budget


def suppliers(catalog: Catalog, fleet: Fleet) -> NDArray[np.int64]:
    """(G,) number of the supplier of each type; a type without a vendor row counts as a supplier of its own."""
    names = []
    for name in fleet.accelerators:
        key = f"accelerator.{name}.vendor"
        names.append(str(catalog.row(key).value) if catalog.has(key) else name)
    order = list(dict.fromkeys(names))
    return np.array([order.index(n) for n in names], dtype=np.int64)


def sublet_usd_per_mw_quarter(
    scenario: Scenario, catalog: Catalog, terms: list[SiteTerms], areas: NDArray[np.int64]
) -> Array:
    """(A,) re-letting share of the least rent at which a hall of the area can be leased; nan where none is leased."""
    relet = catalog.value("precedent.layer_recovery_frac.shell_and_mep")
    least = np.full(int(areas.max(initial=-1)) + 1, np.inf)
    for at, part in enumerate(scenario.sites):
        for kind in {*part.rungs, *([part.committed_rung] if part.committed_rung else [])} - {"owned"}:
            rent = first_rent_usd_per_kw_month(catalog, kind, terms[at])
            least[areas[at]] = min(least[areas[at]], rent)
    return np.where(np.isfinite(least), relet * least * MONTHS_X_KW, np.nan)
