"""Training step time: limits worked by hand, directions, units."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.catalog import load_catalog
from kiban.compute.arithmetic import load_model
from kiban.compute.hardware import load_accelerator
from kiban.compute.train.campaign import train_tokens
from kiban.compute.train.coefficients import Coefficients
from kiban.compute.train.collectives import Network, exchange_s, gather_s
from kiban.compute.train.defaults import default_layout, one_layout
from kiban.compute.train.fitted import coefficients_for, load_fitted, usual_effects
from kiban.compute.train.layouts import FULL, NO_RECOMPUTE, SELECTIVE, Job, Layouts
from kiban.compute.train.pipeline import bubble, stretch
from kiban.compute.train.step import assemble, step_time
from kiban.compute.train.work import step_work

CATALOG = load_catalog()
FIT = load_fitted(CATALOG)
PURE = Coefficients(
    bf16_frac=1.0, fp8_frac=1.0, fp4_frac=1.0, attention_frac=1.0, expert_frac=1.0, activation_passes=0.0,
    permute_passes=0.0, tensor_exposed_frac=0.0, expert_up_exposed_frac=0.0, expert_out_exposed_frac=0.0,
    data_exposed_frac=0.0, layer_launch_s=0.0, moe_launch_s=0.0,
)  # fmt: skip
H100 = load_accelerator(CATALOG, "h100_sxm")


def plain(tensor=1, pipeline=1, context=1, expert=1, data=8, micro=1, v=1, recompute=NO_RECOMPUTE, sp=True, shard=1):
    return one_layout(tensor, pipeline, context, expert, data, micro, v, recompute, sp, shard)


def total(model, chip, job, layouts, c=None):
    c = c or coefficients_for(FIT, usual_effects(model, chip, job.precision))
    return step_time(model, chip, job, layouts, c).total_s


@pytest.mark.parametrize(
    "name", ["llama31_8b", "llama31_70b", "gpt3_175b", "qwen3_30b_a3b", "deepseek_v3", "nemotron3_nano"]
)
def test_the_compute_of_a_step_is_its_flop_over_peak(name):
    model, job = load_model(CATALOG, name), Job(8, 64, 4096, "bf16")
    compute = step_time(model, H100, job, plain(), PURE).compute_s[0]
    flop = model.training_flop_per_tok(4096.0) * 64 * 4096 / 8
    assert compute == pytest.approx(flop / H100.peak_flop_per_s["bf16"], rel=1e-9)


def test_full_recomputation_costs_a_third_and_selective_a_third_of_attention():
    model, job = load_model(CATALOG, "llama31_70b"), Job(8, 64, 8192, "bf16")
    none, some, full = (step_work(model, H100, job, plain(recompute=r)) for r in (NO_RECOMPUTE, SELECTIVE, FULL))
    assert full.matrix_s / none.matrix_s == pytest.approx(4 / 3)
    assert some.matrix_s == none.matrix_s
    assert some.attention_s / none.attention_s == pytest.approx(4 / 3)


def test_the_bubble_is_idle_slots_over_busy_ones():
    assert bubble(np.array([8.0]), np.array([32.0]), np.array([2.0]))[0] == pytest.approx(7 / 64)
    model, job = load_model(CATALOG, "gpt3_175b"), Job(64, 64, 2048, "bf16")
    step = step_time(model, H100, job, plain(tensor=8, pipeline=8, data=1), PURE)
    assert step.bubble_s[0] / (step.compute_s[0] + step.memory_s[0]) == pytest.approx(7 / 64, rel=0.02)


def test_uneven_stages_wait_for_the_fullest():
    assert stretch(61, np.array([16.0]), np.array([1.0]))[0] == pytest.approx(64 / 61)
    assert stretch(96, np.array([8.0]), np.array([3.0]))[0] == 1.0


def test_a_ring_takes_alpha_and_beta_of_its_hops():
    network = Network(450e9, 8, 50e9, 3e-6, 1e-5)
    one = np.ones(1)
    inside = gather_s(network, np.array([1e9]), one, 8 * one)[0]
    assert inside == pytest.approx(7 * 3e-6 + 1e9 * 7 / 8 / 450e9)
    across = gather_s(network, np.array([1e9]), one, 32 * one)[0]
    assert across == pytest.approx(inside + 3 * 1e-5 + 1e9 * 3 / 4 / 8 / 50e9)
    apart = gather_s(network, np.array([1e9]), 8 * one, 4 * one)[0]
    assert apart == pytest.approx(3 * 1e-5 + 1e9 * 3 / 4 / 50e9)
    assert gather_s(network, np.array([1e9]), one, one)[0] == 0.0


def test_tokens_cross_to_a_domain_once():
    network, one = Network(900e9, 8, 50e9, 3e-6, 1e-5), np.ones(1)
    up, out = exchange_s(network, np.array([1e6]), 8, one, 16 * one)
    assert up[0] == pytest.approx(1e6 * 8 * 7 / 8 / 900e9 + 7 * 3e-6)
    assert out[0] == pytest.approx(1e6 * (1 - 0.5**8) / 50e9 + 1e-5)
    assert exchange_s(network, np.array([1e6]), 8, one, 8 * one)[1][0] == 0.0


LAYOUTS = st.tuples(
    st.sampled_from([1, 2, 4, 8]), st.sampled_from([1, 2, 4]), st.sampled_from([1, 2]), st.sampled_from([1, 2, 4]),
    st.sampled_from([NO_RECOMPUTE, SELECTIVE, FULL]), st.booleans(), st.sampled_from([0, 1, 3]),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(LAYOUTS, st.sampled_from(["llama31_70b", "deepseek_v3", "nemotron3_super"]))
def test_faster_parts_and_shorter_work_never_slow_a_step(cut, name):
    t, p, c, micro, recompute, sp, shard = cut
    model, job = load_model(CATALOG, name), Job(256, 1024, 4096, "fp8")
    expert = 32 if model.is_moe else 1
    layout = plain(t, p, c, expert, 256 // (t * p * c), micro, 1, recompute, sp, shard)
    base = total(model, H100, job, layout)[0]
    assert np.isfinite(base)
    assert base > 0
    for field in ("memory_bytes_per_s", "scale_up_bytes_per_s", "scale_out_bytes_per_s"):
        assert total(model, replace(H100, **{field: 2 * getattr(H100, field)}), job, layout)[0] <= base * (1 + 1e-12)
    quicker = replace(H100, peak_flop_per_s={k: 2 * v for k, v in H100.peak_flop_per_s.items()})
    assert total(model, quicker, job, layout)[0] < base
    assert total(model, H100, replace(job, global_batch=2048), layout)[0] > base
    assert total(model, H100, job, replace(layout, recompute=np.array([FULL])))[0] >= base * (1 - 1e-12)


def test_rates_in_other_units_give_the_same_time():
    model, job = load_model(CATALOG, "llama31_70b"), Job(64, 128, 8192, "fp8")
    slow = replace(
        H100, peak_flop_per_s={k: v / 10 for k, v in H100.peak_flop_per_s.items()},
        memory_bytes_per_s=H100.memory_bytes_per_s / 10,
    )  # fmt: skip
    none = replace(PURE, activation_passes=3.0)
    one = step_time(model, H100, job, plain(data=64), none).total_s
    assert step_time(model, slow, job, plain(data=64), none).total_s == pytest.approx(10 * one)


def test_many_layouts_equal_each_alone():
    model, job = load_model(CATALOG, "deepseek_v3"), Job(256, 2048, 4096, "fp8")
    parts = [
        plain(1, 8, 1, 32, 32, 1, 2),
        plain(2, 4, 1, 64, 32, 2, 1, FULL),
        plain(4, 1, 2, 16, 32, 4, 1, SELECTIVE, False, 3),
    ]
    fields = Layouts.__dataclass_fields__
    together = Layouts(*(np.concatenate([getattr(x, f) for x in parts]) for f in fields))
    assert total(model, H100, job, together) == pytest.approx([total(model, H100, job, x)[0] for x in parts])


def test_unbalanced_experts_slow_a_step_and_frozen_weights_speed_it():
    model, job = load_model(CATALOG, "deepseek_v3"), Job(256, 2048, 4096, "fp8")
    work = step_work(model, H100, job, plain(1, 8, 1, 32, 32))
    assert assemble(work, replace(FIT.coefficients, imbalance=1.5)).total_s > assemble(work, FIT.coefficients).total_s
    lora = step_work(model, H100, job, plain(1, 8, 1, 32, 32), lora=True)
    assert lora.matrix_s / work.matrix_s == pytest.approx(2 / 3)
    assert lora.reduce_s == 0


def test_a_default_layout_uses_the_job():
    for name, chip, count in (
        ("llama31_405b", "h100_sxm", 1024),
        ("llama31_8b", "tpu_v6e", 64),
        ("deepseek_v3", "gb200", 256),
    ):
        layout = default_layout(
            load_model(CATALOG, name), load_accelerator(CATALOG, chip), Job(count, 1024, 8192, "bf16")
        )
        assert (layout.tensor * layout.pipeline * layout.context * layout.data)[0] == count


def test_a_campaign_counts_steps_calendar_and_accelerator_hours():
    run = train_tokens(8e9, Job(512, 1000, 8000, "bf16"), 10.0, 0.8, 0.5)
    assert run.steps == 1000
    assert run.busy_s == pytest.approx(10_000)
    assert run.calendar_s == pytest.approx(25_000)
    assert run.accelerator_h == pytest.approx(25_000 * 512 / 3600)
    with pytest.raises(ValueError, match=r"goodput_frac is 0; .*step_s is -1"):
        train_tokens(1.0, Job(1, 1, 1, "bf16"), -1.0, 0.0)
