"""What one engine iteration and one prompt ask of an accelerator, as seconds at full rate; no coefficients.

Each feature is the time of one kind of work on one accelerator if it ran at the data sheet's rate, or a count of fixed
costs. The cost model is their sum, each times a fitted coefficient. Origin: roofline of Pope et al. 2022
(arXiv:2211.05102), section 2, with parts added instead of the largest taken, and alpha-beta collectives.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kiban.compute import feedforward, mixers
from kiban.compute.arithmetic import BYTES, ModelSpec
from kiban.compute.hardware import Accelerator
from kiban.compute.serve.layout import ServeLayout

Array = NDArray[np.float64]

DECODE = (
    "dense_weights", "expert_weights", "cache", "dense_flop", "expert_flop", "attention_flop", "layer", "expert_layer",
    "recurrent_layer", "indexer_layer", "reduce", "reduce_bytes", "exchange", "exchange_bytes", "expert_moves",
    "request", "step", "network",
)  # fmt: skip
PREFILL = (
    "dense_flop", "expert_flop", "attention_flop", "activations", "expert_moves", "reduce_bytes", "exchange_bytes",
    "chunk", "launch", "network",
)  # fmt: skip


@dataclass(frozen=True)
class Placement:
    """A model on an engine: what the features need to know of both."""

    model: ModelSpec
    chip: Accelerator
    layout: ServeLayout
    precision: str
    """Of the weights: ``bf16``, ``fp8``, ``fp4``, ``int4``."""
    cache_precision: str
    dense_precision: str = ""
    """Of the weights outside the experts, where it is known to differ."""
    whole_windows: bool = False
    """True if the engine sets room aside for whole caches of windowed layers (they are still read by window)."""

    @property
    def expert_precision(self) -> str:
        """Precision of the experts: models trained with four-bit experts keep them, whatever the rest runs at."""
        four = self.model.is_moe and self.model.trained_experts_bits < 6
        return "fp4" if four and self.precision not in ("bf16", "int4") else self.precision

    @property
    def expert_bytes(self) -> float:
        """Bytes per expert weight."""
        return BYTES[self.expert_precision]

    @property
    def dense_bytes(self) -> float:
        """Bytes per other weight, on average: four-bit mixtures keep attention at 16 bit, int4 ones all but experts."""
        if self.dense_precision:
            return BYTES[self.dense_precision]
        if not self._four_bit_mixture:
            return BYTES[self.precision]
        return 2.0 * self.wide_frac + BYTES[self.expert_precision] * (1.0 - self.wide_frac)

    @property
    def _four_bit_mixture(self) -> bool:
        return self.expert_precision in ("fp4", "int4") and self.model.is_moe

    @property
    def wide_frac(self) -> float:
        """Share of the body of a four-bit mixture that stays at 16 bit."""
        return 1.0 if self.precision == "int4" else mixers.mixer_weights(self.model) / self.body_weights

    @property
    def flop_per_s(self) -> float:
        """Matrix rate: four-bit weights without four-bit units (and int4 anywhere) are widened to 16 bit."""
        precision = self.expert_precision
        if precision == "int4" or (precision == "fp4" and "fp4" not in self.chip.peak_flop_per_s):
            return self.matrix_rate("bf16")
        return self.matrix_rate(precision)

    def matrix_rate(self, precision: str) -> float:
        """FLOP/s at a precision, by the share of its sheet that the chip's matrix products reach beside Hopper's."""
        return self.chip.peak(precision)[0] * self.chip.matmul_frac

    @property
    def dense_flop_per_s(self) -> float:
        """Matrix rate of the weights outside the experts; of mixed precisions the harmonic mean."""
        if self.dense_precision:
            return self.matrix_rate(self.dense_precision)
        if not self._four_bit_mixture:
            return self.flop_per_s
        return 1.0 / (self.wide_frac / self.matrix_rate("bf16") + (1.0 - self.wide_frac) / self.flop_per_s)

    @property
    def head_weights(self) -> float:
        """Weights of the output table."""
        return float(self.model.vocab * self.model.hidden)

    @property
    def body_weights(self) -> float:
        """Weights outside experts and tables."""
        m = self.model
        return m.params_total - m.routed_expert_params - m.embedding_params

    @property
    def weight_bytes_each(self) -> float:
        """Weights on one accelerator: attention replicas each keep the body, experts and tables are spread."""
        m, p = self.model, self.layout
        body = self.body_weights * self.dense_bytes / p.tensor
        rest = m.routed_expert_params * self.expert_bytes + 2.0 * m.embedding_params
        return (body + rest / p.stage) / p.pipeline

    @property
    def cache_share(self) -> float:
        """Part of a request's cache on each accelerator of its replica; latent caches are whole on each."""
        heads = 1 if self.model.mla_kv_rank else max(self.model.kv_heads, 1)
        return 1.0 / min(self.layout.tensor, heads)

    def capacity_tok(self, use_frac: float, context_tok: float) -> float:
        """Cached tokens that fit on the engine at a mean final context; 0 where weights alone do not fit."""
        # An engine whose weights leave next to nothing is started with a larger share.
        for share in (use_frac, self.chip.software.tight_memory_use_frac):
            free = self.chip.memory_bytes * share - self.chip.software.workspace_bytes - self.weight_bytes_each
            if free > 0.02 * self.chip.memory_bytes:
                break
        kept = replace(self.model, sliding_window_tok=0, attention_chunk_tok=0) if self.whole_windows else self.model
        each = kept.kv_cache_bytes(context_tok, self.cache_precision) / max(context_tok, 1.0)
        return max(free, 0.0) * self.layout.data * self.layout.pipeline / max(each * self.cache_share, 1e-9)


