"""Grid, contracts, storage and gas to hourly least-cost supply, its price and its carbon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kiban.energy.campus_swings import run_swings
    from kiban.energy.run import run_energy

__all__ = ["run_energy", "run_swings"]


def __getattr__(name: str) -> Any:
    """Load the doors of a study only when they are asked for: the dispatch alone needs no scenario and no catalogue."""
    if name == "run_energy":
        from kiban.energy.run import run_energy

        return run_energy
    if name == "run_swings":
        from kiban.energy.campus_swings import run_swings

        return run_swings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
