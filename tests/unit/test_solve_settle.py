"""Held columns and priced rows against the programme solved whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.solve import Basis, Held, Model, SolveOptions, settle

HOURS = 60
SIMPLEX = SolveOptions(solver="simplex")


def sizing(seed: int, share: float) -> tuple[Model, np.ndarray, np.ndarray]:
    """A size of a source and of a plant, dearer purchases by the hour, and at most a share of all from the plant."""
    random = np.random.default_rng(seed)
    load, sun = random.uniform(5.0, 9.0, HOURS), random.uniform(0.0, 1.0, HOURS)
    m = Model("sizing")
    size = m.add_columns("size", 2, cost=[random.uniform(20.0, 60.0), random.uniform(5.0, 20.0)])
    run = m.add_columns("run", HOURS, cost=random.uniform(1.0, 2.0))
    buy = m.add_columns("buy", HOURS, upper=8.0, cost=random.uniform(2.0, 9.0, HOURS))
    state = m.add_columns("state", HOURS, upper=3.0)
    before = state[np.roll(np.arange(HOURS), 1)]
    # What is over charges the store for nothing; the store ends where it began.
    m.add_rows(
        "need",
        HOURS,
        lower=load,
        terms=[(None, run, 1.0), (None, buy, 1.0), (None, size[0], sun), (None, before, 0.95), (None, state, -1.0)],
    )
    m.add_rows("rating", HOURS, upper=0.0, terms=[(None, run, 1.0), (None, size[1], -1.0)])
    zero = np.zeros(HOURS, dtype=np.int64)
    rule = m.add_rows("rule", 1, upper=share * load.sum(), terms=[(zero, run, 1.0), (zero, buy, 0.5)])
    return m, size.index, rule.index


@given(seed=st.integers(0, 10_000), share=st.floats(0.05, 0.6), far=st.floats(0.0, 3.0), price=st.floats(0.0, 40.0))
@settings(max_examples=40, deadline=None)
def test_bounds_hold_the_optimum_and_the_basis_is_where_it_is(
    seed: int, share: float, far: float, price: float
) -> None:
    whole, columns, rows = sizing(seed, share)
    best = whole.solve(SIMPLEX)
    held = Held(whole.problem(), columns, rows)
    found = settle(held, far * best.value("size"), np.array([price]), np.array([3.0, 3.0]))
    assert found is not None
    assert found.lower <= best.objective * (1 + 1e-7) and found.upper >= best.objective * (1 - 1e-7)
    assert found.gap_frac <= 1e-6
    basis = held.free(np.array([0.01, 0.01]), 10_000)
    again, _, _ = sizing(seed, share)
    again.start_from(Basis(again.n_columns, again.n_rows, basis))
    ended = again.solve(SIMPLEX)
    assert ended.objective == pytest.approx(best.objective, rel=1e-9)
    assert ended.warm and ended.iterations <= 12


def test_slopes_and_activity_are_those_of_the_programme() -> None:
    whole, columns, rows = sizing(3, 0.3)
    held = Held(whole.problem(), columns, rows)
    values, prices, step = np.array([4.0, 3.0]), np.array([2.0]), 1e-5
    look = held.at(values, prices)
    for k in range(2):
        moved = held.at(values + step * np.eye(2)[k], prices)
        assert (moved.worth - look.worth) / step == pytest.approx(look.slopes[k], abs=1e-4)
    dearer = held.at(values, prices + step)
    assert (dearer.worth - look.worth) / step == pytest.approx(look.activity[0], rel=1e-6)
    assert look.worth == pytest.approx(look.own + prices @ look.activity, rel=1e-12)


def test_a_fence_shuts_out_what_is_infeasible_and_nothing_else() -> None:
    m = Model("fence")
    size = m.add_columns("size", 1, cost=1.0)
    run = m.add_columns("run", 3, cost=1.0)
    m.add_rows("need", 3, lower=[2.0, 5.0, 3.0], terms=[(None, run, 1.0)])
    m.add_rows("rating", 3, upper=0.0, terms=[(None, run, 1.0), (None, size, -1.0)])
    held = Held(m.problem(), size.index, np.empty(0, dtype=np.int64))
    fence = held.at(np.array([1.0]), np.empty(0))
    reached = fence.limit / fence.weights[0]
    assert fence.weights[0] < 0 and 1.0 < reached <= 5.0
    found = settle(held, np.array([1.0]), np.empty(0), np.array([1.0]))
    assert found.values[0] == pytest.approx(5.0) and found.upper == pytest.approx(15.0)


def test_a_programme_without_a_solution_settles_nowhere() -> None:
    m = Model("none")
    size = m.add_columns("size", 1, upper=2.0, cost=1.0)
    run = m.add_columns("run", 1, upper=1.0)
    m.add_rows("need", 1, lower=3.5, terms=[(None, run, 1.0), (None, size, 1.0)])
    held = Held(m.problem(), size.index, np.empty(0, dtype=np.int64))
    assert settle(held, np.array([1.0]), np.empty(0), np.array([1.0])) is None
