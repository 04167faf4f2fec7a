"""Tables: of the page, texts ready to read with their unit above; and on disk, columns and lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

View = dict[str, Any]
"""Keys: id, section, title, unit, note, columns, rows (texts; numbers are aligned right), empty."""

Lines = Iterable[Sequence[Any]]


class CsvTable(NamedTuple):
    """A table and its file name without ending."""

    name: str
    columns: tuple[str, ...]
    lines: Lines


LONG_TEXT = 40
"""A column with a longer text than this keeps room for it on a narrow screen."""


def view(id: str, section: str, title: str, unit: str, columns: Sequence[str], rows: Sequence[Sequence[str]],
         note: str = "", empty: str = "") -> View:  # fmt: skip
    """A table; with no rows the page shows ``empty`` in its place. A column that ends in ``>`` is aligned right."""
    return {
        "id": id,
        "section": section,
        "title": title,
        "unit": unit,
        "note": note,
        "columns": [
            {
                "text": c.removesuffix(">"),
                "right": c.endswith(">"),
                "wide": max((len(r[i]) for r in rows), default=0) > LONG_TEXT,
            }
            for i, c in enumerate(columns)
        ],
        "rows": [list(r) for r in rows],
        "empty": empty,
    }
