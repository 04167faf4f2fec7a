"""Sheets that show results of the engine as tables: unit costs, futures, impact, sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from xlsxwriter.utility import xl_rowcol_to_cell

from kiban.catalog import Catalog, CatalogError
from kiban.report.workbook_grid import Book, TimeSheet, finite
from kiban.results import Risk, Study, UnitCost


class TableSheet:
    """A sheet of tables one below the other."""

    def __init__(self, book: Book, name: str, title: str, note: str, widths: Sequence[float]) -> None:
        self.book, self.name, self.row = book, name, 3
        self.sheet = book.sheet(name, title, note)
        for column, width in enumerate(widths):
            self.sheet.set_column(column, column, width)
        self.sheet.freeze_panes(3, 1)

    def heading(self, text: str, heads: Sequence[str] = ()) -> None:
        """Write the head of a table."""
        self.sheet.write(self.row, 0, text, self.book.words(bold=True, font_size=11, font_color="#1F3A5F"))
        self.row += 1
        if heads:
            self.sheet.write_row(self.row, 0, heads, self.book.head)
            if max(len(h) for h in heads) > 14:
                self.sheet.set_row(self.row, 30)
            self.row += 1

    def line(self, values: Iterable[Any], numbers: Sequence[str] = (), kind: str = "formula") -> int:
        """Write a row of words and numbers; returns its row. ``numbers`` are formats by column."""
        for column, value in enumerate(values):
            number = numbers[column] if column < len(numbers) else "general"
            self.put(column, value, number, kind)
        self.row += 1
        return self.row - 1

    def put(self, column: int, value: Any, number: str = "general", kind: str = "formula") -> None:
        """Write one cell; a number that is not finite becomes the word n/a."""
        if isinstance(value, int | float | np.floating | np.integer) and not isinstance(value, bool):
            if np.isfinite(value):
                self.sheet.write_number(self.row, column, float(value), self.book.style(number, kind))
            else:
                self.sheet.write_string(self.row, column, "n/a", self.book.unit)
        else:
            self.sheet.write_string(self.row, column, str(value), self.book.words(indent=1 if column else 0))

    def cell(self, row: int, column: int) -> str:
        """Address of a cell for other sheets."""
        return f"'{self.name}'!{xl_rowcol_to_cell(row, column, row_abs=True, col_abs=True)}"

    def gap(self) -> None:
        """Leave a row empty."""
        self.row += 1


def write_unit_costs(book: Book, study: Study) -> dict[str, str]:
    """Write levelised costs by rung and accelerator; returns addresses of the programme's three."""
    costs = study.finance.unit_costs
    parts = list(dict.fromkeys(p for c in costs for p in c.parts))
    sheet = TableSheet(
        book,
        "Unit costs",
        "Unit costs by rung and accelerator",
        "Parts are results of the finance room (annuity convention unless named); totals are formulas.",
        [30, 16, *[13] * (len(parts) + 2)],
    )
    sheet.heading("Chosen plan, present value of cost over present value of service", ("Measure", "USD"))
    cells = {}
    for name, value in (
        ("USD per GPU-h", study.finance.usd_per_gpu_h),
        ("USD per goodput GPU-h", study.finance.usd_per_goodput_gpu_h),
        ("USD per Mtok", study.finance.usd_per_mtok),
    ):
        cells[name] = sheet.cell(sheet.line((name, value), ("text", "fine" if "Mtok" in name else "decimal")), 1)
    blocks = (
        ("USD per GPU-h in service", "usd_per_gpu_h"),
        ("USD per goodput GPU-h (utilisation and failures taken off)", "usd_per_goodput_gpu_h"),
        ("USD per million tokens", "usd_per_mtok"),
    )
    for title, field in blocks:
        sheet.gap()
        extra = ["Straight line, no cost of capital"] if field == "usd_per_gpu_h" else []
        words = [p.replace("_", " ") for p in parts]
        sheet.heading(title, ["Rung", "Accelerator", *words, "Total", *extra])
        for cost in costs:
            _unit_line(sheet, cost, parts, field, bool(extra))
    return cells


def _unit_line(sheet: TableSheet, cost: UnitCost, parts: list[str], field: str, straight: bool) -> None:
    worth = dict(zip(cost.parts, getattr(cost, field).tolist(), strict=True))
    values = [worth.get(p, 0.0) for p in parts]
    number = "fine" if field == "usd_per_mtok" else "decimal"
    row = sheet.line((cost.rung, cost.accelerator, *values), ("text", "text", *[number] * len(parts)), "input")
    for column, word in enumerate((cost.rung, cost.accelerator)):
        sheet.sheet.write_string(row, column, word, sheet.book.words())
    first, last = (xl_rowcol_to_cell(row, c) for c in (2, 1 + len(parts)))
    total = float(np.sum(values))
    style = sheet.book.style(number, "formula", True)
    if np.isfinite(total):
        sheet.book.formula(sheet.sheet, row, 2 + len(parts), f"=SUM({first}:{last})", total, style)
    if straight and np.isfinite(cost.straight_line_usd_per_gpu_h):
        sheet.sheet.write_number(
            row, 3 + len(parts), cost.straight_line_usd_per_gpu_h, sheet.book.style("decimal", "input")
        )


