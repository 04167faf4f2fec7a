"""The loader refuses bad rows, names file and row, and names all of them at once."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from kiban.catalog import CatalogError, load_catalog
from kiban.catalog.rows import ROW_COLUMNS, SOURCE_COLUMNS, UNIT_COLUMNS

GOOD = {
    "key": "tech.battery.overnight_usd_per_kw",
    "value": "100",
    "low": "80",
    "high": "120",
    "unit": "USD/kW",
    "price_year": "2025",
    "valid_from": "2025-04",
    "source_id": "doc_a",
    "locator": "Table 3",
    "confidence": "published",
    "note": "",
}


def write(path: Path, columns: tuple[str, ...], lines: list[dict[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def folder(root: Path, rows: list[dict[str, str]], tables: list[dict[str, str]] | None = None) -> Path:
    """Write a small data folder with the rows given in energy/a.csv."""
    write(root / "units.csv", UNIT_COLUMNS, [{"unit": u, "meaning": u} for u in ("USD/kW", "1", "text")])
    source = {"source_id": "doc_a", "title": "A document", "publisher": "P", "date": "2025", "url": ""}
    write(root / "sources.csv", SOURCE_COLUMNS, [source])
    write(root / "tables.csv", ROW_COLUMNS, tables or [])
    write(root / "energy" / "a.csv", ROW_COLUMNS, rows)
    return root


def problems(root: Path) -> tuple[str, ...]:
    with pytest.raises(CatalogError) as caught:
        load_catalog(root)
    return caught.value.problems


def test_a_good_row_is_read_as_written(tmp_path: Path) -> None:
    row = load_catalog(folder(tmp_path, [GOOD])).row(GOOD["key"])
    assert (row.value, row.low, row.high, row.price_year) == (100.0, 80.0, 120.0, 2025)
    assert (row.unit, row.source_id, row.locator, row.confidence) == ("USD/kW", "doc_a", "Table 3", "published")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"source_id": ""}, "no source_id"),
        ({"source_id": "doc_b"}, "source_id 'doc_b' is not in sources.csv"),
        ({"confidence": "certain"}, "unknown confidence 'certain'"),
        ({"confidence": "override"}, "unknown confidence 'override'"),
        ({"confidence": ""}, "unknown confidence ''"),
        ({"value": "79"}, "value 79 lies outside [80, 120]"),
        ({"value": "121", "low": ""}, "value 121 lies outside [open, 120]"),
        ({"low": "130"}, "low 130 is above high 120"),
        ({"value": "nan"}, "value 'nan' is not finite"),
        ({"high": "inf"}, "high 'inf' is not finite"),
        ({"value": "1,000"}, "value '1,000' is not a number"),
        ({"value": ""}, "no value"),
        ({"unit": "USD/W"}, "unknown unit 'USD/W'"),
        ({"unit": ""}, "unknown unit ''"),
        ({"unit": "text"}, "a text has no low or high"),
        ({"price_year": "real"}, "price_year 'real' is not a year"),
        ({"valid_from": "April 2025"}, "valid_from 'April 2025' is not"),
        ({"key": "Tech.battery"}, "key 'Tech.battery' is not lower-case"),
    ],
)
def test_a_bad_row_is_refused_with_its_place(tmp_path: Path, change: dict[str, str], reason: str) -> None:
    other = {**GOOD, "key": "tech.other.overnight_usd_per_kw"}
    found = problems(folder(tmp_path, [other, {**GOOD, **change}]))
    assert len(found) == 1
    assert found[0].startswith(f"energy/a.csv:3: {reason}")


def test_a_repeated_key_names_the_first_place(tmp_path: Path) -> None:
    root = folder(tmp_path, [GOOD])
    write(root / "finance" / "b.csv", ROW_COLUMNS, [GOOD])
    expected = f"finance/b.csv:2: key '{GOOD['key']}' was already given at energy/a.csv:2"
    assert problems(root) == (expected,)


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    bad = [
        {**GOOD, "key": "a.one", "source_id": "", "unit": "parsec"},
        GOOD,
        {**GOOD, "key": "a.two", "value": "-inf"},
        {**GOOD, "confidence": "sure"},
    ]
    found = problems(folder(tmp_path, bad))
    places = [line.split(": ")[0] for line in found]
    assert places == ["energy/a.csv:2"] * 2 + ["energy/a.csv:4"] + ["energy/a.csv:5"] * 2


def test_wrong_columns_and_short_lines_are_refused(tmp_path: Path) -> None:
    root = folder(tmp_path, [GOOD])
    (root / "energy" / "b.csv").write_text("key,value\na.b,1\n")
    with (root / "energy" / "a.csv").open("a") as stream:
        stream.write("a.c,1,2\n")
    found = problems(root)
    assert found[0] == "energy/a.csv:3: 3 cells, expected 11"
    assert found[1].startswith("energy/b.csv:1: the columns are key,value; expected key,value,low")


def test_missing_sources_file_is_said(tmp_path: Path) -> None:
    root = folder(tmp_path, [GOOD])
    (root / "sources.csv").unlink()
    assert problems(root)[0] == "sources.csv:1: the file is missing"


def test_repeated_sources_and_units_are_refused(tmp_path: Path) -> None:
    root = folder(tmp_path, [GOOD])
    with (root / "sources.csv").open("a") as stream:
        stream.write("doc_a,Again,P,2025,\ndoc_c,,P,2025,\n")
    with (root / "units.csv").open("a") as stream:
        stream.write("1,again\n")
    assert problems(root) == (
        "units.csv:5: unit '1' is repeated",
        "sources.csv:3: source_id 'doc_a' is repeated",
        "sources.csv:4: a source needs a source_id and a title",
    )


TABLE_ROW = {**GOOD, "key": "prices", "value": "energy/tables/prices.csv", "low": "", "high": "", "unit": "text"}


def table_folder(root: Path, text: str) -> Path:
    folder(root, [GOOD], [TABLE_ROW])
    (root / "energy" / "tables").mkdir()
    (root / "energy" / "tables" / "prices.csv").write_text(text)
    return root


def test_a_table_needs_a_provenance_row_and_a_file(tmp_path: Path) -> None:
    root = table_folder(tmp_path, "month,price\n1,2\n")
    (root / "energy" / "tables" / "prices.csv").rename(root / "energy" / "tables" / "other.csv")
    assert problems(root) == (
        "tables.csv: table 'prices' names 'energy/tables/prices.csv', which is not a table file",
        "energy/tables/other.csv:1: no provenance row in tables.csv",
    )


def test_a_table_gives_numbers_texts_and_blanks(tmp_path: Path) -> None:
    table = load_catalog(table_folder(tmp_path, "site,month,price\nx,1,2.5\ny,2,\n")).table("prices")
    assert table.texts("site") == ["x", "y"]
    assert table.numbers("month").tolist() == [1.0, 2.0]
    assert table.numbers("price")[0] == 2.5
    assert table.numbers("price")[1] != table.numbers("price")[1]
    assert table.where(site="y").tolist() == [False, True]
    assert table.provenance.source_id == "doc_a"
    with pytest.raises(CatalogError, match="no column 'cost'; columns: site, month, price"):
        table.numbers("cost")
    with pytest.raises(CatalogError, match="holds text"):
        table.numbers("site")
    with pytest.raises(ValueError, match="read-only"):
        table.numbers("price")[0] = 3.0


def test_a_broken_table_is_refused_with_its_place(tmp_path: Path) -> None:
    catalog = load_catalog(table_folder(tmp_path, "month,price\n1,2\n2,3,4\n3\n"))
    with pytest.raises(CatalogError) as caught:
        catalog.table("prices")
    assert caught.value.problems == (
        "energy/tables/prices.csv:3: 3 cells, expected 2",
        "energy/tables/prices.csv:4: 1 cells, expected 2",
    )


def test_an_infinite_table_cell_is_refused(tmp_path: Path) -> None:
    catalog = load_catalog(table_folder(tmp_path, "month,price\n1,2\n2,inf\n"))
    with pytest.raises(CatalogError, match=r"prices\.csv:3: price 'inf' is not finite"):
        catalog.table("prices")
