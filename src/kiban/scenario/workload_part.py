"""The work of the scenario file: what is trained and served, and how fast users want it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from kiban.scenario.values import Fraction, Identifier, Number, Part, Whole


class Workload(Part):
    """What the accelerators run."""

    training_model: Identifier = Field(
        default="frontier_moe", description="Catalogue name of the model that is trained"
    )
    inference_model: Identifier = Field(
        default="frontier_moe", description="Catalogue name of the model that is served"
    )
    prompt_tok: Annotated[Whole, Field(ge=1, le=2_000_000)] = Field(default=8000, description="Mean prompt length")
    output_tok: Annotated[Whole, Field(ge=1, le=200_000)] = Field(default=600, description="Mean answer length")
    prefix_cache_frac: Fraction = Field(default=0.6, description="Share of prompt tokens found in cache")
    draft_tok: Annotated[Whole, Field(ge=0, le=16)] = Field(
        default=0, description="Tokens that a small predictor drafts per decode step (0: no speculative decoding)"
    )
    draft_accept_frac: Fraction = Field(default=0.0, description="Chance that a drafted token is accepted")
    ttft_limit_s: Annotated[Number, Field(gt=0, le=600)] = Field(default=2.0, description="Time to first token allowed")
    tpot_limit_s: Annotated[Number, Field(gt=0, le=10)] = Field(
        default=0.03, description="Time per output token allowed"
    )
    training_accelerators: Annotated[Whole, Field(ge=1, le=5_000_000)] = Field(
        default=50_000,
        description="Accelerators of one training job if of the first kind; other kinds: the same peak FLOP/s",
    )
    training_sequence_tok: Annotated[Whole, Field(ge=128, le=2_000_000)] = Field(
        default=8192, description="Length of training sequences"
    )
    training_batch_tok: Annotated[Number, Field(ge=1e4, le=1e9)] = Field(
        default=63e6, description="Tokens of one training step (DeepSeek-V3: 63 million)"
    )
    training_precision: Literal["bf16", "fp8"] = Field(default="fp8", description="Number format of training")
    serving_precision: Literal["bf16", "fp8", "fp4"] = Field(default="fp8", description="Number format of serving")
