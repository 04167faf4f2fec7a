"""A question to the serving planner in a user's terms, its checks, and the answer with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np

from kiban.catalog import Catalog
from kiban.compute.errors import ComputeError
from kiban.compute.serve.changes import drafting, slowed
from kiban.compute.serve.derate import derate_of
from kiban.compute.serve.engines import Option, engine_state
from kiban.compute.serve.load import Load, accepted_tok, load_of, spread_load
from kiban.compute.serve.options import Engines, Running, engines_of
from kiban.compute.serve.pareto import ParetoPoint, pareto
from kiban.compute.serve.planner import InfeasibleError, Need, ServingPlan, plan_serving
from kiban.compute.serve.simulate import Policy
from kiban.compute.serve.steady import Steady
from kiban.compute.serve.trace import Trace
from kiban.compute.serve.unit_costs import TokenCosts, token_costs

_MODEL = ("layers", "hidden_size", "attention_heads", "vocab_size")
_CHIP = ("memory_gb", "memory_tb_per_s", "tdp_w", "release_year_frac", "family")
"""Rows without which a model or an accelerator cannot be loaded."""
PRECISIONS = ("bf16", "fp8", "fp4", "int4")
ENGINES = ("any", "vllm", "sglang", "trtllm")


@dataclass(frozen=True)
class Ask:
    """What a user asks of a serving fleet; names of the fields are those of the command's options."""

    model: str
    chip: str
    rate: float | None = None
    """Requests per second; a trace's own rate if None."""
    tok_rate: float | None = None
    """Generated tokens per second of all requests, in place of ``rate``."""
    prompt: float | None = None
    output: float | None = None
    ttft: float = 2.0
    tpot: float = 0.05
    p90: bool = False
    """The limit on the time to first token is for the P90, not the mean."""
    precision: str = "fp8"
    engine: str = "any"
    maturity: float = 1.0
    """Years since the chip's release."""
    price: float | None = None
    cache_hit: float = 0.0
    accept: float = 0.0
    draft: int = 0
    draft_cost: float = 0.1
    prompt_cv: float = 0.0
    output_cv: float = 0.0
    production: float | None = None
    """Share of the benchmark rate kept in production; None takes the catalogue's range."""
    disagg: bool = False
    max_running: int = 1024
    budget: int = 2048


@dataclass(frozen=True)
class Fault:
    """One wrong option."""

    option: str
    message: str
    found: str
    allowed: str
    nearest: str = ""


def check_ask(ask: Ask, catalog: Catalog, traced: bool) -> list[Fault]:
    """Find every fault of a question; ``traced``: lengths and arrivals come from a trace."""
    faults = [
        _name_fault("model", ask.model, _names(catalog, "model", _MODEL)),
        _name_fault("chip", ask.chip, _names(catalog, "accelerator", _CHIP)),
        _name_fault("precision", ask.precision, list(PRECISIONS)),
        _name_fault("engine", ask.engine, list(ENGINES)),
    ]
    needed = () if traced else ("prompt", "output") if ask.tok_rate is not None else ("rate", "prompt", "output")
    faults += [Fault(n, "is needed without a trace", "nothing", "a number") for n in needed if getattr(ask, n) is None]
    if ask.rate is not None and ask.tok_rate is not None:
        faults.append(Fault("tok_rate", "says the load twice", f"{ask.tok_rate:g}", "no value beside --rate"))
    if traced:
        given = [n for n in ("prompt", "output") if getattr(ask, n) is not None]
        given += [n for n in ("prompt_cv", "output_cv") if getattr(ask, n)]
        faults += [
            Fault(n, "the trace has lengths of its own", f"{getattr(ask, n):g}", "no value beside --trace")
            for n in given
        ]
    for name, low, high, words in (
        ("rate", 0, 1e9, "above 0, to 1e9 requests per second"),
        ("tok_rate", 0, 1e12, "above 0, to 1e12 tokens per second"),
        ("prompt", 1 - 1e-9, 1e7, "1 to 1e7 tokens"),
        ("output", 1 - 1e-9, 1e7, "1 to 1e7 tokens"), ("ttft", 0, 1e6, "above 0, to 1e6 s"),
        ("tpot", 0, 1e4, "above 0, to 1e4 s"), ("price", 0, 1e5, "above 0, to 1e5 USD per accelerator-hour"),
        ("cache_hit", -1e-9, 1, "0 to 1"), ("accept", -1e-9, 1, "0 to 1"), ("draft", -1, 64, "0 to 64 tokens"),
        ("draft_cost", -1e-9, 1, "0 to 1 of a step"), ("prompt_cv", -1e-9, 5, "0 to 5"),
        ("output_cv", -1e-9, 5, "0 to 5"), ("production", 0, 1, "above 0, to 1"),
        ("maturity", -1e-9, 5, "0 to 5 years"),
        ("max_running", 0, 65536, "1 to 65536 requests"), ("budget", 0, 1e6, "1 to 1e6 tokens"),
    ):  # fmt: skip
        value = getattr(ask, name)
        if value is not None and not (math.isfinite(value) and low < value <= high):
            faults.append(Fault(name, "out of range", f"{value:g}", words))
    if not any(f and f.option in ("budget", "max_running") for f in faults) and ask.budget <= ask.max_running:
        faults.append(
            Fault("budget", "prompts would starve", str(ask.budget), f"more than --max-running {ask.max_running}")
        )
    if ask.accept > 0 and ask.draft == 0:
        faults.append(Fault("draft", "needed beside --accept", "0", "1 to 64 tokens"))
    return [f for f in faults if f is not None]


