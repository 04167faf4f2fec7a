"""Programmes too large for one solve: the L-shaped method with one family of cuts per piece and a stabilised point.

With x the shared columns and Q_k(x) the best that piece k can do once x stands, the programme is
max c x + sum_k Q_k(x) over the shared limits. Q_k is concave, so the dual of a piece at any x gives a plane above it
everywhere: Q_k(z) <= Q_k(x) + g_k (z - x) with g_k = -link' dual. The master keeps these planes; its optimum is an
upper bound, every x tried gives a lower bound.
Sources: Van Slyke and Wets, SIAM J. Appl. Math. 17 (1969) 638-663; one plane per piece and round: Birge and
Louveaux, Eur. J. Oper. Res. 34 (1988) 384-392; the point between the master's and the best so far: Ben-Ameur and Neto,
Networks 49 (2007) 3-17.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from kiban.solve.blocks import Array, Block, Ints
from kiban.solve.conflicts import require_optimal
from kiban.solve.errors import SolverError
from kiban.solve.farm import Farm, SerialFarm
from kiban.solve.handle import SolveOptions
from kiban.solve.model import Model
from kiban.solve.split import Piece, Split

PENALTY = 10.0
"""First price of one unit by which a piece breaks its rows; in the unit of the costs."""
GROWTH = 10.0
LARGEST_PENALTY = 1e6
LARGEST_BOX = 1e6
"""Box for columns without a bound of their own while no plane holds them; it grows tenfold from 10."""
MOST_BROKEN = 1e-8
"""Breach of a row up to which a point counts as feasible, in the unit of the rows."""
LEAST_SIZE = 1e-6
"""Objectives below this count as this when a gap is made relative."""
BETWEEN = 0.5
"""Where the next point lies between the best so far (0) and the master's (1)."""

# Presolve could only help the first of many solves; without it the memory was a third less and the rounds half as many.
# A warm basis that a small step leaves infeasible by less than the tolerance counts as optimal, so errors would stay.
_SIMPLEX = SolveOptions(solver="simplex", threads=1, feasibility_tol=1e-9, extra={"presolve": "off"})


@dataclass(frozen=True)
class Question:
    """What is this piece worth at these shared values?"""

    shared: Array
    penalty: float
    keep: bool = False
    """Whether to send the piece's own values back."""


@dataclass(frozen=True)
class Answer:
    """What a piece says to one question.

    worth: its optimum, what breaking rows costs included; own: the same without that; slope of worth in the shared
    values; broken: its largest breach of a row; values of its columns, if asked.
    """

    worth: float
    own: float
    slope: Array
    broken: float
    values: Array | None


class PieceWorker:
    """One piece in a solver that stays warm.

    Rows that see the shared part may break at a price, so every question has an answer (complete recourse).
    """

    def __init__(self, piece: Piece) -> None:
        self._piece = piece
        self._rows = np.flatnonzero(np.diff(piece.link.indptr))
        self._penalty = np.nan
        self._model, self._elastic = _piece_model(piece, self._rows)

    def ask(self, question: Question) -> Answer:
        """Solve the piece at the shared values; raises SolverError if the solver stops early."""
        piece, rows = self._piece, self._rows
        moved = piece.link @ question.shared
        if rows.size:
            self._model.set_row_bounds(rows, (piece.row_lower - moved)[rows], (piece.row_upper - moved)[rows])
        if question.penalty != self._penalty:
            self._model.set_cost(self._elastic, -question.penalty)
            self._penalty = question.penalty
        found = require_optimal(self._model, self._model.solve(_SIMPLEX))
        return Answer(
            worth=found.objective,
            own=float(piece.cost @ found.value("own")),
            slope=-(piece.link.T @ np.asarray(found.row_duals)),
            broken=float(found.value(self._elastic).max(initial=0.0)),
            values=found.value("own") if question.keep else None,
        )


@dataclass(frozen=True)
class Step:
    """One round: proven bounds so far in the unit and sense of the programme, relative gap, seconds since the start."""

    lower: float
    upper: float
    gap_frac: float
    seconds: float


