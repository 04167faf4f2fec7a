"""Scenario, catalogue and earlier results to the arguments of the finance model."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.finance.books import BookLives
from kiban.finance.debt import ChipTerms, Terms, per_quarter_frac
from kiban.finance.model import Lending, RealFlows, Rules
from kiban.finance.service import Refinance
from kiban.finance.service import Rules as ServiceRules
from kiban.finance.tax import TaxRules
from kiban.finance.transfer import market_value_usd
from kiban.finance.unit_costs import UnitTerms
from kiban.results import Demand, Fleet, Plan, PlanOutcome, Site
from kiban.scenario import Scenario

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FinanceInputs:
    """Arguments of the finance model."""

    rules: Rules
    terms: Terms
    unit: UnitTerms
    covenant_dscr: float
    base_leaf: int
    land_frac: float
    """Share of construction that is land."""


def build_inputs(scenario: Scenario, catalog: Catalog, site: Site, plan: Plan) -> FinanceInputs:
    """Collect the arguments; the tax rules are those of the chosen plan.

    Raises CatalogKeyError if the credit row is missing.
    """
    part = scenario.finance
    lines = list(site.construction_lines)
    mean = site.site_construction_usd_per_kw.mean(axis=0) if len(site.sites) else np.zeros(len(lines))
    whole = float(mean.sum()) or 1.0
    building = sum(float(v) for n, v in zip(lines, mean, strict=True) if n in ("shell", "soft_cost", "contingency"))
    land = sum(float(v) for n, v in zip(lines, mean, strict=True) if n == "land")
    return FinanceInputs(
        land_frac=land / whole,
        rules=Rules(
            tax=tax_rules(catalog, plan, plan.chosen),
            inflation_frac_per_year=part.inflation_frac_per_year,
            discount_frac_per_year=part.discount_frac_per_year,
            building_frac=building / whole,
            land_frac=land / whole,
        ),
        terms=Terms(
            rate_frac_per_year=catalog.value(f"finance.credit.{part.credit}.yield_frac"),
            fee_frac=catalog.value("finance.debt.construction_loan.fee_frac"),
            gearing_max_frac=part.gearing_max_frac,
            target_dscr=part.target_dscr,
            tenor_quarters=math.ceil(part.tenor_years * 4),
            window_quarters=math.ceil(catalog.value("finance.debt.delayed_draw_months") / 3),
            kind=part.debt_kind,
        ),
        unit=UnitTerms(
            discount_frac_per_year=part.discount_frac_per_year,
            inflation_frac_per_year=part.inflation_frac_per_year,
            utilisation_frac=part.utilisation_frac,
            support_frac_per_year=catalog.value("support.server_frac_of_price_per_year"),
            shell_life_years=catalog.value("facility.shell_life_years"),
            silicon_insurance_frac_per_year=catalog.value("finance.insurance.operating_frac_of_asset_value_per_year")
            * catalog.value("tax.silicon_appraisal_mean_frac"),
        ),
        covenant_dscr=part.covenant_dscr,
        base_leaf=int(np.argmax(plan.leaf_probability)),
    )


def lending_of(scenario: Scenario, catalog: Catalog, fleet: Fleet, inputs: FinanceInputs) -> Lending:
    """What is agreed with lenders; interest on a draw for silicon is added to it until the slowest chip is there."""
    part = scenario.finance
    refinance = None
    if part.refinance_year > 0:
        refinance = Refinance(
            quarter=round(part.refinance_year * 4) - 1,
            rate_per_quarter_frac=per_quarter_frac(part.refinance_rate_frac_per_year),
            fee_frac=part.refinance_fee_frac,
            tenor_quarters=math.ceil(part.refinance_tenor_years * 4),
            kind=part.debt_kind,
        )
    chips = None
    if part.chip_gearing_max_frac > 0:
        leads = [int(q) for q, name in zip(fleet.accelerator_lead_time_quarters, fleet.accelerators, strict=True)
                 if name in scenario.ladder.accelerators]  # fmt: skip
        chips = ChipTerms(
            rate_frac_per_year=catalog.value(f"finance.credit.{part.chip_credit}.yield_frac"),
            fee_frac=inputs.terms.fee_frac,
            gearing_max_frac=part.chip_gearing_max_frac,
            target_dscr=part.target_dscr,
            tenor_quarters=math.ceil(part.chip_tenor_years * 4),
            grace_quarters=max(leads, default=0),
            window_quarters=math.ceil(part.chip_window_years * 4),
        )
    rules = ServiceRules(
        inputs.covenant_dscr, part.cash_sweep_frac, part.guarantee_frac, part.lock_up, refinance
    )  # fmt: skip
    return Lending(inputs.terms, rules, chips)


def tax_rules(catalog: Catalog, plan: Plan, outcome: PlanOutcome) -> TaxRules:
    """Tax rules of one plan; state rates are weighted by the hall capacity it is expected to have in each state.

    Capacity is that of the outcome itself, over the horizon and the histories. Income of rented accelerators follows
    the same weights; a programme without halls pays federal tax only, and so does one in a state whose income tax is
    not in the catalogue.
    """
    live = np.einsum("l,ltk->k", plan.leaf_probability, outcome.node_hall_live_it_mw[plan.leaf_path])
    total = float(live.sum())

    def share(state: str) -> float:
        mine = sum(float(live[k]) for k, rung in enumerate(plan.rungs) if rung.state == state)
        return mine / total if total > 0 else 0.0

    def table(name: str, years: int) -> Array:
        return np.array([catalog.value(f"tax.us.macrs.{name}.{y:02d}") for y in range(1, years + 1)])

    margin = catalog.value("tax.tx.franchise_rate_frac") * catalog.value("tax.tx.franchise_margin_max_frac_of_revenue")
    return TaxRules(
        federal_frac=catalog.value("tax.us.federal_rate_frac"),
        state_income_frac=share("ny") * catalog.value("tax.ny.corporate_rate_frac"),
        margin_tax_frac=share("tx") * margin,
        bonus_frac=catalog.value("tax.us.bonus_depreciation_frac"),
        short_life=table("5yr.hy", 6),
        long_life=table("15yr.hy", 16),
        building_life_years=catalog.value("tax.us.macrs.building_class_years"),
        interest_cap_frac=catalog.value("tax.us.interest_cap_frac_of_ati"),
        loss_use_cap_frac=catalog.value("tax.us.nol_cap_frac"),
    )


def _sold_new_usd(outcome: PlanOutcome, plan: Plan, demand: Demand, fleet: Fleet) -> Array:
    """(N,) what the accelerators sold at each node would cost new there, without tax; real USD."""
    order = [fleet.accelerators.index(name) for name in plan.accelerators]
    price = np.nan_to_num(fleet.accelerator_server_usd_per_gpu + fleet.accelerator_network_usd_per_gpu)[order]
    return np.asarray(outcome.node_silicon_sold.sum(axis=1) @ price * demand.node_gpu_price_factor)


def real_flows(outcome: PlanOutcome, plan: Plan, demand: Demand, fleet: Fleet) -> RealFlows:
    """Gather a plan's real cash along the leaves from its nodes; work earns the market's rent (transfer price)."""
    cost = outcome.node_rung_cost_usd.sum(axis=1)[plan.leaf_path]
    line = {name: cost[:, :, c] for c, name in enumerate(outcome.cost_lines)}
    return RealFlows(
        value=market_value_usd(outcome, plan, demand, fleet)[plan.leaf_path],
        construction=line["hall_capex"],
        silicon=line["silicon_capex"],
        hall_rent=line["hall_rent"],
        accelerator_rent=line["accelerator_rent"],
        energy=line["energy"],
        operation=line["operation"],
        deposits=line["deposits"],
        exit_obligation=line["exit_obligation"],
        residual_value=-line["residual_value"],
        sold_new=_sold_new_usd(outcome, plan, demand, fleet)[plan.leaf_path],
    )


def book_lives(catalog: Catalog, plan: Plan, fleet: Fleet, inputs: FinanceInputs) -> BookLives:
    """Lives of the books; silicon has the mean life of what is bought, weighted by price and chance."""
    order = [fleet.accelerators.index(name) for name in plan.accelerators]
    price = np.nan_to_num(fleet.accelerator_server_usd_per_gpu + fleet.accelerator_network_usd_per_gpu)[order]
    life = fleet.accelerator_life_years[order]
    bought = np.einsum("l,ltkg->g", plan.leaf_probability, plan.chosen.node_silicon_buy[plan.leaf_path]) * price
    years = float(bought @ life / bought.sum()) if bought.sum() > 0 else float(life.mean())
    return BookLives(catalog.value("facility.shell_life_years"), years, inputs.land_frac)


def grid_share_frac(site: Site) -> float:
    """Share of construction cost that is land, grid and utility works, mean of the sites; 0 without sites."""
    if not len(site.sites):
        return 0.0
    mean = site.site_construction_usd_per_kw.mean(axis=0)
    on_grid = np.array([any(word in name for word in ("land", "utility", "grid")) for name in site.construction_lines])
    return float(mean @ on_grid / mean.sum()) if mean.sum() > 0 else 0.0
