"""``kiban energy``: the blocks for swings of training and for outages, answers and refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from kiban.cli import app

RUN = CliRunner()
FILE = """
kiban_energy: 1
name: hall
series: {load_mw: 10, price_usd_per_mwh: PRICES}
connection: {limit_mw: 40, adder_usd_per_mwh: 4}
"""
SWINGS = """
swings:
  ramp_mw_per_min: 3600
  jobs:
    - {name: one, high_mw: 10, low_mw: 4, step_s: 4, pause_s: 1.6}
"""
OUTAGES = """
outages:
  durations_h: [4]
  probability_frac: [1.0]
  every_h: 1000
  lost_load_usd_per_mwh: 50000
"""


def answer(folder: Path, text: str, *more: str) -> dict[str, Any]:
    done = run(folder, text, "--json", *more)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def run(folder: Path, text: str, *more: str) -> Any:
    file = folder / "hall.yaml"
    if "PRICES" in text or "EVENING" in text:
        cheap = range(12) if "PRICES" in text else range(12, 24)
        lines = ["price", *(str(40 if h % 24 in cheap else 120) for h in range(8760))]
        (folder / "hall.csv").write_text("\n".join(lines), encoding="utf-8")
    series = "{file: hall.csv, column: price}"
    file.write_text(text.replace("PRICES", series).replace("EVENING", series), encoding="utf-8")
    return RUN.invoke(app, ["energy", str(file), *more])


def test_every_way_of_smoothing_by_hand(tmp_path: Path) -> None:
    found = answer(tmp_path, FILE + SWINGS)["swings"]
    (job,) = found["jobs"]
    ways = {w["way"]: w for w in job["ways"]}
    # 60 MW/s is no limit for a low phase of 1.6 s: 6 x 1.6 MWs less a dip to the bottom and back, at 80 + 4 USD/MWh.
    burnt = (6 * 1.6 - 6 * (1.6 - 6 / 60)) / 3600 * 8760 * 3600 / 4
    assert ways["floor"]["lost_mwh_per_year"] == pytest.approx(1.2 * burnt)
    assert ways["floor"]["usd_per_year"] == pytest.approx(1.2 * burnt * 84)
    assert ways["rack_storage"]["power_mw"] == pytest.approx(3.0)
    assert ways["rack_storage"]["cycled_mwh"] == pytest.approx(36 / 240 / 3600)
    assert not ways["site_battery"]["feasible"] and ways["site_battery"]["usd_per_year"] is None
    assert job["cheapest"] == min((w for w in job["ways"] if w["feasible"]), key=lambda w: w["usd_per_year"])["way"]
    assert (found["battery_reserve_mw"], found["battery_reserve_mwh"]) == (0.0, 0.0)


def test_the_battery_holds_back_what_the_swings_ask_for(tmp_path: Path) -> None:
    # Twelve cheap hours a day fill more than twelve hours of power: power is what binds.
    battery = "battery: {usd_per_mw_year: 100, usd_per_mwh_year: 100, hours: 14, mw_max: 8}\n"
    free = answer(tmp_path, FILE + battery + SWINGS)
    held = answer(tmp_path, FILE + battery + SWINGS + "  reserve: true\n")
    assert held["swings"]["battery_reserve_mw"] == pytest.approx(3.0)
    assert held["swings"]["battery_reserve_mwh"] == pytest.approx(36 / 240 / 3600)
    discharged = [d["rules"][0]["energy_mwh_per_year"]["discharge"] for d in (free, held)]
    assert discharged[1] == pytest.approx(discharged[0] * 5 / 8, rel=1e-3)
    assert held["rules"][0]["cost_usd_per_year"] > free["rules"][0]["cost_usd_per_year"]


def test_a_backup_is_bought_by_hand(tmp_path: Path) -> None:
    bought = answer(
        tmp_path, FILE + OUTAGES + "  battery: {usd_per_mw: 100000, usd_per_mwh: 5000, discharge_frac: 0.8}\n"
    )["outages"]
    assert bought["without_backup_usd"] == pytest.approx(40 * 50_000)
    assert (bought["battery_mw"], bought["battery_mwh"]) == (pytest.approx(10.0), pytest.approx(50.0))
    assert bought["total_usd"] == pytest.approx(10 * 100_000 + 50 * 5_000)
    assert bought["durations"][0]["survived_least_h"] == 4
    plain = answer(tmp_path, FILE + OUTAGES + "  generator: {usd_per_mw: 90000, usd_per_mwh: 100}\n")["outages"]
    assert plain["generator_mw"] == pytest.approx(10.0)
    assert plain["total_usd"] == pytest.approx(900_000 + 40 * 100)


def test_an_outage_may_find_the_battery_as_the_dispatch_left_it(tmp_path: Path) -> None:
    # Energy is cheap from noon to midnight: the battery that trades is full when an outage begins at midnight.
    text = FILE.replace("PRICES", "EVENING")
    text += "battery: {usd_per_mw_year: 100, usd_per_mwh_year: 100, hours: 4, mw_max: 8}\n"
    text += OUTAGES.replace("every_h: 1000", "every_h: 240")
    backup = "  battery: {usd_per_mw: 10, usd_per_mwh: 10, mwh_max: 50, start_frac: START}\n"
    full, hour, worst = (
        answer(tmp_path, text + backup.replace("START", s))["outages"] for s in ("1.0", "dispatch", "worst")
    )
    mean = [d["durations"][0]["unserved_mean_mwh"] for d in (full, hour, worst)]
    assert mean == pytest.approx([0.0, 0.0, 40.0], abs=1e-6)


def test_the_text_and_the_page_say_it(tmp_path: Path) -> None:
    done = run(tmp_path, FILE + SWINGS + OUTAGES, "-o", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    page = (tmp_path / "out" / "energy.html").read_text(encoding="utf-8")
    for text in (done.output, page):
        assert "Smoothing one: 6.00 MW within a step" in text
        assert "Outages and backup, present value" in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SWINGS.replace("  ramp_mw_per_min: 3600\n", ""), "a limit is needed"),
        (SWINGS.replace("pause_s: 1.6", "pause_s: 5"), "pause_s must be shorter than step_s (4)"),
        (SWINGS.replace("pause_s: 1.6", "pause_s: 1.6, edge_s: 2"), "edge_s must fit"),
        (SWINGS.replace("high_mw: 10", "high_mw: 3"), "high_mw must be low_mw (4) at least"),
        (SWINGS.replace("high_mw", "hi_mw"), "high_mw"),
        (SWINGS + "  reserve: true\n", "the file has none"),
        (OUTAGES.replace("[1.0]", "[0.7, 0.2]"), "2 probabilities for 1 durations"),
        (OUTAGES.replace("[1.0]", "[1.0, 0.2]").replace("[4]", "[4, 5]"), "add up to 1.2"),
        (OUTAGES.replace("every_h: 1000", "every_h: 1").replace("[4]", "[24]"), "raise every_h"),
        (OUTAGES + "  battery: {usd_per_mw: 1, usd_per_mwh: 1, start_frac: worst}\n", "the file has none"),
        (
            OUTAGES + "  battery: {usd_per_mw: 1, usd_per_mwh: 1, start_frac: 0.1, least_frac: 0.2}\n",
            "least_frac (0.2)",
        ),
    ],
)
def test_bad_blocks_are_refused_in_words(tmp_path: Path, text: str, words: str) -> None:
    done = run(tmp_path, FILE + text)
    assert done.exit_code == 2
    assert words in " ".join(done.output.replace("│", " ").split())
    assert "Traceback" not in done.output


def test_survival_that_nothing_gives_is_said(tmp_path: Path) -> None:
    done = run(tmp_path, FILE + OUTAGES + "  survive_h: 2\n  generator: {usd_per_mw: 1, usd_per_mwh: 1, mw_max: 5}\n")
    assert done.exit_code == 3
    assert "Traceback" not in done.output
