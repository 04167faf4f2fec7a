"""USD and joules per token of a serving plan, prompt and answer apart, by the accelerator time of each phase."""

from __future__ import annotations

from dataclasses import dataclass

from kiban.compute.serve.planner import ServingPlan


@dataclass(frozen=True)
class Draw:
    """Power of one accelerator with its share of the machine, by phase."""

    rated_w: float
    prefill_frac: float
    decode_frac: float
    idle_frac: float


@dataclass(frozen=True)
class TokenCosts:
    """Of a million prompt tokens (cached ones counted) and a million generated tokens; NaN without price or power."""

    input_usd_per_mtok: float
    output_usd_per_mtok: float
    input_j_per_tok: float
    output_j_per_tok: float
    prefill_time_frac: float
    """Share of busy accelerator time that prompts take."""


def token_costs(plan: ServingPlan, usd_per_accelerator_h: float | None, draw: Draw | None) -> TokenCosts:
    """Attribute price and energy of the accelerators to prompt and generated tokens.

    Args: plan; USD per accelerator-hour; power. Busy time counts by phase; the idle rest of a pool is borne by its
    phases in proportion to their busy time, so USD in x prompt + USD out x answer is the whole price of the pools.
    """
    load, rate = plan.need.load, plan.need.rate_per_s
    prefill = decode = prefill_w = decode_w = 0.0
    for pool in plan.pools:
        p, d = float(pool.state.prefill_frac[0]), float(pool.state.decode_frac[0])
        busy = max(p + d, 1e-12)
        prefill += pool.accelerators * p / busy
        decode += pool.accelerators * d / busy
        if draw:
            idle = max(1 - busy, 0.0) * draw.idle_frac
            prefill_w += pool.accelerators * draw.rated_w * p * (draw.prefill_frac + idle / busy)
            decode_w += pool.accelerators * draw.rated_w * d * (draw.decode_frac + idle / busy)
    tokens_in, tokens_out = rate * float(load.prompt_tok.mean()), rate * float(load.output_tok.mean())
    usd_per_s = usd_per_accelerator_h / 3600 if usd_per_accelerator_h is not None else float("nan")
    nan = float("nan")
    return TokenCosts(
        usd_per_s * prefill / tokens_in * 1e6,
        usd_per_s * decode / tokens_out * 1e6,
        prefill_w / tokens_in if draw else nan,
        decode_w / tokens_out if draw else nan,
        prefill / (prefill + decode),
    )
