"""Live inputs of tax and debt on the Assumptions sheet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.finance.inputs import FinanceInputs
from kiban.report.workbook_inputs import Assumptions
from kiban.scenario import Scenario


def write_capital(sheet: Assumptions, scenario: Scenario, money: FinanceInputs) -> None:
    """Write tax rates, write-off schedules and loan terms, as the finance room uses them."""
    tax, rules, loan = money.rules.tax, money.rules, money.terms
    sheet.heading("Tax")
    for name, value, source, note in (
        ("tax_federal", tax.federal_frac, "tax.us.federal_rate_frac", ""),
        ("tax_state", tax.state_income_frac, "tax.ny.corporate_rate_frac", "weighted by hall capacity in each state"),
        ("tax_margin", tax.margin_tax_frac, "tax.tx.franchise_*", "on revenue, weighted by hall capacity in Texas"),
        ("loss_cap", tax.loss_use_cap_frac, "tax.us.nol_cap_frac", "share of income that old losses may offset"),
        ("interest_cap", tax.interest_cap_frac, "tax.us.interest_cap_frac_of_ati", "of income before write-offs"),
        ("bonus_share", tax.bonus_frac, "tax.us.bonus_depreciation_frac", "written off at once: silicon and plant"),
        ("building_share", rules.building_frac, "facility room", "share of construction with a building's tax life"),
        ("land_share", rules.land_frac, "facility room", "share of construction that is not written off"),
    ):
        sheet.put(name, value, "1", source, note, number="percent_fine", name=name)
    rate = "tax_state+tax_federal*(1-tax_state)"
    sheet.derive("tax_rate", rate, tax.income_frac, "1", "state tax is deducted federally", "percent_fine")
    sheet.put(
        "building_life", tax.building_life_years, "years", "tax.us.macrs.building_class_years", name="building_life"
    )
    _schedule(sheet, "short_life", tax.short_life, "tax.us.macrs.5yr.hy", "servers and network")
    _schedule(sheet, "long_life", tax.long_life, "tax.us.macrs.15yr.hy", "land improvements and plant")
    sheet.heading("Debt")
    part, credit = scenario.finance, f"finance.credit.{scenario.finance.credit}.yield_frac"
    months = "finance.debt.delayed_draw_months"
    for name, number, unit, source, form in (
        ("debt_rate", loan.rate_frac_per_year, "1/yr, nominal", credit, "percent_fine"),
        ("debt_fee", loan.fee_frac, "1 of draws", "finance.debt.construction_loan.fee_frac", "percent_fine"),
        ("gearing_max", loan.gearing_max_frac, "1", "scenario.finance.gearing_max_frac", "percent_fine"),
        ("target_dscr", loan.target_dscr, "multiple", "scenario.finance.target_dscr", "ratio"),
        ("covenant_dscr", part.covenant_dscr, "multiple", "scenario.finance.covenant_dscr", "ratio"),
        ("tenor_quarters", loan.tenor_quarters, "quarters", "scenario.finance.tenor_years", "whole"),
        ("draw_quarters", loan.window_quarters, "quarters", months, "whole"),
    ):
        sheet.put(name, number, unit, source, number=form, name=name)


def _schedule(sheet: Assumptions, name: str, shares: NDArray[np.float64], key: str, what: str) -> None:
    sheet.heading(f"Tax write-off by year: {what}")
    for year, share in enumerate(shares.tolist(), start=1):
        sheet.put(f"{name}.{year}", share, "1", f"{key}.{year:02d}", number="percent_fine")
