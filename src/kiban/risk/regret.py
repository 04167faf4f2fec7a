"""Regret of the plan in the futures of its own tree, against hindsight and against the pure strategies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kiban.results import Plan, Regret, Trace
from kiban.risk.exposure import Exposure

Array = NDArray[np.float64]


def regret_of(plan: Plan, exposures: Sequence[Exposure], hindsight_usd: Array) -> Regret:
    """Return the shortfall of the plan in each leaf of its tree.

    Regret of a choice in a future is what the best choice for that future would have brought beyond it (Savage 1951).
    Args: exposures, the plan's first, with NPV by leaf as the plan room counts it; hindsight_usd (L,), value of the
    best plan for each leaf. The pure strategies, like the plan, were chosen without knowing the leaf.
    """
    mine = exposures[0].base_npv_usd
    names = [e.name for e in exposures[1:]]
    rivals = np.stack([e.base_npv_usd for e in exposures[1:]]) if names else mine[None, :]
    hindsight = np.maximum(hindsight_usd - mine, 0.0)
    pure = np.maximum(rivals.max(axis=0) - mine, 0.0)
    worst = int(hindsight.argmax())
    return Regret(
        leaf_usd=hindsight,
        leaf_pure_usd=pure,
        leaf_best_pure=tuple(names[i] for i in rivals.argmax(axis=0)) if names else (),
        expected_usd=float(hindsight @ plan.leaf_probability),
        worst_usd=float(hindsight[worst]),
        worst_leaf=plan.leaf_name[worst],
        worst_pure_usd=float(pure.max()),
    )


def bound_residual(found: Exposure, hindsight_usd: Array) -> float:
    """How far the plan is above hindsight in any leaf, relative; zero but for the solver's last digits."""
    above = float((found.base_npv_usd - hindsight_usd).max())
    return max(above, 0.0) / max(float(np.abs(found.base_npv_usd).max()), 1.0)


def regret_traces(found: Regret) -> tuple[Trace, ...]:
    """How the regret was made."""
    formula = "NPV of the best plan for a history known from the start, less NPV of the plan in it"
    pure = "NPV of the best of all_cloud, all_leased, all_owned and wait_two_years in a history, less NPV of the plan"
    parts = (
        (
            "risk.regret.worst_usd",
            found.worst_usd,
            f"largest over the leaves of the tree ({found.worst_leaf}): {formula}",
        ),
        ("risk.regret.expected_usd", found.expected_usd, f"probability-weighted over the leaves: {formula}"),
        ("risk.regret.worst_pure_usd", found.worst_pure_usd, f"largest over the leaves, at least 0: {pure}"),
    )
    return tuple(Trace(name, value, "USD", words, ("plan.expected_npv_usd",)) for name, value, words in parts)
