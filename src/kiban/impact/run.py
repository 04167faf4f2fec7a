"""The impact room: inputs, model, result."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.impact import model
from kiban.impact.inputs import PROGRAMME, ImpactInputs, build_inputs
from kiban.impact.money import local_share_by_site, money_map, present_value_by_line
from kiban.results import Claim, Demand, Fleet, Impact, Plan, Site, Supply, Trace
from kiban.scenario import Scenario
from kiban.units import HOURS_PER_QUARTER

Array = NDArray[np.float64]


def run_impact(
    scenario: Scenario, catalog: Catalog, demand: Demand, fleet: Fleet, site: Site, supply: Supply, plan: Plan
) -> Impact:
    """Return the expected carbon, water, jobs and money flows of the chosen plan."""
    inputs = build_inputs(catalog, fleet, site, supply, plan)
    tree, outcome = demand.tree, plan.chosen
    quarters = len(tree.quarters)

    def expect(values: Array) -> Array:
        return model.expected_by_quarter(values, tree.node_probability, tree.node_quarter, quarters)

    order = [fleet.accelerators.index(name) for name in plan.accelerators]
    hall = np.array([rung.holds_hall for rung in plan.rungs])

    def draw(training: Array, inference: Array) -> Array:
        return expect(
            hall
            * model.it_draw_mw(
                training,
                inference,
                fleet.accelerator_it_kw[order],
                fleet.accelerator_training_power_frac[order],
                fleet.accelerator_inference_power_frac[order],
            )
        )

    serving_mw = draw(np.zeros_like(outcome.node_inference_accelerators), outcome.node_inference_accelerators)
    draw_mw = serving_mw + draw(outcome.node_training_accelerators, np.zeros_like(outcome.node_training_accelerators))
    it_mwh = draw_mw * HOURS_PER_QUARTER
    meter_mwh = it_mwh * inputs.pue
    live = expect(outcome.node_hall_live_it_mw)
    start = expect(outcome.node_hall_start_it_mw)
    committed = np.stack([rung.committed_it_mw for rung in plan.rungs], axis=1)
    building = model.construction_jobs(start, inputs.job_years_per_mw, inputs.build_quarters, committed)
    staff = live * inputs.fte_per_mw
    energised = start.sum() + np.diff(committed, axis=0, prepend=0.0).clip(min=0).sum()
    bought = np.einsum("n,nkg->g", tree.node_probability, outcome.node_silicon_buy)
    embodied = float(
        bought @ np.nan_to_num(fleet.accelerator_embodied_kg_co2[order])
        + energised * 1e3 * inputs.building_kg_co2_per_kw
    )
    lines = present_value_by_line(plan, fleet, tree.node_probability)
    money = money_map(lines, inputs)
    location = meter_mwh @ inputs.location_kg_co2_per_mwh
    served_mtok = float(expect(outcome.node_inference_served_tok).sum()) / 1e6
    own_inference = _own_inference_share(outcome.node_inference_accelerators, hall, tree.node_probability)
    inference_kg = float(location.sum()) * (float(serving_mw.sum()) / max(float(draw_mw.sum()), 1e-12))
    per_mtok = inference_kg / (served_mtok * own_inference) if served_mtok * own_inference > 0 else 0.0
    return Impact(
        quarterly_energy_mwh=meter_mwh.sum(axis=1),
        quarterly_location_kg_co2=location,
        quarterly_marginal_kg_co2=meter_mwh @ inputs.marginal_kg_co2_per_mwh,
        embodied_kg_co2=embodied,
        quarterly_site_water_m3=it_mwh @ inputs.wue_l_per_kwh,
        quarterly_source_water_m3=meter_mwh @ inputs.source_water_l_per_kwh,
        quarterly_construction_jobs=building.sum(axis=1),
        quarterly_permanent_jobs=staff.sum(axis=1),
        sites=site.sites,
        site_peak_permanent_jobs=_peak_by_site(staff, inputs, len(site.sites)),
        site_peak_construction_jobs=_peak_by_site(building, inputs, len(site.sites)),
        local_share_frac=local_share_by_site(plan, fleet, inputs, tree.node_probability, len(site.sites)),
        money=money,
        claims=_claims(scenario, inputs, staff, building, plan, tree.node_probability),
        kg_co2_per_mtok=per_mtok,
        residuals={"impact.money": model.money_residual([(m.source, m.target, m.usd) for m in money], PROGRAMME)},
        warnings=_warnings(catalog),
        traces=_traces(per_mtok, meter_mwh, location, staff, site),
    )


def _own_inference_share(inference: Array, hall: Array, probability: Array) -> float:
    by_rung = np.einsum("n,nkg->k", probability, inference)
    total = float(by_rung.sum())
    return float(by_rung[hall].sum()) / total if total > 0 else 0.0


def _peak_by_site(jobs: Array, inputs: ImpactInputs, sites: int) -> Array:
    return np.array([jobs[:, inputs.site_index == s].sum(axis=1).max(initial=0.0) for s in range(sites)])


def _claims(
    scenario: Scenario, inputs: ImpactInputs, staff: Array, building: Array, plan: Plan, probability: Array
) -> tuple[Claim, ...]:
    upfront = float(np.sum(probability * plan.chosen.node_upfront_usd))
    answers = {
        "permanent_jobs": (float(staff.sum(axis=1).max(initial=0.0)), inputs.staff_low, inputs.staff_high, "jobs"),
        "construction_jobs": (float(building.sum(axis=1).max(initial=0.0)), inputs.crew_low, inputs.crew_high, "jobs"),
        "investment_usd": (upfront, 1.0, 1.0, "USD"),
    }
    claims = []
    for claim in scenario.claims:
        value, low, high, unit = answers[claim.item]
        inside = value * low <= claim.published <= value * high
        ratio = claim.published / value if value > 0 else float("inf")
        words = "inside the model's range" if inside else f"{ratio:.2g} times the model's answer"
        sentence = f"published {claim.published:,.0f} {unit}: {words}"
        claims.append(
            Claim(claim.item, claim.published, value * low, value, value * high, unit, claim.source, sentence)
        )
    return tuple(claims)


def _warnings(catalog: Catalog) -> tuple[str, ...]:
    row = catalog.row("embodied.building_shell_mep.kg_co2e_per_kw_it")
    words = [f"embodied carbon of buildings rests on one {row.confidence} row ({row.low} to {row.high} kgCO2e/kW IT)"]
    assumed = [k for k in catalog.keys("region.local_purchase_frac.") if catalog.row(k).confidence == "assumed"]
    if assumed:
        words.append(f"local shares of spending rest on {len(assumed)} assumed rows")
    return tuple(words)


def _traces(per_mtok: float, meter_mwh: Array, location: Array, staff: Array, site: Site) -> tuple[Trace, ...]:
    names = tuple(f"facility.site_annual_pue.{name}" for name in site.sites)
    return (
        Trace(
            "impact.kg_co2_per_mtok",
            per_mtok,
            "kgCO2e/Mtok",
            "location-based carbon of serving over tokens served in halls with own silicon",
            ("impact.energy_mwh", "impact.location_kg_co2"),
        ),
        Trace(
            "impact.energy_mwh",
            float(meter_mwh.sum()),
            "MWh",
            "accelerators at work x IT kW x power fraction x hours x PUE, expected over the tree",
            (*names, "plan.expected_npv_usd"),
        ),
        Trace(
            "impact.location_kg_co2",
            float(location.sum()),
            "kgCO2e",
            "electricity at the meter x location-based average intensity of the site's supply",
            tuple(f"energy.average_kg_co2_per_mwh.{name}" for name in site.sites),
        ),
        Trace(
            "impact.permanent_jobs",
            float(staff.sum(axis=1).max(initial=0.0)),
            "jobs",
            "IT MW in service x staff per MW, peak quarter of the expectation",
            ("staffing.ai_training_campus_gw_fte_per_mw",),
        ),
    )
