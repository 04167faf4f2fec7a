"""The scenario file as typed fields: one definition for checks, JSON Schema, the template and the docs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
ScenarioName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,59}$")]
QuarterText = Annotated[str, StringConstraints(pattern=r"^20[2-6]\d{1}Q[1-4]$")]
Fraction = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Money = Annotated[float, Field(ge=0.0, le=1e14, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0.0, le=1e15, allow_inf_nan=False)]
RungKind = Literal["cloud", "neocloud", "operator_sublet", "landlord_lease", "build_to_suit", "owned"]
CoolingKind = Literal[
    "air_economizer_adiabatic", "water_chiller_economizer", "air_chiller_economizer", "liquid_dry_cooler", "liquid_tower"
]


class Part(BaseModel):
    """Base of every part: unknown keys are errors, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Range(Part):
    """A base value with the 5-95 % range it is believed to lie in, and why."""

    value: Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]
    low: Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]
    high: Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]
    why: str = Field("", max_length=400)

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"needs low <= value <= high, found {self.low:g} / {self.value:g} / {self.high:g}")
        return self


class Horizon(Part):
    """Time: first quarter, length, and the year of money."""

    start_quarter: QuarterText = Field("2026Q4", description="First quarter; decisions of today are taken here")
    length_quarters: int = Field(40, ge=8, le=80, description="Quarters that are modelled")
    price_year: int = Field(2026, ge=2015, le=2040, description="Year of real money")


