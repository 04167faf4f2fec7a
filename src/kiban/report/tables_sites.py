"""Tables on disk of each site's year: by case of supply, and by month and hour of the day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kiban.figures.climate import month_hour_means
from kiban.figures.site_halls import hall_years, phase_dates
from kiban.figures.site_year import SiteYear, hourly_matched_kg_co2, site_years
from kiban.report.table import CsvTable
from kiban.results import Study

_YEAR = (
    "energy_mwh", "mean_mw", "peak_mw", "energy_usd_per_mwh", "cost_usd", "location_kg_co2", "marginal_kg_co2",
    "market_kg_co2", "hour_matched_kg_co2", "site_water_m3", "source_water_m3", "clean_frac", "matched_frac",
    "annual_clean_frac",
)  # fmt: skip


def site_tables(study: Study) -> Iterator[CsvTable]:
    """Tables of sites: by case, by hall and phase, by month and hour, and by way to smooth what training draws."""
    columns = ("site", "state", "case", "chosen", "it_mw", "it_mw_planned", "quarter", *_YEAR)
    lines = [(r["site"], r["state"], r["case"], *(r[c] for c in columns[3:])) for r in year_rows(study)]
    yield CsvTable("sites_year", columns, lines)
    yield _halls(study)
    yield _phases(study)
    yield _hours(study)
    yield _swings(study)


def _swings(study: Study) -> CsvTable:
    """``site_swings``: one line per site that trains and way to smooth its draw."""
    of_site = ("site", "quarter", "accelerators", "it_mw", "jobs", "swing_mw", "job_swing_mw", "step_s", "pause_s")
    of_way = (
        "name", "feasible", "power_mw", "energy_mwh", "cycled_mwh", "groups", "lost_mwh_per_year", "capital_usd",
        "usd_per_year", "usd_per_it_mwh",
    )  # fmt: skip
    lines = [
        [*(getattr(s, c) for c in of_site), *(getattr(w, c) for c in of_way)]
        for s in study.swings.sites
        for w in s.ways
    ]
    return CsvTable("site_swings", (*of_site, "way", *of_way[1:]), lines)


def year_rows(study: Study) -> list[dict[str, Any]]:
    """A year of each site under each case as plain data, the chosen case first."""
    return [_row(year, n == 0) for cases in site_years(study) for n, year in enumerate(cases)]


def _row(year: SiteYear, chosen: bool) -> dict[str, Any]:
    return {
        "site": year.site, "state": year.state, "case": year.case, "chosen": int(chosen), "it_mw": year.load.it_mw,
        "it_mw_planned": int(year.load.planned), "quarter": year.load.quarter,
        **{name: float(getattr(year, name)) for name in _YEAR},
    }  # fmt: skip


def _halls(study: Study) -> CsvTable:
    columns = (
        "site", "ups", "redundancy", "module_load_frac", "electrical_loss_frac", "air_class", "water_class", "it_mw",
        "it_mw_planned", "annual_pue", "full_load_pue", "peak_pue", "peak_facility_mw", "hottest_hour_loss_mw",
        "saved_peak_mw", "saved_mwh", "least_saved_mwh", "most_saved_mwh",
        "same_boards_saved_peak_mw", "same_boards_saved_mwh", "same_boards_least_saved_mwh",
        "same_boards_most_saved_mwh",
    )  # fmt: skip
    lines = [
        (
            h.site, h.hall.ups, h.hall.redundancy, h.hall.module_load_frac, h.hall.electrical_loss_frac,
            h.hall.air_class, h.hall.water_class, h.load.it_mw, int(h.load.planned), h.annual_pue,
            h.hall.full_load_pue, h.peak_pue, h.peak_facility_mw, h.hottest_hour_loss_mw, h.saved_mw[0],
            h.saved_mwh[0], *h.saved_mwh_range[0], h.saved_mw[1], h.saved_mwh[1], *h.saved_mwh_range[1],
        )
        for h in hall_years(study)
    ]  # fmt: skip
    return CsvTable("site_halls", columns, lines)


def _phases(study: Study) -> CsvTable:
    columns = (
        "site", "start", "start_quarter", "it_mw", "counted_on_quarter", "ready_p10_quarter", "ready_p50_quarter",
        "ready_p90_quarter", "held_by", "slowest_item", "order_by_quarter", "works_usd",
    )  # fmt: skip
    lines = [
        (
            d.site, d.what, d.start, d.it_mw, d.counted_on, *d.ready, d.critical_item, d.slowest_item, d.order_by,
            d.works_usd,
        )
        for d in phase_dates(study)
    ]  # fmt: skip
    return CsvTable("site_phases", columns, lines)


def _hours(study: Study) -> CsvTable:
    columns = (
        "site", "case", "month", "hour", "load_mw_per_it_mw", "price_usd_per_mwh", "grid_average_kg_co2_per_mwh",
        "grid_marginal_kg_co2_per_mwh", "hour_matched_kg_co2_per_mwh", "site_water_l_per_kwh",
    )  # fmt: skip

    def lines() -> Iterator[Sequence[Any]]:
        for s, site in enumerate(study.site.sites):
            cases = study.supply.cases[study.supply.sites.index(site)] if site in study.supply.sites else ()
            for case in cases:
                maps = [
                    month_hour_means(v)
                    for v in (
                        case.hourly_load_mw, case.hourly_price_usd_per_mwh, case.hourly_grid_average_kg_co2_per_mwh,
                        case.hourly_grid_marginal_kg_co2_per_mwh, hourly_matched_kg_co2(case) / case.hourly_load_mw,
                        study.site.hourly_wue_l_per_kwh[s],
                    )
                ]  # fmt: skip
                for m in range(12):
                    for h in range(24):
                        yield (site, case.name, m + 1, h, *(float(v[m, h]) for v in maps))

    return CsvTable("site_hours", columns, lines())
