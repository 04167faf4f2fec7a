"""``kiban predict`` on rows of a plant's year: a study's plants and operators' sites, with the user's weather."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from kiban.catalog import Catalog, load_catalog
from kiban.cli import app
from kiban.facility import study
from kiban.facility.weather_faults import WeatherFileError
from kiban.facility.zone_weather import read_zone_table
from kiban.report.site_rows import site_door
from kiban.report.site_weather import SiteWeatherError, read_site_weather

HOURS = np.arange(8760)
HEADING = "kind,system,setting,metric,unit\n"
LARGE = "Large-scale: Water-cooled chiller (waterside economizer)"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def zone_text(zones: dict[str, float]) -> str:
    """A table of zones with a mean temperature each."""
    lines = ["zone,hour,drybulb,rh,atp"]
    for zone, mean in zones.items():
        dry = mean - 12 * np.cos(2 * np.pi * HOURS / 8760) - 4 * np.cos(2 * np.pi * HOURS / 24)
        lines += [f"{zone},{h},{t:.2f},60,100000" for h, t in enumerate(dry)]
    return "\n".join(lines) + "\n"


def ask(catalog: Catalog, weather: dict[str, float], **cells: str):  # type: ignore[no-untyped-def]
    row = {
        "kind": "model_reference", "system": LARGE, "setting": "ASHRAE zone 5A; 5th percentile over parameter ranges",
        "metric": "annual PUE", "unit": "-", **cells,
    }  # fmt: skip
    air = read_zone_table(zone_text(weather), "zones.csv") if weather else {}
    return site_door({zone.lower(): years for zone, years in air.items()})([row], catalog)[0]


def test_every_plant_of_the_study_answers_in_a_zone_of_the_user(catalog: Catalog) -> None:
    air = read_zone_table(zone_text({"9Z": 12.0, "1A": 24.0}), "zones.csv")
    door = site_door({zone.lower(): years for zone, years in air.items()})
    rows = [
        {"kind": "model_reference", "system": name, "metric": metric, "unit": unit,
         "setting": f"ASHRAE zone 1A (Miami-type); {level} percentile over parameter ranges"}
        for name in study.NAMES for metric, unit in (("annual PUE", "-"), ("annual WUE", "L/kWh-IT"))
        for level in ("5th", "95th")
    ]  # fmt: skip
    answers = door(rows, catalog)
    assert {a.status for a in answers} == {"answered"}
    assert all(0 < a.p10 <= a.p50 <= a.p90 for a in answers)
    fifth, ninety_fifth = answers[::2], answers[1::2]
    assert all(low.p50 < high.p50 for low, high in zip(fifth, ninety_fifth, strict=True))


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({}, "needs the hourly weather of zone 5A"),
        ({"system": "Midsize: Water-cooled chiler"}, "Midsize: Water-cooled chiller"),
        ({"setting": "somewhere"}, "names no climate zone"),
        ({"metric": "annual CUE"}, "known: annual PUE, annual WUE"),
        ({"unit": "gal/kWh"}, "unknown unit 'gal/kWh'"),
        ({"kind": "operator_measured", "setting": "Atlantis, 2024"}, "no weather of 'Atlantis'"),
        ({"kind": "operator_measured", "setting": "global 2022", "system": "AWS fleet"}, "no one place"),
        ({"kind": "operator_measured", "setting": "Iowa, 2024, cooling=magic"}, "no cooling 'magic'"),
    ],
)
def test_refusals_say_what_to_give(catalog: Catalog, cells: dict[str, str], words: str) -> None:
    answer = ask(catalog, {}, **cells)
    assert answer.status == "refused"
    assert words in answer.reason


def test_a_zone_that_is_not_in_the_file_is_named(catalog: Catalog) -> None:
    assert "(it has zones 4A)" in ask(catalog, {"4A": 12.0}).reason


def test_operators_get_the_band_of_their_place(catalog: Catalog) -> None:
    cells = {"kind": "operator_measured", "setting": "Singapore, 2030", "system": "Someone's cloud"}
    hot = ask(catalog, {}, **cells)
    assert "water_chiller_economizer (rule: outdoor air would carry only" in hot.reason
    cold = ask(catalog, {}, **{**cells, "setting": "Sweden, 2030"})
    assert cold.p50 < hot.p50
    named = ask(catalog, {}, **{**cells, "setting": "Sweden, 2030; cooling=direct_expansion"})
    assert named.p50 > cold.p50
    inside = ask(catalog, {}, **{**cells, "system": "Someone Central Ohio (Columbus)", "setting": "trailing 12 m"})
    assert "synthetic years of new_albany_oh" in inside.reason


def test_the_command_answers_a_table_with_settings(tmp_path: Path) -> None:
    rows, out, weather = tmp_path / "rows.csv", tmp_path / "out.csv", tmp_path / "zones.csv.gz"
    rows.write_text(HEADING + f'model_reference,{LARGE},"ASHRAE zone 5A; 95th percentile",annual WUE,L/kWh-IT\n')
    weather.write_bytes(gzip.compress(zone_text({"5A": 10.0}).encode()))
    bare = CliRunner().invoke(app, ["predict", str(rows), "-o", str(out)])
    assert bare.exit_code == 0
    assert "--weather" in next(csv.DictReader(out.open()))["reason"]
    full = CliRunner().invoke(app, ["predict", str(rows), "-o", str(out), "--weather", str(weather)])
    assert full.exit_code == 0
    answer = next(csv.DictReader(out.open()))
    assert answer["status"] == "answered"
    assert 2.0 < float(answer["p50"]) < 3.2


def test_bad_weather_stops_with_every_fault_and_writes_nothing(tmp_path: Path) -> None:
    rows, out, weather = tmp_path / "rows.csv", tmp_path / "out.csv", tmp_path / "zones.csv"
    rows.write_text(HEADING + f'model_reference,{LARGE},"ASHRAE zone 5A; 95th percentile",annual WUE,L/kWh-IT\n')
    lines = zone_text({"5A": 10.0}).splitlines()
    lines[3] = "5A,2,far,60,100000"
    lines[9] = "5A,8,8.0,60,1000"
    weather.write_text("\n".join(lines[:-5]) + "\n")
    found = CliRunner().invoke(
        app, ["predict", str(rows), "-o", str(out), "--weather", str(weather), "--weather", "5A=nowhere.epw"]
    )
    assert found.exit_code == 2
    assert not out.exists()
    text = found.output
    assert "row 4: drybulb is 'far'" in text
    assert "row 10: atp is 1000" in text
    assert "zone 5A has 8755 hours" in text
    assert "cannot read nowhere.epw" in text


def test_many_bad_cells_are_counted_and_missing_columns_named() -> None:
    with pytest.raises(WeatherFileError, match="8750 more"):
        read_zone_table(zone_text({"5A": 200.0}), "zones.csv")
    with pytest.raises(WeatherFileError, match="add atp"):
        read_zone_table("zone,drybulb,rh\n5A,1,50\n", "zones.csv")


def test_one_table_without_zones_serves_its_name(tmp_path: Path) -> None:
    file = tmp_path / "here.csv"
    file.write_text("\n".join(line.split(",", 2)[2] for line in zone_text({"5A": 10.0}).splitlines()) + "\n")
    assert set(read_site_weather([f"5A={file}"])) == {"5a"}
    assert set(read_site_weather([str(file)])) == {""}
    with pytest.raises(SiteWeatherError, match="given twice"):
        read_site_weather([f"5A={file}", f"5a={file}"])
