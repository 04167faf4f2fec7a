"""The tables of the lender's page: what is agreed, coverage, downside, losses, statements and books by year."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiban.figures.figure import words
from kiban.figures.risk import plan_words
from kiban.report.table import View, view
from kiban.results import Statements, Study
from kiban.scenario import Scenario
from kiban.units.numbers import percent, significant, usd

Array = NDArray[np.float64]
KINDS = {
    "sculpted": "service follows cash at a constant coverage",
    "level": "a level annuity",
    "straight": "equal principal and interest on the rest",
}
BALANCES = ("balance", "guarantor_claim", "cumulative")
"""Lines that are levels: a year shows its last quarter."""


def lender_views(scenario: Scenario, study: Study) -> list[View]:
    """Every table of the page."""
    return [
        terms_view(scenario, study),
        coverage_view(study),
        downside_view(study),
        loss_view(study),
        metrics_view(study),
        *statement_views(study),
    ]


def terms_view(scenario: Scenario, study: Study) -> View:
    """What is agreed with lenders, in words."""
    part = scenario.finance
    rows = [
        ["Loan", f"{KINDS[part.debt_kind]}; {part.tenor_years:g} years after the draw; rate of {words(part.credit)}"],
        ["Size", f"at most {percent(part.gearing_max_frac, 2)} of uses; coverage of {part.target_dscr:.2f} or more"],
        ["Covenant", f"DSCR of {part.covenant_dscr:.2f}"
         + (", owners get nothing below it" if part.lock_up else "; owners are paid below it too")],
        ["Sweep", f"{percent(part.cash_sweep_frac, 2)} of cash after service prepays debt"
         if part.cash_sweep_frac else "none"],
        ["Guarantee", f"up to {percent(part.guarantee_frac, 2)} of drawn debt; the guarantor is paid back before owners"
         if part.guarantee_frac else "none"],
        ["Silicon", f"own tranche: at most {percent(part.chip_gearing_max_frac, 2)} of its cost, repaid within "
         f"{part.chip_tenor_years:g} years of delivery, rate of {words(part.chip_credit)}"
         if part.chip_gearing_max_frac else "in the same loan"],
        ["Refinancing", f"after {part.refinance_year:g} years at {percent(part.refinance_rate_frac_per_year, 2)}, "
         f"{part.refinance_tenor_years:g} years, fee {percent(part.refinance_fee_frac, 2)}, if the covenant is met then"
         if part.refinance_year else "none"],
    ]  # fmt: skip
    if not study.finance.metrics or study.finance.metrics[0].debt_usd <= 0:
        rows = []
    note = "Coverage counts tax before interest; the owners' return counts the tax that interest saves (163(j) cap)."
    return view("terms", "lender", "What is agreed with lenders", "nominal rates", ("Term", "Agreed"), rows, note,
                "The plan raises no debt.")  # fmt: skip


def coverage_view(study: Study) -> View:
    """Debt by history: DSCR, life covers, first breach, returns."""
    finance, plan = study.finance, study.plan
    rows: list[Sequence[str]] = []
    if finance.metrics and finance.metrics[0].debt_usd > 0:
        m = finance.metrics[0]
        none = np.full(len(plan.leaf_name), np.nan)
        plcr, mirr = (x if len(x) else none for x in (m.leaf_plcr, m.leaf_equity_mirr_frac))
        helped = m.leaf_guarantor_unpaid_frac if len(m.leaf_guarantor_unpaid_frac) else np.zeros(len(none))
        for i, name in enumerate(plan.leaf_name):
            rows.append(
                [
                    words(name) + (" (base)" if i == finance.base_leaf else ""), percent(plan.leaf_probability[i], 2),
                    significant(m.leaf_min_dscr[i]), significant(m.leaf_llcr[i]), significant(plcr[i]),
                    m.leaf_first_breach_quarter[i] or "none", percent(m.leaf_debt_unpaid_frac[i], 2),
                    percent(helped[i], 2), usd(m.leaf_npv_usd[i]), significant(m.leaf_moic[i]),
                    _irr(m.leaf_project_irr[i]),
                    _irr(m.leaf_equity_irr[i]), percent(mirr[i]) if np.isfinite(mirr[i]) else "none",
                    significant(m.leaf_payback_years[i], 2),
                ]
            )  # fmt: skip
    columns = ("History", "Chance>", "Lowest DSCR>", "LLCR>", "PLCR>", f"First under {finance.covenant_dscr:.2f}",
               "Unpaid to lenders>", "Borne by guarantor>", "NPV, real>", "MOIC>", "Project IRR>", "Equity IRR>",
               "Equity MIRR>", "Payback, years>")  # fmt: skip
    return view("coverage", "lender", "Coverage and first breach by history",
                "DSCR, LLCR, PLCR and MOIC are ratios; NPV in real USD, work at market rent", columns, rows,
                "Work earns what renting it would cost on the market of the day, not what it earns the programme. "
                "Where a cash flow has no IRR or several, that is said; MIRR then is the one number.",
                "The plan raises no debt.")  # fmt: skip


def downside_view(study: Study) -> View:
    """The debt as sized under each blow."""
    rows = [
        [
            case.name, significant(case.min_dscr), significant(case.llcr), case.first_breach_quarter or "none",
            percent(case.unpaid_frac, 2), percent(case.expected_unpaid_frac, 2), usd(case.expected_npv_usd),
            case.sentence,
        ]
        for case in study.finance.downside
    ]  # fmt: skip
    columns = ("Case", "Lowest DSCR>", "LLCR>", f"First under {study.finance.covenant_dscr:.2f}", "Unpaid, base>",
               "Unpaid, expected>", "NPV expected, real>", "What happens")  # fmt: skip
    return view("downside", "lender", "Downside: what a blow does to the debt",
                "ratios and shares of drawn debt; base history unless expected is said", columns, rows,
                "Debt and plan stay as decided; tax is worked out anew. A late start moves work, hall rent, energy and "
                "operation; silicon, construction and rent of accelerators are paid as planned.",
                "The plan raises no debt.")  # fmt: skip


def loss_view(study: Study) -> View:
    """What each layer pays when lenders stop the plan."""
    lost, plan = study.finance.loss_given_default, study.plan
    rows: list[Sequence[str]] = []
    layers: tuple[str, ...] = ()
    note = ""
    if lost is not None:
        layers = lost.layers
        for i, name in enumerate(plan.leaf_name):
            if lost.leaf_default_quarter[i]:
                owed, gone = lost.leaf_exposure_nominal_usd[i], lost.leaf_lender_loss_nominal_usd[i]
                rows.append(
                    [
                        words(name), percent(plan.leaf_probability[i], 2), lost.leaf_default_quarter[i], usd(owed),
                        *(usd(v) for v in lost.leaf_layer_recovered_nominal_usd[i]),
                        usd(lost.leaf_guarantor_nominal_usd[i]), usd(gone),
                        percent(gone / owed if owed > 0 else 0.0, 2),
                    ]
                )  # fmt: skip
        note = (
            f"Some service stays unpaid with {percent(lost.default_chance_frac, 2)} chance; expected loss is "
            f"{percent(lost.expected_lgd_frac, 2)} of exposure. Recovery shares are assumed rows of the catalogue "
            "(precedents of fibre and mining); rented halls recover nothing for the lender. If the plan runs on "
            "instead, later cash pays: see unpaid debt above."
            if rows else ""
        )  # fmt: skip
    columns = ("History", "Chance>", "First unpaid", "Exposure>", *(f"Paid by {name}>" for name in layers),
               "Guarantor>", "Loss of lenders>", "Loss given default>")  # fmt: skip
    return view("loss_given_default", "lender", "Loss if lenders stop the plan when they are first not paid",
                "nominal USD", columns, rows, note, "No history leaves service unpaid.")  # fmt: skip


def _irr(irr: Any) -> str:
    if irr.status == "unique":
        return percent(irr.roots_frac_per_year[0])
    return irr.status if irr.status == "none" else f"several ({len(irr.roots_frac_per_year)})"


def metrics_view(study: Study) -> View:
    """Money metrics of the plan and every baseline."""
    rows = [
        [
            plan_words("plan_responding") if m.plan == "plan" else words(m.plan), usd(m.expected_npv_usd),
            usd(m.debt_usd), percent(m.gearing_frac, 2), significant(m.break_even_rent_factor),
            percent(m.break_even_utilisation_frac, 2), significant(m.lcoc_usd_per_gpu_h),
            significant(m.lcoc_usd_per_effective_flop * 1e18),
        ]
        for m in study.finance.metrics
    ]  # fmt: skip
    columns = ("Plan", "NPV at market rent, real>", "Debt at close, nominal>", "Gearing>", "Break-even rent factor>",
               "Break-even utilisation>", "LCOC, USD/GPU-h>", "LCOC, USD per 10^18 effective FLOP>")  # fmt: skip
    note = (
        "Unlevered, after tax, if work earned market rent: what a lender counts. The decision card counts what the "
        "work is worth to the programme, before income tax. LCOC: present value of cost over that of hours in service, "
        "and over FLOP that hours at work do in training, failures taken off."
    )
    return view("metrics", "lender", "Plans in money", "USD; factor on today's rents at which the NPV is zero", columns,
                rows, note, "No plan was valued.")  # fmt: skip


def statement_views(study: Study) -> list[View]:
    """Project, owners, lenders, book income and balance sheet of the base history by year."""
    finance, quarters = study.finance, study.demand.tree.quarters
    blocks = (
        ("statement_project", "Project: cash flow of the base history", finance.statements,
         "Money in is positive. Tax before interest; the last line is what owners get."),
        ("statement_sponsor", "Owners: cash of the base history", finance.sponsor,
         "After the tax that interest saves; cumulative at the end of the year."),
        ("statement_lender", "Lenders: debt of the base history", finance.lender,
         "Money to lenders is positive; balances at the end of the year."),
        ("statement_income", "Book income of the base history", finance.income,
         "Straight-line depreciation; even lease cost (ASC 842, operating leases); tax as paid."),
        ("statement_balance", "Balance sheet of the base history", finance.balance,
         "End of year; what was paid before the horizon has no book value. In the end all is sold or settled."),
    )  # fmt: skip
    return [
        _by_year(key, title, statements[0] if statements else None, quarters, note, key == "statement_balance")
        for key, title, statements, note in blocks
    ]


def _by_year(
    key: str, title: str, statement: Statements | None, quarters: tuple[str, ...], note: str, levels: bool
) -> View:
    years = list(dict.fromkeys(q[:4] for q in quarters))
    rows: list[Sequence[str]] = []
    for name, values in zip(statement.lines, statement.values, strict=True) if statement else ():
        line = name.removesuffix("_nominal_usd")
        of_year = [[v for q, v in zip(quarters, values, strict=False) if q[:4] == year] for year in years]
        level = levels or line in BALANCES
        shown = [part[-1] if level else float(np.sum(part)) for part in of_year]
        if any(abs(v) >= 0.5 for v in shown):
            rows.append([words(line), *(usd(v) if abs(v) >= 0.5 else "-" for v in shown)])
    return view(key, "lender", title, "nominal USD by calendar year", ("Line", *(f"{y}>" for y in years)), rows, note,
                "The statement has no line.")  # fmt: skip
