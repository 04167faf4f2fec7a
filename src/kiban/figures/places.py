"""One place against another: a difference waterfall by cause, and what a delay costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kiban.figures.colors import BLUE, GREEN, GREY, RED
from kiban.figures.figure import (
    Basis,
    Figure,
    Frame,
    bar,
    cartesian,
    empty_figure,
    figure,
    line,
    value_axis,
    words,
)
from kiban.results import Risk, Rung, Study
from kiban.units import HOURS_PER_YEAR
from kiban.units.numbers import usd


@dataclass(frozen=True)
class Place:
    """Yearly cost of one critical IT MW at a site, without silicon, by cause."""

    site: str
    state: str
    construction_usd_per_mw_year: float
    it_mwh_per_mw_year: float
    pue: float
    energy_usd_per_mwh: float
    upkeep_usd_per_mw_year: float
    tax_usd_per_mw_year: float
    construction_usd_per_kw: float
    build_months: tuple[float, float, float]
    wue_l_per_kwh: float
    kg_co2_per_mwh: float

    @property
    def power_usd_per_mw_year(self) -> float:
        """Electricity of a year."""
        return self.it_mwh_per_mw_year * self.pue * self.energy_usd_per_mwh

    @property
    def total_usd_per_mw_year(self) -> float:
        """All causes."""
        fixed = self.construction_usd_per_mw_year + self.upkeep_usd_per_mw_year + self.tax_usd_per_mw_year
        return fixed + self.power_usd_per_mw_year


def place_of(study: Study, name: str) -> Place:
    """Gather the yearly cost of a site.

    Construction is an annuity at the study's discount rate (capital recovery factor) over the life of an own shell,
    or the longest term on offer where none can be owned. The tax line is what the operation of an own hall holds
    beside staff and upkeep: property tax and insurance.
    """
    at = study.site.sites.index(name)
    rung = next((r for r in study.plan.rungs if r.site == name), None)
    owned = next((r for r in study.plan.rungs if r.site == name and r.kind == "owned"), rung)
    usd_per_kw = float(study.site.site_construction_usd_per_kw[at].sum())
    upkeep = float(study.site.site_operations_fte_per_mw[at] * study.site.site_wage_usd_per_year[at])
    upkeep += float(study.site.site_maintenance_usd_per_kw_year[at]) * 1e3
    operation = owned.operation_usd_per_kw_year * 1e3 if owned else upkeep
    if owned and owned.kind == "operator_sublet":
        operation += upkeep
    supply_at = study.supply.sites.index(name)
    cases = study.supply.cases[supply_at]
    pue = float(study.site.site_annual_pue[at])
    load_mwh = float(cases[0].hourly_load_mw.sum()) if cases else HOURS_PER_YEAR * pue
    return Place(
        site=name,
        state=rung.state if rung else "",
        construction_usd_per_mw_year=usd_per_kw * 1e3 * annuity(_discount(study), shell_years(study.plan.rungs)),
        it_mwh_per_mw_year=load_mwh / pue,
        pue=pue,
        energy_usd_per_mwh=float(study.supply.site_energy_usd_per_mwh[supply_at]),
        upkeep_usd_per_mw_year=upkeep,
        tax_usd_per_mw_year=max(operation - upkeep, 0.0),
        construction_usd_per_kw=usd_per_kw,
        build_months=tuple(float(m) for m in study.site.site_build_months[at]),  # type: ignore[arg-type]
        wue_l_per_kwh=float(study.site.site_annual_wue_l_per_kwh[at]),
        kg_co2_per_mwh=float(study.supply.site_kg_co2_per_mwh[supply_at]),
    )


def annuity(rate_frac: float, years: float) -> float:
    """Capital recovery factor r / (1 - (1 + r)^-n); 1/n without interest."""
    return rate_frac / (1 - (1 + rate_frac) ** -years) if rate_frac > 0 else 1 / years


def shell_years(rungs: tuple[Rung, ...]) -> float:
    """Life of an own shell, one for all sites; the longest term of a hall if none can be owned."""
    owned = [r.term_quarters for r in rungs if r.kind == "owned"]
    return max(owned or [r.term_quarters for r in rungs if r.holds_hall], default=4) / 4


def _discount(study: Study) -> float:
    """Yearly discount rate, from the last discount factor of the tree."""
    last = int(np.argmax(study.demand.tree.node_quarter))
    quarters = int(study.demand.tree.node_quarter[last])
    factor = float(study.plan.node_discount_factor[last])
    return factor ** (-4 / quarters) - 1 if quarters and factor > 0 else 0.0


def pair_of(study: Study) -> tuple[str, str] | None:
    """The two sites to compare: Texas and New York if both are there, else the largest of two states, else two."""
    sites = [s for s in study.site.sites if s in study.supply.sites]
    states = {s: next((r.state for r in study.plan.rungs if r.site == s), "") for s in sites}
    by_state: dict[str, list[str]] = {}
    for site in sorted(sites, key=lambda s: -_room_for(study.plan.rungs, s)):
        by_state.setdefault(states[site], []).append(site)
    if "tx" in by_state and "ny" in by_state:
        return by_state["tx"][0], by_state["ny"][0]
    firsts = [names[0] for names in by_state.values()]
    if len(firsts) >= 2:
        return firsts[0], firsts[1]
    return (sites[0], sites[1]) if len(sites) >= 2 else None


def _room_for(rungs: tuple[Rung, ...], site: str) -> float:
    """MW of new load that a site can take, own halls first."""
    mine = [r for r in rungs if r.site == site]
    new = max((float(np.max(r.max_it_mw - r.committed_it_mw, initial=0.0)) for r in mine), default=0.0)
    return (min(new, 1e6) + 1e6) if any(r.kind == "owned" for r in mine) else min(new, 1e6)


def places_figures(study: Study, risk: Risk | None, basis: Basis) -> list[Figure]:
    """The waterfall between two places, and the value of the plan against delay."""
    return [_waterfall(study, basis), _delay(risk, basis)]


def _waterfall(study: Study, basis: Basis) -> Figure:
    pair = pair_of(study)
    title = f"From {words(pair[0])} to {words(pair[1])}: what differs" if pair else "One place against another"
    frame = Frame(
        "waterfall", "places", title, "USD per MW of critical IT load and year, silicon apart, real",
        ("facility", "energy", "plan"),
        f"Construction as an annuity over {shell_years(study.plan.rungs):.0f} years at the discount rate. Power price "
        "and PUE are separated in this order: price at the first place's PUE, then PUE at the second's price. "
        "Tax includes insurance. Delay is not a yearly cost: see the next chart. The axis does not begin at zero.",
        340, True,
    )  # fmt: skip
    if pair is None:
        return empty_figure(frame, basis, "The scenario has fewer than two sites, so there is nothing to compare.")
    a, b = place_of(study, pair[0]), place_of(study, pair[1])
    steps = [
        ("construction", b.construction_usd_per_mw_year - a.construction_usd_per_mw_year),
        ("power price", (b.energy_usd_per_mwh - a.energy_usd_per_mwh) * a.it_mwh_per_mw_year * a.pue),
        ("PUE", b.power_usd_per_mw_year - a.it_mwh_per_mw_year * a.pue * b.energy_usd_per_mwh),
        ("staff, upkeep", b.upkeep_usd_per_mw_year - a.upkeep_usd_per_mw_year),
        ("tax", b.tax_usd_per_mw_year - a.tax_usd_per_mw_year),
    ]
    names = [words(a.site), *(s[0] for s in steps), words(b.site)]
    hidden, bars, level = [0.0], [_block(a.total_usd_per_mw_year, BLUE)], a.total_usd_per_mw_year
    for _, change in steps:
        hidden.append(min(level, level + change))
        bars.append({**_block(abs(change), RED if change > 0 else GREEN), "change": change})
        level += change
    hidden.append(0.0)
    bars.append(_block(b.total_usd_per_mw_year, BLUE))
    floor = 0.9 * min([a.total_usd_per_mw_year, b.total_usd_per_mw_year, *(h for h in hidden if h > 0)])
    series = [
        bar("base", hidden, "transparent", "w", barMaxWidth=64, silent=True, tooltip={"show": False}),
        bar(
            "USD per MW-year",
            bars,
            BLUE,
            "w",
            label={"show": True, "position": "top", "kiban": "change"},
            barMaxWidth=64,
        ),
    ]
    x = {"type": "category", "data": names, "axisLabel": {"interval": 0, "width": 76, "overflow": "break"}}
    option = cartesian(x, value_axis(min=_round_down(floor)), series, tooltip={"trigger": "item"})
    return figure(frame, basis, option, [("place", BLUE), ("dearer", RED), ("cheaper", GREEN)], "usd")


def _block(value: float, color: str) -> dict[str, object]:
    return {"value": value, "itemStyle": {"color": color}}


def _round_down(value: float) -> float:
    if value <= 0:
        return 0.0
    size = 10.0 ** np.floor(np.log10(value))
    return float(np.floor(value / size * 2) / 2 * size)


def _delay(risk: Risk | None, basis: Basis) -> Figure:
    frame = Frame(
        "delay", "places", "What lateness costs",
        "expected NPV in real USD against quarters of delay of halls that are not live yet", ("plan", "risk"),
        "From the 5 % to the 95 % quantile of the scenario's delay, everything else at its median. Demand does not "
        "wait, silicon ordered for a late hall stands idle.", 340, True,
    )  # fmt: skip
    driver = next((d for d in risk.drivers if d.name == "delay_quarters"), None) if risk else None
    swing = next((t for t in risk.tornado if t.driver == "delay_quarters"), None) if risk else None
    if driver is None or swing is None or driver.p95 <= driver.p5:
        return empty_figure(frame, basis, "The scenario gives delay no range, so its cost is not shown.")
    lead = [[driver.p5, swing.low_lead_usd], [driver.p95, swing.high_lead_usd]]
    value = [[driver.p5, swing.low_npv_usd], [driver.p95, swing.high_npv_usd]]
    per_quarter = (swing.high_npv_usd - swing.low_npv_usd) / (driver.p95 - driver.p5)
    series = [
        line("NPV of the plan", value, BLUE, symbol="circle", symbolSize=8),
        line("lead over the next best", lead, GREY, "dashed", symbol="circle", symbolSize=8),
    ]
    x = {"type": "value", "name": "quarters late", "nameLocation": "middle", "nameGap": 26}
    option = cartesian(x, value_axis(scale=True), series)
    option["grid"]["bottom"] = 28
    drawn = figure(frame, basis, option, [("NPV of the plan", BLUE), ("lead over the next best", GREY)], "usd", "plain")
    moves = "lowers" if per_quarter < 0 else "raises"
    drawn["note"] = f"Each quarter late {moves} it by {usd(abs(per_quarter))}. {drawn['note']}"
    return drawn
