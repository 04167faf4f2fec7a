"""Operating cash of a batch of projects, (T, n): output, revenue, running cost and credits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.finance.project_inputs import Grid, Projects, Values

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Operation:
    """Cash of operation before tax and debt, nominal; arrays (T, n) or (T, 1) where all projects agree."""

    output: Array
    """Units sold in the period."""
    revenue: Array
    cost: Array
    """Running cost, property tax and insurance."""
    residual: Array
    """(n,) sale of the plant in the last period."""
    production_credit: Array
    plant: Array
    """(n,) cost of the plant with sales tax."""


def operate(projects: Projects) -> Operation:
    """Output, revenue and running cost by operating period.

    output_t = Q/p (1-d)^k, revenue_t = output_t P (1+e)^k, with k the years since the first period (k = t/p, or its
    whole part where values step once a year). Insurance and property tax are shares of the plant's cost. Args: a
    checked batch. Source: definitions; with p = 1 they are those of SAM's single owner model.
    """
    grid, sales, costs, credit = projects.grid, projects.sales, projects.costs, projects.credits
    p, steps = grid.periods_per_year, sales.steps_once_a_year
    plant = np.atleast_1d(np.asarray(projects.build.cost_nominal_usd * (1 + np.asarray(projects.build.sales_tax_frac))))
    output = np.asarray(sales.output_per_year) / p * growth(-np.asarray(sales.degradation_frac_per_year), grid, steps)
    revenue = output * (
        np.asarray(sales.price_nominal_usd_per_unit) * growth(sales.price_escalation_frac_per_year, grid, steps)
    )
    cost = np.asarray(costs.fixed_nominal_usd_per_year) / p * growth(costs.fixed_escalation_frac_per_year, grid, steps)
    if np.any(costs.variable_nominal_usd_per_unit):
        rise = growth(costs.variable_escalation_frac_per_year, grid, steps)
        cost = cost + output * (np.asarray(costs.variable_nominal_usd_per_unit) * rise)
    if np.any(costs.insurance_frac_per_year):
        rise = growth(costs.insurance_escalation_frac_per_year, grid, steps)
        cost = cost + np.asarray(costs.insurance_frac_per_year) / p * plant * rise
    if np.any(costs.property_tax_frac_per_year):
        rate = np.asarray(costs.property_tax_frac_per_year) * costs.assessed_frac / p * plant
        cost = cost + rate * np.maximum(1 - np.asarray(costs.assessed_decline_frac_per_year) * _years(grid, True), 0.0)
    made = np.zeros((grid.operating_periods, 1))
    if np.any(credit.production_nominal_usd_per_unit):
        rise = growth(credit.production_escalation_frac_per_year, grid, True)
        within = np.arange(grid.operating_periods)[:, None] < credit.production_years * p
        made = output * (np.asarray(credit.production_nominal_usd_per_unit) * rise * within)
    return Operation(output, revenue, cost, np.asarray(sales.residual_frac) * plant, made, plant)


def growth(rate_frac_per_year: Values, grid: Grid, steps_once_a_year: bool) -> Array:
    """Level (1 + g)^k by operating period, (T, 1) if the rate is common, else (T, n)."""
    rate = np.asarray(rate_frac_per_year, dtype=np.float64)
    if rate.size == 1:
        return np.asarray((1 + rate.reshape(1, 1)) ** _years(grid, steps_once_a_year))
    p = grid.periods_per_year
    ratio = 1 + rate if steps_once_a_year else (1 + rate) ** (1 / p)
    out = np.empty((grid.operating_periods, len(rate)))
    out[0] = 1.0
    for t in range(1, len(out)):
        if steps_once_a_year and t % p:
            out[t] = out[t - 1]
        else:
            np.multiply(out[t - 1], ratio, out=out[t])
    return out


def _years(grid: Grid, steps_once_a_year: bool) -> Array:
    """Years since the first operating period, (T, 1)."""
    time = np.arange(grid.operating_periods, dtype=np.float64)[:, None] / grid.periods_per_year
    return np.floor(time) if steps_once_a_year else time


def per_period(rate_frac_per_year: Values, periods_per_year: int) -> Array:
    """Effective rate of a period, (1 + r)^(1/p) - 1."""
    return np.asarray((1 + np.asarray(rate_frac_per_year, dtype=np.float64)) ** (1 / periods_per_year) - 1)


def discount(rate_frac_per_year: Values, first: int, count: int, periods_per_year: int) -> Array:
    """Factors (1 + r)^(-j/p) for j = first, first + 1, ..., (count, 1) if the rate is common, else (count, n)."""
    rate = np.asarray(rate_frac_per_year, dtype=np.float64)
    if rate.size == 1:
        return np.asarray(
            (1 + rate.reshape(1, 1)) ** (-(first + np.arange(count, dtype=np.float64))[:, None] / periods_per_year)
        )
    step = (1 + rate) ** (-1 / periods_per_year)
    out = np.empty((count, len(rate)))
    out[0] = step**first
    for j in range(1, count):
        np.multiply(out[j - 1], step, out=out[j])
    return out


def held_back(next_flow: Array, months: Values, periods_per_year: int) -> Array:
    """Balance of a reserve for the next period's flow, (T + 1, n): first at the end of building, zero at the end."""
    held = np.zeros((next_flow.shape[0] + 1, next_flow.shape[1]))
    held[:-1] = np.asarray(months) * (periods_per_year / 12) * next_flow
    return held
