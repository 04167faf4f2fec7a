"""Errors of the catalogue: every problem at once, each with its place or the nearest keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class CatalogError(ValueError):
    """Problems found in catalogue data or overrides, all of them at once.

    Arguments: problems, one sentence each (data problems begin with ``file:row``).
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))

    def __reduce__(self) -> tuple[type[CatalogError], tuple[tuple[str, ...]]]:
        return type(self), (self.problems,)


class CatalogKeyError(CatalogError, KeyError):
    """A key or table that the catalogue does not hold, with the nearest ones.

    Arguments: problems, one sentence for each unknown key.
    """

    def __str__(self) -> str:
        # KeyError would print the repr; the sentence is meant to be read.
        return "\n".join(self.problems)


def unknown_key(key: str, keys: Iterable[str]) -> str:
    """Say that a key is unknown and name the nearest ones.

    Arguments: the key asked for, all keys that exist. Result: one sentence.
    """
    near = nearest_keys(key, keys)
    hint = f"; nearest: {', '.join(near)}" if near else ""
    return f"no catalogue key '{key}'{hint}"


def nearest_keys(key: str, keys: Iterable[str], count: int = 5) -> list[str]:
    """Find the keys most like the one given.

    Arguments: the key asked for, all keys, how many to name. Result: keys, nearest first.
    The search walks down the dotted segments, repairing one segment at a time, so that the slow
    comparison sees only the keys of one family.
    """
    keys = list(keys)
    family = [(k, k.split(".")) for k in keys]
    for depth, segment in enumerate(key.split(".")):
        choices = {parts[depth] for _, parts in family if len(parts) > depth}
        kept = {segment} if segment in choices else set(get_close_matches(segment, choices, n=3, cutoff=0.6))
        if not kept:
            break
        family = [(k, parts) for k, parts in family if len(parts) > depth and parts[depth] in kept]
    if len(family) == len(keys):  # not even the first segment is like one that exists
        return []
    names = [k for k, _ in family]
    close = get_close_matches(key, names[:400], n=count, cutoff=0.0)
    return close if close else sorted(names)[:count]
