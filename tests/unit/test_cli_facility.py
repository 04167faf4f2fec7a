"""The door of the facility room: answers, files, and bad input without a traceback."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kiban.cli import app
from kiban.facility.cooling import KINDS
from kiban.scenario.site_part import CoolingKind

EXAMPLE = Path(__file__).parents[2] / "examples" / "facility" / "dallas.yaml"


def _run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["facility", *words])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


def _file(tmp_path: Path, text: str) -> str:
    path = tmp_path / "hall.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


GOOD = """kiban_facility: 1
name: hall
weather: {site: abilene_tx}
cooling: liquid_tower
it_mw: 50
"""


def test_every_kind_of_the_forms_has_a_model() -> None:
    assert set(CoolingKind.__args__) == set(KINDS)  # type: ignore[attr-defined]


def test_the_example_in_json_and_text() -> None:
    code, out, _ = _run(str(EXAMPLE), "--json")
    data = json.loads(out)
    assert code == 0 and data["status"] == "ok"
    assert 1.05 < data["annual_pue"] < data["peak_pue"] < 1.4
    assert data["annual_facility_mwh"] == pytest.approx(data["annual_pue"] * data["annual_it_mwh"])
    assert len(data["monthly"]) == 12
    assert data["annual_source_wue_l_per_kwh"] == pytest.approx(data["annual_wue_l_per_kwh"] + 1.5 * data["annual_pue"])
    for row in data["monthly"]:
        parts = sum(row[name] for name in ("fans_frac", "pumps_frac", "chillers_frac", "electrical_frac"))
        assert row["pue"] == pytest.approx(1.0 + parts)
    code, text, _ = _run(str(EXAMPLE))
    assert code == 0 and "annual PUE" in text and "Dec" in text


def test_variants_and_choices_move_the_answer(tmp_path: Path) -> None:
    def pue(text: str, *words: str) -> float:
        return float(json.loads(_run(_file(tmp_path, text), "--json", *words)[1])["annual_pue"])

    base = pue(GOOD)
    assert pue(GOOD + "power: {ups: eco}\n") < base
    assert pue(GOOD + "water_class: w17\n") > base
    assert pue(GOOD + "parameters: {tower_approach_k: 9}\n") > base
    assert pue(GOOD + "variants: {warm: {weather: {site: houston_tx}}}\n", "--variant", "warm") > base


def test_connection_is_counted(tmp_path: Path) -> None:
    data = json.loads(_run(_file(tmp_path, GOOD + "power: {connection_mw: 41}\n"), "--json")[1])
    assert data["hours_above_connection_h"] > 1000 and data["it_energy_lost_mwh"] > 0


def test_files_are_self_contained(tmp_path: Path) -> None:
    code, _, _ = _run(_file(tmp_path, GOOD.replace("name: hall", "name: a-hall")), "-o", str(tmp_path / "out"))
    page = (tmp_path / "out" / "facility.html").read_text(encoding="utf-8")
    assert code == 0 and "a-hall" in page
    assert not re.search(r'(src|href)="http', page)
    figures = json.loads(re.search(r'id="figures">(.*?)</script>', page, re.S).group(1))  # type: ignore[union-attr]
    assert len(figures["pue_days"]["option"]["series"][0]["data"]) == 8760
    assert len((tmp_path / "out" / "hours.csv").read_text(encoding="utf-8").splitlines()) == 8761


def test_all_problems_of_a_form_at_once(tmp_path: Path) -> None:
    text = """kiban_facility: 1
name: hall
weather: {site: abilen_tx}
cooling: liquid_towr
it_mw: -5
parameters: {tower_aproach_k: 4, supply_air_degc: 90}
load: {mean_frac: 80}
"""
    code, _, err = _run(_file(tmp_path, text))
    assert code == 2 and "nothing was run" in err
    for word in (
        "hall.yaml:3: weather.site", "did you mean abilene_tx?", "did you mean liquid_tower?",
        "it_mw must be more than 0", "load.mean_frac",
        "did you mean tower_approach_k?", "supply_air_degc is outside what the curves hold for; found 90",
    ):  # fmt: skip
        assert word in err


def test_faults_of_weather_and_load_files_come_together(tmp_path: Path) -> None:
    (tmp_path / "w.epw").write_text("LOCATION,a,b,c,d,e,1,2,-6.0,0\n", encoding="utf-8")
    (tmp_path / "l.csv").write_text("it_mw\n5\n", encoding="utf-8")
    text = GOOD.replace("{site: abilene_tx}", "{file: w.epw}") + "load: {file: l.csv}\n"
    code, out, _ = _run(_file(tmp_path, text), "--json", "-o", str(tmp_path / "out"))
    problems = json.loads(out)["problems"]
    assert code == 2 and {p["file"] for p in problems} == {"w.epw", "l.csv"}
    assert "an EPW file has 8768" in problems[0]["message"] and "remedy" in problems[0]["message"]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (GOOD.replace("{site: abilene_tx}", "{site: abilene_tx, file: x.epw}"), "either site or file"),
        (GOOD.replace("{site: abilene_tx}", "{file: nowhere.epw}"), "cannot be read"),
        (GOOD.replace("kiban_facility: 1\n", ""), "kiban_facility"),
        (GOOD + "colour: red\n", "colour"),
        (GOOD.replace("abilene_tx", "lulea"), "has no dew_point_mean_degc"),
    ],
)
def test_other_bad_input(tmp_path: Path, text: str, word: str) -> None:
    code, _, err = _run(_file(tmp_path, text))
    assert code == 2 and word in err
    assert _run(str(tmp_path / "none.yaml"))[0] == 2


def test_construction_says_every_denominator(tmp_path: Path) -> None:
    build = "construction: {state: tx, phases: [{it_mw: 20}, {it_mw: 30, start_month: 9}]}\n"
    data = json.loads(_run(_file(tmp_path, GOOD + build), "--json")[1])
    found = data["construction"]
    assert found["usd_per_critical_it_kw"] == pytest.approx(sum(found["lines_usd_per_critical_it_kw"].values()))
    assert found["usd"] == pytest.approx(found["usd_per_critical_it_kw"] * 50_000)
    assert found["usd_per_peak_facility_kw"] == pytest.approx(found["usd_per_critical_it_kw"] / data["peak_pue"])
    assert 10_000 < found["usd_per_critical_it_kw"] < 18_000
    code, _, err = _run(_file(tmp_path, GOOD + build.replace("30", "31")))
    assert code == 2 and "phases sum to 51 MW, it_mw is 50" in err
