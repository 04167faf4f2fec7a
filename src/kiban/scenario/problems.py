"""What is wrong with a scenario file, in words: one Problem per fault, all of them in one error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any

MOST_PROBLEMS = 200


@dataclass(frozen=True)
class Problem:
    """One fault: where it is, what was found, what is allowed, and the likely cure."""

    path: str
    """Place in the scenario, such as ``sites[2].cooling``; empty for a fault of the whole file."""
    message: str
    """One sentence for the user."""
    line: int | None = None
    """Line of the file, from 1."""
    found: str = ""
    allowed: str = ""
    nearest: str = ""
    """The name that was probably meant."""
    item: str = ""
    """Name of the innermost list entry on the path, such as the site's name."""
    file: str = ""

    def render(self) -> str:
        """Write the problem as one line of text."""
        place = self.file or "scenario"
        if self.line is not None:
            place += f":{self.line}"
        where = self.path + (f" ({self.item})" if self.item else "")
        text = f"{place}: {where}: {self.message}" if where else f"{place}: {self.message}"
        if self.found:
            text += f"; found {self.found}"
        if self.allowed:
            text += f"; allowed: {self.allowed}"
        if self.nearest:
            text += f"; did you mean {self.nearest}?"
        return text

    def as_dict(self) -> dict[str, Any]:
        """Give the problem as plain data for ``--json``."""
        return asdict(self)


class ScenarioError(ValueError):
    """A scenario that cannot be used, with every problem found.

    Arguments: problems, at least one.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        super().__init__(self.render())

    def __reduce__(self) -> tuple[type[ScenarioError], tuple[list[Problem]]]:
        return type(self), (self.problems,)

    def render(self) -> str:
        """Write all problems, one a line, under a line that counts them."""
        count = len(self.problems)
        head = "1 problem" if count == 1 else f"{count} problems"
        return "\n".join([f"{head} in the scenario", *(f"  {p.render()}" for p in self.problems)])

    def as_dict(self) -> dict[str, Any]:
        """Give the problems as plain data for ``--json``."""
        return {"error": "scenario", "problems": [p.as_dict() for p in self.problems]}


def shorten(value: Any, most: int = 60) -> str:
    """Write a found value briefly; long values and containers are cut or named."""
    if isinstance(value, dict):
        return f"a mapping of {len(value)} keys" if value else "an empty mapping"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)} entries" if value else "an empty list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.12g}"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= most else text[: most - 3] + "..."


def number_text(value: float) -> str:
    """Write a bound: with thousands separators up to a billion, then as a power of ten."""
    return f"{value:,.12g}" if abs(value) < 1e9 else f"{value:g}".replace("e+", "e")


def nearest_name(name: str, names: Sequence[str]) -> str:
    """Give the name most like the one found, or an empty text."""
    found = get_close_matches(name[:200], names, n=1, cutoff=0.6)
    if found:
        return found[0]
    inside = [n for n in names if len(name) >= 3 and (name in n or n in name)]
    return min(inside, key=len) if inside else ""


def path_text(path: Sequence[str | int]) -> str:
    """Write a path such as ``("sites", 2, "cooling")`` as ``sites[2].cooling``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
