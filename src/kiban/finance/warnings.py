"""What a reader of the finance room must be told."""

from __future__ import annotations

from collections.abc import Iterator

from kiban.catalog import Catalog
from kiban.finance.model import Lending
from kiban.results import Plan, PlanMetrics, Site
from kiban.scenario import Scenario
from kiban.units import Quarter

TEXAS = "tax.tx.dc_exempt_151_3595."


def warnings_of(
    scenario: Scenario, catalog: Catalog, site: Site, plan: Plan, lending: Lending, chosen: PlanMetrics
) -> tuple[str, ...]:
    """Assumed rows, returns without a single rate, loans that are cut, tax relief and leases that do not fit."""
    words = ["debt covenants, fees and insurance are assumed rows: no loan document was read"]
    several = [irr for irr in chosen.leaf_project_irr if irr.status != "unique"]
    if several:
        words.append(f"{len(several)} histories have no single internal rate of return; read NPV and MOIC there")
    if chosen.debt_usd == 0:
        year = "" if scenario.finance.debt_kind == "sculpted" else " in some year of its tenor"
        words.append(f"no debt is carried: gearing is zero or no cash is left for service{year}")
    words += _cut_tenor(scenario, lending)
    words += _exemption(scenario, catalog, site, plan)
    words += _early_leases(scenario)
    return tuple(words)


def _cut_tenor(scenario: Scenario, lending: Lending) -> Iterator[str]:
    length, terms, chips = scenario.horizon.length_quarters, lending.terms, lending.chips
    over = terms.window_quarters + terms.tenor_quarters - length
    if over > 0 and terms.gearing_max_frac > 0:
        yield (
            f"the loan is drawn over {terms.window_quarters} quarters and would be repaid over {terms.tenor_quarters} "
            f"more: {over} past the horizon of {length}. It is repaid within the horizon, which makes it smaller"
        )
    if chips is not None:
        latest = length - chips.tenor_quarters - chips.grace_quarters
        if latest < min(chips.window_quarters, length):
            yield (
                f"silicon bought after quarter {max(latest, 0)} is not lent on: {chips.tenor_quarters} quarters of "
                "repayment would run past the horizon"
            )


def _exemption(scenario: Scenario, catalog: Catalog, site: Site, plan: Plan) -> Iterator[str]:
    """Texas exempts silicon from the state's sales tax if there are jobs, money and power; the plan counts two."""
    jobs, power = catalog.value(TEXAS + "jobs_min"), catalog.value(TEXAS + "power_min_mw")
    spend = catalog.value(TEXAS + "investment_min_usd_m") * 1e6
    for part in scenario.sites:
        counted = part.state == "tx" and scenario.ladder.budget_usd >= spend and part.max_it_mw >= power
        if not counted or part.name not in site.sites:
            continue
        mine = [k for k, rung in enumerate(plan.rungs) if rung.site == part.name]
        live = plan.chosen.node_hall_live_it_mw[:, mine].sum(axis=1)[plan.leaf_path]
        peak = float(plan.leaf_probability @ live.max(axis=1))
        staff = peak * float(site.site_operations_fte_per_mw[site.sites.index(part.name)])
        if peak > 0 and (staff < jobs or peak < power):
            yield (
                f"{part.name}: silicon is counted free of the Texas state sales tax (Tax Code 151.3595), which asks "
                f"for {jobs:g} jobs and {power:g} MW; the plan expects {staff:.0f} jobs on {peak:.1f} MW. Without the "
                f"exemption silicon costs {catalog.value('tax.tx.sales_state_frac'):.2%} more there"
            )


def _early_leases(scenario: Scenario) -> Iterator[str]:
    start = Quarter.parse(scenario.horizon.start_quarter)
    for part in scenario.sites:
        if part.grid_ready_quarter is None or part.committed_rung in (None, "owned"):
            continue
        ready = Quarter.parse(part.grid_ready_quarter)
        for block in part.committed:
            at = Quarter.parse(block.quarter)
            if start <= at < ready:
                yield (
                    f"{part.name}: rent of {block.it_mw:g} MW starts in {block.quarter}, before the site takes new "
                    f"load in {part.grid_ready_quarter}; it is counted as powered, as the signed block says"
                )
