"""The block ``swings`` of an energy file: what each way of smoothing needs and costs, for a reader or a machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kiban.catalog import Catalog, load_catalog
from kiban.energy.smoothing import BATTERY, STAGGER, Option, Storage, Terms, cheapest, shared, smoothing_options
from kiban.energy.smoothing_rows import ballast_terms, cell_life, rack_storage
from kiban.energy.swings import Limits, Swing
from kiban.report.swing_views import WAY_WORDS
from kiban.scenario.energy_extra_parts import SwingsPart
from kiban.scenario.energy_load import LoadedEnergy
from kiban.units.numbers import significant, usd

BATTERY_LIFE = "tech.battery_4h.life_years"
STAGGER_LOSS = "smoothing.stagger.loss_frac"


@dataclass(frozen=True)
class _AsPrinted:
    """Rows of the catalogue in the money they are printed in: an energy file has no price year."""

    catalog: Catalog

    def value(self, key: str) -> float:
        return self.catalog.value(key)

    def usd(self, key: str) -> float:
        return self.catalog.value(key)


def file_options(loaded: LoadedEnergy) -> tuple[Swing, tuple[Option, ...]]:
    """Swings of the file's jobs and every way to smooth them; the form must have the block."""
    part = loaded.form.swings
    if part is None:
        raise ValueError("the file has no block swings")
    swing = swing_of(part)
    ramp = np.inf if part.ramp_mw_per_min is None else part.ramp_mw_per_min / 60
    limits = Limits(ramp, np.inf if part.amplitude_mw is None else part.amplitude_mw)
    return swing, smoothing_options(swing, shared(swing, limits), _terms(loaded, part))


def swing_of(part: SwingsPart) -> Swing:
    """The jobs of a file as one swing, (J,) each."""
    high, low, step, pause, edge = (
        np.array([float(getattr(j, f)) for j in part.jobs])
        for f in ("high_mw", "low_mw", "step_s", "pause_s", "edge_s")
    )
    return Swing(high, low, step, 1 - pause / step, edge)


def battery_reserve(loaded: LoadedEnergy) -> tuple[float, float]:
    """Power and energy that the file's battery holds back: what its own block says, and what ``swings`` asks for.

    Result: MW, MWh. A job may reach its extreme content at any moment, so that the energy of a step is held at both
    ends.
    """
    form = loaded.form
    if form.battery is None:
        return 0.0, 0.0
    power, energy = form.battery.reserve_mw, form.battery.reserve_mwh
    if form.swings is not None and form.swings.reserve:
        share = next(o for o in file_options(loaded)[1] if o.way == BATTERY)
        power, energy = power + float(share.power_mw.sum()), energy + float(share.cycled_mwh.sum())
    return power, energy


def _terms(loaded: LoadedEnergy, part: SwingsPart) -> Terms:
    rows, form = _AsPrinted(load_catalog()), loaded.form
    price = part.energy_usd_per_mwh
    if price is None:
        adder = form.connection.adder_usd_per_mwh if form.connection else 0.0
        price = float(loaded.array("series.price_usd_per_mwh").mean()) + adder
    work = part.work_usd_per_it_mwh
    return Terms(
        energy_usd_per_mwh=price,
        rack=rack_storage(rows, part.discount_frac),
        battery=_battery(loaded, rows),
        running_frac=np.array([float(j.running_frac) for j in part.jobs]),
        pue=part.pue,
        **ballast_terms(rows, part.discount_frac),
        floor_max_mw=np.inf if part.floor_max_mw is None else part.floor_max_mw,
        groups_max=part.groups_max,
        stagger_loss_frac=rows.value(STAGGER_LOSS),
        work_usd_per_it_mwh=np.nan if work is None else work,
    )


