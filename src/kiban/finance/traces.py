"""How the headline numbers of the finance room were made."""

from __future__ import annotations

import numpy as np

from kiban.results import Plan, PlanMetrics, Rung, Trace, UnitCost
from kiban.scenario import Scenario


def finance_traces(
    scenario: Scenario, plan: Plan, chosen: PlanMetrics, cost: tuple[float, float, float],
    units: tuple[UnitCost, ...], interest_shield_usd: float,
) -> tuple[Trace, ...]:  # fmt: skip
    """Traces of the unit costs, the value and the debt, down to other rooms' traces.

    Args: interest_shield_usd, expected present value of the tax that interest would save; the rest as in ``run``.
    """
    used = [name for g, name in enumerate(plan.accelerators) if _works(plan, g)]
    halls = [
        r
        for k, r in enumerate(plan.rungs)
        if r.holds_hall and float(plan.chosen.node_hall_live_it_mw[:, k].max(initial=0.0)) > 0
    ]
    rents = tuple(f"plan.hall_capex.{r.name}" if r.kind == "owned" else f"plan.hall_rent.{r.name}" for r in halls)
    sites = tuple(dict.fromkeys(r.site for r in halls))
    energy = tuple(f"energy.site_energy_usd_per_mwh.{s}" for s in sites)
    silicon = tuple(f"compute.server_usd_per_gpu.{a}" for a in used)
    power = tuple(f"compute.it_kw.{a}" for a in used)
    market = tuple(f"compute.rent_usd_per_gpu_h.{a}" for a in used)
    common = (
        "scenario.finance.discount_frac_per_year",
        "tax.us.federal_rate_frac",
        "tax.us.bonus_depreciation_frac",
    )
    out = [
        Trace(
            "finance.usd_per_gpu_h",
            cost[0],
            "USD/GPU-h",
            "present value of all cost / present value of accelerator-hours in service, expected over the tree",
            (*silicon, *market, *rents, *energy, *power, "scenario.finance.discount_frac_per_year"),
        ),
        Trace(
            "finance.usd_per_goodput_gpu_h",
            cost[1],
            "USD/GPU-h",
            "present value of all cost / present value of hours at work, training hours times goodput",
            ("finance.usd_per_gpu_h", *(f"compute.goodput_frac.{a}" for a in used)),
        ),
        Trace(
            "finance.usd_per_mtok",
            cost[2],
            "USD/Mtok",
            "cost x share of hours that serve / tokens served at today's software, unbilled ones included",
            (
                "finance.usd_per_gpu_h",
                *(f"compute.inference_tok_per_s.{a}" for a in used),
                "demand.peak_to_mean_factor",
                "scenario.demand.serving_gain_per_year",
            ),
        ),
        Trace(
            "finance.expected_npv_usd",
            chosen.expected_npv_usd,
            "USD",
            "sum over histories of probability x present value of free cash after tax, unlevered; work at market rent",
            (*market, *silicon, *rents, *energy, "demand.rent_factor", *common),
        ),
        Trace(
            "finance.debt_usd",
            chosen.debt_usd,
            "USD nominal",
            "lesser of gearing bound and what cash carries at the target coverage, base history, and draws on silicon",
            (
                "scenario.finance.debt_kind",
                "scenario.finance.gearing_max_frac",
                "scenario.finance.target_dscr",
                "scenario.finance.tenor_years",
                f"finance.credit.{scenario.finance.credit}.yield_frac",
                "finance.debt.construction_loan.fee_frac",
                "finance.debt.delayed_draw_months",
                *_chip_terms(scenario),
            ),
        ),
    ]
    out.append(
        Trace(
            "finance.interest_shield_usd",
            interest_shield_usd,
            "USD",
            "expected present value of tax that interest saves, deducted up to a share of income before write-offs and "
            "interest, the rest later; part of the owners' cash, outside coverage",
            (
                "finance.debt_usd",
                f"finance.credit.{scenario.finance.credit}.yield_frac",
                "tax.us.interest_cap_frac_of_ati",
                *common,
            ),
        )
    )
    rungs = {rung.name: rung for rung in plan.rungs}
    out += [_unit(cost, rungs[cost.rung]) for cost in units]
    return tuple(out)


def _chip_terms(scenario: Scenario) -> tuple[str, ...]:
    if scenario.finance.chip_gearing_max_frac <= 0:
        return ()
    names = ("chip_gearing_max_frac", "chip_tenor_years", "chip_window_years")
    rate = f"finance.credit.{scenario.finance.chip_credit}.yield_frac"
    return (*(f"scenario.finance.{name}" for name in names), rate)


def _works(plan: Plan, g: int) -> bool:
    outcome = plan.chosen
    return bool((outcome.node_training_accelerators[..., g] + outcome.node_inference_accelerators[..., g]).max() > 0)


def _unit(cost: UnitCost, rung: Rung) -> Trace:
    terms = ("scenario.finance.discount_frac_per_year", "scenario.finance.utilisation_frac")
    if rung.holds_hall:
        formula = "per hour in service: silicon, its tax, network, shell by annuity, level rent, power, upkeep, support"
        place = f"plan.hall_capex.{rung.name}" if rung.kind == "owned" else f"plan.hall_rent.{rung.name}"
        inputs: tuple[str, ...] = (
            f"compute.server_usd_per_gpu.{cost.accelerator}",
            f"compute.it_kw.{cost.accelerator}",
            place,
            f"energy.site_energy_usd_per_mwh.{rung.site}",
            f"facility.site_annual_pue.{rung.site}",
            "support.server_frac_of_price_per_year",
        )
    else:
        formula = "locked rent, flat in money of the day, level over the term; the rest as it is used; prepaid interest"
        inputs = (f"compute.rent_usd_per_gpu_h.{cost.accelerator}", "scenario.finance.inflation_frac_per_year")
    name = f"finance.rung_usd_per_gpu_h.{cost.rung}.{cost.accelerator}"
    return Trace(name, float(np.sum(cost.usd_per_gpu_h)), "USD/GPU-h", formula, (*inputs, *terms))
