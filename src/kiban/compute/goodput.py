"""Goodput of one large job: exact renewal form of checkpoint and restart with exponential failures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import lambertw

Array = NDArray[np.float64]
SECONDS_PER_YEAR = 365.25 * 86400


def expected_segment_s(
    interval_s: ArrayLike, save_s: float, restart_s: float, failures_per_s: ArrayLike, durable_lag_s: float = 0.0
) -> Array:
    """Expected wall time to finish one interval of work and its checkpoint when failures interrupt.

    Arguments: interval_s, work between checkpoints; save_s, time that training stands still per checkpoint; restart_s,
    time from a failure to training again; failures_per_s; durable_lag_s, time after the stop until the checkpoint
    can be read back (0 for a synchronous save). Result: seconds, broadcast.

    Equation: E = exp(L (R + w))/L (exp(L (tau + s)) - 1), with rate L, restart R, lag w, interval tau, save s; a
    failure loses the work since the last durable checkpoint, and a restart may itself be interrupted. Source: Daly 2006
    (Future Gener. Comput. Syst. 22, 303-312), the complete form before its expansion, for w = 0. With a lag: from a
    restart the first durable checkpoint needs tau + s + w without failure, B = exp(L R)/L (exp(L (tau + s + w)) - 1);
    every later one finds w already done and needs tau + s, A = (1 - exp(-L (tau + s))) (exp(L R)/L + B), which is E
    (derived here; confirmed by simulation). Valid for any rate, and w <= tau + s.
    """
    rate = np.asarray(failures_per_s, dtype=np.float64)
    span = np.asarray(interval_s, dtype=np.float64) + save_s
    tiny = rate * span < 1e-12
    safe = np.where(tiny, 1e-12, rate)
    return np.asarray(np.where(tiny, span, np.exp(safe * (restart_s + durable_lag_s)) / safe * np.expm1(safe * span)))


def goodput_frac(
    interval_s: ArrayLike, save_s: float, restart_s: float, failures_per_s: ArrayLike, durable_lag_s: float = 0.0
) -> Array:
    """Useful share of wall time, interval / expected segment; arguments as in ``expected_segment_s``."""
    work = np.asarray(interval_s, dtype=np.float64)
    return np.asarray(work / expected_segment_s(work, save_s, restart_s, failures_per_s, durable_lag_s))


def renewal_goodput_frac(
    interval_s: float,
    save_s: float,
    restart_s: float,
    survival: Callable[[Array], Array],
    mean_gap_s: float,
    durable_lag_s: float = 0.0,
) -> float:
    """Useful share of wall time when the gaps between failures follow any law, each independent of the last.

    Arguments: times as in ``expected_segment_s``; survival, probability that a gap exceeds each of the given seconds;
    mean_gap_s. Result: 0..1. Equation: a gap X holds floor((X - R - w)/(tau + s)) durable intervals, whose mean is
    sum over j >= 1 of S(R + w + j (tau + s)); goodput is tau times that sum over the mean gap (renewal reward
    theorem). Source: derived here; with S = exp(-L t) it is ``goodput_frac``. The clock of failures also runs
    during a restart. The sum stops where S falls below 1e-12 or after 10 million intervals.
    """
    span, start = interval_s + save_s, restart_s + durable_lag_s
    total, first = 0.0, 1
    while first < 10_000_000:
        block = survival(start + span * np.arange(first, first + 4096, dtype=np.float64))
        total += float(block.sum())
        if block[-1] < 1e-12:
            break
        first += 4096
    return interval_s * total / mean_gap_s


def best_interval_s(save_s: float, failures_per_s: float) -> float:
    """Interval that maximises goodput, exactly.

    Setting d/dtau [tau / (exp(L (tau + s)) - 1)] = 0 gives (1 - L tau) exp(L tau) = exp(-L s), hence
    L tau = 1 + W(-exp(-1 - L s)), the principal branch of Lambert's W. For small L s it tends to Young's sqrt(2 s / L).
    Neither the restart nor a lag moves it. Source: derived here; same optimum as Daly 2006 eq. 37 to its order.
    """
    if failures_per_s <= 0:
        return float("inf")
    x = failures_per_s * save_s
    return float((1.0 + lambertw(-np.exp(-1.0 - x)).real) / failures_per_s)


def job_goodput_frac(
    accelerators: float, interrupts_per_accelerator_year: float, save_s: float, restart_s: float
) -> float:
    """Goodput of a job at its best interval; failures of accelerators are independent."""
    rate = accelerators * interrupts_per_accelerator_year / SECONDS_PER_YEAR
    if rate <= 0:
        return 1.0
    return float(goodput_frac(best_interval_s(save_s, rate), save_s, restart_s, rate))