def default_cache_precision(model: ModelSpec, chip: Accelerator, precision: str, engine: str) -> str:
    """Precision of the cache that engines choose where a row names none.

    TensorRT-LLM keeps 8-bit caches with 8- and 4-bit weights; the others do so for dense models, and on chips with
    four-bit units; else they keep 16 bit. Models published with four-bit experts keep 16 bit on chips without
    four-bit units under it too. Read off the rows whose time to first token, or whose offline
    rate at long outputs, shows how many requests ran.
    """
    if precision == "bf16":
        return "bf16"
    if not model.is_moe or (engine == "trtllm" and model.trained_experts_bits >= 6):
        return "fp8"
    return "fp8" if "fp4" in chip.peak_flop_per_s else "bf16"


def keeps_whole_windows(engine: str) -> bool:
    """True if an engine sets room aside for whole caches of windowed layers.

    TensorRT-LLM divides its memory among pools of each window once and for all, which its documentation (KV cache
    system, "The basics") calls not optimal; its offline rates at long outputs fit whole caches.
    """
    return engine == "trtllm"


def decode_features(at: Placement, batch: Array, context_tok: Array | float) -> Array:
    """Features of a decode step of ``batch`` requests of ``context_tok`` tokens each, (len(DECODE), n)."""
    m, chip, p = at.model, at.chip, at.layout
    batch = np.asarray(batch, float)
    rank = batch / p.data
    bandwidth = chip.memory_bytes_per_s
    hit = feedforward.expert_visits(m, batch) if m.is_moe else 0.0 * batch
    body = at.body_weights * at.dense_bytes / p.tensor + 2.0 * at.head_weights / p.stage
    experts = m.moe_layers * hit * m.expert_params * at.expert_bytes / p.stage
    cache = rank * m.kv_read_bytes(np.asarray(context_tok, float) + 0.0 * batch, at.cache_precision) * at.cache_share
    attention = batch * (m.decode_flop_per_tok(np.asarray(context_tok, float)) - m.decode_flop_per_tok(np.float64(0)))
    one = np.ones_like(batch)
    link, network = _link(chip, p)
    reduces = 2.0 * m.mixer_layers
    value_bytes = rank * m.hidden * 2.0
    moved = m.moe_layers * batch * m.experts_active * m.hidden / p.stage
    ways = (p.tensor > 1) * reduces * np.log2(max(p.tensor, 2))
    exchanges = (p.data > 1) * 2.0 * m.moe_layers
    crossed = exchanges * value_bytes * _copies(m, chip, p, network)
    reduced = (p.tensor > 1) * reduces * value_bytes * 2.0 * (p.tensor - 1) / p.tensor
    recurrent = float(m.linear_layers + m.mamba_layers)
    return np.stack([
        body / bandwidth * one, experts / bandwidth, cache / bandwidth,
        2.0 * batch * (at.body_weights + at.head_weights) / p.stage / at.dense_flop_per_s,
        2.0 * batch * m.active_expert_params / p.stage / at.flop_per_s,
        attention / p.stage / at.matrix_rate("bf16"),
        m.mixer_layers * one, m.moe_layers * one, recurrent * one, float(m.indexers) * one, ways * one,
        reduced / link, exchanges * np.log2(max(p.data, 2)) * one,
        crossed / link * (1.0 - network), moved / bandwidth, batch / p.data, one, (reduced + crossed) / link * network,
    ])  # fmt: skip


