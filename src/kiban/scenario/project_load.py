"""Project file -> ProjectFile: read, look catalogue rows up, and report every problem at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from kiban.scenario.facts import nearest_key
from kiban.scenario.load import merge_file
from kiban.scenario.problems import Problem, ScenarioError, path_text, shorten
from kiban.scenario.project_schema import ProjectFile
from kiban.scenario.project_sense import contradictions
from kiban.scenario.translate import located, translate
from kiban.scenario.yamltext import Node

if TYPE_CHECKING:
    from kiban.catalog import Catalog

DEFAULT_ROWS = {
    "federal_frac": "tax.us.federal_rate_frac",
    "bonus_frac": "tax.us.bonus_depreciation_frac",
    "loss_use_cap_frac": "tax.us.nol_cap_frac",
    "interest_cap_frac": "tax.us.interest_cap_frac_of_ati",
}
"""Keys of ``tax`` that are looked up where the file leaves them out."""

SPARED_OF_DEBT = {
    "rate_frac_per_year",
    "construction_rate_frac_per_year",
    "gearing_frac",
    "dscr",
    "fee_frac",
    "closing_nominal_usd",
    "sized_on",
}
"""Keys of ``debt`` that may be at fault while the others are still held against each other."""

Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class LoadedProject:
    """One project of a file."""

    label: str
    """Name of the file's project, with the variant."""
    form: ProjectFile
    keys: tuple[str, ...]
    """Catalogue rows that it reads by name."""


def project_json_schema() -> dict[str, Any]:
    """Give the JSON Schema of a project file: figures may be plain numbers, and four keys of tax may be left out."""
    from kiban.scenario.jsonschema import json_schema

    schema = json_schema(ProjectFile)
    definitions = schema["$defs"]
    figure = definitions["Figure"]
    figure.pop("required", None)
    figure["oneOf"] = [{"required": ["value"]}, {"required": ["key"]}]
    definitions["Figure"] = {"anyOf": [{"type": "number"}, figure]}
    tax = definitions["TaxPart"]
    tax["required"] = [name for name in tax["required"] if name not in DEFAULT_ROWS]
    schema["else"]["required"] = [name for name in schema["else"]["required"] if name != "tax"]
    return schema


def load_projects(path: str | Path, variant: str | None, catalog: Catalog) -> tuple[LoadedProject, ...]:
    """Read the project of a file and one for each of its variants, or one variant alone.

    Args: path; variant, or None for all; catalog. Errors: ScenarioError with every problem of all of them.
    """
    names: list[str | None] = [variant] if variant else [None, *merge_file(path).variants]
    found, problems = [], []
    for name in names:
        try:
            found.append(_load(merge_file(path, name).tree, name, catalog))
        except ScenarioError as error:
            problems += [p for p in error.problems if p not in problems]
    if problems:
        raise ScenarioError(problems)
    return tuple(found)


def check_projects(path: str | Path, variant: str | None, catalog: Catalog) -> list[Problem]:
    """Report every problem of a project file and its variants; empty if it can be run."""
    try:
        load_projects(path, variant, catalog)
    except ScenarioError as error:
        return list(error.problems)
    return []


def _load(tree: Node, variant: str | None, catalog: Catalog) -> LoadedProject:
    tree = _with_defaults(tree)
    looked_up: list[tuple[Path_, str]] = []
    problems: list[Problem] = []
    tree = _look_up(tree, (), tree, catalog, looked_up, problems)
    unknown = [p.path for p in problems]
    raw = tree.plain()
    form = None
    try:
        form = ProjectFile.model_validate(raw)
    except ValidationError as error:
        for problem in translate(error, tree, ProjectFile):
            plain = _without_value(problem, raw)
            if not any(plain.path.startswith(path) for path in unknown):
                problems.append(plain)
    problems += [located(path, tree, message, **more) for path, message, more in contradictions(_valid_parts(raw))]
    if problems or form is None:
        raise ScenarioError(sorted(problems, key=lambda p: p.line or 0))
    label = form.name + (f" ({variant})" if variant else "")
    return LoadedProject(label, form, tuple(dict.fromkeys(key for _, key in looked_up)))


