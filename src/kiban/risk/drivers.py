"""The uncertain factors, the ranges they are drawn from, and a quasi-random sample of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.results import Driver
from kiban.scenario import Scenario
from kiban.scenario.schema import Range
from kiban.uncertainty import Distribution, from_range, sobol

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Shock:
    """Deviations from the base study, one value per future; 1 (or 0 months) is the base."""

    revenue_factor: Array
    growth_factor: Array
    token_price_factor: Array
    research_factor: Array
    rent_factor: Array
    gpu_price_factor: Array
    delay_quarters: Array
    power_price_factor: Array
    chip_progress_factor: Array
    serving_gain_factor: Array

    @property
    def count(self) -> int:
        """Number of futures."""
        return len(self.revenue_factor)

    def take(self, chosen: slice | IntArray) -> Shock:
        """Return the shock of some of the futures."""
        return Shock(**{name: values[chosen] for name, values in vars(self).items()})


NAMES = tuple(Shock.__dataclass_fields__)


@dataclass(frozen=True)
class Factor:
    """One driver: what it multiplies, its distribution and where its range comes from."""

    name: str
    sentence: str
    unit: str
    distribution: Distribution
    inputs: tuple[str, ...]

    def as_driver(self) -> Driver:
        """Return the driver as it stands in results."""
        p5, p50, p95 = (float(x) for x in self.distribution.ppf(np.array([0.05, 0.5, 0.95])))
        return Driver(self.name, self.sentence, self.unit, p5, p50, p95, self.inputs)


def factors(scenario: Scenario, catalog: Catalog) -> tuple[Factor, ...]:
    """Return the drivers in the order of `Shock`'s fields.

    Ranges of the scenario are relative to its own base value, so that 1 is the base study. Revenue joins run rate and
    the programme's share: their relative half-widths add in quadrature on a log scale.
    """
    demand, risk = scenario.demand, scenario.risk
    rent = catalog.range("risk.rent_level_factor")
    noise = catalog.range("risk.revenue_growth_noise_factor")

    def relative(r: Range) -> Distribution:
        if r.value <= 0:
            return from_range(1.0, 1.0, 1.0)
        return from_range(r.low / r.value, 1.0, r.high / r.value)

    both = (demand.run_rate_revenue_usd_per_year, demand.programme_share_frac)
    low, high = (np.exp(sign * np.hypot(_log_ratio(both[0], sign), _log_ratio(both[1], sign))) for sign in (-1, 1))
    months = risk.delay_months
    base = "x base"
    return (
        Factor(
            "revenue_factor", "Run rate of revenue and the programme's share of it", base,
            from_range(float(low), 1.0, float(high)),
            ("scenario.demand.run_rate_revenue_usd_per_year", "scenario.demand.programme_share_frac"),
        ),
        Factor(
            "growth_factor", "Yearly growth of revenue beside that of the named future", f"{base} multiple",
            from_range(*noise), ("risk.revenue_growth_noise_factor",),
        ),
        Factor(
            "token_price_factor", "Revenue per million tokens", base,
            relative(demand.blended_token_price_usd_per_mtok), ("scenario.demand.blended_token_price_usd_per_mtok",),
        ),
        Factor(
            "research_factor", "Research compute per unit of serving", base,
            relative(demand.research_compute_multiple), ("scenario.demand.research_compute_multiple",),
        ),
        Factor(
            "rent_factor", "Rent of accelerators beside the path of the named future", base,
            from_range(*rent), ("risk.rent_level_factor",),
        ),
        Factor(
            "gpu_price_factor", "Purchase price of accelerators", base,
            relative(risk.gpu_price_factor), ("scenario.risk.gpu_price_factor",),
        ),
        Factor(
            "delay_quarters", "Delay of halls that are not live yet, beyond their median lead time", "quarters",
            from_range(months.low / 3, months.value / 3, months.high / 3, kind="triangular"),
            ("scenario.risk.delay_months",),
        ),
        Factor(
            "power_price_factor", "Price of electricity", base,
            relative(scenario.energy.power_price_factor), ("scenario.energy.power_price_factor",),
        ),
        Factor(
            "chip_progress_factor", "Speed of accelerators that are not delivered yet, at their catalogue price", base,
            relative(risk.chip_progress_factor), ("scenario.risk.chip_progress_factor",),
        ),
        Factor(
            "serving_gain_factor", "Yearly gain of tokens per accelerator by software", f"{base} multiple",
            relative(demand.serving_gain_per_year), ("scenario.demand.serving_gain_per_year",),
        ),
    )  # fmt: skip


def _log_ratio(r: Range, sign: int) -> float:
    if r.value <= 0 or r.low <= 0:
        return 0.0
    return float(np.log(r.high / r.value if sign > 0 else r.value / r.low))


def shock_at(parts: tuple[Factor, ...], quantiles: Array) -> Shock:
    """Return the shock of given quantiles (F, drivers)."""
    return Shock(**{f.name: np.asarray(f.distribution.ppf(quantiles[:, j])) for j, f in enumerate(parts)})


def base_shock(count: int = 1) -> Shock:
    """Return the shock that changes nothing."""
    ones = np.ones(count)
    return Shock(**{name: np.zeros(count) if name == "delay_quarters" else ones for name in NAMES})


def sample(parts: tuple[Factor, ...], leaf_probability: Array, count: int, seed: int) -> tuple[Shock, IntArray, Array]:
    """Draw futures: shocks (F), the leaf of the tree that comes true (F,), and the uniforms behind both (F, D + 1).

    Scrambled Sobol points; the last column picks the leaf by its probability.
    """
    u = sobol(count, len(parts) + 1, seed)
    edges = np.cumsum(leaf_probability)[:-1] / leaf_probability.sum()
    leaf = np.searchsorted(edges, u[:, -1], side="right").astype(np.int64)
    return shock_at(parts, u[:, :-1]), leaf, u
