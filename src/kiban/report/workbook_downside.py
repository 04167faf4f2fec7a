"""The Downside sheet: what blows do to the debt, and what lenders lose when they stop the plan."""

from __future__ import annotations

import numpy as np
from xlsxwriter.utility import xl_rowcol_to_cell

from kiban.report.workbook_grid import Book
from kiban.report.workbook_tables import TableSheet
from kiban.results import Study

MILLION = 1e6


def write_downside(book: Book, study: Study) -> None:
    """Write both tables; numbers are the engine's, differences and sums are formulas."""
    sheet = TableSheet(
        book,
        "Downside",
        "Downside of the lender",
        "The debt as sized, faced with each blow; results of the engine. Sums and differences are formulas.",
        [30, *[16] * 9],
    )
    _blows(sheet, study)
    sheet.gap()
    _losses(sheet, study)


def _blows(sheet: TableSheet, study: Study) -> None:
    heads = (
        "Case", "Lowest DSCR", "LLCR", "Change of LLCR", "First breach", "Unpaid, base history",
        "Unpaid, expected", "Change of expected", "NPV, USD m real", "What happens",
    )  # fmt: skip
    sheet.heading("Blows", heads)
    if not study.finance.downside:
        sheet.line(("The plan raises no debt.",))
        return
    first = sheet.row
    for case in study.finance.downside:
        row = sheet.row
        values = (
            case.name, case.min_dscr, case.llcr, "", case.first_breach_quarter or "none", case.unpaid_frac,
            case.expected_unpaid_frac, "", case.expected_npv_usd / MILLION, case.sentence,
        )  # fmt: skip
        numbers = (
            "text", "ratio", "ratio", "ratio", "text", "percent", "percent", "percent", "usd_m", "text"
        )  # fmt: skip
        sheet.line(values, numbers, "input")
        plan = study.finance.downside[0]
        for column, source, number, gap in (
            (3, 2, "ratio", case.llcr - plan.llcr),
            (7, 6, "percent", case.expected_unpaid_frac - plan.expected_unpaid_frac),
        ):
            if np.isfinite(gap):
                here, there = xl_rowcol_to_cell(row, source), xl_rowcol_to_cell(first, source)
                sheet.book.formula(sheet.sheet, row, column, f"={here}-{there}", gap, sheet.book.style(number))


def _losses(sheet: TableSheet, study: Study) -> None:
    lost = study.finance.loss_given_default
    if lost is None or not any(lost.leaf_default_quarter):
        sheet.heading("Loss if lenders stop the plan when they are first not paid")
        sheet.line(("No history leaves service unpaid.",))
        return
    heads = (
        "History", "Chance", "First unpaid", "Exposure", *(f"Paid by {name}" for name in lost.layers), "Guarantor",
        "Loss of lenders", "Loss of exposure",
    )  # fmt: skip
    sheet.heading("Loss if lenders stop the plan when they are first not paid, USD m nominal", heads)
    plan, book = study.plan, sheet.book
    for i, name in enumerate(plan.leaf_name):
        if not lost.leaf_default_quarter[i]:
            continue
        paid = lost.leaf_layer_recovered_nominal_usd[i] / MILLION
        owed, help_ = (float(v[i]) / MILLION for v in (lost.leaf_exposure_nominal_usd, lost.leaf_guarantor_nominal_usd))
        row = sheet.line(
            (name, float(plan.leaf_probability[i]), lost.leaf_default_quarter[i], owed, *paid, help_),
            ("text", "percent", "text", *["usd_m"] * 5),
            "input",
        )
        cells = [xl_rowcol_to_cell(row, c) for c in range(3, 9)]
        loss = owed - float(paid.sum()) - help_
        loss = 0.0 if abs(loss) < 1e-9 * owed else loss
        text = f"=MAX(0,ROUND({cells[0]}-SUM({cells[1]}:{cells[4]}),9))"
        book.formula(sheet.sheet, row, 8, text, round(max(loss, 0.0), 9), book.style("usd_m", "formula", True))
        book.formula(sheet.sheet, row, 9, f"={cells[5]}/{cells[0]}", max(loss, 0.0) / owed, book.style("percent"))
