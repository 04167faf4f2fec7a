"""Why a model has no solution, in the words of its blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from kiban.solve.blocks import Array, Block, Ints, Kind, owner
from kiban.solve.data import Problem
from kiban.solve.errors import Conflict, Infeasible, Side, SolverError, named
from kiban.solve.handle import SolveOptions
from kiban.solve.model import Model
from kiban.solve.solution import Solution

Mask = NDArray[np.bool_]

_ACTIVE = 1e-7  # duals below this share of the largest one are rounding


@dataclass(frozen=True, eq=False)
class _Slack:
    """Limits of one side that may move: column or row numbers, limits, price per unit of move."""

    kind: Kind
    side: Side
    ids: Ints
    limit: Array
    price: Array


def explain_infeasibility(
    model: Model, options: SolveOptions | None = None, tolerance_frac: float = 1e-6
) -> list[Conflict]:
    """Return the limits that clash, worst first; empty if the model can be solved.

    The limits of blocks marked relaxable may move (elastic relaxation); the sum of moves, each as a share of the
    block's largest limit and times its weight, is made as small as possible. If that is not enough, or nothing is
    marked, the limits of all rows may move too. Moves below tolerance_frac x max(1, limit) do not count.
    Method: elastic programming, Chinneck, Feasibility and Infeasibility in Optimization (2008), chapter 6.
    """
    problem = model.problem()
    columns = _marked(model, "columns", problem.cost.size)
    rows = _marked(model, "rows", problem.row_lower.size)
    every_row = np.ones(rows.size, dtype=bool)
    for row_mask in (rows, every_row) if (rows.any() or columns.any()) else (every_row,):
        found = _relax(model, problem, columns, row_mask, options or SolveOptions(), tolerance_frac)
        if found is not None:
            return found
    raise SolverError(f"model '{model.name}' has columns whose own bounds leave no value")


def require_optimal(model: Model, solution: Solution) -> Solution:
    """Hand an optimal solution through; raise Infeasible with the clash in words, SolverError for other statuses."""
    if solution.status == "optimal":
        return solution
    if solution.status == "infeasible":
        raise Infeasible(model.name, explain_infeasibility(model))
    raise SolverError(f"model '{model.name}' ended with status '{solution.status}'")


def _marked(model: Model, kind: Kind, size: int) -> Mask:
    mask = np.zeros(size, dtype=bool)
    for block in model.blocks(kind):
        mask[block.start : block.stop] = block.relaxable
    return mask


def _prices(model: Model, kind: Kind, lower: Array, upper: Array) -> Array:
    prices = np.ones(lower.size)
    for block in model.blocks(kind):
        part = slice(block.start, block.stop)
        limits = np.abs(np.concatenate((lower[part], upper[part])))
        largest = float(limits[np.isfinite(limits)].max(initial=0.0))
        prices[part] = block.weight / (largest if largest > 0.0 else 1.0)
    return prices


def _relax(
    model: Model, problem: Problem, columns: Mask, rows: Mask, options: SolveOptions, tolerance_frac: float
) -> list[Conflict] | None:
    """Solve the elastic model: first without integrality, which gives duals, then with it if that finds no clash."""
    slacks = _slacks(model, problem, columns, rows)
    for integer in (False, True) if problem.integer.any() else (False,):
        elastic = _elastic(problem, columns, slacks, integer)
        solution = elastic.solve(options)
        if solution.status == "infeasible":
            return None
        if not solution.has_values:
            raise SolverError(f"the explanation of model '{model.name}' ended with status '{solution.status}'")
        found = _conflicts(model, problem, slacks, solution, tolerance_frac)
        if found:
            return found
    return []


def _slacks(model: Model, problem: Problem, columns: Mask, rows: Mask) -> list[_Slack]:
    slacks = []
    sides: tuple[tuple[Kind, Mask, Array, Array], ...] = (
        ("rows", rows, problem.row_lower, problem.row_upper),
        ("columns", columns, problem.lower, problem.upper),
    )
    for kind, mask, lower, upper in sides:
        prices = _prices(model, kind, lower, upper)
        for ids, side, limit in (
            (np.flatnonzero(mask & np.isfinite(lower)), "at least", lower),
            (np.flatnonzero(mask & np.isfinite(upper)), "at most", upper),
        ):
            slacks.append(_Slack(kind, side, ids, limit[ids], prices[ids]))  # type: ignore[arg-type]
    return slacks


def _elastic(problem: Problem, columns: Mask, slacks: list[_Slack], integer: bool) -> Model:
    elastic = Model("elastic")
    lower = np.where(columns, -np.inf, problem.lower)
    upper = np.where(columns, np.inf, problem.upper)
    whole = problem.integer & integer
    x = elastic.add_columns("x", problem.cost.size, lower=lower, upper=upper, integer=whole)
    matrix = problem.matrix.tocoo()
    row, column = matrix.coords
    terms: list[tuple[Ints, Ints, float | Array]] = [(row, column, matrix.data)]
    moves = [elastic.add_columns(_name(s), s.ids.size, cost=s.price) for s in slacks]
    signs = [1.0 if s.side == "at least" else -1.0 for s in slacks]
    terms += [(s.ids, m.index, sign) for s, m, sign in zip(slacks, moves, signs, strict=True) if s.kind == "rows"]
    elastic.add_rows("rows", problem.row_lower.size, lower=problem.row_lower, upper=problem.row_upper, terms=terms)
    for s, move, sign in zip(slacks, moves, signs, strict=True):
        if s.kind == "columns":
            at_least = s.side == "at least"
            elastic.add_rows(
                f"limit of {_name(s)}",
                s.ids.size,
                lower=s.limit if at_least else -np.inf,
                upper=np.inf if at_least else s.limit,
                terms=[(None, x[s.ids], 1.0), (None, move, sign)],
            )
    return elastic


def _name(slack: _Slack) -> str:
    return f"{slack.kind} {slack.side}"


def _conflicts(
    model: Model, problem: Problem, slacks: list[_Slack], solution: Solution, tolerance_frac: float
) -> list[Conflict]:
    group, clashing = _clashes(model, problem, slacks, solution)
    found = []
    for slack in slacks:
        blocks = model.blocks(slack.kind)
        moved = solution.value(_name(slack))
        first = 0 if slack.kind == "rows" else problem.row_lower.size
        for i in np.flatnonzero(moved > tolerance_frac * np.maximum(1.0, np.abs(slack.limit))):
            number = int(slack.ids[i])
            block = owner(blocks, number)
            index = block.position(number)
            limit, move = float(slack.limit[i]), float(moved[i])
            against = [b for b in clashing.get(int(group[first + number]), ()) if b is not block]
            found.append(
                Conflict(
                    block=block.name,
                    index=index,
                    place=block.place(index),
                    sentence=block.sentence,
                    unit=block.unit,
                    side=slack.side,
                    needed=limit - move if slack.side == "at least" else limit + move,
                    limit=limit,
                    severity=move * float(slack.price[i]),
                    against=tuple(b.name for b in against),
                    against_words=tuple(named(b.sentence, b.name) for b in against),
                )
            )
    return sorted(found, key=lambda conflict: -conflict.severity)


def _clashes(
    model: Model, problem: Problem, slacks: list[_Slack], solution: Solution
) -> tuple[Ints, dict[int, list[Block]]]:
    """Group rows and columns whose limits hold each other (non-zero duals, joined through shared columns).

    Returns a group number for each row, then each column, and the blocks of each group.
    """
    n_rows, n_columns = problem.row_lower.size, problem.cost.size
    if not solution.has_duals:
        return np.zeros(n_rows + n_columns, dtype=np.int64), {}
    on_rows = np.abs(solution.dual("rows"))
    on_columns = np.abs(solution.reduced_cost("x"))
    for slack in slacks:
        if slack.kind == "columns":
            np.maximum.at(on_columns, slack.ids, np.abs(solution.dual(f"limit of {_name(slack)}")))
    held = np.concatenate((on_rows, on_columns))
    active = held > _ACTIVE * held.max(initial=0.0)
    links = sparse.diags_array(active[:n_rows].astype(float)) @ problem.matrix
    graph = sparse.block_array([[None, links], [links.T, None]]) if n_rows else sparse.csr_array((n_columns, n_columns))
    _, group = csgraph.connected_components(graph, directed=False)
    together: dict[int, list[Block]] = {}
    blocks: dict[Kind, list[Block]] = {"rows": model.blocks("rows"), "columns": model.blocks("columns")}
    for number in np.flatnonzero(active):
        kind: Kind = "rows" if number < n_rows else "columns"
        block = owner(blocks[kind], int(number) - (0 if kind == "rows" else n_rows))
        members = together.setdefault(int(group[number]), [])
        if block not in members:
            members.append(block)
    return group, together
