"""What each future of the tree would be worth to a programme that knew it from the start."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.plan.inputs import build_inputs
from kiban.plan.restricted import wait_and_see_usd
from kiban.results import Study
from kiban.scenario import Scenario

Array = NDArray[np.float64]


def hindsight_npv_usd(scenario: Scenario, catalog: Catalog, study: Study) -> Array:
    """(L,) value of the best plan of each leaf's history alone, in real USD.

    The programme of the plan room on one path of the tree: the wait-and-see problem (Madansky 1960), so no plan is
    worth more in that leaf. Taken from the plan's own measures where it has them; else halls may be started in any
    amount, without whole modules, which keeps that bound. Args: catalog with the scenario's overrides.
    """
    if study.plan.measures is not None:
        return study.plan.measures.leaf_wait_and_see_usd
    case = build_inputs(scenario, catalog, study.demand, study.fleet, study.site, study.supply).case
    whole = np.zeros_like(case.halls.module_it_mw)
    return wait_and_see_usd(replace(case, halls=replace(case.halls, module_it_mw=whole)))
