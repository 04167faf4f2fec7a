"""Carbon, water, jobs and money flows from a plan's expected quantities; pure functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


def expected_by_quarter(node_values: Array, probability: Array, node_quarter: IntArray, quarters: int) -> Array:
    """Expectation of node values in each quarter: sum over the quarter's nodes of p(n) x(n).

    Args: node_values (N, ...); probability (N,), summing to 1 in a quarter; node_quarter (N,). Result: (T, ...).
    """
    weighted = node_values * probability.reshape(-1, *[1] * (node_values.ndim - 1))
    total = np.zeros((quarters, *node_values.shape[1:]))
    np.add.at(total, node_quarter, weighted)
    return total


def it_draw_mw(
    training: Array, inference: Array, it_kw: Array, training_power_frac: Array, inference_power_frac: Array
) -> Array:
    """Mean IT power of accelerators at work, summed over types.

    Args: training, inference (..., G) accelerators; it_kw (G,) full-load critical IT kW each; power fractions (G,).
    Result: (...) MW. Equation: sum_g kW_g (x_train f_train + x_inf f_inf) / 1000.
    """
    return np.asarray((training * training_power_frac + inference * inference_power_frac) @ it_kw / 1e3)


def construction_jobs(start_mw: Array, job_years_per_mw: Array, build_quarters: IntArray, committed_mw: Array) -> Array:
    """People on site while halls are built.

    A hall needs its job-years per MW evenly over its building time. Starts build from their quarter on; committed
    halls build in the quarters before they go live. Args: start_mw (T, K) MW started; job_years_per_mw (K,);
    build_quarters (K,) >= 1; committed_mw (T, K) MW live from signed contracts. Result: (T, K) jobs.
    """
    quarters, rungs = start_mw.shape
    jobs = np.zeros((quarters, rungs))
    energised = np.diff(committed_mw, axis=0, prepend=0.0).clip(min=0.0)
    for k in range(rungs):
        span = int(build_quarters[k])
        rate = job_years_per_mw[k] / (span / 4)
        kernel = np.ones(span)
        jobs[:, k] += np.convolve(start_mw[:, k], kernel)[:quarters] * rate
        before = np.convolve(energised[::-1, k], np.append(0.0, kernel))[:quarters][::-1]
        jobs[:, k] += before * rate
    return jobs


def split(total_usd: float, shares: dict[str, float]) -> dict[str, float]:
    """Divide a total by shares; the rest, if any, goes to ``other``. Raises ValueError if shares exceed 1."""
    used = sum(shares.values())
    if used > 1 + 1e-9 or min(shares.values(), default=0.0) < 0:
        raise ValueError(f"shares sum to {used:g}, at most 1 and none negative")
    parts = {name: total_usd * share for name, share in shares.items()}
    if used < 1 - 1e-12:
        parts["other"] = total_usd * (1 - used)
    return parts


def money_residual(flows: list[tuple[str, str, float]], root: str) -> float:
    """Largest relative imbalance of the inner nodes of a money map: inflow less outflow.

    Leaves (no outflow) and the root (no inflow) are free. Args: flows (source, target, usd). Result: relative.
    """
    inflow: dict[str, float] = {}
    outflow: dict[str, float] = {}
    for source, target, usd in flows:
        outflow[source] = outflow.get(source, 0.0) + usd
        inflow[target] = inflow.get(target, 0.0) + usd
    scale = max(abs(outflow.get(root, 0.0)), 1.0)
    inner = set(inflow) & set(outflow)
    return max((abs(inflow[n] - outflow[n]) / scale for n in inner), default=0.0)
