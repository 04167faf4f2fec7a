"""Known optima, duals and statuses of the block layer."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import linprog

from kiban.solve import Model, SolveOptions, SolverError

COST = np.array([[2.0, 3.0, 1.0], [5.0, 4.0, 8.0]])
SUPPLY = np.array([20.0, 30.0])
DEMAND = np.array([10.0, 35.0, 5.0])


def transport() -> Model:
    m = Model("transport")
    x = m.add_columns("ship_t", (2, 3), cost=COST, unit="t", sentence="Shipped from a plant to a town")
    plant, town = np.arange(2)[:, None], np.arange(3)[None, :]
    m.add_rows("supply", 2, upper=SUPPLY, terms=[(plant, x, 1.0)], unit="t", sentence="A plant ships what it has")
    m.add_rows("demand", 3, lower=DEMAND, terms=[(town, x, 1.0)], unit="t", sentence="Every town is served")
    return m


@pytest.mark.parametrize("solver", ["choose", "simplex", "ipm"])
def test_transport_by_hand(solver):
    # Plant 0 saves 3 per tonne in town 0, 1 in town 1, 7 in town 2: it serves towns 2 and 0, then 5 t of town 1.
    s = transport().solve(SolveOptions(solver=solver))
    assert s.status == "optimal"
    assert s.objective == pytest.approx(1 * 5 + 2 * 10 + 3 * 5 + 4 * 30)
    np.testing.assert_allclose(s.value("ship_t"), [[10, 5, 5], [0, 30, 0]], atol=1e-7)
    np.testing.assert_allclose(s.activity("supply"), [20, 30], atol=1e-7)
    r = s.residuals
    assert max(r.primal_frac, r.dual_frac, r.gap_frac) < 1e-8


def test_diet_duals_are_prices():
    # Two foods, two needs, both binding: y solves A' y = cost.
    m = Model("diet")
    x = m.add_columns("food_kg", 2, cost=[3.0, 2.0])
    m.add_rows("need", 2, lower=[8.0, 6.0], terms=[(None, x.index[0], [2.0, 1.0]), (None, x.index[1], [1.0, 1.0])])
    s = m.solve()
    np.testing.assert_allclose(s.value("food_kg"), [2.0, 4.0])
    np.testing.assert_allclose(s.dual("need"), [1.0, 1.0])
    assert s.objective == pytest.approx(14.0)
    np.testing.assert_allclose(s.reduced_cost("food_kg"), 0.0, atol=1e-12)


def test_newsvendor_takes_the_critical_fractile():
    demand = np.arange(1.0, 11.0)
    price, cost = 10.0, 3.5
    m = Model("newsvendor", maximise=True)
    order = m.add_columns("order", 1, cost=-cost)
    sold = m.add_columns("sold", demand.size, upper=demand, cost=price / demand.size)
    stock = m.add_rows("stock", demand.size, upper=0.0, terms=[(None, sold, 1.0), (None, order, -1.0)])
    s = m.solve()
    fractile = (price - cost) / price  # 0.65 lies in the seventh of ten equal steps
    assert s.value(order)[0] == pytest.approx(demand[int(np.floor(fractile * demand.size))])
    assert s.objective == pytest.approx(price * np.minimum(demand, 7.0).mean() - cost * 7.0)
    assert (s.dual(stock) >= -1e-12).all() and s.dual("stock").sum() == pytest.approx(cost)
    assert s.residuals.gap_frac < 1e-9


@pytest.mark.parametrize("maximise", [False, True])
def test_duals_equal_finite_differences(maximise):
    rng = np.random.default_rng(7)
    a, b, c = rng.uniform(0.5, 2.0, (6, 8)), rng.uniform(4.0, 6.0, 6), rng.uniform(1.0, 3.0, 8)
    step = 1e-4

    def build(b, top):
        m = Model("random", maximise=maximise)
        x = m.add_columns("x", 8, upper=top, cost=c)
        side = {"upper": b} if maximise else {"lower": b}
        m.add_rows("r", 6, terms=[(np.arange(6)[:, None], x, a)], **side)
        return m.solve()

    top = np.full(8, 0.9)
    s = build(b, top)
    assert s.status == "optimal"
    for duals, at in ((s.dual("r"), 0), (s.reduced_cost("x"), 1)):
        assert np.abs(duals).max() > 0.1
        for i, dual in enumerate(duals):
            up, down = [b.copy(), top.copy()], [b.copy(), top.copy()]
            up[at][i] += step
            down[at][i] -= step
            slope = (build(*up).objective - build(*down).objective) / (2 * step)
            # A column at its lower bound 0 does not feel its upper bound.
            expected = 0.0 if at == 1 and s.value("x")[i] < 1e-9 else dual
            assert slope == pytest.approx(expected, abs=1e-6)


def test_knapsack():
    value, weight = np.array([60.0, 100.0, 120.0]), np.array([10.0, 20.0, 30.0])
    m = Model("knapsack", maximise=True)
    x = m.add_columns("take", 3, upper=1.0, integer=True, cost=value)
    m.add_rows("room", (), upper=50.0, terms=[(0, x, weight)])
    s = m.solve()
    assert s.status == "optimal" and s.objective == pytest.approx(220.0)
    np.testing.assert_allclose(s.value("take"), [0, 1, 1], atol=1e-9)
    assert s.activity("room").shape == () and s.gap_frac <= 1e-4
    assert not s.has_duals
    with pytest.raises(SolverError, match=r"no duals for 'room'"):
        s.dual("room")


def test_ranged_and_equality_rows_and_open_bounds():
    m = Model("ranges")
    x = m.add_columns("x", 2, lower=-1e20, upper=1e30, cost=[1.0, -1.0])
    m.add_rows("range", 2, lower=[-2.0, -3.0], upper=[4.0, 5.0], terms=[(None, x, 1.0)])
    s = m.solve()
    np.testing.assert_allclose(s.value("x"), [-2.0, 5.0])
    np.testing.assert_allclose(s.dual("range"), [1.0, -1.0])
    m.add_rows("same", 1, lower=1.0, upper=1.0, terms=[(0, x, 1.0)])
    s = m.solve()
    assert s.value("x").sum() == pytest.approx(1.0) and s.objective == pytest.approx(-5.0)


def test_duplicates_add_up_and_cancel():
    m = Model("duplicates")
    x = m.add_columns("x", 2, cost=1.0)
    m.add_rows(
        "r",
        2,
        lower=[6.0, 4.0],
        terms=[([0, 0, 1], x.index[0], [1.0, 2.0, 1e-12]), (None, x, 1.0), (0, x.index[0], -1.0)],
    )
    assert m.problem().matrix.nnz == 2 and m.problem().matrix.toarray().tolist() == [[3.0, 0.0], [0.0, 1.0]]
    np.testing.assert_allclose(m.solve().value("x"), [2.0, 4.0])


def test_empty_blocks_and_rows_without_terms():
    m = Model("empty")
    assert m.solve().status == "optimal" and m.solve().objective == 0.0
    m.add_rows("fine", 1, lower=-1.0, upper=2.0)
    assert m.solve().activity("fine").tolist() == [0.0]
    m.add_columns("none", (0, 3))
    x = m.add_columns("x", 2, lower=1.0, cost=[2.0, 3.0])
    m.add_rows("nothing", 0, terms=[(None, np.empty(0, int), 1.0)])
    m.add_rows("no_terms", (2, 2), upper=1.0)
    s = m.solve()
    assert s.objective == pytest.approx(5.0) and s.value("none").shape == (0, 3) and s.dual("no_terms").shape == (2, 2)
    m.set_cost(m.add_columns("more", 0), 1.0)
    m.set_row_bounds(m.blocks("rows")[1], lower=1.0, upper=1.0)
    assert m.solve().status == "optimal" and x.size == 2
    m.add_rows("broken", 1, lower=1.0)
    assert m.solve().status == "infeasible"


def test_rows_only_model_can_be_infeasible():
    m = Model("rows only")
    m.add_rows("r", 1, lower=1.0)
    s = m.solve()
    assert s.status == "infeasible" and not s.has_values


@pytest.mark.parametrize("integer", [False, True])
def test_unbounded_is_a_status(integer):
    m = Model("unbounded")
    x = m.add_columns("x", 2, cost=[-1.0, 0.0], integer=[integer, False])
    m.add_rows("r", 1, upper=4.0, terms=[(0, x, [-1.0, 1.0])])
    s = m.solve()
    assert s.status == "unbounded" and np.isnan(s.objective)
    with pytest.raises(SolverError, match="unbounded"):
        s.value("x")
    m.set_column_bounds(x, upper=3.0)
    assert m.solve().objective == pytest.approx(-3.0)


def test_slices_are_column_numbers():
    m = Model("slices")
    m.add_columns("first", 5)
    x = m.add_columns("x", (2, 3, 4), cost=np.arange(24.0).reshape(2, 3, 4), upper=1.0)
    assert x[1, 2, 3] == 5 + 23 and x[..., 3].shape == (2, 3)
    m.set_column_bounds(x[..., 3], lower=1.0)
    m.set_cost(x[0, 0, 3], 100.0)
    s = m.solve()
    assert s.objective == pytest.approx(np.arange(24.0).reshape(2, 3, 4)[..., 3].sum() - 3.0 + 100.0)
    assert s.value("x")[..., :3].sum() == 0.0


bounded = st.floats(0.1, 5.0).map(lambda v: round(v, 3))


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(1, 5), st.integers(1, 4), st.booleans())
def test_warm_solve_equals_cold_solve_and_scipy(data, n, k, maximise):
    """After changes to costs, bounds and limits in place, the kept model agrees with a new one and with scipy."""

    def draw(shape):
        size = int(np.prod(shape))
        return np.array(data.draw(st.lists(bounded, min_size=size, max_size=size))).reshape(shape)

    a = draw((k, n)) - 2.0

    def build(cost, top, low, high):
        m = Model("m", maximise=maximise)
        x = m.add_columns("x", n, upper=top, cost=cost)
        m.add_rows("r", k, lower=low, upper=high, terms=[(np.arange(k)[:, None], x, a)])
        return m

    def numbers():
        low = draw(k) - 4.0
        return draw(n) - 2.0, draw(n), low, low + draw(k)

    kept = build(*numbers())
    kept.solve()
    cost, top, low, high = numbers()
    x, r = kept.blocks("columns")[0], kept.blocks("rows")[0]
    kept.set_cost(x, cost)
    kept.set_column_bounds(x, upper=top)
    kept.set_row_bounds(r, low, high)
    warm, cold = kept.solve(), build(cost, top, low, high).solve()
    sign = -1.0 if maximise else 1.0
    judge = linprog(sign * cost, np.vstack((a, -a)), np.concatenate((high, -low)), bounds=np.c_[np.zeros(n), top])
    assert warm.status == cold.status == {0: "optimal", 2: "infeasible"}[judge.status]
    if judge.status == 0:
        assert warm.objective == pytest.approx(sign * judge.fun, abs=1e-6)
        assert cold.objective == pytest.approx(sign * judge.fun, abs=1e-6)
        assert max(warm.residuals.primal_frac, warm.residuals.dual_frac, warm.residuals.gap_frac) < 1e-6


def test_warm_start_saves_iterations():
    rng = np.random.default_rng(0)
    a = rng.random((80, 120))
    m = Model("warm")
    x = m.add_columns("x", 120, cost=rng.random(120))
    r = m.add_rows("r", 80, lower=1.0, terms=[(np.arange(80)[:, None], x, a)])
    cold = m.solve(SolveOptions(solver="simplex"))
    m.set_row_bounds(r[:3], lower=1.02)
    again = m.solve(SolveOptions(solver="simplex"))
    assert not cold.warm and again.warm
    assert again.iterations < cold.iterations / 3


def test_building_costs_little_more_than_sorting_the_matrix():
    rng = np.random.default_rng(0)
    n, k, nnz = 200_000, 100_000, 1_000_000
    rows, cols, coefs = rng.integers(0, k, nnz), rng.integers(0, n, nnz), rng.random(nnz)

    def build():
        m = Model("big")
        m.add_columns("x", n, upper=1.0, cost=1.0)
        m.add_rows("r", k, lower=0.1, terms=[(rows, cols, coefs)])
        return m.problem().matrix

    def bare():
        return sparse.coo_array((coefs, (rows, cols)), shape=(k, n)).tocsc()

    def best(call):
        times = []
        for _ in range(3):
            began = time.perf_counter()
            call()
            times.append(time.perf_counter() - began)
        return min(times)

    assert abs(build() - bare()).max() == 0.0
    # One Python step per row or column would cost some hundred times the sort.
    assert best(build) < 10 * best(bare)


def test_a_kept_basis_brings_the_solver_back_without_a_step() -> None:
    rng = np.random.default_rng(11)
    model = Model("box", maximise=True)
    x = model.add_columns("x", 30, upper=1.0, cost=rng.uniform(1, 2, 30))
    model.add_rows("mix", 12, upper=4.0, terms=[(np.arange(12)[:, None], x.index, rng.uniform(0, 1, (12, 30)))])
    assert model.basis is None
    first = model.solve(SolveOptions(solver="simplex"))
    basis = model.basis
    assert basis is not None
    model.set_column_bounds(x, upper=0.2)
    assert model.solve(SolveOptions(solver="simplex")).iterations > 0
    model.set_column_bounds(x, upper=1.0)
    model.start_from(basis)
    again = model.solve(SolveOptions(solver="simplex"))
    assert again.iterations == 0
    assert again.objective == pytest.approx(first.objective, rel=1e-12)


def test_a_basis_of_another_model_is_refused() -> None:
    model = Model("one")
    model.add_columns("x", 1, cost=1.0)
    model.solve()
    basis = model.basis
    assert basis is not None
    model.add_rows("r", 1, lower=0.5, terms=[(None, np.array([0]), 1.0)])
    with pytest.raises(SolverError, match="does not belong to model 'one'"):
        model.start_from(basis)
