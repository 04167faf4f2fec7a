"""Swings of the training that a plan places at its sites, and what keeping them within limits costs there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.energy.grids import names_of
from kiban.energy.plant import BATTERY, Plant, plant_of
from kiban.energy.reader import Reader
from kiban.energy.smoothing import (
    FLOOR,
    WAYS,
    Option,
    Storage,
    Terms,
    shared,
    smoothing_options,
)
from kiban.energy.smoothing_rows import KW_PER_MW, ballast_terms, cell_life, rack_storage
from kiban.energy.swings import Limits, Swing, stop_storage
from kiban.results import Demand, Fleet, Plan, Site, SiteSwing, Supply, Swings, SwingWay, Trace
from kiban.scenario import Scenario
from kiban.units.calendar import SECONDS_PER_HOUR

Array = NDArray[np.float64]

_OWN_ROWS = ("smoothing.", f"{BATTERY}.")
"""Rows that carry weight here; the plant of a site reads those of gas as well."""
LEAST_IT_MW = 0.05
"""Less than this is not planned: the last digits of the solver."""


def run_swings(
    scenario: Scenario, catalog: Catalog, demand: Demand, fleet: Fleet, site: Site, supply: Supply, plan: Plan
) -> Swings:
    """Return swing and cost of smoothing of every site at which the chosen plan trains.

    Arguments: scenario; catalogue; results of the rooms before. Errors: CatalogKeyError for missing rows.
    """
    reader = Reader(scenario, catalog)
    slew = reader.value("smoothing.slew_frac_per_s")
    limits = Limits(reader.value("smoothing.limit.ramp_mw_per_min") / 60)
    rack = rack_storage(reader, scenario.finance.discount_frac_per_year)
    found = []
    for part in scenario.sites:
        quarter, accelerators = _training(demand, plan, part.name)
        train = np.flatnonzero(accelerators * fleet.accelerator_it_kw / KW_PER_MW >= LEAST_IT_MW)
        if not train.size or part.name not in supply.sites or part.name not in site.sites:
            continue
        jobs = _jobs(fleet, train, accelerators[train], slew)
        terms = Terms(
            energy_usd_per_mwh=float(supply.site_energy_usd_per_mwh[supply.sites.index(part.name)]),
            rack=rack,
            battery=site_battery(reader, plant_of(scenario, reader, names_of(part.grid))),
            running_frac=fleet.accelerator_goodput_frac[train],
            pue=float(site.site_annual_pue[site.sites.index(part.name)]),
            **ballast_terms(reader, scenario.finance.discount_frac_per_year),
            floor_max_mw=reader.value("smoothing.floor.max_frac_of_rated") * jobs.it_mw,
            groups_max=np.maximum(np.floor(jobs.count), 1.0),
            stagger_loss_frac=reader.value("smoothing.stagger.loss_frac"),
            work_usd_per_it_mwh=_worth(fleet, train),
        )
        options = smoothing_options(jobs.swing, shared(jobs.swing, limits), terms)
        found.append(_site_swing(part.name, demand.tree.quarters[quarter], jobs, options, limits))
    return Swings(
        sites=tuple(found),
        ramp_limit_mw_per_s=float(limits.ramp_mw_per_s),
        warnings=tuple(w for key, w in reader.assumed.items() if key.startswith(_OWN_ROWS)) if found else (),
        traces=tuple(t for s in found for t in _traces(s)),
    )


def site_battery(reader: Reader, plant: Plant) -> Storage:
    """The grid battery of a site at its place's cost, with the life of its cells from ``smoothing.battery``."""
    return Storage(
        KW_PER_MW * plant.battery_usd_per_kw_year,
        KW_PER_MW * plant.battery_usd_per_kwh_year,
        KW_PER_MW * plant.battery_usd_per_kw,
        KW_PER_MW * plant.battery_usd_per_kwh,
        round_trip_frac=1 - reader.value("finance.eia_aeo2026.battery_storage_loss_frac"),
        **cell_life(reader, reader.value(f"{BATTERY}.life_years")),
    )


@dataclass(frozen=True)
class _Jobs:
    """Training at one site by kind of accelerator, (J,)."""

    swing: Swing
    accelerators: Array
    it_mw: Array
    stop_mw: Array
    """What one job draws beyond idle machines."""
    count: Array
    """Jobs of the scenario's size."""
    step_s: Array
    pause_s: Array
    held_mwh: Array
    """In capacitors of the racks."""


def _training(demand: Demand, plan: Plan, site: str) -> tuple[int, Array]:
    """Quarter with most accelerators at work on training, and how many of each kind (G,), expected over the tree."""
    mine = [k for k, rung in enumerate(plan.rungs) if rung.site == site]
    tree = demand.tree
    node = plan.chosen.node_training_accelerators[:, mine].sum(axis=1) * tree.node_probability[:, None]
    by_quarter = np.zeros((len(tree.quarters), node.shape[1]))
    np.add.at(by_quarter, tree.node_quarter, node)
    quarter = int(np.argmax(by_quarter.sum(axis=1)))
    return quarter, by_quarter[quarter]


