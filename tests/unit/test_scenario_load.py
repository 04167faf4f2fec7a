"""Reading scenario files: YAML within limits, extends, variants."""

from __future__ import annotations

import time
from pathlib import Path
from textwrap import dedent

import pytest

from kiban.scenario.load import load_scenario, load_scenario_text, merge_file
from kiban.scenario.problems import ScenarioError
from kiban.scenario.template import template_text
from kiban.scenario.yamltext import parse_yaml, resolve_plain

BASE = template_text()


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(dedent(text), encoding="utf-8")
    return file


def fault(text: str | bytes) -> str:
    with pytest.raises(ScenarioError) as caught:
        parse_yaml(text if isinstance(text, bytes) else text.encode(), "f.yaml")
    return caught.value.render()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("50e9", 50e9), ("1e6", 1e6), ("2.5e+3", 2500.0), ("-1.5E-3", -0.0015), (".5", 0.5), ("5.", 5.0), ("7", 7),
        ("-3", -3), ("+4", 4), ("010", 10), ("150_000", 150000), ("1_2", "1_2"), ("no", "no"), ("on", "on"),
        ("off", "off"), ("yes", "yes"), ("y", "y"), ("true", True), ("False", False), ("12:30", "12:30"),
        ("1:30:00", "1:30:00"), ("2026-01-01", "2026-01-01"), ("2026Q4", "2026Q4"), ("0x1F", "0x1F"), ("0o17", "0o17"),
        ("null", None), ("~", None), ("", None), ("e9", "e9"), ("1e", "1e"), ("fp8", "fp8"), ("=", "="),
    ],
)  # fmt: skip
def test_plain_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    found = resolve_plain(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", [".nan", ".inf", "-.Inf", "1e999", "9" * 400])
def test_numbers_that_are_not_finite_are_refused_with_their_key(text: str) -> None:
    words = fault(f"ladder:\n  budget_usd: {text}\n")
    assert "f.yaml:2: ladder.budget_usd:" in words


def test_quoted_scalars_stay_texts() -> None:
    assert parse_yaml(b"a: '50e9'\nb: \"true\"\nc: '.nan'", "f").plain() == {"a": "50e9", "b": "true", "c": ".nan"}


def test_lines_are_those_of_the_keys() -> None:
    top = parse_yaml(b"# c\na: 1\nb:\n  c: 2\n  d:\n    - 1\n    - x: 3\n", "f")
    assert top.value["b"].line == 3
    assert top.value["b"].value["d"].value[1].value["x"].line == 7


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("# only a comment\n", "the file is empty"),
        ("---\n...\n", "the file is empty"),
        ("- a\n- b\n", "must be a mapping"),
        ("just words", "must be a mapping"),
        ("a: 1\na: 2\n", "f.yaml:2: a: a appears twice; first on line 1"),
        ("a:\n  b: 1\n  c: 2\n  b: 3\n", "f.yaml:4: a.b: b appears twice; first on line 2"),
        ("1: x\n", "a key must be a name"),
        ("true: x\n", "a key must be a name"),
        ("? [a, b]\n: x\n", "a key must be a name"),
        ("a: !!python/object/apply:os.system [ls]\n", "tags such as"),
        ("a: !!float 3\n", "tags such as"),
        ("a: &x [*x]\n", "*x refers to itself"),
        ("a: *nowhere\n", "*nowhere refers to an anchor"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "merge keys"),
        ("a: 1\n---\nb: 2\n", "more than one YAML document"),
        ("a:\n\tb: 1\n", "a tab is used"),
        ("a: [1, 2\n", "not valid YAML"),
        ("a: 'open\n", "not valid YAML"),
        ('a: "\\UFFFFFFFF"\n', "not valid YAML"),
        ("a: b: c\n", "f.yaml:1: this is not valid YAML"),
        ("[" * 2000 + "]" * 2000, "limit of 40 levels"),
        ("a: " + "{b: " * 100 + "1" + "}" * 100, "limit of 40 levels"),
        ("".join(f"{' ' * i}k:\n" for i in range(100)), "limit of 40 levels"),
        (bomb(9), "limit of 20,000 values"),
        ("a: [" + "1," * 30000 + "]", "limit of 20,000 values"),
        ("a: " + "x" * 20000, "limit of 10,000 characters"),
        ("# " + "x" * 1_000_001, "limit of 1,000,000 bytes"),
        ('a: "\\ud800"', "f.yaml:1:"),
        ('a: "\\0"', "control character"),
        ("a: \x07", "character that YAML does not allow"),
    ],
)
def test_hostile_and_broken_files_name_their_fault(text: str, words: str) -> None:
    begin = time.perf_counter()
    assert words in fault(text)
    assert time.perf_counter() - begin < 2.0


