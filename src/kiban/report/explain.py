"""Walk from a headline number down to the catalogue rows that made it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from kiban.catalog import Catalog
from kiban.results import Trace


@dataclass(frozen=True)
class Step:
    """One line of an explanation: a computed number, a catalogue row, or a field of the scenario."""

    name: str
    kind: str
    value: float | str | None
    unit: str
    text: str
    children: tuple[Step, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the step and everything below it as plain data."""
        return {
            "name": self.name,
            "kind": self.kind,
            "value": self.value,
            "unit": self.unit,
            "text": self.text,
            "children": [child.as_dict() for child in self.children],
        }


class UnknownMetric(KeyError):
    """The metric has no derivation; carries the nearest names."""

    def __init__(self, metric: str, near: Iterable[str]):
        self.metric, self.near = metric, tuple(near)
        super().__init__(metric)

    def __str__(self) -> str:
        hint = f"; nearest: {', '.join(self.near)}" if self.near else ""
        return f"no metric named {self.metric!r}{hint}"


def explain(metric: str, traces: Iterable[Trace], catalog: Catalog, scenario: dict[str, Any]) -> Step:
    """Return the tree below a metric.

    Args: metric, a trace's full name or its last part (``usd_per_mtok``); traces of all rooms; catalog with the
    scenario's overrides; scenario, the resolved file. Raises UnknownMetric with the nearest names.
    """
    table = {trace.name: trace for trace in traces}
    name = _resolve(metric, table)
    return _step(name, table, catalog, scenario, frozenset())


def _resolve(metric: str, table: dict[str, Trace]) -> str:
    if metric in table:
        return metric
    ending = [name for name in table if name.endswith(f".{metric}")]
    if ending:
        return min(ending, key=len)
    middle = [name for name in table if f".{metric}." in f".{name}."]
    if middle:
        return min(middle, key=len)
    short = {name.split(".", 1)[-1]: name for name in table}
    near = get_close_matches(metric, [*short, *table], n=5, cutoff=0.4)
    raise UnknownMetric(metric, near or sorted(table)[:5])


def _step(
    name: str, table: dict[str, Trace], catalog: Catalog, scenario: dict[str, Any], above: frozenset[str]
) -> Step:
    if name in table and name not in above:
        trace = table[name]
        below = tuple(_step(child, table, catalog, scenario, above | {name}) for child in trace.inputs)
        return Step(name, "computed", trace.value, trace.unit, trace.formula, below)
    if catalog.has(name):
        row = catalog.row(name)
        spread = "" if row.low is None and row.high is None else f"range {row.low} to {row.high}; "
        where = ", ".join(part for part in (row.source_id, row.locator) if part)
        return Step(name, "catalogue", row.value, row.unit, f"{spread}{row.confidence}: {where}")
    if name.startswith("scenario."):
        return Step(name, "scenario", *_field(name, scenario))
    return Step(name, "table", None, "", "table of the catalogue")


def _field(name: str, scenario: dict[str, Any]) -> tuple[float | str | None, str, str]:
    value: Any = scenario
    for part in name.split(".")[1:]:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list):
            value = next((v for v in value if isinstance(v, dict) and v.get("name") == part), None)
        else:
            value = None
    if isinstance(value, dict) and "value" in value:
        return value["value"], "", f"scenario, {value.get('low')} to {value.get('high')}: {value.get('why', '')}"
    if isinstance(value, int | float | str) or value is None:
        return value, "", "scenario"
    return str(value), "", "scenario"


def render(step: Step, depth: int = 0, max_depth: int = 12) -> str:
    """Write the tree as indented lines."""
    value = f"{step.value:,.6g}" if isinstance(step.value, int | float) else str(step.value or "")
    line = "  " * depth + f"{step.name} = {value} {step.unit}".rstrip() + f"   [{step.text}]"
    if depth >= max_depth:
        return line
    return "\n".join([line, *(render(child, depth + 1, max_depth) for child in step.children)])
