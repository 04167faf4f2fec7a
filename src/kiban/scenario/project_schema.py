"""The project file as typed fields: one stand-alone project from first payment to sale."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from kiban.scenario.project_values import (
    AmountFigure,
    CoverFigure,
    Figure,
    FractionFigure,
    HoursFigure,
    LossFigure,
    MoneyFigure,
    MonthsFigure,
    PriceFigure,
    PueFigure,
    RateFigure,
    ResidualFigure,
)
from kiban.scenario.values import Fraction, Identifier, Number, Part, ScenarioName, Switch, Whole

Years = Annotated[Number, Field(ge=0.0, le=60.0)]
MacrsYears = Literal[5, 7, 15, 39]
"""Recovery periods with rows ``tax.us.macrs.*`` in the catalogue."""
ZERO = Figure(value=0.0)


class GridPart(Part):
    """Time: payments fall at the end of periods, values stand at the first payment of construction."""

    periods_per_year: Literal[1, 4] = Field(default=1, description="1: years, 4: quarters")
    construction_years: Years = Field(default=1.0, description="From the first payment of construction to its end")
    operation_start_years: Years | None = Field(
        default=None, description="From the first payment to the first period of sales; empty: when construction ends"
    )
    operation_years: Annotated[Number, Field(gt=0.0, le=60.0)] = Field(description="Years of sales")


class SalesPart(Part):
    """What is sold: an output, or machines x hours x utilisation x units an hour."""

    unit: Identifier = Field(default="gpu_h", description="Name of the unit sold, such as gpu_h, mtok or mwh")
    output_per_year: AmountFigure | None = Field(default=None, description="Units sold in the first year")
    accelerators: AmountFigure | None = Field(default=None, description="Accelerators (or other machines) at work")
    hours_per_year: HoursFigure = Field(default=Figure(value=8760.0), description="Hours a year")
    utilisation_frac: FractionFigure | None = Field(default=None, description="Share of the hours that is sold")
    units_per_hour: AmountFigure = Field(default=Figure(value=1.0), description="Units a machine makes in a sold hour")
    price_nominal_usd_per_unit: PriceFigure = Field(description="Price in the first operating period, nominal")
    price_escalation_frac_per_year: RateFigure = Field(default=ZERO, description="Nominal change of the price a year")
    degradation_frac_per_year: LossFigure = Field(default=ZERO, description="Loss of output a year")
    residual_frac: ResidualFigure = Field(default=ZERO, description="Sale of the plant at the end over its cost")
    steps_once_a_year: Switch = Field(default=False, description="Prices and costs change at anniversaries only")


class FixedLine(Part):
    """A running cost that does not follow output."""

    name: Identifier = Field(description="Name of the line")
    nominal_usd_per_year: MoneyFigure = Field(description="In the first operating year, nominal")
    escalation_frac_per_year: RateFigure = Field(default=ZERO, description="Nominal change a year")


class PowerPart(Part):
    """Electricity of a hall: IT power x load x overhead x hours x price."""

    it_mw: AmountFigure = Field(description="Critical IT power")
    load_frac: FractionFigure = Field(default=Figure(value=1.0), description="Mean load over critical IT power")
    pue: PueFigure = Field(default=Figure(value=1.0), description="Facility over IT energy")
    usd_per_mwh: PriceFigure = Field(description="Price in the first operating year, nominal")
    escalation_frac_per_year: RateFigure = Field(default=ZERO, description="Nominal change of the price a year")


class CostsPart(Part):
    """Running cost."""

    fixed: list[FixedLine] = Field(default=[], max_length=40, description="Costs that do not follow output")
    power: PowerPart | None = Field(default=None, description="Electricity")
    variable_nominal_usd_per_unit: PriceFigure = Field(default=ZERO, description="Cost of each unit sold, nominal")
    variable_escalation_frac_per_year: RateFigure = Field(default=ZERO, description="Nominal change a year")
    insurance_frac_per_year: LossFigure = Field(default=ZERO, description="Of the cost of the plant")
    insurance_escalation_frac_per_year: RateFigure = Field(default=ZERO, description="Nominal change a year")
    property_tax_frac_per_year: LossFigure = Field(default=ZERO, description="Of the assessed value")
    assessed_frac: FractionFigure = Field(default=Figure(value=1.0), description="Assessed value over cost, first year")
    assessed_decline_frac_per_year: FractionFigure = Field(default=ZERO, description="Fall a year, of the first value")


class BuildLine(Part):
    """Something that is built or bought."""

    name: Identifier = Field(description="Name of the line")
    nominal_usd: MoneyFigure = Field(description="Cost before sales tax, nominal")
    macrs: MacrsYears | None = Field(
        default=None, description="Recovery period for the income tax: 5, 7, 15 or 39 years; empty: land, no write-off"
    )


class BuildPart(Part):
    """What is built and when it is paid."""

    lines: list[BuildLine] = Field(min_length=1, max_length=40, description="Cost by line")
    sales_tax_frac: FractionFigure = Field(default=ZERO, description="Sales tax over cost")
    draw_frac: list[Fraction] | None = Field(
        default=None, min_length=1, max_length=240, description="Share paid in each period of construction; empty: even"
    )
    development_nominal_usd: MoneyFigure = Field(default=ZERO, description="Developer's and legal cost, at once")


class DebtPart(Part):
    """One loan."""

    kind: Literal["none", "level", "level_principal", "sculpted"] = Field(
        default="none", description="level: annuity; level_principal: even principal; sculpted: service = cash / cover"
    )
    rate_frac_per_year: RateFigure = Field(default=ZERO, description="Interest, effective a year")
    construction_rate_frac_per_year: RateFigure | None = Field(
        default=None, description="Interest while building, capitalised; empty: the loan's rate"
    )
    tenor_years: Years = Field(default=0.0, description="From the start of operation to the last payment")
    moratorium_years: Years = Field(default=0.0, description="Interest only, at the start of operation")
    gearing_frac: CoverFigure = Field(default=Figure(value=1.0), description="Loan over uses; sculpted: its bound")
    dscr: CoverFigure = Field(default=Figure(value=1.3), description="Coverage by which a sculpted loan is sized")
    fee_frac: FractionFigure = Field(default=ZERO, description="Fee over the loan, paid at once")
    closing_nominal_usd: MoneyFigure = Field(default=ZERO, description="Closing cost, paid at once")
    sized_on: Literal["pre_tax", "after_unlevered_tax"] = Field(
        default="pre_tax", description="Cash that sizes and covers"
    )


class TaxPart(Part):
    """Income taxes; what is left out comes from the catalogue."""

    federal_frac: FractionFigure = Field(description="Federal rate; left out: tax.us.federal_rate_frac")
    state_frac: FractionFigure = Field(default=ZERO, description="State rate, a cost of the federal income")
    bonus_frac: FractionFigure = Field(
        description="Written off at once, classes of 20 years or less; left out: tax.us.bonus_depreciation_frac"
    )
    state_bonus_frac: FractionFigure | None = Field(default=None, description="The same for the state; empty: as above")
    losses_refunded: Switch = Field(default=False, description="Negative tax is cash at once: owners have other income")
    loss_use_cap_frac: FractionFigure = Field(
        description="Share of income that carried losses may offset; left out: tax.us.nol_cap_frac"
    )
    interest_cap_frac: FractionFigure = Field(
        description="Interest deductible over EBITDA; left out: tax.us.interest_cap_frac_of_ati"
    )
    interest_capped: Switch = Field(default=True, description="false: all interest is deductible at once")


class CreditsPart(Part):
    """Federal tax credits, taken as cash when earned."""

    investment_frac: FractionFigure = Field(default=ZERO, description="Of the qualifying basis, first operating period")
    investment_macrs: list[MacrsYears] | None = Field(default=None, description="Classes that qualify; empty: all")
    basis_reduction_frac: Fraction = Field(default=0.5, description="Share of the credit taken off the basis")
    production_nominal_usd_per_unit: PriceFigure = Field(default=ZERO, description="Credit for each unit sold")
    production_escalation_frac_per_year: RateFigure = Field(default=ZERO, description="Nominal change a year")
    production_years: Years = Field(default=10.0, description="Years in which units earn the credit")


class ReservesPart(Part):
    """Cash held back, each for the next period's flow."""

    service_months: MonthsFigure = Field(default=ZERO, description="Debt service")
    working_months: MonthsFigure = Field(default=ZERO, description="Running cost")
    receivable_months: MonthsFigure = Field(default=ZERO, description="Revenue")
    interest_frac_per_year: RateFigure = Field(default=ZERO, description="Interest earned on reserves")


