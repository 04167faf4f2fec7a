"""Memory per accelerator: the closed forms of Korthikanti et al. 2022, and what must rise or fall."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from train_fixtures import gpt, layouts, moe

from kiban.catalog import load_catalog
from kiban.compute.arithmetic import load_model
from kiban.compute.rows.memory import answer_memory
from kiban.compute.rows.training_request import read_request
from kiban.compute.train.layouts import FULL, NO_RECOMPUTE, SELECTIVE, Job
from kiban.compute.train.memory import chunks_in_flight, training_memory
from kiban.compute.train.memory_facts import KORTHIKANTI, MemoryFacts, load_memory_facts

ROWS = Path(__file__).parents[2].parent / "shared" / "validation" / "compute.csv"
S, B = 2048, 2


def weigh(how: int, along: int, t: int = 8, p: int = 1, v: int = 1, layers: int = 96) -> float:
    model = gpt(layers=layers)
    job = Job(t * p, 64 * B, S, "bf16")
    cut = layouts(tensor=t, pipeline=p, interleave=v, micro_batch=B, recompute=how, sequence_parallel=along)
    return float(training_memory(model, job, cut, KORTHIKANTI).activations[0])


@pytest.mark.parametrize(
    ("how", "along", "per_value"),
    [
        (NO_RECOMPUTE, 0, 10 + 24 / 8 + 5 * 96 * S / (12288 * 8)),
        (NO_RECOMPUTE, 1, (34 + 5 * 96 * S / 12288) / 8),
        (SELECTIVE, 0, 10 + 24 / 8),
        (SELECTIVE, 1, 34 / 8),
        (FULL, 0, 2),
    ],
)
def test_a_layer_keeps_what_table_2_says(how: int, along: int, per_value: float) -> None:
    assert weigh(how, along) == pytest.approx(96 * S * B * 12288 * per_value, rel=1e-12)


def test_one_accelerator_alone_keeps_equation_1() -> None:
    assert weigh(NO_RECOMPUTE, 0, t=1) == pytest.approx(96 * S * B * 12288 * (34 + 5 * 96 * S / 12288), rel=1e-12)


def test_the_first_stage_of_an_interleaved_pipeline_keeps_more() -> None:
    plain, cut = weigh(SELECTIVE, 1), weigh(SELECTIVE, 1, p=8, v=3)
    assert cut == pytest.approx(plain * (1 + 7 / 24), rel=1e-12)
    assert weigh(SELECTIVE, 1, p=8) == pytest.approx(plain, rel=1e-12)


def test_state_takes_18_bytes_a_weight_and_6_beside_a_spread_optimizer() -> None:
    model = replace(gpt(layers=8, hidden=256, heads=4), vocab=0)
    job = Job(4, 8, 128, "bf16")
    memory = training_memory(model, job, layouts(data=4, shard=[0, 1, 3]), KORTHIKANTI)
    state = memory.weights + memory.gradients + memory.optimizer
    per_weight = state / (8 * 12 * 256**2)
    assert per_weight[0] == pytest.approx(18)
    assert per_weight[1] == pytest.approx(6 + 12 / 4)
    # Two whole layers of eight in 16 bit stand beside a quarter of everything.
    assert per_weight[2] == pytest.approx(18 / 4 + 2 * 2 / 8)


def test_chunks_in_flight_by_a_walk_through_the_schedule() -> None:
    for p, v in ((4, 1), (4, 2), (8, 3), (2, 4)):
        for stage in range(p):
            # Megatron's order: so many forward passes before the first backward one, then one of each.
            warm = (p - stage - 1) if v == 1 else 2 * (p - stage - 1) + (v - 1) * p
            held = most = 0
            for step in range(warm + 40):
                held += 1
                most = max(most, held)
                held -= step >= warm
            assert chunks_in_flight(np.array([p]), np.array([v]), np.array([stage]))[0] == most


def test_experts_are_held_once_per_expert_rank() -> None:
    model, job = moe(), Job(8, 16, 512, "bf16")
    one, four = (training_memory(model, job, layouts(data=8, expert=e), KORTHIKANTI).weights[0] for e in (1, 4))
    routed = 11 * 8 * 3 * 1024 * 1024 * 2.0
    assert one - four == pytest.approx(routed * 3 / 4)


def facts(precision: str = "bf16") -> MemoryFacts:
    return load_memory_facts(load_catalog(), precision)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([1, 2, 4, 8]), st.sampled_from([1, 2, 4]), st.sampled_from([1, 2, 4]), st.sampled_from([1, 2]),
    st.booleans(), st.sampled_from(["bf16", "fp8", "fp4"]),
)  # fmt: skip
def test_cutting_or_recomputing_more_never_needs_more_kept(
    t: int, p: int, c: int, b: int, experts: bool, prec: str
) -> None:
    model = moe() if experts else gpt(layers=12, hidden=1024, heads=16)
    job, f = Job(1024, 512, 2048, prec), replace(facts(prec), layers_at_work=0.0)
    common = {"tensor": t, "pipeline": p, "context": c, "micro_batch": b, "data": 8}
    how = training_memory(model, job, layouts(**common, recompute=[2, 1, 0]), f).activations
    assert (np.diff(how) >= 0).all()
    shard = training_memory(model, job, layouts(**common, shard=[1, 0]), f).total
    assert shard[0] <= shard[1]
    wider = training_memory(model, job, layouts(**{**common, "tensor": [2 * t, t]}), f).total
    assert wider[0] < wider[1]
    longer = training_memory(model, replace(job, sequence_tok=4096), layouts(**common), f).total
    assert longer[0] > training_memory(model, job, layouts(**common), f).total[0]


def test_a_program_needs_more_than_the_account() -> None:
    cut = layouts(tensor=8, pipeline=8, interleave=3, recompute=SELECTIVE, sequence_parallel=1)
    job = Job(64, 64, S, "bf16")
    assert training_memory(gpt(), job, cut, facts()).total[0] > training_memory(gpt(), job, cut, KORTHIKANTI).total[0]


@pytest.mark.skipif(not ROWS.exists(), reason="no shared validation rows beside this checkout")
def test_the_given_rows_are_answered_within_a_thousandth() -> None:
    catalog = load_catalog()
    rows = [r for r in csv.DictReader(ROWS.read_text().splitlines()) if r["kind"] == "training-memory"]
    assert rows
    for row in rows:
        answer = answer_memory(row, catalog)
        assert answer.status == "answered", answer.reason
        assert answer.p50 == pytest.approx(float(row["value"]), rel=1e-3)
        assert answer.p10 < answer.p50 < answer.p90


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"system": "Nothing-7B"}, "model"),
        ({"metric": "throughput"}, "metric"),
        ({"unit": "tokens/s"}, "unit"),
        ({"config": "gpus=64"}, "tp"),
        ({"system": "Llama-3.1-70B"}, "layout"),
    ],
)
def test_a_row_that_lacks_something_is_refused_by_name(changes: dict[str, str], word: str) -> None:
    row = {"kind": "training-memory", "system": "GPT-175B", "hardware": "A100", "unit": "GiB",
           "config": "see iteration_time row of the same model", "metric": "activations_none_per_gpu"}  # fmt: skip
    answer = answer_memory(row | changes, load_catalog())
    assert answer.status == "refused" and word in answer.reason


def test_a_share_of_the_plain_layout_is_a_ratio_of_the_closed_forms() -> None:
    row = {"kind": "training-memory", "system": "GPT-175B", "hardware": "A100", "unit": "% of baseline",
           "config": "see iteration_time row of the same model", "metric": "activations_seqsel_per_gpu"}  # fmt: skip
    assert answer_memory(row, load_catalog()).p50 == pytest.approx(100 * (34 / 8) / (10 + 24 / 8 + 10))


@pytest.mark.skipif(not ROWS.exists(), reason="no shared validation rows beside this checkout")
def test_every_published_layout_that_ran_fits_if_layers_may_be_recomputed() -> None:
    catalog = load_catalog()
    seen: set[tuple[str, str, str]] = set()
    without = 0
    for row in csv.DictReader(ROWS.read_text().splitlines()):
        if row["kind"] != "training" or "tp=" not in row["config"] or "sw=" not in row["config"]:
            continue
        request = read_request(row, catalog)
        key = (row["system"], row["hardware"], row["config"])
        if isinstance(request, str) or key in seen:
            continue
        seen.add(key)
        chip = request.chip
        facts = load_memory_facts(catalog, chip.peak(request.job.precision)[1])
        least, most = (
            float(training_memory(request.model, request.job, replace(request.layouts, recompute=how), facts).total[0])
            for how in (np.array([FULL]), np.array([NO_RECOMPUTE]))
        )
        assert least <= chip.memory_bytes, key
        without += most <= chip.memory_bytes
    assert len(seen) > 150
    assert without > 0.65 * len(seen)


def test_on_one_accelerator_every_model_of_the_catalogue_weighs_its_parameters() -> None:
    catalog = load_catalog()
    names = [k.split(".")[1] for k in catalog.keys("model.") if k.endswith(".layers") and k.count(".") == 2]
    assert len(names) > 50
    for name in names:
        model = load_model(catalog, name)
        memory = training_memory(model, Job(1, 1, 1024, "bf16"), layouts(), KORTHIKANTI)
        assert memory.weights[0] / 2 == pytest.approx(model.params_total, rel=0.01), name
        assert memory.activations[0] > 0, name
