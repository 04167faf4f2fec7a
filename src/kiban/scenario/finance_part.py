"""The finance block of the scenario file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from kiban.scenario.values import Fraction, Identifier, Number, Part, Switch


class FinancePart(Part):
    """Capital and tax."""

    discount_frac_per_year: Annotated[Number, Field(ge=0, le=0.5)] = Field(
        default=0.09, description="Real, after tax, unlevered"
    )
    gearing_max_frac: Annotated[Number, Field(ge=0, le=0.95)] = Field(
        default=0.7, description="Most debt against uses of funds"
    )
    credit: Identifier = Field(default="google_backed", description="Row of the credit ladder that prices the debt")
    tenor_years: Annotated[Number, Field(gt=0, le=30)] = Field(default=7, description="Repayment time after the draw")
    target_dscr: Annotated[Number, Field(ge=1.0, le=5.0)] = Field(
        default=1.35, description="Coverage on which debt is sculpted"
    )
    covenant_dscr: Annotated[Number, Field(ge=0.5, le=5.0)] = Field(
        default=1.15, description="Coverage under which a covenant is breached"
    )
    debt_kind: Literal["sculpted", "level", "straight"] = Field(
        default="sculpted", description="Service that follows cash; a level annuity; equal principal"
    )
    cash_sweep_frac: Fraction = Field(default=0.0, description="Share of cash after service that prepays debt")
    lock_up: Switch = Field(
        default=False, description="Owners get nothing while coverage is under the covenant; the cash waits for lenders"
    )
    guarantee_frac: Fraction = Field(
        default=0.0, description="Share of drawn debt up to which a guarantor pays what cash does not"
    )
    refinance_year: Annotated[Number, Field(ge=0, le=20)] = Field(
        default=0, description="Years after the start at which the loan is refinanced; 0 = never"
    )
    refinance_rate_frac_per_year: Annotated[Number, Field(ge=0, le=0.4)] = Field(
        default=0.065, description="Nominal rate of the new loan"
    )
    refinance_fee_frac: Annotated[Number, Field(ge=0, le=0.1)] = Field(
        default=0.01, description="Fee of the new loan against the balance, added to it"
    )
    refinance_tenor_years: Annotated[Number, Field(gt=0, le=30)] = Field(
        default=5, description="Repayment time of the new loan"
    )
    chip_gearing_max_frac: Annotated[Number, Field(ge=0, le=0.95)] = Field(
        default=0.0, description="Most debt of a separate tranche against the cost of silicon; 0 = one loan for all"
    )
    chip_credit: Identifier = Field(
        default="applied_digital", description="Row of the credit ladder that prices the tranche on silicon"
    )
    chip_tenor_years: Annotated[Number, Field(gt=0, le=10)] = Field(
        default=4,
        description="Repayment time of each draw on silicon from its delivery; at most the chips' life",
    )
    chip_window_years: Annotated[Number, Field(gt=0, le=20)] = Field(
        default=5, description="Years from the start in which the tranche on silicon may be drawn"
    )
    inflation_frac_per_year: Annotated[Number, Field(ge=-0.05, le=0.2)] = Field(
        default=0.025, description="Turns real money into money of the day"
    )
    utilisation_frac: Annotated[Number, Field(gt=0, le=1)] = Field(
        default=0.7, description="Utilisation in unit costs of rungs"
    )
