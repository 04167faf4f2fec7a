"""The steady state against closed forms of queueing theory worked by hand, and against the event simulator."""

from __future__ import annotations

import gzip
import math
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.compute.errors import ComputeError
from kiban.compute.serve.iteration import IterationCost
from kiban.compute.serve.load import Load, accepted_tok, load_of, spread_load
from kiban.compute.serve.simulate import Policy, simulate
from kiban.compute.serve.steady import steady
from kiban.compute.serve.trace import Trace, parse_trace, poisson_trace

AZURE = Path(__file__).resolve().parents[3] / "shared" / "data" / "traces" / "azure_llm"


def flat(step: np.ndarray, tok_s: float = 0.0) -> IterationCost:
    """A cost without caches, pairs and floor."""
    return IterationCost(1, step, 0.0, tok_s, 0.0, 0.0, 1e12)


def engine(accelerators: int) -> IterationCost:
    """A 70B dense model in 8 bits on 3.35 TB/s, 1,979 TFLOP/s accelerators at 80 % and 60 %."""
    batch = np.arange(513)
    step = 70e9 / (3.35e12 * accelerators * 0.8) + batch * 140e9 / (1979e12 * accelerators * 0.6) + 4e-3
    step[0] = 0.0
    tok_s, pair_s = 140e9 / (1979e12 * accelerators * 0.6), 524288 * 2 / (1979e12 * accelerators * 0.6)
    room = (80e9 * accelerators * 0.9 - 70e9) / 0.164e6
    return IterationCost(accelerators, step, 0.164e6 / (3.35e12 * accelerators * 0.8), tok_s, pair_s, 4e-3, room)


def test_processor_sharing_by_hand() -> None:
    """A step of b c seconds is one processor shared by b: geometric batch, mean rho / (1 - rho)."""
    c, rate = 0.001, np.array([1.0, 5.0, 9.0])
    step = c * np.arange(2001)
    s = steady(flat(step), spread_load(10, 101), rate, Policy(4096, 2000, "decode"))
    rho = rate * 100 * c
    np.testing.assert_allclose(s.batch, rho / (1 - rho), rtol=1e-9)
    np.testing.assert_allclose(s.max_rate_per_s, 10.0)
    np.testing.assert_allclose(s.decode_frac, rho, rtol=0.02)


def test_infinite_servers_by_hand() -> None:
    """A step of equal seconds for any batch serves all at once: Poisson batch, mean lambda m c."""
    step = np.full(400, 0.02)
    step[0] = 0.0
    s = steady(flat(step), spread_load(10, 51), 30.0, Policy(4096, 399, "decode"))
    np.testing.assert_allclose(s.batch, 30.0, rtol=1e-9)
    # The first of the gaps also waits for half an iteration.
    np.testing.assert_allclose(s.tpot_s, 0.02 + 0.01 / 50, rtol=1e-6)


def test_erlang_c_by_hand() -> None:
    """Seats that are servers of equal speed: mean waiting a p_wait / (c - a) (Erlang 1917), exponential service."""
    seats, step_s = 5, 0.01
    step = np.full(seats + 1, step_s)
    step[0] = 0.0
    rng = np.random.default_rng(3)
    output = 1 + np.maximum(np.round(rng.exponential(100.0, 4000)), 1)
    output = np.concatenate([output])
    load = Load(np.full(4000, 10.0), output, np.zeros(4000))
    m, a = load.mean_steps, 4.0
    rate = a / (m * step_s)
    s = steady(flat(step), load, rate, Policy(4096, seats, "decode"))
    below = sum(a**k / math.factorial(k) for k in range(seats))
    tail = a**seats / math.factorial(seats) * seats / (seats - a)
    wait = tail / (below + tail) / (seats / (m * step_s) - rate)
    assert s.ttft_s[0] == pytest.approx(wait * (1 + load.steps_scv) / 2 + step_s / 2, rel=0.03)


