"""One small frozen dataclass per hand-over; no logic."""

from kiban.results.demand import Demand, Tree
from kiban.results.finance import (
    CostSheet,
    DownsideCase,
    Finance,
    Irr,
    LossGivenDefault,
    PlanMetrics,
    Statements,
    UnitCost,
)
from kiban.results.fleet import Fleet
from kiban.results.impact import Claim, Impact, MoneyFlow
from kiban.results.measures import FrontierPoint, LeastRegret, OptionWorth, PlanMeasures
from kiban.results.plan import Action, Plan, PlanOutcome, Rung
from kiban.results.risk import Driver, Flip, Gauge, Regime, Regret, Risk, Tornado
from kiban.results.site import Hall, PathSaving, Site, SitePhase
from kiban.results.study import Study
from kiban.results.supply import Supply, SupplyCase
from kiban.results.swings import SiteSwing, Swings, SwingWay
from kiban.results.trace import Trace

__all__ = [
    "Action",
    "Claim",
    "CostSheet",
    "Demand",
    "DownsideCase",
    "Driver",
    "Finance",
    "Fleet",
    "Flip",
    "FrontierPoint",
    "Gauge",
    "Hall",
    "Impact",
    "Irr",
    "LeastRegret",
    "LossGivenDefault",
    "MoneyFlow",
    "OptionWorth",
    "PathSaving",
    "Plan",
    "PlanMeasures",
    "PlanMetrics",
    "PlanOutcome",
    "Regime",
    "Regret",
    "Risk",
    "Rung",
    "Site",
    "SitePhase",
    "SiteSwing",
    "Statements",
    "Study",
    "Supply",
    "SupplyCase",
    "SwingWay",
    "Swings",
    "Tornado",
    "Trace",
    "Tree",
    "UnitCost",
]
