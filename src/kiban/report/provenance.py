"""What the numbers rest on: every catalogue row that was read, and the counts that stand under each chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kiban.catalog import OVERRIDE_CONFIDENCE, Catalog, CatalogError, Row, Source
from kiban.figures import Basis, Rests
from kiban.results import Risk, Study
from kiban.scenario import Scenario

COLUMNS = (
    "room", "key", "value", "low", "high", "unit", "price_year", "valid_from", "confidence", "source_id",
    "source_title", "publisher", "source_date", "url", "locator", "note", "overridden",
)  # fmt: skip
WEAK = ("assumed", OVERRIDE_CONFIDENCE)


@dataclass(frozen=True)
class Used:
    """One row read by one room."""

    room: str
    row: Row
    source: Source


def with_scenario(catalog: Catalog, scenario: Scenario) -> Catalog:
    """The catalogue as the rooms saw it."""
    return catalog.with_overrides({o.key: (o.value, o.why) for o in scenario.overrides})


def used_rows(catalog: Catalog, study: Study, risk: Risk) -> list[Used]:
    """Every catalogue row that a room or the risk runs read, by room and key.

    Args: catalog with the scenario's overrides; study; risk. Keys that the catalogue does not know are left out.
    """
    keys = {room: set(names) for room, names in study.used_keys.items()}
    keys["risk"] = set(risk.used_keys)
    found = []
    for room, names in keys.items():
        for key in sorted(names):
            try:
                row = catalog.row(key)
            except CatalogError:
                continue
            found.append(Used(room, row, source_of(catalog, row.source_id)))
    return found


def source_of(catalog: Catalog, source_id: str) -> Source:
    try:
        return catalog.source(source_id)
    except CatalogError:
        return Source(source_id, source_id, "", "", "")


def basis_of(scenario: Scenario, study: Study, used: list[Used]) -> Basis:
    """Counts and documents per room, with the vintage in words."""
    rooms: dict[str, Rests] = {}
    for room in dict.fromkeys(u.room for u in used):
        mine = [u for u in used if u.room == room]
        rooms[room] = Rests(
            sourced=frozenset(u.row.key for u in mine if u.row.confidence not in WEAK),
            assumed=frozenset(u.row.key for u in mine if u.row.confidence in WEAK),
            sources={u.source.source_id: u.source.title for u in mine},
        )
    horizon = scenario.horizon
    vintage = f"USD of {horizon.price_year}, horizon from {horizon.start_quarter}"
    return Basis(vintage=vintage, weather=study.site.weather_label, rooms=rooms)


def provenance_table(used: list[Used]) -> tuple[tuple[str, ...], list[list[object]]]:
    """Header and lines of provenance.csv."""
    lines: list[list[object]] = []
    for u in used:
        row, source = u.row, u.source
        lines.append(
            [
                u.room, row.key, row.value, row.low, row.high, row.unit, row.price_year, row.valid_from, row.confidence,
                row.source_id, source.title, source.publisher, source.date, source.url, row.locator, row.note,
                "yes" if row.confidence == OVERRIDE_CONFIDENCE else "",
            ]
        )  # fmt: skip
    return COLUMNS, lines


def sources_in_use(used: list[Used]) -> list[dict[str, object]]:
    """Each document once, with the number of distinct rows that rest on it, most used first."""
    rows: dict[str, set[str]] = {}
    documents: dict[str, Source] = {}
    for u in used:
        rows.setdefault(u.source.source_id, set()).add(u.row.key)
        documents[u.source.source_id] = u.source
    order = sorted(documents.values(), key=lambda s: (-len(rows[s.source_id]), s.title.casefold()))
    return [
        {
            "id": s.source_id, "title": s.title, "publisher": s.publisher, "date": s.date, "url": s.url,
            "rows": len(rows[s.source_id]),
        }
        for s in order
    ]  # fmt: skip


def confidence_counts(used: list[Used]) -> Mapping[str, int]:
    """Number of distinct rows by confidence."""
    seen = {u.row.key: u.row.confidence for u in used}
    counts: dict[str, int] = {}
    for word in sorted(seen.values()):
        counts[word] = counts.get(word, 0) + 1
    return counts
