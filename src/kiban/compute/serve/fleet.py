"""What one accelerator of a large serving fleet does: the planner's answer in the limit of many engines."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from kiban.catalog import Catalog
from kiban.compute.model import Rate
from kiban.compute.serve.changes import drafting, slowed
from kiban.compute.serve.derate import Derate, derate_of
from kiban.compute.serve.load import accepted_tok, spread_load
from kiban.compute.serve.options import Engines, Running, engines_of
from kiban.compute.serve.planner import Need, ServingPlan, plan_serving
from kiban.compute.serve.simulate import Policy

_REQUESTS_PER_S = 1e5
"""Enough for thousands of engines, so that whole numbers of them do not show."""


@dataclass(frozen=True)
class Work:
    """Mean request and its limits."""

    prompt_tok: float
    output_tok: float
    prefix_cache_frac: float
    ttft_limit_s: float
    tpot_limit_s: float
    precision: str
    draft_tok: int = 0
    draft_accept_frac: float = 0.0


@dataclass(frozen=True)
class Served:
    """Steady state of the fleet; rates per accelerator."""

    layout: str
    """Layout, or layouts of the prefill and the decode pool."""
    basis: str
    """``seen``, ``known`` or ``new``: what was measured near this model and chip."""
    blended: Rate
    """Prompt (cached or not) and answer tokens per second in the mix, in production."""
    prefill_tok_per_s: float
    """Prompt tokens that are computed (not found in cache) per busy second of an accelerator."""
    decode_tok_per_s: float
    """Generated tokens per busy second of an accelerator."""
    ttft_s: float
    tpot_s: float
    batch: float
    """Requests that a decoding engine holds."""
    prefill_frac: float
    """Share of all accelerator time on prompts."""
    decode_frac: float
    """Share on decoding; the rest is idle."""


def serve_fleet(catalog: Catalog, model: str, chip: str, work: Work) -> Served:
    """Plan a large fleet, pools together or apart, whichever takes fewer accelerators.

    Args: catalogue; names; work. Result: the state at the median; the interval scales the rate by the model's error and
    the spread of the production share. Raises InfeasibleError with the limit that binds.
    """
    accepted = accepted_tok(work.draft_accept_frac, work.draft_tok)
    load = spread_load(work.prompt_tok, work.output_tok, cache_hit_frac=work.prefix_cache_frac, accepted_tok=accepted)
    policy = Policy(accepted_tok=accepted, max_running=1024)
    running = Running(work.precision, "any", policy.max_running, work.draft_tok + 1)
    engines = engines_of(catalog, model, chip, running, load)
    derate = derate_of(engines)
    draft_cost = catalog.value("compute.serving.draft_cost_frac") if work.draft_tok else 0.0
    options = [
        replace(o, cost=drafting(slowed(o.cost, derate.time_factors[1]), work.draft_tok, draft_cost))
        for o in engines.options
    ]
    need = Need(load, _REQUESTS_PER_S, work.ttft_limit_s, work.tpot_limit_s, most_load_frac=derate.most_load_frac)
    return _state(plan_serving(options, need, policy, None), engines, derate)


def _state(plan: ServingPlan, engines: Engines, derate: Derate) -> Served:
    load, rate = plan.need.load, plan.need.rate_per_s
    tokens = float(load.prompt_tok.mean() + load.output_tok.mean())
    prefill = sum(p.accelerators * float(p.state.prefill_frac[0]) for p in plan.pools)
    decode = sum(p.accelerators * float(p.state.decode_frac[0]) for p in plan.pools)
    rate_each = rate * tokens / plan.accelerators
    fast, even, slow = derate.time_factors
    return Served(
        layout=" + ".join(p.option.name for p in plan.pools),
        basis=engines.basis,
        blended=Rate(rate_each * even / slow, rate_each, rate_each * even / fast),
        prefill_tok_per_s=rate * float(load.computed_tok.mean()) / max(prefill, 1e-300),
        decode_tok_per_s=rate * float(load.output_tok.mean()) / decode if decode > 0 else math.nan,
        ttft_s=plan.ttft_s,
        tpot_s=plan.tpot_s,
        batch=float(plan.pools[-1].state.batch[0]),
        prefill_frac=prefill / plan.accelerators,
        decode_frac=decode / plan.accelerators,
    )
