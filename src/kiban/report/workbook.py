"""The workbook: one file in which a lender can change an input and see the base case move."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xlsxwriter

from kiban.catalog import Catalog
from kiban.finance.inputs import build_inputs as finance_inputs
from kiban.report.workbook_assumptions import write_catalogue, write_live_inputs, write_scenario
from kiban.report.workbook_base import Base, base_of
from kiban.report.workbook_books import write_books
from kiban.report.workbook_cash import CashFlow, CashRows
from kiban.report.workbook_checks import Check, Headline, fill_summary, write_checks
from kiban.report.workbook_debt import Debt
from kiban.report.workbook_downside import write_downside
from kiban.report.workbook_end import write_end, write_sales
from kiban.report.workbook_grid import Book
from kiban.report.workbook_hours import write_hours
from kiban.report.workbook_inputs import HEADS, Assumptions
from kiban.report.workbook_levered import EngineDebt, is_plain, write_levered_tax
from kiban.report.workbook_operations import Operations
from kiban.report.workbook_plan import CapexRows, PlanRows, write_capex, write_plan
from kiban.report.workbook_tables import TableSheet, write_futures, write_impact, write_sources, write_unit_costs
from kiban.report.workbook_tax import write_tax
from kiban.results import Risk, Study
from kiban.scenario import Scenario

MILLION = 1e6


def write_workbook(path: Path, scenario: Scenario, catalog: Catalog, study: Study, risk: Risk) -> None:
    """Write the workbook of a study.

    Args: path of the file; scenario, catalogue (without the scenario's overrides, which are applied here), study and
    risk as the engine made them. Every formula carries the value it has, so the file reads the same with and without
    recalculation. Errors: OSError if the file cannot be written; ValueError if a live number is not finite.
    """
    catalog = catalog.with_overrides({o.key: (o.value, o.why) for o in scenario.overrides})
    base = base_of(scenario, catalog, study)
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as file:
        file.set_calc_mode("auto")
        file.set_properties({"title": scenario.title, "subject": scenario.name, "author": "kiban", "company": ""})
        _write(Book(file, base.quarters), scenario, catalog, study, risk, base)


def _write(book: Book, scenario: Scenario, catalog: Catalog, study: Study, risk: Risk, base: Base) -> None:
    summary = TableSheet(book, "Summary", scenario.title, f"Base history {base.history}; USD m.", [62, 18, 16, 22])
    given = Assumptions(book)
    write_live_inputs(given, scenario, base, finance_inputs(scenario, catalog, study.site, study.plan))
    write_scenario(given, scenario)
    ids = write_catalogue(given, catalog, study)
    given.sheet.print_area(0, 0, given.row, len(HEADS) - 1)
    plan = write_plan(book, given, base)
    capex = write_capex(book, given, base, plan)
    operations = Operations(book, given, base, plan)
    running = operations.write()
    due, left = write_end(operations)
    sales = write_sales(operations)
    cash = CashFlow(book, given, base, plan)
    cash.write_lines(capex, running, due, left, sales)
    write_tax(cash)
    debt = _debt(book, given, cash, scenario, study)
    chosen, leaf = study.finance.metrics[0], study.finance.base_leaf
    cash.write_returns(debt.flow, debt.points["fee"], chosen.leaf_project_irr[leaf], chosen.leaf_equity_irr[leaf])
    books = write_books(book, given, cash, debt, study)
    write_downside(book, study)
    unit = write_unit_costs(book, study)
    futures = write_futures(book, risk)
    write_impact(book, study)
    write_hours(book, study)
    write_sources(book, catalog, ids, study)
    off_cell, off = write_checks(book, [*_checks(study, base, plan, cash.rows, debt), *books])
    lines = list(_headlines(study, risk, plan, capex, cash.rows, debt, unit, futures))
    fill_summary(
        book, summary, scenario, study, risk, lines, Headline("Checks that are off", "rows", off_cell, off, "whole")
    )
    summary.sheet.activate()


def _debt(book: Book, given: Assumptions, cash: CashFlow, scenario: Scenario, study: Study) -> Debt:
    """The Debt sheet: live formulas for one loan, typed rows of the engine for anything more."""
    if is_plain(scenario):
        debt = Debt(book, given, cash, scenario.finance.debt_kind)
    else:
        debt = EngineDebt(book, given, cash)
        debt.finance = study.finance
    debt.write()
    write_levered_tax(debt, cash)
    return debt


def _headlines(
    study: Study,
    risk: Risk,
    plan: PlanRows,
    capex: CapexRows,
    cash: CashRows,
    debt: Debt,
    unit: dict[str, str],
    futures: dict[str, str],
) -> Iterator[Headline]:
    points, owed = cash.points, debt.points
    yield Headline("NPV after tax, real, unlevered, at market rent", "USD m", *points["npv"], "usd_m")
    yield Headline("NPV before tax, real, of served work", "USD m", *points["npv_before_tax"], "usd_m")
    for name, label in (("project_irr", "IRR of the project, nominal"), ("equity_irr", "IRR of equity, nominal")):
        cell, value = points[name]
        shown = value if np.isfinite(value) else "none"
        yield Headline(label, "1/yr", cell, shown, "percent")
    for name, label in (("project_mirr", "MIRR of the project, nominal"), ("equity_mirr", "MIRR of equity, nominal")):
        cell, value = points[name]
        yield Headline(label, "1/yr", cell, value if np.isfinite(value) else "none", "percent")
    yield Headline("MOIC of equity", "multiple", *points["moic"], "ratio")
    yield Headline("Capex, real", "USD m", capex.total.total, float(capex.total.values.sum()), "usd_m")
    yield Headline("Debt", "USD m", *owed["debt"], "usd_m")
    yield Headline("Lowest DSCR", "multiple", *owed["min_dscr"], "ratio")
    yield Headline("LLCR at the close", "multiple", *owed["llcr"], "ratio")
    yield Headline(
        "IT capacity in service, peak", "IT MW", plan.live_mw.total, float(plan.live_mw.values.max()), "decimal"
    )
    yield Headline(
        "Accelerators, peak", "accelerators", plan.accelerators.total, float(plan.accelerators.values.max()), "count"
    )
    yield Headline("Tokens served", "Mtok", plan.served.total, float(plan.served.values.sum()), "count")
    finance = study.finance
    for name, value in (
        ("USD per GPU-h", finance.usd_per_gpu_h),
        ("USD per goodput GPU-h", finance.usd_per_goodput_gpu_h),
        ("USD per Mtok", finance.usd_per_mtok),
    ):
        yield Headline(f"Chosen plan: {name}", "USD", unit[name], value, "fine" if "Mtok" in name else "decimal")
    for name, label, value in (
        ("mean", "Lead over the next best, mean of futures", risk.lead_mean_usd),
        ("p5", "Lead over the next best, P5", risk.lead_p5_usd),
        ("p95", "Lead over the next best, P95", risk.lead_p95_usd),
    ):
        yield Headline(label, "USD m", futures[name], value / MILLION, "usd_m")


def _checks(study: Study, base: Base, plan: PlanRows, cash: CashRows, debt: Debt) -> Iterator[Check]:
    engine, leaf = base.engine_real_usd, study.finance.base_leaf
    factor = study.plan.node_discount_factor[base.path]
    costs = sum(values for name, values in engine.items() if name != "value")
    before = float((engine["value"] - costs) @ factor) / MILLION
    yield Check("NPV before tax, real (plan room)", "USD m", before, *cash.points["npv_before_tax"])
    for name, values in engine.items():
        if name == "value":
            continue
        row = cash.real[name]
        yield Check(
            f"{name.replace('_', ' ').capitalize()}, real (plan room)",
            "USD m",
            -float(values.sum()) / MILLION,
            row.total,
            float(row.values.sum()),
        )
    served = float(study.plan.chosen.node_inference_served_tok[base.path].sum()) / MILLION
    yield Check("Tokens served (plan room)", "Mtok", served, plan.served.total, float(plan.served.values.sum()))
    yield from _finance_checks(study, leaf, cash, debt)


STATEMENT = {
    "compute_at_market_rent": ("compute_at_market_rent",),
    "hall_rent": ("hall_rent",),
    "accelerator_rent": ("accelerator_rent",),
    "energy": ("energy",),
    "operation": ("operation",),
    "exit_obligation": ("exit_obligation",),
    "construction": ("hall_capex",),
    "silicon": ("silicon_capex",),
    "deposits": ("deposits",),
    "residual_value": ("residual_value",),
    "free_cash_flow": ("free",),
    "debt_drawn": ("debt_drawn",),
    "debt_fee": ("debt_fee",),
    "debt_service": ("debt_service",),
    "tax_saved_by_interest": ("shield",),
    "equity_cash_flow": ("equity",),
}
"""Line of the finance room's statement without its unit -> rows of the Cash flow sheet that make it."""


def _finance_checks(study: Study, leaf: int, cash: CashRows, debt: Debt) -> Iterator[Check]:
    finance, metrics = study.finance, study.finance.metrics[0]
    statement = finance.statements[0]
    booked = dict(zip(statement.lines, statement.values.sum(axis=1) / MILLION, strict=True))
    npv = float(metrics.leaf_npv_usd[leaf]) / MILLION
    yield Check("NPV after tax, real, unlevered (finance room)", "USD m", npv, *cash.points["npv"])
    for line, rows in STATEMENT.items():
        parts = [cash.nominal[r] for r in rows]
        yield Check(
            f"{line.replace('_', ' ').capitalize()}, nominal (finance room)",
            "USD m",
            float(booked[f"{line}_nominal_usd"]),
            "+".join(p.total for p in parts),
            float(sum(p.values.sum() for p in parts)),
        )
    tax = cash.tax["payable"]
    yield Check(
        "Income tax, nominal (finance room)",
        "USD m",
        float(booked["income_tax_nominal_usd"]),
        tax.total,
        float(tax.values.sum()),
    )
    running = ("hall_rent", "accelerator_rent", "energy", "operation", "exit_obligation")
    opex = [cash.nominal[name] for name in running]
    yield Check(
        "Sum of opex, nominal (finance room)",
        "USD m",
        float(sum(booked[f"{n}_nominal_usd"] for n in running)),
        "+".join(p.total for p in opex),
        float(sum(p.values.sum() for p in opex)),
    )
    capex = cash.nominal["capex"]
    yield Check(
        "Sum of capex, nominal (finance room)",
        "USD m",
        float(booked["construction_nominal_usd"] + booked["silicon_nominal_usd"]),
        capex.total,
        float(capex.values.sum()),
    )
    yield Check("Debt when repayment starts (finance room)", "USD m", metrics.debt_usd / MILLION, *debt.points["debt"])
    uses, sources = dict(finance.uses), dict(finance.sources)
    yield Check(
        "Interest in the window (finance room)",
        "USD m",
        uses["interest during building"] / MILLION,
        *debt.points["use_interest"],
    )
    yield Check("Uses (finance room)", "USD m", sum(uses.values()) / MILLION, *debt.points["uses"])
    yield Check("Sources (finance room)", "USD m", sum(sources.values()) / MILLION, *debt.points["sources"])
    yield Check("Sources = uses (workbook)", "USD m", debt.points["uses"][1], *debt.points["sources"])
    for name, value, point in (
        ("Lowest DSCR", metrics.leaf_min_dscr[leaf], debt.points["min_dscr"]),
        ("LLCR", metrics.leaf_llcr[leaf], debt.points["llcr"]),
        ("MIRR of the project", metrics.leaf_project_mirr_frac[leaf], cash.points["project_mirr"]),
        ("MIRR of equity", metrics.leaf_equity_mirr_frac[leaf], cash.points["equity_mirr"]),
        ("MOIC of equity", metrics.leaf_moic[leaf], cash.points["moic"]),
    ):
        if np.isfinite(value):
            yield Check(f"{name} (finance room)", "multiple", float(value), *point)
