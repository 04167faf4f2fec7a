"""The form of one catalogue row and one source, and the checks a row must pass."""

from __future__ import annotations

import math
import re
from collections.abc import Container, Mapping
from typing import NamedTuple

CONFIDENCES = ("measured", "published", "estimated", "assumed")
OVERRIDE_CONFIDENCE = "override"
OVERRIDE_SOURCE_ID = "scenario"
TEXT_UNIT = "text"
ROW_COLUMNS = (
    "key", "value", "low", "high", "unit", "price_year", "valid_from", "source_id", "locator", "confidence", "note",
)  # fmt: skip
SOURCE_COLUMNS = ("source_id", "title", "publisher", "date", "url")
UNIT_COLUMNS = ("unit", "meaning")

_KEY = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9][a-z0-9_\-]*)*")
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
_CONFIDENCE_SET = frozenset(CONFIDENCES)


class Row(NamedTuple):
    """One fact: value (a number, or a text where unit is "text"), its range, its origin.

    ``low`` and ``high`` are in the unit of ``value``; None means that no range is known.
    """

    key: str
    value: float | str
    low: float | None
    high: float | None
    unit: str
    price_year: int | None
    valid_from: str
    source_id: str
    locator: str
    confidence: str
    note: str


class Source(NamedTuple):
    """One document that rows refer to."""

    source_id: str
    title: str
    publisher: str
    date: str
    url: str


def parse_row(cells: Mapping[str, str], units: Container[str], sources: Container[str]) -> tuple[Row | None, list[str]]:
    """Turn the cells of one line into a row, or say everything that is wrong with it.

    Arguments: cells by column name, allowed units, known source ids.
    Result: the row (None if refused) and the problems found.
    """
    problems: list[str] = []
    key, unit, source_id, confidence = cells["key"], cells["unit"], cells["source_id"], cells["confidence"]
    if not _KEY.fullmatch(key):
        problems.append(f"key '{key}' is not lower-case segments joined by dots")
    if unit not in units:
        problems.append(f"unknown unit '{unit}' (allowed units are in units.csv)")
    if not source_id:
        problems.append("no source_id")
    elif source_id not in sources:
        problems.append(f"source_id '{source_id}' is not in sources.csv")
    if confidence not in _CONFIDENCE_SET:
        problems.append(f"unknown confidence '{confidence}' (allowed: {', '.join(CONFIDENCES)})")
    if cells["valid_from"] and not _DATE.fullmatch(cells["valid_from"]):
        problems.append(f"valid_from '{cells['valid_from']}' is not YYYY, YYYY-MM or YYYY-MM-DD")
    price_year: int | None = None
    if cells["price_year"]:
        if re.fullmatch(r"\d{4}", cells["price_year"]):
            price_year = int(cells["price_year"])
        else:
            problems.append(f"price_year '{cells['price_year']}' is not a year")
    value: float | str | None
    low: float | None = None
    high: float | None = None
    if unit == TEXT_UNIT:
        value = cells["value"]
        problems += _text_problems(cells)
    else:
        value, low, high = (_number(cells, name, problems) for name in ("value", "low", "high"))
        if value is not None:
            problems += _range_problems(value, low, high)
    if problems or value is None:
        return None, problems
    row = Row(
        key, value, low, high, unit, price_year, cells["valid_from"], source_id, cells["locator"], confidence,
        cells["note"],
    )  # fmt: skip
    return row, problems


def _text_problems(cells: Mapping[str, str]) -> list[str]:
    problems = [] if cells["value"] else ["no value"]
    if cells["low"] or cells["high"]:
        problems.append("a text has no low or high")
    return problems


def _number(cells: Mapping[str, str], name: str, problems: list[str]) -> float | None:
    text = cells[name]
    if not text:
        if name == "value":
            problems.append("no value")
        return None
    try:
        number = float(text)
    except ValueError:
        problems.append(f"{name} '{text}' is not a number")
        return None
    if not math.isfinite(number):
        problems.append(f"{name} '{text}' is not finite")
        return None
    return number


def _range_problems(value: float, low: float | None, high: float | None) -> list[str]:
    if low is not None and high is not None and low > high:
        return [f"low {low:g} is above high {high:g}"]
    if (low is not None and value < low) or (high is not None and value > high):
        return [f"value {value:g} lies outside [{_bound(low)}, {_bound(high)}]"]
    return []


def _bound(number: float | None) -> str:
    return "open" if number is None else f"{number:g}"
