"""Each site's hall at the load of the plan: power path, hottest hour, what the path saves, dates of its phases."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.figures.capacity import expected
from kiban.figures.site_year import LEAST_IT_MW, SiteLoad, site_loads
from kiban.results import Hall, Rung, Study
from kiban.units import HOURS_PER_YEAR, Quarter

Array = NDArray[np.float64]

KW_PER_MW = 1000.0
MONTHS_PER_QUARTER = 3


@dataclass(frozen=True)
class HallYear:
    """One site's hall, counted at a load."""

    site: str
    hall: Hall
    load: SiteLoad
    annual_pue: float
    peak_pue: float
    it_mwh: float
    """IT energy of a year."""
    energy_usd_per_mwh: float

    @property
    def peak_facility_mw(self) -> float:
        """Power at the connection with the hall full in the hottest hour."""
        return self.load.it_mw * self.peak_pue

    @property
    def hottest_hour_loss_mw(self) -> float:
        """IT power that the hottest hour takes from a full hall whose connection was sized for the mean PUE."""
        return self.load.it_mw * (1.0 - self.hall.full_load_pue / self.peak_pue)

    @property
    def saved_mw(self) -> tuple[float, float]:
        """Peak MW that double conversion would draw more: at the same IT power, and with the rack's own conversion."""
        if self.hall.saving is None:
            return 0.0, 0.0
        other = self.hall.saving
        alike = self.load.it_mw * (other.peak_pue - self.peak_pue)
        return alike, alike + self.load.it_mw * other.rack_it_frac * other.peak_pue

    @property
    def saved_mwh(self) -> tuple[float, float]:
        """MWh a year that double conversion would draw more, as ``saved_mw``."""
        if self.hall.saving is None:
            return 0.0, 0.0
        other = self.hall.saving
        alike = self.it_mwh * (other.annual_pue - self.annual_pue)
        return alike, alike + self.it_mwh * other.rack_it_frac * other.annual_pue

    @property
    def saved_mwh_range(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Least and most of each of ``saved_mwh``, with all rows of both paths at the ends of their ranges."""
        if self.hall.saving is None:
            return (0.0, 0.0), (0.0, 0.0)
        (low, high), (board_low, board_high) = self.hall.saving.gain_pue, self.hall.saving.same_boards_gain_pue
        return (self.it_mwh * low, self.it_mwh * high), (self.it_mwh * board_low, self.it_mwh * board_high)


@dataclass(frozen=True)
class PhaseDates:
    """New halls that start in one quarter, with the quarters in which they have power."""

    site: str
    what: str
    """Rung of the plan, or the number of the scenario's phase."""
    start: str
    it_mw: float
    """Expected over the tree; of the phase where the scenario asks for it."""
    counted_on: str
    """Quarter from which the plan counts on power at the racks."""
    ready: tuple[str, str, str]
    """P10, P50, P90."""
    critical_item: str
    slowest_item: str
    order_by: str
    works_usd: float
    """Cost of land, works and plant, whoever pays."""


def hall_years(study: Study) -> tuple[HallYear, ...]:
    """Every site's hall at the load of ``site_loads``; empty where the facility room names no halls."""
    loads, found = site_loads(study), []
    for at, (name, hall) in enumerate(zip(study.site.sites, study.site.halls, strict=False)):
        pue = float(study.site.site_annual_pue[at])
        supplied = study.supply.sites.index(name) if name in study.supply.sites else None
        cases = () if supplied is None else study.supply.cases[supplied]
        per_mw_mwh = float(cases[0].hourly_load_mw.sum()) / pue if cases else float(HOURS_PER_YEAR)
        usd = float("nan") if supplied is None else float(study.supply.site_energy_usd_per_mwh[supplied])
        peak = float(study.site.site_peak_pue[at])
        found.append(HallYear(name, hall, loads[name], pue, peak, loads[name].it_mw * per_mw_mwh, usd))
    return tuple(found)


def phase_dates(study: Study) -> tuple[PhaseDates, ...]:
    """The scenario's phases, then what the plan starts by rung and quarter, expected over the tree; site by site.

    The schedule of a start is that of works which begin in its quarter. A leased hall is counted on at the lead time of
    its contract, which may be shorter: its landlord began before.
    """
    starts = expected(study.demand.tree, study.plan.chosen.node_hall_start_it_mw)
    found: list[PhaseDates] = []
    for at, site in enumerate(study.site.sites[: len(study.site.halls)]):
        found += _asked(study, at)
        for k, rung in enumerate(study.plan.rungs):
            if rung.site == site:
                found += _started(study, at, rung, starts[:, k])
    return tuple(found)


def _asked(study: Study, at: int) -> Iterator[PhaseDates]:
    """The phases that the scenario asks for at one site."""
    first, hall = study.demand.tree.quarters[0], study.site.halls[at]
    for number, phase in enumerate(hall.phases, start=1):
        p10, p50, p90 = (_nearest(first, month) for month in phase.ready_months)
        yield PhaseDates(
            study.site.sites[at], f"phase {number}", _within(first, phase.start_months), phase.it_mw,
            {"p10": p10, "p50": p50, "p90": p90}[hall.ready], (p10, p50, p90), hall.critical_item, hall.slowest_item,
            _within(first, phase.order_months), phase.it_mw * _works_usd_per_mw(study, at),
        )  # fmt: skip


def _started(study: Study, at: int, rung: Rung, quarterly_it_mw: Array) -> Iterator[PhaseDates]:
    """What the plan starts at one site under one rung."""
    hall = study.site.halls[at]
    for quarter, mw in zip(study.demand.tree.quarters, quarterly_it_mw.tolist(), strict=True):
        if mw < LEAST_IT_MW:
            continue
        p10, p50, p90 = (_nearest(quarter, float(month)) for month in study.site.site_build_months[at])
        yield PhaseDates(
            study.site.sites[at], rung.kind, quarter, mw, str(Quarter.parse(quarter) + rung.lead_time_quarters),
            (p10, p50, p90), hall.critical_item, hall.slowest_item, _within(quarter, hall.order_months),
            mw * _works_usd_per_mw(study, at),
        )  # fmt: skip


def _works_usd_per_mw(study: Study, at: int) -> float:
    return float(study.site.site_construction_usd_per_kw[at].sum()) * KW_PER_MW


def _nearest(first: str, months: float) -> str:
    """Quarter some months after the start of another, rounded as the plan rounds."""
    return str(Quarter.parse(first) + math.floor(months / MONTHS_PER_QUARTER + 0.5))


def _within(first: str, months: float) -> str:
    """Quarter in which a month after the start of another falls."""
    return str(Quarter.parse(first) + math.floor(months / MONTHS_PER_QUARTER))
