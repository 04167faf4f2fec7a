"""A scenario of REopt, as parsed JSON, to a load, a tariff, outages and money; what is not read is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiban.energy.outages import Backup, Outages
from kiban.energy.tariff import MONTHS, CoincidentPeak, Ratchet, Tariff, flat_tariff, month_of_steps
from kiban.energy.tariff_urdb import tariff_of_urdb, unread
from kiban.units import HOURS_PER_YEAR

Array = NDArray[np.float64]

FINANCIAL = {
    "analysis_years": 25,
    "elec_cost_escalation_rate_fraction": 0.0166,
    "offtaker_discount_rate_fraction": 0.0624,
    "offtaker_tax_rate_fraction": 0.26,
    "om_cost_escalation_rate_fraction": 0.025,
    "value_of_lost_load_per_kwh": 1.0,
    "microgrid_upgrade_cost_fraction": 0.0,
}
"""Defaults of REopt.jl before version 0.57 (src/core/financial.jl)."""
GENERATOR = {
    "min_kw": 0.0, "max_kw": 1e6, "existing_kw": 0.0, "installed_cost_per_kw": 650.0, "om_cost_per_kw": 20.0,
    "fuel_cost_per_gallon": 2.25, "electric_efficiency_full_load": 0.322, "fuel_avail_gal": 1e9,
    "fuel_higher_heating_value_kwh_per_gal": 40.7,
}  # fmt: skip
"""Defaults of a generator that only runs in outages (src/core/generator.jl)."""
_YEAR_OF_REFERENCE_LOADS = 2017
_SHIFTS = {"16": range(6, 22), "8": range(9, 17), "24": range(24)}
_READ: dict[str, set[str]] = {
    "Site": {"longitude", "latitude", "min_resil_time_steps", "node"},
    "Settings": {"time_steps_per_hour", "off_grid_flag", "add_soc_incentive", "run_bau", "solver_name"},
    "ElectricLoad": {
        "doe_reference_name", "annual_kwh", "loads_kw", "monthly_totals_kwh", "year", "city", "critical_load_fraction",
        "critical_loads_kw",
    },
    "ElectricTariff": {
        "urdb_response", "monthly_energy_rates", "monthly_demand_rates", "blended_annual_energy_rate",
        "blended_annual_demand_rate", "tou_energy_rates_per_kwh", "add_monthly_rates_to_urdb_rate",
        "add_tou_energy_rates_to_urdb_rate", "coincident_peak_load_active_time_steps",
        "coincident_peak_load_charge_per_kw", "demand_lookback_months", "demand_lookback_percent",
        "demand_lookback_range",
    },
    "ElectricUtility": {"outage_start_time_steps", "outage_durations", "outage_probabilities"},
    "Financial": set(FINANCIAL),
    "Generator": set(GENERATOR),
}  # fmt: skip
_NO_PLANT = ("PV", "Wind", "ElectricStorage", "CHP", "Generator", "SteamTurbine", "GHP")


class ReoptError(ValueError):
    """The scenario cannot be read; one line per reason."""


@dataclass(frozen=True)
class ReoptCase:
    """What kiban takes from a REopt scenario."""

    load_kw: Array
    critical_kw: Array
    tariff: Tariff
    outages: Outages | None
    backup: Backup | None
    lost_load_usd_per_kwh: float | Array
    steps_per_hour: int
    years: int
    escalation_frac: float
    discount_frac: float
    tax_frac: float
    left_out: tuple[str, ...]
    """``Section.key`` of everything in the file that is not modelled here."""

    @property
    def present_worth(self) -> float:
        """Present worth of one unit a year that grows from the first year on."""
        return present_worth(self.years, self.escalation_frac, self.discount_frac)


def present_worth(years: int, escalation_frac: float, discount_frac: float) -> float:
    """Sum over t = 1..n of ((1 + e) / (1 + d))^t, to five digits as REopt rounds it.

    Origin: REopt.jl src/core/utils.jl, ``annuity``: growth counts in the first year too.
    """
    ratio = (1 + escalation_frac) / (1 + discount_frac)
    return float(years) if ratio == 1 else round(ratio * (1 - ratio**years) / (1 - ratio), 5)


def read_reopt(text: Mapping[str, Any]) -> ReoptCase:
    """Read a scenario; raises ReoptError with every reason why it cannot be read, one per line."""
    problems: list[str] = []

    def part(reader: Any, *args: Any) -> Any:
        try:
            return reader(*args)
        except (ValueError, TypeError, KeyError) as error:
            problems.extend(str(error).splitlines())
            return None

    steps = int(text.get("Settings", {}).get("time_steps_per_hour", 1) or 1)
    for name in ("PV", "Wind", "ElectricStorage", "CHP", "SteamTurbine", "GHP"):
        for one in _plants(text, name):
            if float(one.get("max_kw", 1.0) or 0.0) > 0:
                problems.append(
                    f"{name}: plant of this kind is not read from REopt files (set max_kw to 0 to leave it out)"
                )
    loads = part(_loads, text.get("ElectricLoad", {}), steps)
    year = int(text.get("ElectricLoad", {}).get("year") or _YEAR_OF_REFERENCE_LOADS)
    tariff = part(_tariff, text.get("ElectricTariff", {}), year, steps)
    money = {**FINANCIAL, **{k: v for k, v in text.get("Financial", {}).items() if v is not None}}
    outages = part(_outages, text, steps)
    backup = part(_backup, text, money)
    if problems:
        raise ReoptError("\n".join(problems))
    return ReoptCase(
        load_kw=loads[0],
        critical_kw=loads[1],
        tariff=tariff,
        outages=outages,
        backup=backup,
        lost_load_usd_per_kwh=_scalar_or_array(money["value_of_lost_load_per_kwh"]),
        steps_per_hour=steps,
        years=int(money["analysis_years"]),
        escalation_frac=float(money["elec_cost_escalation_rate_fraction"]),
        discount_frac=float(money["offtaker_discount_rate_fraction"]),
        tax_frac=float(money["offtaker_tax_rate_fraction"]),
        left_out=tuple(_left_out(text)),
    )


def _plants(text: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = text.get(name)
    if found is None:
        return []
    return list(found) if isinstance(found, list) else [found]


def _left_out(text: Mapping[str, Any]) -> list[str]:
    found = []
    for section, keys in text.items():
        if section in _NO_PLANT and section != "Generator":
            continue
        if section not in _READ or not isinstance(keys, Mapping):
            found.append(section)
            continue
        found += [f"{section}.{k}" for k, v in keys.items() if k not in _READ[section] and v not in (None, "", [], {})]
    rate = text.get("ElectricTariff", {}).get("urdb_response") or {}
    return found + [f"ElectricTariff.urdb_response.{k}" for k in unread(rate)]


def _scalar_or_array(value: Any) -> float | Array:
    return float(value) if np.ndim(value) == 0 else np.asarray(value, dtype=np.float64)


def _loads(load: Mapping[str, Any], steps: int) -> tuple[Array, Array]:
    n = HOURS_PER_YEAR * steps
    if load.get("loads_kw"):
        power = np.asarray(load["loads_kw"], dtype=np.float64)
        if power.size != n:
            raise ReoptError(f"ElectricLoad.loads_kw: {n} values are needed, found {power.size}")
    else:
        power = np.repeat(_flat_load(load), steps)
    given = load.get("critical_loads_kw")
    if given:
        critical = np.asarray(given, dtype=np.float64)
        if critical.size != n:
            raise ReoptError(f"ElectricLoad.critical_loads_kw: {n} values are needed, found {critical.size}")
    else:
        share = load.get("critical_load_fraction")
        critical = power * (0.5 if share is None else float(share))
    return power, critical


def _flat_load(load: Mapping[str, Any]) -> Array:
    name = str(load.get("doe_reference_name", ""))
    if not name.startswith("FlatLoad"):
        raise ReoptError(
            f"ElectricLoad.doe_reference_name: {name!r} needs the reference buildings of REopt; allowed here: FlatLoad,"
            " FlatLoad_24_5, FlatLoad_16_7, FlatLoad_16_5, FlatLoad_8_7, FlatLoad_8_5, or give loads_kw"
        )
    year = int(load.get("year") or _YEAR_OF_REFERENCE_LOADS)
    on = np.ones(HOURS_PER_YEAR)
    if name != "FlatLoad":
        hours, days = name.split("_")[1:]
        clock = np.arange(HOURS_PER_YEAR) % 24
        on = np.isin(clock, list(_SHIFTS[hours])).astype(np.float64)
        first = date(year, 1, 1)
        weekday = np.array([(first + timedelta(days=d)).weekday() for d in range(365)])
        on *= np.repeat(weekday < int(days), 24)
    totals = load.get("monthly_totals_kwh")
    if totals:
        month = month_of_steps()
        return np.asarray(on * (np.asarray(totals, dtype=np.float64) / np.bincount(month, on, MONTHS))[month])
    if load.get("annual_kwh") is None:
        raise ReoptError("ElectricLoad: annual_kwh, monthly_totals_kwh or loads_kw is needed")
    return np.asarray(on * float(load["annual_kwh"]) / on.sum(), dtype=np.float64)


def _tariff(tariff: Mapping[str, Any], year: int, steps: int) -> Tariff:
    n = HOURS_PER_YEAR * steps
    monthly_energy, monthly_demand = tariff.get("monthly_energy_rates"), tariff.get("monthly_demand_rates")
    by_step = tariff.get("tou_energy_rates_per_kwh")
    if tariff.get("urdb_response"):
        found = _as_reopt(tariff_of_urdb(tariff["urdb_response"], year, steps))
        added = np.zeros(n)
        if tariff.get("add_monthly_rates_to_urdb_rate") and monthly_energy:
            added = added + np.asarray(monthly_energy, dtype=np.float64)[found.step_month]
        if tariff.get("add_tou_energy_rates_to_urdb_rate") and by_step:
            added = added + np.asarray(by_step, dtype=np.float64)
        found = replace(found, energy_usd_per_kwh=found.energy_usd_per_kwh + added[:, None])
        if tariff.get("add_monthly_rates_to_urdb_rate") and monthly_demand:
            periods = tuple(
                replace(p, usd_per_kw=p.usd_per_kw + float(monthly_demand[p.month or 0])) for p in found.monthly_demand
            )
            found = replace(found, monthly_demand=periods)
    elif by_step:
        if len(by_step) != n:
            raise ReoptError(f"ElectricTariff.tou_energy_rates_per_kwh: {n} values are needed, found {len(by_step)}")
        found = flat_tariff(0.0, monthly_demand or 0.0, steps)
        found = replace(found, energy_usd_per_kwh=np.asarray(by_step, dtype=np.float64)[:, None])
    elif monthly_energy:
        found = flat_tariff(monthly_energy, monthly_demand or 0.0, steps)
    elif tariff.get("blended_annual_energy_rate") is not None:
        demand = tariff.get("blended_annual_demand_rate")
        rate = float(tariff["blended_annual_energy_rate"])
        found = flat_tariff(rate, (monthly_demand or 0.0) if demand is None else float(demand), steps)
    elif tariff.get("urdb_label"):
        raise ReoptError(
            f"ElectricTariff.urdb_label: {tariff['urdb_label']} stands in an online service; give urdb_response instead"
        )
    else:
        raise ReoptError(
            "ElectricTariff: urdb_response, tou_energy_rates_per_kwh, monthly_energy_rates or"
            " blended_annual_energy_rate is needed"
        )
    return _with_peaks(found, tariff, n)


def _as_reopt(found: Tariff) -> Tariff:
    """REopt takes the least charge by the year, 12 times the monthly one if that is more."""
    least = max(found.minimum_usd_per_year, MONTHS * found.minimum_usd_per_month)
    return replace(found, minimum_usd_per_month=0.0, minimum_usd_per_year=least)


def _with_peaks(found: Tariff, tariff: Mapping[str, Any], n: int) -> Tariff:
    charges = tariff.get("coincident_peak_load_charge_per_kw") or []
    groups = tariff.get("coincident_peak_load_active_time_steps") or []
    if len(charges) != len([g for g in groups if g]):
        raise ReoptError(
            f"ElectricTariff.coincident_peak_load_charge_per_kw: {len(charges)} charges for"
            f" {len(groups)} groups of steps"
        )
    peaks = []
    for number, (charge, steps) in enumerate(zip(charges, groups, strict=False)):
        at = np.asarray(steps, dtype=np.int64) - 1
        if at.min() < 0 or at.max() >= n:
            raise ReoptError(f"ElectricTariff.coincident_peak_load_active_time_steps[{number}]: steps lie in 1..{n}")
        peaks.append(CoincidentPeak(at, float(charge)))
    share = float(tariff.get("demand_lookback_percent") or 0.0)
    ratchet = found.ratchet
    if share > 0 and ratchet is None:
        back = int(tariff.get("demand_lookback_range") or 0)
        months = tuple(m for m, on in enumerate(tariff.get("demand_lookback_months") or ()) if on)
        ratchet = Ratchet(share, () if back else months, back) if back or months else None
    return replace(found, coincident=tuple(peaks), ratchet=ratchet)


def _outages(text: Mapping[str, Any], steps: int) -> Outages | None:
    utility = text.get("ElectricUtility", {})
    starts = utility.get("outage_start_time_steps")
    if not starts:
        return None
    durations = np.asarray(utility.get("outage_durations") or [], dtype=np.int64)
    given = utility.get("outage_probabilities") or [1.0]
    if durations.size != len(given):
        raise ReoptError(f"ElectricUtility.outage_probabilities: {len(given)} for {durations.size} durations")
    start = np.asarray(starts, dtype=np.int64) - 1
    if start.min() < 0 or start.max() >= HOURS_PER_YEAR * steps:
        raise ReoptError(f"ElectricUtility.outage_start_time_steps: steps lie in 1..{HOURS_PER_YEAR * steps}")
    survive = int(text.get("Site", {}).get("min_resil_time_steps") or 0)
    return Outages(start, durations, np.asarray(given, dtype=np.float64), survive)


def _backup(text: Mapping[str, Any], money: Mapping[str, Any]) -> Backup | None:
    plants = _plants(text, "Generator")
    if not plants:
        return None
    g = {**GENERATOR, **{k: v for k, v in plants[0].items() if v is not None}}
    if float(g["max_kw"]) + float(g["existing_kw"]) <= 0:
        return None
    years, rate = int(money["analysis_years"]), float(money["offtaker_discount_rate_fraction"])
    upkeep = present_worth(years, float(money["om_cost_escalation_rate_fraction"]), rate)
    kwh_per_gal = float(g["electric_efficiency_full_load"]) * float(g["fuel_higher_heating_value_kwh_per_gal"])
    capital = float(g["installed_cost_per_kw"]) * (1 + float(money["microgrid_upgrade_cost_fraction"]))
    return Backup(
        usd_per_kw=capital + float(g["om_cost_per_kw"]) * upkeep * (1 - float(money["offtaker_tax_rate_fraction"])),
        usd_per_kwh=float(g["fuel_cost_per_gallon"]) / kwh_per_gal,
        kw_min=float(g["min_kw"]),
        kw_max=float(g["max_kw"]),
        kwh_max_per_outage=float(g["fuel_avail_gal"]) * kwh_per_gal,
    )
