"""The scenario file as typed fields: one definition for checks, JSON Schema, the template and the docs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from kiban.scenario.finance_part import FinancePart
from kiban.scenario.planpart import PlanPart
from kiban.scenario.site_part import Committed, SitePart
from kiban.scenario.values import (
    FactorRange,
    Fraction,
    FractionRange,
    Identifier,
    Money,
    MoneyRange,
    MonthsRange,
    MultipleRange,
    Number,
    Part,
    Positive,
    PriceRange,
    QuarterText,
    Range,
    ScenarioName,
    Switch,
    Whole,
)  # fmt: skip
from kiban.scenario.workload_part import Workload

__all__ = [
    "ClaimPart", "Committed", "DemandPart", "EnergyPart", "FinancePart", "Futures", "Horizon", "Ladder", "Override",
    "Part", "PlanPart", "Range", "Region", "RiskPart", "Scenario", "SitePart", "Workload", "whole_problems",
]  # fmt: skip

MOST_HISTORIES = 100


class Horizon(Part):
    """Time: first quarter, length, and the year of money."""

    start_quarter: QuarterText = Field(default="2026Q4", description="First quarter; decisions of today are taken here")
    length_quarters: Whole = Field(default=40, ge=8, le=80, description="Quarters that are modelled")
    price_year: Whole = Field(default=2026, ge=2015, le=2040, description="Year of real money")


class SampledPart(Part):
    """A tree from sampled paths instead of the named futures alone."""

    samples_count: Annotated[Whole, Field(ge=64, le=65_536)] = Field(
        default=4096, description="Sampled paths; powers of two are best"
    )
    branches_count: Annotated[Whole, Field(ge=2, le=6)] = Field(
        default=3, description="Branches of a node at each branching"
    )
    growth_vol_per_sqrt_year: Annotated[Number, Field(ge=0, le=2)] = Field(
        default=0.25, description="Noise on log revenue around the future's growth"
    )
    token_price_vol_per_sqrt_year: Annotated[Number, Field(ge=0, le=2)] = Field(
        default=0.15, description="Noise on the log token price around the future's change"
    )
    rent_vol_per_sqrt_year: Annotated[Number, Field(ge=0, le=2)] = Field(
        default=0.7, description="Noise on log rent around the future's level (H100 rents: 0.4 to 1.35)"
    )


class Futures(Part):
    """The named futures of the scenario tree and when they part."""

    branch_quarters: list[Annotated[Whole, Field(ge=1, le=79)]] = Field(
        default=[4, 12], max_length=4, description="Quarters from the start at which the tree branches"
    )
    names: list[Identifier] = Field(
        default=["boom", "plateau", "bust"],
        min_length=1,
        max_length=4,
        description="Names of the futures, best first",
    )
    probability: list[Fraction] = Field(
        default=[0.35, 0.4, 0.25], description="Chance of each future at the first branch"
    )
    persistence_frac: Fraction = Field(
        default=0.6, description="Chance that a future continues at a later branch; the rest follows `probability`"
    )
    revenue_growth_per_year: list[list[Number]] = Field(
        default=[[2.2, 1.6, 1.25], [1.6, 1.2, 1.08], [1.05, 0.85, 1.02]],
        description="Growth multiple of revenue per year, one row per future: years 1-2, 3-5, later",
    )
    token_price_change_per_year: list[Number] = Field(
        default=[-0.15, -0.3, -0.55],
        description="Change of the blended token price per year, by future (-0.3 = falls 30 %)",
    )
    rent_factor: list[Number] = Field(
        default=[1.25, 0.9, 0.45],
        description="Level to which the rental market reverts, against today's rent of the same chip, by future",
    )

    power_price_factor: list[Number] = Field(
        default=[],
        description="Multiplier on the price of electricity from the first branching on, by future; empty means 1",
    )

    sampled: SampledPart | None = Field(
        default=None, description="Sample paths around the futures and reduce them to a tree; empty means named futures"
    )

    @model_validator(mode="after")
    def _shapes(self) -> Futures:
        n = len(self.names)
        problems = [
            f"{key} has {len(values)} entries but names has {n}"
            for key, values in (
                ("probability", self.probability),
                ("revenue_growth_per_year", self.revenue_growth_per_year),
                ("token_price_change_per_year", self.token_price_change_per_year),
                ("rent_factor", self.rent_factor),
            )
            if len(values) != n
        ]
        if self.power_price_factor and len(self.power_price_factor) != n:
            problems.append(f"power_price_factor has {len(self.power_price_factor)} entries but names has {n}")
        if any(not 0.05 <= f <= 20 for f in self.power_price_factor):
            problems.append("power_price_factor must lie between 0.05 and 20")
        if len(set(self.names)) != n:
            problems.append("names repeats a future")
        if abs(sum(self.probability) - 1) > 1e-9:
            problems.append(f"probability sums to {sum(self.probability):g}, it must sum to 1")
        each = self.sampled.branches_count if self.sampled else n
        histories = each ** len(self.branch_quarters)
        if self.sampled and not self.branch_quarters:
            problems.append("sampled needs at least one of branch_quarters")
        if self.sampled and self.power_price_factor:
            problems.append("power_price_factor needs named futures; a sampled tree has none in force")
        if histories > MOST_HISTORIES:
            problems.append(
                f"{each} branches at {len(self.branch_quarters)} branchings are {histories} histories; at most 100"
            )
        if sorted(set(self.branch_quarters)) != self.branch_quarters:
            problems.append("branch_quarters must rise")
        for name, row in zip(self.names, self.revenue_growth_per_year, strict=False):
            if len(row) != 3 or any(not 0.05 <= g <= 20 for g in row):
                problems.append(f"revenue_growth_per_year of {name} needs three multiples between 0.05 and 20")
        if any(not -0.95 <= c <= 1.0 for c in self.token_price_change_per_year):
            problems.append("token_price_change_per_year must lie between -0.95 and 1")
        if any(not 0.02 <= f <= 20 for f in self.rent_factor):
            problems.append("rent_factor must lie between 0.02 and 20")
        if problems:
            raise ValueError("; ".join(problems))
        return self


class Region(Part):
    """Where users are, and what must stay there."""

    name: Identifier = Field(description="Name of the region")
    share_frac: Fraction = Field(description="Share of inference traffic")
    residency_frac: Fraction = Field(
        default=0.0, description="Share of that traffic that must be served inside the region"
    )


class DemandPart(Part):
    """The company's own need of compute."""

    run_rate_revenue_usd_per_year: MoneyRange = Field(description="Revenue run rate at the start")
    programme_share_frac: FractionRange = Field(
        description="Share of the company's compute need that this programme may serve (the rest has other contracts)"
    )
    inference_revenue_frac: Annotated[Number, Field(ge=0.01, le=1.0)] = Field(
        default=0.97,
        description="Share of revenue that is earned by serving tokens; research compute is given per unit of serving",
    )
    blended_token_price_usd_per_mtok: PriceRange = Field(
        description="Revenue per million tokens, prompt (cached or not) and answer together"
    )
    compute_value_frac: Fraction = Field(
        default=0.6,
        description="Share of token revenue that is left to pay for compute after all other cost of serving a customer",
    )
    research_compute_multiple: MultipleRange = Field(
        description="Research and training compute per unit of inference compute (accelerator-hours)"
    )
    training_value_multiple: Annotated[Number, Field(ge=0.0, le=20)] = Field(
        default=1.5, description="What a training FLOP is worth at most, as a multiple of its cost at today's rent"
    )
    serving_overhead_multiple: FactorRange = Field(
        default=Range(value=1.0, low=1.0, high=1.0),
        description="Tokens served for each token that earns: free use, own use, hidden reasoning, retries, spare room",
    )
    serving_gain_per_year: FactorRange = Field(
        description="Growth multiple per year of tokens per accelerator by software and algorithms, at fixed quality"
    )
    regions: list[Region] = Field(min_length=1, max_length=6, description="Where the users are; share_frac sums to 1")

    @model_validator(mode="after")
    def _shares(self) -> DemandPart:
        total = sum(r.share_frac for r in self.regions)
        if abs(total - 1) > 1e-6:
            raise ValueError(f"regions have share_frac that sum to {total:g}, they must sum to 1")
        return self


