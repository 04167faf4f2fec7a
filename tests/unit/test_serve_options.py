"""The engines that the planner may choose from: layouts, memory, intervals and power."""

from __future__ import annotations

import re

import numpy as np
import pytest

from kiban.catalog import load_catalog
from kiban.compute.arithmetic import load_model
from kiban.compute.hardware import load_accelerator
from kiban.compute.serve.ask import Ask, answer, check_ask
from kiban.compute.serve.cost import iteration_cost
from kiban.compute.serve.engines import engine_state
from kiban.compute.serve.features import Placement, default_cache_precision
from kiban.compute.serve.fit import load_fit, loops
from kiban.compute.serve.layout import ServeLayout
from kiban.compute.serve.load import spread_load
from kiban.compute.serve.options import Engines, Running, engines_of
from kiban.compute.serve.planner import InfeasibleError
from kiban.compute.serve.points import Point, gather
from kiban.compute.serve.simulate import Policy, simulate
from kiban.compute.serve.trace import Trace

CATALOG = load_catalog()
LOAD = spread_load(1000, 300)


def engines(model: str, chip: str, precision: str = "fp8", seats: int = 64) -> Engines:
    return engines_of(CATALOG, model, chip, Running(precision, "any", seats, 1), LOAD)


def test_dense_models_are_cut_within_the_domain() -> None:
    names = [o.name for o in engines("llama31_8b", "h100_sxm").options]
    assert names == ["TP1", "TP2", "TP4", "TP8"]
    assert [o.cost.accelerators for o in engines("llama31_8b", "gb200").options] == [1, 2, 4, 8, 16, 32]


def test_experts_are_spread_too() -> None:
    found = engines("deepseek_r1", "gb200", "fp4").options
    kinds = {re.sub(r"\d+", "", o.name) for o in found}
    assert kinds == {"TP", "TEP", "DEP"}
    for option in found:
        assert option.cost.accelerators == int(re.sub(r"\D", "", option.name))
        assert (option.replicas > 1) == option.name.startswith("DEP")
        assert (option.lone_factor > 1) == option.name.startswith("DEP")
        assert len(option.cost.decode_s) == 64 * option.replicas + 1


def test_a_lone_prompt_gets_one_replica() -> None:
    """Its seconds on DEP8 are those of its replica's share of the engine, and vanish as the engine fills."""
    option = next(o for o in engines("deepseek_r1", "gb200", "fp4").options if o.name == "DEP8")
    policy = Policy(8192, 512)
    alone = engine_state(option, LOAD, 1e-6, policy).ttft_s[0]
    work = 1000 * option.cost.prefill_tok_s + 1000 * 999 / 2 * option.cost.prefill_pair_s
    assert alone - option.reply_s == pytest.approx(work * option.lone_factor, rel=0.02)
    assert 0.005 < option.reply_s < 1


def test_stages_only_where_nothing_else_fits() -> None:
    names = [o.name for o in engines("llama31_405b", "h100_sxm", "bf16").options]
    assert names
    assert all("PP" in n for n in names)
    assert not any("PP" in o.name for o in engines("llama31_405b", "h100_sxm", "fp8").options)


def test_more_accelerators_hold_more_cache_and_step_faster() -> None:
    found = engines("llama31_70b", "h100_sxm").options
    rooms, steps = [o.cost.kv_capacity_tok for o in found], [o.cost.decode_s[1] for o in found]
    assert rooms == sorted(rooms)
    assert steps == sorted(steps, reverse=True)


def test_what_was_not_measured_is_known_less() -> None:
    def width(chip: str) -> float:
        ask = Ask("llama31_70b", chip, 20.0, None, 1000, 300, ttft=5.0, tpot=0.3)
        assert check_ask(ask, CATALOG, False) == []
        fast, _, slow = (c.time_factor for c in answer(ask, CATALOG).cases)
        return slow / fast

    assert engines("llama31_70b", "trainium2").basis == "new"
    assert width("trainium2") > width("h100_sxm") > 1


def test_power_lies_between_idle_and_rating() -> None:
    chip = load_accelerator(CATALOG, "h100_sxm")
    draw = engines("llama31_8b", "h100_sxm").draw
    assert chip.tdp_w < draw.rated_w < 2.5 * chip.tdp_w
    assert 0 < draw.idle_frac < draw.decode_frac < draw.prefill_frac <= 1


def test_weights_that_fit_nowhere_say_by_how_much() -> None:
    with pytest.raises(InfeasibleError, match=r"puts .* GB of weights on each of 64") as caught:
        engines("kimi_k2", "v100_sxm2_32", "bf16")
    assert caught.value.binds == "memory"


@pytest.mark.parametrize("seats", [4, 32, 256])
@pytest.mark.parametrize("name", ["TP8", "DEP8"])
def test_a_full_simulator_agrees_with_the_fitted_closed_loop(name: str, seats: int) -> None:
    """The fit speaks of loops of so many requests in flight; a flood with as many seats is the same thing."""
    model, chip = load_model(CATALOG, "deepseek_r1"), load_accelerator(CATALOG, "b200")
    layout = ServeLayout(tensor=8) if name == "TP8" else ServeLayout(data=8, expert=8)
    at = Placement(model, chip, layout, "fp8", default_cache_precision(model, chip, "fp8", "trtllm"))
    fit = load_fit(CATALOG)
    point = Point(at, "trtllm", 1024.0, 1024.0, float(seats))
    (want,) = loops(gather([point]), fit.thetas([point])).tpot_s
    cost = iteration_cost(at, "trtllm", fit, 256, 1536.0)
    output = np.random.default_rng(0).integers(820, 1228, seats * 8)
    flood = Trace(np.zeros(len(output)), np.full(len(output), 1024), output)
    got = simulate(cost, flood, Policy(8192, seats))
    assert np.mean(got.tpot_s[2 * seats : -seats]) == pytest.approx(want, rel=0.06)
