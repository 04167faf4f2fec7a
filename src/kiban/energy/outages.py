"""What outages of the grid cost: load not served, and a backup plant and battery sized against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiban.energy.outage_battery import BackupBattery, add_battery
from kiban.solve import Block, Model, require_optimal

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Outages:
    """Outages of S durations with a probability each, any of which may begin at any of T steps.

    The year wraps around: an outage that passes its end goes on at its beginning.
    """

    start_step: IntArray
    """(T,) first step of an outage, 0 = first of the year."""
    duration_steps: IntArray
    """(S,)"""
    probability_frac: Array
    """(S,) of each duration."""
    survive_steps: int = 0
    """Steps at the start of every outage in which nothing may go unserved."""


@dataclass(frozen=True)
class Backup:
    """A plant that only runs in outages; costs are present values over the life of the study."""

    usd_per_kw: float
    """Capital and upkeep."""
    usd_per_kwh: float
    """Fuel, undiscounted, for one outage."""
    kw_min: float = 0.0
    kw_max: float = np.inf
    kwh_max_per_outage: float = np.inf
    """What the fuel on site gives."""


@dataclass(frozen=True)
class OutageCost:
    """Result; S durations, T starts."""

    expected_usd: float
    """Sum over durations of probability x the dearest start."""
    dearest_usd: Array
    """(S,) cost of lost load of the dearest start of each duration, present value."""
    unserved_kwh: Array
    """(S, T)"""
    survived_steps: IntArray
    """(S, T) steps until load first goes unserved; the duration where none does."""
    backup_kw: float
    backup_usd: float
    """Capital and upkeep of the backup, present value."""
    fuel_usd: float
    """Expected fuel of the dearest start."""
    battery_kw: float = 0.0
    battery_kwh: float = 0.0
    battery_usd: float = 0.0
    """Capital and upkeep of the battery, present value."""


def outage_cost(
    critical_kw: Array,
    lost_load_usd_per_kwh: Array | float,
    outages: Outages,
    present_worth: float = 1.0,
    backup: Backup | None = None,
    other_kw: Array | float = 0.0,
    step_h: float = 1.0,
    battery: BackupBattery | None = None,
) -> OutageCost:
    """Least expected cost of outages, with a backup plant and a battery sized for it where they are offered.

    Arguments: (N,) critical load of the year; worth of lost load, one or (N,); outages; present worth of one yearly
    cost unit over the study; backup; (N,) power of other plant that goes on in an outage (solar, existing machines);
    step length; battery.
    Equation: minimise backup cost + sum_s p_s (max_t W sum_k v u_stk + max_t c sum_k g_stk) over size, output g and
    unserved load u, with u + g + discharge - charge >= critical - other, g <= size, sum g <= fuel of an outage, u = 0
    in the steps that must be survived; rows of the battery as in ``add_battery``.
    Origin: the outage model of REopt (add_outage_cost_constraints, NREL/REopt.jl). Validity: the backup starts at
    once and has no least load; outages do not meet each other, so that each finds the battery as its start says.
    Errors: Infeasible where survival is asked and nothing can give it; ValueError for a battery that cannot be.
    """
    n = critical_kw.size
    if battery is not None and (wrong := battery.problems(n)):
        raise ValueError("\n".join(wrong))
    stores = battery is not None and battery.is_open
    s_count, t_count = outages.duration_steps.size, outages.start_step.size
    s = np.repeat(np.arange(s_count), outages.duration_steps * t_count)
    t = np.concatenate([np.repeat(np.arange(t_count), d) for d in outages.duration_steps])
    k = np.concatenate([np.tile(np.arange(d), t_count) for d in outages.duration_steps])
    step = (outages.start_step[t] + k) % n
    pair = s * t_count + t
    net = (critical_kw - np.broadcast_to(other_kw, (n,)))[step]
    short = np.maximum(net, 0.0)
    worth = present_worth * step_h * np.broadcast_to(np.asarray(lost_load_usd_per_kwh, dtype=np.float64), (n,))[step]
    model = Model("outages")
    must = (k < outages.survive_steps) & (outages.survive_steps <= outages.duration_steps.max())
    unserved = model.add_columns(
        "unserved", step.size, upper=np.where(must, 0.0, short), cost=1e-9, unit="kW",
        sentence="load not served", relaxable=True,
    )  # fmt: skip
    dearest = model.add_columns("dearest", s_count, cost=outages.probability_frac, unit="USD")
    every = np.arange(step.size)
    cost_rows: list[tuple[Any, Any, Any]] = [
        (pair, unserved, -worth),
        (np.arange(s_count * t_count), _of_pair(dearest, s_count, t_count), 1.0),
    ]
    model.add_rows("dearest_rows", s_count * t_count, lower=0.0, terms=cost_rows)
    served: list[tuple[Any, Any, Any]] = [(every, unserved, 1.0)]
    if backup is not None:
        served.append((every, _add_backup(model, backup, outages, pair, step.size, step_h), 1.0))
    if battery is not None and stores:
        flow = add_battery(model, battery, k == 0, outages.start_step[t], step_h)
        served += [(every, flow.index[0], 1.0), (every, flow.index[1], -1.0)]
    model.add_rows(
        # Only a battery has a use for what other plant gives beyond the load.
        "load", step.size, lower=net if stores else short, terms=served, unit="kW",
        sentence="critical load is served or counted as lost",
    )  # fmt: skip
    solution = require_optimal(model, model.solve())
    lost = np.maximum(solution.value("unserved"), 0.0)
    first = np.where(lost > 1e-6, k, outages.duration_steps[s])
    survived = np.full(s_count * t_count, np.iinfo(np.int64).max)
    np.minimum.at(survived, pair, first)
    by_pair = np.bincount(pair, worth * lost, s_count * t_count).reshape(s_count, t_count)
    kw = 0.0 if backup is None else float(solution.value("backup_kw")[0])
    stored_kw, stored_kwh = (
        (float(solution.value("battery_kw")[0]), float(solution.value("battery_kwh")[0])) if stores else (0.0, 0.0)
    )
    return OutageCost(
        expected_usd=float(outages.probability_frac @ by_pair.max(axis=1)),
        dearest_usd=by_pair.max(axis=1),
        unserved_kwh=np.asarray(step_h * np.bincount(pair, lost, s_count * t_count)).reshape(s_count, t_count),
        survived_steps=survived.reshape(s_count, t_count),
        backup_kw=kw,
        backup_usd=0.0 if backup is None else kw * backup.usd_per_kw,
        fuel_usd=0.0 if backup is None else float(outages.probability_frac @ solution.value("fuel")),
        battery_kw=stored_kw,
        battery_kwh=stored_kwh,
        battery_usd=0.0 if battery is None else stored_kw * battery.usd_per_kw + stored_kwh * battery.usd_per_kwh,
    )


def _of_pair(block: Block, s_count: int, t_count: int) -> IntArray:
    return np.repeat(block.index, t_count)


def _add_backup(model: Model, backup: Backup, outages: Outages, pair: IntArray, count: int, step_h: float) -> Block:
    s_count, t_count = outages.duration_steps.size, outages.start_step.size
    size = model.add_columns(
        "backup_kw", 1, lower=backup.kw_min, upper=backup.kw_max, cost=backup.usd_per_kw, unit="kW",
        sentence="size of the backup", relaxable=bool(np.isfinite(backup.kw_max)),
    )  # fmt: skip
    run = model.add_columns("run", count, unit="kW", sentence="output of the backup")
    fuel = model.add_columns("fuel", s_count, cost=outages.probability_frac, unit="USD")
    model.add_rows("rating", count, upper=0.0, terms=[(None, run, 1.0), (None, size, -1.0)], unit="kW")
    pairs = np.arange(s_count * t_count)
    model.add_rows(
        "fuel_rows", pairs.size, lower=0.0,
        terms=[(pair, run, -step_h * backup.usd_per_kwh), (pairs, _of_pair(fuel, s_count, t_count), 1.0)],
    )  # fmt: skip
    model.add_rows(
        "fuel_on_site", pairs.size, upper=backup.kwh_max_per_outage, terms=[(pair, run, step_h)], unit="kWh",
        sentence="the backup burns no more than the fuel on site", relaxable=True,
    )  # fmt: skip
    return run
