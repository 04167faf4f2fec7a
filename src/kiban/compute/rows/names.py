"""Names of models and accelerators as publications write them, to catalogue names."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import lru_cache

from kiban.catalog import Catalog


def plain(text: str) -> str:
    """Give a name in one spelling: lower case, no separators, but numbers that stand side by side stay apart.

    ``meta-llama/Llama-3.1-70B`` -> ``metallamallama3.1-70b``; ``LLAMA3_70B`` -> ``llama3-70b``.
    """
    out = re.sub(r"[^a-z0-9.]+|\.(?![0-9])|(?<![0-9])\.", " ", text.lower())
    out = re.sub(r"(?<=[0-9]) +(?=[0-9])", "-", out.strip())
    return out.replace(" ", "")


def find_model(catalog: Catalog, text: str) -> str | None:
    """Catalogue name of a model, or None; longest alias contained in the text wins.

    A number at either end of an alias must be the whole number: ``DeepSeek-V3`` is not found in ``DeepSeek-V3.2``.
    """
    return _find(catalog, "model", text)


def find_accelerator(catalog: Catalog, text: str) -> str | None:
    """Catalogue name of an accelerator, or None; longest alias contained in the text wins, as for models."""
    return _find(catalog, "accelerator", text)


def nearest_model(catalog: Catalog, text: str) -> str:
    """Words that name the models spelt most like a text, for a refusal."""
    return _nearest(catalog, "model", text)


def nearest_accelerator(catalog: Catalog, text: str) -> str:
    """Words that name the accelerators spelt most like a text, for a refusal."""
    return _nearest(catalog, "accelerator", text)


def _find(catalog: Catalog, kind: str, text: str) -> str | None:
    wanted = plain(text)
    for pattern, name in _patterns(catalog, kind):
        if pattern.search(wanted):
            return name or None
    return None


def _nearest(catalog: Catalog, kind: str, text: str) -> str:
    spelt = {plain(alias): alias for alias, name in _aliases(catalog, kind) if name}
    words = re.split(r"[\s/]+", text.strip())
    # The maker's name may stand in front: try the text from each word on.
    for start in range(len(words)):
        close = get_close_matches(plain(" ".join(words[start:])), list(spelt), n=3, cutoff=0.5)
        if close:
            return f"nearest known: {', '.join(spelt[c] for c in close)}"
    return "none is spelt alike"


@lru_cache(maxsize=16)
def _patterns(catalog: Catalog, kind: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Patterns of all aliases, longest alias first."""
    known = sorted(((plain(alias), name) for alias, name in _aliases(catalog, kind)), key=lambda a: -len(a[0]))
    return tuple((re.compile(_bounded(alias)), name) for alias, name in known)


def _bounded(alias: str) -> str:
    """Pattern of an alias whose outer numbers may not be part of longer ones."""
    before = r"(?<![0-9.])" if alias[0].isdigit() else ""
    after = r"(?!\.?[0-9])" if alias[-1].isdigit() else ""
    return before + re.escape(alias) + after


@lru_cache(maxsize=16)
def _aliases(catalog: Catalog, kind: str) -> tuple[tuple[str, str], ...]:
    """All (alias, catalogue name); a catalogue name is its own alias, and ``""`` marks what the catalogue lacks."""
    found = [(alias.strip(), "") for alias in catalog.text(f"names.{kind}.unlisted").split("|")]
    for key in catalog.keys(f"{kind}."):
        parts = key.split(".")
        if parts[-1] == "aliases":
            found += [(alias.strip(), parts[1]) for alias in catalog.text(key).split("|")]
            found.append((parts[1].replace("_", " "), parts[1]))
    return tuple(found)
