"""One study: the only file that knows the order of the rooms."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property

from kiban.catalog import Catalog
from kiban.compute import run_compute
from kiban.demand import run_demand
from kiban.energy import run_energy, run_swings
from kiban.facility import run_facility
from kiban.finance import run_finance
from kiban.impact import run_impact
from kiban.plan import run_plan
from kiban.results import Demand, Finance, Fleet, Impact, Plan, Site, Study, Supply, Swings
from kiban.scenario import Scenario

Progress = Callable[[str, float], None]
"""Called with a room's name and its seconds when the room is done."""

RESIDUAL_LIMIT = 1e-6
RESULTS = ("demand", "fleet", "site", "supply", "plan", "finance", "impact", "swings")


class ResidualError(RuntimeError):
    """A balance inside a room does not close; the result must not be believed."""


class Walk:
    """One scenario on its way through the rooms, which may stop after any of them.

    A room is walked when its result is first asked for, after those it needs: ``walk.plan`` walks compute, demand,
    facility, energy and plan. Arguments: scenario; catalog without the scenario's overrides (they are applied here);
    progress, called after each room. Errors: those of the rooms (`Infeasible` if limits clash).
    """

    def __init__(self, scenario: Scenario, catalog: Catalog, progress: Progress | None = None) -> None:
        self.scenario = scenario
        self.given = catalog
        self.catalog = catalog.with_overrides({o.key: (o.value, o.why) for o in scenario.overrides})
        self.progress = progress
        self.room_seconds: dict[str, float] = {}

    @contextmanager
    def _room(self, name: str) -> Iterator[None]:
        begin = time.perf_counter()
        with self.catalog.recording(name):
            yield
        self.room_seconds[name] = time.perf_counter() - begin
        if self.progress:
            self.progress(name, self.room_seconds[name])

    @cached_property
    def fleet(self) -> Fleet:
        """What accelerators do with the work."""
        with self._room("compute"):
            return run_compute(self.scenario, self.catalog)

    @cached_property
    def demand(self) -> Demand:
        """The work on the tree of futures."""
        fleet = self.fleet
        with self._room("demand"):
            return run_demand(self.scenario, self.catalog, fleet)

    @cached_property
    def site(self) -> Site:
        """Halls and their overhead."""
        fleet = self.fleet
        with self._room("facility"):
            return run_facility(self.scenario, self.catalog, fleet, self.scenario.risk.seed)

    @cached_property
    def supply(self) -> Supply:
        """Electricity and its price."""
        site = self.site
        with self._room("energy"):
            return run_energy(self.scenario, self.catalog, site, self.scenario.risk.seed)

    @cached_property
    def plan(self) -> Plan:
        """The chosen plan and the pure strategies beside it."""
        fleet, demand, site, supply = self.fleet, self.demand, self.site, self.supply
        with self._room("plan"):
            return run_plan(self.scenario, self.catalog, demand, fleet, site, supply)

    @cached_property
    def finance(self) -> Finance:
        """Money of the plan and of every pure strategy."""
        plan = self.plan
        with self._room("finance"):
            return run_finance(self.scenario, self.catalog, self.demand, self.fleet, self.site, self.supply, plan)

    @cached_property
    def impact(self) -> Impact:
        """Carbon, water, jobs and where the money goes."""
        plan = self.plan
        with self._room("impact"):
            return run_impact(self.scenario, self.catalog, self.demand, self.fleet, self.site, self.supply, plan)

    @cached_property
    def swings(self) -> Swings:
        """What the training that the plan places does to its connections within seconds."""
        plan = self.plan
        with self._room("swings"):
            return run_swings(self.scenario, self.catalog, self.demand, self.fleet, self.site, self.supply, plan)

    @property
    def used_keys(self) -> dict[str, tuple[str, ...]]:
        """Catalogue keys read by each room so far."""
        return {name: tuple(sorted(keys)) for name, keys in self.catalog.used.items()}

    def study(self, scenario_hash: str = "") -> Study:
        """All seven rooms as one frozen result; ResidualError if a balance does not close."""
        finance, impact, swings = self.finance, self.impact, self.swings
        self.residuals()
        return Study(
            scenario_name=self.scenario.name,
            scenario_hash=scenario_hash,
            demand=self.demand,
            fleet=self.fleet,
            site=self.site,
            supply=self.supply,
            plan=self.plan,
            finance=finance,
            impact=impact,
            used_keys=self.used_keys,
            swings=swings,
            room_seconds=self.room_seconds,
        )

    def residuals(self) -> dict[str, float]:
        """Every balance residual of the rooms walked so far by name, relative; ResidualError if one is open."""
        walked = (vars(self).get(name) for name in RESULTS)
        found = {name: value for room in walked if room is not None for name, value in room.residuals.items()}
        _refuse_open_balances(found)
        return found


def run_study(scenario: Scenario, catalog: Catalog, scenario_hash: str = "", progress: Progress | None = None) -> Study:
    """Walk one scenario through all seven rooms.

    Args: scenario; catalog without the scenario's overrides (they are applied here); scenario_hash, carried into
    the result; progress, called after each room. Result: the frozen study. Errors: those of the rooms
    (`Infeasible` if limits clash), and ResidualError if a balance is off by more than 1e-6 relative.
    """
    return Walk(scenario, catalog, progress).study(scenario_hash)


def _refuse_open_balances(residuals: dict[str, float]) -> None:
    open_ones = {name: value for name, value in residuals.items() if not abs(value) <= RESIDUAL_LIMIT}
    if open_ones:
        words = ", ".join(f"{name} {value:.2e}" for name, value in sorted(open_ones.items()))
        raise ResidualError(f"balances do not close within {RESIDUAL_LIMIT:g}: {words}")