def _with_defaults(tree: Node) -> Node:
    """Put the rows of the catalogue where ``tax`` leaves a number out."""
    tax = tree.value.get("tax", Node({}, tree.file, tree.line))
    if not isinstance(tax.value, dict):
        return tree
    rows = {
        name: Node({"key": Node(key, tree.file, tax.line)}, tree.file, tax.line)
        for name, key in DEFAULT_ROWS.items()
        if name not in tax.value
    }
    return replace(tree, value={**tree.value, "tax": replace(tax, value={**tax.value, **rows})})


def _look_up(
    node: Node, path: Path_, top: Node, catalog: Catalog, found: list[tuple[Path_, str]], problems: list[Problem]
) -> Node:
    """Replace every ``{key: ...}`` below a node by the numbers of its row."""
    if isinstance(node.value, list):
        return replace(
            node,
            value=[_look_up(c, (*path, i), top, catalog, found, problems) for i, c in enumerate(node.value)],
        )
    if not isinstance(node.value, dict):
        return node
    entry = node.value.get("key")
    if entry is None or not isinstance(entry.value, str):
        return replace(
            node, value={k: _look_up(c, (*path, k), top, catalog, found, problems) for k, c in node.value.items()}
        )
    key = entry.value
    said = [name for name in ("value", "low", "high") if name in node.value]
    message, more = "", {}
    if said:
        message = f"key already gives the number; {' and '.join(said)} would give it again"
    elif not catalog.has(key):
        message, more = f"the catalogue has no row {shorten(key)}", {"nearest": nearest_key(key, catalog)}
    elif isinstance(catalog.row(key).value, str):
        message = f"{key} holds a text, not a number"
    if message:
        problems.append(located((*path, "key"), top, message, **more))
        problems[-1] = replace(problems[-1], path=path_text(path))
        return node
    found.append((path, key))
    row = catalog.row(key)
    times = node.value["times"].value if "times" in node.value else 1
    if isinstance(times, bool) or not isinstance(times, int | float):
        times = 1
    numbers = {"value": catalog.value(key) * times}
    if row.low is not None and row.high is not None:
        numbers["low"], numbers["high"] = sorted((row.low * times, row.high * times))
    return replace(node, value={**node.value, **{n: Node(v, node.file, node.line) for n, v in numbers.items()}})


def _without_value(problem: Problem, raw: dict[str, Any]) -> Problem:
    """Name a plain number by its own key: the reader wrote ``gearing_frac: 1.2`` and no ``value``."""
    if not problem.path.endswith(".value"):
        return problem
    steps = problem.path.removesuffix(".value").replace("[", ".").replace("]", "").split(".")
    at: Any = raw
    for step in steps:
        at = at.get(step) if isinstance(at, dict) else at[int(step)] if isinstance(at, list) else None
    if isinstance(at, dict):
        return problem
    name = problem.path.removesuffix(".value").rsplit(".", 1)[-1]
    message = problem.message.replace("value must", "must", 1)
    message = message if message.startswith(name) else f"{name} {message.removeprefix(f'{name}: ')}"
    return replace(problem, path=problem.path.removesuffix(".value"), message=message)


def _valid_parts(raw: dict[str, Any]) -> dict[str, Any]:
    """Every section that is valid in itself, defaults for those left out; a loan also without some of its keys."""
    parts: dict[str, Any] = {}
    for name, field in ProjectFile.model_fields.items():
        if name not in raw:
            if not field.is_required():
                parts[name] = field.get_default(call_default_factory=True)
            continue
        adapter: TypeAdapter[Any] = TypeAdapter(field.rebuild_annotation())
        try:
            parts[name] = adapter.validate_python(raw[name])
        except ValidationError as error:
            bad = {str(d["loc"][0]) if d["loc"] else "" for d in error.errors(include_url=False)}
            if name == "debt" and bad <= SPARED_OF_DEBT:
                parts[name] = adapter.validate_python({k: v for k, v in raw[name].items() if k not in bad})
    return parts
