"""How a number was made: its formula and the names of what went in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Trace:
    """One step of a derivation; ``inputs`` are names of other traces, catalogue keys or scenario paths."""

    name: str
    value: float
    unit: str
    formula: str
    inputs: tuple[str, ...]
