"""Write-off and income taxes of a project's workbook, once for the project without loan and once for its owners."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kiban.finance.project_file import BONUS_MOST_YEARS
from kiban.finance.project_inputs import Projects
from kiban.finance.project_lines import Lines
from kiban.report.project_book_run import Cell, Running
from kiban.report.workbook_grid import Series, TimeSheet
from kiban.scenario.project_schema import ProjectFile

if TYPE_CHECKING:
    from kiban.report.project_book_loan import Loan

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Side:
    """Rows of one side."""

    held: Series
    """All its reserves."""
    tax: Series
    operating: Series
    """Cash of operation after tax, with reserves, investment credit and sale, before service."""


class _Writer:
    """Rows of one side below each other; a row is zero before operation."""

    def __init__(self, sheet: TimeSheet, first: int, points: int) -> None:
        self.sheet, self.first, self.points = sheet, first, points

    def row(
        self,
        label: str,
        values: Array,
        formula: Callable[[int], str],
        bold: bool = False,
        total: str | None = "SUM",
        first: int | None = None,
    ) -> Series:
        start = self.first if first is None else first
        return self.sheet.series(
            label, "USD", values, lambda q: formula(q) if q >= start else "0", number="count", bold=bold, total=total
        )

    def next_row(self, values: Array, ahead: int = 1) -> Series:
        """The row that will be written ``ahead`` rows below this one."""
        return Series(self.sheet.name, self.sheet.row + ahead, values)


def write_side(
    sheet: TimeSheet, cell: dict[str, Cell], form: ProjectFile, projects: Projects, done: Lines, running: Running,
    loan: Loan | None,
) -> Side:  # fmt: skip
    """Write one side: basis, write-off, interest allowed, losses, taxes and cash; loan None is the project's side."""
    c, points = projects.grid.construction_periods, projects.grid.points
    write = _Writer(sheet, c, points)
    last = points - 1
    sheet.heading("Tax of the owners" if loan else "Tax of the project without loan")
    parts = [running.working, running.receivable, *([loan.held] if loan else [])]
    held = write.row(
        "reserves", np.asarray(sum(p.values for p in parts)), lambda q: "+".join(p[q] for p in parts), total=None,
        first=c - 1,
    )  # fmt: skip
    earned_usd = np.zeros(points)
    earned_usd[c:] = held.values[c - 1 : -1] * cell["reserve_rate"].value
    earned = write.row("interest on reserves", earned_usd, lambda q: f"{held[q - 1]}*reserve_rate")

    amount_text = f"({running.plant.name}+development" + (f"+{loan.capitalised.name})" if loan else ")")
    amount = running.plant.value + cell["development"].value + (loan.capitalised.value if loan else 0.0)
    earns = form.credits.investment_macrs
    basis: dict[int, Cell] = {}
    credit_text, credit = [], 0.0
    for name, share in running.class_share.items():
        lent = "*(1-basis_cut*investment_credit)" if earns is None or name in earns else ""
        cut = 1 - cell["basis_cut"].value * cell["investment_credit"].value if lent else 1.0
        value = amount * share.value * cut
        at = sheet.value(f"basis in macrs {name}", "USD", f"{amount_text}*{share.name}{lent}", value, "count")
        basis[name] = Cell(at, value)
        if lent:
            credit_text.append(f"{amount_text}*{share.name}*investment_credit")
            credit += amount * share.value * cell["investment_credit"].value
    got = sheet.value("investment credit", "USD", "+".join(credit_text) or "0", credit, "count")

    def written_off(label: str, bonus: str) -> Series:
        def share(name: int) -> tuple[str, float]:
            return (bonus, cell[bonus].value) if name <= BONUS_MOST_YEARS else ("0", 0.0)

        def formula(q: int) -> str:
            first = q == c
            return "+".join(
                f"{b.name}*({f'{share(n)[0]}+' if first else ''}(1-{share(n)[0]})*{running.tables[n][q]})"
                for n, b in basis.items()
            )

        values = np.zeros(points)
        for name, b in basis.items():
            values += b.value * (1 - share(name)[1]) * running.tables[name].values
            values[c] += b.value * share(name)[1]
        return write.row(label, values, formula)

    federal_off = written_off("write-off", "bonus_share")
    same = form.tax.state_bonus_frac is None
    state_off = federal_off if same else written_off("write-off, state", "state_bonus_share")
    whole = f"({amount_text}-basis_cut*{got})"
    whole_usd = amount - cell["basis_cut"].value * credit

    def gain(off: Series, label: str) -> Cell:
        value = running.sale.value - (whole_usd - float(off.values.sum()))
        text = f"{running.sale.name}-({whole}-{off.total})"
        return Cell(sheet.value(label, "USD", text, value, "count"), value)

    federal_gain = gain(federal_off, "gain of the sale over the basis left")
    state_gain = federal_gain if same else gain(state_off, "gain, state")
    allowed = _interest(write, cell, form, running, earned, loan)

    def income(off: Series, extra: Cell, less: Series | None, label: str) -> Series:
        values = running.ebitda.values + earned.values - off.values - allowed.values
        values = values - (less.values if less else 0.0)
        values[last] += extra.value
        values[:c] = 0.0
        return write.row(
            label, values,
            lambda q: f"{running.ebitda[q]}+{earned[q]}-{off[q]}-{allowed[q]}"
            + (f"-{less[q]}" if less else "") + (f"+{extra.name}" if q == last else ""),
        )  # fmt: skip

    refunded = form.tax.losses_refunded
    state = _tax(write, cell, income(state_off, state_gain, None, "income, state"), "state", refunded)
    federal = _tax(write, cell, income(federal_off, federal_gain, state, "income, federal"), "federal", refunded)
    tax = write.row("income taxes", state.values + federal.values, lambda q: f"{state[q]}+{federal[q]}", bold=True)
    operating = running.ebitda.values + earned.values - tax.values
    operating[c:] -= np.diff(held.values)[c - 1 :]
    operating[c] += credit
    operating[last] += running.sale.value
    out = write.row(
        "cash of operation after tax", operating,
        lambda q: f"{running.ebitda[q]}+{earned[q]}-({held[q]}-{held[q - 1]})-{tax[q]}"
        + (f"+{got}" if q == c else "") + (f"+{running.sale.name}" if q == last else ""),
        bold=True,
    )  # fmt: skip
    return Side(held, tax, out)


