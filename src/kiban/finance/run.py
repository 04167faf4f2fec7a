"""The finance room: inputs, model, result."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.finance import model
from kiban.finance.books import books_of
from kiban.finance.default import loss_given_default, recovery_of
from kiban.finance.downside import downside
from kiban.finance.inputs import (
    FinanceInputs,
    book_lives,
    build_inputs,
    grid_share_frac,
    lending_of,
    real_flows,
    tax_rules,
)
from kiban.finance.leases import leases_of
from kiban.finance.returns import in_service, levelised, mirr
from kiban.finance.statements import (
    balance_sheet,
    income,
    lender,
    open_debt_frac,
    open_sum_frac,
    sponsor,
    statement,
)
from kiban.finance.traces import finance_traces
from kiban.finance.transfer import market_price_usd_per_h
from kiban.finance.unit_costs import unit_costs
from kiban.finance.warnings import warnings_of
from kiban.results import Demand, Finance, Fleet, Plan, PlanMetrics, PlanOutcome, Site, Supply
from kiban.scenario import Scenario
from kiban.units import HOURS_PER_QUARTER

Array = NDArray[np.float64]


def run_finance(
    scenario: Scenario, catalog: Catalog, demand: Demand, fleet: Fleet, site: Site, supply: Supply, plan: Plan
) -> Finance:
    """Return statements, metrics, debt and unit costs of the chosen plan, and metrics of every baseline.

    Here work earns what renting it would cost (the transfer price), because a lender does not lend against what a
    laboratory makes of its compute. The plan room values the same work by what it earns; both values are reported.
    """
    inputs = build_inputs(scenario, catalog, site, plan)
    lending = lending_of(scenario, catalog, fleet, inputs)
    outcomes = (plan.chosen, *plan.baselines)
    of_plan = [
        replace(inputs, rules=replace(inputs.rules, tax=tax_rules(catalog, plan, outcome))) for outcome in outcomes
    ]
    done = [
        _finance_plan(outcome, plan, mine, lending, demand, fleet)
        for outcome, mine in zip(outcomes, of_plan, strict=True)
    ]
    metrics = tuple(d.metrics for d in done)
    real, flows, levered = done[0].real, done[0].flows, done[0].levered
    quarters, base, chance = demand.tree.quarters, inputs.base_leaf, plan.leaf_probability
    lives = book_lives(catalog, plan, fleet, inputs)
    leases = leases_of(scenario, plan.chosen, plan, demand, fleet, inputs.terms.rate_frac_per_year)
    books = books_of(real, flows, levered, leases, lives)
    order = [base, *(i for i in range(len(chance)) if i != base)]
    names = plan.leaf_name
    project = tuple(statement(names[i], i, real, flows, levered) for i in order)
    cost = _unit_cost(plan, fleet, demand)
    units = unit_costs(plan.rungs, plan.accelerators, fleet, inputs.unit)
    shield = model.present_value_usd(levered.shield, flows.index, inputs.rules.discount_frac_per_year)
    uses, sources = sum(v for _, v in levered.uses), sum(v for _, v in levered.sources)
    recovery = recovery_of(catalog, grid_share_frac(site), lives.silicon_years)
    price = market_price_usd_per_h(demand, fleet)[plan.leaf_path]
    return Finance(
        metrics=metrics,
        statements=project,
        base_leaf=base,
        sources=levered.sources,
        uses=levered.uses,
        unit_costs=units,
        leaf_quarterly_dscr=levered.served.dscr,
        covenant_dscr=inputs.covenant_dscr,
        usd_per_gpu_h=cost[0],
        usd_per_goodput_gpu_h=cost[1],
        usd_per_mtok=cost[2],
        sponsor=tuple(sponsor(names[i], i, levered) for i in order),
        lender=tuple(lender(names[i], i, levered) for i in order),
        income=tuple(income(names[i], i, books) for i in order),
        balance=tuple(balance_sheet(names[i], i, books) for i in order),
        book_life_years=(lives.hall_years, lives.silicon_years),
        loss_given_default=loss_given_default(
            real, flows, levered, lending.rules.guarantee_frac, base, recovery, quarters, chance
        ),
        downside=downside(real, price, of_plan[0].rules, lending, levered, base, quarters, chance),
        residuals={
            "finance.sources_less_uses": abs(sources - uses) / max(uses, 1.0),
            "finance.statement_sums": open_sum_frac(project),
            "finance.tax_basis": max(d.flows.tax_basis_residual for d in done),
            "finance.balance_sheet": books.open_frac,
            "finance.debt_balance": max(open_debt_frac(d.levered) for d in done),
        },
        warnings=warnings_of(scenario, catalog, site, plan, lending, metrics[0]),
        traces=finance_traces(scenario, plan, metrics[0], cost, units, float(chance @ shield)),
    )


@dataclass(frozen=True)
class _Done:
    """One plan in money."""

    metrics: PlanMetrics
    real: model.RealFlows
    flows: model.NominalFlows
    levered: model.Levered


def _finance_plan(
    outcome: PlanOutcome, plan: Plan, inputs: FinanceInputs, lending: model.Lending, demand: Demand, fleet: Fleet
) -> _Done:
    real, rules = real_flows(outcome, plan, demand, fleet), inputs.rules
    flows = model.nominal(real, rules)
    levered = model.lever(flows, real, inputs.base_leaf, lending, rules)
    served = levered.served
    npv = model.real_npv(flows, rules.discount_frac_per_year)
    scale = model.break_even_scale(real, rules, plan.leaf_probability)
    quarters = demand.tree.quarters
    rates = (
        inputs.terms.rate_frac_per_year,
        (1 + rules.discount_frac_per_year) * (1 + rules.inflation_frac_per_year) - 1,
    )
    leaf_lcoc, lcoc, per_flop = levelised(outcome, plan, demand, fleet)
    metrics = PlanMetrics(
        plan=outcome.name,
        leaf_npv_usd=npv,
        expected_npv_usd=float(plan.leaf_probability @ npv),
        leaf_equity_irr=model.irrs(levered.equity),
        leaf_project_irr=model.irrs(flows.unlevered),
        leaf_moic=model.multiple_on_invested(levered.equity),
        leaf_min_dscr=served.min_dscr,
        leaf_llcr=served.llcr,
        leaf_first_breach_quarter=tuple(quarters[q] if q >= 0 else "" for q in served.first_breach),
        leaf_debt_unpaid_frac=served.unpaid_frac,
        leaf_payback_years=model.payback_years(flows.unlevered),
        debt_usd=levered.principal,
        gearing_frac=levered.gearing_frac,
        break_even_rent_factor=scale,
        # No revenue reaches zero when the multiple is infinite, whatever share of the hours is at work.
        break_even_utilisation_frac=scale * _utilisation(outcome, plan, demand) if np.isfinite(scale) else scale,
        leaf_plcr=served.plcr,
        leaf_guarantor_unpaid_frac=served.claim_frac,
        leaf_project_mirr_frac=mirr(flows.unlevered, *rates),
        leaf_equity_mirr_frac=mirr(levered.equity, *rates),
        leaf_lcoc_usd_per_gpu_h=leaf_lcoc,
        lcoc_usd_per_gpu_h=lcoc,
        lcoc_usd_per_effective_flop=per_flop,
    )
    return _Done(metrics, real, flows, levered)


def _utilisation(outcome: PlanOutcome, plan: Plan, demand: Demand) -> float:
    weight = demand.tree.node_probability
    live = float(np.einsum("n,nkg->", weight, in_service(outcome, plan)))
    work = outcome.node_training_accelerators + outcome.node_inference_accelerators
    return float(np.einsum("n,nkg->", weight, work)) / live if live > 0 else 0.0


def _unit_cost(plan: Plan, fleet: Fleet, demand: Demand) -> tuple[float, float, float]:
    """Present value of cost over hours in service, over useful hours, and serving's part over tokens."""
    outcome = plan.chosen
    weight = demand.tree.node_probability * plan.node_discount_factor
    cost = float(np.einsum("n,nkc->", weight, outcome.node_rung_cost_usd))
    hours = float(np.einsum("n,nkg->", weight, in_service(outcome, plan))) * HOURS_PER_QUARTER
    goodput = fleet.accelerator_goodput_frac[[fleet.accelerators.index(a) for a in plan.accelerators]]
    training = float(np.einsum("n,nkg,g->", weight, outcome.node_training_accelerators, goodput)) * HOURS_PER_QUARTER
    serving = float(np.einsum("n,nkg->", weight, outcome.node_inference_accelerators)) * HOURS_PER_QUARTER
    # Tokens at today's software: later gains of software would otherwise hide what a token costs now.
    tokens = float(weight @ (outcome.node_inference_served_tok.sum(axis=1) / demand.node_serving_gain_factor)) / 1e6
    raw = float(np.einsum("n,nkg->", weight, outcome.node_training_accelerators)) * HOURS_PER_QUARTER
    share = serving / (serving + raw) if serving + raw > 0 else 0.0

    def ratio(numerator: float, denominator: float) -> float:
        return numerator / denominator if denominator > 0 else float("nan")

    return ratio(cost, hours), ratio(cost, training + serving), ratio(cost * share, tokens)
