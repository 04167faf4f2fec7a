"""Reading an energy file with its hourly series: one form, the arrays it names, and every problem at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from kiban.scenario.energy_schema import Column, EnergyFile
from kiban.scenario.load import merge_file
from kiban.scenario.problems import Problem, ScenarioError
from kiban.scenario.translate import located, translate
from kiban.scenario.yamltext import Node
from kiban.units import HOURS_PER_YEAR
from kiban.units.hourly import range_faults, read_hourly

Array = NDArray[np.float64]
Place = tuple[str | int, ...]

MOST_SERIES_BYTES = 50_000_000
_ENDINGS = ("kg_co2_per_mwh", "usd_per_mwh", "frac", "mw")


@dataclass(frozen=True)
class LoadedEnergy:
    """A form and its series, all of one length."""

    form: EnergyFile
    hours: int
    series: dict[str, Array]
    """By place in the file, such as ``series.load_mw`` or ``sources.0.profile``."""

    tariff: Any = None
    """The rate as JSON, where the file names one."""

    def array(self, place: str) -> Array:
        """Series at a place of the file."""
        return self.series[place]

    def has(self, place: str) -> bool:
        """Whether the file gives a series at a place."""
        return place in self.series


def load_energy(path: str | Path, variant: str | None = None) -> LoadedEnergy:
    """Read an energy file and the files it names.

    Arguments: path; name of a variant. Errors: ScenarioError with every problem of the form and of all hourly files.
    """
    tree = merge_file(path, variant).tree
    try:
        form = EnergyFile.model_validate(tree.plain())
    except ValidationError as error:
        raise ScenarioError(translate(error, tree, EnergyFile)) from None
    problems: list[Problem] = []
    texts: dict[Path, str] = {}
    found: dict[str, Array | float] = {}
    for place, ending, given in _series_of(form):
        name = ".".join(str(p) for p in place)
        if isinstance(given, Column):
            found[name] = _column(Path(path).parent, given, ending, place, tree, texts, problems)
        else:
            found[name] = float(given)
    lengths = {k: v.size for k, v in found.items() if isinstance(v, np.ndarray) and v.size}
    hours = max(lengths.values(), default=HOURS_PER_YEAR)
    for name, size in lengths.items():
        if size != hours and not problems:
            place = tuple(int(p) if p.isdigit() else p for p in name.split("."))
            problems.append(located(place, tree, f"{size} hours, where another series has {hours}"))
    tariff = _tariff(Path(path).parent, form, tree, problems)
    if problems:
        raise ScenarioError(problems)
    series = {k: np.broadcast_to(np.asarray(v), (hours,)).copy() for k, v in found.items()}
    return LoadedEnergy(form, hours, series, tariff)


def _tariff(folder: Path, form: EnergyFile, tree: Node, problems: list[Problem]) -> Any:
    if form.connection is None or form.connection.tariff is None:
        return None
    name, place = form.connection.tariff.file, ("connection", "tariff", "file")
    try:
        path = folder / name
        if path.stat().st_size > MOST_SERIES_BYTES:
            problems.append(located(place, tree, f"{name} is larger than {MOST_SERIES_BYTES:,} bytes"))
            return None
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        problems.append(located(place, tree, f"cannot read {name}: {error.strerror}"))
        return None
    except ValueError:
        problems.append(located(place, tree, f"{name} is not JSON"))
        return None
    if isinstance(found, dict) and isinstance(found.get("items"), list) and found["items"]:
        found = found["items"][0]
    if not isinstance(found, dict):
        problems.append(located(place, tree, f"{name} is not a rate: an object is needed"))
    return found


def _series_of(form: EnergyFile) -> Iterator[tuple[Place, str, Any]]:
    for name in type(form.series).model_fields:
        given = getattr(form.series, name)
        if given is not None:
            yield ("series", name), next(e for e in _ENDINGS if name.endswith(e)), given
    for i, source in enumerate(form.sources):
        yield ("sources", i, "profile"), "frac", source.profile


def _column(
    folder: Path, given: Column, ending: str, place: Place, tree: Node, texts: dict[Path, str], problems: list[Problem]
) -> Array:
    path = folder / given.file
    if path not in texts:
        try:
            if path.stat().st_size > MOST_SERIES_BYTES:
                problems.append(located(place, tree, f"{given.file} is larger than {MOST_SERIES_BYTES:,} bytes"))
                return np.empty(0)
            texts[path] = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            problems.append(located(place, tree, f"cannot read {given.file}: {reason}"))
            return np.empty(0)
    # A factor stands for the unit of the file, so ranges are judged after it.
    values, faults = read_hourly(texts[path], given.column, "any")
    values = values * given.factor
    if not faults:
        faults = range_faults(values, ending)
    problems += [located(place, tree, fault.words(given.file)) for fault in faults]
    return values
