"""Revenue, tokens, training compute and market prices at the nodes of a scenario tree; pure functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

EARLY_QUARTERS = 8
MIDDLE_QUARTERS = 20


def growth_by_node(future_growth: Array, node_future: IntArray, node_quarter: IntArray, weights: Array) -> Array:
    """Return the yearly growth multiple in force at each node.

    Args: future_growth (F, 3), multiples for years 1-2, 3-5 and later; node_future (N,), index of the future in
    force or -1 before the futures part; node_quarter (N,); weights (F,), chances of the futures. Before they part
    the growth is the weighted geometric mean, which is what an expectation of log revenue knows then.
    Result: (N,). Origin: piecewise-constant growth by phase, as forecasts of revenue are published.
    """
    phase = np.searchsorted([EARLY_QUARTERS, MIDDLE_QUARTERS], node_quarter, side="right")
    mean = np.exp(weights @ np.log(future_growth))
    table = np.vstack([future_growth, mean])
    return np.asarray(table[node_future, phase])


def compound(parent: IntArray, yearly_multiple: Array, start: float) -> Array:
    """Multiply quarterly growth along each history: x[n] = x[parent] * g[n]**(1/4), x[root] = start.

    Args: parent (N,), -1 at the root, parents first; yearly_multiple (N,) > 0; start, value at the root.
    Result: (N,) in the unit of start.
    """
    value = np.empty(len(parent))
    step = yearly_multiple**0.25
    for node, above in enumerate(parent):
        value[node] = start if above < 0 else value[above] * step[node]
    return value


def reverting_level(parent: IntArray, target: Array, reversion_per_year: float, start: float = 1.0) -> Array:
    """Pull a log level towards each node's target: x[n] = x*[n] + (x[parent] - x*[n]) exp(-k/4).

    Args: target (N,) level > 0 to which the market reverts; reversion_per_year k >= 0; start > 0.
    Result: (N,) level. Source: exact step of an Ornstein-Uhlenbeck mean on a quarter (Uhlenbeck and Ornstein 1930;
    used for log prices by Schwartz 1997, J. Finance 52(3), model 1).
    """
    keep = np.exp(-reversion_per_year / 4)
    log_target = np.log(target)
    value = np.empty(len(parent))
    for node, above in enumerate(parent):
        value[node] = np.log(start) if above < 0 else log_target[node] + (value[above] - log_target[node]) * keep
    return np.exp(value)


def tokens(revenue_usd: Array, inference_revenue_frac: float, price_usd_per_mtok: Array) -> Array:
    """Tokens that earn the revenue: revenue x share / price (tok per quarter, (N,))."""
    return revenue_usd * inference_revenue_frac / price_usd_per_mtok * 1e6


def training_flop(
    revenue_usd: Array,
    research_multiple: float,
    inference_gpu_h_per_usd: float,
    training_flop_per_gpu_h: float,
    price_performance: Array,
) -> Array:
    """Useful training FLOP that research money buys at each node.

    Research is funded from revenue, so it buys ``research_multiple`` accelerator-hours (of today's reference chip)
    for every accelerator-hour that serves the same revenue today; price-performance of chips then multiplies the
    FLOP per dollar. Args: revenue_usd (N,); inference_gpu_h_per_usd, accelerator-hours that today's revenue dollar
    needs in serving; training_flop_per_gpu_h of the reference chip; price_performance (N,), 1 at the start.
    Result: (N,) FLOP per quarter. Origin: published split of compute spending into research and inference.
    """
    gpu_h = revenue_usd * inference_gpu_h_per_usd * research_multiple
    return gpu_h * training_flop_per_gpu_h * price_performance
