"""The rungs of the ladder with their terms resolved to numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.plan.policy import (
    MONTHS_PER_YEAR,
    earliest_power,
    earliest_start,
    interconnection_usd_per_kw,
    quarters_of,
)
from kiban.plan.taxes import StateTax, state_tax
from kiban.results import Fleet, Rung, Site, Supply
from kiban.scenario import Scenario
from kiban.scenario.schema import SitePart
from kiban.units import QUARTERS_PER_YEAR, Quarter

Array = NDArray[np.float64]
RENTED_KINDS = ("neocloud", "cloud")
READY_LEVELS = ("p10", "p50", "p90")


@dataclass(frozen=True)
class SiteTerms:
    """What a site's rungs share."""

    name: str
    state: str
    build_quarters: int
    construction_usd_per_kw: float
    recoverable_usd_per_kw: float
    property_usd_per_kw_year: float
    upkeep_usd_per_kw_year: float
    pue: float
    energy_usd_per_mwh: float
    max_it_mw: Array
    """(T,) most IT MW that may be in service."""
    first_start: int
    first_live: int
    tax: StateTax
    why_wait: str


def site_terms(catalog: Catalog, scenario: Scenario, site: Site, supply: Supply, index: int) -> SiteTerms:
    """Resolve one site: cost, dates and taxes.

    Recovery after a bust is per layer: land, grid and utility works at one rate, shell and plant at a lower one.
    """
    part = scenario.sites[index]
    at = site.sites.index(part.name)
    lines = site.site_construction_usd_per_kw[at]
    peak = float(site.site_peak_pue[at])
    new_mw = new_it_mw(part) * peak
    fee = interconnection_usd_per_kw(catalog, part.state, new_mw, peak)
    cost = float(lines.sum()) + fee
    shell = catalog.value("precedent.layer_recovery_frac.shell_and_mep")
    grid = catalog.value("precedent.layer_recovery_frac.power_and_grid")
    on_grid = np.array([any(word in name for word in ("land", "utility", "grid")) for name in site.construction_lines])
    tax = state_tax(catalog, part.state, scenario.ladder.budget_usd, part.max_it_mw)
    insurance = catalog.value("finance.insurance.operating_frac_of_asset_value_per_year")
    staff = float(site.site_operations_fte_per_mw[at] * site.site_wage_usd_per_year[at]) / 1e3
    start, why = earliest_start(catalog, scenario, part.state, new_mw)
    return SiteTerms(
        name=part.name,
        state=part.state,
        build_quarters=max(1, quarters_of(float(site.site_build_months[at, ready_level(part)]))),
        construction_usd_per_kw=cost,
        recoverable_usd_per_kw=float(lines @ np.where(on_grid, grid, shell)),
        property_usd_per_kw_year=cost * (tax.hall_property_frac_per_year + insurance),
        upkeep_usd_per_kw_year=staff + float(site.site_maintenance_usd_per_kw_year[at]),
        pue=float(site.site_annual_pue[at]),
        energy_usd_per_mwh=float(supply.site_energy_usd_per_mwh[supply.sites.index(part.name)]),
        max_it_mw=site_max_it_mw(scenario, index, site.site_build_months[at]),
        first_start=start,
        first_live=earliest_power(catalog, scenario, index, new_mw),
        tax=tax,
        why_wait=why,
    )


def first_rent_usd_per_kw_month(catalog: Catalog, kind: str, terms: SiteTerms) -> float:
    """First-year rent of a hall per critical IT kW, triple net.

    Specialist operator: the rent of its published lease plus its margin. Landlord: the market row. Build-to-suit:
    yield on cost times construction cost, which is how such leases are quoted.
    """
    if kind == "operator_sublet":
        own = f"contract.operator_sublet.fluidstack.{terms.name}.first_year_rent_usd_per_kw_month"
        market = "contract.operator_sublet.fluidstack.river_bend.first_year_rent_usd_per_kw_month"
        base = catalog.value(own if catalog.has(own) else market)
        return base * (1 + catalog.value("contract.operator_sublet.operator_margin_frac"))
    if kind == "landlord_lease":
        return catalog.value("contract.landlord.first_year_rent_usd_per_kw_month")
    if kind == "build_to_suit":
        yield_frac = catalog.value("contract.build_to_suit.yield_on_cost_frac")
        return yield_frac * terms.construction_usd_per_kw / MONTHS_PER_YEAR
    if kind == "owned":
        return 0.0
    raise KeyError(f"no rent is known for a hall of kind {kind}")


