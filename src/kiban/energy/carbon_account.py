"""Carbon of a dispatch by four accounts that answer different questions and are never added."""

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
    """Tonnes a year (weighted mean of the years) and kg per MWh of load."""

    scope_1_t: float
    location_t: float
    market_t: float
    consequential_t: float | None
    load_mwh: float

    def kg_per_mwh(self, tonnes: float) -> float:
        """An account per MWh of load, own plant included."""
        return (tonnes + self.scope_1_t) * 1000.0 / self.load_mwh


def carbon_of(
    case: Case, answer: Answer, average: AverageSignal, marginal: MarginalSignal | None, residual: ResidualSignal | None
) -> Carbon:
    """Carbon of a year under each account; own plant apart as Scope 1.

    Equations, per hour: location-based = average x inflow; market-based = residual mix x what is bought and not
    covered by contracts, the year's contracted surplus over the load set against purchases of other hours down to
    zero, as yearly certificates do; consequential = marginal x (inflow - outflow - sold). Origin: GHG Protocol Scope
    2 Guidance (2015); the consequential account is that of GHG Protocol's project method. Signals of the three kinds
    are types of their own, so that one cannot stand in for another. Result: consequential is None without a marginal
    signal.
    """
    w, zero = case.axis.cost_weight_h, np.zeros(case.axis.count)
    flow = answer.flow_mw
    inflow, bought = flow.get("inflow", zero), flow.get("purchase", zero)
    mix = average.kg_co2_per_mwh if residual is None else residual.kg_co2_per_mwh
    virtual = sum((s.clean_frac * flow[s.name] for s in case.sources if s.at == "virtual"), zero)
    covered = float(w @ (virtual + flow.get("sold", zero)))
    total = float(w @ bought)
    open_frac = max(0.0, 1.0 - covered / total) if total > 0 else 0.0
    own = sum((p.kg_co2_per_mwh * flow[p.name] for p in case.plants), zero)
    effect = None
    if marginal is not None:
        net = inflow - flow.get("outflow", zero) - flow.get("sold", zero) - virtual
        effect = float(w @ (marginal.kg_co2_per_mwh * net)) / 1000.0
    return Carbon(
        scope_1_t=float(w @ own) / 1000.0,
        location_t=float(w @ (average.kg_co2_per_mwh * inflow)) / 1000.0,
        market_t=open_frac * float(w @ (mix * bought)) / 1000.0,
        consequential_t=effect,
        load_mwh=float(w @ case.load_mw),
    )
