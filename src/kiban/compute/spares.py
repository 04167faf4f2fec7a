"""Spare nodes: how often a job waits because more nodes are in repair than there are spares."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln


def waiting_frac(
    nodes: int, spares: int, removals_per_node_s: float, repair_s: float, spares_run_hot: bool = True
) -> float:
    """Share of calendar time in which a job of ``nodes`` stands still for want of a healthy node.

    Arguments: nodes that the job needs; spare nodes beside them; rate at which a powered node leaves for repair, 1/s;
    mean repair time, s; whether spares are powered (and fail too) or cold. Result: 0..1.

    Equation: d nodes are in repair; the job runs while d <= k and stops, so that nothing more fails, at d = k + 1.
    Cold spares: pi_d proportional to (N l T)^d / d!, Erlang's loss formula with k + 1 servers. Powered spares:
    pi_d proportional to C(N + k, d) (l T)^d, Engset's. Both hold for any law of repair times with this mean
    (insensitivity). Assumes repairs run side by side and nodes fail independently. Source: the loss formulas of Erlang
    and Engset; the mapping to spares is derived here and confirmed by simulation, also for repairs of fixed length.
    """
    if removals_per_node_s <= 0 or repair_s <= 0:
        return 0.0
    d = np.arange(1, spares + 2, dtype=np.float64)
    powered = nodes + spares - d + 1 if spares_run_hot else np.full(spares + 1, float(nodes))
    # Weights by steps of one birth over one death, in logarithms: gamma functions of thousands would cost ten digits.
    log_weight = np.concatenate([[0.0], np.cumsum(np.log(powered * removals_per_node_s * repair_s / d))])
    weight = np.exp(log_weight - log_weight.max())
    return float(weight[-1] / weight.sum())


def coverage_frac(nodes: int, spares: int, removals_per_node_s: float, repair_s: float) -> float:
    """Probability that at most ``spares`` nodes leave within one repair time, Poisson.

    Arguments as in ``waiting_frac``. A planner's shorthand: Poisson probability of at most k with mean N l T, the
    number in an endless repair shop (Palm). Does not count that a stopped job breaks nothing more.
    """
    mean = nodes * removals_per_node_s * repair_s
    if mean <= 0:
        return 1.0
    d = np.arange(spares + 1, dtype=np.float64)
    return float(np.exp(d * np.log(mean) - mean - gammaln(d + 1)).sum())


def spares_needed(
    nodes: int, removals_per_node_s: float, repair_s: float, most_waiting_frac: float, spares_run_hot: bool = True
) -> int:
    """Fewest spares that keep ``waiting_frac`` at or below a limit; by doubling and bisection.

    Raises ValueError if the limit is not above 0.
    """
    if not most_waiting_frac > 0:
        raise ValueError(f"most_waiting_frac is {most_waiting_frac:g}; it must be above 0")

    def enough(k: int) -> bool:
        return waiting_frac(nodes, k, removals_per_node_s, repair_s, spares_run_hot) <= most_waiting_frac

    if enough(0):
        return 0
    high = 1
    while not enough(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
