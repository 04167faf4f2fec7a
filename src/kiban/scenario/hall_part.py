"""What a hall is made of, as the files of a scenario and of one hall name it: power path, ASHRAE classes, phases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from kiban.scenario.values import Number, Part, Whole

AirClass = Literal["a1", "a2", "a3", "a4", "h1"]
WaterClass = Literal["w17", "w27", "w32", "w40", "w45"]
WITH_COLD_PLATES = ("liquid_dry_cooler", "liquid_tower", "hybrid_liquid_air")
"""Kinds of cooling whose water goes to cold plates: a water class says how warm it may be."""


class PowerPathPart(Part):
    """How power reaches the racks."""

    ups: Literal["double_conversion", "eco", "dc_800v"] = Field(default="double_conversion", description="UPS mode")
    redundancy: Literal["n", "n_plus_1", "distributed_4_3", "two_n"] = Field(
        default="distributed_4_3", description="Spare units; more of them lower the load of each"
    )
    units: Annotated[Whole, Field(ge=1, le=100)] = Field(default=4, description="Units that the load needs (n_plus_1)")


class PhasePart(Part):
    """One phase of the build."""

    it_mw: Annotated[Number, Field(gt=0, le=15_000)] = Field(description="Critical IT MW of the phase")
    start_month: Annotated[Number, Field(ge=0, le=240)] = Field(default=0, description="Month in which it starts")


class SiteConstructionPart(Part):
    """When new halls of a site have power."""

    ready: Literal["p10", "p50", "p90"] = Field(
        default="p50", description="Month of the schedule by which the plan counts on power at the racks"
    )
    phases: list[PhasePart] = Field(
        default=[],
        max_length=40,
        description="Phases of new halls, such as {it_mw: 40, start_month: 12}, months from the scenario's start; "
        "no more than what is ready may be in service. Empty: any amount at any time",
    )


def phases_that_do_not_fit(max_it_mw: float, signed_it_mw: Sequence[float], phases_it_mw: Sequence[float]) -> list[str]:
    """Give one sentence if phases need more than signed capacity leaves of a site; none if that alone is too much."""
    left, wanted = max_it_mw - sum(signed_it_mw), sum(phases_it_mw)
    if left < 0 or wanted <= left + 1e-9:
        return []
    kilowatts = next((mw for mw in phases_it_mw if mw > max_it_mw >= mw / 1000), None)
    hint = f" (looks like kW: write {kilowatts / 1000:g})" if kilowatts else ""
    return [f"construction has phases whose it_mw sum to {wanted:g}, but max_it_mw leaves {left:g}{hint}"]


def keys_without_effect(hall: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Give (key, message, details) of what changes nothing about a hall; keys that are not there count as left out."""
    cooling, water = hall.get("cooling"), hall.get("water_class")
    if water and isinstance(cooling, str) and cooling not in WITH_COLD_PLATES:
        message = f"water_class changes nothing about {cooling}: it has no cold plates; leave it out"
        yield "water_class", message, {"found": str(water), "allowed": "with " + ", ".join(WITH_COLD_PLATES)}
    if hall.get("allowable") is True and not hall.get("air_class"):
        yield "allowable", "allowable changes nothing without air_class", {"found": "true"}
