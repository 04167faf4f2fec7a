"""Tax after interest on the Debt sheet, and debt that is typed in because its terms go beyond the live formulas."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.report.workbook_cash import CashFlow
from kiban.report.workbook_debt import Debt
from kiban.report.workbook_grid import Series
from kiban.results import Finance
from kiban.scenario import Scenario

Array = NDArray[np.float64]
MILLION = 1e6


def is_plain(scenario: Scenario) -> bool:
    """Say whether the live formulas of the Debt sheet hold all that is agreed with lenders."""
    part = scenario.finance
    extra = (part.cash_sweep_frac, part.guarantee_frac, part.refinance_year, part.chip_gearing_max_frac)
    return not part.lock_up and not any(extra)


def write_levered_tax(debt: Debt, cash: CashFlow) -> None:
    """Tax after interest: the cap of 163(j), what waits, losses; ``debt.flow['shield']`` is the tax it saves."""
    put, number, worth = debt.sheet.series, cash.plan.number, cash.given.number
    nominal, tax, flow = cash.rows.nominal, cash.rows.tax, debt.flow
    quarters, interest, built = cash.quarters, flow["interest"], flow.get("building")
    debt.sheet.heading("Tax after interest: the owners' return; coverage above stays on tax before interest")
    drawing = np.arange(quarters) < worth["draw_quarters"]
    if built is None:
        built = flow["building"] = put(
            "Interest that is capitalised",
            "USD m",
            interest.values * drawing,
            lambda q: f"IF({number[q]}<draw_quarters,{interest[q]},0)",
        )
    cost = interest.values - built.values
    deduct = put("Interest to deduct", "USD m", cost, lambda q: f"{interest[q]}-{built[q]}")
    earned = nominal["operating"].values + tax["gain"].values
    most = put(
        "Most that is deductible",
        "USD m",
        worth["interest_cap"] * np.clip(earned, 0, None),
        lambda q: f"interest_cap*MAX({nominal['operating'][q]}+{tax['gain'][q]},0)",
    )
    allowed, waiting = np.zeros(quarters), np.zeros(quarters)
    before = 0.0
    for q in range(quarters):
        allowed[q] = min(cost[q] + before, most.values[q])
        before = waiting[q] = before + cost[q] - allowed[q]
    later = Series(debt.sheet.name, debt.sheet.row + 1, waiting)
    taken = put(
        "Interest deducted",
        "USD m",
        allowed,
        lambda q: f"MIN({deduct[q]}" + (f"+{later[q - 1]}" if q else "") + f",{most[q]})",
    )
    put(
        "Interest that waits",
        "USD m",
        waiting,
        lambda q: (f"{later[q - 1]}+" if q else "") + f"{deduct[q]}-{taken[q]}",
        total=None,
    )
    income = put(
        "Income after interest, before losses",
        "USD m",
        tax["income"].values - allowed,
        lambda q: f"{tax['income'][q]}-{taken[q]}",
    )
    used = _losses(debt, income, worth["loss_cap"])
    due = tax["margin"].values - worth["tax_rate"] * (np.clip(income.values, 0, None) - used.values)
    levy = put(
        "Tax after interest",
        "USD m",
        due,
        lambda q: f"{tax['margin'][q]}-tax_rate*(MAX({income[q]},0)-{used[q]})",
    )
    flow["shield"] = put(
        "Tax saved by interest",
        "USD m",
        due - tax["payable"].values,
        lambda q: f"{levy[q]}-{tax['payable'][q]}",
        bold=True,
    )


def _losses(debt: Debt, income: Series, cap: float) -> Series:
    quarters, put = len(income.values), debt.sheet.series
    used, left = np.zeros(quarters), np.zeros(quarters)
    before = 0.0
    for q, earned in enumerate(income.values.tolist()):
        used[q] = min(before, cap * max(earned, 0.0))
        before = left[q] = before - used[q] + max(-earned, 0.0)
    after = Series(debt.sheet.name, debt.sheet.row + 1, left)
    spent = put(
        "Losses used after interest",
        "USD m",
        used,
        lambda q: f"MIN({after[q - 1]},loss_cap*MAX({income[q]},0))" if q else "0",
    )
    put(
        "Losses carried forward after interest",
        "USD m",
        left,
        lambda q: (f"{after[q - 1]}-" if q else "-") + f"{spent[q]}+MAX(-{income[q]},0)",
        total=None,
    )
    return spent


class EngineDebt(Debt):
    """Debt whose draws, interest and payments are the engine's; balance, coverage and sums are formulas."""

    finance: Finance

    def write(self) -> None:
        """Write typed rows, then what follows from them."""
        base = self.finance.base_leaf
        lender, project = self.finance.lender[0], self.finance.statements[0]
        rows = {n.removesuffix("_nominal_usd"): v / MILLION for n, v in zip(lender.lines, lender.values, strict=True)}
        cash_rows = {
            n.removesuffix("_nominal_usd"): v / MILLION for n, v in zip(project.lines, project.values, strict=True)
        }
        put, flow, metrics = self.sheet.series, self.flow, self.finance.metrics[0]
        self.sheet.heading("Typed in from the engine: these terms are not rebuilt by formulas")

        def typed(name: str, label: str, values: Array) -> Series:
            flow[name] = put(label, "USD m", values, kind="decision")
            return flow[name]

        draw = typed("draw", "Drawn", -rows["drawn"])
        interest = typed("interest", "Interest accrued", rows["interest_accrued"])
        uses, sources = dict(self.finance.uses), dict(self.finance.sources)
        typed("building", "of which capitalised while halls are built", rows["of_which_capitalised"])
        due = typed("due", "Service due", rows["service_due"])
        service = typed("service", "Paid by the plan: service, arrears, prepayment", rows["paid_by_the_plan"])
        called = typed("called", "Paid by the guarantor", rows["paid_by_the_guarantor"])
        typed("back", "Paid back to the guarantor", -cash_rows["guarantor_paid_back"])
        typed("locked", "Locked up (less released)", -cash_rows["locked_up"])
        typed("fees", "Fees", rows["fees"])
        self.sheet.heading("Balance and coverage")
        closing = Series(self.sheet.name, self.sheet.row, rows["balance"])

        def balance(q: int) -> str:
            before = f"{closing[q - 1]}+" if q else ""
            return f"{before}{draw[q]}+{interest[q]}-{service[q]}-{called[q]}"

        flow["closing"] = put("Closing balance", "USD m", rows["balance"], balance, total=None, bold=True)
        nominal, tax = self.cash.rows.nominal, self.cash.rows.tax
        cash = put(
            "Cash for debt service: operations after tax",
            "USD m",
            nominal["operating"].values + tax["payable"].values,
            lambda q: f"{nominal['operating'][q]}+{tax['payable'][q]}",
        )
        self._dscr(cash, due)
        self.point("debt", "Debt", f"{metrics.debt_usd / MILLION!r}", metrics.debt_usd / MILLION)
        llcr = float(metrics.leaf_llcr[base])
        llcr = llcr if np.isfinite(llcr) else 0.0
        self.point("llcr", "LLCR when repayment starts, of the engine", f"{llcr!r}", llcr, "ratio", "multiple")
        self.point("fee", "Fees", flow["fees"].total, float(rows["fees"].sum()))
        self.sheet.heading("Uses and sources of the quarters in which debt is drawn, of the engine")
        for name, side, label in (("uses", uses, "Use"), ("sources", sources, "Source")):
            cells = [
                self.point(f"{name}.{k}", f"{label}: {k}", f"{v / MILLION!r}", v / MILLION) for k, v in side.items()
            ]
            self.point(name, name.capitalize(), "+".join(cells), sum(side.values()) / MILLION)
        self.points["use_interest"] = self.points["uses.interest during building"]
