"""Infeasible models are explained by the blocks that clash, in their own words."""

import pickle

import numpy as np
import pytest

from kiban.solve import Infeasible, Model, SolverError, explain_infeasibility, require_optimal


def power_plan(load_mw=(100.0, 140.0), grid_mw=(120.0, 120.0), relaxable=True, weight=1.0) -> Model:
    m = Model("plan")
    names = [["west", "east"]]
    x = m.add_columns("use_mw", 2, upper=1000.0, unit="MW", sentence="Load in use", labels=names)
    m.add_rows(
        "serve",
        2,
        lower=load_mw,
        terms=[(None, x, 1.0)],
        unit="MW",
        sentence="Every load is served.",
        labels=names,
        relaxable=weight != 1.0,
    )
    m.add_rows(
        "power_limit",
        2,
        upper=grid_mw,
        terms=[(None, x, 1.0)],
        unit="MW",
        sentence="Load may not exceed the interconnection",
        labels=names,
        relaxable=relaxable,
        weight=weight,
    )
    return m


def test_names_the_limit_the_amount_and_the_other_side():
    m = power_plan()
    with pytest.raises(Infeasible) as caught:
        require_optimal(m, m.solve())
    (conflict,) = caught.value.conflicts
    assert (conflict.block, conflict.index, conflict.place) == ("power_limit", (1,), "power_limit[east]")
    assert (conflict.side, conflict.unit, conflict.limit) == ("at most", "MW", 120.0)
    assert conflict.needed == pytest.approx(140.0) and conflict.amount == pytest.approx(20.0)
    assert conflict.against == ("serve",)
    assert str(caught.value).splitlines()[1] == (
        "  - Load may not exceed the interconnection (power_limit[east]): at most 120 MW allowed, 140 MW needed, "
        "20 MW too much; it clashes with: Every load is served (serve)"
    )


def test_exception_survives_pickling():
    m = power_plan()
    error = Infeasible("plan", explain_infeasibility(m))
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) and again.conflicts == error.conflicts


def test_unmarked_model_relaxes_all_rows():
    found = explain_infeasibility(power_plan(relaxable=False))
    assert sum(c.amount for c in found) == pytest.approx(20.0)
    assert {c.index for c in found} == {(1,)}


def test_marked_blocks_that_cannot_help_are_not_blamed_alone():
    m = power_plan(relaxable=False)
    m.add_rows("other", 1, upper=5.0, relaxable=True)
    found = explain_infeasibility(m)
    assert {c.block for c in found} <= {"serve", "power_limit"} and found


def test_weight_decides_who_moves():
    assert {c.block for c in explain_infeasibility(power_plan(weight=100.0))} == {"serve"}
    (cheap,) = explain_infeasibility(power_plan(weight=0.01))
    assert cheap.block == "power_limit"
    (short,) = explain_infeasibility(power_plan(weight=100.0))
    assert short.side == "at least" and short.needed == pytest.approx(120.0)
    assert "at least 140 MW asked, 120 MW possible, 20 MW too little" in short.words()


def test_column_bounds_can_be_the_limit_and_worst_comes_first():
    m = Model("sites")
    x = m.add_columns("build_mw", 3, upper=[50.0, 60.0, 70.0], unit="MW", sentence="Built at a site", relaxable=True)
    m.add_rows("need", 3, lower=[55.0, 90.0, 70.0], terms=[(None, x, 1.0)], sentence="Need is met")
    found = explain_infeasibility(m)
    assert [(c.block, c.index, c.side) for c in found] == [("build_mw", (1,), "at most"), ("build_mw", (0,), "at most")]
    np.testing.assert_allclose([c.amount for c in found], [30.0, 5.0])
    assert found[0].against == ("need",)
    message = str(Infeasible("sites", found))
    assert "30 MW too much" in message and "(and 1 more places of this block)" in message


def test_separate_clashes_do_not_name_each_other():
    m = Model("two")
    for side in ("a", "b"):
        x = m.add_columns(f"x_{side}", 1, upper=1e6)
        m.add_rows(f"low_{side}", 1, lower=10.0, terms=[(0, x, 1.0)])
        m.add_rows(f"high_{side}", 1, upper=4.0, terms=[(0, x, 1.0)], relaxable=True)
    assert {c.block: c.against for c in explain_infeasibility(m)} == {
        "high_a": ("low_a",),
        "high_b": ("low_b",),
    }


def test_feasible_model_has_no_conflicts():
    m = power_plan(load_mw=(1.0, 2.0))
    assert explain_infeasibility(m) == []
    s = m.solve()
    assert require_optimal(m, s) is s


def test_only_whole_numbers_clash():
    m = Model("whole")
    x = m.add_columns("halls", 2, upper=3.0, integer=True, unit="halls")
    m.add_rows("odd", 1, lower=1.0, upper=1.0, terms=[(0, x, 2.0)], sentence="Twice the halls is one")
    s = m.solve()
    assert s.status == "infeasible"
    (conflict,) = explain_infeasibility(m)
    assert conflict.block == "odd" and conflict.amount == pytest.approx(1.0)


def test_rows_without_columns():
    m = Model("rows")
    m.add_rows("r", 2, lower=[1.0, 0.0], sentence="Something is there")
    (conflict,) = explain_infeasibility(m)
    assert conflict.place == "r[0]" and conflict.needed == 0.0


def test_large_model_lists_few_lines():
    m = Model("year")
    x = m.add_columns("use_mwh", 8760, upper=80.0)
    load = np.where(np.arange(8760) % 24 == 18, 100.0, 50.0)
    m.add_rows("hourly_balance", 8760, lower=load, upper=load, terms=[(None, x, 1.0)])
    m.add_rows("hourly_limit", 8760, upper=80.0, terms=[(None, x, 1.0)], relaxable=True)
    m.set_column_bounds(x, upper=np.inf)
    found = explain_infeasibility(m)
    assert len(found) == 365 and {c.block for c in found} == {"hourly_limit"}
    assert len(str(Infeasible("year", found)).splitlines()) == 2


def test_unbounded_is_not_infeasible():
    m = Model("unbounded")
    m.add_columns("x", 1, cost=-1.0)
    with pytest.raises(SolverError, match="unbounded"):
        require_optimal(m, m.solve())
