"""All that is wrong with a scenario file, at once: form, sense between fields, names against the catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from kiban.scenario.facts import names_in_catalogue, overrides_in_catalogue
from kiban.scenario.lending import lending_problems
from kiban.scenario.load import Merged, merge_file, merge_text
from kiban.scenario.problems import Problem, ScenarioError
from kiban.scenario.schema import Scenario
from kiban.scenario.sense import CHECKS, Data
from kiban.scenario.translate import located, translate

if TYPE_CHECKING:
    from kiban.catalog import Catalog

__all__ = ["Problem", "ScenarioError", "check_scenario", "check_text"]


def check_scenario(path: str | Path, variant: str | None, catalog: Catalog) -> list[Problem]:
    """Report every problem of a scenario file.

    Arguments: path of the file; variant name or None; catalogue without the scenario's overrides.
    Result: problems in the order of lines, empty if the scenario can be run. Errors: none of its own.
    """
    try:
        return _check(merge_file(path, variant), catalog)
    except ScenarioError as error:
        return list(error.problems)


def check_text(text: str, variant: str | None, catalog: Catalog, label: str = "scenario") -> list[Problem]:
    """Do what ``check_scenario`` does for a text, as the web form needs it."""
    try:
        return _check(merge_text(text, variant, label), catalog)
    except ScenarioError as error:
        return list(error.problems)


def _check(merged: Merged, catalog: Catalog) -> list[Problem]:
    raw = merged.tree.plain()
    problems: list[Problem] = []
    try:
        data = Scenario.model_validate(raw).model_dump(mode="json")
    except ValidationError as error:
        problems = translate(error, merged.tree)
        data = _valid_part(raw, [tuple(d["loc"]) for d in error.errors(include_url=False)])
    findings = [f for check in CHECKS for f in check(data)]
    findings += names_in_catalogue(data, catalog)
    findings += overrides_in_catalogue(data, catalog)
    findings += lending_problems(data, catalog)
    known = {(p.path, p.message) for p in problems}
    for place, message, details in findings:
        problem = located(place, merged.tree, message, **details)
        if (problem.path, problem.message) not in known:
            problems.append(problem)
    return sorted(problems, key=lambda p: p.line or 0)


def _valid_part(raw: dict[str, Any], bad: list[tuple[str | int, ...]]) -> Data:
    """Give the sections that are valid with their defaults, and of the others what is not at fault."""
    data: Data = {}
    for name, field in Scenario.model_fields.items():
        if name not in raw:
            if not field.is_required():
                default = field.get_default(call_default_factory=True)
                data[name] = default.model_dump(mode="json") if hasattr(default, "model_dump") else default
            continue
        own = [path[1:] for path in bad if path and path[0] == name]
        if not own:
            adapter: TypeAdapter[Any] = TypeAdapter(field.rebuild_annotation())
            data[name] = adapter.dump_python(adapter.validate_python(raw[name]), mode="json")
        elif all(own):
            data[name] = _without(raw[name], own)
    return data


def _without(value: Any, bad: list[tuple[str | int, ...]]) -> Any:
    """Drop the values at the paths; in lists a bad entry leaves an empty mapping so that positions stay."""
    if () in bad:
        return {}
    if isinstance(value, dict):
        kept = {}
        for key, child in value.items():
            own = [path[1:] for path in bad if path[0] == key]
            if () not in own:
                kept[key] = _without(child, own) if own else child
        return kept
    if isinstance(value, list):
        return [_without(child, [p[1:] for p in bad if p[0] == i]) for i, child in enumerate(value)]
    return value
