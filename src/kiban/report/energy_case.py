"""An energy file as a case of the dispatch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kiban.energy.dispatch import (
    Battery,
    Case,
    Clean,
    DemandCharge,
    Flexible,
    Grid,
    Plant,
    Source,
    hourly_axis,
)
from kiban.energy.dispatch.parts import Place
from kiban.energy.tariff import Tariff
from kiban.energy.tariff_rows import KW_PER_MW, first_tier_usd_per_kwh, problems
from kiban.energy.tariff_urdb import tariff_of_urdb
from kiban.report.energy_outages import outage_problems
from kiban.report.energy_swings import battery_reserve
from kiban.scenario.energy_load import LoadedEnergy
from kiban.scenario.energy_schema import CleanPart, DemandPart, RuleName
from kiban.units import HOURS_PER_YEAR

_AT: dict[str, Place] = {"own": "site", "physical": "grid", "virtual": "virtual"}


def case_of(loaded: LoadedEnergy) -> Case:
    """Put form and series together. Errors: ValueError where the case cannot be, one reason per line."""
    form = loaded.form
    battery, flexible = form.battery, form.flexible
    reserve_mw, reserve_mwh = battery_reserve(loaded)
    case = Case(
        axis=hourly_axis(loaded.hours),
        load_mw=loaded.array("series.load_mw"),
        grid=_grid(loaded),
        sources=tuple(
            Source(
                s.name, loaded.array(f"sources.{i}.profile"), _AT[s.kind], s.usd_per_mw_year, s.usd_per_mwh,
                s.clean_frac, s.mw_min, _open(s.mw_max),
            )
            for i, s in enumerate(form.sources)
        ),
        plants=tuple(
            Plant(
                p.name, p.usd_per_mw_year, p.usd_per_mwh, p.kg_co2_per_mwh, p.mw_min, _open(p.mw_max),
                _open(p.hours_max_per_year), p.available_frac, _open(p.ramp_frac_per_h),
            )
            for p in form.plants
        ),
        battery=None
        if battery is None
        else Battery(
            battery.usd_per_mw_year, battery.usd_per_mwh_year, battery.charge_frac, battery.discharge_frac,
            battery.wear_usd_per_mwh, battery.usable_frac, hours=battery.hours, mw_max=_open(battery.mw_max),
            reserve_mw=reserve_mw, reserve_mwh=reserve_mwh,
        ),
        flexible=None
        if flexible is None
        else Flexible(flexible.frac, flexible.usd_per_mwh, _open(flexible.hours_max_per_year), flexible.notice_h),
        unserved_usd_per_mwh=form.unserved_usd_per_mwh,
    )  # fmt: skip
    wrong = [*case.problems(), *outage_problems(loaded)]
    if wrong:
        raise ValueError("\n".join(wrong))
    return case


def rule_of(part: CleanPart, rule: RuleName | None = None) -> Clean:
    """The rule of the file, or another one at its share."""
    return Clean(rule or part.rule, part.frac, _open(part.excess_max_frac), _open(part.made_max_frac))


def _open(value: float | None) -> float:
    return np.inf if value is None else value


def _grid(loaded: LoadedEnergy) -> Grid | None:
    part = loaded.form.connection
    if part is None:
        return None
    price = loaded.array("series.price_usd_per_mwh")
    sale = None
    if loaded.has("series.sale_usd_per_mwh"):
        sale = loaded.array("series.sale_usd_per_mwh")
    elif part.sale_frac is not None:
        sale = np.minimum(part.sale_frac * np.maximum(price, 0.0), price)
    tariff = None
    if part.tariff is not None:
        tariff = _tariff(loaded, part.tariff.year)
        price = price + KW_PER_MW * first_tier_usd_per_kwh(tariff)
    limit = np.array(part.limit_mw) if isinstance(part.limit_mw, tuple) else part.limit_mw
    return Grid(
        price, limit, part.adder_usd_per_mwh, sale, part.export_limit_mw,
        tuple(_charge(d, loaded.hours) for d in part.demand), loaded.array("series.clean_frac"), tariff,
        certificates_sold=part.certificates_sold,
    )  # fmt: skip


def _tariff(loaded: LoadedEnergy, year: int) -> Tariff:
    """The file's tariff for the dispatch: without the least charge, which only the bill of an answer knows."""
    try:
        found = tariff_of_urdb(loaded.tariff, year)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ValueError(f"connection.tariff: {error}") from None
    found = replace(found, minimum_usd_per_month=0.0, minimum_usd_per_year=0.0)
    reasons = problems(found)
    if loaded.hours != HOURS_PER_YEAR:
        reasons.append(f"a tariff goes with one year of {HOURS_PER_YEAR} hours, found {loaded.hours}")
    if reasons:
        raise ValueError("\n".join(f"connection.tariff: {r}" for r in reasons))
    return found


def _charge(part: DemandPart, hours: int) -> DemandCharge:
    clock = np.arange(hours) % 24
    window = None
    if (part.from_hour, part.to_hour) != (0, 24):
        window = (clock >= part.from_hour) & (clock < part.to_hour)
    return DemandCharge(part.usd_per_mw, part.each, window, part.name)
