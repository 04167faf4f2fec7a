"""The loan of a project's workbook: size, draws, service and coverage as formulas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.finance.project_inputs import Projects
from kiban.finance.project_lines import Lines
from kiban.report.project_book_run import Cell, Running
from kiban.report.project_book_tax import Side
from kiban.report.workbook_grid import Series, TimeSheet
from kiban.scenario.project_schema import ProjectFile

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Loan:
    """Rows and cells of the loan."""

    principal: str
    fee: str
    capitalised: Cell
    draw: Series
    interest: Series
    service: Series
    held: Series
    cover: tuple[str, str] | None
    """Cells of least DSCR and LLCR; None without a loan."""


def write_loan(
    sheet: TimeSheet, cell: dict[str, Cell], form: ProjectFile, projects: Projects, done: Lines, running: Running,
    bare: Side,
) -> Loan:  # fmt: skip
    """Write cash for service, the size of the loan, its schedule and its reserve.

    The equations are those of ``finance.project_debt``, with p = 1 and gearing on all uses.
    """
    c, points = projects.grid.construction_periods, projects.grid.points
    loan, kind = done.loan, form.debt.kind
    rate, tenor = cell["loan_rate"].value, cell["tenor_years"].value
    years = np.arange(points) - c
    principal = float(loan.principal[0])

    def wide(values: Array, first: int = c) -> Array:
        out = np.zeros(points)
        out[first : first + len(values)] = values
        return out

    def row(
        label: str, values: Array, formula: Callable[[int], str], number: str = "count", total: str | None = "SUM",
        first: int = c,
    ) -> Series:  # fmt: skip
        return sheet.series(
            label, "USD", values, lambda q: formula(q) if q >= first else "0", number=number, total=total
        )

    def since(q: int) -> str:
        return f"({sheet.number[q]}-{c})"

    sheet.heading(f"Loan: {kind}")
    taxed = form.debt.sized_on == "after_unlevered_tax"
    cash = row(
        "cash for service", wide(done.cash_for_service[:, 0]),
        lambda q: f"{running.ebitda[q]}"
        + (f"-({running.receivable[q]}-{running.receivable[q - 1]})" if q < points - 1 else "")
        + (f"-{bare.tax[q]}" if taxed else ""),
    )  # fmt: skip
    drawn = running.shares.values * (1 + cell["building_rate"].value) ** np.maximum(c - 1.0 - np.arange(points), 0)
    grown = sheet.series(
        "a dollar's draws with interest", "-", drawn,
        lambda q: f"{running.shares[q]}*(1+building_rate)^({c - 1}-{sheet.number[q]})" if q < c else "0", number="fine",
    )  # fmt: skip
    weight = float(drawn.sum())
    on = 0.0 if kind == "none" else 1.0
    due = row("within the tenor", np.where((years >= 0) & (years < tenor), on, 0.0),
              lambda q: f"IF({since(q)}<tenor_years,{on:g},0)", "whole", None)  # fmt: skip
    if kind == "sculpted":
        per_unit, size = _sculpted(sheet, row, since, cash, due, rate, principal, years)
    else:
        per_unit, size = _level(sheet, row, since, due, kind, cell, years)
    held = cell["service_months"].value / 12 * per_unit[1]
    room_text = f"(1-gearing*(1-1/{grown.total}+fee_share+service_months/12*{per_unit[0]}))"
    base = f"({running.plant.name}+development+closing+{running.working[c - 1]}+{running.receivable[c - 1]})"
    room = 1 - cell["gearing"].value * (1 - 1 / weight + cell["fee_share"].value + held)
    spent = running.plant.value + cell["development"].value + cell["closing"].value
    spent += float(running.working.values[c - 1] + running.receivable.values[c - 1])
    bound = cell["gearing"].value * spent / room if room > 0 else 1e300
    at_most = sheet.value(
        "largest loan by gearing", "USD", f"IF({room_text}>0,gearing*{base}/{room_text},1E+300)", bound, "count"
    )
    text = {"none": "0", "sculpted": f"MIN({at_most},{size})"}.get(kind, at_most)
    owed = sheet.value("loan when operation starts", "USD", text, principal, "count")
    fee = sheet.value("fee", "USD", f"fee_share*{owed}", float(loan.fee[0]), "count")
    capitalised = float(loan.capitalised[0])
    own = sheet.value("capitalised interest", "USD", f"{owed}*(1-1/{grown.total})", capitalised, "count")
    draw = sheet.series(
        "loan drawn", "USD", wide(loan.draw[:, 0], 0),
        lambda q: f"{running.shares[q]}*{owed}/{grown.total}" if q < c else "0", number="count",
    )  # fmt: skip
    service = row("service", wide(loan.service[:, 0]), per_unit[2](owed))
    at = sheet.row
    before = Series(sheet.name, at + 1, np.zeros(points))
    interest = row("interest", wide(loan.interest[:, 0]), lambda q: f"{before[q - 1]}*loan_rate")
    row(
        "debt at the end of the year", wide(np.concatenate([loan.principal, loan.balance[:, 0]]), c - 1),
        lambda q: owed if q < c else f"{before[q - 1]}+{interest[q]}-{service[q]}", total=None, first=c - 1,
    )  # fmt: skip
    reserve = row(
        "reserve, service", wide(done.service_held[:, 0], c - 1),
        lambda q: f"service_months/12*{service[q + 1]}" if q < points - 1 else "0", total=None, first=c - 1,
    )  # fmt: skip
    cover = _cover(sheet, cash, service, due, owed, done, c, points, rate, tenor) if principal > 0 else None
    return Loan(owed, fee, Cell(own, capitalised), draw, interest, service, reserve, cover)


PerUnit = tuple[str, float, Callable[[str], Callable[[int], str]]]
"""First service over the loan: cell and value; and formulas of the service, given the cell of the loan."""
Row = Callable[..., Series]


def _sculpted(
    sheet: TimeSheet, row: Row, since: Callable[[int], str], cash: Series, due: Series, rate: float, principal: float,
    years: NDArray[np.int_],
) -> tuple[PerUnit, str]:  # fmt: skip
    able_usd = due.values * np.maximum(cash.values, 0.0)
    able = row("cash that lends", able_usd, lambda q: f"{due[q]}*MAX({cash[q]},0)")
    worth_usd = able_usd * (1 + rate) ** -np.maximum(years + 1.0, 0.0)
    worth = row("its worth when operation starts", worth_usd, lambda q: f"{able[q]}*(1+loan_rate)^(-{since(q)}-1)")
    total = float(worth_usd.sum())
    c = int(np.argmax(years == 0))
    first = able_usd[c] / total if total > 0 else 0.0
    text = f"IF({worth.total}>0,{able[c]}/{worth.total},0)"
    unit = sheet.value("first service over loan", "-", text, first, "fine")
    return (unit, first, lambda owed: lambda q: f"IF({worth.total}>0,{able[q]}*{owed}/{worth.total},0)"), (
        f"{worth.total}/cover"
    )


def _level(
    sheet: TimeSheet, row: Row, since: Callable[[int], str], due: Series, kind: str, cell: dict[str, Cell],
    years: NDArray[np.int_],
) -> tuple[PerUnit, str]:  # fmt: skip
    """Service, interest and balance of a loan of one dollar."""
    rate, tenor, wait = (cell[n].value for n in ("loan_rate", "tenor_years", "moratorium_years"))
    c, points = int(np.argmax(years == 0)), len(years)
    left = max(tenor - wait, 1.0)
    annuity = rate / (1 - (1 + rate) ** -left) if rate else 1 / left
    pay = sheet.value(
        "yearly payment of a dollar", "-",
        "IF(loan_rate=0,1/MAX(tenor_years-moratorium_years,1),"
        "loan_rate/(1-(1+loan_rate)^(-MAX(tenor_years-moratorium_years,1))))",
        annuity, "fine",
    )  # fmt: skip
    service, balance = np.zeros(points), np.zeros(points)
    balance[c - 1] = 1.0
    for q in range(c, points):
        interest = balance[q - 1] * rate
        principal = annuity - interest if kind == "level" else 1 / left
        paid = (interest + principal if years[q] >= wait else interest) if due.values[q] else 0.0
        service[q], balance[q] = paid, balance[q - 1] + interest - paid
    below = Series(sheet.name, sheet.row + 1, balance)

    def formula(q: int) -> str:
        interest = f"{below[q - 1]}*loan_rate"
        whole = pay if kind == "level" else f"({interest}+1/MAX(tenor_years-moratorium_years,1))"
        return f"{due[q]}*IF({since(q)}>=moratorium_years,{whole},{interest})"

    unit = row("service of a dollar", service, formula, "fine", None)
    row("balance of a dollar", balance,
        lambda q: "1" if q < c else f"{below[q - 1]}*(1+loan_rate)-{unit[q]}", "fine", None, c - 1)  # fmt: skip
    return (unit[c], float(service[c]), lambda owed: lambda q: f"{unit[q]}*{owed}"), "1E+300"


def _cover(
    sheet: TimeSheet, cash: Series, service: Series, due: Series, owed: str, done: Lines, c: int, points: int,
    rate: float, tenor: float,
) -> tuple[str, str]:  # fmt: skip
    paid = service.values[c:]
    ratio = np.full(points, np.nan)
    ratio[c:] = np.divide(cash.values[c:], paid, out=np.full(points - c, np.nan), where=paid > 0)
    dscr = sheet.series(
        "DSCR", "x", ratio, lambda q: f'IF({service[q]}>0,{cash[q]}/{service[q]},"")' if q >= c else '""',
        number="ratio", total=None,
    )  # fmt: skip
    least = sheet.value("least DSCR", "x", f"MIN({dscr.all})", float(np.nanmin(ratio)), "ratio")
    factor = (1 + rate) ** -(np.arange(points, dtype=float) - c + 1)
    within = np.maximum(cash.values, 0.0) * due.values * factor
    text = f"SUMPRODUCT(({cash.all}>0)*{cash.all}*{due.all}*(1+loan_rate)^({c}-1-{sheet.number.all}))/{owed}"
    llcr = sheet.value("LLCR", "x", text, float(within.sum() / done.loan.principal[0]), "ratio")
    return least, llcr
