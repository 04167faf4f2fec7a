"""The transfer price of compute: what the same work would cost on the rental market of the day."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiban.results import Demand, Fleet, Plan, PlanOutcome
from kiban.units import HOURS_PER_QUARTER

Array = NDArray[np.float64]


def relative_speed(fleet: Fleet) -> Array:
    """Work per hour of each type against the first one, (G,): geometric mean of training and serving rates."""
    training = fleet.accelerator_training_flop_per_s[:, 1] * fleet.accelerator_goodput_frac
    serving = fleet.accelerator_inference_tok_per_s[:, 1]
    return np.sqrt(training / training[0] * serving / serving[0])


def work_price_usd_per_h(fleet: Fleet, quarters: int) -> Array:
    """Rent of the first type's work per hour with the cheapest type on offer, (T,), before scarcity.

    In each quarter the market's price of work is the least rent per unit of work over the types that are sold by then:
    a newer type that does more for its rent lowers what an older one can earn. Contract rents; discounted list
    prices of hyperscalers where no type has a contract rent. Raises ValueError if no type has either.
    """
    speed = relative_speed(fleet)
    for rents in (fleet.accelerator_neocloud_usd_per_gpu_h, fleet.accelerator_cloud_usd_per_gpu_h):
        known = np.isfinite(rents)
        if known.any():
            per_work = np.where(known, rents / speed, np.inf)
            sold = fleet.accelerator_available_quarter[None, :] <= np.arange(quarters)[:, None]
            price = np.where(sold, per_work[None, :], np.inf).min(axis=1)
            first = float(per_work[known].max()) if not np.isfinite(price).all() else 0.0
            return np.where(np.isfinite(price), price, first)
    raise ValueError("no accelerator of the scenario has a known rent, so compute has no transfer price")


def market_price_usd_per_h(demand: Demand, fleet: Fleet) -> Array:
    """Market rent of an hour of the first type's work at each node, (N,) real USD, scarcity included."""
    base = work_price_usd_per_h(fleet, len(demand.tree.quarters))
    return np.asarray(base[demand.tree.node_quarter] * demand.node_rent_factor)


def market_value_usd(outcome: PlanOutcome, plan: Plan, demand: Demand, fleet: Fleet) -> Array:
    """Work of each node at the market's price, (N,) real USD in the quarter; idle accelerators earn nothing."""
    order = [fleet.accelerators.index(name) for name in plan.accelerators]
    working = (outcome.node_training_accelerators + outcome.node_inference_accelerators).sum(axis=1)
    price = market_price_usd_per_h(demand, fleet)
    return np.asarray((working @ relative_speed(fleet)[order]) * price * HOURS_PER_QUARTER)
