"""Regret of the plan in the futures of its own tree, against the pure strategies solved beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kiban.results import Plan, Regret, Trace
from kiban.risk.exposure import Exposure


def regret_of(plan: Plan, exposures: Sequence[Exposure]) -> Regret | None:
    """Return the shortfall of the plan in each leaf against the pure strategy that is worth most in that leaf.

    Args: exposures, the plan's first, with NPV by leaf as the plan room counts it. Every strategy is chosen without
    knowing the leaf; only the comparison knows it (Savage 1951). Result: None if there is no pure strategy.
    """
    if len(exposures) < 2:
        return None
    names = [e.name for e in exposures[1:]]
    rivals = np.stack([e.base_npv_usd for e in exposures[1:]])
    best = rivals.argmax(axis=0)
    shortfall = np.maximum(rivals.max(axis=0) - exposures[0].base_npv_usd, 0.0)
    worst = int(shortfall.argmax())
    return Regret(
        leaf_usd=shortfall,
        leaf_best=tuple(names[i] for i in best),
        expected_usd=float(shortfall @ plan.leaf_probability),
        worst_usd=float(shortfall[worst]),
        worst_leaf=plan.leaf_name[worst],
    )


def regret_traces(found: Regret | None) -> tuple[Trace, ...]:
    """How the regret was made."""
    if found is None:
        return ()
    formula = "NPV of the best pure strategy less NPV of the plan"
    return (
        Trace(
            "risk.regret.worst_usd", found.worst_usd, "USD", f"largest over the leaves of: {formula}; {found.worst_leaf}",
            ("plan.expected_npv_usd",),
        ),
        Trace(
            "risk.regret.expected_usd", found.expected_usd, "USD",
            f"probability-weighted over the leaves: {formula}, if positive", ("plan.expected_npv_usd",),
        ),
    )  # fmt: skip
