"""The catalogue as the rooms see it: values by key, overrides, and a record of what was read."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from kiban.catalog.errors import CatalogError, CatalogKeyError, unknown_key
from kiban.catalog.rows import OVERRIDE_CONFIDENCE, OVERRIDE_SOURCE_ID, TEXT_UNIT, Row, Source
from kiban.catalog.tables import Table, read_table

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

# The sets that reads go to at this moment: (id of the catalogue, set of keys), innermost last.
_RECORDERS: ContextVar[tuple[tuple[int, set[str]], ...]] = ContextVar("_RECORDERS", default=())
_SCENARIO = Source(OVERRIDE_SOURCE_ID, "the scenario itself", "", "", "")


class CatalogData:
    """The parsed data files, shared by every Catalog made from them and never changed."""

    def __init__(
        self,
        root: Traversable,
        rows: dict[str, Row],
        table_rows: dict[str, Row],
        sources: dict[str, Source],
        units: dict[str, str],
    ) -> None:
        self.root = root
        self.rows = rows
        self.table_rows = table_rows
        self.sources = sources
        self.units = units
        self.tables: dict[str, Table] = {}

    def table(self, name: str) -> Table:
        """Read a table, or give the one read before."""
        if name not in self.tables:
            provenance = self.table_rows[name]
            self.tables[name] = read_table(self.root.joinpath(*str(provenance.value).split("/")), provenance)
        return self.tables[name]


class Catalog:
    """Sourced facts by key, with the overrides of a scenario on top.

    Arguments: the parsed data, and override rows by key.
    ``used`` holds, for each room, the keys and table names read inside ``recording(room)``.
    """

    def __init__(self, data: CatalogData, overrides: Mapping[str, Row] | None = None) -> None:
        self._data = data
        self._overrides = dict(overrides or {})
        self._rows = {**data.rows, **self._overrides}
        self.used: dict[str, set[str]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def row(self, key: str) -> Row:
        """Give the whole row of a key (or the provenance row of a table).

        Arguments: key or table name. Result: the row. Errors: CatalogKeyError with the nearest keys.
        """
        found = self._rows.get(key) or self._data.table_rows.get(key)
        if found is None:
            raise CatalogKeyError([unknown_key(key, self._rows)])
        self._record(key)
        return found

    def value(self, key: str) -> float:
        """Give the number of a key, in the unit of its row.

        Arguments: key. Result: the number.
        Errors: CatalogKeyError for an unknown key, CatalogError where the row holds a text.
        """
        found = self.row(key).value
        if isinstance(found, str):
            raise CatalogError([f"'{key}' holds the text '{found}', not a number"])
        return found

    def range(self, key: str) -> tuple[float, float, float]:
        """Give low, value and high of a key.

        Arguments: key. Result: (low, value, high); a missing bound falls back to the value.
        Errors: as for ``value``.
        """
        value = self.value(key)
        row = self._rows[key]
        return (value if row.low is None else row.low, value, value if row.high is None else row.high)

    def text(self, key: str) -> str:
        """Give the text of a key.

        Arguments: key. Result: the text.
        Errors: CatalogKeyError for an unknown key, CatalogError where the row holds a number.
        """
        found = self.row(key).value
        if not isinstance(found, str):
            raise CatalogError([f"'{key}' holds the number {found:g}, not a text"])
        return found

    def has(self, key: str) -> bool:
        """Say whether there is a row for a key; this is not recorded as a read."""
        return key in self._rows

    def keys(self, prefix: str = "") -> list[str]:
        """Give the keys that start with a prefix, sorted; this is not recorded as a read."""
        return sorted(k for k in self._rows if k.startswith(prefix))

    def find(self, text: str) -> list[Row]:
        """Find rows whose key, text, locator, note or source title holds a text (any case), sorted by key."""
        wanted = text.casefold()
        return [
            row
            for _, row in sorted(self._rows.items())
            if any(
                wanted in part.casefold()
                for part in (row.key, str(row.value), row.locator, row.note, self.source(row.source_id).title)
            )
        ]

    def table(self, name: str) -> Table:
        """Give a wide table.

        Arguments: table name. Result: the table. Errors: CatalogKeyError with the nearest table names.
        """
        if name not in self._data.table_rows:
            names = self.table_names()
            raise CatalogKeyError([f"no catalogue table '{name}'; tables: {', '.join(names)}"])
        self._record(name)
        return self._data.table(name)

    def table_names(self) -> list[str]:
        """Give the names of all tables, sorted."""
        return sorted(self._data.table_rows)

    def source(self, source_id: str) -> Source:
        """Give the document behind a source id ("scenario" for overrides).

        Errors: CatalogKeyError where it is unknown.
        """
        if source_id == OVERRIDE_SOURCE_ID:
            return _SCENARIO
        if source_id not in self._data.sources:
            raise CatalogKeyError([f"no source '{source_id}'"])
        return self._data.sources[source_id]

    def source_ids(self) -> list[str]:
        """Give the ids of all documents, sorted."""
        return sorted(self._data.sources)

    def unit_meaning(self, unit: str) -> str:
        """Give the plain-words meaning of a unit; errors: CatalogKeyError where it is unknown."""
        if unit not in self._data.units:
            raise CatalogKeyError([f"no unit '{unit}'"])
        return self._data.units[unit]

    def confidence_counts(self) -> dict[str, int]:
        """Count the rows by confidence word (overrides as "override"), most frequent first."""
        return dict(Counter(row.confidence for row in self._rows.values()).most_common())

    def with_overrides(self, overrides: Mapping[str, tuple[float | str, str]]) -> Catalog:
        """Lay the values of a scenario over the rows.

        Arguments: overrides, key -> (value in the unit of the row, why). Result: a new Catalog without recorded
        reads; the rows carry confidence "override", source "scenario", the reason as note, and no range.
        Errors: CatalogKeyError or CatalogError with every unknown key, wrong kind of value or missing reason.
        """
        problems: list[str] = []
        unknown = False
        rows = dict(self._overrides)
        for key, (value, why) in overrides.items():
            base = self._rows.get(key)
            if base is None:
                unknown = True
                problems.append(unknown_key(key, self._rows))
                continue
            wrong = _override_problems(base, value, why)
            problems += [f"override of '{key}': {reason}" for reason in wrong]
            if not wrong:
                rows[key] = _override(base, value, why)
        if problems:
            raise CatalogKeyError(problems) if unknown else CatalogError(problems)
        return Catalog(self._data, rows)

    @contextmanager
    def recording(self, room: str) -> Iterator[set[str]]:
        """Record the keys and tables that are read from this catalogue inside the block.

        Arguments: room, the name that ``used`` files them under. Result: the set of keys, filled while the block
        runs. Blocks may be nested: a read counts for each. Other threads are not recorded.
        """
        keys = self.used.setdefault(room, set())
        token = _RECORDERS.set((*_RECORDERS.get(), (id(self), keys)))
        try:
            yield keys
        finally:
            _RECORDERS.reset(token)

    def _record(self, key: str) -> None:
        for owner, keys in _RECORDERS.get():
            if owner == id(self):
                keys.add(key)


def _override_problems(base: Row, value: float | str, why: str) -> list[str]:
    problems = []
    if not why.strip():
        problems.append("say why")
    if base.unit == TEXT_UNIT:
        if not isinstance(value, str):
            problems.append(f"the row holds a text, got {value!r}")
    elif isinstance(value, str | bool):
        problems.append(f"the row holds a number in '{base.unit}', got {value!r}")
    elif not math.isfinite(value):
        problems.append(f"{value!r} is not finite")
    return problems


def _override(base: Row, value: float | str, why: str) -> Row:
    return base._replace(
        value=value if isinstance(value, str) else float(value),
        low=None,
        high=None,
        source_id=OVERRIDE_SOURCE_ID,
        locator="",
        confidence=OVERRIDE_CONFIDENCE,
        note=why.strip(),
    )