def write_futures(book: Book, risk: Risk) -> dict[str, str]:
    """Write the sampled futures: plans, drivers, tornado, regimes, gauges. Returns addresses for the summary."""
    title = f"Futures: {risk.futures_count:,} sampled histories, seed {risk.seed}"
    sheet = TableSheet(
        book, "Futures", title, "Results of the engine; USD m real unless the head says otherwise.", [34, *[15] * 11]
    )
    million = 1e6
    percents = (1, 10, 25, 50, 75, 90, 99)
    heads = ("Plan", "Mean", "P5", "P95", "Mean of worst 5 %", "Wins in", "Mean regret", "P95 regret")
    sheet.heading("Present value by plan", heads)
    for i, plan in enumerate(risk.plans):
        money = (
            risk.plan_mean_npv_usd[i],
            risk.plan_p5_npv_usd[i],
            risk.plan_p95_npv_usd[i],
            risk.plan_cvar5_npv_usd[i],
        )
        regret = (risk.plan_mean_regret_usd[i], risk.plan_p95_regret_usd[i])
        sheet.line(
            (plan, *(v / million for v in money), risk.plan_win_frac[i], *(v / million for v in regret)),
            ("text", *["usd_m"] * 4, "percent", "usd_m", "usd_m"),
        )
    sheet.gap()
    sheet.heading("Lead of the responding plan over the next best", ("Next best", "Mean", "P5", "P95"))
    lead = sheet.line(
        (risk.next_best, risk.lead_mean_usd / million, risk.lead_p5_usd / million, risk.lead_p95_usd / million),
        ("text", *["usd_m"] * 3),
    )
    sheet.gap()
    sheet.heading("Percentiles of present value", ("Plan", *(f"P{p}" for p in percents)))
    for plan, values in zip(risk.plans, risk.future_npv_usd, strict=True):
        sheet.line((plan, *np.percentile(values, percents) / million), ("text", *["usd_m"] * len(percents)))
    sheet.gap()
    _drivers(sheet, risk)
    _regimes(sheet, risk)
    sheet.heading(
        "What would change today's decision, plan solved again",
        ("In words", "Base", "Low", "High", "Flips at", "Unit", "Way to the end", "Explain"),
    )
    for flip in risk.flips:
        at = (flip.flip, flip.distance_frac) if np.isfinite(flip.flip) else ("none", "")
        sheet.line((flip.sentence, flip.base, flip.low, flip.high, at[0], flip.unit, at[1], flip.metric))
    sheet.gap()
    sheet.heading("When another of the fixed plans would be best")
    for sentence in risk.flip_sentences:
        sheet.line((sentence,))
    return {name: sheet.cell(lead, column) for column, name in enumerate(("next_best", "mean", "p5", "p95"))}


def _drivers(sheet: TableSheet, risk: Risk) -> None:
    heads = (
        "Driver",
        "P5",
        "P50",
        "P95",
        "Unit",
        "NPV at low",
        "NPV at high",
        "Lead at low",
        "Lead at high",
        "First-order share",
    )
    sheet.heading("Drivers and their effect, USD m", heads)
    bars = {t.driver: t for t in risk.tornado}
    for driver in risk.drivers:
        words: list[Any] = [driver.name, driver.p5, driver.p50, driver.p95, driver.unit]
        bar = bars.get(driver.name)
        if bar is not None:
            money = (bar.low_npv_usd, bar.high_npv_usd, bar.low_lead_usd, bar.high_lead_usd)
            words += [*(v / 1e6 for v in money), bar.first_order_frac]
        sheet.line(words, ("text", "decimal", "decimal", "decimal", "text", *["usd_m"] * 4, "percent"))
    sheet.gap()


