"""The part of a scenario that says what the plan minds and what is asked of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from kiban.scenario.values import Number, Part, Whole


class PlanPart(Part):
    """Caution of the plan, and the measures that are taken of it."""

    cvar_level_frac: Annotated[Number, Field(ge=0.0, le=0.99)] = Field(
        default=0.9, description="Share of futures that do not count as bad: 0.9 minds the mean of the worst tenth"
    )
    cvar_weight_frac: Annotated[Number, Field(ge=0.0, le=0.99)] = Field(
        default=0.0, description="Weight of the bad futures in the plan's aim; 0 maximises expected value"
    )
    frontier_count: Whole = Field(
        default=5, ge=0, le=20, description="Plans between most value and least bad futures; 0 for none"
    )
    measures: Literal["none", "quick", "full"] = Field(
        default="quick",
        description="Value of foresight, of answering all futures and of late starts; full adds least regret, building "
        "in pieces and the end of each option",
    )
