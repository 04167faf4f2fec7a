"""What outages of the grid cost: load not served, and a backup plant and battery sized against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiban.energy.outage_battery import BackupBattery, add_battery
from kiban.solve import Block, Model, Solution, require_optimal

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
_SIZES = ("backup_kw", "battery_kw", "battery_kwh")


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
    battery = battery if battery is not None and battery.is_open else None
    at = _hours(outages, n)
    net = (critical_kw - np.broadcast_to(other_kw, (n,)))[at.step]
    short = np.maximum(net, 0.0)
    lost_usd_per_kwh = np.broadcast_to(np.asarray(lost_load_usd_per_kwh, dtype=np.float64), (n,))[at.step]
    worth = present_worth * step_h * lost_usd_per_kwh
    model = Model("outages")
    must = (at.hour < outages.survive_steps) & (outages.survive_steps <= outages.duration_steps.max())
    unserved = model.add_columns(
        "unserved", at.count, upper=np.where(must, 0.0, short), unit="kW", sentence="load not served", relaxable=True
    )
    dearest = model.add_columns("dearest", at.durations, cost=outages.probability_frac, unit="USD")
    cost_rows: list[tuple[Any, Any, Any]] = [(at.pair, unserved, -worth), (at.pairs, at.each(dearest), 1.0)]
    model.add_rows("dearest_rows", at.pairs.size, lower=0.0, terms=cost_rows)
    every = np.arange(at.count)
    served: list[tuple[Any, Any, Any]] = [(every, unserved, 1.0)]
    if backup is not None:
        served.append((every, _add_backup(model, backup, outages, at, step_h), 1.0))
    if battery is not None:
        flow = add_battery(model, battery, at.hour == 0, outages.start_step[at.start], step_h)
        served += [(every, flow.index[0], 1.0), (every, flow.index[1], -1.0)]
    model.add_rows(
        # Only a battery has a use for what other plant gives beyond the load.
        "load", at.count, lower=short if battery is None else net, terms=served, unit="kW",
        sentence="critical load is served or counted as lost",
    )  # fmt: skip
    solution = require_optimal(model, model.solve())
    lost = solution.value("unserved")
    if backup is not None or battery is not None:
        lost = _least_lost(model, solution, unserved)
    return _result(outages, at, solution, np.maximum(lost, 0.0), worth, step_h, backup, battery)


@dataclass(frozen=True)
class _Hours:
    """Every step of every outage, steps of one outage beside each other."""

    duration: IntArray
    start: IntArray
    hour: IntArray
    """Steps since the outage began."""
    step: IntArray
    """Of the year."""
    durations: int
    starts: int

    @property
    def count(self) -> int:
        return self.step.size

    @property
    def pair(self) -> IntArray:
        """Outage of each step."""
        return np.asarray(self.duration * self.starts + self.start)

    @property
    def pairs(self) -> IntArray:
        """All outages."""
        return np.arange(self.durations * self.starts)

    def each(self, block: Block) -> IntArray:
        """A column of each duration, for every outage."""
        return np.repeat(block.index, self.starts)

    def table(self, values: Array) -> Array:
        """Sum over the steps of each outage, (S, T)."""
        found = np.asarray(np.bincount(self.pair, values, self.pairs.size), dtype=np.float64)
        return found.reshape(self.durations, self.starts)


def _hours(outages: Outages, steps: int) -> _Hours:
    lengths, count = outages.duration_steps, outages.start_step.size
    start = np.concatenate([np.repeat(np.arange(count), d) for d in lengths])
    hour = np.concatenate([np.tile(np.arange(d), count) for d in lengths])
    step = (outages.start_step[start] + hour) % steps
    return _Hours(np.repeat(np.arange(lengths.size), lengths * count), start, hour, step, lengths.size, count)


def _least_lost(model: Model, solution: Solution, unserved: Block) -> Array:
    """Load not served where no outage loses more than it must.

    Only the dearest start of a duration costs anything; the others may lose load that the same plant could serve at no
    cost. With sizes, dearest cost and fuel held, the programme is solved once more for the least load lost.
    """
    for block in model.blocks("columns"):
        model.set_cost(block, 1.0 if block.name == "unserved" else 0.0)
        if block.name in _SIZES:
            found = solution.value(block.name)
            model.set_column_bounds(block, found * (1 - 1e-9), found * (1 + 1e-9))
        elif block.name in ("dearest", "fuel"):
            model.set_column_bounds(block, upper=solution.value(block.name) * (1 + 1e-9) + 1e-6)
    again = model.solve()
    return again.value(unserved.name) if again.status == "optimal" else solution.value(unserved.name)


def _result(
    outages: Outages, at: _Hours, solution: Solution, lost: Array, worth: Array, step_h: float,
    backup: Backup | None, battery: BackupBattery | None,
) -> OutageCost:  # fmt: skip
    first = np.where(lost > 1e-6, at.hour, outages.duration_steps[at.duration])
    survived = np.full(at.pairs.size, np.iinfo(np.int64).max)
    np.minimum.at(survived, at.pair, first)
    dearest = at.table(worth * lost).max(axis=1)
    kw = 0.0 if backup is None else float(solution.value("backup_kw")[0])
    stored_kw, stored_kwh = (
        0.0 if battery is None else float(solution.value(name)[0]) for name in ("battery_kw", "battery_kwh")
    )
    return OutageCost(
        expected_usd=float(outages.probability_frac @ dearest),
        dearest_usd=dearest,
        unserved_kwh=step_h * at.table(lost),
        survived_steps=survived.reshape(at.durations, at.starts),
        backup_kw=kw,
        backup_usd=0.0 if backup is None else kw * backup.usd_per_kw,
        fuel_usd=0.0 if backup is None else float(outages.probability_frac @ solution.value("fuel")),
        battery_kw=stored_kw,
        battery_kwh=stored_kwh,
        battery_usd=0.0 if battery is None else stored_kw * battery.usd_per_kw + stored_kwh * battery.usd_per_kwh,
    )


def _add_backup(model: Model, backup: Backup, outages: Outages, at: _Hours, step_h: float) -> Block:
    size = model.add_columns(
        "backup_kw", 1, lower=backup.kw_min, upper=backup.kw_max, cost=backup.usd_per_kw, unit="kW",
        sentence="size of the backup", relaxable=bool(np.isfinite(backup.kw_max)),
    )  # fmt: skip
    run = model.add_columns("run", at.count, unit="kW", sentence="output of the backup")
    fuel = model.add_columns("fuel", at.durations, cost=outages.probability_frac, unit="USD")
    model.add_rows("rating", at.count, upper=0.0, terms=[(None, run, 1.0), (None, size, -1.0)], unit="kW")
    model.add_rows(
        "fuel_rows", at.pairs.size, lower=0.0,
        terms=[(at.pair, run, -step_h * backup.usd_per_kwh), (at.pairs, at.each(fuel), 1.0)],
    )  # fmt: skip
    model.add_rows(
        "fuel_on_site", at.pairs.size, upper=backup.kwh_max_per_outage, terms=[(at.pair, run, step_h)], unit="kWh",
        sentence="the backup burns no more than the fuel on site", relaxable=True,
    )  # fmt: skip
    return run
