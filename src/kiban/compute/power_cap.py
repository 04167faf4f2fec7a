"""What a power cap costs in speed: clocks fall, and only work bound by compute feels it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Capped:
    """An accelerator under a power cap, beside itself without one; arrays of the caps' shape."""

    power_w: Array
    throughput_frac: Array
    energy_frac: Array
    """Energy per unit of work over that without a cap."""


def clock_frac(cap_w: ArrayLike, full_w: float, static_w: float) -> Array:
    """Clock under a cap over the clock without: ((cap - static)/(full - static))^(1/3), 1 where the cap does not bind.

    Arguments: cap_w, any shape; full_w, draw of this work without a cap; static_w, draw that does not follow the clock
    (leakage, memory, links). Dynamic power goes with clock x voltage^2 and voltage with clock, hence the cube;
    near the lowest voltage the true law is closer to linear and this is too kind. Source: textbook scaling of voltage
    and clock. Raises ValueError for a cap that binds and is at or below static_w.
    """
    cap = np.asarray(cap_w, dtype=np.float64)
    binds = cap < full_w
    if (binds & (cap <= static_w)).any():
        raise ValueError(f"cap_w is {cap.min():g}; no clock draws less than the static {static_w:g} W")
    # Where even the full draw is below the static one no cap binds, and the width does not matter.
    span = full_w - static_w if full_w > static_w else 1.0
    return np.asarray(np.where(binds, np.cbrt(np.clip((cap - static_w) / span, 0.0, 1.0)), 1.0))


def capped(cap_w: ArrayLike, full_w: float, static_w: float, compute_bound_frac: float) -> Capped:
    """Speed, power and energy under caps.

    Arguments: as in ``clock_frac``; compute_bound_frac, share of the time without a cap that follows the clock (1 for
    dense matrix work, near 0 for decoding at small batch). Equation: time = b / f + 1 - b (Amdahl); power = min(cap,
    full); energy = power x time.
    """
    f = clock_frac(cap_w, full_w, static_w)
    stretch = compute_bound_frac / f + 1 - compute_bound_frac
    power = np.minimum(np.asarray(cap_w, dtype=np.float64), full_w)
    return Capped(power_w=power, throughput_frac=1 / stretch, energy_frac=power / full_w * stretch)


def best_cap_w(
    caps_w: ArrayLike, full_w: float, static_w: float, compute_bound_frac: float, fixed_w_per_accelerator: float = 0.0
) -> float:
    """Cap, of those given, that needs least energy per unit of work; fixed_w is drawn beside the accelerator anyway."""
    caps = np.asarray(caps_w, dtype=np.float64)
    out = capped(caps, full_w, static_w, compute_bound_frac)
    energy = (out.power_w + fixed_w_per_accelerator) / out.throughput_frac
    return float(caps[int(np.argmin(energy))])
