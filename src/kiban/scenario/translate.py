"""Pydantic's errors -> Problems in plain words, with line, what is allowed and the nearest key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from kiban.scenario.fields import field_at, homes_of, part_at
from kiban.scenario.problems import MOST_PROBLEMS, Problem, nearest_name, number_text, path_text, shorten
from kiban.scenario.schema import Scenario
from kiban.scenario.values import Part
from kiban.scenario.yamltext import Node

Path = tuple[str | int, ...]

_KINDS = {
    "float_type": ("must be a number", "a number such as 0.5, 250 or 50e9"),
    "int_type": ("must be a whole number", "a whole number"),
    "int_from_float": ("must be a whole number", "a whole number"),
    "bool_type": ("must be true or false", "true, false"),
    "string_type": ("must be a text", "a text; put it in quotes if it looks like a number"),
    "list_type": ("must be a list", "a list; start each entry with a dash"),
    "model_type": ("must be a mapping of keys", ""),
    "model_attributes_type": ("must be a mapping of keys", ""),
    "finite_number": ("must be a finite number", "a finite number"),
    "missing": ("is missing", ""),
}
_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
_FORMS = {
    "[a-z][a-z0-9_]": "lower-case letters, digits and underscores, starting with a letter, at most 40",
    "[a-z0-9][a-z0-9_.-]": "lower-case letters, digits, dot, dash and underscore, at most 60",
    "20[2-6]": "a quarter from 2020Q1 to 2069Q4, such as 2026Q4",
}


def translate(error: ValidationError, tree: Node, form: type[Part] = Scenario) -> list[Problem]:
    """Turn a pydantic error into Problems.

    Arguments: the error of ``form.model_validate``, the tree that was validated (for lines), and the form.
    Result: Problems in the order of the file's lines.
    """
    details = error.errors(include_url=False)
    problems: list[Problem] = []
    for detail in details[:MOST_PROBLEMS]:
        problems += _problems(detail, tree, form)
    if len(details) > MOST_PROBLEMS:
        problems.append(
            Problem(path="", message=f"{len(details) - MOST_PROBLEMS} more problems are not shown", file=tree.file)
        )
    return sorted(problems, key=lambda p: p.line or 0)


def located(path: Path, tree: Node, message: str, **more: str) -> Problem:
    """Make a Problem at a path, with the file, the line and the name of the list entry."""
    node = tree
    item = ""
    for step in path:
        inside: Any = node.value
        if isinstance(inside, dict) and step in inside:
            node = inside[step]
        elif isinstance(inside, list) and isinstance(step, int) and step < len(inside):
            node = inside[step]
            name = node.value.get("name") or node.value.get("key") if isinstance(node.value, dict) else None
            if name is not None and isinstance(name.value, str):
                item = name.value[:60]
        else:
            break
    return Problem(path=path_text(path), message=message, line=node.line, item=item, file=node.file, **more)


def unit_hint(name: str, value: Any, low: float | None = None, high: float | None = None) -> str:
    """Say which unit a number out of range was probably written in, or give an empty text.

    Arguments: name of the field, number found, bounds of the field. Result: a half sentence such as
    ``looks like percent: write 0.6``.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    for words, endings, scale in (
        ("percent", ("_frac", "_frac_per_year", "probability"), 1e-2),
        ("kW", ("_mw", "_mw_per_quarter"), 1e-3),
        ("W", ("_mw", "_mw_per_quarter"), 1e-6),
        ("milliseconds", ("_s",), 1e-3),
        ("months", ("_years",), 1 / 12),
    ):
        scaled = value * scale
        if name.endswith(endings) and (low is None or scaled >= low) and (high is None or scaled <= high):
            return f"looks like {words}: write {scaled:.6g}"
    return ""


