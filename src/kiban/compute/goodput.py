"""Goodput of one large job: exact renewal form of checkpoint and restart with exponential failures."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import lambertw

Array = NDArray[np.float64]


def expected_segment_s(interval_s: ArrayLike, save_s: float, restart_s: float, failures_per_s: ArrayLike) -> Array:
    """Expected wall time to finish one interval of work and its checkpoint when failures interrupt.

    Equation: E = exp(L R)/L (exp(L (tau + s)) - 1), with rate L, restart R, interval tau, save s; a failure loses the
    work since the last checkpoint, and a restart may itself be interrupted. Source: Daly 2006 (Future Gener. Comput.
    Syst. 22, 303-312), the complete form before its expansion. Valid for any rate.
    """
    rate = np.asarray(failures_per_s, dtype=np.float64)
    span = np.asarray(interval_s, dtype=np.float64) + save_s
    tiny = rate * span < 1e-12
    safe = np.where(tiny, 1e-12, rate)
    return np.asarray(np.where(tiny, span, np.exp(safe * restart_s) / safe * np.expm1(safe * span)))


def goodput_frac(interval_s: ArrayLike, save_s: float, restart_s: float, failures_per_s: ArrayLike) -> Array:
    """Useful share of wall time, interval / expected segment."""
    work = np.asarray(interval_s, dtype=np.float64)
    return np.asarray(work / expected_segment_s(work, save_s, restart_s, failures_per_s))


def best_interval_s(save_s: float, failures_per_s: float) -> float:
    """Interval that maximises goodput, exactly.

    Setting d/dtau [tau / (exp(L (tau + s)) - 1)] = 0 gives (1 - L tau) exp(L tau) = exp(-L s), hence
    L tau = 1 + W(-exp(-1 - L s)), the principal branch of Lambert's W. For small L s it tends to Young's sqrt(2 s / L).
    Source: derived here; same optimum as Daly 2006 eq. 37 to its order.
    """
    if failures_per_s <= 0:
        return float("inf")
    x = failures_per_s * save_s
    return float((1.0 + lambertw(-np.exp(-1.0 - x)).real) / failures_per_s)


def job_goodput_frac(
    accelerators: float, interrupts_per_accelerator_year: float, save_s: float, restart_s: float
) -> float:
    """Goodput of a job at its best interval; failures of accelerators are independent."""
    rate = accelerators * interrupts_per_accelerator_year / (365.25 * 86400)
    if rate <= 0:
        return 1.0
    return float(goodput_frac(best_interval_s(save_s, rate), save_s, restart_s, rate))
