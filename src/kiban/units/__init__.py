"""The vocabulary of kiban: unit suffixes, the calendar of quarters, and number formats."""

from kiban.units.calendar import HOURS_PER_QUARTER, HOURS_PER_YEAR, QUARTERS_PER_YEAR, Quarter
from kiban.units.vocabulary import Vocabulary, load_vocabulary

__all__ = [
    "HOURS_PER_QUARTER",
    "HOURS_PER_YEAR",
    "QUARTERS_PER_YEAR",
    "Quarter",
    "Vocabulary",
    "load_vocabulary",
]
