"""What is wrong with a weather file, in words: file, row, what was found, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_ROWS_NAMED = 4


@dataclass(frozen=True)
class WeatherFault:
    """One fault of a file; ``row`` counts lines of the file from 1, 0 is the file as a whole."""

    file: str
    row: int
    found: str
    remedy: str

    def render(self) -> str:
        """Give one line: file, row, what was found, the remedy."""
        place = f"{self.file}, row {self.row}" if self.row else self.file
        return f"{place}: {self.found}; remedy: {self.remedy}"


class WeatherFileError(ValueError):
    """A weather file that cannot be used; ``faults`` holds every fault found."""

    def __init__(self, faults: Sequence[WeatherFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(fault.render() for fault in self.faults))


def rows_in_words(rows: Sequence[int]) -> str:
    """Name the first rows of a list and count the rest, such as ``rows 9, 10, 11, 12 and 3 more``."""
    named = ", ".join(str(row) for row in rows[:_ROWS_NAMED])
    word = "rows" if len(rows) > 1 else "row"
    rest = f" and {len(rows) - _ROWS_NAMED} more" if len(rows) > _ROWS_NAMED else ""
    return f"{word} {named}{rest}"
