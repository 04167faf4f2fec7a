"""Programmes cut into pieces against the same programmes solved whole, on every kind of farm."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.solve import (
    SHARED,
    Bounded,
    DaskFarm,
    Farm,
    Infeasible,
    Model,
    ModelDataError,
    ProcessFarm,
    SerialFarm,
    SolveOptions,
    SolverError,
    solve_in_pieces,
    split,
)


def drawn(seed: int, pieces: int, maximise: bool) -> tuple[Model, np.ndarray, np.ndarray]:
    """Two shared columns, three of each piece, hard rows that shared decisions can break; labels of both."""
    random = np.random.default_rng(seed)
    m = Model("drawn", maximise=maximise)
    sign = 1.0 if maximise else -1.0
    x = m.add_columns("x", 2, upper=random.uniform(2, 6, 2), cost=sign * random.uniform(-1, 3, 2))
    y = m.add_columns("y", (pieces, 3), upper=random.uniform(1, 4, (pieces, 3)), cost=sign * random.uniform(0, 2, 3))
    m.add_rows("shared", 1, upper=random.uniform(3, 8), terms=[(0, x, random.uniform(0.5, 1.5, 2))])
    each = np.arange(pieces)[:, None]
    # Every piece must take in what the shared part sends, and has room for a drawn amount only.
    m.add_rows(
        "room", pieces, upper=random.uniform(1, 4, pieces),
        terms=[(each, x, random.uniform(0, 1.5, (pieces, 2))), (each, y, random.uniform(-1, 1, (pieces, 3)))],
    )  # fmt: skip
    m.add_rows(
        "balance", pieces, lower=0.0, upper=0.0,
        terms=[(each, x, random.uniform(0, 0.5, (pieces, 2))), (each, y, random.uniform(-1, -0.2, (pieces, 3)))],
    )  # fmt: skip
    column = np.concatenate([[SHARED] * 2, np.repeat(np.arange(pieces), 3)])
    row = np.concatenate([[SHARED], np.arange(pieces), np.arange(pieces)])
    return m, column, row


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), pieces=st.integers(1, 5), maximise=st.booleans())
def test_the_pieces_give_the_optimum_of_the_whole(seed: int, pieces: int, maximise: bool) -> None:
    model, column, row = drawn(seed, pieces, maximise)
    whole = model.solve(SolveOptions(solver="simplex"))
    assert whole.status == "optimal"
    found = solve_in_pieces(split(model.problem(), column, row), gap_frac=1e-7, constant=1.0 if maximise else -1.0)
    size = 1e-5 * (1 + abs(whole.objective))
    assert found.lower - size <= whole.objective <= found.upper + size
    problem = model.problem()
    assert problem.cost @ found.columns == pytest.approx(whole.objective, abs=size)
    activity = problem.matrix @ found.columns
    assert (activity <= problem.row_upper + 1e-5).all() and (activity >= problem.row_lower - 1e-5).all()
    assert (found.columns >= problem.lower - 1e-6).all() and (found.columns <= problem.upper + 1e-6).all()
    for step in found.steps:
        assert step.lower - size <= whole.objective <= step.upper + size


@pytest.mark.parametrize(("cost", "best"), [(0.9, 10.0), (0.65, 20.0), (0.35, 20.0), (0.2, 30.0)])
def test_newsvendor_orders_at_the_critical_ratio(cost: float, best: float) -> None:
    chance, want = np.array([0.3, 0.4, 0.3]), np.array([10.0, 20.0, 30.0])
    m = Model("newsvendor", maximise=True)
    order = m.add_columns("order", 1, upper=100.0, cost=-cost)
    sold = m.add_columns("sold", 3, upper=want, cost=chance)
    m.add_rows("stock", 3, upper=0.0, terms=[(None, sold, 1.0), (None, order, -1.0)])
    labels = np.array([0, 1, 2])
    found = solve_in_pieces(split(m.problem(), np.append(SHARED, labels), labels), gap_frac=1e-9)
    assert found.columns[0] == pytest.approx(best, abs=1e-6)
    assert found.lower == pytest.approx(chance @ np.minimum(want, best) - cost * best, abs=1e-6)
    assert found.upper == pytest.approx(found.lower, abs=1e-6)


def sender(gain: float, room: float, least: float = 0.0) -> Any:
    """The shared part gains by sending; the piece must hold what comes and has so much room."""
    m = Model("sender", maximise=True)
    x = m.add_columns("send", 1, lower=least, upper=100.0, cost=gain)
    y = m.add_columns("hold", 1, upper=room, cost=-1.0)
    m.add_rows("held", 1, lower=0.0, upper=0.0, terms=[(0, x, -1.0), (0, y, 1.0)])
    return split(m.problem(), [SHARED, 0], [0])


@pytest.mark.parametrize("gain", [2.0, 300.0, 5e4])
def test_the_penalty_grows_until_breaking_a_limit_does_not_pay(gain: float) -> None:
    found = solve_in_pieces(sender(gain, 5.0), gap_frac=1e-9)
    assert found.columns == pytest.approx([5.0, 5.0], abs=1e-6)
    assert found.lower == pytest.approx(5 * (gain - 1), rel=1e-8)
    assert found.broken <= 1e-6
    assert found.penalty > gain - 1


def test_a_shared_part_that_no_piece_can_follow_is_an_error() -> None:
    with pytest.raises(SolverError, match="no point of the shared part satisfies"):
        solve_in_pieces(sender(1.0, 5.0, least=6.0))


def test_shared_limits_that_clash_are_named() -> None:
    m = Model("clash", maximise=True)
    x = m.add_columns("x", 1, upper=1.0)
    m.add_columns("y", 1, upper=1.0)
    m.add_rows("need", 1, lower=2.0, terms=[(0, x, 1.0)], sentence="Need is met")
    with pytest.raises(Infeasible):
        solve_in_pieces(split(m.problem(), [SHARED, 0], [SHARED]))


def test_an_unbounded_shared_part_is_an_error() -> None:
    m = Model("open", maximise=True)
    x = m.add_columns("x", 1, upper=10.0)
    y = m.add_columns("y", 1, cost=1.0)
    m.add_rows("link", 1, upper=0.0, terms=[(0, y, 1.0), (0, x, -1.0)])
    found = solve_in_pieces(split(m.problem(), [SHARED, 0], [0]), gap_frac=1e-9)
    assert found.lower == pytest.approx(10.0)
    m = Model("open", maximise=True)
    m.add_columns("x", 1, cost=1.0)
    m.add_columns("y", 1, upper=1.0)
    with pytest.raises(SolverError, match="no bound"):
        solve_in_pieces(split(m.problem(), [SHARED, 0], []))


def test_a_shared_column_that_only_the_pieces_hold_needs_no_bound() -> None:
    """CVaR of three equal outcomes as level and shortfalls: the worst two thirds of 1, 2, 6 have the mean 1.5."""
    m = Model("tail", maximise=True)
    level = m.add_columns("level", 1, lower=-np.inf, cost=1.0)
    short = m.add_columns("short", 3, cost=-1 / 3 / (2 / 3))
    m.add_rows("fall", 3, upper=[1.0, 2.0, 6.0], terms=[(None, level, 1.0), (None, short, -1.0)])
    found = solve_in_pieces(split(m.problem(), [SHARED, 0, 1, 2], [0, 1, 2]), gap_frac=1e-9)
    assert found.lower == pytest.approx(1.5, abs=1e-6)
    assert found.upper == pytest.approx(1.5, abs=1e-6)


def test_nothing_to_cut_off_is_refused() -> None:
    m = Model("shared")
    m.add_columns("x", 1)
    with pytest.raises(ModelDataError, match="no piece to cut off"):
        split(m.problem(), [SHARED], [])


def test_a_row_between_two_pieces_is_refused() -> None:
    m = Model("stray")
    y = m.add_columns("y", 2)
    m.add_rows("both", 1, lower=1.0, terms=[(0, y, 1.0)])
    with pytest.raises(ModelDataError, match="row 0 belongs to part 0 but sees column 1 of part 1"):
        split(m.problem(), [0, 1], [0])


def test_integers_are_refused() -> None:
    m = Model("whole")
    m.add_columns("y", 1, integer=True)
    with pytest.raises(ModelDataError, match="integer"):
        split(m.problem(), [SHARED], [])


def test_too_few_rounds_say_how_far_it_came() -> None:
    with pytest.raises(SolverError, match="after 1 rounds the gap is still"):
        model, column, row = drawn(3, 4, True)
        solve_in_pieces(split(model.problem(), column, row), gap_frac=1e-12, most_rounds=1)


def test_adding_rows_keeps_the_solver_warm_and_gives_the_same_optimum() -> None:
    random = np.random.default_rng(5)
    kept, fresh = Model("kept", maximise=True), Model("fresh", maximise=True)
    a, b = random.uniform(0.1, 1, (2, 30, 40))
    for m in (kept, fresh):
        x = m.add_columns("x", 40, upper=2.0, cost=random.uniform(1, 2, 40) if m is kept else kept.problem().cost)
        m.add_rows("first", 30, upper=5.0, terms=[(np.arange(30)[:, None], x, a)])
        if m is kept:
            m.solve(SolveOptions(solver="simplex"))
        # The same row and column twice: coefficients add up in a live solver too.
        twice = (np.arange(30)[:, None], x, b / 2)
        m.add_rows("second", 30, upper=4.0, terms=[twice, twice])
    assert kept.warm and not fresh.warm
    again, cold = kept.solve(SolveOptions(solver="simplex")), fresh.solve(SolveOptions(solver="simplex"))
    assert again.warm and again.objective == pytest.approx(cold.objective, rel=1e-9)
    assert again.residuals.primal_frac < 1e-7 and again.residuals.gap_frac < 1e-7
    kept.add_columns("more", 1)
    assert not kept.warm


# Farms.


class Echo:
    """Says what it was made from and asked; fails on request."""

    def __init__(self, piece: Any) -> None:
        self.piece = piece
        self.asked = 0

    def ask(self, question: Any) -> Any:
        self.asked += 1
        if question == "fail":
            raise KeyError("lost")
        if question == "clash":
            raise Infeasible("echo", [])
        if question == "die":
            sys.exit(3)
        return self.piece, question, self.asked


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as local,
        distributed.Client(local) as client,
    ):
        yield client


@pytest.fixture(scope="module", params=["serial", "processes", "dask"])
def farm(request: pytest.FixtureRequest) -> Iterator[Farm]:
    if request.param == "serial":
        made: Farm = SerialFarm()
    elif request.param == "processes":
        made = ProcessFarm(2)
    else:
        made = DaskFarm(request.getfixturevalue("cluster"))
    yield made
    made.close()


def test_answers_come_in_order_from_workers_that_stay(farm: Farm) -> None:
    farm.place(Echo, ["a", "b", "c"])
    assert farm.ask([1, 2, 3]) == [("a", 1, 1), ("b", 2, 1), ("c", 3, 1)]
    assert farm.ask([4, 5, 6]) == [("a", 4, 2), ("b", 5, 2), ("c", 6, 2)]
    farm.place(Echo, ["d"])
    assert farm.ask([7]) == [("d", 7, 1)]


def test_errors_of_workers_come_back(farm: Farm) -> None:
    farm.place(Echo, ["a", "b"])
    with pytest.raises(Infeasible):
        farm.ask([1, "clash"])
    with pytest.raises((SolverError, KeyError), match="lost"):
        farm.ask(["fail", 1])
    assert farm.ask([2, 2])[1][:2] == ("b", 2)


def test_every_farm_finds_the_same_bounds(farm: Farm) -> None:
    model, column, row = drawn(7, 5, True)
    whole = split(model.problem(), column, row)

    def bounds(found: Bounded) -> list[tuple[float, float]]:
        return [(step.lower, step.upper) for step in found.steps]

    here, there = solve_in_pieces(whole, gap_frac=1e-7), solve_in_pieces(whole, farm, gap_frac=1e-7)
    assert bounds(here) == bounds(there)
    assert (here.columns == there.columns).all()


def test_a_process_that_dies_is_an_error() -> None:
    farm = ProcessFarm(1)
    farm.place(Echo, ["a"])
    with pytest.raises(SolverError, match="ended before it answered"):
        farm.ask(["die"])
    farm.close()


def test_a_farm_without_processes_is_refused() -> None:
    with pytest.raises(SolverError, match="at least one process, not 0"):
        ProcessFarm(0)


def test_dask_by_address(cluster: Any) -> None:
    farm = DaskFarm(cluster.scheduler.address)
    farm.place(Echo, ["a", "b", "c"])
    assert [answer[0] for answer in farm.ask([1, 2, 3])] == ["a", "b", "c"]
    farm.close()


def test_dask_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SolverError, match="pip install 'kiban\\[cluster\\]'"):
        DaskFarm("tcp://localhost:8786")
