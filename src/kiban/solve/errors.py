"""What can go wrong between a model and its solution, each with its own type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Side = Literal["at least", "at most"]

_SHOWN = 5
_WAYS: dict[Side, tuple[str, str, str]] = {
    "at most": ("allowed", "needed", "too much"),
    "at least": ("asked", "possible", "too little"),
}


@dataclass(frozen=True)
class Conflict:
    """One limit that would have to move for the model to have a solution.

    needed: what the limited quantity comes to in the nearest solution; limit: where the limit stands; both in unit.
    severity: the move as a share of the block's largest limit, times the block's weight.
    against: names of the blocks whose limits hold it there; against_words: the same as sentences.
    """

    block: str
    index: tuple[int, ...]
    place: str
    sentence: str
    unit: str
    side: Side
    needed: float
    limit: float
    severity: float
    against: tuple[str, ...]
    against_words: tuple[str, ...]

    @property
    def amount(self) -> float:
        """How far the limit would have to move, in the block's unit."""
        return abs(self.needed - self.limit)

    def words(self) -> str:
        """Say it in one sentence."""
        unit = f" {self.unit}" if self.unit else ""
        text = named(self.sentence, self.place)
        asked, given, way = _WAYS[self.side]
        text += f": {self.side} {self.limit:,.6g}{unit} {asked}, {self.needed:,.6g}{unit} {given}"
        text += f", {self.amount:,.6g}{unit} {way}"
        return text + (f"; it clashes with: {'; '.join(self.against_words)}" if self.against else "")


def named(sentence: str, name: str) -> str:
    return f"{sentence.rstrip('.')} ({name})" if sentence else name


class SolveError(Exception):
    """Base of all errors of the block layer."""


class ModelDataError(SolveError):
    """A block was given data that cannot be part of a model; names the block and the place in it."""


class SolverOptionError(SolveError):
    """The solver refused an option or its value."""


class SolverError(SolveError):
    """The solver failed, or a result was asked for that its last run does not have."""


class Infeasible(SolveError):
    """No solution keeps every limit; carries the limits that clash, worst first."""

    def __init__(self, model_name: str, conflicts: Sequence[Conflict]) -> None:
        """Keep the conflicts and put them in words, one line per block."""
        self.model_name = model_name
        self.conflicts = tuple(conflicts)
        super().__init__(_message(model_name, self.conflicts))

    def __reduce__(self) -> tuple[type[Infeasible], tuple[str, tuple[Conflict, ...]]]:
        """Survive the way back from a worker process, conflicts included."""
        return type(self), (self.model_name, self.conflicts)


def _message(model_name: str, conflicts: tuple[Conflict, ...]) -> str:
    if not conflicts:
        return (
            f"model '{model_name}' has no feasible solution, but only by less than the solver's tolerance: "
            "look for limits that meet exactly, or for units that make numbers very large or very small"
        )
    by_block: dict[tuple[str, str], list[Conflict]] = {}
    for conflict in conflicts:
        by_block.setdefault((conflict.block, conflict.side), []).append(conflict)
    lines = [f"model '{model_name}' has no solution that keeps every limit; the smallest change that would give one:"]
    for same in list(by_block.values())[:_SHOWN]:
        more = f" (and {len(same) - 1} more places of this block)" if len(same) > 1 else ""
        lines.append(f"  - {same[0].words()}{more}")
    if len(by_block) > _SHOWN:
        lines.append(f"  - and {len(by_block) - _SHOWN} more blocks")
    return "\n".join(lines)