class FundingRound(Part):
    """Money that comes in later."""

    quarter: QuarterText = Field(description="Quarter in which it comes in")
    usd: Money = Field(description="Part of the budget")


class Ladder(Part):
    """Which rungs are open and what the programme may spend."""

    budget_usd: Money = Field(description="Most that may be spent up front: construction, silicon, deposits")
    funding_rounds: list[FundingRound] = Field(
        default=[], max_length=12, description="Parts of the budget that come in later; the rest is there at the start"
    )
    cloud: Switch = Field(default=True, description="Hyperscale cloud is open")
    neocloud: Switch = Field(default=True, description="Contracts with a neocloud are open")
    accelerators: list[Identifier] = Field(
        min_length=1, max_length=8, description="Catalogue accelerators that may be bought"
    )
    cloud_accelerators: list[Identifier] = Field(
        default=[], max_length=8, description="Accelerators that may be rented"
    )
    accelerators_per_quarter: Annotated[Number, Field(gt=0, le=1e8)] = Field(
        default=150_000, description="Most accelerators that suppliers allocate to the programme in a quarter"
    )
    rented_accelerators_per_quarter: Annotated[Number, Field(gt=0, le=1e8)] = Field(
        default=60_000, description="Most rented accelerators that can be added in a quarter"
    )
    module_it_mw: Annotated[Number, Field(ge=0, le=15_000)] = Field(
        default=0.0, description="Halls are started in whole modules of this IT MW; 0 for any amount"
    )
    module_quarters: Annotated[Whole, Field(ge=0, le=80)] = Field(
        default=4, description="Quarters from the start in which modules must be whole; later starts are any amount"
    )
    supplier_max_frac: Annotated[Number, Field(gt=0, le=1)] = Field(
        default=1.0, description="Most that one supplier's accelerators may make of the fleet, own and rented, by kW"
    )
    construction_it_mw_per_quarter: Annotated[Number, Field(gt=0, le=15_000)] = Field(
        default=250, description="Most IT MW of halls that can be started in one state and quarter"
    )


