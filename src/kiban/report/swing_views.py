"""Swings of training in the power chapter: megawatts within a step, and what each way of smoothing costs a year."""

from __future__ import annotations

from kiban.figures.figure import words
from kiban.report.table import View, view
from kiban.results import SiteSwing, Swings, SwingWay
from kiban.units.numbers import percent, significant, usd

WAY_WORDS = {
    "stagger": "shifting the jobs against each other",
    "ballast": "a load bank that burns in the pauses",
    "floor": "a power floor of the accelerators",
    "rack_storage": "capacitors at the racks",
    "site_battery": "a share of the site's battery",
}
_HEADS = {
    "stagger": "Shifted jobs",
    "ballast": "Load bank",
    "floor": "Power floor",
    "rack_storage": "Rack capacitors",
    "site_battery": "Site battery",
}
_PER_MIN = 60.0


def swing_sentence(swings: Swings) -> str:
    """The main finding in two sentences; empty where nothing trains on own sites."""
    if not swings.sites:
        return ""
    most = max(swings.sites, key=lambda s: s.swing_mw)
    places = "1 site" if len(swings.sites) == 1 else f"{len(swings.sites)} sites"
    text = (
        f"Training at {places} moves megawatts within a step: at {words(most.site)} up to {significant(most.swing_mw)} "
        f"MW every {significant(most.step_s)} s if all jobs go in step, {significant(most.job_swing_mw)} MW by one job."
    )
    solved = [s for s in swings.sites if s.cheapest]
    if not solved:
        return f"{text} No way that was looked at keeps a ramp of {_limit(swings)}."
    total = sum(_cheapest(s).usd_per_year for s in solved)
    names = list(dict.fromkeys(WAY_WORDS[s.cheapest] for s in sorted(solved, key=lambda s: -s.swing_mw)))
    text += f" To keep a ramp of {_limit(swings)} costs at least {usd(total)} a year over all, by {' or '.join(names)}"
    return f"{text}; this is not in the plan's cost."


def swing_views(swings: Swings) -> list[View]:
    """One table: swings by site, and million dollars a year of each way."""
    rows = [
        [
            words(s.site), s.quarter, significant(s.it_mw), significant(s.jobs), significant(s.swing_mw),
            significant(s.job_swing_mw), significant(s.step_s), significant(s.pause_s),
            *(_cost(s, name) for name in WAY_WORDS), _HEADS.get(s.cheapest, "none"),
            significant(_cheapest(s).usd_per_it_mwh) if s.cheapest else "", _storage(s),
        ]
        for s in swings.sites
    ]  # fmt: skip
    columns = ("Site", "Quarter", "IT MW that train>", "Jobs>", "Swing, all in step, MW>", "Of one job, MW>",
               "Step, s>", "Pause, s>", *(f"{_HEADS[n]}, million USD>" for n in WAY_WORDS), "Cheapest",
               "USD/MWh of IT>", "Rack capacitors, MW and kWh>")  # fmt: skip
    return [
        view("swings", "power", "What training does to the connection within seconds",
             f"MW of IT, peak to trough; million USD a year to keep a ramp of {_limit(swings)} at each connection",
             columns, rows, _note(swings) if rows else "", "The plan trains at none of its sites.")
    ]  # fmt: skip


def _note(swings: Swings) -> str:
    stop = max(swings.sites, key=lambda s: s.stop_mw)
    note = (
        "In the quarter with most training, expected over the tree. The swing is a published share of critical power, "
        "step and pause come from the time model of the job. Every way stands alone: energy lost is priced all in, "
        "storage by the year, cells bought large enough to last. Jobs that may be shifted are whole jobs; more groups "
        "than jobs cannot be had, which is said with the number needed. "
        f"If one job stops without warning, up to {significant(stop.stop_mw)} MW fall away at once and the ramp asks "
        f"for {significant(stop.stop_mwh)} MWh of burning or storage ({words(stop.site)})."
    )
    held = [s for s in swings.sites if s.rack_held_frac > 0]
    if held:
        best = max(held, key=lambda s: s.rack_held_frac)
        note += (
            f" Capacitors that its racks bring along hold {percent(min(best.rack_held_frac, 1.0), 2)} of what a step "
            f"moves at {words(best.site)}; they are not credited."
        )
    return note


def _limit(swings: Swings) -> str:
    return f"{significant(swings.ramp_limit_mw_per_s * _PER_MIN)} MW/min"


def _way(site: SiteSwing, name: str) -> SwingWay:
    return next(w for w in site.ways if w.name == name)


def _cheapest(site: SiteSwing) -> SwingWay:
    return _way(site, site.cheapest)


def _cost(site: SiteSwing, name: str) -> str:
    way = _way(site, name)
    if way.feasible:
        return significant(way.usd_per_year / 1e6)
    return f"no: {way.groups:,.0f} needed" if name == "stagger" else "not enough"


def _storage(site: SiteSwing) -> str:
    way = _way(site, "rack_storage")
    return f"{significant(way.power_mw)}, {significant(way.energy_mwh * 1e3)}"
