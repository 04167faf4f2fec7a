"""The kinds of value that a scenario field may hold: numbers, names, quarters, and ranges with a reason."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
    model_validator,
)


def _whole_number(value: Any) -> Any:
    """Let 50e3 stand for 50000; anything else is left to the strict check that follows."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Number = Annotated[float, Strict()]
Whole = Annotated[int, BeforeValidator(_whole_number), Strict()]
Switch = Annotated[bool, Strict()]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
ScenarioName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,59}$")]
QuarterText = Annotated[str, StringConstraints(pattern=r"^20[2-6]\d{1}Q[1-4]$")]
Fraction = Annotated[Number, Field(ge=0.0, le=1.0)]
Money = Annotated[Number, Field(ge=0.0, le=1e14)]
Positive = Annotated[Number, Field(gt=0.0, le=1e15)]


class Part(BaseModel):
    """Base of every part: unknown keys are errors, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True)


class Range(Part):
    """A base value with the 5-95 % range it is believed to lie in, and why."""

    value: Annotated[Number, Field(ge=-1e15, le=1e15)] = Field(description="Base value")
    low: Annotated[Number, Field(ge=-1e15, le=1e15)] = Field(description="Low end (5 %)")
    high: Annotated[Number, Field(ge=-1e15, le=1e15)] = Field(description="High end (95 %)")
    why: str = Field(default="", max_length=400, description="Reason or source")

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"needs low <= value <= high, found {self.low:g} / {self.value:g} / {self.high:g}")
        return self


def _inside(low: float, high: float) -> AfterValidator:
    """Hold all three numbers of a Range between two bounds."""

    def check(entry: Range) -> Range:
        bad = [
            f"{key} must lie between {low:g} and {high:g}, found {number:g}"
            for key, number in (("value", entry.value), ("low", entry.low), ("high", entry.high))
            if not low <= number <= high
        ]
        if bad:
            raise ValueError("; ".join(bad))
        return entry

    return AfterValidator(check)


FractionRange = Annotated[Range, _inside(0.0, 1.0)]
MoneyRange = Annotated[Range, _inside(0.0, 1e14)]
PriceRange = Annotated[Range, _inside(1e-6, 1e6)]
FactorRange = Annotated[Range, _inside(0.01, 100.0)]
MultipleRange = Annotated[Range, _inside(0.0, 100.0)]
MonthsRange = Annotated[Range, _inside(0.0, 240.0)]
