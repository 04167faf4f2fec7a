"""A utility tariff as arrays: energy by tiers and time of use, demand, coincident peaks, fixed and least charges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

MONTHS = 12


@dataclass(frozen=True)
class Tiers:
    """Blocks of a rate: tier k holds what lies between ``top[k-1]`` and ``top[k]``."""

    top: Array
    """(K,) upper end of each tier, counted from zero; the last is infinite."""

    @property
    def width(self) -> Array:
        """(K,) room in each tier."""
        return np.diff(self.top, prepend=0.0)

    def split(self, amount: Array) -> Array:
        """Amount in each tier, (..., K), for amounts (...)."""
        lower = np.concatenate([[0.0], self.top[:-1]])
        return np.asarray(np.clip(amount[..., None] - lower, 0.0, self.width), dtype=np.float64)


ONE_TIER = Tiers(np.array([np.inf]))


@dataclass(frozen=True)
class DemandPeriod:
    """A charge on the largest power within some steps of one month or of all."""

    steps: IntArray
    """Steps of the year in which power counts."""
    tiers: Tiers
    """In kW."""
    usd_per_kw: Array
    """(K,) by tier."""
    month: int | None = None
    """Month (0 = January) that it belongs to; None for one charge a year."""
    kind: str = "time of use"


@dataclass(frozen=True)
class Ratchet:
    """Billed demand of a month is at least a share of the largest of other months."""

    frac: float
    months: tuple[int, ...] = ()
    """Months (0 = January) whose largest demand counts all year; empty with ``previous``."""
    previous: int = 0
    """Number of months before each, around the turn of the year."""


@dataclass(frozen=True)
class CoincidentPeak:
    """A charge on the largest own power within the steps in which the system peaks."""

    steps: IntArray
    usd_per_kw: float


@dataclass(frozen=True)
class Tariff:
    """What a year of hourly or finer power costs; N steps a year.

    Rates are per kWh and kW, as tariffs are written. Months are those of a non-leap year.
    """

    step_month: IntArray
    """(N,) month of each step, 0 = January."""
    step_h: float
    energy_usd_per_kwh: Array
    """(N, K) rate of each step in each energy tier."""
    energy_tiers: tuple[Tiers, ...] = (ONE_TIER,) * MONTHS
    """By month, in kWh of the month."""
    monthly_demand: tuple[DemandPeriod, ...] = ()
    """At most one per month over all its steps: the facility demand charge, to which the ratchet applies."""
    demand: tuple[DemandPeriod, ...] = ()
    """Time-of-use demand charges."""
    coincident: tuple[CoincidentPeak, ...] = ()
    ratchet: Ratchet | None = None
    fixed_usd_per_month: float = 0.0
    minimum_usd_per_month: float = 0.0
    minimum_usd_per_year: float = 0.0
    riders_usd_per_kwh: float = 0.0
    """Adders on every kWh, whatever the tier: taxes, fuel and public-purpose riders."""
    export_usd_per_kwh: Array | None = None
    """(N,) credit for what is sent out."""
    names: dict[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Steps of the year."""
        return int(self.step_month.size)


@dataclass(frozen=True)
class Bill:
    """Cost of a year, by item."""

    energy_usd: float
    demand_usd: float
    coincident_usd: float
    fixed_usd: float
    minimum_usd: float
    """What the least charge adds to reach it."""
    export_usd: float
    monthly_energy_usd: Array
    monthly_demand_usd: Array
    monthly_peak_kw: Array

    @property
    def total_usd(self) -> float:
        """All of it, less the credit for exports."""
        return (
            self.energy_usd
            + self.demand_usd
            + self.coincident_usd
            + self.fixed_usd
            + self.minimum_usd
            - self.export_usd
        )


def bill(tariff: Tariff, load_kw: Array, export_kw: Array | None = None) -> Bill:
    """Cost of a year of power drawn from the grid.

    Arguments: tariff; (N,) mean power of each step, not negative; (N,) power sent out. Result: the bill before tax.
    Equations: energy = sum over months and tiers of kWh in the tier x the mean rate of the month's kWh in that tier
    (where rates differ by hour and by tier, each kWh of a month takes part in every tier in the same proportion);
    demand = sum over periods and tiers of kW in the tier of the largest power; coincident = rate x largest power in
    the system's peaks; the ratchet lifts the billed facility demand. A least charge applies to the sum of all but
    itself, by month to the month's.
    Origin: rules of US utility tariffs as in the Utility Rate Database (OpenEI, version 8).
    Errors: ValueError for a load of the wrong length or below zero.
    """
    _check(tariff, load_kw)
    month, kwh = tariff.step_month, load_kw * tariff.step_h
    energy = monthly_energy(tariff, kwh)
    peaks = monthly_peaks(tariff, load_kw)
    demand = _monthly_demand(tariff, peaks) + _period_demand(tariff, load_kw)
    yearly = sum(_tier_cost(p, float(load_kw[p.steps].max(initial=0.0))) for p in tariff.demand if p.month is None)
    coincident = sum(c.usd_per_kw * float(load_kw[c.steps].max(initial=0.0)) for c in tariff.coincident)
    credit = 0.0
    if export_kw is not None and tariff.export_usd_per_kwh is not None:
        credit = float(export_kw @ tariff.export_usd_per_kwh) * tariff.step_h
    charged = energy + demand + tariff.fixed_usd_per_month
    least = float(np.maximum(tariff.minimum_usd_per_month - charged, 0.0).sum())
    subtotal = float(charged.sum()) + yearly + least
    least += max(tariff.minimum_usd_per_year - subtotal, 0.0)
    return Bill(
        energy_usd=float(energy.sum()),
        demand_usd=float(demand.sum()) + yearly,
        coincident_usd=coincident,
        fixed_usd=MONTHS * tariff.fixed_usd_per_month,
        minimum_usd=least,
        export_usd=credit,
        monthly_energy_usd=energy,
        monthly_demand_usd=demand,
        monthly_peak_kw=np.array([load_kw[month == m].max(initial=0.0) for m in range(MONTHS)]),
    )