def hall_rung(catalog: Catalog, scenario: Scenario, fleet: Fleet, terms: SiteTerms, index: int, kind: str) -> Rung:
    """Resolve one hall rung. The tenant pays electricity, property tax and insurance; a specialist operator keeps
    staff and upkeep inside its margin, every other tenant pays them too."""
    part = scenario.sites[index]
    lead_key = {
        "operator_sublet": "contract.operator_sublet.fluidstack.river_bend.lead_time_months",
        "landlord_lease": "contract.landlord.applied_digital.build_months",
    }.get(kind)
    lead = max(1, quarters_of(catalog.value(lead_key))) if lead_key else terms.build_quarters
    years = {
        "operator_sublet": "contract.operator_sublet.fluidstack.lake_mariner.term_years",
        "owned": "facility.shell_life_years",
    }.get(kind, "contract.landlord.term_years")
    escalator = {
        "operator_sublet": "contract.operator_sublet.fluidstack.river_bend.escalator_frac_per_year",
        "owned": None,
    }.get(kind, "contract.landlord.escalator_frac_per_year")
    term = round(catalog.value(years) * QUARTERS_PER_YEAR)
    quarters = scenario.horizon.length_quarters
    mw, accelerators = (
        committed_by_quarter(scenario, fleet, index, term)
        if part.committed_rung == kind
        else (
            np.zeros(quarters),
            np.zeros((quarters, len(fleet.accelerators))),
        )
    )
    upkeep = 0.0 if kind == "operator_sublet" else terms.upkeep_usd_per_kw_year
    owned = kind == "owned"
    return Rung(
        name=f"{terms.name}/{kind}",
        kind=kind,
        site=terms.name,
        state=terms.state,
        holds_hall=True,
        lead_time_quarters=lead,
        term_quarters=term,
        rent_usd_per_kw_month=first_rent_usd_per_kw_month(catalog, kind, terms),
        escalator_frac_per_year=0.0 if escalator is None else catalog.value(escalator),
        capex_usd_per_kw=terms.construction_usd_per_kw if owned else 0.0,
        deposit_frac=0.0 if owned else catalog.value("contract.hall.deposit_frac_of_year_rent"),
        take_or_pay_frac=1.0,
        operation_usd_per_kw_year=terms.property_usd_per_kw_year + upkeep,
        energy_usd_per_mwh=terms.energy_usd_per_mwh,
        pue=terms.pue,
        committed_it_mw=mw,
        committed_accelerators=accelerators,
        max_it_mw=terms.max_it_mw,
        silicon_sales_tax_frac=terms.tax.silicon_sales_frac,
        silicon_property_frac_per_year=terms.tax.silicon_property_frac_per_year,
        operator_markup_frac=_markup_frac(catalog, kind),
    )


def new_it_mw(part: SitePart) -> float:
    """Most new IT MW of a site: its phases, or all that signed capacity leaves where it names none."""
    phases = part.construction.phases if part.construction else []
    return sum(p.it_mw for p in phases) or part.max_it_mw - sum(c.it_mw for c in part.committed)


def ready_level(part: SitePart) -> int:
    """Place in (P10, P50, P90) of the month by which the plan counts on power at a site's new halls."""
    return READY_LEVELS.index(part.construction.ready if part.construction else "p50")


