"""Grid, contracts, storage and gas to hourly least-cost supply, its price and its carbon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kiban.energy.run import run_energy

__all__ = ["run_energy"]


def __getattr__(name: str) -> Any:
    """Load the door of a study only when it is asked for: the dispatch alone needs no scenario and no catalogue."""
    if name != "run_energy":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from kiban.energy.run import run_energy

    return run_energy
