"""The table of words: which names may hold a quantity, and in what unit."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files


@dataclass(frozen=True)
class Vocabulary:
    """Suffixes and dimensionless names with their units and sentences."""

    suffix_units: dict[str, str]
    dimensionless: frozenset[str]
    sentences: dict[str, str]

    def unit_of(self, name: str) -> str | None:
        """Return the unit that ``name`` declares by its longest known suffix, or None."""
        if name in self.dimensionless:
            return "-"
        padded = f"_{name}"
        found = [s for s in self.suffix_units if padded.endswith(s)]
        return self.suffix_units[max(found, key=len)] if found else None


@lru_cache(maxsize=1)
def load_vocabulary() -> Vocabulary:
    """Read ``vocabulary.csv`` once per process."""
    text = (files("kiban.units") / "vocabulary.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    return Vocabulary(
        suffix_units={r["name"]: r["unit"] for r in rows if r["kind"] == "suffix"},
        dimensionless=frozenset(r["name"] for r in rows if r["kind"] == "dimensionless"),
        sentences={r["name"]: r["sentence"] for r in rows},
    )
