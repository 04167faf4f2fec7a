"""Facility file -> FacilityFile, with every problem at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from kiban.scenario.facility_schema import FacilityFile
from kiban.scenario.hall_part import keys_without_effect
from kiban.scenario.load import merge_file
from kiban.scenario.problems import Problem, ScenarioError, nearest_name
from kiban.scenario.translate import located, translate

if TYPE_CHECKING:
    from kiban.catalog import Catalog


def load_facility(
    path: str | Path, variant: str | None, catalog: Catalog, parameters: Mapping[str, tuple[float, float]]
) -> FacilityFile:
    """Read a facility file.

    Arguments: path, variant or None, catalogue, lowest and highest value of each parameter of a plant by name.
    Errors: ScenarioError with every problem, each with line, what is allowed and the nearest name.
    """
    tree = merge_file(path, variant).tree
    raw = tree.plain()
    problems: list[Problem] = []
    form = None
    try:
        form = FacilityFile.model_validate(raw)
    except ValidationError as error:
        problems += translate(error, tree, FacilityFile)
    if isinstance(raw, dict):
        problems += [located((key,), tree, message, **more) for key, message, more in keys_without_effect(raw)]
    weather = raw.get("weather") if isinstance(raw, dict) else None
    if isinstance(weather, dict) and isinstance(weather.get("site"), str):
        places = sorted(set(catalog.table("weather_normals").texts("site")))
        problems += _unknown(("weather", "site"), weather["site"], places, "catalogue place", tree)
    given = raw.get("parameters") if isinstance(raw, dict) else None
    for name, value in (given or {}).items() if isinstance(given, dict) else ():
        problems += _unknown(("parameters", name), name, list(parameters), "parameter of a plant", tree)
        if name in parameters and isinstance(value, (int, float)) and not isinstance(value, bool):
            low, high = parameters[name]
            if not low <= value <= high:
                problems.append(
                    located(
                        ("parameters", name),
                        tree,
                        f"{name} is outside what the curves hold for",
                        found=f"{value:g}",
                        allowed=f"{low:g} to {high:g}",
                    )
                )
    if problems or form is None:
        raise ScenarioError(sorted(problems, key=lambda p: p.line or 0))
    return form


def _unknown(path: tuple[str, ...], name: str, known: Sequence[str], what: str, tree: object) -> list[Problem]:
    if name in known:
        return []
    nearest = nearest_name(name, list(known))
    return [located(path, tree, f"no {what} has this name", found=name, nearest=nearest)]  # type: ignore[arg-type]
