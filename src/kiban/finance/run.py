"""The finance room: inputs, model, result."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.finance import model
from kiban.finance.inputs import FinanceInputs, build_inputs, real_flows, tax_rules
from kiban.finance.statements import open_sum_frac, statement
from kiban.finance.traces import finance_traces
from kiban.finance.unit_costs import unit_costs
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
    outcomes = (plan.chosen, *plan.baselines)
    of_plan = [
        replace(inputs, rules=replace(inputs.rules, tax=tax_rules(catalog, plan, outcome))) for outcome in outcomes
    ]
    done = [_finance_plan(outcome, plan, mine, demand, fleet) for outcome, mine in zip(outcomes, of_plan, strict=True)]
    metrics = tuple(d[0] for d in done)
    real, flows, levered = done[0][1], done[0][2], done[0][3]
    order = [inputs.base_leaf, *(i for i in range(len(plan.leaf_probability)) if i != inputs.base_leaf)]
    statements = tuple(statement(plan.leaf_name[i], i, real, flows, levered) for i in order)
    cost = _unit_cost(plan, fleet, demand)
    units = unit_costs(plan.rungs, plan.accelerators, fleet, inputs.unit)
    shield = model.present_value_usd(
        model.interest_shield(flows, levered.loan, inputs.rules), flows.index, inputs.rules.discount_frac_per_year
    )
    uses, sources = sum(v for _, v in levered.uses), sum(v for _, v in levered.sources)
    return Finance(
        metrics=metrics,
        statements=statements,
        base_leaf=inputs.base_leaf,
        sources=levered.sources,
        uses=levered.uses,
        unit_costs=units,
        leaf_quarterly_dscr=levered.served.dscr,
        covenant_dscr=inputs.covenant_dscr,
        usd_per_gpu_h=cost[0],
        usd_per_goodput_gpu_h=cost[1],
        usd_per_mtok=cost[2],
        residuals={
            "finance.sources_less_uses": abs(sources - uses) / max(uses, 1.0),
            "finance.statement_sums": open_sum_frac(statements),
            "finance.tax_basis": max(d[2].tax_basis_residual for d in done),
        },
        warnings=_warnings(catalog, metrics[0]),
        traces=finance_traces(scenario, plan, metrics[0], cost, units, float(plan.leaf_probability @ shield)),
    )


def _finance_plan(
    outcome: PlanOutcome, plan: Plan, inputs: FinanceInputs, demand: Demand, fleet: Fleet
) -> tuple[PlanMetrics, model.RealFlows, model.NominalFlows, model.Levered]:
    real = real_flows(outcome, plan, demand, fleet)
    flows = model.nominal(real, inputs.rules)
    levered = model.lever(flows, real, inputs.base_leaf, inputs.terms, inputs.covenant_dscr)
    npv = model.real_npv(flows, inputs.rules.discount_frac_per_year)
    scale = model.break_even_scale(real, inputs.rules, plan.leaf_probability)
    quarters = demand.tree.quarters
    metrics = PlanMetrics(
        plan=outcome.name,
        leaf_npv_usd=npv,
        expected_npv_usd=float(plan.leaf_probability @ npv),
        leaf_equity_irr=model.irrs(levered.equity),
        leaf_project_irr=model.irrs(flows.unlevered),
        leaf_moic=model.multiple_on_invested(levered.equity),
        leaf_min_dscr=levered.served.min_dscr,
        leaf_llcr=levered.served.llcr,
        leaf_first_breach_quarter=tuple(quarters[q] if q >= 0 else "" for q in levered.served.first_breach),
        leaf_debt_unpaid_frac=levered.served.unpaid_frac,
        leaf_payback_years=model.payback_years(flows.unlevered),
        debt_usd=levered.loan.principal,
        gearing_frac=levered.loan.gearing_frac,
        break_even_rent_factor=scale,
        # No revenue reaches zero when the multiple is infinite, whatever share of the hours is at work.
        break_even_utilisation_frac=scale * _utilisation(outcome, plan, demand) if np.isfinite(scale) else scale,
    )
    return metrics, real, flows, levered


def _in_service(outcome: PlanOutcome, plan: Plan) -> Array:
    """Accelerators in service, own and rented, (N, K, G)."""
    hall = np.array([rung.holds_hall for rung in plan.rungs])
    return outcome.node_silicon_live * hall[:, None] + outcome.node_rent_live


def _utilisation(outcome: PlanOutcome, plan: Plan, demand: Demand) -> float:
    weight = demand.tree.node_probability
    live = float(np.einsum("n,nkg->", weight, _in_service(outcome, plan)))
    work = outcome.node_training_accelerators + outcome.node_inference_accelerators
    return float(np.einsum("n,nkg->", weight, work)) / live if live > 0 else 0.0


def _unit_cost(plan: Plan, fleet: Fleet, demand: Demand) -> tuple[float, float, float]:
    """Present value of cost over hours in service, over useful hours, and serving's part over tokens."""
    outcome = plan.chosen
    weight = demand.tree.node_probability * plan.node_discount_factor
    cost = float(np.einsum("n,nkc->", weight, outcome.node_rung_cost_usd))
    hours = float(np.einsum("n,nkg->", weight, _in_service(outcome, plan))) * HOURS_PER_QUARTER
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


def _warnings(catalog: Catalog, chosen: PlanMetrics) -> tuple[str, ...]:
    words = ["debt covenants, fees and insurance are assumed rows: no loan document was read"]
    several = [irr for irr in chosen.leaf_project_irr if irr.status != "unique"]
    if several:
        words.append(f"{len(several)} histories have no single internal rate of return; read NPV and MOIC there")
    if chosen.debt_usd == 0:
        words.append("no debt is carried: gearing is zero or no cash is left for service")
    return tuple(words)
