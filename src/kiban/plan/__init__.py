"""The plan room: build, lease or rent, by site and quarter, on the tree of futures."""

from kiban.plan.run import run_plan

__all__ = ["run_plan"]
