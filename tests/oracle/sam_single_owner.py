"""One project told twice: to SAM's single owner model through PySAM, and to our batch engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiban.finance.project_inputs import (
    Build,
    Costs,
    Credits,
    Debt,
    Grid,
    Projects,
    Replacement,
    Reserves,
    Sales,
    Tax,
    nominal_rate,
)  # fmt: skip

Array = NDArray[np.float64]

HOURS = 8760
CLASSES = ("macrs_5", "macrs_15", "sl_5", "sl_15", "sl_20", "sl_39")


def schedules() -> Array:
    """Write-off by class and year with the half-year convention, as SAM has them."""
    out = np.zeros((len(CLASSES), 40))
    out[0, :6] = [0.2, 0.32, 0.192, 0.1152, 0.1152, 0.0576]
    out[1, :16] = [
        0.05, 0.095, 0.0855, 0.077, 0.0693, 0.0623, 0.059, 0.059, 0.0591, 0.059, 0.0591, 0.059, 0.0591, 0.059, 0.0591,
        0.0295,
    ]  # fmt: skip
    out[3, :16] = [0.0333] + 6 * [0.0667] + 4 * [0.0666, 0.0667] + [0.0333]
    for row, life in ((2, 5), (4, 20), (5, 39)):
        out[row, : life + 1] = 1 / life
        out[row, [0, life]] = 0.5 / life
    return out


@dataclass(frozen=True)
class Case:
    """A power project in yearly periods; fractions, USD, kWh."""

    years: int = 25
    output_kwh: float = 2.2e8
    degradation_frac: float = 0.005
    price_usd_per_kwh: float = 0.06
    price_escalation_frac: float = 0.01
    cost_usd: float = 1.1e8
    construction_financing_usd: float = 2.5e6
    other_financing_usd: float = 5e5
    fixed_usd: float = 2.4e6
    fixed_escalation_frac: float = 0.005
    variable_usd_per_kwh: float = 0.001
    inflation_frac: float = 0.025
    real_discount_frac: float = 0.064
    insurance_frac: float = 0.005
    property_tax_frac: float = 0.01
    assessed_frac: float = 0.8
    assessed_decline_frac: float = 0.03
    salvage_frac: float = 0.05
    sculpted: bool = False
    gearing_frac: float = 0.5
    limit_gearing: bool = False
    dscr: float = 1.3
    rate_frac: float = 0.06
    tenor: int = 18
    moratorium: int = 0
    level_principal: bool = False
    fee_frac: float = 0.0275
    closing_usd: float = 3e5
    federal_frac: float = 0.21
    state_frac: float = 0.07
    allocation: tuple[float, ...] = (0.9, 0.015, 0.0, 0.025, 0.03, 0.0)
    bonus: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    state_bonus: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    itc_frac: float = 0.0
    itc_class: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    ptc_usd_per_kwh: float = 0.0
    service_months: float = 6.0
    working_months: float = 6.0
    receivable_months: float = 0.0
    reserve_interest_frac: float = 0.0175
    equipment_usd: tuple[float, float] = (0.0, 0.0)
    equipment_years: tuple[int, int] = (5, 8)
    equipment_class: int = 0


def ours(case: Case, count: int = 1) -> Projects:
    """The case for our engine, with the conventions of SAM."""
    return Projects(
        grid=Grid(operating_periods=case.years, construction_periods=1, periods_per_year=1),
        sales=Sales(
            output_per_year=np.full(count, case.output_kwh),
            price_nominal_usd_per_unit=case.price_usd_per_kwh,
            price_escalation_frac_per_year=case.price_escalation_frac,
            degradation_frac_per_year=case.degradation_frac,
            residual_frac=case.salvage_frac,
            residual_is_revenue=True,
        ),
        costs=Costs(
            fixed_nominal_usd_per_year=case.fixed_usd,
            fixed_escalation_frac_per_year=case.inflation_frac + case.fixed_escalation_frac,
            variable_nominal_usd_per_unit=case.variable_usd_per_kwh,
            variable_escalation_frac_per_year=case.inflation_frac,
            insurance_frac_per_year=case.insurance_frac,
            insurance_escalation_frac_per_year=case.inflation_frac,
            property_tax_frac_per_year=case.property_tax_frac,
            assessed_frac=case.assessed_frac,
            assessed_decline_frac_per_year=case.assessed_decline_frac,
        ),
        build=Build(
            cost_nominal_usd=case.cost_usd,
            construction_financing_nominal_usd=case.construction_financing_usd,
            other_financing_nominal_usd=case.other_financing_usd,
        ),
        discount_frac_per_year=nominal_rate(case.real_discount_frac, case.inflation_frac),
        inflation_frac_per_year=case.inflation_frac,
        debt=Debt(
            kind="sculpted" if case.sculpted else "level_principal" if case.level_principal else "level",
            rate_frac_per_year=case.rate_frac,
            tenor_periods=case.tenor,
            moratorium_periods=case.moratorium,
            # Without a limit SAM lends more than the project costs; ours is bounded by a large number instead.
            gearing_frac=case.gearing_frac if case.limit_gearing or not case.sculpted else 1.0,
            dscr=case.dscr,
            fee_frac=case.fee_frac,
            closing_nominal_usd=case.closing_usd,
            gearing_on="sam",
            sized_on="pre_tax",
            negative_cash_lends=True,
        ),
        tax=Tax(
            federal_frac=case.federal_frac,
            state_frac=case.state_frac,
            schedules=schedules(),
            class_frac=np.array(case.allocation),
            bonus_frac=np.array(case.bonus),
            state_bonus_frac=np.array(case.state_bonus),
            losses_refunded=True,
        ),
        credits=Credits(
            investment_frac=case.itc_frac,
            investment_class=np.array(case.itc_class),
            production_nominal_usd_per_unit=case.ptc_usd_per_kwh,
        ),
        reserves=Reserves(
            service_months=case.service_months,
            working_months=case.working_months,
            receivable_months=case.receivable_months,
            interest_frac_per_year=case.reserve_interest_frac,
        ),
        replacements=tuple(
            Replacement(years, usd, case.inflation_frac, case.equipment_class, saved_ahead=True)
            for usd, years in zip(case.equipment_usd, case.equipment_years, strict=True)
        ),
    )


def model(case: Case) -> Any:
    """The case for PySAM, ready to execute."""
    import PySAM.Singleowner as singleowner

    sam = singleowner.default("CustomGenerationProfileSingleOwner")
    capacity_kw = 1e5
    sam.SystemOutput.assign(
        {"gen": [case.output_kwh / HOURS] * HOURS, "degradation": [100 * case.degradation_frac],
         "system_capacity": capacity_kw}
    )  # fmt: skip
    sam.Revenue.assign(
        {"ppa_soln_mode": 1, "ppa_price_input": [case.price_usd_per_kwh],
         "ppa_escalation": 100 * case.price_escalation_frac, "dispatch_tod_factors": [1.0] * 9}
    )  # fmt: skip
    sam.SystemCosts.assign(
        {"om_fixed": [case.fixed_usd], "om_fixed_escal": 100 * case.fixed_escalation_frac, "om_capacity": [0.0],
         "om_production": [1000 * case.variable_usd_per_kwh], "om_production_escal": 0.0, "om_fuel_cost": [0.0],
         "total_installed_cost": case.cost_usd}
    )  # fmt: skip
    sam.FinancialParameters.assign(
        {
            "analysis_period": case.years, "inflation_rate": 100 * case.inflation_frac,
            "real_discount_rate": 100 * case.real_discount_frac, "insurance_rate": 100 * case.insurance_frac,
            "property_tax_rate": 100 * case.property_tax_frac,
            "prop_tax_cost_assessed_percent": 100 * case.assessed_frac,
            "prop_tax_assessed_decline": 100 * case.assessed_decline_frac,
            "salvage_percentage": 100 * case.salvage_frac,
            "construction_financing_cost": case.construction_financing_usd,
            "cost_other_financing": case.other_financing_usd, "cost_debt_closing": case.closing_usd,
            "cost_debt_fee": 100 * case.fee_frac, "debt_option": int(case.sculpted),
            "debt_percent": 100 * case.gearing_frac, "dscr": case.dscr,
            "dscr_limit_debt_fraction": int(case.limit_gearing),
            "dscr_maximum_debt_fraction": 100 * max(case.gearing_frac, 0.01),
            "dscr_reserve_months": case.service_months,
            "months_working_reserve": case.working_months, "months_receivables_reserve": case.receivable_months,
            "reserves_interest": 100 * case.reserve_interest_frac, "term_int_rate": 100 * case.rate_frac,
            "term_tenor": case.tenor, "loan_moratorium": case.moratorium,
            "payment_option": int(case.level_principal), "federal_tax_rate": [100 * case.federal_frac],
            "state_tax_rate": [100 * case.state_frac],
            "equip1_reserve_cost": case.equipment_usd[0] / (1000 * capacity_kw),
            "equip2_reserve_cost": case.equipment_usd[1] / (1000 * capacity_kw), "equip3_reserve_cost": 0.0,
            "equip1_reserve_freq": case.equipment_years[0], "equip2_reserve_freq": case.equipment_years[1],
            "equip_reserve_depr_fed": case.equipment_class, "equip_reserve_depr_sta": case.equipment_class,
            "system_capacity": capacity_kw,
        }
    )  # fmt: skip
    depreciation = {"depr_alloc_custom_percent": 0.0, "depr_bonus_fed": 0.0, "depr_bonus_sta": 0.0}
    for k, name in enumerate(CLASSES):
        depreciation[f"depr_alloc_{name}_percent"] = 100 * case.allocation[k]
        depreciation[f"depr_itc_fed_{name}"] = case.itc_class[k]
        depreciation[f"depr_bonus_fed_{name}"] = float(case.bonus[k] > 0)
        depreciation[f"depr_bonus_sta_{name}"] = float(case.state_bonus[k] > 0)
    depreciation["depr_bonus_fed"] = 100 * max(case.bonus)
    depreciation["depr_bonus_sta"] = 100 * max(case.state_bonus)
    sam.Depreciation.assign(depreciation)
    sam.TaxCreditIncentives.assign(
        {"itc_fed_percent": [100 * case.itc_frac], "ptc_fed_amount": [case.ptc_usd_per_kwh], "ptc_fed_term": 10}
    )
    return sam
