"""Scenario, catalogue and earlier results to the arguments of the plan model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.plan.case import (
    Chips,
    CommittedHall,
    CommittedSilicon,
    Halls,
    Limits,
    Market,
    PlanCase,
    Pools,
    Rents,
)
from kiban.plan.limit_inputs import MONTHS_X_KW, budget_usd, sublet_usd_per_mw_quarter, suppliers
from kiban.plan.rungs import (
    RENTED_KINDS,
    SiteTerms,
    hall_rung,
    rented_rung,
    site_terms,
)
from kiban.results import Demand, Fleet, Rung, Site, Supply
from kiban.scenario import Scenario
from kiban.units import HOURS_PER_QUARTER, QUARTERS_PER_YEAR, Quarter
from kiban.units.calendar import SECONDS_PER_HOUR

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

HOME_REGION = "united_states"
"""Halls stand in this region, so its residency is met by any hall."""
TOK_PER_MTOK = 1e6
LEAST_ROOM_MW = 1e-3


@dataclass(frozen=True)
class PlanInputs:
    """The case of the model, the rungs it stands for, and what the user should know."""

    case: PlanCase
    rungs: tuple[Rung, ...]
    accelerators: tuple[str, ...]
    regions: tuple[str, ...]
    quarters: tuple[str, ...]
    warnings: tuple[str, ...]


def build_inputs(
    scenario: Scenario, catalog: Catalog, demand: Demand, fleet: Fleet, site: Site, supply: Supply
) -> PlanInputs:
    """Collect the arguments of the plan model from scenario, catalogue and earlier results."""
    terms = [site_terms(catalog, scenario, site, supply, i) for i in range(len(scenario.sites))]
    rungs: list[Rung] = []
    new_allowed: list[bool] = []
    for index, part in enumerate(scenario.sites):
        kinds = dict.fromkeys([*part.rungs, *([part.committed_rung] if part.committed_rung else [])])
        for kind in kinds:
            rungs.append(hall_rung(catalog, scenario, fleet, terms[index], index, kind))
            new_allowed.append(kind in part.rungs)
    open_rented = [k for k in RENTED_KINDS if getattr(scenario.ladder, k)]
    rungs += [rented_rung(catalog, scenario, fleet, kind) for kind in open_rented]
    halls = _halls(scenario, rungs, terms, new_allowed)
    chips = _chips(fleet)
    areas = _areas(terms)
    pools = _pools(scenario, catalog, fleet, terms, areas)
    case = PlanCase(
        parent=demand.tree.node_parent,
        quarter=demand.tree.node_quarter,
        probability=demand.tree.node_probability,
        discount_frac_per_year=scenario.finance.discount_frac_per_year,
        inflation_frac_per_year=scenario.finance.inflation_frac_per_year,
        rung_count=len(rungs),
        site_area=areas,
        site_energy_usd_per_it_mwh=np.array([t.energy_usd_per_mwh * t.pue for t in terms]),
        halls=halls,
        chips=chips,
        pools=pools,
        rents=_rents(scenario, catalog, fleet, rungs),
        market=_market(scenario, demand),
        limits=Limits(
            budget_usd=budget_usd(scenario),
            accelerators_per_quarter=scenario.ladder.accelerators_per_quarter,
            rented_accelerators_per_quarter=scenario.ladder.rented_accelerators_per_quarter,
            construction_it_mw_per_quarter=scenario.ladder.construction_it_mw_per_quarter,
            site_max_it_mw=np.array([t.max_it_mw for t in terms]).reshape(len(terms), len(demand.tree.quarters)),
            supplier=suppliers(catalog, fleet),
            supplier_max_frac=scenario.ladder.supplier_max_frac,
            site_state=tuple(t.state for t in terms),
        ),
        committed_halls=_committed_halls(scenario, rungs),
        committed_silicon=_committed_silicon(scenario, fleet, pools, areas),
        area_sublet_usd_per_mw_quarter=sublet_usd_per_mw_quarter(scenario, catalog, terms, areas),
        hall_relet_frac=catalog.value("precedent.layer_recovery_frac.shell_and_mep"),
        resale_frac_by_year=_resale_curve(catalog),
    )
    return PlanInputs(
        case=case,
        rungs=tuple(rungs),
        accelerators=fleet.accelerators,
        regions=demand.regions,
        quarters=demand.tree.quarters,
        warnings=_warnings(scenario, catalog, demand, fleet, terms),
    )


def _halls(scenario: Scenario, rungs: list[Rung], terms: list[SiteTerms], new_allowed: list[bool]) -> Halls:
    hall = [r for r in rungs if r.holds_hall]
    names = [t.name for t in terms]
    at = np.array([names.index(r.site) for r in hall], dtype=np.int64)
    quarters = scenario.horizon.length_quarters
    open_ = np.zeros((len(hall), quarters), dtype=bool)
    for h, rung in enumerate(hall):
        term = terms[at[h]]
        signed = np.sum([r.committed_it_mw for r in hall if r.site == rung.site], axis=0)
        if new_allowed[h]:
            lead = rung.lead_time_quarters
            first = max(term.first_start, term.first_live - lead, 0)
            live = np.arange(first, max(quarters - lead, first)) + lead
            open_[h, live - lead] = signed[live] < rung.max_it_mw[live] - LEAST_ROOM_MW
    inflation = 1 + scenario.finance.inflation_frac_per_year
    return Halls(
        rung=np.arange(len(hall)),
        site=at,
        lead_quarters=np.array([r.lead_time_quarters for r in hall], dtype=np.int64),
        term_quarters=np.array([r.term_quarters for r in hall], dtype=np.int64),
        is_owned=np.array([r.kind == "owned" for r in hall], dtype=bool),
        rent_usd_per_mw_quarter=np.array([r.rent_usd_per_kw_month * MONTHS_X_KW for r in hall]),
        escalation_per_year=np.array([(1 + r.escalator_frac_per_year) / inflation for r in hall]),
        capex_usd_per_mw=np.array([r.capex_usd_per_kw * 1e3 for r in hall]),
        recoverable_usd_per_mw=np.array(
            [terms[s].recoverable_usd_per_kw * 1e3 if r.kind == "owned" else 0.0 for r, s in zip(hall, at, strict=True)]
        ),
        deposit_usd_per_mw=np.array([r.deposit_frac * r.rent_usd_per_kw_month * 12 * 1e3 for r in hall]),
        operation_usd_per_mw_quarter=np.array([r.operation_usd_per_kw_year * 1e3 / QUARTERS_PER_YEAR for r in hall]),
        module_it_mw=np.full(len(hall), scenario.ladder.module_it_mw),
        module_quarters=scenario.ladder.module_quarters,
        open=open_,
    )


def _chips(fleet: Fleet) -> Chips:
    seconds = HOURS_PER_QUARTER * SECONDS_PER_HOUR
    return Chips(
        names=fleet.accelerators,
        it_kw=fleet.accelerator_it_kw,
        training_flop_per_quarter=fleet.accelerator_training_flop_per_s[:, 1]
        * fleet.accelerator_goodput_frac
        * seconds,
        inference_tok_per_quarter=fleet.accelerator_inference_tok_per_s[:, 1] * seconds,
        training_power_frac=fleet.accelerator_training_power_frac,
        inference_power_frac=fleet.accelerator_inference_power_frac,
        lead_quarters=np.asarray(fleet.accelerator_lead_time_quarters, dtype=np.int64),
        life_quarters=np.maximum(np.round(fleet.accelerator_life_years * QUARTERS_PER_YEAR), 1).astype(np.int64),
    )


def _areas(terms: list[SiteTerms]) -> NDArray[np.int64]:
    """(S,) area of each site: sites of one state whose silicon is taxed alike."""
    kinds = [(t.state, t.tax.silicon_sales_frac, t.tax.silicon_property_frac_per_year) for t in terms]
    order = list(dict.fromkeys(kinds))
    return np.array([order.index(k) for k in kinds], dtype=np.int64)


def _pools(
    scenario: Scenario, catalog: Catalog, fleet: Fleet, terms: list[SiteTerms], areas: NDArray[np.int64]
) -> Pools:
    quarters = scenario.horizon.length_quarters
    insurance = catalog.value("finance.insurance.operating_frac_of_asset_value_per_year")
    appraisal = catalog.value("tax.silicon_appraisal_mean_frac")
    rows: list[tuple[int, int, float, float, float]] = []
    opens: list[BoolArray] = []
    for area in range(int(areas.max(initial=-1)) + 1):
        mine = np.flatnonzero(areas == area).tolist()
        tax = terms[mine[0]].tax
        ordered = {c.accelerator for at in mine for c in scenario.sites[at].committed if c.accelerator}
        for chip, name in enumerate(fleet.accelerators):
            if name not in scenario.ladder.accelerators and name not in ordered:
                continue
            bare = float(fleet.accelerator_server_usd_per_gpu[chip] + fleet.accelerator_network_usd_per_gpu[chip])
            yearly = bare * (tax.silicon_property_frac_per_year + insurance * appraisal)
            rows.append((area, chip, bare * (1 + tax.silicon_sales_frac), bare, yearly / QUARTERS_PER_YEAR))
            lead = int(fleet.accelerator_lead_time_quarters[chip])
            quarter = np.arange(quarters)
            arrives = quarter + lead
            opens.append(
                (arrives >= fleet.accelerator_available_quarter[chip])
                & (arrives < quarters)
                & (name in scenario.ladder.accelerators)
                & bool(np.isfinite(bare))
            )
    column = [np.array(c) for c in zip(*rows, strict=True)] if rows else [np.zeros(0)] * 5
    return Pools(
        area=column[0].astype(np.int64),
        chip=column[1].astype(np.int64),
        price_usd=np.nan_to_num(column[2].astype(float)),
        resale_usd=np.nan_to_num(column[3].astype(float)),
        operation_usd_per_quarter=np.nan_to_num(column[4].astype(float)),
        open=np.array(opens, dtype=bool).reshape(len(rows), quarters),
    )


def _rents(scenario: Scenario, catalog: Catalog, fleet: Fleet, rungs: list[Rung]) -> Rents:
    quarters = scenario.horizon.length_quarters
    prices = {"cloud": fleet.accelerator_cloud_usd_per_gpu_h, "neocloud": fleet.accelerator_neocloud_usd_per_gpu_h}
    found = [
        (k, rung, chip, float(prices[rung.kind][chip]))
        for k, rung in enumerate(rungs)
        if not rung.holds_hall
        for chip, name in enumerate(fleet.accelerators)
        if name in scenario.ladder.cloud_accelerators and np.isfinite(prices[rung.kind][chip])
    ]
    quarter = np.arange(quarters)
    open_ = np.array(
        [
            (quarter + r.lead_time_quarters >= fleet.accelerator_available_quarter[g])
            & (quarter + r.lead_time_quarters < quarters)
            for _, r, g, _ in found
        ],
        dtype=bool,
    ).reshape(len(found), quarters)
    relet = catalog.value("contract.neocloud.relet_frac")
    return Rents(
        rung=np.array([k for k, *_ in found], dtype=np.int64),
        chip=np.array([g for _, _, g, _ in found], dtype=np.int64),
        is_cloud=np.array([r.kind == "cloud" for _, r, _, _ in found], dtype=bool),
        price_usd_per_quarter=np.array([usd * HOURS_PER_QUARTER for *_, usd in found]),
        take_or_pay_frac=np.array([r.take_or_pay_frac for _, r, _, _ in found]),
        prepaid_frac=np.array([r.deposit_frac for _, r, _, _ in found]),
        relet_frac=np.full(len(found), relet),
        lead_quarters=np.array([r.lead_time_quarters for _, r, _, _ in found], dtype=np.int64),
        term_quarters=np.array([r.term_quarters for _, r, _, _ in found], dtype=np.int64),
        open=open_,
    )


def _market(scenario: Scenario, demand: Demand) -> Market:
    home = np.array([name == HOME_REGION for name in demand.regions])
    stay = np.where(home, 0.0, demand.region_residency_frac)
    return Market(
        training_flop=demand.node_training_flop,
        free_tok=demand.node_inference_tok * (1 - stay),
        resident_tok=demand.node_inference_tok * stay,
        usd_per_tok=demand.node_token_price_usd_per_mtok * scenario.demand.compute_value_frac / TOK_PER_MTOK,
        training_usd_per_flop=demand.node_training_value_usd_per_flop,
        gpu_price_factor=demand.node_gpu_price_factor,
        rent_factor=demand.node_rent_factor,
        power_price_factor=demand.node_power_price_factor,
        serving_gain_factor=demand.node_serving_gain_factor,
        peak_to_mean_factor=demand.peak_to_mean_factor,
    )


def _committed_halls(scenario: Scenario, rungs: list[Rung]) -> tuple[CommittedHall, ...]:
    first = Quarter.parse(scenario.horizon.start_quarter)
    names = [r.name for r in rungs]
    return tuple(
        CommittedHall(names.index(f"{part.name}/{part.committed_rung}"), Quarter.parse(c.quarter) - first, c.it_mw)
        for part in scenario.sites
        for c in part.committed
    )


def _committed_silicon(
    scenario: Scenario, fleet: Fleet, pools: Pools, areas: NDArray[np.int64]
) -> tuple[CommittedSilicon, ...]:
    first = Quarter.parse(scenario.horizon.start_quarter)
    pairs = list(zip(pools.area.tolist(), pools.chip.tolist(), strict=True))
    out = []
    for at, part in enumerate(scenario.sites):
        for signed in part.committed:
            if signed.accelerator is not None:
                chip = fleet.accelerators.index(signed.accelerator)
                count = signed.it_mw * 1e3 / float(fleet.accelerator_it_kw[chip])
                pool, at_quarter = pairs.index((int(areas[at]), chip)), Quarter.parse(signed.quarter) - first
                out.append(CommittedSilicon(pool, at, at_quarter, count))
    return tuple(out)


def _resale_curve(catalog: Catalog) -> Array:
    years = range(1, 6)
    return np.array([1.0, *(catalog.value(f"residual.h100_sxm.after_{y}_years_frac") for y in years)])


def _warnings(
    scenario: Scenario, catalog: Catalog, demand: Demand, fleet: Fleet, terms: list[SiteTerms]
) -> tuple[str, ...]:
    words = [t.why_wait for t in terms if t.why_wait]
    words += [
        f"{part.name}: no phase has power within the horizon, so nothing new can stand there"
        for part, term in zip(scenario.sites, terms, strict=True)
        if part.construction and part.construction.phases and term.max_it_mw[-1] <= sum(c.it_mw for c in part.committed)
    ]
    assumed = [
        key
        for key in (
            "contract.operator_sublet.operator_margin_frac",
            "contract.hall.deposit_frac_of_year_rent",
            "contract.neocloud.coreweave.take_or_pay_frac",
            "precedent.layer_recovery_frac.shell_and_mep",
            "tax.tx.property_rate_frac_of_value",
        )
        if catalog.row(key).confidence == "assumed"
    ]
    if assumed:
        words.append("assumed: " + ", ".join(assumed))
    resident = any(
        f > 0 for name, f in zip(demand.regions, demand.region_residency_frac, strict=True) if name != HOME_REGION
    )
    if resident and not scenario.ladder.cloud:
        words.append("tokens that must stay in their region go unserved: only a cloud serves them and it is closed")
    for name in scenario.ladder.accelerators:
        chip = fleet.accelerators.index(name)
        price = fleet.accelerator_server_usd_per_gpu[chip] + fleet.accelerator_network_usd_per_gpu[chip]
        if not np.isfinite(price):
            words.append(f"{name} cannot be bought: no purchase price is known")
    return tuple(dict.fromkeys(words))
