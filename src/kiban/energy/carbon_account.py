"""Carbon of a dispatch by accounts that answer different questions and are never added."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.energy.dispatch import Answer, Case

Array = NDArray[np.float64]


@dataclass(frozen=True)
class AverageSignal:
    """Mean emission of the grid's generation in each hour: for accounts of what was used."""

    kg_co2_per_mwh: Array


@dataclass(frozen=True)
class MarginalSignal:
    """Emission of the plant that answers a change of load in each hour: for the effect of a decision."""

    kg_co2_per_mwh: Array


@dataclass(frozen=True)
class ResidualSignal:
    """Emission of what is left of the grid once all contracted clean energy is taken out: for the market-based
    account."""

    kg_co2_per_mwh: Array


@dataclass(frozen=True)
class Carbon:
    """Tonnes a year and certificates (weighted mean of the years), and load to put them over."""

    scope_1_t: float
    location_t: float
    market_t: float
    market_hourly_t: float
    """Market-based, with certificates that count in their own hour only."""
    consequential_t: float | None
    """With contracts as new plant that changes what runs."""
    consequential_load_t: float | None
    """With contracts on plant that would run anyway."""
    claimed_mwh: float
    """Certificates set against consumption."""
    unclaimed_mwh: float
    """Certificates held beyond the consumption of their year: they lower nothing."""
    residual_known: bool
    """Whether the market-based figures rest on a residual mix; without one they use the average signal."""
    load_mwh: float

    def kg_per_mwh(self, tonnes: float) -> float:
        """An account per MWh of load, own plant included."""
        return (tonnes + self.scope_1_t) * 1000.0 / self.load_mwh


@dataclass(frozen=True)
class _Certificates:
    """Grid energy that comes without a certificate, and certificates held beside, (N,) MW."""

    open_mw: Array
    spare_mw: Array
    clean_contracts_mw: Array
    """Clean output of contracts that reached the grid or the site, sold or not."""


def carbon_of(
    case: Case, answer: Answer, average: AverageSignal, marginal: MarginalSignal | None, residual: ResidualSignal | None
) -> Carbon:
    """Carbon of a year under each account; own plant apart as Scope 1.

    Equations, per hour t and year y: location-based = sum average x inflow. Market-based: consumption from the grid
    is the inflow; contracts that deliver cover what they bring (open = inflow - clean contracted, at least zero);
    certificates held beside it (virtual contracts, and surplus sold without its certificates) cover open energy of
    the same year, never more than there is: market = sum_y max(0, 1 - spare_y / open_y) sum_t mix x open; by the
    hour, sum_t mix x max(0, open - spare). Surplus sold with its certificates covers nothing; energy sold that has no
    certificate (fuel, a battery's trade) neither; a contract that is not clean is open. Mix is the residual mix, or
    the average where none is known. Consequential = marginal x (inflow - outflow), less the clean output of contracts
    where they are new plant. Origin: GHG Protocol Scope 2 Guidance (2015), chapters 6 and 7: instruments for
    electricity consumed, of its year, claimed once, residual mix for the rest; consequential after GHG Protocol's
    project method. Signals of the three kinds are types of their own, so that one cannot stand in for another.
    Validity: certificates of one year are not kept for the next. Result: consequential is None without its signal.
    """
    axis, w, zero = case.axis, case.axis.cost_weight_h, np.zeros(case.axis.count)
    flow = answer.flow_mw
    inflow = flow.get("inflow", zero)
    mix = average.kg_co2_per_mwh if residual is None else residual.kg_co2_per_mwh
    held = _certificates(case, answer)
    by_year = [np.bincount(axis.year, w * v, axis.years) for v in (held.open_mw, held.spare_mw)]
    claimed = np.minimum(*by_year)
    left = 1.0 - np.divide(claimed, by_year[0], out=np.zeros(axis.years), where=by_year[0] > 0)
    own = sum((p.kg_co2_per_mwh * flow[p.name] for p in case.plants), zero)
    effect = effect_of_load = None
    if marginal is not None:
        net = inflow - flow.get("outflow", zero)
        effect_of_load = float(w @ (marginal.kg_co2_per_mwh * net)) / 1000.0
        effect = float(w @ (marginal.kg_co2_per_mwh * (net - held.clean_contracts_mw))) / 1000.0
    return Carbon(
        scope_1_t=float(w @ own) / 1000.0,
        location_t=float(w @ (average.kg_co2_per_mwh * inflow)) / 1000.0,
        market_t=float((w * mix * held.open_mw) @ left[axis.year]) / 1000.0,
        market_hourly_t=float((w * mix) @ np.maximum(held.open_mw - held.spare_mw, 0.0)) / 1000.0,
        consequential_t=effect,
        consequential_load_t=effect_of_load,
        claimed_mwh=float(w @ (inflow - held.open_mw)) + float(claimed.sum()),
        unclaimed_mwh=float((by_year[1] - claimed).sum()),
        residual_known=residual is not None,
        load_mwh=float(w @ case.load_mw),
    )


def _certificates(case: Case, answer: Answer) -> _Certificates:
    zero = np.zeros(case.axis.count)
    inflow, outflow = (answer.flow_mw.get(k, zero) for k in ("inflow", "outflow"))
    kept = case.grid is not None and not case.grid.certificates_sold

    def clean(place: str) -> Array:
        used = [
            s.clean_frac * (answer.flow_mw[s.name] - answer.thrown_mw.get(s.name, zero))
            for s in case.sources
            if s.at == place
        ]
        return np.asarray(sum(used, zero), dtype=np.float64)

    virtual, contracts = clean("virtual"), clean("grid")
    delivered = np.minimum(contracts, inflow)
    exported = np.minimum(outflow, clean("site"))
    spare = virtual + (contracts - delivered + exported if kept else zero)
    return _Certificates(inflow - delivered, spare, contracts + virtual)
