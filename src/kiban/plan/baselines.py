"""The pure strategies that are solved beside the plan: the same programme with rungs closed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.plan.program import Program
from kiban.results import Rung

Array = NDArray[np.float64]

BASELINES = ("all_cloud", "all_leased", "all_owned", "wait_two_years")
WAIT_QUARTERS = 8
LEASED_KINDS = ("operator_sublet", "landlord_lease")


def upper_bounds(program: Program, rungs: tuple[Rung, ...], baseline: str) -> Array:
    """Upper bounds of all columns under a baseline; ``plan`` closes nothing.

    Halls that are signed already stay in every plan: their rent is due whatever is decided.
    all_cloud: no new hall and no own silicon, only cloud and neocloud. all_leased: halls of operators and landlords
    with own silicon; all_owned: own halls with own silicon; both rent no accelerators, except cloud for tokens that
    must stay in their region, which no hall can serve. wait_two_years: for eight quarters nothing is signed, started
    or ordered but cloud by the quarter. Each is a subset of the plan's choices, so none can be worth more.
    """
    case, columns, upper = program.case, program.columns, program.upper.copy()
    kinds = np.array([rungs[k].kind for k in case.halls.rung], dtype=object)
    cloud = case.rents.is_cloud
    if baseline == "all_cloud":
        upper[columns.hall_start] = 0.0
        upper[columns.buy] = 0.0
    elif baseline in ("all_leased", "all_owned"):
        keep = np.isin(kinds, LEASED_KINDS) if baseline == "all_leased" else kinds == "owned"
        upper[columns.hall_start[:, ~keep]] = 0.0
        upper[columns.sign[:, ~cloud]] = 0.0
        upper[columns.rent_train] = 0.0
        upper[columns.rent_infer] = 0.0
    elif baseline == "wait_two_years":
        early = case.quarter < WAIT_QUARTERS
        upper[columns.hall_start[early]] = 0.0
        upper[columns.buy[early]] = 0.0
        upper[columns.sign[np.ix_(early, ~cloud)]] = 0.0
    elif baseline != "plan":
        raise ValueError(f"no baseline {baseline!r}; there are plan, {', '.join(BASELINES)}")
    return upper
