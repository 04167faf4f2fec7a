"""Bad data is refused by name and place, and blocks say what they are."""

import numpy as np
import pytest

from kiban.solve import Model, ModelDataError, SolverError


@pytest.fixture
def m():
    m = Model("m")
    m.add_columns("x", (2, 3), unit="MW", sentence="Power built", formula="x >= 0")
    m.add_rows("r", 2, upper=1.0, terms=[(np.arange(2)[:, None], m.blocks("columns")[0], 1.0)], relaxable=True)
    return m


NAN_AT = np.array([[0.0, 0.0, 0.0], [0.0, np.nan, 0.0]])


@pytest.mark.parametrize("what", ["lower", "upper", "cost"])
def test_nan_in_columns_names_block_and_index(m, what):
    with pytest.raises(ModelDataError, match=rf"columns 'bad': {what} is NaN at index \[1, 1\]"):
        m.add_columns("bad", (2, 3), **{what: NAN_AT})
    assert m.n_columns == 6
    m.add_columns("bad", 1)


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ([(None, [0, 1], [1.0, np.nan])], r"rows 'bad', term 0: coefficient is NaN .* at index \[1\]"),
        ([(None, 0, 1.0), (None, 0, np.inf)], r"rows 'bad', term 1: coefficient"),
        ([(None, 6, 1.0)], r"columns is outside 0\.\.5"),
        ([(-1, 0, 1.0)], r"rows is outside 0\.\.1"),
        ([(2, 0, 1.0)], r"rows is outside 0\.\.1"),
        ([(None, [0.0, 1.0], 1.0)], "must be integers"),
        ([(None, [0, 1, 2], 1.0)], "do not broadcast"),
    ],
)
def test_bad_terms(m, terms, words):
    with pytest.raises(ModelDataError, match=words):
        m.add_rows("bad", 2, terms=terms)
    assert m.n_rows == 2


def test_bad_limits_and_shapes(m):
    with pytest.raises(ModelDataError, match=r"rows 'bad': lower 5 is above upper 3 at index \[1\]"):
        m.add_rows("bad", 2, lower=[0, 5], upper=3)
    with pytest.raises(ModelDataError, match="lower is plus infinity"):
        m.add_columns("bad", 1, lower=1e20)
    with pytest.raises(ModelDataError, match="upper is minus infinity"):
        m.add_rows("bad", 1, upper=-np.inf)
    with pytest.raises(ModelDataError, match="cost is infinite"):
        m.add_columns("bad", 1, cost=np.inf)
    with pytest.raises(ModelDataError, match="does not fit"):
        m.add_columns("bad", (2, 3), cost=np.zeros(4))
    with pytest.raises(ModelDataError, match="negative length"):
        m.add_columns("bad", -1)
    with pytest.raises(ModelDataError, match="labels"):
        m.add_columns("bad", 2, labels=[["a"]])
    with pytest.raises(ModelDataError, match="weight"):
        m.add_rows("bad", 2, weight=0.0)
    with pytest.raises(ModelDataError, match="already in model 'm'"):
        m.add_rows("x", 1)


def test_bad_changes_leave_the_model_as_it_was(m):
    x, r = m.blocks("columns")[0], m.blocks("rows")[0]
    before = m.solve().objective
    with pytest.raises(ModelDataError, match=r"columns 'x': lower 1 is above upper 0"):
        m.set_column_bounds(x, lower=1.0, upper=0.0)
    with pytest.raises(ModelDataError, match=r"columns 'x': cost is NaN at index \[1, 1\]"):
        m.set_cost(x, NAN_AT)
    with pytest.raises(ModelDataError, match="not a block of columns"):
        m.set_cost(r, 1.0)
    with pytest.raises(ModelDataError, match="not a block of rows"):
        m.set_row_bounds(Model("other").add_rows("r", 2), upper=1.0)
    with pytest.raises(ModelDataError, match="is a block of rows"):
        m.add_rows("bad", 2, terms=[(None, r, 1.0)])
    with pytest.raises(ModelDataError, match="outside"):
        m.set_cost([6], 1.0)
    assert m.solve().objective == before


def test_given_arrays_are_copied(m):
    top = np.ones(2)
    m.add_columns("y", 2, upper=top)
    top[0] = np.nan
    assert m.problem().upper[6:].tolist() == [1.0, 1.0]


def test_cards(m):
    x, r = m.cards()
    assert (x.name, x.kind, x.unit, x.sentence, x.formula, x.shape, x.size) == (
        "x",
        "columns",
        "MW",
        "Power built",
        "x >= 0",
        (2, 3),
        6,
    )
    assert r.kind == "rows" and r.relaxable and not x.relaxable


def test_unknown_block_names_the_known_ones(m):
    with pytest.raises(SolverError, match=r"no block of columns named 'y'; there are: x"):
        m.solve().value("y")
    with pytest.raises(SolverError, match="no block of rows named 'x'"):
        m.solve().dual("x")
