"""Names of the decision columns of a plan: index arrays into one flat vector, in real units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class PlanColumns:
    """Column numbers by node.

    N nodes, H halls, S sites, A areas, P pools (area and type), V rents, C rents from a cloud, R regions.
    """

    hall_start: IntArray
    """(N, H) IT MW signed or started."""
    site_live: IntArray
    """(N, S) IT MW in service at the site."""
    buy: IntArray
    """(N, P) own accelerators ordered."""
    stock: IntArray
    """(N, P) own accelerators delivered and within their life."""
    live: IntArray
    """(N, P) own accelerators in service."""
    sold: IntArray
    """(N, P) own accelerators sold."""
    sublet: IntArray
    """(N, A) IT MW of own and leased halls that others use in the quarter."""
    train: IntArray
    """(N, P) own accelerators at work on training."""
    infer: IntArray
    """(N, P) own accelerators at work on inference."""
    train_draw: IntArray
    """(N, S) IT MW that training draws at the site."""
    infer_draw: IntArray
    """(N, S) IT MW that serving draws at the site."""
    sign: IntArray
    """(N, V) rented accelerators signed."""
    rented: IntArray
    """(N, V) rented accelerators under contract."""
    rent_train: IntArray
    """(N, V) rented accelerators at work on training."""
    rent_infer: IntArray
    """(N, V) rented accelerators at work on inference that may be served anywhere."""
    rent_resident: IntArray
    """(N, C) cloud accelerators at work on inference that must stay in a region."""
    trained: IntArray
    """(N,) useful training FLOP served."""
    free: IntArray
    """(N,) tokens served that may be served anywhere."""
    resident: IntArray
    """(N,) tokens served inside their region."""
    upfront: IntArray
    """(N,) money spent up front so far."""
