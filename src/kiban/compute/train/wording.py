"""A layout as one word list, ``tp=8,pp=4,...``, as the command line reads and writes it."""

from __future__ import annotations

from kiban.compute.train.layouts import FULL, NO_RECOMPUTE, SELECTIVE, Layouts

WORDS: dict[str, tuple[str, dict[str, int]]] = {
    "tp": ("tensor", {}),
    "pp": ("pipeline", {}),
    "vp": ("interleave", {}),
    "cp": ("context", {}),
    "ep": ("expert", {}),
    "dp": ("data", {}),
    "mbs": ("micro_batch", {}),
    "recompute": ("recompute", {"none": NO_RECOMPUTE, "selective": SELECTIVE, "full": FULL}),
    "sp": ("sequence_parallel", {"no": 0, "yes": 1}),
    "shard": ("shard", {"no": 0, "zero1": 1, "fsdp": 3}),
}
"""Key, the column of ``Layouts``, and its words where it has no free numbers."""


def layout_dict(layouts: Layouts, index: int) -> dict[str, int | str]:
    """One layout by key."""
    out: dict[str, int | str] = {}
    for key, (column, words) in WORDS.items():
        value = int(getattr(layouts, column)[index])
        out[key] = next((word for word, number in words.items() if number == value), value)
    return out


def layout_words(layouts: Layouts, index: int) -> str:
    """One layout in the words of ``--layout``."""
    return ",".join(f"{key}={value}" for key, value in layout_dict(layouts, index).items())
