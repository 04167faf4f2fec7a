"""Reads the data files of the catalogue and refuses what has no source."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from kiban.catalog.catalog import Catalog, CatalogData
from kiban.catalog.errors import CatalogError
from kiban.catalog.rows import ROW_COLUMNS, SOURCE_COLUMNS, TEXT_UNIT, UNIT_COLUMNS, Row, Source, parse_row

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_TABLE_FOLDER = "tables"


def load_catalog(root: Traversable | None = None) -> Catalog:
    """Load the catalogue.

    Arguments: root, a folder of the same shape as ``catalog/data`` (default: the data shipped with kiban, read
    once per process). Result: a fresh Catalog without overrides or recorded reads.
    Errors: CatalogError that lists every refused row as ``file:row: reason``.
    """
    return Catalog(_shipped() if root is None else _read(root))


@cache
def _shipped() -> CatalogData:
    return _read(files("kiban.catalog").joinpath("data"))


def _read(root: Traversable) -> CatalogData:
    problems: list[str] = []
    units = _read_units(root, problems)
    sources = _read_sources(root, problems)
    rows: dict[str, Row] = {}
    places: dict[str, str] = {}
    table_files: set[str] = set()
    for room in _entries(root):
        if not room.is_dir():
            continue
        for entry in _entries(room):
            if entry.name == _TABLE_FOLDER:
                table_files |= {f"{room.name}/{_TABLE_FOLDER}/{t.name}" for t in _entries(entry)}
            elif entry.name.endswith(".csv"):
                _read_rows(entry, f"{room.name}/{entry.name}", units, sources, rows, places, problems)
    tables: dict[str, Row] = {}
    index = root.joinpath("tables.csv")
    if index.is_file():
        _read_rows(index, "tables.csv", units, sources, tables, places, problems)
    problems += _table_problems(tables, table_files)
    if problems:
        raise CatalogError(problems)
    return CatalogData(root, rows, tables, sources, units)


def _read_rows(
    file: Traversable,
    name: str,
    units: dict[str, str],
    sources: dict[str, Source],
    rows: dict[str, Row],
    places: dict[str, str],
    problems: list[str],
) -> None:
    """Add the good rows of one file to ``rows`` and the refusals to ``problems``."""
    for number, cells in _lines(file, name, ROW_COLUMNS, problems):
        place = f"{name}:{number}"
        row, wrong = parse_row(cells, units, sources)
        key = cells["key"]
        if key in places:
            wrong.append(f"key '{key}' was already given at {places[key]}")
        else:
            places[key] = place
        if wrong:
            problems += [f"{place}: {reason}" for reason in wrong]
        elif row is not None:
            rows[key] = row


def _read_units(root: Traversable, problems: list[str]) -> dict[str, str]:
    units: dict[str, str] = {}
    for number, cells in _lines(root.joinpath("units.csv"), "units.csv", UNIT_COLUMNS, problems):
        if cells["unit"] in units:
            problems.append(f"units.csv:{number}: unit '{cells['unit']}' is repeated")
        units[cells["unit"]] = cells["meaning"]
    return units


def _read_sources(root: Traversable, problems: list[str]) -> dict[str, Source]:
    sources: dict[str, Source] = {}
    for number, cells in _lines(root.joinpath("sources.csv"), "sources.csv", SOURCE_COLUMNS, problems):
        source = Source(**cells)
        if not source.source_id or not source.title:
            problems.append(f"sources.csv:{number}: a source needs a source_id and a title")
        if source.source_id in sources:
            problems.append(f"sources.csv:{number}: source_id '{source.source_id}' is repeated")
        sources[source.source_id] = source
    return sources


def _lines(
    file: Traversable, name: str, columns: tuple[str, ...], problems: list[str]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Give (line number, cells by column) for each line after the header; number 2 is the first."""
    if not file.is_file():
        problems.append(f"{name}:1: the file is missing")
        return
    reader = csv.reader(io.StringIO(file.read_text(encoding="utf-8"), newline=""))
    header = next(reader, [])
    if tuple(header) != columns:
        problems.append(f"{name}:1: the columns are {','.join(header)}; expected {','.join(columns)}")
        return
    for number, cells in enumerate(reader, start=2):
        if len(cells) == len(columns):
            yield number, dict(zip(columns, cells, strict=True))
        else:
            problems.append(f"{name}:{number}: {len(cells)} cells, expected {len(columns)}")


def _table_problems(tables: dict[str, Row], table_files: set[str]) -> list[str]:
    problems = []
    for name, row in tables.items():
        if row.unit != TEXT_UNIT or row.value not in table_files:
            problems.append(f"tables.csv: table '{name}' names '{row.value}', which is not a table file")
    listed = {row.value for row in tables.values()}
    problems += [f"{file}:1: no provenance row in tables.csv" for file in sorted(table_files - listed)]
    return problems


def _entries(folder: Traversable) -> list[Traversable]:
    return sorted((e for e in folder.iterdir() if not e.name.startswith(("_", "."))), key=lambda e: e.name)
