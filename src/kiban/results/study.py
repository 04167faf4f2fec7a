"""Everything one study knows, in the order of the rooms."""

from __future__ import annotations

from dataclasses import dataclass, field

from kiban.results.demand import Demand
from kiban.results.finance import Finance
from kiban.results.fleet import Fleet
from kiban.results.impact import Impact
from kiban.results.plan import Plan
from kiban.results.site import Site
from kiban.results.supply import Supply
from kiban.results.swings import Swings


@dataclass(frozen=True)
class Study:
    """One scenario walked through all seven rooms."""

    scenario_name: str
    scenario_hash: str
    demand: Demand
    fleet: Fleet
    site: Site
    supply: Supply
    plan: Plan
    finance: Finance
    impact: Impact
    used_keys: dict[str, tuple[str, ...]]
    """Catalogue keys read by each room."""
    swings: Swings = field(default_factory=Swings)
    """Of the energy room, after the plan has placed the jobs."""
    room_seconds: dict[str, float] = field(default_factory=dict)
    """Wall time per room; not part of results.json."""
