"""Replacements inside the horizon of a batch of projects: what they cost, what is saved for them, their write-off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.finance.project_cash import growth
from kiban.finance.project_inputs import Projects, Replacement

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Renewal:
    """All replacements of a batch, nominal; (T, 1) zeros where there are none."""

    spend: Array
    """(T, n) paid in the period."""
    funding: Array
    """(T, n) taken off cash: put aside ahead, or the spending itself."""
    held: Array
    """(T + 1, n) put aside, from the end of building on."""
    write_off: Array
    """(T, n), federal and state."""


def renew(projects: Projects, count: int) -> Renewal:
    """Replacements every so many periods, the last in the horizon's last period at the latest.

    A replacement in period j costs C (1 + e)^(years since the first period). Saved ahead, each of the ``every_periods``
    before and with it puts an equal part aside; the balance earns interest. It is written off from its own period on:
    the bonus at once, the rest by the yearly shares of its class. Args: a checked batch; count, n. Source: SAM's
    reserves for major equipment.
    """
    grid = projects.grid
    shape = (grid.operating_periods, count if projects.replacements else 1)
    spend, funding, off = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    held = np.zeros((shape[0] + 1, shape[1]))
    for one in projects.replacements:
        cost = np.asarray(one.cost_nominal_usd) * growth(
            one.escalation_frac_per_year, grid, projects.sales.steps_once_a_year
        )
        shares = _shares(projects, one)
        for at in range(one.every_periods - 1, grid.operating_periods, one.every_periods):
            paid = np.broadcast_to(cost[at], count)
            spend[at] += paid
            off[at] += one.bonus_frac * paid
            off[at:] += shares[: grid.operating_periods - at, None] * (1 - one.bonus_frac) * paid
            if one.saved_ahead:
                first = at + 1 - one.every_periods
                funding[first : at + 1] += paid / one.every_periods
                held[first + 1 : at + 1] += np.arange(1, one.every_periods)[:, None] * (paid / one.every_periods)
            else:
                funding[at] += paid
    return Renewal(spend, funding, held, off)


def _shares(projects: Projects, one: Replacement) -> Array:
    """Write-off of one dollar by period from its replacement on, (T,)."""
    p = projects.grid.periods_per_year
    shares = np.repeat(np.asarray(projects.tax.schedules)[one.tax_class], p)[: projects.grid.operating_periods] / p
    return np.pad(shares, (0, projects.grid.operating_periods - len(shares)))
