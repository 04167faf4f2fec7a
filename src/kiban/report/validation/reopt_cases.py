"""Cases of REopt's closed-form finance, answered with the finance room's present value and depreciation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.finance.irr import present_value
from kiban.finance.tax import depreciation

Inputs = dict[str, Any]
Array = NDArray[np.float64]


def _worth(yearly: Array, rate_frac_per_year: float) -> float:
    return float(present_value(yearly[None], np.array([rate_frac_per_year]), periods_per_year=1)[0, 0])


def escalated_cost_after_tax(inputs: Inputs, catalog: Catalog) -> float:
    """Worth of a yearly cost that rises from its first year on, after tax: REopt's present-worth factor times it."""
    year = np.arange(inputs["years"] + 1)
    flows = inputs["usd_per_year"] * (1 + inputs["escalation_frac_per_year"]) ** year
    flows[0] = 0.0
    return _worth(flows, inputs["discount_frac_per_year"]) * (1 - inputs["tax_frac"])


def replacement_after_tax(inputs: Inputs, catalog: Catalog) -> float:
    """Worth of a replacement in one year, deductible when it is bought."""
    flows = np.zeros(inputs["year"] + 1)
    flows[-1] = inputs["usd"]
    return _worth(flows, inputs["discount_frac_per_year"]) * (1 - inputs["tax_frac"])


def effective_capital_cost(inputs: Inputs, catalog: Catalog) -> float:
    """Capital less the worth of its tax credit and write-off, both at the ends of the years.

    The credit lowers the basis by its share; the bonus is written off in the first year; the rest by yearly shares:
    half-year MACRS of the catalogue, or a straight line over ``years``.
    """
    usd, credit = float(inputs["usd"]), float(inputs.get("credit_frac", 0.0))
    shares = _shares(inputs, catalog)
    bonus = float(inputs.get("bonus_frac", 0.0))
    schedule = np.concatenate([[0.0], shares * (1 - bonus)])
    schedule[1] += bonus
    basis = usd * (1 - float(inputs.get("basis_cut_per_credit", 0.0)) * credit)
    spend = np.zeros((1, len(schedule)))
    spend[0, 0] = basis
    saved = depreciation(spend, schedule)[0] * inputs["tax_frac"]
    saved[1] += usd * credit
    return usd - _worth(saved, inputs["discount_frac_per_year"])


def _shares(inputs: Inputs, catalog: Catalog) -> Array:
    if "years" in inputs:
        return np.full(inputs["years"], 1 / inputs["years"])
    return np.array([catalog.value(k) for k in catalog.keys(f"tax.us.macrs.{inputs['macrs']}.hy.")])


CASES = {f.__name__: f for f in (escalated_cost_after_tax, replacement_after_tax, effective_capital_cost)}
