"""The space against plain loops, the search against brute force, the Pareto set against its definition."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from train_fixtures import gpt, layouts, moe

from kiban.catalog import load_catalog
from kiban.compute.train.feasible import smallest_accelerators, why_nothing_fits
from kiban.compute.train.layouts import Job, Layouts
from kiban.compute.train.memory import training_memory
from kiban.compute.train.memory_facts import load_memory_facts
from kiban.compute.train.pareto import Rated, front, merge_best, merge_front
from kiban.compute.train.search import lightest_bytes, search
from kiban.compute.train.space import LEAST_CONTEXT_TOK, Limits, training_space

FACTS = load_memory_facts(load_catalog(), "bf16")


def plain_loops(model, job: Job, limits: Limits) -> set[tuple[int, ...]]:  # type: ignore[no-untyped-def]
    """Every layout by nested loops over numbers, from the words of the rules."""
    out = set()
    for t in range(1, min(job.accelerators, limits.tensor_max) + 1):
        if model.heads % t:
            continue
        for p in range(1, model.layers + 1):
            for c in range(1, job.accelerators + 1):
                if job.accelerators % (t * p * c):
                    continue
                if c > 1 and (job.sequence_tok % (2 * c) or job.sequence_tok // c < LEAST_CONTEXT_TOK):
                    continue
                d = job.accelerators // (t * p * c)
                if job.global_batch % d:
                    continue
                for v in range(1, model.layers + 1):
                    slots = -(-model.layers // (p * v)) * p * v
                    if slots > model.layers * (1 + limits.uneven_frac) or (v > 1 and p == 1):
                        continue
                    for e in range(1, max(model.experts, 1) + 1):
                        if model.is_moe and (model.experts % e or (t * c * d) % e):
                            continue
                        for b in range(1, job.global_batch // d + 1):
                            m = job.global_batch // d
                            if m % b or (v > 1 and (m // b) % p):
                                continue
                            out |= {
                                (t, p, c, e, d, b, v, r, s, z)
                                for r in limits.recompute
                                for s in ((0, 1) if t > 1 else (0,))
                                for z in (0, 1, 3)
                                if not (model.is_moe and t > 1 and not s)
                                and not (z and d * c == 1)
                                and not (z == 3 and p > 1)
                            }
    return out


def rows_of(space) -> list[tuple[int, ...]]:  # type: ignore[no-untyped-def]
    names = [f.name for f in fields(Layouts)]
    return [
        tuple(int(x) for x in row)
        for chunk in space.chunks(200)
        for row in zip(*(getattr(chunk, n) for n in names), strict=True)
    ]


@pytest.mark.parametrize(
    ("model", "job", "limits"),
    [
        (gpt(layers=12, hidden=1536, heads=12), Job(24, 48, 2048, "bf16"), Limits(8)),
        (gpt(layers=12, hidden=1536, heads=12), Job(16, 32, 2048, "bf16"), Limits(16, uneven_frac=0.0)),
        (moe(), Job(16, 16, 4096, "bf16"), Limits(8)),
        (moe(layers=13, experts=6), Job(12, 24, 512, "bf16"), Limits(4, recompute=(0, 2), uneven_frac=0.3)),
        (gpt(layers=7, hidden=512, heads=8), Job(14, 21, 1024, "bf16"), Limits(8)),
    ],
)
def test_the_space_is_that_of_plain_loops(model, job: Job, limits: Limits) -> None:  # type: ignore[no-untyped-def]
    space = training_space(model, job, limits)
    rows = rows_of(space)
    assert len(rows) == len(set(rows)) == len(space)
    assert set(rows) == plain_loops(model, job, limits)


def test_each_chunk_keeps_to_its_size_and_every_layout_uses_all_accelerators() -> None:
    job = Job(64, 256, 4096, "bf16")
    space = training_space(moe(), job, Limits(8))
    for chunk in space.chunks(1000):
        assert len(chunk) <= 1000
        assert (chunk.tensor * chunk.pipeline * chunk.context * chunk.data == job.accelerators).all()
        assert (chunk.micro_batches(job) * chunk.micro_batch * chunk.data == job.global_batch).all()


def a_time(job: Job):  # type: ignore[no-untyped-def]
    def seconds(cut: Layouts) -> np.ndarray:
        bubble = 1 + (cut.pipeline - 1) / (cut.micro_batches(job) * cut.interleave)
        return (
            bubble
            * (1 + 0.3 * (cut.recompute == 2) + 0.03 * cut.tensor + 0.2 * (cut.shard == 3))
            / cut.micro_batch**0.1
        )

    return seconds


@pytest.mark.parametrize("room_gb", [6.0, 8.0, 20.0])
def test_the_search_is_brute_force(room_gb: float) -> None:
    model, job, limits = gpt(layers=12, hidden=1536, heads=12), Job(16, 32, 2048, "bf16"), Limits(8)
    found = search(model, job, room_gb * 1e9, FACTS, limits, a_time(job), best_count=5)
    every = []
    for row in sorted(plain_loops(model, job, limits)):
        names = [f.name for f in fields(Layouts)]
        cut = layouts(**dict(zip(names, row, strict=True)))
        every.append((float(a_time(job)(cut)[0]), float(training_memory(model, job, cut, FACTS).total[0])))
    fitting = sorted(x for x in every if x[1] <= room_gb * 1e9)
    assert found.considered == len(every) and found.fitting == len(fitting) > 5
    assert found.rejected["memory"] == len(every) - len(fitting)
    assert found.best.step_s == pytest.approx([x[0] for x in fitting[:5]])
    assert found.lightest.memory_bytes[0] == pytest.approx(min(x[1] for x in every))
    better = {x for x in fitting if not any(y[0] <= x[0] and y[1] <= x[1] and y != x for y in fitting)}
    assert set(zip(found.pareto.step_s, found.pareto.memory_bytes, strict=True)) == better


numbers = st.lists(st.tuples(st.integers(1, 20), st.integers(1, 20)), min_size=1, max_size=60)


@settings(max_examples=100, deadline=None)
@given(numbers, st.integers(1, 20), st.integers(1, 9))
def test_chunks_do_not_change_front_or_best(points: list[tuple[int, int]], size: int, count: int) -> None:
    step, room = (np.array(column, dtype=float) for column in zip(*points, strict=True))
    rated = Rated(layouts(micro_batch=np.arange(len(points))), step, room)
    kept = fast = rated.take(np.arange(0))
    for start in range(0, len(points), size):
        part = rated.take(np.arange(start, min(start + size, len(points))))
        kept, fast = merge_front(kept, part), merge_best(fast, part, count)
    whole = front(rated)
    assert list(kept.step_s) == list(whole.step_s) and list(kept.memory_bytes) == list(whole.memory_bytes)
    assert list(fast.step_s) == sorted(step)[:count]
    for s, m in zip(kept.step_s, kept.memory_bytes, strict=True):
        assert not any((a <= s and b <= m and (a, b) != (s, m)) for a, b in points)
    for a, b in points:
        assert any(s <= a and m <= b for s, m in zip(kept.step_s, kept.memory_bytes, strict=True))


def test_what_does_not_fit_is_told_with_the_nearest_that_does() -> None:
    model, job, limits = gpt(), Job(32, 64, 2048, "bf16"), Limits(8)
    found = search(model, job, 80e9, FACTS, limits, a_time(job))
    assert not found.fitting and len(found.lightest) == 1
    words = why_nothing_fits(model, job, "a100", 80e9, FACTS, limits, found)
    assert "memory binds" in words and "GB" in words
    nearest = smallest_accelerators(model, job, 80e9, FACTS, limits)
    assert nearest is not None and f"{nearest[0]:,} accelerators" in words
    larger = replace(job, accelerators=nearest[0], global_batch=nearest[1])
    assert lightest_bytes(model, larger, FACTS, limits) <= 80e9
    assert search(model, larger, 80e9, FACTS, limits, a_time(larger)).fitting


@pytest.mark.parametrize(("accelerators", "batch", "word"), [(509, 512, "batch"), (1024, 1031, "batch")])
def test_a_division_that_fails_is_named_with_the_nearest(accelerators: int, batch: int, word: str) -> None:
    model, job, limits = gpt(layers=7, hidden=700, heads=7), Job(accelerators, batch, 2048, "bf16"), Limits(8)
    found = search(model, job, 80e9, FACTS, limits, a_time(job))
    assert found.considered == 0
    assert word in why_nothing_fits(model, job, "a100", 80e9, FACTS, limits, found)
