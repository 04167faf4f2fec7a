"""From benchmark to production: longer steps by unequal experts, room that stays unused, and the model's own error."""

from __future__ import annotations

import math
from dataclasses import dataclass

from kiban.compute.model import Z90, Z95
from kiban.compute.serve.options import Engines

_MOST_LOAD_FRAC = 0.9
"""Share of the largest rate up to which the queue estimate holds (docs/compute_simulation.md)."""


@dataclass(frozen=True)
class Derate:
    """How a plan in production differs from a benchmark."""

    time_factors: tuple[float, float, float]
    """P10, P50, P90 of seconds in production over modelled ones."""
    most_load_frac: float
    """Share of an engine's largest rate that production may ask of it."""


def derate_of(engines: Engines, production_frac: float | None = None) -> Derate:
    """Split the production share into longer steps and unused room.

    Args: engines with the catalogue's range; a user's own share in its place. Of a share s, unequal experts take i
    (``compute.serving.imbalance_frac``, 1 for dense models): steps last 1 / max(s, i), and engines carry at most
    s / max(s, i) of their largest rate. The model's log error and the log spread of the share (low and high read as P5
    and P95) add in quadrature in P10 and P90.
    """
    low, middle, high = (production_frac,) * 3 if production_frac else engines.production_frac
    stretch = max(middle, engines.imbalance_frac)
    spread = Z90 * math.log(high / low) / (2 * Z95)
    fast, even, slow = engines.log_error
    logs = (even - math.hypot(even - fast, spread), even, even + math.hypot(slow - even, spread))
    factors = tuple(math.exp(x) / stretch for x in logs)
    return Derate((factors[0], factors[1], factors[2]), min(_MOST_LOAD_FRAC, middle / stretch))
