"""The door check that every quantile function shares."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def checked_probabilities(u: ArrayLike) -> Array:
    """The probabilities u as float64, refused outside 0..1."""
    array = np.asarray(u, dtype=np.float64)
    if array.size and not (array.min() >= 0.0 and array.max() <= 1.0):
        raise ValueError(f"ppf takes probabilities in 0..1, got {array.min():g} to {array.max():g}")
    return array
