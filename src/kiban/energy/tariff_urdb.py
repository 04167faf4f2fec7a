"""A rate of the Utility Rate Database, as parsed JSON, to a tariff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiban.energy.tariff import MONTHS, DemandPeriod, Ratchet, Tariff, Tiers, month_of_steps

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

DAYS_PER_MONTH = 365.25 / MONTHS
"""Charges per day are turned into charges per month at 30.4375 days, as REopt does."""
_READ = {
    "energyratestructure", "energyweekdayschedule", "energyweekendschedule", "demandratestructure",
    "demandweekdayschedule", "demandweekendschedule", "flatdemandstructure", "flatdemandmonths", "fixedmonthlycharge",
    "fixedchargefirstmeter", "fixedchargeunits", "mincharge", "minchargeunits", "lookbackmonths", "lookbackpercent",
    "lookbackrange",
}  # fmt: skip
_WORDS = {
    "label", "name", "utility", "startdate", "enddate", "voltagecategory", "description", "basicinformationcomments",
    "energycomments", "demandcomments", "uri", "source", "sourceparent", "sector", "eiaid", "revisions", "approved",
    "supercedes", "phasewiring", "servicetype", "flatdemandunit", "demandunits", "demandrateunit",
    "demandwindow", "dgrules", "country", "latest_update", "is_default", "peakkwcapacitymin", "peakkwcapacitymax",
    "peakkwcapacityhistory", "peakkwhusagemin", "peakkwhusagemax", "peakkwhusagehistory", "voltageminimum",
    "voltagemaximum", "usenetmetering",
}  # fmt: skip


def unread(rate: Mapping[str, Any]) -> list[str]:
    """Keys of a rate that are neither used nor plain words: what the tariff leaves out."""
    return sorted(k for k, v in rate.items() if k not in _READ | _WORDS and _says_something(v))


def _says_something(value: Any) -> bool:
    if isinstance(value, list):
        return any(_says_something(v) for v in value)
    return value not in (None, "", 0, {})


def tariff_of_urdb(rate: Mapping[str, Any], year: int, steps_per_hour: int = 1) -> Tariff:
    """Turn a rate into a tariff.

    Arguments: the rate as JSON (schedules of 12 x 24 periods for weekdays and weekends, structures of tiers); year,
    which says what day is a weekend; steps per hour. Result: the tariff; 31 December of a leap year is left out, as
    in REopt. A tier ends at its ``max``, counted from zero. Errors: ValueError naming the part that cannot be read.
    """
    hour_month = month_of_steps()
    weekend = _weekend(year)
    energy = _schedule(rate, "energy", weekend, hour_month)
    structure = _same_length(_need(rate, "energyratestructure"))
    rates = np.array([[_rate(t) for t in period] for period in structure])
    tops = [_tiers(period) for period in structure]
    for period in structure:
        for tier in period:
            if str(tier.get("unit", "kWh")) != "kWh":
                raise ValueError(f"energyratestructure: tiers in {tier['unit']!r}; only kWh is known")
    first = np.array([np.flatnonzero(hour_month == m)[0] for m in range(MONTHS)])
    sell = np.array([[float(t.get("sell", 0.0) or 0.0) for t in period] for period in structure])
    fixed, least_month, least_year = _fixed(rate)
    again = np.repeat(np.arange(hour_month.size), steps_per_hour)
    credit = sell[energy].max(axis=1)[again]
    return Tariff(
        step_month=hour_month[again],
        step_h=1.0 / steps_per_hour,
        energy_usd_per_kwh=rates[energy][again],
        energy_tiers=tuple(tops[energy[h]] for h in first),
        monthly_demand=_monthly(rate, hour_month[again]),
        demand=_time_of_use(rate, weekend, hour_month, again),
        ratchet=_ratchet(rate),
        fixed_usd_per_month=fixed,
        minimum_usd_per_month=least_month,
        minimum_usd_per_year=least_year,
        export_usd_per_kwh=credit if credit.any() else None,
        names={k: str(rate[k]) for k in ("utility", "name", "label") if rate.get(k)},
    )


def _need(rate: Mapping[str, Any], key: str) -> Any:
    if not rate.get(key):
        raise ValueError(f"the rate has no {key}")
    return rate[key]


def _weekend(year: int) -> NDArray[np.bool_]:
    """(8760,) whether an hour is on a Saturday or Sunday."""
    days = [d for k in range(366) if (d := date(year, 1, 1) + timedelta(days=k)).year == year][:365]
    return np.repeat(np.array([d.weekday() >= 5 for d in days]), 24)


def _schedule(rate: Mapping[str, Any], kind: str, weekend: NDArray[np.bool_], hour_month: IntArray) -> IntArray:
    """(8760,) period of each hour."""
    tables = []
    for days in ("weekday", "weekend"):
        table = np.asarray(_need(rate, f"{kind}{days}schedule"))
        if table.shape != (MONTHS, 24):
            raise ValueError(f"{kind}{days}schedule: 12 months of 24 hours are needed, found shape {table.shape}")
        tables.append(table.astype(np.int64))
    clock = np.arange(hour_month.size) % 24
    return np.where(weekend, tables[1][hour_month, clock], tables[0][hour_month, clock])


def _same_length(structure: Sequence[Sequence[Mapping[str, Any]]]) -> list[list[Mapping[str, Any]]]:
    """Give every period as many tiers, repeating its last: a period with one tier has that rate throughout."""
    most = max(len(period) for period in structure)
    return [[*period, *[period[-1]] * (most - len(period))] for period in structure]


def _rate(tier: Mapping[str, Any]) -> float:
    return round(float(tier.get("rate", 0.0) or 0.0) + float(tier.get("adj", 0.0) or 0.0), 6)


def _tiers(period: Sequence[Mapping[str, Any]]) -> Tiers:
    top = np.array([float(t.get("max", np.inf) or np.inf) for t in period])
    top[-1] = np.inf
    return Tiers(np.maximum.accumulate(top))


def _monthly(rate: Mapping[str, Any], step_month: IntArray) -> tuple[DemandPeriod, ...]:
    if not rate.get("flatdemandstructure") or not rate.get("flatdemandmonths"):
        return ()
    structure = rate["flatdemandstructure"]
    found = []
    for month, period in enumerate(rate["flatdemandmonths"]):
        tiers = structure[int(period)]
        usd = np.array([_rate(t) for t in tiers])
        found.append(DemandPeriod(np.flatnonzero(step_month == month), _tiers(tiers), usd, month, "facility"))
    return tuple(found)


def _time_of_use(
    rate: Mapping[str, Any], weekend: NDArray[np.bool_], hour_month: IntArray, again: IntArray
) -> tuple[DemandPeriod, ...]:
    if not rate.get("demandratestructure"):
        return ()
    period_of = _schedule(rate, "demand", weekend, hour_month)[again]
    month = hour_month[again]
    found = []
    for m in range(MONTHS):
        for p, tiers in enumerate(rate["demandratestructure"]):
            steps = np.flatnonzero((month == m) & (period_of == p))
            if steps.size:
                found.append(DemandPeriod(steps, _tiers(tiers), np.array([_rate(t) for t in tiers]), m))
    return tuple(found)


def _ratchet(rate: Mapping[str, Any]) -> Ratchet | None:
    share = float(rate.get("lookbackpercent", 0.0) or 0.0)
    if share <= 0:
        return None
    back = int(rate.get("lookbackrange", 0) or 0)
    if back:
        return Ratchet(share, previous=back)
    months = tuple(m for m, on in enumerate(rate.get("lookbackmonths", ())) if on)
    return Ratchet(share, months) if months else None


def _fixed(rate: Mapping[str, Any]) -> tuple[float, float, float]:
    """Fixed charge per month, least charge per month and per year."""
    per_month = {"$/month": 1.0, "$/day": DAYS_PER_MONTH, "$/year": 1.0 / MONTHS}
    fixed = float(rate.get("fixedmonthlycharge", 0.0) or 0.0)
    if not fixed:
        fixed = float(rate.get("fixedchargefirstmeter", 0.0) or 0.0) * per_month.get(
            rate.get("fixedchargeunits", ""), 0.0
        )
    least, unit = float(rate.get("mincharge", 0.0) or 0.0), rate.get("minchargeunits", "")
    if unit == "$/year":
        return fixed, 0.0, least
    return fixed, least * per_month.get(unit, 0.0), 0.0
