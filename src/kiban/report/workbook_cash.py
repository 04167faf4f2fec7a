"""The Cash flow sheet: real and nominal lines, tax, present value, returns; all formulas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kiban.finance.returns import mirr
from kiban.report.workbook_base import Base
from kiban.report.workbook_grid import FIRST, Book, Formula, Series, TimeSheet, added, plus
from kiban.report.workbook_inputs import Assumptions
from kiban.report.workbook_operations import OperationRows
from kiban.report.workbook_plan import CapexRows, PlanRows
from kiban.results import Irr

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


class CashFlow:
    """Writes the sheet in two steps, before and after the Debt sheet, which needs the first and feeds the second."""

    def __init__(self, book: Book, given: Assumptions, base: Base, plan: PlanRows) -> None:
        self.sheet = TimeSheet(
            book,
            "Cash flow",
            f"Cash flow of the base history ({base.history})",
            "USD m; money in is positive. Flows at the start of the quarter. All cells are formulas.",
        )
        self.book, self.given, self.base, self.plan = book, given, base, plan
        self.quarters = len(base.quarters)
        self.rows = CashRows()

    def row(
        self,
        label: str,
        values: Array,
        text: Callable[[int], str],
        bold: bool = False,
        number: str = "usd_m",
        unit: str = "USD m",
        total: str | None = "SUM",
    ) -> Series:
        return self.sheet.series(label, unit, values, text, number=number, bold=bold, total=total)

    def write_lines(self, capex: CapexRows, ops: OperationRows, due: Point, left: Point, sales: Series | None) -> None:
        """Write prices, real lines, the present value before tax and nominal lines; tax follows."""
        worth, base, plan = self.given.number, self.base, self.plan
        t = np.arange(self.quarters)
        self.sheet.heading("Indices")
        index = self.row(
            "Inflation index",
            (1 + worth["inflation"]) ** (t / 4),
            lambda q: f"(1+inflation)^({plan.number[q]}/4)",
            number="factor",
            unit="factor",
            total=None,
        )
        factor = self.row(
            "Real discount factor",
            (1 + worth["discount_rate"]) ** (-t / 4),
            lambda q: f"(1+discount_rate)^(-{plan.number[q]}/4)",
            number="factor",
            unit="factor",
            total=None,
        )
        self.rows.real.update(index=index, discount=factor)
        self.sheet.heading("Real lines: work is worth what it earns")
        real = self.rows.real
        real["value_tokens"] = self.row(
            "Value of served tokens",
            base.served_mtok * base.token_price_usd_per_mtok * worth["value_share"] / 1e6,
            lambda q: f"{plan.served[q]}*{plan.token_price[q]}*token_price_factor*value_share/1000000",
        )
        real["value_training"] = self.row(
            "Value of training",
            base.trained_zflop * base.training_value_usd_per_zflop / 1e6,
            lambda q: f"{plan.trained[q]}*{plan.training_value[q]}*training_value_factor/1000000",
        )
        self._ends(ops, capex, due, left, sales)
        lines = [v for k, v in real.items() if k not in ("index", "discount")]
        real["pre_tax"] = self.row("Cash flow before tax", added(lines, self.quarters), lambda q: plus(lines, q), True)
        value = float(real["pre_tax"].values @ factor.values)
        cell = self.sheet.value(
            "NPV before tax, real, of served work", "USD m", f"SUMPRODUCT({real['pre_tax'].all}*{factor.all})", value
        )
        self.rows.points["npv_before_tax"] = (cell, value)
        self._market()
        self._nominal()

    def _ends(self, ops: OperationRows, capex: CapexRows, due: Point, left: Point, sales: Series | None) -> None:
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
            real[name] = self.row(label, -row.values, _signed(row, "-"))
        at_end = (np.arange(self.quarters) == last).astype(float)
        cell, value = due
        real["exit_obligation"] = self.row("Rent still due at the end", -at_end * value, _only_at(last, f"-{cell}"))
        cell, value = left
        sold = np.zeros(self.quarters) if sales is None else sales.values

        def silicon(q: int) -> str:
            parts = [*([sales[q]] if sales is not None else []), *([cell] if q == last else [])]
            return "+".join(parts) or "0"

        real["residual_value"] = self.row("Silicon sold and residual value", at_end * value + sold, silicon)

    def _market(self) -> None:
        """What the same work would cost on the rental market: the revenue of the lender's view."""
        base, plan, given = self.base, self.plan, self.given
        self.sheet.heading("The lender's view: work earns the market rent of the day (transfer price)")
        values = np.zeros(self.quarters)
        parts: list[tuple[str, list[Series]]] = []
        for use in base.pools:
            values += (use.training + use.inference) * base.speed[use.accelerator]
            parts.append(
                (given.cell[f"speed.{use.accelerator}"], [plan.training[use.index], plan.inference[use.index]])
            )
        for rent in base.rents:
            values += rent.used * base.speed[rent.accelerator]
            parts.append((given.cell[f"speed.{rent.accelerator}"], [plan.used[rent.index]]))

        def text(q: int) -> str:
            return "+".join(f"({'+'.join(row[q] for row in rows)})*{speed}" for speed, rows in parts) or "0"

        work = self.row(
            "Accelerators at work, in units of the first type",
            values,
            text,
            number="count",
            unit="accelerators",
            total=None,
        )
        price = base.work_price_usd_per_h * base.rent_factor * given.number["hours_per_quarter"] / 1e6
        self.rows.real["compute_at_market_rent"] = self.row(
            "Compute at market rent",
            values * price,
            lambda q: f"{work[q]}*{plan.work_price[q]}*{plan.rent_factor[q]}*hours_per_quarter*market_rent_factor/10^6",
        )

    def _nominal(self) -> None:
        self.sheet.heading("Nominal lines: real x inflation index")
        real, nominal = self.rows.real, self.rows.nominal
        index = real["index"]
        for name, row in real.items():
            if name in ("index", "discount", "pre_tax", "value_tokens", "value_training"):
                continue
            label = name.replace("_", " ").capitalize()
            nominal[name] = self.row(label, row.values * index.values, _product(row, index))
        working = [
            nominal[n]
            for n in (
                "compute_at_market_rent",
                "hall_rent",
                "accelerator_rent",
                "energy",
                "operation",
                "exit_obligation",
            )
        ]
        nominal["operating"] = self.row(
            "Operating cash flow before deposits",
            added(working, self.quarters),
            lambda q: "+".join(r[q] for r in working),
            True,
        )
        built = [nominal["hall_capex"], nominal["silicon_capex"]]
        nominal["capex"] = self.row("Capex", added(built, self.quarters), lambda q: "+".join(r[q] for r in built), True)

    def write_returns(self, debt_flow: dict[str, Series], fee: Point, project: Irr, equity_irr: Irr) -> None:
        """Write free cash flow, present value, returns, and what is left to equity after debt."""
        nominal, real, tax, points = self.rows.nominal, self.rows.real, self.rows.tax, self.rows.points
        self.sheet.heading("Free cash flow after tax")
        parts = [nominal["operating"], nominal["deposits"], nominal["residual_value"], nominal["capex"], tax["payable"]]
        free = self.row(
            "Free cash flow, unlevered, nominal",
            added(parts, self.quarters),
            lambda q: "+".join(p[q] for p in parts),
            True,
        )
        index, factor = real["index"], real["discount"]
        free_real = self.row(
            "Free cash flow, unlevered, real", free.values / index.values, lambda q: f"{free[q]}/{index[q]}", True
        )
        value = float(free_real.values @ factor.values)
        points["npv"] = (
            self.sheet.value(
                "NPV after tax, real, unlevered, at market rent",
                "USD m",
                f"SUMPRODUCT({free_real.all}*{factor.all})",
                value,
            ),
            value,
        )
        nominal["free"], real["free"] = free, free_real
        self._irr("project_irr", "IRR of the project, nominal", free, project)
        self.sheet.heading("Debt and equity")
        first = np.arange(self.quarters) == 0
        drawn, service, fees = debt_flow["draw"], debt_flow["service"], debt_flow.get("fees")
        flows = [
            self.row("Debt drawn", drawn.values, lambda q: drawn[q]),
            self.row("Fee of the loan", -fees.values, lambda q: f"-{fees[q]}")
            if fees
            else self.row("Fee of the loan", -fee[1] * first, lambda q: "0" if q else f"-{fee[0]}"),
            self.row("Debt service", -service.values, lambda q: f"-{service[q]}"),
            *(
                self.row(label, -debt_flow[name].values, _signed(debt_flow[name], "-"))
                for name, label in (("back", "Guarantor paid back"), ("locked", "Locked up"))
                if name in debt_flow
            ),
            self.row("Tax saved by interest", debt_flow["shield"].values, _signed(debt_flow["shield"], "")),
        ]
        parts = [free, *flows]
        equity = self.row(
            "Cash flow to equity, nominal", added(parts, self.quarters), lambda q: "+".join(p[q] for p in parts), True
        )
        nominal.update(debt_drawn=flows[0], debt_fee=flows[1], debt_service=flows[2], shield=flows[-1], equity=equity)
        self._mirr("project_mirr", "MIRR of the project, nominal", free)
        self._mirr("equity_mirr", "MIRR of equity, nominal", equity)
        self._irr("equity_irr", "IRR of equity, nominal", equity, equity_irr)
        paid, got = -np.clip(equity.values, None, 0).sum(), np.clip(equity.values, 0, None).sum()
        text = f'IF(SUMIF({equity.all},"<0")<0,SUMIF({equity.all},">0")/-SUMIF({equity.all},"<0"),0)'
        value = float(got / paid) if paid > 0 else 0.0
        points["moic"] = (self.sheet.value("MOIC of equity", "multiple", text, value, "ratio"), value)

    def _mirr(self, name: str, label: str, row: Series) -> None:
        """Money in at the debt rate, money out reinvested at the discount rate with inflation."""
        worth = self.given.number
        rates = (worth["debt_rate"], (1 + worth["discount_rate"]) * (1 + worth["inflation"]) - 1)
        value = float(mirr(row.values[None, :], *rates)[0])
        quarter = "(1+debt_rate)^0.25-1,((1+discount_rate)*(1+inflation))^0.25-1"
        text = f'IFERROR((1+MIRR({row.all},{quarter}))^4-1,"none")'
        cell = self.sheet.value(label, "1/yr", text, value if np.isfinite(value) else "none", "percent")
        self.rows.points[name] = (cell, value)

    def _irr(self, name: str, label: str, row: Series, engine: Irr) -> None:
        """Write a return: the spreadsheet's own search, started at the engine's first root, and the engine's status."""
        root = engine.roots_frac_per_year[0] if engine.roots_frac_per_year else None
        guess = (1 + root) ** 0.25 - 1 if root is not None else 0.02
        text = f'IFERROR((1+IRR({row.all},{guess:.12f}))^4-1,"none")'
        cell = self.sheet.value(label, "1/yr", text, "none" if root is None else root, "percent")
        at = self.sheet.row - 1
        status = {"unique": "one root", "several": "several roots: read NPV and MOIC", "none": "no root"}[engine.status]
        self.sheet.sheet.write_string(at, FIRST, status, self.book.unit)
        self.rows.points[name] = (cell, float("nan") if root is None else root)


def _signed(row: Series, sign: str) -> Formula:
    return lambda q: f"{sign}{row[q]}"


def _product(row: Series, other: Series) -> Formula:
    return lambda q: f"{row[q]}*{other[q]}"


def _only_at(quarter: int, text: str) -> Formula:
    return lambda q: text if q == quarter else "0"
