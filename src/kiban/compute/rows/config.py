"""The ``config`` cell of a measurement row: ``key=value`` parts and loose words."""

from __future__ import annotations

import re

_SCALE = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}


def parse_config(text: str) -> dict[str, str]:
    """Split a config cell into lower-case keys and their texts; parts without ``=`` become keys of empty text.

    The first of two equal keys stands.
    """
    out: dict[str, str] = {}
    for part in text.split(";"):
        key, sign, value = part.partition("=")
        key = key.strip().lower()
        if key:
            out.setdefault(key, value.strip() if sign else "")
    return out


def number(config: dict[str, str], *keys: str) -> float | None:
    """Give the first number found under one of the keys (``8``, ``1.5e3``, ``15T``, ``64 (8x8)``), or None."""
    for key in keys:
        found = re.match(
            r"\s*([0-9][0-9,]*\.?[0-9]*(?:e[+-]?[0-9]+)?)\s*([kmbt]\b)?", config.get(key, ""), re.IGNORECASE
        )
        if found:
            scale = _SCALE.get((found.group(2) or "").lower(), 1.0)
            return float(found.group(1).replace(",", "")) * scale
    return None
