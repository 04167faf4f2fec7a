"""Reading an energy file with its hourly series: one form, the arrays it names, and every problem at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from kiban.scenario.energy_schema import Column, EnergyFile
from kiban.scenario.load import merge_file
from kiban.scenario.problems import Problem, ScenarioError
from kiban.scenario.textfile import read_text_file
from kiban.scenario.translate import located, translate
from kiban.scenario.yamltext import Node
from kiban.units import HOURS_PER_YEAR
from kiban.units.hourly import HourlyTable, range_faults, read_column, read_table
from kiban.units.hourly_time import Fault

Array = NDArray[np.float64]
Place = tuple[str | int, ...]

MOST_SERIES_BYTES = 50_000_000
_KW_FOR_MW = 50.0
"""A load this many times its connection is in another unit, not a site that makes nearly all its power."""
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
    notes: tuple[str, ...] = ()
    """What was done to the hourly files."""

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
    files = _Files(Path(path).parent, form.drop_leap_day, tree, problems)
    found: dict[str, Array | float] = {}
    for place, ending, given in _series_of(form):
        name = ".".join(str(p) for p in place)
        if isinstance(given, Column):
            found[name] = files.column(given, ending, place)
        else:
            found[name] = float(given)
    lengths = {k: v.size for k, v in found.items() if isinstance(v, np.ndarray) and v.size}
    hours = max(lengths.values(), default=HOURS_PER_YEAR)
    for name, size in lengths.items():
        if size != hours and not problems:
            place = tuple(int(p) if p.isdigit() else p for p in name.split("."))
            problems.append(located(place, tree, f"{size} hours, where another series has {hours}"))
    if not problems:
        problems += [*files.clocks(), *_kilowatts(form, found, tree)]
    tariff = _tariff(Path(path).parent, form, tree, problems)
    if problems:
        raise ScenarioError(problems)
    series = {k: np.broadcast_to(np.asarray(v), (hours,)).copy() for k, v in found.items()}
    return LoadedEnergy(form, hours, series, tariff, files.notes())


def _tariff(folder: Path, form: EnergyFile, tree: Node, problems: list[Problem]) -> Any:
    if form.connection is None or form.connection.tariff is None:
        return None
    name, place = form.connection.tariff.file, ("connection", "tariff", "file")
    try:
        text = read_text_file(folder / name, MOST_SERIES_BYTES)
    except ValueError as error:
        problems.append(located(place, tree, f"{name} {error}"))
        return None
    try:
        found = json.loads(text)
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


class _Files:
    """Hourly files of one form: each is read once, and its faults are told once."""

    def __init__(self, folder: Path, drop_leap_day: bool, tree: Node, problems: list[Problem]) -> None:
        self._folder, self._drop, self._tree, self._problems = folder, drop_leap_day, tree, problems
        self._tables: dict[str, HourlyTable] = {}
        self._places: dict[str, Place] = {}

    def column(self, given: Column, ending: str, place: Place) -> Array:
        """Values of a column, empty where it has faults."""
        if given.file not in self._tables:
            self._tables[given.file] = self._table(given.file, place)
            self._places[given.file] = place
        table = self._tables[given.file]
        # A factor stands for the unit of the file, so ranges are judged after it.
        values, faults = read_column(table, given.column, "any")
        values = values * given.factor
        if not faults and not table.faults:
            faults = range_faults(values, ending, table.lines)
        self._tell(place, given.file, faults)
        return values

    def _table(self, name: str, place: Place) -> HourlyTable:
        try:
            table = read_table(read_text_file(self._folder / name, MOST_SERIES_BYTES), self._drop)
        except ValueError as error:
            self._problems.append(located(place, self._tree, f"{name} {error}"))
            return HourlyTable((), [], [], ())
        self._tell(place, name, table.faults)
        return table

    def _tell(self, place: Place, name: str, faults: Iterable[Fault]) -> None:
        self._problems.extend(located(place, self._tree, fault.words(name)) for fault in faults)

    def clocks(self) -> Iterator[Problem]:
        """Files that say whose hours theirs are, and do not agree."""
        known = {name: table.clock for name, table in self._tables.items() if table.clock}
        first = next(iter(known), "")
        for name, clock in known.items():
            if clock != known[first]:
                words = f"{name} is in {clock}, {first} in {known[first]}; give all files in local standard time"
                yield located(self._places[name], self._tree, words)

    def notes(self) -> tuple[str, ...]:
        """What was left out, and whose clock counts."""
        dropped = {name: table.dropped_h for name, table in self._tables.items() if table.dropped_h}
        utc = [name for name, table in self._tables.items() if table.clock == "UTC"]
        said = [f"{name}: {hours} hours of 29 February left out" for name, hours in dropped.items()]
        return (*said, *(f"{name} is in UTC: its hours of the day and its months are those of UTC" for name in utc))


def _kilowatts(form: EnergyFile, found: dict[str, Array | float], tree: Node) -> Iterator[Problem]:
    """A load far beyond the connection that carries it was written in kW."""
    if form.connection is None:
        return
    given = form.connection.limit_mw
    limit = max(given) if isinstance(given, tuple) else given
    load = float(np.max(found["series.load_mw"]))
    if limit > 0 and load > _KW_FOR_MW * limit:
        words = f"load up to {load:,.6g} MW behind a connection of {limit:g} MW; looks like kW: give factor: 0.001"
        yield located(("series", "load_mw"), tree, words)
