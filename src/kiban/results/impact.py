"""What the impact room hands over: carbon, water, jobs, and where each dollar goes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kiban.results.trace import Trace

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MoneyFlow:
    """One arrow of the money map, present value in real USD."""

    source: str
    target: str
    usd: float


@dataclass(frozen=True)
class Claim:
    """A published claim beside the model's answer."""

    item: str
    published: float
    model_low: float
    model: float
    model_high: float
    unit: str
    source_id: str
    sentence: str


@dataclass(frozen=True)
class Impact:
    """Probability-weighted effects of the chosen plan."""

    quarterly_energy_mwh: Array
    """(T,) electricity at the meter of halls with own silicon."""
    quarterly_location_kg_co2: Array
    """(T,) operational carbon, location-based average signal."""
    quarterly_marginal_kg_co2: Array
    """(T,) operational carbon by the marginal signal; a different question, never added to the other."""
    embodied_kg_co2: float
    """Silicon, buildings and plant over the horizon."""
    quarterly_site_water_m3: Array
    """(T,) water used on site."""
    quarterly_source_water_m3: Array
    """(T,) water used to make the electricity."""
    quarterly_construction_jobs: Array
    """(T,) people on site."""
    quarterly_permanent_jobs: Array
    """(T,) permanent staff on site."""
    sites: tuple[str, ...]
    site_peak_permanent_jobs: Array
    site_peak_construction_jobs: Array
    local_share_frac: Array
    """(sites,) share of spending at the site that stays in the region."""
    money: tuple[MoneyFlow, ...]
    """Each dollar of cost once: programme -> line -> recipient kind; flows into a node equal flows out."""
    claims: tuple[Claim, ...]
    kg_co2_per_mtok: float
    residuals: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    traces: tuple[Trace, ...] = ()