def _check(tariff: Tariff, load_kw: Array) -> None:
    if load_kw.shape != (tariff.count,):
        raise ValueError(f"the load has {load_kw.size} steps, the tariff {tariff.count}")
    if not (load_kw >= 0).all():
        step = int(np.argmin(load_kw >= 0))
        raise ValueError(f"the load at step {step} is {load_kw[step]:g} kW: a bill needs power drawn, zero or more")


def monthly_energy(tariff: Tariff, kwh: Array) -> Array:
    """Cost of energy by month, (12,)."""
    month = tariff.step_month
    total = np.bincount(month, kwh, MONTHS)
    in_tier = np.stack([t.split(np.array(total[m])) for m, t in enumerate(tariff.energy_tiers)])
    share = np.divide(in_tier, total[:, None], out=np.zeros_like(in_tier), where=total[:, None] > 0)
    cost = kwh * ((share[month] * tariff.energy_usd_per_kwh).sum(axis=1) + tariff.riders_usd_per_kwh)
    return np.asarray(np.bincount(month, cost, MONTHS), dtype=np.float64)


def monthly_peaks(tariff: Tariff, load_kw: Array) -> Array:
    """Billed facility demand by month, (12,): the month's largest power, lifted by the ratchet."""
    peak = np.zeros(MONTHS)
    for period in tariff.monthly_demand:
        if period.month is not None:
            peak[period.month] = load_kw[period.steps].max(initial=0.0)
    return ratcheted(tariff.ratchet, peak)


def ratcheted(ratchet: Ratchet | None, peak_kw: Array) -> Array:
    """Lift monthly peaks by a ratchet: max(peak, share x largest of the months looked back to)."""
    if ratchet is None:
        return peak_kw
    if ratchet.months:
        return np.maximum(peak_kw, ratchet.frac * peak_kw[list(ratchet.months)].max())
    back = np.stack([np.roll(peak_kw, k) for k in range(1, ratchet.previous + 1)])
    return np.maximum(peak_kw, ratchet.frac * back.max(axis=0))


def _monthly_demand(tariff: Tariff, peaks: Array) -> Array:
    cost = np.zeros(MONTHS)
    for period in tariff.monthly_demand:
        if period.month is not None:
            cost[period.month] += _tier_cost(period, float(peaks[period.month]))
    return cost


def _period_demand(tariff: Tariff, load_kw: Array) -> Array:
    cost = np.zeros(MONTHS)
    for period in tariff.demand:
        if period.month is not None:
            cost[period.month] += _tier_cost(period, float(load_kw[period.steps].max(initial=0.0)))
    return cost


def _tier_cost(period: DemandPeriod, kw: float) -> float:
    return float(period.tiers.split(np.array(kw)) @ period.usd_per_kw)


def month_of_steps(steps_per_hour: int = 1) -> IntArray:
    """Month of each step of a non-leap year, 0 = January."""
    days = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    return np.asarray(np.repeat(np.arange(MONTHS), days * 24 * steps_per_hour), dtype=np.int64)


def flat_tariff(
    energy_usd_per_kwh: Sequence[float] | float,
    demand_usd_per_kw: Sequence[float] | float = 0.0,
    steps_per_hour: int = 1,
) -> Tariff:
    """A tariff of monthly or yearly mean rates.

    Arguments: energy rate, one or 12; demand rate per kW and month, one or 12; steps per hour.
    """
    month = month_of_steps(steps_per_hour)
    energy = np.broadcast_to(np.asarray(energy_usd_per_kwh, dtype=np.float64), (MONTHS,))[month]
    demand = np.broadcast_to(np.asarray(demand_usd_per_kw, dtype=np.float64), (MONTHS,))
    periods = tuple(
        DemandPeriod(np.flatnonzero(month == m), ONE_TIER, np.array([demand[m]]), m, "facility") for m in range(MONTHS)
    )
    return Tariff(month, 1.0 / steps_per_hour, energy[:, None], monthly_demand=periods if demand.any() else ())
