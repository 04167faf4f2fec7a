"""A plan along each leaf of the tree as arrays that a future can bend: capability, cost lines, market."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.results import Demand, Fleet, Plan, PlanOutcome
from kiban.units import HOURS_PER_QUARTER
from kiban.units.calendar import SECONDS_PER_HOUR

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

DELAYED_LINES = frozenset({"hall_rent", "energy", "operation"})
"""Lines that start when a hall goes live and therefore wait with it."""


@dataclass(frozen=True)
class Market:
    """What each leaf L of the tree brings by quarter T, before any shock."""

    wanted_tok: Array
    wanted_flop: Array
    token_value_usd: Array
    """(L, T) value of a served token."""
    flop_value_usd: Array
    revenue_usd: Array
    discount: Array
    """(T,)."""
    years: Array
    """(T,) years since the start."""


@dataclass(frozen=True)
class Exposure:
    """One plan: capability per quarter if all accelerators did that work, by leaf L, group and quarter T.

    Groups: own accelerators of today, own ones of later generations, rented of today, rented of later generations.
    """

    name: str
    tok: Array
    """(L, 4, T) tokens at mean traffic, serving gain included."""
    flop: Array
    """(L, 4, T) useful training FLOP, failures deducted."""
    hall_live_mw: Array
    """(L, T)."""
    fixed_usd: Array
    """(L, T) lines that no shock bends."""
    delayed_usd: Array
    """(L, T) hall rent and operation."""
    energy_usd: Array
    silicon_usd: Array
    rent_usd: Array
    base_use_frac: Array
    """(L, T) share of the fleet at work in the base study."""
    base_npv_usd: Array
    """(L,) NPV of the leaf as the plan room computed it."""
    gpu_h: Array
    """(L, T) accelerator-hours in service."""
    used_gpu_h: Array
    """(L, T) accelerator-hours at work."""


def market_of(demand: Demand, plan: Plan, compute_value_frac: float) -> Market:
    """Gather the market along the leaves."""
    path = plan.leaf_path
    tok = demand.node_inference_tok.sum(axis=1)
    return Market(
        wanted_tok=tok[path],
        wanted_flop=demand.node_training_flop[path],
        token_value_usd=demand.node_token_price_usd_per_mtok[path] * compute_value_frac / 1e6,
        flop_value_usd=demand.node_training_value_usd_per_flop[path],
        revenue_usd=demand.node_revenue_usd[path],
        discount=plan.node_discount_factor[path[0]],
        years=np.arange(path.shape[1]) / 4,
    )


def exposure_of(outcome: PlanOutcome, demand: Demand, fleet: Fleet, plan: Plan) -> Exposure:
    """Gather one plan along the leaves."""
    order = [fleet.accelerators.index(name) for name in plan.accelerators]
    later = fleet.accelerator_available_quarter[order] > 0
    hall = np.array([rung.holds_hall for rung in plan.rungs])
    own = (outcome.node_silicon_live * hall[:, None]).sum(axis=1)
    rented = outcome.node_rent_live.sum(axis=1)
    seconds = HOURS_PER_QUARTER * SECONDS_PER_HOUR
    gain = demand.node_serving_gain_factor / demand.peak_to_mean_factor
    tok = fleet.accelerator_inference_tok_per_s[order, 1] * seconds
    flop = fleet.accelerator_training_flop_per_s[order, 1] * fleet.accelerator_goodput_frac[order] * seconds
    groups = [own * ~later, own * later, rented * ~later, rented * later]
    path = plan.leaf_path
    cost = outcome.node_rung_cost_usd.sum(axis=1)
    lines = {name: cost[:, c][path] for c, name in enumerate(outcome.cost_lines)}
    working = (outcome.node_training_accelerators + outcome.node_inference_accelerators).sum(axis=(1, 2))
    live = own.sum(axis=1) + rented.sum(axis=1)
    bent = {"silicon_capex", "accelerator_rent", *DELAYED_LINES}
    discount = plan.node_discount_factor
    leaf_value = (outcome.node_value_usd - cost.sum(axis=1)) * discount
    return Exposure(
        name=outcome.name,
        tok=np.stack([(g @ tok * gain)[path] for g in groups], axis=1),
        flop=np.stack([(g @ flop)[path] for g in groups], axis=1),
        hall_live_mw=outcome.node_hall_live_it_mw.sum(axis=1)[path],
        fixed_usd=sum((v for name, v in lines.items() if name not in bent), np.zeros(path.shape)),
        delayed_usd=lines["hall_rent"] + lines["operation"],
        energy_usd=lines["energy"],
        silicon_usd=lines["silicon_capex"],
        rent_usd=lines["accelerator_rent"],
        base_use_frac=np.divide(working, live, out=np.ones_like(live), where=live > 0)[path],
        base_npv_usd=leaf_value[path].sum(axis=1),
        gpu_h=live[path] * HOURS_PER_QUARTER,
        used_gpu_h=working[path] * HOURS_PER_QUARTER,
    )