def test_nested_aliases_count_towards_the_depth() -> None:
    deep = "a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 60))
    assert "limit of 40 levels" in fault(deep)


@pytest.mark.parametrize("raw", [b"\xff\xfe\x00a", b"name: \xe9", bytes(range(256)), b"\x89PNG\r\n\x1a\n"])
def test_binary_garbage_is_not_text(raw: bytes) -> None:
    assert "not UTF-8" in fault(raw)


def test_a_byte_order_mark_and_aliases_are_fine() -> None:
    assert parse_yaml(b"\xef\xbb\xbfa: &x [1, 2]\nb: *x\n", "f").plain() == {"a": [1, 2], "b": [1, 2]}


def test_extends_lays_one_file_over_another(tmp_path: Path) -> None:
    write(tmp_path, "sub/base.yaml", BASE)
    top = write(
        tmp_path,
        "top.yaml",
        """
        extends: sub/base.yaml
        title: The same with a second hall
        sites:
          - {name: dallas_hall, max_it_mw: 15}
          - {name: rochester, weather: rochester_ny, state: ny, grid: nyiso, rungs: [owned], max_it_mw: 5}
        ladder: {accelerators: [gb300]}
        """,
    )
    loaded = load_scenario(top)
    assert [s.name for s in loaded.scenario.sites] == ["dallas_hall", "rochester"]
    assert loaded.scenario.sites[0].max_it_mw == 15
    assert loaded.scenario.sites[0].weather == "dallas_fort_worth_tx"
    assert loaded.scenario.ladder.accelerators == ["gb300"]
    assert loaded.scenario.ladder.cloud_accelerators == ["b200"]
    assert [f.name for f in loaded.source_files] == ["top.yaml", "base.yaml"]
    assert loaded.tree.value["sites"].value[0].value["weather"].file == "base.yaml"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("/etc/passwd.yaml", "relative path"),
        ("../other.yaml", "below the folder"),
        ("sub/../../other.yaml", "below the folder"),
        ("C:x.yaml", "relative path"),
        ("https://host/x.yaml", "relative path"),
        ("~/x.yaml", "relative path"),
        ("'sub\\x.yaml'", "relative path"),
        ("base.txt", "must end in"),
        ("missing.yaml", "does not exist"),
        ("folder.yaml", "does not exist"),
        ("link.yaml", "below the folder"),
        ("loop.yaml", "cannot be followed"),
        ("top.yaml", "in a circle: top.yaml -> top.yaml"),
        ("[a.yaml]", "must be the relative path"),
        ("5", "must be the relative path"),
        ("'a\\0.yaml'", "relative path"),
        ('"a\\0.yaml"', "control character"),
    ],
)
def test_extends_stays_inside(tmp_path: Path, entry: str, words: str) -> None:
    folder = tmp_path / "in"
    (folder / "folder.yaml").mkdir(parents=True)
    write(tmp_path, "other.yaml", BASE)
    (folder / "link.yaml").symlink_to(tmp_path / "other.yaml")
    (folder / "loop.yaml").symlink_to(folder / "loop.yaml")
    top = write(folder, "top.yaml", f"name: x\nextends: {entry}\n")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(top)
    assert words in str(caught.value)
    assert "top.yaml:2: extends" in str(caught.value)


