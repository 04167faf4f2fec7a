"""The short hash of one run's input: resolved scenario, catalogue data, version and code of kiban."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from kiban.catalog import Catalog

HASH_DIGITS = 12
CODE_SUFFIXES = frozenset({".py", ".j2", ".css", ".js"})


def canonical_json(resolved: Mapping[str, Any]) -> str:
    """Write a resolved scenario so that equal meaning gives equal text.

    Arguments: ``Loaded.resolved``. Result: JSON with sorted keys and overrides in the order of their keys; the
    order of sites, futures and accelerators stays, because results are arrays in that order.
    """
    data = dict(resolved)
    data["overrides"] = sorted(data.get("overrides") or [], key=lambda o: str(o["key"]))
    return json.dumps(_plain(data), sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    """Give -0.0 and 0.0 one form; other numbers have one already."""
    if isinstance(value, dict):
        return {key: _plain(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_plain(child) for child in value]
    return value + 0.0 if isinstance(value, float) else value


def catalogue_hash(catalog: Catalog) -> str:
    """Hash every row and table of a catalogue.

    Arguments: catalogue. Result: 64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for line in _catalogue_lines(catalog):
        digest.update(line.encode())
        digest.update(b"\n")
    return digest.hexdigest()


def _catalogue_lines(catalog: Catalog) -> Iterator[str]:
    for key in catalog.keys(""):
        yield repr(tuple(catalog.row(key)))
    for name in catalog.table_names():
        table = catalog.table(name)
        yield repr((name, tuple(table.provenance)))
        for column in sorted(table.columns):
            values = table.columns[column]
            yield repr((column, np.asarray(values, dtype=float).tolist() if isinstance(values, np.ndarray) else values))


def kiban_version() -> str:
    """Give the installed version of kiban."""
    try:
        return version("kiban")
    except PackageNotFoundError:
        return "source"


@lru_cache(maxsize=1)
def code_hash() -> str:
    """Hash the package's own code and text data, so that a changed model is never answered by an old run."""
    digest = hashlib.sha256()
    root = Path(__file__).resolve().parents[1]
    for path in sorted(root.rglob("*")):
        if path.suffix in CODE_SUFFIXES:
            digest.update(str(path.relative_to(root)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def run_hash(resolved: Mapping[str, Any], catalog: Catalog) -> str:
    """Hash what determines the result of a run.

    Arguments: ``Loaded.resolved``; the catalogue without the scenario's overrides.
    Result: 12 hexadecimal digits. Comments, key order and written-out defaults do not change it; the title does.
    """
    text = "\n".join((canonical_json(resolved), catalogue_hash(catalog), kiban_version(), code_hash()))
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_DIGITS]
