"""Impact: where each dollar goes, jobs, carbon and water."""

from __future__ import annotations

from kiban.figures.colors import BLUE, GREY, ORANGE, RED, SKY, cycle
from kiban.figures.figure import (
    Basis,
    Figure,
    Frame,
    area,
    cartesian,
    empty_figure,
    figure,
    line,
    quarter_axis,
    value_axis,
)
from kiban.results import Impact

_SMALLEST_FLOW = 0.002
"""Arrows below this share of all money are merged out of the picture (they stay in the table)."""


def impact_figures(impact: Impact, quarters: tuple[str, ...], basis: Basis) -> list[Figure]:
    """Money map, jobs, carbon and water by quarter."""
    return [
        _money(impact, basis),
        _jobs(impact, quarters, basis),
        _carbon(impact, quarters, basis),
        _water(impact, quarters, basis),
    ]


def _money(impact: Impact, basis: Basis) -> Figure:
    frame = Frame(
        "money", "impact", "Where each dollar goes", "real USD, expected present value of cost", ("impact", "plan"),
        "Programme, line of cost, industry, then gross margin against wages, materials and further suppliers. Arrows "
        "below 0.2 % of the total are left out here and kept in tables/money_flows.csv.", 520,
    )  # fmt: skip
    total = sum(f.usd for f in impact.money if f.source == impact.money[0].source)
    flows = [f for f in impact.money if f.usd > _SMALLEST_FLOW * total]
    if not flows:
        return empty_figure(frame, basis, "The plan spends nothing, so no dollar goes anywhere.")
    names = list(dict.fromkeys(n for f in flows for n in (f.source, f.target)))
    nodes = [{"name": n, "itemStyle": {"color": cycle(i)}} for i, n in enumerate(names)]
    links = [{"source": f.source, "target": f.target, "value": f.usd} for f in flows]
    series = {
        "type": "sankey", "data": nodes, "links": links, "left": 4, "right": 170, "top": 8, "bottom": 8,
        "nodeGap": 12, "nodeWidth": 14, "draggable": False, "emphasis": {"focus": "adjacency"},
        "lineStyle": {"color": "gradient", "opacity": 0.35},
        "label": {"fontSize": 11, "width": 160, "overflow": "break"},
    }  # fmt: skip
    option = {"tooltip": {"trigger": "item"}, "series": [series]}
    return figure(frame, basis, option, form="usd")


def _jobs(impact: Impact, quarters: tuple[str, ...], basis: Basis) -> Figure:
    frame = Frame(
        "jobs", "impact", "Jobs on site through time", "people on site, expected over the tree, by quarter",
        ("impact", "facility"), "Direct jobs only. Dashed: published claims.", 320, True,
    )  # fmt: skip
    build, stay = impact.quarterly_construction_jobs, impact.quarterly_permanent_jobs
    if not (build.size and max(build.max(), stay.max()) > 0):
        return empty_figure(frame, basis, "The plan runs no hall, so nobody works on site.")
    series = [area("construction", build, ORANGE), area("permanent", stay, BLUE)]
    legend = [("construction", ORANGE), ("permanent", BLUE)]
    for item, color in (("construction_jobs", RED), ("permanent_jobs", SKY)):
        for claim in (c for c in impact.claims if c.item == item):
            name = f"claimed {item.split('_')[0]}"
            series.append(line(name, [claim.published] * len(quarters), color, "dashed", 1.6))
            legend.append((name, color))
    option = cartesian(quarter_axis(quarters), value_axis(), series)
    return figure(frame, basis, option, legend)


def _carbon(impact: Impact, quarters: tuple[str, ...], basis: Basis) -> Figure:
    frame = Frame(
        "carbon", "impact", "Carbon of the electricity", "tonnes CO2e per quarter, halls with own silicon",
        ("impact", "energy", "facility"),
        "Location-based average and short-run marginal signal answer different questions and are never added. "
        f"Embodied carbon over the horizon: {impact.embodied_kg_co2 / 1e6:,.0f} kt CO2e.", 320, True,
    )  # fmt: skip
    average, marginal = impact.quarterly_location_kg_co2 / 1e3, impact.quarterly_marginal_kg_co2 / 1e3
    if not (average.size and max(average.max(), marginal.max()) > 0):
        return empty_figure(frame, basis, "The plan runs no hall of its own silicon, so no carbon is counted here.")
    series = [line("location-based average", average, BLUE), line("marginal", marginal, ORANGE, "dashed")]
    legend = [("location-based average", BLUE), ("marginal", ORANGE)]
    option = cartesian(quarter_axis(quarters), value_axis(), series)
    return figure(frame, basis, option, legend)


def _water(impact: Impact, quarters: tuple[str, ...], basis: Basis) -> Figure:
    frame = Frame(
        "water", "impact", "Water", "m3 per quarter, halls with own silicon", ("impact", "energy", "facility"),
        "On site: evaporated and discharged by cooling. At the power plant: used to make the electricity.", 300, True,
    )  # fmt: skip
    site, source = impact.quarterly_site_water_m3, impact.quarterly_source_water_m3
    if not (site.size and max(site.max(), source.max()) > 0):
        return empty_figure(frame, basis, "The plan runs no hall of its own silicon, so no water is counted here.")
    series = [area("on site", site, SKY), area("at the power plant", source, GREY)]
    legend = [("on site", SKY), ("at the power plant", GREY)]
    option = cartesian(quarter_axis(quarters), value_axis(), series)
    return figure(frame, basis, option, legend)
