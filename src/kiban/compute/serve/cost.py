"""The iteration cost of a model on an engine, from the fitted serving model."""

from __future__ import annotations

import numpy as np

from kiban.compute.errors import ComputeError
from kiban.compute.serve.features import DECODE, PREFILL, Placement, decode_features, prefill_features
from kiban.compute.serve.fit import ServingFit
from kiban.compute.serve.iteration import IterationCost
from kiban.compute.serve.points import Point

_PROBE_TOK = 1024.0


def iteration_cost(
    at: Placement,
    engine: str,
    fit: ServingFit,
    max_running: int = 1024,
    context_tok: float = 4096.0,
    maturity_years: float = 1.0,
) -> IterationCost:
    """Cost of one iteration of an engine.

    Arguments: placement; ``vllm``, ``sglang`` or ``trtllm`` (any other name: the mean of all); fit; most requests that
    decode at a time; typical context, at which caches that do not grow evenly (windows, indexers) are linearised;
    years since the chip's release.
    Result: ``IterationCost``; a prompt's fixed costs are spread over chunks of 8,192 tokens.
    Errors: ComputeError with the missing bytes where the weights leave no room for one context.
    """
    capacity = at.capacity_tok(at.chip.software.use_frac(engine), context_tok)
    if capacity < context_tok:
        raise ComputeError(
            f"{at.model.name} at {at.precision} puts {at.weight_bytes_each / 1e9:,.1f} GB of weights on each of "
            f"{at.layout.accelerators} {at.chip.name} with {at.chip.memory_bytes / 1e9:,.1f} GB, which leaves room for "
            f"{capacity:,.0f} cached tokens of {context_tok:,.0f}; take more accelerators or a lower precision"
        )
    theta = fit.theta(Point(at, engine, context_tok, 1.0, 1.0, maturity_years))
    d, p = theta[: len(DECODE)], theta[len(DECODE) : len(DECODE) + len(PREFILL)]
    batch = np.arange(max_running + 1, dtype=float)
    bare = d @ decode_features(at, batch, 0.0)
    bare[0] = 0.0
    full = d @ decode_features(at, np.array([1.0]), context_tok)
    empty = d @ decode_features(at, np.array([1.0]), 0.0)
    short, long = (p @ prefill_features(at, np.array([_PROBE_TOK * n])) for n in (1.0, 8.0))
    # Two probes give the part that grows with tokens and the part that grows with pairs, n^2 / 2.
    n1, n2 = _PROBE_TOK, 8 * _PROBE_TOK
    pair = max(float((long / n2 - short / n1)[0]) / ((n2 - n1) / 2), 0.0)
    token = float((short / n1)[0]) - pair * n1 / 2
    return IterationCost(
        accelerators=at.layout.accelerators,
        decode_s=np.asarray(bare),
        context_s=float((full - empty)[0]) / context_tok,
        prefill_tok_s=token,
        prefill_pair_s=pair,
        floor_s=float(d[DECODE.index("step")]),
        kv_capacity_tok=capacity,
    )