def site_max_it_mw(scenario: Scenario, index: int, build_months: Array) -> Array:
    """(T,) most IT MW that land, grid and phases of a site allow.

    Arguments: scenario, place of the site, (3,) months from the start of a phase to power (P10, P50, P90). Result: what
    the grid connects by quarter, up to the site's maximum; where the site is built in phases, no more than what is
    signed and what its phases have ready. Without steps and phases the whole site is open from the first quarter on.
    """
    part = scenario.sites[index]
    limit = np.full(scenario.horizon.length_quarters, float(part.max_it_mw))
    if part.grid_steps:
        start = Quarter.parse(scenario.horizon.start_quarter)
        connected = np.zeros_like(limit)
        for step in part.grid_steps:
            connected[max(Quarter.parse(step.quarter) - start, 0) :] += step.it_mw
        limit = np.minimum(limit, connected)
    if part.construction and part.construction.phases:
        built = np.zeros_like(limit)
        start = Quarter.parse(scenario.horizon.start_quarter)
        for signed in part.committed:
            built[max(Quarter.parse(signed.quarter) - start, 0) :] += signed.it_mw
        for phase in part.construction.phases:
            built[quarters_of(phase.start_month + float(build_months[ready_level(part)])) :] += phase.it_mw
        limit = np.minimum(limit, built)
    return limit


def _markup_frac(catalog: Catalog, kind: str) -> float:
    """Operator's markup as a share of the rent that contains it; only a specialist operator's has a row."""
    if kind != "operator_sublet":
        return 0.0
    markup = catalog.value("contract.operator_sublet.operator_margin_frac")
    return markup / (1 + markup)


def committed_by_quarter(scenario: Scenario, fleet: Fleet, index: int, term_quarters: int) -> tuple[Array, Array]:
    """(T,) signed IT MW and (T, G) ordered accelerators of a site, live by quarter, within their terms."""
    quarters = scenario.horizon.length_quarters
    first = Quarter.parse(scenario.horizon.start_quarter)
    mw, accelerators = np.zeros(quarters), np.zeros((quarters, len(fleet.accelerators)))
    for signed in scenario.sites[index].committed:
        at = Quarter.parse(signed.quarter) - first
        mw[max(at, 0) : max(at + term_quarters, 0)] += signed.it_mw
        if signed.accelerator is not None:
            chip = fleet.accelerators.index(signed.accelerator)
            life = round(float(fleet.accelerator_life_years[chip]) * QUARTERS_PER_YEAR)
            count = signed.it_mw * 1e3 / float(fleet.accelerator_it_kw[chip])
            accelerators[max(at, 0) : max(at + life, 0), chip] += count
    return mw, accelerators


def rented_rung(catalog: Catalog, scenario: Scenario, fleet: Fleet, kind: str) -> Rung:
    """Resolve the cloud or neocloud rung: term, take-or-pay, prepayment and lead time."""
    quarters = scenario.horizon.length_quarters
    if kind == "cloud":
        lead = quarters_of(catalog.value("contract.cloud.on_demand_lead_time_months"))
        term = max(1, quarters_of(catalog.value("contract.cloud.on_demand_term_months")))
        prepaid, take = 0.0, catalog.value("contract.cloud.take_or_pay_frac")
    else:
        lead = quarters_of(catalog.value("contract.neocloud.lead_time_months"))
        term = round(catalog.value("contract.neocloud.coreweave.weighted_contract_years") * QUARTERS_PER_YEAR)
        prepaid = catalog.value("contract.neocloud.coreweave.prepayment_frac")
        take = catalog.value("contract.neocloud.coreweave.take_or_pay_frac")
    return Rung(
        name=kind,
        kind=kind,
        site="",
        state="",
        holds_hall=False,
        lead_time_quarters=lead,
        term_quarters=term,
        rent_usd_per_kw_month=0.0,
        escalator_frac_per_year=0.0,
        capex_usd_per_kw=0.0,
        deposit_frac=prepaid,
        take_or_pay_frac=take,
        operation_usd_per_kw_year=0.0,
        energy_usd_per_mwh=0.0,
        pue=0.0,
        committed_it_mw=np.zeros(quarters),
        committed_accelerators=np.zeros((quarters, len(fleet.accelerators))),
        max_it_mw=np.full(quarters, np.inf),
    )
