"""The block layer against linopy on the same models."""

import numpy as np
import pytest

from kiban.solve import Model, SolveOptions

linopy = pytest.importorskip("linopy")
pytestmark = pytest.mark.oracle

HOURS = 168


def data(seed):
    rng = np.random.default_rng(seed)
    hours = np.arange(HOURS)
    load = 100.0 + 20.0 * np.sin(hours * 2 * np.pi / 24) + rng.normal(0, 3, HOURS)
    sun = np.clip(np.sin((hours - 6) * 2 * np.pi / 24), 0, None) * rng.uniform(0.5, 1.0, HOURS)
    price = rng.uniform(20.0, 120.0, HOURS)
    return load, sun, price


def with_kiban(load, sun, price, solver):
    m = Model("supply")
    built = m.add_columns("solar_mw", 1, cost=700.0)
    power = m.add_columns("battery_mw", 1, cost=150.0)
    grid = m.add_columns("grid_mwh", HOURS, upper=115.0, cost=price)
    charge, discharge = m.add_columns("charge", HOURS), m.add_columns("discharge", HOURS)
    level, spill = m.add_columns("level", HOURS), m.add_columns("spill", HOURS)
    m.add_rows(
        "balance",
        HOURS,
        lower=load,
        upper=load,
        terms=[
            (None, grid, 1.0),
            (None, discharge, 1.0),
            (None, charge, -1.0),
            (None, built, sun),
            (None, spill, -1.0),
        ],
    )
    before = np.roll(level.index, 1)
    m.add_rows(
        "store",
        HOURS,
        lower=0.0,
        upper=0.0,
        terms=[(None, level, 1.0), (None, before, -1.0), (None, charge, -0.9), (None, discharge, 1.0)],
    )
    for name, what, size in (("in", charge, 1.0), ("out", discharge, 1.0), ("full", level, 4.0)):
        m.add_rows(name, HOURS, upper=0.0, terms=[(None, what, 1.0), (None, power, -size)])
    m.add_rows("sun", HOURS, upper=0.0, terms=[(None, spill, 1.0), (None, built, -sun)])
    return m.solve(SolveOptions(solver=solver))


def with_linopy(load, sun, price):
    import xarray as xr

    t = np.arange(HOURS)

    def over_hours(values):
        return xr.DataArray(values, coords={"t": t}, dims="t")

    m = linopy.Model()
    built, power = m.add_variables(lower=0, name="solar"), m.add_variables(lower=0, name="battery")
    grid = m.add_variables(lower=0, upper=over_hours(np.full(HOURS, 115.0)), name="grid")
    zero = over_hours(np.zeros(HOURS))
    charge, discharge, level, spill = (m.add_variables(lower=zero, name=n) for n in ("c", "d", "l", "s"))
    m.add_constraints(grid + discharge - charge + built * over_hours(sun) - spill == over_hours(load), name="balance")
    m.add_constraints(level - level.roll(t=1) - 0.9 * charge + discharge == 0, name="store")
    for name, what, size in (("in", charge, 1.0), ("out", discharge, 1.0), ("full", level, 4.0)):
        m.add_constraints(what - size * power <= 0, name=name)
    m.add_constraints(spill - built * over_hours(sun) <= 0, name="sun")
    m.add_objective((grid * over_hours(price)).sum() + 700.0 * built + 150.0 * power)
    m.solve(solver_name="highs", io_api="direct", output_flag=False)
    return float(m.objective.value), m.constraints["balance"].dual.values


@pytest.mark.parametrize("solver", ["simplex", "ipm"])
@pytest.mark.parametrize("seed", [0, 1])
def test_supply_model(seed, solver):
    numbers = data(seed)
    ours = with_kiban(*numbers, solver)
    objective, duals = with_linopy(*numbers)
    assert ours.status == "optimal" and ours.value("solar_mw")[0] > 1.0 and ours.value("battery_mw")[0] > 1.0
    assert ours.objective == pytest.approx(objective, rel=1e-6)
    # Prices may differ where they are not unique; what the load pays in total at the optimum is compared loosely.
    assert ours.dual("balance") @ numbers[0] == pytest.approx(duals @ numbers[0], rel=1e-3)
