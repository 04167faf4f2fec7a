"""The Debt sheet: draw with the capex of the first quarters, sculpted repayment, coverage; all formulas."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.report.workbook_inputs import Assumptions
from kiban.report.workbook_cash import CashFlow, Point
from kiban.report.workbook_grid import Book, Series, TimeSheet

Array = NDArray[np.float64]


class Debt:
    """Sculpted debt on the cash flow available for debt service of the base history.

    Debt is drawn evenly with capex over the draw period. Its size is the smaller of gearing x capex and the present
    value, at the debt rate, of coverage-adjusted cash flow in the repayment period; interest is paid as it falls due.
    """

    def __init__(self, book: Book, given: Assumptions, cash: CashFlow) -> None:
        self.sheet = TimeSheet(
            book, "Debt", "Debt of the base history",
            "USD m nominal. Debt service is a constant share of available cash flow (sculpted). All cells are formulas.",
        )  # fmt: skip
        self.given, self.cash = given, cash
        self.quarters = cash.quarters
        self.flow: dict[str, Series] = {}
        self.points: dict[str, Point] = {}

    def _point(self, name: str, label: str, text: str, value: float, number: str = "usd_m", unit: str = "USD m") -> str:
        cell = self.sheet.value(label, unit, text, value, number)
        self.points[name] = (cell, value)
        return cell

    def write(self) -> None:
        """Write sizing, balance and coverage."""
        worth, number = self.given.number, self.cash.plan.number
        nominal, tax = self.cash.rows.nominal, self.cash.rows.tax
        t = np.arange(self.quarters)
        rate = (1 + worth["debt_rate"]) ** 0.25 - 1
        close, end = worth["draw_quarters"], worth["draw_quarters"] + 4 * worth["tenor_years"]
        drawing, repaying = t < close, (t >= close) & (t < end)
        self.sheet.heading("Size")
        rate_cell = self._point("rate", "Debt rate by quarter", "(1+debt_rate)^0.25-1", rate, "percent_fine", "1/qtr")
        free = np.clip(nominal["operating"].values + tax["payable"].values, 0, None)
        cfads = self.sheet.series(
            "Cash flow available for debt service", "USD m", free * repaying,
            lambda q: f"IF(AND({number[q]}>=draw_quarters,{number[q]}<draw_quarters+4*tenor_years),"
            f"MAX({nominal['operating'][q]}+{tax['payable'][q]},0),0)",
        )  # fmt: skip
        factor = self.sheet.series(
            "Discount factor at the debt rate, to the close", "factor", (1 + rate) ** -(t - close + 1),
            lambda q: f"(1+{rate_cell})^-({number[q]}-draw_quarters+1)", number="factor", total=None,
        )  # fmt: skip
        spend = self.sheet.series("Capex in the draw period", "USD m", -nominal["capex"].values * drawing,
                                  lambda q: f"IF({number[q]}<draw_quarters,-{nominal['capex'][q]},0)")  # fmt: skip
        worth_of = float(cfads.values @ factor.values)
        present = self._point("pv_cfads", "Present value of available cash flow",
                              f"SUMPRODUCT({cfads.all}*{factor.all})", worth_of)  # fmt: skip
        most = worth["gearing_max"] * float(spend.values.sum())
        by_gearing = self._point("by_gearing", "Debt by gearing", f"gearing_max*{spend.total}", most)
        carry = worth_of / worth["target_dscr"]
        by_cover = self._point("by_cover", "Debt by coverage", f"{present}/target_dscr", carry)
        size = min(most, carry)
        debt = self._point("debt", "Debt", f"MIN({by_gearing},{by_cover})", size)
        self._balance(cfads, spend, (debt, size), (present, worth_of), (rate_cell, rate))
        self._coverage(cfads, (debt, size), (present, worth_of))
        self._sources(spend, (debt, size))

    def _balance(self, cfads: Series, spend: Series, debt: Point, present: Point, rate: Point) -> None:
        share = debt[1] / max(float(spend.values.sum()), 1e-6)
        part = debt[1] / max(present[1], 1e-6)
        draw, service = spend.values * share, cfads.values * part
        opening, interest, repayment, closing = (np.zeros(self.quarters) for _ in range(4))
        before = 0.0
        for q in range(self.quarters):
            opening[q] = before
            interest[q] = before * rate[1]
            repayment[q] = service[q] - interest[q] if cfads.values[q] > 0 else 0.0
            before = closing[q] = before + draw[q] - repayment[q]
        self.sheet.heading("Balance")
        row = self.sheet.row
        last = Series(self.sheet.name, row + 5, closing)
        put = self.sheet.series
        start = put("Opening balance", "USD m", opening, lambda q: last[q - 1] if q else "0", total=None)
        self.flow["draw"] = put("Drawn", "USD m", draw, lambda q: f"{spend[q]}*{debt[0]}/MAX({spend.total},0.000001)")
        self.flow["interest"] = put("Interest", "USD m", interest, lambda q: f"{start[q]}*{rate[0]}")
        self.flow["service"] = put(
            "Debt service (sculpted)", "USD m", service, lambda q: f"{cfads[q]}*{debt[0]}/MAX({present[0]},0.000001)"
        )
        flow = self.flow
        self.flow["repayment"] = put("Repayment", "USD m", repayment,
                                     lambda q: f"IF({cfads[q]}>0,{flow['service'][q]}-{flow['interest'][q]},0)")  # fmt: skip
        self.flow["closing"] = put("Closing balance", "USD m", closing,
                                   lambda q: f"{start[q]}+{flow['draw'][q]}-{flow['repayment'][q]}", total=None, bold=True)  # fmt: skip

    def _coverage(self, cfads: Series, debt: Point, present: Point) -> None:
        self.sheet.heading("Coverage")
        service = self.flow["service"]
        has = service.values > 1e-9
        values = np.where(has, cfads.values / np.where(has, service.values, 1), np.nan)
        dscr = self.sheet.series("DSCR", "multiple", values,
                                 lambda q: f'IF({service[q]}>0.000000001,{cfads[q]}/{service[q]},"")',
                                 number="ratio", total="MIN")  # fmt: skip
        self.flow["dscr"] = dscr
        lowest = float(np.nanmin(values)) if has.any() else 0.0
        self._point("min_dscr", "Lowest DSCR", dscr.total, lowest, "ratio", "multiple")
        breach = int(np.nansum(values < self.given.number["covenant_dscr"]))
        self._point("breaches", "Quarters under the covenant", f'COUNTIF({dscr.all},"<"&covenant_dscr)', breach, "whole",
                    "quarters")  # fmt: skip
        self._point("llcr", "LLCR at the close", f"IF({debt[0]}>0,{present[0]}/{debt[0]},0)",
                    present[1] / debt[1] if debt[1] > 0 else 0.0, "ratio", "multiple")  # fmt: skip

    def _sources(self, spend: Series, debt: Point) -> None:
        self.sheet.heading("Sources and uses of the draw period")
        drawing = np.arange(self.quarters) < self.given.number["draw_quarters"]
        number, interest = self.cash.plan.number, self.flow["interest"]
        paid = float(interest.values[drawing].sum())
        built = self._point("use_capex", "Use: capex", spend.total, float(spend.values.sum()))
        carry = self._point("use_interest", "Use: interest while drawing",
                            f"SUMPRODUCT({interest.all}*({number.all}<draw_quarters))", paid)  # fmt: skip
        uses = self._point("uses", "Uses", f"{built}+{carry}", float(spend.values.sum()) + paid)
        source = self._point(
            "source_debt", "Source: debt", self.flow["draw"].total, float(self.flow["draw"].values.sum())
        )
        rest = self.points["uses"][1] - self.points["source_debt"][1]
        equity = self._point("source_equity", "Source: equity", f"{uses}-{source}", rest)
        self._point("sources", "Sources", f"{source}+{equity}", self.points["uses"][1])