def _battery(loaded: LoadedEnergy, rows: _AsPrinted) -> Storage:
    battery = loaded.form.battery
    if battery is None:
        return Storage(np.nan, np.nan)
    life = cell_life(rows, rows.value(BATTERY_LIFE))
    if battery.hours is not None:
        life["mw_max_per_mwh"] = 1 / battery.hours
    trip = battery.charge_frac * battery.discharge_frac
    return Storage(battery.usd_per_mw_year, battery.usd_per_mwh_year, round_trip_frac=trip, **life)


def swings_data(loaded: LoadedEnergy) -> dict[str, Any] | None:
    """The ways as plain data by job, the sum of all jobs, and what the battery holds back; None without the block."""
    part = loaded.form.swings
    if part is None:
        return None
    swing, options = file_options(loaded)
    best = cheapest(options)
    reserve = battery_reserve(loaded)
    return {
        "ramp_limit_mw_per_min": part.ramp_mw_per_min,
        "amplitude_limit_mw": part.amplitude_mw,
        "groups_max": part.groups_max,
        "swing_mw": float(swing.amplitude_mw.sum()),
        "jobs": [
            {
                "name": job.name,
                "swing_mw": float(swing.amplitude_mw[i]),
                "ramp_mw_per_s": float(swing.ramp_mw_per_s[i]) if np.isfinite(swing.ramp_mw_per_s[i]) else None,
                "cheapest": options[best[i]].way if best[i] >= 0 else None,
                "ways": [_way(o, i) for o in options],
            }
            for i, job in enumerate(part.jobs)
        ],
        "battery_reserve_mw": reserve[0],
        "battery_reserve_mwh": reserve[1],
    }


_NUMBERS = (
    "power_mw", "energy_mwh", "cycled_mwh", "groups", "lost_mwh_per_year", "capital_usd", "usd_per_year",
    "usd_per_it_mwh",
)  # fmt: skip


def _way(option: Option, at: int) -> dict[str, Any]:
    found: dict[str, Any] = {"way": option.way, "feasible": bool(option.feasible[at])}
    for name in _NUMBERS:
        value = float(getattr(option, name)[at])
        found[name] = value if np.isfinite(value) else None
    return found


def swing_tables(data: Mapping[str, Any] | None) -> list[tuple[str, list[str], list[list[str]]]]:
    """Title, head and rows of one table for each job."""
    if data is None:
        return []
    head = ["", "MW", "MWh", "lost, MWh a year", "capital", "a year", "USD/MWh of IT", ""]
    return [
        (f"Smoothing {job['name']}: {significant(job['swing_mw'])} MW within a step", head,
         [_row(way, job["cheapest"], data["groups_max"]) for way in job["ways"]])
        for job in data["jobs"]
    ]  # fmt: skip


def _row(way: Mapping[str, Any], best: str | None, most: float) -> list[str]:
    def money(name: str) -> str:
        return "" if way[name] is None else usd(way[name])

    def number(name: str) -> str:
        return significant(way[name]) if way[name] else ""

    capital = "" if way["way"] == STAGGER else money("capital_usd")
    each = "" if way["usd_per_it_mwh"] is None else significant(way["usd_per_it_mwh"])
    return [
        WAY_WORDS[way["way"]], number("power_mw"), number("energy_mwh"), number("lost_mwh_per_year"),
        capital, money("usd_per_year"), each, _verdict(way, best, most),
    ]  # fmt: skip


def _verdict(way: Mapping[str, Any], best: str | None, most: float) -> str:
    """Why a way is not possible, or that it is the cheapest."""
    known = way["usd_per_year"] is not None
    if way["way"] == BATTERY and not known:
        return "the file has no battery"
    word = "cheapest" if way["way"] == best else "" if way["feasible"] else "not possible"
    if way["way"] != STAGGER or way["groups"] == 1:
        return word
    if way["groups"] is None or way["groups"] > most:
        return "not possible" if way["groups"] is None else f"not possible: {way['groups']:,.0f} groups"
    return f"{way['groups']:,.0f} groups; {word if known else 'worth of the work not given'}".removesuffix("; ")
