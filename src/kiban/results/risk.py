"""What the risk runs hand over: plans under sampled futures."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kiban.results.trace import Trace

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Driver:
    """One uncertain factor with the range it was sampled from."""

    name: str
    sentence: str
    unit: str
    p5: float
    p50: float
    p95: float
    inputs: tuple[str, ...]
    """Catalogue keys or scenario paths of the range."""


@dataclass(frozen=True)
class Tornado:
    """Effect of one driver on the value of the plan and on its lead over the best baseline."""

    driver: str
    low_npv_usd: float
    high_npv_usd: float
    low_lead_usd: float
    high_lead_usd: float
    first_order_frac: float
    """First-order Sobol index of NPV, from the sample itself."""


@dataclass(frozen=True)
class Regime:
    """One named future: what the plan is worth, what it needs, and who loses by layer."""

    name: str
    probability: float
    npv_usd: float
    best_baseline: str
    best_baseline_npv_usd: float
    needed_rent_usd_per_gpu_h: float
    """Rent per hour of the first accelerator type's work at which the plan breaks even in this future."""
    observed_rent_usd_per_gpu_h: float
    """Mean rent of the same work on the market of this future, over the plan's life."""
    utilisation_frac: float
    layers: tuple[str, ...]
    layer_loss_usd: Array
    """(layers,) money not recovered if the programme stops in the trough: power, shell, network, silicon."""
    bearer: tuple[str, ...]
    """Who bears each layer's loss first."""
    debt_paid_frac: float


@dataclass(frozen=True)
class Gauge:
    """One indicator of glut beside its precedents."""

    name: str
    now: float
    fibre_2001: float
    mining_2022: float
    unit: str
    sentence: str
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class Flip:
    """How far one input must move, all others at their base, before the plan of today is another one."""

    input: str
    """Short name; ``risk.flip.<input>`` is the metric to explain."""
    sentence: str
    """What would change, with numbers."""
    unit: str
    base: float
    low: float
    """End of the input's range on the low side."""
    high: float
    range_from: str
    """``scenario``, ``catalogue`` or ``stated band``."""
    flip: float
    """Value nearest to the base at which today's decision changes; nan if none was found."""
    distance_frac: float
    """Way from the base to the flip against the way to the end of the range on that side; above 1 outside of it."""
    becomes: str
    """What today's decision becomes."""
    best_pure: str
    """Pure strategy that is worth most at the flip; empty if it was not asked."""
    inputs: tuple[str, ...]
    """Catalogue keys or scenario paths that hold the input."""

    @property
    def metric(self) -> str:
        """Name to ask ``kiban explain`` for."""
        return f"risk.flip.{self.input}"

    @property
    def inside(self) -> bool:
        """Whether the flip lies within the input's own range."""
        return self.distance_frac <= 1


@dataclass(frozen=True)
class Regret:
    """Shortfall of the plan in each leaf of its own tree."""

    leaf_usd: Array
    """(L,) against the best plan for that leaf, had it been known from the start."""
    leaf_pure_usd: Array
    """(L,) against the pure strategy that is worth most in that leaf; zero where none is worth more than the plan."""
    leaf_best_pure: tuple[str, ...]
    """Name of that strategy."""
    expected_usd: float
    worst_usd: float
    worst_leaf: str
    worst_pure_usd: float


@dataclass(frozen=True)
class Risk:
    """F futures by quasi-random sampling; P plans (chosen fixed, chosen responding, baselines)."""

    futures_count: int
    seed: int
    drivers: tuple[Driver, ...]
    plans: tuple[str, ...]
    """``plan_fixed``, ``plan_responding``, then the baselines (responding)."""
    future_npv_usd: Array
    """(P, F)."""
    plan_mean_npv_usd: Array
    plan_p5_npv_usd: Array
    plan_p95_npv_usd: Array
    plan_cvar5_npv_usd: Array
    """(P,) mean of the worst 5 %."""
    plan_win_frac: Array
    """(P,) share of futures in which the plan is best among responding plans (0 for the fixed one)."""
    plan_mean_regret_usd: Array
    plan_p95_regret_usd: Array
    next_best: str
    """Baseline with the highest mean."""
    lead_mean_usd: float
    """Responding plan less next best: mean, and its 5-95 % range."""
    lead_p5_usd: float
    lead_p95_usd: float
    tornado: tuple[Tornado, ...]
    flip_sentences: tuple[str, ...]
    """How far each driver must move before another of the fixed plans is best."""
    regimes: tuple[Regime, ...]
    gauges: tuple[Gauge, ...]
    flips: tuple[Flip, ...] = ()
    """Inputs that change today's decision when the plan is solved again, nearest first; then those that do not."""
    regret: Regret | None = None
    """None if it was not computed."""
    used_keys: tuple[str, ...] = ()
    """Catalogue keys that the risk runs read."""
    residuals: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    traces: tuple[Trace, ...] = ()
