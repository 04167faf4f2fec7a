"""Impact: carbon, water, jobs, and where each dollar goes."""

from kiban.impact.run import run_impact

__all__ = ["run_impact"]
