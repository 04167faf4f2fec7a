"""PyPSA judges the dispatch of a whole site, through the case of the benchmark: six weeks, same least cost."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("pypsa")
pytestmark = pytest.mark.oracle

ARGS = argparse.Namespace(grid="", resource="")


def _benchmark() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "energy.py"
    spec = importlib.util.spec_from_file_location("bench_energy", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("clean_frac", "limit_mw"), [(0.85, 130.0), (0.6, 70.0)])
def test_same_least_cost_as_pypsa(clean_frac: float, limit_mw: float) -> None:
    bench = _benchmark()
    bench.CLEAN_FRAC, bench.LIMIT_MW, bench.GAS, bench.FUEL = clean_frac, limit_mw, 60e3, 32.0
    ours, theirs = bench.kiban(ARGS, 1008), bench.pypsa(ARGS, 1008)
    assert ours["objective"] == pytest.approx(theirs["objective"], rel=1e-6)
