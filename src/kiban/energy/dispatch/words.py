"""Why a case has no supply, in the words of a site."""

from __future__ import annotations

import numpy as np

from kiban.energy.dispatch.parts import Case
from kiban.solve import Infeasible, Model, Solution, SolverError, explain_infeasibility


def explain(model: Model, case: Case, solution: Solution) -> Exception:
    """The error to raise for a solution that is not optimal: which limits clash and by how much, or what has no
    bound."""
    if solution.status == "unbounded":
        open_ended = [s.name for s in case.sources if not np.isfinite(s.mw_max)]
        return SolverError(
            "some plant earns more than it costs and has no largest size: give mw_max to "
            f"{', '.join(open_ended) or 'the battery or the plant'}, or a cap on clean energy made (made_max_frac)"
        )
    if solution.status != "infeasible":
        return SolverError(f"model '{model.name}' ended with status '{solution.status}'")
    return Infeasible(model.name, explain_infeasibility(model))
