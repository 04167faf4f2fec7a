"""The event simulator against a plain loop over iterations, against sums worked by hand, and on bad input."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from serve_naive import naive

from kiban.compute.errors import ComputeError
from kiban.compute.serve.iteration import IterationCost
from kiban.compute.serve.simulate import Policy, simulate
from kiban.compute.serve.trace import Trace, parse_trace, poisson_trace

AZURE = Path(__file__).resolve().parents[3] / "shared" / "data" / "traces" / "azure_llm"


def cost(seats: int = 8, room: float = 4000.0, floor: float = 0.0, base: float = 0.011) -> IterationCost:
    decode = base + 0.0007 * np.arange(seats + 1) ** 0.9
    decode[0] = 0.0
    return IterationCost(1, decode, 1.3e-6, 2.1e-5, 3.7e-9, floor, room)


requests = st.lists(
    st.tuples(st.floats(0.0, 1.0), st.integers(1, 700), st.integers(1, 90), st.floats(0.0, 1.0)),
    min_size=1,
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(
    requests,
    st.floats(0.1, 30.0),
    st.sampled_from(["aggregated", "prefill", "decode"]),
    st.sampled_from(["chunked", "prefill_first"]),
    st.integers(1, 12),
    st.sampled_from([13, 50, 333, 2048]),
    st.sampled_from([0.0, 0.012, 0.0153, 0.05]),
    st.sampled_from([600.0, 1500.0, 1e6]),
    st.sampled_from([1.0, 1.0, 2.4]),
)
def test_equals_a_plain_loop(rows, span, mode, order, seats, budget, floor, room, accepted) -> None:
    # An arrival on the very end of an iteration is a tie that rounding decides; uneven times have none.
    a = np.array([r[0] for r in rows]) * span + 1e-6 * np.sqrt(np.arange(2, len(rows) + 2))
    prompt = np.array([r[1] for r in rows])
    trace = Trace(a, prompt, np.array([r[2] for r in rows]), np.floor(prompt * [r[3] for r in rows]).astype(int))
    policy = Policy(budget, seats, mode, order, accepted)
    it = cost(12, room, floor)
    first, last, iterations = naive(it, trace, policy)
    got = simulate(it, trace, policy)
    np.testing.assert_allclose(got.ttft_s, first - a, rtol=0, atol=1e-9)
    np.testing.assert_allclose(got.e2e_s, last - a, rtol=0, atol=1e-9)
    assert got.iterations == iterations
    assert got.refused == int(np.isnan(first).sum())


def test_one_request_by_hand() -> None:
    """Prompt of 10 in chunks of 4: pairs 0+1+2+3, 4..7, 8+9; then 3 steps with 10, 11 and 12 cached tokens."""
    it = IterationCost(1, np.array([0.0, 1.0]), 0.5, 0.1, 0.01, 0.0, 100.0)
    got = simulate(it, Trace([0.0], [10], [4]), Policy(4, 1))
    prefill = 10 * 0.1 + 45 * 0.01
    assert got.ttft_s[0] == pytest.approx(prefill, abs=1e-12)
    assert got.e2e_s[0] == pytest.approx(prefill + 3 * 1.0 + 0.5 * (10 + 11 + 12), abs=1e-12)
    assert got.iterations == 6
    assert got.busy_frac == pytest.approx(1.0)
    assert got.kv_peak_tok == 13


def test_reads_azure_traces_and_serves_every_request() -> None:
    if not AZURE.is_dir():
        pytest.skip("the shared folder with the Azure traces is not beside this checkout")
    for name, count in (("code", 8819), ("conv", 19366)):
        text = gzip.decompress((AZURE / f"AzureLLMInferenceTrace_{name}_2023.csv.gz").read_bytes()).decode()
        trace = parse_trace(text)
        assert len(trace) == count
        got = simulate(cost(256, 4e5), trace, Policy(2048, 256))
        assert got.refused == 0
        assert np.isfinite(got.e2e_s).all()
        assert (got.e2e_s >= got.ttft_s).all()


def test_a_faster_engine_is_never_slower_on_average() -> None:
    rng = np.random.default_rng(5)
    trace = poisson_trace(rng, 3.0, 400, np.array([300, 900]), np.array([40, 90]))
    slow, fast = simulate(cost(64), trace, Policy(2048, 64)), simulate(cost(64, base=0.006), trace, Policy(2048, 64))
    assert fast.e2e_s.mean() < slow.e2e_s.mean()
    assert fast.makespan_s <= slow.makespan_s


@pytest.mark.parametrize("rate", [1.0, 5.0, 1e6])
def test_is_fast(rate: float) -> None:
    """More than 50,000 requests per CPU second on Vidur's kind of work; best of five, as others share the machine."""
    trace = poisson_trace(np.random.default_rng(1), rate, 1024, np.array([1024]), np.array([128]))
    taken = []
    for _ in range(5):
        begin = time.process_time()
        simulate(cost(256, 1e5), trace, Policy(2048, 256))
        taken.append(time.process_time() - begin)
    assert 1024 / min(taken) > 50_000


def test_speaks_of_all_faults_at_once() -> None:
    with pytest.raises(ComputeError, match=r"prompt_tok of request 1 is 0.*cached_tok of request 0 is 9"):
        Trace([0.0, 1.0], [5, 0], [1, 1], [9, 0])
    with pytest.raises(ComputeError, match=r"mode is 'both'.*order.*max_running is 0.*accepted_tok is 0.5"):
        Policy(10, 0, "both", "any", 0.5)
    with pytest.raises(ComputeError, match=r"line 2, contexttokens: found 'x'.*line 3, generatedtokens: found ''"):
        parse_trace("TIMESTAMP,ContextTokens,GeneratedTokens\n1,x,3\n2,4,\n")
    with pytest.raises(ComputeError, match="no column output_tok"):
        parse_trace("arrival_s,prompt_tok\n")


def test_a_request_longer_than_the_cache_is_refused() -> None:
    got = simulate(cost(4, 100.0), Trace([0.0, 0.0], [90, 50], [20, 20]), Policy(64, 4))
    assert got.refused == 1
    assert np.isnan(got.e2e_s[0])
    assert np.isfinite(got.e2e_s[1])
