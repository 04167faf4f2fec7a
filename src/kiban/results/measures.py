"""What the plan's choices are worth: information, foresight, patience, pieces, and the price of caution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FrontierPoint:
    """One efficient plan: no other plan has more of both."""

    cvar_weight_frac: float
    """Weight of the bad futures in its objective."""
    expected_npv_usd: float
    cvar_npv_usd: float
    """Mean NPV of the worst futures."""


@dataclass(frozen=True)
class LeastRegret:
    """The plan whose largest regret over the futures is least; of all such plans the one with the highest mean."""

    largest_regret_usd: float
    """Against the wait-and-see value of each future."""
    expected_npv_usd: float
    cvar_npv_usd: float
    """Mean NPV of the worst futures."""
    leaf_npv_usd: Array
    """(L,)."""


@dataclass(frozen=True)
class OptionWorth:
    """The right to start one hall rung."""

    rung: str
    worth_usd: float
    """Expected NPV that is lost if the rung may never be started."""
    last_quarter: str
    """Last quarter in which a start still adds value; empty if none does."""


@dataclass(frozen=True)
class PlanMeasures:
    """Measures of the plan on the tree; S strategies (the plan first), L leaves. NaN: not asked for.

    All use the expected NPV, also where the plan itself minds the tail.
    """

    leaf_wait_and_see_usd: Array
    """(L,) NPV of the best plan of somebody who knows this future from the start."""
    best_expected_usd: float
    """Largest expected NPV of a plan that does not know the future."""
    evpi_usd: float
    """Expected value of perfect information."""
    mean_plan_promised_usd: float
    """NPV that the plan for the mean of the futures seems to have."""
    mean_plan_worth_usd: float
    """Expected NPV with that plan's first commitments; NaN if they break a limit in some future."""
    vss_usd: float
    """Value of the stochastic solution: best_expected_usd less mean_plan_worth_usd."""
    fixed_quarters: int
    """Quarters before the futures part, in which commitments are fixed or beginnings allowed."""
    later_start_usd: float
    """Worth of the right to start halls and sign contracts after those quarters."""
    waiting_two_years_usd: float
    """best_expected_usd less the value of the baseline wait_two_years: what waiting costs."""
    cvar_level_frac: float
    """Share of futures that do not count as bad."""
    cvar_weight_frac: float
    """Weight of the bad futures in the plan's own objective."""
    strategies: tuple[str, ...]
    strategy_leaf_npv_usd: Array
    """(S, L)."""
    strategy_cvar_usd: Array
    """(S,) mean NPV of the worst futures of each strategy."""
    strategy_leaf_regret_usd: Array
    """(S, L) against the best strategy in that future."""
    strategy_leaf_hindsight_usd: Array
    """(S, L) against the wait-and-see value of that future."""
    frontier: tuple[FrontierPoint, ...] = ()
    """From the best mean to the best tail."""
    least_regret: LeastRegret | None = None
    in_pieces_usd: float = float("nan")
    """Upper bound of what starting a rung's halls in several quarters is worth."""
    block_search_count: int = 0
    """Programmes solved for that bound."""
    options: tuple[OptionWorth, ...] = ()
    sentences: tuple[str, ...] = ()
