"""The layouts that no other beats in both time and memory, kept while chunks of layouts pass by."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from kiban.compute.train.layouts import Layouts

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Rated:
    """Layouts with their step time and memory, (n,) each."""

    layouts: Layouts
    step_s: Array
    memory_bytes: Array

    def __len__(self) -> int:
        return len(self.step_s)

    def take(self, where: NDArray[np.int64] | NDArray[np.bool_]) -> Rated:
        """Some of them."""
        return Rated(take(self.layouts, where), self.step_s[where], self.memory_bytes[where])

    def join(self, other: Rated) -> Rated:
        """Both, in this order."""
        columns = {
            f.name: np.concatenate([getattr(self.layouts, f.name), getattr(other.layouts, f.name)])
            for f in fields(Layouts)
        }
        return Rated(
            Layouts(**columns),
            np.concatenate([self.step_s, other.step_s]),
            np.concatenate([self.memory_bytes, other.memory_bytes]),
        )


def take(layouts: Layouts, where: NDArray[np.int64] | NDArray[np.bool_]) -> Layouts:
    """Some layouts."""
    return Layouts(**{f.name: getattr(layouts, f.name)[where] for f in fields(Layouts)})


def front(rated: Rated) -> Rated:
    """The Pareto set of step time and memory, fastest first; of layouts equal in both, the first."""
    order = np.lexsort((rated.memory_bytes, rated.step_s))
    lightest = np.minimum.accumulate(rated.memory_bytes[order])
    stays = np.ones(len(order), dtype=bool)
    stays[1:] = rated.memory_bytes[order][1:] < lightest[:-1]
    return rated.take(order[stays])


def merge_front(kept: Rated, chunk: Rated) -> Rated:
    """Pareto set of a Pareto set and a chunk; what the set beats is dropped before anything is sorted."""
    if len(kept):
        place = np.searchsorted(kept.step_s, chunk.step_s, side="right")
        limit = np.concatenate([[np.inf], kept.memory_bytes])[place]
        chunk = chunk.take(np.flatnonzero(chunk.memory_bytes < limit))
    return front(kept.join(chunk)) if len(chunk) else kept


def merge_best(kept: Rated, chunk: Rated, count: int) -> Rated:
    """The ``count`` fastest of both, fastest first; of equally fast ones the lightest."""
    if len(kept) >= count:
        chunk = chunk.take(np.flatnonzero(chunk.step_s <= kept.step_s[-1]))
    if not len(chunk):
        return kept
    both = kept.join(chunk)
    return both.take(np.lexsort((both.memory_bytes, both.step_s))[:count])