def prefill_features(at: Placement, tokens: Array, spread: bool = True, filled: float = 0.0) -> Array:
    """Features of computing prompts of ``tokens``, (len(PREFILL), n).

    A lone prompt (not ``spread``) has one replica. ``filled``: replicas whose iterations are filled to whole chunks at
    the same time because prompts always wait; 0 where each prompt starts an iteration.
    """
    m, chip, p = at.model, at.chip, at.layout
    tokens = np.asarray(tokens, float)
    used = p.stage if spread else p.tensor
    link, network = _link(chip, p)
    pairs = tokens * (m.forward_flop_per_tok(tokens / 2) - m.forward_flop_per_tok(np.float64(0)))
    moved = m.moe_layers * tokens * m.experts_active * m.hidden / p.stage
    reduced = 2.0 * m.mixer_layers * tokens * m.hidden * 4.0 * (p.tensor - 1) / p.tensor / (p.data if spread else 1)
    crossed = 2.0 * m.moe_layers * tokens * m.hidden * _copies(m, chip, p, network) * 2.0 / used * (p.data > 1)
    chunk = chip.software.chunk_tok
    iterations = tokens / chunk / filled if filled else np.ceil(tokens / chunk)
    return np.stack([
        2.0 * tokens * at.body_weights / used / at.dense_flop_per_s,
        2.0 * tokens * m.active_expert_params / p.stage / at.flop_per_s,
        pairs / used / at.matrix_rate("bf16"),
        m.mixer_layers * tokens * m.hidden * 2.0 / chip.memory_bytes_per_s / (p.data if spread else 1),
        moved / chip.memory_bytes_per_s, reduced / link, crossed / link * (1.0 - network),
        m.mixer_layers * tokens / chunk / max(filled, 1.0), m.mixer_layers * iterations,
        (reduced + crossed) / link * network,
    ])  # fmt: skip


def _copies(m: ModelSpec, chip: Accelerator, p: ServeLayout, network: float) -> float:
    """Accelerators (or nodes, beyond one domain) that one token is sent to; DeepSeek's routing visits at most 4 nodes
    (arXiv:2412.19437, section 2.1.2)."""
    if not network:
        return float(min(m.experts_active, p.stage))
    nodes = math.ceil(p.stage / max(chip.scale_up_accelerators, 1))
    return min(m.experts_active, nodes, chip.software.nodes_visited) * (1.0 - 1.0 / nodes)


def _link(chip: Accelerator, p: ServeLayout) -> tuple[float, float]:
    """Bytes per second between the accelerators of a stage, and 1 where they lie in more than one scale-up domain."""
    if p.stage <= max(chip.scale_up_accelerators, 1):
        return chip.scale_up_bytes_per_s, 0.0
    return chip.scale_out_bytes_per_s, 1.0
