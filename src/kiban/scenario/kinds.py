"""What kind of file the user gave, told by its first key, and which verb takes it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from kiban.scenario.load import merge_file
from kiban.scenario.problems import Problem, ScenarioError

Kind = Literal["scenario", "project", "facility", "energy", "reopt"]

_MARKS: dict[str, Kind] = {
    "kiban": "scenario",
    "kiban_project": "project",
    "kiban_facility": "facility",
    "kiban_energy": "energy",
}
_WORDS: dict[Kind, tuple[str, str]] = {
    "scenario": ("a scenario file", "kiban run"),
    "project": ("a project file", "kiban finance"),
    "facility": ("a facility file", "kiban facility"),
    "energy": ("an energy file", "kiban energy"),
    "reopt": ("a JSON file, read as a scenario of REopt", "kiban energy"),
}


def file_kind(path: str | Path) -> Kind | None:
    """Tell the kind of a file by the key that carries its version, or by the ending ``.json``.

    Result: the kind; None where no such key is found or the file cannot be read, which the loaders report.
    """
    try:
        tree = merge_file(path).tree.value
    except ScenarioError:
        tree = {}
    for mark, kind in _MARKS.items():
        if mark in tree:
            return kind
    return "reopt" if Path(path).suffix.lower() == ".json" and Path(path).is_file() else None


def wrong_kind(path: str | Path, *wanted: Kind) -> list[Problem]:
    """Give one problem that names the right verb if a file is of another kind than those wanted, else nothing."""
    kind = file_kind(path)
    if kind is None or kind in wanted:
        return []
    what, verb = _WORDS[kind]
    return [Problem("", f"this is {what}; use: {verb}", file=str(path))]