@dataclass(frozen=True)
class Bounded:
    """A feasible point and what the optimum lies between.

    columns: point of the whole programme; lower, upper: bounds of the optimal objective, one of them the objective of
    the point; gap_frac: their distance over the larger of them; broken: largest breach of a row by the point.
    """

    columns: Array
    lower: float
    upper: float
    gap_frac: float
    broken: float
    penalty: float
    steps: tuple[Step, ...]


def solve_in_pieces(
    whole: Split, farm: Farm | None = None, gap_frac: float = 1e-3, most_rounds: int = 500, constant: float = 0.0
) -> Bounded:
    """Solve a split programme to a relative gap.

    Args: whole; farm, where the pieces are solved (default: here, one after the other; it is left open);
    gap_frac, relative gap to stop at; most_rounds; constant, added to the objective before gaps are relative.
    Errors: Infeasible if the shared limits contradict each other, SolverError if no point satisfies all pieces or the
    gap is not reached in most_rounds.

    A piece may break the rows that see the shared part at a price P. That is a relaxation, so the upper bound always
    holds; the lower bound is taken from points that break nothing, so it always holds too. If a better point breaks
    something, P grows tenfold; above the largest dual of the pieces no such point is better (exact penalty), so
    this ends. Planes found at a lower price stay valid, since a higher price only lowers what they bound. With the
    next point halfway between the best and the master's, a round that does not cut off the master's point finds a
    better one that closes at least half the gap.
    """
    search = _Search(whole, farm or SerialFarm(), gap_frac, constant)
    search.farm.place(PieceWorker, whole.pieces)
    for _ in range(most_rounds):
        search.round()
        if search.steps[-1].gap_frac <= gap_frac:
            return search.result()
    raise SolverError(f"after {most_rounds} rounds the gap is still {search.steps[-1].gap_frac:.2e}")


