"""What a plan is worth in each history of the tree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from kiban.plan.case import PlanCase
from kiban.plan.futures_of import leaf_paths
from kiban.plan.program import Program
from kiban.results import PlanOutcome
from kiban.uncertainty import cvar

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LeafMoney:
    """Net present value of each history as a linear function of the decisions: ``matrix @ x + fixed_usd``."""

    matrix: sparse.csr_matrix
    """(L, columns) USD per unit of the column."""
    fixed_usd: Array
    """(L,) what no decision can change."""

    def of(self, x: Array) -> Array:
        """(L,) net present value at a point; columns beyond the matrix are ignored."""
        return np.asarray(self.matrix @ x[: self.matrix.shape[1]] + self.fixed_usd)


def leaf_money(program: Program) -> LeafMoney:
    """Read the ledger along each history, discounted and not weighted by chance.

    The mean over the histories is the objective of the plan.
    """
    case = program.case
    parts, fixed = [], []
    for path in leaf_paths(case):
        weight = np.zeros(case.n_nodes)
        weight[path] = case.discount[path]
        gain, constant = program.ledger.objective(weight, program.rows.columns)
        parts.append(sparse.csr_matrix(gain))
        fixed.append(constant)
    return LeafMoney(sparse.vstack(parts, format="csr"), np.array(fixed))


def outcome_leaf_npv_usd(case: PlanCase, outcome: PlanOutcome) -> Array:
    """(L,) net present value of an outcome in each history."""
    net = (outcome.node_value_usd - outcome.node_rung_cost_usd.sum(axis=(1, 2))) * case.discount
    return np.asarray(net[leaf_paths(case)].sum(axis=1))


def outcome_aim_usd(case: PlanCase, outcome: PlanOutcome, level_frac: float, weight_frac: float) -> float:
    """(1 - w) E[NPV] + w CVaR[NPV] of an outcome."""
    tail = cvar(outcome_leaf_npv_usd(case, outcome), level_frac, case.probability[case.leaves])
    return (1 - weight_frac) * outcome.expected_npv_usd + weight_frac * tail
