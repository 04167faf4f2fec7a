"""Rows of the dispatch: balances, storage, plant, flexible load, demand peaks."""

from __future__ import annotations

import numpy as np

from kiban.energy.dispatch.builder import Builder, Terms
from kiban.energy.dispatch.parts import DemandCharge
from kiban.solve import Block


def add_rows(b: Builder) -> None:
    """Add all rows but those of the rules for clean energy."""
    _balance_rows(b)
    _storage_rows(b)
    _plant_rows(b)
    _flexible_rows(b)
    _peak_rows(b)


def _balance_rows(b: Builder) -> None:
    case, n = b.case, b.case.axis.count
    for s in case.sources:
        if s.partly_unclean:
            unused, size = b.names[f"{s.name}_unused"], b.names[f"{s.name}_mw"]
            b.row(
                f"{s.name}_unused_rows", n, [(None, unused, 1.0), (None, size, -s.profile_frac)],
                f"no more of {s.name} is thrown away than it makes", "thrown away <= output", upper=0.0,
            )  # fmt: skip
    own = [s for s in case.sources if s.at == "site"]
    signs = {"inflow": 1.0, "outflow": -1.0, "discharge": 1.0, "charge": -1.0, "cut": 1.0, "unserved": 1.0}
    signs |= {f"{p.name}_run": 1.0 for p in case.plants}
    site = b.flows(signs)
    words = "supply covers the load in every hour"
    b.row("site", n, [*site, *b.output(own)], words, "inflow + on site = load", lower=case.load_mw)
    if case.grid is None:
        return
    market = b.flows({"purchase": 1.0, "outflow": 1.0, "sold": -1.0, "inflow": -1.0})
    if b.contracts:
        words = "what comes through the connection is bought or contracted"
        b.row(
            "market",
            n,
            [*market, *b.output(b.contracts)],
            words,
            "purchase + contracted >= inflow",
            lower=0.0,
        )
    paid = np.flatnonzero(case.grid.price_usd_per_mwh < 0)
    if paid.size:
        words = "only own output is thrown away, not energy one is paid to take"
        for name, terms, top in (("site", site, case.load_mw[paid]), ("market", market, np.zeros(paid.size))):
            if name == "site" or b.contracts:
                some: Terms = [
                    (None, np.asarray(block.index if isinstance(block, Block) else block)[paid], v)
                    for _, block, v in terms
                ]
                b.row(f"{name}_dump", paid.size, some, words, "slack <= own output", upper=top)


def _storage_rows(b: Builder) -> None:
    battery, axis, names = b.case.battery, b.case.axis, b.names
    if battery is None:
        return
    n, h = axis.count, axis.step_h
    kept = (1 - battery.self_discharge_frac_per_h) ** h
    b.row(
        "state_balance", n,
        [(None, names["state"], 1.0), (None, names["state"][axis.previous], -kept),
         (None, names["charge"], -h * battery.charge_frac), (None, names["discharge"], h / battery.discharge_frac)],
        "the battery keeps what it is given and ends where it began", "state = state before + in - out",
        lower=0.0, upper=0.0, unit="MWh",
    )  # fmt: skip
    b.row(
        "battery_power", n,
        [(None, names["charge"], 1.0), (None, names["discharge"], 1.0), (None, names["battery_mw"], -1.0)],
        "the battery stays within its power", "charge + discharge + reserve <= MW", upper=-battery.reserve_mw,
    )  # fmt: skip
    size, factor = ("battery_mwh", 1.0) if battery.hours is None else ("battery_mw", battery.hours)
    b.row(
        "battery_energy", n,
        [(None, names["state"], 1.0), (None, names[size], -factor * battery.usable_frac)],
        "the battery stays within its energy", "state + reserve <= usable MWh",
        upper=-battery.reserve_mwh, unit="MWh",
    )  # fmt: skip


def _plant_rows(b: Builder) -> None:
    axis = b.case.axis
    for plant in b.case.plants:
        run, size = b.names[f"{plant.name}_run"], b.names[f"{plant.name}_mw"]
        free = np.broadcast_to(np.asarray(plant.available_frac, dtype=np.float64), (axis.count,))
        b.row(
            f"{plant.name}_power", axis.count, [(None, run, 1.0), (None, size, -free)],
            f"{plant.name} stays within its rating", "run <= available x MW", upper=0.0,
        )  # fmt: skip
        if np.isfinite(plant.hours_max_per_year):
            b.row(
                f"{plant.name}_hours", axis.years,
                [(axis.year, run, axis.weight_h), (np.arange(axis.years), size, -plant.hours_max_per_year)],
                f"{plant.name} runs no more hours than allowed", "sum run <= hours x MW", upper=0.0, unit="MWh",
            )  # fmt: skip
        if np.isfinite(plant.ramp_frac_per_h):
            step = plant.ramp_frac_per_h * axis.step_h
            for name, sign in (("up", 1.0), ("down", -1.0)):
                b.row(
                    f"{plant.name}_ramp_{name}", axis.count,
                    [(None, run, sign), (None, run.index[axis.previous], -sign), (None, size, -step)],
                    f"{plant.name} changes no faster than it can", "change <= ramp x MW", upper=0.0,
                )  # fmt: skip


def _flexible_rows(b: Builder) -> None:
    flexible, axis = b.case.flexible, b.case.axis
    if flexible is None:
        return
    cut = b.names["cut"]
    if np.isfinite(flexible.hours_max_per_year):
        year_load = np.bincount(axis.year, axis.weight_h * b.case.load_mw, axis.years)
        mean = year_load / np.bincount(axis.year, axis.weight_h, axis.years)
        b.row(
            "cut_hours", axis.years, [(axis.year, cut, axis.weight_h)], "cuts stay within their hours",
            "sum cut <= hours x depth", upper=flexible.hours_max_per_year * flexible.frac * mean, unit="MWh",
        )  # fmt: skip
    if flexible.notice_h > axis.step_h:
        b.row(
            "cut_notice", axis.count, [(None, cut, 1.0), (None, cut.index[axis.previous], -1.0)],
            "a cut deepens no faster than notice allows", "rise of cut <= depth / notice",
            upper=flexible.frac * b.case.load_mw * axis.step_h / flexible.notice_h,
        )  # fmt: skip


def _peak_rows(b: Builder) -> None:
    grid = b.case.grid
    for charge in () if grid is None else grid.charges:
        _one_charge(b, charge)


def _one_charge(b: Builder, charge: DemandCharge) -> None:
    axis = b.case.axis
    span = axis.month if charge.each == "month" else axis.year
    count = int(span.max()) + 1
    cost = charge.usd_per_mw * axis.charge_weight(charge.each)
    peak = b.add(f"{charge.name}_peak", count, f"largest import of the {charge.each}", cost)
    steps = np.arange(axis.count) if charge.active is None else np.flatnonzero(charge.active)
    b.row(
        f"{charge.name}_rows", steps.size,
        [(None, b.names["inflow"][steps], 1.0), (None, peak[span[steps]], -1.0)],
        "the peak is the largest import", "inflow <= peak", upper=0.0,
    )  # fmt: skip
