"""Grid, contracts, storage and gas to hourly least-cost supply, its price and its carbon."""

from kiban.energy.run import run_energy

__all__ = ["run_energy"]
