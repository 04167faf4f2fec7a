"""Cost and time of a hall for the facility door; every total with its denominator."""

from __future__ import annotations

from typing import Any

from kiban.catalog import Catalog
from kiban.facility.cooling import LIQUID_KINDS
from kiban.facility.phases import Build, Phase, build_in_phases
from kiban.facility.site_costs import equipment_lead_weeks, measured_build_months, site_costs
from kiban.scenario.facility_schema import FacilityFile
from kiban.scenario.schema import SitePart
from kiban.units.numbers import usd


def build_of(form: FacilityFile, catalog: Catalog) -> Build | None:
    """Give the build of a facility file, or None where it names no construction.

    Arguments: form, catalogue. Result: phases, spending and capacity. Cost lines are those of the scenario's sites.
    """
    part = form.construction
    if part is None:
        return None
    site = SitePart(name="hall", weather="hall", state=part.state, grid="hall", rungs=["owned"], max_it_mw=form.it_mw)
    costs = site_costs(catalog, site, part.price_year, form.cooling in LIQUID_KINDS)
    measured, commissioning = measured_build_months(catalog)
    phases = [Phase(phase.it_mw, phase.start_month) for phase in part.phases]
    return build_in_phases(phases, costs.lines_usd_per_kw, measured, equipment_lead_weeks(catalog), commissioning)


def build_data(build: Build, peak_pue: float) -> dict[str, Any]:
    """Give the build as plain data: lines per critical IT kW, the total per kW of both kinds, phases."""
    per_kw = build.usd_per_critical_it_kw
    kilowatts = 1000.0 * sum(phase.it_mw for phase in build.phases)
    return {
        "usd": build.usd,
        "usd_per_critical_it_kw": per_kw,
        "usd_per_peak_facility_kw": per_kw / peak_pue,
        "lines_usd_per_critical_it_kw": {
            name: float(sum(phase.usd[i] for phase in build.phases)) / kilowatts for i, name in enumerate(build.lines)
        },
        "phases": [
            {
                "it_mw": phase.it_mw,
                "start_month": phase.start_month,
                "ready_month_p10": phase.ready_months[0],
                "ready_month_p50": phase.ready_months[1],
                "ready_month_p90": phase.ready_months[2],
                "critical_item": phase.critical_item,
                "latest_order_month": phase.order_month,
                "usd": float(phase.usd.sum()),
            }
            for phase in build.phases
        ],
        "monthly_usd": build.monthly_usd.tolist(),
        "monthly_it_mw": build.monthly_it_mw.tolist(),
    }


def build_text(data: dict[str, Any]) -> list[str]:
    """Give the build as lines of text."""
    lines = [
        "",
        f"construction: {usd(data['usd'])}, {data['usd_per_critical_it_kw']:,.0f} USD per critical IT kW, "
        f"{data['usd_per_peak_facility_kw']:,.0f} USD per kW of peak facility power",
        *(
            f"  {name.replace('_', ' '):<24}{value:>10,.0f}"
            for name, value in data["lines_usd_per_critical_it_kw"].items()
        ),
    ]
    for i, phase in enumerate(data["phases"], start=1):
        lines.append(
            f"phase {i}: {phase['it_mw']:g} MW, starts month {phase['start_month']:g}, power at the racks in month "
            f"{phase['ready_month_p50']:.0f} ({phase['ready_month_p10']:.0f} to {phase['ready_month_p90']:.0f}), "
            f"held by {phase['critical_item'].replace('_', ' ')}; "
            f"slowest order by month {phase['latest_order_month']:.0f}"
        )
    return lines
