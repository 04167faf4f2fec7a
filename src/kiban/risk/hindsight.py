"""What each future of the tree would be worth to a programme that knew it from the start."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.plan.case import Market, PlanCase
from kiban.plan.inputs import build_inputs
from kiban.plan.lp import Solver
from kiban.plan.program import build_program
from kiban.results import Study
from kiban.scenario import Scenario

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


def hindsight_npv_usd(scenario: Scenario, catalog: Catalog, study: Study) -> Array:
    """(L,) value of the best plan of each leaf's history alone, in real USD.

    The programme of the plan room on one path of the tree: the wait-and-see problem (Madansky 1960), so no plan is
    worth more in that leaf. Halls may be started in any amount, without whole modules, which keeps that bound.
    Args: catalog with the scenario's overrides.
    """
    case = build_inputs(scenario, catalog, study.demand, study.fleet, study.site, study.supply).case
    case = replace(case, halls=replace(case.halls, module_it_mw=np.zeros_like(case.halls.module_it_mw)))
    vertex: object | None = None
    shape = (0, 0)
    found = []
    for path in study.plan.leaf_path:
        solver = Solver(build_program(path_case(case, path)))
        size = (solver.model.n_columns, solver.model.n_rows)
        solver.start_from(vertex if size == shape else None)
        found.append(solver.value_usd(solver.solve(solver.program.upper)))
        vertex, shape = solver.basis(), size
    return np.array(found)


def path_case(case: PlanCase, path: IntArray) -> PlanCase:
    """The plan problem on one history, which then is certain. Args: path (T,), its nodes by quarter."""
    held = case.market
    market = Market(
        training_flop=held.training_flop[path],
        free_tok=held.free_tok[path],
        resident_tok=held.resident_tok[path],
        usd_per_tok=held.usd_per_tok[path],
        training_usd_per_flop=held.training_usd_per_flop[path],
        gpu_price_factor=held.gpu_price_factor[path],
        rent_factor=held.rent_factor[path],
        power_price_factor=held.power_price_factor[path],
        serving_gain_factor=held.serving_gain_factor[path],
        peak_to_mean_factor=held.peak_to_mean_factor,
    )
    return replace(
        case,
        parent=np.arange(len(path)) - 1,
        quarter=case.quarter[path],
        probability=np.ones(len(path)),
        market=market,
    )
