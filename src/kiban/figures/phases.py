"""When new halls have power: the schedule of each start as a bar, the plan's own date as a mark on it."""

from __future__ import annotations

from typing import Any

from kiban.figures.colors import BLUE, GREY, INK, ORANGE, SKY
from kiban.figures.figure import Basis, Figure, Frame, bar, cartesian, empty_figure, figure, words
from kiban.figures.site_halls import PhaseDates, phase_dates
from kiban.results import Study
from kiban.units import Quarter
from kiban.units.numbers import significant

MOST_BARS = 8
_WORKS, _EARLY, _LATE = "works, before the P10", "P10 to P50", "P50 to P90"
_COUNTED, _ORDER = "plan counts on power", "slowest order by"


def phases_figure(study: Study, basis: Basis) -> Figure:
    """The largest starts of halls, the scenario's phases first, with P10, P50 and P90 of power at the racks."""
    frame = Frame(
        "phases_chart", "places", "When new halls have power",
        "quarters; expected IT MW and quarter of start in the label", ("facility", "plan"),
        "Works that begin in the quarter of the start have power at the schedule's P10, P50 or P90. A lease counts on "
        "its contract: a mark before the P50 needs a landlord who began earlier. The table says what holds it.",
    )  # fmt: skip
    dates = largest(phase_dates(study), MOST_BARS)
    if not dates:
        return empty_figure(frame, basis, "The plan starts no new hall.")
    first = min(Quarter.parse(d.start) for d in dates)
    last = max(max(Quarter.parse(q) for q in (*d.ready, d.counted_on, d.order_by)) for d in dates)
    names = [str(first + q) for q in range(last - first + 2)]
    # A horizontal axis of categories begins at the bottom.
    shown = dates[::-1]
    labels = [f"{words(d.site)}, {words(d.what)}\n{significant(d.it_mw)} MW in {d.start}" for d in shown]
    x: dict[str, Any] = {"type": "value", "min": 0, "max": len(names) - 1, "kiban_quarters": names, "minInterval": 1}
    x["axisLabel"] = {"showMaxLabel": False}
    series = _bars(shown, first) + _marks(shown, first)
    option = cartesian(x, {"type": "category", "data": labels}, series, tooltip={"trigger": "item"})
    option["grid"]["top"] = 8
    legend = [(_WORKS, GREY), (_EARLY, BLUE), (_LATE, SKY), (_COUNTED, INK), (_ORDER, ORANGE)]
    drawn = figure(frame, basis, option, legend, "plain", "quarter")
    drawn["height"] = 70 + 44 * len(dates)
    return drawn


def largest(dates: tuple[PhaseDates, ...], most: int) -> list[PhaseDates]:
    """The largest starts in the order of the sites; a phase that the scenario asks for comes before any start."""
    ranked = sorted(dates, key=lambda d: (not d.what.startswith("phase "), -d.it_mw))[:most]
    return [d for d in dates if d in ranked]


def _bars(dates: list[PhaseDates], first: Quarter) -> list[dict[str, Any]]:
    ends = [[Quarter.parse(q) - first for q in (d.start, *d.ready)] for d in dates]
    hidden = bar("start", [e[0] for e in ends], "transparent", "time", tooltip={"show": False}, silent=True)
    found = [hidden]
    for step, (name, color) in enumerate(((_WORKS, GREY), (_EARLY, BLUE), (_LATE, SKY))):
        opacity = {"opacity": 0.35} if step == 0 else {}
        lengths = [e[step + 1] - e[step] for e in ends]
        found.append(bar(name, lengths, color, "time", barMaxWidth=16, itemStyle=opacity))
    return found


def _marks(dates: list[PhaseDates], first: Quarter) -> list[dict[str, Any]]:
    return [
        {
            "name": name, "type": "scatter", "symbol": symbol, "symbolSize": size, "color": color, "z": 5,
            **more,
            "data": [[Quarter.parse(getattr(d, field)) - first, row] for row, d in enumerate(dates)],
        }
        for name, field, symbol, size, color, more in (
            (_COUNTED, "counted_on", "diamond", 14, INK, {}),
            # Below the bar, for it often falls on the P10 or on the plan's date.
            (_ORDER, "order_by", "triangle", 9, ORANGE, {"symbolOffset": [0, 12]}),
        )
    ]  # fmt: skip
