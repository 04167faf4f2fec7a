"""One study: the only file that knows the order of the rooms."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kiban.catalog import Catalog
from kiban.compute import run_compute
from kiban.demand import run_demand
from kiban.energy import run_energy
from kiban.facility import run_facility
from kiban.finance import run_finance
from kiban.impact import run_impact
from kiban.plan import run_plan
from kiban.results import Study
from kiban.scenario import Scenario

Progress = Callable[[str, float], None]
"""Called with a room's name and its seconds when the room is done."""

RESIDUAL_LIMIT = 1e-6


class ResidualError(RuntimeError):
    """A balance inside a room does not close; the result must not be believed."""


def run_study(scenario: Scenario, catalog: Catalog, scenario_hash: str = "", progress: Progress | None = None) -> Study:
    """Walk one scenario through all seven rooms.

    Args: scenario; catalog without the scenario's overrides (they are applied here); scenario_hash, carried into
    the result; progress, called after each room. Result: the frozen study. Errors: those of the rooms
    (`Infeasible` if limits clash), and ResidualError if a balance is off by more than 1e-6 relative.
    """
    catalog = catalog.with_overrides({o.key: (o.value, o.why) for o in scenario.overrides})
    seconds: dict[str, float] = {}
    seed = scenario.risk.seed

    @contextmanager
    def room(name: str) -> Iterator[None]:
        begin = time.perf_counter()
        with catalog.recording(name):
            yield
        seconds[name] = time.perf_counter() - begin
        if progress:
            progress(name, seconds[name])

    with room("compute"):
        fleet = run_compute(scenario, catalog)
    with room("demand"):
        demand = run_demand(scenario, catalog, fleet)
    with room("facility"):
        site = run_facility(scenario, catalog, fleet, seed)
    with room("energy"):
        supply = run_energy(scenario, catalog, site, seed)
    with room("plan"):
        plan = run_plan(scenario, catalog, demand, fleet, site, supply)
    with room("finance"):
        finance = run_finance(scenario, catalog, demand, fleet, site, supply, plan)
    with room("impact"):
        impact = run_impact(scenario, catalog, demand, fleet, site, supply, plan)

    study = Study(
        scenario_name=scenario.name,
        scenario_hash=scenario_hash,
        demand=demand,
        fleet=fleet,
        site=site,
        supply=supply,
        plan=plan,
        finance=finance,
        impact=impact,
        used_keys={name: tuple(sorted(keys)) for name, keys in catalog.used.items()},
        room_seconds=seconds,
    )
    _refuse_open_balances(study)
    return study


def residuals_of(study: Study) -> dict[str, float]:
    """Every balance residual of the study by name, relative."""
    rooms = (study.demand, study.fleet, study.site, study.supply, study.plan, study.finance, study.impact)
    return {name: value for room in rooms for name, value in room.residuals.items()}


def _refuse_open_balances(study: Study) -> None:
    open_ones = {name: value for name, value in residuals_of(study).items() if not abs(value) <= RESIDUAL_LIMIT}
    if open_ones:
        words = ", ".join(f"{name} {value:.2e}" for name, value in sorted(open_ones.items()))
        raise ResidualError(f"balances do not close within {RESIDUAL_LIMIT:g}: {words}")
