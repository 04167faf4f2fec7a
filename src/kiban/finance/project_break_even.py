"""What a batch of projects needs: the multiple of price or output at which each is worth nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kiban.finance.project import AT_ONCE
from kiban.finance.project_cash import discount
from kiban.finance.project_check import check
from kiban.finance.project_inputs import Projects, take
from kiban.finance.project_lines import lines_of

Array = NDArray[np.float64]

_ROUNDS = 100


def break_even_multiple(
    projects: Projects, on: str = "price", of: str = "project", most_multiple: float = 1024.0
) -> Array:
    """Multiple of every price, or of all output, at which a project's value after tax is zero, (N,).

    The present value rises with the multiple, piecewise straight, so a bracket and the Illinois rule of false position
    find the zero of all projects at once. Break-even price = multiple x price; break-even utilisation = multiple x
    utilisation behind the output. Args: on, ``price`` or ``output`` (with the cost and credits that follow it); of,
    ``project`` (unlevered) or ``equity``; most_multiple, where the search ends. Result: 0 if no revenue is needed,
    infinite if the largest multiple is not enough. Raises ValueError for wrong words or fields.
    Source: Dowell and Jarratt, BIT 11 (1971), for the rule.
    """
    if on not in ("price", "output") or of not in ("project", "equity"):
        raise ValueError(f"on is {on!r}: price or output; of is {of!r}: project or equity")
    check(projects)
    count = projects.count
    parts = []
    for start in range(0, count, AT_ONCE):
        some = take(projects, start, min(start + AT_ONCE, count), count)
        parts.append(_zero(_worth(some, on, of), min(AT_ONCE, count - start), most_multiple))
    return np.concatenate(parts)


def break_even_price(projects: Projects, of: str = "project") -> Array:
    """Price in the first operating period, or by period where prices are so given, at which each is worth nothing.

    Later prices follow with the escalation of the batch; a price of zero is looked for from one dollar on. Args: as in
    ``break_even_multiple``. Result: (N,) or (T, N), nominal USD per unit; infinite beyond 1024 times the price given.
    """
    given = np.asarray(projects.sales.price_nominal_usd_per_unit, dtype=np.float64)
    given = np.where(given == 0, 1.0, given) if given.ndim < 2 else given
    priced = replace(projects, sales=replace(projects.sales, price_nominal_usd_per_unit=given))
    return np.asarray(given * break_even_multiple(priced, "price", of))


def _worth(projects: Projects, on: str, of: str) -> Callable[[Array], Array]:
    factor = discount(projects.discount_frac_per_year, 0, projects.grid.points, projects.grid.periods_per_year)
    sales = projects.sales

    def worth(multiple: Array) -> Array:
        if on == "price":
            scaled = replace(sales, price_nominal_usd_per_unit=sales.price_nominal_usd_per_unit * multiple)
        else:
            scaled = replace(sales, output_per_year=sales.output_per_year * multiple)
        return np.asarray((getattr(lines_of(replace(projects, sales=scaled)), of) * factor).sum(axis=0))

    return worth


def _zero(worth: Callable[[Array], Array], count: int, most: float) -> Array:
    """Zero of rising functions by bracket and false position, (count,)."""
    low, high = np.zeros(count), np.ones(count)
    below, above = worth(low), worth(high)
    out = np.where(below >= 0, 0.0, np.inf)
    floor = np.abs(below)
    while np.any(short := (above < 0) & (below < 0) & (high < most)):
        low, below = np.where(short, high, low), np.where(short, above, below)
        high = np.where(short, np.minimum(high * 2, most), high)
        above = np.where(short, worth(high), above)
    todo = (out > 0) & (above >= 0)
    if not todo.any():
        return out
    kept = np.zeros(count)
    for _ in range(_ROUNDS):
        slope = above - below
        x = np.where(todo, high - above * np.divide(high - low, slope, out=np.zeros(count), where=slope != 0), 1.0)
        at = worth(x)
        up = at >= 0
        # Illinois: an end that stays twice has its value halved, so both ends close in.
        below = np.where(up & (kept > 0), below / 2, np.where(up, below, at))
        above = np.where(~up & (kept < 0), above / 2, np.where(up, at, above))
        low, high = np.where(up, low, x), np.where(up, x, high)
        kept = np.where(up, 1.0, -1.0)
        out = np.where(todo, x, out)
        if np.all(~todo | (np.abs(at) <= 1e-12 * floor) | (high - low <= 1e-14 * high)):
            break
    return out
