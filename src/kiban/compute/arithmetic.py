"""Exact arithmetic of decoder-only models: parameters, FLOP, bytes of weights and caches; no hardware.

The methods that take numbers of tokens take arrays as well and then give arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from kiban.catalog import Catalog
from kiban.compute import feedforward, mixers
from kiban.compute.architecture import Architecture
from kiban.compute.model_fields import from_numbers

BYTES = {"fp32": 4.0, "bf16": 2.0, "fp16": 2.0, "fp8": 1.0, "int8": 1.0, "fp4": 0.5, "int4": 0.5}
"""Bytes per value; scales of block formats (up to 1/16 more) are left out."""

Number = TypeVar("Number", float, NDArray[np.float64])


@dataclass(frozen=True)
class ModelSpec(Architecture):
    """A model description with its arithmetic."""

    @property
    def attention_params(self) -> float:
        """Weights of the matrices of one full-attention layer."""
        return mixers.attention_weights(self)

    @property
    def expert_params(self) -> float:
        """Weights of one routed expert."""
        return feedforward.expert_weights(self)

    @property
    def embedding_params(self) -> float:
        """Weights of the input and output tables (one if tied) and of learned positions."""
        tables = 1 if self.tied_embeddings else 2
        return float(self.vocab * self.hidden * tables + self.position_table_tok * self.hidden)

    @property
    def vector_params(self) -> float:
        """Weights that are no matrices of a product: norms, biases of mixers and routers, convolutions, sinks."""
        norms = self.layers * (1 if self.single_blocks else self.norms_per_layer) + 1 + self.embedding_norm
        norm = self.hidden * (2 if self.norm_bias else 1)
        routers = self.moe_layers * self.experts * self.router_bias
        return norms * norm + mixers.mixer_vectors(self) + routers

    @property
    def params_total(self) -> float:
        """All weights of the language model; layers that predict further tokens (MTP) are apart."""
        matrices = mixers.mixer_weights(self) + feedforward.feedforward_weights(self)
        return matrices + self.embedding_params + self.vector_params

    @property
    def active_expert_params(self) -> float:
        """Weights of the routed experts that one token visits, over all layers."""
        return self.moe_layers * self.experts_active * self.expert_params

    @property
    def routed_expert_params(self) -> float:
        """Weights of all routed experts of all layers."""
        return self.moe_layers * self.experts * self.expert_params

    @property
    def params_active(self) -> float:
        """Weights that a token meets, both embedding tables included."""
        return self.params_total - self.routed_expert_params + self.active_expert_params

    @property
    def mtp_params(self) -> float:
        """Weights of the layers that predict further tokens: a whole layer each, and a projection of two hiddens.

        The tables are shared with the model. Source: DeepSeek-V3 (arXiv:2412.19437), section 2.2.
        """
        unit = feedforward.dense_weights(self)
        if self.is_moe:
            routed = self.experts * self.expert_params
            unit = routed + feedforward.shared_weights(self) + feedforward.router_weights(self)
        return self.mtp_layers * (self.attention_params + unit + 2.0 * self.hidden**2 + 5.0 * self.hidden)

    @property
    def matrix_params_active(self) -> float:
        """Weights of the products that one token takes part in: no input table, norms, positions or biases of norms."""
        input_table = 0 if self.tied_embeddings else self.vocab * self.hidden
        positions = self.position_table_tok * self.hidden
        return self.params_active - self.vector_params - input_table - positions

    def forward_flop_per_tok(self, context_tok: Number) -> Number:
        """Forward FLOP of one token that attends to ``context_tok`` earlier ones.

        Equation: 2 FLOP per active weight outside the input table, plus scores and values of attention,
        2 * context * heads * (key dim + value dim) per full layer; sliding layers see at most their window, chunked
        ones their chunk, and layers with an indexer at most its choice; recurrent layers cost the same at any context.
        Source: Narayanan et al. 2021 (arXiv:2104.04473) eq. 3 without recomputation, written for any mixer.
        """
        return self._fixed_flop() + mixers.context_flop(
            self,
            context_tok,
            mixers.within(context_tok, self.sliding_window_tok),
            mixers.in_chunk(context_tok, self.attention_chunk_tok),
            mixers.within(context_tok, self.index_topk_tok),
        )

    def training_flop_per_tok(self, sequence_tok: Number) -> Number:
        """Model FLOP of one trained token: forward once, backward twice; causal attention sees half the sequence.

        Windows, chunks and choices of an indexer are averaged over the positions of the sequence.
        """
        return 3.0 * (
            self._fixed_flop()
            + mixers.context_flop(
                self,
                sequence_tok / 2,
                mixers.mean_within(sequence_tok, self.sliding_window_tok),
                mixers.mean_in_chunk(sequence_tok, self.attention_chunk_tok),
                mixers.mean_within(sequence_tok, self.index_topk_tok),
            )
        )

    def _fixed_flop(self) -> float:
        return 2.0 * self.matrix_params_active + mixers.state_flop(self)

    def decode_flop_per_tok(self, context_tok: Number) -> Number:
        """FLOP of one generated token: as a forward pass, but latent attention works on the latent vectors themselves.

        Scores cost kv rank + rope dimension and values kv rank per head and earlier token, because the up-projections
        are absorbed into query and output (DeepSeek-V2, arXiv:2405.04434, section 2.1.2).
        """
        if not self.mla_kv_rank:
            return self.forward_flop_per_tok(context_tok)
        more = 2 * self.mla_kv_rank + self.mla_rope_dim - mixers.attended_dims(self)
        attended = mixers.within(context_tok, self.index_topk_tok)
        return self.forward_flop_per_tok(context_tok) + 2.0 * self.heads * more * self.full_layers * attended

    def kv_bytes_per_tok(self, precision: str = "bf16") -> float:
        """Cache that one more token adds while every window still grows, over all attention layers.

        Latent vector with MLA; keys of indexers included; recurrent layers add nothing. ``kv_cache_bytes`` counts what
        a sequence of a given length occupies.
        """
        local = self.sliding_layers + self.chunked_layers
        values = self.full_layers * mixers.full_cache_values(self) + local * mixers.local_cache_values(self)
        return values * BYTES[precision] + mixers.index_bytes(self)

    def kv_cache_bytes(self, context_tok: Number, precision: str = "bf16") -> Number:
        """Bytes that a sequence of this many tokens occupies: full layers grow, windows stop, states stay."""
        return self._cache_bytes(
            context_tok,
            mixers.within(context_tok, self.sliding_window_tok),
            mixers.within(context_tok, self.attention_chunk_tok),
            context_tok,
            precision,
        )

    def kv_read_bytes(self, context_tok: Number, precision: str = "bf16") -> Number:
        """Bytes that one decode step reads for a sequence of this many tokens.

        As ``kv_cache_bytes``, but layers with an indexer read the keys of all tokens and the cache of the chosen ones,
        and chunked layers read the running chunk.
        """
        return self._cache_bytes(
            context_tok,
            mixers.within(context_tok, self.sliding_window_tok),
            mixers.in_chunk(context_tok, self.attention_chunk_tok),
            mixers.within(context_tok, self.index_topk_tok),
            precision,
        )

    def _cache_bytes(
        self, context_tok: Number, sliding_tok: Number, chunk_tok: Number, full_tok: Number, precision: str
    ) -> Number:
        local = mixers.local_cache_values(self) * BYTES[precision]
        full = mixers.full_cache_values(self) * BYTES[precision]
        return (
            self.full_layers * full * full_tok
            + self.sliding_layers * local * sliding_tok
            + self.chunked_layers * local * chunk_tok
            + mixers.index_bytes(self) * context_tok
            + mixers.state_bytes(self)
        )

    def weight_bytes(self, precision: str) -> float:
        """All weights at one precision."""
        return self.params_total * BYTES[precision]

    def weights_read_bytes(self, precision: str, batch: Number) -> Number:
        """Weights that one decode step reads for a batch: every expert that some token of the batch chose.

        Equation: expected distinct experts = E (1 - (1 - k/E)^batch), uniform routing.
        """
        hit = feedforward.expert_visits(self, batch)
        unused = self.moe_layers * (self.experts - hit) * self.expert_params
        return (self.params_total - unused) * BYTES[precision]


def load_model(catalog: Catalog, name: str) -> ModelSpec:
    """Build a model from its catalogue rows ``model.<name>.*``; raises CatalogKeyError with the nearest keys."""

    def get(field: str) -> float | None:
        key = f"model.{name}.{field}"
        return catalog.value(key) if catalog.has(key) else None

    catalog.value(f"model.{name}.layers")
    style = f"model.{name}.style"
    return ModelSpec(**from_numbers(name, get, catalog.text(style) if catalog.has(style) else "llama"))
