"""One answer of a door as one HTML file that opens without a network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from kiban import __version__
from kiban.catalog import Catalog
from kiban.figures import Basis, Figure, Rests
from kiban.report.html import drawn, environment, script_json, static
from kiban.report.provenance import WEAK, Used, source_of, sources_in_use
from kiban.report.table import View


@dataclass(frozen=True)
class Page:
    """What a reader sees, top to bottom."""

    title: str
    brand: str
    meta: str
    sentence: str
    card: Sequence[dict[str, str]]
    """Tiles: label, value, unit, more."""
    figures: Sequence[Figure]
    views: Sequence[View]
    used: Sequence[Used]
    warnings: Sequence[str] = field(default_factory=tuple)


def used_keys(catalog: Catalog, room: str, keys: Iterable[str]) -> list[Used]:
    """Catalogue rows behind an answer."""
    rows = [catalog.row(key) for key in sorted(keys)]
    return [Used(room, row, source_of(catalog, row.source_id)) for row in rows]


def basis_of_used(used: Sequence[Used], room: str, vintage: str) -> Basis:
    """What a figure says about its origin."""
    return Basis(
        vintage=vintage,
        rooms={
            room: Rests(
                sourced=frozenset(u.row.key for u in used if u.row.confidence not in WEAK),
                assumed=frozenset(u.row.key for u in used if u.row.confidence in WEAK),
                sources={u.source.source_id: u.source.title for u in used},
            )
        },
    )


def page_html(page: Page) -> str:
    """Render a page; styles, scripts and data are inside, texts of the user are escaped."""
    template = environment().get_template("page.html.j2")
    data: dict[str, Any] = {f["id"]: drawn(f) for f in page.figures if f["option"] is not None}
    return template.render(
        title=page.title,
        brand=page.brand,
        meta=page.meta,
        sentence=page.sentence,
        card=page.card,
        figures=page.figures,
        views=page.views,
        warnings=page.warnings,
        sources=sources_in_use(list(page.used)),
        version=__version__,
        css=static("report.css"),
        echarts=static("echarts.min.js"),
        script=static("report.js"),
        data=script_json(data),
    )