class Futures(Part):
    """The named futures of the scenario tree and when they part."""

    branch_quarters: list[Annotated[int, Field(ge=1, le=79)]] = Field(
        default=[4, 12], max_length=3, description="Quarters from the start at which the tree branches"
    )
    names: list[Identifier] = Field(default=["boom", "plateau", "bust"], min_length=1, max_length=4)
    probability: list[Fraction] = Field(
        default=[0.35, 0.4, 0.25], description="Chance of each future at the first branch"
    )
    persistence_frac: Fraction = Field(
        0.6, description="Chance that a future continues at a later branch; the rest follows `probability`"
    )
    revenue_growth_per_year: list[list[float]] = Field(
        default=[[2.2, 1.6, 1.25], [1.6, 1.2, 1.08], [1.05, 0.85, 1.02]],
        description="Growth multiple of revenue per year, one row per future: years 1-2, 3-5, later",
    )
    token_price_change_per_year: list[float] = Field(
        default=[-0.15, -0.3, -0.55], description="Change of the blended token price per year, by future (-0.3 = falls 30 %)"
    )
    rent_factor: list[float] = Field(
        default=[1.25, 0.9, 0.45],
        description="Level to which the rental market reverts, against today's rent of the same chip, by future",
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
        if len(set(self.names)) != n:
            problems.append("names repeats a future")
        if abs(sum(self.probability) - 1) > 1e-9:
            problems.append(f"probability sums to {sum(self.probability):g}, it must sum to 1")
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

    name: Identifier
    share_frac: Fraction = Field(description="Share of inference traffic")
    residency_frac: Fraction = Field(0.0, description="Share of that traffic that must be served inside the region")


class DemandPart(Part):
    """The company's own need of compute."""

    run_rate_revenue_usd_per_year: Range = Field(description="Revenue run rate at the start")
    programme_share_frac: Range = Field(
        description="Share of the company's compute need that this programme may serve (the rest is under other contracts)"
    )
    inference_revenue_frac: Fraction = Field(0.97, description="Share of revenue that is earned by serving tokens")
    blended_token_price_usd_per_mtok: Range = Field(
        description="Revenue per million tokens, prompt (cached or not) and answer together"
    )
    compute_value_frac: Fraction = Field(
        0.6, description="Share of token revenue that is left to pay for compute after all other cost of serving a customer"
    )
    research_compute_multiple: Range = Field(
        description="Research and training compute per unit of inference compute (accelerator-hours)"
    )
    training_value_multiple: Annotated[float, Field(ge=0.0, le=20)] = Field(
        1.5, description="What a training FLOP is worth at most, as a multiple of its cost at today's rent"
    )
    serving_gain_per_year: Range = Field(
        description="Growth multiple per year of tokens per accelerator by software and algorithms at fixed quality tier"
    )
    regions: list[Region] = Field(min_length=1, max_length=6)

    @model_validator(mode="after")
    def _shares(self) -> DemandPart:
        total = sum(r.share_frac for r in self.regions)
        if abs(total - 1) > 1e-6:
            raise ValueError(f"the share_frac of regions sum to {total:g}, they must sum to 1")
        return self


class Workload(Part):
    """What the accelerators run."""

    training_model: Identifier = Field("frontier_moe", description="Catalogue name of the model that is trained")
    inference_model: Identifier = Field("frontier_moe", description="Catalogue name of the model that is served")
    prompt_tok: Annotated[int, Field(ge=1, le=2_000_000)] = Field(8000, description="Mean prompt length")
    output_tok: Annotated[int, Field(ge=1, le=200_000)] = Field(600, description="Mean answer length")
    prefix_cache_frac: Fraction = Field(0.6, description="Share of prompt tokens found in cache")
    ttft_limit_s: Annotated[float, Field(gt=0, le=600)] = Field(2.0, description="Time to first token allowed")
    tpot_limit_s: Annotated[float, Field(gt=0, le=10)] = Field(0.03, description="Time per output token allowed")
    training_accelerators: Annotated[int, Field(ge=1, le=5_000_000)] = Field(
        50_000, description="Accelerators of one training job (sets failures)"
    )
    training_precision: Literal["bf16", "fp8"] = "fp8"
    serving_precision: Literal["bf16", "fp8", "fp4"] = "fp8"


class Committed(Part):
    """Capacity that is already signed."""

    quarter: QuarterText = Field(description="First quarter with power at the racks")
    it_mw: Annotated[float, Field(gt=0, le=20_000)] = Field(description="Critical IT MW")
    accelerator: Identifier | None = Field(
        None, description="Accelerator already ordered for it (paid on delivery, counts against the budget)"
    )
    note: str = Field("", max_length=400)


class SitePart(Part):
    """One place with its grid, limits and open rungs."""

    name: Identifier
    weather: Identifier = Field(description="Catalogue site whose weather normals are used")
    state: Identifier = Field(description="State or region whose taxes and policy events apply, such as tx")
    grid: Identifier = Field(description="Market whose hourly price is used")
    cooling: CoolingKind = "liquid_dry_cooler"
    rungs: list[RungKind] = Field(min_length=1, description="Rungs that may be used here")
    committed_rung: RungKind | None = Field(None, description="Rung of the signed capacity; needed with `committed`")
    committed: list[Committed] = Field(default=[], max_length=20)
    max_it_mw: Annotated[float, Field(ge=0, le=20_000)] = Field(description="Most IT MW that land and grid allow")
    grid_ready_quarter: QuarterText | None = Field(
        None, description="First quarter in which new (not committed) load may be energised"
    )
    operator: str = Field("", max_length=120, description="Landlord or operator, as reported")
    tenant: str = Field("", max_length=120, description="Tenant, as reported")

    @model_validator(mode="after")
    def _committed_has_rung(self) -> SitePart:
        problems = []
        if self.committed and self.committed_rung is None:
            problems.append("committed capacity needs committed_rung")
        if self.committed_rung in ("cloud", "neocloud"):
            problems.append("committed_rung must be a hall rung")
        if any(r in ("cloud", "neocloud") for r in self.rungs):
            problems.append("rungs of a site are hall rungs; open cloud and neocloud under ladder")
        if sum(c.it_mw for c in self.committed) > self.max_it_mw + 1e-9:
            problems.append("committed it_mw is more than max_it_mw")
        if problems:
            raise ValueError("; ".join(problems))
        return self


class Ladder(Part):
    """Which rungs are open and what the programme may spend."""

    budget_usd: Money = Field(description="Most that may be spent up front: construction, silicon, deposits")
    cloud: bool = Field(True, description="Hyperscale cloud is open")
    neocloud: bool = Field(True, description="Contracts with a neocloud are open")
    accelerators: list[Identifier] = Field(min_length=1, max_length=8, description="Catalogue accelerators that may be bought")
    cloud_accelerators: list[Identifier] = Field(default=[], max_length=8, description="Accelerators that may be rented")
    accelerators_per_quarter: Annotated[float, Field(gt=0, le=1e8)] = Field(
        150_000, description="Most accelerators that suppliers allocate to the programme in a quarter"
    )
    rented_accelerators_per_quarter: Annotated[float, Field(gt=0, le=1e8)] = Field(
        60_000, description="Most rented accelerators that can be added in a quarter"
    )
    construction_it_mw_per_quarter: Annotated[float, Field(gt=0, le=1e5)] = Field(
        250, description="Most IT MW of halls that can be started in one state and quarter"
    )


class EnergyPart(Part):
    """How the sites are supplied."""

    supply: Literal["grid", "ppa", "onsite"] = Field(
        "ppa", description="grid only; grid with wind and solar PPA and battery; the same with on-site gas"
    )
    matching: Literal["none", "annual", "monthly", "hourly"] = Field("annual", description="How clean energy is counted")
    clean_frac: Fraction = Field(0.6, description="Clean share that must be reached under the matching rule")
    carbon_price_usd_per_t: Annotated[float, Field(ge=0, le=2000)] = Field(0.0, description="Price on carbon in the dispatch")
    power_price_factor: Range = Field(
        default=Range(value=1.0, low=0.8, high=1.5, why="spread of forward power prices"),
        description="Multiplier on the base year's price",
    )


class FinancePart(Part):
    """Capital and tax."""

    discount_frac_per_year: Annotated[float, Field(ge=0, le=0.5)] = Field(0.09, description="Real, after tax, unlevered")
    gearing_max_frac: Annotated[float, Field(ge=0, le=0.95)] = Field(0.7, description="Most debt against uses of funds")
    credit: Identifier = Field("google_backed", description="Row of the credit ladder that prices the debt")
    tenor_years: Annotated[float, Field(gt=0, le=30)] = Field(7, description="Repayment time after the draw")
    target_dscr: Annotated[float, Field(ge=1.0, le=5.0)] = Field(1.35, description="Coverage on which debt is sculpted")
    covenant_dscr: Annotated[float, Field(ge=0.5, le=5.0)] = Field(1.15, description="Coverage under which a covenant is breached")
    inflation_frac_per_year: Annotated[float, Field(ge=-0.05, le=0.2)] = 0.025
    utilisation_frac: Annotated[float, Field(gt=0, le=1)] = Field(0.7, description="Utilisation in unit costs of rungs")


class RiskPart(Part):
    """Sampling of futures."""

    futures_count: Annotated[int, Field(ge=64, le=1_000_000)] = 10_000
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 20261124
    delay_months: Range = Field(
        default=Range(value=3, low=0, high=15, why="slips of announced halls"), description="Delay of halls not yet live"
    )
    chip_progress_factor: Range = Field(
        default=Range(value=1.0, low=0.7, high=1.4, why="FLOP per dollar trend against the catalogue's next generation"),
        description="Multiplier on speed per dollar of future generations",
    )
    gpu_price_factor: Range = Field(
        default=Range(value=1.0, low=0.75, high=1.35, why="rack quotes against hyperscaler prices"),
        description="Multiplier on the purchase price of accelerators",
    )


class ClaimPart(Part):
    """A published claim to compare with."""

    item: Literal["permanent_jobs", "construction_jobs", "investment_usd"]
    published: Positive
    source: str = Field(min_length=3, max_length=300)


class Override(Part):
    """A catalogue row replaced by the user, with the reason."""

    key: Annotated[str, Field(min_length=3, max_length=200)]
    value: Annotated[float, Field(ge=-1e18, le=1e30, allow_inf_nan=False)]
    why: Annotated[str, Field(min_length=3, max_length=400)]


class Scenario(Part):
    """One question put to kiban."""

    kiban: Literal[1] = Field(description="Version of this form")
    name: ScenarioName
    title: str = Field(min_length=3, max_length=200)
    horizon: Horizon = Horizon()
    futures: Futures = Futures()
    demand: DemandPart
    workload: Workload = Workload()
    sites: list[SitePart] = Field(default=[], max_length=12)
    ladder: Ladder
    energy: EnergyPart = EnergyPart()
    finance: FinancePart = FinancePart()
    risk: RiskPart = RiskPart()
    claims: list[ClaimPart] = Field(default=[], max_length=10)
    overrides: list[Override] = Field(default=[], max_length=200)

    @model_validator(mode="after")
    def _whole(self) -> Scenario:
        problems = []
        names = [s.name for s in self.sites]
        if len(set(names)) != len(names):
            problems.append("sites repeats a name")
        if not self.sites and not (self.ladder.cloud or self.ladder.neocloud):
            problems.append("nothing is open: no sites, and ladder.cloud and ladder.neocloud are false")
        if any(b >= self.horizon.length_quarters for b in self.futures.branch_quarters):
            problems.append("futures.branch_quarters lies beyond horizon.length_quarters")
        if problems:
            raise ValueError("; ".join(problems))
        return self
