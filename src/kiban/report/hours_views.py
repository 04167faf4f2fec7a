"""The power chapter: a year of every site, own supply against the grid, and what hourly matching costs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kiban.figures.figure import words
from kiban.figures.matching import Years, case_words, same_supply, shares_words
from kiban.figures.site_year import KG_PER_T, Premium, SiteYear, per_tonne_usd, premiums
from kiban.report.table import View, view
from kiban.results import Study
from kiban.units.numbers import percent, significant, usd

KG_PER_KT = KG_PER_T * 1e3
M3_PER_ML = 1e3
"""Cubic metres in a million litres."""
_NOTHING = "-"


def hours_views(study: Study, years: Years) -> list[View]:
    """Both tables of the chapter."""
    without = [s for s in study.site.sites if s not in {c[0].site for c in years}]
    return [sites_year_view(years, without), premium_view(years)]


def planned(years: Years) -> Years:
    """The sites at which the plan has halls; all if it has none anywhere."""
    return tuple(c for c in years if c[0].load.planned) or years


def power_sentence(years: Years) -> str:
    """The main finding of the chapter in one sentence; empty without any supply."""
    counted = planned(years)
    if not counted:
        return ""
    chosen = [c[0] for c in counted]
    both = [(c[0], g) for c in counted if (g := _case(c, "grid")) is not None]
    mw, twh = sum(y.load.it_mw for y in chosen), sum(y.energy_mwh for y in chosen) / 1e6
    halls = "planned halls" if chosen[0].load.planned else "largest possible halls"
    text = (
        f"The {halls} at {_count(len(chosen), 'site')} ({significant(mw)} MW of critical IT load) draw "
        f"{significant(twh)} TWh a year for {usd(sum(y.cost_usd for y in chosen))}"
    )
    if len(both) == len(chosen) and any(y.matched_frac > 0 for y in chosen):
        more = sum(y.cost_usd - g.cost_usd for y, g in both)
        dear = sum(y.cost_usd > g.cost_usd for y, g in both)
        text += f", {_more(more)} than from the grid alone" + (f" (dearer at {dear})" if 0 < dear < len(both) else "")
    return f"{text}{_premium_words(premiums(counted))}."


def _premium_words(pairs: Sequence[Premium]) -> str:
    """What hourly matching costs, as the end of a sentence."""
    if not pairs:
        return "; what hourly matching would cost was not solved, because the scenario buys from the grid alone"
    total, avoided = sum(p.cost_usd for p in pairs), sum(p.avoided_kg_co2 for p in pairs)
    low, high = (f(pairs, key=lambda p: p.usd_per_mwh) for f in (min, max))
    text = f"; matching clean energy by the hour instead of by the year costs {_more(total)} a year"
    if len(pairs) > 1:
        text += (
            f" ({_signed(low.usd_per_mwh, 2)} USD/MWh at {words(low.annual.site)}, "
            f"{_signed(high.usd_per_mwh, 2)} at {words(high.annual.site)})"
        )
    each = per_tonne_usd(total, avoided, sum(p.annual.hour_matched_kg_co2 for p in pairs))
    if not np.isfinite(each):
        return f"{text} and takes no carbon off the hours that are left to the grid"
    return (
        f"{text} and takes {significant(avoided / KG_PER_KT)} kt of CO2e off the hours that are left to the grid, "
        f"{significant(each)} USD per tonne"
    )


def sites_year_view(years: Years, without: Sequence[str] = ()) -> View:
    """Load, cost, carbon and water of each site in a year: chosen supply, grid only, and the difference."""
    rows: list[list[str]] = []
    for cases in years:
        chosen, grid = cases[0], _case(cases, "grid")
        rows.append([_place(chosen), "chosen", *_load_cells(chosen), *_cells(chosen)])
        if grid is not None:
            rows.append(["", "grid only", *[""] * 5, *_cells(grid)])
            rows.append(["", "difference", *[""] * 5, *_change(chosen, grid)])
    rows += _total_rows(years)
    rows += [[words(s), "no supply solved", *[_NOTHING] * 14] for s in without]
    columns = ("Site", "Supply", "IT MW>", "Energy, GWh>", "Mean MW>", "Peak MW>", "Water on site, million L>",
               "USD/MWh>", "million USD>", "kt average>", "kt marginal>", "kt market-based>", "kt left by the hour>",
               "Water at power plants, million L>", "24/7 score>", "By the year>")  # fmt: skip
    return view("sites_year", "power", "A year at each site: own supply against the grid",
                "per year at the critical IT MW shown; MW, GWh and USD/MWh of facility load; kt CO2e; million litres",
                columns, rows, _sites_note(years), "No site is supplied.")  # fmt: skip


def _sites_note(years: Years) -> str:
    idle = [f"{words(c[0].site)} ({significant(c[0].load.it_mw)} MW)" for c in years if not c[0].load.planned]
    note = (
        "IT MW: critical MW in service in the site's fullest quarter, expected over the tree; the quarters of the "
        "sites differ. Load and water on site are the same under every supply. Average is location-based and marginal "
        "short-run; market-based sets contracts of a year against the year's load, and what is left at the grid's "
        "average; left by the hour counts them only in their own hour. The four are different questions and are never "
        "added."
    )
    note = f"Chosen: {_chosen(years)}. {note}" if years else note
    unknown = [words(c[0].site) for c in years if (grid := _case(c, "grid")) is not None and not grid.clean_frac]
    if unknown:
        places = ", ".join(unknown)
        note += f" No clean share of the grid is known at {places}: there the score is that of contracts alone."
    apart = f" Not planned, shown at the most that fits and outside the total: {', '.join(idle)}." if idle else ""
    return note + apart


def _total_rows(years: Years) -> list[list[str]]:
    counted = planned(years)
    if len(counted) < 2 or any(_case(c, "grid") is None for c in counted):
        return []
    chosen, grid = [c[0] for c in counted], [g for c in counted if (g := _case(c, "grid")) is not None]
    load = [
        significant(sum(y.load.it_mw for y in chosen)), _gwh(sum(y.energy_mwh for y in chosen)),
        significant(sum(y.mean_mw for y in chosen)), _NOTHING, _ml(sum(y.site_water_m3 for y in chosen)),
    ]  # fmt: skip
    one, other = _sums(chosen), _sums(grid)
    name = "all planned halls" if chosen[0].load.planned else "all sites"
    return [
        [name, "chosen", *load, *(_plain(v) for v in one), _NOTHING, _NOTHING],
        ["", "grid only", *[""] * 5, *(_plain(v) for v in other), _NOTHING, _NOTHING],
        ["", "difference", *[""] * 5, *(_changed(a, b) for a, b in zip(one, other, strict=True)), _NOTHING, _NOTHING],
    ]  # fmt: skip


def _sums(years: Sequence[SiteYear]) -> list[float]:
    """USD/MWh, m USD, four accounts of carbon in kt, water of power plants in million litres."""
    cost, energy = sum(y.cost_usd for y in years), sum(y.energy_mwh for y in years)
    market = [y.market_kg_co2 for y in years]
    return [
        cost / energy, cost / 1e6, sum(y.location_kg_co2 for y in years) / KG_PER_KT,
        sum(y.marginal_kg_co2 for y in years) / KG_PER_KT, sum(market) / KG_PER_KT,
        sum(y.hour_matched_kg_co2 for y in years) / KG_PER_KT, sum(y.source_water_m3 for y in years) / M3_PER_ML,
    ]  # fmt: skip


def premium_view(years: Years) -> View:
    """Hourly against annual matching by site."""
    rows = [_premium_row(p) for p in premiums(years)]
    columns = ("Site", "IT MW>", "Grid only, USD/MWh>", "Annual, USD/MWh>", "Hourly, USD/MWh>",
               "24/7 over annual, USD/MWh>", "24/7 over annual, million USD>",
               "Left to the grid: annual, kt>", "Hourly, kt>", "Avoided, kt>",
               "USD per tonne>", "In its hour, annual>", "In its hour, hourly>")  # fmt: skip
    share = shares_words(years)
    note = (
        f"{share[0].upper()}{share[1:]}; annual matching asks for the same share over the year. Carbon is that of the "
        "hours left to the grid, at its average. Whether the grid as a whole emits less is another question."
        if share else ""
    )  # fmt: skip
    return view("premium", "power", "What 24/7 costs over annual matching",
                "all in, per MWh of facility load and per year at the IT MW shown; kt CO2e matched hour by hour; share "
                "of the load met by contracted clean energy in its hour", columns, rows, note,
                "The scenario buys from the grid alone, so no matching was solved; set energy.supply to ppa or onsite.",
                )  # fmt: skip


def _premium_row(p: Premium) -> list[str]:
    left, right = p.annual.hour_matched_kg_co2 / KG_PER_KT, p.hourly.hour_matched_kg_co2 / KG_PER_KT
    return [
        _place(p.annual), significant(p.annual.load.it_mw), _plain(p.grid.energy_usd_per_mwh) if p.grid else _NOTHING,
        _plain(p.annual.energy_usd_per_mwh), _plain(p.hourly.energy_usd_per_mwh), _signed(p.usd_per_mwh),
        _signed(p.cost_usd / 1e6), _plain(left), _plain(right), _plain(p.avoided_kg_co2 / KG_PER_KT),
        _plain(p.usd_per_t) if np.isfinite(p.usd_per_t) else "none avoided",
        percent(p.annual.matched_frac, 2), percent(p.hourly.matched_frac, 2),
    ]  # fmt: skip


def _case(cases: Sequence[SiteYear], name: str) -> SiteYear | None:
    return next((c for c in cases if c.case == name), None)


def _chosen(years: Years) -> str:
    """The chosen supply in words, by the case that it equals everywhere."""
    others = sorted({c.case for cases in years for c in cases} - {"plan"})
    twin = next((o for o in others if all(same_supply(cases, o) for cases in years)), "")
    return case_words(twin or years[0][0].case)


def _load_cells(year: SiteYear) -> list[str]:
    return [
        significant(year.load.it_mw) + ("" if year.load.planned else " (most)"), _gwh(year.energy_mwh),
        significant(year.mean_mw), significant(year.peak_mw), _ml(year.site_water_m3),
    ]  # fmt: skip


def _cells(year: SiteYear) -> list[str]:
    return [*(_plain(v) for v in _sums([year])), percent(year.clean_frac, 2), percent(year.annual_clean_frac, 2)]


def _change(year: SiteYear, grid: SiteYear) -> list[str]:
    points = [100 * (year.clean_frac - grid.clean_frac), 100 * (year.annual_clean_frac - grid.annual_clean_frac)]
    changes = [_changed(a, b) for a, b in zip(_sums([year]), _sums([grid]), strict=True)]
    return [*changes, *(f"{_signed(v)} pt" for v in points)]


def _gwh(mwh: float) -> str:
    return significant(mwh / 1e3)


def _ml(m3: float) -> str:
    return significant(m3 / M3_PER_ML)


def _plain(value: float) -> str:
    return significant(value) if np.isfinite(value) else _NOTHING


def _signed(value: float, digits: int = 3) -> str:
    """A difference with its sign; what is only a last digit counts as none."""
    if not np.isfinite(value):
        return _NOTHING
    return "0" if abs(value) < 5e-3 else f"{'+' if value > 0 else ''}{significant(value, digits)}"


def _changed(one: float, base: float) -> str:
    """A difference with its sign; less than half a thousandth of the base counts as none."""
    return _signed(one - base) if not abs(one - base) < 5e-4 * abs(base) else "0"


def _place(year: SiteYear) -> str:
    return f"{words(year.site)}, {year.state.upper()}" if year.state else words(year.site)


def _more(value_usd: float) -> str:
    return f"{usd(abs(value_usd))} {'more' if value_usd >= 0 else 'less'}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
