"""One site's hall as its scenario names it: a year under its power path and classes, and what holds up a phase."""

from __future__ import annotations

from collections.abc import Sequence

from kiban.catalog import Catalog
from kiban.facility.hall_choices import PATH_KEYS, chosen_path, class_keys, with_classes
from kiban.facility.model import SiteYear, site_year
from kiban.facility.path_saving import path_saving
from kiban.facility.phases import BuiltPhase, Phase, build_in_phases
from kiban.facility.plant import Outdoors, Plant
from kiban.facility.power_chain import PowerChain
from kiban.facility.site_costs import SiteCosts, equipment_lead_weeks, measured_build_months
from kiban.results import Hall, SitePhase
from kiban.scenario.schema import SitePart


def run_hall(
    catalog: Catalog,
    part: SitePart,
    outdoors: Outdoors,
    base: tuple[Plant, PowerChain],
    mean_it_load_frac: float,
    design_air_degc: tuple[float, float] | None,
    costs: SiteCosts,
) -> tuple[SiteYear, Hall]:
    """Run a site's hall through its year.

    Arguments: catalogue, site of the scenario, outdoor air (8760 hours), plant and chain at catalogue values, mean IT
    load over critical capacity, dry and wet bulb of the design hour or None, costs of the site. Result: the year, and
    the hall in words and numbers. Errors: catalogue errors for missing rows.
    """
    plant = with_classes(catalog, base[0], part.air_class, part.allowable, part.water_class)
    path = chosen_path(catalog, base[1], part.power)

    def year_under(chain: PowerChain) -> SiteYear:
        return site_year(part.cooling, outdoors, plant, chain, mean_it_load_frac, design_air_degc)

    chain = path.chain if path else base[1]
    year = year_under(chain)
    unit, *phases = _built(catalog, part, costs)
    return year, Hall(
        ups=path.ups_mode if path else "double_conversion",
        redundancy=path.redundancy if path else "",
        module_load_frac=float(chain.ups_design_load_frac),
        electrical_loss_frac=year.electrical_loss_frac,
        full_load_pue=year.full_load_pue,
        air_class=f"{part.air_class} allowable" if part.air_class and part.allowable else part.air_class or "",
        water_class=part.water_class or "",
        critical_item=unit.critical_item,
        slowest_item=unit.slowest_item,
        order_months=unit.order_month,
        saving=path_saving(catalog, part.power, year_under) if part.power else None,
        ready=part.construction.ready if part.construction else "p50",
        phases=tuple(SitePhase(p.it_mw, p.start_month, p.ready_months, p.order_month) for p in phases),
    )


def _built(catalog: Catalog, part: SitePart, costs: SiteCosts) -> tuple[BuiltPhase, ...]:
    """Give one MW that starts in month 0, which stands for whatever the plan starts, then the scenario's phases."""
    measured, commissioning = measured_build_months(catalog)
    asked = part.construction.phases if part.construction else []
    phases = [Phase(1.0, 0.0), *(Phase(one.it_mw, one.start_month) for one in asked)]
    weeks = equipment_lead_weeks(catalog)
    return build_in_phases(phases, costs.lines_usd_per_kw, measured, weeks, commissioning).phases


def chosen_keys(part: SitePart) -> tuple[str, ...]:
    """Give the catalogue keys that a site's own power path and classes rest on, none where it names none."""
    classes = class_keys(part.air_class, part.allowable, part.water_class).values()
    return (*(PATH_KEYS[part.power.ups] if part.power else ()), *classes)


def hall_warnings(catalog: Catalog, sites: Sequence[SitePart]) -> list[str]:
    """Say which rows of a chosen path or class are assumed, and that no price follows them; nothing for other sites."""
    chose = [part for part in sites if chosen_keys(part)]
    if not chose:
        return []
    names = ", ".join(part.name for part in chose)
    found = [
        f"construction cost of {names} does not move with power path, spare units or ASHRAE class: the catalogue has "
        "no sourced price for them"
    ]
    keys = dict.fromkeys(key for part in chose for key in chosen_keys(part))
    if weak := [key for key in keys if catalog.row(key).confidence == "assumed"]:
        found.append(f"assumed: the halls of {names} rest on {', '.join(weak)}")
    return found