def _problems(detail: ErrorDetails, tree: Node, form: type[Part]) -> list[Problem]:
    kind, path = detail["type"], tuple(detail["loc"])
    found = detail.get("input")
    key = _last_name(path)
    if kind == "value_error":
        return _sentences(str(detail["ctx"]["error"]), path, found, tree, form)
    if kind == "extra_forbidden":
        return [_unknown_key(path, tree, form)]
    if kind == "missing":
        return [located(path, tree, f"{key} is missing", allowed=_description(path, form))]
    shown = shorten(found)
    if kind in _KINDS:
        message, allowed = _KINDS[kind]
        if found is None:
            message, shown = "has no value", ""
        elif kind == "model_type":
            allowed = ", ".join(_keys(part_at(path, form)))
        elif kind == "float_type" and (percent := re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) *%", str(found))):
            message += f"; looks like percent: write {float(percent[1]) / 100:.6g}"
        return [located(path, tree, f"{key} {message}", found=shown, allowed=allowed)]
    if kind in _BOUNDS:
        message, allowed, hint = _out_of_bounds(detail, path, key, form)
        return [located(path, tree, f"{key} {message}{hint}", found=shown, allowed=allowed)]
    if kind == "literal_error":
        names = re.findall(r"'([^']*)'", detail["ctx"]["expected"])
        allowed = ", ".join(names) or str(detail["ctx"]["expected"])
        near = nearest_name(found, names) if isinstance(found, str) else ""
        return [
            located(path, tree, f"{key} is not one of the allowed words", found=shown, allowed=allowed, nearest=near)
        ]
    if kind == "string_pattern_mismatch":
        pattern = detail["ctx"]["pattern"]
        allowed = next((words for form, words in _FORMS.items() if pattern.startswith("^" + form)), pattern)
        return [located(path, tree, f"{key} is not written as it must be", found=shown, allowed=allowed)]
    context = detail.get("ctx", {})
    if kind in ("too_short", "too_long", "string_too_short", "string_too_long"):
        unit = "characters" if kind.startswith("string") else "entries"
        limit = context.get("min_length", context.get("max_length"))
        allowed = f"{'at least' if kind.endswith('short') else 'at most'} {limit} {unit}"
        return [located(path, tree, f"{key} is too {kind.rsplit('_', 1)[1]}", found=shown, allowed=allowed)]
    return [located(path, tree, f"{key}: {detail['msg'][0].lower()}{detail['msg'][1:]}", found=shown)]


def _unknown_key(path: Path, tree: Node, form: type[Part]) -> Problem:
    key = str(path[-1])
    names = _keys(part_at(path[:-1], form))
    near = nearest_name(key, names)
    message = f"unknown key {shorten(key)}"
    homes = homes_of(key, form)
    if homes:
        message += f", which belongs under {' or '.join(homes)}"
        near = ""
    return located(path, tree, message, allowed=", ".join(names), nearest=near)


def _out_of_bounds(detail: ErrorDetails, path: Path, key: str, form: type[Part]) -> tuple[str, str, str]:
    field = field_at(path, form)
    low, high = bounds(field.metadata if field else ())
    name, words = _BOUNDS[detail["type"]]
    limit = detail["ctx"][name]
    allowed = f"{words} {number_text(limit)}"
    if low is not None and high is not None:
        allowed = f"{number_text(low)} to {number_text(high)}"
    hint = unit_hint(key, detail.get("input"), low, high)
    return f"must be {words} {number_text(limit)}", allowed, f" ({hint})" if hint else ""


def bounds(metadata: Sequence[Any]) -> tuple[float | None, float | None]:
    """Give the lowest and highest number that a field's metadata allow."""

    def first(*names: str) -> float | None:
        return next((float(getattr(m, n)) for m in metadata for n in names if getattr(m, n, None) is not None), None)

    return first("ge", "gt"), first("le", "lt")


def _sentences(text: str, path: Path, found: Any, tree: Node, form: type[Part]) -> list[Problem]:
    """Split the sentences of a part's own check and point each at the key that it names."""
    part = part_at(path, form)
    problems = []
    for sentence in text.split("; "):
        first = sentence.split(" ", 1)[0]
        named = part is not None and first in part.model_fields
        place = (*path, first) if named else path
        hint = ""
        limits = re.search(r"must lie between (\S+) and (\S+), found", sentence)
        if named and limits and isinstance(found, dict):
            hint = unit_hint(_last_name(path), found.get(first), float(limits[1]), float(limits[2]))
        key = "" if path and named else _last_name(path)
        message = f"{key}: {sentence}" if key and key not in sentence else sentence
        problems.append(located(place, tree, message + (f" ({hint})" if hint else "")))
    return problems


def _last_name(path: Path) -> str:
    return next((step for step in reversed(path) if isinstance(step, str)), "scenario")


def _keys(part: type[Part] | None) -> list[str]:
    return list(part.model_fields) if part else []


def _description(path: Path, form: type[Part]) -> str:
    field = field_at(path, form)
    return field.description or "" if field else ""
