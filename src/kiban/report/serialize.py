"""Results as plain JSON: the same input gives the same bytes."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import numpy as np

MAX_INLINE = 1500
"""Arrays with more elements are summarised in results.json and written whole as tables."""

NOT_RESULTS = frozenset({"room_seconds", "solve_s"})
"""Fields that differ between runs of the same input."""

_DIGITS = 10


def to_plain(value: Any) -> Any:
    """Turn a result into dicts, lists, strings and finite numbers; NaN and infinity become None.

    Floats are rounded to 10 significant digits, so that the last bits of a solver's answer do not show.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value) if f.name not in NOT_RESULTS
        }
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, dict):
        return {str(k): to_plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    return value


def _array(value: np.ndarray) -> Any:
    if value.size <= MAX_INLINE:
        return to_plain(value.tolist())
    finite = value[np.isfinite(value)]
    summary: dict[str, Any] = {"shape": list(value.shape)}
    if finite.size:
        summary |= {
            "mean": to_plain(float(finite.mean())),
            "min": to_plain(float(finite.min())),
            "max": to_plain(float(finite.max())),
        }
    return summary


def dumps(value: Any) -> str:
    """Write plain results as JSON text, keys in the order of the fields."""
    return json.dumps(to_plain(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
