"""The measures in the user's words."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kiban.plan.actions import usd_words
from kiban.results import PlanMeasures

LEAST_FRAC = 1e-5
"""Worth under this share of the plan's value is called nothing."""


def measure_sentences(m: PlanMeasures, quarters: tuple[str, ...]) -> tuple[str, ...]:
    """One sentence per measure that was asked for."""
    return tuple(_all(m, quarters))


def _all(m: PlanMeasures, quarters: tuple[str, ...]) -> Iterator[str]:
    last = quarters[min(m.fixed_quarters, len(quarters)) - 1]
    yield f"Knowing the future today would be worth {_worth(m, m.evpi_usd)}: the most that foresight could add."
    if np.isnan(m.vss_usd):
        yield "The plan for the mean of the futures cannot be kept: its first orders break a limit in some future."
    else:
        yield (
            f"Answering all futures instead of their mean is worth {_worth(m, m.vss_usd)}: a plan for the mean "
            f"promises {usd_words(m.mean_plan_promised_usd)} and is worth {usd_words(m.mean_plan_worth_usd)}."
        )
    yield f"The right to start halls and sign contracts after {last} is worth {_worth(m, m.later_start_usd)}."
    if np.isfinite(m.waiting_two_years_usd):
        yield f"Waiting two years with everything but cloud costs {_worth(m, m.waiting_two_years_usd)}."
    bad = usd_words(float(m.strategy_cvar_usd[0]))
    yield f"In the worst {1 - m.cvar_level_frac:.0%} of the futures the plan is worth {bad} on average."
    yield from _caution(m)
    if np.isfinite(m.in_pieces_usd):
        yield (
            "Building each hall rung in pieces instead of all in one quarter is worth at most "
            f"{_worth(m, m.in_pieces_usd)}."
        )
    for option in m.options:
        if option.last_quarter:
            yield (
                f"The right to start {option.rung} is worth {usd_words(option.worth_usd)} and ends after "
                f"{option.last_quarter}."
            )


def _caution(m: PlanMeasures) -> Iterator[str]:
    if len(m.frontier) > 1:
        first, last = m.frontier[0], m.frontier[-1]
        gain = last.cvar_npv_usd - first.cvar_npv_usd
        cost = first.expected_npv_usd - last.expected_npv_usd
        if gain > LEAST_FRAC * max(abs(m.best_expected_usd), 1.0):
            yield f"The most cautious plan adds {usd_words(gain)} to that and costs {usd_words(cost)} of the mean."
        else:
            yield "No plan does better in the bad futures: caution buys nothing here."
    if m.least_regret is not None:
        cost = m.best_expected_usd - m.least_regret.expected_npv_usd
        yield (
            f"A plan exists that is never more than {usd_words(m.least_regret.largest_regret_usd)} below the best "
            f"that hindsight could do, at {usd_words(cost)} of the mean; the chosen plan is up to "
            f"{usd_words(float(m.strategy_leaf_hindsight_usd[0].max()))} below it."
        )


def _worth(m: PlanMeasures, usd: float) -> str:
    return "nothing" if usd <= LEAST_FRAC * max(abs(m.best_expected_usd), 1.0) else usd_words(usd)
