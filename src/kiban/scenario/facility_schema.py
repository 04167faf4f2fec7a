"""The form of a facility file: one hall, its weather, cooling, power path and load."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from kiban.scenario.hall_part import AirClass, PhasePart, PowerPathPart, WaterClass
from kiban.scenario.site_part import CoolingKind
from kiban.scenario.values import Fraction, Identifier, Number, Part, ScenarioName, Switch, Whole

FileName = Annotated[str, StringConstraints(min_length=1, max_length=400)]


class WeatherPart(Part):
    """Where the hourly weather comes from: normals of a place, or a file."""

    site: Identifier | None = Field(default=None, description="Place of the catalogue whose normals make the year")
    seed: Annotated[Whole, Field(ge=0, le=2**31)] = Field(default=1, description="Draw of the synthetic year")
    file: FileName | None = Field(default=None, description="EPW, TMY3, NSRDB, PVGIS or Open-Meteo-style CSV")
    drop_leap_day: Switch = Field(default=False, description="Leave out 29 February of a file of 8784 hours")
    utc_offset_h: Annotated[Number, Field(ge=-12, le=14)] | None = Field(
        default=None, description="Offset of a CSV's stamps from UTC where the file does not say it, hours"
    )
    temperature_unit: Literal["celsius", "fahrenheit", "kelvin"] = Field(
        default="celsius", description="Unit of the temperatures of the file"
    )

    @model_validator(mode="after")
    def _one_source(self) -> WeatherPart:
        if (self.site is None) == (self.file is None):
            raise ValueError("weather needs either site or file")
        return self


class LoadPart(Part):
    """IT load through the year: a constant share, or a file of MW."""

    mean_frac: Annotated[Number, Field(gt=0, le=1)] = Field(default=0.8, description="Load over it_mw, constant")
    file: FileName | None = Field(default=None, description="CSV with one row for each of 8760 hours")
    column: str = Field(default="it_mw", max_length=80, description="Heading of the load in MW")
    drop_leap_day: Switch = Field(default=False, description="Leave out 29 February of a file of 8784 hours")


class PowerPart(PowerPathPart):
    """How power reaches the racks, and what the grid connects."""

    connection_mw: Annotated[Number, Field(gt=0, le=20_000)] | None = Field(
        default=None, description="Grid connection; hours above it are counted"
    )


class ConstructionPart(Part):
    """What the hall costs to build; left out, nothing is said of cost."""

    state: Identifier = Field(description="State or city whose cost level is used, such as tx")
    price_year: Annotated[Whole, Field(ge=2020, le=2040)] = Field(default=2026, description="Year of the money")
    phases: list[PhasePart] = Field(min_length=1, max_length=40, description="Phases; their MW sum to it_mw")


class FacilityFile(Part):
    """One hall through one hourly year."""

    kiban_facility: Literal[1] = Field(description="Version of the form")
    name: ScenarioName = Field(description="Name of the hall")
    weather: WeatherPart = Field(description="Hourly weather")
    cooling: CoolingKind = Field(description="Kind of cooling plant")
    it_mw: Annotated[Number, Field(gt=0, le=15_000)] = Field(description="Critical IT MW")
    load: LoadPart = Field(default=LoadPart(), description="IT load")
    power: PowerPart = Field(default=PowerPart(), description="Power path")
    air_class: AirClass | None = Field(
        default=None, description="ASHRAE air class: supply air up to its recommended maximum"
    )
    allowable: Switch = Field(default=False, description="Use the allowable instead of the recommended maximum")
    water_class: WaterClass | None = Field(
        default=None, description="ASHRAE water class: facility water up to its maximum"
    )
    liquid_share_frac: Fraction | None = Field(default=None, description="Share of IT heat that cold plates take")
    grid_water_l_per_kwh: Annotated[Number, Field(ge=0, le=50)] = Field(
        default=0.0, description="Water of power stations per kWh of grid power, for source WUE"
    )
    construction: ConstructionPart | None = Field(default=None, description="Cost and time of the build")
    parameters: dict[str, Number] = Field(
        default={}, description="Parameters of the plant by name, such as tower_approach_k: 4"
    )

    @model_validator(mode="after")
    def _phases_sum(self) -> FacilityFile:
        if self.construction is not None:
            total = sum(phase.it_mw for phase in self.construction.phases)
            if abs(total - self.it_mw) > 1e-6 * self.it_mw:
                raise ValueError(f"phases sum to {total:g} MW, it_mw is {self.it_mw:g}")
        return self
