"""Exact arithmetic of transformer models: parameters, FLOP, key-value bytes; no hardware."""

from __future__ import annotations

from dataclasses import dataclass

from kiban.catalog import Catalog

BYTES = {"bf16": 2.0, "fp8": 1.0, "fp4": 0.5}
"""Bytes per value; scales of block formats (up to 1/16 more) are left out."""


@dataclass(frozen=True)
class ModelSpec:
    """One decoder-only transformer: dense or mixture of experts, grouped-query or latent (MLA) attention."""

    name: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int
    ffn: int
    ffn_matrices: int
    """3 for gated units (SwiGLU), 2 for plain ones."""
    experts: int
    experts_active: int
    experts_shared: int
    moe_ffn: int
    first_dense_layers: int
    mla_kv_rank: int
    mla_q_rank: int
    mla_nope_dim: int
    mla_rope_dim: int
    mla_v_dim: int
    sliding_layers: int
    sliding_window_tok: int
    tied_embeddings: bool
    trained_experts_bits: float = 16.0

    @property
    def is_moe(self) -> bool:
        """True if some layers have routed experts."""
        return self.experts > 0

    @property
    def moe_layers(self) -> int:
        """Layers with routed experts."""
        return self.layers - self.first_dense_layers if self.is_moe else 0

    @property
    def attention_params(self) -> float:
        """Weights of one attention block."""
        if self.mla_kv_rank:
            query_dim = self.heads * (self.mla_nope_dim + self.mla_rope_dim)
            query = self.hidden * self.mla_q_rank + self.mla_q_rank * query_dim
            if not self.mla_q_rank:
                query = self.hidden * query_dim
            down = self.hidden * (self.mla_kv_rank + self.mla_rope_dim)
            up = self.mla_kv_rank * self.heads * (self.mla_nope_dim + self.mla_v_dim)
            return float(query + down + up + self.heads * self.mla_v_dim * self.hidden)
        return float(self.hidden * self.head_dim * (2 * self.heads + 2 * self.kv_heads))

    @property
    def expert_params(self) -> float:
        """Weights of one routed expert."""
        return float(self.ffn_matrices * self.hidden * self.moe_ffn)

    @property
    def embedding_params(self) -> float:
        """Weights of the input and output tables (one if tied)."""
        return float(self.vocab * self.hidden * (1 if self.tied_embeddings else 2))

    @property
    def params_total(self) -> float:
        """All weights but norms and biases (below 0.1 %)."""
        dense = (self.layers - self.moe_layers) * self.ffn_matrices * self.hidden * self.ffn
        routed = self.moe_layers * (
            (self.experts + self.experts_shared) * self.expert_params + self.hidden * self.experts
        )
        return self.layers * self.attention_params + dense + routed + self.embedding_params

    @property
    def params_active(self) -> float:
        """Weights that a token meets, both embedding tables included."""
        idle = self.moe_layers * (self.experts - self.experts_active) * self.expert_params
        return self.params_total - idle

    def forward_flop_per_tok(self, context_tok: float) -> float:
        """Forward FLOP of one token that attends to ``context_tok`` earlier ones.

        Equation: 2 FLOP per active weight outside the input table, plus scores and values of attention,
        2 * context * heads * (key dim + value dim) per full layer; sliding layers see at most their window.
        Source: Narayanan et al. 2021 (arXiv:2104.04473) eq. 3 without recomputation, written for any attention.
        """
        table = self.vocab * self.hidden
        weights = self.params_active - (0 if self.tied_embeddings else table)
        per_tok = (self.mla_nope_dim + self.mla_rope_dim + self.mla_v_dim) if self.mla_kv_rank else 2 * self.head_dim
        full = (self.layers - self.sliding_layers) * context_tok
        slid = self.sliding_layers * min(context_tok, self.sliding_window_tok or context_tok)
        return 2.0 * weights + 2.0 * self.heads * per_tok * (full + slid)

    def training_flop_per_tok(self, sequence_tok: float) -> float:
        """Model FLOP of one trained token: forward once, backward twice; causal attention sees half the sequence."""
        return 3.0 * self.forward_flop_per_tok(sequence_tok / 2)

    def decode_flop_per_tok(self, context_tok: float) -> float:
        """FLOP of one generated token: as a forward pass, but latent attention works on the latent vectors themselves.

        Scores cost kv rank + rope dimension and values kv rank per head and earlier token, because the up-projections
        are absorbed into query and output (DeepSeek-V2, arXiv:2405.04434, section 2.1.2).
        """
        if not self.mla_kv_rank:
            return self.forward_flop_per_tok(context_tok)
        plain = self.mla_nope_dim + self.mla_rope_dim + self.mla_v_dim
        absorbed = 2 * self.mla_kv_rank + self.mla_rope_dim
        return (
            self.forward_flop_per_tok(context_tok) + 2.0 * self.heads * (absorbed - plain) * context_tok * self.layers
        )

    def kv_bytes_per_tok(self, precision: str = "bf16") -> float:
        """Key-value cache of one token over all layers (latent vector with MLA)."""
        width = self.mla_kv_rank + self.mla_rope_dim if self.mla_kv_rank else 2 * self.kv_heads * self.head_dim
        return float(self.layers * width * BYTES[precision])

    def weight_bytes(self, precision: str) -> float:
        """All weights at one precision."""
        return self.params_total * BYTES[precision]

    def weights_read_bytes(self, precision: str, batch: float) -> float:
        """Weights that one decode step reads for a batch: every expert that some token of the batch chose.

        Equation: expected distinct experts = E (1 - (1 - k/E)^batch), uniform routing.
        """
        if not self.is_moe:
            return self.weight_bytes(precision)
        hit = self.experts * (1.0 - (1.0 - self.experts_active / self.experts) ** max(batch, 1.0))
        unused = self.moe_layers * (self.experts - hit) * self.expert_params
        return (self.params_total - unused) * BYTES[precision]


def load_model(catalog: Catalog, name: str) -> ModelSpec:
    """Build a model from its catalogue rows ``model.<name>.*``; raises CatalogKeyError with the nearest keys."""

    def get(field: str, default: float | None = None) -> int:
        key = f"model.{name}.{field}"
        if default is not None and not catalog.has(key):
            return int(default)
        return int(catalog.value(key))

    hidden, heads = get("hidden_size"), get("attention_heads")
    mla = get("mla_kv_lora_rank", 0)
    experts = get("experts_total", 0)
    return ModelSpec(
        name=name,
        layers=get("layers"),
        hidden=hidden,
        heads=heads,
        kv_heads=get("kv_heads", heads),
        head_dim=get("head_dim", hidden // heads),
        vocab=get("vocab_size"),
        ffn=get("ffn_size", 0),
        ffn_matrices=get("ffn_matrices", 3),
        experts=experts,
        experts_active=get("experts_active", 0),
        experts_shared=get("experts_shared", 0),
        moe_ffn=get("moe_ffn_size", 0) or (get("ffn_size", 0) if experts else 0),
        first_dense_layers=get("first_dense_layers", 0),
        mla_kv_rank=mla,
        mla_q_rank=get("mla_q_lora_rank", 0),
        mla_nope_dim=get("mla_qk_nope_head_dim", 0),
        mla_rope_dim=get("mla_qk_rope_head_dim", 0),
        mla_v_dim=get("mla_v_head_dim", 0),
        sliding_layers=get("sliding_layers", 0),
        sliding_window_tok=get("sliding_window_tok", 0),
        tied_embeddings=bool(get("tied_embeddings", 0)),
    )
