"""The planner: fewest engines indeed, checked by the simulator; reasons for the impossible; costs that add up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kiban.compute.serve.changes import drafting, slowed
from kiban.compute.serve.engines import Option
from kiban.compute.serve.iteration import IterationCost
from kiban.compute.serve.load import spread_load
from kiban.compute.serve.pareto import pareto
from kiban.compute.serve.planner import InfeasibleError, Need, plan_serving
from kiban.compute.serve.simulate import Policy, simulate
from kiban.compute.serve.steady import steady
from kiban.compute.serve.trace import poisson_trace
from kiban.compute.serve.unit_costs import Draw, token_costs


def engine(accelerators: int) -> IterationCost:
    batch = np.arange(513)
    step = 70e9 / (3.35e12 * accelerators * 0.8) + batch * 140e9 / (1979e12 * accelerators * 0.6)
    step = step + 3e-3 + 5e-4 * accelerators**0.5
    step[0] = 0.0
    tok_s, pair_s = 140e9 / (1979e12 * accelerators * 0.6), 524288 * 2 / (1979e12 * accelerators * 0.6)
    room = (80e9 * accelerators * 0.9 - 70e9) / 0.164e6
    return IterationCost(accelerators, step, 0.164e6 / (3.35e12 * accelerators * 0.8), tok_s, pair_s, 4e-3, room)


OPTIONS = [Option(f"tp{n}", engine(n), 0.164e6 / (50e9 * n)) for n in (1, 2, 4, 8)]
LOAD = spread_load(1024, 256, 0.5, 0.5)


def test_no_fewer_accelerators_would_do() -> None:
    need = Need(LOAD, 200.0, 1.0, 0.03)
    plan = plan_serving(OPTIONS, need)
    (pool,) = plan.pools
    assert plan.accelerators == pool.engines * pool.option.cost.accelerators
    assert plan.ttft_s <= 1.0
    assert plan.tpot_s <= 0.03
    for option in OPTIONS:
        fewer = -(-plan.accelerators // option.cost.accelerators) - 1
        for cap in range(4, 257, 4):
            if fewer < 1:
                continue
            policy = Policy(2048, cap)
            s = steady(option.cost, LOAD, 200.0 / fewer, policy, None, LOAD.shared_by(fewer))
            loaded = 200.0 / fewer > 0.9 * s.max_rate_per_s[0]
            assert loaded or s.ttft_s[0] > 1.0 or s.tpot_s[0] > 0.03, (option.name, cap)


@pytest.mark.parametrize(("ttft", "tpot"), [(2.0, 0.05), (0.5, 0.02), (0.1, 0.012)])
def test_the_simulator_confirms_the_chosen_point(ttft: float, tpot: float) -> None:
    plan = plan_serving(OPTIONS, Need(LOAD, 60.0, ttft, tpot))
    (pool,) = plan.pools
    prompt, output = np.round(LOAD.prompt_tok).astype(int), np.round(LOAD.output_tok).astype(int)
    trace = poisson_trace(np.random.default_rng(4), 60.0, 8000 * pool.engines, prompt, output)
    got = simulate(pool.option.cost, trace.part(slice(0, None, pool.engines)), pool.policy)
    late = slice(800, None)
    assert got.ttft_s[late].mean() == pytest.approx(plan.ttft_s, rel=0.25)
    assert np.nanmean(got.tpot_s[late]) == pytest.approx(plan.tpot_s, rel=0.08)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.3, 3000), st.floats(0.05, 3), st.floats(0.009, 0.08), st.floats(1.0, 3.0), st.booleans())
def test_looser_limits_and_lighter_loads_never_cost_more(
    rate: float, ttft: float, tpot: float, more: float, apart: bool
) -> None:
    need = Need(LOAD, rate, ttft, tpot)
    try:
        least = plan_serving(OPTIONS, need, disaggregated=apart).accelerators
    except InfeasibleError:
        assume(False)
        return
    for easier in (
        replace(need, ttft_limit_s=ttft * more),
        replace(need, tpot_limit_s=tpot * more),
        replace(need, rate_per_s=rate / more),
    ):
        assert plan_serving(OPTIONS, easier, disaggregated=apart).accelerators <= least


def test_apart_wins_where_the_time_per_token_is_tight() -> None:
    need = Need(LOAD, 5000.0, 0.5, 0.0105)
    together, apart = (plan_serving(OPTIONS, need, disaggregated=d) for d in (False, True))
    assert apart.accelerators < together.accelerators
    assert plan_serving(OPTIONS, need, disaggregated=None).accelerators == apart.accelerators
    prefill, decode = apart.pools
    assert (prefill.role, decode.role) == ("prefill", "decode")
    assert apart.transfer_s == pytest.approx(1024 * max(p.option.transfer_s_per_tok for p in apart.pools), rel=1e-3)


@pytest.mark.parametrize(
    ("need", "binds", "words"),
    [
        (Need(LOAD, 5, 0.001, 1), "ttft", "lone request takes .* to its first token .* nearest feasible: TTFT"),
        (Need(LOAD, 5, 1, 0.001), "tpot", "lone request takes .* per token .* nearest feasible: TPOT"),
        (Need(spread_load(8_000_000, 100), 5, 9e9, 9e9), "cache", "the cache holds .* a request needs"),
    ],
)
@pytest.mark.parametrize("apart", [False, True, None])
def test_the_impossible_says_what_binds(need: Need, binds: str, words: str, apart: bool | None) -> None:
    with pytest.raises(InfeasibleError, match=words) as caught:
        plan_serving(OPTIONS, need, disaggregated=apart)
    if apart is not True or binds != "cache":
        assert caught.value.binds == binds


def test_the_nearest_feasible_limit_is_feasible() -> None:
    with pytest.raises(InfeasibleError) as caught:
        plan_serving(OPTIONS, Need(LOAD, 5, 1, 0.001))
    nearest = float(str(caught.value).rsplit("TPOT ", 1)[1].removesuffix(" s"))
    assert plan_serving(OPTIONS, Need(LOAD, 5, 1, nearest)).tpot_s <= nearest


def test_weights_that_fit_nowhere() -> None:
    full = [Option("tp1", replace(engine(1), kv_capacity_tok=-1e4))]
    with pytest.raises(InfeasibleError, match="weights fit no layout") as caught:
        plan_serving(full, Need(LOAD, 5, 1, 1))
    assert caught.value.binds == "memory"


@pytest.mark.parametrize("apart", [False, True])
def test_costs_add_up_to_the_price_of_the_pools(apart: bool) -> None:
    plan = plan_serving(OPTIONS, Need(LOAD, 100.0, 1.0, 0.03), disaggregated=apart)
    costs = token_costs(plan, 3.0, Draw(1000.0, 1.0, 1.0, 1.0))
    usd = 100.0 * (1024 * costs.input_usd_per_mtok + 256 * costs.output_usd_per_mtok) / 1e6
    assert usd == pytest.approx(plan.accelerators * 3.0 / 3600, rel=1e-2)
    # At full draw in every phase, idle included, energy is rated power.
    watts = 100.0 * (1024 * costs.input_j_per_tok + 256 * costs.output_j_per_tok)
    assert watts == pytest.approx(plan.accelerators * 1000.0, rel=1e-2)
    none = token_costs(plan, None, None)
    assert np.isnan([none.input_usd_per_mtok, none.output_j_per_tok]).all()


def test_pareto_set_is_beaten_by_nobody() -> None:
    points = pareto(OPTIONS, Need(LOAD, 1, 2.0, 1.0)) + pareto(OPTIONS, Need(LOAD, 1, 2.0, 1.0), disaggregated=True)
    for mode in (False, True):
        mine = [p for p in points if ("+" in p.layout) == mode]
        best = [p for p in mine if p.best]
        assert len(best) > 5
        for p in mine:
            beaten = [
                q
                for q in best
                if q.tok_per_s_per_user >= p.tok_per_s_per_user
                and q.tok_per_s_per_accelerator >= p.tok_per_s_per_accelerator
                and q != p
            ]
            assert bool(beaten) != p.best


def test_slower_and_drafting_by_hand() -> None:
    cost = engine(2)
    assert slowed(cost, 2.0).iteration_s(3, 100, 10, 45) == pytest.approx(2 * cost.iteration_s(3, 100, 10, 45))
    draft = drafting(cost, 3, 0.1)
    assert len(draft.decode_s) == 129
    assert draft.decode_s[5] == pytest.approx(cost.decode_s[20] * 1.3)
    assert drafting(cost, 0, 0.1) is cost
