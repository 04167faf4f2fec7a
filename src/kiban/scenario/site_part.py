"""The sites of the scenario file: what is signed there, what the grid connects, which rungs are open."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from kiban.scenario.hall_part import (
    AirClass,
    PowerPathPart,
    SiteConstructionPart,
    WaterClass,
    phases_that_do_not_fit,
)
from kiban.scenario.values import Identifier, Number, Part, QuarterText, Switch

HallRungKind = Literal["operator_sublet", "landlord_lease", "build_to_suit", "owned"]
CoolingKind = Literal[
    "air_economizer_adiabatic",
    "air_economizer_water_chiller",
    "air_economizer_air_chiller",
    "water_chiller_economizer",
    "water_chiller",
    "air_chiller_economizer",
    "air_chiller",
    "direct_expansion",
    "liquid_dry_cooler",
    "liquid_tower",
    "hybrid_liquid_air",
    "immersion_single_phase",
    "immersion_two_phase",
]


class Committed(Part):
    """Capacity that is already signed."""

    quarter: QuarterText = Field(description="First quarter with power at the racks")
    it_mw: Annotated[Number, Field(gt=0, le=15_000)] = Field(description="Critical IT MW")
    accelerator: Identifier | None = Field(
        default=None, description="Accelerator already ordered for it (paid on delivery, counts against the budget)"
    )
    note: str = Field(default="", max_length=400, description="What was signed, as reported")


class GridStep(Part):
    """Load that the grid connects at a site."""

    quarter: QuarterText = Field(description="First quarter in which it may draw power")
    it_mw: Annotated[Number, Field(gt=0, le=15_000)] = Field(description="IT MW added by this step")


class SitePart(Part):
    """One place with its grid, limits and open rungs."""

    name: Identifier = Field(description="Name of the site in this file")
    weather: Identifier = Field(description="Catalogue site whose weather normals are used")
    state: Identifier = Field(description="State or region whose taxes and policy events apply, such as tx")
    grid: Identifier = Field(description="Market whose hourly price is used")
    cooling: CoolingKind = Field(default="liquid_dry_cooler", description="Kind of cooling plant")
    power: PowerPathPart | None = Field(
        default=None,
        description="How power reaches the racks; left out, a UPS of double conversion at the catalogue's mean load",
    )
    air_class: AirClass | None = Field(
        default=None,
        description="ASHRAE air class: supply air up to its recommended maximum; left out, the catalogue's set-points",
    )
    allowable: Switch = Field(
        default=False, description="Use the allowable instead of the recommended maximum of the air class"
    )
    water_class: WaterClass | None = Field(
        default=None,
        description="ASHRAE water class: facility water of cold plates up to its maximum; left out, the catalogue's",
    )
    rungs: list[HallRungKind] = Field(
        min_length=1,
        max_length=4,
        description="Hall rungs that may be used here; cloud and neocloud are opened under ladder",
    )
    committed_rung: HallRungKind | None = Field(
        default=None, description="Rung of the signed capacity; needed with `committed`"
    )
    committed: list[Committed] = Field(default=[], max_length=20, description="Signed capacity, by quarter")
    max_it_mw: Annotated[Number, Field(ge=0, le=15_000)] = Field(description="Most IT MW that land and grid allow")
    grid_ready_quarter: QuarterText | None = Field(
        default=None, description="First quarter in which new (not committed) load may be energised"
    )
    grid_steps: list[GridStep] = Field(
        default=[],
        max_length=20,
        description="Load that the grid connects by quarter, signed capacity included; empty means all from the start",
    )
    construction: SiteConstructionPart | None = Field(
        default=None,
        description="When new halls have power; left out, the plan counts on the middle of the schedule",
    )
    operator: str = Field(default="", max_length=120, description="Landlord or operator, as reported")
    tenant: str = Field(default="", max_length=120, description="Tenant, as reported")

    @model_validator(mode="after")
    def _capacity_fits(self) -> SitePart:
        problems = []
        if self.committed and self.committed_rung is None:
            problems.append("committed capacity needs committed_rung")
        if sum(c.it_mw for c in self.committed) > self.max_it_mw + 1e-9:
            problems.append("committed it_mw is more than max_it_mw")
        phases = [p.it_mw for p in self.construction.phases] if self.construction else []
        problems += phases_that_do_not_fit(self.max_it_mw, [c.it_mw for c in self.committed], phases)
        if problems:
            raise ValueError("; ".join(problems))
        return self
