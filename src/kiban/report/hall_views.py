"""Tables of the sites' halls: power path and class, the hottest hour, what a path saves, when phases have power."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kiban.figures.figure import words
from kiban.figures.phases import largest
from kiban.figures.site_halls import HallYear, PhaseDates, hall_years, phase_dates
from kiban.report.table import View, view
from kiban.results import Hall, Study
from kiban.units.numbers import percent, significant, usd

MWH_PER_GWH = 1000.0
MOST_STARTS = 12
"""Starts that the page lists; all of them are in the table on disk."""
PATH_WORDS = {"double_conversion": "double conversion", "eco": "eco mode", "dc_800v": "800 V DC"}
SPARE_WORDS = {"n": "N", "n_plus_1": "N+1", "distributed_4_3": "4 for 3", "two_n": "2N"}


def hall_views(study: Study) -> list[View]:
    """The tables of this page; what a path saves only where some site takes another than double conversion."""
    halls = hall_years(study)
    saving = [h for h in halls if h.hall.saving is not None]
    views = [halls_view(halls), *([saving_view(saving)] if saving else [])]
    return [*views, phases_view(phase_dates(study))]


def path_words(hall: Hall) -> str:
    """Name a power path with its spare units."""
    spare = f", {SPARE_WORDS[hall.redundancy]}" if hall.redundancy else ""
    return PATH_WORDS[hall.ups] + spare


def halls_view(halls: Sequence[HallYear]) -> View:
    """What carries power and heat at each site, and what its hottest hour takes."""
    rows = [
        [
            words(h.site), path_words(h.hall), percent(h.hall.module_load_frac),
            percent(h.hall.electrical_loss_frac, 2), _class(h.hall.air_class), _class(h.hall.water_class),
            significant(h.load.it_mw) + ("" if h.load.planned else " (most)"), significant(h.peak_facility_mw),
            significant(h.hall.full_load_pue, 4), significant(h.peak_pue, 4),
            f"{significant(h.hottest_hour_loss_mw)} ({percent(h.hottest_hour_loss_mw / h.load.it_mw, 2)})",
        ]
        for h in halls
    ]  # fmt: skip
    columns = ("Site", "Power path", "Load of a unit>", "Electrical loss>", "ASHRAE air", "ASHRAE water",
               "IT MW>", "Peak facility MW>", "PUE of a full hall, mean>", "Worst hour>",
               "IT MW the hottest hour takes>")  # fmt: skip
    note = (
        "Peak: the hall full in its hottest hour. That hour takes IT MW from a full hall whose connection fits the "
        "mean only. Electrical loss: connection to racks, lights included, at the mean load. Load of a UPS module or "
        "rectifier with the hall full. -: set-points of the catalogue."
    )
    return view("halls", "places", "Halls: power path, ASHRAE class and the hottest hour",
                "critical IT MW of the plan's fullest quarter, as in the year at each site; losses over IT power",
                columns, rows, note, "The scenario has no site of its own.")  # fmt: skip


def _class(name: str) -> str:
    """Write an ASHRAE class; a dash where the catalogue's set-points stand."""
    letter, *rest = name.split() or ["-"]
    return " ".join([letter.upper(), *rest])


def saving_view(halls: Sequence[HallYear]) -> View:
    """What a power path saves against double conversion at the same site."""
    rows = []
    for h in halls:
        saving, (mw, mw_boards), (mwh, mwh_boards) = h.hall.saving, h.saved_mw, h.saved_mwh
        span, span_boards = h.saved_mwh_range
        worth = mwh * h.energy_usd_per_mwh
        rows.append(
            [
                words(h.site), path_words(h.hall), significant(h.load.it_mw),
                significant(saving.annual_pue, 4) if saving else "", significant(h.annual_pue, 4),
                significant(mw), _gwh(mwh, span), usd(worth) if np.isfinite(worth) else "-",
                significant(mw_boards), _gwh(mwh_boards, span_boards),
            ]
        )  # fmt: skip
    rows += _saving_total([h for h in halls if h.load.planned])
    note = (
        "Same spare units, cooling and weather. The plan leaves IT power at the rack input as in the catalogue, so it "
        "holds the first saving only; at the same power on the boards the rack's own conversion comes on top (last two "
        "columns). In brackets: every row of both paths at the end of its range. No price of the equipment follows "
        "the path: the catalogue has no sourced one."
    )
    columns = ("Site", "Power path", "IT MW>", "PUE, double conversion>", "PUE, this path>", "Saved, peak MW>",
               "Saved, GWh a year>", "Worth a year>", "Same boards: peak MW>", "GWh a year>")  # fmt: skip
    return view("path_saving", "places", "What the power path saves against double conversion at the same site",
                "facility power at the critical IT MW shown; real USD at the chosen supply's price",
                columns, rows, note)  # fmt: skip


def _saving_total(halls: Sequence[HallYear]) -> list[list[str]]:
    """Sums over the planned halls; peaks of different sites do not fall together and are not added."""
    if len(halls) < 2:
        return []
    worth = sum(h.saved_mwh[0] * h.energy_usd_per_mwh for h in halls)
    alike, boards = (
        _gwh(
            sum(h.saved_mwh[i] for h in halls),
            (sum(h.saved_mwh_range[i][0] for h in halls), sum(h.saved_mwh_range[i][1] for h in halls)),
        )
        for i in (0, 1)
    )
    it_mw = significant(sum(h.load.it_mw for h in halls))
    return [["all planned halls", "", it_mw, "", "", "", alike, usd(worth) if np.isfinite(worth) else "-", "", boards]]


def _gwh(mwh: float, span: tuple[float, float]) -> str:
    low, high = (significant(v / MWH_PER_GWH, 2) for v in span)
    return f"{significant(mwh / MWH_PER_GWH)} ({low} to {high})"


def phases_view(dates: Sequence[PhaseDates]) -> View:
    """When new halls have power: what the plan counts on beside the schedule."""
    shown = largest(tuple(dates), MOST_STARTS)
    rows = [
        [
            words(d.site), words(d.what), significant(d.it_mw), d.start, d.counted_on, *d.ready,
            words(d.critical_item), f"{words(d.slowest_item)}, {d.order_by}",
        ]
        for d in shown
    ]  # fmt: skip
    note = (
        "Each start is a phase of its own: P10, P50 and P90 are the later of measured months from clearing the land "
        "and the slowest equipment with commissioning. A leased hall is counted on at its contract's lead time: where "
        "that lies before the P50, the landlord must have begun before. Starts of later futures are expected values."
    )
    if len(dates) > len(shown):
        note += f" {len(dates) - len(shown)} smaller starts are in tables/site_phases.csv."
    columns = ("Site", "Start", "IT MW>", "In", "Plan counts on", "P10", "P50", "P90", "Held by", "Slowest order by")
    return view("phases", "places", "New halls in phases: when they have power", "critical IT MW; quarters",
                columns, rows, note, "The plan starts no new hall.")  # fmt: skip
