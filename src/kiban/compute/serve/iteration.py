"""What one iteration of a serving engine costs; the hand-over between cost model, steady state and simulator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class IterationCost:
    """Seconds of one engine iteration, linear in all but the number of decoding requests.

    An iteration that decodes b requests with c cached tokens in all, and computes n prompt tokens that attend to p
    pairs (token, earlier token), takes decode_s[b] + c context_s + n prefill_tok_s + p prefill_pair_s, and
    at least ``floor_s``. One engine is one group of accelerators (tensor x expert x attention-data parallel).
    """

    accelerators: int
    decode_s: Array
    """Seconds without caches by number of decoding requests 0..max, (max + 1,); [0] is 0."""
    context_s: float
    prefill_tok_s: float
    prefill_pair_s: float
    floor_s: float
    kv_capacity_tok: float
    """Cached tokens that fit beside the weights."""

    def iteration_s(self, decoding: int, context_tok: float, prefill_tok: float, prefill_pairs: float) -> float:
        """Seconds of one iteration; arguments as in the class."""
        busy = (
            float(self.decode_s[decoding])
            + context_tok * self.context_s
            + prefill_tok * self.prefill_tok_s
            + prefill_pairs * self.prefill_pair_s
        )
        return max(busy, self.floor_s)
