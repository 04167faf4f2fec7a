"""Demand: compute wanted and market prices by quarter and region on the tree of futures."""

from kiban.demand.run import run_demand

__all__ = ["run_demand"]
