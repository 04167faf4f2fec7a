"""Swings of synchronous training: megawatts within seconds, and what smoothing them for a ramp limit costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.solve import Model, require_optimal
from kiban.units.calendar import HOURS_PER_YEAR, SECONDS_PER_HOUR

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Swing:
    """A load that goes to and fro between two levels, as training does between computing and waiting for the
    network."""

    high_mw: float
    low_mw: float
    period_s: float
    duty_frac: float
    """Share of the period at the high level."""

    @property
    def amplitude_mw(self) -> float:
        """High less low."""
        return self.high_mw - self.low_mw


@dataclass(frozen=True)
class Smoothing:
    """What a way of smoothing needs and costs a year."""

    way: str
    power_mw: float
    energy_mwh: float
    lost_mwh_per_year: float
    usd_per_year: float


@dataclass(frozen=True)
class StorageCost:
    """Storage for swings; a site battery, rack capacitors or flywheels."""

    usd_per_mw_year: float
    usd_per_mwh_year: float
    round_trip_frac: float
    mw_max_per_mwh: float = np.inf
    """Largest power per energy: what a battery's rating allows."""


def staggered(swing: Swing, groups: int) -> Swing:
    """The swing of a site whose groups of machines run the same step at evenly shifted times.

    Equation: the sum of n square waves of height A/n and duty d, each T/n after the one before, has floor(n d) or
    floor(n d) + 1 of them high at any time: it swings by A/n with period T/n and duty n d - floor(n d), and not at all
    where n d is whole. Origin: worked by hand. Validity: groups keep their phases; one step time for all.
    Errors: ValueError for fewer than one group.
    """
    if groups < 1:
        raise ValueError(f"groups: {groups} found, at least 1 needed")
    high = groups * swing.duty_frac
    whole = float(np.floor(high + 1e-9))
    rest = max(high - whole, 0.0)
    part = swing.amplitude_mw / groups
    low = swing.low_mw + whole * part
    return Swing(low + (part if rest > 1e-9 else 0.0), low, swing.period_s / groups, rest if rest > 1e-9 else 0.0)


def ramp_storage(swing: Swing, ramp_mw_per_s: float) -> tuple[float, float]:
    """Power and energy of the least storage that keeps the draw within a ramp limit, known one period ahead.

    Arguments: swing; largest change of the draw. Result: MW, MWh.
    Equation: the draw crosses from level to level in tau = A / R, half of it before each step. Where tau fits into
    both phases the storage gives A/2 at most; it takes up A^2 / (8 R) before the rise, gives that back and as much
    again up to the fall, so that its range is A^2 / (4 R). Where tau does not fit, both come from ``least_storage``.
    Origin: worked by hand, and checked by that programme. Validity: a periodic swing; a job that stops without
    warning needs ``stop_storage``.
    """
    amplitude = swing.amplitude_mw
    short = min(swing.duty_frac, 1 - swing.duty_frac) * swing.period_s
    if amplitude <= 0 or short <= 0:
        return 0.0, 0.0
    if amplitude / ramp_mw_per_s <= short:
        return amplitude / 2, amplitude**2 / (4 * ramp_mw_per_s) / SECONDS_PER_HOUR
    steps = 400
    at = (np.arange(steps) + 0.5) / steps
    load = np.where(at < swing.duty_frac, swing.high_mw, swing.low_mw)
    return least_storage(load, swing.period_s / steps, ramp_mw_per_s)


def stop_storage(drop_mw: float, ramp_mw_per_s: float) -> tuple[float, float]:
    """Power and energy that must be taken up when a job stops without warning: drop, and drop^2 / (2 R).

    Equation: the draw falls at R from the moment of the drop; what it still draws goes into storage or a load bank.
    """
    return drop_mw, drop_mw**2 / (2 * ramp_mw_per_s) / SECONDS_PER_HOUR


def least_storage(load_mw: Array, step_s: float, ramp_mw_per_s: float) -> tuple[float, float]:
    """Least storage energy, and its power, for any periodic load under a ramp limit.

    Arguments: (N,) one period of load; step; limit. Result: MW, MWh. Method: linear programme over the draw and the
    content of a lossless storage; the draw stays between the least and the largest load, so that smoothing asks for
    no wider connection. Among stores of least energy the one of least power is not sought.
    """
    n = load_mw.size
    model = Model("swing")
    draw = model.add_columns(
        "draw", n, lower=load_mw.min(), upper=load_mw.max(), unit="MW", sentence="draw from the grid"
    )
    content = model.add_columns("content", n, unit="MWs", sentence="content of the storage")
    size = model.add_columns("size", 1, cost=1.0, unit="MWs", sentence="size of the storage")
    back = np.roll(np.arange(n), 1)
    limit = ramp_mw_per_s * step_s
    model.add_rows("ramp", n, lower=-limit, upper=limit, terms=[(None, draw, 1.0), (None, draw.index[back], -1.0)])
    model.add_rows(
        "store", n, lower=-step_s * load_mw, upper=-step_s * load_mw,
        terms=[(None, content, 1.0), (None, content.index[back], -1.0), (None, draw, -step_s)],
    )  # fmt: skip
    model.add_rows("within", n, upper=0.0, terms=[(None, content, 1.0), (None, size, -1.0)])
    solution = require_optimal(model, model.solve())
    power = float(np.abs(solution.value("draw") - load_mw).max())
    return power, float(solution.value("size")[0]) / SECONDS_PER_HOUR


def smoothing_options(
    swing: Swing, ramp_mw_per_s: float, storage: StorageCost, energy_usd_per_mwh: float, running_frac: float = 1.0
) -> list[Smoothing]:
    """What it costs to keep a swing within a ramp limit: by storage, or by burning power in the low phase; cheapest
    first.

    Arguments: swing; limit; storage; price of energy; share of the year in which the load runs.
    Equations: storage = power and energy of ``ramp_storage`` (energy at least power over the rating) + losses of each
    cycle; burning lifts the low phase until a ramp of R through the period suffices: the floor is high - R x the
    shorter phase / 2, each ramp lies in the low phase, and the power between floor and low is lost.
    """
    power, energy = ramp_storage(swing, ramp_mw_per_s)
    energy = max(energy, power / storage.mw_max_per_mwh)
    per_year = HOURS_PER_YEAR * SECONDS_PER_HOUR / swing.period_s * running_frac
    cycled = ramp_storage(swing, ramp_mw_per_s)[1] * per_year
    lost = (1 - storage.round_trip_frac) * cycled
    by_storage = Smoothing(
        "storage", power, energy, lost,
        power * storage.usd_per_mw_year + energy * storage.usd_per_mwh_year + lost * energy_usd_per_mwh,
    )  # fmt: skip
    low_s = (1 - swing.duty_frac) * swing.period_s
    depth = min(swing.amplitude_mw, ramp_mw_per_s * low_s / 2)
    # In the low phase the draw falls by the depth, stays, and rises again before the next step.
    ramp_s = depth / ramp_mw_per_s
    burned_mws = swing.amplitude_mw * low_s - depth * (low_s - ramp_s)
    burned = burned_mws / SECONDS_PER_HOUR * per_year
    by_burning = Smoothing("burning", swing.amplitude_mw, 0.0, burned, burned * energy_usd_per_mwh)
    return sorted([by_storage, by_burning], key=lambda s: s.usd_per_year)