def _names(catalog: Catalog, family: str, fields: tuple[str, ...]) -> list[str]:
    """Names whose rows are all there."""
    first = f".{fields[0]}"
    found = [k.split(".")[1] for k in catalog.keys(f"{family}.") if k.endswith(first) and k.count(".") == 2]
    return sorted(n for n in found if all(catalog.has(f"{family}.{n}.{f}") for f in fields))


def _name_fault(option: str, found: str, names: list[str]) -> Fault | None:
    if found in names:
        return None
    near = get_close_matches(found, names, n=1, cutoff=0.3)
    return Fault(option, "unknown name", repr(found), ", ".join(names), near[0] if near else "")


@dataclass(frozen=True)
class Case:
    """The answer at one quantile of the cost of time, or why there is none."""

    time_factor: float
    plan: ServingPlan | None
    costs: TokenCosts | None
    held: tuple[Steady, ...]
    """The pools of the middle plan at this time factor."""
    reason: str = ""


@dataclass(frozen=True)
class ServeAnswer:
    """A plan with its interval and the set of trade-offs around it."""

    ask: Ask
    need: Need
    engines: Engines
    policy: Policy
    cases: tuple[Case, Case, Case]
    """Time at P10, P50 and P90."""
    together: list[ParetoPoint]
    apart: list[ParetoPoint]

    @property
    def plan(self) -> ServingPlan:
        """The plan at the median."""
        plan = self.cases[1].plan
        if plan is None:
            raise ComputeError(self.cases[1].reason)
        return plan


def answer(ask: Ask, catalog: Catalog, trace: Trace | None = None) -> ServeAnswer:
    """Plan at the median, again with all seconds at their P10 and P90, and draw the trade-off.

    Args: a checked question; catalogue; trace (``with_cache``) whose lengths and rate are used. Result: the answer.
    Raises InfeasibleError if the median cannot be met. Seconds are log-normal: the model's log error and the spread
    of the production share (its low and high read as P5 and P95) add in quadrature.
    """
    accepted = accepted_tok(ask.accept, ask.draft)
    load = _load(ask, trace, accepted)
    running = Running(ask.precision, ask.engine, ask.max_running, ask.draft + 1, ask.maturity)
    engines = engines_of(catalog, ask.model, ask.chip, running, load)
    derate = derate_of(engines, ask.production)
    factors = derate.time_factors
    rate = _rate(ask, load, trace)
    need = Need(load, rate, ask.ttft, ask.tpot, "p90" if ask.p90 else "mean", derate.most_load_frac)
    policy = Policy(ask.budget, ask.max_running, accepted_tok=accepted)
    cases: list[Case] = []
    middle_plan = None
    for factor in (factors[1], factors[0], factors[2]):
        options = _at(engines.options, ask, factor)
        try:
            plan = plan_serving(options, need, policy, ask.disagg)
        except InfeasibleError as error:
            if middle_plan is None:
                raise
            cases.append(Case(factor, None, None, _held(middle_plan, options), str(error)))
            continue
        middle_plan = middle_plan or plan
        cases.append(Case(factor, plan, token_costs(plan, ask.price, engines.draw), _held(middle_plan, options)))
    options = _at(engines.options, ask, factors[1])
    return ServeAnswer(
        ask, need, engines, policy, (cases[1], cases[0], cases[2]),
        pareto(options, need, policy), pareto(options, need, policy, disaggregated=True),
    )  # fmt: skip


def first_token_factors(engines: Engines) -> tuple[float, float, float]:
    """How much wider the time to first token is known than the time per token: factors on its P10, P50 and P90."""
    (a, b, c), (x, y, z) = engines.log_error, engines.first_error
    return math.exp(-max((y - x) - (b - a), 0.0)), 1.0, math.exp(max((z - y) - (c - b), 0.0))


def _rate(ask: Ask, load: Load, trace: Trace | None) -> float:
    if ask.tok_rate is not None:
        return ask.tok_rate / float(load.output_tok.mean())
    if ask.rate is not None:
        return ask.rate
    return trace.rate_per_s if trace is not None else math.nan


def _load(ask: Ask, trace: Trace | None, accepted: float) -> Load:
    if trace is None:
        return spread_load(
            ask.prompt or 1, ask.output or 1, ask.prompt_cv, ask.output_cv, ask.cache_hit, accepted_tok=accepted
        )
    return load_of(trace, accepted)


def with_cache(ask: Ask, trace: Trace) -> Trace:
    """The trace with the asked share of every prompt in the prefix cache, where it has none or less."""
    cached = np.maximum(trace.cached_tok, np.floor(trace.prompt_tok * ask.cache_hit).astype(np.int64))
    return replace(trace, cached_tok=cached)


def _at(options: tuple[Option, ...], ask: Ask, factor: float) -> list[Option]:
    return [
        replace(o, cost=drafting(slowed(o.cost, factor), ask.draft, ask.draft_cost), reply_s=o.reply_s * factor)
        for o in options
    ]


def _held(plan: ServingPlan | None, options: list[Option]) -> tuple[Steady, ...]:
    """The engines of a plan under other costs."""
    if plan is None:
        return ()
    by_name = {o.name: o for o in options}
    load, rate = plan.need.load, plan.need.rate_per_s
    return tuple(
        engine_state(by_name[p.option.name], load, rate / p.engines, p.policy, None, load.shared_by(p.engines))
        for p in plan.pools
    )
