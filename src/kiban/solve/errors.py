"""What can go wrong between a model and its solution, each with its own type."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kiban.solve.conflicts import Conflict

_SHOWN = 5


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
