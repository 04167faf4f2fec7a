"""Every figure of a study, in the order of the report."""

from __future__ import annotations

from kiban.figures.bubble import bubble_figures
from kiban.figures.capacity import capacity_figures
from kiban.figures.caution import caution_figures
from kiban.figures.climate import climate_figures
from kiban.figures.costs import cost_figures
from kiban.figures.figure import Basis, Figure
from kiban.figures.futures import options_figure, tree_figure
from kiban.figures.hours import hours_figures
from kiban.figures.impact import impact_figures
from kiban.figures.lender import lender_figures
from kiban.figures.matching import matching_figures
from kiban.figures.phases import phases_figure
from kiban.figures.places import pair_of, places_figures
from kiban.figures.power import power_figures
from kiban.figures.risk import risk_figures
from kiban.figures.site_year import site_years
from kiban.results import Risk, Study


def all_figures(study: Study, risk: Risk, basis: Basis) -> list[Figure]:
    """Return the figures of a study and its risk runs; those without data hold a sentence instead of a chart."""
    quarters = study.demand.tree.quarters
    return [
        options_figure(study.plan, quarters, basis),
        *caution_figures(study.plan, basis),
        *cost_figures(study.finance, study.fleet, basis),
        *capacity_figures(study, basis),
        tree_figure(study, basis),
        *places_figures(study, risk, basis),
        phases_figure(study, basis),
        *climate_figures(study.site, basis, pair_of(study) or ()),
        *matching_figures(site_years(study), basis),
        *hours_figures(study, basis),
        *power_figures(study.supply, basis, pair_of(study) or ()),
        *bubble_figures(risk, study.finance, study.plan, basis),
        *lender_figures(study.finance, study.plan, quarters, basis),
        *risk_figures(risk, basis),
        *impact_figures(study.impact, quarters, basis),
    ]
