"""A number of a project file: alone, with its range, or the row of the catalogue that holds it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from kiban.scenario.values import Number, Part

FORMS = "a number, {value, low, high, why}, or {key: row of the catalogue, times: factor}"

Bounded = Annotated[Number, Field(ge=-1e15, le=1e15)]


class Figure(Part):
    """A number, with the 5-95 % range it is believed to lie in where one is given.

    A figure given by ``key`` is looked up before the form is checked, so it holds the row's numbers here.
    """

    value: Bounded = Field(description="Base value")
    low: Bounded | None = Field(default=None, description="Low end (5 %)")
    high: Bounded | None = Field(default=None, description="High end (95 %)")
    why: str = Field(default="", max_length=400, description="Reason or source")
    key: str = Field(default="", max_length=200, description="Row of the catalogue that holds the number")
    times: Bounded = Field(default=1.0, description="Factor on the row, for example a count")

    @model_validator(mode="before")
    @classmethod
    def _of_a_number(cls, entry: Any) -> Any:
        if isinstance(entry, dict | Figure):
            return entry
        if isinstance(entry, bool) or not isinstance(entry, int | float):
            raise ValueError(f"must be {FORMS}")
        return {"value": entry}

    @model_validator(mode="after")
    def _ordered(self) -> Figure:
        if (self.low is None) != (self.high is None):
            raise ValueError("needs low and high together")
        if self.low is not None and self.high is not None and not self.low <= self.value <= self.high:
            raise ValueError(f"needs low <= value <= high, found {self.low:g} / {self.value:g} / {self.high:g}")
        return self

    @property
    def is_range(self) -> bool:
        """Whether the number is uncertain."""
        return self.low is not None and self.high is not None and self.low < self.high


def _inside(low: float, high: float) -> AfterValidator:
    """Hold every number of a Figure between two bounds."""

    def check(entry: Figure) -> Figure:
        bad = [
            f"{name} must lie between {low:g} and {high:g}, found {number:g}"
            for name in ("value", "low", "high")
            if (number := getattr(entry, name)) is not None and not low <= number <= high
        ]
        if bad:
            raise ValueError("; ".join(bad))
        return entry

    return AfterValidator(check)


FractionFigure = Annotated[Figure, _inside(0.0, 1.0)]
RateFigure = Annotated[Figure, _inside(-0.5, 1.0)]
"""A change or a return a year."""
LossFigure = Annotated[Figure, _inside(0.0, 0.5)]
MoneyFigure = Annotated[Figure, _inside(0.0, 1e13)]
PriceFigure = Annotated[Figure, _inside(0.0, 1e9)]
AmountFigure = Annotated[Figure, _inside(0.0, 1e15)]
HoursFigure = Annotated[Figure, _inside(1.0, 8784.0)]
CoverFigure = Annotated[Figure, _inside(0.0, 100.0)]
PueFigure = Annotated[Figure, _inside(1.0, 3.0)]
MonthsFigure = Annotated[Figure, _inside(0.0, 24.0)]
ResidualFigure = Annotated[Figure, _inside(-1.0, 2.0)]
