"""Files of ``kiban energy``: hourly tables, and a page with tables and pictures that opens without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiban.figures.dispatch import Dispatched, dispatch_figures
from kiban.figures.figure import Basis, Figure
from kiban.report.doors_energy import EnergyRun, Solved, energy_tables
from kiban.report.html import drawn, environment, script_json, static
from kiban.report.tables import csv_text
from kiban.units import HOURS_PER_YEAR

Array = NDArray[np.float64]


def write_energy(folder: Path, run: EnergyRun, data: dict[str, Any]) -> list[Path]:
    """Write the page and one hourly table per rule.

    Errors: OSError. Result: the files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / "energy.html"]
    texts = [energy_page(run, data)]
    for solved in run.solved:
        files.append(folder / f"hourly_{solved.name}.csv")
        texts.append(_hourly(run, solved))
    for file, text in zip(files, texts, strict=True):
        file.write_text(text, encoding="utf-8", newline="\n")
    return files


def _hourly(run: EnergyRun, solved: Solved) -> str:
    a = solved.answer
    columns = {"hour": np.arange(run.case.axis.count), "load_mw": run.case.load_mw}
    columns |= {f"{k}_mw": v for k, v in a.flow_mw.items()}
    columns |= {"state_mwh": a.state_mwh, "price_usd_per_mwh": a.price_usd_per_mwh,
                "clean_premium_usd_per_mwh": a.clean_premium_usd_per_mwh}  # fmt: skip
    rows = zip(*(np.round(v, 6).tolist() for v in columns.values()), strict=True)
    return csv_text(tuple(columns), [tuple(r) for r in rows])


def energy_page(run: EnergyRun, data: dict[str, Any]) -> str:
    """The page as HTML text; texts of the user are escaped."""
    tables = [{"title": t, "head": h, "rows": r, "note": ""} for t, h, r in energy_tables(data) if r]
    sections: list[dict[str, Any]] = [{"id": "result", "title": "Result", "tables": tables, "figures": []}]
    figures: list[Figure] = []
    if run.loaded.form.pictures and run.case.axis.count >= HOURS_PER_YEAR:
        for solved in run.solved:
            mine = dispatch_figures(_dispatched(run, solved), Basis())
            figures += mine
            title = {"none": "Without a rule"}.get(solved.name, f"Matching: {solved.name}")
            sections.append({"id": f"rule-{solved.name}", "title": title, "tables": [], "figures": mine})
    return environment().get_template("energy.html.j2").render(
        title=data["title"],
        meta=f"{data['hours']:,} hours, {data['load_mwh_per_year']:,.0f} MWh of load a year. Least cost with perfect "
        "foresight; a price taker.",
        sections=sections,
        notes=[*data["notes"], *(["Pictures show the first year."] if figures and run.case.axis.years > 1 else [])],
        css=static("report.css"),
        echarts=static("echarts.min.js"),
        script=static("report.js"),
        data=script_json({f["id"]: drawn(f) for f in figures}),
    )  # fmt: skip


def _dispatched(run: EnergyRun, solved: Solved) -> Dispatched:
    case, flow = run.case, solved.answer.flow_mw
    n = HOURS_PER_YEAR
    zero = np.zeros(case.axis.count)
    made = {"purchase": flow.get("purchase", zero)}
    made |= {s.name: flow[s.name] for s in case.sources if s.at != "virtual"}
    made |= {p.name: flow[p.name] for p in case.plants}
    for name, key in (("battery out", "discharge"), ("cut", "cut"), ("not served", "unserved")):
        if key in flow:
            made[name] = flow[key]
    taken = {"battery in": flow.get("charge", zero), "sold": flow.get("sold", zero), "curtailed": flow["curtailed"]}
    dirty = solved.answer.unclean_mw
    clean = 1 - np.divide(dirty, case.load_mw, out=np.zeros_like(dirty), where=case.load_mw > 0)
    return Dispatched(
        name=solved.name,
        load_mw=case.load_mw[:n],
        made_mw={k: v[:n] for k, v in made.items()},
        taken_mw={k: v[:n] for k, v in taken.items()},
        price_usd_per_mwh=solved.answer.price_usd_per_mwh[:n],
        clean_frac=np.clip(clean, 0.0, 1.0)[:n],
    )
