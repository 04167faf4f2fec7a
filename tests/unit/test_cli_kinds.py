"""A file of another kind is answered with the verb that takes it, and ``kiban check`` checks every kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from kiban.cli import app
from kiban.scenario.kinds import file_kind

EXAMPLES = Path(__file__).parents[2] / "examples"
FILES = {
    "scenario": EXAMPLES / "university-512.yaml",
    "project": EXAMPLES / "gpu-hall-project.yaml",
    "facility": EXAMPLES / "facility" / "dallas.yaml",
    "energy": EXAMPLES / "energy" / "west_texas.yaml",
}
VERB = {"scenario": "kiban run", "project": "kiban finance", "facility": "kiban facility", "energy": "kiban energy"}
TAKES = {
    "run": {"scenario"},
    "plan": {"scenario"},
    "finance": {"scenario", "project"},
    "facility": {"facility"},
    "energy": {"energy"},
}


def kiban(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [*words])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize("kind", FILES)
def test_a_file_is_known_by_its_key_and_every_example_passes_its_check(kind: str) -> None:
    assert file_kind(FILES[kind]) == kind
    code, out, err = kiban("check", str(FILES[kind]))
    assert code == 0 and "no problems" in out, err


@pytest.mark.parametrize(("verb", "kind"), [(v, k) for v, takes in TAKES.items() for k in FILES if k not in takes])
def test_another_kind_is_one_problem_that_names_the_verb(verb: str, kind: str, tmp_path: Path) -> None:
    where = ["--runs", str(tmp_path / "runs")] if verb == "run" else []
    code, out, err = kiban(verb, str(FILES[kind]), *where)
    assert code == 2 and out == ""
    assert f"use: {VERB[kind]}\n1 problem; nothing was run" in err
    code, out, _ = kiban(verb, str(FILES[kind]), "--json", *where)
    assert code == 2 and len(json.loads(out)["problems"]) == 1
    assert not list(tmp_path.iterdir())


def test_explain_names_the_verb_too() -> None:
    code, _, err = kiban("explain", "usd_per_mtok", str(FILES["energy"]))
    assert code == 2 and "use: kiban energy" in err


def test_no_key_no_file_and_bad_text_have_no_kind(tmp_path: Path) -> None:
    plain, broken = tmp_path / "a.yaml", tmp_path / "b.yaml"
    plain.write_text("name: hall\n", encoding="utf-8")
    broken.write_text("kiban_energy: [\n", encoding="utf-8")
    assert file_kind(plain) is None and file_kind(broken) is None and file_kind(tmp_path / "none.json") is None
    assert "kiban is missing" in kiban("check", str(plain))[2]
    assert "not valid YAML" in kiban("check", str(broken))[2]
    assert "kiban_facility" in kiban("facility", str(plain))[2]


def test_the_kind_comes_through_extends(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(FILES["facility"].read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "top.yaml").write_text("extends: base.yaml\nit_mw: 100\n", encoding="utf-8")
    assert file_kind(tmp_path / "top.yaml") == "facility"


def test_check_names_every_fault_of_a_facility_file_and_its_weather(tmp_path: Path) -> None:
    file = tmp_path / "hall.yaml"
    file.write_text("kiban_facility: 1\nname: hall\nweather: {site: abilen_tx}\ncooling: tower\nit_mw: -5\n", "utf-8")
    code, _, err = kiban("check", str(file))
    assert code == 2 and "did you mean abilene_tx?" in err and "it_mw must be" in err and "3 problems" in err
    file.write_text(
        "kiban_facility: 1\nname: hall\nweather: {file: w.epw}\ncooling: liquid_tower\nit_mw: 5\nload: {file: l.csv}\n",
        encoding="utf-8",
    )
    code, _, err = kiban("check", str(file))
    assert code == 2 and "w.epw" in err and "l.csv" in err and "2 problems" in err


def test_check_names_every_fault_of_an_energy_file_and_its_series(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    head = "kiban_energy: 1\nname: site\nconnection: {limit_mw: 5}\n"
    file.write_text(head + "series: {load_mw: 4, price_usd_per_mwh: 40}\nclean: {rule: yearly}\nbatery: {}\n", "utf-8")
    code, _, err = kiban("check", str(file))
    assert code == 2 and "did you mean battery?" in err and "annual, monthly, hourly" in err
    columns = "{load_mw: {file: a.csv, column: x}, price_usd_per_mwh: {file: b.csv, column: y}}"
    file.write_text(head + f"series: {columns}\n", encoding="utf-8")
    code, _, err = kiban("check", str(file))
    assert code == 2 and "a.csv" in err and "b.csv" in err and "2 problems" in err


def test_check_reads_a_scenario_of_reopt(tmp_path: Path) -> None:
    file = tmp_path / "flat.json"
    for text, words in (("[]", "is an object"), ("{", "is not JSON"), ('{"PV": {}}', "PV")):
        file.write_text(text, encoding="utf-8")
        for verb in ("check", "energy"):
            code, _, err = kiban(verb, str(file))
            assert code == 2 and words in err, err
    assert "use: kiban energy" in kiban("facility", str(file))[2]


def test_every_form_has_a_schema_that_its_example_answers_to() -> None:
    for kind, mark in (("facility", "kiban_facility"), ("energy", "kiban_energy")):
        schema = json.loads(kiban("schema", f"--{kind}")[1])
        given = yaml.safe_load(FILES[kind].read_text(encoding="utf-8"))
        assert mark in schema["else"]["required"]
        assert set(schema["else"]["required"]) <= set(given) <= set(schema["properties"])
    code, out, err = kiban("schema", "--facility", "--energy")
    assert code == 2 and out == "" and "one schema at a time" in err
