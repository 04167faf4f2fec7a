"""Broken hourly files: each names its row and the remedy."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from kiban.units.hourly import Array, Fault, read_column, read_table

HOURS = [datetime(2023, 1, 1) + timedelta(hours=h) for h in range(8760)]


def text(stamps: list[datetime], values: list[str] | None = None) -> str:
    cells = values or ["10.0"] * len(stamps)
    return "time,load\n" + "\n".join(f"{t:%Y-%m-%d %H:%M},{v}" for t, v in zip(stamps, cells, strict=True))


def read_hourly(given: str, column: str, ending: str) -> tuple[Array, list[Fault]]:
    table = read_table(given)
    values, found = read_column(table, column, ending)
    return values, [*table.faults, *found]


def faults(given: str, ending: str = "mw", column: str = "load") -> str:
    return "\n".join(f.words("load.csv") for f in read_hourly(given, column, ending)[1])


def test_a_good_file_is_read() -> None:
    values, found = read_hourly(text(HOURS), "load", "mw")
    assert (values.size, found) == (8760, [])


@pytest.mark.parametrize(
    ("stamps", "wanted"),
    [
        (
            HOURS[:100] + HOURS[103:],
            ["row 102", "3 hours missing after 2023-01-05 03:00", "add the hours"],
        ),
        (HOURS[:50] + HOURS[49:], ["row 52", "comes twice", "leave out the copy"]),
        (HOURS[:1682] + HOURS[1683:7320] + HOURS[7319:], ["1 hour missing", "daylight-saving", "comes twice"]),
        ([HOURS[0] + timedelta(minutes=15 * k) for k in range(8760)], ["the step is 0:15:00", "give hourly means"]),
    ],
)
def test_times(stamps: list[datetime], wanted: list[str]) -> None:
    found = faults(text(stamps))
    for part in wanted:
        assert part in found


def test_a_leap_year_names_the_day_to_leave_out() -> None:
    leap = [datetime(2024, 1, 1) + timedelta(hours=h) for h in range(8784)]
    assert "rows 1418 to 1441 are 29 February; leave them out, or set drop_leap_day" in faults(text(leap))
    assert leap[1418 - 2] == datetime(2024, 2, 29)
    without = [t for t in leap if (t.month, t.day) != (2, 29)]
    assert faults(text(without)) == ""


def test_numbers_and_units_betray_themselves() -> None:
    cells = ["10.0"] * 8760
    cells[4], cells[7] = "", "n/a"
    found = faults(text(HOURS, cells))
    assert "row 6: the cell is empty" in found and "row 9" in found
    assert "looks like kW: multiply by 0.001" in faults(text(HOURS, ["130000"] * 8760))
    assert "looks like percent: multiply by 0.01" in faults(text(HOURS, ["45.0"] * 8760), "frac")
    assert "looks like USD/kWh: multiply by 1000" in faults(text(HOURS, ["0.045"] * 8760), "usd_per_mwh")
    assert "there is no column 'power'" in faults(text(HOURS), column="power")
    assert "the file is empty" in faults("")
