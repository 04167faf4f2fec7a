"""Broken hourly files through both doors, as a user meets them: file, row and remedy, exit 2, nothing written."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kiban.cli import app

RUN = CliRunner()
Rows = list[list[str]]
HEADS = {"facility": ["time", "temperature_2m", "relative_humidity_2m"], "energy": ["time", "load", "price"]}
HEADS["load"] = HEADS["energy"]
FORMS = {
    "facility": "kiban_facility: 1\nname: t\nweather: {file: w.csv}\ncooling: air_chiller\nit_mw: 10\n",
    "load": "kiban_facility: 1\nname: t\nweather: {site: abilene_tx}\ncooling: air_chiller\nit_mw: 10\n"
    "load: {file: w.csv, column: load}\n",
    "energy": "kiban_energy: 1\nname: t\nseries:\n  load_mw: {file: w.csv, column: load}\n"
    "  price_usd_per_mwh: {file: w.csv, column: price}\nconnection: {limit_mw: 20}\n",
}
DOORS = list(FORMS)


def rows(door: str, year: int = 2023) -> Rows:
    hours = [datetime(year, 1, 1) + timedelta(hours=h) for h in range(8784 if year % 4 == 0 else 8760)]
    if door == "facility":
        return [[h.isoformat(), f"{10 + h.month + h.hour / 10:.1f}", "60"] for h in hours]
    return [[f"{h:%Y-%m-%d %H:%M}", "9.5", f"{30 + h.hour}"] for h in hours]


def text(door: str, body: Rows, separator: str = ",") -> str:
    return "\n".join(separator.join(r) for r in [HEADS[door], *body]) + "\n"


def ask(door: str, folder: Path, data: bytes | str, form: str = "") -> tuple[int, str]:
    (folder / "w.csv").write_bytes(data if isinstance(data, bytes) else data.encode())
    (folder / "f.yaml").write_text(form or FORMS[door], encoding="utf-8")
    verb, out = ("energy" if door == "energy" else "facility"), folder / "out"
    done = RUN.invoke(app, [verb, str(folder / "f.yaml"), "--json", "-o", str(out)])
    if done.exit_code:
        assert not out.exists()
        assert "Traceback" not in done.output
        problems = json.loads(done.stdout)["problems"]
        said = "\n".join(
            f"{p.get('file', '')}:{p.get('line', '')} {p['message']} {p.get('found', '')}" for p in problems
        )
        return done.exit_code, said
    return 0, done.stdout


def _clock_change(body: Rows) -> Rows:
    body = list(body)
    del body[next(i for i, r in enumerate(body) if r[0].replace("T", " ").startswith("2023-03-12 02"))]
    autumn = next(i for i, r in enumerate(body) if r[0].replace("T", " ").startswith("2023-11-05 01"))
    return [*body[:autumn], body[autumn], *body[autumn:]]


def _column(at: int, change: Callable[[str], str], only: range | None = None) -> Callable[[Rows], Rows]:
    def apply(body: Rows) -> Rows:
        return [[*r[:at], change(r[at]), *r[at + 1 :]] if only is None or i in only else r for i, r in enumerate(body)]

    return apply


def _scaled(factor: float, plus: float = 0.0) -> Callable[[str], str]:
    return lambda cell: f"{float(cell) * factor + plus:.4f}"


FAULTS: dict[str, tuple[Callable[[Rows], Rows], dict[str, tuple[str, ...]]]] = {
    "hours missing": (
        lambda b: b[:100] + b[103:],
        dict.fromkeys(DOORS, ("102", "3 hour", "missing")),
    ),
    "a row twice": (lambda b: b[:500] + b[499:], dict.fromkeys(DOORS, ("502", "twice"))),
    "a row over another": (
        lambda b: [*b[:500], b[499], *b[501:]],
        dict.fromkeys(DOORS, ("502", "twice", "503", "missing")),
    ),
    "clock change": (_clock_change, dict.fromkeys(DOORS, ("7395", "daylight-saving", "UTC"))),
    "no number": (
        _column(1, lambda c: "NaN", range(50, 51)),
        {"facility": ("52", "dry bulb", "fill them"), "load": ("52", "not a number", "fill"), "energy": ("52", "fill")},
    ),
    "an empty cell": (
        _column(1, lambda c: "", range(50, 51)),
        {"facility": ("52", "blank"), "load": ("52", "the cell is empty"), "energy": ("52", "the cell is empty")},
    ),
    "cut": (lambda b: b[:7000], dict.fromkeys(DOORS, ("7001", "the file ends at", "the file is cut"))),
    "wrong unit": (
        lambda b: b,
        {"facility": ("looks like Fahrenheit", "(F - 32) / 1.8"), "load": ("looks like kW", "divide by 1000"),
         "energy": ("looks like kW", "factor: 0.001")},
    ),
    "decimal commas between commas": (
        _column(1, lambda c: c.replace(".", ",")),
        dict.fromkeys(DOORS, ("row 2 has 4 cells under 3 headings", "decimal commas")),
    ),
    "dates of another order": (
        _column(0, lambda c: f"{c[5:7]}/{c[8:10]}/{c[:4]} {c[11:16]}"),
        dict.fromkeys(DOORS, ("'01/01/2023 00:00'", "8759 more", "2023-01-31")),
    ),
}  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("fault", list(FAULTS))
def test_every_fault_names_row_and_remedy(door: str, fault: str, tmp_path: Path) -> None:
    change, words = FAULTS[fault]
    if fault == "wrong unit":
        change = _column(1, _scaled(1.8, 32.0) if door == "facility" else _scaled(1000.0))
    code, said = ask(door, tmp_path, text(door, change(rows(door))))
    assert code == 2 and "w.csv" in said + "w.csv" * (fault == "wrong unit")
    for word in words[door]:
        assert word in said, said


@pytest.mark.parametrize("door", DOORS)
def test_a_leap_year_is_refused_with_the_switch_that_takes_it(door: str, tmp_path: Path) -> None:
    leap = text(door, rows(door, 2024))
    code, said = ask(door, tmp_path, leap)
    assert code == 2 and "1418" in said and "29 February" in said and "drop_leap_day: true" in said
    form = FORMS[door].replace("{file: w.csv}", "{file: w.csv, drop_leap_day: true}")
    form = form.replace("column: load}\n", "column: load, drop_leap_day: true}\n") if door == "load" else form
    form = form + "drop_leap_day: true\n" if door == "energy" else form
    code, said = ask(door, tmp_path, leap, form)
    assert code == 0, said
    assert door == "load" or "29 February left out" in said


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (bytes(range(256)) * 40, "is not text"),
        (b"PK\x03\x04" + b"\0" * 100, "is an Excel or zip file: save the sheet as CSV"),
        (gzip.compress(b"time,load,price\n" * 99)[:-9], "gzip"),
    ],
)
def test_what_is_no_table_is_named(door: str, data: bytes, words: str, tmp_path: Path) -> None:
    code, said = ask(door, tmp_path, data)
    assert code == 2 and words in said


@pytest.mark.parametrize("door", ["facility", "energy"])
def test_what_other_programs_write_is_read_alike(door: str, tmp_path: Path) -> None:
    plain = text(door, rows(door))
    comma = text(door, [[r[0], r[1].replace(".", ","), r[2]] for r in rows(door)], ";")
    wanted = json.loads(ask(door, tmp_path, plain)[1])
    ways = {
        "byte-order mark": b"\xef\xbb\xbf" + plain.encode(), "CRLF": plain.replace("\n", "\r\n").encode(),
        "gzip": gzip.compress(plain.encode()), "UTF-16": plain.encode("utf-16"), "semicolons": comma.encode(),
        "tabs": text(door, rows(door), "\t").encode(), "comment": b"# made, lat=32.0\n" + plain.encode(),
    }  # fmt: skip
    for name, data in ways.items():
        if door == "energy" or name in ("CRLF", "gzip", "semicolons"):
            code, said = ask(door, tmp_path, data)
            assert code == 0, (name, said)
            assert _numbers(json.loads(said)) == pytest.approx(_numbers(wanted), rel=1e-9), name


def _numbers(data: object, key: str = "") -> list[float]:
    """All numbers but those of the clock."""
    if isinstance(data, dict):
        return [v for k, d in data.items() for v in _numbers(d, k)]
    if isinstance(data, list):
        return [v for d in data for v in _numbers(d, key)]
    return [float(data)] if isinstance(data, (int, float)) and key not in ("seconds", "wall_s") else []


def test_stamps_that_state_their_offset_are_turned(tmp_path: Path) -> None:
    """Summer time with offsets is no fault: -06:00 in winter, -05:00 in summer, one hour from row to row."""
    stamps = [datetime(2023, 1, 1) + timedelta(hours=h) for h in range(8760)]
    summer = (datetime(2023, 3, 12, 2), datetime(2023, 11, 5, 1))
    aware = [
        f"{s + timedelta(hours=1):%Y-%m-%dT%H:%M}-05:00" if summer[0] <= s < summer[1] else f"{s:%Y-%m-%dT%H:%M}-06:00"
        for s in stamps
    ]
    for door in ("facility", "energy"):
        plain = rows(door)
        code, said = ask(door, tmp_path, text(door, [[a, *r[1:]] for a, r in zip(aware, plain, strict=True)]))
        assert code == 0, said
        if door == "facility":
            assert "UTC-6 h" in said and "states no offset" not in said


def test_files_in_different_clocks_are_told(tmp_path: Path) -> None:
    form = FORMS["energy"].replace("{file: w.csv, column: price}", "{file: p.csv, column: price}")
    body = rows("energy")
    (tmp_path / "p.csv").write_text(text("energy", body).replace("time,", "datetime_utc,"), encoding="utf-8")
    code, said = ask("energy", tmp_path, text("energy", body).replace("time,", "time_local,"), form)
    assert code == 2 and "p.csv is in UTC, w.csv in local time" in said
    code, said = ask("energy", tmp_path, text("energy", body), form)
    assert code == 0 and "p.csv is in UTC" in said


@pytest.mark.parametrize(
    ("shift_h", "words"), [(1, "end of the hour"), (6, "another time zone"), (181 * 24, "starts on 1 January")]
)
def test_a_year_that_starts_elsewhere_is_named(shift_h: int, words: str, tmp_path: Path) -> None:
    start = datetime(2021, 1, 1) + timedelta(hours=shift_h)
    body = [[f"{start + timedelta(hours=h):%Y-%m-%d %H:%M}", *r[1:]] for h, r in enumerate(rows("energy"))]
    code, said = ask("energy", tmp_path, text("energy", body))
    assert code == 2 and words in said and "row 2" in said


def test_each_file_tells_its_faults_once(tmp_path: Path) -> None:
    code, said = ask("energy", tmp_path, text("energy", rows("energy")[:-5]))
    assert code == 2 and said.count("w.csv") == 1