def test_pollaczek_khinchine_by_hand() -> None:
    """Prompts of a whole budget, prefill alone: M/D/1, wait rho S / (2 (1 - rho))."""
    s = steady(flat(np.zeros(5), 1e-4), spread_load(1000, 1), np.array([2.0, 5.0, 8.0]), Policy(1000, 4, "prefill"))
    rho = np.array([0.2, 0.5, 0.8])
    np.testing.assert_allclose(s.ttft_s, 0.1 + rho * 0.1 / (2 * (1 - rho)), rtol=1e-9)
    np.testing.assert_allclose(s.prefill_frac, rho)


def test_an_overloaded_engine_has_no_steady_state() -> None:
    s = steady(engine(8), spread_load(1024, 256), np.array([1.0, 1e4]))
    assert np.isfinite(s.ttft_s[0])
    assert np.isinf([s.ttft_s[1], s.tpot_s[1], *s.ttft_quantile_s[1]]).all()
    assert s.rate_per_s[1] > s.max_rate_per_s[1]


@pytest.mark.parametrize("seats", [40, 256])
def test_largest_rate_is_what_a_full_simulator_sustains(seats: int) -> None:
    load, policy = spread_load(1024, 256), Policy(2048, seats)
    flood = Trace(np.zeros(4000), np.full(4000, 1024), np.full(4000, 256))
    got = simulate(engine(8), flood, policy)
    assert 4000 / got.makespan_s == pytest.approx(steady(engine(8), load, 1.0, policy).max_rate_per_s[0], rel=0.05)


def _compare(cost: IterationCost, load: Load, trace: Trace, rate: float, policy: Policy) -> tuple[float, float, float]:
    """Errors of mean TTFT, P90 TTFT and TPOT against the simulator, its first tenth left out."""
    got, want = simulate(cost, trace, policy), steady(cost, load, rate, policy)
    late = slice(len(trace) // 10, None)
    ttft, tpot = got.ttft_s[late], np.nanmean(got.tpot_s[late])
    return (
        want.ttft_s[0] / ttft.mean() - 1,
        want.ttft_quantile_s[0, 1] / np.quantile(ttft, 0.9) - 1,
        want.tpot_s[0] / tpot - 1,
    )


@pytest.mark.parametrize("accelerators", [2, 8])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.8])
@pytest.mark.parametrize("cv", [0.0, 0.6, 1.0])
def test_agrees_with_the_simulator(accelerators: int, share: float, cv: float) -> None:
    load, policy, cost = spread_load(1500, 250, cv, cv), Policy(2048, 256), engine(accelerators)
    rate = share * steady(cost, load, 1.0, policy).max_rate_per_s[0]
    rng = np.random.default_rng(11)
    prompt, output = np.round(load.prompt_tok).astype(int), np.round(load.output_tok).astype(int)
    ttft, p90, tpot = _compare(cost, load, poisson_trace(rng, rate, 6000, prompt, output), rate, policy)
    assert abs(ttft) < 0.20
    assert abs(p90) < 0.25
    assert abs(tpot) < 0.08


@pytest.mark.parametrize("share", [0.2, 0.7])
@pytest.mark.parametrize("mode", ["aggregated", "prefill", "decode", "prefill_first"])
@pytest.mark.parametrize("accepted", [1.0, 2.4])
def test_agrees_in_every_mode_and_with_drafting(share: float, mode: str, accepted: float) -> None:
    load = spread_load(1500, 250, 0.6, 0.6, accepted_tok=accepted)
    mode, order = ("aggregated", mode) if mode == "prefill_first" else (mode, "chunked")
    policy, cost = Policy(2048, 256, mode, order, accepted), engine(4)
    rate = share * steady(cost, load, 1.0, policy).max_rate_per_s[0]
    prompt, output = np.round(load.prompt_tok).astype(int), np.round(load.output_tok).astype(int)
    trace = poisson_trace(np.random.default_rng(8), rate, 8000, prompt, output)
    if mode != "prefill":
        ttft, p90, tpot = _compare(cost, load, trace, rate, policy)
        assert abs(tpot) < 0.05
    else:
        got, want = simulate(cost, trace, policy), steady(cost, load, rate, policy)
        ttft = want.ttft_s[0] / got.ttft_s[800:].mean() - 1
        p90 = want.ttft_quantile_s[0, 1] / np.quantile(got.ttft_s[800:], 0.9) - 1
    if mode != "decode":
        assert abs(ttft) < 0.15
        assert abs(p90) < 0.15


