"""The Hourly and Monthly sheets: weather, overhead, price and load of each site."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from xlsxwriter.utility import xl_rowcol_to_cell

from kiban.report.workbook_grid import Book
from kiban.results import Study

Array = NDArray[np.float64]

DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
TOP = 4
"""First row of hours."""
PRINTED_HOURS = 168
"""The sheet holds the year; a print shows its first week."""
MEASURES = (
    ("Dry bulb", "degC", 2, "AVERAGE"),
    ("PUE", "1", 4, "AVERAGE"),
    ("Price", "USD/MWh", 2, "AVERAGE"),
    ("Load", "MW per IT MW", 4, "SUM"),
)


def write_hours(book: Book, study: Study) -> None:
    """Write 8,760 hours by site and twelve months as formulas over them."""
    columns = list(_columns(study))
    hourly = book.sheet(
        "Hourly",
        "Hourly: weather, overhead, price and load by site",
        f"Weather: {study.site.weather_label}. Load per critical IT MW; the chosen supply case.",
    )
    hourly.write_row(
        3, 0, ["Hour of year", "Month", *(f"{site}: {name}, {unit}" for site, name, unit, *_ in columns)], book.head
    )
    hourly.set_row(3, 45)
    hourly.set_column(0, 1, 9)
    hourly.set_column(2, 1 + max(len(columns), 1), 13)
    hourly.freeze_panes(TOP, 2)
    hourly.repeat_rows(3)
    hourly.print_area(0, 0, TOP + PRINTED_HOURS - 1, 1 + max(len(columns), 1))
    if not columns:
        hourly.write(TOP, 0, "No site of this scenario has an hourly supply.", book.words())
        _monthly(book, columns)
        return
    month = np.repeat(np.arange(1, 13), np.array(DAYS) * 24)
    for hour, m in enumerate(month.tolist()):
        hourly.write_number(TOP + hour, 0, hour)
        hourly.write_number(TOP + hour, 1, m)
    for c, (_, _, _, values, _) in enumerate(columns):
        hourly.write_column(TOP, 2 + c, values.tolist())
    _monthly(book, columns)


def _columns(study: Study) -> Iterator[tuple[str, str, str, Array, str]]:
    for i, name in enumerate(study.site.sites):
        at = study.supply.sites.index(name)
        if not study.supply.cases[at]:
            continue
        case = study.supply.cases[at][0]
        rows = (
            study.site.hourly_dry_bulb_degc[i],
            study.site.hourly_pue[i],
            case.hourly_price_usd_per_mwh,
            case.hourly_load_mw,
        )
        for (label, unit, digits, how), values in zip(MEASURES, rows, strict=True):
            yield name, label, unit, np.round(np.asarray(values, dtype=float), digits), how


def _monthly(book: Book, columns: list[tuple[str, str, str, Array, str]]) -> None:
    sheet = book.sheet(
        "Monthly",
        "Monthly: overhead, price and load by site",
        "Formulas over the Hourly sheet; load is MWh per critical IT MW.",
    )
    sheet.write_row(3, 0, ["Site", "Measure", "Unit", *MONTHS, "Year"], book.head)
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 2, 17)
    sheet.set_column(3, 15, 9)
    sheet.freeze_panes(4, 3)
    ends = np.cumsum(np.array(DAYS) * 24)
    for c, (site, label, unit, values, how) in enumerate(columns):
        row = 4 + c
        sheet.write(row, 0, site, book.words())
        sheet.write(row, 1, label, book.words())
        sheet.write(row, 2, "MWh per IT MW" if how == "SUM" else unit, book.unit)
        spans = [*zip((ends - np.array(DAYS) * 24).tolist(), ends.tolist(), strict=True), (0, int(ends[-1]))]
        for m, (first, last) in enumerate(spans):
            reach = [xl_rowcol_to_cell(TOP + h, 2 + c) for h in (first, last - 1)]
            part = values[first:last]
            number = "factor" if label == "PUE" else "usd_m"
            worth = float(part.sum() if how == "SUM" else part.mean())
            book.formula(sheet, row, 3 + m, f"={how}('Hourly'!{reach[0]}:{reach[1]})", worth, book.style(number))
