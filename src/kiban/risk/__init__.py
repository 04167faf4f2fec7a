"""Risk: the plan and its rivals under sampled futures."""

from kiban.risk.run import run_risk

__all__ = ["run_risk"]
