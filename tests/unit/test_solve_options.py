"""Options reach the solver or raise, hold for one run, and nothing is printed."""

import numpy as np
import pytest

from kiban.solve import Model, SolveOptions, SolverOptionError


def transport() -> Model:
    """Two plants, three towns; the optimum of 160 is worked out by hand in test_solve_lp."""
    m = Model("transport")
    x = m.add_columns("ship_t", (2, 3), cost=[[2.0, 3.0, 1.0], [5.0, 4.0, 8.0]])
    m.add_rows("supply", 2, upper=[20.0, 30.0], terms=[(np.arange(2)[:, None], x, 1.0)])
    m.add_rows("demand", 3, lower=[10.0, 35.0, 5.0], terms=[(np.arange(3), x, 1.0)])
    return m


def test_rejected_options_raise():
    m = transport()
    for options in (
        SolveOptions(extra={"no_such_option": 1}),
        SolveOptions(solver="magic"),  # type: ignore[arg-type]
        SolveOptions(time_limit_s=-1e9),
        SolveOptions(mip_gap_frac=-1.0),
    ):
        with pytest.raises(SolverOptionError, match="refuses"):
            m.solve(options)
    assert m.solve().status == "optimal"


def test_time_limit_counts_one_run_of_a_milp():
    rng = np.random.default_rng(3)
    m = Model("slow", maximise=True)
    x = m.add_columns("x", 150, upper=1.0, integer=True, cost=rng.integers(20, 90, 150))
    weights = rng.integers(20, 90, (30, 150))
    m.add_rows("room", 30, upper=weights.sum(axis=1) / 2, terms=[(np.arange(30)[:, None], x, weights)])
    limit_s = 0.3
    for _ in range(3):
        s = m.solve(SolveOptions(time_limit_s=limit_s, mip_gap_frac=0.0))
        assert s.status == "time_limit" and s.has_values and s.gap_frac > 0.0
        assert 0.9 * limit_s < s.seconds < 2.5 * limit_s


def test_time_limit_counts_one_run_of_an_lp():
    rng = np.random.default_rng(3)
    m = Model("dense")
    x = m.add_columns("x", 400, cost=rng.random(400))
    m.add_rows("r", 300, lower=1.0, terms=[(np.arange(300)[:, None], x, rng.random((300, 400)))])
    limit_s = 3.0 * m.solve(SolveOptions(solver="ipm")).seconds
    for _ in range(8):
        # Together these runs take longer than the limit, each of them does not.
        assert m.solve(SolveOptions(solver="ipm", time_limit_s=limit_s)).status == "optimal"
    assert m.solve(SolveOptions(solver="ipm", time_limit_s=0.0)).status == "time_limit"


def test_options_do_not_stick():
    m = transport()
    off = {"presolve": "off", "simplex_iteration_limit": 0}
    assert m.solve(SolveOptions(solver="simplex", extra=off)).status == "iteration_limit"
    assert m.solve(SolveOptions(solver="simplex")).status == "optimal"


def test_threads_may_change_between_solves():
    m = transport()
    for threads in (1, 2, None, 1):
        assert m.solve(SolveOptions(threads=threads)).objective == pytest.approx(160.0)


def test_nothing_is_printed(capfd):
    m = transport()
    m.solve()
    m.solve(SolveOptions(solver="ipm"))
    assert capfd.readouterr() == ("", "")


def test_interior_point_without_crossover_is_close_and_leaves_no_basis():
    m = transport()
    s = m.solve(SolveOptions(solver="ipm", crossover=False, extra={"presolve": "off"}))
    assert s.status == "optimal" and s.objective == pytest.approx(160.0, rel=1e-5)
    assert not m.warm
    m.solve(SolveOptions(solver="ipm", extra={"presolve": "off"}))
    assert m.warm
