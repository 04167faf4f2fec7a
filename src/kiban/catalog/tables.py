"""Wide tables of the catalogue: read on first use, one provenance row for the whole table."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kiban.catalog.errors import CatalogError
from kiban.catalog.rows import Row

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    import numpy as np


@dataclass(frozen=True)
class Table:
    """A wide table: numeric columns as read-only float arrays (blank = NaN), text columns as lists."""

    name: str
    columns: dict[str, np.ndarray | list[str]]
    provenance: Row

    @property
    def length(self) -> int:
        """Number of lines."""
        return len(next(iter(self.columns.values())))

    def numbers(self, column: str) -> np.ndarray:
        """Give a numeric column.

        Arguments: column name. Result: float array, one value per line.
        Errors: CatalogError where there is no such column or it holds text.
        """
        found = self._column(column)
        if isinstance(found, list):
            raise CatalogError([f"column '{column}' of table '{self.name}' holds text, not numbers"])
        return found

    def texts(self, column: str) -> list[str]:
        """Give a text column.

        Arguments: column name. Result: one string per line.
        Errors: CatalogError where there is no such column or it holds numbers.
        """
        found = self._column(column)
        if not isinstance(found, list):
            raise CatalogError([f"column '{column}' of table '{self.name}' holds numbers, not text"])
        return found

    def where(self, **texts: str) -> np.ndarray:
        """Mark the lines whose text columns have the values given.

        Arguments: column=value pairs, e.g. ``where(site="abilene_tx")``. Result: bool array, one per line.
        """
        import numpy as np

        mask = np.ones(self.length, dtype=bool)
        for column, wanted in texts.items():
            mask &= np.array([text == wanted for text in self.texts(column)], dtype=bool)
        return mask

    def _column(self, column: str) -> np.ndarray | list[str]:
        if column not in self.columns:
            raise CatalogError([f"table '{self.name}' has no column '{column}'; columns: {', '.join(self.columns)}"])
        return self.columns[column]


def read_table(file: Traversable, provenance: Row) -> Table:
    """Read one wide table.

    Arguments: the CSV file, the provenance row of the table. Result: the table.
    Errors: CatalogError with file:row for each line of another width, repeated column or number that is not finite.
    """
    import numpy as np

    lines = list(csv.reader(io.StringIO(file.read_text(encoding="utf-8"), newline="")))
    place = str(provenance.value)
    if len(lines) < 2:
        raise CatalogError([f"{place}:1: the table is empty"])
    header, body = lines[0], lines[1:]
    problems = [
        f"{place}:{number}: {len(line)} cells, expected {len(header)}"
        for number, line in enumerate(body, start=2)
        if len(line) != len(header)
    ]
    if len(set(header)) != len(header):
        problems.append(f"{place}:1: a column name is repeated")
    if problems:
        raise CatalogError(problems)
    columns: dict[str, np.ndarray | list[str]] = {}
    for index, name in enumerate(header):
        cells = [line[index] for line in body]
        try:
            numbers = np.array([float(cell) if cell else np.nan for cell in cells])
        except ValueError:
            columns[name] = cells
            continue
        problems += [
            f"{place}:{number}: {name} '{cell}' is not finite"
            for number, cell in enumerate(cells, start=2)
            if cell and not np.isfinite(numbers[number - 2])
        ]
        numbers.flags.writeable = False
        columns[name] = numbers
    if problems:
        raise CatalogError(problems)
    return Table(provenance.key, columns, provenance)
