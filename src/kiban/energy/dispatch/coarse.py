"""The same case with steps twice as long: a start for the solver, not an answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kiban.energy.dispatch.axis import Axis
from kiban.energy.dispatch.parts import Case, Grid, Plant

Array = NDArray[np.float64]

COARSE_STEPS = 2
"""Steps per coarse step."""
_WORTH_STEPS = 3000
"""Shorter cases are solved as they are."""
_LEAST_STEPS = 1000
"""Of a coarse case: a day must keep its shape."""


def coarsest(case: Case) -> Case | None:
    """Halve the number of steps as often as it goes; None where that is not once, or not worth it."""
    if case.axis.count < _WORTH_STEPS:
        return None
    found, rough = None, _coarser(case)
    while rough is not None:
        found, rough = rough, _coarser(rough)
    return found


def _coarser(case: Case) -> Case | None:
    """Average every two steps into one; None where the axis is short, odd, not one chain, or a tariff's."""
    axis, k = case.axis, COARSE_STEPS
    n = axis.count
    chain = np.array_equal(axis.previous, np.roll(np.arange(n), 1))
    bound = case.grid is not None and case.grid.tariff is not None
    if n // k < _LEAST_STEPS or n % k or not chain or bound:
        return None

    def mean(values: Array | float) -> Array | float:
        given = np.asarray(values, dtype=np.float64)
        return given.reshape(-1, k).mean(axis=1) if given.shape == (n,) else values

    def series(values: Array) -> Array:
        return np.asarray(mean(values), dtype=np.float64)

    first = slice(0, None, k)
    rough = Axis(
        weight_h=axis.weight_h.reshape(-1, k).sum(axis=1),
        step_h=axis.step_h * k,
        year=axis.year[first],
        month=axis.month[first],
        clock=axis.clock[first],
        previous=np.roll(np.arange(n // k), 1),
        year_weight=axis.year_weight,
    )
    return replace(
        case,
        axis=rough,
        load_mw=series(case.load_mw),
        grid=None if case.grid is None else _grid(case.grid, n, series, mean),
        sources=tuple(replace(s, profile_frac=series(s.profile_frac)) for s in case.sources),
        plants=tuple(_plant(p, mean) for p in case.plants),
    )


def _plant(plant: Plant, mean: object) -> Plant:
    return replace(plant, usd_per_mwh=mean(plant.usd_per_mwh), available_frac=mean(plant.available_frac))  # type: ignore[operator]


def _grid(grid: Grid, n: int, series: object, mean: object) -> Grid:
    def any_of(mask: NDArray[np.bool_] | None, every: bool) -> NDArray[np.bool_] | None:
        if mask is None:
            return None
        pairs = mask.reshape(-1, COARSE_STEPS)
        return np.asarray(pairs.all(axis=1) if every else pairs.any(axis=1))

    return replace(
        grid,
        price_usd_per_mwh=series(grid.price_usd_per_mwh),  # type: ignore[operator]
        sale_usd_per_mwh=None if grid.sale_usd_per_mwh is None else series(grid.sale_usd_per_mwh),  # type: ignore[operator]
        clean_frac=mean(grid.clean_frac),  # type: ignore[operator]
        charges=tuple(replace(c, active=any_of(c.active, every=False)) for c in grid.charges),
        down=any_of(grid.down, every=True),
    )
