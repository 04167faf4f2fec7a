"""Returns and levelised costs beside IRR and NPV, by history."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.results import Demand, Fleet, Plan, PlanOutcome
from kiban.units import HOURS_PER_QUARTER
from kiban.units.calendar import SECONDS_PER_HOUR

Array = NDArray[np.float64]


def mirr(flows: Array, finance_frac_per_year: float, reinvest_frac_per_year: float, periods_per_year: int = 4) -> Array:
    """Modified internal rate of return a year, (n,): NaN where a row lacks one of the signs.

    Money in is discounted to the first period at the finance rate, money out is carried to the last at the reinvestment
    rate: (1 + MIRR)^((T - 1)/p) = FV(positive) / -PV(negative). Args: flows (n, T), equal periods. It always is one
    number, so it stands beside an IRR that has several roots. Source: the definition of spreadsheets' MIRR.
    """
    time = np.arange(flows.shape[1]) / periods_per_year
    end = time[-1]
    put = -np.minimum(flows, 0) @ (1 + finance_frac_per_year) ** -time
    got = np.maximum(flows, 0) @ (1 + reinvest_frac_per_year) ** (end - time)
    ratio = np.divide(got, put, out=np.full(len(flows), np.nan), where=(put > 0) & (got > 0))
    return np.asarray(ratio ** (1 / end) - 1) if end > 0 else np.full(len(flows), np.nan)


def in_service(outcome: PlanOutcome, plan: Plan) -> Array:
    """Accelerators in service, own and rented, (N, K, G)."""
    hall = np.array([rung.holds_hall for rung in plan.rungs])
    return outcome.node_silicon_live * hall[:, None] + outcome.node_rent_live


def levelised(outcome: PlanOutcome, plan: Plan, demand: Demand, fleet: Fleet) -> tuple[Array, float, float]:
    """Levelised cost of compute: by history per hour in service, expected per hour, expected per effective FLOP.

    LCOC = PV(cost before income tax) / PV(accelerator-hours in service), the energy sector's LCOE with hours in place
    of MWh. Effective FLOP: hours at work, training or serving, times what the type does in training (P50) times
    goodput. NaN without hours.
    """
    order = [fleet.accelerators.index(name) for name in plan.accelerators]
    speed = (fleet.accelerator_training_flop_per_s[:, 1] * fleet.accelerator_goodput_frac)[order]
    work = (outcome.node_training_accelerators + outcome.node_inference_accelerators).sum(axis=1)
    hours = in_service(outcome, plan).sum(axis=(1, 2)) * HOURS_PER_QUARTER
    flop = work @ speed * HOURS_PER_QUARTER * SECONDS_PER_HOUR
    cost = outcome.node_rung_cost_usd.sum(axis=(1, 2))
    factor = plan.node_discount_factor
    by_leaf = [(values * factor)[plan.leaf_path].sum(axis=1) for values in (cost, hours)]
    weight = demand.tree.node_probability * factor
    total, all_hours, all_flop = (float(weight @ values) for values in (cost, hours, flop))
    leaf = np.divide(by_leaf[0], by_leaf[1], out=np.full(len(by_leaf[0]), np.nan), where=by_leaf[1] > 0)
    return leaf, _ratio(total, all_hours), _ratio(total, all_flop)


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0 else float("nan")