class ReplacementLine(Part):
    """Equipment that is replaced by its like inside the horizon, paid by the owners."""

    name: Identifier = Field(description="Name of the line")
    every_years: Annotated[Number, Field(gt=0.0, le=60.0)] = Field(
        description="Years of operation between replacements"
    )
    nominal_usd: MoneyFigure = Field(description="Cost at prices of the first operating period")
    escalation_frac_per_year: RateFigure = Field(default=ZERO, description="Nominal change a year")
    macrs: MacrsYears = Field(default=5, description="Recovery period")
    saved_ahead: Switch = Field(default=False, description="Saved in equal parts before it is due")


class SamplesPart(Part):
    """How numbers with a range are drawn."""

    count: Annotated[Whole, Field(ge=16, le=200_000)] = Field(default=1024, description="Samples; powers of 2 are best")
    seed: Annotated[Whole, Field(ge=0, le=2**32 - 1)] = Field(default=1, description="Start of the random sequence")


class ProjectFile(Part):
    """One project; the file's ``variants`` are more."""

    kiban_project: Literal[1] = Field(description="Version of the form")
    name: ScenarioName = Field(description="Short name")
    title: str = Field(default="", max_length=200, description="Title for readers")
    grid: GridPart = Field(description="Time")
    sales: SalesPart = Field(description="Output and price")
    costs: CostsPart = Field(default=CostsPart(), description="Running cost")
    build: BuildPart = Field(description="What is built")
    debt: DebtPart = Field(default=DebtPart(), description="Loan")
    tax: TaxPart = Field(description="Income taxes")
    credits: CreditsPart = Field(default=CreditsPart(), description="Tax credits")
    reserves: ReservesPart = Field(default=ReservesPart(), description="Reserves")
    replacements: list[ReplacementLine] = Field(default=[], max_length=20, description="Replacements")
    discount_frac_per_year: RateFigure = Field(description="Nominal rate at which flows are valued")
    inflation_frac_per_year: RateFigure = Field(default=ZERO, description="For levelised cost in real money")
    samples: SamplesPart = Field(default=SamplesPart(), description="Sampling of ranges")
