"""The answer to one measurement row."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """P10, P50 and P90 in the row's unit, or a refusal with its reason."""

    p10: float
    p50: float
    p90: float
    status: str
    """``answered`` or ``refused``."""
    reason: str
    """What the answer rests on, or what is missing."""


def refused(reason: str) -> Answer:
    """Refuse a row."""
    nan = float("nan")
    return Answer(nan, nan, nan, "refused", reason)
