"""The Balance sheet: book income, assets, liabilities and equity of the base history; sums are formulas.

Leases are the finance room's (typed in); everything else follows the Cash flow and Debt sheets.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kiban.report.workbook_cash import CashFlow, Point
from kiban.report.workbook_checks import Check
from kiban.report.workbook_debt import Debt
from kiban.report.workbook_grid import Book, Series, TimeSheet, plus
from kiban.report.workbook_inputs import Assumptions
from kiban.results import Statements, Study

Array = NDArray[np.float64]
MILLION = 1e6


def lines_of(statement: Statements) -> dict[str, Array]:
    """Lines of a statement in USD m by name without unit."""
    return {n.removesuffix("_nominal_usd"): v / MILLION for n, v in zip(statement.lines, statement.values, strict=True)}


def write_books(book: Book, given: Assumptions, cash: CashFlow, debt: Debt, study: Study) -> list[Check]:
    """Write the sheet; returns its totals beside the engine's."""
    if not study.finance.balance:
        return []
    return list(_Books(book, given, cash, debt, study).write())


class _Books:
    def __init__(self, book: Book, given: Assumptions, cash: CashFlow, debt: Debt, study: Study) -> None:
        self.sheet = TimeSheet(
            book,
            "Balance sheet",
            f"Book income and balance sheet of the base history ({cash.base.history})",
            "USD m nominal, end of quarter. Straight-line depreciation; leases as ASC 842, typed in from the engine "
            "(purple). In the last quarter everything is sold, settled or written off.",
        )
        self.given, self.cash, self.debt = given, cash, debt
        self.income, self.balance = (lines_of(s[0]) for s in (study.finance.income, study.finance.balance))
        self.project = lines_of(study.finance.statements[0])
        self.lender = lines_of(study.finance.lender[0])
        self.quarters, self.last = cash.quarters, cash.quarters - 1
        self.lives = study.finance.book_life_years

    def _typed(self, label: str, values: Array, total: str | None = "SUM") -> Series:
        return self.sheet.series(label, "USD m", values, kind="decision", total=total)

    def _row(self, label: str, values: Array, text, bold: bool = False, total: str | None = "SUM") -> Series:  # type: ignore[no-untyped-def]
        return self.sheet.series(label, "USD m", values, text, bold=bold, total=total)

    def write(self) -> Iterator[Check]:
        """Write leases, income, assets, liabilities, equity and what is open."""
        leases = self._leases()
        assets_before, wear = self._fixed()
        net = self._income(leases, assets_before, wear)
        assets = self._assets(leases, assets_before)
        yield from self._sides(leases, assets, net)

    def _leases(self) -> dict[str, Series]:
        income, project = self.income, self.project
        paid = income["other_rent"] - (project["hall_rent"] + project["accelerator_rent"])
        settled = income["end_of_leases"] - project["exit_obligation"]
        self.sheet.heading("Leases of halls, and of accelerators for more than a year (engine)")
        return {
            "paid": self._typed("Fixed rent paid", paid),
            "cost": self._typed("Lease cost, even over each lease", -income["lease_cost"]),
            "settled": self._typed("Liability less right of use when leases end", settled),
            "asset": self._typed("Right of use", self.balance["right_of_use"], None),
            "owed": self._typed("Lease liability", self.balance["lease_liability"], None),
        }

    def _fixed(self) -> tuple[dict[str, Series], Series]:
        """Book values before the sale in the last quarter."""
        nominal, building = self.cash.rows.nominal, self.debt.flow["building"]
        land = self.given.number["land_share"]
        self.sheet.heading("Halls, silicon, land and deposits, before what is sold in the last quarter")
        hall = self._row(
            "Spending on halls without land, and interest while they are built",
            -nominal["hall_capex"].values * (1 - land) + building.values,
            lambda q: f"-{nominal['hall_capex'][q]}*(1-land_share)+{building[q]}",
        )
        silicon = self._row(
            "Spending on silicon", -nominal["silicon_capex"].values, lambda q: f"-{nominal['silicon_capex'][q]}"
        )
        out, charges = {}, []
        for name, label, spend, years in (
            ("hall", "halls", hall, self.lives[0]), ("silicon", "silicon", silicon, self.lives[1])
        ):  # fmt: skip
            life = max(round(years * 4), 1)
            charge = self._charge(label, spend, life)
            charges.append(charge)
            out[name] = self._stock(f"Book value of {label}", [spend], [charge])
        ground = self._row(
            "Spending on land",
            -nominal["hall_capex"].values * land,
            lambda q: f"-{nominal['hall_capex'][q]}*land_share",
        )
        out["land"] = self._stock("Book value of land", [ground], [])
        out["deposits"] = self._stock("Deposits and prepayments", [], [nominal["deposits"]])
        wear = self._row(
            "Depreciation", charges[0].values + charges[1].values, lambda q: "+".join(c[q] for c in charges)
        )
        return out, wear

    def _charge(self, label: str, spend: Series, life: int) -> Series:
        total = np.concatenate([[0.0], np.cumsum(spend.values)])
        t = np.arange(self.quarters)
        values = (total[t] - total[np.maximum(t - life, 0)]) / life
        return self._row(
            f"Depreciation of {label}, {life} quarters from the quarter after spending",
            values,
            lambda q: f"SUM({spend.span(max(0, q - life), q - 1)})/{life}" if q else "0",
        )

    def _stock(self, label: str, added: list[Series], taken: list[Series]) -> Series:
        values = np.cumsum(sum((a.values for a in added), np.zeros(self.quarters)) - sum(
            (x.values for x in taken), np.zeros(self.quarters)))  # fmt: skip
        here = Series(self.sheet.name, self.sheet.row, values)

        def text(q: int) -> str:
            parts = [here[q - 1]] if q else []
            return "+".join([*parts, *(a[q] for a in added)]) + "".join(f"-{x[q]}" for x in taken) or "0"

        return self._row(label, values, text, total=None)

    def _income(self, leases: dict[str, Series], fixed: dict[str, Series], wear: Series) -> Series:
        nominal, tax, debt, last = self.cash.rows.nominal, self.cash.rows.tax, self.debt.flow, self.last
        number = self.income
        sold = [fixed[n] for n in ("hall", "silicon", "land")]
        at_end = np.arange(self.quarters) == last
        back = nominal["residual_value"]
        fee = self.cash.rows.nominal["debt_fee"]
        self.sheet.heading("Book income")

        def end(text: str):  # type: ignore[no-untyped-def]
            return lambda q: text if q == last else "0"

        interest = debt["interest"].values - debt["building"].values
        claim = -number["interest_expensed"] - interest
        extra = self._typed("Interest on what the guarantor is owed (engine)", claim) if "back" in debt else None
        rent = [nominal["hall_rent"], nominal["accelerator_rent"]]
        rows = [
            self._row("Revenue", nominal["compute_at_market_rent"].values,
                      lambda q: nominal["compute_at_market_rent"][q]),
            self._row("Lease cost", -leases["cost"].values, lambda q: f"-{leases['cost'][q]}"),
            self._row("Other rent", leases["paid"].values + rent[0].values + rent[1].values,
                      lambda q: f"{leases['paid'][q]}+{rent[0][q]}+{rent[1][q]}"),
            self._row("Energy", nominal["energy"].values, lambda q: nominal["energy"][q]),
            self._row("Operation", nominal["operation"].values, lambda q: nominal["operation"][q]),
            self._row("Depreciation", -wear.values, lambda q: f"-{wear[q]}"),
            self._row("Sale over book value", back.values - at_end * sum(s.values[last] for s in sold),
                      lambda q: back[q] + (("-" + "-".join(s[last] for s in sold)) if q == last else "")),
            self._row("End of leases", leases["settled"].values + nominal["exit_obligation"].values,
                      lambda q: f"{leases['settled'][q]}+{nominal['exit_obligation'][q]}"),
            self._row("Deposits written off", -1.0 * at_end * fixed["deposits"].values[last],
                      end(f"-{fixed['deposits'][last]}")),
            self._row("Interest expensed", -interest - (extra.values if extra else 0),
                      lambda q: f"-({debt['interest'][q]}-{debt['building'][q]})" + (f"-{extra[q]}" if extra else "")),
            self._row("Fees of debt", fee.values, lambda q: fee[q]),
            self._row("Income tax after interest", tax["payable"].values + debt["shield"].values,
                      lambda q: f"{tax['payable'][q]}+{debt['shield'][q]}"),
        ]  # fmt: skip
        values = np.sum([r.values for r in rows], axis=0)
        return self._row("Net income", values, lambda q: plus(rows, q), True)

    def _assets(self, leases: dict[str, Series], fixed: dict[str, Series]) -> Series:
        self.sheet.heading("Assets at the end of the quarter")
        keep = np.arange(self.quarters) < self.last

        def held(row: Series):  # type: ignore[no-untyped-def]
            return lambda q: row[q] if q < self.last else "0"

        rows = [
            self._row(label, row.values * keep, held(row), total=None)
            for label, row in (
                ("Land", fixed["land"]), ("Halls and interest while building", fixed["hall"]),
                ("Silicon", fixed["silicon"]), ("Right of use of leased halls and accelerators", leases["asset"]),
                ("Deposits and prepayments held", fixed["deposits"]),
            )
        ]  # fmt: skip
        if "locked" in self.debt.flow:
            rows.append(self._stock("Cash locked up", [self.debt.flow["locked"]], []))
        values = np.sum([r.values for r in rows], axis=0)
        return self._row("Assets", values, lambda q: plus(rows, q), True, None)

    def _sides(self, leases: dict[str, Series], assets: Series, net: Series) -> Iterator[Check]:
        flow = self.debt.flow
        self.sheet.heading("Liabilities and equity at the end of the quarter")
        closing, owed = flow["closing"], leases["owed"]
        rows = [self._row("Debt", closing.values, lambda q: closing[q], total=None)]
        if "back" in flow:
            rows.append(self._typed("Owed to the guarantor (engine)", self.lender["guarantor_claim"], None))
        rows.append(self._row("Lease liability", owed.values, lambda q: owed[q], total=None))
        equity_flow = self.cash.rows.nominal["equity"]
        start = float(self.balance["equity"][0] - self.income["net_income"][0] + equity_flow.values[0])
        start = 0.0 if abs(start) < 1e-9 else start
        opening: Point = (
            self.sheet.value("Equity when the horizon opens: leases that run already", "USD m", f"{start!r}", start),
            start,
        )
        values = start + np.cumsum(net.values - equity_flow.values)
        here = Series(self.sheet.name, self.sheet.row, values)
        equity = self._row(
            "Equity: before, and net income less what owners took out",
            values,
            lambda q: f"{here[q - 1] if q else opening[0]}+{net[q]}-{equity_flow[q]}",
            total=None,
        )
        rows.append(equity)
        both = np.sum([r.values for r in rows], axis=0)
        sides = self._row("Liabilities and equity", both, lambda q: "+".join(r[q] for r in rows), True, None)
        gap = assets.values - both
        gap = np.where(np.abs(gap) < 1e-9 * max(float(np.abs(assets.values).max()), 1.0), 0.0, gap)
        self._row("Open: assets less liabilities and equity", gap, lambda q: f"ROUND({assets[q]}-{sides[q]},6)", True)
        pick = max(self.last // 2, 0)
        for label, name, row in (
            ("Assets", "assets", assets), ("Book equity", "equity", equity)
        ):  # fmt: skip
            quarter = self.cash.base.quarters[pick]
            value = float(self.balance[name][pick])
            yield Check(f"{label} at {quarter} (finance room)", "USD m", value, row[pick], float(row.values[pick]))
        worth = float(self.income["net_income"].sum())
        yield Check("Net income, nominal (finance room)", "USD m", worth, net.total, float(net.values.sum()))
