"""The run folder: written whole or not at all, and found again by the hash of its input."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

COMPLETE = "complete.txt"
"""Written last; a folder without it is not a result."""


@dataclass(frozen=True)
class RunFolder:
    """A finished run."""

    path: Path
    reused: bool


def folder_of(runs: Path, name: str, run_hash: str) -> Path:
    """Return where the run of this name and hash belongs."""
    return runs / f"{name}-{run_hash}"


def finished(path: Path) -> bool:
    """Tell whether the folder holds a whole result."""
    return (path / COMPLETE).is_file()


@contextmanager
def _staging(target: Path) -> Iterator[Path]:
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent))
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def write_run(target: Path, write: Callable[[Path], None]) -> RunFolder:
    """Let ``write`` fill a hidden folder beside the target, then move it into place in one step.

    A run that is killed leaves only a hidden ``.partial`` folder; an exception leaves nothing. Raises OSError if the
    disk refuses.
    """
    sweep_partials(target.parent)
    with _staging(target) as staging:
        write(staging)
        (staging / COMPLETE).write_text("every file of this run was written\n", encoding="utf-8")
        staging.chmod(0o755)
        if target.exists():
            shutil.rmtree(target)
        os.replace(staging, target)
    return RunFolder(path=target, reused=False)


def sweep_partials(runs: Path) -> None:
    """Remove hidden folders that killed runs left more than an hour ago."""
    import time

    for partial in runs.glob(".*.partial"):
        if time.time() - partial.stat().st_mtime > 3600:
            shutil.rmtree(partial, ignore_errors=True)
