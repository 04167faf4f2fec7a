"""Value of a plan in many futures at once; arrays over futures F and quarters T."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiban.results import Tree
from kiban.risk.drivers import Shock, base_shock
from kiban.risk.exposure import Exposure, Market

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

_LATER = np.array([False, True, False, True])
_OWN = np.array([True, True, False, False])


@dataclass(frozen=True)
class Valued:
    """Outcome of one plan in F futures."""

    npv_usd: Array
    served_tok: Array
    """(F, T)."""
    use_frac: Array
    """(F, T) share of the fleet at work."""


def live_share(hall_live_mw: Array, delay_quarters: Array) -> Array:
    """Share of the planned hall capacity that is live if what is not live yet comes late.

    Args: hall_live_mw (F, T); delay_quarters (F,) >= 0, fractions interpolate between whole quarters. What is live
    in the first quarter is not delayed. Result: (F, T) in 0..1, 1 where nothing is planned.
    """
    quarters = hall_live_mw.shape[1]
    whole = np.floor(delay_quarters).astype(np.int64)
    part = (delay_quarters - whole)[:, None]
    at = np.arange(quarters)[None, :] - whole[:, None]
    near = np.take_along_axis(hall_live_mw, at.clip(min=0), axis=1)
    far = np.take_along_axis(hall_live_mw, (at - 1).clip(min=0), axis=1)
    late = near * (1 - part) + far * part
    return np.divide(np.minimum(late, hall_live_mw), hall_live_mw, out=np.ones_like(late), where=hall_live_mw > 0)


def value(exposure: Exposure, market: Market, leaf_of_plan: IntArray, leaf_of_world: IntArray, shock: Shock) -> Valued:
    """Value the decisions taken along one leaf in the world of another, under a shock.

    Served work is what the fleet can do: tokens and training FLOP compete for it, the more valuable one (per share of
    the fleet) is served first. Args: leaf_of_plan, leaf_of_world (F,); shock over F futures. Result: NPV in real USD
    at the study's discount rate, corrected by the gap that this short form has to the plan room's own value of the
    same leaf (a control variate: the base study is reproduced exactly).
    """
    raw = _raw(exposure, market, leaf_of_plan, leaf_of_world, shock)
    leaves = np.arange(len(exposure.base_npv_usd))
    base = _raw(exposure, market, leaves, leaves, base_shock(len(leaves)))
    gap = exposure.base_npv_usd - base.npv_usd
    return Valued(raw.npv_usd + gap[leaf_of_plan], raw.served_tok, raw.use_frac)


def short_form_gap(exposure: Exposure, market: Market) -> Array:
    """Gap of the short form to the plan room's NPV by leaf, USD (L,)."""
    leaves = np.arange(len(exposure.base_npv_usd))
    return exposure.base_npv_usd - _raw(exposure, market, leaves, leaves, base_shock(len(leaves))).npv_usd


def _raw(exposure: Exposure, market: Market, plan: IntArray, world: IntArray, shock: Shock) -> Valued:
    years = market.years[None, :]
    share = live_share(exposure.hall_live_mw[plan], shock.delay_quarters)
    speed = np.where(_LATER, shock.chip_progress_factor[:, None], 1.0)
    group = np.where(_OWN[None, :, None], share[:, None, :], 1.0) * speed[:, :, None]
    gain = shock.serving_gain_factor[:, None] ** years
    can_tok = np.einsum("fgt,fgt->ft", exposure.tok[plan], group) * gain
    can_flop = np.einsum("fgt,fgt->ft", exposure.flop[plan], group)
    level = shock.revenue_factor[:, None] * shock.growth_factor[:, None] ** years
    want_tok = market.wanted_tok[world] * level / shock.token_price_factor[:, None]
    want_flop = market.wanted_flop[world] * level * shock.research_factor[:, None]
    tok_usd = market.token_value_usd[world] * shock.token_price_factor[:, None]
    flop_usd = market.flop_value_usd[world] * shock.rent_factor[:, None]

    serve_first = can_tok * tok_usd >= can_flop * flop_usd
    need_tok = _ratio(want_tok, can_tok)
    need_flop = _ratio(want_flop, can_flop)
    share_tok = np.where(serve_first, np.minimum(need_tok, 1), np.minimum(need_tok, 1 - np.minimum(need_flop, 1)))
    share_flop = np.where(serve_first, np.minimum(need_flop, 1 - share_tok), np.minimum(need_flop, 1))
    use = share_tok + share_flop
    served_tok = share_tok * can_tok
    income = served_tok * tok_usd + share_flop * can_flop * flop_usd

    at_work = _ratio(use, exposure.base_use_frac[plan])
    cost = (
        exposure.fixed_usd[plan]
        + exposure.delayed_usd[plan] * share
        + exposure.energy_usd[plan] * share * at_work * shock.power_price_factor[:, None]
        + exposure.silicon_usd[plan] * shock.gpu_price_factor[:, None]
        + exposure.rent_usd[plan] * _rent_now(shock, years)
    )
    return Valued((income - cost) @ market.discount, served_tok, use)


def _rent_now(shock: Shock, years: Array) -> Array:
    # Contracts of the first quarters are signed at today's known rent; later ones meet the market of the future.
    known = np.exp(-years)
    return known + (1 - known) * shock.rent_factor[:, None]


def _ratio(numerator: Array, denominator: Array) -> Array:
    big = np.full_like(np.broadcast_to(numerator, np.broadcast(numerator, denominator).shape), 1e9)
    return np.divide(numerator, denominator, out=big, where=np.asarray(denominator) > 0)


FORESIGHT_QUARTERS = 8
"""How far the name of a future tells where revenue goes: the plan's own tree reveals it at the branching."""


def follow_tree(tree: Tree, leaf_path: IntArray, market: Market, world: IntArray, shock: Shock) -> IntArray:
    """Pick the leaf that a planner follows who learns the future's name at each branching, and sees revenue.

    Wherever the tree branches he takes the child whose revenue two years on is nearest (log distance) to what the named
    future and the level seen so far make him expect. A level far from the base can therefore lead him to another branch
    than the future's own. Args: tree; leaf_path (L, T); world (F,) true leaf; shock. Result: (F,) followed leaf.
    """
    offset = np.log(market.revenue_usd)
    last = leaf_path.shape[1] - 1
    open_ = np.ones((len(world), leaf_path.shape[0]), dtype=bool)
    for quarter in range(1, leaf_path.shape[1]):
        nodes, parents = leaf_path[:, quarter], leaf_path[:, quarter - 1]
        if len(np.unique(nodes)) == len(np.unique(parents)):
            continue
        look = min(quarter + FORESIGHT_QUARTERS, last)
        level = np.log(shock.revenue_factor) + np.log(shock.growth_factor) * market.years[quarter]
        distance = np.abs((offset[world, look] + level)[:, None] - offset[None, :, look])
        distance[~open_] = np.inf
        taken = nodes[np.argmin(distance, axis=1)]
        open_ &= nodes[None, :] == taken[:, None]
    return np.argmax(open_, axis=1).astype(np.int64)
