"""Money of a plan as linear functions of its decisions, written once: the objective and the report both read it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

COST_LINES = (
    "hall_capex",
    "silicon_capex",
    "hall_rent",
    "accelerator_rent",
    "energy",
    "operation",
    "deposits",
    "exit_obligation",
    "residual_value",
)


class Book:
    """A linear function of the decisions for each (node, account).

    Arguments: number of nodes, number of accounts. ``add`` collects entries, ``matrix`` and ``fixed`` read them.
    """

    def __init__(self, n_nodes: int, n_accounts: int) -> None:
        self.n_nodes = n_nodes
        self.n_accounts = n_accounts
        self.fixed = np.zeros((n_nodes, n_accounts))
        self._parts: list[tuple[IntArray, IntArray, Array]] = []

    def add(self, node: ArrayLike, account: ArrayLike, column: ArrayLike, usd_per_unit: ArrayLike) -> None:
        """Add entries: money in the node's quarter per unit of the column; arguments broadcast."""
        node, account, column, value = np.broadcast_arrays(node, account, column, np.asarray(usd_per_unit, float))
        place = np.asarray(node, dtype=np.int64) * self.n_accounts + account
        self._parts.append((place.ravel(), np.asarray(column, dtype=np.int64).ravel(), value.ravel()))

    def matrix(self, n_columns: int) -> sparse.csr_matrix:
        """((N * accounts), columns) sparse matrix of all entries."""
        shape = (self.n_nodes * self.n_accounts, n_columns)
        if not self._parts:
            return sparse.csr_matrix(shape)
        place, column, value = (np.concatenate(p) for p in zip(*self._parts, strict=True))
        return sparse.csr_matrix((value, (place, column)), shape=shape)


class Ledger:
    """All money of a plan: cost by line and owner, value of served work, and what counts against the budget.

    An owner is a rung (0..K-1), a pool of own accelerators (K..K+P-1) or a site (K+P..K+P+S-1) or an area
    (K+P+S..); the report splits pools and areas over the halls of their area and sites over their halls.
    """

    def __init__(self, n_nodes: int, n_rungs: int, n_pools: int, n_sites: int, n_areas: int) -> None:
        self.n_owners = n_rungs + n_pools + n_sites + n_areas
        self.n_rungs = n_rungs
        self._first_site = n_rungs + n_pools
        self._first_area = n_rungs + n_pools + n_sites
        self.cost = Book(n_nodes, self.n_owners * len(COST_LINES))
        self.value = Book(n_nodes, 1)
        self.upfront = Book(n_nodes, 1)

    def site_owner(self, site: int) -> int:
        """Owner number of a site."""
        return self._first_site + site

    def area_owner(self, area: int) -> int:
        """Owner number of an area."""
        return self._first_area + area

    def account(self, line: str, owner: ArrayLike) -> IntArray:
        """Account number of a cost line of an owner."""
        return np.asarray(owner, dtype=np.int64) * len(COST_LINES) + COST_LINES.index(line)

    def charge(self, line: str, owner: ArrayLike, node: ArrayLike, column: ArrayLike, usd_per_unit: ArrayLike) -> None:
        """Add a cost that depends on a decision; arguments broadcast."""
        self.cost.add(node, self.account(line, owner), column, usd_per_unit)

    def charge_fixed(self, line: str, owner: int, node: ArrayLike, usd: ArrayLike) -> None:
        """Add a cost that no decision can change."""
        np.add.at(self.cost.fixed, (np.asarray(node), self.account(line, owner)), usd)

    def objective(self, weight: Array, n_columns: int) -> tuple[Array, float]:
        """Weighted value less weighted cost: (coefficients by column, constant).

        Arguments: weight (N,), probability times discount factor of the node.
        """
        cost = np.repeat(weight, self.cost.n_accounts) @ self.cost.matrix(n_columns)
        value = weight @ self.value.matrix(n_columns)
        constant = float(weight @ (self.value.fixed.sum(axis=1) - self.cost.fixed.sum(axis=1)))
        return np.asarray(value - cost), constant
