"""A site built in phases: what each costs by line, when it has power at the racks, which order is on the path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.facility.construction import LINES, WEEKS_PER_MONTH

Array = NDArray[np.float64]

KW_PER_MW = 1000.0
PAID_AT_START = ("land",)


@dataclass(frozen=True)
class Phase:
    """One phase: critical IT MW and the month, from the site's first, in which it starts."""

    it_mw: float
    start_month: float


@dataclass(frozen=True)
class BuiltPhase:
    """One phase with its cost and time."""

    it_mw: float
    start_month: float
    ready_months: tuple[float, float, float]
    """P10, P50, P90, months from the site's first."""
    critical_item: str
    """Equipment whose order would have to be placed first, or ``construction`` where the works take longer."""
    slowest_item: str
    """Equipment with the longest lead time, whether it holds the phase or not."""
    order_month: float
    """Month in which the slowest equipment must be ordered so as not to hold up the P50; negative: before."""
    usd: Array
    """(K,) by construction line."""


@dataclass(frozen=True)
class Build:
    """All phases of a site, with spending and capacity by month."""

    lines: tuple[str, ...]
    phases: tuple[BuiltPhase, ...]
    monthly_usd: Array
    """(M,) spending by month at the P50."""
    monthly_it_mw: Array
    """(M,) critical IT MW with power at the racks, end of month, at the P50."""

    @property
    def usd(self) -> float:
        """Whole cost."""
        return float(sum(phase.usd.sum() for phase in self.phases))

    @property
    def usd_per_critical_it_kw(self) -> float:
        """Whole cost over critical IT kW."""
        return self.usd / (KW_PER_MW * sum(phase.it_mw for phase in self.phases))


def build_in_phases(
    phases: Sequence[Phase],
    lines_usd_per_kw: Array,
    measured_months: Array,
    equipment_weeks: Mapping[str, tuple[float, float, float]],
    commissioning_months: Array,
) -> Build:
    """Lay the phases of a site out in time.

    Arguments: phases, cost per critical IT kW by line (K,), measured months from start to power (P10, P50, P90), lead
    times by item (low, middle, high weeks), months of commissioning (3,). Result: the build. Equation: ready = start +
    the later of measured months and slowest item + commissioning, at each level; land is paid at the start, the rest
    along 3 t^2 - 2 t^3 of the P50 time, a smooth curve that spends half by half time (an assumption).
    Errors: ValueError without phases.
    """
    if not phases:
        raise ValueError("a build needs at least one phase")
    built = tuple(
        _phase(phase, lines_usd_per_kw, measured_months, equipment_weeks, commissioning_months) for phase in phases
    )
    months = int(np.ceil(max(phase.ready_months[1] for phase in built))) + 1
    spent, capacity = np.zeros(months), np.zeros(months)
    for phase in built:
        spent += _spending(phase, months)
        capacity += np.where(np.arange(1, months + 1) >= phase.ready_months[1], phase.it_mw, 0.0)
    return Build(LINES, built, spent, capacity)


def _phase(
    phase: Phase,
    lines_usd_per_kw: Array,
    measured_months: Array,
    equipment_weeks: Mapping[str, tuple[float, float, float]],
    commissioning_months: Array,
) -> BuiltPhase:
    slowest = max(equipment_weeks, key=lambda item: equipment_weeks[item][1])
    path = np.max([np.array(weeks) for weeks in equipment_weeks.values()], axis=0) / WEEKS_PER_MONTH
    ready = phase.start_month + np.maximum(measured_months, path + commissioning_months)
    binding = path[1] + commissioning_months[1] >= measured_months[1]
    return BuiltPhase(
        it_mw=phase.it_mw,
        start_month=phase.start_month,
        ready_months=(float(ready[0]), float(ready[1]), float(ready[2])),
        critical_item=slowest if binding else "construction",
        slowest_item=slowest,
        order_month=float(ready[1] - commissioning_months[1] - path[1]),
        usd=np.asarray(lines_usd_per_kw) * phase.it_mw * KW_PER_MW,
    )


def _spending(phase: BuiltPhase, months: int) -> Array:
    upfront = np.isin(np.array(LINES), PAID_AT_START)
    edges = np.arange(months + 1, dtype=float)
    t = np.clip((edges - phase.start_month) / (phase.ready_months[1] - phase.start_month), 0.0, 1.0)
    spread = np.diff(3 * t**2 - 2 * t**3) * phase.usd[~upfront].sum()
    spread[int(phase.start_month)] += phase.usd[upfront].sum()
    return np.asarray(spread)
