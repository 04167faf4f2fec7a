"""Every name that holds a number says its unit, by the one table of words."""

from __future__ import annotations

import csv
import dataclasses
import inspect
import types
from importlib.resources import files
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
import pytest

import kiban.results
from kiban.scenario.fields import holds_number, parts
from kiban.units import Vocabulary, load_vocabulary

ROWS = list(csv.DictReader((files("kiban.units") / "vocabulary.csv").read_text(encoding="utf-8").splitlines()))
RESULTS = [c for _, c in inspect.getmembers(kiban.results, dataclasses.is_dataclass)]


def named(kind: str) -> list[str]:
    return [row["name"] for row in ROWS if row["kind"] == kind]


def is_numeric(annotation: Any) -> bool:
    """Say whether a results field holds numbers (a number, an array, or a tuple or table of numbers)."""
    origin = get_origin(annotation)
    if origin is np.ndarray:
        return True
    if origin in (tuple, dict, Union, types.UnionType):
        return any(is_numeric(a) for a in get_args(annotation) if a is not Ellipsis)
    return isinstance(annotation, type) and issubclass(annotation, int | float) and annotation is not bool


def unit_of(name: str, vocabulary: Vocabulary) -> str | None:
    """Give the unit of a name, after its array prefix has been taken off."""
    prefixes = named("prefix")
    bare = name
    while (prefix := next((p for p in prefixes if bare.startswith(p)), None)) and bare != prefix:
        bare = bare.removeprefix(prefix)
    return vocabulary.unit_of(name) or vocabulary.unit_of(bare)


def offenders(names: list[str]) -> list[str]:
    return [n for n in names if unit_of(n.rsplit(".", 1)[-1], load_vocabulary()) is None]


def test_results_follow_the_vocabulary() -> None:
    names = []
    for cls in RESULTS:
        hints = get_type_hints(cls)
        if "unit" in hints:
            continue  # the unit of its numbers stands beside them
        names += [f"{cls.__name__}.{f.name}" for f in dataclasses.fields(cls) if is_numeric(hints[f.name])]
    assert len(names) > 150
    assert offenders([n for n in names if n.rsplit(".", 1)[1] not in named("table")]) == []


def test_scenario_follows_the_vocabulary() -> None:
    names = [
        f"{part.__name__}.{name}"
        for part in parts()
        for name, field in part.model_fields.items()
        if holds_number(field.annotation)
    ]
    assert len(names) >= 50
    assert offenders(names) == []


@pytest.mark.parametrize("name", ["cost", "power", "share", "usd_price", "mwh_total", "kw", "price_per_token"])
def test_a_name_without_unit_is_caught(name: str) -> None:
    assert offenders([name]) == ([] if name == "kw" else [name])


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("energy_usd_per_mwh", "USD/MWh"),
        ("it_mw", "MW"),
        ("facility_mw_per_quarter", "MW/quarter"),
        ("site_annual_wue_l_per_kwh", "L/kWh"),
        ("node_probability", "-"),
        ("rent_usd_per_kw_month", "USD/kW-month"),
        ("clean_frac", "-"),
        ("decode_tok_per_s", "tok/s"),
    ],
)
def test_known_units(name: str, unit: str) -> None:
    assert unit_of(name, load_vocabulary()) == unit


def test_every_row_has_a_sentence_and_kind() -> None:
    assert all(row["sentence"] and row["name"] for row in ROWS)
    assert {row["kind"] for row in ROWS} == {"suffix", "prefix", "dimensionless", "table", "noun", "verb"}
    assert all(row["name"].startswith("_") and row["unit"] for row in ROWS if row["kind"] == "suffix")
    assert len({(row["kind"], row["name"]) for row in ROWS}) == len(ROWS)
