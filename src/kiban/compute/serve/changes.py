"""What changes the cost of an iteration: production, errors, drafted tokens."""

from __future__ import annotations

from dataclasses import replace

from kiban.compute.serve.iteration import IterationCost


def slowed(cost: IterationCost, time_factor: float) -> IterationCost:
    """Stretch all seconds, for a benchmark-to-production derate (1 / share) or an error of the model."""
    return replace(
        cost, decode_s=cost.decode_s * time_factor, context_s=cost.context_s * time_factor,
        prefill_tok_s=cost.prefill_tok_s * time_factor, prefill_pair_s=cost.prefill_pair_s * time_factor,
        floor_s=cost.floor_s * time_factor,
    )  # fmt: skip


def drafting(cost: IterationCost, draft_tok: int, draft_cost_frac: float) -> IterationCost:
    """Cost of a speculative step: b requests verify b (k + 1) tokens, after k steps of the draft model.

    Args: cost; drafted tokens k; seconds of a draft step over those of a step of the model. Caches are read once for
    all k + 1 tokens of a request. The number of requests falls to what the table of steps covers.
    Source: Leviathan et al. 2023 (arXiv:2211.17192), section 3; the step stays linear as in ``IterationCost``.
    """
    if draft_tok == 0:
        return cost
    wide = cost.decode_s[:: draft_tok + 1]
    stretch = 1 + draft_tok * draft_cost_frac
    return replace(cost, decode_s=wide * stretch, context_s=cost.context_s * stretch)
