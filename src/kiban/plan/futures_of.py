"""Single futures cut out of a case: the history of one leaf, and the mean of all of them.

A path is a tree without branches, so the same programme solves it: for a history that is the plan of somebody who
knows the future, for the mean the plan of somebody who takes the average for the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiban.plan.case import Market, PlanCase
from kiban.plan.money import sale_age

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


def leaf_paths(case: PlanCase) -> IntArray:
    """(L, T) node of each leaf's history by quarter."""
    return case.ancestor[case.leaves, ::-1]


def leaf_case(case: PlanCase, leaf: int) -> PlanCase:
    """The case of one history alone.

    Args: case; leaf, index into ``case.leaves``. Result: a path of T nodes with chance 1.
    """
    nodes = leaf_paths(case)[leaf]
    alone = _path(case, _each(case.market, lambda values: values[nodes]))
    # Sales count as they do on the tree, or a history alone could be worth less than the plan makes of it.
    return replace(alone, fixed_sale_age=sale_age(case)[nodes])


def mean_case(case: PlanCase) -> PlanCase:
    """The expected-value problem: one path on which every want, price and factor is its mean of the quarter.

    Birge and Louveaux, Introduction to Stochastic Programming, ch. 4. A mean of wants and a mean of prices: their
    product is not the mean of the product, which is one reason why this path misleads.
    """
    quarters = np.arange(case.n_quarters)
    weight = (case.quarter == quarters[:, None]) * case.probability
    weight = weight / weight.sum(axis=1, keepdims=True)
    return _path(case, _each(case.market, lambda values: np.tensordot(weight, values, axes=1)))


def trunk_quarters(case: PlanCase) -> int:
    """Number of quarters before the futures part; all of them if there is one future."""
    several = np.flatnonzero(np.bincount(case.quarter) > 1)
    return int(several[0]) if len(several) else case.n_quarters


def _each(market: Market, change: Callable[[Array], Array]) -> Market:
    """A market with every array by node changed; plain numbers stay."""
    held: dict[str, Any] = {f.name: getattr(market, f.name) for f in fields(market)}
    changed: dict[str, Any] = {k: np.asarray(change(v)) for k, v in held.items() if isinstance(v, np.ndarray)}
    return replace(market, **changed)


def _path(case: PlanCase, market: Market) -> PlanCase:
    quarters = np.arange(case.n_quarters)
    return replace(case, parent=quarters - 1, quarter=quarters, probability=np.ones(len(quarters)), market=market)
