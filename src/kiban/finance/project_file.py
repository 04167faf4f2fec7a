"""A project file to the arguments of the batch: one project as written, and N with ranges drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.finance.project_cash import growth
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
    Values,
)
from kiban.scenario.project_schema import ProjectFile
from kiban.scenario.project_values import Figure
from kiban.scenario.values import Part
from kiban.uncertainty.distributions import from_range
from kiban.uncertainty.sampling import draw
from kiban.units import HOURS_PER_YEAR

Array = NDArray[np.float64]
Drawn = dict[str, Array]
"""Samples (N,) by the path of the figure in the file."""

TABLE_ROWS = {5: ("5yr.hy", 6), 7: ("7yr.hy", 8), 15: ("15yr.hy", 16)}
"""Recovery period -> rows of the half-year table and their number."""
BONUS_MOST_YEARS = 20
"""Classes with a longer recovery period have no bonus (IRC 168(k))."""
BUILDING_YEARS = 39
_FRACTIONS = ("utilisation_frac", "load_frac", "gearing_frac", "federal_frac", "state_frac", "bonus_frac", "fee_frac",
              "assessed_frac", "state_bonus_frac", "investment_frac", "sales_tax_frac",
              "assessed_decline_frac_per_year")  # fmt: skip
"""Figures drawn so that they stay between 0 and 1; positive ranges else are lognormal, the rest normal."""


def uncertain(form: Part, path: str = "") -> Iterator[tuple[str, Figure]]:
    """Every figure of a form that has a range, with its path such as ``sales.utilisation_frac``."""
    for name in type(form).model_fields:
        value, here = getattr(form, name), f"{path}{name}"
        if isinstance(value, Figure):
            if value.is_range:
                yield here, value
        elif isinstance(value, Part):
            yield from uncertain(value, f"{here}.")
        elif isinstance(value, list):
            for one in value:
                if isinstance(one, Part):
                    yield from uncertain(one, f"{here}.{getattr(one, 'name', '')}.")


def draw_figures(form: ProjectFile) -> Drawn:
    """Draw every figure with a range: a Sobol sample whose P5, median and P95 are low, value and high.

    The seed is the file's. Result: empty without ranges.
    """
    ranges = dict(uncertain(form))
    shapes = {
        path: from_range(
            figure.low or 0.0,
            figure.value,
            figure.high or 0.0,
            "fraction" if path.rsplit(".", 1)[-1] in _FRACTIONS else "auto",
        )
        for path, figure in ranges.items()
    }
    return draw(shapes, form.samples.count, form.samples.seed) if shapes else {}


def projects_of(form: ProjectFile, catalog: Catalog, drawn: Drawn | None = None) -> Projects:
    """The batch of a project file.

    Args: form that has passed its checks; catalogue, for the tables of write-off; drawn, samples by path, or None for
    the project as it is written. Result: N = 1, or as many as were drawn.
    """
    read = _Reader(drawn or {})
    grid = grid_of(form)
    classes = classes_of(form)
    sales, debt, reserves = form.sales, form.debt, form.reserves
    return Projects(
        grid=grid,
        sales=Sales(
            output_per_year=_output(form, read),
            price_nominal_usd_per_unit=read(sales, "sales", "price_nominal_usd_per_unit"),
            price_escalation_frac_per_year=read(sales, "sales", "price_escalation_frac_per_year"),
            degradation_frac_per_year=read(sales, "sales", "degradation_frac_per_year"),
            residual_frac=read(sales, "sales", "residual_frac"),
            steps_once_a_year=sales.steps_once_a_year,
        ),
        costs=_costs(form, read, grid),
        build=Build(
            cost_nominal_usd=sum(_line_costs(form, read).values()),
            sales_tax_frac=read(form.build, "build", "sales_tax_frac"),
            draw_frac=draws_of(form, grid),
            other_financing_nominal_usd=read(form.build, "build", "development_nominal_usd"),
        ),
        discount_frac_per_year=read(form, "", "discount_frac_per_year"),
        inflation_frac_per_year=read(form, "", "inflation_frac_per_year"),
        debt=Debt(
            kind=debt.kind,
            rate_frac_per_year=read(debt, "debt", "rate_frac_per_year"),
            construction_rate_frac_per_year=(
                None
                if debt.construction_rate_frac_per_year is None
                else read(debt, "debt", "construction_rate_frac_per_year")
            ),
            tenor_periods=float(round(debt.tenor_years * grid.periods_per_year)),
            moratorium_periods=round(debt.moratorium_years * grid.periods_per_year),
            gearing_frac=read(debt, "debt", "gearing_frac"),
            dscr=read(debt, "debt", "dscr"),
            fee_frac=read(debt, "debt", "fee_frac"),
            closing_nominal_usd=read(debt, "debt", "closing_nominal_usd"),
            sized_on=debt.sized_on,
        ),
        tax=_tax(form, catalog, read, classes),
        credits=_credits(form, read, classes),
        reserves=Reserves(
            **{
                name: read(reserves, "reserves", name)
                for name in ("service_months", "working_months", "receivable_months", "interest_frac_per_year")
            }
        ),
        replacements=tuple(
            Replacement(
                every_periods=round(line.every_years * grid.periods_per_year),
                cost_nominal_usd=read(line, f"replacements.{line.name}", "nominal_usd"),
                escalation_frac_per_year=read(line, f"replacements.{line.name}", "escalation_frac_per_year"),
                tax_class=classes.index(line.macrs),
                bonus_frac=form.tax.bonus_frac.value if line.macrs <= BONUS_MOST_YEARS else 0.0,
                saved_ahead=line.saved_ahead,
            )
            for line in form.replacements
        ),
    )


class _Reader:
    """Numbers of figures: the sample where one was drawn, else the value."""

    def __init__(self, drawn: Drawn) -> None:
        self.drawn = drawn

    def __call__(self, part: Part, path: str, name: str) -> Values:
        figure: Any = getattr(part, name)
        found = self.drawn.get(f"{path}.{name}" if path else name)
        return float(figure.value) if found is None else found


def grid_of(form: ProjectFile) -> Grid:
    """Periods of construction, waiting included, and of operation."""
    p = form.grid.periods_per_year
    start = form.grid.operation_start_years
    before = form.grid.construction_years if start is None else start
    return Grid(round(form.grid.operation_years * p), round(before * p), p)


def draws_of(form: ProjectFile, grid: Grid) -> Array:
    """(C,) shares of the cost by point of construction; nothing while a finished plant waits."""
    paying = round(form.grid.construction_years * grid.periods_per_year)
    shares = form.build.draw_frac or [1 / paying] * paying
    return np.array([*shares, *[0.0] * (grid.construction_periods - paying)])


def classes_of(form: ProjectFile) -> list[int]:
    """Recovery periods in use, ascending; at least one."""
    used = {line.macrs for line in form.build.lines if line.macrs} | {line.macrs for line in form.replacements}
    return sorted(used) or [5]


def macrs_table(years: int, catalog: Catalog) -> list[float]:
    """Yearly write-off of a class. The 39 years of buildings are full years, and the 40th takes what rounding leaves.

    Source: IRS Publication 946, tables A-1 and A-7a, by the rows ``tax.us.macrs.*``.
    """
    if years == BUILDING_YEARS:
        share = catalog.value("tax.us.macrs.39yr.full_year_frac")
        return [share] * years + [max(0.0, 1 - share * years)]
    rows, count = TABLE_ROWS[years]
    return [catalog.value(f"tax.us.macrs.{rows}.{y:02d}") for y in range(1, count + 1)]


def _output(form: ProjectFile, read: _Reader) -> Values:
    sales = form.sales
    if sales.output_per_year is not None:
        return read(sales, "sales", "output_per_year")
    names = ("accelerators", "hours_per_year", "utilisation_frac", "units_per_hour")
    machines, hours, share, units = (read(sales, "sales", name) for name in names)
    return machines * hours * share * units


def _line_costs(form: ProjectFile, read: _Reader) -> dict[str, Values]:
    return {line.name: read(line, f"build.lines.{line.name}", "nominal_usd") for line in form.build.lines}


def _costs(form: ProjectFile, read: _Reader, grid: Grid) -> Costs:
    costs, steps = form.costs, form.sales.steps_once_a_year
    fixed: Values = 0.0
    for line in costs.fixed:
        path = f"costs.fixed.{line.name}"
        rise = growth(read(line, path, "escalation_frac_per_year"), grid, steps)
        fixed = fixed + np.asarray(read(line, path, "nominal_usd_per_year")) * rise
    power = costs.power
    if power is not None:
        mw, load, pue, price = (
            np.asarray(read(power, "costs.power", name)) for name in ("it_mw", "load_frac", "pue", "usd_per_mwh")
        )
        rise = growth(read(power, "costs.power", "escalation_frac_per_year"), grid, steps)
        fixed = fixed + mw * load * pue * HOURS_PER_YEAR * price * rise
    names = (
        "variable_nominal_usd_per_unit", "variable_escalation_frac_per_year", "insurance_frac_per_year",
        "insurance_escalation_frac_per_year", "property_tax_frac_per_year", "assessed_frac",
        "assessed_decline_frac_per_year",
    )  # fmt: skip
    return Costs(fixed_nominal_usd_per_year=fixed, **{name: read(costs, "costs", name) for name in names})


def _by_class(values: dict[int, Values], classes: list[int]) -> Array:
    """(K,) or (K, N)."""
    rows = np.broadcast_arrays(*(np.asarray(values.get(years, 0.0), dtype=np.float64) for years in classes))
    return np.array(rows)


def _tax(form: ProjectFile, catalog: Catalog, read: _Reader, classes: list[int]) -> Tax:
    tables = [macrs_table(years, catalog) for years in classes]
    most = max(map(len, tables))
    costs = _line_costs(form, read)
    whole = np.maximum(np.asarray(sum(costs.values())), 1e-300)
    share: dict[int, Values] = {}
    for line in form.build.lines:
        if line.macrs:
            share[line.macrs] = share.get(line.macrs, 0.0) + costs[line.name] / whole

    def bonus(name: str) -> Array:
        value = read(form.tax, "tax", name)
        return _by_class({years: value for years in classes if years <= BONUS_MOST_YEARS}, classes)

    return Tax(
        federal_frac=read(form.tax, "tax", "federal_frac"),
        state_frac=read(form.tax, "tax", "state_frac"),
        schedules=np.array([table + [0.0] * (most - len(table)) for table in tables]),
        class_frac=_by_class(share, classes),
        bonus_frac=bonus("bonus_frac"),
        state_bonus_frac=None if form.tax.state_bonus_frac is None else bonus("state_bonus_frac"),
        losses_refunded=form.tax.losses_refunded,
        loss_use_cap_frac=form.tax.loss_use_cap_frac.value,
        interest_cap_frac=form.tax.interest_cap_frac.value if form.tax.interest_capped else np.inf,
    )


def _credits(form: ProjectFile, read: _Reader, classes: list[int]) -> Credits:
    part = form.credits
    earns = part.investment_macrs
    return Credits(
        investment_frac=read(part, "credits", "investment_frac"),
        investment_class=None if earns is None else np.array([float(years in earns) for years in classes]),
        basis_reduction_frac=part.basis_reduction_frac,
        production_nominal_usd_per_unit=read(part, "credits", "production_nominal_usd_per_unit"),
        production_escalation_frac_per_year=read(part, "credits", "production_escalation_frac_per_year"),
        production_years=part.production_years,
    )
