"""Hundreds of spoilt scenario files: each is refused in words that name the key, and nothing else is raised."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.catalog import load_catalog
from kiban.scenario.check import check_text
from kiban.scenario.facts import offered_names
from kiban.scenario.fields import field_at, holds_number, part_at
from kiban.scenario.load import load_scenario_text
from kiban.scenario.problems import Problem
from kiban.scenario.template import template_text

CATALOG = load_catalog()
BASE_TEXT = template_text(offered_names(CATALOG, "credit")[0])
Path = tuple[str | int, ...]


def full_case() -> dict[str, Any]:
    """The template with every optional list filled."""
    data = load_scenario_text(BASE_TEXT).resolved
    data["sites"][0] |= {
        "committed_rung": "landlord_lease",
        "committed": [{"quarter": "2027Q1", "it_mw": 5.0, "accelerator": "b200", "note": "signed"}],
        "power": {"ups": "dc_800v", "redundancy": "n_plus_1", "units": 6},
        "air_class": "a2",
        "water_class": "w32",
        "construction": {"ready": "p90", "phases": [{"it_mw": 8.0, "start_month": 3.0}]},
    }
    data["claims"] = [{"item": "permanent_jobs", "published": 30.0, "source": "a press note"}]
    data["overrides"] = [{"key": "accelerator.b200.tdp_w", "value": 1000.0, "why": "a quote"}]
    return data


BASE = full_case()


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield (*path, key), child
            yield from leaves(child, (*path, key))
    elif isinstance(value, list):
        for i, child in enumerate(value):
            yield from leaves(child, (*path, i))
            if not isinstance(child, dict | list):
                yield (*path, i), child


def changed(path: Path, value: Any) -> dict[str, Any]:
    data = copy.deepcopy(BASE)
    inside: Any = data
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = value
    return data


def without(path: Path) -> dict[str, Any]:
    data = copy.deepcopy(BASE)
    inside: Any = data
    for step in path[:-1]:
        inside = inside[step]
    del inside[path[-1]]
    return data


def key_of(path: Path) -> str:
    return next(step for step in reversed(path) if isinstance(step, str))


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def spoilt() -> Iterator[tuple[str, Path, str]]:
    """Give (kind of fault, path, text) of every single-fault file."""
    for path, value in leaves(BASE):
        key = key_of(path)
        field = field_at(path)
        if isinstance(path[-1], str):
            assert field is not None
            if field.is_required():
                yield "deleted", path, json.dumps(without(path))
            if value is not None or field.is_required():
                wrong = 5 if isinstance(value, str) else "junk!"
                yield "wrong type", path, json.dumps(changed(path, wrong))
            yield "mapping of nonsense", path, json.dumps(changed(path, {"zzz": 1}))
            if isinstance(value, dict):
                yield "unknown key", (*path, "zzz_key"), json.dumps(changed((*path, "zzz_key"), 1))
                yield "list for mapping", path, json.dumps(changed(path, [value]))
        if is_number(value):
            yield "true for number", path, json.dumps(changed(path, True))
            yield "text for number", path, json.dumps(changed(path, str(value)))
            for word in (".nan", ".inf", "1e308", "1e999"):
                yield word, path, json.dumps(changed(path, "@@")).replace('"@@"', word)
            yield "negative", path, json.dumps(changed(path, -abs(value) - 2))
            if key.endswith(("_frac", "_frac_per_year")) and value > 0.011:
                yield "percent", path, json.dumps(changed(path, value * 100))
            if key in ("max_it_mw", "it_mw", "construction_it_mw_per_quarter"):
                yield "kW for MW", path, json.dumps(changed(path, value * 1000))
        elif isinstance(value, str) and key in (
            "accelerators", "cloud_accelerators", "accelerator", "training_model", "inference_model", "weather",
            "state", "grid", "credit", "key", "cooling", "rungs", "committed_rung", "supply", "matching", "item",
            "training_precision", "serving_precision", "quarter", "start_quarter", "grid_ready_quarter",
            "ups", "redundancy", "air_class", "water_class", "ready",
        ):  # fmt: skip
            yield "unknown name", path, json.dumps(changed(path, value + "x"))
            yield "capitals", path, json.dumps(changed(path, value.upper() + "X"))


SPOILT = list(spoilt())


def names_the_key(problem: Problem, key: str) -> bool:
    return bool(re.search(rf"\b{re.escape(key)}\b", f"{problem.path} {problem.message}"))


def test_the_full_case_is_clean_and_the_list_is_long() -> None:
    assert [p.render() for p in check_text(json.dumps(BASE), None, CATALOG)] == []
    assert len(SPOILT) >= 250
    assert len({kind for kind, _, _ in SPOILT}) >= 14


@pytest.mark.parametrize("kind", sorted({kind for kind, _, _ in SPOILT}))
def test_every_spoilt_file_is_refused_by_name(kind: str) -> None:
    silent = []
    for _, path, text in (s for s in SPOILT if s[0] == kind):
        problems = check_text(text, None, CATALOG)
        if not any(names_the_key(p, key_of(path)) for p in problems):
            silent.append((path, [p.render() for p in problems][:3]))
        assert all(p.line is not None and p.message for p in problems)
    assert silent == []


def test_swapped_units_are_said_so() -> None:
    for kind, word in (("percent", "percent"), ("kW for MW", "kW")):
        texts = [(path, text) for k, path, text in SPOILT if k == kind]
        assert texts
        for path, text in texts:
            problems = check_text(text, None, CATALOG)
            if (
                isinstance(path[-1], str)
                and part_at(path[:-1]) is not None
                and not any("needs low <= value" in p.message or "more than max_it_mw" in p.message for p in problems)
            ):
                assert any(word in p.message for p in problems), (path, [p.render() for p in problems])


SAME = {
    "as JSON": json.dumps,
    "indented": lambda d: json.dumps(d, indent=3),
    "keys in another order": lambda d: json.dumps(dict(reversed(d.items()))),
    "with comments": lambda d: "# a\n" + json.dumps(d, indent=1).replace("\n", " # b\n"),
    "with a mark": lambda d: "\ufeff" + json.dumps(d),
    "explicit document": lambda d: "---\n" + json.dumps(d) + "\n...\n",
    "windows lines": lambda d: json.dumps(d, indent=1).replace("\n", "\r\n"),
    "with variants": lambda d: json.dumps({**d, "variants": {"a": {"title": "Another"}}}),
    "without defaults": lambda d: json.dumps({k: v for k, v in d.items() if k not in ("risk", "energy", "horizon")}),
}


@pytest.mark.parametrize("way", sorted(SAME))
def test_the_same_meaning_in_another_form_is_clean(way: str) -> None:
    assert [p.render() for p in check_text(SAME[way](BASE), None, CATALOG)] == []


PATHS = sorted({path for path, _ in leaves(BASE)}, key=str)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=250, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PATHS), VALUES), min_size=1, max_size=3))
def test_any_values_anywhere_give_problems_or_a_scenario(changes: list[tuple[Path, Any]]) -> None:
    data = copy.deepcopy(BASE)
    for path, value in changes:
        inside: Any = data
        for step in path[:-1]:
            if not (isinstance(inside, dict) and step in inside) and not (
                isinstance(inside, list) and isinstance(step, int) and step < len(inside)
            ):
                break
            inside = inside[step]
        else:
            if isinstance(inside, dict) and isinstance(path[-1], str):
                inside[path[-1]] = value
    text = json.dumps(data)
    problems = check_text(text, None, CATALOG)
    if not problems:
        load_scenario_text(text)
    assert all(len(p.render()) < 3000 for p in problems)


@settings(max_examples=250, deadline=None)
@given(st.integers(0, len(BASE_TEXT)), st.integers(0, 60), st.text(max_size=12) | st.sampled_from(
    ["\t", "\x00", "&a ", "*a", "<<: ", "!!float ", "]", "}", "{", "[", "'", '"', ": ", "- ", "\n", "---\n", "? ",
     "|\n", "%Y\n"]
))  # fmt: skip
def test_any_cut_or_insertion_is_survived(start: int, length: int, insert: str) -> None:
    text = BASE_TEXT[:start] + insert + BASE_TEXT[start + length :]
    for problem in check_text(text, None, CATALOG):
        assert problem.message


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_survived(raw: bytes) -> None:
    assert check_text(raw.decode("utf-8", errors="surrogateescape"), None, CATALOG)


def test_number_fields_are_all_covered() -> None:
    reached = {tuple(s for s in path if isinstance(s, str)) for path, value in leaves(BASE) if is_number(value)} - {
        ("kiban",)
    }
    for path in list(reached):
        field = field_at(path)
        assert field is not None
        assert holds_number(field.annotation)
    assert len(reached) >= 60
