"""The declarative description of a decoder-only model: what its layers are made of, in plain numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Architecture:
    """One decoder-only model.

    A layer is a mixer (attention or a recurrent state) and a feed-forward unit. Mixers that are not counted under one
    of the special kinds (sliding, chunked, linear, mamba) are full attention. Where ``dense_ffn_layers`` and
    ``expert_layers`` are given, ``layers`` counts single blocks and each is one mixer or one unit (Nemotron-H).
    """

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
    """Of the experts as published; engines serve experts of four bits as they are, training does not use it."""

    chunked_layers: int = 0
    attention_chunk_tok: int = 0
    """A token of a chunked layer attends to the earlier ones of its own chunk only (Llama 4)."""
    global_head_dim: int = 0
    """Head dimension of full layers where it differs from the sliding ones (Gemma 4); 0: the same."""
    global_kv_heads: int = 0
    global_values_are_keys: bool = False
    """Full layers have no value projection and cache the keys alone (Gemma 4)."""
    index_topk_tok: int = 0
    """Sparse attention: each token attends to at most so many earlier ones, chosen by an indexer (DeepSeek-V3.2)."""
    index_heads: int = 0
    index_head_dim: int = 0
    index_layers: int = 0
    """Layers with an indexer of their own where others share it (GLM-5.2); 0: all."""

    fine_layers: int = 0
    """Layers that keep one vector per ``fine_ratio`` tokens, an indexer's choice of them, and a window (V4)."""
    fine_ratio: int = 1
    coarse_layers: int = 0
    """Layers that keep one vector per ``coarse_ratio`` tokens, all of them attended, and a window (DeepSeek-V4)."""
    coarse_ratio: int = 1
    output_rank: int = 0
    """One vector of ``head_dim`` is key and value of all heads; the output goes through groups of this rank."""
    output_groups: int = 1

    linear_layers: int = 0
    """Gated-delta layers: a state of value heads x key dim x value dim, no cache that grows."""
    linear_key_heads: int = 0
    linear_value_heads: int = 0
    linear_key_dim: int = 0
    linear_value_dim: int = 0
    linear_conv_kernel: int = 4
    mamba_layers: int = 0
    mamba_heads: int = 0
    mamba_head_dim: int = 0
    mamba_state: int = 0
    mamba_groups: int = 1
    mamba_conv_kernel: int = 4

    dense_ffn_layers: int | None = None
    expert_layers: int | None = None
    moe_layer_step: int = 1
    """Every so many-th layer after the first dense ones has experts (2 in Llama 4 Maverick)."""
    shared_ffn: int = 0
    """Width of all shared experts together; 0: experts_shared x moe_ffn."""
    moe_ffn_matrices: int = 0
    """Matrices of an expert where they differ from a dense unit's; 0: the same."""
    moe_latent: int = 0
    """Routed experts work on vectors of this width between two projections (Nemotron 3 Super); 0: on hidden."""
    dense_beside_experts: bool = False
    """Layers with experts have the dense unit as well (Gemma 4)."""

    mtp_layers: int = 0
    """Layers that predict further tokens; not part of the parameter totals."""
    mtp_passes: int = 0
    """Times that those layers run for one token of training where they share weights; 0: each once."""
    attention_gate: bool = False
    """The query projection gives a gate of its own width as well (Qwen3-Next)."""
    qk_norm: bool = False
    qkv_bias: bool = False
    output_bias: bool = False
    ffn_bias: bool = False
    """Dense units and experts have biases."""
    router_bias: bool = False
    shared_gate: bool = False
    """The shared expert has a gate of one column."""
    attention_sinks: bool = False
    norm_bias: bool = False
    """Layer norm with weight and bias; otherwise root-mean-square norm with a weight."""
    norms_per_layer: int = 2
    embedding_norm: bool = False
    relative_positions: bool = False
    """Attention projects relative positions as well (Transformer-XL, Gopher)."""
    position_table_tok: int = 0
    """Length of a table of learned positions."""

    @property
    def is_moe(self) -> bool:
        """True if some layers have routed experts."""
        return self.experts > 0

    @property
    def single_blocks(self) -> bool:
        """True where each layer is one mixer or one feed-forward unit, not both."""
        return self.dense_ffn_layers is not None or self.expert_layers is not None

    @property
    def moe_layers(self) -> int:
        """Layers with routed experts."""
        if not self.is_moe:
            return 0
        if self.expert_layers is not None:
            return self.expert_layers
        return (self.layers - self.first_dense_layers) // self.moe_layer_step

    @property
    def dense_layers(self) -> int:
        """Layers with a dense feed-forward unit."""
        if self.single_blocks:
            return self.dense_ffn_layers or 0
        return self.layers if self.dense_beside_experts else self.layers - self.moe_layers

    @property
    def mixer_layers(self) -> int:
        """Layers with attention or a recurrent state."""
        return self.layers - self.moe_layers - self.dense_layers if self.single_blocks else self.layers

    @property
    def attention_layers(self) -> int:
        """Layers with attention of any kind."""
        return self.mixer_layers - self.linear_layers - self.mamba_layers

    @property
    def full_layers(self) -> int:
        """Layers that attend to the whole context (or to what an indexer chose from it)."""
        return self.attention_layers - self.sliding_layers - self.chunked_layers - self.compressed_layers

    @property
    def compressed_layers(self) -> int:
        """Layers that keep compressed vectors beside a window."""
        return self.fine_layers + self.coarse_layers

    @property
    def windowed_layers(self) -> int:
        """Layers that attend to a sliding window, alone or beside compressed vectors."""
        return self.sliding_layers + self.compressed_layers

    @property
    def indexers(self) -> int:
        """Layers that have an indexer of their own."""
        return (self.index_layers or self.fine_layers or self.full_layers) if self.index_topk_tok else 0

    @property
    def shared_width(self) -> int:
        """Width of the shared experts of a layer."""
        return (self.shared_ffn or self.experts_shared * self.moe_ffn) if self.experts_shared else 0
