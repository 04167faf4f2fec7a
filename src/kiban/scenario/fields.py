"""Walks over the schema: which part and which field a path leads to."""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from kiban.scenario.project_values import Figure
from kiban.scenario.schema import Scenario
from kiban.scenario.values import Part, Range
from kiban.units import load_vocabulary


def inner_part(annotation: Any) -> type[Part] | None:
    """Give the Part inside an annotation such as ``list[SitePart]``, or None."""
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    if get_origin(annotation) is Annotated:
        return inner_part(get_args(annotation)[0])
    if get_origin(annotation) in (list, Union, types.UnionType):
        return next((part for a in get_args(annotation) if (part := inner_part(a))), None)
    return None


def part_at(path: Sequence[str | int], root: type[Part] = Scenario) -> type[Part] | None:
    """Give the Part that a path below a form leads to, ignoring list positions; None at a plain field or off it."""
    part: type[Part] | None = root
    for step in path:
        if isinstance(step, int):
            continue
        if part is None or step not in part.model_fields:
            return None
        part = inner_part(part.model_fields[step].annotation)
    return part


def field_at(path: Sequence[str | int], root: type[Part] = Scenario) -> FieldInfo | None:
    """Give the field that a path below a form leads to, or None."""
    steps = [step for step in path if isinstance(step, str)]
    part = part_at(steps[:-1], root) if steps else None
    return part.model_fields.get(steps[-1]) if part else None


def parts(part: type[Part] = Scenario) -> Iterator[type[Part]]:
    """Give every Part of the form, the whole first, each once."""
    seen: list[type[Part]] = []
    queue = [part]
    while queue:
        current = queue.pop(0)
        if current in seen:
            continue
        seen.append(current)
        queue += [p for f in current.model_fields.values() if (p := inner_part(f.annotation))]
    yield from seen


def holds_number(annotation: Any) -> bool:
    """Say whether a field holds numbers: one, a list or table of them, a Range or a Figure."""
    if isinstance(annotation, type):
        return issubclass(annotation, int | float | Range | Figure) and annotation is not bool
    return any(holds_number(inner) for inner in get_args(annotation))


def unit_at(name: str, field: FieldInfo) -> str:
    """Give the unit of a field from the vocabulary; empty for texts and dimensionless numbers."""
    unit = load_vocabulary().unit_of(name) if holds_number(field.annotation) else None
    return "" if unit in (None, "-") else str(unit)


def homes_of(key: str, root: type[Part] = Scenario) -> list[str]:
    """Give the sections at the top of a form that know a key."""
    found = []
    for section, field in root.model_fields.items():
        part = inner_part(field.annotation)
        if part and key in part.model_fields:
            found.append(section)
    return found
