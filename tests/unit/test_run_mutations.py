"""Files that pass the check but are extreme: the whole walk ends in a result or in words, never in a crash."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kiban.catalog import load_catalog
from kiban.compute.errors import ComputeError
from kiban.report.write import write_package
from kiban.risk import run_risk
from kiban.scenario.check import check_scenario
from kiban.scenario.load import load_scenario
from kiban.solve import SolveError
from kiban.study import ResidualError, run_study

pytestmark = pytest.mark.slow
EXAMPLES = Path(__file__).parents[2] / "examples"
NUMBERS = (0, 1, 1e-6, 0.001, 0.5, 0.999, 2, 8, 20, 40, 80)
FACTORS = (1e-3, 0.1, 0.5, 2, 10, 100, 1e3)
WORDS = ("gb300", "trainium3", "inferentia2", "owned", "hourly", "onsite", "ppa", "tokyo", "2030Q1", "ny", "pjm", "fp4")


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _leaves(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _leaves(child, (*path, index))
    else:
        yield path, value


def _mutated(data: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    out = copy.deepcopy(data)
    for _ in range(draw.choice((1, 1, 2, 3))):
        path, value = draw.choice(list(_leaves(out)))
        if isinstance(value, bool):
            new: Any = not value
        elif isinstance(value, int | float):
            new = draw.choice((*NUMBERS, *(value * f for f in FACTORS)))
            new = int(new) if isinstance(value, int) else new
        else:
            new = draw.choice(WORDS)
        place = out
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = new
    return out


@pytest.mark.parametrize("seed", range(4))
def test_extreme_files_end_in_a_result_or_in_words(seed: int, tmp_path: Path) -> None:
    catalog, draw = load_catalog(), random.Random(seed)
    bases = [load_scenario(EXAMPLES / f"{name}.yaml").resolved for name in ("university-512", "neocloud-20mw")]
    walked = 0
    for number in range(40):
        data = _mutated(draw.choice(bases), draw)
        data["risk"]["futures_count"] = 256 if isinstance(data["risk"]["futures_count"], int) else 0
        path = tmp_path / f"{number}.yaml"
        path.write_text(yaml.safe_dump(data), encoding="utf-8")
        if check_scenario(path, None, catalog):
            continue
        loaded = load_scenario(path)
        try:
            study = run_study(loaded.scenario, catalog, "mutated")
            risk = run_risk(loaded.scenario, catalog, study)
            folder = tmp_path / f"run{number}"
            folder.mkdir()
            write_package(folder, loaded, catalog, study, risk)
        except (SolveError, ComputeError, ResidualError) as error:
            assert len(str(error)) > 20
        walked += 1
    assert walked >= 5
