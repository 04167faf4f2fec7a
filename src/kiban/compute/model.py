"""A rate and its interval: the model's error and the share that production keeps of a benchmark."""

from __future__ import annotations

import math
from dataclasses import dataclass

Z90 = 1.2815515655446004
"""Standard normal quantile of 0.9."""
Z95 = 1.6448536269514722


@dataclass(frozen=True)
class Rate:
    """P10, P50, P90 of a rate."""

    p10: float
    p50: float
    p90: float


def with_interval(benchmark: float, production: tuple[float, float, float], log_sd: float) -> Rate:
    """Turn a benchmark rate into a production rate with an 80 % interval.

    The model's log error and the log spread of the derate (its low and high are read as P5 and P95) add in quadrature.
    """
    low, middle, high = production
    spread = math.log(high / low) / (2 * Z95) if low > 0 and high > low else 0.0
    sd = math.hypot(log_sd, spread)
    centre = benchmark * middle
    return Rate(centre * math.exp(-Z90 * sd), centre, centre * math.exp(Z90 * sd))
