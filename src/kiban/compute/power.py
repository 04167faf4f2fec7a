"""Power of accelerators and nodes by phase of work and load, and energy per token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Phase = Literal["idle", "training", "prefill", "decode"]
PHASES: tuple[Phase, ...] = ("idle", "training", "prefill", "decode")
_DOUBLINGS_TO_128 = 7.0


@dataclass(frozen=True)
class PhaseDraw:
    """Draw of one accelerator as a share of its TDP, each (3,): P10, P50, P90."""

    idle: Array
    training: Array
    prefill: Array
    decode_single: Array
    """Decoding one request."""
    decode_128: Array
    """Decoding 128 requests together."""


@dataclass(frozen=True)
class NodePower:
    """A node or rack: accelerators, and all that stands beside them."""

    accelerators: float
    tdp_w: float
    """Of one accelerator."""
    rated_w: float
    """Maker's rating of the whole node or rack."""
    host_full_frac: float
    """Share of (rating - accelerators) that CPUs, memory, NICs, fans and conversion draw in training."""
    host_idle_frac: float
    """Share of that which remains when the accelerators idle."""


def decode_draw_frac(draw: PhaseDraw, batch: ArrayLike) -> Array:
    """Draw while decoding so many requests together, as a share of TDP.

    Arguments: draw; batch of one engine, any shape. Result: (3, ...), P10, P50, P90. Equation: a straight line in
    log2(batch) through the draws at 1 and at 128, no lower than the first and no higher than prefill. Source: the two
    points are published measurements; the line is an assumption. On 695 published configurations of ML.ENERGY (not used
    here) its mean error is 16 % on H100 and 26 % on B200, bias -3 %.
    """
    size = np.maximum(np.asarray(batch, dtype=np.float64), 1.0)
    one, many, top = (_spread(x, size.ndim) for x in (draw.decode_single, draw.decode_128, draw.prefill))
    line = one + (many - one) * np.log2(size) / _DOUBLINGS_TO_128
    return np.asarray(np.clip(line, one, np.maximum(top, one)))


def draw_frac(draw: PhaseDraw, phase: Phase, load: ArrayLike = 1.0, batch: ArrayLike = 128.0) -> Array:
    """Mean draw of an accelerator that works on a phase for a share of the time, as a share of TDP.

    Arguments: draw; phase; load, busy share 0..1, any shape; batch, for decode only, broadcast with load.
    Result: (3, ...). Equation: idle + load (phase - idle). Raises ValueError if a load is outside 0..1.
    """
    busy = np.asarray(load, dtype=np.float64)
    if ((busy < 0) | (busy > 1)).any():
        raise ValueError(f"load runs from {busy.min():g} to {busy.max():g}; it must lie between 0 and 1")
    if phase == "decode":
        full = decode_draw_frac(draw, np.broadcast_to(batch, np.broadcast_shapes(busy.shape, np.shape(batch))))
    else:
        full = _spread(getattr(draw, phase), busy.ndim)
    idle = _spread(draw.idle, full.ndim - 1)
    return np.asarray(idle + busy * (full - idle))


def host_w(node: NodePower, draw: PhaseDraw, accelerator_frac: ArrayLike) -> Array:
    """Power beside the accelerators, W.

    Arguments: node; draw; draw of the accelerators as a share of TDP, any shape. Equation: (rating - n TDP) f
    (h + (1 - h) x) with x the draw above idle over that of training, 0..1: fans, CPUs and NICs follow the work in part.
    """
    idle, training = draw.idle[1], draw.training[1]
    x = np.clip((np.asarray(accelerator_frac, dtype=np.float64) - idle) / (training - idle), 0.0, 1.0)
    beside = max(node.rated_w - node.accelerators * node.tdp_w, 0.0)
    return np.asarray(beside * node.host_full_frac * (node.host_idle_frac + (1 - node.host_idle_frac) * x))


def node_w(node: NodePower, draw: PhaseDraw, accelerator_frac: ArrayLike) -> Array:
    """Power of a node or rack, W; arguments as in ``host_w``. Never above the rating."""
    chips = node.accelerators * node.tdp_w * np.asarray(accelerator_frac, dtype=np.float64)
    return np.asarray(np.minimum(chips + host_w(node, draw, accelerator_frac), node.rated_w))


def node_frac(node: NodePower, draw: PhaseDraw, accelerator_frac: ArrayLike) -> Array:
    """Power of a node or rack as a share of its rating."""
    return node_w(node, draw, accelerator_frac) / node.rated_w


def fleet_mw(accelerators: ArrayLike, it_kw: ArrayLike, power_frac: ArrayLike) -> Array:
    """Mean IT power of a fleet, MW: accelerators x rated kW each x share of the rating; broadcast."""
    count, kw, share = (np.asarray(x, dtype=np.float64) for x in (accelerators, it_kw, power_frac))
    return np.asarray(count * kw * share / 1e3)


def joules_per_tok(it_kw: ArrayLike, power_frac: ArrayLike, tok_per_s: ArrayLike) -> Array:
    """Energy per token, J: rated kW x share of the rating / tokens per second; broadcast."""
    kw, share, rate = (np.asarray(x, dtype=np.float64) for x in (it_kw, power_frac, tok_per_s))
    return np.asarray(kw * 1e3 * share / rate)


def _spread(values: Array, dimensions: int) -> Array:
    return values.reshape((3,) + (1,) * dimensions)
