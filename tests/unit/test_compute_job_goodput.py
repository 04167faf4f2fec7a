"""Spares, recovery, checkpoint cost and the split of a job's time."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from kiban.catalog import load_catalog
from kiban.compute.checkpoints import CheckpointCost, asynchronous, in_memory, state_bytes, synchronous
from kiban.compute.goodput import goodput_frac, job_goodput_frac
from kiban.compute.goodput_inputs import catalog_goodput, load_checkpoint
from kiban.compute.job_goodput import SparePool, failures_per_s, job_goodput, mean_time_to_failure_h
from kiban.compute.recovery import Recovery, slow_node_loss_frac
from kiban.compute.spares import coverage_frac, spares_needed, waiting_frac

QUICK = Recovery(automatic_frac=1.0, automatic_s=600.0, manual_s=0.0)
DAY = 86400.0


def simulate_spares(
    nodes: int, spares: int, rate: float, repair: Callable[[np.random.Generator], float], hot: bool, seed: int
) -> float:
    """Share of time with too few nodes, by walking from removal to repair."""
    rng = np.random.default_rng(seed)
    now, waited, back = 0.0, 0.0, []
    for _ in range(60_000):
        running = len(back) <= spares
        powered = nodes + (spares - len(back) if hot else 0)
        breaks = now + rng.exponential(1 / (powered * rate)) if running else math.inf
        mended = min(back, default=math.inf)
        step = min(breaks, mended)
        waited += 0.0 if running else step - now
        now = step
        if breaks < mended:
            back.append(now + repair(rng))
        else:
            back.remove(mended)
    return waited / now


@pytest.mark.parametrize("hot", [True, False])
@pytest.mark.parametrize("law", ["exponential", "fixed"])
def test_share_of_waiting_does_not_depend_on_the_law_of_repair(hot: bool, law: str) -> None:
    nodes, spares, rate, mean = 200, 6, 1 / (100 * DAY), 3 * DAY
    draws = {"exponential": lambda rng: rng.exponential(mean), "fixed": lambda rng: mean}
    exact = waiting_frac(nodes, spares, rate, mean, hot)
    assert 0.1 < exact < 0.3
    assert simulate_spares(nodes, spares, rate, draws[law], hot, 7) == pytest.approx(exact, rel=0.05)


def test_erlangs_formula_by_hand() -> None:
    # One spare, offered load 1: Erlang B with two servers is (1/2) / (1 + 1 + 1/2) = 0.2.
    assert waiting_frac(100, 1, 1e-3, 10.0, spares_run_hot=False) == pytest.approx(0.2)


@given(st.integers(10, 5000), st.integers(0, 60), st.floats(1e-9, 1e-6), st.floats(1e3, 1e6))
def test_more_spares_never_hurt(nodes: int, spares: int, rate: float, repair: float) -> None:
    for hot in (True, False):
        less, more = (waiting_frac(nodes, k, rate, repair, hot) for k in (spares, spares + 1))
        assert 0 <= more <= less + 1e-12 <= 1 + 1e-12
    assert waiting_frac(nodes, spares, rate, repair, True) >= waiting_frac(nodes, spares, rate, repair, False) - 1e-12


def test_coverage_is_the_poisson_law() -> None:
    assert coverage_frac(1000, 8, 1e-7, 5e4) == pytest.approx(poisson.cdf(8, 5.0))


def test_fewest_spares_meet_the_limit_and_one_less_does_not() -> None:
    k = spares_needed(2048, 0.2 * 3.789e-3 / DAY, 4 * DAY, 1e-3)
    assert waiting_frac(2048, k, 0.2 * 3.789e-3 / DAY, 4 * DAY) <= 1e-3
    assert waiting_frac(2048, k - 1, 0.2 * 3.789e-3 / DAY, 4 * DAY) > 1e-3
    assert spares_needed(10, 0.0, DAY, 0.01) == 0
    with pytest.raises(ValueError, match="most_waiting_frac"):
        spares_needed(10, 1e-6, DAY, 0.0)


@given(
    st.floats(0.0, 1e-3), st.floats(0.0, 300.0), st.floats(0.0, 900.0), st.floats(0.0, 1.0), st.floats(10.0, 1e4),
    st.floats(0.0, 0.3),
)  # fmt: skip
def test_breakdown_sums_to_one(
    rate: float, save: float, lag: float, automatic: float, manual: float, slow: float
) -> None:
    out = job_goodput(
        rate,
        CheckpointCost(save, lag, 60.0),
        Recovery(automatic, 300.0, manual, removal_frac=0.2, swap_s=100.0),
        SparePool(1000, 10, 3 * DAY),
        slow,
        interval_s=1200.0,
    )
    assert out.total_frac == pytest.approx(1.0, abs=1e-9)
    parts = (
        out.useful_frac, out.checkpoint_frac, out.lost_work_frac, out.restart_frac, out.waiting_frac, out.slow_frac,
    )  # fmt: skip
    assert all(-1e-9 <= p <= 1 for p in parts)


def test_useful_share_is_the_renewal_form() -> None:
    out = job_goodput(1 / 9000, CheckpointCost(20.0, 90.0, 0.0), QUICK, interval_s=700.0)
    assert out.useful_frac == pytest.approx(float(goodput_frac(700.0, 20.0, 600.0, 1 / 9000, 90.0)))
    plain = job_goodput(failures_per_s(16384, 0.1729), CheckpointCost(10.0, 0.0, 0.0), QUICK)
    assert plain.useful_frac == pytest.approx(job_goodput_frac(16384, 0.1729, 10.0, 600.0))


def test_waiting_for_spares_thins_out_the_rest() -> None:
    pool = SparePool(2048, 0, 4 * DAY)
    recovery = Recovery(1.0, 600.0, 0.0, removal_frac=0.2)
    dry = job_goodput(1 / 11000, CheckpointCost(10.0, 0.0, 0.0), recovery, pool)
    wet = job_goodput(1 / 11000, CheckpointCost(10.0, 0.0, 0.0), recovery)
    assert dry.waiting_frac == pytest.approx(waiting_frac(2048, 0, 0.2 / 11000 / 2048, 4 * DAY))
    assert dry.useful_frac == pytest.approx(wet.useful_frac * (1 - dry.waiting_frac))


def test_people_cost_more_than_machines() -> None:
    machine = job_goodput(1 / 40000, CheckpointCost(10.0, 0.0, 0.0), Recovery(1.0, 600.0, 10800.0)).useful_frac
    person = job_goodput(1 / 40000, CheckpointCost(10.0, 0.0, 0.0), Recovery(0.0, 600.0, 10800.0)).useful_frac
    assert machine - person > 0.15


def test_background_saves_beat_waiting_and_keep_off_their_own_write() -> None:
    state = state_bytes(405e9, 14.4)
    assert state == pytest.approx(5.832e12)
    wait, behind = synchronous(state, 5e10), asynchronous(state, 5e10, 16384, 2e10)
    assert wait.save_s == pytest.approx(116.64)
    assert behind.save_s == pytest.approx(5.832e12 / 16384 / 2e10)
    rate = failures_per_s(16384, 0.1729)
    slow, fast = job_goodput(rate, wait, QUICK), job_goodput(rate, behind, QUICK)
    assert fast.useful_frac > slow.useful_frac
    assert fast.interval_s >= behind.durable_lag_s - behind.save_s
    assert in_memory(state, 16384, 5e10).save_s < 0.01
    with pytest.raises(ValueError, match="writing a checkpoint takes"):
        job_goodput(rate, behind, QUICK, interval_s=60.0)
    with pytest.raises(ValueError, match="storage_bytes_per_s"):
        synchronous(state, 0.0)


def test_one_slow_node_costs_as_much_as_ten() -> None:
    one, many = (slow_node_loss_frac(1000, 1e-4, t, 0.1) for t in (1e3, 1e5))
    assert one == pytest.approx(0.1, rel=1e-9) == many
    assert slow_node_loss_frac(1000, 1e-9, 1e3, 0.1) == pytest.approx(1e-4, rel=1e-2)
    assert slow_node_loss_frac(0, 1e-4, 1e3, 0.1) == 0.0


def test_series_law_by_hand() -> None:
    assert mean_time_to_failure_h(2048, 6.5) == pytest.approx(1.803, abs=1e-3)


def test_llama_3_from_the_catalogue_reaches_its_published_share() -> None:
    # arXiv:2407.21783, 3.3.4: over 90 % effective time on 16,384 H100; nothing here was set by it.
    catalog = load_catalog()
    out = catalog_goodput(catalog, "hopper", 405e9, 16384, 100)
    assert out.total_frac == pytest.approx(1.0)
    assert 0.9 < out.useful_frac < 0.96
    dry = catalog_goodput(catalog, "hopper", 405e9, 16384, 0)
    assert dry.waiting_frac > 0.5 > out.waiting_frac
    assert load_checkpoint(catalog, 405e9, 16384, background=False).save_s == pytest.approx(
        405e9 * 14.4 / (0.079e9 * 16384)
    )


def test_gathered_renewal_rows() -> None:
    # Reckoned elsewhere, by the same law but another program.
    file = Path(__file__).resolve().parents[3] / "shared" / "validation" / "operations.csv"
    if not file.is_file():
        pytest.skip("the shared rows of operations are not here")
    rows = [r for r in csv.DictReader(file.open(encoding="utf-8")) if r["system"] == "exact Poisson renewal check"]
    node_rate = {"RSC-1": 6.5, "RSC-2": 2.34}
    for row in rows:
        found = re.match(
            r"(\d+) GPUs, (RSC-\d) r_f, w=([\d.]+) min, restart=([\d.]+) min.*dt=([\d.]+) min", row["setting"]
        )
        assert found is not None
        gpus, cluster, save, restart, interval = found.groups()
        rate = int(gpus) / 8 * node_rate[cluster] / 1e3 / DAY
        minutes = [60 * float(x) for x in (interval, save, restart)]
        assert float(goodput_frac(*minutes, rate)) == pytest.approx(float(row["value"]), abs=6e-4)
    assert len(rows) == 6
