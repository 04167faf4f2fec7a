"""Project files broken at every place: refused in words or valued, never a crash."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kiban.catalog import load_catalog
from kiban.report.doors_project import answer, project_data, project_text
from kiban.scenario.problems import ScenarioError
from kiban.scenario.project_load import load_projects
from kiban.scenario.yamltext import parse_yaml

CATALOG = load_catalog()
EXAMPLE = Path(__file__).parents[2] / "examples" / "gpu-hall-project.yaml"
BASE: dict[str, Any] = {
    **{k: v for k, v in parse_yaml(EXAMPLE.read_bytes(), "example").plain().items() if k != "variants"},
    "tax": {"state_frac": 0.05, "losses_refunded": False, "interest_capped": True},
    "credits": {"investment_frac": 0.1, "investment_macrs": [15], "production_nominal_usd_per_unit": 0.01},
    "replacements": [{"name": "fans", "every_years": 3, "nominal_usd": 1e6, "saved_ahead": True}],
    "samples": {"count": 16, "seed": 1},
}
BAD: list[Any] = [None, "x", -1, 0, 1e30, True, [], {"key": "no.such.row"}, {"value": 1, "low": 2, "high": 0}]


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from places(child, (*path, key))


PLACES = list(places(BASE))


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    data = copy.deepcopy(BASE)
    part: Any = data
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    return data


def told(file: Path) -> str:
    """Text of the answer, or of the refusal."""
    try:
        answers = [answer(one, CATALOG) for one in load_projects(file, None, CATALOG)]
    except ScenarioError as error:
        assert error.problems
        assert all(p.message for p in error.problems)
        return error.render()
    json.dumps(project_data(answers), allow_nan=False)
    return project_text(answers)


def test_the_unbroken_file_is_valued(tmp_path: Path) -> None:
    file = tmp_path / "project.yaml"
    file.write_text(yaml.safe_dump(BASE), encoding="utf-8")
    assert "project NPV" in told(file)


@pytest.mark.parametrize("section", sorted({str(p[0]) for p in PLACES}))
def test_no_value_at_any_place_crashes(section: str, tmp_path: Path) -> None:
    file = tmp_path / "project.yaml"
    for path in (p for p in PLACES if str(p[0]) == section):
        for value in BAD:
            file.write_text(yaml.safe_dump(changed(path, value)), encoding="utf-8")
            try:
                assert told(file)
            except Exception as error:
                raise AssertionError(f"{path} = {value!r}: {error!r}") from error


@pytest.mark.parametrize("path", [p for p in PLACES if isinstance(p[-1], str)], ids=str)
def test_a_misspelt_key_is_named(path: tuple[Any, ...], tmp_path: Path) -> None:
    data = changed(path, None)
    part: Any = data
    for step in path[:-1]:
        part = part[step]
    part[f"{path[-1]}x"] = part.pop(path[-1])
    file = tmp_path / "project.yaml"
    file.write_text(yaml.safe_dump(data), encoding="utf-8")
    assert f"{path[-1]}x" in told(file)
