"""The fields of a model description: names in catalogue and file, what they default to, what a style implies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

REQUIRED = ("layers", "hidden_size", "attention_heads", "vocab_size")

COUNTS = {
    "layers": "layers",
    "hidden_size": "hidden",
    "attention_heads": "heads",
    "vocab_size": "vocab",
    "experts_total": "experts",
    "experts_active": "experts_active",
    "experts_shared": "experts_shared",
    "first_dense_layers": "first_dense_layers",
    "mla_kv_lora_rank": "mla_kv_rank",
    "mla_q_lora_rank": "mla_q_rank",
    "mla_qk_nope_head_dim": "mla_nope_dim",
    "mla_qk_rope_head_dim": "mla_rope_dim",
    "mla_v_head_dim": "mla_v_dim",
    "sliding_layers": "sliding_layers",
    "sliding_window_tok": "sliding_window_tok",
    "chunked_layers": "chunked_layers",
    "attention_chunk_tok": "attention_chunk_tok",
    "global_head_dim": "global_head_dim",
    "global_kv_heads": "global_kv_heads",
    "fine_layers": "fine_layers",
    "coarse_layers": "coarse_layers",
    "output_rank": "output_rank",
    "index_topk_tok": "index_topk_tok",
    "index_heads": "index_heads",
    "index_head_dim": "index_head_dim",
    "index_layers": "index_layers",
    "linear_layers": "linear_layers",
    "linear_key_heads": "linear_key_heads",
    "linear_value_heads": "linear_value_heads",
    "linear_key_dim": "linear_key_dim",
    "linear_value_dim": "linear_value_dim",
    "mamba_layers": "mamba_layers",
    "mamba_heads": "mamba_heads",
    "mamba_head_dim": "mamba_head_dim",
    "mamba_state": "mamba_state",
    "shared_ffn_size": "shared_ffn",
    "moe_latent_size": "moe_latent",
    "moe_ffn_matrices": "moe_ffn_matrices",
    "mtp_layers": "mtp_layers",
    "mtp_passes": "mtp_passes",
    "position_table_tok": "position_table_tok",
}
"""Whole numbers that are 0 where nothing is said: name in catalogue and file, field of the model."""

FLAGS = {
    "tied_embeddings": "tied_embeddings",
    "global_k_eq_v": "global_values_are_keys",
    "dense_beside_experts": "dense_beside_experts",
    "attention_gate": "attention_gate",
    "qk_norm": "qk_norm",
    "qkv_bias": "qkv_bias",
    "output_bias": "output_bias",
    "ffn_bias": "ffn_bias",
    "router_bias": "router_bias",
    "shared_gate": "shared_gate",
    "attention_sinks": "attention_sinks",
    "norm_bias": "norm_bias",
    "embedding_norm": "embedding_norm",
    "relative_positions": "relative_positions",
}
"""Yes-or-no fields."""

SPECIAL = (
    "kv_heads", "head_dim", "ffn_size", "ffn_matrices", "moe_ffn_size", "moe_layer_step", "norms_per_layer",
    "linear_conv_kernel", "mamba_conv_kernel", "mamba_groups", "dense_ffn_layers", "moe_layers",
    "fine_ratio", "coarse_ratio", "output_groups", "trained_experts_bits",
)  # fmt: skip
"""Fields whose default depends on others or is not 0."""

STYLES: dict[str, dict[str, int]] = {
    "llama": {},
    "gpt": {
        "ffn_matrices": 2, "tied_embeddings": 1, "qkv_bias": 1, "output_bias": 1, "ffn_bias": 1, "norm_bias": 1,
    },
    "relu2": {"ffn_matrices": 2},
    "nemotron": {"ffn_matrices": 2, "norm_bias": 1},
}  # fmt: skip
"""What a convention implies: ``llama`` gated units, root-mean-square norms, no biases; ``gpt`` plain units of four
hiddens, layer norms, biases, one table; ``relu2`` plain units; ``nemotron`` plain units and layer norms."""


def from_numbers(name: str, get: Callable[[str], float | None], style: str) -> dict[str, Any]:
    """Give the arguments of a model from its numbers.

    Arguments: name; a function that gives the number of a field or None; a name of ``STYLES``.
    Result: keyword arguments of ``ModelSpec``. The four fields of ``REQUIRED`` must be there.
    """
    implied = STYLES[style]

    def whole(field: str, default: int) -> int:
        value = get(field)
        return implied.get(field, default) if value is None else int(value)

    def maybe(field: str) -> int | None:
        value = get(field)
        return None if value is None else int(value)

    fields: dict[str, Any] = {"name": name}
    fields |= {ours: whole(theirs, 0) for theirs, ours in COUNTS.items()}
    fields |= {ours: bool(whole(theirs, 0)) for theirs, ours in FLAGS.items()}
    hidden, heads, experts = fields["hidden"], fields["heads"], fields["experts"]
    ffn = whole("ffn_size", 4 * hidden if style == "gpt" else 0)
    fields |= {
        "kv_heads": whole("kv_heads", heads),
        "head_dim": whole("head_dim", hidden // heads),
        "ffn": ffn,
        "ffn_matrices": whole("ffn_matrices", 3),
        "moe_ffn": whole("moe_ffn_size", 0) or (ffn if experts else 0),
        "moe_layer_step": whole("moe_layer_step", 1),
        "norms_per_layer": whole("norms_per_layer", 2),
        "linear_conv_kernel": whole("linear_conv_kernel", 4),
        "mamba_conv_kernel": whole("mamba_conv_kernel", 4),
        "mamba_groups": whole("mamba_groups", 1),
        "fine_ratio": whole("fine_ratio", 1),
        "coarse_ratio": whole("coarse_ratio", 1),
        "output_groups": whole("output_groups", 1),
        "trained_experts_bits": float(whole("trained_experts_bits", 16)),
        "dense_ffn_layers": maybe("dense_ffn_layers"),
        "expert_layers": maybe("moe_layers"),
    }
    return fields
