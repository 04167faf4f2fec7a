"""The answer of the facility door as one HTML page that opens without a network, and as CSV of its hours."""

from __future__ import annotations

from pathlib import Path

from kiban import __version__
from kiban.figures.climate import calendar_of_hours
from kiban.figures.figure import Basis
from kiban.figures.hall import hall_figures
from kiban.report.doors_facility import Answer, facility_data
from kiban.report.html import drawn, environment, script_json, static

PARTS = {"electrical": "electrical_frac", "fans": "fans_frac", "pumps": "pumps_frac", "chillers": "chillers_frac"}


def facility_page(found: Answer) -> str:
    """Render the page: numbers, table of months, heat maps of every hour, duration curve; texts are escaped."""
    data = facility_data(found)
    months = data["monthly"]
    figures = hall_figures(
        found.year.hourly_pue,
        found.year.hourly_wue_l_per_kwh,
        found.year.hourly_facility_mw,
        {name: [row[key] for row in months] for name, key in PARTS.items()},
        [row["wue_l_per_kwh"] for row in months],
        Basis(vintage="", weather=found.provenance),
    )
    template = environment().get_template("facility.html.j2")
    return template.render(
        data=data,
        figures=figures,
        version=__version__,
        css=static("report.css"),
        echarts=static("echarts.min.js"),
        script=static("report.js"),
        drawn=script_json({f["id"]: drawn(f) for f in figures}),
    )


def hours_csv(found: Answer) -> str:
    """Give the hours as CSV: local standard time, air, load, PUE, WUE and facility power."""
    year, out = found.year, found.outdoors
    lines = ["month,day,hour,dry_bulb_degc,wet_bulb_degc,it_mw,pue,wue_l_per_kwh,facility_mw"]
    columns = zip(
        calendar_of_hours(),
        out.hourly_dry_bulb_degc,
        out.hourly_wet_bulb_degc,
        year.hourly_it_mw,
        year.hourly_pue,
        year.hourly_wue_l_per_kwh,
        year.hourly_facility_mw,
        strict=True,
    )
    for (month, day, hour), dry, wet, it, pue, wue, power in columns:
        lines.append(f"{month},{day},{hour},{dry:.2f},{wet:.2f},{it:.4f},{pue:.5f},{wue:.4f},{power:.4f}")
    return "\n".join(lines) + "\n"


def write_facility(folder: Path, found: Answer) -> list[Path]:
    """Write ``facility.html`` and ``hours.csv`` into a folder; both texts are made before either is written."""
    texts = {"facility.html": facility_page(found), "hours.csv": hours_csv(found)}
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
        written.append(folder / name)
    return written
