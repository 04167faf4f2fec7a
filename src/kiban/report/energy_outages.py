"""The block ``outages`` of an energy file: what outages cost, and the backup that is worth buying against them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiban.energy.dispatch import Answer, Case
from kiban.energy.outage_battery import BackupBattery
from kiban.energy.outages import Backup, OutageCost, Outages, outage_cost
from kiban.scenario.energy_extra_parts import BackupBatteryPart, BackupPart, OutagesPart
from kiban.scenario.energy_load import LoadedEnergy
from kiban.units import HOURS_PER_YEAR
from kiban.units.numbers import significant, usd

Array = NDArray[np.float64]

KW_PER_MW = 1e3
MOST_STEPS = 60_000
"""Hours of all outages together that the programme takes."""


def outage_problems(loaded: LoadedEnergy) -> list[str]:
    """What is wrong with the block beyond its form, one reason each."""
    part = loaded.form.outages
    if part is None:
        return []
    starts = -(-HOURS_PER_YEAR // part.every_h)
    steps = starts * sum(part.durations_h)
    found = []
    if steps > MOST_STEPS:
        found.append(
            f"outages: {starts:,} starts of {sum(part.durations_h):,} hours are {steps:,} hours, at most "
            f"{MOST_STEPS:,} allowed; raise every_h"
        )
    return found


def outages_data(loaded: LoadedEnergy, case: Case, answer: Answer) -> dict[str, Any] | None:
    """Cost of outages with and without backup, and the backup bought; None without the block.

    Arguments: file; case; the answer whose own sources and battery an outage meets. Errors: Infeasible where survival
    is asked and nothing can give it.
    """
    part = loaded.form.outages
    if part is None:
        return None
    first = slice(0, HOURS_PER_YEAR)
    critical = KW_PER_MW * part.critical_frac * case.load_mw[first]
    other = np.zeros(critical.size)
    for source in case.sources:
        if source.at == "site":
            other = other + KW_PER_MW * answer.size_mw[source.name] * source.profile_frac[first]
    worth = part.lost_load_usd_per_mwh / KW_PER_MW
    bare = outage_cost(critical, worth, _outages(part, 0), part.present_worth, other_kw=other)
    found = outage_cost(
        critical, worth, _outages(part, part.survive_h), part.present_worth, _backup(part.generator), other,
        battery=_battery(part.battery, loaded, answer),
    )  # fmt: skip
    return {
        "without_backup_usd": bare.expected_usd,
        "lost_load_usd": found.expected_usd,
        "generator_mw": found.backup_kw / KW_PER_MW,
        "generator_usd": found.backup_usd,
        "fuel_usd": found.fuel_usd,
        "battery_mw": found.battery_kw / KW_PER_MW,
        "battery_mwh": found.battery_kwh / KW_PER_MW,
        "battery_usd": found.battery_usd,
        "total_usd": found.expected_usd + found.backup_usd + found.fuel_usd + found.battery_usd,
        "durations": _by_duration(part, found),
    }


def _outages(part: OutagesPart, survive_h: int) -> Outages:
    return Outages(
        np.arange(0, HOURS_PER_YEAR, part.every_h), np.array(part.durations_h),
        np.array(part.probability_frac, dtype=np.float64), survive_h,
    )  # fmt: skip


def _by_duration(part: OutagesPart, found: OutageCost) -> list[dict[str, Any]]:
    return [
        {
            "duration_h": hours,
            "probability_frac": part.probability_frac[i],
            "unserved_mean_mwh": float(found.unserved_kwh[i].mean()) / KW_PER_MW,
            "unserved_most_mwh": float(found.unserved_kwh[i].max()) / KW_PER_MW,
            "survived_least_h": int(found.survived_steps[i].min()),
        }
        for i, hours in enumerate(part.durations_h)
    ]


def _open(value: float | None) -> float:
    return np.inf if value is None else value * KW_PER_MW


def _backup(part: BackupPart | None) -> Backup | None:
    if part is None:
        return None
    return Backup(
        part.usd_per_mw / KW_PER_MW, part.usd_per_mwh / KW_PER_MW, kw_max=_open(part.mw_max),
        kwh_max_per_outage=_open(part.fuel_mwh),
    )  # fmt: skip


def _battery(part: BackupBatteryPart | None, loaded: LoadedEnergy, answer: Answer) -> BackupBattery | None:
    if part is None:
        return None
    start: Array | float
    if isinstance(part.start_frac, str):
        start = _stored_frac(answer, part.least_frac)
        start = start if part.start_frac == "dispatch" else float(start.min())
    else:
        start = part.start_frac
    return BackupBattery(
        part.usd_per_mw / KW_PER_MW, part.usd_per_mwh / KW_PER_MW, kw_max=_open(part.mw_max),
        kwh_max=_open(part.mwh_max), charge_frac=part.charge_frac, discharge_frac=part.discharge_frac,
        start_frac=start, least_frac=part.least_frac,
    )  # fmt: skip


def _stored_frac(answer: Answer, least_frac: float) -> Array:
    """Share that the file's battery holds at the beginning of each hour, (8760,); the least where none is built."""
    if answer.battery_mwh <= 1e-6:
        return np.full(HOURS_PER_YEAR, least_frac)
    # The dispatch tells the content at the end of an hour.
    before = np.roll(answer.state_mwh, 1)[:HOURS_PER_YEAR]
    return np.clip(before / answer.battery_mwh, least_frac, 1.0)


def outage_tables(data: Mapping[str, Any] | None) -> list[tuple[str, list[str], list[list[str]]]]:
    """Title, head and rows of the tables of outages."""
    if data is None:
        return []
    bought = [
        ["lost load without backup", "", usd(data["without_backup_usd"])],
        ["lost load", "", usd(data["lost_load_usd"])],
        ["generator", f"{significant(data['generator_mw'])} MW", usd(data["generator_usd"])],
        ["fuel", "", usd(data["fuel_usd"])],
        ["battery", f"{significant(data['battery_mw'])} MW, {significant(data['battery_mwh'])} MWh",
         usd(data["battery_usd"])],
        ["together", "", usd(data["total_usd"])],
    ]  # fmt: skip
    rows = [
        [
            f"{d['duration_h']} h", f"{d['probability_frac']:.1%}", significant(d["unserved_mean_mwh"]),
            significant(d["unserved_most_mwh"]), f"{d['survived_least_h']} h",
        ]
        for d in data["durations"]
    ]  # fmt: skip
    return [
        ("Outages and backup, present value", ["", "size", "USD"], bought),
        ("Outages by length", ["", "chance", "unserved, mean MWh", "most MWh", "carried at least"], rows),
    ]
