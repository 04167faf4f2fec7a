"""Service of a level or straight loan on the Debt sheet: its shape, and the debt that coverage carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kiban.report.workbook_cash import Point
from kiban.report.workbook_grid import Series

if TYPE_CHECKING:
    from kiban.report.workbook_debt import Debt


def write_shape(debt: Debt, cash: Series, able: Series) -> tuple[Series, Point]:
    """Service up to a factor, and its present value; the lowest coverage of one dollar goes to the size."""
    put, number, t = debt.sheet.series, debt.cash.plan.number, np.arange(debt.quarters)
    has = able.values > 0
    due = (np.cumsum(has) > 0) & (np.cumsum(has[::-1])[::-1] > 0)
    end = debt.quarters - 1
    on = put(
        "Service is due: from the first to the last quarter with cash",
        "1",
        due.astype(float),
        lambda q: f"IF(AND(SUM({able.span(0, q)})>0,SUM({able.span(q, end)})>0),1,0)",
        number="whole",
    )
    left = np.cumsum(on.values[::-1])[::-1]
    values = on.values * (1 + debt.rate * left if debt.kind == "straight" else 1.0)
    grows = f"*(1+{debt.rate_cell}*SUM({{}}))" if debt.kind == "straight" else ""
    shape = put(
        "Service up to a factor",
        "1",
        values,
        lambda q: on[q] + grows.format(on.span(q, end)),
        number="factor",
    )
    factor = (1 + debt.rate) ** -(t - (debt.window - 1.0))
    power = f"(1+{debt.rate_cell})^-({number.all}-(draw_quarters-1))"
    worth = float(values @ factor)
    cell = debt.point("unit", "Present value of that", f"SUMPRODUCT({shape.all}*{power})", worth, "fine", "1")
    cover = np.full(debt.quarters, np.nan)
    for q in np.flatnonzero(due).tolist():
        span = [s for s in range(max(0, q - 3), q + 1) if due[s]]
        cover[q] = cash.values[span].sum() / values[span].sum() * worth

    def carried(q: int) -> str:
        first = max(0, q - 3)
        paid = shape.span(first, q)
        return f'IF({shape[q]}>0,SUMIF({paid},">0",{cash.span(first, q)})/SUM({paid})*{cell},"")'

    row = put("Debt at a coverage of one over four quarters", "USD m", cover, carried, total="MIN")
    alone = np.where(due, cash.values / np.where(due, values, 1.0) * worth, np.nan)
    each = put(
        "Debt that the quarter's cash alone would serve",
        "USD m",
        alone,
        lambda q: f'IF({shape[q]}>0,{cash[q]}/{shape[q]}*{cell},"")',
        total="MIN",
    )
    target = debt.given.number["target_dscr"]
    lowest = max(min(float(np.nanmin(cover)) / target, float(np.nanmin(alone))), 0.0) if due.any() else 0.0
    debt.point("lowest", "Debt by coverage", f"MAX(MIN({row.total}/target_dscr,{each.total}),0)", lowest)
    return shape, (cell, worth)