def test_circles_and_long_chains_of_extends(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", "extends: b.yaml\n")
    write(tmp_path, "b.yaml", "extends: a.yaml\n")
    with pytest.raises(ScenarioError, match=r"a.yaml -> b.yaml -> a.yaml"):
        load_scenario(tmp_path / "a.yaml")
    write(tmp_path, "c0.yaml", BASE)
    for i in range(1, 10):
        write(tmp_path, f"c{i}.yaml", f"extends: c{i - 1}.yaml\nname: n{i}\n")
    assert load_scenario(tmp_path / "c8.yaml").scenario.name == "n8"
    with pytest.raises(ScenarioError, match="longer than the limit of 8"):
        load_scenario(tmp_path / "c9.yaml")


@pytest.mark.parametrize("name", ["missing.yaml", "folder", "a\0b.yaml", "x" * 5000])
def test_unreadable_paths(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ScenarioError):
        load_scenario(tmp_path / name)


VARIANTS = """
variants:
  small: {title: A smaller one, ladder: {budget_usd: 100e6}}
  dry: {sites: []}
  moved:
    sites: [{name: dallas_hall, grid_ready_quarter: null, max_it_mw: 12}]
  swapped:
    sites:
      - {name: dallas_hall, remove: true}
      - {name: buffalo, weather: buffalo_ny, state: ny, grid: nyiso, rungs: [owned], max_it_mw: 5}
"""


def test_variants_are_laid_over_the_base() -> None:
    text = BASE + VARIANTS
    base = load_scenario_text(text)
    assert base.variants == ("small", "dry", "moved", "swapped")
    assert base.scenario == load_scenario_text(BASE).scenario
    small = load_scenario_text(text, "small").scenario
    assert (small.title, small.ladder.budget_usd) == ("A smaller one", 100e6)
    assert small.ladder.accelerators == base.scenario.ladder.accelerators
    assert load_scenario_text(text, "dry").scenario.sites == []
    moved = load_scenario_text(text, "moved").scenario.sites[0]
    assert (moved.grid_ready_quarter, moved.max_it_mw) == (None, 12)
    assert [s.name for s in load_scenario_text(text, "swapped").scenario.sites] == ["buffalo"]


def test_an_unknown_variant_names_the_nearest() -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario_text(BASE + VARIANTS, "smal")
    assert caught.value.problems[0].nearest == "small"
    with pytest.raises(ScenarioError, match="the file has no variants"):
        load_scenario_text(BASE, "small")


@pytest.mark.parametrize(
    ("variants", "words"),
    [
        ("variants: 5", "must map names"),
        ("variants: {a: 5}", "a variant must be a mapping"),
        ("variants: {a: {extends: x.yaml}}", "not allowed inside a variant"),
        ("variants: {a: {kiban: 1}}", "not allowed inside a variant"),
        ("variants: {a: {sites: [{name: gone, remove: true}]}}", "no entry 'gone' to remove"),
        ("variants: {a: {sites: [{name: b}, {name: b}]}}", "appears twice"),
        ("variants: {a: {ladder: {budget_usd: much}}}", "budget_usd must be a number"),
        ("variants: {a: {sites: [{name: dallas_hall, colling: x}]}}", "unknown key 'colling'"),
    ],
)
def test_faults_of_variants(variants: str, words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario_text(BASE + variants + "\n", "a")
    assert words in str(caught.value)
    assert caught.value.problems[0].line == len(BASE.splitlines()) + 1


def test_variants_of_an_extended_file_are_inherited(tmp_path: Path) -> None:
    write(tmp_path, "base.yaml", BASE + VARIANTS)
    top = write(tmp_path, "top.yaml", "extends: base.yaml\nvariants: {small: {title: Renamed}}\n")
    loaded = load_scenario(top, "small")
    assert loaded.scenario.title == "Renamed"
    assert loaded.scenario.ladder.budget_usd == 100e6


def test_a_text_may_not_extend() -> None:
    with pytest.raises(ScenarioError, match="in files only"):
        load_scenario_text("extends: a.yaml\n")


def test_layers_together_respect_the_limit(tmp_path: Path) -> None:
    big = "".join(f"k{i}: [{', '.join(['1'] * 1000)}]\n" for i in range(15))
    write(tmp_path, "base.yaml", big)
    top = write(tmp_path, "top.yaml", "extends: base.yaml\n" + big.replace("k", "m"))
    with pytest.raises(ScenarioError, match="limit of 20,000"):
        merge_file(top)