class EnergyPart(Part):
    """How the sites are supplied."""

    supply: Literal["grid", "ppa", "onsite"] = Field(
        default="ppa", description="grid only; grid with wind and solar PPA and battery; the same with on-site gas"
    )
    matching: Literal["none", "annual", "monthly", "hourly"] = Field(
        default="annual", description="How clean energy is counted"
    )
    clean_frac: Fraction = Field(default=0.6, description="Clean share that must be reached under the matching rule")
    carbon_price_usd_per_t: Annotated[Number, Field(ge=0, le=2000)] = Field(
        default=0.0, description="Price on carbon in the dispatch"
    )
    power_price_factor: FactorRange = Field(
        default=Range(value=1.0, low=0.8, high=1.5, why="spread of forward power prices"),
        description="Multiplier on the base year's price",
    )


class RiskPart(Part):
    """Sampling of futures."""

    futures_count: Annotated[Whole, Field(ge=64, le=1_000_000)] = Field(default=10_000, description="Sampled futures")
    seed: Annotated[Whole, Field(ge=0, le=2**31 - 1)] = Field(
        default=20261124, description="Start of the random stream"
    )
    delay_months: MonthsRange = Field(
        default=Range(value=3, low=0, high=15, why="slips of announced halls"),
        description="Delay of halls not yet live",
    )
    chip_progress_factor: FactorRange = Field(
        default=Range(
            value=1.0, low=0.7, high=1.4, why="FLOP per dollar trend against the catalogue's next generation"
        ),
        description="Multiplier on speed per dollar of future generations",
    )
    gpu_price_factor: FactorRange = Field(
        default=Range(value=1.0, low=0.75, high=1.35, why="rack quotes against hyperscaler prices"),
        description="Multiplier on the purchase price of accelerators",
    )


class ClaimPart(Part):
    """A published claim to compare with."""

    item: Literal["permanent_jobs", "construction_jobs", "investment_usd"] = Field(description="What is claimed")
    published: Positive = Field(description="The published number")
    source: str = Field(min_length=3, max_length=300, description="Who published it, where and when")


class Override(Part):
    """A catalogue row replaced by the user, with the reason."""

    key: Annotated[str, Field(min_length=3, max_length=200)] = Field(description="Catalogue key")
    value: Annotated[Number, Field(ge=-1e18, le=1e30)] = Field(description="New value in the unit of the row")
    why: Annotated[str, Field(min_length=3, max_length=400)] = Field(description="Reason or source")


class Scenario(Part):
    """One question put to kiban."""

    kiban: Annotated[Whole, Field(ge=1, le=1)] = Field(description="Version of this form")
    name: ScenarioName = Field(description="Short name; part of the name of the run folder")
    title: str = Field(min_length=3, max_length=200, description="One line for the head of the report")
    horizon: Horizon = Field(default=Horizon(), description="Time")
    futures: Futures = Field(default=Futures(), description="Tree of futures")
    demand: DemandPart = Field(description="The company's own need of compute")
    workload: Workload = Field(default=Workload(), description="What the accelerators run")
    sites: list[SitePart] = Field(default=[], max_length=12, description="Places with their limits and open rungs")
    ladder: Ladder = Field(description="Open rungs, budget and supply limits")
    plan: PlanPart = Field(default=PlanPart(), description="Caution of the plan, and what is measured of it")
    energy: EnergyPart = Field(default=EnergyPart(), description="How the sites are supplied")
    finance: FinancePart = Field(default=FinancePart(), description="Capital and tax")
    risk: RiskPart = Field(default=RiskPart(), description="Sampling of futures")
    claims: list[ClaimPart] = Field(default=[], max_length=10, description="Published claims to compare with")
    overrides: list[Override] = Field(
        default=[], max_length=200, description="Catalogue rows replaced, with the reason"
    )

    @model_validator(mode="after")
    def _whole(self) -> Scenario:
        problems = whole_problems(
            [s.name for s in self.sites],
            self.ladder.cloud or self.ladder.neocloud,
            self.futures.branch_quarters,
            self.horizon.length_quarters,
        )
        if problems:
            raise ValueError("; ".join(message for _, message in problems))
        return self


def whole_problems(
    site_names: list[str], rents_accelerators: bool, branch_quarters: list[int], length_quarters: int
) -> list[tuple[str, str]]:
    """Return (path, message) of what parts of a scenario contradict each other."""
    problems = []
    repeated = sorted({name for name in site_names if site_names.count(name) > 1})
    if repeated:
        problems.append(("sites", f"sites repeats the name {', '.join(repeated)}"))
    if not site_names and not rents_accelerators:
        problems.append(("ladder.cloud", "nothing is open: no sites, and ladder.cloud and ladder.neocloud are false"))
    if any(b >= length_quarters for b in branch_quarters):
        problems.append(
            (
                "futures.branch_quarters",
                f"futures.branch_quarters must lie before horizon.length_quarters ({length_quarters})",
            )
        )
    return problems
