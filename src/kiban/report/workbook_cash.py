"""The Cash flow sheet: real and nominal lines, tax, present value, returns; all formulas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from kiban.report.workbook_inputs import Assumptions
from kiban.report.workbook_base import Base
from kiban.report.workbook_grid import Book, Series, TimeSheet, added, plus
from kiban.report.workbook_operations import OperationRows
from kiban.report.workbook_plan import CapexRows, PlanRows

Array = NDArray[np.float64]
Point = tuple[str, float]
"""Address of a number and the number."""


@dataclass
class CashRows:
    """Rows and headline cells of the Cash flow sheet, USD m."""

    real: dict[str, Series] = field(default_factory=dict)
    nominal: dict[str, Series] = field(default_factory=dict)
    tax: dict[str, Series] = field(default_factory=dict)
    points: dict[str, Point] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    """Word that stands where a return has no number."""


class CashFlow:
    """Writes the sheet in two steps, before and after the Debt sheet, which needs the first and feeds the second."""

    def __init__(self, book: Book, given: Assumptions, base: Base, plan: PlanRows) -> None:
        self.sheet = TimeSheet(
            book,
            "Cash flow",
            f"Cash flow of the base history ({base.history})",
            "USD m; money in is positive, money out negative. Flows at the start of the quarter. All cells are formulas.",
        )
        self.given, self.base, self.plan = given, base, plan
        self.quarters = len(base.quarters)
        self.rows = CashRows()

    def _row(self, label: str, values: Array, text: Callable[[int], str], bold: bool = False, number: str = "usd_m",
             unit: str = "USD m", total: str | None = "SUM") -> Series:  # fmt: skip
        return self.sheet.series(label, unit, values, text, number=number, bold=bold, total=total)

    def write_lines(self, capex: CapexRows, ops: OperationRows, due: Point, left: Point) -> None:
        """Write prices, real lines, the present value before tax, nominal lines and tax."""
        worth, base, plan = self.given.number, self.base, self.plan
        t = np.arange(self.quarters)
        self.sheet.heading("Indices")
        index = self._row("Inflation index", (1 + worth["inflation"]) ** (t / 4),
                          lambda q: f"(1+inflation)^({plan.number[q]}/4)", number="factor", unit="factor", total=None)  # fmt: skip
        factor = self._row("Real discount factor", (1 + worth["discount_rate"]) ** (-t / 4),
                           lambda q: f"(1+discount_rate)^(-{plan.number[q]}/4)", number="factor", unit="factor",
                           total=None)  # fmt: skip
        self.rows.real.update(index=index, discount=factor)
        self.sheet.heading("Real lines")
        real = self.rows.real
        real["value_tokens"] = self._row(
            "Value of served tokens", base.served_mtok * base.token_price_usd_per_mtok * worth["value_share"] / 1e6,
            lambda q: f"{plan.served[q]}*{plan.token_price[q]}*token_price_factor*value_share/1000000",
        )  # fmt: skip
        real["value_training"] = self._row(
            "Value of training", base.trained_zflop * base.training_value_usd_per_zflop / 1e6,
            lambda q: f"{plan.trained[q]}*{plan.training_value[q]}*training_value_factor/1000000",
        )  # fmt: skip
        self._ends(ops, capex, due, left)
        lines = [v for k, v in real.items() if k not in ("index", "discount")]
        real["pre_tax"] = self._row("Cash flow before tax", added(lines, self.quarters), lambda q: plus(lines, q), True)
        value = float(real["pre_tax"].values @ factor.values)
        cell = self.sheet.value("NPV before tax, real, unlevered", "USD m",
                                f"SUMPRODUCT({real['pre_tax'].all}*{factor.all})", value)  # fmt: skip
        self.rows.points["npv_before_tax"] = (cell, value)
        self._nominal()
        self._tax()

    def _ends(self, ops: OperationRows, capex: CapexRows, due: Point, left: Point) -> None:
        real, last = self.rows.real, self.quarters - 1
        costs = (
            ("hall_rent", "Hall rent", ops.hall_rent),
            ("accelerator_rent", "Accelerator rent", ops.accelerator_rent),
            ("energy", "Energy", ops.energy),
            ("operation", "Operation", ops.operation),
            ("deposits", "Deposits and prepayments", ops.deposits),
            ("hall_capex", "Construction", capex.halls),
            ("silicon_capex", "Silicon", capex.silicon),
        )
        for name, label, row in costs:
            real[name] = self._row(label, -row.values, lambda q, row=row: f"-{row[q]}")  # type: ignore[misc]
        at_end = np.arange(self.quarters) == last
        for name, label, (cell, value), sign in (
            ("exit_obligation", "Rent still due at the end", due, -1.0),
            ("residual_value", "Residual value at the end", left, 1.0),
        ):
            minus = "-" if sign < 0 else ""
            real[name] = self._row(label, at_end * value * sign,
                                   lambda q, cell=cell, minus=minus: f"{minus}{cell}" if q == last else "0")  # type: ignore[misc]  # fmt: skip

    def _nominal(self) -> None:
        self.sheet.heading("Nominal lines: real x inflation index")
        real, nominal = self.rows.real, self.rows.nominal
        index = real["index"]
        for name, row in real.items():
            if name in ("index", "discount", "pre_tax"):
                continue
            label = name.replace("_", " ").capitalize()
            nominal[name] = self._row(label, row.values * index.values, lambda q, row=row: f"{row[q]}*{index[q]}")  # type: ignore[misc]
        working = [nominal[n] for n in ("value_tokens", "value_training", "hall_rent", "accelerator_rent", "energy",
                                        "operation", "exit_obligation")]  # fmt: skip
        nominal["operating"] = self._row("Operating cash flow before deposits", added(working, self.quarters),
                                         lambda q: "+".join(r[q] for r in working), True)  # fmt: skip
        built = [nominal["hall_capex"], nominal["silicon_capex"]]
        nominal["capex"] = self._row(
            "Capex", added(built, self.quarters), lambda q: "+".join(r[q] for r in built), True
        )

    def _tax(self) -> None:
        self.sheet.heading("Tax, unlevered: no deduction of interest, losses carried forward")
        nominal, tax, worth, number = self.rows.nominal, self.rows.tax, self.given.number, self.plan.number
        for name, label, source in (("silicon", "Tax depreciation of silicon", "silicon_capex"),
                                    ("hall", "Tax depreciation of halls", "hall_capex")):  # fmt: skip
            bonus, life, row = f"{name}_bonus", f"{name}_tax_life", nominal[source]
            years = worth[life]
            age = np.arange(self.quarters)[:, None] - np.arange(self.quarters)[None, :]
            runs = (age >= 0) & (age < years)
            values = worth[bonus] * row.values + (1 - worth[bonus]) * (runs @ row.values) / years

            def text(q: int, row: Series = row, bonus: str = bonus, life: str = life) -> str:
                runs = f"({number[q]}-{number.span(0, q)}<{life})"
                return f"{bonus}*{row[q]}+(1-{bonus})*SUMPRODUCT({row.span(0, q)}*{runs})/{life}"

            tax[name] = self._row(label, values, text)
        parts = [nominal["operating"], tax["silicon"], tax["hall"], nominal["residual_value"]]
        tax["income"] = self._row("Taxable income before losses", added(parts, self.quarters),
                                  lambda q: "+".join(p[q] for p in parts))  # fmt: skip
        self._losses()
        payable = -worth["tax_rate"] * (np.clip(tax["income"].values, 0, None) - tax["used"].values)
        tax["payable"] = self._row("Tax", payable, lambda q: f"-tax_rate*(MAX({tax['income'][q]},0)-{tax['used'][q]})",
                                   True)  # fmt: skip

    def _losses(self) -> None:
        tax, cap = self.rows.tax, self.given.number["loss_cap"]
        income = tax["income"].values
        used, left = np.zeros(self.quarters), np.zeros(self.quarters)
        before = 0.0
        for q in range(self.quarters):
            used[q] = min(before, cap * max(income[q], 0.0))
            before = left[q] = before - used[q] + max(-income[q], 0.0)
        here = self.sheet.row
        after = Series(self.sheet.name, here + 1, left)
        tax["used"] = self._row(
            "Losses used", used,
            lambda q: f"MIN({after[q - 1]},loss_cap*MAX({tax['income'][q]},0))" if q else "0",
        )  # fmt: skip
        tax["left"] = self._row(
            "Losses carried forward", left,
            lambda q: (f"{after[q - 1]}-" if q else "-") + f"{tax['used'][q]}+MAX(-{tax['income'][q]},0)", total=None,
        )  # fmt: skip

    def write_returns(self, debt_flow: dict[str, Series]) -> None:
        """Write free cash flow, present value, returns, and what is left to equity after debt."""
        nominal, real, tax, points = self.rows.nominal, self.rows.real, self.rows.tax, self.rows.points
        self.sheet.heading("Free cash flow after tax")
        parts = [nominal["operating"], nominal["deposits"], nominal["residual_value"], nominal["capex"], tax["payable"]]
        free = self._row("Free cash flow, unlevered, nominal", added(parts, self.quarters),
                         lambda q: "+".join(p[q] for p in parts), True)  # fmt: skip
        index, factor = real["index"], real["discount"]
        free_real = self._row("Free cash flow, unlevered, real", free.values / index.values,
                              lambda q: f"{free[q]}/{index[q]}", True)  # fmt: skip
        value = float(free_real.values @ factor.values)
        points["npv"] = (self.sheet.value("NPV after tax, real, unlevered", "USD m",
                                          f"SUMPRODUCT({free_real.all}*{factor.all})", value), value)  # fmt: skip
        nominal["free"], real["free"] = free, free_real
        self._irr("project_irr", "IRR of the project, nominal", free)
        self.sheet.heading("Debt and equity")
        flows = [
            self._row(label, sign * debt_flow[name].values,
                      lambda q, name=name, sign=sign: ("-" if sign < 0 else "") + debt_flow[name][q])  # type: ignore[misc]
            for name, label, sign in (("draw", "Debt drawn", 1.0), ("interest", "Interest", -1.0),
                                      ("repayment", "Repayment", -1.0))
        ]  # fmt: skip
        parts = [free, *flows]
        equity = self._row("Cash flow to equity, nominal", added(parts, self.quarters),
                           lambda q: "+".join(p[q] for p in parts), True)  # fmt: skip
        nominal.update(debt_drawn=flows[0], interest=flows[1], repayment=flows[2], equity=equity)
        self._irr("equity_irr", "IRR of equity, nominal", equity)
        paid, got = -np.clip(equity.values, None, 0).sum(), np.clip(equity.values, 0, None).sum()
        text = f'SUMIF({equity.all},">0")/MAX(-SUMIF({equity.all},"<0"),0.000001)'
        value = float(got / max(paid, 1e-6))
        points["moic"] = (self.sheet.value("MOIC of equity", "multiple", text, value, "ratio"), value)

    def _irr(self, name: str, label: str, row: Series) -> None:
        flow, neighbours = row.all, (row.span(0, self.quarters - 2), row.span(1, self.quarters - 1))
        turns = f"SUMPRODUCT(--({neighbours[0]}*{neighbours[1]}<0))"
        text = f'IF({turns}=1,IFERROR((1+IRR({flow},0.02))^4-1,"none"),"not unique")'
        value = yearly_irr(row.values)
        cell = self.sheet.value(label, "1/yr", text, value, "percent")
        self.rows.points[name] = (cell, float("nan") if isinstance(value, str) else value)
        self.rows.words[name] = str(value)


def yearly_irr(flow: Array) -> float | str:
    """IRR per year of quarterly flows with one change of sign; the word ``not unique`` or ``none`` else."""
    if int(np.sum(flow[:-1] * flow[1:] < 0)) != 1:
        return "not unique"
    t = np.arange(len(flow))

    def worth(rate: float) -> float:
        return float(np.sum(flow * (1 + rate) ** -t))

    low, high = -0.9, 10.0
    if worth(low) * worth(high) > 0:
        return "none"
    return float((1 + brentq(worth, low, high, xtol=1e-14)) ** 4 - 1)
