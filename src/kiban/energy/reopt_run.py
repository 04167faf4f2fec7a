"""The bill and the outages of a REopt scenario, under REopt's names of results."""

from __future__ import annotations

from typing import Any

from kiban.energy.outages import OutageCost, outage_cost
from kiban.energy.reopt_read import ReoptCase
from kiban.energy.tariff import Bill, bill


def run_reopt(case: ReoptCase) -> dict[str, Any]:
    """First-year bill before tax, its present worth after tax, and the cost of outages.

    Result: ``ElectricTariff``, ``Outages`` (where the scenario has any) and ``Financial``, with REopt's keys.
    Equation: lifecycle cost = first year x present worth x (1 - tax); outage cost carries no tax, as in REopt.
    """
    paid = bill(case.tariff, case.load_kw)
    worth = case.present_worth * (1 - case.tax_frac)
    found: dict[str, Any] = {"ElectricTariff": _bill(paid, worth)}
    total = paid.total_usd * worth
    if case.outages is not None:
        lost = outage_cost(
            case.critical_kw, case.lost_load_usd_per_kwh, case.outages, case.present_worth, case.backup,
            step_h=1.0 / case.steps_per_hour,
        )  # fmt: skip
        found["Outages"] = _outages(lost)
        total += lost.expected_usd + lost.backup_usd + lost.fuel_usd
    found["Financial"] = {"lcc": round(total, 2), "present_worth_factor": case.present_worth}
    found["left_out"] = list(case.left_out)
    return found


def _bill(paid: Bill, worth: float) -> dict[str, Any]:
    items = {
        "energy_cost": paid.energy_usd,
        "demand_cost": paid.demand_usd,
        "coincident_peak_cost": paid.coincident_usd,
        "fixed_cost": paid.fixed_usd,
        "min_charge_adder": paid.minimum_usd,
    }
    found: dict[str, Any] = {f"year_one_{k}_before_tax": round(v, 2) for k, v in items.items()}
    found |= {f"lifecycle_{k}_after_tax": round(v * worth, 2) for k, v in items.items()}
    found["year_one_bill_before_tax"] = round(paid.total_usd, 2)
    found["monthly_energy_cost_series_before_tax"] = [round(float(v), 2) for v in paid.monthly_energy_usd]
    found["monthly_demand_cost_series_before_tax"] = [round(float(v), 2) for v in paid.monthly_demand_usd]
    return found


def _outages(lost: OutageCost) -> dict[str, Any]:
    return {
        "expected_outage_cost": lost.expected_usd,
        "max_outage_cost_per_outage_duration": lost.dearest_usd.tolist(),
        "unserved_load_per_outage_kwh": lost.unserved_kwh.round(2).tolist(),
        "generator_microgrid_size_kw": round(lost.backup_kw, 4),
        "survived_steps": lost.survived_steps.tolist(),
    }
