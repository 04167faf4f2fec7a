"""Parts of the energy file beyond supply: swings of training within seconds, and outages of the grid."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from kiban.scenario.values import Fraction, Identifier, Number, Part, Switch

Money = Annotated[Number, Field(ge=0.0, le=1e9)]
Power = Annotated[Number, Field(ge=0.0, le=1e5)]
Seconds = Annotated[Number, Field(gt=0.0, le=1e6)]
Efficiency = Annotated[Number, Field(gt=0.0, le=1.0)]


class SwingJobPart(Part):
    """A load that goes to and fro between two levels."""

    name: Identifier = Field(description="Name of the job")
    high_mw: Power = Field(description="Draw while it computes")
    low_mw: Power = Field(description="Draw in the pause")
    step_s: Seconds = Field(description="Time of one step")
    pause_s: Seconds = Field(description="Of it, at the low level")
    edge_s: Annotated[Number, Field(ge=0.0, le=1e6)] = Field(
        default=0.0, description="Time from one level to the other; 0 = at once"
    )
    running_frac: Fraction = Field(default=1.0, description="Share of the year in which it runs")

    @model_validator(mode="after")
    def _fits(self) -> SwingJobPart:
        found = []
        if self.high_mw < self.low_mw:
            found.append(f"high_mw must be low_mw ({self.low_mw:g}) at least, found {self.high_mw:g}")
        if self.pause_s >= self.step_s:
            found.append(f"pause_s must be shorter than step_s ({self.step_s:g}), found {self.pause_s:g}")
        elif self.edge_s > min(self.pause_s, self.step_s - self.pause_s):
            found.append(f"edge_s must fit into the pause and the rest of the step, found {self.edge_s:g}")
        if found:
            raise ValueError("; ".join(found))
        return self


class SwingsPart(Part):
    """Swings of training and the limits of the connection within seconds."""

    jobs: tuple[SwingJobPart, ...] = Field(min_length=1, description="Loads that swing; their draws add up")
    ramp_mw_per_min: Power | None = Field(default=None, description="Steepest change of the draw; empty: no limit")
    amplitude_mw: Power | None = Field(default=None, description="Largest swing, peak to trough; empty: no limit")
    energy_usd_per_mwh: Money | None = Field(
        default=None, description="Price of what is lost; empty: the mean market price and what the connection adds"
    )
    pue: Annotated[Number, Field(ge=1.0, le=3.0)] = Field(default=1.2, description="Facility over IT power")
    discount_frac: Fraction = Field(default=0.08, description="Discount rate of storage that the catalogue prices")
    floor_max_mw: Power | None = Field(default=None, description="Highest draw that a power floor holds; empty: any")
    groups_max: Annotated[Number, Field(ge=1, le=1e6)] = Field(
        default=1, description="Groups of each job whose steps may be shifted against each other"
    )
    work_usd_per_it_mwh: Money | None = Field(
        default=None, description="Worth of the work of an IT MWh, some of which shifting loses; empty: not known"
    )
    reserve: Switch = Field(default=False, description="Hold back power and energy of the battery for the swings")

    @model_validator(mode="after")
    def _limited(self) -> SwingsPart:
        if self.ramp_mw_per_min is None and self.amplitude_mw is None:
            raise ValueError("a limit is needed: ramp_mw_per_min, amplitude_mw or both")
        return self


class BackupPart(Part):
    """A generator that only runs in outages."""

    usd_per_mw: Money = Field(description="Capital and upkeep, present value")
    usd_per_mwh: Money = Field(description="Fuel")
    mw_max: Power | None = Field(default=None, description="Largest size; empty: open")
    fuel_mwh: Money | None = Field(default=None, description="What the fuel on site gives in one outage; empty: enough")


class BackupBatteryPart(Part):
    """Storage for outages, beside the battery that trades."""

    usd_per_mw: Money = Field(description="Capital and upkeep of power, present value")
    usd_per_mwh: Money = Field(description="Capital of energy, present value")
    mw_max: Power | None = Field(default=None, description="Largest power; empty: open")
    mwh_max: Money | None = Field(default=None, description="Largest energy; empty: open")
    charge_frac: Efficiency = Field(default=0.96, description="Efficiency of charging")
    discharge_frac: Efficiency = Field(default=0.96, description="Efficiency of discharging")
    start_frac: Fraction | Literal["dispatch", "worst"] = Field(
        default=1.0,
        description="Share stored when an outage begins: a number, that of the battery in the hour, or its least",
    )
    least_frac: Fraction = Field(default=0.0, description="Share that is never used")


class OutagesPart(Part):
    """Outages of the grid, what they cost, and a backup sized against them."""

    durations_h: tuple[Annotated[int, Field(ge=1, le=720)], ...] = Field(min_length=1, description="Lengths, hours")
    probability_frac: tuple[Fraction, ...] = Field(description="Chance of each length")
    every_h: Annotated[int, Field(ge=1, le=8760)] = Field(
        default=168, description="An outage may begin every so many hours of the year"
    )
    critical_frac: Fraction = Field(default=1.0, description="Share of the load that goes on in an outage")
    lost_load_usd_per_mwh: Money = Field(description="Worth of lost load")
    present_worth: Annotated[Number, Field(gt=0.0, le=100.0)] = Field(
        default=1.0, description="Present worth of one dollar a year over the study"
    )
    survive_h: Annotated[int, Field(ge=0, le=720)] = Field(
        default=0, description="Hours at the start of every outage in which nothing may be lost"
    )
    generator: BackupPart | None = Field(default=None, description="Generator that may be bought")
    battery: BackupBatteryPart | None = Field(default=None, description="Battery that may be bought")

    @model_validator(mode="after")
    def _fits(self) -> OutagesPart:
        found = []
        if len(self.durations_h) != len(self.probability_frac):
            found.append(f"{len(self.probability_frac)} probabilities for {len(self.durations_h)} durations")
        if sum(self.probability_frac) > 1 + 1e-9:
            found.append(f"probabilities add up to {sum(self.probability_frac):g}, at most 1 allowed")
        if self.battery is not None and not isinstance(self.battery.start_frac, str):
            low = self.battery.least_frac
            if self.battery.start_frac < low:
                found.append(f"battery: start_frac must be least_frac ({low:g}) at least")
        if found:
            raise ValueError("; ".join(found))
        return self
