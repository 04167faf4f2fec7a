"""The scoreboard: published figures beside the model's answers, misses and gaps included."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kiban.catalog import Catalog, load_catalog
from kiban.report.validation import (
    compute_cases,
    energy_cases,
    money_cases,
    operator_cases,
    place_cases,
    power_cases,
    price_cases,
    reopt_cases,
    training_money_cases,
)

Case = Callable[[dict[str, Any], Catalog], float]
CASES: dict[str, Case] = {
    **compute_cases.CASES,
    **power_cases.CASES,
    **place_cases.CASES,
    **energy_cases.CASES,
    **money_cases.CASES,
    **operator_cases.CASES,
    **price_cases.CASES,
    **reopt_cases.CASES,
    **training_money_cases.CASES,
}
NO_MODEL = "none"
"""Case of a published row that no room answers yet."""


@dataclass(frozen=True)
class ScoreRow:
    """One published figure and the model's answer."""

    source: str
    item: str
    unit: str
    published: float
    model: float | None
    tolerance_frac: float
    note: str
    in_sample: bool = False
    """The published figure, or one that contains it, was in sight when an input or coefficient was set."""

    @property
    def error_frac(self) -> float | None:
        """(model - published) / |published|; None without an answer."""
        if self.model is None:
            return None
        return (self.model - self.published) / abs(self.published)

    @property
    def status(self) -> str:
        """``ok``, ``off`` or ``missing``."""
        if self.error_frac is None:
            return "missing"
        return "ok" if abs(self.error_frac) <= self.tolerance_frac else "off"

    def as_dict(self) -> dict[str, Any]:
        """Return the row in the published form of `kiban validate --json`."""
        return {
            "source": self.source,
            "item": self.item,
            "published": self.published,
            "model": None if self.model is None else float(f"{self.model:.6g}"),
            "error_frac": None if self.error_frac is None else float(f"{self.error_frac:.4g}"),
            "tolerance_frac": self.tolerance_frac,
            "status": self.status,
            "unit": self.unit,
            "note": self.note,
            "in_sample": self.in_sample,
        }


def validation_folder() -> Path:
    """Folder of the published cases: packaged beside the code, or at the root of a checkout."""
    here = Path(__file__).resolve()
    for place in (here.parents[1] / "validation_data", here.parents[3] / "validation"):
        if place.is_dir():
            return place
    raise FileNotFoundError("the folder of published cases is not installed; give --folder")


def run_scoreboard(folder: Path | None = None) -> list[ScoreRow]:
    """Answer every published row below the folder, in the order of the file names."""
    catalog = load_catalog()
    return [row for path in sorted((folder or validation_folder()).rglob("*.toml")) for row in _rows(path, catalog)]


def _rows(path: Path, catalog: Catalog) -> Iterator[ScoreRow]:
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    source = data["source"]
    shared = data.get("inputs", {})
    for row in data["row"]:
        case = row["case"]
        if case != NO_MODEL and case not in CASES:
            raise ValueError(f"{path.name}: {row['item']}: no case named {case!r}")
        model = None
        if case != NO_MODEL:
            answer = CASES[case]({**shared, **row.get("inputs", {})}, catalog)
            model = answer if math.isfinite(answer) else None
        yield ScoreRow(
            source=source["id"],
            item=row["item"],
            unit=row["unit"],
            published=float(row["published"]),
            model=model,
            tolerance_frac=float(row.get("tolerance_frac", data.get("tolerance_frac", 0.1))),
            note=row.get("note", ""),
            in_sample=bool(row.get("in_sample", False)),
        )


def as_text(rows: list[ScoreRow]) -> str:
    """Write the scoreboard as a table, notes below, counts last."""
    width = max(len(r.item) for r in rows)
    lines = [f"{'source':<26} {'item':<{width}} {'published':>12} {'model':>12} {'error':>8} {'tol.':>6}  status"]
    for r in rows:
        model = "-" if r.model is None else f"{r.model:,.5g}"
        error = "-" if r.error_frac is None else f"{r.error_frac * 100:+.1f} %"
        lines.append(
            f"{r.source:<26} {r.item:<{width}} {r.published:>12,.5g} {model:>12} {error:>8} "
            f"{r.tolerance_frac * 100:>4.2g} %  {r.status}{', in sample' if r.in_sample else ''}"
        )
    lines += [f"note: {r.source}, {r.item}: {r.note}" for r in rows if r.note]
    count = {s: sum(r.status == s for r in rows) for s in ("ok", "off", "missing")}
    sources = len({r.source for r in rows})
    blind = sum(r.status == "ok" and not r.in_sample for r in rows)
    lines.append(
        f"{len(rows)} published rows from {sources} sources: "
        f"{count['ok']} ok ({blind} of them out of sample), {count['off']} off, {count['missing']} missing"
    )
    return "\n".join(lines)
