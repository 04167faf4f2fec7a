"""Training and serving rates: limits of physics, monotonicity, refusals in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiban.catalog import load_catalog
from kiban.compute.arithmetic import load_model
from kiban.compute.errors import ComputeError
from kiban.compute.hardware import load_accelerator
from kiban.compute.model import training_flop_per_s, with_interval
from kiban.compute.serving import Work, load_serving, serve
from kiban.compute.training import Layout, bubble, default_layout, load_training

CATALOG = load_catalog()
WORK = Work(2000, 500, 0.3, 5.0, 0.05, "fp8")


@pytest.mark.parametrize("chip", ["h100_sxm", "gb300", "tpu_v7", "mi355x", "trainium3", "rubin_vr200"])
@pytest.mark.parametrize("model", ["llama31_70b", "deepseek_v3", "frontier_moe"])
def test_training_stays_below_the_peak(chip: str, model: str) -> None:
    accelerator, spec = load_accelerator(CATALOG, chip), load_model(CATALOG, model)
    layout = default_layout(spec, accelerator, 16384)
    rate = training_flop_per_s(spec, accelerator, "fp8", 8192, layout, load_training(CATALOG))
    assert 0.02 < rate / accelerator.peak("fp8")[0] < 0.6


def test_held_out_style_rows_of_dense_training() -> None:
    # NVIDIA's published Llama 3.1 405B on 1,024 H100 at FP8: 302-326 tokens/s/GPU in successive releases.
    spec, chip = load_model(CATALOG, "llama31_405b"), load_accelerator(CATALOG, "h100_sxm")
    layout = Layout(tensor=8, pipeline=8, context=2, micro_batches=64, interleave=8)
    rate = training_flop_per_s(spec, chip, "fp8", 8192, layout, load_training(CATALOG))
    assert rate / spec.training_flop_per_tok(8192) == pytest.approx(315, rel=0.25)


def test_bubble_is_the_published_form() -> None:
    assert bubble(Layout(pipeline=8, micro_batches=64, interleave=2)) == pytest.approx(1 + 7 / 128)


@given(st.floats(1.05, 4.0))
def test_more_bandwidth_never_serves_fewer_tokens(factor: float) -> None:
    chip, spec, c = load_accelerator(CATALOG, "h200_sxm"), load_model(CATALOG, "llama31_70b"), load_serving(CATALOG)
    faster = replace(chip, memory_bytes_per_s=chip.memory_bytes_per_s * factor)
    assert serve(spec, faster, WORK, c).blended_tok_per_s >= serve(spec, chip, WORK, c).blended_tok_per_s


def test_decode_of_one_sequence_is_bound_by_bandwidth() -> None:
    chip, spec, c = load_accelerator(CATALOG, "h100_sxm"), load_model(CATALOG, "llama31_8b"), load_serving(CATALOG)
    served = serve(spec, chip, replace(WORK, tpot_limit_s=0.02), c)
    floor = spec.weight_bytes("fp8") / (served.group_accelerators * chip.memory_bytes_per_s)
    assert served.tpot_s > floor


def test_limits_below_the_floor_name_the_floor() -> None:
    with pytest.raises(ComputeError, match=r"cannot be met; the fastest are TTFT .* and TPOT"):
        serve(
            load_model(CATALOG, "llama31_405b"),
            load_accelerator(CATALOG, "h100_sxm"),
            replace(WORK, tpot_limit_s=1e-4),
            load_serving(CATALOG),
        )


def test_a_model_that_does_not_fit_is_refused_in_words() -> None:
    with pytest.raises(ComputeError, match="of memory for its weights"):
        serve(
            load_model(CATALOG, "frontier_moe"),
            load_accelerator(CATALOG, "h100_sxm"),
            replace(WORK, precision="bf16"),
            load_serving(CATALOG),
        )
    with pytest.raises(ComputeError, match="use at least"):
        default_layout(load_model(CATALOG, "frontier_moe"), load_accelerator(CATALOG, "h100_sxm"), 64)


@given(st.floats(0.05, 0.6), st.floats(0.05, 0.6))
def test_interval_widens_with_ignorance(sd: float, more: float) -> None:
    near = with_interval(100.0, (0.5, 0.6, 0.8), sd)
    far = with_interval(100.0, (0.5, 0.6, 0.8), sd + more)
    assert near.p50 == far.p50 == pytest.approx(60.0)
    assert far.p10 < near.p10 < near.p50 < near.p90 < far.p90


@given(st.floats(0.05, 0.95))
def test_a_prompt_in_two_parts_takes_as_long_as_in_one(cached: float) -> None:
    # Causal attention over a prompt is the same work whether or not its first part was computed earlier.
    chip, spec, c = load_accelerator(CATALOG, "gb300"), load_model(CATALOG, "llama31_70b"), load_serving(CATALOG)

    def seconds(prompt_tok: float, cache_frac: float) -> float:
        work = Work(prompt_tok, 500, cache_frac, 600.0, 10.0, "fp8")
        return prompt_tok * (1 - cache_frac) / serve(spec, chip, work, c).prefill_tok_per_s

    prompt = 60_000
    parts = seconds(prompt * cached, 0.0) + seconds(prompt, cached)
    assert parts == pytest.approx(seconds(prompt, 0.0), rel=1e-9)