@dataclass
class _Search:
    whole: Split
    farm: Farm
    gap_frac: float
    constant: float
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.began = time.perf_counter()
        self.penalty = PENALTY
        self.box = 1.0
        self.constant = self.whole.sign * self.constant
        self.master, self.x, self.theta = _master(self.whole)
        self.most = np.array([piece.most for piece in self.whole.pieces])
        self.best: Array | None = None
        self.lower, self.upper = -np.inf, np.inf
        self.point = self._first_point()

    def round(self) -> None:
        """Ask all pieces at the point, tighten both bounds, choose the next point."""
        answers = self._ask(self.point)
        shared = float(self.whole.cost @ self.point)
        worth, own = shared + sum(a.worth for a in answers), shared + sum(a.own for a in answers)
        broken = max((a.broken for a in answers), default=0.0)
        if broken <= MOST_BROKEN:
            # Rounding times a high penalty is no worth, so the lower bound is what the columns themselves are worth.
            if own > self.lower:
                self.lower, self.best = own, self.point
        elif worth > self.lower and self.best is not None:
            self._raise_penalty()
        self._cut(answers)
        out, above = self._solve_master()
        self.upper = min(self.upper, above)
        stuck = np.isfinite(self.upper) and worth >= self.upper - self.gap_frac * (1 + abs(self.upper))
        if self.best is None and broken > MOST_BROKEN and stuck:
            self._raise_penalty()
        self._record()
        self.point = out if self.best is None else BETWEEN * out + (1 - BETWEEN) * self.best

    def result(self) -> Bounded:
        """Collect the best point of all parts."""
        assert self.best is not None
        answers = self._ask(self.best, keep=True)
        size = self.whole.columns.size + sum(p.columns.size for p in self.whole.pieces)
        columns = np.zeros(size)
        columns[self.whole.columns] = self.best
        for piece, answer in zip(self.whole.pieces, answers, strict=True):
            columns[piece.columns] = answer.values
        last = self.steps[-1]
        broken = max((a.broken for a in answers), default=0.0)
        return Bounded(columns, last.lower, last.upper, last.gap_frac, broken, self.penalty, tuple(self.steps))

    def _ask(self, point: Array, keep: bool = False) -> list[Answer]:
        return self.farm.ask([Question(point[p.linked], self.penalty, keep) for p in self.whole.pieces])

    def _cut(self, answers: list[Answer]) -> None:
        rows, columns, values, above = [], [], [], []
        for k, (piece, answer) in enumerate(zip(self.whole.pieces, answers, strict=True)):
            rows.append(np.full(piece.linked.size + 1, k))
            columns.append(np.append(self.x[piece.linked], self.theta[k]))
            values.append(np.append(-answer.slope, 1.0))
            above.append(answer.worth - answer.slope @ self.point[piece.linked])
        term = (np.concatenate(rows), np.concatenate(columns), np.concatenate(values))
        self.master.add_rows(f"cut_{len(self.steps)}", len(answers), upper=np.array(above), terms=[term])

    def _first_point(self) -> Array:
        """The best of the shared part alone: as if the pieces were worth nothing."""
        self.master.set_column_bounds(self.theta, -1.0, 0.0)
        point, _ = self._solve_master()
        self.master.set_column_bounds(self.theta, -np.inf, self.most)
        return point

    def _solve_master(self) -> tuple[Array, float]:
        """Point and upper bound; inside a box, and without a bound, while no plane holds the shared part yet."""
        found = self.master.solve(_SIMPLEX)
        held = found.status != "unbounded"
        if not held:
            if self.box >= LARGEST_BOX:
                raise SolverError("the shared part has no bound: give its columns bounds, or the columns of the pieces")
            self.box *= GROWTH
            low, high = self.whole.lower, self.whole.upper
            low, high = np.where(np.isinf(low), -self.box, low), np.where(np.isinf(high), self.box, high)
            self.master.set_column_bounds(self.x, np.minimum(low, high), np.maximum(low, high))
            found = self.master.solve(_SIMPLEX)
            self.master.set_column_bounds(self.x, self.whole.lower, self.whole.upper)
        found = require_optimal(self.master, found)
        point = np.clip(found.value(self.x), self.whole.lower, self.whole.upper)
        return point, found.objective if held else np.inf

    def _raise_penalty(self) -> None:
        if self.penalty < LARGEST_PENALTY:
            self.penalty *= GROWTH
        elif self.best is None:
            raise SolverError("no point of the shared part satisfies the limits of all pieces")

    def _record(self) -> None:
        size = max(abs(self.lower + self.constant), abs(self.upper + self.constant), LEAST_SIZE)
        gap = max(self.upper - self.lower, 0.0) / size if np.isfinite(size) else np.inf
        low, high = sorted((self.whole.sign * self.lower, self.whole.sign * self.upper))
        self.steps.append(Step(low, high, gap, time.perf_counter() - self.began))


def _master(whole: Split) -> tuple[Model, Block, Block]:
    model = Model("shared part", maximise=True)
    x = model.add_columns("shared", whole.cost.size, lower=whole.lower, upper=whole.upper, cost=whole.cost)
    theta = model.add_columns("worth of the pieces", len(whole.pieces), lower=-np.inf, cost=1.0)
    row, column = whole.matrix.tocoo().coords
    model.add_rows(
        "shared rows",
        whole.row_lower.size,
        lower=whole.row_lower,
        upper=whole.row_upper,
        terms=[(row, column, whole.matrix.tocoo().data)],
    )
    return model, x, theta


def _piece_model(piece: Piece, elastic_rows: Ints) -> tuple[Model, Block]:
    """The piece with two columns for each row that sees the shared part: one lifts it, one lowers it."""
    model = Model("piece", maximise=True)
    own = model.add_columns("own", piece.cost.size, lower=piece.lower, upper=piece.upper, cost=piece.cost)
    elastic = model.add_columns("broken", (2, elastic_rows.size))
    entries = sparse.coo_array(piece.own)
    row, column = entries.coords
    model.add_rows(
        "rows",
        piece.row_lower.size,
        lower=piece.row_lower,
        upper=piece.row_upper,
        terms=[(row, own.index[column], entries.data), (elastic_rows, elastic, np.array([[1.0], [-1.0]]))],
    )
    return model, elastic