@pytest.mark.parametrize("name", ["conv", "code"])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7])
def test_agrees_on_azure_lengths(name: str, share: float) -> None:
    if not AZURE.is_dir():
        pytest.skip("the shared folder with the Azure traces is not beside this checkout")
    text = gzip.decompress((AZURE / f"AzureLLMInferenceTrace_{name}_2023.csv.gz").read_bytes()).decode()
    azure, policy, cost = parse_trace(text), Policy(2048, 256), engine(8)
    load = load_of(azure, arrival_scv=1.0)
    rate = share * steady(cost, load, 1.0, policy).max_rate_per_s[0]
    trace = poisson_trace(np.random.default_rng(2), rate, 8000, azure.prompt_tok, azure.output_tok)
    ttft, p90, tpot = _compare(cost, load, trace, rate, policy)
    assert abs(ttft) < 0.20
    assert abs(p90) < 0.20
    assert abs(tpot) < 0.15


@settings(max_examples=40, deadline=None)
@given(st.floats(20, 8000), st.floats(2, 2000), st.floats(0, 2), st.floats(0, 1), st.sampled_from([1, 2, 8]))
def test_times_rise_with_load(prompt: float, output: float, cv: float, hit: float, accelerators: int) -> None:
    load = spread_load(prompt, output, cv, cv, hit)
    cost = engine(accelerators)
    most = steady(cost, load, 1e-9).max_rate_per_s[0]
    if most == 0:
        return
    s = steady(cost, load, most * np.linspace(0.02, 0.9, 12))
    assert (np.diff(s.tpot_s) > -1e-6 * s.tpot_s[:-1]).all()
    assert (np.diff(s.batch) > 0).all()
    assert (np.diff(s.ttft_quantile_s, axis=1) >= 0).all()
    assert (s.prefill_frac + s.decode_frac <= 1 + 1e-9).all()


def test_is_fast() -> None:
    """One point within 5 ms, a thousand within 0.5 ms each, of CPU time; best of five."""
    load, cost = spread_load(1000, 200, 0.5, 0.5), engine(8)
    for points, most_s in ((1, 5e-3), (1000, 0.5)):
        rates = np.linspace(0.1, 10.0, points)
        taken = []
        for _ in range(5):
            begin = time.process_time()
            steady(cost, load, rates)
            taken.append(time.process_time() - begin)
        assert min(taken) < most_s


def test_accepted_tokens_by_hand() -> None:
    assert accepted_tok(0.0, 4) == 1.0
    assert accepted_tok(1.0, 4) == 5.0
    assert accepted_tok(0.5, 2) == pytest.approx(1 + 0.5 + 0.25)
    with pytest.raises(ComputeError, match=r"acceptance is 1.2 \(allowed 0 to 1\)"):
        accepted_tok(1.2, 4)


def test_spread_lengths_keep_their_means() -> None:
    load = spread_load(900, 120, 0.8, 1.2, 0.25)
    assert load.prompt_tok.mean() == pytest.approx(900, rel=1e-3)
    assert load.output_tok.mean() == pytest.approx(120, rel=1e-2)
    assert load.cached_tok.mean() == pytest.approx(225, rel=1e-3)
    assert abs(np.corrcoef(load.prompt_tok, load.output_tok)[0, 1]) < 0.1
    with pytest.raises(ComputeError, match=r"prompt_tok is 0.*cache_hit_frac is 2"):
        spread_load(0, 1, cache_hit_frac=2)
