"""The energy file as typed fields: one site's supply with its own hourly series and costs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from kiban.scenario.energy_extra_parts import OutagesPart, SwingsPart
from kiban.scenario.values import Fraction, Identifier, Number, Part, ScenarioName, Switch

Money = Annotated[Number, Field(ge=0.0, le=1e9)]
Price = Annotated[Number, Field(ge=-10_000.0, le=100_000.0)]
Power = Annotated[Number, Field(ge=0.0, le=1e5)]
Share = Annotated[Number, Field(ge=0.0, le=10.0)]
Efficiency = Annotated[Number, Field(gt=0.0, le=1.0)]
RuleName = Literal["none", "annual", "monthly", "hourly"]


class Column(Part):
    """A column of an hourly file."""

    file: str = Field(min_length=1, max_length=400, description="CSV file, from the folder of the energy file")
    column: str = Field(min_length=1, max_length=200, description="Heading of the column")
    factor: Annotated[Number, Field(gt=0.0, le=1e6)] = Field(
        default=1.0, description="Multiplies every value, such as 0.001 for a file in kW"
    )


class SeriesPart(Part):
    """Hourly series: a number that holds all year, or a column of a file."""

    load_mw: Column | Power = Field(description="Load of the site")
    price_usd_per_mwh: Column | Price = Field(description="Market price of what is bought")
    sale_usd_per_mwh: Column | Price | None = Field(default=None, description="Price of what is sold; empty: sale_frac")
    clean_frac: Column | Fraction = Field(default=0.0, description="Clean share of the grid")
    average_kg_co2_per_mwh: Column | Money | None = Field(default=None, description="Average signal of the grid")
    marginal_kg_co2_per_mwh: Column | Money | None = Field(default=None, description="Marginal signal of the grid")
    residual_kg_co2_per_mwh: Column | Money | None = Field(
        default=None, description="Residual mix of the grid, for the market-based figure; empty: the average signal"
    )


class DemandPart(Part):
    """A charge on the largest import."""

    name: Identifier = Field(default="demand", description="Name of the line of cost")
    usd_per_mw: Money = Field(description="Per MW of peak and month, or year")
    each: Literal["month", "year"] = Field(default="month", description="Of what the peak is")
    from_hour: Annotated[Number, Field(ge=0, le=23)] = Field(default=0, description="First hour of the day that counts")
    to_hour: Annotated[Number, Field(ge=1, le=24)] = Field(default=24, description="End of the window")


class TariffPart(Part):
    """A tariff of the Utility Rate Database."""

    file: str = Field(min_length=1, max_length=400, description="JSON file of the rate, from the folder of this file")
    year: Annotated[int, Field(ge=1990, le=2100)] = Field(description="Year whose weekends count")


class ConnectionPart(Part):
    """The connection to the grid."""

    limit_mw: Power | tuple[Power, ...] = Field(description="Largest import: one number, or one per quarter")
    export_limit_mw: Power = Field(default=0.0, description="Largest flow out of the site")
    adder_usd_per_mwh: Money = Field(default=0.0, description="Delivery and riders on all that comes through")
    sale_frac: Fraction | None = Field(default=None, description="Sale price over market price; empty: nothing is sold")
    certificates_sold: Switch = Field(
        default=False, description="Surplus is sold with its certificates, so that it matches no load"
    )
    demand: tuple[DemandPart, ...] = Field(default=(), description="Demand charges")
    tariff: TariffPart | None = Field(default=None, description="A utility tariff, on top of the market price")


class SourcePart(Part):
    """Wind, solar or a contract."""

    name: Identifier = Field(description="Name of the source")
    profile: Column | Fraction = Field(description="Output per MW: a column, or 1 for a baseload block")
    kind: Literal["own", "physical", "virtual"] = Field(
        default="own", description="Own plant on site, or a contract that delivers, or one that only settles in money"
    )
    usd_per_mw_year: Money = Field(default=0.0, description="Annuity and upkeep of own plant")
    usd_per_mwh: Money = Field(default=0.0, description="Strike, paid on all output")
    clean_frac: Fraction = Field(default=1.0, description="Share of the output that counts as clean")
    mw_min: Power = Field(default=0.0, description="Least size")
    mw_max: Power | None = Field(default=None, description="Largest size; empty: open")


class PlantPart(Part):
    """On-site plant that burns fuel."""

    name: Identifier = Field(description="Name of the plant")
    usd_per_mw_year: Money = Field(description="Annuity and fixed upkeep")
    usd_per_mwh: Money = Field(description="Fuel and variable upkeep")
    kg_co2_per_mwh: Money = Field(default=0.0, description="Emission per MWh of output")
    mw_min: Power = Field(default=0.0, description="Least size")
    mw_max: Power | None = Field(default=None, description="Largest size; empty: open")
    hours_max_per_year: Annotated[Number, Field(gt=0, le=8760)] | None = Field(
        default=None, description="Full-load hours a year that a permit allows"
    )
    available_frac: Fraction = Field(default=1.0, description="Share of the rating that runs on average")
    ramp_frac_per_h: Share | None = Field(default=None, description="Change of output per hour over the rating")


class BatteryPart(Part):
    """Storage."""

    usd_per_mw_year: Money = Field(description="Annuity and upkeep of power")
    usd_per_mwh_year: Money = Field(description="Annuity of energy")
    charge_frac: Efficiency = Field(default=0.93, description="Efficiency of charging")
    discharge_frac: Efficiency = Field(default=0.93, description="Efficiency of discharging")
    wear_usd_per_mwh: Money = Field(default=0.0, description="Ageing by use, per MWh taken out")
    usable_frac: Efficiency = Field(default=1.0, description="Usable share of energy in the middle of life")
    hours: Annotated[Number, Field(gt=0, le=1000)] | None = Field(
        default=None, description="Energy over power, if fixed"
    )
    mw_max: Power | None = Field(default=None, description="Largest power")
    reserve_mw: Power = Field(default=0.0, description="Power held back for swings of the load")
    reserve_mwh: Power = Field(default=0.0, description="Energy held back at both ends")


class FlexiblePart(Part):
    """Load that may be cut with notice."""

    frac: Fraction = Field(description="Largest share of the load")
    usd_per_mwh: Money = Field(description="Cost of a cut MWh")
    hours_max_per_year: Annotated[Number, Field(gt=0, le=8760)] | None = Field(default=None, description="Hours a year")
    notice_h: Annotated[Number, Field(ge=0, le=168)] = Field(default=0.0, description="Hours to full depth")


class CleanPart(Part):
    """The rule for clean energy."""

    rule: RuleName = Field(default="none", description="Matching by year, month or hour")
    frac: Fraction = Field(default=0.0, description="Share of the load")
    excess_max_frac: Share | None = Field(default=None, description="Surplus sold on, over the load")
    made_max_frac: Share | None = Field(default=None, description="Clean energy made, over the load")


class EnergyFile(Part):
    """One site: series, connection, what may be built or contracted, and the rule."""

    kiban_energy: Literal[1] = Field(description="Version of this form")
    name: ScenarioName = Field(description="Name of the site or case")
    title: str = Field(default="", max_length=200, description="Title for readers")
    series: SeriesPart = Field(description="Hourly series")
    drop_leap_day: Switch = Field(default=False, description="Leave out 29 February of hourly files that have it")
    connection: ConnectionPart | None = Field(default=None, description="Grid connection; empty: an island")
    sources: tuple[SourcePart, ...] = Field(default=(), description="Wind, solar and contracts")
    plants: tuple[PlantPart, ...] = Field(default=(), description="On-site plant")
    battery: BatteryPart | None = Field(default=None, description="Storage")
    flexible: FlexiblePart | None = Field(default=None, description="Load that may be cut")
    unserved_usd_per_mwh: Money | None = Field(default=None, description="Worth of lost load; empty: none may be lost")
    clean: CleanPart = Field(default=CleanPart(), description="Rule for clean energy")
    swings: SwingsPart | None = Field(default=None, description="Swings of training within seconds")
    outages: OutagesPart | None = Field(default=None, description="Outages of the grid and backup against them")
    compare: tuple[RuleName, ...] = Field(default=(), description="Further rules to solve beside, at the same share")
    pictures: Switch = Field(default=True, description="Draw pictures into the report")

    @model_validator(mode="after")
    def _fits(self) -> EnergyFile:
        found = []
        names = [s.name for s in self.sources] + [p.name for p in self.plants]
        found += [f"sources and plants need names of their own, {n} comes twice" for n in dict.fromkeys(names)
                  if names.count(n) > 1]  # fmt: skip
        if self.connection is None:
            found += [f"sources of an island are own, {s.name} is {s.kind}" for s in self.sources if s.kind != "own"]
        if self.swings is not None and self.swings.reserve and self.battery is None:
            found.append("swings.reserve holds back a part of the battery, and the file has none")
        backup = None if self.outages is None else self.outages.battery
        if backup is not None and isinstance(backup.start_frac, str) and self.battery is None:
            found.append(f"outages.battery.start_frac {backup.start_frac} looks at the battery, and the file has none")
        if found:
            raise ValueError("; ".join(found))
        return self
