"""A battery that carries a site through outages: what it is, and its rows in the programme of outages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.solve import Block, Model

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class BackupBattery:
    """Storage that serves load in outages; costs are present values over the life of the study."""

    usd_per_kw: float
    """Capital and upkeep of power."""
    usd_per_kwh: float
    """Capital of energy."""
    kw_min: float = 0.0
    kw_max: float = np.inf
    kwh_min: float = 0.0
    kwh_max: float = np.inf
    charge_frac: float = 0.96
    """Efficiency of charging, from surplus of other plant or from the backup plant."""
    discharge_frac: float = 0.96
    start_frac: Array | float = 1.0
    """Share of the energy that is stored when an outage begins: one, or (N,) by step of the year."""
    least_frac: float = 0.0
    """Share of the energy that is never used."""

    @property
    def is_open(self) -> bool:
        """Whether any of it may be bought."""
        return self.kw_max > 0 and self.kwh_max > 0

    def worst(self) -> float:
        """The least share that is ever stored: an outage that waits for the emptiest hour."""
        return float(np.min(self.start_frac))

    def problems(self, steps: int) -> list[str]:
        """What is wrong with the numbers, in words. Arguments: steps of a year."""
        found = [
            f"battery {name}: {value:g} found, above 0 and at most 1 allowed"
            for name, value in (("charge_frac", self.charge_frac), ("discharge_frac", self.discharge_frac))
            if not 0 < value <= 1
        ]
        share = np.asarray(self.start_frac, dtype=np.float64)
        if share.shape not in ((), (steps,)):
            found.append(f"battery start_frac: shape {share.shape} found, a number or {steps} steps allowed")
        elif not (np.isfinite(share).all() and self.least_frac <= share.min() and share.max() <= 1):
            found.append(
                f"battery start_frac: lies in {share.min():g}..{share.max():g}, allowed {self.least_frac:g}..1"
            )
        return found


def add_battery(model: Model, battery: BackupBattery, first: Flags, start: IntArray, step_h: float) -> Block:
    """Add a battery to the programme of outages; every outage finds it filled anew.

    Arguments: model; battery; (N,) whether a step opens its outage, steps of one outage beside each other; (N,) step
    of the year at which that outage began; step length. Result: block (2, N): discharge less charge serve the load.
    Equation: content = content before + h (e_c charge - discharge / e_d), at the start start_frac x size;
    least_frac x size <= content <= size; charge + discharge <= power. Origin: worked by hand; the form of REopt's
    storage in outages (add_MG_storage_dispatch_constraints, NREL/REopt.jl). Validity: constant efficiencies, no
    self-discharge.
    """
    n = first.size
    every = np.arange(n)
    kw = model.add_columns(
        "battery_kw", 1, lower=battery.kw_min, upper=battery.kw_max, cost=battery.usd_per_kw, unit="kW",
        sentence="power of the battery", relaxable=bool(np.isfinite(battery.kw_max)),
    )  # fmt: skip
    kwh = model.add_columns(
        "battery_kwh", 1, lower=battery.kwh_min, upper=battery.kwh_max, cost=battery.usd_per_kwh, unit="kWh",
        sentence="energy of the battery", relaxable=bool(np.isfinite(battery.kwh_max)),
    )  # fmt: skip
    flow = model.add_columns("battery_flow", (2, n), unit="kW", sentence="discharge and charge of the battery")
    content = model.add_columns("battery_content", n, unit="kWh", sentence="content of the battery")
    given = np.asarray(battery.start_frac, dtype=np.float64)
    share = given[start] if given.ndim else np.full(n, given)
    later = np.flatnonzero(~first)
    opens = np.flatnonzero(first)
    model.add_rows(
        "battery_balance", n, lower=0.0, upper=0.0, unit="kWh",
        terms=[
            (None, content, 1.0),
            (later, content.index[later - 1], -1.0),
            (opens, np.broadcast_to(kwh.index, opens.shape), -share[opens]),
            (every, flow.index[0], step_h / battery.discharge_frac),
            (every, flow.index[1], -step_h * battery.charge_frac),
        ],
    )  # fmt: skip
    model.add_rows("battery_full", n, upper=0.0, terms=[(None, content, 1.0), (None, kwh, -1.0)], unit="kWh")
    model.add_rows(
        "battery_empty", n, lower=0.0, terms=[(None, content, 1.0), (None, kwh, -battery.least_frac)], unit="kWh"
    )
    model.add_rows(
        "battery_power", n, upper=0.0, unit="kW",
        terms=[(every, flow.index[0], 1.0), (every, flow.index[1], 1.0), (None, kw, -1.0)],
    )  # fmt: skip
    return flow
