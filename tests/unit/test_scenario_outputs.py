"""Template, JSON Schema, hash and resolved file of a scenario."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.catalog import load_catalog
from kiban.scenario.check import check_text
from kiban.scenario.dump import flow_yaml, resolved_yaml
from kiban.scenario.fields import parts
from kiban.scenario.hashing import canonical_json, catalogue_hash, run_hash
from kiban.scenario.jsonschema import json_schema
from kiban.scenario.kinds import file_kind
from kiban.scenario.load import load_scenario, load_scenario_text
from kiban.scenario.template import template_text
from kiban.scenario.yamltext import parse_yaml

CATALOG = load_catalog()
BASE = template_text()
EXAMPLES = [f for f in sorted((Path(__file__).parents[2] / "examples").glob("*.yaml")) if file_kind(f) == "scenario"]


def digest(text: str) -> str:
    return run_hash(load_scenario_text(text).resolved, CATALOG)


def test_the_template_checks_clean() -> None:
    assert [p.render() for p in check_text(BASE, None, CATALOG)] == []


def test_the_template_shows_every_key_with_its_default() -> None:
    opened = re.sub(r"^( *)#(?=\S)", r"\1", BASE, flags=re.MULTILINE)
    assert load_scenario_text(opened).scenario == load_scenario_text(BASE).scenario
    for part in parts():
        for name, field in part.model_fields.items():
            assert field.description, f"{part.__name__}.{name} has no description"
            if part.__name__ not in ("Committed", "ClaimPart", "Override", "SampledPart"):
                assert f"{name}:" in BASE


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda f: f.stem)
def test_examples_load_and_survive_the_resolved_file(file: Path) -> None:
    loaded = load_scenario(file)
    for variant in (None, *loaded.variants):
        once = load_scenario(file, variant)
        again = load_scenario_text(resolved_yaml(once))
        assert again.scenario == once.scenario
        assert again.resolved == once.resolved
        assert resolved_yaml(again) == resolved_yaml(once)


AWKWARD = ["50e9", "1e6", "no", "on", "null", "~", "", "true", ".nan", "1_000", "12:30", "2026-01-01", "- a", "a: b",
           "# c", "'", '"', "日本 kiban", "é\u0085x", "x\u2028y", " lead", "trail ", "line\nbreak\n", "{a}", "*a", "&a",
           "!t", "%a", "@a", "`a`", "010", "0x1F", "=", "<<", "?", "|", ">", "\t", "😀"]  # fmt: skip


@pytest.mark.parametrize("text", AWKWARD)
def test_awkward_texts_survive(text: str) -> None:
    scenario = load_scenario_text(BASE).scenario
    site = scenario.sites[0].model_copy(update={"operator": text})
    changed = scenario.model_copy(update={"sites": [site]})
    assert load_scenario_text(resolved_yaml(changed)).scenario.sites[0].operator == text
    assert parse_yaml(f"a: {flow_yaml({'k': text})}".encode(), "f").plain() == {"a": {"k": text}}


@settings(max_examples=150, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff\ufeff"), max_size=60),
    st.floats(min_value=0, max_value=1e14),
)
def test_any_text_and_number_survives(text: str, number: float) -> None:
    scenario = load_scenario_text(BASE).scenario
    changed = scenario.model_copy(
        update={
            "sites": [scenario.sites[0].model_copy(update={"tenant": text})],
            "ladder": scenario.ladder.model_copy(update={"budget_usd": number}),
        }
    )
    assert load_scenario_text(resolved_yaml(changed)).scenario == changed
    assert parse_yaml(f"a: {flow_yaml([number])}".encode(), "f").plain() == {"a": [number]}


def reordered(text: str) -> str:
    """Write the same scenario with every mapping in another order, in JSON style."""

    def turn(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: turn(v) for k, v in sorted(value.items(), reverse=True)}
        return [turn(v) for v in value] if isinstance(value, list) else value

    return json.dumps(turn(parse_yaml(text.encode(), "f").plain()))


def test_the_hash_ignores_what_has_no_meaning() -> None:
    base = digest(BASE)
    assert re.fullmatch(r"[0-9a-f]{12}", base)
    assert digest(BASE) == base
    assert digest(reordered(BASE)) == base
    assert digest(re.sub(r"^ *#.*\n", "", BASE, flags=re.MULTILINE)) == base
    assert digest(BASE.replace("budget_usd: 800e6", "budget_usd: 800000000")) == base
    assert digest(BASE.replace("#tenor_years: 7", "tenor_years: 7")) == base
    assert digest(resolved_yaml(load_scenario_text(BASE))) == base


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("title: A", "title: Another"),
        ("budget_usd: 800e6", "budget_usd: 800.000001e6"),
        ("#tenor_years: 7", "tenor_years: 7.5"),
        ("accelerators: [b200, gb300]", "accelerators: [gb300, b200]"),
        ("state: tx", "state: ny"),
    ],
)
def test_the_hash_sees_what_has_meaning(old: str, new: str) -> None:
    assert BASE.count(old) == 1
    assert digest(BASE.replace(old, new)) != digest(BASE)


def test_overrides_count_but_their_order_does_not() -> None:
    one = "{key: tax.us.federal_rate_frac, value: 0.2, why: a test}"
    two = "{key: accelerator.b200.tdp_w, value: 900, why: a test}"
    first, second = (BASE.replace("#overrides: []", f"overrides: [{a}, {b}]") for a, b in ((one, two), (two, one)))
    assert digest(first) == digest(second) != digest(BASE)
    assert digest(first.replace("0.2", "0.3")) != digest(first)


def test_the_hash_sees_the_catalogue() -> None:
    changed = CATALOG.with_overrides({"accelerator.b200.tdp_w": (901.0, "a test")})
    assert catalogue_hash(changed) != catalogue_hash(CATALOG)
    assert catalogue_hash(load_catalog()) == catalogue_hash(CATALOG)
    resolved = load_scenario_text(BASE).resolved
    assert run_hash(resolved, changed) != run_hash(resolved, CATALOG)


def test_canonical_json_has_one_zero() -> None:
    assert canonical_json({"a": -0.0}) == canonical_json({"a": 0.0})


def test_json_schema_carries_units_and_bounds() -> None:
    schema = json_schema()
    json.dumps(schema)
    definitions = schema["$defs"]
    assert definitions["SitePart"]["properties"]["max_it_mw"]["unit"] == "MW"
    assert definitions["SitePart"]["properties"]["max_it_mw"]["maximum"] == 15000
    assert definitions["DemandPart"]["properties"]["blended_token_price_usd_per_mtok"]["unit"] == "USD/Mtok"
    assert definitions["Ladder"]["properties"]["budget_usd"]["unit"] == "USD"
    assert "unit" not in definitions["Ladder"]["properties"]["accelerators"]
    assert "unit" not in definitions["FinancePart"]["properties"]["gearing_max_frac"]
    assert definitions["SitePart"]["additionalProperties"] is False
    assert "variants" in schema["properties"]
    assert "demand" in schema["else"]["required"]
