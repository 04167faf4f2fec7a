"""What the energy room says of the swings of training, once the plan has placed the jobs."""

from __future__ import annotations

from dataclasses import dataclass, field

from kiban.results.trace import Trace


@dataclass(frozen=True)
class SwingWay:
    """One way to keep a site's draw within the limits of its connection."""

    name: str
    """``stagger``, ``ballast``, ``floor``, ``rack_storage`` or ``site_battery``."""
    feasible: bool
    power_mw: float
    energy_mwh: float
    """Bought; more than a cycle moves, so that cells last."""
    cycled_mwh: float
    """Moved in each step of the jobs."""
    groups: float
    """Groups of shifted steps that would be needed; 1 where nothing is shifted."""
    lost_mwh_per_year: float
    capital_usd: float
    usd_per_year: float
    usd_per_it_mwh: float
    """Over the IT energy of training."""


@dataclass(frozen=True)
class SiteSwing:
    """Training at one site in the quarter with most of it, expected over the tree."""

    site: str
    quarter: str
    accelerators: float
    it_mw: float
    """Critical IT power of the machines that train."""
    jobs: float
    """Jobs of the scenario's size that this holds."""
    swing_mw: float
    """Peak to trough if all jobs of the site go in step."""
    job_swing_mw: float
    """Of one job."""
    step_s: float
    pause_s: float
    """Of each step, at the low level."""
    stop_mw: float
    """What falls away if one job stops without warning."""
    stop_mwh: float
    """What the ramp limit then asks a store or a burning load to take."""
    rack_held_frac: float
    """Share of the energy that the best store moves in a step which capacitors in the racks already hold."""
    ways: tuple[SwingWay, ...]
    cheapest: str
    """Name of the cheapest way that keeps the limits; empty where none does."""


@dataclass(frozen=True)
class Swings:
    """Sites at which the plan trains."""

    sites: tuple[SiteSwing, ...] = ()
    ramp_limit_mw_per_s: float = float("nan")
    """Of each connection."""
    residuals: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    traces: tuple[Trace, ...] = ()
