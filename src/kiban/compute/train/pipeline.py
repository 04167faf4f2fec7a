"""What a pipeline adds to a step: idle slots at its ends, uneven stages, and activations sent between stages."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def bubble(pipeline: Array, micro_batches: Array, interleave: Array) -> Array:
    """Idle time against busy time: (p - 1) / (m v).

    Source: Narayanan et al. 2021 (arXiv:2104.04473), section 2.2.
    """
    return (pipeline - 1.0) / (micro_batches * interleave)


def stretch(layers: int, pipeline: Array, interleave: Array) -> Array:
    """Layers of the fullest stage against the mean: chunks are whole layers."""
    chunks = pipeline * interleave
    return np.ceil(layers / chunks) * (chunks / layers)
