"""What it costs a year to keep the swings of training inside a connection's limits, way by way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.energy.model import annuity_frac
from kiban.energy.swings import Limits, Swing, Values, burning_needed, groups_needed, storage_needed
from kiban.units.calendar import HOURS_PER_YEAR, SECONDS_PER_HOUR

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

STAGGER, BALLAST, FLOOR, RACK, BATTERY = "stagger", "ballast", "floor", "rack_storage", "site_battery"
WAYS = (STAGGER, BALLAST, FLOOR, RACK, BATTERY)


@dataclass(frozen=True)
class Storage:
    """Storage for swings, at the racks or on the site."""

    usd_per_mw_year: float
    """Annuity and upkeep of power."""
    usd_per_mwh_year: float
    """Annuity of energy."""
    usd_per_mw: float = float("nan")
    """Overnight, NaN where only the yearly cost is known."""
    usd_per_mwh: float = float("nan")
    round_trip_frac: float = 0.9
    cycles: float = np.inf
    """Full cycles of its life."""
    depth_exponent: float = 1.0
    """k of cycles x depth^-k."""
    life_years: float = 15.0
    """Calendar life, that of the annuity."""
    mw_max_per_mwh: float = np.inf
    """Largest power per energy of the product."""

    def energy_bought_mwh(self, power_mw: Array, cycled_mwh: Array, cycles_per_year: Array) -> Array:
        """Energy to buy, so that its rating gives the power and its cycles last as long as the calendar.

        Arguments: (J,) power, energy that goes in and out each cycle, cycles a year.
        Equation: E = max(P / rating, e x ``worn``).
        """
        return np.maximum(power_mw / self.mw_max_per_mwh, cycled_mwh * self.worn(cycles_per_year))

    def worn(self, cycles_per_year: Array) -> Array:
        """Energy to buy over energy of a cycle, (J,).

        Equation: with N full cycles a cycle of depth x wears 1 / (N x^-k) of the life; E / e = (n L / N)^(1/k), 1 at
        least. Origin: power law of cycle life over depth, usual for cells; far below a depth of a tenth it is
        extrapolated.
        """
        return np.maximum((cycles_per_year * self.life_years / self.cycles) ** (1 / self.depth_exponent), 1.0)


def storage_of(
    usd_per_kw: float, usd_per_kwh: float, discount_frac: float, life_years: float, om_usd_per_kw_year: float = 0.0,
    round_trip_frac: float = 0.9, cycles: float = np.inf, depth_exponent: float = 1.0, mw_max_per_mwh: float = np.inf,
) -> Storage:  # fmt: skip
    """Storage from overnight cost: yearly cost = cost x annuity over the calendar life + upkeep."""
    share = annuity_frac(discount_frac, life_years)
    return Storage(
        1e3 * (usd_per_kw * share + om_usd_per_kw_year), 1e3 * usd_per_kwh * share, 1e3 * usd_per_kw, 1e3 * usd_per_kwh,
        round_trip_frac, cycles, depth_exponent, life_years, mw_max_per_mwh,
    )  # fmt: skip


@dataclass(frozen=True)
class Terms:
    """Prices and means of one site; a number, or (J,) one for each job."""

    energy_usd_per_mwh: Values
    """What another MWh costs at the meter."""
    rack: Storage
    battery: Storage
    running_frac: Values = 1.0
    """Share of the year in which the job runs."""
    pue: Values = 1.0
    """Facility power over IT power: what accelerators burn must be cooled too."""
    ballast_usd_per_mw: float = 0.0
    ballast_usd_per_mw_year: float = 0.0
    floor_max_mw: Values = np.inf
    """Highest draw of the job that a power floor can hold."""
    groups_max: Values = 1.0
    """Groups whose steps may be shifted against each other: the jobs on the site, not parts of one."""
    stagger_loss_frac: Values = 0.0
    """Share of the work that is lost to hold groups in phase."""
    work_usd_per_it_mwh: Values = float("nan")
    """Worth of the work that a MWh of IT does; NaN where unknown."""


@dataclass(frozen=True)
class Option:
    """One way for every job, (J,) each."""

    way: str
    feasible: Flags
    power_mw: Array
    energy_mwh: Array
    """Bought; of that, what a cycle moves is ``cycled_mwh``."""
    cycled_mwh: Array
    groups: Array
    """1 where nothing is shifted."""
    lost_mwh_per_year: Array
    capital_usd: Array
    """NaN where only a yearly cost is known."""
    usd_per_year: Array
    usd_per_it_mwh: Array
    """Yearly cost over the IT energy of the job."""


def smoothing_options(swing: Swing, limits: Limits, terms: Terms) -> tuple[Option, ...]:
    """Every way to keep swings within limits, in the order of ``WAYS``.

    Arguments: swings of J jobs; limits, of each job (see ``shared``); terms.
    Result: need and yearly cost of five ways, each by itself: shifting the steps of groups (cost: the work it loses),
    a load that burns beside the machines, a power floor that burns in the machines (x PUE), storage at the racks,
    a share of the site's battery. Equations: ``groups_needed``, ``burning_needed``, ``storage_needed``; yearly cost =
    power and energy x their annuities + lost energy x price. Validity: periodic swings; ways are not mixed; what burns
    raises the mean, not the peak, so that demand charges stay.
    """
    shape = np.broadcast_shapes(swing.amplitude_mw.shape, np.shape(limits.ramp_mw_per_s))
    hours = np.broadcast_to(HOURS_PER_YEAR * np.asarray(terms.running_frac, dtype=np.float64), shape)
    it_mwh = np.broadcast_to(swing.mean_mw, shape) * hours
    made = (
        _stagger(swing, limits, terms, it_mwh),
        *_burning(swing, limits, terms, hours),
        _stored(RACK, swing, limits, terms, terms.rack, hours),
        _stored(BATTERY, swing, limits, terms, terms.battery, hours),
    )
    return tuple(_option(m, it_mwh, shape) for m in made)


def cheapest(options: tuple[Option, ...]) -> NDArray[np.int64]:
    """(J,) place of the cheapest feasible way of each job; -1 where there is none."""
    cost = np.stack([np.where(o.feasible, o.usd_per_year, np.inf) for o in options])
    return np.where(np.isfinite(cost).any(axis=0), np.argmin(cost, axis=0), -1)


def shared(swing: Swing, limits: Limits) -> Limits:
    """Limits of one connection shared out to J jobs in proportion to their swings: if each keeps its own, all do."""
    total = float(swing.amplitude_mw.sum())
    part = swing.amplitude_mw / total if total > 0 else np.ones_like(swing.amplitude_mw)

    def share(limit: Values) -> Array:
        return np.full_like(part, np.inf) if np.isinf(limit) else np.asarray(limit * part)

    return Limits(share(limits.ramp_mw_per_s), share(limits.amplitude_mw))


@dataclass(frozen=True)
class _Made:
    """What a way comes to, before it is spread over the jobs."""

    way: str
    usd_per_year: Values
    feasible: Flags | bool = True
    power_mw: Values = 0.0
    energy_mwh: Values = 0.0
    cycled_mwh: Values = 0.0
    groups: Values = 1.0
    lost_mwh_per_year: Values = 0.0
    capital_usd: Values = 0.0


def _option(m: _Made, it_mwh: Array, shape: tuple[int, ...]) -> Option:
    def wide(value: Values) -> Array:
        return np.broadcast_to(np.asarray(value, dtype=np.float64), shape).copy()

    cost = wide(m.usd_per_year)
    each = np.divide(cost, it_mwh, out=np.full(shape, np.nan), where=it_mwh > 0)
    return Option(
        m.way, np.broadcast_to(np.asarray(m.feasible), shape).copy(), wide(m.power_mw), wide(m.energy_mwh),
        wide(m.cycled_mwh), wide(m.groups), wide(m.lost_mwh_per_year), wide(m.capital_usd), cost, each,
    )  # fmt: skip


def _stagger(swing: Swing, limits: Limits, terms: Terms, it_mwh: Array) -> _Made:
    groups = groups_needed(swing, limits)
    needless = groups <= 1
    cost = np.where(needless, 0.0, np.asarray(terms.stagger_loss_frac) * it_mwh * terms.work_usd_per_it_mwh)
    return _Made(STAGGER, cost, (groups <= terms.groups_max) & np.isfinite(cost), groups=groups)


def _burning(swing: Swing, limits: Limits, terms: Terms, hours: Array) -> tuple[_Made, _Made]:
    """The load bank beside the machines, and the floor inside them."""
    power, floor_mw, burnt = burning_needed(swing, limits)
    lost = burnt * hours * SECONDS_PER_HOUR / swing.period_s
    # What lies above the highest floor falls by itself, as fast as the machines let it.
    drop = np.maximum(swing.high_mw - np.asarray(terms.floor_max_mw), 0.0)
    holds = (drop <= limits.amplitude_mw) & (drop <= np.asarray(limits.ramp_mw_per_s) * swing.edge_s + 1e-9)
    holds = (holds & (floor_mw <= terms.floor_max_mw)) | (power <= 0)
    return (
        _Made(
            BALLAST, power * terms.ballast_usd_per_mw_year + lost * terms.energy_usd_per_mwh, power_mw=power,
            lost_mwh_per_year=lost, capital_usd=power * terms.ballast_usd_per_mw,
        ),
        _Made(
            FLOOR, lost * terms.pue * terms.energy_usd_per_mwh, holds, power_mw=power,
            lost_mwh_per_year=lost * terms.pue,
        ),
    )  # fmt: skip


def _stored(way: str, swing: Swing, limits: Limits, terms: Terms, storage: Storage, hours: Array) -> _Made:
    """The cheapest of the stores of least energy, of least power, and of the best of both."""
    cycles = hours * SECONDS_PER_HOUR / swing.period_s
    mws = storage.usd_per_mwh_year * storage.worn(cycles) / SECONDS_PER_HOUR
    mws = mws + (1 - storage.round_trip_frac) * cycles * terms.energy_usd_per_mwh / SECONDS_PER_HOUR
    with np.errstate(divide="ignore", invalid="ignore"):
        worth = np.nan_to_num(np.divide(storage.usd_per_mw_year, mws), nan=0.0, posinf=np.inf)
    made = [_stored_at(way, swing, limits, terms, storage, cycles, w) for w in (0.0, worth, np.inf)]
    best = np.argmin(np.stack([m.usd_per_year for m in made]), axis=0)
    chosen = {f: np.choose(best, [getattr(m, f) for m in made]) for f in _Made.__dataclass_fields__
              if f not in ("way", "groups")}  # fmt: skip
    return _Made(way, **chosen)


def _stored_at(
    way: str, swing: Swing, limits: Limits, terms: Terms, storage: Storage, cycles: Array, worth_s: Values
) -> _Made:
    power, cycled = storage_needed(swing, limits, worth_s)
    energy = storage.energy_bought_mwh(power, cycled, cycles)
    lost = (1 - storage.round_trip_frac) * cycled * cycles
    cost = power * storage.usd_per_mw_year + energy * storage.usd_per_mwh_year + lost * terms.energy_usd_per_mwh
    return _Made(
        way, cost, np.isfinite(cost), power_mw=power, energy_mwh=energy, cycled_mwh=cycled, lost_mwh_per_year=lost,
        capital_usd=power * storage.usd_per_mw + energy * storage.usd_per_mwh,
    )  # fmt: skip
