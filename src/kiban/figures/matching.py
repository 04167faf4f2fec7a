"""Clean energy matched by the year or by the hour: what it costs and what it leaves to the grid."""

from __future__ import annotations

from collections.abc import Callable

from kiban.figures.colors import BLUE, GREEN, GREY, ORANGE, PINK
from kiban.figures.figure import (
    Basis,
    Figure,
    Frame,
    bar,
    cartesian,
    empty_figure,
    figure,
    value_axis,
    words,
)
from kiban.figures.site_year import SiteYear

WRAP = {"interval": 0, "width": 70, "overflow": "break"}
"""Names of sites below bars."""
_COLOR = {"grid": GREY, "annual": BLUE, "hourly": GREEN, "plan": ORANGE, "island": PINK}
_ORDER = ("grid", "plan", "annual", "hourly", "island")
Years = tuple[tuple[SiteYear, ...], ...]


def matching_figures(years: Years, basis: Basis) -> list[Figure]:
    """Cost and hour-matched carbon of each site by case of supply, side by side."""
    share = shares_words(years)
    rule = f" Own supply: {share}." if share else ""
    cost = Frame(
        "energy_cost", "power", "What clean power costs", "USD per MWh of facility load, all in",
        ("facility", "energy"),
        f"Energy, delivery, demand charge, contracts less sales, own plant as an annuity.{rule}", 300, True,
    )  # fmt: skip
    carbon = Frame(
        "match_carbon", "power", "What each supply leaves to the grid",
        "kgCO2e per MWh of facility load, matched hour by hour", ("facility", "energy"),
        f"Grid average in the hours in which energy is bought, and gas burnt on site.{_location_words(years)}", 300,
        True,
    )  # fmt: skip
    return [
        _bars(cost, basis, years, lambda y: y.energy_usd_per_mwh),
        _bars(carbon, basis, years, lambda y: y.hour_matched_kg_co2 / y.energy_mwh),
    ]


def shares_words(years: Years) -> str:
    """The share of clean energy behind annual and hourly matching, from the dispatch, in words; empty without them."""
    hourly = [c.matched_frac for cases in years for c in cases if c.case == "hourly"]
    if not hourly:
        return ""
    return f"hourly matching meets {_span(hourly)} of the load with contracted clean energy in its hour of use"


def _location_words(years: Years) -> str:
    """How far the location-based account of the cases is from that of the grid alone, in words."""
    changes = [
        c.location_kg_co2 / grid.location_kg_co2 - 1
        for cases in years
        for grid in [k for k in cases if k.case == "grid" and k.location_kg_co2 > 0]
        for c in cases
        if c.case != "grid"
    ]
    if not changes:
        return ""
    return (
        " Contracts do not change the grid that is drawn on: by the location-based account these supplies differ from "
        f"grid only by {100 * min(changes):+.1f} to {100 * max(changes):+.1f} %."
    )


def _span(fracs: list[float]) -> str:
    low, high = (f"{f * 100:.0f}" for f in (min(fracs), max(fracs)))
    return f"{low} %" if low == high else f"{low} to {high} %"


def shown_cases(years: Years) -> tuple[str, ...]:
    """Cases worth a bar, in order of reading; the plan only where no other case is the same everywhere."""
    names = {c.case for cases in years for c in cases}
    twin = any(all(same_supply(cases, other) for cases in years) for other in names - {"plan"})
    return tuple(n for n in _ORDER if n in names and not (n == "plan" and twin)) + tuple(sorted(names - set(_ORDER)))


def same_supply(cases: tuple[SiteYear, ...], other: str) -> bool:
    """Whether the plan's supply at a site is that of another case."""
    by_name = {c.case: c for c in cases}
    plan, twin = by_name.get("plan"), by_name.get(other)
    if plan is None:
        return True
    return twin is not None and (plan.cost_usd, plan.hour_matched_kg_co2) == (twin.cost_usd, twin.hour_matched_kg_co2)


def _bars(frame: Frame, basis: Basis, years: Years, take: Callable[[SiteYear], float]) -> Figure:
    if not years:
        return empty_figure(frame, basis, "No site is supplied, so there is nothing to compare.")
    series = []
    for name in shown_cases(years):
        values = [next((take(c) for c in cases if c.case == name), None) for cases in years]
        series.append(bar(case_words(name), values, _COLOR.get(name, PINK)))
    x = {"type": "category", "data": [words(cases[0].site) for cases in years], "axisLabel": WRAP}
    legend = [(s["name"], s["color"]) for s in series]
    return figure(frame, basis, cartesian(x, value_axis(), series), legend, "plain")


def case_words(name: str) -> str:
    """A case of supply in words."""
    return {
        "plan": "the plan",
        "grid": "grid only",
        "annual": "matched by the year",
        "hourly": "matched by the hour",
    }.get(name, words(name))