def _jobs(fleet: Fleet, train: NDArray[np.int64], accelerators: Array, slew_frac_per_s: float) -> _Jobs:
    """Power levels of the jobs.

    Equation: mean from the draw of training; swing = published share of the critical power; each edge takes swing /
    slew; the pause is that of the step's time model, but no shorter than an edge, because measured jobs do fall; the
    two levels lie around the mean as the pause's share of the step says.
    """
    it_mw = accelerators * fleet.accelerator_it_kw[train] / KW_PER_MW
    step, depth = fleet.accelerator_training_step_s[train], fleet.accelerator_training_swing_frac[train]
    edge = np.minimum(depth / slew_frac_per_s, step / 2)
    pause = np.maximum(fleet.accelerator_training_pause_frac[train] * step, edge)
    drawn = fleet.accelerator_training_power_frac[train]
    high, count = (drawn + pause / step * depth) * it_mw, accelerators / fleet.accelerator_count_per_training_job[train]
    return _Jobs(
        swing=Swing(high, high - depth * it_mw, step, 1 - pause / step, edge),
        accelerators=accelerators,
        it_mw=it_mw,
        stop_mw=(drawn - fleet.accelerator_idle_power_frac[train]) * it_mw / np.maximum(count, 1.0),
        count=count,
        step_s=step,
        pause_s=pause,
        held_mwh=accelerators * fleet.accelerator_smoothing_j[train] / 1e6 / SECONDS_PER_HOUR,
    )


def _worth(fleet: Fleet, train: NDArray[np.int64]) -> Array:
    """Worth of the work of an IT MWh, by what such accelerators rent for; NaN where no rent is known."""
    rent = np.where(
        np.isfinite(fleet.accelerator_neocloud_usd_per_gpu_h),
        fleet.accelerator_neocloud_usd_per_gpu_h,
        fleet.accelerator_cloud_usd_per_gpu_h,
    )
    return np.asarray(rent[train] * KW_PER_MW / fleet.accelerator_it_kw[train])


def _site_swing(site: str, quarter: str, jobs: _Jobs, options: tuple[Option, ...], limits: Limits) -> SiteSwing:
    swing_mw = jobs.swing.amplitude_mw
    most = int(np.argmax(swing_mw))
    ways = tuple(_way(o) for o in options)
    open_ways = [w for w in ways if w.feasible]
    store = min((o for o in options if o.way not in WAYS[:3]), key=lambda o: float(o.usd_per_year.sum()))
    cycled = float(store.cycled_mwh.sum())
    stop_mw, stop_mwh = stop_storage(float(jobs.stop_mw.max()), float(limits.ramp_mw_per_s))
    return SiteSwing(
        site=site,
        quarter=quarter,
        accelerators=float(jobs.accelerators.sum()),
        it_mw=float(jobs.it_mw.sum()),
        jobs=float(jobs.count.sum()),
        swing_mw=float(swing_mw.sum()),
        job_swing_mw=float((swing_mw / np.maximum(jobs.count, 1.0)).max()),
        step_s=float(jobs.step_s[most]),
        pause_s=float(jobs.pause_s[most]),
        stop_mw=stop_mw,
        stop_mwh=stop_mwh,
        rack_held_frac=float(jobs.held_mwh.sum()) / cycled if cycled > 0 else 1.0,
        ways=ways,
        cheapest=min(open_ways, key=lambda w: w.usd_per_year).name if open_ways else "",
    )


def _way(option: Option) -> SwingWay:
    """A way over all jobs of a site."""
    cost = float(option.usd_per_year.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        it_mwh = float(np.nansum(option.usd_per_year / option.usd_per_it_mwh))
    return SwingWay(
        name=option.way,
        feasible=bool(option.feasible.all()),
        power_mw=float(option.power_mw.sum()),
        energy_mwh=float(option.energy_mwh.sum()),
        cycled_mwh=float(option.cycled_mwh.sum()),
        groups=float(option.groups.max()),
        lost_mwh_per_year=float(option.lost_mwh_per_year.sum()),
        capital_usd=float(option.capital_usd.sum()),
        usd_per_year=cost,
        usd_per_it_mwh=cost / it_mwh if it_mwh > 0 else 0.0,
    )


def _traces(found: SiteSwing) -> list[Trace]:
    keys = (
        "power.cluster.train_swing_frac_of_provisioned",
        "smoothing.slew_frac_per_s",
        "smoothing.limit.ramp_mw_per_min",
    )
    return [
        Trace(
            f"energy.swing_mw.{found.site}", found.swing_mw, "MW",
            "published share of the critical IT power of training, all jobs of the site in step", keys[:2],
        ),
        *(
            Trace(
                f"energy.smoothing_usd_per_year.{found.site}.{way.name}", way.usd_per_year, "USD/yr",
                "power and energy x annuities + lost energy x price, to keep the ramp within the limit",
                (*keys, *_ROWS[way.name]),
            )
            for way in found.ways
        ),
    ]  # fmt: skip


_STORE = ("usd_per_kw", "usd_per_kwh", "life_years", "cycles", "depth_exponent", "round_trip_frac")
_ROWS: dict[str, tuple[str, ...]] = {
    "stagger": ("smoothing.stagger.loss_frac",),
    "ballast": ("smoothing.ballast.usd_per_kw", "smoothing.ballast.life_years"),
    FLOOR: ("smoothing.floor.max_frac_of_rated",),
    "rack_storage": (*(f"smoothing.supercapacitor.{f}" for f in _STORE), "smoothing.converter.usd_per_kw"),
    "site_battery": (
        f"{BATTERY}.overnight_usd_per_kw", "smoothing.battery.cycles", "smoothing.battery.depth_exponent",
        "smoothing.battery.power_per_energy",
    ),
}  # fmt: skip
