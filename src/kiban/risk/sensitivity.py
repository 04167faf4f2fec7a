"""What matters: one driver at a time, on the plan's value and on its lead, and where the choice flips."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from kiban.results import Tornado
from kiban.risk.drivers import Factor, Shock, shock_at

Array = NDArray[np.float64]

Expected = Callable[[Shock], Array]
"""Expected NPV of each responding plan (P,) under each of F shocks: (P, F)."""

GRID = np.array([0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99])


def one_at_a_time(parts: Sequence[Factor], expected: Expected) -> Array:
    """Expected NPV of every plan along each driver's quantiles, the others at their medians: (P, drivers, grid)."""
    n, g = len(parts), len(GRID)
    quantiles = np.full((n * g, n), 0.5)
    for j in range(n):
        quantiles[j * g : (j + 1) * g, j] = GRID
    values = expected(shock_at(tuple(parts), quantiles))
    return values.reshape(len(values), n, g)


def tornado_of(parts: Sequence[Factor], curves: Array, rival: int, first_order: Array) -> tuple[Tornado, ...]:
    """Tornado of the plan (index 0) between the 5 % and 95 % quantiles, largest swing first."""
    low, high = int(np.where(GRID == 0.05)[0][0]), int(np.where(GRID == 0.95)[0][0])
    rows = []
    for j, part in enumerate(parts):
        mine, other = curves[0, j], curves[rival, j]
        rows.append(
            Tornado(
                driver=part.name,
                low_npv_usd=float(mine[low]),
                high_npv_usd=float(mine[high]),
                low_lead_usd=float(mine[low] - other[low]),
                high_lead_usd=float(mine[high] - other[high]),
                first_order_frac=float(max(first_order[j], 0.0)),
            )
        )
    return tuple(sorted(rows, key=lambda t: -abs(t.high_npv_usd - t.low_npv_usd)))


def flips(parts: Sequence[Factor], curves: Array, plans: Sequence[str]) -> tuple[str, ...]:
    """Say in words how far each driver must move, the others at their medians, before another plan is best."""
    middle = int(np.where(GRID == 0.5)[0][0])
    words = []
    for j, part in enumerate(parts):
        best = np.argmax(curves[:, j, :], axis=0)
        if (best == best[middle]).all():
            words.append(f"{part.sentence}: no value between its 1 % and 99 % quantiles changes the best plan")
            continue
        moved = min(np.where(best != best[middle])[0], key=lambda i: abs(i - middle))
        level = float(part.distribution.ppf(np.array([GRID[moved]]))[0])
        side = "above" if moved > middle else "below"
        rival = plans[best[moved]].replace("_", " ")
        words.append(
            f"{part.sentence}: {rival} becomes best {side} about {level:.3g} {part.unit} "
            f"({GRID[moved] * 100:.0f} % quantile)"
        )
    return tuple(words)
