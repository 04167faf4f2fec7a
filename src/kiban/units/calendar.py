"""Quarters as a small ordered type, and the hours in them."""

from __future__ import annotations

import re
from dataclasses import dataclass

HOURS_PER_YEAR = 8760
QUARTERS_PER_YEAR = 4
HOURS_PER_QUARTER = HOURS_PER_YEAR / QUARTERS_PER_YEAR
SECONDS_PER_HOUR = 3600.0

_PATTERN = re.compile(r"^(\d{4})Q([1-4])$")


@dataclass(frozen=True, order=True)
class Quarter:
    """One calendar quarter, written ``2026Q4``."""

    ordinal: int

    @classmethod
    def parse(cls, text: str) -> Quarter:
        """Read ``YYYYQn``; raises ValueError that shows the wanted form."""
        match = _PATTERN.match(text.strip())
        if not match:
            raise ValueError(f"{text!r} is not a quarter; write it as 2026Q4")
        return cls(int(match[1]) * 4 + int(match[2]) - 1)

    @property
    def year(self) -> int:
        """Calendar year."""
        return self.ordinal // 4

    @property
    def year_position_years(self) -> float:
        """Start of the quarter as a decimal year."""
        return self.ordinal / 4

    def __add__(self, quarters: int) -> Quarter:
        return Quarter(self.ordinal + quarters)

    def __sub__(self, other: Quarter) -> int:
        return self.ordinal - other.ordinal

    def __str__(self) -> str:
        return f"{self.ordinal // 4}Q{self.ordinal % 4 + 1}"
