"""The Debt sheet: draw with the spending of the window, sculpted service, coverage, sources and uses; all formulas.

The formulas repeat the loan of the finance room (`docs/finance.md`) on the base history.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.report.workbook_cash import CashFlow, Point
from kiban.report.workbook_grid import Book, Series, TimeSheet
from kiban.report.workbook_inputs import Assumptions
from kiban.report.workbook_schedule import write_shape

Array = NDArray[np.float64]


NOTES = {
    "sculpted": "service is a constant share of cash",
    "level": "service is a level annuity from the first quarter with cash",
    "straight": "principal is repaid evenly from the first quarter with cash",
}


class Debt:
    """One loan; after ``write``, ``flow`` holds its rows and ``points`` its headline cells."""

    def __init__(self, book: Book, given: Assumptions, cash: CashFlow, kind: str = "sculpted") -> None:
        self.sheet = TimeSheet(
            book,
            "Debt",
            "Debt of the base history",
            f"USD m nominal. Interest is capitalised in the window; then {NOTES[kind]}.",
        )
        self.given, self.cash, self.kind = given, cash, kind
        self.quarters = cash.quarters
        self.window = int(min(given.number["draw_quarters"], self.quarters))
        self.rate = (1 + given.number["debt_rate"]) ** 0.25 - 1
        self.rate_cell = ""
        self.flow: dict[str, Series] = {}
        self.points: dict[str, Point] = {}

    def point(self, name: str, label: str, text: str, value: float, number: str = "usd_m", unit: str = "USD m") -> str:
        """Write one headline number and remember its cell; returns the address."""
        cell = self.sheet.value(label, unit, text, value, number)
        self.points[name] = (cell, value)
        return cell

    def write(self) -> None:
        """Write sizing, balance, coverage, sources and uses."""
        self.sheet.heading("Cash and spending")
        self.rate_cell = self.point(
            "rate", "Debt rate by quarter", "(1+debt_rate)^0.25-1", self.rate, "percent_fine", "1/quarter"
        )
        cash, able = self._able()
        spend, grow = self._spend()
        shape, worth = (able, self.points["worth"]) if self.kind == "sculpted" else write_shape(self, cash, able)
        principal, share = self._size(spend, grow)
        self._balance(shape, worth, spend, principal, share)
        self._coverage(cash)
        self._uses(spend)

    def _able(self) -> tuple[Series, Series]:
        nominal, tax, number, put = self.cash.rows.nominal, self.cash.rows.tax, self.cash.plan.number, self.sheet.series
        free = nominal["operating"].values + tax["payable"].values
        cash = put(
            "Cash for debt service: operations after tax",
            "USD m",
            free,
            lambda q: f"{nominal['operating'][q]}+{tax['payable'][q]}",
        )
        t = np.arange(self.quarters)
        last = self.window + self.given.number["tenor_quarters"]
        able = put(
            "Cash for service within the tenor",
            "USD m",
            np.where((t >= self.window) & (t < last), np.clip(free, 0, None), 0),
            lambda q: (
                f"IF(AND({number[q]}>=draw_quarters,{number[q]}<draw_quarters+tenor_quarters),MAX({cash[q]},0),0)"
            ),
        )
        factor = put(
            "Discount factor at the debt rate",
            "factor",
            (1 + self.rate) ** -(t - (self.window - 1.0)),
            lambda q: f"(1+{self.rate_cell})^-({number[q]}-(draw_quarters-1))",
            number="factor",
            total=None,
        )
        self.point(
            "worth",
            "Present value of that cash",
            f"SUMPRODUCT({able.all}*{factor.all})",
            float(able.values @ factor.values),
        )
        return cash, able

    def _spend(self) -> tuple[Series, Series]:
        nominal, number, put = self.cash.rows.nominal, self.cash.plan.number, self.sheet.series
        capex, deposits = nominal["capex"], nominal["deposits"]
        t = np.arange(self.quarters)
        values = np.where(t < self.window, np.clip(-capex.values - deposits.values, 0, None), 0.0)
        spend = put(
            "Spending in the window",
            "USD m",
            values,
            lambda q: f"IF({number[q]}<draw_quarters,MAX(-{capex[q]}-{deposits[q]},0),0)",
        )
        grow = put(
            "Growth of a drawn dollar to the end of the window",
            "factor",
            (1 + self.rate) ** np.clip(self.window - 1 - t, 0, None),
            lambda q: f"(1+{self.rate_cell})^MAX(draw_quarters-1-{number[q]},0)",
            number="factor",
            total=None,
        )
        return spend, grow

    def _size(self, spend: Series, grow: Series) -> tuple[Point, Point]:
        worth = self.given.number
        gearing, fee = worth["gearing_max"], worth["debt_fee"]
        total, grown = float(spend.values.sum()), float(spend.values @ grow.values)
        self.sheet.heading("Size")
        grown_cell = self.point(
            "grown", "Spending with interest to the end of the window", f"SUMPRODUCT({spend.all}*{grow.all})", grown
        )
        room = grown - gearing * (grown - total) - gearing * fee * total
        room_text = f"({grown_cell}-gearing_max*({grown_cell}-{spend.total})-gearing_max*debt_fee*{spend.total})"
        most = gearing * total / room if room > 0 else 0.0
        by_gearing = self.point(
            "by_gearing",
            "Share drawn by gearing",
            f"IF({room_text}>0,gearing_max*{spend.total}/{room_text},0)",
            most,
            "percent",
            "1",
        )
        if self.kind == "sculpted":
            carry = self.points["worth"][1] / worth["target_dscr"]
            by_cover = self.point("capacity", "Debt by coverage", f"{self.points['worth'][0]}/target_dscr", carry)
        else:
            by_cover, carry = self.points["lowest"]
        share = min(most, carry / grown if grown > 0 else 0.0, 1.0)
        text = f"MIN({by_gearing},IF({grown_cell}>0,{by_cover}/{grown_cell},0),1)"
        share_cell = self.point("share", "Share of spending drawn", text, share, "percent", "1")
        debt = self.point("debt", "Debt when repayment starts", f"{share_cell}*{grown_cell}", share * grown)
        return (debt, share * grown), (share_cell, share)

    def _balance(self, shape: Series, present: Point, spend: Series, debt: Point, share: Point) -> None:
        draw = share[1] * spend.values
        service = shape.values * (debt[1] / present[1] if present[1] > 0 else 0.0)
        opening, interest, closing = (np.zeros(self.quarters) for _ in range(3))
        owed = 0.0
        for q in range(self.quarters):
            opening[q], interest[q] = owed, owed * self.rate
            owed = closing[q] = owed + interest[q] + draw[q] - service[q]
        self.sheet.heading("Balance")
        put, flow = self.sheet.series, self.flow
        last = Series(self.sheet.name, self.sheet.row + 4, closing)
        start = put("Opening balance", "USD m", opening, lambda q: last[q - 1] if q else "0", total=None)
        flow["draw"] = put("Drawn", "USD m", draw, lambda q: f"{share[0]}*{spend[q]}")
        flow["interest"] = put("Interest", "USD m", interest, lambda q: f"{start[q]}*{self.rate_cell}")
        flow["service"] = put(
            f"Debt service, {self.kind}",
            "USD m",
            service,
            lambda q: f"IF({present[0]}>0,{shape[q]}*{debt[0]}/{present[0]},0)",
        )
        flow["closing"] = put(
            "Closing balance",
            "USD m",
            closing,
            lambda q: f"{start[q]}+{flow['interest'][q]}+{flow['draw'][q]}-{flow['service'][q]}",
            total=None,
            bold=True,
        )
        flow["repayment"] = put(
            "Repayment: service less interest, after the window",
            "USD m",
            np.where(np.arange(self.quarters) >= self.window, service - interest, 0.0),
            lambda q: f"IF({self.cash.plan.number[q]}>=draw_quarters,{flow['service'][q]}-{flow['interest'][q]},0)",
        )
        fee = self.given.number["debt_fee"] * float(draw.sum())
        self.point("fee", "Fee of the loan, paid at the start", f"debt_fee*{flow['draw'].total}", fee)

    def _dscr(self, cash: Series, service: Series) -> None:
        due = service.values > 0
        values = np.full(self.quarters, np.nan)
        for q in np.flatnonzero(due).tolist():
            span = [s for s in range(max(0, q - 3), q + 1) if due[s]]
            values[q] = cash.values[span].sum() / service.values[span].sum()

        def text(q: int) -> str:
            first = max(0, q - 3)
            paid = service.span(first, q)
            return f'IF({service[q]}>0,SUMIF({paid},">0",{cash.span(first, q)})/SUM({paid}),"")'

        dscr = self.sheet.series(
            "DSCR of the last four quarters", "multiple", values, text, number="ratio", total="MIN"
        )
        self.flow["dscr"] = dscr
        lowest = float(np.nanmin(values)) if due.any() else 0.0
        self.point("min_dscr", "Lowest DSCR (0: no debt)", dscr.total, lowest, "ratio", "multiple")
        breach = int(np.nansum(values < self.given.number["covenant_dscr"]))
        self.point(
            "breaches",
            "Quarters under the covenant",
            f'COUNTIF({dscr.all},"<"&covenant_dscr)',
            breach,
            "whole",
            "quarters",
        )

    def _coverage(self, cash: Series) -> None:
        self.sheet.heading("Coverage")
        self._dscr(cash, self.flow["service"])
        present, debt = self.points["worth"], self.points["debt"]
        self.point(
            "llcr",
            "LLCR when repayment starts",
            f"IF({debt[0]}>0,{present[0]}/{debt[0]},0)",
            present[1] / debt[1] if debt[1] > 0 else 0.0,
            "ratio",
            "multiple",
        )

    def _uses(self, spend: Series) -> None:
        self.sheet.heading("Uses and sources of the window")
        nominal, drawing = self.cash.rows.nominal, np.arange(self.quarters) < self.window
        number = self.cash.plan.number
        names = []
        for name, label in (
            ("hall_capex", "Use: construction"),
            ("silicon_capex", "Use: accelerators and network"),
            ("deposits", "Use: deposits and prepayments"),
        ):
            row = nominal[name]
            text = f"-SUMPRODUCT({row.all}*({spend.all}>0))"
            names.append(self.point(f"use_{name}", label, text, -float(row.values @ (spend.values > 0))))
        interest, fee = self.flow["interest"], self.points["fee"]
        carry = f"SUMPRODUCT({interest.all}*({number.all}<draw_quarters))"
        built = float(interest.values @ drawing)
        names.append(self.point("use_interest", "Use: interest in the window", carry, built))
        names.append(self.point("use_fee", "Use: fee", fee[0], fee[1]))
        total = sum(self.points[k][1] for k in self.points if k.startswith("use_"))
        self.point("uses", "Uses", "+".join(names), total)
        drawn = self.flow["draw"]
        one = self.point("source_debt", "Source: debt drawn", drawn.total, float(drawn.values.sum()))
        two = self.point(
            "source_interest",
            "Source: debt for capitalised interest",
            f"{self.points['debt'][0]}-{one}",
            self.points["debt"][1] - float(drawn.values.sum()),
        )
        equity = float(spend.values.sum() - drawn.values.sum()) + fee[1]
        three = self.point("source_equity", "Source: equity", f"{spend.total}-{drawn.total}+{fee[0]}", equity)
        total = sum(self.points[k][1] for k in ("source_debt", "source_interest", "source_equity"))
        self.point("sources", "Sources", f"{one}+{two}+{three}", total)
