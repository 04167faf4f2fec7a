"""Parameter counts, cache sizes and FLOP against what the owners of the models publish."""

from __future__ import annotations

import pytest

from kiban.catalog import load_catalog
from kiban.compute.arithmetic import load_model

CATALOG = load_catalog()

# Owner's model cards and papers: total and active parameters in units of 1e9.
PUBLISHED = {
    "llama31_8b": (8.03, 8.03),
    "llama31_70b": (70.6, 70.6),
    "llama31_405b": (405.9, 405.9),
    "deepseek_v3": (671.0, 37.0),
    "qwen3_235b_a22b": (235.0, 22.0),
    "qwen3_30b_a3b": (30.5, 3.3),
    "gpt_oss_120b": (116.8, None),
    "mixtral_8x7b": (46.7, 12.9),
    "gpt3_175b": (175.0, 175.0),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameter_counts_are_the_published_ones(name: str) -> None:
    total, active = PUBLISHED[name]
    model = load_model(CATALOG, name)
    assert model.params_total / 1e9 == pytest.approx(total, rel=0.01)
    if active is not None:
        assert model.params_active / 1e9 == pytest.approx(active, rel=0.02)


def test_cache_bytes_match_the_published_rows() -> None:
    for key in CATALOG.keys("model."):
        if key.endswith(".kv_cache_bytes_per_tok_bf16"):
            model = load_model(CATALOG, key.split(".")[1])
            assert model.kv_bytes_per_tok("bf16") == CATALOG.value(key)


def test_training_flop_of_llama_405b_is_the_published_budget() -> None:
    # Llama 3 paper (arXiv:2407.21783), section 3.2: 3.8e25 FLOP on 15.6e12 tokens.
    flop = load_model(CATALOG, "llama31_405b").training_flop_per_tok(8192) * 15.6e12
    assert flop == pytest.approx(3.8e25, rel=0.06)


def test_decode_reads_only_experts_that_a_batch_chose() -> None:
    model = load_model(CATALOG, "deepseek_v3")
    one, many = model.weights_read_bytes("fp8", 1), model.weights_read_bytes("fp8", 4096)
    assert one == pytest.approx(model.params_active, rel=1e-9)
    assert many == pytest.approx(model.weight_bytes("fp8"), rel=1e-9)
    assert one < model.weights_read_bytes("fp8", 16) < many


def test_sliding_layers_stop_growing_with_context() -> None:
    model = load_model(CATALOG, "gpt_oss_120b")
    near, far = model.forward_flop_per_tok(1e4), model.forward_flop_per_tok(2e4)
    full_layers = model.layers - model.sliding_layers
    assert far - near == pytest.approx(2 * model.heads * 2 * model.head_dim * full_layers * 1e4)


def test_latent_attention_decodes_on_the_latent_vectors() -> None:
    # DeepSeek-V3 (arXiv:2412.19437), section 4.2: 61 layers, 128 heads, latent 512, rope 64; each earlier token costs
    # a score over 512 + 64 and a value over 512, two FLOP each.
    model = load_model(CATALOG, "deepseek_v3")
    step = model.decode_flop_per_tok(2e4) - model.decode_flop_per_tok(1e4)
    assert step == pytest.approx(61 * 128 * 2 * (512 + 64 + 512) * 1e4)
    dense = load_model(CATALOG, "llama31_70b")
    assert dense.decode_flop_per_tok(1e4) == dense.forward_flop_per_tok(1e4)
