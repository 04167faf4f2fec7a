"""The text of ``kiban new``: a worked small case, each key with its meaning, unit, limits and default."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from kiban.scenario.dump import flow_yaml
from kiban.scenario.fields import inner_part, unit_at
from kiban.scenario.problems import number_text
from kiban.scenario.schema import Scenario
from kiban.scenario.translate import bounds
from kiban.scenario.values import Part, Range
from kiban.scenario.yamltext import parse_yaml

_HEAD = """\
# A scenario for kiban: one question about AI compute. Check it: kiban check FILE. Run it: kiban run FILE.
# Lines that begin with # and a key show a default; take the # away to change it.
# Numbers may be written as 20, 0.6 or 800e6. Shares are fractions: 0.6, never 60. Money is real USD.
# `extends: other.yaml` lays this file over another one; `variants:` holds named overlays for --variant.
"""

EXAMPLE = """\
kiban: 1
name: my-first-hall
title: A 20 MW hall near Dallas, built, leased or rented
demand:
  run_rate_revenue_usd_per_year: {value: 150e6, low: 80e6, high: 220e6, why: order book}
  programme_share_frac: {value: 1.0, low: 0.8, high: 1.0, why: no other compute}
  blended_token_price_usd_per_mtok: {value: 0.4, low: 0.2, high: 0.8, why: hosts of open models list 0.2 to 0.9 USD}
  research_compute_multiple: {value: 0.2, low: 0.0, high: 0.5, why: customers fine-tune a little}
  serving_gain_per_year: {value: 1.4, low: 1.15, high: 2.0, why: published gains of serving software}
  regions:
    - {name: united_states, share_frac: 1.0}
workload:
  training_model: llama31_70b
  inference_model: deepseek_v3
  training_accelerators: 1024
sites:
  - name: dallas_hall
    weather: dallas_fort_worth_tx
    state: tx
    grid: ercot
    rungs: [landlord_lease, owned]
    max_it_mw: 20
    grid_ready_quarter: 2027Q4
ladder:
  budget_usd: 800e6
  accelerators: [b200, gb300]
  cloud_accelerators: [b200]
  accelerators_per_quarter: 4000
  rented_accelerators_per_quarter: 4000
  construction_it_mw_per_quarter: 20
finance:
  discount_frac_per_year: 0.12
  credit: {credit}
"""


def template_text(credit: str = "applied_digital") -> str:
    """Write the template.

    Arguments: credit, the row of the credit ladder that the worked case uses. Result: YAML that loads and checks
    clean; keys at their default are commented out.
    """
    case = parse_yaml(EXAMPLE.replace("{credit}", credit).encode(), "template").plain()
    lines = [_HEAD, *_part(Scenario, case, 0)]
    return "\n".join(lines).rstrip() + "\n"


def allowed_words(field: FieldInfo) -> str:
    """Say what a field may hold: words, bounds, or an empty text."""
    words = _literals(field.annotation)
    if words:
        return " | ".join(words)
    low, high = bounds(field.metadata)
    if low is not None and high is not None:
        return f"{number_text(low)} to {number_text(high)}"
    return f"at least {number_text(low)}" if low is not None else ""


def _literals(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [str(word) for word in get_args(annotation)]
    if get_origin(annotation) in (list, Annotated, Union, types.UnionType):
        return [word for inner in get_args(annotation) for word in _literals(inner)]
    return []


def _comment(name: str, field: FieldInfo) -> str:
    unit = unit_at(name, field)
    pieces = [field.description or "", allowed_words(field)]
    if unit:
        pieces.insert(1, unit)
    return "; ".join(piece for piece in pieces if piece)


def _part(part: type[Part], case: dict[str, Any] | None, indent: int) -> Iterator[str]:
    """Write the keys of a part: active where the case has them, commented out where a default stands."""
    pad = "  " * indent
    for name, field in part.model_fields.items():
        active = case is not None and name in case
        mark = "" if active else "#"
        inner = inner_part(field.annotation)
        value = case[name] if case is not None and active else _default(field)
        if indent == 0:
            yield ""
        yield from _wrapped(_comment(name, field), pad)
        if inner is not None and value is None:
            yield from _keys_of(inner, pad)
        if inner is not None and issubclass(inner, Range):
            yield f"{pad}{mark}{name}: {flow_yaml(value)}"
        elif isinstance(value, list) and value and inner is not None:
            yield f"{pad}{mark}{name}:"
            for entry in value:
                yield from _entry(inner, entry, indent + 1)
        elif isinstance(value, dict) and inner is not None:
            yield f"{pad}{mark}{name}:"
            yield from _part(inner, case[name] if case is not None and active else None, indent + 1)
        else:
            yield f"{pad}{mark}{name}: {flow_yaml(value)}"


def _keys_of(part: type[Part], pad: str) -> Iterator[str]:
    """Write the keys of a part that is left out as comments that stay comments."""
    for name, field in part.model_fields.items():
        default = "" if field.is_required() else f"{flow_yaml(_default(field))}; "
        yield from _wrapped(f"{name}: {default}{_comment(name, field)}", pad, "#   ", "#     ")


def _entry(part: type[Part], entry: dict[str, Any], indent: int) -> Iterator[str]:
    """Write one list entry; its first line carries the dash."""
    pad = "  " * indent
    lines = list(_part(part, entry, indent + 1))
    first = next(i for i, line in enumerate(lines) if not line.lstrip().startswith("#"))
    before, own, after = lines[:first], lines[first], lines[first + 1 :]
    yield from (line[2:] for line in before)
    yield f"{pad}- {own.lstrip()}"
    yield from after


def _default(field: FieldInfo) -> Any:
    value = field.get_default(call_default_factory=True)
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


def _wrapped(text: str, pad: str, mark: str = "# ", again: str = "# ") -> Iterator[str]:
    """Break a comment at 100 characters; ``mark`` begins its first line, ``again`` the others."""
    line = ""
    for word in text.split():
        if line and len(line) + len(word) > 100:
            yield f"{pad}{mark}{line}"
            line, mark = "", again
        line = f"{line} {word}".strip()
    if line:
        yield f"{pad}{mark}{line}"
