"""What the demand room hands over."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kiban.results.trace import Trace

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Tree:
    """The scenario tree as arrays over N nodes, ordered by quarter; parents come before children."""

    quarters: tuple[str, ...]
    """Labels of the T quarters, ``2026Q4`` first."""
    node_parent: IntArray
    """Parent of each node, -1 at the root."""
    node_quarter: IntArray
    """Index of the node's quarter."""
    node_probability: Array
    """Unconditional chance; sums to 1 in every quarter."""
    node_future: tuple[str, ...]
    """Name of the history that leads to the node, such as ``boom/bust``."""


@dataclass(frozen=True)
class Demand:
    """Compute wanted and market prices at every node, before anything is built."""

    tree: Tree
    regions: tuple[str, ...]
    """R names of the regions where users are."""
    node_training_flop: Array
    """(N,) useful training FLOP wanted in the quarter."""
    node_inference_tok: Array
    """(N, R) tokens (prompt and answer) wanted in the quarter by region."""
    node_token_price_usd_per_mtok: Array
    """(N,) revenue per million tokens served, prompt and answer in the scenario's mix, unbilled ones included."""
    node_training_value_usd_per_flop: Array
    """(N,) what the programme would pay at most for a useful training FLOP."""
    node_revenue_usd: Array
    """(N,) revenue of the quarter if all inference demand is served."""
    node_gpu_price_factor: Array
    """(N,) price of new accelerators against the catalogue."""
    node_rent_factor: Array
    """(N,) rent of cloud and neocloud accelerators of any type against its catalogue row (scarcity)."""
    node_power_price_factor: Array
    """(N,) price of electricity against the energy room's base year."""
    node_serving_gain_factor: Array
    """(N,) tokens per accelerator against today's software (algorithms and software, not chips)."""
    region_residency_frac: Array
    """(R,) share of the region's tokens that must be served inside the region."""
    peak_to_mean_factor: float
    """Peak hour of inference traffic against its mean."""
    output_tok_frac: float
    """Share of tokens that are generated, the rest is prompt."""
    residuals: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    traces: tuple[Trace, ...] = ()
