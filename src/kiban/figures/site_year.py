"""A year of every site under every case of supply: energy, money, carbon and water at the load of the plan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.figures.capacity import expected
from kiban.results import Study, SupplyCase
from kiban.units import HOURS_PER_YEAR

Array = NDArray[np.float64]

KG_PER_T = 1000.0
KWH_PER_MWH = 1000.0
L_PER_M3 = 1000.0
LEAST_IT_MW = 0.05
"""Less than this is not planned: the last digits of the solver."""
_NOT_CLEAN = frozenset({"grid", "gas", "battery", "sold"})
"""Flows that are no contracted clean energy; what is curtailed counts against it."""


@dataclass(frozen=True)
class SiteLoad:
    """The IT load at which a site is counted."""

    it_mw: float
    """Critical IT MW."""
    planned: bool
    """In service by the plan, expected over the tree; else the most that the site can take."""
    quarter: str
    """Quarter with most in service; empty if nothing is planned."""


@dataclass(frozen=True)
class SiteYear:
    """A year of one site under one case of supply."""

    site: str
    state: str
    case: str
    load: SiteLoad
    energy_mwh: float
    """Facility load of the year."""
    peak_mw: float
    """Facility load in the hottest hour; grid-only import where that case was solved."""
    energy_usd_per_mwh: float
    """All in: energy, delivery, demand charge, contracts less sales, own plant as an annuity."""
    cost_usd: float
    location_kg_co2: float
    """Location-based average."""
    marginal_kg_co2: float
    """Short-run marginal; never added to the others."""
    market_kg_co2: float
    """Market-based, matched by the year; NaN without contracts."""
    hour_matched_kg_co2: float
    """Carbon of the hours in which energy is bought from the grid or burnt on site."""
    site_water_m3: float
    source_water_m3: float
    clean_frac: float
    """24/7 score."""
    matched_frac: float
    """Share of the load that contracted clean energy meets in its hour of use."""
    annual_clean_frac: float
    """Contracted clean energy over load, by the year."""

    @property
    def mean_mw(self) -> float:
        """Mean facility load."""
        return self.energy_mwh / HOURS_PER_YEAR


@dataclass(frozen=True)
class Premium:
    """What hourly matching costs over annual matching at one site, at the same share of clean energy."""

    annual: SiteYear
    hourly: SiteYear
    grid: SiteYear | None

    @property
    def usd_per_mwh(self) -> float:
        """More per MWh of facility load."""
        return self.hourly.energy_usd_per_mwh - self.annual.energy_usd_per_mwh

    @property
    def cost_usd(self) -> float:
        """More per year."""
        return self.hourly.cost_usd - self.annual.cost_usd

    @property
    def avoided_kg_co2(self) -> float:
        """Less carbon in the hours that are left to the grid, per year."""
        return self.annual.hour_matched_kg_co2 - self.hourly.hour_matched_kg_co2

    @property
    def usd_per_t(self) -> float:
        """Cost per tonne avoided; NaN where nothing is avoided."""
        return per_tonne_usd(self.cost_usd, self.avoided_kg_co2, self.annual.hour_matched_kg_co2)


def per_tonne_usd(cost_usd: float, avoided_kg_co2: float, of_kg_co2: float) -> float:
    """Cost per tonne avoided; NaN where less than a thousandth of the carbon is avoided."""
    return cost_usd / avoided_kg_co2 * KG_PER_T if avoided_kg_co2 > 1e-3 * abs(of_kg_co2) else float("nan")


def site_loads(study: Study) -> dict[str, SiteLoad]:
    """The load at which each site is counted.

    That is the critical IT MW in service in the fullest quarter, expected over the tree, all rungs of the site
    together. A site without any is counted at the most it can take, else at one MW.
    """
    tree, rungs = study.demand.tree, study.plan.rungs
    live = expected(tree, study.plan.chosen.node_hall_live_it_mw)
    found = {}
    for site in study.site.sites:
        mine = [k for k, rung in enumerate(rungs) if rung.site == site]
        mw = live[:, mine].sum(axis=1)
        most = float(mw.max(initial=0.0))
        if most >= LEAST_IT_MW:
            # The first quarter within the solver's rounding of the fullest.
            first = int(np.argmax(mw >= most * (1 - 1e-6)))
            found[site] = SiteLoad(most, True, tree.quarters[first])
        else:
            room = [float(m) for k in mine for m in rungs[k].max_it_mw if 0 < m < np.inf]
            found[site] = SiteLoad(max(room, default=1.0), False, "")
    return found


def site_years(study: Study) -> tuple[tuple[SiteYear, ...], ...]:
    """A year of every site that has a supply, one entry per case, the chosen case first."""
    loads = site_loads(study)
    sites = [s for s in study.site.sites if s in study.supply.sites]
    return tuple(
        tuple(_year(study, site, loads[site], case, cases) for case in cases)
        for site in sites
        if (cases := study.supply.cases[study.supply.sites.index(site)])
    )


def premiums(years: tuple[tuple[SiteYear, ...], ...]) -> tuple[Premium, ...]:
    """Hourly over annual matching, for the sites where both were solved."""
    found = []
    for cases in years:
        by_name = {c.case: c for c in cases}
        if "annual" in by_name and "hourly" in by_name:
            found.append(Premium(by_name["annual"], by_name["hourly"], by_name.get("grid")))
    return tuple(found)


def hourly_matched_kg_co2(case: SupplyCase) -> Array:
    """Carbon of each hour by hour-matched accounting, (8760,) kg per critical IT MW.

    Equation: average signal x energy bought from the grid + gas factor x gas. Contracted clean energy counts only in
    the hour in which it is used or stored; what is sold earns nothing. Origin: hourly matching as in Google, 24/7
    Carbon-Free Energy: Methodologies and Metrics (2021). An account of what is used, not of what the grid emits less.
    """
    bought = np.clip(flow_of(case, "grid"), 0.0, None)
    burnt = case.gas_kg_co2_per_mwh * flow_of(case, "gas")
    return np.asarray(case.hourly_grid_average_kg_co2_per_mwh * bought + burnt, dtype=np.float64)


def flow_of(case: SupplyCase, source: str) -> Array:
    """Flow of one source, (8760,) MW per critical IT MW; zeros if the case has none."""
    if source not in case.sources:
        return np.zeros_like(case.hourly_load_mw)
    return np.asarray(case.hourly_flow_mw[case.sources.index(source)], dtype=np.float64)


def market_kg_co2(case: SupplyCase) -> float:
    """Market-based carbon of a year per critical IT MW; NaN without a clean contract.

    Equation: mean grid factor of the import x max(0, import - contracted clean energy) + gas factor x gas, over the
    year. Origin: GHG Protocol Scope 2 Guidance (2015), market-based method. What the contracts leave over takes the
    grid's average, because no residual mix is known; that is too low where many others hold contracts.
    """
    clean = sum(float(flow_of(case, s).sum()) for s in case.sources if s not in _NOT_CLEAN)
    if clean <= 0:
        return float("nan")
    gas = flow_of(case, "gas")
    drawn = case.hourly_load_mw - flow_of(case, "battery") - gas
    total = float(drawn.sum())
    factor = float(case.hourly_grid_average_kg_co2_per_mwh @ drawn) / total if total > 0 else 0.0
    return factor * max(0.0, total - clean) + case.gas_kg_co2_per_mwh * float(gas.sum())


def _year(study: Study, site: str, load: SiteLoad, case: SupplyCase, cases: tuple[SupplyCase, ...]) -> SiteYear:
    at = study.site.sites.index(site)
    grid = next((c for c in cases if c.name == "grid"), None)
    # The model's hours may miss the year's hottest one; the grid-only case carries it in its capacity.
    peak = max(float(case.hourly_load_mw.max()), float(grid.capacity_mw[0]) if grid else 0.0)
    per_mw_mwh = float(case.hourly_load_mw.sum())
    energy_mwh = load.it_mw * per_mw_mwh
    it_mwh = energy_mwh / float(study.site.site_annual_pue[at])
    unmatched = np.clip(flow_of(case, "grid"), 0.0, None) + flow_of(case, "gas")
    return SiteYear(
        site=site,
        state=next((r.state for r in study.plan.rungs if r.site == site), ""),
        case=case.name,
        load=load,
        energy_mwh=energy_mwh,
        peak_mw=load.it_mw * peak,
        energy_usd_per_mwh=case.energy_usd_per_mwh,
        cost_usd=energy_mwh * case.energy_usd_per_mwh,
        location_kg_co2=energy_mwh * case.average_kg_co2_per_mwh,
        marginal_kg_co2=energy_mwh * case.marginal_kg_co2_per_mwh,
        market_kg_co2=load.it_mw * market_kg_co2(case),
        hour_matched_kg_co2=load.it_mw * float(hourly_matched_kg_co2(case).sum()),
        site_water_m3=it_mwh * KWH_PER_MWH * float(study.site.site_annual_wue_l_per_kwh[at]) / L_PER_M3,
        source_water_m3=energy_mwh * KWH_PER_MWH * case.source_water_l_per_kwh / L_PER_M3,
        clean_frac=case.clean_frac,
        matched_frac=1.0 - float(unmatched.sum()) / per_mw_mwh,
        annual_clean_frac=case.annual_clean_frac,
    )
