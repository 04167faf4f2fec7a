"""Time of collective operations on two tiers of network: the scale-up domain and the adapters beyond it.

Equations: alpha-beta costs of rings (Thakur, Rabenseifner & Gropp 2005): n bytes over g ranks take (g - 1) alpha +
n (g - 1)/g / B for a gather or a scatter. Over both tiers a gather is a ring inside each domain and one between
domains in which each of the k members of a domain carries 1/k of the bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Network:
    """Links of one accelerator, one direction."""

    up_bytes_per_s: float
    domain: int
    out_bytes_per_s: float
    up_hop_s: float
    """One hop inside a scale-up domain."""
    out_hop_s: float
    """One hop between domains."""


def members(network: Network, stride: Array, group: Array) -> Array:
    """Ranks of a group that share a scale-up domain, when neighbours in the group lie ``stride`` ranks apart."""
    return np.minimum(group, np.maximum(network.domain / stride, 1.0))


def gather_s(network: Network, bytes_: Array, stride: Array, group: Array) -> Array:
    """Seconds of one gather (or reduce-scatter) of ``bytes_`` in all over each group; 0 for groups of one, (n,)."""
    inside = members(network, stride, group)
    domains = group / inside
    up = bytes_ * ((1.0 - 1.0 / inside) / network.up_bytes_per_s) + (inside - 1.0) * network.up_hop_s
    out = bytes_ * ((1.0 - 1.0 / domains) / network.out_bytes_per_s) / inside + (domains - 1.0) * network.out_hop_s
    return up + out


def exchange_s(network: Network, bytes_: Array, copies: float, stride: Array, group: Array) -> tuple[Array, Array]:
    """Seconds inside and beyond the domain of an all-to-all in which each rank sends ``copies`` copies of its tokens.

    Arguments: bytes of one copy of a rank's tokens; copies per token; stride and size of the group, (n,).
    A token goes to each other domain once however many of its experts live there: of n domains (n - 1)(1 - (1 -
    1/n)^copies) get it, each expert being drawn evenly. Source of sending once: DeepSeek-V3 (arXiv:2412.19437),
    section 3.2.2. Latency: one hop per other domain and one per other member.
    """
    inside = members(network, stride, group)
    domains = group / inside
    far = (domains - 1.0) * (1.0 - (1.0 - 1.0 / domains) ** copies)
    up = bytes_ * copies * (1.0 - 1.0 / inside) / network.up_bytes_per_s + (inside - 1.0) * network.up_hop_s
    return up, bytes_ * far / network.out_bytes_per_s + (domains - 1.0) * network.out_hop_s
