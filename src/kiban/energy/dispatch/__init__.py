"""Sizing and hourly dispatch of one site over one or several whole years, as a persistent linear programme."""

from kiban.energy.dispatch.answer import Answer
from kiban.energy.dispatch.axis import Axis, hourly_axis, weekly_axis
from kiban.energy.dispatch.parts import Battery, Case, Clean, DemandCharge, Flexible, Grid, Plant, Source
from kiban.energy.dispatch.programme import Programme

__all__ = [
    "Answer",
    "Axis",
    "Battery",
    "Case",
    "Clean",
    "DemandCharge",
    "Flexible",
    "Grid",
    "Plant",
    "Programme",
    "Source",
    "hourly_axis",
    "weekly_axis",
]
