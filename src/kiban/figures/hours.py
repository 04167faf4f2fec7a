"""The hours of the year at every site: load, price, carbon and water by month and hour of the day."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from kiban.figures.climate import MONTH_DAYS, month_hour_means
from kiban.figures.figure import Basis, Figure, Frame, empty_figure, words
from kiban.figures.panels import Panel, panels_figure, short
from kiban.figures.site_year import hourly_matched_kg_co2
from kiban.results import Study, SupplyCase
from kiban.units.numbers import significant

Array = NDArray[np.float64]

MOST_PANELS = 12
USUAL_FRAC = 0.98
"""Cells above this quantile leave the scale if the highest is more than twice as high."""
SAME_FRAC = 0.02
"""Maps of one grid differ this little: only by the weeks that stand for the year."""
_ROOMS = ("facility", "energy")
_LOAD = ("#f4f7e8", "#b9dcc0", "#5bb2a5", "#1f7a8c", "#1b3a5c")
_PRICE = ("#fff7d6", "#fdd077", "#f6943f", "#d9482b", "#8b1a1a")
_CARBON = ("#f6f3ee", "#d6cabb", "#a8937d", "#6f5a4a", "#33261f")
_WATER = ("#f1f8fd", "#b3d9ef", "#62afd9", "#2178b4", "#0b3f73")


def hours_figures(study: Study, basis: Basis) -> list[Figure]:
    """Five figures of small multiples: load, price, carbon of the grid, carbon left to own supply, water."""
    site, supply = study.site, study.supply
    chosen = [(s, supply.cases[supply.sites.index(s)][0]) for s in site.sites
              if s in supply.sites and supply.cases[supply.sites.index(s)]]  # fmt: skip
    weather = f"Weather: {site.weather_label}."

    def of(take: Callable[[SupplyCase], Array]) -> list[tuple[str, Array]]:
        return [(name, take(case)) for name, case in chosen]

    water = [(s, site.hourly_wue_l_per_kwh[site.sites.index(s)]) for s, _ in chosen]
    return [
        _figure(
            basis, "load", "Load by month and hour", "facility MW per MW of critical IT load",
            f"IT load times PUE of the hour. {weather}", of(lambda c: c.hourly_load_mw), _LOAD,
        ),
        _figure(
            basis, "price", "Price of power by month and hour", "USD per MWh of facility load",
            "Value of one more MWh in the hour (dual of the energy balance) under the chosen supply; delivery and "
            "demand charges come on top.", of(lambda c: c.hourly_price_usd_per_mwh), _PRICE,
        ),
        _figure(
            basis, "carbon_grid", "Carbon of the grid by month and hour",
            "kgCO2e per MWh drawn, location-based average",
            "What each MWh carries under grid supply, whatever is contracted. Where a map is flat, only a yearly "
            "figure is known.",
            of(lambda c: c.hourly_grid_average_kg_co2_per_mwh), _CARBON, True,
        ),
        _figure(
            basis, "carbon_left", "Carbon that the chosen supply leaves, by month and hour",
            "kgCO2e per MWh of facility load, matched hour by hour",
            "Grid average times what is still bought in the hour, and gas burnt on site. Contracted clean energy "
            "counts in its hour alone.", of(lambda c: hourly_matched_kg_co2(c) / c.hourly_load_mw), _CARBON,
        ),
        _figure(
            basis, "water", "Water on site by month and hour", "litres per kWh of IT energy",
            f"Evaporated and discharged by cooling; water of the power plants is in the table. {weather}", water,
            _WATER,
        ),
    ]  # fmt: skip


def alike(series: Sequence[tuple[str, Array]]) -> list[tuple[list[str], Array]]:
    """Sites joined whose maps (12, 24) agree within two per cent of their highest cell, with the first one's map."""
    groups: list[tuple[list[str], Array]] = []
    for name, means in series:
        room = SAME_FRAC * float(np.abs(means).max(initial=0.0))
        twin = next((names for names, other in groups if np.abs(other - means).max() <= room), None)
        if twin is None:
            groups.append(([name], means))
        else:
            twin.append(name)
    return groups


def _figure(
    basis: Basis, key: str, title: str, unit: str, note: str, series: Sequence[tuple[str, Array]],
    colors: Sequence[str], join: bool = False,
) -> Figure:  # fmt: skip
    frame = Frame(f"hours_{key}", "power", title, f"{unit}, mean by month and hour; one scale", _ROOMS, note, half=True)
    maps = [(name, month_hour_means(values)) for name, values in series]
    if not maps:
        return empty_figure(frame, basis, "No site is supplied, so there are no hours to show.")
    groups = alike(maps) if join else [([name], means) for name, means in maps]
    shown = groups[:MOST_PANELS]
    panels = [_panel(names[0], len(names) - 1, means) for names, means in shown]
    cells = np.concatenate([p.means.ravel() for p in panels])
    usual = float(np.quantile(cells, USUAL_FRAC))
    drawn = panels_figure(frame, basis, panels, colors, usual if float(cells.max()) > 2 * usual > 0 else None)
    for names, _ in shown:
        if len(names) > 1:
            others = ", ".join(words(n) for n in names[1:])
            drawn["note"] += f" The map of {words(names[0])} is, within 2 %, that of {others} too."
    if len(groups) > len(shown):
        drawn["note"] += f" {len(groups) - len(shown)} more sites are in tables/site_hours.csv."
    return drawn


def _panel(name: str, others: int, means: Array) -> Panel:
    low, high = float(means.min()), float(means.max())
    mean = float(means.mean(axis=1) @ np.array(MONTH_DAYS)) / sum(MONTH_DAYS)
    flat = high - low <= 1e-3 * abs(high)
    span = f"{short(low, high)} to {short(high, high)}"
    text = f"{significant(mean)} all year" if flat else f"mean {significant(mean)}, {span}"
    return Panel(words(name) + (f" + {others}" if others else ""), means, text)