def _interest(
    write: _Writer, cell: dict[str, Cell], form: ProjectFile, running: Running, earned: Series, loan: Loan | None
) -> Series:
    """Interest that may be deducted: up to cap x EBITDA + interest earned, the rest waits."""
    points, first = write.points, write.first
    if loan is None:
        return write.row("interest deducted", np.zeros(points), lambda q: "0")
    paid = loan.interest
    if not form.tax.interest_capped:
        return write.row("interest deducted", paid.values, lambda q: paid[q])
    allowed, waiting = np.zeros(points), np.zeros(points)
    for q in range(first, points):
        room = max(running.ebitda.values[q], 0.0) * cell["interest_cap"].value + earned.values[q]
        allowed[q] = min(waiting[q - 1] + paid.values[q], room)
        waiting[q] = max(waiting[q - 1] + paid.values[q] - allowed[q], 0.0)
    waits = write.next_row(waiting)
    out = write.row(
        "interest deducted", allowed,
        lambda q: f"MIN({waits[q - 1]}+{paid[q]},MAX({running.ebitda[q]},0)*interest_cap+{earned[q]})",
    )  # fmt: skip
    write.row("interest that waits", waiting, lambda q: f"MAX({waits[q - 1]}+{paid[q]}-{out[q]},0)", total=None)
    return out


def _tax(write: _Writer, cell: dict[str, Cell], income: Series, who: str, refunded: bool) -> Series:
    """Tax on an income: refunded losses, or losses carried against a share of later income."""
    rate, cap = cell[f"{who}_rate"].value, cell["loss_use_cap"].value
    points = write.points
    if refunded:
        return write.row(f"{who} tax", rate * income.values, lambda q: f"{who}_rate*{income[q]}")
    used, left, tax = np.zeros(points), np.zeros(points), np.zeros(points)
    for q in range(write.first, points):
        gain = max(income.values[q], 0.0)
        used[q] = min(left[q - 1], gain * cap)
        tax[q] = rate * (gain - used[q])
        left[q] = left[q - 1] - used[q] + max(-income.values[q], 0.0)
    carried = write.next_row(left)
    use = write.row("losses used", used, lambda q: f"MIN({carried[q - 1]},MAX({income[q]},0)*loss_use_cap)")
    write.row("losses carried", left, lambda q: f"{carried[q - 1]}-{use[q]}+MAX(-{income[q]},0)", total=None)
    return write.row(f"{who} tax", tax, lambda q: f"{who}_rate*(MAX({income[q]},0)-{use[q]})")
