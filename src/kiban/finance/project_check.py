"""What is wrong with a batch of projects, in words, all at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.finance.project_inputs import COMMON, Debt, Grid, Projects, arrays_of

Array = NDArray[np.float64]

BY_PERIOD = (
    "sales.output_per_year", "sales.price_nominal_usd_per_unit", "costs.fixed_nominal_usd_per_year",
    "credits.production_nominal_usd_per_unit",
)  # fmt: skip
"""Fields that may be given by operating period."""
_KINDS = {
    "kind": ("none", "level", "level_principal", "sculpted"),
    "gearing_on": ("uses", "sam"),
    "sized_on": ("pre_tax", "after_unlevered_tax"),
}
_FREE = ("escalation", "degradation", "inflation", "rate_frac", "discount", "residual", "interest_frac")
"""Words of the fields that may be negative, above -1."""


def check(projects: Projects) -> None:
    """Say at once everything that is wrong with a batch.

    Raises ValueError with one line per fault: the field, what was found, what is allowed.
    """
    grid, count, faults = projects.grid, projects.count, []
    if count < 1:
        raise ValueError("an array of a batch is empty: one project or more")
    for name, value in arrays_of(projects):
        if name.startswith("grid."):
            if value < 1 or value != int(value):
                faults.append(f"{name} is {value}: a whole number of 1 or more")
            continue
        allowed = {(), (1,), (count,)}
        if name in BY_PERIOD:
            allowed |= {(grid.operating_periods, 1), (grid.operating_periods, count)}
        if name == "build.draw_frac":
            allowed = {(grid.construction_periods,), (grid.construction_periods, count), (grid.construction_periods, 1)}
        elif name.startswith("tax.") and name in COMMON and name != "tax.schedules":
            classes = projects.tax.schedules.shape[0]
            allowed = {(classes,), (classes, count), (classes, 1)}
        elif name in ("tax.schedules", "credits.investment_class"):
            allowed = {value.shape}
        if value.shape not in allowed:
            faults.append(f"{name} has shape {value.shape}: one of {sorted(allowed)}")
        faults += _range_faults(name, value)
    for name, words in _KINDS.items():
        if getattr(projects.debt, name) not in words:
            faults.append(f"debt.{name} is {getattr(projects.debt, name)!r}: one of {', '.join(words)}")
    draws, classes = np.asarray(projects.build.draw_frac), np.asarray(projects.tax.class_frac)
    if np.any(np.abs(draws.sum(axis=0) - 1) > 1e-9):
        faults.append(f"build.draw_frac sums to {draws.sum(axis=0).flat[0]}: 1")
    if np.any(classes.sum(axis=0) > 1 + 1e-9):
        faults.append(f"tax.class_frac sums to {classes.sum(axis=0).max()}: at most 1")
    for one in projects.replacements:
        if not 1 <= one.every_periods <= grid.operating_periods:
            faults.append(f"replacements.every_periods is {one.every_periods}: 1 to {grid.operating_periods}")
        if not 0 <= one.tax_class < len(projects.tax.schedules):
            faults.append(f"replacements.tax_class is {one.tax_class}: 0 to {len(projects.tax.schedules) - 1}")
    faults += _debt_faults(projects.debt, grid)
    if faults:
        raise ValueError("\n".join(faults))


def _range_faults(name: str, value: Array) -> list[str]:
    if name == "tax.interest_cap_frac" and np.all(value >= 0):
        return []
    if not np.all(np.isfinite(value)):
        return [f"{name} holds a number that is not finite"]
    if name.startswith("sales.price"):
        return []
    least = -1.0 if any(word in name for word in _FREE) else 0.0
    if np.any(value < least) or (least < 0 and np.any(value <= least)):
        return [f"{name} goes down to {value.min()}: {'above -1' if least < 0 else 'zero or more'}"]
    if name.endswith("_frac") and "residual" not in name and name != "build.sales_tax_frac" and np.any(value > 1):
        return [f"{name} goes up to {value.max()}: at most 1"]
    return []


def _debt_faults(debt: Debt, grid: Grid) -> list[str]:
    if debt.kind == "none":
        return []
    tenor, faults = np.asarray(debt.tenor_periods), []
    if np.any(tenor < 1) or np.any(tenor > grid.operating_periods) or np.any(tenor != np.floor(tenor)):
        faults.append(
            f"debt.tenor_periods runs from {tenor.min()} to {tenor.max()}: whole, 1 to {grid.operating_periods}"
        )
    if debt.kind != "sculpted" and np.any(tenor <= debt.moratorium_periods):
        faults.append(f"debt.moratorium_periods is {debt.moratorium_periods}: below the tenor")
    if debt.kind == "sculpted" and np.any(np.asarray(debt.dscr) <= 0):
        faults.append(f"debt.dscr goes down to {np.min(debt.dscr)}: above zero")
    return faults
