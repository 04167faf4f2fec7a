"""Values of held columns and prices of held rows that belong together, from both sides at once.

A look at values x and prices p solves min c y + p (a y) over what is left. It is a plane below the cost of every other
x, less p x limit (its slopes are exact), and a feasible point up to the priced rows, so a mixture of the points of all
looks that keeps these rows is feasible: the planes bound the optimum from below, inside the box in which the next x is
looked for, and the points bound it from above, as long as no mixture has to pay for a limit at the highest price. They
end in a start for the simplex, which proves the optimum by itself.
Origin: cross decomposition, Van Roy, Math. Program. 25 (1983) 46-63; planes of Benders, Numer. Math. 4 (1962)
238-252; points and prices of Dantzig and Wolfe, Oper. Res. 8 (1960) 101-111; the next x between the planes' and the
mixture's: Ben-Ameur and Neto, Networks 49 (2007) 3-17. Validity: linear programmes that are feasible and bounded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kiban.solve.blocks import Array
from kiban.solve.data import Term
from kiban.solve.handle import SolveOptions
from kiban.solve.held import Fence, Held, Look
from kiban.solve.model import Model

_SIMPLEX = SolveOptions(solver="simplex")
FIRST_BOX_FRAC = 0.05
"""Values may first move by this share of their reach; the box doubles where the planes press against it."""
MOST_BOXES = 20
"""How often the box may double until something inside it is feasible."""
LARGEST_STEP_FRAC = 0.1
"""A price moves by at most this share from one look to the next, or by its square of a usual price."""
BETWEEN = 0.5
"""Where the next values lie between the mixture's (0) and the planes' (1)."""
HIGHEST_PRICE = 10.0
"""Price of a unit over the limit in the mixture, in usual prices: the largest so far, or part of worth per unit."""


@dataclass(frozen=True)
class Settled:
    """Where the search ended: values (k,), prices (r,), bounds of the optimum near there, number of looks."""

    values: Array
    prices: Array
    lower: float
    upper: float
    looks: int

    @property
    def gap_frac(self) -> float:
        """Distance of the bounds over the upper one."""
        return abs(self.upper - self.lower) / max(abs(self.upper), 1e-12)


def settle(
    held: Held, values: Array, prices: Array, reach: Array, gap_frac: float = 1e-7, most_looks: int = 120
) -> Settled | None:
    """Look for values and prices from a start nearby.

    Args: held; values (k,) and prices (r,) to start from; reach (k,), a large move of each value, in its unit;
    gap_frac, at which to stop; most_looks, after which the best so far must do.
    Result: None where no look was feasible or the solver could not say why one was not.
    """
    search = _Search(held, np.clip(values, *held.bounds), np.maximum(prices, 0.0), reach)
    return search.run(gap_frac, most_looks)


class _Search:
    def __init__(self, held: Held, values: Array, prices: Array, reach: Array) -> None:
        self.held, self.values, self.prices = held, values, prices
        self.low, self.high = held.bounds
        half = FIRST_BOX_FRAC * np.maximum(np.abs(values), reach)
        self.box_low, self.box_high = values - half, values + half
        self.looked: list[Array] = []
        self.count = 0
        k, r = values.size, prices.size
        self.planes = Model("planes")
        self.x = self.planes.add_columns("values", k, lower=self.low, upper=self.high, cost=held.cost)
        # Until a plane holds it the rest costs nothing, so that fences alone give the cheapest values.
        self.rest = self.planes.add_columns("rest", 1, lower=0.0, upper=0.0, cost=1.0)
        self.points = Model("points", maximise=True)
        self.p = self.points.add_columns("prices", r)
        self.best = self.points.add_columns("best", 1, lower=-np.inf, cost=1.0)
        self.first_price = float(prices.max(initial=0.0))

    def run(self, gap_frac: float, most_looks: int) -> Settled | None:
        first = (1 + LARGEST_STEP_FRAC, 1 - LARGEST_STEP_FRAC, 1.0) if self.first_price > 0 else (1.0,)
        for factor in first:
            if not self.look(self.values, factor * self.prices):
                return None
        while self.count < most_looks:
            wanted, lower = self.from_planes()
            if wanted is None:
                return None
            mixed, upper = self.from_points()
            between = wanted if mixed is None else BETWEEN * wanted + (1 - BETWEEN) * mixed
            self.values = np.clip(between, self.low, self.high)
            pressed = self.widen(wanted)
            if not self.look(self.values, self.prices):
                return None
            done = mixed is not None and not pressed and upper - lower <= gap_frac * abs(upper)
            if done and self.looked_last:
                # The planes meet in a corner, where fewer columns have to move than from a mixture.
                self.values = np.clip(wanted, self.low, self.high)
                return self.settled(lower, upper) if self.look(self.values, self.prices) else None
        return self.settled(lower, upper)

    def settled(self, lower: float, upper: float) -> Settled | None:
        return Settled(self.values, self.prices, lower, upper, self.count) if self.looked_last else None

    def look(self, values: Array, prices: Array) -> bool:
        """Add what a look says; False where it says nothing."""
        found = self.held.at(values, prices)
        self.count += 1
        self.looked_last = isinstance(found, Look)
        if isinstance(found, Fence):
            terms: list[Term] = [(np.zeros(values.size, dtype=np.int64), self.x, found.weights)]
            self.planes.add_rows(f"fence {self.count}", 1, upper=found.limit, terms=terms)
        elif isinstance(found, Look):
            self.add_plane(found, values, prices)
            self.add_point(found, values)
        return found is not None

    def add_plane(self, look: Look, values: Array, prices: Array) -> None:
        """rest + cost x >= worth - prices limits + slopes (x - values)."""
        if not self.looked:
            self.planes.set_column_bounds(self.rest, -np.inf, np.inf)
            # A column that was fixed cannot be freed in a basis.
            self.planes.start_from(None)
        least = look.worth - prices @ self.held.limits - look.slopes @ values
        one = np.zeros(values.size, dtype=np.int64)
        terms: list[Term] = [(one, self.x, self.held.cost - look.slopes), (None, self.rest, 1.0)]
        self.planes.add_rows(f"plane {self.count}", 1, lower=least, terms=terms)

    def add_point(self, look: Look, values: Array) -> None:
        """best <= own + prices (activity - limits): the dual of the cheapest mixture."""
        over = look.activity - self.held.limits
        one = np.zeros(over.size, dtype=np.int64)
        self.points.add_rows(
            f"point {self.count}", 1, upper=look.own, terms=[(None, self.best, 1.0), (one, self.p, -over)]
        )
        self.looked.append(values)
        self.worth_per_unit = abs(look.worth) / max(np.abs(self.held.limits).sum(), 1e-12)

    def from_planes(self) -> tuple[Array | None, float]:
        """Values where the planes are lowest inside the box, and how low they are; None where no box will do."""
        for _ in range(MOST_BOXES):
            low, high = np.maximum(self.low, self.box_low), np.minimum(self.high, self.box_high)
            self.planes.set_column_bounds(self.x, np.minimum(low, high), np.maximum(low, high))
            found = self.planes.solve(_SIMPLEX)
            if found.status == "optimal":
                return found.value(self.x), found.objective
            wide = self.box_high - self.box_low
            self.box_low, self.box_high = self.box_low - wide / 2, self.box_high + wide / 2
        return None, np.nan

    def from_points(self) -> tuple[Array | None, float]:
        """Values of the cheapest mixture and what it costs; moves the prices towards its prices."""
        if not self.looked:
            return None, np.inf
        scale = max(float(self.prices.max(initial=0.0)), LARGEST_STEP_FRAC * self.worth_per_unit)
        top = HIGHEST_PRICE * scale
        self.points.set_column_bounds(self.p, 0.0, top)
        found = self.points.solve(_SIMPLEX)
        if found.status != "optimal":
            return None, np.inf
        step = LARGEST_STEP_FRAC * np.maximum(self.prices, LARGEST_STEP_FRAC * scale)
        self.prices = np.clip(found.value(self.p), np.maximum(self.prices - step, 0.0), self.prices + step)
        shares = np.abs(np.asarray(found.row_duals))
        return np.asarray(shares @ np.array(self.looked) / shares.sum()), found.objective

    def widen(self, wanted: Array) -> bool:
        """Double the box on the sides that the planes press against; result: whether there is one."""
        wide = self.box_high - self.box_low
        near = 1e-9 * (1 + np.abs(wanted))
        down = (wanted - self.box_low <= near) & (self.box_low > self.low)
        up = (self.box_high - wanted <= near) & (self.box_high < self.high)
        self.box_low = np.where(down, self.box_low - wide, self.box_low)
        self.box_high = np.where(up, self.box_high + wide, self.box_high)
        return bool((down | up).any())
