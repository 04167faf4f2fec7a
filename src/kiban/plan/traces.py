"""How the plan's main numbers were made, down to catalogue rows and scenario fields."""

from __future__ import annotations

from kiban.plan.inputs import PlanInputs
from kiban.results import PlanOutcome, Rung, Trace

_RENT_KEYS = {
    "operator_sublet": (
        "contract.operator_sublet.fluidstack.river_bend.first_year_rent_usd_per_kw_month",
        "contract.operator_sublet.operator_margin_frac",
    ),
    "landlord_lease": ("contract.landlord.first_year_rent_usd_per_kw_month",),
}


def plan_traces(inputs: PlanInputs, outcome: PlanOutcome) -> tuple[Trace, ...]:
    """Traces of the value of the plan and of the rent or cost of every hall rung."""
    halls = [r for r in inputs.rungs if r.holds_hall]
    sites = dict.fromkeys(r.site for r in halls)
    value = Trace(
        "plan.expected_npv_usd",
        outcome.expected_npv_usd,
        "USD",
        "sum over nodes of probability x discount factor x (value of served work - cost)",
        (
            "scenario.finance.discount_frac_per_year",
            "scenario.demand.compute_value_frac",
            "scenario.demand.training_value_multiple",
            "scenario.ladder.budget_usd",
            "demand.inference_tok",
            "demand.training_flop",
            "precedent.layer_recovery_frac.shell_and_mep",
            *(f"plan.hall_rent.{r.name}" for r in halls if r.kind != "owned"),
            *(f"plan.hall_capex.{r.name}" for r in halls if r.kind == "owned"),
            *(f"energy.site_energy_usd_per_mwh.{s}" for s in sites),
        ),
    )
    return (value, *(_hall(r) for r in halls))


def _hall(rung: Rung) -> Trace:
    cost = f"facility.site_construction_usd_per_kw.{rung.site}"
    if rung.kind == "owned":
        return Trace(
            f"plan.hall_capex.{rung.name}",
            rung.capex_usd_per_kw,
            "USD/kW",
            "construction cost by line plus interconnection fee",
            (cost, "policy.tx.tac_25_194.interconnection_fee_usd_per_mw") if rung.state == "tx" else (cost,),
        )
    if rung.kind == "build_to_suit":
        formula = "yield on cost x construction cost / 12"
        keys: tuple[str, ...] = (cost, "contract.build_to_suit.yield_on_cost_frac")
    else:
        own = f"contract.operator_sublet.fluidstack.{rung.site}.first_year_rent_usd_per_kw_month"
        formula, keys = "first-year rent, with the operator's margin on a sublease", _RENT_KEYS[rung.kind]
        if rung.kind == "operator_sublet" and rung.site in ("lake_mariner", "river_bend"):
            keys = (own, *keys[1:])
    return Trace(f"plan.hall_rent.{rung.name}", rung.rent_usd_per_kw_month, "USD/kW-month", formula, keys)