def _regimes(sheet: TableSheet, risk: Risk) -> None:
    heads = (
        "Regime",
        "Probability",
        "NPV, USD m",
        "Best baseline",
        "Its NPV, USD m",
        "Rent needed, USD/GPU-h",
        "Rent there, USD/GPU-h",
        "Utilisation",
        "Debt repaid",
    )
    sheet.heading("Named futures", heads)
    for r in risk.regimes:
        sheet.line(
            (
                r.name,
                r.probability,
                r.npv_usd / 1e6,
                r.best_baseline,
                r.best_baseline_npv_usd / 1e6,
                r.needed_rent_usd_per_gpu_h,
                r.observed_rent_usd_per_gpu_h,
                r.utilisation_frac,
                r.debt_paid_frac,
            ),
            ("text", "percent", "usd_m", "text", "usd_m", "decimal", "decimal", "percent", "percent"),
        )
    sheet.gap()
    sheet.heading("Loss by layer if the programme stops in the trough", ("Regime", "Layer", "Loss, USD m", "Bearer"))
    for r in risk.regimes:
        for layer, loss, bearer in zip(r.layers, r.layer_loss_usd, r.bearer, strict=True):
            sheet.line((r.name, layer, loss / 1e6, bearer), ("text", "text", "usd_m", "text"))
    sheet.gap()
    sheet.heading("Gauges of glut", ("Gauge", "Now", "Fibre 2001", "Mining 2022", "Unit"))
    for g in risk.gauges:
        sheet.line((g.name, g.now, g.fibre_2001, g.mining_2022, g.unit), ("text", *["decimal"] * 3, "text"))
    sheet.gap()


def write_impact(book: Book, study: Study) -> None:
    """Write carbon, water, jobs, money flows and claims; expected over the tree, totals are formulas."""
    impact = study.impact
    sheet = TimeSheet(
        book,
        "Impact",
        "Impact: expected over all futures",
        "Results of the engine, probability-weighted; totals are formulas.",
    )
    sheet.heading("Energy, carbon, water, jobs")
    rows = (
        ("Electricity at the meter", "MWh", impact.quarterly_energy_mwh, "SUM"),
        ("Operational carbon, location-based average", "kg CO2e", impact.quarterly_location_kg_co2, "SUM"),
        ("Operational carbon, marginal signal (never add)", "kg CO2e", impact.quarterly_marginal_kg_co2, "SUM"),
        ("Water used on site", "m3", impact.quarterly_site_water_m3, "SUM"),
        ("Water used to make the electricity", "m3", impact.quarterly_source_water_m3, "SUM"),
        ("Construction jobs on site", "people", impact.quarterly_construction_jobs, "MAX"),
        ("Permanent jobs on site", "people", impact.quarterly_permanent_jobs, "MAX"),
    )
    for label, unit, values, total in rows:
        sheet.series(label, unit, values, kind="input", number="count", total=total)
    _single(sheet, "Embodied carbon of silicon, buildings, plant", "kg CO2e", impact.embodied_kg_co2, "count")
    _single(sheet, "Carbon per million tokens", "kg CO2e/Mtok", impact.kg_co2_per_mtok, "decimal")
    sheet.heading("Sites: peak jobs and local share of spending")
    for i, name in enumerate(impact.sites):
        _single(sheet, f"{name}: permanent jobs, peak", "people", impact.site_peak_permanent_jobs[i], "count")
        _single(sheet, f"{name}: construction jobs, peak", "people", impact.site_peak_construction_jobs[i], "count")
        _single(sheet, f"{name}: local share of spending", "1", impact.local_share_frac[i], "percent")
    sheet.heading("Where each dollar goes: present value")
    for flow in impact.money:
        _single(sheet, f"{flow.source} > {flow.target}", "USD m", flow.usd / 1e6, "usd_m")
    if impact.claims:
        sheet.heading("Published claims")
    for claim in impact.claims:
        label = claim.item.replace("_", " ")
        for word, value in (
            ("published", claim.published),
            ("model", claim.model),
            ("model, low", claim.model_low),
            ("model, high", claim.model_high),
        ):
            _single(sheet, f"{label}: {word}", claim.unit, value, "count")


def _single(sheet: TimeSheet, label: str, unit: str, value: float, number: str) -> None:
    book = sheet.book
    sheet.sheet.write(sheet.row, 0, label, book.words())
    sheet.sheet.write(sheet.row, 1, unit, book.unit)
    sheet.sheet.write(sheet.row, 2, "input", book.words(font_color="#0000FF"))
    sheet.sheet.write_number(sheet.row, 3, finite(value), book.style(number, "input"))
    sheet.row += 1


def write_sources(book: Book, catalog: Catalog, ids: Sequence[str], study: Study) -> None:
    """Write the documents behind the catalogue rows in use, and the warnings of the rooms."""
    sheet = TableSheet(
        book, "Sources", "Sources of the catalogue rows in use", "Addresses are text, not links.", [38, 70, 34, 13, 80]
    )
    sheet.heading("Documents", ("Source", "Title", "Publisher", "Date", "Address"))
    for source_id in ids:
        try:
            sheet.line(catalog.source(source_id))
        except CatalogError:
            sheet.line((source_id, "not in the list of sources"))
    sheet.gap()
    sheet.heading("Warnings of the rooms")
    rooms = (study.demand, study.fleet, study.site, study.supply, study.plan, study.finance, study.impact, study.swings)
    for sentence in dict.fromkeys(w for room in rooms for w in room.warnings):
        sheet.line((sentence,))
